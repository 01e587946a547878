#include "actors/reader_pool.hpp"

#include <gtest/gtest.h>

#include <future>
#include <new>

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

} // namespace
