#include "tests/unit/webhook/guarded_life.hpp"

#include <gtest/gtest.h>

// The table in lane_guard.hpp.

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;
using namespace std::chrono_literals;
using events::virtual_time;
using stance = lane_guard::stance;

life with_breaker(std::uint32_t failures = 3) {
  life l;
  l.rules.breaker = breaker(failures, 30s, 100s);
  return l;
}
life held() {
  auto l = with_breaker(1);
  l.fail();
  return l;
}
life recovering() {
  auto l = held();
  l.half_open();
  l.succeed();
  return l;
}
life probing(std::optional<duration> every = 600s) {
  life l;
  l.rules.disable = {3, 0s, every};
  l.g.disabled({7, l.now}, every ? std::optional{l.now + *every} : std::nullopt);
  return l;
}

// -- without rules ----------------------------------------------------------------------------

TEST(lane_guard, without_rules_keeps_nothing_back_whatever_happens) {
  life l;
  for (int i = 0; i < 1'000; ++i) {
    auto v = l.fail(i % 2 == 0 ? 503 : 429, 24h);
    ASSERT_FALSE(v.hold || v.disable);
    l.after(1h);
  }
  EXPECT_EQ(l.at(), stance::free);
  EXPECT_EQ(l.g.allowance(), lane_guard::unbounded);
  EXPECT_EQ(l.g.in_a_row, 1'000U);
}

// -- free -------------------------------------------------------------------------------------

TEST(lane_guard, free_is_held_after_so_many_failures_in_a_row_and_a_success_starts_the_row_anew) {
  auto l = with_breaker();
  EXPECT_FALSE(l.fail().hold);
  EXPECT_FALSE(l.fail().hold);
  l.succeed();
  EXPECT_FALSE(l.fail().hold);
  EXPECT_FALSE(l.fail().hold);
  EXPECT_EQ(l.at(), stance::free);
  EXPECT_EQ(l.fail().hold, l.now + 30s);
  EXPECT_EQ(l.at(), stance::held);
  EXPECT_EQ(l.g.gate_us(), (l.now + 30s).us);
}

TEST(lane_guard, is_slowed_down_as_long_as_it_is_asked_to_but_never_longer_than_the_cap) {
  life l;
  l.rules.slow_down = 1800s;
  EXPECT_EQ(l.fail(429, 60s).hold, l.now + 60s);
  EXPECT_EQ(l.fail(503, 24h).hold, l.now + 1800s) << "a longer one extends it";
  EXPECT_FALSE(l.fail(503, 60s).hold) << "a shorter one does not shorten it";
  EXPECT_EQ(l.g.held_until, l.now + 1800s);
}

TEST(lane_guard, without_retry_after_is_slowed_down_longer_the_more_often_it_failed) {
  life l;
  l.rules.slow_down = 1800s;
  for (auto wait : {1s, 2s, 4s, 8s, 16s, 32s, 64s, 64s}) {
    EXPECT_EQ(l.fail(503).hold, l.now + wait);
    l.half_open();
  }
}

TEST(lane_guard, other_failures_slow_nothing_down) {
  life l;
  l.rules.slow_down = 1800s;
  for (unsigned status : {0U, 400U, 500U, 502U, 504U})
    EXPECT_FALSE(l.fail(status, 60s).hold) << status;
}

// -- held -------------------------------------------------------------------------------------

TEST(lane_guard, what_was_under_way_when_the_hold_began_makes_it_neither_longer_nor_void) {
  auto l = held();
  const auto before = l.g.held_until;
  EXPECT_FALSE(l.fail().hold);
  EXPECT_EQ(l.g.held_until, before);
  EXPECT_EQ(l.g.holds, 1U);
  l.g.succeeded(l.wall_us - 1, l.now, cap);
  EXPECT_EQ(l.at(), stance::held) << "it began before the last failure was answered";
  EXPECT_EQ(l.g.in_a_row, 0U);
}

TEST(lane_guard, a_success_that_began_since_lifts_the_hold_and_lets_more_out_each_time) {
  auto l = held();
  l.succeed();
  EXPECT_EQ(l.at(), stance::recovering);
  EXPECT_EQ(l.g.allowance(), 2U);
  EXPECT_EQ(l.g.gate_us(), INT64_MIN);
}

TEST(lane_guard, a_change_by_a_person_lifts_the_hold_and_lets_one_out_first) {
  auto l = held();
  l.g.changed(l.now, false);
  EXPECT_EQ(l.at(), stance::recovering);
  EXPECT_EQ(l.g.allowance(), 1U);
  EXPECT_EQ(l.g.in_a_row, 0U);
  EXPECT_EQ(l.g.failing_since, std::nullopt);
}

// -- half open --------------------------------------------------------------------------------

TEST(lane_guard, half_open_lets_one_out_and_is_held_twice_as_long_when_that_fails_up_to_the_cap) {
  auto l = held();
  for (auto wait : {60s, 100s, 100s}) {
    l.half_open();
    EXPECT_EQ(l.at(), stance::half_open);
    EXPECT_EQ(l.g.allowance(), 1U);
    EXPECT_EQ(l.fail().hold, l.now + wait);
  }
}

TEST(lane_guard, half_open_is_held_again_by_one_failure_though_the_row_was_broken) {
  auto l = with_breaker(3);
  for (int i = 0; i < 3; ++i)
    l.fail();
  l.g.succeeded(0, l.now, cap); // under way before
  l.half_open();
  EXPECT_TRUE(l.fail().hold);
}

TEST(lane_guard, half_open_without_a_breaker_stays_so_until_one_succeeds) {
  life l;
  l.rules.slow_down = 1800s;
  l.fail(429, 60s);
  l.half_open();
  EXPECT_FALSE(l.fail(500).hold);
  EXPECT_EQ(l.at(), stance::half_open);
  l.succeed();
  EXPECT_EQ(l.g.allowance(), 2U);
}

TEST(lane_guard, half_open_is_left_by_any_success_whenever_it_began) {
  auto l = held();
  l.half_open();
  l.g.succeeded(0, l.now, cap); // the node's clock was set back
  EXPECT_EQ(l.at(), stance::recovering);
}

TEST(lane_guard, holds_are_spread_so_that_destinations_do_not_come_back_together) {
  auto early = with_breaker(1), late = with_breaker(1);
  EXPECT_EQ(early.fail(500, {}, -0.2).hold, early.now + 24s);
  EXPECT_EQ(late.fail(500, {}, 0.2).hold, late.now + 36s);
}

TEST(lane_guard, that_is_slowed_down_opens_after_as_many_failures_as_without_and_waits_as_it_was_asked_to) {
  auto l = with_breaker(5);
  l.rules.slow_down = 1800s;
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(l.fail(429, 1s).hold, l.now + 1s) << i;
    l.half_open();
  }
  auto fifth = l.fail(429, 1s);
  EXPECT_EQ(fifth.hold, l.now + 30s) << "not twice as long: it is the first time";
  EXPECT_TRUE(fifth.opened);
  l.half_open();
  EXPECT_EQ(l.fail(500).hold, l.now + 60s);
}

TEST(lane_guard, what_began_before_the_hold_is_no_trial_of_it_though_it_is_answered_after) {
  auto l = held();
  l.half_open();
  const auto before = l.g.held_until;
  auto v = l.g.judge(l.rules, {500, {}, l.now, 0, l.g.failed_us - 1});
  EXPECT_FALSE(v.hold || v.opened);
  EXPECT_TRUE(l.g.judge(l.rules, {500, {}, l.now, 0, l.g.failed_us}).opened);
  EXPECT_EQ(l.g.held_until, before);
}

// -- recovering -------------------------------------------------------------------------------

TEST(lane_guard, recovering_lets_one_more_out_with_each_success_until_its_cap) {
  auto l = recovering();
  EXPECT_EQ(l.g.allowance(), 2U);
  l.succeed();
  EXPECT_EQ(l.g.allowance(), 3U);
  l.succeed();
  EXPECT_EQ(l.at(), stance::free);
  EXPECT_EQ(l.g, [&] { lane_guard fresh; fresh.failed_us = l.g.failed_us; return fresh; }()) << "nothing is left of it";
}

TEST(lane_guard, recovering_lets_one_less_out_after_a_failure_and_at_least_one) {
  auto l = recovering();
  l.rules.breaker->failures = 10;
  l.succeed();
  EXPECT_EQ(l.g.allowance(), 3U);
  for (auto left : {2U, 1U, 1U}) {
    l.fail();
    EXPECT_EQ(l.g.allowance(), left);
  }
  EXPECT_EQ(l.at(), stance::recovering);
}

TEST(lane_guard, recovering_ends_though_one_in_ten_fails) {
  auto l = recovering();
  l.rules.breaker->failures = 10;
  int steps = 0;
  for (; l.at() != stance::free && steps < 200; ++steps) {
    if (steps % 10 == 0)
      l.fail();
    else
      l.g.succeeded(l.wall_us += 10, l.now, 64);
  }
  EXPECT_LT(steps, 100);
}

TEST(lane_guard, recovering_is_held_again_by_as_many_failures_as_at_first) {
  auto l = recovering();
  EXPECT_EQ(l.fail().hold, l.now + 30s) << "not twice as long: it has worked in between";
}

// -- disabled by rule ---------------------------------------------------------------------------

TEST(lane_guard, disables_what_failed_long_and_often_enough_and_nothing_else) {
  life l;
  l.rules.disable = {3, 3600s, 600s};
  EXPECT_FALSE(l.fail().disable);
  l.after(2h);
  EXPECT_FALSE(l.fail().disable) << "long, not often";
  EXPECT_TRUE(l.fail().disable);
  life often;
  often.rules.disable = {3, 3600s, 600s};
  for (int i = 0; i < 100; ++i)
    EXPECT_FALSE(often.fail().disable) << "often, not long";
  life at_once;
  at_once.rules.disable = {1, 0s, std::nullopt};
  EXPECT_TRUE(at_once.fail().disable);
}

TEST(lane_guard, probing_waits_for_its_probe_and_then_for_the_next) {
  auto l = probing();
  EXPECT_EQ(l.at(), stance::held);
  EXPECT_FALSE(l.fail().disable) << "it is disabled";
  EXPECT_EQ(l.g.held_until, l.now + 600s) << "what was under way does not move it";
  l.half_open();
  EXPECT_EQ(l.g.allowance(), 1U);
  EXPECT_EQ(l.fail().hold, l.now + 600s);
  l.half_open();
  l.succeed();
  l.g.recovered();
  EXPECT_EQ(l.at(), stance::recovering);
  EXPECT_FALSE(l.g.probing);
}

TEST(lane_guard, probing_with_a_breaker_probes_no_faster_and_no_slower) {
  auto l = probing();
  l.rules.breaker = breaker(1, 30s, 1800s);
  for (int i = 0; i < 5; ++i) {
    l.half_open();
    EXPECT_EQ(l.fail().hold, l.now + 600s);
  }
}

TEST(lane_guard, probing_waits_longer_when_it_is_asked_to) {
  auto l = probing();
  l.half_open();
  EXPECT_EQ(l.fail(503, 1200s).hold, l.now + 1200s);
  l.half_open();
  EXPECT_EQ(l.fail(503, 24h).hold, l.now + 1800s) << "but not for a day";
}

TEST(lane_guard, disabled_without_a_probe_ends_probing) {
  auto l = probing();
  l.g.disabled({9, l.now}, std::nullopt);
  EXPECT_FALSE(l.g.probing);
  EXPECT_FALSE(probing(std::nullopt).g.probing);
}

TEST(lane_guard, a_change_while_probing_probes_at_once_if_probes_are_still_wanted) {
  auto l = probing();
  l.g.changed(l.now, true);
  EXPECT_TRUE(l.g.probing);
  EXPECT_EQ(l.g.gate_us(), l.now.us);
  EXPECT_EQ(l.g.allowance(), 1U);
  EXPECT_EQ(l.fail().hold, l.now + 600s) << "and then by the rule again";
  l.g.changed(l.now, false);
  EXPECT_FALSE(l.g.probing);
}

// -- retry budget, clock, rate ------------------------------------------------------------------

TEST(lane_guard, a_retry_budget_is_a_row_that_empties_with_time) {
  life l;
  EXPECT_EQ(l.g.queue_of_retries(l.now), 0s);
  for (auto wait : {0s, 10s, 20s}) {
    EXPECT_EQ(l.g.queue_of_retries(l.now), wait);
    l.g.book_retry(l.now, 6);
  }
  l.after(25s);
  EXPECT_EQ(l.g.queue_of_retries(l.now), 5s);
  l.after(1h);
  l.g.book_retry(l.now, 6);
  EXPECT_EQ(l.g.queue_of_retries(l.now), 10s) << "places of the past are not saved up";
}

TEST(lane_guard, goes_back_with_the_clock) {
  auto l = held();
  l.g.book_retry(l.now, 1);
  auto before = l.g;
  l.g.moved(-1'000'000);
  EXPECT_EQ(l.g.held_until, *before.held_until + -1s);
  EXPECT_EQ(l.g.failing_since, *before.failing_since + -1s);
  EXPECT_EQ(l.g.retries_from, *before.retries_from + -1s);
  EXPECT_EQ(l.g.failed_us, before.failed_us) << "the node's clock";
}

// -- a row that expires -----------------------------------------------------------------------------

life that_forgets(duration after, duration expires, std::uint32_t failures = 2) {
  life l;
  l.rules.disable = protection_rules::disable_rule{failures, after, std::nullopt, expires};
  return l;
}

TEST(a_row_of_failures, that_expired_disables_nothing_though_nothing_succeeded_either) {
  auto l = that_forgets(100s, 60s);
  l.fail();
  l.after(101s);
  EXPECT_FALSE(l.fail().disable) << "far apart: the first of another row";
  EXPECT_EQ(l.g.in_a_row, 1U);
  EXPECT_EQ(*l.g.failing_since, l.now);
  for (int i = 0; i < 2; ++i) {
    l.after(59s);
    EXPECT_EQ(l.fail().disable, i == 1) << "close to each other";
  }
}

TEST(a_row_of_failures, without_an_expiry_lasts_until_something_succeeds) {
  auto l = that_forgets(100s, 60s);
  l.rules.disable->expires.reset();
  l.fail();
  l.after(1000h);
  EXPECT_TRUE(l.fail().disable);
}

TEST(a_row_of_failures, does_not_expire_by_what_a_hold_kept_back) {
  auto l = that_forgets(1h, 60s, 100);
  l.rules.slow_down = 500s;
  l.fail(429, 300s);
  l.after(330s);
  l.fail(429, 300s);
  EXPECT_EQ(l.g.in_a_row, 2U) << "30 s after the end of the hold";
  l.after(361s);
  l.fail(429);
  EXPECT_EQ(l.g.in_a_row, 1U);
  EXPECT_EQ(*l.g.held_until, l.now + 1s) << "slowed down as at the first";
}

TEST(a_row_of_failures, expires_on_a_clock_that_was_set_back_too) {
  auto l = that_forgets(1h, 60s, 100);
  l.fail();
  l.g.moved(-std::chrono::microseconds{500s}.count());
  l.now = {l.now.us - std::chrono::microseconds{500s}.count()};
  l.after(59s);
  l.fail();
  EXPECT_EQ(l.g.in_a_row, 2U);
  l.after(61s);
  l.fail();
  EXPECT_EQ(l.g.in_a_row, 1U);
}

} // namespace
