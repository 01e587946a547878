#include "webhook/lane_guard.hpp"

#include <gtest/gtest.h>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using events::virtual_time;

TEST(attempt_pace, is_one_interval_after_another_and_catches_up_what_a_late_timer_lost) {
  attempt_pace p;
  virtual_time now{10'000'000};
  p.took_one(now, 10);
  EXPECT_EQ(p.next_us, 10'100'000);
  p.took_one({10'180'000}, 10);
  EXPECT_EQ(p.next_us, 10'200'000) << "80 ms late: the next keeps its time";
  p.took_one({60'000'000}, 10);
  EXPECT_EQ(p.next_us, 60'100'000) << "nothing is saved up while it rests";
}

TEST(attempt_pace, keeps_a_high_rate_though_each_look_is_late) {
  attempt_pace p;
  int taken = 0;
  for (std::int64_t now = 0; now < 1'000'000; now += 7'000) // looked at every 7 ms
    for (; p.next_us <= now; ++taken)
      p.took_one({now}, 1'000);
  EXPECT_GE(taken, 990);
  EXPECT_LE(taken, 1'001);
}

} // namespace
