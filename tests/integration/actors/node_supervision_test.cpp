#include "node_fixture.hpp"

#include "actors/testing.hpp"

#include <thread>

namespace {

using namespace hourglass;
using namespace hourglass::test;
using events::kind;

class crashing_child : public node_test, public ::testing::WithParamInterface<const char*> {};

TEST_P(crashing_child, is_rebuilt_from_the_log) {
  auto id = create();
  put_hello(id);
  ASSERT_TRUE(submit(id, mock::data_command{mock::put_item{"pets", "1", R"({"name":"Rex"})"}}));
  receiver shop{receiver::always(ok())};
  add_destination(id, shop.url());
  ASSERT_TRUE(actors::testing::crash_child_of(*node_, id, GetParam()));
  ASSERT_TRUE(eventually([&] { return node_->counters().child_restarts == 1; }));
  auto r = get(id, "/hello");
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(r->status, 200U);
  ASSERT_TRUE(emit(id));
  EXPECT_TRUE(shop.wait_for(1));
  auto data = look<mock::data_state>(
    id, [](const mock::data_state& s, events::virtual_time) -> events::outcome<std::string> { return mock::to_json(s); });
  ASSERT_TRUE(data);
  EXPECT_EQ((*data)["data"]["pets"]["1"]["name"], "Rex");
  EXPECT_EQ(clock_mode(id), "running");
}

INSTANTIATE_TEST_SUITE_P(each, crashing_child, ::testing::Values("endpoint", "data", "clock", "outbox"),
                         [](const auto& i) { return std::string{i.param}; });

TEST_F(node_test, a_child_that_crashes_again_and_again_degrades_its_sandbox_alone) {
  auto sick = create();
  auto well = create();
  put_hello(sick);
  put_hello(well);
  for (std::uint64_t i = 1; i <= 6; ++i) {
    ASSERT_TRUE(actors::testing::crash_child_of(*node_, sick, "data"));
    ASSERT_TRUE(eventually([&] { return node_->counters().child_restarts == i; }));
    if (i < 6) {
      ASSERT_TRUE(get(sick, "/hello"));
    }
  }
  auto r = get(sick, "/hello");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, events::errc::unavailable);
  EXPECT_TRUE(get(well, "/hello"));
  EXPECT_EQ(node_->counters().degraded, 1U);
}

TEST_F(node_test, an_attempt_whose_outbox_crashed_is_made_again_and_counted_once) {
  gate answer;
  receiver slow{receiver::held_back(answer, ok(), 1)};
  auto id = with_attempt_under_way(slow);
  ASSERT_TRUE(actors::testing::crash_child_of(*node_, id, "outbox"));
  ASSERT_TRUE(eventually([&] { return node_->counters().child_restarts == 1 && node_->counters().attempts == 2; }));
  answer.open();
  ASSERT_TRUE(slow.wait_for(2));
  EXPECT_TRUE(eventually([&] { return node_->counters().attempts_in_flight == 0; }));
  EXPECT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 1; }));
  auto came = slow.came();
  EXPECT_EQ(http::find(came[0].headers, "webhook-id"), http::find(came[1].headers, "webhook-id"));
}

TEST_F(node_test, an_idle_sandbox_leaves_memory_and_wakes_on_a_request) {
  auto id = create();
  put_hello(id);
  ASSERT_TRUE(eventually([&] {
    actors::testing::ask_to_sleep(*node_, id);
    return node_->counters().live == 0;
  }));
  auto r = get(id, "/hello");
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(r->status, 200U);
  EXPECT_EQ(node_->counters().woken, 2U);
}

TEST_F(node_test, requests_while_a_sandbox_falls_asleep_are_all_answered) {
  auto id = create();
  put_hello(id);
  std::atomic<bool> stop{false};
  std::thread sandman{[&] {
    while (!stop) {
      actors::testing::ask_to_sleep(*node_, id);
      std::this_thread::yield();
    }
  }};
  std::vector<std::thread> clients;
  std::atomic<int> bad{0};
  for (int c = 0; c < 4; ++c)
    clients.emplace_back([&] {
      for (int i = 0; i < 100; ++i)
        if (auto r = get(id, "/hello"); !r || r->status != 200)
          ++bad;
    });
  for (auto& c : clients)
    c.join();
  stop = true;
  sandman.join();
  EXPECT_EQ(bad, 0);
  EXPECT_EQ(count(history(id), kind::request_served), 400U);
}

} // namespace
