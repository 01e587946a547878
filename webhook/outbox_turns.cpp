#include "webhook/outbox_impl.hpp"

#include "events/limits.hpp"

#include <algorithm>
#include <utility>

// Whose turn it is: what of a destination may go, which destination is served next, and what has waited too long.

namespace hourglass::webhook {

/// It may go when its time has come.
void outbox_state::impl::show(lane& l, delivery& d) {
  const std::pair place{d.next_us(), d.message->seq};
  l.waiting.insert(place);
  if (l.batches() && !d.gathers())
    l.alone.insert(place);
  else if (l.batches() && d.line.empty()) {
    l.gathered.insert(place);
    l.gathered_anew = l.gathered_anew || !l.gathered_full || place < l.gathered_end;
  }
  if (d.manual > 0) { // a person wants it, however old it is
    l.by_hand.emplace(d.manual_due.us, d.message->seq);
    return;
  }
  const auto& age = l.config.retries.rules_for(d.message->event_type).maximum_age;
  d.over_us = age ? (d.since + *age).us : INT64_MAX;
  if (age)
    l.aging.emplace(d.over_us, d.message->seq);
  else if (l.config.protection.rules().holds())
    l.kept_back.emplace(d.next_us(), d.message->seq);
}

void outbox_state::impl::hide(lane& l, const delivery& d) {
  const auto seq = d.message->seq;
  l.waiting.erase({d.next_us(), seq});
  l.alone.erase({d.next_us(), seq});
  if (l.gathered.erase({d.next_us(), seq}) != 0)
    l.gathered_anew = l.gathered_anew || !l.gathered_full || std::pair{d.next_us(), seq} <= l.gathered_end;
  if (auto q = l.lines.find(d.line); q != l.lines.end() && q->second.shown == seq)
    l.lines_gathered.erase({q->second.forms_us, seq});
  l.kept_back.erase({d.next_us(), seq});
  l.aging.erase({d.over_us, seq});
  if (d.manual > 0)
    l.by_hand.erase({d.manual_due.us, seq});
}

void outbox_state::impl::wait(lane& l, delivery& d) {
  if (d.token != 0 || d.idle())
    return;
  if (d.line.empty())
    return show(l, d);
  age_in_line(l, d);
  arrange(l, d.line);
}

/// Behind others too it grows old, and is kept back. But where a dead letter would hold the line nothing dies in the middle of it.
void outbox_state::impl::age_in_line(lane& l, delivery& d) {
  const auto& age = l.config.retries.rules_for(d.message->event_type).maximum_age;
  if (d.manual > 0 || l.config.ordering.holds())
    return;
  if (!age) {
    if (l.config.protection.rules().holds())
      l.kept_back.emplace(d.next_us(), d.message->seq);
    return;
  }
  d.over_us = (d.since + *age).us;
  l.aging.emplace(d.over_us, d.message->seq);
}

void outbox_state::impl::unwait(lane& l, const delivery& d) {
  if (d.token != 0)
    return;
  hide(l, d);
  if (auto q = l.lines.find(d.line); q != l.lines.end() && q->second.shown == d.message->seq)
    q->second.shown = 0;
}

// -- lines ----------------------------------------------------------------------------------

void outbox_state::impl::enter_line(lane& l, const delivery& d) {
  if (d.line.empty())
    return;
  auto& q = l.lines[d.line];
  q.order.emplace(d.place, d.message->seq);
  if (d.token != 0)
    q.flying = d.token;
}

void outbox_state::impl::leave_line(lane& l, const delivery& d) {
  auto q = l.lines.find(d.line);
  if (d.line.empty() || q == l.lines.end())
    return;
  q->second.order.erase({d.place, d.message->seq});
  if (q->second.shown == d.message->seq)
    q->second.shown = 0;
  if (q->second.order.empty() && q->second.flying == 0)
    l.lines.erase(q);
}

/// The attempt of `token` is over.
void outbox_state::impl::free_line(lane& l, const std::string& line, fencing_token token) {
  auto q = l.lines.find(line);
  if (line.empty() || q == l.lines.end() || q->second.flying != token)
    return;
  q->second.flying = 0;
  if (q->second.order.empty())
    l.lines.erase(q);
  else
    arrange(l, line);
}

/// It has arrived after all: what it held goes on, though it may stand in another line now.
void outbox_state::impl::release_held(lane& l, events::seq letter) {
  for (auto held = l.held.begin(); held != l.held.end();) {
    if (held->second != letter) {
      ++held;
      continue;
    }
    const auto line = held->first;
    held = l.held.erase(held);
    arrange(l, line);
  }
}

/// Shows the one that may go: the first, when none is under way, and no dead letter but itself holds the line.
void outbox_state::impl::arrange(lane& l, const std::string& line) {
  auto found = l.lines.find(line);
  if (found == l.lines.end())
    return;
  auto& q = found->second;
  auto next = q.flying != 0 || q.order.empty() ? 0 : q.order.begin()->second;
  bool is_letter = false; // that holds the line, sent again: the line waits for it, and so would the recovery
  if (auto held = l.held.find(line); held != l.held.end() && next != 0) {
    auto letter = l.deliveries.find(held->second);
    is_letter = letter != l.deliveries.end() && letter->second.line == line;
    next = is_letter ? held->second : 0;
  }
  // What came while it was disabled stands before what was queued since. The recovery has room of its own, so this ends.
  if (next != 0 && !is_letter && !l.in_turn(l.deliveries.at(next)))
    next = 0;
  if (next == q.shown)
    return gather_line(l, q);
  if (q.shown != 0) {
    auto& before = l.deliveries.at(q.shown);
    hide(l, before);
    q.shown = 0;
    age_in_line(l, before);
  }
  q.shown = next;
  if (next == 0)
    return;
  show(l, l.deliveries.at(next));
  gather_line(l, q);
}

void outbox_state::impl::arrange_all(lane& l) {
  for (const auto& [name, q] : l.lines)
    arrange(l, name);
}

/// Whether what it missed while it was disabled is still being looked for, and from where on: what was found before stands in the lines already. It may have
/// been disabled more than once: the first counts.
void outbox_state::impl::catch_up(lane& l) {
  l.catching_up = 0;
  for (const auto& [seq, r] : recoveries)
    if (r.what.destination == l.config.id && r.what.automatic() && r.state == recovery::phase::scanning && (l.catching_up == 0 || r.cursor < l.catching_up))
      l.catching_up = r.cursor;
  arrange_all(l);
  reindex(l);
}

// -- the order among lanes ----------------------------------------------------------------

void outbox_state::impl::unindex(lane& l) {
  paced.erase(l.ordinal);
  if (!l.indexed_head)
    return;
  if (l.runnable) {
    runnable_by_due.erase({*l.indexed_head, l.ordinal});
    runnable.erase({l.indexed_turn, l.ordinal});
  } else {
    later.erase({*l.indexed_head, l.ordinal});
  }
  l.indexed_head.reset();
}

void outbox_state::impl::reindex_age(lane& l) {
  const auto at = l.over_at();
  const bool is_over = at && *at <= seen_now;
  if (at == l.indexed_over && is_over == l.over)
    return;
  if (l.over)
    over.erase(l.ordinal);
  else if (l.indexed_over)
    ages.erase({*l.indexed_over, l.ordinal});
  l.indexed_over = at;
  l.over = is_over;
  if (is_over)
    over.insert(l.ordinal);
  else if (at)
    ages.emplace(*at, l.ordinal);
}

void outbox_state::impl::reindex(lane& l) {
  wake_first(l);
  reindex_age(l);
  std::optional<std::int64_t> head;
  const bool may = !l.over && l.takes() && !l.short_of_bytes && l.in_flight < l.cap() && !l.waiting.empty(); // what is over dies before anything goes
  reindex_forming(l, may);
  if (may) {
    if (l.in_flight < l.guard.allowance() && l.goes_us() != INT64_MAX)
      head = std::max(l.goes_us(), l.guard.gate_us());
    if (!l.by_hand.empty())
      head = std::min(head.value_or(INT64_MAX), l.by_hand.begin()->first);
  }
  const bool slowed = head && l.config.rate_limit && *head < l.pace.next_us;
  if (slowed) {
    l.unpaced_us = *head;
    head = l.pace.next_us;
  }
  bool due = head && *head <= seen_now;
  if (head != l.indexed_head || (head && (due != l.runnable || (due && l.turn != l.indexed_turn)))) {
    unindex(l);
    if (head) {
      l.indexed_head = head;
      l.indexed_turn = l.turn;
      l.runnable = due;
      if (due) {
        runnable_by_due.emplace(*head, l.ordinal);
        runnable.emplace(l.turn, l.ordinal);
      } else {
        later.emplace(*head, l.ordinal);
      }
    }
  }
  if (slowed)
    paced.insert(l.ordinal);
  else
    paced.erase(l.ordinal);
}

/// Sorts lanes by what is due, and over, at `now`. The sandbox's clock may have been set back.
void outbox_state::impl::look(std::int64_t now) {
  const bool back = now < seen_now;
  seen_now = now;
  if (back) {
    for (auto ordinal : std::set<events::seq>{over})
      reindex(lanes.at(ordinal));
    while (!runnable_by_due.empty() && runnable_by_due.rbegin()->first > now)
      reindex(lanes.at(runnable_by_due.rbegin()->second));
    for (auto ordinal : std::set<events::seq>{forming})
      reindex(lanes.at(ordinal));
  }
  while (!ages.empty() && ages.begin()->first <= now)
    reindex(lanes.at(ages.begin()->second));
  while (!later.empty() && later.begin()->first <= now)
    reindex(lanes.at(later.begin()->second));
  while (!form_later.empty() && form_later.begin()->first <= now)
    reindex(lanes.at(form_later.begin()->second));
}

// -- bytes --------------------------------------------------------------------------------

void outbox_state::impl::pass_over(lane& l) {
  l.short_of_bytes = true;
  short_of_bytes.insert(l.ordinal);
  reindex(l);
}

/// With the bytes of a body come those back that were passed over; at their turn, which has not changed.
void outbox_state::impl::erase_flight(std::unordered_map<fencing_token, flight>::iterator at) {
  const auto message = at->second.what.message->seq;
  flights.erase(at);
  if (!bodies.ended(message))
    return;
  out_of_bytes = false;
  for (auto ordinal : std::exchange(short_of_bytes, {})) {
    auto& l = lanes.at(ordinal);
    l.short_of_bytes = false;
    reindex(l);
  }
}

namespace {

// The lane that is to be served next at `now`: of all that have something due, the one whose turn is longest ago.
lane* next_lane(outbox_state::impl& s, std::int64_t now) {
  s.look(now);
  return s.runnable.empty() ? nullptr : &s.lanes.at(s.runnable.begin()->second);
}

// A resend first; then by their moments.
events::seq next_message(const lane& l, events::virtual_time now) {
  const bool resend = !l.by_hand.empty() && l.by_hand.begin()->first <= now.us;
  return (resend ? l.by_hand : l.batches() ? l.alone : l.waiting).begin()->second;
}

start take_one(outbox_state::impl& s, lane& l, events::seq seq, events::virtual_time now) {
  auto& d = l.deliveries.at(seq);
  if (l.config.rate_limit)
    l.pace.took_one(now, *l.config.rate_limit);
  s.unwait(l, d);
  d.token = ++s.last_token;
  ++l.in_flight;
  l.bytes_in_flight += d.message->body_bytes;
  s.bodies.took(seq, d.message->body_bytes);
  if (!d.line.empty())
    l.lines.at(d.line).flying = d.token;
  l.turn = ++s.turns;
  s.reindex(l);

  start what;
  what.token = d.token;
  what.message = d.message;
  what.destination = l.config.id;
  what.number = d.attempts + 1;
  what.in_line = !d.line.empty();
  what.why = d.manual > 0 ? trigger::manual : (d.members.empty() ? d.recovery : d.members.front().recovery) != 0 ? trigger::recovery : trigger::schedule;
  what.url = l.config.url;
  what.deadline = l.config.timeout ? std::chrono::seconds{*l.config.timeout} : std::chrono::seconds{limits::attempt_deadline};
  if (!d.members.empty() || l.batches()) {
    std::vector<std::shared_ptr<const message_ref>> members;
    for (const auto& m : d.members)
      members.push_back(m.message);
    if (members.empty())
      members.push_back(d.message);
    what.members = std::make_shared<const std::vector<std::shared_ptr<const message_ref>>>(std::move(members));
  }
  s.flights.emplace(d.token, flight{what, l.ordinal, d.was_dead, d.was_delivered, d.line, !d.members.empty(), l.config.disabled});
  what.headers = l.config.headers;
  what.keys = signing_keys_at(l.config, now);
  what.profile = l.config.profile;
  what.signing = l.config.signing;
  what.form = l.config.form;
  what.way = l.config.transport.way();
  what.transform = l.config.transform.running();
  return what;
}

} // namespace

std::vector<start> take_due(outbox_state& state, events::virtual_time now, std::size_t max, std::uint64_t most_bytes) {
  std::vector<start> out;
  auto& s = state.self();
  s.out_of_bytes = false;
  while (out.size() < max) {
    auto* l = next_lane(s, now.us);
    if (l == nullptr)
      break;
    const auto seq = next_message(*l, now);
    switch (s.bodies.room_for(seq, l->deliveries.at(seq).message->body_bytes, l->bytes_in_flight, l->in_flight != 0, most_bytes)) {
    case body_room::enough:
      out.push_back(take_one(s, *l, seq, now));
      break;
    case body_room::not_for_it:
      s.pass_over(*l);
      break;
    case body_room::for_nobody:
      s.out_of_bytes = true;
      return out;
    }
  }
  return out;
}

void name_sandbox(outbox_state& state, std::string id) {
  state.self().sandbox = std::move(id);
}

void judge_by(outbox_state& state, std::shared_ptr<const payload_judge> judge, std::optional<schema_check> sandbox) {
  state.self().judge = std::move(judge);
  state.self().check = sandbox;
}

bool still_wanted(const outbox_state& state, fencing_token token) {
  const auto& s = state.self();
  const auto flown = s.flights.find(token);
  const auto where = flown == s.flights.end() ? s.lanes.end() : s.lanes.find(flown->second.lane);
  if (where == s.lanes.end())
    return false;
  const auto& l = where->second;
  if (l.config.disabled && !(l.guard.probing && flown->second.probe))
    return false;
  const auto d = l.deliveries.find(flown->second.what.message->seq);
  return d != l.deliveries.end() && d->second.token == token;
}

void give_back(outbox_state& state, fencing_token token) {
  auto& s = state.self();
  auto at = s.flights.find(token);
  if (at == s.flights.end())
    return;
  auto where = s.lanes.find(at->second.lane);
  const auto message = at->second.what.message->seq;
  const auto line = at->second.line;
  s.erase_flight(at);
  if (where == s.lanes.end())
    return;
  auto& l = where->second;
  auto d = l.deliveries.find(message);
  if (d == l.deliveries.end() || d->second.token != token) { // taken back meanwhile
    s.free_line(l, line, token);
    return s.reindex(l);
  }
  s.change_delivery(l, d->second, [&](delivery& changed) { s.land(l, changed); });
}

std::optional<events::virtual_time> next_due(const outbox_state& state) {
  const auto& s = state.self();
  std::optional<std::int64_t> out;
  for (const auto* heads : {&s.runnable_by_due, &s.later, &s.ages, &s.form_later})
    if (!heads->empty() && !(s.out_of_bytes && heads == &s.runnable_by_due))
      out = std::min(out.value_or(INT64_MAX), heads->begin()->first);
  for (auto ordinal : s.over)
    out = std::min(out.value_or(INT64_MAX), *s.lanes.at(ordinal).indexed_over);
  for (auto ordinal : s.forming)
    out = std::min(out.value_or(INT64_MAX), *s.lanes.at(ordinal).indexed_forms);
  for (const auto& [seq, r] : s.recoveries) // what is due is read already, or waits for room and not for time
    if (r.state == recovery::phase::scanning && r.next && r.next->us > s.seen_now)
      out = std::min(out.value_or(INT64_MAX), r.next->us);
  return out ? std::optional{events::virtual_time{*out}} : std::nullopt;
}

namespace {

constexpr std::size_t much = 100;

/// How many of a lane fall due by `until`, as far as `much` goes.
std::size_t due_by(const lane& l, std::int64_t until) {
  std::size_t out = 0;
  for (auto at = l.waiting.begin(); at != l.waiting.end() && at->first <= until && out < much; ++at)
    ++out;
  if (l.resting.first_due_us() > until)
    return out;
  return l.resting.size() > much ? much : out + l.resting.soonest(much).size();
}

} // namespace

duration step_of_backlog(const outbox_state& state) {
  constexpr std::int64_t second = 1'000'000;
  const auto& s = state.self();
  if (s.later.empty() || !s.runnable_by_due.empty() || !s.over.empty() || !s.forming.empty())
    return duration{0};
  const auto first = s.later.begin()->first;
  auto until = capped_sum(first, second);
  if (!s.ages.empty()) // what is due before it is too old goes before
    until = std::min(until, s.ages.begin()->first - 1);
  if (!s.form_later.empty()) // a batch goes at its very moment
    until = std::min(until, s.form_later.begin()->first);
  std::size_t due = 0, looked = 0;
  for (const auto& [head, ordinal] : s.later) {
    if (head > until || ++looked > much)
      break;
    const auto& l = s.lanes.at(ordinal);
    if (head != l.goes_us()) { // a rate, the end of a hold, a probe: at its very moment
      until = head;
      break;
    }
    due += due_by(l, until);
  }
  return due < much ? duration{0} : duration{std::max<std::int64_t>(0, until - first)};
}

bool has_expired(outbox_state& state, events::virtual_time now) {
  auto& s = state.self();
  s.look(now.us);
  s.wake_what_is_over();
  return !s.over.empty();
}

// -- rates while time stands ----------------------------------------------------------------

void pass_pace(outbox_state& state, duration elapsed) {
  auto& s = state.self();
  for (auto ordinal : std::set<events::seq>{s.paced}) {
    auto& l = s.lanes.at(ordinal);
    l.pace.next_us -= elapsed.count();
    s.reindex(l);
  }
}

std::optional<duration> paced_for(const outbox_state& state, events::virtual_time now) {
  const auto& s = state.self();
  std::optional<duration> out;
  for (auto ordinal : s.paced)
    if (const auto& l = s.lanes.at(ordinal); l.unpaced_us <= now.us)
      out = std::min(out.value_or(duration::max()), duration{std::max<std::int64_t>(0, l.pace.next_us - now.us)});
  return out;
}

} // namespace hourglass::webhook
