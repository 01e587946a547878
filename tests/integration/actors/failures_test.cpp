#include "breakable_store.hpp"

#include <thread>

/// What a sandbox does when the disk, the log or one of its own parts fails it.
namespace {

using namespace hourglass;
using namespace std::chrono_literals;
using events::kind;
using test::gate, test::ok, test::receiver;

class failures_test : public test::breakable_node_test {
protected:
  void configure(actors::node_options& o) override { o.workers = 2; }
  void prepare(test::breakable_store& disk) override {
    if (fails_)
      fails_(disk);
  }
  std::function<void(test::breakable_store&)> fails_;

  /// Returns once the outbox has handled everything that it was told before.
  void outbox_has_caught_up(const events::sandbox_id& id) {
    auto seen = std::make_shared<gate>();
    node_->read(id, actors::look<webhook::outbox_state>{[seen](const webhook::outbox_state&, events::virtual_time) -> events::outcome<std::string> {
                  seen->open();
                  return std::string{"{}"};
                }},
                [](const events::outcome<actors::receipt>&) {});
    seen->wait();
  }
  /// A sandbox of which `shop` has the message, and the log only that there is one.
  events::sandbox_id with_unrecorded_attempt(receiver& shop) {
    auto id = create();
    add_destination(id, shop.url());
    disk_->cut_after_next = true;
    EXPECT_TRUE(emit(id));
    EXPECT_TRUE(shop.wait_for(1));
    return id;
  }
  std::string message_of(const events::outcome<actors::receipt>& sent) { return nlohmann::json::parse(sent->reply)["id"].get<std::string>(); }
};

// -- nothing leaves before what led to it is durable --------------------------------------------

TEST_F(failures_test, a_resend_that_does_not_become_durable_sends_nothing) {
  auto id = create();
  receiver shop{receiver::always(ok())};
  auto dest = add_destination(id, shop.url());
  auto sent = emit(id);
  ASSERT_TRUE(sent);
  ASSERT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 1; }));
  gate entered, leave;
  disk_->judge_writes([&, first = std::make_shared<std::atomic<bool>>(true)](std::span<const storage::record_batch>) -> std::optional<events::error> {
    if (!first->exchange(false))
      return std::nullopt;
    entered.open();
    leave.wait();
    return events::error{events::errc::unavailable, "not now", {}};
  });
  promised<actors::receipt> answer;
  node_->submit(id, webhook::command{webhook::resend{{message_of(sent), sent->last, "thing.happened", 7}, dest}}, {"admin", "test"}, answer.callback());
  entered.wait();
  outbox_has_caught_up(id);
  EXPECT_EQ(node_->counters().attempts, 1U);
  leave.open();
  ASSERT_FALSE(answer.get());
  ASSERT_TRUE(eventually([&] { return emit(id).has_value(); }));
  ASSERT_TRUE(shop.wait_for(2));
  EXPECT_NE(http::find(shop.came()[1].headers, "webhook-id"), message_of(sent));
}

// -- parts that crash ------------------------------------------------------------------------------

TEST_F(failures_test, an_advance_ends_though_the_outbox_crashed_in_it) {
  gate answer;
  receiver slow{receiver::held_back(answer, ok(), 1)};
  auto id = with_attempt_under_way(slow);
  ASSERT_TRUE(submit(id, mock::clock_command{mock::advance_clock{events::duration{1h}}}));
  outbox_has_caught_up(id);
  ASSERT_TRUE(actors::testing::crash_child_of(*node_, id, "outbox"));
  ASSERT_TRUE(eventually([&] { return node_->counters().child_restarts == 1; }));
  answer.open();
  EXPECT_TRUE(eventually([&] { return clock_mode(id) == "running"; }));
}

TEST_F(failures_test, an_advance_ends_though_the_clock_crashed_in_it) {
  gate answer;
  receiver slow{receiver::held_back(answer, ok())};
  auto id = with_attempt_under_way(slow);
  ASSERT_TRUE(submit(id, mock::clock_command{mock::advance_clock{events::duration{1h}}}));
  ASSERT_TRUE(actors::testing::crash_child_of(*node_, id, "clock"));
  ASSERT_TRUE(eventually([&] { return node_->counters().child_restarts == 1; }));
  answer.open();
  EXPECT_TRUE(eventually([&] { return clock_mode(id) == "running"; }));
  EXPECT_EQ(count(history(id), kind::clock_advance_finished), 1U);
}

// -- a log that cannot be read ------------------------------------------------------------------------

TEST_F(failures_test, a_body_that_cannot_be_read_is_read_again) {
  receiver shop{receiver::always(ok())};
  auto id = with_unrecorded_attempt(shop);
  fails_ = [](test::breakable_store& disk) { disk.failing_reads = 2; };
  kill();
  EXPECT_TRUE(shop.wait_for(2));
  EXPECT_EQ(disk_->failing_reads, 0);
  EXPECT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 1; }));
}

TEST_F(failures_test, a_body_that_is_not_what_was_written_degrades_its_sandbox) {
  receiver shop{receiver::always(ok())};
  auto id = with_unrecorded_attempt(shop);
  fails_ = [](test::breakable_store& disk) { disk.corrupt_reads = true; };
  kill();
  EXPECT_TRUE(eventually([&] { return node_->counters().degraded == 1; }));
  auto r = get(id, "/hello");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, events::errc::unavailable);
}

class failing_recovery : public failures_test, public ::testing::WithParamInterface<const char*> {};

TEST_P(failing_recovery, goes_on_without_a_visitor_when_the_log_can_be_read_again) {
  auto id = create();
  receiver shop{receiver::always(ok())};
  ASSERT_TRUE(emit(id));
  auto dest = add_destination(id, shop.url());
  (std::string{GetParam()} == "throwing" ? disk_->throwing_look_ups : disk_->failing_look_ups) = 1;
  ASSERT_TRUE(submit(id, webhook::command{webhook::start_recovery{dest, events::virtual_time{0}, std::nullopt, webhook::recovery_scope::missing, {}}}));
  EXPECT_TRUE(shop.wait_for(1));
  EXPECT_TRUE(eventually([&] { return count(history(id), kind::recovery_finished) == 1; }));
}

INSTANTIATE_TEST_SUITE_P(each, failing_recovery, ::testing::Values("failing", "throwing"), [](const auto& i) { return std::string{i.param}; });

TEST_F(failures_test, what_was_dead_before_a_recovery_read_it_is_sent_though_another_recovery_is_reading) {
  std::atomic<bool> works{false};
  receiver shop{[&](std::size_t, const http::request&) { return works ? ok() : test::no(); }};
  auto id = create();
  webhook::create_destination c;
  c.value.url = shop.url();
  c.value.filter_types = {"other.thing"};
  auto other = submit(id, webhook::command{c});
  ASSERT_TRUE(other);
  c.value.filter_types.clear();
  c.value.schedule.emplace();
  auto made = submit(id, webhook::command{c});
  ASSERT_TRUE(made);
  auto id_of = [](const actors::receipt& r) { return nlohmann::json::parse(r.reply)["id"].get<std::string>(); };
  auto recover = [&](const std::string& dest) {
    return submit(id, webhook::command{webhook::start_recovery{dest, {0}, std::nullopt, webhook::recovery_scope::failed, {}}});
  };
  disk_->failing_look_ups = 1; // the other is read again after a second, and counts as being read until then
  ASSERT_TRUE(recover(id_of(*other)));
  ASSERT_TRUE(eventually([&] { return disk_->failing_look_ups == 0; }));
  ASSERT_TRUE(emit(id));
  ASSERT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 1; }));
  works = true;
  ASSERT_TRUE(recover(id_of(*made)));
  ASSERT_TRUE(eventually([&] { return count(history(id), kind::recovery_finished) == 2; }));
  EXPECT_TRUE(shop.wait_for(2)) << "the letter";
  EXPECT_TRUE(eventually([&] { return outbox(id)["pendingDeliveries"] == 0; }));
}

// -- what takes long -----------------------------------------------------------------------------------

class one_worker : public failures_test {
protected:
  void configure(actors::node_options& o) override { o.workers = 1; }
};

TEST_F(one_worker, a_sandbox_that_takes_long_to_wake_keeps_its_own_requests_waiting_and_nobody_elses) {
  auto slow = create();
  auto quick = create();
  put_hello(slow);
  put_hello(quick);
  gate entered, leave;
  fails_ = [&, first = std::make_shared<std::atomic<bool>>(true)](test::breakable_store& disk) {
    disk.before_loading([&, first](const events::sandbox_id& who) {
      if (who == slow && first->exchange(false)) {
        entered.open();
        leave.wait();
      }
    });
  };
  kill();
  promised<mock::response> late;
  mock::request r;
  r.method = "GET";
  r.target = "/hello";
  node_->serve(slow, std::move(r), {"mock", "test"}, late.callback());
  entered.wait();
  EXPECT_TRUE(get(quick, "/hello"));
  EXPECT_EQ(count(history(slow), kind::request_served), 0U);
  leave.open();
  auto answer = late.get();
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->status, 200U);
}

TEST_F(one_worker, a_document_is_imported_by_way_of_the_readers) {
  auto id = create();
  auto leave = std::make_shared<gate>(); // a reader thread may come to it when the test has ended
  for (int i = 0; i < 2; ++i)            // every reader thread
    node_->post([leave] { leave->wait(); });
  promised<actors::receipt> import;
  node_->submit(id, mock::endpoint_command{mock::import_openapi{R"({"openapi":"3.0.0","info":{"title":"t","version":"1"},"paths":{"/i":{"get":{"responses":{"204":{}}}}}})", {}}},
                {"admin", "test"}, import.callback());
  put_hello(id); // overtakes it: nothing of the sandbox is kept busy
  leave->open();
  auto r = import.get();
  ASSERT_TRUE(r) << r.error().detail;
  auto all = history(id);
  EXPECT_EQ(all.back().header.kind, kind::openapi_imported);
  auto bad = submit(id, mock::endpoint_command{mock::import_openapi{"[]", {}}});
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, events::errc::invalid);
}

// -- more than fits --------------------------------------------------------------------------------------

TEST_F(failures_test, many_large_messages_that_waited_for_each_other_are_all_taken) {
  auto id = create();
  gate busy, leave, all_are_there;
  // The outbox is held up, so that all of them wait and are decided together.
  node_->read(id, actors::look<webhook::outbox_state>{[&](const webhook::outbox_state&, events::virtual_time) -> events::outcome<std::string> {
                busy.open();
                leave.wait();
                return std::string{"{}"};
              }},
              [](const events::outcome<actors::receipt>&) {});
  busy.wait();
  std::vector<promised<actors::receipt>> answers(70);
  webhook::create_message m;
  m.event_type = "thing.happened";
  m.payload = R"({"filler":")" + std::string(1'000'000, 'x') + R"("})";
  for (auto& a : answers)
    node_->submit(id, webhook::command{m}, {"admin", "test"}, a.callback());
  node_->read(id, actors::look<mock::settings_state>{[&](const mock::settings_state&, events::virtual_time) -> events::outcome<std::string> {
                all_are_there.open();
                return std::string{"{}"};
              }},
              [](const events::outcome<actors::receipt>&) {});
  all_are_there.wait();
  leave.open();
  for (auto& a : answers) {
    auto r = a.get();
    EXPECT_TRUE(r) << r.error().detail;
  }
}

// -- the end ------------------------------------------------------------------------------------------------

TEST_F(failures_test, a_sandbox_that_is_woken_while_the_node_stops_does_not_keep_it) {
  auto id = create();
  gate looking, look;
  disk_->edit_due([&, first = std::make_shared<std::atomic<bool>>(true)](std::vector<storage::due_entry>& seen) {
    if (!first->exchange(false))
      return;
    looking.open();
    look.wait();
    seen.push_back({events::wall_time{1}, id});
  });
  actors::testing::ask_to_sleep(*node_, id);
  looking.wait();
  // CAF wants its system to end on the thread that made it, so the rest goes on another.
  auto other = std::async(std::launch::async, [&] {
    auto stopping = eventually([&] {
      auto r = get(id, "/");
      return !r && r.error().code == events::errc::unavailable;
    });
    // Some rounds through the readers' threads, or until they are closed: a node that did not wait for its caretaker has long passed on.
    for (int i = 0; i < 1'000; ++i) {
      auto ran = std::make_shared<std::promise<void>>();
      auto done = ran->get_future();
      node_->post([ran] { ran->set_value(); });
      ran.reset();
      try {
        done.get();
      } catch (const std::future_error&) {
        break;
      }
    }
    look.open();
    return stopping;
  });
  node_->stop(0ms); // or never comes back
  EXPECT_TRUE(other.get());
}

TEST_F(failures_test, a_node_that_stops_under_load_answers_every_caller) {
  auto id = create();
  put_hello(id);
  std::atomic<int> asked{0}, answered{0};
  std::vector<std::thread> clients;
  for (int c = 0; c < 4; ++c)
    clients.emplace_back([&] {
      for (bool up = true; up;) {
        ++asked;
        auto r = get(id, "/hello");
        up = r || r.error().code != events::errc::unavailable;
        answered += r || r.error().code != events::errc::timeout ? 1 : 0;
      }
    });
  ASSERT_TRUE(eventually([&] { return answered > 100; }));
  node_->stop(0ms);
  for (auto& c : clients)
    c.join();
  EXPECT_EQ(answered, asked);
}

} // namespace
