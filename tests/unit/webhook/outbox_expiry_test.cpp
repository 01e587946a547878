#include "tests/unit/webhook/guarded.hpp"

// What waits for a destination that is held, slow or disabled is not kept for ever: it dies at its maximum age, on the sandbox's clock, and the log says so.

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;

constexpr const char* opens_at_once = R"({"breaker":{"failures":1,"probeAfter":86400,"probeCap":86400}})";
constexpr const char* an_hour = R"({"schedule":[60,60,60,60],"jitter":0,"maximumAge":3600})";

std::vector<std::string> messages_of(const std::vector<delivery_expired>& all) {
  std::vector<std::string> out;
  for (const auto& e : all)
    out.push_back(e.message.id);
  return out;
}

TEST_F(guarded, what_an_open_breaker_keeps_back_dies_at_its_maximum_age) {
  with(opens_at_once, an_hour);
  auto tried = emit();
  (void)attempt(answer(500));
  now = now + 10min;
  auto waits = emit();
  EXPECT_EQ(next_due(live), now + 50min) << "that is when the first is too old, long before the hold is over";
  now = now + 50min + -1us;
  EXPECT_TRUE(expire().empty());
  now = now + 1us;
  auto dead = expire();
  ASSERT_EQ(messages_of(dead), std::vector{tried.id});
  EXPECT_EQ(dead[0].attempts, 1U);
  EXPECT_EQ(dead[0].reason, "maximum age");
  EXPECT_EQ(dead[0].since, now + -60min);
  EXPECT_TRUE(guard().held(now)) << "the hold is as it was";
  now = now + 10min;
  EXPECT_EQ(messages_of(expire()), std::vector{waits.id});
  EXPECT_EQ(live.pending_count(), 0U);
  EXPECT_EQ(live.counts(id).dead, 2U);
  EXPECT_EQ(next_due(live), std::nullopt);
}

TEST_F(guarded, a_backlog_behind_a_breaker_is_bounded_though_nobody_asked_for_an_age) {
  with(opens_at_once);
  std::size_t most = 0;
  for (int hour = 0; hour < 24 * 30; ++hour) {
    emit();
    for (auto& s : take())
      (void)finish(s.token, answer(500));
    most = std::max(most, live.pending_count());
    now = now + 1h;
  }
  EXPECT_LE(most, 26U) << "what a day brings, and the one that is tried";
  EXPECT_GE(live.counts(id).dead, 24U * 28U);
}

TEST_F(guarded, what_is_kept_back_while_others_arrive_is_not_too_old) {
  with(opens_at_once);
  emit();
  now = now + 48h;
  EXPECT_TRUE(expire().empty()) << "nothing has failed";
  (void)attempt(answer(200));
}

TEST_F(guarded, without_rules_nothing_dies_of_waiting) {
  id = add();
  emit(), emit();
  (void)attempt(answer(500));
  must(switch_off(id, true));
  now = now + 24h * 365;
  EXPECT_FALSE(has_expired(live, now));
  EXPECT_EQ(live.pending_count(), 2U);
}

TEST_F(guarded, an_age_counts_for_what_a_rate_a_full_destination_or_a_disabled_one_keeps_waiting) {
  destination d;
  d.retries = retry_policy::compile(nlohmann::json::parse(an_hour)).value();
  d.rate_limit = 1;
  d.in_flight = 1;
  id = add(d);
  emit(), emit(), emit();
  auto due = take();
  ASSERT_EQ(due.size(), 1U);
  now = now + 1h;
  EXPECT_EQ(expire().size(), 2U) << "not what is under way";
  EXPECT_EQ(finish(due[0].token, answer(500)).follows, outcome_kind::dead);
  emit();
  must(switch_off(id, true));
  now = now + 1h;
  EXPECT_EQ(expire().size(), 1U);
}

TEST_F(guarded, by_type_each_dies_at_its_own_age) {
  with(opens_at_once, R"({"maximumAge":7200,"eventTypes":[{"match":"quick","maximumAge":60}]})");
  emit("other");
  (void)attempt(answer(500));
  auto quick = emit("quick");
  now = now + 60s;
  EXPECT_EQ(messages_of(expire()), std::vector{quick.id});
  EXPECT_EQ(live.pending_count(), 1U);
}

TEST_F(guarded, nothing_of_a_destination_goes_before_what_is_too_old_has_died) {
  with("{}", an_hour);
  auto old = emit();
  now = now + 61min; // no timer came in time
  auto fresh = emit();
  EXPECT_TRUE(take_due(live, now, 10).empty());
  EXPECT_EQ(messages_of(expire()), std::vector{old.id});
  auto due = take_due(live, now, 10);
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].message->id, fresh.id);
}

TEST_F(guarded, what_a_person_sends_again_is_sent_however_old_it_is) {
  with("{}", an_hour);
  auto m = emit();
  must(resend{m, id});
  now = now + 2h;
  EXPECT_TRUE(expire().empty());
  EXPECT_EQ(attempt(answer(500)).why, trigger::manual);
  EXPECT_EQ(expire().size(), 1U) << "its schedule is over";
}

TEST_F(guarded, the_last_that_waits_is_kept_to_probe_with_though_it_is_too_old) {
  with(disables_soon, an_hour);
  emit(), emit(), emit();
  for (auto& s : take())
    (void)finish(s.token, answer(500));
  ASSERT_TRUE(disabled());
  ASSERT_EQ(live.pending_count(), 3U);
  now = now + 2h;
  EXPECT_EQ(expire().size(), 2U);
  EXPECT_EQ(next(answer(200)).follows, outcome_kind::delivered);
  EXPECT_FALSE(disabled());
}

TEST_F(guarded, ages_go_back_with_the_clock) {
  with(opens_at_once, an_hour);
  emit();
  (void)attempt(answer(500));
  now = now + 50min;
  EXPECT_FALSE(has_expired(live, now));
  decision d;
  d.facts.emplace_back(deliveries_moved{-duration{24h}.count()});
  d.drafts.push_back(encode(d.facts[0]));
  now = now + -24h;
  write(d);
  EXPECT_FALSE(has_expired(live, now));
  EXPECT_EQ(next_due(live), now + 10min);
  now = now + 10min;
  EXPECT_EQ(expire().size(), 1U);
}

TEST_F(guarded, an_age_that_is_taken_away_or_given_counts_at_once) {
  with(opens_at_once, an_hour);
  emit();
  (void)attempt(answer(500));
  now = now + 30min;
  must(patch_destination{.id = id, .retries = retry_policy::compile({{"maximumAge", 7200}}).value()});
  now = now + 60min;
  EXPECT_TRUE(expire().empty());
  must(patch_destination{.id = id, .retries = retry_policy::compile({{"maximumAge", 60}}).value()});
  EXPECT_EQ(expire().size(), 1U);
}

TEST_F(guarded, many_die_in_steps_and_a_recovery_counts_those_that_were_its_own) {
  with(opens_at_once, R"({"schedule":[],"maximumAge":3600})");
  std::vector<recovery_item> items;
  std::vector<start> all;
  for (int i = 0; i < 600; ++i)
    items.push_back({emit(), 1, true, false});
  while (!(all = take()).empty())
    for (auto& s : all)
      (void)world::finish(s.token, answer(500)), now = now + 24h * 2;
  (void)expire();
  ASSERT_EQ(live.pending_count(), 0U);
  const auto dead = live.counts(id).dead;
  must(start_recovery{id, {0}, std::nullopt, recovery_scope::failed, {}});
  must(progress_recovery{live.recoveries().back()->what.id, items, items.back().message.seq, 600, true});
  (void)attempt(answer(500));
  now = now + 1h;
  EXPECT_EQ(expire().size(), 599U);
  EXPECT_EQ(live.recoveries().back()->dead, 600U);
  EXPECT_EQ(live.counts(id).dead, dead) << "they were dead already";
}

TEST_F(guarded, operators_are_told_of_what_died_of_age) {
  destination d;
  d.operational = true;
  d.filter_types = {"message.attempt.exhausted"};
  const auto ops = add(d);
  with(opens_at_once, an_hour);
  auto m = emit();
  (void)attempt(answer(500));
  now = now + 1h;
  (void)expire();
  auto told = take();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].destination, ops);
  auto body = nlohmann::json::parse(std::get<message_created>(*decode(events::kind::message_created, log.back().second)).body);
  EXPECT_EQ(body["data"]["msgId"], m.id);
  EXPECT_EQ(body["data"]["reason"], "maximum age");
}

// -- moments that were decided before the clock went back ----------------------------------------

TEST(shift, takes_the_moments_of_a_fact_along_and_of_its_draft) {
  attempt_finished a;
  a.id = "atmpt_1";
  a.message = {"msg_1", 7, "t", 2};
  a.destination = "ep_1";
  a.follows = outcome_kind::retry;
  a.next = virtual_time{1'000};
  a.hold = virtual_time{2'000};
  fact f = a;
  auto draft = encode(f);
  shift(f, -900);
  shift(draft, -900);
  EXPECT_EQ(std::get<attempt_finished>(f).next, virtual_time{100});
  EXPECT_EQ(std::get<attempt_finished>(f).hold, virtual_time{1'100});
  EXPECT_EQ(draft.payload, encode(f).payload) << "the log says what memory has";
  fact off = destination_disabled{"ep_1", "r", virtual_time{5'000}};
  shift(off, -900);
  EXPECT_EQ(std::get<destination_disabled>(off).probe, virtual_time{4'100});
  fact old = delivery_expired{"exp_1", {"msg_1", 7, "t", 2}, "ep_1", 3, "maximum age", {5'000}};
  shift(old, -900);
  EXPECT_EQ(std::get<delivery_expired>(old).since, virtual_time{4'100});
  message_created m{"msg_1", "t", "", {}, {}, {"ep_1"}, R"({"x": 1.0})", 10, virtual_time{3'000}};
  fact later = m;
  auto written = encode(later);
  shift(later, -900);
  shift(written, -900);
  EXPECT_EQ(std::get<message_created>(later).deliver_at, virtual_time{2'100});
  EXPECT_EQ(written.payload, encode(later).payload);
  EXPECT_EQ(message_body(written.payload), R"({"x": 1.0})") << "byte for byte";
}

TEST(shift, leaves_facts_without_moments_and_what_it_does_not_know) {
  auto draft = encode(destination_recovered{"ep_1"});
  const auto before = draft.payload;
  shift(draft, -900);
  EXPECT_EQ(draft.payload, before);
  events::draft other{.kind = events::kind::data_put, .payload = "{}", .entities = {}, .causation = 0, .claims = {}};
  shift(other, -900);
  EXPECT_EQ(other.payload, "{}");
}

} // namespace
