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

/// What a destination may say about how it is tried again and spared. Both are given as JSON, compiled when they are given or read, and kept as canonical JSON.
namespace hourglass::webhook {

/// For all messages, or those of some event types.
struct retry_rules {
  std::optional<std::vector<duration>> schedule;
  std::optional<exponential_delays> exponential;
  double jitter = 0.2;                   ///< each delay is up to so much of itself shorter or longer
  std::optional<duration> maximum_age;   ///< no attempt is scheduled later than so long after the message was due first
  std::vector<status_range> success;     ///< empty: 200 to 299
};

/// policy := {"schedule": [seconds…] | "exponential": {"base", "factor": 2, "cap": 86400, "count"}, "jitter": 0 to 1, "maximumAge": seconds, "success": [status or "from-to"…],
///            "gone": "disable" | "retry", "slowDown": true, "retriesPerMinute": n, "eventTypes": [{"match": type or pattern, …}…]}
///
/// All optional. In `eventTypes` the first entry that matches counts, with schedule, exponential, jitter, maximumAge and success of its own; what it does not say is as above it.
class retry_policy {
public:
  retry_policy() = default;

  /// Fails with `errc::invalid` or `errc::too_large`, `where` a JSON Pointer that begins with `at`.
  static events::outcome<retry_policy> compile(const nlohmann::json& from, const std::string& at = "/retryPolicy");

  bool empty() const noexcept { return content_ == nullptr; }
  const std::string& text() const noexcept;
  const retry_rules& rules_for(std::string_view event_type) const noexcept;
  bool has_delays() const noexcept;            ///< of its own, for all messages
  bool gone_disables() const noexcept;         ///< 410
  bool slows_down() const noexcept;            ///< 429 and 503 hold the whole destination
  std::optional<std::uint32_t> retries_per_minute() const noexcept;
  bool operator==(const retry_policy& other) const noexcept { return text() == other.text(); }

  struct content;

private:
  std::shared_ptr<const content> content_;
};

/// When a destination that fails is left alone, for a while or until it recovers.
///
/// protection := {"breaker": {"failures": 10, "probeAfter": 30, "probeCap": 1800} | null, "disable": {"failures": 20, "after": 432000} | null, "probe": 3600 | null}
///
/// breaker: after so many attempts in a row that failed nothing is sent for `probeAfter` seconds, then one attempt; while that fails, twice as long each time, up to
/// `probeCap`. disable: when it has failed for `after` seconds, and so many times in a row, it is disabled. probe: a destination that was disabled so gets one attempt every so
/// many seconds, and is enabled when one succeeds. null: not at all. The numbers are the defaults.
struct protection_rules {
  bool breaks = true;
  std::uint32_t breaker_failures = 10;
  duration probe_after = std::chrono::seconds{30};
  duration probe_cap = std::chrono::minutes{30};
  bool disables = true;
  std::uint32_t disable_failures = 20;
  duration disable_after = std::chrono::hours{120};
  std::optional<duration> probe = std::chrono::hours{1};
};

class protection {
public:
  protection() = default; ///< the defaults

  static events::outcome<protection> compile(const nlohmann::json& from, const std::string& at = "/protection");

  bool empty() const noexcept { return text_.empty(); }
  const std::string& text() const noexcept { return text_; }
  const protection_rules& rules() const noexcept { return rules_; }
  bool operator==(const protection& other) const noexcept { return text_ == other.text_; }

private:
  std::string text_;
  protection_rules rules_;
};

} // namespace hourglass::webhook
