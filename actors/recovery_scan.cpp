#include "actors/recovery_scan.hpp"

#include "events/limits.hpp"
#include "webhook/facts.hpp"
#include "webhook/lane_guard.hpp"

#include <algorithm>

namespace hourglass::actors {

namespace {

constexpr std::size_t messages_a_page = 100;

/// With a rate a page is what goes in a tenth of a second: what is queued when the node stops is due at once when it starts again.
std::size_t most_taken(const webhook::recovery_started& what) { return what.rate == 0 ? SIZE_MAX : std::max<std::size_t>(1, what.rate / 10); }

/// The newest attempt of `message` at `destination` decides; a manual one that failed leaves what was before it.
void add(delivery_past& past, const webhook::attempt_finished& a) {
  past.attempts = std::max(past.attempts, a.number);
  past.code = a.result.answer.status;
  past.removed = past.removed && (a.follows == webhook::outcome_kind::failed || a.follows == webhook::outcome_kind::dropped);
  if (!past.last || a.follows != webhook::outcome_kind::failed)
    past.last = a.follows;
  if (a.follows == webhook::outcome_kind::delivered)
    past.dead = false, past.delivered = true;
  else if (a.follows == webhook::outcome_kind::dead)
    past.dead = true, past.delivered = false;
}

/// The clock went back, and all that waited came along.
struct reset {
  events::seq at;
  std::int64_t by_us;
};

events::outcome<std::vector<reset>> resets_behind(const storage::store& store, const events::sandbox_id& sandbox, events::seq after) {
  std::vector<reset> out;
  storage::history_query q;
  q.sandbox = sandbox;
  q.kinds = {events::kind::deliveries_moved};
  q.after = after;
  q.newest_first = false;
  q.limit = limits::page_size;
  auto read = storage::each_found(store, std::move(q), [&](const events::record& e) -> events::outcome<void> {
    auto f = webhook::decode(e);
    if (!f)
      return tl::unexpected<events::error>{std::move(f).error()};
    out.push_back({e.header.seq, std::get<webhook::deliveries_moved>(*f).by_us});
    return {};
  });
  return std::move(read).map([&] { return std::move(out); });
}

/// A message that was not queued comes along too when it is sent after all.
std::int64_t moved_since(const std::vector<reset>& resets, events::seq message) {
  std::int64_t out = 0;
  for (const auto& r : resets)
    out += r.at > message ? r.by_us : 0;
  return out;
}

bool wants(const webhook::recovery_started& what, const webhook::message_created& m) {
  if (!what.event_types.empty() && std::find(what.event_types.begin(), what.event_types.end(), m.event_type) == what.event_types.end())
    return false;
  if (what.filter.empty())
    return true;
  const auto says = what.filter.judge({m.event_type, m.event_id, m.channels, m.tags, m.json()});
  return says.takes && !(what.purge && says.undecided); // one too many is sent, but not thrown away
}

bool wants(const webhook::recovery_started& what, const delivery_past& past) {
  if (past.removed || (what.purge && !past.dead))
    return false;
  if (what.code_class && (!past.last || past.code / 100 != *what.code_class / 100))
    return false;
  switch (what.scope) {
    case webhook::recovery_scope::failed:
      return past.last && past.last != webhook::outcome_kind::delivered;
    case webhook::recovery_scope::missing:
      return !past.last;
    case webhook::recovery_scope::all:
      return true;
  }
  return false;
}

} // namespace

events::outcome<delivery_past> past_of(const storage::store& store, const events::sandbox_id& sandbox, const std::string& message,
                                       const std::string& destination) {
  delivery_past past;
  storage::history_query q;
  q.sandbox = sandbox;
  q.kinds = {events::kind::attempt_finished, events::kind::delivery_expired, events::kind::dead_letters_removed};
  q.entity = message;
  q.newest_first = false;
  q.limit = limits::page_size;
  auto read = storage::each_found(store, std::move(q), [&](const events::record& r) -> events::outcome<void> {
    past.seen = r.header.seq;
    auto f = webhook::decode(r);
    if (!f)
      return tl::unexpected<events::error>{std::move(f).error()};
    if (auto* a = std::get_if<webhook::attempt_finished>(&*f); a && a->destination == destination)
      add(past, *a);
    else if (auto* e = std::get_if<webhook::delivery_expired>(&*f); e && e->destination == destination)
      past.last = webhook::outcome_kind::dead, past.dead = true, past.delivered = past.removed = false;
    else if (auto* gone = std::get_if<webhook::dead_letters_removed>(&*f); gone && gone->destination == destination)
      past.removed = true, past.dead = false;
    return {};
  });
  return std::move(read).map([&] { return past; });
}

events::outcome<recovery_reading> read_recovery_page(const storage::store& store, storage::index_writer& index, const events::sandbox_id& sandbox,
                                                     const webhook::recovery& r, const webhook::destination& to) {
  using namespace std::chrono_literals;
  if (!index.wait_until(store.end(), std::chrono::steady_clock::now() + 30s))
    return events::failure(events::errc::timeout, "the index is too far behind the log");
  return look_for_recovery(store, sandbox, r, to);
}

events::outcome<recovery_reading> look_for_recovery(const storage::store& store, const events::sandbox_id& sandbox, const webhook::recovery& r,
                                                    const webhook::destination& to) {
  auto resets = resets_behind(store, sandbox, r.cursor);
  if (!resets)
    return tl::unexpected<events::error>{std::move(resets).error()};
  storage::history_query q;
  q.sandbox = sandbox;
  q.kinds = {events::kind::message_created};
  q.after = r.cursor;
  if (r.started_seq != 0)
    q.before = r.started_seq;
  q.newest_first = false;
  q.limit = messages_a_page;
  auto page = storage::find(store, q);
  if (!page)
    return tl::unexpected<events::error>{std::move(page).error()};

  recovery_reading reading;
  reading.moved = resets->empty() ? 0 : resets->back().at;
  auto& out = reading.what;
  out.id = r.what.id;
  out.cursor = r.cursor;
  bool full = false;
  for (const auto& e : page->events) {
    full = out.items.size() >= most_taken(r.what);
    if (full)
      break;
    out.cursor = e.header.seq;
    ++out.seen;
    // What nobody asked for goes by place, not by time: a clock that was reset would hide some.
    if (!r.what.automatic() && (e.header.virtual_ < r.what.since || e.header.virtual_ > r.what.until))
      continue;
    if (e.erased && !(r.what.purge && r.what.filter.empty())) // there is nothing to send, nor to say whether it fits
      continue;
    auto f = webhook::decode(e);
    if (!f)
      return tl::unexpected<events::error>{std::move(f).error()};
    auto& m = std::get<webhook::message_created>(*f);
    if (!wants(r.what, m) || m.operational != to.operational)
      continue;
    // What was queued for it as something to probe with is not missing, whether it has an attempt yet or not.
    if (r.what.automatic() && std::find(m.destinations.begin(), m.destinations.end(), r.what.destination) != m.destinations.end())
      continue;
    // What failed here was meant for here; of all the rest only what the destination asks for, and nothing that was meant for another alone.
    const bool for_another = m.addressed && std::find(m.destinations.begin(), m.destinations.end(), r.what.destination) == m.destinations.end();
    if (r.what.scope != webhook::recovery_scope::failed &&
        (for_another || !webhook::matches(to, {m.event_type, m.event_id, m.channels, m.tags, m.json()})))
      continue;
    auto past = past_of(store, sandbox, m.id, r.what.destination);
    if (!past)
      return tl::unexpected<events::error>{std::move(past).error()};
    if (!wants(r.what, *past))
      continue;
    reading.seen.push_back(past->seen);
    auto& item = out.items.emplace_back();
    item.message = {m.id, e.header.seq, m.event_type, m.body_bytes, m.fault != webhook::delivery_fault::none};
    item.attempts = past->attempts;
    item.was_dead = past->dead;
    item.was_delivered = past->delivered;
    const auto by = moved_since(*resets, e.header.seq);
    if (m.deliver_at)
      item.deliver_at = webhook::moved_by(*m.deliver_at, by);
    item.line = to.ordering.line_of(m.ordering_key, {m.event_type, m.event_id, m.channels, m.tags, m.json()});
    if (!item.line.empty() && !past->last)
      item.place = std::max(webhook::moved_by(e.header.virtual_, by), item.deliver_at.value_or(events::virtual_time{INT64_MIN}));
  }
  if (page->next && !full)
    out.cursor = std::max(out.cursor, *page->next);
  out.done = !page->next && !full;
  return reading;
}

} // namespace hourglass::actors
