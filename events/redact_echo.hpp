#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::events {

/// The secrets that were redacted from one request, so that an answer that echoes them is recorded without them too.
///
/// A value is replaced by its own token wherever it stands, as it is or escaped for a JSON string. A whole header, target or body that lost
/// something is known as a whole as well: thus short secrets go when all around them is echoed.
/// Limits: texts shorter than `shortest` are not looked for, for they stand in every other text by chance; at most `most` values and `most` wholes are kept.
class redact_echo {
public:
  static constexpr std::size_t shortest = 6;
  static constexpr std::size_t most = 32;

  /// `from` has become `to`. With `number`, `from` stood in JSON without quotes and has them now.
  void note(std::string_view from, std::string_view to, bool number = false);
  /// The same for a whole header, target or body; counted apart, so that many small secrets do not push it out.
  void note_whole(std::string_view from, std::string_view to);

  bool empty() const noexcept { return noted_.empty(); }

  bool occurs_in(std::string_view text) const;

  /// `text` with everything noted replaced, the longest first. What was put in is not looked at again.
  std::string replace(std::string_view text) const;

  /// Of a text that was cut off: how much of it comes before a piece of something noted, `shortest` or longer, in which it ends.
  std::size_t before_cut(std::string_view text) const;

private:
  struct pair {
    std::string from, to;
    bool number = false;
  };
  void put(std::string_view from, std::string_view to, bool number, std::size_t& count);
  void add(std::string from, std::string to, bool number);
  void replace_from(std::size_t which, std::string_view text, std::string& out) const;
  std::string replace_numbers(std::string_view json) const;

  std::vector<pair> noted_; ///< longest first; each text also as a JSON string has it, if that differs
  std::size_t values_ = 0, wholes_ = 0;
  bool numbers_ = false;
};

} // namespace hourglass::events
