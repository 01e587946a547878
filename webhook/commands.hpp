#pragma once

#include "webhook/attempt.hpp"
#include "webhook/destination.hpp"
#include "webhook/event_type.hpp"
#include "webhook/facts.hpp"
#include "webhook/poller.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// What may be asked of the outbox. `webhook/inputs.hpp` makes them of the API's bodies.
namespace hourglass::webhook {

/// `value` without id, times and disabled_reason; `secrets` may hold one key, else one of kind `make` is generated (none: what the profile takes).
struct create_destination {
  destination value;
  std::optional<key_kind> make = std::nullopt;
};

/// Every field at once (PUT). Keeps id, secrets, headers, created. Fails with not_found unless `create_if_missing` (Svix's PUT by uid).
struct update_destination {
  std::string id; ///< or uid
  destination value;
  bool create_if_missing = false;
  bool keep_profile = false; ///< the body said none
  bool keep_form = false;    ///< as well
  bool keep_retries = false, keep_protection = false, keep_ordering = false, keep_batching = false, keep_obeys = false; ///< as well: clients that do not know them write none
  transport_change transport = {};                                           ///< instead of `value.transport`
  std::optional<key_kind> make = std::nullopt;                               ///< when it is created
};

/// Only what is given (PATCH).
struct patch_destination {
  std::string id; ///< or uid
  std::optional<std::string> uid, url, description;
  std::optional<std::vector<std::string>> filter_types, channels;
  std::optional<content_filter> filter;
  std::optional<retry_policy> retries;
  std::optional<protection_policy> protection;
  std::optional<ordering_policy> ordering;
  std::optional<batching_policy> batching;
  transport_change transport;
  std::optional<string_map> metadata;
  std::optional<std::vector<std::pair<std::string, std::string>>> headers;               ///< all anew
  std::vector<std::pair<std::string, std::optional<std::string>>> header_changes;        ///< one by one; no value: removed
  std::optional<std::optional<std::vector<duration>>> schedule; ///< given without value: back to the default
  std::optional<std::optional<std::uint32_t>> in_flight, rate_limit, timeout;
  std::optional<std::uint32_t> version;
  std::optional<bool> disabled, obeys;
  std::optional<signature_profile> profile;
  std::optional<signature_template> signing;
  std::optional<bool> form;
};

/// All of them or none. What is wrong with which stands in the reply, `{"errors": [{"index", "pointer", "detail"}]}`, and then nothing is written.
/// One that could not even be read is an error among the others.
struct create_destinations { std::vector<events::outcome<create_destination>> all; /* at most `destinations_at_once` */ };
inline constexpr std::size_t destinations_at_once = 1'000;

struct remove_destination { std::string id; /* or uid */ };

/// The old secret keeps signing for `overlap` of virtual time, at most 7 days; at most `limits::secrets_per_destination` at once.
struct rotate_secret {
  std::string id; ///< or uid
  std::optional<signing_key> key; ///< none: `text`, or generated
  std::chrono::seconds overlap{std::chrono::hours{24}};
  std::string text = {};                      ///< the key as it was given; the destination's profile says how it is read
  std::optional<key_kind> make = std::nullopt; ///< what is generated; none: the kind that the newest secret has
  bool replace_all = false;                   ///< no overlap; the secret that is there already may be given again
};

struct put_event_type {
  event_type value;
  bool must_be_new = false; ///< POST: conflict when it exists (and is not archived)
};
struct remove_event_type {
  std::string name;
  bool for_good = false; ///< else archived, as Svix
};

struct create_message {
  std::string event_type;
  std::string event_id; ///< claimed once per sandbox when given
  std::string payload;  ///< these very bytes are signed and sent; JSON object text, unless `raw`
  std::vector<std::string> channels;
  std::vector<std::string> tags;
  std::optional<events::virtual_time> deliver_at = {}; ///< not before; none: at once
  std::string ordering_key = {};                       ///< which messages it belongs to, where a destination has an order
  std::uint32_t retention_hours = 0;                   ///< until its body is erased, on the node's clock; 0: as the sandbox has it
  std::string only_to = {};                            ///< id or uid of the one destination that gets it, whatever its filters; empty: who matches
  bool raw = false;                                    ///< any payload that fits its content type
  std::string_view payload_at = "/payload";            ///< where it stood in what was asked; a literal
  std::string content_type = {};                       ///< empty: application/json
  std::vector<custom_header> headers = {};
  std::string params = {};   ///< for the destinations' scripts: the text of a JSON object; empty: none
  std::string replaces = {}; ///< the message that it goes instead of
  delivery_fault fault = delivery_fault::none;
};

/// A message that brings its destination along: the one that was made so for this URL, or a new one. It gets this message alone, and others only that name it.
struct create_dynamic_message {
  create_message message;   ///< without `only_to`
  create_destination where; ///< as far as it is new: with its URL, and what else it says. With a secret: it is the destination's from now on
};
/// Channel of destinations that were made so: no message comes to them by itself.
inline constexpr std::string_view dynamic_channel = "hourglass.dynamic";

/// One dead letter. The caller has read in the log that it is one; the shell checks that this holds still.
struct remove_letter {
  message_ref message;
  std::string destination;             ///< id
  events::seq as_of = 0;               ///< the log was read up to here
  std::optional<create_message> instead = {}; ///< goes to the destination in its place
  bool keep_headers = false;           ///< with those of the message, which the shell reads
};

/// Sends one message to one destination again, now. The caller reads the message and what became of it from the log.
struct resend {
  message_ref message;
  std::string destination;    ///< id or uid
  std::uint32_t attempts = 0; ///< made so far, for the numbering
  bool was_dead = false;      ///< the last scheduled outcome in the log is `dead`
  bool was_delivered = false; ///< it has arrived before, and did not become a dead letter since
  std::string ordering_key = {}, payload = {}; ///< of the message, for its line; no payload that is opaque
};

struct start_recovery {
  std::string destination; ///< id or uid
  events::virtual_time since;
  std::optional<events::virtual_time> until; ///< none: now; of a purge: ever
  recovery_scope scope = recovery_scope::failed;
  std::vector<std::string> event_types;
  std::string task; ///< of Svix; empty: `endpoint.recover`
  content_filter filter = {};
  std::optional<std::uint32_t> code_class = {};
  std::uint32_t rate = 0; ///< messages a second; 0: as they go
  bool purge = false;     ///< removes the dead letters instead; without a destination those of all
};
/// By the shell, page by page while it scans the log from the recovery's `cursor`; each page is durable before the next.
struct progress_recovery {
  std::string id;
  std::vector<recovery_item> items;
  events::seq cursor = 0; ///< of the last message looked at
  std::uint64_t seen = 0; ///< in this page
  bool done = false;
};
struct cancel_recovery { std::string id; };

/// By the shell, with what the dispatcher brought back.
struct finish_attempt {
  fencing_token token = 0;
  attempt_result result;
};

/// Of a destination's transformation only what is given. That the code compiles is for the engine to say, before it comes here.
struct change_transformation {
  std::string id; ///< or uid
  std::optional<std::string> code; ///< empty: none any more, and it is disabled
  std::optional<bool> enabled;
  std::optional<string_map> variables;
};

struct create_poller { poller value; /* without id, times, consumers */ };
/// Only what is given.
struct patch_poller {
  std::string id; ///< or uid
  std::optional<std::string> uid, description;
  std::optional<std::vector<std::string>> filter_types, channels;
  std::optional<content_filter> filter;
  std::optional<string_map> metadata;
};
struct remove_poller { std::string id; /* or uid */ };
/// Its consumer stands at `to` from now on. With `from`, by whoever has read what is between the two: fails with `errc::conflict` when it stands at
/// neither; at `to` already, nothing is written.
struct move_consumer {
  std::string poller; ///< id or uid
  std::string consumer;
  std::optional<events::seq> from;
  events::seq to = 0;
};
struct remove_consumer { std::string poller, consumer; };

/// By the shell, when something is too old to wait any longer (`has_expired`): some of what is, of one destination.
struct expire_deliveries {};

/// By the shell, when messages that are gathered may go (`has_batches`): which go together is decided, and stays so.
struct form_batches {};

/// What is left of events when their content is erased (webhook/erasing.hpp). The caller has read them from the log.
struct erase_content {
  struct item {
    events::seq seq = 0;
    std::string id;
    std::string left;
  };
  std::vector<item> items;
  erasure_reason why = erasure_reason::asked;
  bool leave_what_waits = false; ///< a message with deliveries that have not ended is left out; else all is refused
};

/// By the shell, when it finds that the body of what is pending was erased: it was asked for again while that happened.
struct expire_erased { events::seq message = 0; };

using command = std::variant<create_destination, update_destination, patch_destination, remove_destination, rotate_secret, put_event_type,
                             remove_event_type, create_message, resend, start_recovery, progress_recovery, cancel_recovery, finish_attempt, expire_deliveries, form_batches,
                             create_poller, patch_poller, remove_poller, move_consumer, remove_consumer, remove_letter, erase_content, expire_erased, change_transformation, create_destinations, create_dynamic_message>;

} // namespace hourglass::webhook
