#pragma once

#include "actors/environment.hpp"
#include "actors/messages.hpp"
#include "actors/registry.hpp"
#include "actors/resident.hpp"

#include <array>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

namespace hourglass::actors {

namespace retention {
class keeper;
}
class pruner;

/// Which sandboxes are in memory: id -> its door and its supervisor. Wakes one when work comes for it.
///
/// Threads: any. Striped, so that requests of different sandboxes do not meet.
class directory {
public:
  directory(caf::actor_system& system, environment& env, registry::uid_claims& uids);

  struct visitor {
    caf::actor sandbox;
    hold inside;
  };

  /// The supervisor of `id`, woken if it sleeps, with one piece of work let in.
  /// Fails with `errc::not_found` unless it exists (or `create`), `errc::overloaded` when it has too much in hand.
  events::outcome<visitor> enter(const events::sandbox_id& id, bool create = false);

  /// Its supervisor if it is in memory; nothing is let in.
  std::optional<caf::actor> peek(const events::sandbox_id& id) const;

  /// Wakes it, if it sleeps or is about to, without work: something of it is due. Null once the directory is closed.
  caf::actor wake(const events::sandbox_id& id);

  /// From now on it neither enters nor wakes; if it is in memory it is asked to leave. True when it is not.
  bool keep_out(const events::sandbox_id& id);
  void no_longer_keep_out(const events::sandbox_id& id);
  bool is_kept_out(const events::sandbox_id& id) const;

  void forget(const resident_ptr& door);

  std::size_t live() const;

  struct seat {
    resident_ptr door;
    caf::actor sandbox;
  };
  std::vector<seat> all() const;

  /// Takes everyone off the map; from then on nobody enters or wakes.
  std::vector<seat> close();

private:
  struct stripe {
    mutable std::mutex mutex;
    std::unordered_map<events::sandbox_id, seat> seats;
    std::set<events::sandbox_id> kept_out;
    bool closed = false;
  };
  stripe& stripe_of(const events::sandbox_id& id) { return stripes_.at(std::hash<events::sandbox_id>{}(id) % stripes_.size()); }
  const stripe& stripe_of(const events::sandbox_id& id) const { return stripes_.at(std::hash<events::sandbox_id>{}(id) % stripes_.size()); }
  seat spawn(const events::sandbox_id& id);

  caf::actor_system& system_;
  environment& env_;
  registry::uid_claims& uids_;
  std::array<stripe, 64> stripes_;
};

/// Of more than `most` sandboxes the longest idle ones leave, however short that is: those last used at this moment or before. Nothing
/// when there are not too many. Takes copies of the times: they go on while it sorts.
std::optional<std::int64_t> idle_over_the_cap(std::vector<std::int64_t> last_used, std::size_t most);

/// Looks after the sandboxes at intervals: lets idle ones leave memory, wakes those that have something due, deletes expired ones, has
/// content erased and streams pruned whose time is over, and brings the journal back after a failure.
class caretaker_actor : public caf::event_based_actor {
public:
  caretaker_actor(caf::actor_config& cfg, environment& env, directory& where, std::shared_ptr<pruner> prunes);
  caf::behavior make_behavior() override;

private:
  void passivate();
  void wake_due();
  void sweep_due();
  void ask_next_page();
  void expire();

  /// Entries before `until` on their way out, a page at a time: everyone in it writes a new one if he still waits for something.
  struct sweep {
    events::wall_time until;
    std::optional<storage::due_entry> last; ///< of the page
    bool last_page = false;
    std::shared_ptr<renewals> asked;
  };

  environment& env_;
  directory& where_;
  std::optional<storage::due_entry> wake_cursor_;
  std::set<std::pair<std::int64_t, events::sandbox_id>> woken_for_; ///< due entries that have been served, until they are dropped
  std::optional<sweep> sweep_;
  std::string expiry_cursor_;
  std::shared_ptr<retention::keeper> keeper_;
  std::shared_ptr<pruner> pruner_;
  std::uint64_t round_ = 0;
};

} // namespace hourglass::actors
