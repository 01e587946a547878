#include "webhook/outbox_decider.hpp"

#include "events/limits.hpp"
#include "http/message.hpp"

namespace hourglass::webhook {

using events::errc, events::failure;
using result = events::outcome<decision>;

namespace {

std::optional<duration> retry_after(const attempt_result& r) {
  return parse_retry_after(http::find(r.answer.headers, "retry-after"), r.started_us / 1'000'000);
}

} // namespace

result decider::operator()(const finish_attempt& c) const {
  auto at = s.flights.find(c.token);
  if (at == s.flights.end())
    return decision{}; // a late answer
  const auto& flown = at->second;
  auto l = s.lanes.find(flown.lane);
  const delivery* d = nullptr;
  if (l != s.lanes.end())
    if (auto known = l->second.deliveries.find(flown.what.message->seq); known != l->second.deliveries.end() && known->second.token == c.token)
      d = &known->second;

  attempt_finished f;
  f.id = new_id("atmpt_");
  f.message = *flown.what.message;
  f.destination = flown.what.destination;
  f.number = flown.what.number;
  f.why = flown.what.why;
  f.url = flown.what.url;
  f.result = c.result;
  f.token = c.token;
  f.was_dead = d != nullptr ? d->was_dead : flown.was_dead;
  f.was_delivered = d != nullptr ? d->was_delivered : flown.was_delivered;
  f.detached = d == nullptr;
  auto meaning = classify(c.result.answer.status, c.result.answer.error, retry_after(c.result));
  judge(f, meaning, l == s.lanes.end() ? nullptr : &l->second, d);

  decision out;
  add(out, std::move(f));
  if (std::holds_alternative<gone>(meaning) && l != s.lanes.end() && !l->second.config.disabled)
    add(out, destination_disabled{l->second.config.id, "410 Gone"});
  return out;
}

void decider::judge(attempt_finished& f, const classification& meaning, const lane* l, const delivery* d) const {
  if (std::holds_alternative<delivered>(meaning)) {
    f.follows = outcome_kind::delivered;
    return;
  }
  if (d == nullptr || l == nullptr) {
    f.follows = outcome_kind::dropped;
    return;
  }
  if (f.why == trigger::manual) {
    f.follows = outcome_kind::failed;
    return;
  }
  const auto* again = std::get_if<try_again>(&meaning);
  auto delay = next_delay(d->step + 1, schedule_of(l->config), again != nullptr ? again->at_least : std::nullopt, spread_of(ctx.chance));
  // A redelivery starts its schedule anew, but no message is tried without end.
  if (!delay || f.number >= limits::attempts_per_message) {
    f.follows = outcome_kind::dead;
    return;
  }
  f.follows = outcome_kind::retry;
  f.next = ctx.now + *delay;
}

result decide(const outbox_state& state, const command& c, const events::context& ctx, std::size_t pending_most) {
  return std::visit(decider{state.self(), ctx, pending_most}, c);
}

} // namespace hourglass::webhook
