#pragma once

#include "events/ids.hpp"
#include "events/time.hpp"
#include "http/client.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

namespace hourglass::webhook {

using events::duration;

/// After the first attempt, which is made at once: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h. Eight attempts in all.
std::span<const duration> default_schedule() noexcept;

struct status_range {
  std::uint16_t from = 200, to = 299; ///< both in it
  bool operator==(const status_range&) const = default;
};

/// What the receiver's answer means for the next attempt.
struct delivered {};
struct gone {};                                          ///< 410: the destination wants no more
struct try_again { std::optional<duration> at_least; };  ///< with `Retry-After`, if it sent one
using classification = std::variant<delivered, gone, try_again>;

/// By the Standard Webhooks policy: a whole answer with 2xx is success, 410 is gone, all else is tried again, a redirect too.
/// An answer that was cut off by an error is no success; one whose body was only longer than we read is.
/// @param success      statuses that are success instead of 2xx, if not empty
/// @param gone_is_final false: 410 is a failure like any other
classification classify(unsigned status, http::transport_error error, std::optional<duration> retry_after,
                        std::span<const status_range> success = {}, bool gone_is_final = true) noexcept;

/// Reads `Retry-After`: whole or decimal seconds, or an HTTP date (IMF-fixdate, RFC 850, asctime) against `now_seconds` of Unix time.
/// Bounded to [0, 24 h]; nothing when it is neither.
std::optional<duration> parse_retry_after(std::string_view value, std::int64_t now_seconds) noexcept;

/// Delay before attempt `made + 1`, or nothing when the schedule is used up.
/// @param made     scheduled attempts made so far, at least 1
/// @param at_least a floor: it may lengthen the delay and never shortens it
/// @param spread   in [-0.2, 0.2], from `spread_of`, so that a replay draws the same
std::optional<duration> next_delay(std::uint32_t made, std::span<const duration> schedule, std::optional<duration> at_least, double spread) noexcept;

/// min(cap, base x factor^(n-1)) before retry n, at most `count` retries.
struct exponential_delays {
  duration base{0};
  double factor = 2;
  duration cap{0};
  std::uint32_t count = 0;
};
std::optional<duration> next_delay(std::uint32_t made, const exponential_delays& delays, std::optional<duration> at_least, double spread) noexcept;

/// Uniform in [-0.2, 0.2].
double spread_of(const events::entropy& chance) noexcept;

} // namespace hourglass::webhook
