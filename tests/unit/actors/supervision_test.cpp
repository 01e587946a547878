#include "actors/supervision.hpp"

#include <gtest/gtest.h>

namespace {

using namespace hourglass;
using namespace std::chrono_literals;
using actors::restart_policy;

constexpr events::wall_time at(std::int64_t seconds) { return {seconds * 1'000'000}; }

TEST(restart_policy, the_first_crash_restarts_at_once) {
  restart_policy p;
  EXPECT_EQ(p.after_crash(at(0)), 0ms);
}

TEST(restart_policy, each_further_crash_waits_longer) {
  restart_policy p;
  auto before = *p.after_crash(at(0));
  for (std::size_t i = 1; i < restart_policy::most; ++i) {
    auto next = p.after_crash(at(1));
    ASSERT_TRUE(next);
    EXPECT_GT(*next, before);
    before = *next;
  }
}

TEST(restart_policy, too_many_crashes_in_the_window_give_up) {
  restart_policy p;
  for (std::size_t i = 0; i < restart_policy::most; ++i)
    ASSERT_TRUE(p.after_crash(at(static_cast<std::int64_t>(i))));
  EXPECT_FALSE(p.after_crash(at(30)));
}

TEST(restart_policy, old_crashes_are_forgotten) {
  restart_policy p;
  for (std::size_t i = 0; i < restart_policy::most; ++i)
    ASSERT_TRUE(p.after_crash(at(0)));
  EXPECT_EQ(p.after_crash(at(61)), 0ms);
}

} // namespace
