#include "breakable_store.hpp"

#include <map>

// Order at a destination, over failures, restarts and kills.

namespace {

using namespace hourglass;
using namespace hourglass::test;
using namespace std::chrono_literals;
using events::kind;

class node_with_lines : public breakable_node_test {
protected:
  std::string add(const events::sandbox_id& id, const std::string& url, std::string_view ordering, std::vector<events::duration> schedule = std::vector<events::duration>(50, 30ms)) {
    webhook::create_destination c;
    c.value.url = url;
    c.value.schedule = std::move(schedule);
    c.value.ordering = webhook::ordering_policy::compile(nlohmann::json::parse(ordering)).value();
    auto r = submit(id, webhook::command{c});
    EXPECT_TRUE(r) << r.error().detail;
    return r ? nlohmann::json::parse(r->reply)["id"].get<std::string>() : "";
  }
  /// A destination in order that is disabled by its first message, number 0, and probed after ten minutes.
  void add_and_disable(const events::sandbox_id& id, const std::string& url) {
    webhook::create_destination c;
    c.value.url = url;
    c.value.schedule = std::vector<events::duration>(50, 1h);
    c.value.ordering = webhook::ordering_policy::compile("fifo").value();
    c.value.protection = webhook::protection_policy::compile(nlohmann::json::parse(R"({"disable":{"failures":1,"after":0,"probe":600}})")).value();
    ASSERT_TRUE(submit(id, webhook::command{c}));
    ASSERT_TRUE(emit(id, body(0)));
    ASSERT_TRUE(eventually([&] { return count(history(id), kind::destination_disabled) == 1; }));
  }
  static std::string body(int n, const std::string& key = "a") { return nlohmann::json{{"n", n}, {"key", key}}.dump(); }
  static int number_in(const http::request& r) { return nlohmann::json::parse(r.body)["n"].get<int>(); }
  static std::string key_in(const http::request& r) { return nlohmann::json::parse(r.body)["key"].get<std::string>(); }
  /// The order in which each first arrived.
  static std::vector<int> first_seen(const std::vector<http::request>& came) {
    std::vector<int> out;
    for (const auto& r : came)
      if (auto n = number_in(r); std::find(out.begin(), out.end(), n) == out.end())
        out.push_back(n);
    return out;
  }
  static std::vector<int> up_to(int n) {
    std::vector<int> out;
    for (int i = 0; i < n; ++i)
      out.push_back(i);
    return out;
  }
};

TEST_F(node_with_lines, one_after_the_other_though_most_attempts_fail_and_the_node_is_killed) {
  std::atomic<int> last{-1};
  std::atomic<bool> overtaken{false};
  receiver flaky{[&](std::size_t number, const http::request& r) {
    const auto n = number_in(r);
    if (n > last + 1)
      overtaken = true; // one before it has not arrived
    if (number % 3 != 0)
      return no();
    last = std::max<int>(last, n);
    return ok();
  }};
  auto id = create();
  add(id, flaky.url(), R"("fifo")");
  for (int i = 0; i < 12; ++i)
    ASSERT_TRUE(emit(id, body(i)));
  for (int kills = 1; kills <= 3; ++kills) {
    ASSERT_TRUE(eventually([&] { return last >= 3 * kills - 1; }));
    kill();
  }
  EXPECT_TRUE(eventually([&] { return last == 11; })) << "without a visitor";
  EXPECT_FALSE(overtaken);
  EXPECT_EQ(first_seen(flaky.came()), up_to(12));
}

TEST_F(node_with_lines, keys_go_side_by_side_and_a_key_that_hangs_holds_up_nobody_else) {
  receiver shop{[](std::size_t, const http::request& r) {
    if (key_in(r) == "slow" && number_in(r) == 0)
      return no();
    return ok();
  }};
  auto id = create();
  add(id, shop.url(), R"({"key":"/payload/key"})", {1h});
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(emit(id, body(i, "slow")));
    ASSERT_TRUE(emit(id, body(i, "quick")));
  }
  ASSERT_TRUE(shop.wait_for(4));
  EXPECT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 4; }));
  reopen();
  EXPECT_EQ(outbox(id)["pendingDeliveries"], 3);
  std::map<std::string, std::vector<int>> by_key;
  for (const auto& r : shop.came())
    by_key[key_in(r)].push_back(number_in(r));
  EXPECT_EQ(by_key["slow"], std::vector{0});
  EXPECT_EQ(by_key["quick"], up_to(3));
}

TEST_F(node_with_lines, a_dead_letter_holds_its_line_over_a_kill_until_it_is_sent_again) {
  std::atomic<bool> works{false};
  receiver shop{[&](std::size_t, const http::request&) { return works ? ok() : no(); }};
  auto id = create();
  auto dest = add(id, shop.url(), R"({"onDead":"hold"})", {});
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(emit(id, body(i)));
  ASSERT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 1; }));
  works = true;
  kill();
  EXPECT_EQ(outbox(id)["pendingDeliveries"], 2);
  EXPECT_EQ(shop.came().size(), 1U);
  const auto all = history(id);
  auto letter = std::find_if(all.begin(), all.end(), [](const auto& r) { return r.header.kind == kind::message_created; });
  ASSERT_NE(letter, all.end());
  auto m = std::get<webhook::message_created>(*webhook::decode(*letter));
  webhook::resend again{{m.id, letter->header.seq, m.event_type, m.body_bytes}, dest, 1, true, false};
  again.payload = m.body;
  ASSERT_TRUE(submit(id, webhook::command{again}));
  ASSERT_TRUE(shop.wait_for(4));
  EXPECT_EQ(number_in(shop.came()[1]), 0) << "the letter first";
  EXPECT_EQ(number_in(shop.came()[2]), 1);
  EXPECT_EQ(number_in(shop.came()[3]), 2);
}

TEST_F(node_with_lines, what_was_missed_while_disabled_is_read_from_the_log_and_goes_before_what_came_since) {
  std::atomic<bool> works{false};
  receiver shop{[&](std::size_t, const http::request&) { return works ? ok() : no(); }};
  auto id = create();
  add_and_disable(id, shop.url());
  for (int i = 1; i < 200; ++i)
    ASSERT_TRUE(emit(id, body(i)));
  works = true;
  ASSERT_TRUE(submit(id, mock::clock_command{mock::advance_clock{events::duration{11min}}}));
  ASSERT_TRUE(eventually([&] { return count(history(id), kind::destination_recovered) == 1; }));
  for (int i = 200; i < 220; ++i)
    ASSERT_TRUE(emit(id, body(i)));
  ASSERT_TRUE(eventually([&] { return first_seen(shop.came()).size() == 220; }));
  EXPECT_EQ(first_seen(shop.came()), up_to(220));
}

TEST_F(node_with_lines, what_was_missed_is_found_though_the_disk_has_not_written_it_when_a_probe_succeeds) {
  std::atomic<bool> works{false}, probed{false}, answers{false}, writes{true}, held{false};
  receiver shop{[&](std::size_t, const http::request&) {
    if (!works)
      return no();
    probed = true;
    while (!answers)
      std::this_thread::sleep_for(1ms);
    return ok();
  }};
  auto id = create();
  add_and_disable(id, shop.url());
  works = true;
  ASSERT_TRUE(submit(id, mock::clock_command{mock::advance_clock{events::duration{11min}}}));
  ASSERT_TRUE(eventually([&] { return probed.load(); }));
  disk_->judge_writes([&](std::span<const storage::record_batch>) -> std::optional<events::error> {
    held = held || !writes;
    while (!writes)
      std::this_thread::sleep_for(1ms);
    return std::nullopt;
  });
  writes = false;
  promised<actors::receipt> missed;
  webhook::create_message m;
  m.event_type = "thing.happened";
  m.payload = body(1);
  node_->submit(id, webhook::command{m}, {"admin", "t"}, missed.callback());
  EXPECT_TRUE(eventually([&] { return held.load(); }));
  answers = true;
  std::this_thread::sleep_for(100ms); // for who would look now: what is right does not depend on it
  writes = true;
  EXPECT_TRUE(missed.get());
  EXPECT_TRUE(eventually([&] { return first_seen(shop.came()).size() == 2; }));
  EXPECT_EQ(first_seen(shop.came()), up_to(2));
  disk_->judge_writes({});
}

TEST_F(node_with_lines, what_was_missed_before_the_clock_went_back_goes_before_what_came_since) {
  std::atomic<bool> works{false};
  receiver shop{[&](std::size_t, const http::request&) { return works ? ok() : no(); }};
  auto id = create();
  add_and_disable(id, shop.url());
  ASSERT_TRUE(submit(id, mock::clock_command{mock::advance_clock{events::duration{10h}}}));
  ASSERT_TRUE(eventually([&] { return clock_mode(id) == "running"; }));
  for (int i = 1; i < 6; ++i)
    ASSERT_TRUE(emit(id, body(i)));
  ASSERT_TRUE(submit(id, mock::clock_command{mock::reset_clock{}}));
  works = true;
  ASSERT_TRUE(submit(id, mock::clock_command{mock::advance_clock{events::duration{2h}}}));
  ASSERT_TRUE(eventually([&] { return count(history(id), kind::destination_recovered) == 1; }));
  for (int i = 6; i < 10; ++i)
    ASSERT_TRUE(emit(id, body(i)));
  ASSERT_TRUE(eventually([&] { return first_seen(shop.came()).size() == 10; }));
  EXPECT_EQ(first_seen(shop.came()), up_to(10));
}

} // namespace
