#pragma once

#include "actors/children.hpp"
#include "actors/outbound_calls.hpp"
#include "actors/registry.hpp"
#include "actors/snapshot_job.hpp"
#include "actors/supervision.hpp"
#include "events/codec.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <variant>

namespace hourglass::actors {

/// The supervisor of one sandbox and the only writer of its stream.
///
/// Operation
///   Lets work in, stamps it with the sandbox's time, and hands it to the child that decides. What the children propose it puts in order,
///   chains, and appends to the journal; answers leave when the journal says durable.
/// Failure
///   A crashed child is rebuilt from the log once every append under way is settled (endpoint and data together: they are one pipeline). The log
///   is folded on a reader thread, when it wakes too: work that comes meanwhile waits, and other sandboxes do not. Too many
///   crashes, or a log that does not verify, degrade this sandbox: it answers `errc::unavailable` and harms nobody else. When an append does not
///   commit, memory is ahead of the log: all children are dropped and rebuilt.
class sandbox_actor : public caf::event_based_actor {
public:
  sandbox_actor(caf::actor_config& cfg, environment& env, registry::uid_claims& uids, resident_ptr door);
  caf::behavior make_behavior() override;
  void on_exit() override;

private:
  enum class phase { loading, serving, degraded };
  using waiting_work = std::variant<request_ptr, change_ptr, proposal_ptr>;

  // -- letting work in ------------------------------------------------------------
  void on_request(const request_ptr& job);
  void on_change(const change_ptr& job);
  std::optional<events::error> refusal(bool creating, bool deleting);
  bool over();
  void stamp(events::context& ctx);
  bool answered_before(change_job& job);
  void decide_settings(const change_ptr& job);

  // -- the stream -----------------------------------------------------------------
  void on_propose(const proposal_ptr& p);
  void bring_back(proposal& p, proposal::part& part);
  void refuse_whole(const proposal_ptr& p);
  void append(const proposal_ptr& p, std::vector<storage::row> rows);
  void count_served(events::kind of);
  void note_clock(proposal::part& part);
  void note_due(storage::record_batch& batch, const proposal_ptr& p);
  std::optional<events::wall_time> must_be_awake() const;
  void on_renew_due(const renew_due& m);
  void ask_outbox(const proposal_ptr& p);
  void answer_later(proposal::part& part);
  void on_hold_back(const hold_back& m);
  void on_give_late(const give_late& m);
  void after_import(const proposal::part& part);
  void on_want_calls(const want_calls& m);
  void call_plugin(const request_ptr& job, const mock::outbound_call& call, std::uint64_t number, std::size_t which);
  void on_call_made(const call_made& m);
  void give_up_after(std::chrono::milliseconds time, std::uint64_t number, std::size_t which);
  void on_round_over(const round_over& m);
  void end_round(std::map<std::uint64_t, call_round>::iterator which);
  void ask_inside(std::uint64_t number, std::size_t which, const mock::outbound_call& call);
  void end_delays();
  void abandon_rounds();
  void begin_snapshot();
  void on_snapshot(const snapshot_ptr& job);

  // -- the children ---------------------------------------------------------------
  void fetch();
  void on_loaded(const loaded& m);
  void take_all(replay::sandbox_state s);
  void take_missing(replay::sandbox_state& state);
  void let_in_who_waited();
  void refuse_who_waited(const events::error& why);
  void renew_who_waited();
  void spawn_pipeline(mock::endpoint_state endpoints, mock::data_state data);
  void spawn_clock();
  void spawn_outbox(webhook::outbox_state outbox, events::seq durable);
  void fall_silent();
  void on_down(const caf::actor_addr& who);
  void on_append_failed(const append_failed& m);
  void drop(child which);
  void restart_in(std::chrono::milliseconds delay);
  void restart();
  void degrade(const events::error& why);
  void on_retire();
  std::uint32_t& generation(child c) { return generations_.at(static_cast<std::size_t>(c)); }

  environment& env_;
  registry::uid_claims& uids_;
  resident_ptr door_;
  events::sandbox_id id_;

  phase phase_ = phase::loading;
  std::uint64_t fetched_ = 0; ///< number of the last look into the log; answers to those before are out of date
  events::error why_degraded_;
  events::chain_head head_;
  mock::settings_state settings_;
  std::uint64_t stamped_ = 0; ///< with a seed: requests that were given their chance, of which `settings_` counts those that are in the log
  mock::clock_state clock_;
  bool deleting_ = false; ///< its time was over, and it has told itself so
  std::optional<events::virtual_time> outbox_due_; ///< never later than what is pending, but for what is in flight
  bool outbox_spoke_ = false; ///< it has said what is due since it was made, and is inside if it recovers
  std::optional<events::wall_time> on_disk_due_;   ///< an entry of the due index that stands
  std::optional<settle> settling_;                 ///< the last question of an advance

  caf::actor endpoint_, data_, timekeeper_, outbox_;
  std::array<std::uint32_t, 5> generations_{};
  std::uint32_t appends_epoch_ = 0; ///< appends of an older epoch that fail have been dealt with
  std::shared_ptr<std::atomic<std::uint32_t>> appending_ = std::make_shared<std::atomic<std::uint32_t>>(0);
  bool rebuild_all_ = true;
  restart_policy policy_;
  std::deque<waiting_work> waiting_;    ///< came while children were being rebuilt
  std::vector<renew_due> renewals_;     ///< the same
  std::map<std::uint64_t, std::shared_ptr<late_answer>> late_; ///< given when we go
  std::uint64_t last_late_ = 0;
  std::map<std::uint64_t, call_round> rounds_;
  std::uint64_t last_round_ = 0;
  std::shared_ptr<plugin_turns> turns_ = std::make_shared<plugin_turns>();
  std::size_t calls_under_way_ = 0; ///< at the client: also those that nobody waits for any more
  events::seq events_since_snapshot_ = 0;
  events::seq last_snapshot_ = 0; ///< where the last one stands; 0: there is none to lend
  replay::change_marks changed_;
};

} // namespace hourglass::actors
