#include "tests/unit/webhook/world.hpp"

#include <nlohmann/json.hpp>

// How a destination that fails is spared, and how what waited comes out again. Every end compares the live state with its fold.

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;
using nlohmann::json;

struct guarded : ::testing::Test, world {
  void TearDown() override {
    auto text = snapshot(live);
    EXPECT_EQ(snapshot(folded()), text) << "a restart changes nothing";
    auto back = restore(text);
    ASSERT_TRUE(back);
    EXPECT_EQ(snapshot(*back), text);
  }
  std::string with(std::string_view retries, std::string_view guard = "{}", std::optional<std::vector<duration>> schedule = std::vector<duration>(50, 1s)) {
    destination d;
    d.retries = retry_policy::compile(json::parse(retries)).value();
    d.guard = protection::compile(json::parse(guard)).value();
    if (!d.retries.has_delays())
      d.schedule = schedule;
    return id = add(d);
  }
  /// One attempt at the next moment that there is one.
  attempt_finished next(attempt_result r) {
    auto at = next_due(live);
    EXPECT_TRUE(at);
    now = std::max(now, at.value_or(now));
    return attempt(std::move(r));
  }
  destination_health health() const { return live.health(id); }
  std::string id;
};

// -- slow-down ------------------------------------------------------------------------------

TEST_F(guarded, asked_to_slow_down_holds_everything_as_long_as_it_says) {
  with("{}");
  emit(), emit();
  auto f = attempt(answer(429, {{"Retry-After", "3600"}}));
  EXPECT_EQ(f.hold, now + 1h);
  EXPECT_TRUE(take().empty()) << "the other message too";
  EXPECT_EQ(next_due(live), now + 1h);
  now = now + 1h;
  EXPECT_EQ(take().size(), 1U) << "one first";
}

TEST_F(guarded, without_retry_after_waits_longer_the_more_often_it_failed) {
  with("{}", R"({"breaker":null})");
  emit();
  for (auto wait : {1s, 2s, 4s, 8s, 16s, 32s, 64s, 64s}) {
    auto f = next(answer(503));
    EXPECT_EQ(f.hold, now + wait);
  }
}

TEST_F(guarded, other_failures_hold_nothing_and_leave_nothing_in_the_log) {
  with("{}");
  emit(), emit();
  auto f = attempt(answer(500));
  EXPECT_FALSE(f.hold);
  EXPECT_EQ(log.back().second.find("hold"), std::string::npos);
  EXPECT_EQ(take().size(), 1U);
}

TEST_F(guarded, slow_down_can_be_switched_off) {
  with(R"({"slowDown":false})");
  emit(), emit();
  EXPECT_FALSE(attempt(answer(429, {{"Retry-After", "60"}})).hold);
  EXPECT_EQ(take().size(), 1U);
}

TEST_F(guarded, what_a_person_asks_for_goes_past_a_hold_and_first) {
  with("{}");
  emit();
  auto b = emit();
  const auto asked_at = now;
  (void)attempt(answer(503, {{"Retry-After", "3600"}}));
  must(resend{b, id});
  auto due = take();
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].message->id, b.id);
  EXPECT_EQ(due[0].why, trigger::manual);
  (void)finish(due[0].token, answer(200));
  EXPECT_FALSE(health().held_until) << "it works again";
  EXPECT_EQ(next_due(live), asked_at + 1h) << "the other one keeps its own time";
}

// -- breaker --------------------------------------------------------------------------------

TEST_F(guarded, opens_after_so_many_failures_in_a_row_and_then_tries_one_at_a_time) {
  with("{}", R"({"breaker":{"failures":3,"probeAfter":60,"probeCap":200}})");
  for (int i = 0; i < 10; ++i)
    emit();
  auto all = take();
  ASSERT_EQ(all.size(), 10U);
  for (int i = 0; i < 2; ++i)
    EXPECT_FALSE(finish(all[static_cast<std::size_t>(i)].token, answer(500)).hold);
  auto third = finish(all[2].token, answer(500));
  ASSERT_TRUE(third.hold);
  EXPECT_GE(*third.hold, now + 48s);
  EXPECT_LE(*third.hold, now + 72s) << "60 s and a fifth of it either way";
  for (std::size_t i = 3; i < 10; ++i)
    EXPECT_FALSE(finish(all[i].token, answer(500)).hold) << "already open";
  EXPECT_TRUE(health().breaker);
  EXPECT_TRUE(take().empty());
  now = *health().held_until;
  auto probe = take();
  ASSERT_EQ(probe.size(), 1U) << "half open: one probe";
  auto f = finish(probe[0].token, answer(500));
  ASSERT_TRUE(f.hold);
  EXPECT_GE(*f.hold, now + 96s) << "twice as long";
  now = *health().held_until;
  f = attempt(answer(500));
  EXPECT_LE(*f.hold, now + 240s) << "not over the cap";
  now = *health().held_until;
  EXPECT_EQ(attempt(answer(200)).follows, outcome_kind::delivered);
  EXPECT_FALSE(health().breaker);
}

TEST_F(guarded, releases_a_backlog_gradually) {
  with("{}", R"({"breaker":{"failures":1,"probeAfter":60}})");
  for (int i = 0; i < 40; ++i)
    emit();
  (void)attempt(answer(500));
  now = *health().held_until;
  std::vector<std::size_t> at_once;
  for (auto due = take(); !due.empty(); due = take()) {
    at_once.push_back(due.size());
    for (auto& s : due)
      (void)finish(s.token, answer(200));
  }
  ASSERT_GE(at_once.size(), 4U);
  EXPECT_EQ(at_once[0], 1U);
  EXPECT_EQ(at_once[1], 2U);
  EXPECT_EQ(at_once[2], 4U) << "one more with each success";
  EXPECT_EQ(live.pending_count(), 0U);
}

TEST_F(guarded, a_failure_while_recovering_halves_what_may_go_at_once) {
  with("{}", R"({"breaker":{"failures":5,"probeAfter":1}})");
  for (int i = 0; i < 40; ++i)
    emit();
  for (auto& s : take(5))
    (void)finish(s.token, answer(500));
  now = *health().held_until;
  for (int i = 0; i < 7; ++i)
    (void)attempt(answer(200));
  EXPECT_EQ(health().allowance, 8U);
  (void)attempt(answer(500));
  EXPECT_EQ(health().allowance, 4U);
}

TEST_F(guarded, without_a_breaker_goes_on) {
  with("{}", R"({"breaker":null})");
  for (int i = 0; i < 30; ++i)
    emit();
  for (int i = 0; i < 30; ++i)
    EXPECT_FALSE(attempt(answer(500)).hold);
}

// -- disable and probe back ------------------------------------------------------------------

TEST_F(guarded, is_disabled_when_it_failed_long_and_often_enough_and_comes_back_by_a_probe) {
  with("{}", R"({"breaker":null,"disable":{"failures":3,"after":3600},"probe":600})");
  auto waiting = emit();
  (void)attempt(answer(500));
  for (int i = 0; i < 5; ++i)
    (void)next(answer(500));
  EXPECT_FALSE(live.find(id)->disabled) << "often, but not long";
  now = now + 1h;
  (void)next(answer(500));
  ASSERT_TRUE(live.find(id)->disabled);
  EXPECT_TRUE(live.find(id)->disabled_reason.starts_with("failed 7 times in a row since ")) << live.find(id)->disabled_reason;
  EXPECT_EQ(next_due(live), now + 600s);
  auto meanwhile = emit("user.created");
  EXPECT_EQ(live.pending_count(), 1U) << "stored, not queued";
  now = now + 600s;
  auto probe = attempt(answer(500));
  EXPECT_TRUE(probe.hold);
  EXPECT_TRUE(live.find(id)->disabled);
  now = *health().held_until;
  EXPECT_EQ(attempt(answer(200)).message.id, waiting.id);
  EXPECT_FALSE(live.find(id)->disabled);
  EXPECT_EQ(live.find(id)->disabled_reason, "");
  ASSERT_EQ(live.recoveries().size(), 1U) << "what came meanwhile is sent";
  const auto& r = *live.recoveries()[0];
  EXPECT_EQ(r.what.scope, recovery_scope::missing);
  must(progress_recovery{r.what.id, {{meanwhile, 0, false, false}}, meanwhile.seq, 1, true});
  EXPECT_EQ(attempt(answer(200)).message.id, meanwhile.id);
}

TEST_F(guarded, long_but_not_often_enough_is_left_alone) {
  with("{}", R"({"disable":{"failures":5,"after":60}})");
  emit();
  (void)attempt(answer(500));
  now = now + 1h;
  (void)next(answer(500));
  EXPECT_FALSE(live.find(id)->disabled);
  (void)next(answer(200));
  EXPECT_FALSE(health().failing_since);
}

TEST_F(guarded, gone_disables_and_is_not_probed) {
  with("{}");
  emit(), emit();
  (void)attempt(answer(410));
  EXPECT_TRUE(live.find(id)->disabled);
  EXPECT_EQ(next_due(live), std::nullopt);
}

TEST_F(guarded, gone_may_be_a_failure_like_any_other) {
  with(R"({"gone":"retry"})");
  emit();
  auto f = attempt(answer(410));
  EXPECT_TRUE(f.gone_kept);
  EXPECT_EQ(f.follows, outcome_kind::retry);
  EXPECT_FALSE(live.find(id)->disabled);
}

TEST_F(guarded, enabled_by_hand_starts_anew) {
  with("{}", R"({"breaker":null,"disable":{"failures":1,"after":0},"probe":600})");
  emit();
  (void)attempt(answer(500));
  (void)next(answer(500));
  ASSERT_TRUE(live.find(id)->disabled);
  must(patch_destination{.id = id, .disabled = false});
  EXPECT_FALSE(health().probing || health().held_until || health().failing_since);
  EXPECT_EQ(live.find(id)->disabled_reason, "");
  now = std::max(now, *next_due(live));
  EXPECT_EQ(take().size(), 1U);
}

// -- policy in use ---------------------------------------------------------------------------

TEST_F(guarded, a_message_over_its_age_is_dead_instead_of_tried_again) {
  with(R"({"schedule":[10,10,10],"jitter":0,"maximumAge":25})");
  emit();
  EXPECT_EQ(attempt(answer(500)).follows, outcome_kind::retry);
  EXPECT_EQ(next(answer(500)).follows, outcome_kind::retry);
  EXPECT_EQ(next(answer(500)).follows, outcome_kind::dead) << "the next would be after 30 s";
}

TEST_F(guarded, age_survives_a_snapshot) {
  with(R"({"schedule":[10,10,10],"jitter":0,"maximumAge":25})");
  emit();
  (void)attempt(answer(500));
  (void)next(answer(500));
  live = restore(snapshot(live)).value();
  EXPECT_EQ(next(answer(500)).follows, outcome_kind::dead);
}

TEST_F(guarded, a_budget_of_retries_spreads_them) {
  with(R"({"schedule":[1,1],"jitter":0,"retriesPerMinute":6})", R"({"breaker":null})");
  for (int i = 0; i < 4; ++i)
    emit();
  for (auto& s : take())
    (void)finish(s.token, answer(500));
  std::vector<std::int64_t> due;
  for (const auto& [m, view] : live.pending_of(id, 10))
    due.push_back((view.due.us - now.us) / 1'000'000);
  EXPECT_EQ(due, (std::vector<std::int64_t>{1, 11, 21, 31}));
}

TEST_F(guarded, success_is_what_the_policy_says) {
  with(R"({"success":[304]})");
  emit();
  EXPECT_EQ(attempt(answer(200)).follows, outcome_kind::retry);
  EXPECT_EQ(next(answer(304)).follows, outcome_kind::delivered);
}

TEST_F(guarded, goes_no_faster_than_its_rate) {
  destination d;
  d.rate_limit = 2;
  id = add(d);
  auto a = emit();
  emit(), emit();
  EXPECT_EQ(take().size(), 1U);
  EXPECT_EQ(next_due(live), now + 500ms);
  now = now + 499ms;
  EXPECT_TRUE(take().empty());
  now = now + 1ms;
  EXPECT_EQ(take().size(), 1U);
  must(resend{a, id});
  now = now + 500ms;
  EXPECT_EQ(take().size(), 1U);
}

TEST_F(guarded, what_holds_it_goes_back_with_the_clock) {
  with("{}", R"({"disable":null})");
  emit();
  (void)attempt(answer(429, {{"Retry-After", "60"}}));
  auto before = *health().held_until;
  events::header h;
  h.seq = log.size() + 1;
  auto f = fact{deliveries_moved{-1'000'000}};
  h.kind = kind_of(f);
  log.emplace_back(h, encode(f).payload);
  apply(live, moment_of(h), f);
  EXPECT_EQ(*health().held_until, before + -1s);
}

} // namespace
