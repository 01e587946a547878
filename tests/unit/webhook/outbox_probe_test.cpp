#include "tests/unit/webhook/guarded.hpp"

// How a destination is disabled by rule, and found to be there again.

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;
using nlohmann::json;

// -- disable and probe back ------------------------------------------------------------------

TEST_F(guarded, is_disabled_when_it_failed_long_and_often_enough_and_comes_back_by_a_probe) {
  with(R"({"disable":{"failures":3,"after":3600,"probe":600}})");
  auto waiting = emit();
  (void)attempt(answer(500));
  for (int i = 0; i < 5; ++i)
    (void)next(answer(500));
  EXPECT_FALSE(disabled()) << "often, but not long";
  now = now + 1h;
  (void)next(answer(500));
  ASSERT_TRUE(disabled());
  const auto disabled_at = log.size();
  EXPECT_TRUE(live.find(id)->disabled_reason.starts_with("failed 7 times in a row since ")) << live.find(id)->disabled_reason;
  EXPECT_EQ(next_due(live), now + 600s);
  auto meanwhile = emit("user.created");
  EXPECT_EQ(live.pending_count(), 1U) << "stored, not queued";
  now = now + 600s;
  EXPECT_TRUE(attempt(answer(500)).hold);
  EXPECT_TRUE(disabled());
  EXPECT_EQ(next(answer(200)).message.id, waiting.id);
  EXPECT_FALSE(disabled());
  EXPECT_EQ(live.find(id)->disabled_reason, "");
  ASSERT_EQ(live.recoveries().size(), 1U) << "what came meanwhile is sent";
  const auto& r = *live.recoveries()[0];
  EXPECT_EQ(r.what.scope, recovery_scope::missing);
  EXPECT_EQ(r.what.after, disabled_at) << "from the disabling on, by place";
  EXPECT_EQ(r.cursor, disabled_at);
  must(progress_recovery{r.what.id, {{meanwhile, 0, false, false}}, meanwhile.seq, 1, true});
  EXPECT_EQ(attempt(answer(200)).message.id, meanwhile.id);
}

TEST_F(guarded, comes_back_though_another_recovery_of_it_is_still_scanning) {
  with(disables_soon);
  must(start_recovery{id, {0}, std::nullopt, recovery_scope::failed, {}});
  emit();
  (void)attempt(answer(500));
  ASSERT_TRUE(disabled());
  (void)next(answer(200));
  EXPECT_EQ(live.recoveries().size(), 2U);
  EXPECT_TRUE(live.recoveries().back()->what.automatic());
}

TEST_F(guarded, what_an_automatic_recovery_sends_is_released_gradually) {
  with(disables_soon);
  emit();
  (void)attempt(answer(500));
  std::vector<recovery_item> items;
  for (int i = 0; i < 10; ++i)
    items.push_back({emit(), 0, false, false});
  (void)next(answer(200));
  must(progress_recovery{live.recoveries()[0]->what.id, items, items.back().message.seq, 10, true});
  EXPECT_EQ(take().size(), 2U);
}

TEST_F(guarded, a_probe_takes_what_waits_first_whenever_it_is_due_and_costs_nothing_of_its_schedule) {
  with(disables_soon, R"({"schedule":[86400]})");
  auto m = emit();
  const auto first = attempt(answer(500));
  ASSERT_TRUE(disabled());
  for (int i = 0; i < 5; ++i) {
    auto f = next(answer(500));
    EXPECT_EQ(f.message.id, m.id);
    EXPECT_TRUE(f.probe);
    EXPECT_EQ(f.follows, outcome_kind::retry);
    EXPECT_EQ(f.next, first.next) << "where it was";
    EXPECT_LT(now, *first.next);
  }
  must(patch_destination{.id = id, .protection = protection_policy{}, .disabled = false});
  auto f = next(answer(500));
  EXPECT_EQ(now, *first.next) << "enabled by hand, its schedule goes on";
  EXPECT_EQ(f.follows, outcome_kind::dead);
}

TEST_F(guarded, the_last_that_waits_is_kept_to_probe_with_and_is_never_used_up) {
  with(disables_soon, R"({"schedule":[],"maximumAge":60})");
  auto a = emit(), last = emit();
  (void)a;
  auto both = take();
  EXPECT_EQ(finish(both[0].token, answer(500)).follows, outcome_kind::dead);
  ASSERT_TRUE(disabled());
  EXPECT_EQ(finish(both[1].token, answer(500)).follows, outcome_kind::retry) << "nothing else is left";
  for (std::size_t i = 0; i < 2 * limits::attempts_per_message; ++i)
    ASSERT_EQ(next(answer(500)).follows, outcome_kind::retry) << i;
  EXPECT_EQ(next(answer(200)).message.id, last.id);
  EXPECT_FALSE(disabled());
}

TEST_F(guarded, the_message_that_disables_is_kept_to_probe_with_when_nothing_else_waits) {
  with(disables_soon, R"({"schedule":[]})");
  auto only = emit();
  EXPECT_EQ(attempt(answer(500)).follows, outcome_kind::retry);
  ASSERT_TRUE(disabled());
  emit();
  EXPECT_EQ(next_due(live), guard().held_until) << "without new traffic";
  EXPECT_EQ(next(answer(200)).message.id, only.id);
  EXPECT_FALSE(disabled());
}

TEST_F(guarded, with_nothing_to_probe_with_it_takes_the_next_message) {
  with(disables_soon, R"({"schedule":[]})");
  auto gone = emit();
  (void)attempt(answer(200));
  must(start_recovery{id, {0}, std::nullopt, recovery_scope::all, {}});
  const auto r = live.recoveries().front()->what.id;
  must(progress_recovery{r, {{gone, 1, false, true}}, gone.seq, 1, true});
  (void)attempt(answer(500));
  ASSERT_TRUE(disabled());
  must(cancel_recovery{r});
  EXPECT_EQ(next_due(live), std::nullopt);
  auto probe = emit(), stored = emit();
  EXPECT_TRUE(live.pending(id, probe.seq));
  EXPECT_FALSE(live.pending(id, stored.seq)) << "one is enough";
  EXPECT_EQ(next(answer(500)).follows, outcome_kind::retry);
  EXPECT_EQ(next(answer(200)).message.id, probe.id);
  EXPECT_FALSE(disabled());
}

TEST_F(guarded, a_message_for_later_is_no_probe_before_its_moment) {
  with(disables_soon, R"({"schedule":[]})");
  const auto when = now + 24h;
  must(create_message{"user.created", {}, "{}", {}, {}, when});
  emit();
  EXPECT_EQ(attempt(answer(500)).follows, outcome_kind::dead);
  ASSERT_TRUE(disabled());
  EXPECT_EQ(next_due(live), when);
  auto probe = emit();
  EXPECT_TRUE(live.pending(id, probe.seq));
  EXPECT_EQ(next_due(live), guard().held_until);
}

TEST_F(guarded, gone_disables_and_is_not_probed) {
  with(disables_soon);
  emit(), emit();
  (void)attempt(answer(410));
  EXPECT_TRUE(disabled());
  EXPECT_EQ(live.find(id)->disabled_reason, "410 Gone");
  EXPECT_EQ(next_due(live), std::nullopt);
}

TEST_F(guarded, a_probe_that_is_answered_gone_ends_the_probes) {
  with(disables_soon);
  emit(), emit();
  (void)attempt(answer(500));
  ASSERT_TRUE(guard().probing);
  (void)next(answer(410));
  EXPECT_FALSE(guard().probing);
  EXPECT_TRUE(disabled());
  EXPECT_EQ(live.find(id)->disabled_reason, "410 Gone");
  EXPECT_EQ(next_due(live), std::nullopt);
}

TEST_F(guarded, what_is_answered_gone_while_it_is_disabled_says_so_once) {
  with("{}");
  emit(), emit();
  auto both = take();
  (void)finish(both[0].token, answer(410));
  EXPECT_EQ(also(), std::vector{events::kind::destination_disabled});
  (void)finish(both[1].token, answer(410));
  EXPECT_TRUE(also().empty());
}

TEST_F(guarded, gone_may_be_a_failure_like_any_other) {
  with("{}", R"({"gone":"retry"})");
  emit();
  auto f = attempt(answer(410));
  EXPECT_TRUE(f.gone_kept);
  EXPECT_EQ(f.follows, outcome_kind::retry);
  EXPECT_FALSE(disabled());
}

TEST_F(guarded, disabled_by_a_person_it_is_probed_no_more_and_other_changes_leave_it_so) {
  with(disables_soon);
  emit();
  (void)attempt(answer(500));
  ASSERT_TRUE(guard().probing);
  must(patch_destination{.id = id, .description = "changed"});
  EXPECT_TRUE(guard().probing);
  EXPECT_TRUE(live.find(id)->disabled_reason.starts_with("failed "));
  must(switch_off(id, true));
  EXPECT_FALSE(guard().probing);
  EXPECT_EQ(live.find(id)->disabled_reason, "by hand");
  EXPECT_EQ(next_due(live), std::nullopt);
  EXPECT_EQ(refused(resend{{"msg_1", 1, "t", 2}, id}), errc::conflict);
}

TEST_F(guarded, without_a_probe_in_its_rule_only_a_person_enables_it) {
  with(R"({"disable":{"failures":1,"after":0,"probe":null}})");
  emit();
  (void)attempt(answer(500));
  EXPECT_TRUE(disabled());
  EXPECT_EQ(next_due(live), std::nullopt);
}

TEST_F(guarded, a_probe_that_is_taken_out_of_the_rule_goes_no_more) {
  with(disables_soon);
  emit();
  (void)attempt(answer(500));
  must(patch_destination{.id = id, .protection = protection_policy::compile(json::parse(R"({"disable":{"probe":null}})")).value()});
  EXPECT_FALSE(guard().probing);
  EXPECT_TRUE(disabled());
  EXPECT_EQ(next_due(live), std::nullopt);
}

TEST_F(guarded, enabled_by_hand_starts_anew) {
  with(disables_soon);
  emit();
  (void)attempt(answer(500));
  ASSERT_TRUE(disabled());
  must(patch_destination{.id = id, .disabled = false});
  EXPECT_FALSE(guard().probing || guard().held_until || guard().failing_since);
  EXPECT_EQ(live.find(id)->disabled_reason, "");
  now = std::max(now, *next_due(live));
  EXPECT_EQ(take().size(), 1U);
}

TEST_F(guarded, enabled_by_hand_what_came_meanwhile_is_sent_too_and_a_person_may_recover_more) {
  with(disables_soon);
  emit();
  (void)attempt(answer(500));
  ASSERT_TRUE(disabled());
  const auto disabled_at = log.size();
  emit();
  must(switch_off(id, false));
  ASSERT_EQ(live.recoveries().size(), 1U);
  EXPECT_EQ(live.recoveries()[0]->what.after, disabled_at);
  EXPECT_EQ(live.recoveries()[0]->what.scope, recovery_scope::missing);
  must(start_recovery{id, {0}, std::nullopt, recovery_scope::failed, {}});
  EXPECT_EQ(refused(start_recovery{id, {0}, std::nullopt, recovery_scope::failed, {}}), errc::conflict) << "one of his at a time";
}

TEST_F(guarded, answers_of_the_url_before_say_nothing_about_the_one_that_is_there_now) {
  with(R"({"breaker":{"failures":1,"probeAfter":60},"disable":{"failures":1,"after":0}})");
  emit(), emit(), emit();
  auto old = take();
  ASSERT_EQ(old.size(), 3U);
  must(patch_destination{.id = id, .url = "http://other.test/"});
  const auto before = guard();
  EXPECT_FALSE(finish(old[0].token, answer(500)).hold);
  EXPECT_EQ(guard(), before);
  EXPECT_EQ(finish(old[1].token, answer(410)).follows, outcome_kind::retry);
  EXPECT_FALSE(disabled());
  (void)next(answer(500));
  ASSERT_TRUE(disabled()) << "its own";
  (void)finish(old[2].token, answer(200));
  EXPECT_TRUE(disabled()) << "that the old one works enables nothing";
}

TEST_F(guarded, a_put_keeps_the_policies_it_does_not_name_and_the_probes) {
  with(disables_soon, R"({"maximumAge":900})");
  emit();
  (void)attempt(answer(500));
  ASSERT_TRUE(guard().probing);
  const auto reason = live.find(id)->disabled_reason;
  auto put = [this](std::string_view body) {
    auto c = read_endpoint_update(body).value();
    c.id = id;
    must(c);
  };
  put(R"({"url":"http://receiver.test/hook","disabled":true})");
  EXPECT_TRUE(guard().probing);
  EXPECT_EQ(live.find(id)->disabled_reason, reason);
  EXPECT_TRUE(live.find(id)->protection.rules().disable);
  EXPECT_TRUE(live.find(id)->retries.rules_for("a").maximum_age);
  put(R"({"url":"http://receiver.test/hook","disabled":true,"protection":null,"retryPolicy":null})");
  EXPECT_TRUE(live.find(id)->protection.empty());
  EXPECT_FALSE(live.find(id)->retries.rules_for("a").maximum_age);
  EXPECT_FALSE(guard().probing);
}

TEST_F(guarded, what_does_not_change_how_it_is_reached_lifts_nothing) {
  with(R"({"breaker":{"failures":1,"probeAfter":600}})");
  emit();
  (void)attempt(answer(500));
  const auto before = guard();
  must(patch_destination{.id = id, .uid = "mine", .description = "d", .filter_types = std::vector<std::string>{"user.created"}, .metadata = string_map{{"a", "b"}}});
  EXPECT_EQ(guard(), before);
}

TEST_F(guarded, a_rate_that_is_lifted_keeps_nothing_back) {
  destination d;
  d.rate_limit = 1;
  id = add(d);
  emit(), emit();
  EXPECT_EQ(take().size(), 1U);
  patch_destination p;
  p.id = id;
  p.rate_limit.emplace(std::nullopt);
  must(p);
  EXPECT_EQ(take().size(), 1U);
}

} // namespace
