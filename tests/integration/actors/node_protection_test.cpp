#include "breakable_store.hpp"

// A destination that asks for protection, over restarts and kills.

namespace {

using namespace hourglass;
using namespace hourglass::test;
using namespace std::chrono_literals;
using events::kind;

class node_with_a_receiver_that_breaks : public breakable_node_test {
protected:
  /// A destination of `shop_` with this protection, retried every minute.
  std::string add(const events::sandbox_id& id, std::string_view protection, std::uint32_t in_flight = 8) {
    webhook::create_destination c;
    c.value.url = shop_.url();
    c.value.schedule = std::vector<events::duration>(90, 60s);
    c.value.protection = webhook::protection_policy::compile(nlohmann::json::parse(protection)).value();
    c.value.in_flight = in_flight;
    auto r = submit(id, webhook::command{c});
    EXPECT_TRUE(r) << r.error().detail;
    return r ? nlohmann::json::parse(r->reply)["id"].get<std::string>() : "";
  }
  bool came_to_be(const events::sandbox_id& id, kind k, std::size_t n = 1) {
    return eventually([&] { return count(history(id), k) >= n; });
  }
  std::set<std::string> delivered() {
    std::set<std::string> out;
    for (const auto& r : shop_.came())
      out.insert(r.body);
    return out;
  }

  std::atomic<bool> works_{false};
  receiver shop_{[this](std::size_t, const http::request&) { return works_ ? ok() : no(); }};
};

constexpr const char* disables_soon = R"({"disable":{"failures":1,"after":0,"probe":600}})";

TEST_F(node_with_a_receiver_that_breaks, what_came_while_it_was_disabled_is_delivered_after_a_restart_and_a_probe) {
  receiver elsewhere{receiver::always(ok())};
  auto id = create();
  add(id, disables_soon);
  auto other = add_destination(id, elsewhere.url());
  ASSERT_TRUE(emit(id, R"({"n":0})"));
  ASSERT_TRUE(came_to_be(id, kind::destination_disabled));
  for (int i = 1; i <= 3; ++i)
    ASSERT_TRUE(emit(id, R"({"n":)" + std::to_string(i) + "}"));
  webhook::create_message example{"thing.happened", {}, R"({"n":"for another alone"})", {}, {}};
  example.only_to = other;
  ASSERT_TRUE(submit(id, webhook::command{example}));
  ASSERT_TRUE(elsewhere.wait_for(5));
  reopen();
  works_ = true;
  ASSERT_TRUE(submit(id, mock::clock_command{mock::advance_clock{events::duration{11min}}}));
  ASSERT_TRUE(came_to_be(id, kind::recovery_finished));
  ASSERT_TRUE(shop_.wait_for(5));
  EXPECT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 10; }));
  EXPECT_EQ(delivered(), (std::set<std::string>{R"({"n":0})", R"({"n":1})", R"({"n":2})", R"({"n":3})"}));
  EXPECT_EQ(count(history(id), kind::destination_recovered), 1U);
}

TEST_F(node_with_a_receiver_that_breaks, results_that_come_back_together_disable_it_once_and_bring_it_back_once) {
  auto id = create();
  add(id, R"({"breaker":{"failures":2,"probeAfter":5},"disable":{"failures":3,"after":0,"probe":60}})", 32);
  for (int i = 0; i < 60; ++i)
    ASSERT_TRUE(emit(id, R"({"n":)" + std::to_string(i) + "}"));
  for (int i = 0; i < 60 && count(history(id), kind::destination_disabled) == 0; ++i) {
    ASSERT_TRUE(submit(id, mock::clock_command{mock::advance_clock{events::duration{1min}}}));
    ASSERT_TRUE(eventually([&] { return clock_mode(id) == "running"; }));
  }
  EXPECT_EQ(count(history(id), kind::destination_disabled), 1U);
  works_ = true;
  for (int i = 60; i < 80; ++i)
    ASSERT_TRUE(emit(id, R"({"n":)" + std::to_string(i) + "}"));
  ASSERT_TRUE(submit(id, mock::clock_command{mock::advance_clock{events::duration{2h}}}));
  ASSERT_TRUE(came_to_be(id, kind::recovery_finished));
  EXPECT_TRUE(eventually([&] { return delivered().size() == 80; }));
  auto all = history(id);
  EXPECT_EQ(count(all, kind::destination_recovered), 1U);
  EXPECT_EQ(count(all, kind::recovery_started), 1U);
  EXPECT_TRUE(eventually([&] { return outbox(id)["pendingDeliveries"] == 0; }));
}

TEST_F(node_with_a_receiver_that_breaks, a_recovery_by_a_person_goes_out_though_the_breaker_is_open) {
  auto id = create();
  webhook::create_destination c;
  c.value.url = shop_.url();
  c.value.schedule.emplace();
  c.value.protection = webhook::protection_policy::compile(nlohmann::json::parse(R"({"breaker":{"failures":1,"probeAfter":86400,"probeCap":86400}})")).value();
  auto made = submit(id, webhook::command{c});
  ASSERT_TRUE(made);
  auto dest = nlohmann::json::parse(made->reply)["id"].get<std::string>();
  ASSERT_TRUE(emit(id));
  ASSERT_TRUE(came_to_be(id, kind::attempt_finished));
  ASSERT_TRUE(emit(id));
  works_ = true;
  ASSERT_TRUE(submit(id, webhook::command{webhook::start_recovery{dest, {0}, std::nullopt, webhook::recovery_scope::failed, {}}}));
  EXPECT_TRUE(shop_.wait_for(3)) << "the dead letter, and then what the open breaker held back";
}

TEST_F(node_with_a_receiver_that_breaks, operators_are_told_of_what_happened_before_a_kill) {
  std::atomic<bool> ops_work{false};
  receiver ops{[&](std::size_t, const http::request&) { return ops_work ? ok() : no(); }};
  auto id = create();
  webhook::create_destination c;
  c.value.url = ops.url();
  c.value.operational = true;
  c.value.schedule = std::vector<events::duration>(20, 200ms);
  ASSERT_TRUE(submit(id, webhook::command{c}));
  webhook::create_destination failing;
  failing.value.url = shop_.url();
  failing.value.schedule.emplace();
  ASSERT_TRUE(submit(id, webhook::command{failing}));
  ASSERT_TRUE(emit(id));
  ASSERT_TRUE(ops.wait_for(3)) << "endpoint.created, subscription.updated and message.attempt.exhausted";
  kill();
  ops_work = true;
  EXPECT_TRUE(eventually([&] {
    for (const auto& r : ops.came())
      if (r.body.find("message.attempt.exhausted") != std::string::npos && r.body.find(id.to_string()) != std::string::npos)
        return true;
    return false;
  }));
}

} // namespace
