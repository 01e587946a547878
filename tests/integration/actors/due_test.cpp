#include "breakable_store.hpp"

/// While anything of a sandbox is pending, an entry of the due index stands that is not later: without it a crash leaves a webhook to a visitor.
namespace {

using namespace hourglass;
using namespace std::chrono_literals;
using events::kind;
using test::gate, test::no, test::ok, test::receiver;

class due_test : public test::breakable_node_test {
protected:
  void configure(actors::node_options& o) override {
    if (pages_of_ != 0)
      o.due_at_once = pages_of_;
  }
  void prepare(test::breakable_store& disk) override {
    disk.ages = disk.blind = young_;
    if (prepare_)
      prepare_(disk);
  }
  void SetUp() override {
    young_ = true; // the first node writes entries that the second finds to be old, and sees none itself
    test::breakable_node_test::SetUp();
    young_ = false;
  }

  std::size_t pages_of_ = 0;
  std::function<void(test::breakable_store&)> prepare_;

private:
  bool young_ = true;
};

TEST_F(due_test, entries_are_dropped_only_when_everyone_in_them_has_a_new_one_however_many_they_are) {
  receiver failing{receiver::always(no())};
  std::set<events::sandbox_id> all;
  for (int i = 0; i < 5; ++i)
    all.insert(with_pending(failing, 2h));
  pages_of_ = 2;
  kill();
  ASSERT_TRUE(eventually([&] { return old_entries_are_gone(); }));
  EXPECT_EQ(due_between(1h, 3h), all);
}

TEST_F(due_test, an_entry_that_comes_when_the_others_have_been_looked_at_is_not_dropped_with_them) {
  receiver failing{receiver::always(no())};
  auto early = with_pending(failing, 2h);
  auto late = with_pending(failing, 2h);
  prepare_ = [late, looks = std::make_shared<std::atomic<int>>(0)](test::breakable_store& disk) {
    disk.edit_due([late, looks](std::vector<storage::due_entry>& seen) {
      if (looks->fetch_add(1) == 0)
        std::erase_if(seen, [&](const auto& e) { return e.sandbox == late; });
    });
  };
  kill();
  ASSERT_TRUE(eventually([&] { return old_entries_are_gone(); }));
  EXPECT_EQ(due_between(1h, 3h), (std::set{early, late}));
}

TEST_F(due_test, a_new_entry_that_could_not_be_written_keeps_the_old_one) {
  receiver failing{receiver::always(no())};
  auto id = with_pending(failing, 2h);
  prepare_ = [left = std::make_shared<std::atomic<int>>(1)](test::breakable_store& disk) {
    disk.judge_writes([left](std::span<const storage::record_batch> batches) -> std::optional<events::error> {
      for (const auto& b : batches)
        if (b.due && b.records.empty() && left->fetch_sub(1) > 0)
          return events::error{events::errc::unavailable, "not now", {}};
      return std::nullopt;
    });
  };
  kill();
  ASSERT_TRUE(eventually([&] { return old_entries_are_gone(); }));
  EXPECT_EQ(due_between(1h, 3h), std::set{id});
}

TEST_F(due_test, a_killed_node_probes_without_a_visitor) {
  std::atomic<bool> works{false};
  receiver shop{[&](std::size_t, const http::request&) { return works ? ok() : no(); }};
  auto id = create();
  webhook::create_destination c;
  c.value.url = shop.url();
  c.value.schedule.emplace(3, 240h); // its retry wakes nobody in time
  c.value.protection = webhook::protection_policy::compile(nlohmann::json::parse(R"({"disable":{"failures":1,"after":0,"probe":10}})")).value();
  ASSERT_TRUE(submit(id, webhook::command{c}));
  ASSERT_TRUE(emit(id));
  ASSERT_TRUE(eventually([&] { return count(history(id), kind::destination_disabled) == 1; }));
  EXPECT_EQ(due_between(1s, 11s), std::set<events::sandbox_id>{}) << "the message's own entry is older, and stands";
  kill();
  ASSERT_TRUE(eventually([&] { return old_entries_are_gone(); }));
  EXPECT_EQ(due_between(-1s, 11s), std::set{id}) << "so the one for the probe is all that is left";
  ASSERT_EQ(shop.came().size(), 1U) << "the machine was too slow for this test";
  works = true;
  kill();
  EXPECT_TRUE(eventually([&] { return count(history(id), kind::destination_recovered) == 1; }));
  EXPECT_TRUE(eventually([&] { return count(history(id), kind::recovery_finished) == 1; }));
  EXPECT_EQ(due_between(11s, 24h * 30), std::set<events::sandbox_id>{}) << "nothing else would have woken it";
}

TEST_F(due_test, an_entry_stands_for_what_grows_too_old_before_it_may_go) {
  receiver failing{receiver::always(no())};
  auto id = create();
  webhook::create_destination c;
  c.value.url = failing.url();
  c.value.retries = webhook::retry_policy::compile(nlohmann::json::parse(R"({"schedule":[3600,86400],"jitter":0,"maximumAge":36000})")).value();
  c.value.protection = webhook::protection_policy::compile(nlohmann::json::parse(R"({"breaker":{"failures":1,"probeAfter":864000,"probeCap":864000}})")).value();
  ASSERT_TRUE(submit(id, webhook::command{c}));
  ASSERT_TRUE(emit(id));
  ASSERT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 1; }));
  kill();
  ASSERT_TRUE(eventually([&] { return old_entries_are_gone(); }));
  EXPECT_EQ(due_between(9h, 11h), std::set{id}) << "the hold lasts ten days";
}

TEST_F(due_test, a_degraded_sandbox_keeps_an_entry) {
  receiver failing{receiver::always(no())};
  auto id = with_pending(failing, 2h);
  for (std::uint64_t i = 1; i <= 6; ++i) {
    ASSERT_TRUE(actors::testing::crash_child_of(*node_, id, "data"));
    ASSERT_TRUE(eventually([&] { return node_->counters().child_restarts == i; }));
    if (i < 6) {
      ASSERT_FALSE(clock_mode(id).empty());
    }
  }
  ASSERT_TRUE(eventually([&] { return node_->counters().degraded == 1; }));
  disk_->ages = false;
  disk_->blind = false;
  ASSERT_TRUE(eventually([&] { return old_entries_are_gone(); }));
  EXPECT_EQ(due_between(-1min, 2min), std::set{id});
}

TEST_F(due_test, a_message_of_a_frozen_clock_is_sent_after_a_crash_without_a_visitor) {
  receiver shop{receiver::always(ok())};
  auto id = create();
  add_destination(id, shop.url());
  ASSERT_TRUE(submit(id, mock::clock_command{mock::freeze_clock{}}));
  disk_->cut_after_next = true;
  ASSERT_TRUE(emit(id));
  ASSERT_TRUE(shop.wait_for(1)); // and what it answered never came to be written
  kill();
  EXPECT_TRUE(shop.wait_for(2));
  EXPECT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 1; }));
}

TEST_F(due_test, a_deleted_sandbox_that_is_woken_sends_nothing_and_is_not_woken_again) {
  gate answer;
  receiver slow{receiver::held_back(answer, no())};
  auto id = with_attempt_under_way(slow);
  ASSERT_TRUE(submit(id, mock::settings_command{mock::delete_sandbox{}}));
  kill(); // in the log the message is still to be sent
  ASSERT_TRUE(eventually([&] { return old_entries_are_gone(); }));
  EXPECT_EQ(node_->counters().woken, 1U);
  EXPECT_EQ(node_->counters().attempts, 0U);
  EXPECT_EQ(due_between(-1min, 24h), std::set<events::sandbox_id>{});
  answer.open();
}

TEST_F(due_test, what_is_under_way_when_a_sandbox_is_deleted_is_not_written_down_any_more) {
  gate answer;
  receiver slow{receiver::held_back(answer, no())};
  auto id = with_attempt_under_way(slow);
  ASSERT_TRUE(submit(id, mock::settings_command{mock::delete_sandbox{}}));
  answer.open();
  ASSERT_TRUE(eventually([&] { return node_->counters().attempts_in_flight == 0; }));
  node_->stop(5s);
  EXPECT_EQ(history(id).back().header.kind, kind::sandbox_deleted);
}

TEST_F(due_test, an_expired_sandbox_is_gone_before_the_caretaker_comes_by) {
  prepare_ = [](test::breakable_store& disk) { disk.registry_hidden = true; };
  kill();
  auto id = create(R"({"ttl_seconds":1})");
  put_hello(id);
  ASSERT_TRUE(eventually([&] { return !get(id, "/hello"); }));
  EXPECT_EQ(get(id, "/hello").error().code, events::errc::not_found);
  EXPECT_TRUE(eventually([&] { return history(id).back().header.kind == kind::sandbox_deleted; }));
}

} // namespace
