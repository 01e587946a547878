#pragma once

#include "events/outcome.hpp"
#include "webhook/retry_policy.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

/// What a destination may say about how it is tried again and spared. Both are given as JSON, compiled when they are given or read, and kept as
/// canonical JSON.
namespace hourglass::webhook {

/// For all messages, or those of some event types.
struct retry_rules {
  std::optional<std::vector<duration>> schedule;
  std::optional<exponential_delays> exponential;
  double jitter = 0.2;                   ///< each delay is up to so much of itself shorter or longer
  std::optional<duration> maximum_age;   ///< what has not arrived so long after it was due first is dead, whatever keeps it waiting
  std::vector<status_range> success;     ///< empty: 200 to 299
};

/// policy := {"schedule": [seconds…] | "exponential": {"base", "factor": 2, "cap": 86400, "count"}, "jitter": 0 to 1, "maximumAge": seconds, "success": [status or "from-to"…],
///            "gone": "disable" | "retry", "retriesPerMinute": n, "eventTypes": [{"match": type or pattern, …}…]}
///
/// All optional. `retriesPerMinute`: each retry takes a place in a row of so many a minute, and falls due as much later as the row is long. In
/// `eventTypes` the first entry that matches counts, with schedule, exponential, jitter, maximumAge and success of its own; what it does not say is
/// as above it.
class retry_policy {
public:
  retry_policy() = default;

  /// Fails with `errc::invalid` or `errc::too_large`, `where` a JSON Pointer that begins with `at`.
  static events::outcome<retry_policy> compile(const nlohmann::json& from, const std::string& at = "/retryPolicy");

  bool empty() const noexcept { return content_ == nullptr; }
  const std::string& text() const noexcept;
  const retry_rules& rules_for(std::string_view event_type) const noexcept;
  bool has_delays() const noexcept;            ///< of its own, for all messages
  bool has_types() const noexcept;             ///< some event types have rules of their own
  bool gone_disables() const noexcept;         ///< 410
  std::optional<std::uint32_t> retries_per_minute() const noexcept;
  bool operator==(const retry_policy& other) const noexcept { return text() == other.text(); }

  struct content;

private:
  std::shared_ptr<const content> content_;
};

inline constexpr duration default_slow_down = std::chrono::minutes{30};
inline constexpr duration kept_back_most = std::chrono::hours{24}; ///< or what waits for a receiver that is gone would fill the sandbox

/// When a destination that fails is left alone, for a while or until it recovers. Without a policy never: every message follows its own schedule.
///
/// protection := {"breaker": {"failures": 10, "probeAfter": 30, "probeCap": 1800}, "slowDown": {"cap": 1800, "statuses": [429, 503]}, "disable": {"failures": 20, "after": 432000, "probe": 3600 | null,
///               "expires": seconds}}
///
/// What is not there, or null, is off; the numbers are what `{}` stands for, times in seconds of the sandbox's clock.
/// breaker: after so many attempts in a row that failed nothing is sent for `probeAfter`, then one attempt; while that fails, twice as long each
/// time, up to `probeCap`.
/// slowDown: an answer of 429 or 503 holds the whole destination, as long as its `Retry-After` says, else 1 s, 2 s, … 64 s as it fails in a row;
/// never longer than `cap`. `statuses`: other answers that mean so, as in `success` of a retry policy; and "timeout".
/// With either, and no `maximumAge` of its own, a message is dead that could not go for `kept_back_most`, while the destination did nothing but fail.
/// disable: when it has failed for `after`, and so many times in a row, it is disabled. One attempt goes every `probe` then, with what waits first,
/// and costs nothing of its schedule; the first that succeeds enables it. null: none goes. With `expires` a row is over when nothing has failed for
/// so long, though nothing succeeded either: the next failure is the first of another.
struct protection_rules {
  struct breaker_rule {
    std::uint32_t failures = 10;
    duration probe_after = std::chrono::seconds{30};
    duration probe_cap = std::chrono::minutes{30};
  };
  struct disable_rule {
    std::uint32_t failures = 20;
    duration after = std::chrono::hours{120};
    std::optional<duration> probe = std::chrono::hours{1};
    std::optional<duration> expires = std::nullopt;
  };
  std::optional<breaker_rule> breaker;
  std::optional<duration> slow_down; ///< the longest hold; a probe waits as long as it is asked to without it, too
  std::vector<status_range> overload = {}; ///< what `slow_down` is about; empty: 429 and 503
  bool timeout_is_overload = false;
  std::optional<disable_rule> disable;

  bool probes() const noexcept { return disable && disable->probe; }
  bool holds() const noexcept { return breaker || slow_down; }
  bool overloaded(unsigned status, bool timed_out) const noexcept;
};

class protection_policy {
public:
  protection_policy() = default;

  /// Fails as `retry_policy::compile`.
  static events::outcome<protection_policy> compile(const nlohmann::json& from, const std::string& at = "/protection");

  bool empty() const noexcept { return text_.empty(); }
  const std::string& text() const noexcept { return text_; }
  const protection_rules& rules() const noexcept { return rules_; }
  bool operator==(const protection_policy& other) const noexcept { return text_ == other.text_; }

private:
  std::string text_;
  protection_rules rules_;
};

} // namespace hourglass::webhook
