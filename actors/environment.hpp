#pragma once

#include "actors/caf.hpp"
#include "actors/node.hpp"
#include "actors/payload_schemas.hpp"
#include "actors/plugins.hpp"
#include "actors/resident.hpp"
#include "actors/webhook_meter.hpp"
#include "events/vault.hpp"
#include "events/wall_clock.hpp"
#include "webhook/dispatcher.hpp"

#include <atomic>
#include <chrono>
#include <functional>

namespace hourglass::actors {

using events::wall_now;

/// What every actor of the node uses and none owns. Outlives the actor system.
struct environment {
  const node_options& options;
  storage::store& store;
  storage::journal& journal;
  storage::index_writer& index;
  http::client& client;
  const plugin_registry& plugins;
  const webhook::dispatcher& dispatcher;
  const events::redactor& redactor;
  std::shared_ptr<const events::vault> vault; ///< seals destinations' secrets
  std::shared_ptr<payload_schemas> schemas;   ///< payloads are held against
  /// Runs blocking work for a sandbox on a reader thread.
  std::function<void(const events::sandbox_id&, std::function<void()>)> post_for;
  std::function<void(const resident_ptr&)> forget;    ///< takes a closed sandbox off the map
  /// A mock request to a sandbox of this node, by id or uid, from another.
  std::function<void(std::string_view name, mock::request, caller, on_answer)> ask_inside;

  struct {
    std::atomic<std::uint64_t> woken{0}, passivated{0}, degraded{0}, child_restarts{0}, requests{0}, rejected{0}, attempts{0}, attempts_in_flight{0};
  } counters;
  std::atomic<bool> stopping{false};
  std::atomic<bool> holds_nothing_back{false}; ///< answers that would be late are given at once
  webhook_meter webhooks;
};

} // namespace hourglass::actors
