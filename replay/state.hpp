#pragma once

#include "events/codec.hpp"
#include "mock/clock.hpp"
#include "mock/data.hpp"
#include "mock/endpoints.hpp"
#include "mock/settings.hpp"
#include "storage/store.hpp"
#include "webhook/outbox.hpp"

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <variant>

namespace hourglass::replay {

/// What one event can change: exactly one part, or none (a served request; but where the sandbox has a seed, the settings count it).
enum class part : std::uint8_t { settings, endpoints, data, clock, outbox };
inline constexpr std::size_t part_count = 5;
std::optional<part> part_of(events::kind k) noexcept;

/// Of each part, the seq of the last event that changed it; when in doubt a later one.
struct change_marks {
  std::array<events::seq, part_count> at{};

  void note(events::kind k, events::seq seq) {
    if (auto p = part_of(k))
      (*this)[*p] = seq;
  }
  events::seq& operator[](part p) { return at[static_cast<std::size_t>(p)]; }
};

/// Everything a sandbox is, folded from its stream up to `head`.
struct sandbox_state {
  mock::settings_state settings;
  mock::endpoint_state endpoints;
  mock::data_state data;
  mock::clock_state clock;
  webhook::outbox_state outbox;
  events::chain_head head;
  change_marks changed;
  events::seq snapshot = 0; ///< where the snapshot stood that this was restored from
};

/// Folds one event in. Fails with `errc::corrupt` when it does not continue the stream, `errc::newer_format` when its payload is newer.
events::outcome<void> apply(sandbox_state& state, const events::record& next);

/// When to look: a seq, or the last event at or before an instant.
using moment = std::variant<events::seq, events::wall_time>;
inline constexpr events::seq now_seq = std::numeric_limits<events::seq>::max();

/// The state at `when`: nearest snapshot before it, then the tail, each link checked. Blocking; run it on a reader thread.
/// Fails with `errc::not_found` for a sandbox without events or a moment before its first event.
events::outcome<sandbox_state> load(const storage::store& store, const events::sandbox_id& sandbox, moment when = now_seq);

/// The state as JSON text, for the API: endpoints, data, env, clock, destinations, pending deliveries, head.
std::string to_json(const sandbox_state& state);

} // namespace hourglass::replay
