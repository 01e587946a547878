#include "actors/resident.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace {

using namespace hourglass;
using actors::hold;
using actors::resident;

TEST(resident, a_door_with_work_inside_does_not_close) {
  auto door = std::make_shared<resident>(events::sandbox_id{});
  ASSERT_EQ(door->enter(10), resident::entry::in);
  EXPECT_FALSE(door->close());
  door->leave();
  EXPECT_TRUE(door->close());
}

TEST(resident, a_closed_door_lets_nothing_in) {
  auto door = std::make_shared<resident>(events::sandbox_id{});
  ASSERT_TRUE(door->close());
  EXPECT_EQ(door->enter(10), resident::entry::closed);
  EXPECT_EQ(door->inside(), 0U);
}

TEST(resident, more_than_its_limit_is_refused_and_leaves_no_trace) {
  auto door = std::make_shared<resident>(events::sandbox_id{});
  ASSERT_EQ(door->enter(1), resident::entry::in);
  EXPECT_EQ(door->enter(1), resident::entry::full);
  EXPECT_EQ(door->inside(), 1U);
}

TEST(resident, more_bytes_than_its_limit_are_refused_and_come_back_with_whoever_carried_them) {
  auto door = std::make_shared<resident>(events::sandbox_id{});
  ASSERT_EQ(door->enter(10), resident::entry::in);
  ASSERT_EQ(door->enter(10), resident::entry::in);
  auto first = hold::adopt(door);
  auto second = hold::adopt(door);
  EXPECT_TRUE(first.carry(60, 100));
  EXPECT_FALSE(second.carry(41, 100));
  EXPECT_TRUE(second.carry(40, 100));
  auto moved = std::move(first);
  second.release();
  EXPECT_FALSE(moved.carry(41, 100)) << "60 are still inside";
  moved.release();
  auto third = hold::follow(door);
  EXPECT_TRUE(third.carry(100, 100));
}

TEST(resident, what_follows_from_work_inside_is_never_refused) {
  auto door = std::make_shared<resident>(events::sandbox_id{});
  ASSERT_EQ(door->enter(1), resident::entry::in);
  auto first = hold::adopt(door);
  auto second = hold::follow(door);
  EXPECT_EQ(door->inside(), 2U);
  first.release();
  second = hold{};
  EXPECT_EQ(door->inside(), 0U);
}

TEST(resident, what_follows_takes_no_place_of_those_from_outside) {
  auto door = std::make_shared<resident>(events::sandbox_id{});
  ASSERT_EQ(door->enter(2), resident::entry::in);
  std::vector<hold> follow;
  for (int i = 0; i < 10'000; ++i)
    follow.push_back(hold::follow(door));
  ASSERT_EQ(door->enter(2), resident::entry::in);
  EXPECT_EQ(door->enter(2), resident::entry::full);
  EXPECT_EQ(door->inside(), 10'002U);
  door->leave();
  door->leave();
  EXPECT_FALSE(door->close()) << "what follows is still inside";
  follow.clear();
  EXPECT_TRUE(door->close());
}

TEST(resident, what_is_put_down_is_carried_no_more_by_who_is_still_inside) {
  auto door = std::make_shared<resident>(events::sandbox_id{});
  ASSERT_EQ(door->enter(1), resident::entry::in);
  auto one = hold::adopt(door);
  ASSERT_TRUE(one.carry(8, 10));
  EXPECT_FALSE(door->take_bytes(8, 10));
  one.put_down();
  EXPECT_EQ(door->inside(), 1U);
  EXPECT_TRUE(door->take_bytes(8, 10));
  one.release();
  EXPECT_FALSE(door->take_bytes(8, 10)) << "given back once";
}

TEST(resident, nobody_is_inside_after_it_has_closed_whatever_the_threads_do) {
  for (int round = 0; round < 200; ++round) {
    auto door = std::make_shared<resident>(events::sandbox_id{});
    std::atomic<bool> closed{false};
    std::atomic<int> entered_after_close{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 100; ++i) {
          bool was_closed = closed.load();
          if (door->enter(1'000) == resident::entry::in) {
            if (was_closed)
              ++entered_after_close;
            door->leave();
          }
        }
      });
    while (!door->close())
      std::this_thread::yield();
    closed = true;
    for (auto& t : threads)
      t.join();
    EXPECT_EQ(entered_after_close, 0);
    EXPECT_EQ(door->inside(), 0U);
  }
}

} // namespace
