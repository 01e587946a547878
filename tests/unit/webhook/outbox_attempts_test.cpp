#include "tests/unit/webhook/guarded.hpp"

#include "events/limits.hpp"

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;

TEST(attempts, the_first_is_due_at_once_and_names_all_it_needs) {
  world w;
  auto d = to("http://a.test/x");
  d.headers = {{"X-A", "1", false}};
  auto ep = w.add(d);
  auto m = w.emit();
  EXPECT_EQ(next_due(w.live), w.now);
  auto due = w.take();
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(*due[0].message, m);
  EXPECT_EQ(due[0].destination, ep);
  EXPECT_EQ(due[0].number, 1U);
  EXPECT_EQ(due[0].why, trigger::schedule);
  EXPECT_EQ(due[0].url, "http://a.test/x");
  EXPECT_EQ(due[0].headers.size(), 1U);
  EXPECT_EQ(due[0].keys.size(), 1U);
  EXPECT_EQ(due[0].deadline, limits::attempt_deadline);
  EXPECT_EQ(next_due(w.live), std::nullopt);
  EXPECT_EQ(w.live.in_flight_count(), 1U);
}

TEST(attempts, have_the_time_that_their_destination_gives) {
  world w;
  auto d = to("http://a.test/");
  d.timeout = 3;
  auto ep = w.add(d);
  w.emit();
  EXPECT_EQ(w.take().at(0).deadline, 3s);
  EXPECT_EQ(snapshot(w.folded()), snapshot(w.live));
  patch_destination p;
  p.id = ep;
  p.timeout.emplace();
  w.must(p);
  w.emit();
  EXPECT_EQ(w.take().at(0).deadline, limits::attempt_deadline) << "taken away again";
  for (std::uint32_t wrong : {0U, 31U}) {
    p.timeout.emplace(wrong);
    EXPECT_EQ(w.where_refused(p), "/timeout");
  }
}

TEST(attempts, success_ends_the_delivery) {
  world w;
  auto ep = w.add();
  w.emit();
  auto f = w.attempt(answer(204));
  EXPECT_EQ(f.follows, outcome_kind::delivered);
  EXPECT_EQ(w.live.pending_count(), 0U);
  EXPECT_EQ(w.live.in_flight_count(), 0U);
  EXPECT_EQ(w.live.counts(ep).delivered, 1U);
  EXPECT_TRUE(w.take().empty());
}

TEST(attempts, a_failing_receiver_gets_eight_within_the_spread_and_then_the_message_is_dead) {
  world w;
  auto ep = w.add();
  auto m = w.emit();
  std::vector<outcome_kind> outcomes;
  for (auto base : {0us, duration{5s}, duration{5min}, duration{30min}, duration{2h}, duration{5h}, duration{10h}, duration{10h}}) {
    auto at = next_due(w.live);
    ASSERT_TRUE(at);
    auto waited = static_cast<double>(at->us - w.now.us);
    EXPECT_GE(waited, static_cast<double>(base.count()) * 0.8);
    EXPECT_LE(waited, static_cast<double>(base.count()) * 1.2);
    w.now = {at->us - 1};
    EXPECT_TRUE(waited == 0 || w.take().empty()) << "not a microsecond early";
    w.now = *at;
    auto f = w.attempt(answer(500));
    EXPECT_EQ(f.number, outcomes.size() + 1);
    EXPECT_EQ(f.message.id, m.id) << "the same webhook-id on every attempt";
    outcomes.push_back(f.follows);
  }
  EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), outcome_kind::retry), 7);
  EXPECT_EQ(outcomes.back(), outcome_kind::dead);
  EXPECT_EQ(w.live.counts(ep).dead, 1U);
  EXPECT_EQ(w.live.counts(ep).failed_in_a_row, 8U);
  EXPECT_EQ(w.live.pending_count(), 0U);
  EXPECT_EQ(next_due(w.live), std::nullopt);
}

TEST(attempts, a_schedule_of_ones_own_is_followed_and_an_empty_one_means_once) {
  world w;
  auto d = to("http://a.test/");
  d.schedule = {{1min}};
  w.add(d);
  w.emit();
  auto f = w.attempt(answer(500));
  EXPECT_NEAR(static_cast<double>(f.next->us - w.now.us), 60e6, 12e6);
  w.now = *f.next;
  EXPECT_EQ(w.attempt(answer(500)).follows, outcome_kind::dead);

  world once;
  d.schedule->clear();
  once.add(d);
  once.emit();
  EXPECT_EQ(once.attempt(answer(500)).follows, outcome_kind::dead);
}

TEST(attempts, retry_after_is_honoured_as_a_floor) {
  world w;
  w.add();
  w.emit();
  auto f = w.attempt(answer(429, {{"Retry-After", "3600"}}));
  EXPECT_EQ(f.next->us, w.now.us + 3600'000'000LL);
  w.now = *f.next;
  f = w.attempt(answer(503, {{"retry-after", "1"}}));
  EXPECT_GE(f.next->us, w.now.us + 240'000'000LL) << "never shortens the five minutes";
}

TEST(attempts, a_redirect_and_every_transport_error_are_failures) {
  world w;
  w.add();
  for (auto r : {answer(301, {{"Location", "http://elsewhere.test/"}}), broken(http::transport_error::timeout), broken(http::transport_error::reset),
                 broken(http::transport_error::refused_by_guard)}) {
    w.emit();
    EXPECT_EQ(w.attempt(r).follows, outcome_kind::retry);
  }
}

TEST(attempts, an_endless_body_after_2xx_is_still_a_success) {
  world w;
  w.add();
  w.emit();
  auto r = answer(200);
  r.answer.truncated = true;
  EXPECT_EQ(w.attempt(r).follows, outcome_kind::delivered);
}

TEST(attempts, gone_disables_the_destination_in_the_same_decision_and_parks_the_message) {
  world w;
  auto ep = w.add();
  w.emit();
  auto due = w.take();
  auto done = w.run(finish_attempt{due[0].token, answer(410)});
  ASSERT_TRUE(done);
  ASSERT_EQ(done->drafts.size(), 2U);
  EXPECT_EQ(done->drafts[1].kind, events::kind::destination_disabled);
  EXPECT_TRUE(w.live.find(ep)->disabled);
  EXPECT_EQ(w.live.find(ep)->disabled_reason, "410 Gone");
  EXPECT_EQ(w.live.pending_count(), 1U);
  EXPECT_EQ(next_due(w.live), std::nullopt);
}

TEST(attempts, a_late_answer_changes_nothing) {
  world w;
  w.add();
  w.emit();
  auto due = w.take();
  w.finish(due[0].token, answer(200));
  auto size = w.log.size();
  for (auto token : {due[0].token, fencing_token{0}, fencing_token{12345}}) {
    auto done = w.run(finish_attempt{token, answer(500)});
    ASSERT_TRUE(done);
    EXPECT_TRUE(done->drafts.empty());
  }
  EXPECT_EQ(w.log.size(), size);
}

TEST(attempts, one_that_is_given_back_is_due_again_under_another_token) {
  world w;
  w.add();
  w.emit();
  auto first = w.take();
  give_back(w.live, first[0].token);
  auto second = w.take();
  ASSERT_EQ(second.size(), 1U);
  EXPECT_NE(first[0].token, second[0].token);
  EXPECT_EQ(second[0].number, 1U);
  EXPECT_TRUE(w.run(finish_attempt{first[0].token, answer(200)})->drafts.empty());
  EXPECT_EQ(w.finish(second[0].token, answer(200)).follows, outcome_kind::delivered);
}

TEST(attempts, the_record_is_caused_by_its_message_and_found_by_message_destination_and_id) {
  world w;
  auto ep = w.add();
  auto m = w.emit();
  auto f = w.attempt(answer(200));
  EXPECT_EQ(w.drafts[0].causation, m.seq);
  EXPECT_EQ(w.drafts[0].entities, (std::vector<std::string>{m.id, ep, f.id}));
  EXPECT_TRUE(f.id.starts_with("atmpt_"));
}

TEST(schedule, keeps_the_time_that_was_left_when_the_clock_goes_back) {
  world w;
  auto d = to("http://a.test/");
  d.schedule = std::vector<duration>{1h, 1h};
  auto ep = w.add(d);
  auto waiting = w.emit();
  auto retry = w.attempt(answer(500));
  ASSERT_EQ(retry.follows, outcome_kind::retry);
  auto fresh = w.emit(); // due at once, and in flight
  auto flying = w.take(1);
  ASSERT_EQ(flying.size(), 1U);
  duration left{retry.next->us - w.now.us};
  constexpr std::int64_t years = 2 * 31'536'000'000'000;
  events::header h;
  h.seq = w.log.size() + 1;
  h.kind = events::kind::deliveries_moved;
  auto payload = encode(deliveries_moved{-years}).payload;
  w.log.emplace_back(h, payload);
  ASSERT_TRUE(apply(w.live, h, payload));
  w.now.us -= years;
  EXPECT_TRUE(w.take().empty());
  EXPECT_EQ(next_due(w.live), w.now + left);
  EXPECT_EQ(w.live.pending(ep, waiting.seq)->due, w.now + left);
  auto f = w.finish(flying[0].token, answer(500));
  EXPECT_LT(f.next->us - w.now.us, duration{2h}.count());
  EXPECT_TRUE(w.live.pending(ep, fresh.seq));
  w.now = w.now + left;
  EXPECT_EQ(w.take(1).at(0).message->id, waiting.id);
  EXPECT_EQ(snapshot(w.live), snapshot(w.folded()));
}

// -- what was taken and has not left ---------------------------------------------------------

struct taken : guarded {
  start one() {
    auto due = take();
    EXPECT_EQ(due.size(), 1U);
    return due.empty() ? start{} : due[0];
  }
};

TEST_F(taken, is_wanted_until_its_destination_is_removed) {
  id = add();
  emit();
  auto s = one();
  EXPECT_TRUE(still_wanted(live, s.token));
  EXPECT_FALSE(still_wanted(live, s.token + 1));
  must(remove_destination{id});
  EXPECT_FALSE(still_wanted(live, s.token));
  give_back(live, s.token);
  EXPECT_EQ(live.in_flight_count(), 0U);
}

TEST_F(taken, is_not_wanted_while_its_destination_is_disabled_and_waits_until_it_is_not) {
  id = add();
  emit();
  auto s = one();
  must(switch_off(id, true));
  EXPECT_FALSE(still_wanted(live, s.token));
  give_back(live, s.token);
  EXPECT_TRUE(take().empty());
  must(switch_off(id, false));
  EXPECT_TRUE(still_wanted(live, one().token));
}

TEST_F(taken, is_not_wanted_when_a_rule_disabled_its_destination_but_for_a_probe) {
  with(disables_soon);
  emit(), emit();
  auto due = take();
  ASSERT_EQ(due.size(), 2U);
  (void)finish(due[0].token, answer(500));
  ASSERT_TRUE(guard().probing);
  EXPECT_FALSE(still_wanted(live, due[1].token));
  give_back(live, due[1].token);
  now = guard().held_until.value();
  EXPECT_TRUE(still_wanted(live, one().token)) << "it is what enables it again";
}

TEST_F(taken, is_not_wanted_when_a_recovery_was_cancelled_and_its_message_may_be_erased) {
  id = add(without_retries());
  auto m = emit();
  EXPECT_EQ(attempt(answer(500)).follows, outcome_kind::dead);
  must(start_recovery{id, {0}, std::nullopt, recovery_scope::failed, {}});
  const auto task = live.recoveries().back()->what.id;
  must(progress_recovery{task, {{m, 1, true, false}}, m.seq, 1, true});
  auto s = one();
  must(cancel_recovery{task});
  must(erase_content{{{m.seq, m.id, "{}"}}});
  EXPECT_FALSE(still_wanted(live, s.token));
}

} // namespace
