#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace hourglass::events {

/// Everything that can happen in a sandbox, or to it. Numbers are on disk: never reuse one; a retired kind stays listed.
enum class kind : std::uint16_t {
  // -- the sandbox itself (mock/settings.hpp) -----------------------------------
  sandbox_created = 1,
  sandbox_updated = 2,
  sandbox_deleted = 3,
  sandbox_pruned = 4, ///< in the stream of the node: what stood in the stream of a deleted one that is gone (actors/pruning.hpp)
  // -- access for its users (mock/portal.hpp), part of the settings ---------------
  portal_opened = 5,  ///< somebody was given a token, and a link to it
  portal_entered = 6, ///< the link was exchanged for the token, which it may be once
  portal_left = 7,    ///< a token was logged out
  portal_expired = 8, ///< tokens end before their time
  // -- endpoint (mock/endpoints.hpp) --------------------------------------------
  endpoint_put = 10,
  endpoint_removed = 11,
  openapi_imported = 12, ///< the whole new set of imported endpoints, at once
  function_put = 13,
  function_removed = 14,
  credentials_put = 15, ///< which credentials of imported operations are good
  forwarding_put = 16,  ///< how endpoints ask their upstreams
  request_served = 20,
  // -- scenarios and chaos (mock/scenario.hpp), part of the data ------------------
  scenario_put = 25,
  scenario_removed = 26,
  scenario_applied = 27,
  chaos_put = 28,
  chaos_removed = 29,
  // -- data (mock/data.hpp) -----------------------------------------------------
  data_put = 30,
  data_removed = 31,
  data_cleared = 32,
  env_put = 33,
  env_removed = 34,
  template_put = 35,
  template_removed = 36,
  data_seeded = 37, ///< all that a seed document brought, at once
  chaos_drawn = 38, ///< a request under a chaos profile with a seed: the next one has the next fate
  // -- clock (mock/clock.hpp) ---------------------------------------------------
  clock_set = 40, ///< mode and offset: freeze, resume, reset
  clock_advance_started = 41,
  clock_moved = 42,
  clock_advance_finished = 43,
  // -- outbox (webhook/outbox.hpp) ----------------------------------------------
  event_type_put = 50,
  event_type_removed = 51,
  destination_created = 52,
  destination_updated = 53,
  destination_removed = 54,
  destination_secret_rotated = 55,
  destination_disabled = 56, ///< by rule, not by hand: 410 Gone, or it failed for long
  destination_recovered = 57, ///< enabled again by a probe that succeeded
  message_created = 60,
  attempt_finished = 61, ///< what it was, and what follows: delivered, next attempt at T, dead
  resend_requested = 62,
  recovery_started = 63,
  recovery_progressed = 64,
  recovery_finished = 65, ///< completed or cancelled
  deliveries_moved = 66,  ///< the clock went back, and what is due came along
  delivery_expired = 67,  ///< it waited until it was too old, and is dead without a further attempt
  content_erased = 68,    ///< of earlier events, in the same write (events/erasure.hpp)
  dead_letters_removed = 70, ///< by a person: thrown away, or superseded by a message with another payload
  batch_formed = 71, ///< messages of one destination that go as one from now on
  // -- outbox: who comes to read (webhook/poller.hpp) ---------------------------
  poller_created = 80,
  poller_updated = 81,
  poller_removed = 82,
  consumer_moved = 83, ///< a poller's reader has acknowledged all up to an event, or was told to go on from there
  consumer_removed = 84,
};

/// `message.created` and the like, as the API shows it; "unknown" for a number that is not listed.
std::string_view to_string(kind k) noexcept;

std::optional<kind> kind_from(std::string_view name) noexcept;

/// Every kind, in order.
std::span<const kind> all_kinds() noexcept;

/// The payload version that this program writes for `k`.
std::uint8_t current_version(kind k) noexcept;

} // namespace hourglass::events
