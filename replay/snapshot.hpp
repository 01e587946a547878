#pragma once

#include "replay/state.hpp"

#include <array>
#include <optional>
#include <string>

namespace hourglass::replay {

/// Folds and stores a snapshot at the end of the stream, if at least `at_least` events came since the last one. Blocking; run it on a reader thread.
events::outcome<void> take_snapshot(storage::store& store, const events::sandbox_id& sandbox, events::seq at_least);

/// What a live sandbox can say about its own state, so that a snapshot costs no second fold of the events since the last one.
struct live_state {
  events::chain_head head;
  change_marks changed;
  /// Each part's own `snapshot()` as it was at `head`. Nothing: as in the last snapshot, if that is young enough.
  std::array<std::optional<std::string>, part_count> parts;

  std::optional<std::string>& operator[](part p) { return parts[static_cast<std::size_t>(p)]; }
};

/// Stores a snapshot of `live`, which must be committed up to `head`. Parts that did not change since the last snapshot are taken from it; where that
/// cannot be, folds as `take_snapshot` does. Blocking.
events::outcome<void> put_snapshot(storage::store& store, const events::sandbox_id& sandbox, live_state live);

/// Nothing when it is not one of ours: a snapshot is a cache, and the stream has it all.
std::optional<sandbox_state> read_snapshot(const storage::snapshot& from);

} // namespace hourglass::replay
