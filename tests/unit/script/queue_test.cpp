#include "script/queue.hpp"

#include <gtest/gtest.h>

namespace hourglass::script {

namespace {

using namespace std::chrono_literals;

struct fair : testing::Test {
  fair_queue<int> queue{2};
  fair_queue<int>::moment now{};

  bool push(const std::string& sandbox, int job) { return queue.push(sandbox, job); }
  std::string next() {
    auto t = queue.next(now);
    return t ? t->sandbox : std::string{};
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
    auto t = queue.next(now);
    ASSERT_TRUE(t);
    EXPECT_EQ(t->job, i);
    queue.finished("a", 1ms, now);
  }
}

TEST_F(fair, slow_sandboxes_never_have_all_workers) {
  for (const auto* name : {"slow", "slower"}) {
    push(name, 1);
    EXPECT_EQ(next(), name);
    queue.finished(name, 100ms, now);
    push(name, 2);
  }
  EXPECT_NE(next(), "");
  EXPECT_EQ(next(), "") << "the other worker waits for somebody quick";
  push("quick", 1);
  EXPECT_EQ(next(), "quick");
}

TEST_F(fair, one_whose_script_had_to_be_stopped_rests_and_others_do_not) {
  push("loop", 1);
  EXPECT_EQ(next(), "loop");
  queue.finished("loop", 100ms, now, true);
  push("loop", 2);
  EXPECT_EQ(next(), "");
  EXPECT_EQ(queue.end_of_rest(now), now + 300ms);
  push("quick", 1);
  EXPECT_EQ(next(), "quick");
  now += 300ms;
  EXPECT_EQ(queue.end_of_rest(now), std::nullopt);
  EXPECT_EQ(next(), "loop");
}

TEST_F(fair, a_single_worker_serves_slow_ones_too) {
  fair_queue<int> one{1};
  int job = 1;
  ASSERT_TRUE(one.push("slow", job));
  ASSERT_TRUE(one.next(now));
  one.finished("slow", 1s, now);
  ASSERT_TRUE(one.push("slow", job));
  EXPECT_TRUE(one.next(now));
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
