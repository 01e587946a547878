#include "webhook/lane_guard.hpp"

#include <array>
#include <cmath>

namespace hourglass::webhook {

namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t doublings_most = 20;
constexpr std::uint32_t slow_doublings_most = 6; // 1 s, 2 s, … 64 s
constexpr std::array<std::uint32_t, 3> steps_to_disabling{50, 70, 90}; // as Outpost

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

lane_guard::row_of_failures lane_guard::with_one_more(const protection_rules& rules, events::virtual_time now) const noexcept {
  const auto from = last_failed ? std::optional{std::max(*last_failed, held_until.value_or(*last_failed))} : std::nullopt;
  const bool over = from && !probing && rules.disable && rules.disable->expires && *from + *rules.disable->expires <= now;
  if (over || in_a_row == 0)
    return {1, now, true};
  return {in_a_row + 1, failing_since.value_or(now), false};
}

std::uint32_t lane_guard::to_tell(const protection_rules& rules, events::virtual_time now) const noexcept {
  if (!rules.disable || probing)
    return 0;
  const auto row = with_one_more(rules, now);
  const auto after = rules.disable->after.count();
  const auto passed = std::clamp<std::int64_t>(now.us - row.since.us, 0, after);
  const auto by_time = after == 0 ? 100 : passed * 100 / after;
  const auto by_count = std::int64_t{100} * std::min(row.failures, rules.disable->failures) / rules.disable->failures;
  std::uint32_t out = 0;
  for (auto step : steps_to_disabling)
    if (std::min(by_time, by_count) >= step && (row.fresh || step > told))
      out = step;
  return out;
}

lane_guard::verdict lane_guard::judge(const protection_rules& rules, const failure& f) const noexcept {
  const auto [row, since, fresh] = with_one_more(rules, f.now);
  if (rules.disable && !probing && row >= rules.disable->failures && since + rules.disable->after <= f.now)
    return {std::nullopt, true};
  duration wait{0};
  bool opened = false;
  if ((rules.slow_down || probing) && rules.overloaded(f.status, f.timed_out))
    wait = std::min(f.retry_after.value_or(duration{1s} * (1 << std::min(row - 1, slow_doublings_most))), rules.slow_down.value_or(default_slow_down));
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
  end_row();
  if (!lift)
    return;
  held_until.reset();
  holds = 0;
  if (release != unbounded && ++release >= cap)
    release = unbounded;
}

void lane_guard::end_row() noexcept {
  in_a_row = told = 0;
  failing_since.reset();
  last_failed.reset();
}

void lane_guard::failed(const protection_rules& rules, std::int64_t answered_us, events::virtual_time now, std::optional<events::virtual_time> hold, bool opened) noexcept {
  const auto row = with_one_more(rules, now);
  if (row.fresh)
    end_row();
  in_a_row = row.failures;
  failing_since = row.since;
  last_failed = now;
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
  end_row();
  holds = 0;
  retries_from.reset();
  held_until = still_probing ? std::optional{now} : std::nullopt;
  if (!still_probing)
    probing.reset();
}

void lane_guard::moved(std::int64_t by_us) noexcept {
  for (auto* when : {&held_until, &failing_since, &last_failed, &retries_from})
    if (*when)
      *when = moved_by(**when, by_us);
  if (probing)
    probing->at = moved_by(probing->at, by_us);
}

} // namespace hourglass::webhook
