#include "mock/secret_names.hpp"

#include "events/redact_json.hpp"

#include <algorithm>

namespace hourglass::mock {

namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

int hex_digit(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// Percent escapes of ASCII as what they stand for, so that `api%5Fkey` is a name too; all others become blanks.
std::string without_escapes(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low >= 0) {
      out += high < 8 ? static_cast<char>(high * 16 + low) : ' ';
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool has_secret_word(std::string_view text) {
  std::string_view before;
  while (!text.empty()) {
    const auto end = static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_word) - text.begin());
    if (end > 0) {
      if (events::is_sensitive_name(text.substr(0, end), before))
        return true;
      before = text.substr(0, end);
      text.remove_prefix(end);
      continue;
    }
    text.remove_prefix(std::min<std::size_t>(text.front() == '\\' ? 2 : 1, text.size())); // `\b` of a pattern and `\n` of JSON are no letters
  }
  return false;
}

} // namespace

bool names_secret(std::string_view text) {
  return has_secret_word(text) || (text.find('%') != std::string_view::npos && has_secret_word(without_escapes(text)));
}

bool has_secret_member(const json_value& v) {
  return std::any_of(v.names.begin(), v.names.end(), [](const auto& n) { return events::is_sensitive_name(n, {}) || names_secret(n); }) ||
         std::any_of(v.items.begin(), v.items.end(), has_secret_member);
}

bool tells_secret(const json_value& v) {
  return (v.is_string() && names_secret(v.text)) ||
         std::any_of(v.names.begin(), v.names.end(), [](const auto& n) { return events::is_sensitive_name(n, {}) || names_secret(n); }) ||
         std::any_of(v.items.begin(), v.items.end(), tells_secret);
}

} // namespace hourglass::mock
