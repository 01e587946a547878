#include "webhook/lane_guard.hpp"

#include <cmath>

namespace hourglass::webhook {

namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t doublings_most = 20;
constexpr std::uint32_t slow_doublings_most = 6; // 1 s, 2 s, … 64 s

duration spread_out(duration d, double spread) { return d + duration{std::llround(static_cast<double>(d.count()) * spread)}; }

duration doubled(duration d, std::uint32_t times, duration cap) {
  for (std::uint32_t i = 0; i < std::min(times, doublings_most) && d < cap; ++i)
    d *= 2;
  return std::min(d, cap);
}

} // namespace

lane_guard::stance lane_guard::at(events::virtual_time now) const noexcept {
  if (held_until)
    return held(now) ? stance::held : stance::half_open;
  return release == unbounded ? stance::free : stance::recovering;
}

lane_guard::verdict lane_guard::judge(const protection_rules& rules, const failure& f) const noexcept {
  const auto row = in_a_row + 1;
  if (rules.disable && !probing && row >= rules.disable->failures && failing_since.value_or(f.now) + rules.disable->after <= f.now)
    return {std::nullopt, true};
  duration wait{0};
  bool opened = false;
  if ((rules.slow_down || probing) && rules.overloaded(f.status, f.timed_out))
    wait = std::min(f.retry_after.value_or(duration{1s} * (1 << std::min(in_a_row, slow_doublings_most))), rules.slow_down.value_or(default_slow_down));
  // Those that were under way when the hold began are no trial of it. While probing the node's clock is not asked: set back, it would let probes go without a pause.
  if (probing && !held(f.now) && rules.disable && rules.disable->probe)
    wait = std::max(wait, spread_out(*rules.disable->probe, f.spread));
  else if (opened = rules.breaker && !held(f.now) && (!held_until || f.began_us >= failed_us) && (row >= rules.breaker->failures || (held_until && holds > 0)); opened)
    wait = std::max(wait, spread_out(doubled(rules.breaker->probe_after, holds, rules.breaker->probe_cap), f.spread));
  const auto until = f.now + wait;
  if (wait == duration{0} || (held(f.now) && until <= *held_until))
    return {};
  return {until, false, opened};
}

void lane_guard::succeeded(std::int64_t began_us, events::virtual_time now, std::uint32_t cap) noexcept {
  const bool lift = lifts(began_us, now);
  in_a_row = 0;
  failing_since.reset();
  if (!lift)
    return;
  held_until.reset();
  holds = 0;
  if (release != unbounded && ++release >= cap)
    release = unbounded;
}

void lane_guard::failed(std::int64_t answered_us, events::virtual_time now, std::optional<events::virtual_time> hold, bool opened) noexcept {
  ++in_a_row;
  failing_since = failing_since.value_or(now);
  failed_us = std::max(failed_us, answered_us);
  if (!hold) {
    if (release != unbounded) // one less, not half: a few failures, as there always are, must not keep it from ever being over
      release = std::max<std::uint32_t>(2, release) - 1;
    return;
  }
  holds += opened ? 1 : 0;
  held_until = held(now) ? std::max(*held_until, *hold) : *hold;
  release = 1;
}

void lane_guard::book_retry(events::virtual_time now, std::uint32_t per_minute) noexcept {
  retries_from = std::max(now, retries_from.value_or(now)) + duration{1min} / per_minute;
}

void lane_guard::disabled(const probation& from, std::optional<events::virtual_time> probe) noexcept {
  if (!probe)
    return probing.reset();
  probing = from;
  held_until = probe;
  release = 1;
}

void lane_guard::recovered() noexcept {
  probing.reset();
  held_until.reset();
}

void lane_guard::changed(events::virtual_time now, bool still_probing) noexcept {
  in_a_row = 0;
  failing_since.reset();
  holds = 0;
  retries_from.reset();
  held_until = still_probing ? std::optional{now} : std::nullopt;
  if (!still_probing)
    probing.reset();
}

void lane_guard::moved(std::int64_t by_us) noexcept {
  for (auto* when : {&held_until, &failing_since, &retries_from})
    if (*when)
      *when = moved_by(**when, by_us);
  if (probing)
    probing->at = moved_by(probing->at, by_us);
}

} // namespace hourglass::webhook
