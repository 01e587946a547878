#include "tests/unit/webhook/world.hpp"

#include <set>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;

TEST(fairness, a_hanging_destination_holds_no_more_than_its_cap_and_delays_nobody) {
  world w;
  auto slow = to("http://slow.test/");
  slow.in_flight = 2;
  slow.filter_types = {"slow"};
  auto hanging = w.add(slow);
  auto quick = to("http://quick.test/");
  quick.filter_types = {"quick"};
  auto healthy = w.add(quick);
  for (int i = 0; i < 50; ++i)
    w.emit("slow");
  w.emit("quick");
  auto due = w.take();
  ASSERT_EQ(due.size(), 3U);
  EXPECT_EQ(std::count_if(due.begin(), due.end(), [&](const start& s) { return s.destination == hanging; }), 2);
  EXPECT_EQ(std::count_if(due.begin(), due.end(), [&](const start& s) { return s.destination == healthy; }), 1);
  EXPECT_EQ(next_due(w.live), std::nullopt) << "one at its cap does not count";
  for (const auto& s : due)
    if (s.destination == hanging) {
      w.finish(s.token, answer(200));
      break;
    }
  EXPECT_EQ(next_due(w.live), w.now);
  EXPECT_EQ(w.take().size(), 1U);
}

TEST(fairness, destinations_take_turns_whatever_their_backlog) {
  world w;
  std::vector<std::string> ids;
  for (auto type : {"a", "b", "c"}) {
    auto d = to("http://x.test/");
    d.filter_types = {type};
    ids.push_back(w.add(d));
  }
  for (int i = 0; i < 10; ++i)
    w.emit("a");
  w.now.us += 1;
  w.emit("b"), w.emit("c");
  auto due = w.take(3);
  std::set<std::string> served;
  for (const auto& s : due)
    served.insert(s.destination);
  EXPECT_EQ(served.size(), 3U) << "the long and older backlog of a waits its turn";
}

TEST(fairness, within_a_destination_the_earliest_due_goes_first) {
  world w;
  w.add();
  auto m1 = w.emit();
  w.now.us += 1;
  auto m2 = w.emit();
  auto due = w.take();
  ASSERT_EQ(due.size(), 2U);
  EXPECT_EQ(due[0].message->id, m1.id);
  EXPECT_EQ(due[1].message->id, m2.id);
}

TEST(fairness, a_clock_that_is_set_back_makes_nothing_due_early) {
  world w;
  w.add();
  w.emit();
  auto f = w.attempt(answer(500));
  auto before = w.now;
  w.now = *f.next;
  EXPECT_EQ(w.take(0).size(), 0U);
  auto due = w.take(1);
  ASSERT_EQ(due.size(), 1U);
  give_back(w.live, due[0].token);
  w.now = before;
  EXPECT_TRUE(w.take().empty());
  EXPECT_EQ(next_due(w.live), *f.next);
  w.now = *f.next;
  EXPECT_EQ(w.take().size(), 1U);
}

} // namespace
