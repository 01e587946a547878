#include "mock/json_path.hpp"

#include <algorithm>
#include <utility>

namespace hourglass::mock {

using events::errc;
using events::failure;

// -- the text ------------------------------------------------------------------

class json_path::parser {
public:
  explicit parser(std::string_view text) : text_{text} {}

  events::outcome<json_path> run() {
    if (text_.size() > most_bytes)
      return failure(errc::too_large, "a JSONPath has at most " + std::to_string(most_bytes) + " bytes");
    json_path out;
    if (!take('$'))
      say("a JSONPath starts with `$`");
    while (fault_.empty() && at_ < text_.size()) {
      skip_blanks();
      out.segments_.push_back(read_segment());
    }
    if (!fault_.empty())
      return failure(too_many_ ? errc::too_large : errc::invalid, fault_, "1:" + std::to_string(fault_at_ + 1));
    return out;
  }

private:
  bool next_is(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool take(char c) {
    if (!next_is(c))
      return false;
    ++at_;
    return true;
  }
  void skip_blanks() {
    while (at_ < text_.size() && std::string_view{" \t\r\n"}.find(text_[at_]) != std::string_view::npos)
      ++at_;
  }
  void say(std::string what) {
    if (!fault_.empty())
      return;
    fault_ = std::move(what);
    fault_at_ = at_;
  }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static bool starts_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80; }

  segment read_segment() {
    segment out;
    if (take('.')) {
      out.descendant = take('.');
      if (!(out.descendant && next_is('['))) {
        add(out, take('*') ? wildcard() : shorthand());
        return out;
      }
    }
    if (!take('[')) {
      say("expected `.` or `[`");
      return out;
    }
    do {
      skip_blanks();
      add(out, read_selector());
      skip_blanks();
    } while (fault_.empty() && take(','));
    if (fault_.empty() && !take(']'))
      say("expected `,` or `]`");
    return out;
  }

  void add(segment& to, selector s) {
    if (++selectors_ > most_selectors) {
      say("a JSONPath has at most " + std::to_string(most_selectors) + " selectors");
      too_many_ = true;
    }
    to.selectors.push_back(std::move(s));
  }

  static selector wildcard() {
    selector out;
    out.what = selector::kind::wildcard;
    return out;
  }
  static selector named(std::string name) {
    selector out;
    out.name = std::move(name);
    return out;
  }

  selector shorthand() {
    selector out;
    auto from = at_;
    while (at_ < text_.size() && (starts_name(text_[at_]) || (at_ > from && is_digit(text_[at_]))))
      ++at_;
    if (at_ == from)
      say("expected a name or `*`");
    else
      out = named(unquoted('"' + std::string{text_.substr(from, at_ - from)} + '"'));
    return out;
  }

  selector read_selector() {
    if (take('*'))
      return wildcard();
    if (next_is('\'') || next_is('"'))
      return named(quoted());
    if (take('?'))
      return filter();
    return index_or_slice();
  }

  // filter     := "?" or; or := and *("||" and); and := basic *("&&" basic)
  // basic      := *"!" ("(" or ")" | test); test := operand [comparison operand]
  // operand    := query | literal; compared ones that are queries select at most one value
  selector filter() {
    selector out;
    out.what = selector::kind::filter;
    out.filter = std::make_shared<const expression>(either(depth_ + 1));
    return out;
  }
  expression joined(expression::kind what, std::string_view by, expression (parser::*part)(std::size_t), std::size_t depth) {
    auto first = (this->*part)(depth);
    skip_blanks();
    if (!fault_.empty() || !text_.substr(at_).starts_with(by))
      return first;
    expression out;
    out.what = what;
    out.parts.push_back(std::move(first));
    while (fault_.empty() && text_.substr(at_).starts_with(by)) {
      at_ += by.size();
      out.parts.push_back((this->*part)(depth));
      skip_blanks();
    }
    return out;
  }
  expression either(std::size_t depth) { return joined(expression::kind::any, "||", &parser::both, depth); }
  expression both(std::size_t depth) { return joined(expression::kind::all, "&&", &parser::basic, depth); }
  expression basic(std::size_t depth) {
    skip_blanks();
    if (depth > most_depth) {
      say("filters stand deeper inside each other than " + std::to_string(most_depth));
      too_many_ = true;
      return {};
    }
    if (take('!')) {
      expression out;
      out.what = expression::kind::negation;
      out.parts.push_back(basic(depth + 1));
      return out;
    }
    if (!take('('))
      return test(depth);
    auto out = either(depth + 1);
    skip_blanks();
    if (fault_.empty() && !take(')'))
      say("expected `)`");
    return out;
  }
  expression test(std::size_t depth) {
    using kind = expression::kind;
    static constexpr std::pair<std::string_view, kind> comparisons[] = {{"==", kind::equal},    {"!=", kind::unequal}, {"<=", kind::at_most},
                                                                        {">=", kind::at_least}, {"<", kind::less},     {">", kind::greater}};
    expression out;
    out.sides.push_back(read_operand(depth));
    skip_blanks();
    for (const auto& [sign, what] : comparisons) {
      if (!fault_.empty() || !text_.substr(at_).starts_with(sign))
        continue;
      at_ += sign.size();
      skip_blanks();
      out.what = what;
      out.sides.push_back(read_operand(depth));
      if (std::any_of(out.sides.begin(), out.sides.end(), [](const operand& o) { return !selects_one(o); }))
        say("what is compared must select at most one value: only names and indexes");
      return out;
    }
    if (fault_.empty() && out.sides.front().literal)
      say("expected a comparison");
    return out;
  }
  static bool selects_one(const operand& o) {
    return std::all_of(o.query.begin(), o.query.end(), [](const segment& s) {
      return !s.descendant && s.selectors.size() == 1 &&
             (s.selectors.front().what == selector::kind::name || s.selectors.front().what == selector::kind::index);
    });
  }
  operand read_operand(std::size_t depth) {
    operand out;
    if (next_is('@') || next_is('$')) {
      out.from_root = text_[at_++] == '$';
      const auto before = std::exchange(depth_, depth);
      while (fault_.empty() && starts_segment())
        out.query.push_back(read_segment());
      depth_ = before;
      return out;
    }
    out.literal = true;
    if (next_is('\'') || next_is('"')) {
      out.value = json_value::of(quoted());
      return out;
    }
    auto end = at_;
    while (end < text_.size() &&
           (is_digit(text_[end]) || starts_name(text_[end]) || std::string_view{"+-."}.find(text_[end]) != std::string_view::npos))
      ++end;
    auto v = parse_json(text_.substr(at_, end - at_));
    if (v)
      out.value = std::move(*v);
    else
      say("expected `@`, `$`, a number, a text in quotes, true, false or null; functions are not supported");
    at_ = v ? end : at_;
    return out;
  }
  /// Blanks may stand before a segment, and after the last one before what comes then.
  bool starts_segment() {
    const auto before = at_;
    skip_blanks();
    if (next_is('.') || next_is('['))
      return true;
    at_ = before;
    return false;
  }

  /// The text is turned into a JSON one, whose escapes are the same but for the quotes.
  std::string quoted() {
    char quote = text_[at_++];
    std::string json{'"'};
    while (at_ < text_.size() && text_[at_] != quote) {
      char c = text_[at_++];
      if (c == '"') {
        json += "\\\"";
      } else if (c == '\\' && at_ < text_.size()) {
        char escaped = text_[at_++];
        if (escaped == '\'' && quote == '\'')
          json += '\'';
        else if (escaped == '"' && quote == '\'')
          return say("`\\\"` is no escape between single quotes"), std::string{};
        else
          (json += '\\') += escaped;
      } else {
        json += c;
      }
    }
    if (!take(quote))
      return say("the name is not closed"), std::string{};
    return unquoted(json + '"');
  }
  std::string unquoted(const std::string& json) {
    auto v = parse_json(json);
    if (v && v->is_string())
      return std::move(v->text);
    say("the name is no valid text");
    return {};
  }

  selector index_or_slice() {
    selector out;
    out.what = selector::kind::index;
    bool first = integer(out.start);
    skip_blanks();
    if (!take(':')) {
      if (!first)
        say("expected a name in quotes, a number, a slice or `*`");
      return out;
    }
    out.what = selector::kind::slice;
    out.has_start = first;
    skip_blanks();
    out.has_end = integer(out.end);
    skip_blanks();
    if (take(':')) {
      skip_blanks();
      integer(out.step);
    }
    return out;
  }

  bool integer(std::int64_t& out) {
    auto from = at_;
    bool negative = take('-');
    auto digits = at_;
    std::int64_t value = 0;
    while (at_ < text_.size() && is_digit(text_[at_]) && at_ - digits < 17)
      value = value * 10 + (text_[at_++] - '0');
    if (at_ == from)
      return false;
    bool zero_first = at_ > digits && text_[digits] == '0';
    if (at_ == digits || (zero_first && (negative || at_ - digits > 1)) || value > 9007199254740991)
      return say("expected a whole number of at most 2^53-1, without leading zeros"), false;
    out = negative ? -value : value;
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t selectors_ = 0;
  std::size_t depth_ = 0; ///< of filters around what is read
  std::string fault_;
  std::size_t fault_at_ = 0;
  bool too_many_ = false;
};

events::outcome<json_path> json_path::compile(std::string_view text) {
  return parser{text}.run();
}

} // namespace hourglass::mock
