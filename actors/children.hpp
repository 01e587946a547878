#pragma once

#include "actors/environment.hpp"
#include "actors/fresh_contents.hpp"
#include "actors/messages.hpp"
#include "actors/script_chain.hpp"
#include "mock/handler.hpp"
#include "webhook/batch.hpp"
#include "webhook/message_content.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

/// The four children of a sandbox: shells around pure cores. Each holds its part of the state, decides on it, and proposes events to the sandbox.
namespace hourglass::actors {

/// First stage of the request pipeline: chooses what answers. All its proposals pass through the data actor, so that the log has the
/// changes of endpoints and data in the order in which requests saw them.
class endpoint_actor : public caf::event_based_actor {
public:
  endpoint_actor(caf::actor_config& cfg, mock::endpoint_state state, caf::actor data, std::uint32_t generation);
  caf::behavior make_behavior() override;
  void on_exit() override;

private:
  mock::endpoint_state state_;
  caf::actor data_;
  std::uint32_t generation_;
};

/// Second stage: renders answers from data and env, and owns both.
///
/// Scripts run elsewhere, and the state is theirs meanwhile (actors/script_chain.hpp). Until the last one has ended, and what it emits is decided, whatever comes waits here in its order,
/// so that nothing changes under it and everything after it sees what it did (data_scripts.cpp).
class data_actor : public caf::event_based_actor {
public:
  data_actor(caf::actor_config& cfg, environment& env, events::sandbox_id id, mock::data_state state, caf::actor sandbox,
             std::uint32_t generation);
  caf::behavior make_behavior() override;
  void on_exit() override;

private:
  using work = std::variant<serve_request, propose, do_change, give_snapshot>;

  void take(work w);
  void go_on();
  void do_now(const serve_request& m);
  void do_now(const propose& m);
  void do_now(const do_change& m);
  void do_now(const give_snapshot& m);
  void start_script(const request_ptr& job);
  void on_script_done(const script_done& m);
  void on_placed(const placed& m);
  bool is_held() const noexcept { return chain_ || placing_ != nullptr; }
  bool joins_chain(const work& w);
  void conclude(const request_ptr& job, mock::served served);
  void apply_all(const std::vector<events::draft>& drafts);
  void wait_for_place(proposal& p, const request_ptr& job, const mock::served& served);

  environment& env_;
  events::sandbox_id id_;
  std::shared_ptr<mock::data_state> state_; ///< the chain's while one runs
  caf::actor sandbox_;
  std::uint32_t generation_;

  std::shared_ptr<script_chain> chain_; ///< has the state while it runs
  std::uint64_t chains_ = 0, places_ = 0;
  request_ptr placing_; ///< its run emits, and it has no place yet; null: nobody waits for one
  std::vector<events::draft> unplaced_; ///< what it changes
  std::string ran_;                     ///< what would say that it was served
  std::deque<work> held_; ///< bounded by the sandbox's door
  bool going_on_ = false; ///< a message to that end is under way
};

/// Virtual time: one armed timer, and the steps of an advance.
class clock_actor : public caf::event_based_actor {
public:
  clock_actor(caf::actor_config& cfg, mock::clock_state state, resident_ptr door, caf::actor sandbox, std::uint32_t generation);
  caf::behavior make_behavior() override;
  void on_exit() override;

private:
  void change(const change_ptr& job);
  bool carry_out(const mock::clock_command& what);
  void after_change();
  void step(const settled& s);
  void arm();

  mock::clock_state state_;
  resident_ptr door_;
  caf::actor sandbox_;
  std::uint32_t generation_;
  std::optional<events::virtual_time> due_;
  std::uint64_t timer_ = 0;
  std::uint64_t question_; ///< the last `settle`; answers to others, of a clock before this one too, mean nothing now
  hold advancing_;
};

/// Messages, attempts, schedule: applies an event only once the sandbox has given it its place, and sends only what is durable.
class outbox_actor : public caf::event_based_actor {
public:
  outbox_actor(caf::actor_config& cfg, environment& env, webhook::outbox_state state, mock::clock_state clock,
               events::seq durable, resident_ptr door, caf::actor sandbox, std::uint32_t generation);
  caf::behavior make_behavior() override;
  void on_exit() override;

private:
  /// One for all destinations of a message.
  using content_ptr = fresh_contents::content_ptr;

  struct work {
    change_ptr change;
    std::shared_ptr<webhook::attempt_result> result;
    webhook::fencing_token token = 0;
    std::shared_ptr<hold> inside;
    std::optional<recovery_reading> page;
    bool expire = false; ///< what is too old
    bool form = false;   ///< batches of what is gathered
    events::seq erased = 0; ///< a message that waits, and whose body is not there any more
    proposal_ptr emission; ///< a request whose script emits
  };

  // -- deciding ---------------------------------------------------------------------
  void take(work w);
  void process();
  bool joins(webhook::batch& in, const work& w) const;
  void decide_into(proposal& p, work& w, webhook::batch& together);
  void decide_emission(const proposal_ptr& p);
  events::outcome<void> add_messages(proposal& p);
  void submit(proposal_ptr p);
  void look_into(proposal& p, const change_ptr& job);
  events::outcome<void> claims_are_free(const std::vector<events::draft>& drafts);
  void on_sequenced(const sequenced& s);
  void on_withdrawn(const withdrawn& w);

  // -- sending ----------------------------------------------------------------------
  void pump();
  void tell_due();
  void let_time_pass();
  void keep_pace(events::virtual_time moment);
  void count(const webhook::fact& f, events::virtual_time at);
  void tell_schemas(const webhook::fact& f);
  void tell_backlog();
  void say_backlog();
  events::seq gate_of(const webhook::start& s) const;
  void send_attempt(webhook::start s);
  void send_batch(webhook::start s);
  void send_out(webhook::start s, std::shared_ptr<const std::string> body, std::optional<webhook::sent_instead> instead);
  void keep_awake();
  void try_again_soon();
  events::outcome<content_ptr> content_of(events::seq message);
  events::outcome<content_ptr> read_content(events::seq message) const;
  void forget_content(events::seq message);
  void on_durable(events::seq last);
  void answer_settle();

  // -- bodies that are made for one attempt: by a script, or of several messages (outbox_transforming.cpp) ---
  struct making {
    webhook::start what;
    content_ptr content; ///< of the message; it is in `what` already, but for its body. Null: there are several
    std::shared_ptr<hold> inside;
  };
  void make_first(webhook::start s, content_ptr content);
  void go_on_making();
  void let_go(webhook::fencing_token token);
  void make(making one);
  void on_made(const webhook_made& m);
  void end_attempt(webhook::fencing_token token, webhook::attempt_result result);
  void note_made(webhook::fencing_token token, std::size_t bytes);
  void note_sent(webhook::fencing_token token);
  events::outcome<events::virtual_time> moment_of(events::seq message) const;

  // -- recoveries -------------------------------------------------------------------
  void scan(events::virtual_time moment);
  void on_page(const recovery_page& m);
  void forget_page(const webhook::fact& f);
  void note_end(events::seq at, const webhook::fact& f);
  void forget_ends();
  void set_right(webhook::resend& again) const;
  events::outcome<void> look_at_letter(webhook::remove_letter& letter) const;
  void take_out_what_ended(recovery_reading& page) const;
  void bring_along(recovery_reading& page) const;

  events::virtual_time now() const;
  events::context system_context() const;
  std::size_t pending_most() const;

  environment& env_;
  webhook::outbox_state state_;
  mock::clock_state clock_;
  events::sandbox_id id_;
  resident_ptr door_;
  caf::actor sandbox_;
  std::uint32_t generation_;

  std::deque<work> waiting_;
  bool taking_more_ = false;          ///< a message to that end is under way
  proposal_ptr in_sequence_;          ///< proposed, place not yet known; nothing else is decided meanwhile
  std::vector<webhook::fact> facts_;  ///< of `in_sequence_`
  events::seq durable_ = 0;
  events::seq applied_ = 0;   ///< the last event that counts here: our own, or the clock's
  events::seq steered_ = 0;   ///< the last of them that was neither a message nor an attempt
  struct gated {
    events::seq gate;
    webhook::start what;
  };
  std::deque<gated> gated_;                      ///< taken, but what led to them is not durable yet
  std::deque<making> to_make_;                   ///< by a script
  std::deque<making> to_gather_;                 ///< batches, as they are
  std::unordered_map<webhook::fencing_token, making> at_engine_;
  std::unordered_map<webhook::fencing_token, std::size_t> made_; ///< bytes of what is being sent and no other attempt has
  std::size_t bytes_made_ = 0;                                   ///< of `made_`
  std::vector<webhook::fencing_token> bodiless_; ///< taken, but their body cannot be read just now
  hold unsent_;                                  ///< while there are such
  fresh_contents fresh_{8 * limits::mebi};
  std::unordered_map<events::seq, std::weak_ptr<const webhook::message_content>> handed_out_; ///< bodies that the dispatcher may still hold
  std::size_t forget_handed_out_at_ = 0; ///< with so many those that nobody holds are forgotten
  std::set<std::string> claimed_;     ///< by proposals that are not yet durable
  std::deque<std::pair<events::seq, std::string>> claims_to_forget_;
  std::optional<std::optional<events::virtual_time>> told_due_; ///< nothing: it must be told again, whatever it is
  std::optional<std::uint64_t> settle_wanted_;
  std::map<std::string, events::seq> scanning_; ///< recoveries whose next page is being read or has no place yet, and what was durable before
  struct ended {
    events::seq at;
    std::string destination;
    events::seq message;
    std::optional<webhook::outcome_kind> how; ///< delivered or dead; nothing: a dead letter was removed
  };
  std::deque<ended> ended_; ///< deliveries that a page which is being read may not know to have ended, and the last others
  events::seq ends_known_from_ = 0; ///< all that came after this
  std::deque<std::pair<events::seq, std::int64_t>> resets_; ///< of the clock, likewise, and by how much
  std::vector<std::string> unread_; ///< those of `scanning_` whose page could not be read just now
  bool scan_when_durable_ = false; ///< a recovery waits for what it is to read
  hold recovering_;
  hold sequencing_;
  bool trying_again_ = false; ///< a timer runs
  bool expiring_ = false, forming_ = false; ///< in `waiting_`
  std::optional<events::wall_time> stands_since_; ///< the clock: when what rates keep back was looked at last
  bool pacing_ = false;       ///< a timer runs
  events::wall_time told_backlog_; ///< when it was told what waits
  bool telling_ = false;      ///< a timer runs
  hold paced_;                ///< while the clock stands and a rate keeps something back
};

} // namespace hourglass::actors
