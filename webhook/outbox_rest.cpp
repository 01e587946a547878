#include "webhook/outbox_impl.hpp"

#include <algorithm>
#include <iterator>
#include <memory>

// With much waiting most of it rests: a receiver that is down for a day costs little memory. Here
// is what rests, and what is woken when.

namespace hourglass::webhook {

namespace {

delivery awake(const resting_delivery& r) {
  delivery d;
  d.message = std::make_shared<const message_ref>(r.message);
  d.attempts = r.attempts;
  d.step = r.step;
  d.scheduled = true;
  d.due = r.due;
  d.since = r.since;
  return d;
}

} // namespace

resting_delivery resting(const delivery& d) {
  return {*d.message, d.attempts, d.step, d.due, d.since};
}

ageing_of ageing_in(const lane& l) {
  return [retries = std::make_shared<const retry_policy>(l.config.retries),
          holds = l.config.protection.rules().holds()](std::string_view type) {
    return ageing{retries->rules_for(type).maximum_age, holds};
  };
}

std::optional<delivery> lane::copy_of(events::seq message) const {
  if (const auto at = deliveries.find(message); at != deliveries.end())
    return at->second;
  if (const auto* m = const_cast<lane*>(this)->member(message)) { // NOLINT: the same look-up, on our own object
    auto out = deliveries.at(in_batch.at(message));
    out.members.clear();
    out.message = m->message;
    out.attempts = m->attempts;
    out.was_dead = m->was_dead, out.was_delivered = m->was_delivered;
    out.recovery = m->recovery;
    out.since = m->since;
    return out;
  }
  const auto r = resting.find(message);
  return r ? std::optional{awake(*r)} : std::nullopt;
}

std::vector<delivery> lane::first_that_wait(std::size_t most) const {
  std::vector<delivery> out;
  for (const auto& [due, seq] : waiting) {
    if (out.size() >= most)
      break;
    const auto& d = deliveries.at(seq);
    if (d.members.empty())
      out.push_back(d);
    for (const auto& m : d.members)
      if (!deliveries.contains(m.message->seq))
        out.push_back(*copy_of(m.message->seq));
  }
  for (const auto& r : resting.soonest(most))
    out.push_back(awake(r));
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return std::pair{a.next_us(), a.message->seq} < std::pair{b.next_us(), b.message->seq};
  });
  out.resize(std::min(most, out.size()));
  for (const auto& [name, q] : lines)
    for (const auto& [place, seq] : q.order)
      if (out.size() >= most)
        return out;
      else if (const auto& d = deliveries.at(seq); d.token == 0 && seq != q.shown && d.members.empty())
        out.push_back(d);
  return out;
}

delivery* outbox_state::impl::find_delivery(lane& l, events::seq message) {
  if (const auto at = l.deliveries.find(message); at != l.deliveries.end())
    return &at->second;
  const auto r = l.resting.take(message);
  return r ? &wake(l, *r) : nullptr;
}

delivery& outbox_state::impl::wake(lane& l, const resting_delivery& r) {
  --resting;
  auto& d = l.deliveries.emplace(r.message.seq, awake(r)).first->second;
  wait(l, d);
  return d;
}

void outbox_state::impl::wake(lane& l, const std::vector<resting_delivery>& these) {
  for (const auto& r : these)
    wake(l, r);
}

/// What falls due before all that is awake is awake too, so that the front of `waiting` is the
/// front of all.
void outbox_state::impl::wake_first(lane& l) {
  while (!l.resting.empty() && (l.waiting.empty() || l.resting.front() < *l.waiting.begin()))
    wake(l, l.resting.take_soonest({std::max(seen_now, told_now)}));
  if (l.batches())
    wake_what_forms(l);
}

/// Of the destination whose turn it is to bury something, unless it has that at hand.
void outbox_state::impl::wake_what_is_over() {
  constexpr std::size_t buried_at_once = 256, pages_at_once = 64;
  if (over.empty())
    return;
  auto& l = lanes.at(*over.begin());
  const auto kept_too_long = [&](std::int64_t due) { return due != INT64_MAX && l.keeps_back() && l.kept_until_us(due) <= seen_now; };
  if ((!l.aging.empty() && l.aging.begin()->first <= seen_now) || (!l.kept_back.empty() && kept_too_long(l.kept_back.begin()->first)))
    return;
  const auto before = resting;
  for (std::size_t pages = 0; pages < pages_at_once && before - resting < buried_at_once; ++pages) {
    if (l.resting.first_over_us() <= seen_now)
      wake(l, l.resting.take_over({seen_now}));
    else if (kept_too_long(l.resting.first_kept_us()))
      wake(l, l.resting.take_kept({seen_now - kept_back_most.count()}));
    else
      return;
  }
}

/// All but the first quarter, when too many are awake: many at a time, since neighbours share the cost of their page.
void outbox_state::impl::let_rest(lane& l) {
  const auto of_a_lane = std::clamp(awake_most / std::max<std::size_t>(lanes.size(), 1), std::size_t{2}, awake_of_a_lane);
  if (deliveries - resting <= awake_most || l.deliveries.size() < std::max(l.rest_at, of_a_lane))
    return;
  const auto is_over = [&](const delivery& d) { // and is to be buried
    return d.over_us <= seen_now || (l.keeps_back() && l.kept_until_us(d.next_us()) <= seen_now);
  };
  const auto kept = std::min(l.waiting.size(), 1 + l.deliveries.size() / 4); // the front stays where the lanes' order looks for it
  std::vector<resting_delivery> tired;
  for (auto at = std::next(l.waiting.begin(), static_cast<std::ptrdiff_t>(kept));
       at != l.waiting.end(); ++at)
    if (const auto& d = l.deliveries.at(at->second); d.may_rest() && !is_over(d) && !(l.batches() && *at <= l.gathered_end)) // what the next batch is made of stays
      tired.push_back(webhook::resting(d));
  std::sort(tired.begin(), tired.end(),
            [](const auto& a, const auto& b) { return a.message.seq < b.message.seq; });
  for (const auto& r : tired) {
    const auto at = l.deliveries.find(r.message.seq);
    hide(l, at->second);
    l.deliveries.erase(at);
  }
  l.rest_at = 2 * l.deliveries.size();
  if (l.resting.empty())
    l.resting.rule(ageing_in(l));
  l.resting.put(tired);
  resting += tired.size();
}

void rest_beyond(outbox_state& state, std::size_t all, std::size_t of_one) {
  state.self().awake_most = all;
  state.self().awake_of_a_lane = of_one;
}

void outbox_state::impl::add_resting(lane& l, const std::vector<resting_delivery>& sorted) {
  if (l.resting.empty())
    l.resting.rule(ageing_in(l));
  l.resting.put(sorted);
  resting += sorted.size();
  deliveries += sorted.size();
}

} // namespace hourglass::webhook
