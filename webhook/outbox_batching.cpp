#include "webhook/outbox_impl.hpp"

#include <algorithm>
#include <utility>

// What is gathered for a destination that wants batches, and when it goes (docs/decisions/054-batching.md). That some go together is decided once
// and written down; what is here only says when it is to be decided.

namespace hourglass::webhook {

/// Of what stands in no line: when its first go. What is behind the end of a batch that is full changes nothing, so with a long backlog this is seldom looked at.
void outbox_state::impl::gather(lane& l) {
  if (!std::exchange(l.gathered_anew, false))
    return;
  batch_of first{l.config.batching.rules()};
  l.gathered_end = {INT64_MIN, 0};
  for (auto at = l.gathered.begin(); at != l.gathered.end() && !first.full(); ++at) {
    const auto& d = l.deliveries.at(at->second);
    if (d.due.us > first.until())
      break;
    first.take(d);
    l.gathered_end = *at;
  }
  l.gathered_us = first.goes_us();
  l.gathered_full = first.full();
}

/// The first of a line and those directly behind it. What may not go with others, or not yet, ends the batch.
void outbox_state::impl::gather_line(lane& l, waiting_line& q) {
  if (!l.batches() || q.shown == 0 || !l.deliveries.at(q.shown).gathers())
    return;
  batch_of first{l.config.batching.rules()};
  for (auto at = q.order.begin(); at != q.order.end() && !first.full(); ++at) {
    const auto& d = l.deliveries.at(at->second);
    if (d.due.us > first.until() || !l.in_turn(d))
      break;
    if (!d.gathers())
      first.close(INT64_MIN);
    else
      first.take(d);
  }
  l.lines_gathered.erase({q.forms_us, q.shown});
  q.forms_us = first.goes_us();
  l.lines_gathered.emplace(q.forms_us, q.shown);
}

/// What says when the next batch goes is awake, so that it is the same whatever rests.
void outbox_state::impl::wake_what_forms(lane& l) {
  for (gather(l); !l.resting.empty(); gather(l)) {
    const auto& next = l.resting.front();
    const auto until = l.gathered.empty() ? INT64_MAX : capped_sum(l.gathered.begin()->first, l.config.batching.rules().wait.count());
    if (l.gathered_full ? l.gathered_end < next : next.first > until)
      return;
    wake(l, l.resting.take_soonest({std::max(seen_now, told_now)}));
  }
}

/// And all that goes with it now, which may be more than it waited for.
void outbox_state::impl::wake_what_goes_together(lane& l) {
  while (!l.resting.empty()) {
    batch_of first{l.config.batching.rules()};
    std::pair<std::int64_t, events::seq> end{INT64_MIN, 0};
    for (auto at = l.gathered.begin(); at != l.gathered.end() && at->first <= seen_now && !first.full(); end = *at++)
      first.take(l.deliveries.at(at->second));
    const auto& next = l.resting.front();
    if (first.full() ? end < next : next.first > seen_now)
      return;
    wake(l, l.resting.take_soonest({seen_now}));
  }
}

void outbox_state::impl::reindex_forming(lane& l, bool may) {
  std::optional<std::int64_t> at;
  if (may && l.batches() && l.in_flight < l.guard.allowance() && l.forms_us() != INT64_MAX && l.goes_us() > seen_now) // what is formed already goes first
    at = std::max(l.forms_us(), l.guard.gate_us());
  const bool now = at && *at <= seen_now;
  if (at == l.indexed_forms && now == l.forming)
    return;
  if (l.forming)
    forming.erase(l.ordinal);
  else if (l.indexed_forms)
    form_later.erase({*l.indexed_forms, l.ordinal});
  l.indexed_forms = at;
  l.forming = now;
  if (now)
    forming.insert(l.ordinal);
  else if (at)
    form_later.emplace(*at, l.ordinal);
}

void outbox_state::impl::withdraw(lane& l, delivery& d) {
  const auto seq = d.message->seq;
  unwait(l, d);
  l.recovered -= d.recovered();
  leave_line(l, d);
  l.deliveries.erase(seq);
  --deliveries;
}

/// It goes without it from now on; with its last one it is over.
void outbox_state::impl::drop_member(lane& l, delivery& batch, events::seq message) {
  if (batch.members.size() == 1)
    return change_delivery(l, batch, [](delivery& d) {
      d.scheduled = false;
      d.manual = 0;
    });
  l.recovered -= batch.recovered();
  std::erase_if(batch.members, [message](const batch_member& m) { return m.message->seq == message; });
  l.recovered += batch.recovered();
  l.in_batch.erase(message);
  --l.batched;
  --deliveries;
  reindex(l);
}

batch_member* lane::member(events::seq message) {
  const auto at = in_batch.find(message);
  const auto batch = at == in_batch.end() ? deliveries.end() : deliveries.find(at->second);
  if (batch == deliveries.end())
    return nullptr;
  auto& members = batch->second.members;
  const auto found = std::find_if(members.begin(), members.end(), [message](const batch_member& m) { return m.message->seq == message; });
  return found == members.end() ? nullptr : &*found;
}

events::seq lane::batch_to_send_now(events::seq message) const {
  const auto at = in_batch.find(message);
  if (at == in_batch.end() || deliveries.contains(message))
    return 0;
  const auto& batch = deliveries.at(at->second);
  return batch.line.empty() || batch.token != 0 ? 0 : at->second;
}

bool has_batches(outbox_state& state, events::virtual_time now) {
  auto& s = state.self();
  s.look(now.us);
  for (auto ordinal : std::set<events::seq>{s.forming}) {
    auto& l = s.lanes.at(ordinal);
    s.wake_what_goes_together(l);
    s.reindex(l);
  }
  return !s.forming.empty();
}

} // namespace hourglass::webhook
