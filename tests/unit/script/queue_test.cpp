#include "script/queue.hpp"

#include <gtest/gtest.h>

namespace hourglass::script {

namespace {

using namespace std::chrono_literals;

struct fair : testing::Test {
  using pace = fair_queue<int>::pace;
  using end = fair_queue<int>::end;
  fair_queue<int> queue;
  fair_queue<int>::moment now{};

  bool push(const std::string& sandbox, int job) { return queue.push(sandbox, job, now); }
  std::string next(pace worker = pace::quick) {
    auto t = queue.next(worker, now);
    return t ? t->sandbox : std::string{};
  }
  /// One job of its own, from beginning to end.
  void run(const std::string& sandbox, end how, std::chrono::microseconds took = 1ms) {
    ASSERT_TRUE(push(sandbox, 1));
    ASSERT_EQ(next(queue.pace_of(sandbox)), sandbox);
    queue.finished(sandbox, took, now, how);
  }
};

TEST_F(fair, one_job_of_a_sandbox_is_out_at_a_time) {
  push("a", 1);
  push("a", 2);
  EXPECT_EQ(next(), "a");
  EXPECT_EQ(next(), "");
  queue.finished("a", 1ms, now);
  EXPECT_EQ(next(), "a");
}

TEST_F(fair, nobody_need_be_woken_for_a_sandbox_whose_job_is_out) {
  EXPECT_FALSE(queue.is_out("a"));
  push("a", 1);
  EXPECT_FALSE(queue.is_out("a"));
  next();
  push("a", 2);
  EXPECT_TRUE(queue.is_out("a"));
  queue.finished("a", 1ms, now);
  EXPECT_FALSE(queue.is_out("a"));
}

TEST_F(fair, who_has_used_less_comes_first) {
  push("a", 1);
  EXPECT_EQ(next(), "a");
  queue.finished("a", 10ms, now);
  push("a", 2);
  push("b", 3);
  push("b", 4);
  EXPECT_EQ(next(), "b");
  queue.finished("b", 1ms, now);
  EXPECT_EQ(next(), "b");
}

TEST_F(fair, jobs_of_a_sandbox_keep_their_order) {
  for (int i = 0; i < 5; ++i)
    push("a", i);
  for (int i = 0; i < 5; ++i) {
    auto t = queue.next(pace::quick, now);
    ASSERT_TRUE(t);
    EXPECT_EQ(t->job, i);
    queue.finished("a", 1ms, now);
  }
}

TEST_F(fair, slow_sandboxes_have_workers_of_another_class) {
  run("slow", end::slow);
  push("slow", 1);
  EXPECT_EQ(next(), "");
  push("quick", 1);
  EXPECT_EQ(next(), "quick");
  EXPECT_EQ(next(pace::slow), "slow");
  push("other", 1);
  EXPECT_EQ(next(pace::slow), "") << "which do nothing else";
}

TEST_F(fair, what_waits_of_one_that_was_slow_becomes_the_other_class_s) {
  push("a", 1);
  push("a", 2);
  EXPECT_EQ(next(), "a");
  EXPECT_TRUE(queue.finished("a", 100ms, now, end::slow)) << "somebody there must be woken";
  EXPECT_EQ(next(), "");
  EXPECT_EQ(next(pace::slow), "a");
  push("a", 3);
  EXPECT_FALSE(queue.finished("a", 100ms, now, end::slow));
}

TEST_F(fair, who_was_slow_is_quick_again_after_many_quick_runs_in_a_row) {
  run("a", end::slow);
  for (unsigned i = 1; i < limits::script_quick_again; ++i)
    run("a", end::quick);
  run("a", end::slow);
  now += 1ms * limits::script_slow_for;
  for (unsigned i = 1; i < limits::script_quick_again; ++i) {
    run("a", end::quick);
    EXPECT_EQ(queue.pace_of("a"), pace::slow);
  }
  push("a", 1);
  push("a", 2);
  EXPECT_EQ(next(pace::slow), "a");
  EXPECT_TRUE(queue.finished("a", 1ms, now));
  EXPECT_EQ(next(), "a");
}

TEST_F(fair, who_was_slow_is_so_for_twenty_times_as_long_however_quick_it_is_then) {
  run("a", end::slow, 90ms);
  for (unsigned i = 0; i < 10 * limits::script_quick_again; ++i)
    run("a", end::quick);
  EXPECT_EQ(queue.pace_of("a"), pace::slow);
  now += 90ms * limits::script_slow_for;
  run("a", end::quick);
  EXPECT_EQ(queue.pace_of("a"), pace::quick);
}

TEST_F(fair, what_it_used_of_the_quick_workers_it_owes_when_it_is_quick_again) {
  run("busy", end::quick);
  run("a", end::slow, 90ms);
  now += 1h;
  for (unsigned i = 0; i < limits::script_quick_again; ++i)
    run("a", end::quick);
  ASSERT_EQ(queue.pace_of("a"), pace::quick);
  push("a", 1);
  push("busy", 1);
  EXPECT_EQ(next(), "busy");
  queue.finished("busy", 50ms, now);
  push("busy", 2);
  EXPECT_EQ(next(), "busy") << "it has still used less";
}

TEST_F(fair, of_many_sandboxes_those_that_were_slow_or_rest_are_not_forgotten) {
  run("loop", end::stopped, 100ms);
  for (int i = 0; i < 2'000; ++i)
    run(std::to_string(i), end::quick);
  EXPECT_EQ(queue.pace_of("loop"), pace::slow);
  push("loop", 1);
  EXPECT_EQ(next(pace::slow), "") << "it rests";
  now += limits::script_slow_for * 100ms + limits::script_slow_remembered;
  EXPECT_EQ(next(pace::slow), "loop");
  queue.finished("loop", 1ms, now);
  for (int i = 2'000; i < 10'000; ++i)
    run(std::to_string(i), end::quick);
  EXPECT_EQ(queue.pace_of("loop"), pace::quick) << "long after it is as any other";
}

TEST_F(fair, one_whose_script_had_to_be_stopped_rests_and_others_do_not) {
  run("loop", end::stopped, 100ms);
  push("loop", 2);
  EXPECT_EQ(next(pace::slow), "");
  EXPECT_EQ(queue.end_of_rest(pace::slow, now), now + 300ms);
  EXPECT_EQ(queue.end_of_rest(pace::quick, now), std::nullopt);
  run("slow", end::slow);
  push("slow", 1);
  EXPECT_EQ(next(pace::slow), "slow");
  now += 300ms;
  EXPECT_EQ(queue.end_of_rest(pace::slow, now), std::nullopt);
  EXPECT_EQ(next(pace::slow), "loop");
}

TEST_F(fair, time_that_slow_ones_use_is_no_quick_one_s_debt) {
  run("slow", end::slow, 10s);
  push("slow", 1);
  EXPECT_EQ(next(pace::slow), "slow");
  queue.finished("slow", 10s, now, end::slow);
  push("slow", 2);
  EXPECT_EQ(next(pace::slow), "slow"); // the present of the slow ones is late
  push("busy", 1);
  EXPECT_EQ(next(), "busy");
  queue.finished("busy", 20ms, now);
  push("busy", 2);
  push("fresh", 1);
  EXPECT_EQ(next(), "fresh");
}

TEST_F(fair, nobody_saves_up_while_idle) {
  push("busy", 1);
  EXPECT_EQ(next(), "busy");
  queue.finished("busy", 10ms, now);
  push("busy", 2);
  EXPECT_EQ(next(), "busy");
  queue.finished("busy", 10ms, now); // has used 20, and stands at 10
  push("fresh", 1);
  push("busy", 3);
  EXPECT_EQ(next(), "fresh");
  queue.finished("fresh", 15ms, now); // begun at 10: now at 25
  push("fresh", 2);
  EXPECT_EQ(next(), "busy") << "having been away gives no right to all of the present";
}

TEST_F(fair, one_sandbox_cannot_fill_the_queue) {
  for (std::size_t i = 0; i < limits::script_queue_per_sandbox; ++i)
    EXPECT_TRUE(push("a", 1));
  EXPECT_FALSE(push("a", 1));
  EXPECT_TRUE(push("b", 1));
}

TEST_F(fair, the_whole_is_bounded) {
  std::size_t sandboxes = 0;
  while (queue.waiting() < limits::script_queue)
    ASSERT_TRUE(push(std::to_string(sandboxes++), 1));
  EXPECT_FALSE(push("one more", 1));
}

} // namespace

} // namespace hourglass::script
