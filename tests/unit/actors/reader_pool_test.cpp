#include "actors/reader_pool.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <new>
#include <vector>

namespace {

using hourglass::actors::reader_pool;

TEST(reader_pool, work_that_throws_ends_nobody_else) {
  reader_pool pool{1};
  std::promise<int> after;
  pool.post([] { throw std::bad_alloc{}; });
  pool.post([&after] { after.set_value(7); });
  EXPECT_EQ(after.get_future().get(), 7);
}

TEST(reader_pool, work_that_throws_lets_go_of_what_it_held) {
  reader_pool pool{1};
  auto held = std::make_shared<std::promise<void>>();
  auto gone = held->get_future();
  pool.post([held] { throw std::bad_alloc{}; });
  held.reset();
  EXPECT_THROW(gone.get(), std::future_error);
}

TEST(reader_pool, one_sandbox_never_keeps_every_thread) {
  reader_pool pool{2};
  hourglass::events::sandbox_id greedy, modest;
  modest.bytes.back() = 1;
  std::promise<void> leave;
  auto gate = leave.get_future().share();
  for (int i = 0; i < 3; ++i)
    pool.post_for(greedy, [gate] { gate.wait(); });
  std::promise<void> ran;
  pool.post_for(modest, [&ran] { ran.set_value(); });
  ran.get_future().get();
  leave.set_value();
}

TEST(reader_pool, what_is_posted_for_a_sandbox_runs_in_order_and_to_the_last) {
  std::vector<int> order;
  {
    reader_pool pool{3};
    hourglass::events::sandbox_id one;
    for (int i = 0; i < 100; ++i)
      pool.post_for(one, [&order, i] { order.push_back(i); });
    pool.stop();
  }
  ASSERT_EQ(order.size(), 100U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

} // namespace
