#include "webhook/delivery_control.hpp"
#include "webhook/operational.hpp"
#include "webhook/outbox_decider.hpp"

#include "events/limits.hpp"
#include "http/message.hpp"

#include <algorithm>

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
  f.elsewhere = c.result.transformed && !c.result.transformed->url.empty() && c.result.transformed->url != f.url;
  f.token = c.token;
  f.was_dead = d != nullptr ? d->was_dead : flown.was_dead;
  f.was_delivered = d != nullptr ? d->was_delivered : flown.was_delivered;
  f.detached = d == nullptr;
  if (flown.batch)
    f.batch = {f.message.id, f.message.seq};
  if (l == s.lanes.end()) {
    judge(f, c.result.cancelled() ? classification{delivered{}} : classify(c.result.answer.status, c.result.answer.error, std::nullopt), nullptr, nullptr);
    decision out;
    add_attempt(out, std::move(f), nullptr);
    return out;
  }
  return judged(std::move(f), l->second, d);
}

/// What the attempt means for its message and for the destination, and who is told.
result decider::judged(attempt_finished f, const lane& l, const delivery* d) const {
  const auto& answer = f.result.answer;
  const auto wait = retry_after(f.result);
  const auto& rules = l.config.retries.rules_for(f.message.event_type);
  auto meaning = classify(answer.status, answer.error, wait, rules.success, l.config.retries.gone_disables());
  if (f.result.cancelled()) // done with, as if it had arrived; but nobody has proved anything
    meaning = delivered{};
  const auto asked = l.config.obeys && answer.error == http::transport_error::none && f.was_of(l.config.url) ? control_in(answer.headers) : delivery_control::none;
  judge(f, meaning, &l, d);
  if (asked == delivery_control::abort && f.follows == outcome_kind::retry) {
    f.follows = outcome_kind::dead;
    f.next.reset();
  }
  f.line_held = d != nullptr && f.follows == outcome_kind::dead && holds_line(l, *d);
  if (!l.config.operational && operators_want(s, "endpoint.backlog"))
    f.backlog_told = backlog_step(l);
  auto out = asked == delivery_control::disable ? disabled_by_answer(std::move(f), l, d) : leads_to(std::move(f), meaning, wait, l, d);
  tell_operators(*this, l.config, &l, out);
  return out;
}

/// As after a 410; but what has arrived has arrived.
decision decider::disabled_by_answer(attempt_finished f, const lane& l, const delivery* d) const {
  decision out;
  f.gone_kept = false;
  add_attempt(out, std::move(f), d);
  if (l.takes())
    add(out, destination_disabled{l.config.id, "webhook-delivery: disable"});
  return out;
}

/// Its dead letter would hold what stands behind it.
bool decider::holds_line(const lane& l, const delivery& d) const noexcept { return l.config.ordering.holds() && !d.line.empty(); }

decision decider::leads_to(attempt_finished f, const classification& meaning, std::optional<duration> wait, const lane& l, const delivery* d) const {
  const auto status = f.result.answer.status;
  const bool current = f.was_of(l.config.url); // else it says nothing about the one that is there now
  const auto by_rule = [&](unsigned said, std::optional<duration> later, bool timed_out) {
    return l.guard.judge(l.config.protection.rules(), {said, later, ctx.now, spread_of(ctx.chance), f.result.started_us, timed_out});
  };
  decision out;
  if (std::holds_alternative<delivered>(meaning)) {
    const bool lifts = current && !f.result.cancelled() && l.guard.lifts(f.result.started_us, ctx.now);
    // A script has taken the last that it could be probed with, or sent it elsewhere: until another comes nothing would enable it, and what was missed would wait as long.
    const bool nothing_to_probe_with = d != nullptr && (f.result.cancelled() || f.elsewhere) && !lifts && l.guard.probing && l.units() == 1;
    if (lifts && l.guard.held_until)
      f.hold = ctx.now;
    else if (f.elsewhere && l.guard.probing && f.why != trigger::manual) // it proves nothing, but the next probe waits as after any other
      f.hold = by_rule(0, std::nullopt, false).hold;
    add_attempt(out, std::move(f), d);
    if ((lifts && l.guard.probing) || nothing_to_probe_with)
      add(out, destination_recovered{l.config.id}), add(out, missing_of(l));
    return out;
  }
  if (current && std::holds_alternative<gone>(meaning)) {
    add_attempt(out, std::move(f), d);
    if (l.takes())
      add(out, destination_disabled{l.config.id, "410 Gone"});
    return out;
  }
  f.gone_kept = status == 410;
  // What a person tried has failed: he knows, and the rules are about the schedule's.
  const auto rules = f.why == trigger::manual || !current ? lane_guard::verdict{} : by_rule(status, wait, f.result.answer.error == http::transport_error::timeout);
  f.hold = rules.hold;
  if (f.probe && f.elsewhere)
    f.hold = by_rule(0, std::nullopt, false).hold;
  f.opened = rules.opened;
  if (operators_want(s, "endpoint.failing") && !l.config.operational && !l.config.disabled && !rules.disable && f.why != trigger::manual && current)
    f.failing_told = l.guard.to_tell(l.config.protection.rules(), ctx.now);
  // The last that waits is kept to probe with.
  if (rules.disable && !l.config.disabled && f.follows == outcome_kind::dead && l.units() == 1 && l.config.protection.rules().probes()) {
    f.follows = outcome_kind::retry;
    f.next = ctx.now;
    f.line_held = false;
  }
  const bool too_many = f.line_held && l.held.size() + 1 >= lines_held_most && !l.config.disabled && !rules.disable;
  // The receiver wants the last no more that it could be probed with: it has answered, and what was missed is tried rather than left until the next message comes.
  const bool nothing_to_probe_with = d != nullptr && f.follows == outcome_kind::dead && l.guard.probing && l.units() == 1;
  add_attempt(out, std::move(f), d);
  if (nothing_to_probe_with)
    add(out, destination_recovered{l.config.id}), add(out, missing_of(l));
  if (too_many)
    add(out, too_many_held(l));
  if (rules.disable && !l.config.disabled)
    add(out, disabled_by_rule(l));
  return out;
}

destination_disabled decider::too_many_held(const lane& l) const {
  return {l.config.id, std::to_string(lines_held_most) + " lines are held by dead letters"};
}

destination_disabled decider::disabled_by_rule(const lane& l) const {
  const auto row = l.guard.with_one_more(l.config.protection.rules(), ctx.now);
  destination_disabled off{l.config.id, "failed " + std::to_string(row.failures) + " times in a row since " + events::to_rfc3339(row.since)};
  if (const auto& probe = l.config.protection.rules().disable->probe)
    off.probe = ctx.now + *probe;
  return off;
}

/// What came while it was disabled was stored and not queued: now it is sent.
recovery_started decider::missing_of(const lane& l) const {
  recovery_started missing;
  missing.id = new_id("rcv_");
  missing.destination = l.config.id;
  missing.since = l.guard.probing->at;
  missing.until = ctx.now;
  missing.scope = recovery_scope::missing;
  missing.after = l.guard.probing->since;
  return missing;
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
  f.probe = l->guard.probing.has_value();
  if (f.probe) { // without end: were the last of what waits used up, nothing would be left to probe with
    f.follows = outcome_kind::retry;
    f.next = std::max(d->due, ctx.now);
    return;
  }
  auto delay = next_delay(l->config, f.message.event_type, d->step + 1, again != nullptr ? again->at_least : std::nullopt, spread_of(ctx.chance));
  if (delay && l->config.retries.retries_per_minute())
    *delay += l->guard.queue_of_retries(ctx.now);
  const auto& oldest = l->config.retries.rules_for(f.message.event_type).maximum_age;
  const bool too_old = delay && oldest && d->since + *oldest < ctx.now + *delay;
  auto made = f.number;
  for (const auto& m : d->members)
    made = std::max(made, m.attempts + 1);
  // A redelivery starts its schedule anew, but no message is tried without end.
  if (!delay || too_old || made >= limits::attempts_per_message) {
    f.follows = outcome_kind::dead;
    return;
  }
  f.follows = outcome_kind::retry;
  f.next = ctx.now + *delay;
}

/// Of one destination at a time. What is too old was found by `has_expired`; its clock may have been set back since.
result decider::operator()(const expire_deliveries&) const {
  constexpr std::size_t most_at_once = 256;
  decision out;
  for (auto ordinal : s.over) {
    const auto& l = s.lanes.at(ordinal);
    auto left = l.units();
    auto held = l.held.size();
    auto expire = [&](events::seq seq, std::int64_t since, std::string_view reason) {
      const auto& d = l.deliveries.at(seq);
      auto id = [&] { return events::make_id("exp_", ctx.wall.us / 1000, ctx.chance, static_cast<std::uint32_t>(out.facts.size())); };
      if (d.members.empty())
        add(out, delivery_expired{id(), *d.message, l.config.id, d.attempts, std::string{reason}, {since}, d.was_dead, d.was_delivered, holds_line(l, d)});
      auto behind = static_cast<std::uint32_t>(d.members.size());
      for (const auto& m : d.members)
        add(out, delivery_expired{id(), *m.message, l.config.id, m.attempts, std::string{reason}, {since}, m.was_dead, m.was_delivered, false, false, {d.message->id, seq, --behind}});
      held += holds_line(l, d) && !l.held.contains(d.line) ? 1 : 0;
      --left;
    };
    auto too_many_now = [&] { return held > l.held.size() && held >= lines_held_most && !l.config.disabled; };
    auto some_more = [&] { return out.facts.size() < most_at_once && !(l.guard.probing && left == 1) && !too_many_now(); };
    for (auto at = l.aging.begin(); at != l.aging.end() && at->first <= ctx.now.us && some_more(); ++at)
      expire(at->second, l.deliveries.at(at->second).since.us, "maximum age");
    for (auto at = l.kept_back.begin(); l.keeps_back() && at != l.kept_back.end() && some_more(); ++at) {
      const auto since = l.kept_back_since(at->first);
      if (since + kept_back_most.count() > ctx.now.us)
        break;
      expire(at->second, since, "kept back");
    }
    if (too_many_now())
      add(out, too_many_held(l));
    if (out.facts.empty())
      continue;
    tell_operators(*this, l.config, &l, out);
    break;
  }
  return out;
}

result decide(const outbox_state& state, const command& c, const events::context& ctx, std::size_t pending_most) {
  return std::visit(decider{state.self(), ctx, pending_most}, c);
}

} // namespace hourglass::webhook
