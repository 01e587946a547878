#include "node_fixture.hpp"

#include "replay/snapshot.hpp"

#include <array>

namespace {

using namespace hourglass;
using namespace hourglass::test;
using namespace std::chrono_literals;
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

TEST_F(node_test, an_advance_over_a_backlog_goes_by_the_second_and_sends_each_when_it_is_due_or_within_a_second) {
  constexpr std::size_t messages = 400;
  auto id = create();
  std::atomic<bool> down{true};
  receiver shop{[&](std::size_t, const http::request&) { return down ? no() : ok(); }};
  add_destination(id, shop.url());
  ASSERT_TRUE(submit(id, mock::clock_command{mock::freeze_clock{}})); // or a machine that is busy spreads them over a minute
  for (std::size_t i = 0; i < messages; ++i)
    ASSERT_TRUE(emit(id));
  ASSERT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) >= messages && outbox(id)["inFlight"] == 0; }));
  down = false;
  ASSERT_TRUE(submit(id, mock::clock_command{mock::advance_clock{events::duration{12h}}}));
  ASSERT_TRUE(eventually([&] { return outbox(id)["pendingDeliveries"] == 0 && clock_mode(id) == "frozen"; }));
  const auto all = history(id);
  std::map<std::string, events::virtual_time> due;
  for (const auto& r : all) {
    if (r.header.kind != kind::attempt_finished)
      continue;
    const auto a = std::get<webhook::attempt_finished>(*webhook::decode(r));
    if (a.next) {
      due[a.message.id] = *a.next;
    } else {
      EXPECT_GE(r.header.virtual_, due.at(a.message.id));
      EXPECT_LE(r.header.virtual_.us, due.at(a.message.id).us + 1'000'000);
    }
  }
  EXPECT_EQ(due.size(), messages);
  EXPECT_LT(count(all, kind::clock_moved), messages / 2) << "but for the last hundred not one by one";
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

// -- what is decided while the clock goes back ---------------------------------------------------

class node_with_workers : public node_test {
protected:
  void configure(actors::node_options& o) override { o.workers = 4; }
};

TEST_F(node_with_workers, what_an_attempt_leads_to_comes_along_when_the_clock_goes_back_before_it_is_written) {
  gate answer;
  receiver slow{receiver::held_back(answer, {503, {{"Retry-After", "600"}}, ""})};
  auto id = create();
  webhook::create_destination c;
  c.value.url = slow.url();
  c.value.schedule = std::vector<events::duration>(3, 1h);
  c.value.protection = webhook::protection_policy::compile(nlohmann::json::parse(R"({"slowDown":{}})")).value();
  ASSERT_TRUE(submit(id, webhook::command{c}));
  ASSERT_TRUE(submit(id, mock::clock_command{mock::advance_clock{events::duration{240h}}}));
  ASSERT_TRUE(eventually([&] { return clock_mode(id) == "running"; }));
  ASSERT_TRUE(emit(id));
  ASSERT_TRUE(eventually([&] { return node_->counters().attempts_in_flight == 1; }));
  // The sandbox is held up twice: the reset reaches the clock between the two, and during the second both it and the outbox propose.
  std::array<gate, 2> entered, leave;
  auto hold_up = [&](std::size_t i) {
    node_->read(id, actors::look<mock::settings_state>{[&, i](const mock::settings_state&, events::virtual_time) -> events::outcome<std::string> {
                  entered[i].open();
                  leave[i].wait();
                  return std::string{"{}"};
                }},
                [](const events::outcome<actors::receipt>&) {});
  };
  promised<actors::receipt> reset;
  hold_up(0);
  entered[0].wait();
  node_->submit(id, mock::clock_command{mock::reset_clock{}}, {"admin", "test"}, reset.callback());
  hold_up(1);
  leave[0].open();
  entered[1].wait();
  std::this_thread::sleep_for(50ms); // the clock has proposed its reset, and does not say so
  answer.open();
  ASSERT_TRUE(eventually([&] { return node_->counters().attempts_in_flight == 0; }));
  std::this_thread::sleep_for(50ms);
  leave[1].open();
  ASSERT_TRUE(reset.get());
  ASSERT_TRUE(eventually([&] { return count(history(id), events::kind::attempt_finished) == 1; }));
  const auto all = history(id);
  const auto& written = all.back();
  ASSERT_EQ(written.header.kind, events::kind::attempt_finished) << "behind the reset";
  auto a = std::get<webhook::attempt_finished>(*webhook::decode(written));
  ASSERT_TRUE(a.next && a.hold);
  EXPECT_LT(a.next->us, written.header.virtual_.us + events::duration{2h}.count()) << "an hour, not ten days";
  EXPECT_LE(a.hold->us, written.header.virtual_.us + events::duration{10min}.count());
  auto next = outbox(id)["endpoints"][0]["pending"][0]["due"];
  EXPECT_EQ(next, events::to_rfc3339(*a.next)) << "memory has what the log says";
  reopen();
  EXPECT_EQ(outbox(id)["endpoints"][0]["pending"][0]["due"], next);
}

TEST_F(node_test, a_rate_goes_by_the_nodes_time_while_the_clock_stands) {
  receiver shop{receiver::always(ok())};
  auto id = create();
  webhook::create_destination c;
  c.value.url = shop.url();
  c.value.rate_limit = 20;
  ASSERT_TRUE(submit(id, webhook::command{c}));
  ASSERT_TRUE(submit(id, mock::clock_command{mock::freeze_clock{}}));
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 11; ++i)
    ASSERT_TRUE(emit(id));
  ASSERT_TRUE(shop.wait_for(11)) << "none waits for the clock to move";
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 480ms) << "and they do not go at once";
  EXPECT_EQ(clock_mode(id), "frozen");
}

} // namespace
