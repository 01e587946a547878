#include "replay/state.hpp"

#include "events/erasure.hpp"
#include "events/json_text.hpp"
#include "replay/snapshot.hpp"

namespace hourglass::replay {

namespace {

events::outcome<events::seq> seq_of(const storage::store& store, const events::sandbox_id& sandbox, moment when) {
  if (auto* seq = std::get_if<events::seq>(&when))
    return *seq;
  return store.seq_at(sandbox, std::get<events::wall_time>(when));
}

} // namespace

std::optional<part> part_of(events::kind k) noexcept {
  using events::kind;
  switch (k) {
  case kind::sandbox_created:
  case kind::sandbox_updated:
  case kind::sandbox_deleted:
  case kind::portal_opened:
  case kind::portal_entered:
  case kind::portal_left:
  case kind::portal_expired: return part::settings;
  case kind::endpoint_put:
  case kind::endpoint_removed:
  case kind::openapi_imported:
  case kind::credentials_put:
  case kind::forwarding_put:
  case kind::function_put:
  case kind::function_removed: return part::endpoints;
  case kind::sandbox_pruned: // stands in no sandbox
  case kind::request_served: return std::nullopt;
  case kind::data_put:
  case kind::data_removed:
  case kind::data_cleared:
  case kind::env_put:
  case kind::env_removed:
  case kind::template_put:
  case kind::template_removed:
  case kind::data_seeded:
  case kind::chaos_drawn:
  case kind::scenario_put:
  case kind::scenario_removed:
  case kind::scenario_applied:
  case kind::chaos_put:
  case kind::chaos_removed: return part::data;
  case kind::clock_set:
  case kind::clock_advance_started:
  case kind::clock_moved:
  case kind::clock_advance_finished: return part::clock;
  case kind::event_type_put:
  case kind::event_type_removed:
  case kind::destination_created:
  case kind::destination_updated:
  case kind::destination_removed:
  case kind::destination_secret_rotated:
  case kind::destination_disabled:
  case kind::message_created:
  case kind::attempt_finished:
  case kind::resend_requested:
  case kind::recovery_started:
  case kind::recovery_progressed:
  case kind::recovery_finished:
  case kind::deliveries_moved:
  case kind::delivery_expired:
  case kind::batch_formed:
  case kind::dead_letters_removed:
  case kind::poller_created:
  case kind::poller_updated:
  case kind::poller_removed:
  case kind::consumer_moved:
  case kind::consumer_removed:
  case kind::content_erased:
  case kind::destination_recovered: return part::outbox;
  }
  return std::nullopt; // a kind of a newer program: whoever reads the stream has refused it
}

events::outcome<void> apply(sandbox_state& state, const events::record& next) {
  if (auto ok = events::follow(state.head, next); !ok)
    return ok;
  const auto& h = next.header;
  const auto changed = part_of(h.kind);
  if (!changed) { // by far the most
    if (state.settings.seed.empty())
      return {};
    state.changed[part::settings] = h.seq;
    return mock::apply(state.settings, h.kind, {}, h);
  }
  state.changed[*changed] = h.seq;
  auto payload = events::upcast(next);
  if (!payload)
    return tl::unexpected<events::error>{std::move(payload).error()};
  switch (*changed) {
  case part::settings: return mock::apply(state.settings, h.kind, *payload, h);
  case part::endpoints: return mock::apply(state.endpoints, h.kind, *payload);
  case part::data: return mock::apply(state.data, h.kind, *payload);
  case part::clock: return mock::apply(state.clock, h.kind, *payload, h);
  case part::outbox: return webhook::apply(state.outbox, h, *payload);
  }
  return {};
}

events::outcome<sandbox_state> load(const storage::store& store, const events::sandbox_id& sandbox, moment when) {
  auto until = seq_of(store, sandbox, when);
  if (!until)
    return tl::unexpected<events::error>{std::move(until).error()};
  if (*until == 0)
    return events::failure(events::errc::not_found, "the sandbox did not exist at that moment");
  sandbox_state state;
  auto snapshot = store.latest_snapshot(sandbox, *until);
  if (!snapshot)
    return tl::unexpected<events::error>{std::move(snapshot).error()};
  if (*snapshot)
    if (auto restored = read_snapshot(**snapshot))
      state = std::move(*restored);
  events::erasure_check erasures;
  while (state.head.seq < *until) {
    storage::read_budget budget;
    budget.max_records = static_cast<std::size_t>(std::min<events::seq>(budget.max_records, *until - state.head.seq));
    auto tail = store.read(sandbox, state.head.seq + 1, budget);
    if (!tail)
      return tl::unexpected<events::error>{std::move(tail).error()};
    if (tail->empty())
      break;
    for (const auto& r : *tail)
      if (auto ok = apply(state, r).and_then([&] { return erasures.see(r); }); !ok)
        return tl::unexpected<events::error>{std::move(ok).error()};
  }
  // What says so may stand behind a moment of the past.
  if (when == moment{now_seq})
    if (auto ok = erasures.finish(); !ok)
      return tl::unexpected<events::error>{std::move(ok).error()};
  if (state.head.seq == 0)
    return events::failure(events::errc::not_found, "no such sandbox");
  if (std::holds_alternative<events::seq>(when) && *until != now_seq && state.head.seq < *until)
    return events::failure(events::errc::not_found, "the stream ends before that event", "seq");
  return state;
}

std::string to_json(const sandbox_state& state) {
  std::string out;
  events::json_text j{out};
  j.open_object();
  j.key("seq").value(state.head.seq);
  j.key("wall").value(events::to_rfc3339(state.head.wall));
  j.key("link").value(events::to_hex(events::as_text(state.head.link)));
  j.key("clock").raw(mock::to_json(state.clock, state.head.wall));
  j.key("endpoints").raw(mock::to_json(state.endpoints));
  j.key("data").raw(mock::to_json(state.data));
  j.key("outbox").raw(webhook::to_json(state.outbox));
  j.close_object();
  return out;
}

} // namespace hourglass::replay
