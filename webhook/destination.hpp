#pragma once

#include "events/outcome.hpp"
#include "events/time.hpp"
#include "webhook/batching_policy.hpp"
#include "webhook/content_filter.hpp"
#include "webhook/delivery_policy.hpp"
#include "webhook/ordering.hpp"
#include "webhook/retry_policy.hpp"
#include "webhook/profile.hpp"
#include "webhook/signature_template.hpp"
#include "webhook/signing.hpp"
#include "webhook/transport.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hourglass::webhook {

/// One signing secret of a destination. The newest has no end; a rotated one signs too until `expires`.
struct secret {
  signing_key key; ///< none in a state that was folded without the node's vault (`unlock`)
  events::virtual_time created;
  std::optional<events::virtual_time> expires;
  std::string sealed = {}; ///< the key as it stands in the log and in snapshots; empty: written in plain, as before there was a vault
  bool operator==(const secret&) const = default;
};

/// A header that is sent with every attempt.
struct custom_header {
  std::string name;
  std::string value;
  bool sensitive = false; ///< its value is never shown again, neither in the API nor in an attempt's record
  std::string sealed = {}; ///< the value of a sensitive one as it stands in the log, as with `secret`
  bool operator==(const custom_header&) const = default;
};

using string_map = std::vector<std::pair<std::string, std::string>>;

/// A script that changes what is sent to one destination (`webhook/transformation.hpp`).
struct transformation {
  std::string code;     ///< JavaScript that declares `handler(webhook)`; empty: none
  bool enabled = false;
  string_map variables; ///< `webhook.env`, sorted
  events::virtual_time updated;
  bool empty() const noexcept { return code.empty() && variables.empty(); }
  bool operator==(const transformation&) const = default;
};

/// Copies share it.
class shared_transformation {
public:
  shared_transformation() = default;
  explicit shared_transformation(transformation t) : content_(t.empty() ? nullptr : std::make_shared<const transformation>(std::move(t))) {}

  bool empty() const noexcept { return content_ == nullptr; }
  const transformation& get() const noexcept;
  /// Null unless it is to be run.
  std::shared_ptr<const transformation> running() const noexcept { return content_ && content_->enabled ? content_ : nullptr; }
  /// Memory, roughly.
  std::size_t bytes() const noexcept;
  bool operator==(const shared_transformation& other) const noexcept { return content_ == other.content_ || get() == other.get(); }

private:
  std::shared_ptr<const transformation> content_;
};

/// Where webhooks go (the Svix-shaped API calls it endpoint).
struct destination {
  std::string id;  ///< `ep_…`
  std::string uid; ///< the caller's own name for it, unique in the sandbox; may be empty
  std::string url;
  std::string description;
  std::vector<std::string> filter_types; ///< event types and patterns of them (`is_type_pattern`), sorted; empty: all
  std::vector<std::string> channels;     ///< sorted; empty: all. With channels, only messages that share one match
  content_filter filter;
  std::vector<custom_header> headers;
  string_map metadata;
  signature_profile profile = signature_profile::standard;
  signature_template signing;                    ///< of profile `custom`, and of no other
  bool form = false;                             ///< JSON payloads go as application/x-www-form-urlencoded (`webhook/form.hpp`)
  std::vector<secret> secrets;                   ///< newest first, at most `limits::secrets_per_destination`
  std::optional<std::vector<duration>> schedule; ///< instead of `default_schedule()`; may be empty: one attempt only
  std::optional<std::uint32_t> in_flight;        ///< instead of `limits::in_flight_per_destination`
  std::optional<std::uint32_t> rate_limit;       ///< attempts a second of the sandbox's time
  std::optional<std::uint32_t> timeout;          ///< seconds for all of an attempt, instead of `limits::attempt_deadline`
  retry_policy retries;                          ///< instead of `schedule` where it has delays
  protection_policy protection;                  ///< none: never left alone
  ordering_policy ordering;                      ///< none: as they fall due, several at once
  batching_policy batching;                      ///< none: each message by itself
  transport_policy transport;                    ///< none: like all others
  shared_transformation transform;               ///< none: what is sent is the message
  std::uint32_t version = 1;
  bool obeys = false;       ///< an answer may disable it, or end its message (`webhook/delivery_control.hpp`)
  bool operational = false; ///< gets messages about the webhooks themselves (`webhook/operational.hpp`), and nothing else
  bool disabled = false;
  std::string disabled_reason; ///< empty, `by hand`, or the rule: `410 Gone`
  events::virtual_time created;
  events::virtual_time updated;
  bool operator==(const destination&) const = default;
};

/// The delays that `d` follows, unless its retry policy has delays of its own.
std::span<const duration> schedule_of(const destination& d) noexcept;

/// Delay before the scheduled attempt `made + 1` of a message of this type, or nothing when there is none. `spread` in [-0.2, 0.2], from `spread_of`.
std::optional<duration> next_delay(const destination& d, std::string_view event_type, std::uint32_t made, std::optional<duration> at_least, double spread) noexcept;

/// Keys that sign at `now`, newest first: never empty for a valid destination.
std::vector<signing_key> signing_keys_at(const destination& d, events::virtual_time now);

/// By type and channels: a type or pattern that it asks for, or none; a destination with channels wants one in common, one without takes all (as Svix).
bool matches(const destination& d, std::string_view event_type, const std::vector<std::string>& channels) noexcept;

/// By its content filter too. A destination without one costs nothing of the payload.
bool matches(const destination& d, const filtered_message& m);

/// Whether `d` would get `m` if it were enabled, and what keeps it from that.
struct match_report {
  enum class reason : std::uint8_t { none, event_type, channels, filter };
  reason against = reason::none;
  content_filter::verdict content; ///< of its filter; looked at when nothing else is against
};
std::string_view to_string(match_report::reason r) noexcept;
match_report explain(const destination& d, const filtered_message& m);

/// Every rule of a destination's fields but those that need the others (uid taken, how many). Sorts the lists.
/// Fails with `errc::invalid` or `errc::too_large`, `where` a JSON Pointer into the API's body: `/url`, `/filterTypes/2`, `/headers/X-A`.
events::outcome<void> validate(destination& d);

/// Of these rules, those about `description` and `metadata`.
events::outcome<void> validate_description(const destination& d);

/// And those about `filter_types` and `channels`, which are sorted too.
events::outcome<void> validate_selection(destination& d);

/// RFC 9110 token; not one of ours (host, content-*, connection, transfer-encoding, …, `webhook-*`, `svix-*`); value without control characters.
events::outcome<void> validate_header(std::string_view name, std::string_view value);

/// All of them, each once: `validate_header`, and which are credentials is marked.
events::outcome<void> validate_headers(std::vector<custom_header>& headers);

/// Whether two names of headers are the same one.
bool same_header(std::string_view a, std::string_view b) noexcept;

/// Headers whose value is treated as a credential.
bool is_sensitive_header(std::string_view name) noexcept;

} // namespace hourglass::webhook
