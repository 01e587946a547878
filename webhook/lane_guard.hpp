#pragma once

#include "events/envelope.hpp"
#include "events/time.hpp"
#include "webhook/delivery_policy.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace hourglass::webhook {

/// How one destination that fails is spared, as its `protection_rules` ask: slow-down, breaker, automatic disable, probes, gradual release. Without
/// rules it only counts.
///
/// Operation
///   Pure. `judge` says what a failure leads to, which is written into the log; the rest folds what the log says. Nothing in it is memory only.
///
///   Stances. What it keeps back is the schedule's; a message that a person sends again passes every hold. That he starts a recovery is a change.
///     free           nothing is kept back
///     held(T)        nothing goes before T
///     half_open      T has passed: one at a time, until one succeeds
///     recovering(n)  n at a time
///
///                    | succeeds                | fails              | fails, hold until U  | a person changes the destination
///     free           | free                    | free               | held(U)              | free
///     held(T)        | recovering(2), or as it | held(T)            | held(max(T, U))      | recovering(1)
///                    | was if it began before  |                    |                      |
///                    | the last failure        |                    |                      |
///     half_open      | recovering(2)           | half_open          | held(U)              | recovering(1)
///     recovering(n)  | recovering(n + 1); free | recovering(n - 1), | held(U)              | recovering(n)
///                    | when that is its cap    | at least 1         |                      |
///
///   Beside that a destination that is disabled by the rule may be probing: held until its next probe, always. The success that lifts a hold
///   enables it again. It ends without that by an answer of 410, by a person who disables it himself, and by a change that takes the rule's `probe`
///   away; any other change makes the next probe go at once.
/// Time
///   Virtual, but `failed_us`: which attempt began before another ended is the node's clock to tell.
struct lane_guard {
  static constexpr std::uint32_t unbounded = UINT32_MAX;

  enum class stance : std::uint8_t { free, held, half_open, recovering };

  struct probation {
    events::seq since = 0; ///< the event that disabled it: what comes after it is not queued
    events::virtual_time at;
    bool operator==(const probation&) const = default;
  };

  std::uint32_t in_a_row = 0;                        ///< failures since the last success, or since a person changed the destination
  std::optional<events::virtual_time> failing_since; ///< the first of them
  std::optional<events::virtual_time> last_failed;   ///< and the last: a row may expire
  std::uint32_t told = 0;                            ///< operators know of the row that it has come so far, in percent of what disables
  std::int64_t failed_us = 0;                        ///< wall time: when the last of them was answered
  std::optional<events::virtual_time> held_until;    ///< set until it is lifted, not until it is over
  std::uint32_t holds = 0;                           ///< by the breaker since the last success: its next is that many times twice as long
  std::uint32_t release = unbounded;                 ///< in flight at once, while it recovers
  std::optional<probation> probing;
  std::optional<events::virtual_time> retries_from; ///< with a retry budget: the first place in the row that is free

  bool operator==(const lane_guard&) const = default;

  // -- observers -----------------------------------------------------------------------

  bool held(events::virtual_time now) const noexcept { return held_until && now < *held_until; }
  stance at(events::virtual_time now) const noexcept;
  /// Nothing of the schedule's goes before.
  std::int64_t gate_us() const noexcept { return held_until ? held_until->us : INT64_MIN; }
  /// Attempts of the schedule's at once.
  std::uint32_t allowance() const noexcept { return held_until ? 1 : release; }
  /// Whether the success of an attempt that began then (wall time) lifts the hold. One that was under way when another failed proves nothing.
  bool lifts(std::int64_t began_us, events::virtual_time now) const noexcept { return !held(now) || began_us >= failed_us; }
  /// How much later than its schedule the next retry falls due, with a budget.
  duration queue_of_retries(events::virtual_time now) const noexcept {
    return retries_from && now < *retries_from ? duration{retries_from->us - now.us} : duration{0};
  }

  struct row_of_failures {
    std::uint32_t failures = 1;
    events::virtual_time since;
    bool fresh = true; ///< the one before is over
  };
  /// The row of failures with one more at `now`. One that has expired is over; what a hold kept back could not fail, so that counts from its end.
  row_of_failures with_one_more(const protection_rules& rules, events::virtual_time now) const noexcept;

  // -- deciding ------------------------------------------------------------------------

  /// With one more failure at `now`, how far on the way to being disabled by the rule (50, 70, 90) operators do not know of yet; 0: nothing new.
  std::uint32_t to_tell(const protection_rules& rules, events::virtual_time now) const noexcept;

  struct failure {
    unsigned status = 0;
    std::optional<duration> retry_after;
    events::virtual_time now;
    double spread = 0; ///< in [-0.2, 0.2]: destinations that failed together do not come back together
    std::int64_t began_us = INT64_MAX; ///< wall time
    bool timed_out = false;
  };
  struct verdict {
    std::optional<events::virtual_time> hold; ///< nothing goes before
    bool disable = false;
    bool opened = false; ///< by the breaker
  };
  verdict judge(const protection_rules& rules, const failure& f) const noexcept;

  // -- folding -------------------------------------------------------------------------

  void succeeded(std::int64_t began_us, events::virtual_time now, std::uint32_t cap) noexcept;
  void failed(const protection_rules& rules, std::int64_t answered_us, events::virtual_time now, std::optional<events::virtual_time> hold, bool opened) noexcept;
  /// A probe told nothing of the destination: the next one waits all the same.
  void wait_until(events::virtual_time hold) noexcept { held_until = std::max(held_until.value_or(hold), hold); }
  void book_retry(events::virtual_time now, std::uint32_t per_minute) noexcept;
  /// By rule, at `from`. Without a probe only a person enables it.
  void disabled(const probation& from, std::optional<events::virtual_time> probe) noexcept;
  void recovered() noexcept;
  /// A person changed something: what was known of its health means nothing now. What waits goes out gradually all the same, as far as it had failed.
  void changed(events::virtual_time now, bool still_probing) noexcept;
  /// The sandbox's clock was set back.
  void moved(std::int64_t by_us) noexcept;

private:
  void end_row() noexcept;
};

/// Holds a destination to so many attempts a second. Memory only: after a restart one attempt may go early.
struct attempt_pace {
  /// So late a timer may be without the rate becoming lower for it.
  static constexpr std::int64_t catch_up_us = 100'000;

  std::int64_t next_us = INT64_MIN; ///< nothing goes before

  void took_one(events::virtual_time now, std::uint32_t per_second) noexcept {
    const bool late = next_us > INT64_MIN + catch_up_us && next_us + catch_up_us >= now.us;
    next_us = (late ? next_us : now.us) + std::max<std::int64_t>(1, 1'000'000 / per_second);
  }
};

/// A moment so much later, or the last there is.
inline std::int64_t capped_sum(std::int64_t us, std::int64_t more_us) noexcept {
  std::int64_t out = 0;
  return __builtin_add_overflow(us, more_us, &out) ? INT64_MAX : out;
}

/// `t` after the sandbox's clock was set back by so much. One that cannot be moved stays.
inline events::virtual_time moved_by(events::virtual_time t, std::int64_t by_us) noexcept {
  std::int64_t out = 0;
  return {__builtin_add_overflow(t.us, by_us, &out) ? t.us : out};
}

} // namespace hourglass::webhook
