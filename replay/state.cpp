#include "replay/state.hpp"

#include "events/json_text.hpp"

#include <array>
#include <cstring>

namespace hourglass::replay {

namespace {

// snapshot blob := settings endpoints data clock outbox head_wall
// part          := length: fixed32 (little endian), text of that part's own snapshot()
// head_wall     := fixed64 (little endian), microseconds
// The snapshot's seq and link stand beside the blob.
constexpr std::uint32_t snapshot_format = 1;

template <class Int>
void put_fixed(std::string& out, Int value) {
  std::array<char, sizeof(Int)> bytes{};
  std::memcpy(bytes.data(), &value, sizeof(Int));
  out.append(bytes.data(), bytes.size());
}

template <class Int>
bool get_fixed(std::string_view& in, Int& value) {
  if (in.size() < sizeof(Int))
    return false;
  std::memcpy(&value, in.data(), sizeof(Int));
  in.remove_prefix(sizeof(Int));
  return true;
}

bool get_part(std::string_view& in, std::string_view& part) {
  std::uint32_t size = 0;
  if (!get_fixed(in, size) || in.size() < size)
    return false;
  part = in.substr(0, size);
  in.remove_prefix(size);
  return true;
}

std::string write_blob(const sandbox_state& s) {
  std::string out;
  for (const auto& part : {mock::snapshot(s.settings), mock::snapshot(s.endpoints), mock::snapshot(s.data), mock::snapshot(s.clock),
                           webhook::snapshot(s.outbox)}) {
    put_fixed(out, static_cast<std::uint32_t>(part.size()));
    out += part;
  }
  put_fixed(out, s.head.wall.us);
  return out;
}

/// Nothing when the blob is not one of ours: a snapshot is a cache, and the stream has it all.
std::optional<sandbox_state> read_blob(const storage::snapshot& from) {
  if (from.format != snapshot_format)
    return std::nullopt;
  std::string_view in = from.blob;
  std::array<std::string_view, 5> parts;
  for (auto& part : parts)
    if (!get_part(in, part))
      return std::nullopt;
  sandbox_state s;
  if (!get_fixed(in, s.head.wall.us))
    return std::nullopt;
  s.head.seq = from.seq;
  s.head.link = from.link;
  auto settings = mock::restore<mock::settings_state>(parts[0]);
  auto endpoints = mock::restore<mock::endpoint_state>(parts[1]);
  auto data = mock::restore<mock::data_state>(parts[2]);
  auto clock = mock::restore<mock::clock_state>(parts[3]);
  auto outbox = webhook::restore(parts[4]);
  if (!settings || !endpoints || !data || !clock || !outbox)
    return std::nullopt;
  s.settings = std::move(*settings);
  s.endpoints = std::move(*endpoints);
  s.data = std::move(*data);
  s.clock = *clock;
  s.outbox = std::move(*outbox);
  return s;
}

events::outcome<events::seq> seq_of(const storage::store& store, const events::sandbox_id& sandbox, moment when) {
  if (auto* seq = std::get_if<events::seq>(&when))
    return *seq;
  return store.seq_at(sandbox, std::get<events::wall_time>(when));
}

} // namespace

events::outcome<void> apply(sandbox_state& state, const events::record& next) {
  if (auto ok = events::follow(state.head, next); !ok)
    return ok;
  const auto& h = next.header;
  if (h.kind == events::kind::request_served)
    return {}; // by far the most; they change nothing here
  auto payload = events::upcast(next);
  if (!payload)
    return tl::unexpected<events::error>{std::move(payload).error()};
  if (auto ok = mock::apply(state.settings, h.kind, *payload, h); !ok)
    return ok;
  if (auto ok = mock::apply(state.endpoints, h.kind, *payload); !ok)
    return ok;
  if (auto ok = mock::apply(state.data, h.kind, *payload); !ok)
    return ok;
  if (auto ok = mock::apply(state.clock, h.kind, *payload, h); !ok)
    return ok;
  return webhook::apply(state.outbox, h, *payload);
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
    if (auto restored = read_blob(**snapshot))
      state = std::move(*restored);
  while (state.head.seq < *until) {
    storage::read_budget budget;
    budget.max_records = static_cast<std::size_t>(std::min<events::seq>(budget.max_records, *until - state.head.seq));
    auto tail = store.read(sandbox, state.head.seq + 1, budget);
    if (!tail)
      return tl::unexpected<events::error>{std::move(tail).error()};
    if (tail->empty())
      break;
    for (const auto& r : *tail)
      if (auto ok = apply(state, r); !ok)
        return tl::unexpected<events::error>{std::move(ok).error()};
  }
  if (state.head.seq == 0)
    return events::failure(events::errc::not_found, "no such sandbox");
  if (std::holds_alternative<events::seq>(when) && *until != now_seq && state.head.seq < *until)
    return events::failure(events::errc::not_found, "the stream ends before that event", "seq");
  return state;
}

events::outcome<void> take_snapshot(storage::store& store, const events::sandbox_id& sandbox, events::seq at_least) {
  auto head = store.head(sandbox);
  if (!head)
    return tl::unexpected<events::error>{std::move(head).error()};
  auto latest = store.latest_snapshot(sandbox, now_seq);
  if (!latest)
    return tl::unexpected<events::error>{std::move(latest).error()};
  events::seq last = *latest ? (*latest)->seq : 0;
  if (!*head || (*head)->seq < last + at_least)
    return {};
  auto state = load(store, sandbox, (*head)->seq);
  if (!state)
    return tl::unexpected<events::error>{std::move(state).error()};
  return store.put_snapshot(sandbox, {state->head.seq, state->head.link, snapshot_format, write_blob(*state)});
}

std::string to_json(const sandbox_state& state) {
  std::string out;
  events::json_text j{out};
  j.open_object();
  j.key("seq").value(state.head.seq);
  j.key("wall").value(events::to_rfc3339(state.head.wall));
  j.key("link").value(events::to_hex({reinterpret_cast<const char*>(state.head.link.data()), state.head.link.size()}));
  j.key("clock").raw(mock::to_json(state.clock, state.head.wall));
  j.key("endpoints").raw(mock::to_json(state.endpoints));
  j.key("data").raw(mock::to_json(state.data));
  j.key("outbox").raw(webhook::to_json(state.outbox));
  j.close_object();
  return out;
}

} // namespace hourglass::replay
