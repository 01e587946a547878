#include "breakable_store.hpp"
#include "scripts_fixture.hpp"

#include "actors/late_answers.hpp"
#include "actors/testing.hpp"
#include "events/codec.hpp"

#include <numeric>
#include <thread>

// What a script wants beside its answer: webhooks, which its request's append has or nobody has, and that it be late.
namespace {

using namespace hourglass;
using namespace hourglass::test;
using events::kind;
using nlohmann::json;

using emitting = with_scripts<breakable_node_test>;

constexpr auto emits_two =
  "const n = ($func.mock.find('counters', 'a') ?? 0) + 1; $func.mock.put('counters', 'a', n);"
  "$func.sbx.webhook.emit('pet.created', {n: 1}); $func.sbx.webhook.emit('pet.named', {n: 2}); $resp.status = 201";

std::vector<kind> kinds_in(const storage::record_batch& b) {
  std::vector<kind> out;
  for (const auto& r : b.records)
    out.push_back(events::decode(r)->header.kind);
  return out;
}

TEST_F(emitting, messages_are_delivered_and_durable_before_the_answer) {
  receiver hook{receiver::always(ok())};
  auto id = with_handler(emits_two);
  add_destination(id, hook.url());
  auto r = get(id, "/run");
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(r->status, 201U);
  std::vector<std::string> order;
  for (const auto& e : history(id))
    if (e.header.kind != kind::attempt_finished && (e.header.principal == "mock" || e.header.kind == kind::message_created)) {
      order.emplace_back(events::to_string(e.header.kind));
      EXPECT_EQ(e.header.correlation, "test");
    }
  EXPECT_EQ(order, (std::vector<std::string>{"request.served", "data.put", "message.created", "message.created"}));
  ASSERT_TRUE(hook.wait_for(2));
  std::set<std::string> bodies;
  for (const auto& c : hook.came())
    bodies.insert(c.body);
  EXPECT_EQ(bodies, (std::set<std::string>{R"({"n":1})", R"({"n":2})"}));
}

TEST_F(emitting, messages_stand_in_the_append_of_their_request) {
  auto id = with_handler(emits_two);
  std::mutex mutex;
  std::vector<std::vector<kind>> appends;
  disk_->judge_writes([&](std::span<const storage::record_batch> batches) -> std::optional<events::error> {
    std::lock_guard guard{mutex};
    for (const auto& b : batches)
      if (!b.records.empty())
        appends.push_back(kinds_in(b));
    return std::nullopt;
  });
  ASSERT_TRUE(get(id, "/run"));
  std::lock_guard guard{mutex};
  EXPECT_EQ(appends, (std::vector<std::vector<kind>>{{kind::request_served, kind::data_put, kind::message_created, kind::message_created}}));
}

TEST_F(emitting, a_kill_behind_its_requests_write_loses_no_message) {
  receiver hook{receiver::always(ok())};
  auto id = with_handler(emits_two);
  add_destination(id, hook.url());
  disk_->cut_after_next = true;
  (void)get(id, "/run");
  kill();
  EXPECT_EQ(served(id).size(), 1U);
  EXPECT_EQ(count(history(id), kind::message_created), 2U);
  ASSERT_TRUE(get(id, "/other")) << "somebody wakes it";
  EXPECT_TRUE(hook.wait_for(2));
}

TEST_F(emitting, what_the_disk_refuses_leaves_neither_request_nor_message) {
  auto id = with_handler(emits_two);
  std::atomic<bool> refuses{true};
  disk_->judge_writes([&](std::span<const storage::record_batch> batches) -> std::optional<events::error> {
    for (const auto& b : batches)
      for (auto k : kinds_in(b))
        if (refuses && k == kind::message_created)
          return events::error{events::errc::unavailable, "the test's disk is full", {}};
    return std::nullopt;
  });
  auto r = get(id, "/run");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, events::errc::unavailable) << r.error().detail;
  EXPECT_TRUE(served(id).empty());
  refuses = false;
  EXPECT_TRUE(eventually([&] {
    auto again = get(id, "/run");
    return again && again->status == 201U;
  }));
  EXPECT_EQ(data_of(id)["counters"]["a"], 1) << "what the refused one wrote is gone";
  EXPECT_EQ(count(history(id), kind::message_created), 2U);
}

TEST_F(emitting, messages_are_created_on_the_clock_of_the_moment_they_are_decided) {
  auto id = with_handler("for (let i = 0; i < 1000000; i++); $func.sbx.webhook.emit('pet.created', {})");
  std::vector<promised<mock::response>> answers(8);
  for (auto& a : answers) { // each waits for the scripts before it
    ask(id, a);
  }
  ASSERT_TRUE(submit(id, mock::clock_command{mock::advance_clock{events::duration{std::chrono::hours{1}}}}));
  for (auto& a : answers)
    ASSERT_TRUE(a.get());
  std::optional<events::virtual_time> advanced;
  std::size_t behind = 0;
  for (const auto& e : history(id)) {
    if (e.header.kind == kind::clock_advance_finished)
      advanced = e.header.virtual_;
    if (e.header.kind == kind::message_created && advanced) {
      ++behind;
      EXPECT_GE(e.header.virtual_, *advanced);
    }
  }
  EXPECT_GT(behind, 0U) << "the scripts were quicker than the clock: nothing was shown";
}

TEST_F(emitting, a_crash_of_outbox_or_data_leaves_no_request_without_its_messages) {
  auto id = with_handler(emits_two);
  std::atomic<int> created{0};
  std::vector<std::thread> clients;
  for (int c = 0; c < 8; ++c)
    clients.emplace_back([&] {
      for (int i = 0; i < 20; ++i)
        if (auto r = get(id, "/run"); r && r->status == 201)
          ++created;
    });
  for (const auto* who : {"outbox", "data", "outbox"}) {
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
    actors::testing::crash_child_of(*node_, id, who);
  }
  for (auto& c : clients)
    c.join();
  EXPECT_EQ(get(id, "/run")->status, 201U);
  const auto all = served(id);
  const auto emitted = std::accumulate(all.begin(), all.end(), std::size_t{0}, [](std::size_t n, const auto& s) { return n + s.script->emitted.size(); });
  EXPECT_EQ(emitted, 2 * all.size());
  EXPECT_EQ(count(history(id), kind::message_created), emitted);
  EXPECT_EQ(data_of(id)["counters"]["a"], static_cast<int>(all.size()));
  EXPECT_GE(all.size(), static_cast<std::size_t>(created)) << "what was acknowledged is there";
}

/// Counts the outcomes that it has brought.
class counting_engine : public mock::script_engine {
public:
  explicit counting_engine(std::shared_ptr<mock::script_engine> real) : real_(std::move(real)) {}
  void run(mock::script_task task, on_outcome done) override {
    real_->run(std::move(task), [brought = brought, done = std::move(done)](mock::script_outcome o) {
      done(std::move(o));
      ++*brought;
    });
  }
  void check(std::string name, std::string source, mock::script_form form, on_checked done) override {
    real_->check(std::move(name), std::move(source), form, std::move(done));
  }
  void stop() override { real_->stop(); }
  const std::shared_ptr<std::atomic<int>> brought = std::make_shared<std::atomic<int>>(0);

private:
  std::shared_ptr<mock::script_engine> real_;
};

/// The outbox reads nothing that is sent to it until told.
class emitting_slowly : public emitting {
protected:
  void configure(actors::node_options& o) override {
    emitting::configure(o);
    auto counted = std::make_shared<counting_engine>(std::move(o.scripts));
    brought_ = counted->brought;
    o.scripts = std::move(counted);
    o.workers = 2; // the outbox keeps one
  }
  void hold_outbox(const events::sandbox_id& id) {
    std::promise<void> held;
    node_->read(id, actors::look<webhook::outbox_state>{[this, &held](const webhook::outbox_state&, events::virtual_time) -> events::outcome<std::string> {
                  held.set_value();
                  open_.wait();
                  return "{}";
                }},
                looked_.callback());
    held.get_future().wait();
  }
  /// Under way, and as a rule with the outbox by the time this returns.
  void ask(const events::sandbox_id& id, promised<mock::response>& p) {
    const int before = *brought_;
    emitting::ask(id, p);
    EXPECT_TRUE(eventually([&] { return *brought_ > before; }));
    std::this_thread::sleep_for(std::chrono::milliseconds{300}); // two messages
  }
  void expect_that_nothing_happened_and_all_is_well(const events::sandbox_id& id, events::outcome<mock::response> r) {
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().code, events::errc::abandoned) << r.error().detail;
    EXPECT_TRUE(served(id).empty());
    auto again = get(id, "/run");
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_EQ(again->status, 201U);
    EXPECT_EQ(count(history(id), kind::message_created), 2U);
    EXPECT_EQ(data_of(id)["counters"]["a"], 1);
    EXPECT_EQ(node_->counters().degraded, 0U);
  }

  gate open_;
  promised<actors::receipt> looked_;
  std::shared_ptr<std::atomic<int>> brought_;
};

TEST_F(emitting_slowly, a_crash_of_the_outbox_before_it_decides_answers_the_caller_and_changes_nothing) {
  auto id = with_handler(emits_two);
  promised<mock::response> p;
  hold_outbox(id);
  actors::testing::crash_child_of(*node_, id, "outbox"); // is read next
  ask(id, p);
  open_.open();
  expect_that_nothing_happened_and_all_is_well(id, p.get());
}

TEST_F(emitting_slowly, what_a_data_actor_proposed_that_has_crashed_since_is_withdrawn_from_the_outbox) {
  auto id = with_handler(emits_two);
  promised<mock::response> p;
  hold_outbox(id);
  ask(id, p);
  const auto before = node_->counters().child_restarts;
  actors::testing::crash_child_of(*node_, id, "data");
  EXPECT_TRUE(eventually([&] { return node_->counters().child_restarts > before; }));
  open_.open();
  expect_that_nothing_happened_and_all_is_well(id, p.get());
}

TEST_F(emitting, a_replay_of_a_request_that_emits_is_the_same_and_emits_nothing) {
  auto id = with_handler(emits_two);
  ASSERT_TRUE(get(id, "/run"));
  const auto all = history(id);
  const auto at = std::find_if(all.begin(), all.end(), [](const auto& r) { return r.header.kind == kind::request_served; });
  auto again = run_again(id, at->header.seq);
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_TRUE(again->identical);
  EXPECT_EQ(history(id).size(), all.size());
}

TEST_F(emitting, a_request_that_is_too_large_for_the_log_takes_its_messages_with_it_and_no_other) {
  auto id = with_handler_that_grows(" $func.sbx.webhook.emit('a', {n});");
  ASSERT_EQ(get(id, "/run")->body, R"({"n":0})");
  expect_that_it_grows_too_large(id);
  EXPECT_EQ(get(id, "/run")->body, R"({"n":1})");
  EXPECT_EQ(count(history(id), kind::message_created), 2U);
}

class emitting_little : public emitting {
protected:
  void configure(actors::node_options& o) override {
    emitting::configure(o);
    o.pending_per_sandbox = 3;
  }
};

TEST_F(emitting_little, a_full_outbox_refuses_the_whole_request) {
  gate open;
  receiver hook{receiver::held_back(open, ok())};
  auto id = with_handler(emits_two);
  add_destination(id, hook.url());
  ASSERT_EQ(get(id, "/run")->status, 201U);
  auto refused = get(id, "/run");
  ASSERT_FALSE(refused) << "two more would be four";
  EXPECT_EQ(refused.error().code, events::errc::overloaded);
  EXPECT_NE(refused.error().detail.find("pending_per_sandbox"), std::string::npos) << refused.error().detail;
  EXPECT_EQ(served(id).size(), 1U);
  EXPECT_EQ(count(history(id), kind::message_created), 2U) << "not one of the two either";
  EXPECT_EQ(data_of(id)["counters"]["a"], 1);
  open.open();
  EXPECT_TRUE(eventually([&] {
    auto r = get(id, "/run");
    return r && r->status == 201U;
  }));
  EXPECT_EQ(data_of(id)["counters"]["a"], 2);
}

TEST_F(emitting, an_answer_that_chaos_holds_back_is_durable_meanwhile_and_comes) {
  auto id = with_handler("$func.sbx.chaos.applyFromHeader('latency=300'); $func.sbx.webhook.emit('a', {}); $resp.body = 'late'");
  promised<mock::response> p;
  auto answered = p.promise->get_future();
  mock::request r;
  r.method = "GET";
  r.target = "/run";
  const auto began = std::chrono::steady_clock::now();
  node_->serve(id, std::move(r), {"mock", "t"}, p.callback());
  EXPECT_TRUE(eventually([&] { return count(history(id), kind::message_created) == 1; }));
  const bool held = answered.wait_for(std::chrono::seconds{0}) == std::future_status::timeout;
  const auto durable_after = std::chrono::steady_clock::now() - began;
  EXPECT_EQ(wait(std::move(answered))->body, "late");
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds{300});
  EXPECT_TRUE(held || durable_after >= std::chrono::milliseconds{300}) << "it is in the log before it is out";
}

TEST_F(emitting, answers_that_chaos_holds_back_are_given_when_asked_and_none_is_held_back_from_then_on) {
  auto id = with_handler("$func.sbx.chaos.applyFromHeader('latency=60000'); $resp.body = 'late'");
  promised<mock::response> before, after;
  ask(id, before);
  EXPECT_TRUE(eventually([&] { return served(id).size() == 1; }));
  actors::give_late_answers(*node_);
  EXPECT_EQ(before.get()->body, "late");
  ask(id, after);
  EXPECT_EQ(after.get()->body, "late");
}

TEST_F(emitting, an_answer_that_chaos_holds_back_comes_when_the_node_stops) {
  auto id = with_handler("$func.sbx.chaos.applyFromHeader('latency=60000'); $resp.body = 'late'");
  promised<mock::response> p;
  ask(id, p);
  EXPECT_TRUE(eventually([&] { return served(id).size() == 1; }));
  node_->stop(std::chrono::milliseconds{0});
  auto late = p.get();
  ASSERT_TRUE(late) << late.error().detail;
  EXPECT_EQ(late->body, "late");
}

class holding_little : public with_scripts<node_test> {
protected:
  void configure(actors::node_options& o) override {
    with_scripts<node_test>::configure(o);
    o.bytes_per_sandbox = 10'000;
  }
};

TEST_F(holding_little, a_sandbox_whose_scripts_are_slow_holds_only_so_many_bytes_and_others_are_let_in) {
  auto slow = with_handler("for (;;) {}"), other = with_handler("$resp.body = 1");
  promised<mock::response> first, second, third, elsewhere;
  ask(slow, first, 5'000);
  ask(slow, second, 5'000);
  auto refused = second.get();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, events::errc::overloaded);
  EXPECT_NE(refused.error().detail.find("in_flight_bytes_per_sandbox"), std::string::npos) << refused.error().detail;
  ask(other, elsewhere, 5'000);
  EXPECT_EQ(elsewhere.get()->body, "1");
  EXPECT_EQ(first.get()->status, 500U);
  ask(slow, third, 5'000);
  EXPECT_EQ(third.get()->status, 500U) << "the first has given its bytes back";
  promised<actors::receipt> change;
  node_->submit(other, mock::data_command{mock::put_item{"a", "b", "1"}}, {"admin", "t", nullptr, 20'000}, change.callback());
  EXPECT_EQ(change.get().error().code, events::errc::overloaded);
}

TEST_F(holding_little, an_answer_that_would_be_too_much_to_hold_back_is_given_at_once) {
  auto id = with_handler("$func.sbx.chaos.applyFromHeader('latency=60000'); $resp.body = 'x'.repeat(6000)");
  promised<mock::response> held, at_once;
  ask(id, held);
  EXPECT_TRUE(eventually([&] { return served(id).size() == 1; }));
  ask(id, at_once);
  EXPECT_EQ(at_once.get()->body.size(), 6'000U);
  actors::give_late_answers(*node_);
  EXPECT_EQ(held.get()->body.size(), 6'000U);
}

TEST_F(holding_little, who_is_answered_may_come_again_at_once) {
  auto id = with_handler("$resp.body = 1");
  promised<mock::response> again;
  mock::request first;
  first.method = "GET";
  first.target = "/run";
  first.body.assign(6'000, 'x');
  node_->serve(id, std::move(first), {"mock", "t"}, [&](const events::outcome<mock::response>& r) {
    EXPECT_TRUE(r);
    ask(id, again, 6'000);
  });
  auto r = again.get();
  EXPECT_TRUE(r) << r.error().detail;
}

} // namespace
