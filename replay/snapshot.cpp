#include "replay/snapshot.hpp"

#include <algorithm>

namespace hourglass::replay {

namespace {

// Format 2 knew nothing of how a destination that fails is spared: it is not read, and the stream is folded instead.
// One part of the stored snapshot for each `part`, in that order; the text is that part's own `snapshot()`.
constexpr std::uint32_t snapshot_format = 3;

std::string text_of(const sandbox_state& s, part p) {
  switch (p) {
  case part::settings: return mock::snapshot(s.settings);
  case part::endpoints: return mock::snapshot(s.endpoints);
  case part::data: return mock::snapshot(s.data);
  case part::clock: return mock::snapshot(s.clock);
  case part::outbox: return webhook::snapshot(s.outbox);
  }
  return {};
}

} // namespace

std::optional<sandbox_state> read_snapshot(const storage::snapshot& from) {
  if (from.format != snapshot_format || from.parts.size() != part_count ||
      !std::all_of(from.parts.begin(), from.parts.end(), [](const auto& p) { return p.has_value(); }))
    return std::nullopt;
  auto text = [&from](part p) -> const std::string& { return *from.parts[static_cast<std::size_t>(p)]; };
  auto settings = mock::restore<mock::settings_state>(text(part::settings));
  auto endpoints = mock::restore<mock::endpoint_state>(text(part::endpoints));
  auto data = mock::restore<mock::data_state>(text(part::data));
  auto clock = mock::restore<mock::clock_state>(text(part::clock));
  auto outbox = webhook::restore(text(part::outbox));
  if (!settings || !endpoints || !data || !clock || !outbox)
    return std::nullopt;
  sandbox_state s;
  s.settings = std::move(*settings);
  s.endpoints = std::move(*endpoints);
  s.data = std::move(*data);
  s.clock = *clock;
  s.outbox = std::move(*outbox);
  s.head = from.head;
  s.changed.at.fill(from.head.seq);
  s.snapshot = from.head.seq;
  return s;
}

events::outcome<void> take_snapshot(storage::store& store, const events::sandbox_id& sandbox, events::seq at_least) {
  auto head = store.head(sandbox);
  if (!head)
    return tl::unexpected<events::error>{std::move(head).error()};
  events::seq last = 0;
  {
    auto latest = store.latest_snapshot(sandbox, now_seq);
    if (!latest)
      return tl::unexpected<events::error>{std::move(latest).error()};
    last = *latest ? (*latest)->head.seq : 0;
  }
  if (!*head || (*head)->seq < last + at_least)
    return {};
  auto state = load(store, sandbox, (*head)->seq);
  if (!state)
    return tl::unexpected<events::error>{std::move(state).error()};
  storage::snapshot made{state->head, snapshot_format, {}, 0};
  for (std::size_t i = 0; i < part_count; ++i)
    made.parts.emplace_back(text_of(*state, static_cast<part>(i)));
  *state = {}; // each of the three may have tens of megabytes: the state, its text, and what is written
  return store.put_snapshot(sandbox, made);
}

events::outcome<void> put_snapshot(storage::store& store, const events::sandbox_id& sandbox, live_state live) {
  storage::snapshot made{live.head, snapshot_format, {}, 0};
  for (std::size_t i = 0; i < part_count; ++i) {
    if (!live.parts[i])
      made.unchanged_since = std::max(made.unchanged_since, live.changed.at[i]);
    made.parts.push_back(std::move(live.parts[i]));
  }
  auto put = store.put_snapshot(sandbox, made);
  if (!put && put.error().code == events::errc::conflict)
    return take_snapshot(store, sandbox, 1);
  return put;
}

} // namespace hourglass::replay
