#include "tests/unit/webhook/guarded.hpp"
#include "webhook/batch.hpp"

#include <functional>

// How a destination that fails is spared, and how what waited comes out again.

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;
using nlohmann::json;

// -- defaults --------------------------------------------------------------------------------

TEST_F(guarded, without_a_protection_the_schedule_holds_exactly_and_retry_after_is_a_floor_for_one_message) {
  id = add();
  auto one = emit();
  auto other = emit();
  auto f = attempt(answer(503, {{"Retry-After", "60"}}));
  EXPECT_FALSE(f.hold);
  EXPECT_EQ(f.next, now + 60s);
  EXPECT_EQ(attempt(answer(200)).message.id, other.id) << "the other does not wait";
  for (duration delay : {duration{5min}, duration{30min}, duration{2h}, duration{5h}, duration{10h}, duration{10h}}) {
    f = next(answer(500));
    EXPECT_EQ(f.message.id, one.id);
    EXPECT_FALSE(f.hold);
    EXPECT_GE(f.next->us - now.us, delay.count() * 8 / 10);
    EXPECT_LE(f.next->us - now.us, delay.count() * 12 / 10);
  }
  EXPECT_EQ(next(answer(500)).follows, outcome_kind::dead);
  EXPECT_FALSE(disabled());
}

TEST_F(guarded, without_a_protection_a_thousand_failures_hold_nothing_and_leave_nothing_in_the_log) {
  id = add();
  for (int i = 0; i < 1'000; ++i) {
    emit();
    EXPECT_FALSE(attempt(answer(i % 2 == 0 ? 503 : 500)).hold);
    EXPECT_EQ(log.back().second.find("hold"), std::string::npos);
  }
  EXPECT_FALSE(disabled());
  emit();
  EXPECT_EQ(take().size(), 1U);
}

// -- hold ------------------------------------------------------------------------------------

TEST_F(guarded, slows_down_for_what_its_list_says_and_for_nothing_else) {
  with(R"({"slowDown":{"statuses":["500-599","timeout"]}})");
  for (const auto& [result, holds] : {std::pair{answer(502), true}, {answer(429), false}, {broken(http::transport_error::timeout), true}, {broken(http::transport_error::connect), false}}) {
    emit();
    EXPECT_EQ(attempt(result).hold.has_value(), holds) << result.answer.status << result.answer.detail;
    now = now + 1h;
    while (!take().empty()) {
    }
    with(R"({"slowDown":{"statuses":["500-599","timeout"]}})");
  }
}

TEST_F(guarded, asked_to_slow_down_holds_everything_as_long_as_it_says) {
  with(R"({"slowDown":{}})");
  emit(), emit();
  auto f = attempt(answer(429, {{"Retry-After", "600"}}));
  EXPECT_EQ(f.hold, now + 600s);
  EXPECT_TRUE(take().empty()) << "the other message too";
  EXPECT_EQ(next_due(live), now + 600s);
  now = now + 600s;
  EXPECT_EQ(take().size(), 1U) << "one first";
}

TEST_F(guarded, a_hold_that_is_longer_than_the_cap_is_cut_and_the_message_itself_waits_as_asked) {
  with(R"({"slowDown":{}})");
  emit();
  auto f = attempt(answer(503, {{"Retry-After", "86400"}}));
  EXPECT_EQ(f.hold, now + 1800s);
  EXPECT_EQ(f.next, now + 24h);
}

TEST_F(guarded, what_a_person_asks_for_goes_past_a_hold_and_first_and_its_success_lifts_it) {
  with(R"({"slowDown":{}})");
  emit();
  auto b = emit();
  const auto asked_at = now;
  (void)attempt(answer(503, {{"Retry-After", "1200"}}));
  now = now + 1s;
  must(resend{b, id});
  auto due = take();
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].message->id, b.id);
  EXPECT_EQ(due[0].why, trigger::manual);
  EXPECT_EQ(finish(due[0].token, answer(200)).hold, now) << "the log says that the hold ends, so that the sandbox wakes";
  EXPECT_FALSE(guard().held_until) << "it works again";
  EXPECT_EQ(next_due(live), asked_at + 1200s) << "the other one keeps its own time";
}

TEST_F(guarded, what_a_person_tries_in_vain_makes_nothing_worse) {
  with(R"({"breaker":{"failures":2},"disable":{"failures":2,"after":0}})");
  auto m = emit();
  (void)attempt(answer(500));
  const auto before = guard();
  must(resend{m, id});
  EXPECT_EQ(attempt(answer(500)).why, trigger::manual);
  EXPECT_EQ(guard(), before);
  EXPECT_FALSE(disabled());
}

TEST_F(guarded, opens_after_so_many_failures_in_a_row_and_then_tries_one_at_a_time) {
  with(R"({"breaker":{"failures":3,"probeAfter":60,"probeCap":200}})");
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
  EXPECT_TRUE(take().empty());
  now = *guard().held_until;
  auto trial = take();
  ASSERT_EQ(trial.size(), 1U) << "half open: one trial";
  auto f = finish(trial[0].token, answer(500));
  ASSERT_TRUE(f.hold);
  EXPECT_GE(*f.hold, now + 96s) << "twice as long";
  now = *guard().held_until;
  f = attempt(answer(500));
  EXPECT_LE(*f.hold, now + 240s) << "not over the cap";
  now = *guard().held_until;
  EXPECT_EQ(attempt(answer(200)).follows, outcome_kind::delivered);
  EXPECT_EQ(guard().at(now), lane_guard::stance::recovering);
}

TEST_F(guarded, releases_a_backlog_gradually) {
  with(R"({"breaker":{"failures":1,"probeAfter":60}})");
  for (int i = 0; i < 40; ++i)
    emit();
  (void)world::attempt(answer(500));
  now = *guard().held_until;
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

TEST_F(guarded, a_changed_endpoint_is_tried_at_once) {
  for (auto change : std::vector<std::function<void(patch_destination&)>>{
         [](auto& p) { p.url = "http://other.test/"; },
         [](auto& p) { p.retries = retry_policy::compile(json{{"maximumAge", 60}}).value(); },
         [](auto& p) { p.protection = protection_policy::compile(json::parse(R"({"breaker":{"failures":9}})")).value(); },
         [](auto& p) { p.headers = string_map{{"X-Key", "1"}}; },
       }) {
    with(R"({"breaker":{"failures":1,"probeAfter":600}})");
    emit(), emit();
    for (auto& s : take(1))
      (void)finish(s.token, answer(500));
    ASSERT_TRUE(guard().held_until);
    patch_destination p;
    p.id = id;
    must(p);
    ASSERT_TRUE(guard().held_until) << "nothing was changed";
    change(p);
    must(p);
    EXPECT_FALSE(guard().held_until);
    EXPECT_EQ(take().size(), 1U) << "one first, since it had failed";
    must(remove_destination{id});
  }
}

TEST_F(guarded, a_rotated_secret_is_a_change_too) {
  with(R"({"breaker":{"failures":1,"probeAfter":600}})");
  emit();
  (void)attempt(answer(401));
  must(rotate_secret{id, std::nullopt, 100s});
  EXPECT_FALSE(guard().held_until);
}

// -- recoveries ------------------------------------------------------------------------------

TEST_F(guarded, a_recovery_by_a_person_lifts_a_hold_and_floods_nobody) {
  with(R"({"breaker":{"failures":1,"probeAfter":600}})", R"({"schedule":[],"success":[200]})");
  std::vector<message_ref> dead;
  for (int i = 0; i < 5; ++i)
    dead.push_back(emit());
  for (auto& s : take())
    EXPECT_EQ(finish(s.token, answer(500)).follows, outcome_kind::dead);
  must(patch_destination{.id = id, .retries = retry_policy::compile(json{{"schedule", {1}}}).value()});
  emit();
  (void)attempt(answer(500));
  ASSERT_TRUE(guard().held(now));
  must(start_recovery{id, {0}, std::nullopt, recovery_scope::failed, {}});
  EXPECT_FALSE(guard().held_until);
  const auto r = live.recoveries().front()->what.id;
  std::vector<recovery_item> items;
  for (const auto& m : dead)
    items.push_back({m, 1, true, false});
  must(progress_recovery{r, items, dead.back().seq, 5, true});
  live = restore(snapshot(live)).value();
  auto due = take();
  ASSERT_EQ(due.size(), 1U) << "at once, and one first";
  EXPECT_EQ(due[0].why, trigger::recovery);
  now = now + 1ms;
  EXPECT_TRUE(finish(due[0].token, answer(500)).hold) << "it says stop again";
  EXPECT_TRUE(guard().held(now));
  EXPECT_TRUE(take().empty());
}

TEST_F(guarded, a_resend_goes_before_a_recovery) {
  with("{}");
  auto a = emit(), b = emit();
  for (auto& s : take())
    (void)finish(s.token, answer(200));
  must(start_recovery{id, {0}, std::nullopt, recovery_scope::all, {}});
  must(progress_recovery{live.recoveries().front()->what.id, {{a, 1, false, true}}, b.seq, 2, true});
  now = now + 1s;
  must(resend{b, id, 1, false, true});
  EXPECT_EQ(take(1)[0].message->id, b.id);
}

TEST_F(guarded, a_long_recovery_does_not_put_off_what_came_before_it) {
  with("{}");
  auto a = emit();
  for (auto& s : take())
    (void)finish(s.token, answer(200));
  auto b = emit();
  now = now + 1s;
  must(start_recovery{id, {0}, std::nullopt, recovery_scope::all, {}});
  must(progress_recovery{live.recoveries().front()->what.id, {{a, 1, false, true}}, b.seq, 2, true});
  EXPECT_EQ(take(1)[0].message->id, b.id);
  EXPECT_EQ(take(1)[0].message->id, a.id);
}

TEST_F(guarded, a_message_for_later_that_a_recovery_takes_keeps_its_moment) {
  with("{}");
  must(switch_off(id, true));
  const auto when = now + 1h;
  create_message c{"user.created", {}, "{}", {}, {}, when};
  must(c);
  const message_ref m{"msg_later", log.size(), "user.created", 2};
  must(switch_off(id, false));
  must(start_recovery{id, {0}, std::nullopt, recovery_scope::missing, {}});
  must(progress_recovery{live.recoveries().front()->what.id, {{m, 0, false, false, when}}, m.seq, 1, true});
  EXPECT_EQ(next_due(live), when);
}

TEST_F(guarded, a_recovery_has_room_whatever_waits_for_another) {
  destination full;
  full.url = "http://b.test/";
  full.filter_types = {"other"};
  const auto parked = add(full);
  id = add();
  must(switch_off(id, true));
  for (int i = 0; i < 5'001; ++i)
    emit("other");
  must(switch_off(parked, true));
  must(switch_off(id, false));
  EXPECT_EQ(live.pending_count(), 5'001U);
  EXPECT_FALSE(live.room_for_recovery(parked)) << "its own count";
  EXPECT_TRUE(live.room_for_recovery(id));
  EXPECT_FALSE(live.room_for_recovery("ep_none"));
}

// -- decided together -------------------------------------------------------------------------

TEST_F(guarded, results_of_a_guarded_destination_are_not_decided_together_and_others_are) {
  with(R"({"breaker":{}})");
  auto other = add();
  emit(), emit();
  std::vector<fencing_token> guarded_ones, free_ones;
  for (auto& s : take())
    (s.destination == other ? free_ones : guarded_ones).push_back(s.token);
  batch b;
  EXPECT_TRUE(b.add_result(live, guarded_ones[0]));
  EXPECT_TRUE(b.add_message());
  EXPECT_TRUE(b.add_result(live, free_ones[0]));
  EXPECT_TRUE(b.add_result(live, free_ones[1]));
  EXPECT_FALSE(b.add_result(live, guarded_ones[1]));
  EXPECT_TRUE(batch{}.add_result(live, guarded_ones[1]));
  EXPECT_TRUE(b.add_result(live, 9'999)) << "a late answer";
  EXPECT_FALSE(b.add_other());
}

TEST_F(guarded, nothing_is_decided_beside_what_goes_alone) {
  batch b;
  EXPECT_TRUE(b.add_other());
  EXPECT_FALSE(b.add_other());
  EXPECT_FALSE(b.add_message());
  EXPECT_FALSE(b.add_result(live, 1));
}

TEST_F(guarded, nothing_is_decided_behind_a_destination_that_was_disabled_or_recovered) {
  const auto other = add(); // not guarded: its results may stand beside any
  with(disables_soon);
  emit();
  auto beside = [&](unsigned status, bool closed) {
    fencing_token guarded_one = 0, free_one = 0;
    for (auto& s : take())
      (s.destination == other ? free_one : guarded_one) = s.token;
    ASSERT_TRUE(guarded_one != 0 && free_one != 0);
    batch b;
    ASSERT_TRUE(b.add_result(live, guarded_one));
    auto d = decide(live, finish_attempt{guarded_one, now_(answer(status))}, {{now.us}, now, chance_of(1), "system", ""});
    ASSERT_TRUE(d);
    b.decided(*d);
    auto again = b;
    EXPECT_EQ(again.add_message(), !closed);
    EXPECT_EQ(b.add_result(live, free_one), !closed);
    (void)finish(guarded_one, answer(status));
    (void)finish(free_one, answer(200));
  };
  beside(200, false);
  emit();
  beside(500, true);
  ASSERT_TRUE(disabled());
  emit(), emit();
  now = *guard().held_until;
  beside(200, true);
  EXPECT_FALSE(disabled());
}

// -- policy in use ---------------------------------------------------------------------------

TEST_F(guarded, a_message_over_its_age_is_dead_instead_of_tried_again) {
  with("{}", R"({"schedule":[10,10,10],"jitter":0,"maximumAge":25})");
  emit();
  EXPECT_EQ(attempt(answer(500)).follows, outcome_kind::retry);
  EXPECT_EQ(next(answer(500)).follows, outcome_kind::retry);
  EXPECT_EQ(next(answer(500)).follows, outcome_kind::dead) << "the next would be after 30 s";
}

TEST_F(guarded, age_survives_a_snapshot) {
  with("{}", R"({"schedule":[10,10,10],"jitter":0,"maximumAge":25})");
  emit();
  (void)attempt(answer(500));
  (void)next(answer(500));
  live = restore(snapshot(live)).value();
  EXPECT_EQ(next(answer(500)).follows, outcome_kind::dead);
}

TEST_F(guarded, a_budget_of_retries_spreads_them) {
  with("{}", R"({"schedule":[1,1],"jitter":0,"retriesPerMinute":6})");
  for (int i = 0; i < 4; ++i)
    emit();
  for (auto& s : take())
    (void)finish(s.token, answer(500));
  std::vector<std::int64_t> due;
  for (const auto& [m, view] : live.pending_of(id, 10))
    due.push_back((view.due.us - now.us) / 1'000'000);
  EXPECT_EQ(due, (std::vector<std::int64_t>{1, 11, 21, 31}));
}

TEST_F(guarded, one_retry_that_is_far_off_does_not_put_off_the_others) {
  with("{}", R"({"schedule":[1,1],"jitter":0,"retriesPerMinute":60})");
  emit(), emit();
  auto both = take();
  EXPECT_EQ(finish(both[0].token, answer(500, {{"Retry-After", "86400"}})).next, now + 24h);
  EXPECT_EQ(finish(both[1].token, answer(500)).next, now + 2s) << "one place behind";
}

TEST_F(guarded, success_is_what_the_policy_says) {
  with("{}", R"({"success":[304]})");
  emit();
  EXPECT_EQ(attempt(answer(200)).follows, outcome_kind::retry);
  EXPECT_EQ(next(answer(304)).follows, outcome_kind::delivered);
}

TEST_F(guarded, goes_no_faster_than_its_rate) {
  destination d;
  d.rate_limit = 2;
  id = add(d);
  auto a = emit(), b = emit(), c = emit();
  EXPECT_EQ(attempt(answer(200)).message.id, a.id);
  EXPECT_TRUE(take().empty());
  EXPECT_EQ(next_due(live), now + 500ms);
  now = now + 499ms;
  EXPECT_TRUE(take().empty());
  now = now + 1ms;
  EXPECT_EQ(attempt(answer(200)).message.id, b.id);
  must(resend{a, id, 1, false, true});
  EXPECT_TRUE(take().empty()) << "a person goes first, and no faster";
  now = now + 500ms;
  auto third = take();
  ASSERT_EQ(third.size(), 1U);
  EXPECT_EQ(third[0].message->id, a.id);
  now = now + 500ms;
  auto fourth = take();
  ASSERT_EQ(fourth.size(), 1U);
  EXPECT_EQ(fourth[0].message->id, c.id);
}

TEST_F(guarded, goes_no_faster_than_its_rate_however_it_is_looked_at) {
  destination d;
  d.rate_limit = 5;
  id = add(d);
  for (int i = 0; i < 100; ++i)
    emit();
  std::vector<std::int64_t> sent;
  const auto begun = now;
  for (std::uint64_t i = 1; sent.size() < 100 && i < 10'000; ++i) {
    for (auto& s : take())
      sent.push_back(now.us), (void)finish(s.token, answer(200));
    now.us += static_cast<std::int64_t>(1'000 * (1 + i * 7919 % 90)); // 1 to 90 ms
  }
  ASSERT_EQ(sent.size(), 100U);
  for (std::size_t i = 5; i < sent.size(); ++i)
    EXPECT_GE(sent[i] - sent[i - 5], 1'000'000 - attempt_pace::catch_up_us) << "never six in a second, but for what a late timer lost";
  EXPECT_GE(sent.back() - begun.us, 19'800'000);
  EXPECT_LE(sent.back() - begun.us, 20'800'000) << "and not slower";
}

TEST_F(guarded, while_the_clock_stands_a_rate_goes_by_the_time_that_passes_elsewhere) {
  destination d;
  d.rate_limit = 2;
  id = add(d);
  emit(), emit(), emit();
  EXPECT_EQ(paced_for(live, now), std::nullopt) << "nothing is kept back by it";
  EXPECT_EQ(take().size(), 1U);
  EXPECT_EQ(paced_for(live, now), 500ms);
  EXPECT_TRUE(take().empty()) << "no burst";
  pass_pace(live, 499ms);
  EXPECT_TRUE(take().empty());
  EXPECT_EQ(paced_for(live, now), 1ms);
  pass_pace(live, 1ms);
  EXPECT_EQ(take().size(), 1U) << "and none starves";
  pass_pace(live, 24h);
  EXPECT_EQ(take().size(), 1U) << "nothing is saved up";
  EXPECT_EQ(paced_for(live, now), std::nullopt);
}

TEST_F(guarded, while_the_clock_stands_what_is_not_due_is_no_matter_of_its_rate) {
  destination d;
  d.rate_limit = 2;
  d.schedule = std::vector<duration>{1h};
  id = add(d);
  emit();
  (void)attempt(answer(500));
  EXPECT_EQ(paced_for(live, now), std::nullopt);
  pass_pace(live, 24h);
  EXPECT_TRUE(take().empty());
}

TEST_F(guarded, failures_that_are_far_between_disable_nothing) {
  with(R"({"disable":{"failures":3,"after":3600}})");
  for (int day = 0; day < 60; ++day) { // every third attempt arrives: never three in a row
    emit();
    (void)attempt(answer(500));
    now = now + 12h;
    (void)world::attempt(now_(answer(500)));
    now = now + 12h;
    EXPECT_EQ(attempt(answer(200)).follows, outcome_kind::delivered);
    EXPECT_FALSE(guard().failing_since) << "a success begins the row anew";
    ASSERT_FALSE(disabled());
  }
  emit();
  for (int i = 0; i < 3; ++i)
    (void)next(answer(500)), now = now + 1h;
  EXPECT_TRUE(disabled()) << "three in a row do";
}

TEST_F(guarded, what_holds_it_goes_back_with_the_clock) {
  with(R"({"slowDown":{}})");
  emit();
  (void)attempt(answer(429, {{"Retry-After", "60"}}));
  auto before = *guard().held_until;
  events::header h;
  h.seq = log.size() + 1;
  auto f = fact{deliveries_moved{-1'000'000}};
  h.kind = kind_of(f);
  log.emplace_back(h, encode(f).payload);
  apply(live, moment_of(h), f);
  EXPECT_EQ(*guard().held_until, before + -1s);
}

} // namespace
