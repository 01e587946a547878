#pragma once

#include "events/codec.hpp"
#include "mock/clock.hpp"
#include "mock/data.hpp"
#include "mock/endpoints.hpp"
#include "mock/settings.hpp"
#include "storage/store.hpp"
#include "webhook/outbox.hpp"

#include <limits>
#include <string>
#include <variant>

namespace hourglass::replay {

/// Everything a sandbox is, folded from its stream up to `head`.
struct sandbox_state {
  mock::settings_state settings;
  mock::endpoint_state endpoints;
  mock::data_state data;
  mock::clock_state clock;
  webhook::outbox_state outbox;
  events::chain_head head;
};

/// Folds one event in. Fails with `errc::corrupt` when it does not continue the stream, `errc::newer_format` when its payload is newer.
events::outcome<void> apply(sandbox_state& state, const events::record& next);

/// When to look: a seq, or the last event at or before an instant.
using moment = std::variant<events::seq, events::wall_time>;
inline constexpr events::seq now_seq = std::numeric_limits<events::seq>::max();

/// The state at `when`: nearest snapshot before it, then the tail, each link checked. Blocking; run it on a reader thread.
/// Fails with `errc::not_found` for a sandbox without events or a moment before its first event.
events::outcome<sandbox_state> load(const storage::store& store, const events::sandbox_id& sandbox, moment when = now_seq);

/// Folds and stores a snapshot at the end of the stream, if at least `at_least` events came since the last one.
events::outcome<void> take_snapshot(storage::store& store, const events::sandbox_id& sandbox, events::seq at_least);

/// The state as JSON text, for the API: settings, endpoints, data, env, clock, destinations, pending deliveries, head.
std::string to_json(const sandbox_state& state);

} // namespace hourglass::replay
