#pragma once

#include "actors/environment.hpp"
#include "actors/pruning.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::actors {

class directory;

/// Takes the streams of deleted sandboxes out of the store when their time is over, and is the only
/// writer of the node's own stream, where it says so.
///
/// Operation
///   A sandbox whose fate is to go is kept out of memory first; when all that ran for it has ended,
///   one write has `sandbox.pruned` in the node's stream and the row that it is going. From then on
///   it goes: rows, then `store::prune`, a bounded piece a turn, beside all else.
/// Crash
///   Before that write nothing has happened, behind it the row is found at the next start and the
///   rest is done again.
/// Threads
///   `round` from one; the rest from any. Turns run on a reader thread, one at a time.
class pruner : public std::enable_shared_from_this<pruner> {
public:
  pruner(environment& env, directory& where) : env_(env), where_(where) {}

  /// What was under way goes on. Before anybody can be woken. Fails as the store does.
  events::outcome<void> start();

  void round();

  /// Has the stream of a deleted sandbox pruned at once, or as soon as Kafka and the index let it;
  /// `done` when that is durable. Blocking. Does nothing for one that is going or gone. Fails with
  /// `errc::not_found`, and with `errc::conflict` when it is not deleted.
  void want(const events::sandbox_id& sandbox, pruning::wish by,
            std::function<void(events::outcome<void>)> done);

  /// Blocking; `errc::not_found` when there never was such a sandbox.
  events::outcome<prune_report> report(const events::sandbox_id& sandbox) const;

  prune_figures figures() const;

private:
  struct candidate {
    pruning::deleted what;
    storage::position until = 0; ///< behind all of its events
    pruning::fate fate = pruning::fate::stays;
    bool out = false;   ///< it is not in memory and cannot come back
    bool quiet = false; ///< and nothing that was begun for it runs any more
  };
  struct stream_that_goes {
    events::seq said_by = 0;
    std::uint64_t events = 0; ///< that it had
  };
  /// The streams that go together, and how far that has come. What is not found by sandbox is so
  /// gone through once for all of them.
  struct sweep {
    std::vector<storage::pruned_stream> of;
    std::set<events::sandbox_id> ids;
    std::size_t step = 0; ///< of the rows; behind the last comes the store
    std::size_t stream = 0;
    std::string after;
    storage::prune_place place;
  };

  void post_turn(const std::shared_ptr<void>& busy);
  bool turn();

  // -- pruner.cpp: which go -------------------------------------------------------------
  bool look_through_old();
  void find_candidates();
  void consider(pruning::deleted what);
  void judge();
  void say_so();
  std::vector<candidate> who_can_go();
  void said(const std::map<events::sandbox_id, stream_that_goes>& which,
            const storage::append_result& r);
  void not_one_after_all(const pruning::deleted& what);
  events::outcome<std::optional<pruning::tombstone>> last_of(const pruning::deleted& what) const;
  events::outcome<std::optional<events::record>> said_of(const events::sandbox_id& sandbox) const;
  pruning::moment this_moment() const;

  // -- pruner_sweep.cpp: how they go ------------------------------------------------------
  bool begin_sweep();
  events::outcome<bool> sweep_on();
  events::outcome<bool> drop_named(std::string_view prefix);
  events::outcome<bool> drop_content_times();
  events::outcome<bool> drop_answers();
  events::outcome<void> finish();

  environment& env_;
  directory& where_;
  std::atomic<bool> look_{false}; ///< for candidates, next turn
  std::string scan_after_;        ///< of the look through the deleted ones
  std::uint64_t seen_ = 0;        ///< by this look so far
  std::optional<std::string>
      old_after_; ///< of the streams of before; nothing: all were looked through
  std::optional<sweep> sweep_;
  storage::position fold_first_ =
      0; ///< what the index must have folded: after a crash it folds again what it had
  mutable std::mutex mutex_;
  bool busy_ = false;   ///< a turn is posted or runs
  bool saying_ = false; ///< a write of the node's stream is under way
  std::map<events::sandbox_id, candidate> candidates_;
  std::map<events::sandbox_id, stream_that_goes> going_;
  prune_figures figures_;
};

} // namespace hourglass::actors
