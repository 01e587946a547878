#include "webhook/lane_guard.hpp"

#include <algorithm>
#include <cmath>

namespace hourglass::webhook {

namespace {

using namespace std::chrono_literals;

constexpr unsigned doublings_most = 20;
constexpr unsigned slow_doublings_most = 6;

bool failed_enough(const lane& l, std::uint64_t in_a_row) {
  const auto& rules = l.config.guard.rules();
  return rules.breaks && in_a_row >= rules.breaker_failures;
}

/// Destinations that failed together do not come back together.
duration spread_out(duration d, const events::context& ctx) {
  return d + duration{std::llround(static_cast<double>(d.count()) * spread_of(ctx.chance))};
}

duration breaker_hold(const lane& l, const events::context& ctx) {
  const auto& rules = l.config.guard.rules();
  auto wait = rules.probe_after;
  for (unsigned i = 0; i < std::min(l.opened, doublings_most) && wait < rules.probe_cap; ++i)
    wait *= 2;
  return spread_out(std::min(wait, rules.probe_cap), ctx);
}

} // namespace

std::optional<events::virtual_time> hold_after(const lane& l, const attempt_finished& f, std::optional<duration> retry_after, const events::context& ctx) {
  const auto& rules = l.config.guard.rules();
  const bool held = l.held_until && ctx.now < *l.held_until;
  const auto status = f.result.answer.status;
  duration wait{0};
  if (l.config.retries.slows_down() && (status == 429 || status == 503)) {
    const auto in_a_row = std::min<std::uint64_t>(l.failed_in_a_row, slow_doublings_most);
    wait = retry_after.value_or(duration{1s} * (1 << in_a_row));
  }
  if (l.probing && rules.probe)
    wait = std::max(wait, spread_out(*rules.probe, ctx));
  else if (!held && failed_enough(l, l.failed_in_a_row + 1))
    wait = std::max(wait, breaker_hold(l, ctx));
  auto until = ctx.now + wait;
  return wait > duration{0} && (!held || *l.held_until < until) ? std::optional{until} : std::nullopt;
}

std::string disable_reason(const lane& l, const events::context& ctx) {
  const auto& rules = l.config.guard.rules();
  if (!rules.disables || l.config.disabled || !l.failing_since || l.failed_in_a_row + 1 < rules.disable_failures ||
      ctx.now < *l.failing_since + rules.disable_after)
    return {};
  return "failed " + std::to_string(l.failed_in_a_row + 1) + " times in a row since " + events::to_rfc3339(*l.failing_since);
}

void note_health(lane& l, const attempt_finished& f, events::virtual_time at) {
  if (f.backlog_told != 0)
    l.backlog_told = f.backlog_told;
  else if (l.backlog_told != 0 && l.deliveries.size() < l.backlog_told / 2)
    l.backlog_told = 0; // told anew when it grows again
  if (f.follows == outcome_kind::delivered) {
    l.failing_since.reset();
    l.opened = 0;
    if (f.why == trigger::manual && l.held_until && at < *l.held_until)
      l.held_until.reset(); // a person has tried, and it works
    if (l.allowance != lane::unbounded && ++l.allowance >= l.cap())
      l.allowance = lane::unbounded;
    return;
  }
  if (!l.failing_since)
    l.failing_since = at;
  if (!f.hold) {
    if (l.allowance != lane::unbounded)
      l.allowance = std::max<std::uint32_t>(1, l.allowance / 2);
    return;
  }
  if (failed_enough(l, l.failed_in_a_row) && (!l.held_until || *l.held_until <= at))
    ++l.opened;
  l.held_until = l.held_until ? std::max(*l.held_until, *f.hold) : *f.hold;
  l.allowance = 1;
}

} // namespace hourglass::webhook
