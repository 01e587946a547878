#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "events/outcome.hpp"

namespace hourglass::events {

using duration = std::chrono::microseconds;

/// Microseconds since the Unix epoch on the node's clock. What audits ask about.
struct wall_time {
  std::int64_t us = 0;
  auto operator<=>(const wall_time&) const = default;
};

/// Microseconds since the Unix epoch on one sandbox's own clock. What retries, expiry and scripts see.
struct virtual_time {
  std::int64_t us = 0;
  auto operator<=>(const virtual_time&) const = default;
};

inline virtual_time operator+(virtual_time t, duration d) { return {t.us + d.count()}; }
inline wall_time operator+(wall_time t, duration d) { return {t.us + d.count()}; }

/// RFC 3339 in UTC with microseconds: `2026-11-21T21:35:21.000123Z`.
std::string to_rfc3339(std::int64_t us);
inline std::string to_rfc3339(wall_time t) { return to_rfc3339(t.us); }
inline std::string to_rfc3339(virtual_time t) { return to_rfc3339(t.us); }

/// Reads RFC 3339 (any offset, 0 to 9 fractional digits, years 1970 to 9999). Returns microseconds since the epoch.
outcome<std::int64_t> parse_rfc3339(std::string_view text);

} // namespace hourglass::events
