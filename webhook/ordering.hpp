#pragma once

#include "events/outcome.hpp"
#include "webhook/content_filter.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

/// In what order a destination gets its messages.
namespace hourglass::webhook {

inline constexpr std::size_t ordering_key_characters = 256; ///< of `orderingKey`
inline constexpr std::size_t ordering_key_bytes = 256; ///< a longer key is a line by its digest
inline constexpr std::size_t lines_held_most = 10'000; ///< of one destination, by dead letters: each is memory until a person has looked

/// ordering := "fifo" | {"key": pointer | true, "onDead": "goOn" | "hold"}
///
/// Without one, messages go as they fall due, several at once. With one, those that belong together stand in a line: the next leaves when the one before
/// it was delivered or is dead, and not before. "fifo", or no `key`: all messages are one line. `key`: a JSON Pointer that begins with `/payload`, or
/// true; messages with the same `orderingKey`, or without that the same text, number or truth at the pointer, are one line. Lines go side by side, and
/// what has no key stands in none.
/// onDead: what comes behind a dead letter goes on (`goOn`, if not said), or waits until that was delivered after all (`hold`).
class ordering_policy {
public:
  ordering_policy() = default;

  /// Fails with `errc::invalid`, `where` a JSON Pointer that begins with `at`.
  static events::outcome<ordering_policy> compile(const nlohmann::json& from, const std::string& at = "/ordering");

  bool empty() const noexcept { return text_.empty(); }
  /// As it was given.
  const std::string& text() const noexcept { return text_; }
  bool holds() const noexcept { return holds_; }
  /// The name of the line in which a message stands: `/` or `=` and its key; empty: none.
  std::string line_of(std::string_view ordering_key, const filtered_message& m) const;
  bool operator==(const ordering_policy& other) const noexcept { return text_ == other.text_; }

private:
  std::string text_;
  std::string pointer_; ///< below the payload
  bool keyed_ = false, pointed_ = false;
  bool holds_ = false;
};

} // namespace hourglass::webhook
