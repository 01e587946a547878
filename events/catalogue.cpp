#include "events/catalogue.hpp"

#include <algorithm>
#include <array>

namespace hourglass::events {

namespace {

struct entry {
  events::kind kind;
  std::string_view name;
  std::uint8_t version; ///< of the payload that this program writes; raise it together with a conversion in upcast.cpp
};

/// In order of number. A kind that retires stays here.
constexpr std::array entries{
    entry{kind::sandbox_created, "sandbox.created", 1},
    entry{kind::sandbox_updated, "sandbox.updated", 1},
    entry{kind::sandbox_deleted, "sandbox.deleted", 1},
    entry{kind::sandbox_pruned, "sandbox.pruned", 1},
    entry{kind::portal_opened, "portal.opened", 1},
    entry{kind::portal_entered, "portal.entered", 1},
    entry{kind::portal_left, "portal.left", 1},
    entry{kind::portal_expired, "portal.expired", 1},
    entry{kind::endpoint_put, "endpoint.put", 1},
    entry{kind::endpoint_removed, "endpoint.removed", 1},
    entry{kind::openapi_imported, "openapi.imported", 1},
    entry{kind::function_put, "function.put", 1},
    entry{kind::function_removed, "function.removed", 1},
    entry{kind::credentials_put, "credentials.put", 1},
    entry{kind::forwarding_put, "forwarding.put", 1},
    entry{kind::request_served, "request.served", 1},
    entry{kind::scenario_put, "scenario.put", 1},
    entry{kind::scenario_removed, "scenario.removed", 1},
    entry{kind::scenario_applied, "scenario.applied", 1},
    entry{kind::chaos_put, "chaos.put", 1},
    entry{kind::chaos_removed, "chaos.removed", 1},
    entry{kind::data_put, "data.put", 1},
    entry{kind::data_removed, "data.removed", 1},
    entry{kind::data_cleared, "data.cleared", 1},
    entry{kind::env_put, "env.put", 1},
    entry{kind::env_removed, "env.removed", 1},
    entry{kind::template_put, "template.put", 1},
    entry{kind::template_removed, "template.removed", 1},
    entry{kind::data_seeded, "data.seeded", 1},
    entry{kind::chaos_drawn, "chaos.drawn", 1},
    entry{kind::clock_set, "clock.set", 1},
    entry{kind::clock_advance_started, "clock.advance_started", 1},
    entry{kind::clock_moved, "clock.moved", 1},
    entry{kind::clock_advance_finished, "clock.advance_finished", 1},
    entry{kind::event_type_put, "event_type.put", 1},
    entry{kind::event_type_removed, "event_type.removed", 1},
    entry{kind::destination_created, "destination.created", 10},
    entry{kind::destination_updated, "destination.updated", 10},
    entry{kind::destination_removed, "destination.removed", 1},
    entry{kind::destination_secret_rotated, "destination.secret_rotated", 2},
    entry{kind::destination_disabled, "destination.disabled", 2},
    entry{kind::destination_recovered, "destination.recovered", 1},
    entry{kind::message_created, "message.created", 3},
    entry{kind::attempt_finished, "attempt.finished", 5},
    entry{kind::resend_requested, "resend.requested", 1},
    entry{kind::recovery_started, "recovery.started", 3},
    entry{kind::recovery_progressed, "recovery.progressed", 2},
    entry{kind::recovery_finished, "recovery.finished", 1},
    entry{kind::deliveries_moved, "deliveries.moved", 1},
    entry{kind::delivery_expired, "delivery.expired", 2},
    entry{kind::content_erased, "content.erased", 1},
    entry{kind::dead_letters_removed, "dead_letters.removed", 1},
    entry{kind::batch_formed, "batch.formed", 1},
    entry{kind::poller_created, "poller.created", 1},
    entry{kind::poller_updated, "poller.updated", 1},
    entry{kind::poller_removed, "poller.removed", 1},
    entry{kind::consumer_moved, "consumer.moved", 1},
    entry{kind::consumer_removed, "consumer.removed", 1},
};

constexpr auto kinds = [] {
  std::array<kind, entries.size()> all{};
  for (std::size_t i = 0; i < entries.size(); ++i)
    all[i] = entries[i].kind;
  return all;
}();

static_assert(std::is_sorted(kinds.begin(), kinds.end()), "look-up is a binary search");

const entry* find(kind k) noexcept {
  const auto at = std::lower_bound(kinds.begin(), kinds.end(), k);
  return at != kinds.end() && *at == k ? &entries[static_cast<std::size_t>(at - kinds.begin())] : nullptr;
}

} // namespace

std::string_view to_string(kind k) noexcept {
  const auto* found = find(k);
  return found != nullptr ? found->name : "unknown";
}

std::optional<kind> kind_from(std::string_view name) noexcept {
  for (const auto& e : entries)
    if (e.name == name)
      return e.kind;
  return std::nullopt;
}

std::span<const kind> all_kinds() noexcept { return kinds; }

std::uint8_t current_version(kind k) noexcept {
  const auto* found = find(k);
  return found != nullptr ? found->version : std::uint8_t{0};
}

} // namespace hourglass::events
