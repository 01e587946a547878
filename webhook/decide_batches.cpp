#include "webhook/limits.hpp"
#include "webhook/outbox_decider.hpp"

#include <algorithm>

// Which messages go together, decided once; and what an attempt at a batch means for each of them.

namespace hourglass::webhook {

using result = events::outcome<decision>;

namespace {

/// Those of `from` to `end` that go together now, in their order. To see whether it works one is enough: the others need not fail with it.
template <class At>
std::vector<message_ref> together(const lane& l, At from, At end, std::int64_t now) {
  const auto most = l.guard.held_until ? 1 : limits::batch_messages;
  batch_of whole{l.config.batching.rules()};
  std::vector<message_ref> out;
  for (; from != end && !whole.full() && out.size() < most; ++from) {
    const auto& d = l.deliveries.at(from->second);
    if (!d.gathers() || d.due.us > now || !l.in_turn(d) || !whole.take(d))
      break;
    out.push_back(*d.message);
  }
  return out;
}

} // namespace

/// Of each destination as many as may leave at once; of what stands in no line one, since the next may rest yet.
result decider::operator()(const form_batches&) const {
  decision out;
  std::size_t messages = 0;
  for (auto ordinal : s.forming) {
    const auto& l = s.lanes.at(ordinal);
    std::vector<std::pair<std::int64_t, events::seq>> ready; // when, and the first of a line, or 0
    auto room = std::min(l.cap(), l.guard.allowance()) - l.in_flight;
    for (auto at = l.lines_gathered.begin(); at != l.lines_gathered.end() && at->first <= s.seen_now && ready.size() < room; ++at)
      ready.push_back(*at);
    if (l.gathered_us <= s.seen_now)
      ready.emplace_back(l.gathered_us, 0);
    std::sort(ready.begin(), ready.end());
    ready.resize(std::min<std::size_t>(ready.size(), room));
    for (const auto& [when, first] : ready) {
      if (messages >= limits::batched_at_once)
        return out;
      batch_formed f;
      f.id = events::make_id("bat_", ctx.wall.us / 1000, ctx.chance, static_cast<std::uint32_t>(out.facts.size()));
      f.destination = l.config.id;
      if (first == 0)
        f.messages = together(l, l.gathered.begin(), l.gathered.end(), s.seen_now);
      else if (const auto& q = l.lines.at(l.deliveries.at(first).line); true)
        f.messages = together(l, q.order.begin(), q.order.end(), s.seen_now);
      if (f.messages.empty())
        continue;
      messages += f.messages.size();
      add(out, std::move(f));
    }
  }
  return out;
}

/// One for each message of a batch; what is said of the destination stands with the last.
void decider::add_attempt(decision& out, attempt_finished f, const delivery* d) const {
  if (f.batch.seq == 0)
    return add(out, std::move(f));
  std::vector<batch_member> members;
  if (d != nullptr)
    members = d->members;
  else
    for (const auto& m : *s.flights.at(f.token).what.members)
      members.push_back({m});
  const auto why = f.why;
  const auto l = s.lanes.find(s.flights.at(f.token).lane);
  auto whole = std::move(f);
  auto part = whole;
  part.hold.reset();
  part.opened = false;
  part.backlog_told = 0;
  part.failing_told = 0;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const bool last = i + 1 == members.size();
    auto& one = last ? whole : part;
    const auto& m = members[i];
    one.id = events::make_id("atmpt_", ctx.wall.us / 1000, ctx.chance, static_cast<std::uint32_t>(i));
    one.message = *m.message;
    one.number = m.attempts + 1;
    if (why != trigger::manual)
      one.why = m.recovery != 0 ? trigger::recovery : trigger::schedule;
    one.was_dead = m.was_dead;
    one.was_delivered = m.was_delivered;
    one.batch.beside = one.follows == outcome_kind::delivered && l != s.lanes.end() && l->second.deliveries.contains(m.message->seq);
    one.batch.left = static_cast<std::uint32_t>(members.size() - 1 - i);
    last ? add(out, std::move(one)) : add(out, one);
  }
}

} // namespace hourglass::webhook
