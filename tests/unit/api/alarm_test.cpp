#include "api/alarm.hpp"

#include <future>

#include <gtest/gtest.h>

namespace hourglass::api {
namespace {

using namespace std::chrono_literals;

TEST(alarm, runs_what_is_due_in_order) {
  alarm bell;
  std::string order;
  std::promise<void> rung;
  bell.after(30ms, [&] { order += "b", rung.set_value(); });
  bell.after(1ms, [&] { order += "a"; });
  rung.get_future().wait();
  EXPECT_EQ(order, "ab");
}

TEST(alarm, lets_go_of_what_is_cancelled_at_once_and_never_runs_it) {
  alarm bell;
  auto held = std::make_shared<bool>(false);
  const auto which = bell.after(20ms, [held] { *held = true; });
  EXPECT_EQ(held.use_count(), 2);
  bell.cancel(which);
  EXPECT_EQ(held.use_count(), 1);
  std::promise<void> later;
  bell.after(40ms, [&] { later.set_value(); });
  later.get_future().wait();
  EXPECT_FALSE(*held);
}

TEST(alarm, may_be_told_to_forget_what_runs_or_has_run) {
  alarm bell;
  std::promise<alarm::ticket> mine;
  std::promise<void> ran;
  auto known = mine.get_future().share();
  mine.set_value(bell.after(1ms, [&, known] {
    bell.cancel(known.get());
    ran.set_value();
  }));
  ran.get_future().wait();
  bell.cancel(known.get());
}

TEST(alarm, keeps_nothing_after_its_end) {
  auto held = std::make_shared<int>(0);
  alarm bell;
  bell.after(1h, [held] {});
  bell.stop();
  EXPECT_EQ(held.use_count(), 1);
  bell.cancel(bell.after(1ms, [held] {}));
  EXPECT_EQ(held.use_count(), 1);
}

} // namespace
} // namespace hourglass::api
