#pragma once

#include "storage/index.hpp"
#include "storage/store.hpp"
#include "webhook/commands.hpp"
#include "webhook/outbox.hpp"

#include <optional>
#include <vector>

namespace hourglass::actors {

/// What the log says became of one message at one destination.
struct delivery_past {
  std::uint32_t attempts = 0;
  std::optional<webhook::outcome_kind> last; ///< of the newest attempt, or dead because it was too old for one
  bool removed = false;                      ///< it was a dead letter that a person has removed
  bool delivered = false;                    ///< it has arrived, and is no dead letter since
  events::seq seen = 0;                      ///< the newest event that says so
  unsigned code = 0;                         ///< of the newest attempt: the answer's status; 0: none came
  bool dead = false;                         ///< the last scheduled outcome is `dead`, and none was delivered since
};

/// Blocking. Reads what is folded: call `index_writer::wait_until` first.
events::outcome<delivery_past> past_of(const storage::store& store, const events::sandbox_id& sandbox, const std::string& message,
                                       const std::string& destination);

/// What was read for a recovery, and up to where: what has happened since it does not know.
struct recovery_reading {
  webhook::progress_recovery what;
  std::vector<events::seq> seen; ///< of each of its items, the newest that has become of it
  events::seq moved = 0;         ///< the newest reset of the clock
};

/// Looks at the next messages of recovery `r` and says which of them it takes: by its scope, and of those that were never meant for `to`
/// only what its filters want as they are now. Blocking; for a reader thread.
events::outcome<recovery_reading> read_recovery_page(const storage::store& store, storage::index_writer& index, const events::sandbox_id& sandbox,
                                                     const webhook::recovery& r, const webhook::destination& to);

/// The same of what the index has read already: call `index_writer::wait_until` first.
events::outcome<recovery_reading> look_for_recovery(const storage::store& store, const events::sandbox_id& sandbox, const webhook::recovery& r,
                                                    const webhook::destination& to);

} // namespace hourglass::actors
