#pragma once

#include "webhook/lane_guard.hpp"

namespace hourglass::webhook::tests {

inline constexpr std::uint32_t cap = 4;

inline protection_rules::breaker_rule breaker(std::uint32_t failures, duration after, duration most) { return {failures, after, most}; }

/// A guard with its rules and its clocks; what is judged is folded at once.
struct life {
  protection_rules rules;
  lane_guard g;
  events::virtual_time now{1'000'000'000};
  std::int64_t wall_us = 5'000;

  lane_guard::verdict fail(unsigned status = 500, std::optional<duration> retry_after = std::nullopt, double spread = 0) {
    auto out = g.judge(rules, {status, retry_after, now, spread, wall_us});
    g.failed(rules, wall_us += 10, now, out.hold, out.opened);
    return out;
  }
  void succeed() { g.succeeded(wall_us += 10, now, cap); }
  void after(duration d) { now = now + d; }
  void half_open() { now = g.held_until.value_or(now); }
  lane_guard::stance at() const { return g.at(now); }
};

} // namespace hourglass::webhook::tests
