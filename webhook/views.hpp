#pragma once

#include "events/envelope.hpp"
#include "webhook/destination.hpp"
#include "webhook/event_type.hpp"
#include "webhook/outbox.hpp"

#include <optional>
#include <string>
#include <string_view>

/// JSON texts in the shapes of Svix's API (as its clients 1.99 and 2.5 read them). What Svix lacks stands beside, in the same style.
/// All pure; each returns one JSON object.
namespace hourglass::webhook::views {

/// Svix's MessageStatus.
enum class status : std::uint8_t { success = 0, pending = 1, fail = 2, sending = 3, canceled = 4 };

/// EndpointOut; ours: `filter`, `retryPolicy`, `protection`, `ordering`, `batching`, `tls`, `authentication` and
/// `proxy` (without their secrets), `retrySchedule`, `inFlight`, `disabledReason`,
/// `signatureProfile`; and `warnings`, where `now` is given.
std::string endpoint_out(const destination& d, std::optional<events::wall_time> now = std::nullopt);
/// healthy, failing, held, half_open, recovering, probing, disabled.
std::string_view health_of(const destination& d, const lane_guard& g, events::virtual_time now) noexcept;
std::string endpoint_headers_out(const destination& d); ///< EndpointHeadersOut; sensitive values are only named
/// EndpointSecretOut: what a receiver needs of the newest key; ours: `keys`, all that sign at `now`, with their end.
std::string endpoint_secret_out(const destination& d, events::virtual_time now);
std::string transformation_out(const destination& d);  ///< EndpointTransformationOut
std::string endpoint_stats(const destination_counts& c); ///< EndpointStats; ours: `dead`
/// Ours: `state` (healthy, failing, held, half_open, recovering, probing, disabled), `failedInARow`, `failingSince`, `heldUntil`, `inFlightAllowed`, `disabledReason`, `heldLines` (by a dead letter).
std::string endpoint_health_out(const destination& d, const lane_guard& g, events::virtual_time now, std::uint64_t held_lines = 0);
std::string event_type_out(const event_type& t);       ///< EventTypeOut
std::string poller_out(const poller& p);               ///< ours, in the style of EndpointOut
std::string poller_consumer_out(std::string_view name, const poller_consumer& c); ///< ours: `id`, `position` (seq), `movedAt`
std::string recover_out(const recovery& r);            ///< RecoverOut; ours: `seen`, `queued`, `delivered`, `dead`, `since`, `until`, `endpointId`, `automatic`, `cancelled`

/// MessageOut of a `message_created`; `with_content` false gives `payload: {}`. The payload's bytes are kept. Of an erased one
/// it is `{"expired":true}`. Ours: `destinations`, `payloadErased`.
events::outcome<std::string> message_out(const events::header& h, std::string_view payload, bool with_content = true);

/// The same of a typed message, without parsing.
std::string message_out(const message_created& m, events::virtual_time at, bool with_content = true);

/// One message of a trial of filters: `msgId`, `eventType`, `timestamp`, `matches`, `against`, `pointer`, `undecided`, `sent` (it was fanned out to `destination`).
std::string trial_item(const message_created& m, events::virtual_time at, const match_report& found, std::string_view destination);

/// MessageAttemptOut of an `attempt_finished`. `msg` is put in when given (a `message_out`). Ours: `number`, `requestHeaders`,
/// `responseHeaders`, `responseTruncated`, `timing`, `peer`, `tlsVersion`, `connectionReused`, `error`, `outcome`, `nextAttempt`,
/// `signedTimestamp`, `bodySha256`, `bodyBytes`, `messageSeq`, `wallTime`, `responseErased` (then `response` is `EXPUNGED`).
/// `batchId`, when it went in a batch: the id of the request, which has an attempt for each of its messages.
/// Where a script changed what was sent, `transformed` (method, url).
events::outcome<std::string> attempt_out(const events::header& h, std::string_view payload, bool with_content = true,
                                         std::string_view msg = {});

/// The same of a `delivery_expired`, in a list of dead letters: no attempt, `outcome` is `dead` and `response` says why. Ours: `reason`.
events::outcome<std::string> expired_out(const events::header& h, std::string_view payload, std::string_view msg = {});

/// What an `attempt_finished` or a `delivery_expired` says, for filters of lists, without building the view.
struct attempt_summary {
  std::string id, message, destination, event_type;
  events::seq message_seq = 0;
  std::uint32_t number = 0;
  status result = status::fail;
  unsigned code = 0; ///< HTTP status, 0 without an answer
  outcome_kind follows = outcome_kind::delivered;
  events::virtual_time at;
};
events::outcome<attempt_summary> summarize(const events::header& h, std::string_view payload);

/// The message a `message_created` made, for `resend` and `recovery_item`.
events::outcome<message_ref> message_ref_of(const events::header& h, std::string_view payload);

/// MessageEndpointOut: a destination, and how a message stands with it.
std::string message_endpoint_out(const destination& d, status s, std::optional<events::virtual_time> next);
/// EndpointMessageOut: a `message_out` and how it stands with one destination.
std::string endpoint_message_out(std::string_view message_out, status s, std::optional<events::virtual_time> next);

/// How a message stands with a destination: by what is pending, else by its last attempt.
status status_of(const std::optional<outbox_state::delivery_view>& pending, std::optional<outcome_kind> last_attempt) noexcept;

/// An outbox event's payload as history and live tails may show it: secrets and sensitive header values masked.
std::string public_payload(events::kind kind, std::string_view payload);

} // namespace hourglass::webhook::views
