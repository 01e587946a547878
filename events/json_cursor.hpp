#pragma once

#include <cstddef>
#include <string_view>

namespace hourglass::events {

/// A place in a JSON text, and the lexical rules of RFC 8259 that need no memory. What does not match is refused with false; the place is then
/// somewhere in it. For scanners that build nothing.
class json_cursor {
public:
  explicit json_cursor(std::string_view text) noexcept : text_(text) {}

  std::size_t at() const noexcept { return at_; }
  bool at_end() const noexcept { return at_ == text_.size(); }
  /// The byte here, or NUL at the end.
  char here() const noexcept { return at_end() ? '\0' : text_[at_]; }
  /// What was read since `start`.
  std::string_view since(std::size_t start) const noexcept { return text_.substr(start, at_ - start); }
  std::string_view rest() const noexcept { return text_.substr(at_); }
  void advance(std::size_t bytes) noexcept { at_ += bytes; }

  bool eat(char c) noexcept {
    if (at_end() || text_[at_] != c)
      return false;
    ++at_;
    return true;
  }
  void space() noexcept {
    while (!at_end() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }
  bool literal(std::string_view word) noexcept {
    if (!rest().starts_with(word))
      return false;
    at_ += word.size();
    return true;
  }
  bool number() noexcept {
    eat('-');
    if (!eat('0') && !digits())
      return false;
    if (eat('.') && !digits())
      return false;
    if (!eat('e') && !eat('E'))
      return true;
    if (!eat('+'))
      eat('-');
    return digits();
  }

private:
  bool digits() noexcept {
    const auto start = at_;
    while (!at_end() && text_[at_] >= '0' && text_[at_] <= '9')
      ++at_;
    return at_ > start;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

} // namespace hourglass::events
