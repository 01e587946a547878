#pragma once

#include "events/vault.hpp"
#include "webhook/bodies_under_way.hpp"
#include "webhook/lane_guard.hpp"
#include "webhook/outbox.hpp"
#include "webhook/resting.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

/// The inside of `outbox_state`, shared by its .cpp files and by nobody else.
namespace hourglass::webhook {

inline constexpr std::size_t recovery_room = 5'000; ///< with more waiting for a destination its recoveries pause

/// One message of a batch that is on its way.
struct batch_member {
  std::shared_ptr<const message_ref> message;
  std::uint32_t attempts = 0; ///< made, alone or with others
  bool was_dead = false, was_delivered = false;
  events::seq recovery = 0;
  events::virtual_time since;
};

/// One message on its way to one destination; or one batch of them, which is told of as if it were a message by itself.
struct delivery {
  std::shared_ptr<const message_ref> message;
  std::uint32_t attempts = 0; ///< made, whatever their trigger
  std::uint32_t step = 0;     ///< of them by the schedule
  std::uint32_t manual = 0;   ///< asked for by hand and not made yet
  bool scheduled = false;     ///< the schedule's next attempt is at `due`
  bool was_dead = false;      ///< a dead letter that is tried again
  bool was_delivered = false; ///< it has arrived before and is sent again
  events::seq recovery = 0;   ///< `started_seq` of the recovery that queued it, or 0
  events::virtual_time due;
  events::virtual_time manual_due;
  events::virtual_time since; ///< when it was due first: its age is counted from then
  std::string line;        ///< in which it stands; empty: in none
  std::pair<std::int64_t, events::seq> place{0, 0}; ///< there: the moment and the event since which it stands there
  std::vector<batch_member> members = {}; ///< of a batch, in their order; of it no message of its own has flags or a recovery
  fencing_token token = 0; ///< in flight unless 0. Memory only
  std::int64_t over_us = INT64_MAX; ///< `since` and its maximum age. Derived where it waits

  bool idle() const noexcept { return !scheduled && manual == 0; }
  /// It waits for its schedule, as a message that is new to the destination, and in no line.
  bool may_rest() const noexcept { return scheduled && manual == 0 && recovery == 0 && !was_dead && !was_delivered && line.empty() && members.empty() && !message->alone; }
  /// It may go with others, where its destination wants that.
  bool gathers() const noexcept { return waits_by_itself() && !message->alone; }
  /// And what a log says that it went with: alone it goes by a rule that logs of before do not know.
  bool waits_by_itself() const noexcept { return scheduled && manual == 0 && members.empty(); }
  std::size_t messages() const noexcept { return std::max<std::size_t>(1, members.size()); }
  /// Of them, those that a recovery queued.
  std::size_t recovered() const noexcept {
    const auto of_recovery = [](const auto& one) { return one.recovery != 0; };
    return static_cast<std::size_t>(members.empty() ? of_recovery(*this) : std::count_if(members.begin(), members.end(), of_recovery));
  }
  std::int64_t next_us() const noexcept {
    if (manual == 0)
      return due.us;
    return scheduled ? std::min(due.us, manual_due.us) : manual_due.us;
  }
};

/// Messages of one destination that go one after the other. Derived.
struct waiting_line {
  std::set<std::pair<std::pair<std::int64_t, events::seq>, events::seq>> order; ///< (place, message), what is under way too
  events::seq shown = 0; ///< the one that may go, and waits among those of `lane::waiting` for all; 0: none
  fencing_token flying = 0; ///< one is under way, though its delivery may have been taken back meanwhile
  std::int64_t forms_us = INT64_MAX; ///< with batching: when `shown` goes with what stands behind it
};

/// One destination with what is pending for it. What may be taken next stands at the front of `waiting`: when much waits, the rest of it rests, and what
/// falls due first is woken before.
struct lane {
  destination config;
  events::seq ordinal = 0; ///< seq of its creation
  std::map<events::seq, delivery> deliveries; ///< by message: the oldest first. Those that are awake
  resting_deliveries resting;                 ///< all others. Which rest is memory's affair: no event and no snapshot tells
  std::size_t rest_at = 0;                    ///< with so many awake it is looked at again which may rest
  std::set<std::pair<std::int64_t, events::seq>> waiting; ///< (due, message) of what is not in flight
  std::set<std::pair<std::int64_t, events::seq>> by_hand; ///< of these, (due, message) of what a person sends again: no hold keeps it back
  std::set<std::pair<std::int64_t, events::seq>> aging; ///< (over, message) of what is not in flight and has a maximum age
  std::set<std::pair<std::int64_t, events::seq>> kept_back; ///< of `waiting`, what has none and may be held by a rule
  // With batching: what of `waiting` goes as it is, and what goes with others. Without it, empty.
  std::set<std::pair<std::int64_t, events::seq>> alone;          ///< (due, message)
  std::set<std::pair<std::int64_t, events::seq>> gathered;       ///< (due, message) of what stands in no line
  std::set<std::pair<std::int64_t, events::seq>> lines_gathered; ///< (when they go, `waiting_line::shown`)
  std::int64_t gathered_us = INT64_MAX;                    ///< when the first of `gathered` go
  std::pair<std::int64_t, events::seq> gathered_end{0, 0}; ///< the last that was looked at for that
  bool gathered_full = false, gathered_anew = false;       ///< whether more change nothing; whether it is to be found anew
  std::unordered_map<events::seq, events::seq> in_batch;   ///< message → the batch with which it goes
  std::size_t batched = 0;                                 ///< how many more messages than deliveries there are
  std::unordered_map<std::string, waiting_line> lines;
  std::map<std::string, events::seq> held; ///< lines, by the dead letter of this message
  events::seq catching_up = 0; ///< what it missed since this event is being looked for, and what was queued since waits in its lines. Derived
  std::size_t recovered = 0; ///< messages of `deliveries` that a recovery queued, each of a batch too. Derived
  std::uint32_t in_flight = 0;
  std::uint64_t bytes_in_flight = 0; ///< the sum of their bodies
  bool short_of_bytes = false; ///< passed over until an attempt, its own or another that frees bytes, has ended
  std::uint64_t delivered = 0, dead = 0, failed_in_a_row = 0;
  std::uint64_t turn = 0; ///< when it was served last

  lane_guard guard;
  std::uint64_t backlog_told = 0; ///< operators know that so many wait
  attempt_pace pace; ///< with a rate limit

  // Where it stands in the indexes of `impl`.
  bool runnable = false, over = false, forming = false;
  std::optional<std::int64_t> indexed_head, indexed_over, indexed_forms;
  std::uint64_t indexed_turn = 0;
  std::int64_t unpaced_us = 0; ///< where its head would be without a rate limit

  /// Messages, each of a batch too.
  std::size_t pending() const noexcept { return units() + batched; }
  /// A batch is one.
  std::size_t units() const noexcept { return deliveries.size() + resting.size(); }
  /// Awake or not, by itself or in a batch.
  bool has(events::seq message) const { return deliveries.contains(message) || in_batch.contains(message) || resting.find(message); }
  /// In a line: it need not wait for what was missed before it.
  bool in_turn(const delivery& d) const noexcept { return d.line.empty() || catching_up == 0 || d.message->seq <= catching_up || d.recovery != 0 || !d.members.empty(); }
  bool batches() const noexcept { return !config.batching.empty(); }
  /// Null: it goes in none.
  batch_member* member(events::seq message);
  /// The batch in which the message waits in a line: behind it the message by itself would only arrive again. 0: in none, or that is under way.
  events::seq batch_to_send_now(events::seq message) const;
  std::optional<delivery> copy_of(events::seq message) const;

  std::uint32_t cap() const noexcept;
  bool takes() const noexcept { return !config.disabled || guard.probing; }
  /// Whether what it wants is queued for it. What comes while it is disabled is stored and recovered later; but with nothing to probe with it would never recover.
  /// In an order nothing is queued beside a probe that is under way: it would go before what was stored in between.
  bool queues(events::virtual_time now) const noexcept {
    if (!config.disabled || !guard.probing)
      return !config.disabled;
    return (config.ordering.empty() || in_flight == 0) && (waiting.empty() || front_us() > std::max(now.us, guard.gate_us()));
  }
  /// Whether it queues what would stand in this line. What cannot go is nothing to probe with.
  bool queues_in(const std::string& line) const { return !config.disabled || line.empty() || (catching_up == 0 && !held.contains(line)); }
  /// When the first of what waits may go. A probe takes what was tried before whenever that is due.
  std::int64_t front_us() const noexcept { return std::min(goes_us(), forms_us()); }
  /// Of what goes as it is.
  std::int64_t goes_us() const noexcept {
    const auto& which = batches() ? alone : waiting;
    if (which.empty())
      return INT64_MAX;
    const auto& [due, message] = *which.begin();
    return guard.probing && deliveries.find(message)->second.attempts > 0 ? INT64_MIN : due;
  }
  /// When the first of what is gathered go as a batch.
  std::int64_t forms_us() const noexcept { return std::min(gathered_us, lines_gathered.empty() ? INT64_MAX : lines_gathered.begin()->first); }
  /// When what could not go was kept back for too long: the destination has done nothing but fail since.
  std::int64_t kept_back_since(std::int64_t due) const noexcept { return std::max(due, guard.failing_since->us); }
  std::int64_t kept_until_us(std::int64_t due) const noexcept { return capped_sum(kept_back_since(due), kept_back_most.count()); }
  bool keeps_back() const noexcept { return !config.disabled && guard.failing_since && first_kept_us() != INT64_MAX; }
  /// When the first that waits will be too old. While it probes the last one is kept to probe with.
  std::optional<std::int64_t> over_at() const noexcept {
    if (guard.probing && units() == 1)
      return std::nullopt;
    auto out = std::min(aging.empty() ? INT64_MAX : aging.begin()->first, resting.first_over_us());
    if (keeps_back())
      out = std::min(out, kept_until_us(first_kept_us()));
    return out == INT64_MAX ? std::nullopt : std::optional{out};
  }
  std::int64_t first_kept_us() const noexcept { return std::min(kept_back.empty() ? INT64_MAX : kept_back.begin()->first, resting.first_kept_us()); }
  /// In the order in which they fall due, and then, line by line, what stands behind others; at most `most`.
  std::vector<delivery> first_that_wait(std::size_t most) const;
  /// What an attempt means for the next depends on those before it.
  bool guarded() const noexcept { return !config.protection.empty() || config.retries.retries_per_minute() || guard.probing; }
};

/// What goes as one batch, one after the other in their order, by the destination's rules.
class batch_of {
public:
  explicit batch_of(const batching_rules& rules) : rules_(rules) {}

  /// Whether `d` goes too. False: it ends before it.
  bool take(const delivery& d) {
    const auto bytes = d.message->body_bytes;
    if (taken_ == 0)
      until_ = capped_sum(d.due.us, rules_.wait.count());
    else if (bytes_ + bytes > rules_.bytes)
      return close(d.due.us), false;
    ++taken_, bytes_ += bytes;
    latest_ = std::max(latest_, d.due.us);
    if (taken_ == rules_.messages || bytes_ >= rules_.bytes)
      close(latest_);
    return true;
  }
  /// Nothing more may go with it.
  void close(std::int64_t at) { full_at_ = std::max(at, latest_); }

  bool full() const noexcept { return full_at_ != INT64_MAX; }
  /// What is due later is not waited for.
  std::int64_t until() const noexcept { return until_; }
  std::int64_t goes_us() const noexcept { return std::min(until_, full_at_); }

private:
  const batching_rules& rules_;
  std::size_t taken_ = 0;
  std::uint64_t bytes_ = 0;
  std::int64_t latest_ = INT64_MIN, until_ = INT64_MAX, full_at_ = INT64_MAX;
};

/// What is kept of one that rests. `d` may rest.
resting_delivery resting(const delivery& d);

/// How messages for it grow old. Independent of it.
ageing_of ageing_in(const lane& l);

/// One attempt under way. Outlives its delivery and its destination, so that a late answer can be judged.
struct flight {
  start what; ///< without headers, keys and way
  events::seq lane = 0;
  bool was_dead = false;
  bool was_delivered = false;
  std::string line = {};
  bool batch = false;
  bool probe = false; ///< its destination was disabled already
};

struct outbox_state::impl {
  // -- durable ---------------------------------------------------------------------------
  std::unordered_map<events::seq, lane> lanes;
  std::map<std::string, events::seq, std::less<>> by_id;
  std::map<std::string, events::seq, std::less<>> by_uid;
  std::map<std::string, event_type, std::less<>> types;
  std::map<events::seq, recovery> recoveries; ///< by `started_seq`
  std::map<std::string, poller, std::less<>> pollers;               ///< by id
  std::map<std::string, std::string, std::less<>> poller_of_uid; ///< its id

  // -- derived: who wants what, without asking everybody ------------------------------------
  std::map<std::string, std::set<events::seq>, std::less<>> wanting; ///< by event type
  std::map<std::string, std::set<events::seq>, std::less<>> wanting_below; ///< by what stands before the wildcard of a pattern
  std::set<events::seq> wanting_all;
  std::set<events::seq> operational; ///< these want nothing else

  // -- memory only: order among destinations ------------------------------------------------
  std::set<std::pair<std::int64_t, events::seq>> later;           ///< (head, lane), not due at `seen_now`
  std::set<std::pair<std::int64_t, events::seq>> runnable_by_due; ///< (head, lane), due
  std::set<std::pair<std::uint64_t, events::seq>> runnable;       ///< (turn, lane), the same lanes
  std::set<std::pair<std::int64_t, events::seq>> ages;            ///< (over, lane), not at `seen_now`
  std::set<events::seq> over;                                     ///< lanes with something that is too old at `seen_now`
  std::set<std::pair<std::int64_t, events::seq>> form_later;      ///< (when, lane): messages become a batch, not at `seen_now`
  std::set<events::seq> forming;                                  ///< lanes in which they do
  std::set<events::seq> paced;                                    ///< lanes whose rate keeps their head back
  std::int64_t seen_now = INT64_MIN;
  std::uint64_t turns = 0;
  std::unordered_map<fencing_token, flight> flights;
  fencing_token last_token = 0;
  bodies_under_way bodies;           ///< of `flights`
  std::set<events::seq> short_of_bytes; ///< lanes that were passed over
  bool out_of_bytes = false;         ///< what is runnable waits for an attempt to end
  std::size_t deliveries = 0;
  std::size_t resting = 0; ///< of them
  std::int64_t told_now = INT64_MIN; ///< when the last fact stood: a fold does not look at what is due, but live it was woken by then
  std::size_t awake_most = 8'192;    ///< as long as no more are awake, none goes to rest
  std::size_t awake_of_a_lane = 128; ///< nor those of a lane with fewer
  std::string sandbox; ///< its id, for messages that name it
  std::shared_ptr<const events::vault> vault; ///< seals what `decide` writes; null: written in plain (`webhook/secrets.hpp`)
  std::shared_ptr<const payload_judge> judge; ///< null: payloads are held against nothing
  std::optional<schema_check> check;          ///< of the sandbox

  lane* find_lane(std::string_view id_or_uid);
  const lane* find_lane(std::string_view id_or_uid) const;
  recovery* find_recovery(std::string_view id);
  const poller* find_poller(std::string_view id_or_uid) const;
  const recovery* find_recovery(std::string_view id) const { return const_cast<impl*>(this)->find_recovery(id); }

  // -- destinations
  void add_lane(destination d, events::seq ordinal);
  void set_config(lane& l, destination d, events::virtual_time now);
  void remove_lane(lane& l);
  void sort_anew(lane& l);
  void index_filters(const lane& l, bool put);

  // -- deliveries. Each leaves the lane's place in the order right
  void add_delivery(lane& l, delivery d);
  /// Wakes it where it rests. Null: there is none.
  delivery* find_delivery(lane& l, events::seq message);
  /// Takes it back. An attempt under way keeps its line until it is over.
  void erase_delivery(lane& l, events::seq message);
  /// Changes a delivery and puts it back in order, or erases it when nothing more is to be done.
  template <class Change>
  void change_delivery(lane& l, delivery& d, Change change) {
    unwait(l, d);
    l.recovered -= d.recovered();
    change(d);
    l.recovered += d.recovered();
    if (d.idle() && d.token == 0)
      forget(l, d);
    else
      wait(l, d);
    reindex(l);
    let_rest(l);
  }
  void forget(lane& l, delivery& d);
  /// The attempt under way of `d`, if any, is over.
  void land(lane& l, delivery& d);
  /// The attempt under way of `d` counts no longer for its lane.
  void uncount_flight(lane& l, const delivery& d);
  void erase_flight(std::unordered_map<fencing_token, flight>::iterator at);
  void pass_over(lane& l);

  // -- what rests (webhook/outbox_rest.cpp)
  delivery& wake(lane& l, const resting_delivery& r);
  void wake(lane& l, const std::vector<resting_delivery>& these);
  void wake_first(lane& l);
  void wake_what_is_over();
  void let_rest(lane& l);
  /// New ones, in the order of their messages.
  void add_resting(lane& l, const std::vector<resting_delivery>& sorted);

  // -- batches (webhook/outbox_batching.cpp)
  void gather(lane& l);
  void gather_line(lane& l, waiting_line& q);
  void wake_what_forms(lane& l);
  void wake_what_goes_together(lane& l);
  void reindex_forming(lane& l, bool may);
  /// A delivery goes on as part of another.
  void withdraw(lane& l, delivery& d);
  void drop_member(lane& l, delivery& batch, events::seq message);

  // -- lines
  void enter_line(lane& l, const delivery& d);
  void leave_line(lane& l, const delivery& d);
  void free_line(lane& l, const std::string& line, fencing_token token);
  void release_held(lane& l, events::seq letter);
  void age_in_line(lane& l, delivery& d);
  void arrange(lane& l, const std::string& line);
  void arrange_all(lane& l);
  void catch_up(lane& l);

  void show(lane& l, delivery& d);
  void hide(lane& l, const delivery& d);
  void wait(lane& l, delivery& d);
  void unwait(lane& l, const delivery& d);
  void reindex(lane& l);
  void reindex_age(lane& l);
  void look(std::int64_t now);
  void unindex(lane& l);
};

} // namespace hourglass::webhook
