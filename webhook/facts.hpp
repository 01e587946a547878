#pragma once

#include "events/envelope.hpp"
#include "events/erasure.hpp"
#include "events/outcome.hpp"
#include "webhook/attempt.hpp"
#include "webhook/destination.hpp"
#include "webhook/event_type.hpp"
#include "webhook/poller.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// The outbox's events, typed. `encode` gives the draft that goes to the log, `decode` reads it back; the live outbox applies the typed
/// value and never parses what it wrote itself.
namespace hourglass::webhook {

struct event_type_put { event_type type; };
struct event_type_removed { std::string name; };
struct destination_created { destination value; };
struct destination_updated { destination value; }; ///< the whole new value, secrets too
struct destination_removed { std::string id; };
struct destination_secret_rotated {
  std::string id;
  std::vector<secret> secrets; ///< all that remain, newest first
};
struct destination_disabled {
  std::string id;
  std::string reason;
  std::optional<events::virtual_time> probe = {}; ///< the first attempt that may enable it again; none: only a person does
};
struct destination_recovered { std::string id; };

/// Payload: `{"body_bytes":N, …, "destinations":[…], "body":<the body's bytes>}`. `body` is the last member and `body_bytes` the first,
/// so that `message_body` finds the exact bytes without parsing. A message that brings a content type, headers, parameters or an opaque body has
/// `"content":{"type", "coding": "text" | "base64", "params":{…}, "headers":[…]}` behind the first; with a coding, `body` is a JSON string.
struct message_created {
  std::string id;
  std::string event_type;
  std::string event_id;                ///< the caller's, may be empty
  std::vector<std::string> channels;
  std::vector<std::string> tags;
  std::vector<std::string> destinations; ///< fan-out, decided here once; may be empty
  std::string body;                    ///< byte for byte: a JSON object's text, or `opaque`
  std::uint64_t body_bytes = 0;
  std::optional<events::virtual_time> deliver_at = {}; ///< the first attempt is not due before
  bool addressed = false;              ///< to one destination by its name, whatever the filters: no recovery takes it to another
  bool operational = false;            ///< about the webhooks themselves
  std::string ordering_key = {};       ///< as the caller gave it
  std::vector<std::string> lines = {}; ///< of `destinations`, the line in which it stands there (`ordering_policy::line_of`); empty: in none anywhere
  std::uint32_t retention_hours = 0;   ///< until its body is erased; 0: as the sandbox has it
  std::uint64_t erased_bytes = 0;      ///< not 0: the body was erased (webhook/erasing.hpp), and had so many; what stands there is `{}`
  std::string content_type = {};       ///< empty: application/json
  bool opaque = false;                 ///< the body is no JSON object: filters, orders and views do not look into it
  std::vector<custom_header> headers = {}; ///< sent with it, beside those of the destination
  std::string replaces = {};           ///< the dead letter's message that it goes instead of
  std::string params = {};             ///< what it says to the destinations' scripts: the text of a JSON object; empty: nothing
  delivery_fault fault = delivery_fault::none; ///< each of its attempts does this wrong
  std::vector<schema_fault> schema_faults = {}; ///< where the payload did not fit its event type's schema, at most `schema_faults_kept`

  /// What filters and orders see of the body; empty: nothing.
  std::string_view json() const noexcept { return opaque ? std::string_view{} : std::string_view{body}; }
};

/// These messages go to the destination as one from now on: the same bytes under the same id each time, until it was delivered or is dead.
struct batch_formed {
  std::string id; ///< `bat_…`, the `webhook-id` of every attempt
  std::string destination;
  std::vector<message_ref> messages; ///< in their order; of them only id and seq are in the log, at most `limits::batch_messages`
};

/// Which batch an attempt was one of.
struct part_of_batch {
  std::string id;        ///< empty: of none
  events::seq seq = 0;   ///< of its `batch_formed`
  std::uint32_t left = 0; ///< how many of its messages have theirs behind this one, in the same append; with the last the batch goes on, or has ended
  bool beside = false;    ///< of an attempt: with the batch has arrived what a person asked for beside it, too
};

/// What follows an attempt.
enum class outcome_kind : std::uint8_t {
  delivered,
  retry,   ///< next attempt at `next`
  dead,    ///< schedule used up
  failed,  ///< a manual attempt, which has no retry of its own; what was pending or dead stays so
  dropped, ///< the destination is removed, or its recovery cancelled, while the attempt was under way; and it failed
};
std::string_view to_string(outcome_kind k) noexcept;

/// One for each message of a batch.
struct attempt_finished {
  std::string id; ///< `atmpt_…`
  message_ref message;
  std::string destination;
  std::uint32_t number = 1;
  trigger why = trigger::schedule;
  std::string url;
  attempt_result result;
  outcome_kind follows = outcome_kind::delivered;
  std::optional<events::virtual_time> next; ///< with `retry`
  bool was_dead = false;    ///< it was a dead letter until then; `delivered` takes it off the count
  bool was_delivered = false; ///< it had been delivered before; `delivered` does not count it again
  std::optional<events::virtual_time> hold = {}; ///< nothing of the schedule is sent to the destination before; with `delivered`: a hold ends now
  bool opened = false;      ///< it is the breaker that holds, and holds twice as long next time
  bool gone_kept = false;   ///< a 410 that does not disable
  std::uint64_t backlog_told = 0; ///< operators are told that so many wait
  std::uint32_t failing_told = 0; ///< and how far it is on the way to being disabled, in percent
  bool probe = false;       ///< its destination was disabled by rule: it failed, and costs nothing of the schedule
  bool line_held = false;   ///< with `dead`: what stands behind it in its line waits until it was delivered
  bool detached = false;    ///< its delivery was taken back while it was under way: recorded, and decides nothing
  bool answer_erased = false; ///< the body of the answer
  bool elsewhere = false;   ///< a script chose another address than the destination's: it tells nothing of that. Logs of before judged by it all the same
  part_of_batch batch = {};
  fencing_token token = 0;  ///< of this process; not in the log

  /// It tells of the destination that has this address now. Decided and folded by this alone.
  bool was_of(const std::string& now) const noexcept { return !elsewhere && url == now; }
};

struct resend_requested {
  message_ref message;
  std::string destination;
  std::uint32_t attempts = 0; ///< made before
  bool was_dead = false;
  bool was_delivered = false;
  std::string line = {}; ///< at the end of which it waits; empty: in none
  events::seq batch = 0; ///< the batch that it waits in goes now, and it with that; 0: it goes by itself
};

/// Which messages a recovery takes, besides its time range.
enum class recovery_scope : std::uint8_t {
  failed,  ///< whose last attempt at this destination failed: dead letters
  missing, ///< that this destination never got an attempt of
  all,
};
std::string_view to_string(recovery_scope s) noexcept;

struct recovery_started {
  std::string id; ///< `rcv_…`
  std::string destination;
  events::virtual_time since;
  events::virtual_time until;
  recovery_scope scope = recovery_scope::failed;
  std::vector<std::string> event_types; ///< empty: all
  std::string task;                     ///< what Svix calls it, when it is not `endpoint.recover`
  events::seq after = 0; ///< not asked for by a person but by a probe that succeeded: what came after this event, whatever its time says
  content_filter filter = {};                                   ///< what messages hold, besides all else
  std::optional<std::uint32_t> code_class = std::nullopt; ///< 100 to 500: of the last attempt's answer; 0: there was none
  std::uint32_t rate = 0;                                       ///< messages a second of the sandbox's time; 0: as they go
  bool purge = false; ///< it sends nothing, but removes the dead letters that it takes
  std::string by = {}; ///< with `purge`: who asked for it
  bool automatic() const noexcept { return after != 0; }
};
struct recovery_item {
  message_ref message;
  std::uint32_t attempts = 0;
  bool was_dead = false;
  bool was_delivered = false;
  std::optional<events::virtual_time> deliver_at = {}; ///< of the message, as `message_created` has it
  std::string line = {}; ///< in which it waits; empty: in none
  std::optional<events::virtual_time> place = {}; ///< its place there, when it never went to the destination: where it was emitted. None: at the end
};
struct recovery_progressed {
  std::string id;
  std::vector<recovery_item> items;
  events::seq cursor = 0;   ///< messages up to here have been looked at
  std::uint64_t seen = 0;   ///< looked at, in all
  std::uint64_t queued = 0; ///< queued, in all
  std::optional<events::virtual_time> next = {}; ///< with a rate: the next is not queued before
};
struct recovery_finished {
  std::string id;
  bool cancelled = false;
};

/// What waited for its turn, a hold or a person until it was too old: dead, without a further attempt.
struct delivery_expired {
  std::string id; ///< `exp_…`
  message_ref message;
  std::string destination;
  std::uint32_t attempts = 0; ///< made before
  std::string reason;         ///< `maximum age`, or `kept back`
  events::virtual_time since; ///< what its age is counted from
  bool was_dead = false;
  bool was_delivered = false;
  bool line_held = false; ///< as in `attempt_finished`
  bool erased = false;    ///< its body is gone: what a person asked for ends with it
  part_of_batch batch = {}; ///< which has died as one; or, if it was erased, goes without it
};

/// Content of earlier events went with this one (events/erasure.hpp).
enum class erasure_reason : std::uint8_t { asked, retention };
std::string_view to_string(erasure_reason r) noexcept;
struct content_erased {
  erasure_reason why = erasure_reason::asked;
  std::vector<events::erased_item> items;
};

struct removed_letter {
  std::string message;
  events::seq seq = 0; ///< of its `message_created`
};
/// A person is done with dead letters of a destination: they are listed no more, and no recovery sends them. Their messages stay, and may be sent again by hand.
struct dead_letters_removed {
  std::string destination;
  std::vector<removed_letter> letters; ///< at most `letters_removed_at_once`
  std::string by;                      ///< who asked for it
  std::string recovery = {};           ///< the one that removes them; empty: one by its name
  std::string superseded_by = {};      ///< the message that went instead; empty: none
};
/// Each is an entity of the event.
inline constexpr std::size_t letters_removed_at_once = 60;

/// A sandbox's time went back (its clock was reset): all that is pending falls due so much earlier, and waits as long as it had left to wait.
struct deliveries_moved { std::int64_t by_us = 0; };

struct poller_created { poller value; }; ///< without consumers, as in `poller_updated`
struct poller_updated { poller value; }; ///< the whole new value
struct poller_removed { std::string id; };
/// All up to `cursor` has been read, or a person has said to go on from there.
struct consumer_moved {
  std::string poller, consumer;
  events::seq cursor = 0;
};
struct consumer_removed { std::string poller, consumer; };

using fact = std::variant<event_type_put, event_type_removed, destination_created, destination_updated, destination_removed,
                          destination_secret_rotated, destination_disabled, message_created, attempt_finished, resend_requested,
                          recovery_started, recovery_progressed, recovery_finished, deliveries_moved, destination_recovered, delivery_expired,
                          dead_letters_removed,
                          poller_created, poller_updated, poller_removed, consumer_moved, consumer_removed,
                          content_erased, batch_formed>;

events::kind kind_of(const fact& f) noexcept;

/// The event for the log. `causation` is set for attempts (the message's seq).
events::draft encode(const fact& f);

/// Reads a payload at its current version. Fails with `errc::corrupt` naming the member; `errc::invalid` for a kind that is not the outbox's.
events::outcome<fact> decode(events::kind kind, std::string_view payload);

/// The same of an event as the log has it, of whatever version.
events::outcome<fact> decode(const events::record& r);

/// Its moments, so much later: what was decided before the sandbox's clock was set back, and stands behind that. What is due waits as long as it
/// would have. Of a draft its payload is written anew; facts without moments stay as they are.
void shift(fact& f, std::int64_t by_us);
void shift(events::draft& d, std::int64_t by_us);

/// True for the kinds listed above.
bool is_outbox_kind(events::kind kind) noexcept;

/// Entity of a `message_created` whose destinations do not all fit among its entities: a list of one destination's messages looks at
/// these too. No id or name has a colon.
inline constexpr std::string_view wide_fan_out = "fan-out:wide";

/// The exact body within the payload of a `message_created` whose body is not opaque; empty view when it is not one.
std::string_view message_body(std::string_view payload) noexcept;

/// Whether a `message_created` brings a content type, headers or an opaque body.
bool has_content(std::string_view payload) noexcept;

} // namespace hourglass::webhook
