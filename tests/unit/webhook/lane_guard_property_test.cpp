#include "tests/unit/webhook/guarded_life.hpp"

#include <random>
#include <set>

#include <gtest/gtest.h>

// What holds of a guard whatever happens.

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;
using namespace std::chrono_literals;
using events::virtual_time;
using stance = lane_guard::stance;

/// The table in lane_guard.hpp, as a reader has it: told what happens, and never asked what the guard has in memory.
class table {
public:
  void succeeds(bool began_before_the_last_failure, virtual_time now) {
    pass(now);
    if (at_ == stance::held && began_before_the_last_failure)
      return;
    if (at_ == stance::held || at_ == stance::half_open)
      at_ = stance::recovering, n_ = 2;
    else if (at_ == stance::recovering && ++n_ >= cap)
      at_ = stance::free;
  }
  void fails(const std::optional<virtual_time>& until, virtual_time now) {
    pass(now);
    if (until) {
      until_ = at_ == stance::held ? std::max(until_, *until) : *until;
      at_ = stance::held;
    } else if (at_ == stance::recovering) {
      n_ = std::max(2U, n_) - 1;
    }
  }
  void changes(bool still_probing, virtual_time now) {
    pass(now);
    if (still_probing)
      at_ = stance::held, until_ = now;
    else if (at_ == stance::held || at_ == stance::half_open)
      at_ = stance::recovering, n_ = 1;
  }
  void is_disabled(virtual_time probe) { at_ = stance::held, until_ = probe; }
  void clock_goes_back(duration by) { until_ = until_ + -by; }

  stance at(virtual_time now) {
    pass(now);
    return at_;
  }
  std::uint32_t allowance() const { return at_ == stance::free ? lane_guard::unbounded : at_ == stance::recovering ? n_ : 1; }

private:
  void pass(virtual_time now) {
    if (at_ == stance::held && until_ <= now)
      at_ = stance::half_open;
    else if (at_ == stance::half_open && now < until_)
      at_ = stance::held; // the clock was set back
  }

  stance at_ = stance::free;
  std::uint32_t n_ = 0;
  virtual_time until_;
};

class any_guard : public testing::TestWithParam<std::uint64_t> {};

TEST_P(any_guard, is_never_held_longer_than_its_rules_allow_and_always_comes_back) {
  std::mt19937_64 random{GetParam()};
  auto draw = [&random](std::uint64_t below) { return random() % below; };
  life l;
  table expected;
  std::set<stance> seen;
  if (draw(2) == 0)
    l.rules.breaker = breaker(1 + static_cast<std::uint32_t>(draw(4)), 10s, 300s);
  if (draw(2) == 0)
    l.rules.slow_down = 200s;
  if (draw(2) == 0)
    l.rules.disable = {2, 60s, 400s};
  std::int64_t last_failure = 0;
  for (int i = 0; i < 500; ++i) {
    l.after(std::chrono::seconds{draw(200)});
    l.wall_us += 1'000;
    switch (draw(6)) {
      case 0: {
        const auto began = l.wall_us - static_cast<std::int64_t>(draw(3'000));
        const bool back = l.g.probing && l.g.lifts(began, l.now);
        expected.succeeds(began < last_failure, l.now);
        l.g.succeeded(began, l.now, cap);
        if (back)
          l.g.recovered();
        break;
      }
      case 1: {
        const bool still = draw(2) == 0 && l.g.probing;
        l.g.changed(l.now, still);
        expected.changes(still, l.now);
        break;
      }
      case 2: {
        const auto by = std::chrono::seconds{draw(1'000)};
        l.g.moved(-duration{by}.count());
        expected.clock_goes_back(by);
        break;
      }
      default: {
        auto v = l.fail(draw(2) == 0 ? 500 : 429, draw(2) == 0 ? std::optional<duration>{24h} : std::nullopt, (static_cast<double>(draw(5)) - 2) / 10);
        last_failure = l.wall_us;
        expected.fails(v.hold, l.now);
        if (v.disable) {
          l.g.disabled({1, l.now}, l.now + 400s);
          expected.is_disabled(l.now + 400s);
        }
      }
    }
    ASSERT_LE(l.g.gate_us(), (l.now + (l.g.probing ? duration{default_slow_down} : duration{480s})).us) << "the longest rule and a fifth of it";
    ASSERT_GE(l.g.allowance(), 1U);
    ASSERT_TRUE(!l.g.probing || l.g.held_until) << "a probe has its moment";
    ASSERT_EQ(l.at(), expected.at(l.now)) << "step " << i;
    ASSERT_EQ(l.g.allowance(), expected.allowance()) << "step " << i;
    seen.insert(l.at());
  }
  EXPECT_GE(seen.size(), l.rules.breaker || l.rules.slow_down || l.rules.disable ? 3U : 1U) << "it went through its stances";
  for (std::uint32_t i = 0; i <= cap; ++i) {
    l.half_open();
    l.succeed();
    if (l.g.probing)
      l.g.recovered();
  }
  EXPECT_EQ(l.at(), stance::free);
}

INSTANTIATE_TEST_SUITE_P(seeds, any_guard, testing::Range<std::uint64_t>(1, 61));

} // namespace
