#include "events/json_check.hpp"

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
  checker(std::string_view text, std::size_t max_depth) : text_(text), max_depth_(max_depth) {}

  outcome<std::vector<json_member>> run() {
    bool good = value();
    while (good && !open_.empty())
      good = step();
    space();
    if (good && at_ != text_.size())
      good = false;
    if (good)
      return std::move(members_);
    return failure(errc::invalid, why_.empty() ? "not valid JSON at byte " + std::to_string(at_ + 1) : why_);
  }

private:
  struct frame {
    bool object = false;
    bool fresh = true;         ///< nothing read yet
    std::size_t first_name = 0; ///< in `names_`
    std::unique_ptr<std::unordered_set<std::string_view>> many;
  };

  bool peek(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool eat(char c) {
    if (!peek(c))
      return false;
    ++at_;
    return true;
  }
  void space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }
  bool refuse(std::string why) {
    why_ = std::move(why);
    return false;
  }

  /// The next member or element of the innermost container, or its end.
  bool step() {
    space();
    if (eat(open_.back().object ? '}' : ']')) {
      names_.resize(open_.back().first_name);
      open_.pop_back();
      if (open_.size() == 1)
        end_member();
      return true;
    }
    auto& top = open_.back();
    if (!top.fresh && !eat(','))
      return false;
    top.fresh = false;
    if (top.object) {
      space();
      auto name = string();
      if (!name || !is_new(*name))
        return false;
      space();
      if (!eat(':'))
        return false;
      if (open_.size() == 1 && top.object)
        members_.push_back({std::string{*name}, {}});
    }
    space();
    member_begin_ = open_.size() == 1 ? at_ : member_begin_;
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
      members_.back().value = text_.substr(member_begin_, at_ - member_begin_);
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
    space();
    if (at_ == text_.size())
      return false;
    switch (text_[at_]) {
    case '{':
    case '[':
      if (open_.size() >= max_depth_)
        return refuse("nested deeper than " + std::to_string(max_depth_));
      open_.push_back({text_[at_] == '{', true, names_.size(), nullptr});
      ++at_;
      return true;
    case '"': return skip_string();
    case 't': return literal("true");
    case 'f': return literal("false");
    case 'n': return literal("null");
    default: return number();
    }
  }

  bool literal(std::string_view word) {
    if (!text_.substr(at_).starts_with(word))
      return false;
    at_ += word.size();
    return true;
  }

  bool digits() {
    const auto start = at_;
    while (at_ < text_.size() && is_digit(text_[at_]))
      ++at_;
    return at_ > start;
  }

  bool number() {
    const auto start = at_;
    eat('-');
    if (!eat('0') && !digits())
      return false;
    if (eat('.') && !digits())
      return false;
    bool large = at_ - start > 300;
    if (eat('e') || eat('E')) {
      large = true;
      if (!eat('+'))
        eat('-');
      if (!digits())
        return false;
    }
    if (large) { // only such a one can be beyond a double
      const std::string copy{text_.substr(start, at_ - start)};
      const double v = std::strtod(copy.c_str(), nullptr);
      if (v > 1.7976931348623157e308 || v < -1.7976931348623157e308) {
        at_ = start;
        return refuse("the number at byte " + std::to_string(start + 1) + " is out of range");
      }
    }
    return true;
  }

  /// Past the string here. Its escapes are checked; that the rest is UTF-8 was checked before.
  bool skip_string() {
    if (!eat('"'))
      return false;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20)
        return false;
      if (c != '\\')
        ++at_;
      else if (!skip_escape())
        return false;
    }
    return false;
  }

  bool skip_escape() {
    const char c = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (c != 'u') {
      if (c == '\0' || std::string_view{"\"\\/bfnrt"}.find(c) == std::string_view::npos)
        return false;
      at_ += 2;
      return true;
    }
    const auto code = hex4(at_ + 2);
    if (!code || (*code >= 0xDC00 && *code < 0xE000))
      return false;
    if (*code >= 0xD800 && *code < 0xDC00) {
      const auto low = text_.substr(std::min(at_ + 6, text_.size())).starts_with("\\u") ? hex4(at_ + 8) : std::nullopt;
      if (!low || *low < 0xDC00 || *low >= 0xE000)
        return false;
      at_ += 6;
    }
    at_ += 6;
    return true;
  }

  std::optional<unsigned> hex4(std::size_t at) const {
    if (at + 4 > text_.size())
      return std::nullopt;
    unsigned code = 0;
    for (char c : text_.substr(at, 4)) {
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
    const auto start = at_ + 1;
    if (!skip_string())
      return std::nullopt;
    const auto raw = text_.substr(start, at_ - 1 - start);
    if (raw.find('\\') == std::string_view::npos)
      return raw;
    auto plain = json_unescape(raw);
    if (!plain)
      return std::nullopt;
    return unescaped_.emplace_back(std::move(*plain));
  }

  std::string_view text_;
  std::size_t max_depth_;
  std::size_t at_ = 0;
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
