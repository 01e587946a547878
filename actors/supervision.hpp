#pragma once

#include "events/time.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>

namespace hourglass::actors {

/// When a crashed child comes back: at once the first time, then with growing delay; never after too many crashes in a short time, since a
/// child that crashes on what the log holds would crash for ever. Pure: time is an argument.
class restart_policy {
public:
  static constexpr std::size_t most = 5;              ///< restarts
  static constexpr auto window = std::chrono::seconds{60}; ///< within this time

  /// Delay before the restart after a crash at `now`; nothing: give up, the sandbox is degraded.
  std::optional<std::chrono::milliseconds> after_crash(events::wall_time now) {
    auto since = now.us - std::chrono::microseconds{window}.count();
    while (!crashes_.empty() && crashes_.front().us <= since)
      crashes_.pop_front();
    if (crashes_.size() == most)
      return std::nullopt;
    crashes_.push_back(now);
    if (crashes_.size() == 1)
      return std::chrono::milliseconds{0};
    return std::chrono::milliseconds{25} * (1U << crashes_.size());
  }

private:
  std::deque<events::wall_time> crashes_;
};

} // namespace hourglass::actors
