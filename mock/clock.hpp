#pragma once

#include "events/time.hpp"
#include "mock/decision.hpp"
#include "mock/fwd.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace hourglass::mock {

enum class clock_mode : std::uint8_t { running, frozen, advancing };

/// A sandbox's own clock. Its time never goes back, except by `reset_clock`.
struct clock_state {
  clock_mode mode = clock_mode::running;
  std::int64_t offset_us = 0;                 ///< running: virtual minus wall
  events::virtual_time at;                    ///< frozen, advancing: what the time is; running: a floor
  std::optional<events::virtual_time> target; ///< advancing: where to
  bool then_frozen = false;                   ///< advancing: what it goes back to
  bool operator==(const clock_state&) const = default;
};

events::virtual_time now(const clock_state& state, events::wall_time wall) noexcept;

/// When on the node's clock, which says `wall`, it will be `when`: `wall` if it is already, none while time stands before it (frozen, advancing).
std::optional<events::wall_time> wall_for(const clock_state& state, events::virtual_time when, events::wall_time wall) noexcept;

struct freeze_clock {};
struct resume_clock {};
/// Jumps forward to `to` at once, whatever falls due between.
struct set_clock {
  events::virtual_time to;
};
/// Starts an advance: the owner then sends `move_clock` to each due moment in order, fires what is due there, moves to the target,
/// and ends with `finish_advance`. Time stands between the moves.
struct advance_clock {
  std::variant<events::duration, events::virtual_time> by_or_to;
};
struct move_clock {
  events::virtual_time to;
};
struct finish_advance {};
/// Ends an advance at the moment it has reached; what falls due later waits as ever.
struct cancel_advance {};
/// Back to the node's time, running. Refused during an advance. Whoever keeps moments of this clock brings them along.
struct reset_clock {};
using clock_command =
    std::variant<freeze_clock, resume_clock, set_clock, advance_clock, move_clock, finish_advance, cancel_advance, reset_clock>;

/// Uses `ctx.wall`, not `ctx.now`. Fails with `errc::invalid` (back in time, past the target, beyond the year 9999, more than
/// `limits::clock_advance` at once) or `errc::conflict` (advancing already, or not advancing). No event when nothing would change.
events::outcome<decision> decide(const clock_state& state, const clock_command& command, const events::context& ctx);

/// Reads the body of `PUT /sandboxes/{id}/clock`: {"action": "freeze" | "resume" | "reset" | "set" | "advance",
/// "to"?: RFC 3339, "by"?: "90s" | "5m" | "2h" | "1d" | seconds}. Fails with `errc::invalid`.
events::outcome<clock_command> parse_clock_command(std::string_view text);

/// Folds clock_set, clock_advance_started, clock_moved, clock_advance_finished; other kinds change nothing. Fails with `errc::corrupt`.
events::outcome<void> apply(clock_state& state, events::kind kind, std::string_view payload, const events::header& header);

std::string snapshot(const clock_state& state);
template <>
events::outcome<clock_state> restore<clock_state>(std::string_view text);

/// {"mode", "now", "offset_us"?, "target"?}; `now` as of `wall`.
std::string to_json(const clock_state& state, events::wall_time wall);

} // namespace hourglass::mock
