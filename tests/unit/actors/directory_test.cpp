#include "actors/directory.hpp"

#include <gtest/gtest.h>

namespace {

using hourglass::actors::idle_over_the_cap;

TEST(passivation, takes_the_longest_idle_ones_over_the_cap) {
  EXPECT_EQ(idle_over_the_cap({30, 10, 20}, 2), 10);
  EXPECT_EQ(idle_over_the_cap({30, 10, 20}, 1), 20);
  EXPECT_EQ(idle_over_the_cap({30, 10, 20}, 3), std::nullopt);
  EXPECT_EQ(idle_over_the_cap({}, 0), std::nullopt);
}

TEST(passivation, with_room_for_none_takes_all) {
  EXPECT_EQ(idle_over_the_cap({30, 10, 20}, 0), 30);
  EXPECT_EQ(idle_over_the_cap({5}, 0), 5);
}

} // namespace
