#include "node_fixture.hpp"

#include "replay/snapshot.hpp"

namespace {

using namespace hourglass;
using namespace hourglass::test;
using events::kind;

TEST_F(node_test, advancing_the_clock_runs_the_whole_schedule_to_the_dead_letter) {
  auto id = create();
  receiver broken{receiver::always(no())};
  auto dest = add_destination(id, broken.url());
  ASSERT_TRUE(emit(id));
  ASSERT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 1; }));
  ASSERT_TRUE(submit(id, mock::clock_command{mock::advance_clock{events::duration{std::chrono::hours{48}}}}));
  ASSERT_TRUE(eventually([&] { return clock_mode(id) == "running"; }));
  auto all = history(id);
  EXPECT_EQ(broken.came().size(), 8U);
  EXPECT_EQ(count(all, kind::attempt_finished), 8U);
  // In virtual time the gaps are the schedule's, within its jitter of a fifth.
  std::vector<std::int64_t> at;
  for (const auto& r : all)
    if (r.header.kind == kind::attempt_finished)
      at.push_back(r.header.virtual_.us / 1'000'000);
  auto schedule = webhook::default_schedule();
  for (std::size_t i = 1; i < at.size(); ++i) {
    auto wanted = static_cast<double>(std::chrono::duration_cast<std::chrono::seconds>(schedule[i - 1]).count());
    EXPECT_NEAR(static_cast<double>(at[i] - at[i - 1]), wanted, wanted * 0.2 + 2);
  }
  EXPECT_EQ(all.back().header.kind, kind::clock_advance_finished);
  // Every attempt is the same message.
  for (const auto& r : broken.came())
    EXPECT_EQ(http::find(r.headers, "webhook-id"), http::find(broken.came().front().headers, "webhook-id"));
}

TEST_F(node_test, an_advance_that_waits_for_a_receiver_that_hangs_can_be_cancelled) {
  gate answer;
  receiver slow{receiver::held_back(answer, ok())};
  auto id = with_attempt_under_way(slow);
  EXPECT_FALSE(submit(id, mock::clock_command{mock::cancel_advance{}})) << "there is none";
  ASSERT_TRUE(submit(id, mock::clock_command{mock::advance_clock{events::duration{std::chrono::hours{48}}}}));
  EXPECT_EQ(clock_mode(id), "advancing");
  EXPECT_TRUE(submit(id, mock::clock_command{mock::cancel_advance{}}));
  EXPECT_EQ(clock_mode(id), "running");
  auto all = history(id);
  EXPECT_EQ(all.back().header.kind, kind::clock_advance_finished);
  auto state = replay::load(node_->store(), id);
  ASSERT_TRUE(state);
  EXPECT_EQ(state->clock.mode, mock::clock_mode::running);
  EXPECT_LT(mock::now(state->clock, all.back().header.wall).us - all.back().header.wall.us, std::int64_t{3'600'000'000}) << "it stays where it was";
  answer.open();
  EXPECT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 1; }));
}

TEST_F(node_test, a_reset_of_the_clock_brings_along_what_waits) {
  auto id = create();
  receiver broken{receiver::always(no())};
  webhook::create_destination c;
  c.value.url = broken.url();
  c.value.schedule = std::vector<events::duration>{std::chrono::hours{1}};
  ASSERT_TRUE(submit(id, webhook::command{c}));
  ASSERT_TRUE(submit(id, mock::clock_command{mock::advance_clock{events::duration{std::chrono::hours{24 * 700}}}}));
  ASSERT_TRUE(eventually([&] { return clock_mode(id) == "running"; }));
  ASSERT_TRUE(emit(id));
  ASSERT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 1; }));
  ASSERT_TRUE(submit(id, mock::clock_command{mock::reset_clock{}}));
  auto all = history(id);
  EXPECT_EQ(count(all, kind::deliveries_moved), 1U);
  auto state = replay::load(node_->store(), id);
  ASSERT_TRUE(state);
  auto due = webhook::next_due(state->outbox);
  ASSERT_TRUE(due);
  auto left = due->us - all.back().header.wall.us;
  EXPECT_GT(left, 0);
  EXPECT_LT(left, std::int64_t{2} * 3'600 * 1'000'000) << "an hour with its jitter, and not two years";
  ASSERT_TRUE(submit(id, mock::clock_command{mock::advance_clock{events::duration{std::chrono::hours{2}}}}));
  EXPECT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 2; })) << "the live outbox knows it as well";
}

} // namespace
