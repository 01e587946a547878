#include "mock/unicode_property.hpp"

#include <algorithm>
#include <array>

#include <re2/re2.h>

namespace hourglass::mock {

namespace {

struct long_name {
  std::string_view name;
  std::string_view code;
};
constexpr std::array<long_name, 37> categories{{
  {"Letter", "L"}, {"Uppercase_Letter", "Lu"}, {"Lowercase_Letter", "Ll"}, {"Titlecase_Letter", "Lt"},
  {"Modifier_Letter", "Lm"}, {"Other_Letter", "Lo"}, {"Mark", "M"}, {"Combining_Mark", "M"}, {"Nonspacing_Mark", "Mn"},
  {"Spacing_Mark", "Mc"}, {"Enclosing_Mark", "Me"}, {"Number", "N"}, {"Decimal_Number", "Nd"}, {"digit", "Nd"},
  {"Letter_Number", "Nl"}, {"Other_Number", "No"}, {"Punctuation", "P"}, {"punct", "P"}, {"Connector_Punctuation", "Pc"},
  {"Dash_Punctuation", "Pd"}, {"Open_Punctuation", "Ps"}, {"Close_Punctuation", "Pe"}, {"Initial_Punctuation", "Pi"}, {"Final_Punctuation", "Pf"},
  {"Other_Punctuation", "Po"}, {"Symbol", "S"}, {"Math_Symbol", "Sm"}, {"Currency_Symbol", "Sc"}, {"Modifier_Symbol", "Sk"},
  {"Other_Symbol", "So"}, {"Separator", "Z"}, {"Space_Separator", "Zs"}, {"Line_Separator", "Zl"}, {"Paragraph_Separator", "Zp"},
  {"Other", "C"}, {"Control", "Cc"}, {"Format", "Cf"},
}};

} // namespace

std::string unicode_property(std::string_view name, bool negated) {
  if (name == "ASCII")
    return negated ? R"(\x{80}-\x{10ffff})" : R"(\x{0}-\x{7f})";
  if (name == "Any" && !negated)
    return R"(\x{0}-\x{10ffff})";
  bool script = false;
  for (std::string_view prefix : {"General_Category=", "gc=", "Script=", "sc=", "Script_Extensions=", "scx="}) {
    if (name.starts_with(prefix)) {
      name.remove_prefix(prefix.size());
      script = prefix.front() != 'G' && prefix.front() != 'g';
    }
  }
  const auto* known = std::find_if(categories.begin(), categories.end(), [&](const long_name& c) { return c.name == name; });
  if (!script && known != categories.end())
    name = known->code;
  bool plain = !name.empty() && name.size() < 40 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  });
  auto text = std::string{negated ? R"(\P{)" : R"(\p{)"} + std::string{name} + '}';
  re2::RE2::Options quiet;
  quiet.set_log_errors(false);
  return plain && re2::RE2{text, quiet}.ok() ? text : std::string{};
}

} // namespace hourglass::mock
