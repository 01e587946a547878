#include "events/json_check.hpp"

#include "events/json_cursor.hpp"
#include "events/json_text.hpp"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <memory>
#include <optional>
#include <unordered_set>

namespace hourglass::events {

namespace {

/// From so many members on an object's names are hashed; below, comparing is quicker.
constexpr std::size_t names_compared = 24;

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// One pass with a stack of its own, so depth costs memory and not the program's stack.
class checker {
public:
  checker(std::string_view text, std::size_t max_depth) : in_(text), max_depth_(max_depth) {}

  outcome<std::vector<json_member>> run() {
    bool good = value();
    while (good && !open_.empty())
      good = step();
    in_.space();
    if (good && in_.at_end())
      return std::move(members_);
    return failure(errc::invalid, why_.empty() ? "not valid JSON at byte " + std::to_string(in_.at() + 1) : why_);
  }

private:
  struct frame {
    bool object = false;
    bool fresh = true;         ///< nothing read yet
    std::size_t first_name = 0; ///< in `names_`
    std::unique_ptr<std::unordered_set<std::string_view>> many;
  };

  bool refuse(std::string why) {
    why_ = std::move(why);
    return false;
  }

  /// The next member or element of the innermost container, or its end.
  bool step() {
    in_.space();
    if (in_.eat(open_.back().object ? '}' : ']')) {
      names_.resize(open_.back().first_name);
      open_.pop_back();
      if (open_.size() == 1)
        end_member();
      return true;
    }
    auto& top = open_.back();
    if (!top.fresh && !in_.eat(','))
      return false;
    top.fresh = false;
    if (top.object) {
      in_.space();
      auto name = string();
      if (!name || !is_new(*name))
        return false;
      in_.space();
      if (!in_.eat(':'))
        return false;
      if (open_.size() == 1 && top.object)
        members_.push_back({std::string{*name}, {}});
    }
    in_.space();
    member_begin_ = open_.size() == 1 ? in_.at() : member_begin_;
    const auto depth = open_.size();
    if (!value())
      return false;
    if (depth == 1 && open_.size() == 1)
      end_member();
    return true;
  }

  /// The value of a member of the outermost object has ended here.
  void end_member() {
    if (open_.front().object)
      members_.back().value = in_.since(member_begin_);
  }

  bool is_new(std::string_view name) {
    auto& top = open_.back();
    const auto first = names_.begin() + static_cast<std::ptrdiff_t>(top.first_name);
    bool fresh = true;
    if (top.many)
      fresh = top.many->insert(name).second;
    else
      fresh = std::find(first, names_.end(), name) == names_.end();
    if (!fresh)
      return refuse("the name \"" + std::string{name.substr(0, 64)} + "\" stands twice in one object");
    if (!top.many) {
      names_.push_back(name);
      if (names_.size() - top.first_name > names_compared) {
        top.many = std::make_unique<std::unordered_set<std::string_view>>(names_.begin() + static_cast<std::ptrdiff_t>(top.first_name), names_.end());
        names_.resize(top.first_name);
      }
    }
    return true;
  }

  bool value() {
    in_.space();
    switch (in_.here()) {
    case '{':
    case '[':
      if (open_.size() >= max_depth_)
        return refuse("nested deeper than " + std::to_string(max_depth_));
      open_.push_back({in_.here() == '{', true, names_.size(), nullptr});
      in_.advance(1);
      return true;
    case '"': return skip_string();
    case 't': return in_.literal("true");
    case 'f': return in_.literal("false");
    case 'n': return in_.literal("null");
    default: return number();
    }
  }

  bool number() {
    const auto start = in_.at();
    if (!in_.number())
      return false;
    const auto text = in_.since(start);
    if (text.size() > 300 || text.find_first_of("eE") != std::string_view::npos) { // only such a one can be beyond a double
      const double v = std::strtod(std::string{text}.c_str(), nullptr);
      if (v > 1.7976931348623157e308 || v < -1.7976931348623157e308)
        return refuse("the number at byte " + std::to_string(start + 1) + " is out of range");
    }
    return true;
  }

  /// Past the string here. Its escapes are checked; that the rest is UTF-8 was checked before.
  bool skip_string() {
    if (!in_.eat('"'))
      return false;
    while (!in_.at_end()) {
      const char c = in_.here();
      if (static_cast<unsigned char>(c) < 0x20)
        return false;
      if (c == '\\') {
        if (!skip_escape())
          return false;
        continue;
      }
      in_.advance(1);
      if (c == '"')
        return true;
    }
    return false;
  }

  bool skip_escape() {
    const auto here = in_.rest();
    const char c = here.size() > 1 ? here[1] : '\0';
    if (c != 'u') {
      if (c == '\0' || std::string_view{"\"\\/bfnrt"}.find(c) == std::string_view::npos)
        return false;
      in_.advance(2);
      return true;
    }
    const auto code = hex4(here, 2);
    if (!code || (*code >= 0xDC00 && *code < 0xE000))
      return false;
    if (*code >= 0xD800 && *code < 0xDC00) {
      const auto low = here.substr(6).starts_with("\\u") ? hex4(here, 8) : std::nullopt;
      if (!low || *low < 0xDC00 || *low >= 0xE000)
        return false;
      in_.advance(6);
    }
    in_.advance(6);
    return true;
  }

  static std::optional<unsigned> hex4(std::string_view text, std::size_t at) {
    if (at + 4 > text.size())
      return std::nullopt;
    unsigned code = 0;
    for (char c : text.substr(at, 4)) {
      const unsigned digit = is_digit(c)              ? static_cast<unsigned>(c - '0')
                             : (c >= 'a' && c <= 'f') ? static_cast<unsigned>(c - 'a') + 10
                             : (c >= 'A' && c <= 'F') ? static_cast<unsigned>(c - 'A') + 10
                                                      : 16U;
      if (digit == 16)
        return std::nullopt;
      code = code * 16 + digit;
    }
    return code;
  }

  /// The string here, unescaped; what had escapes is kept in `unescaped_`.
  std::optional<std::string_view> string() {
    const auto start = in_.at();
    if (!skip_string())
      return std::nullopt;
    auto raw = in_.since(start);
    raw = raw.substr(1, raw.size() - 2);
    if (raw.find('\\') == std::string_view::npos)
      return raw;
    auto plain = json_unescape(raw);
    if (!plain)
      return std::nullopt;
    return unescaped_.emplace_back(std::move(*plain));
  }

  json_cursor in_;
  std::size_t max_depth_;
  std::size_t member_begin_ = 0;
  std::vector<frame> open_;
  std::vector<std::string_view> names_; ///< of all open objects, innermost last
  std::deque<std::string> unescaped_;
  std::vector<json_member> members_;
  std::string why_;
};

} // namespace

outcome<std::vector<json_member>> check_json(std::string_view text, std::size_t max_depth) {
  if (!is_utf8(text))
    return failure(errc::invalid, "not valid UTF-8");
  return checker{text, max_depth}.run();
}

} // namespace hourglass::events
