// ECMA-262 to RE2: one pass over the pattern that writes every atom in a form which means the same in both.
#include "mock/ecma_regex.hpp"

#include "events/json_text.hpp"
#include "mock/schema_limits.hpp"
#include "mock/unicode_property.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;

// White space and line ends of ECMA-262, and everything else, as they stand in a class.
constexpr std::string_view space = R"(\t-\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff})";
constexpr std::string_view not_space = R"(\x{0}-\x{8}\x{e}-\x{1f}!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e})"
                                       R"(\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff})";
constexpr std::string_view not_line_end = R"([^\n\r\x{2028}\x{2029}])";

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

class translator {
public:
  explicit translator(std::string_view in) : in_(in) {}

  outcome<std::string> run() {
    while (at_ < in_.size() && !problem_)
      step();
    if (!problem_ && depth_ > 0)
      refuse("a group is not closed", in_.size());
    if (problem_)
      return tl::unexpected<events::error>{*problem_};
    return std::move(out_);
  }

private:
  void step() {
    char c = in_[at_];
    switch (c) {
    case '(':
      return open();
    case ')':
      if (depth_ == 0)
        return refuse("a `)` closes nothing", at_);
      --depth_;
      return atom(")", 1);
    case '[':
      return character_class();
    case '.':
      return atom(not_line_end, 1);
    case '^':
      return assertion(R"(\A)", 1);
    case '$':
      return assertion(R"(\z)", 1);
    case '|':
      out_ += '|';
      ++at_;
      repeatable_ = false;
      return;
    case '*':
    case '+':
    case '?':
      return quantifier(std::string(1, c), 1);
    case '{':
      return braces();
    case '\\':
      return escape();
    }
    put(next_character());
    repeatable_ = true;
  }

  void open() {
    if (++depth_ > most_depth)
      return refuse("groups nest too deep", at_);
    auto rest = in_.substr(at_ + 1);
    repeatable_ = false;
    out_ += "(?:";
    if (!rest.starts_with("?")) {
      ++at_;
    } else if (rest.starts_with("?:")) {
      at_ += 3;
    } else if (rest.starts_with("?=") || rest.starts_with("?!") || rest.starts_with("?<=") || rest.starts_with("?<!")) {
      refuse("lookahead and lookbehind are not supported: they cannot be matched in linear time", at_);
    } else if (auto end = rest.find('>'); rest.starts_with("?<") && end != std::string_view::npos && end > 2) {
      at_ += 1 + end + 1;
    } else {
      refuse("an unknown kind of group", at_);
    }
  }

  void quantifier(std::string text, std::size_t length) {
    if (!repeatable_)
      return refuse("there is nothing to repeat", at_);
    at_ += length;
    if (at_ < in_.size() && in_[at_] == '?') {
      text += '?';
      ++at_;
    }
    out_ += text;
    repeatable_ = false;
  }

  /// `{n}`, `{n,}`, `{n,m}`; any other brace is a character.
  void braces() {
    auto end = in_.find('}', at_);
    auto text = end == std::string_view::npos ? std::string_view{} : in_.substr(at_ + 1, end - at_ - 1);
    auto comma = std::min(text.find(','), text.size());
    auto low = text.substr(0, comma);
    auto high = comma < text.size() ? text.substr(comma + 1) : std::string_view{};
    auto number = [](std::string_view n) { return std::all_of(n.begin(), n.end(), is_digit); };
    if (low.empty() || !number(low) || !number(high)) {
      put('{');
      ++at_;
      repeatable_ = true;
      return;
    }
    auto too_many = [](std::string_view n) { return n.size() > 4 || (n.size() == 4 && n > "1000"); };
    if (too_many(low) || too_many(high))
      return refuse("a quantifier of more than 1000 is not supported; minLength and maxLength are", at_);
    quantifier('{' + std::string{text} + '}', end - at_ + 1);
  }

  void escape() {
    auto from = at_;
    auto rest = in_.substr(at_);
    if (rest.size() < 2)
      return refuse("ends in a backslash", from);
    char c = rest[1];
    switch (c) {
    case 'b':
    case 'B':
      return assertion(rest.substr(0, 2), 2);
    case 'd':
    case 'D':
    case 'w':
    case 'W':
      return atom(rest.substr(0, 2), 2);
    case 's':
      return atom('[' + std::string{space} + ']', 2);
    case 'S':
      return atom('[' + std::string{not_space} + ']', 2);
    case 'p':
    case 'P':
      out_ += '[' + property() + ']';
      repeatable_ = true;
      return;
    case 'k':
      return refuse("backreferences are not supported: they cannot be matched in linear time", from);
    default:
      if (c >= '1' && c <= '9')
        return refuse("backreferences are not supported: they cannot be matched in linear time", from);
      put(escaped_character(false));
      repeatable_ = true;
    }
  }

  void character_class() {
    auto from = at_++;
    bool negated = at_ < in_.size() && in_[at_] == '^';
    if (negated)
      ++at_;
    std::string members;
    while (at_ < in_.size() && in_[at_] != ']' && !problem_) {
      auto first_at = at_;
      std::string set;
      auto first = member(set);
      if (problem_)
        return;
      bool range = at_ + 1 < in_.size() && in_[at_] == '-' && in_[at_ + 1] != ']';
      if (!first) {
        members += set;
        continue;
      }
      if (!range) {
        members += coded(*first);
        continue;
      }
      ++at_;
      auto last = member(set);
      if (problem_)
        return;
      if (!last) { // `[a-\d]`: without the flag `u` these are three members
        members += coded(*first) + R"(\x{2d})" + set;
        continue;
      }
      if (*last < *first)
        return refuse("a range runs backwards", first_at);
      members += coded(*first) + '-' + coded(*last);
    }
    if (at_ == in_.size())
      return refuse("a class is not closed", from);
    ++at_;
    if (members.empty())
      out_ += negated ? R"([\x{0}-\x{10ffff}])" : R"([^\x{0}-\x{10ffff}])";
    else
      out_ += (negated ? "[^" : "[") + members + ']';
    repeatable_ = true;
  }

  /// One character of a class, or nothing and `set` if a whole set stands here.
  std::optional<char32_t> member(std::string& set) {
    if (in_[at_] != '\\')
      return next_character();
    if (at_ + 1 == in_.size()) {
      refuse("ends in a backslash", at_);
      return std::nullopt;
    }
    char c = in_[at_ + 1];
    if (c == 'd' || c == 'D' || c == 'w' || c == 'W') {
      set = in_.substr(at_, 2);
    } else if (c == 's' || c == 'S') {
      set = c == 's' ? space : not_space;
    } else if (c == 'p' || c == 'P') {
      set = property();
      return std::nullopt;
    } else {
      return escaped_character(true);
    }
    at_ += 2;
    return std::nullopt;
  }

  /// As members of a class.
  std::string property() {
    auto from = at_;
    bool negated = in_[at_ + 1] == 'P';
    auto end = in_.find('}', at_);
    if (at_ + 2 >= in_.size() || in_[at_ + 2] != '{' || end == std::string_view::npos) {
      refuse("a property needs a name in braces", from);
      return {};
    }
    auto name = in_.substr(at_ + 3, end - at_ - 3);
    at_ = end + 1;
    auto members = unicode_property(name, negated);
    if (members.empty())
      refuse("the property `" + std::string{name.substr(0, 40)} + "` is not supported, only general categories and scripts", from);
    return members;
  }

  char32_t escaped_character(bool in_class) {
    auto from = at_;
    char c = in_[at_ + 1];
    at_ += 2;
    switch (c) {
    case 't':
      return '\t';
    case 'n':
      return '\n';
    case 'v':
      return '\v';
    case 'f':
      return '\f';
    case 'r':
      return '\r';
    case 'b':
      if (in_class)
        return '\b';
      break;
    case '0':
      if (at_ < in_.size() && is_digit(in_[at_]))
        break;
      return 0;
    case 'c':
      if (at_ < in_.size() && ((in_[at_] | 0x20) >= 'a' && (in_[at_] | 0x20) <= 'z'))
        return static_cast<char32_t>(in_[at_++] & 0x1f);
      break;
    case 'x':
      if (auto code = hex(2))
        return *code;
      break;
    case 'u':
      return unicode(from);
    default:
      if (static_cast<unsigned char>(c) >= 0x80) {
        --at_;
        return next_character();
      }
      if (!is_word(c) || c == '_')
        return static_cast<unsigned char>(c);
    }
    refuse("an unknown escape", from);
    return 0;
  }

  char32_t unicode(std::size_t from) {
    if (at_ < in_.size() && in_[at_] == '{') {
      ++at_;
      char32_t code = 0;
      auto start = at_;
      while (at_ < in_.size() && in_[at_] != '}' && code <= 0x10ffff) {
        auto digit = hex(1);
        if (!digit)
          break;
        code = code * 16 + *digit;
      }
      if (at_ < in_.size() && in_[at_] == '}' && at_ > start && code <= 0x10ffff) {
        ++at_;
        return code;
      }
      refuse("an unknown escape", from);
      return 0;
    }
    auto code = hex(4);
    if (!code) {
      refuse("an unknown escape", from);
      return 0;
    }
    if (*code >= 0xd800 && *code < 0xdc00 && in_.substr(at_).starts_with("\\u")) {
      auto back = at_;
      at_ += 2;
      if (auto low = hex(4); low && *low >= 0xdc00 && *low < 0xe000)
        return 0x10000 + ((*code - 0xd800) << 10U) + (*low - 0xdc00);
      at_ = back;
    }
    if (*code >= 0xd800 && *code < 0xe000)
      refuse("half of a surrogate pair matches no text", from);
    return *code;
  }

  std::optional<char32_t> hex(std::size_t digits) {
    char32_t code = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      char c = at_ < in_.size() ? in_[at_] : '\0';
      char lower = static_cast<char>(c | 0x20);
      if (is_digit(c))
        code = code * 16 + static_cast<char32_t>(c - '0');
      else if (lower >= 'a' && lower <= 'f')
        code = code * 16 + static_cast<char32_t>(lower - 'a' + 10);
      else
        return std::nullopt;
      ++at_;
    }
    return code;
  }

  /// One character of UTF-8, which the caller has checked.
  char32_t next_character() {
    auto lead = static_cast<unsigned char>(in_[at_++]);
    int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
    char32_t code = more == 0 ? lead : lead & (0x3fU >> static_cast<unsigned>(more));
    while (more-- > 0)
      code = (code << 6U) | (static_cast<unsigned char>(in_[at_++]) & 0x3fU);
    return code;
  }

  static std::string coded(char32_t c) {
    if (c < 0x80 && is_word(static_cast<char>(c)))
      return std::string(1, static_cast<char>(c));
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "\\x{%x}", static_cast<unsigned>(c));
    return text.data();
  }

  void put(char32_t c) { out_ += coded(c); }

  void atom(std::string_view text, std::size_t length) {
    out_ += text;
    at_ += length;
    repeatable_ = true;
  }
  void assertion(std::string_view text, std::size_t length) {
    atom(text, length);
    repeatable_ = false;
  }

  void refuse(std::string why, std::size_t where) {
    if (!problem_)
      problem_ = events::error{errc::invalid, std::move(why), std::to_string(where)};
    at_ = in_.size();
  }

  static constexpr std::size_t most_depth = 200; ///< RE2 itself allows 1000

  std::string_view in_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  bool repeatable_ = false;
  std::string out_;
  std::optional<events::error> problem_;
};

} // namespace

outcome<std::string> to_re2(std::string_view pattern) {
  if (pattern.size() > limits::regex_text_bytes)
    return failure(errc::too_large, "is longer than the limit regex_text_bytes (" + std::to_string(limits::regex_text_bytes) + ")", "0");
  if (!events::is_utf8(pattern))
    return failure(errc::invalid, "is not UTF-8", "0");
  return translator{pattern}.run();
}

} // namespace hourglass::mock
