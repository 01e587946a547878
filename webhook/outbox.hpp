#pragma once

#include "events/envelope.hpp"
#include "events/limits.hpp"
#include "webhook/commands.hpp"
#include "webhook/facts.hpp"
#include "webhook/lane_guard.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace hourglass::webhook {

/// When and where in the stream a fact stands.
struct moment {
  events::seq seq = 0;
  events::wall_time wall;
  events::virtual_time now;
};
inline moment moment_of(const events::header& h) noexcept { return {h.seq, h.wall, h.virtual_}; }

/// A durable bulk redelivery, or a removal of dead letters.
struct recovery {
  recovery_started what;
  enum class phase : std::uint8_t { scanning, finished, cancelled } state = phase::scanning;
  events::seq started_seq = 0;
  events::seq cursor = 0; ///< where the scan goes on
  std::optional<events::virtual_time> next = std::nullopt; ///< and not before
  std::uint64_t seen = 0, queued = 0, delivered = 0, dead = 0;
  events::virtual_time started;
  events::virtual_time updated;
};

/// Figures of one destination, since it was created: of messages, each counted once.
struct destination_counts {
  std::uint64_t pending = 0;   ///< deliveries not yet delivered, dead or dropped, those in flight too
  std::uint64_t in_flight = 0; ///< messages too, so each of a batch
  std::uint64_t delivered = 0; ///< messages whose last end is a delivery, however often they were sent
  std::uint64_t dead = 0;      ///< dead letters now: a redelivery that succeeds takes one away
  std::uint64_t failed_in_a_row = 0; ///< attempts since the last success
  std::uint64_t delivered_again = 0; ///< of `delivered`, those that are pending again
  std::uint64_t dead_again = 0;      ///< of `dead`, those that are pending again
  std::uint64_t held_lines = 0;      ///< by a dead letter
};

/// The outbox of one sandbox: what `apply` has made of the log, and what is in flight.
///
/// A message that is created while a matching destination is disabled is not queued for it; it stays in the log, and a recovery of scope
/// `missing` sends it, which starts by itself when a probe has enabled it. Only what a probe needs is queued. What was pending when a destination is disabled is parked and goes on when it is enabled.
///
/// A fold: `decide` reads it and proposes, only `apply` changes what is durable; `take_due` changes what is in flight, which is memory
/// only. A finished delivery leaves it; history is read from the log. At most one delivery exists per message and destination: a resend
/// of one that is pending pulls it forward.
/// A copy is independent and has nothing in flight (a fork): what was is pending there. One thread at a time.
class outbox_state {
public:
  outbox_state();
  ~outbox_state();
  outbox_state(const outbox_state&);
  outbox_state& operator=(const outbox_state&);
  outbox_state(outbox_state&&) noexcept;
  outbox_state& operator=(outbox_state&&) noexcept;

  // -- destinations, event types, recoveries ----------------------------------------

  /// By id or uid; null when there is none.
  const destination* find(std::string_view id_or_uid) const;
  /// Up to `max` in the order of their ids, after `after` (empty: from the start).
  std::vector<const destination*> list(std::string_view after, std::size_t max) const;
  /// The same backwards, before `before` (empty: from the end).
  std::vector<const destination*> list_backwards(std::string_view before, std::size_t max) const;
  std::size_t destination_count() const noexcept;
  /// O(pending of this destination).
  destination_counts counts(std::string_view id) const;

  /// How it is spared; null when there is none.
  const lane_guard* guard(std::string_view id) const;

  const std::map<std::string, event_type, std::less<>>& event_types() const noexcept;

  /// Newest last; all that scan, and the last 100 that ended.
  std::vector<const recovery*> recoveries() const;
  const recovery* find_recovery(std::string_view id) const;

  // -- polling endpoints ---------------------------------------------------------------

  /// By id or uid; null when there is none.
  const poller* find_poller(std::string_view id_or_uid) const;
  /// In the order of their ids.
  const std::map<std::string, poller, std::less<>>& pollers() const noexcept;

  // -- deliveries --------------------------------------------------------------------

  struct delivery_view {
    bool in_flight = false;
    bool parked = false; ///< the destination is disabled
    std::uint32_t attempts = 0;
    events::virtual_time due; ///< when it may go: by its schedule, or when what holds its destination is over
    events::virtual_time since{}; ///< when it was due first
    bool behind = false; ///< others of its line go before it
  };
  /// What is pending of a message (by the seq of its event) for a destination; nothing when it is finished or never matched.
  std::optional<delivery_view> pending(std::string_view destination_id, events::seq message) const;
  /// Pending messages of a destination in the order they fall due, at most `max`.
  std::vector<std::pair<message_ref, delivery_view>> pending_of(std::string_view destination_id, std::size_t max) const;

  std::size_t pending_count() const noexcept;
  /// Whether its recovery may queue more now. What other destinations have waiting does not count, as long as the sandbox has room;
  /// while lines wait for what was missed, only what recoveries queued counts.
  bool room_for_recovery(std::string_view destination_id) const;
  std::size_t in_flight_count() const noexcept;
  /// Of the bodies of what is in flight, each counted once.
  std::uint64_t bytes_under_way() const noexcept;

  struct impl;
  impl& self() noexcept { return *self_; }
  const impl& self() const noexcept { return *self_; }

private:
  std::unique_ptr<impl> self_;
};

/// What waits in an outbox, for metrics.
struct backlog {
  std::uint64_t pending = 0;
  std::optional<duration> oldest; ///< since it was due first; nothing when nothing waits
  std::map<std::string_view, std::uint64_t> by_state; ///< how many destinations are as `views::health_of` names it, but for the healthy
  struct lane {
    std::string destination;
    std::string_view state;
    std::uint64_t pending = 0;
    std::optional<duration> oldest;
  };
  std::vector<lane> worst; ///< those with most waiting, or not well, at most `max`
  bool empty() const noexcept { return pending == 0 && by_state.empty(); }
};
/// O(destinations + pending).
backlog backlog_of(const outbox_state& state, events::virtual_time now, std::size_t max);

/// What a command leads to. `facts[i]` is what `drafts[i]` encodes.
struct decision {
  std::vector<events::draft> drafts;
  std::vector<fact> facts;
  std::string reply; ///< JSON in Svix's shape for the API (EndpointOut, MessageOut, …), empty where Svix answers 204
};

/// Checks `c` against the state and says what happens. Changes nothing. Ids, secrets and jitter are drawn from `ctx.chance`.
/// A late answer (`finish_attempt` with an unknown token) is an empty decision.
/// What would make more than `pending_most` deliveries wait is refused with `errc::overloaded`; the shell takes off what it has proposed
/// and not yet applied.
/// Cost: create_message O(destinations that may match), finish_attempt O(log n).
events::outcome<decision> decide(const outbox_state& state, const command& c, const events::context& ctx,
                                 std::size_t pending_most = limits::pending_per_sandbox);

/// Folds one fact that stands at `at`. Hot path: no JSON.
void apply(outbox_state& state, const moment& at, const fact& f);

/// Folds one event of the log; kinds that are not the outbox's are skipped. Fails with `errc::corrupt`.
events::outcome<void> apply(outbox_state& state, const events::header& at, std::string_view payload);

/// Takes up to `max` attempts that are due at `now` and marks them in flight. Destinations take turns, so neither a long backlog nor a
/// hanging receiver delays another; each has its own in-flight cap and rate; one that is held or disabled waits, but for its probes. What a
/// person sends again goes first, and past a hold. The bodies in flight stay within `most_bytes` (`bodies_under_way`): what there is no room for waits, and
/// so does all whose turn is after it, until an attempt has ended; but a destination that holds its share is passed over. O(log n) each, and for each passed over.
std::vector<start> take_due(outbox_state& state, events::virtual_time now, std::size_t max, std::uint64_t most_bytes = limits::bytes_under_way_per_sandbox);

/// With more than `all` awake a destination's deliveries, if they are more than `of_one`, rest in a packed form until they fall due. Changes nothing but memory
/// and time. Memory only, and the usual numbers are good: tests make them small.
void rest_beyond(outbox_state& state, std::size_t all, std::size_t of_one);

/// Whose outbox it is, for messages that name it. Memory only; before the first decision.
void name_sandbox(outbox_state& state, std::string id);

/// Who holds payloads against schemas, and what the sandbox says of that. Memory only; without a judge nobody looks.
void judge_by(outbox_state& state, std::shared_ptr<const payload_judge> judge, std::optional<schema_check> sandbox);

/// Whether an attempt that was taken and has not left is to be sent still: its destination is there and takes it, and its delivery was not taken back.
/// Else it is to be given back.
bool still_wanted(const outbox_state& state, fencing_token token);

/// Gives back an attempt that was taken and could not be handed to the dispatcher: pending again, as if never taken.
void give_back(outbox_state& state, fencing_token token);

/// Whether something has waited until it was too old (`maximumAge`; `kept_back_most`): then `expire_deliveries` is to be decided until nothing is.
/// `take_due` takes nothing of such a destination before.
bool has_expired(outbox_state& state, events::virtual_time now);

/// Whether messages that are gathered for a destination may go: then `form_batches` is to be decided until nothing is. `take_due` takes no message that is
/// gathered, but the batch that it has become.
bool has_batches(outbox_state& state, events::virtual_time now);

/// While a sandbox's clock stands, its rates go by the node's: `elapsed` of that has passed.
void pass_pace(outbox_state& state, duration elapsed);
/// How long it is, of the node's time then, until something goes that only a rate keeps back; nothing: there is none.
std::optional<duration> paced_for(const outbox_state& state, events::virtual_time now);

/// The earliest moment at which `take_due` would take something, not counting destinations at their cap or what waits for
/// bytes, or something is too old, or a recovery with a rate goes on.
std::optional<events::virtual_time> next_due(const outbox_state& state);

/// How much later than `next_due` an advance of the clock may look next, so that a backlog goes in thousands and not one by one: nothing while fewer
/// than a hundred fall due within a second, and each goes at its very moment; else up to a second. Never beyond the end of a hold, a probe, what a rate lets
/// go, or the first end of an age.
duration step_of_backlog(const outbox_state& state);

/// Everything that is durable, as JSON text: equal states give equal text. What is in flight is written as pending.
std::string snapshot(const outbox_state& state);
/// Fails with `errc::corrupt` or `errc::newer_format`.
events::outcome<outbox_state> restore(std::string_view text);

/// The state at a moment for people and the API: as the snapshot, without secrets; at most `max` deliveries per destination.
std::string to_json(const outbox_state& state, std::size_t max = 100);

} // namespace hourglass::webhook
