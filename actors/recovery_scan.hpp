#pragma once

#include "storage/index.hpp"
#include "storage/store.hpp"
#include "webhook/commands.hpp"
#include "webhook/outbox.hpp"

#include <optional>

namespace hourglass::actors {

/// What the log says became of one message at one destination.
struct delivery_past {
  std::uint32_t attempts = 0;
  std::optional<webhook::outcome_kind> last; ///< of the newest attempt, or dead because it was too old for one
  bool delivered = false;                    ///< it has arrived, and is no dead letter since
  bool dead = false;                         ///< the last scheduled outcome is `dead`, and none was delivered since
};

/// Blocking. Reads what is folded: call `index_writer::wait_until` first.
events::outcome<delivery_past> past_of(const storage::store& store, const events::sandbox_id& sandbox, const std::string& message,
                                       const std::string& destination);

/// Looks at the next messages of recovery `r` and says which of them it takes: by its scope, and of those that were never meant for `to`
/// only what its filters want as they are now. Blocking; for a reader thread.
events::outcome<webhook::progress_recovery> read_recovery_page(const storage::store& store, storage::index_writer& index,
                                                               const events::sandbox_id& sandbox, const webhook::recovery& r,
                                                               const webhook::destination& to);

} // namespace hourglass::actors
