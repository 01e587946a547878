#include "tests/unit/webhook/batches.hpp"
#include "webhook/batch.hpp"
#include "webhook/views.hpp"

#include <set>

// Messages that go together: which, when, and what becomes of each.

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;
using nlohmann::json;

// -- when -------------------------------------------------------------------------------------------

TEST_F(batches, go_when_the_first_has_waited_long_enough) {
  gathering();
  auto a = emit();
  now = now + 400ms;
  auto b = emit();
  EXPECT_TRUE(take().empty());
  EXPECT_EQ(next_due(live), now + 600ms);
  now = now + 600ms;
  auto due = take();
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(members(due[0]), of({a, b}));
  EXPECT_TRUE(due[0].message->id.starts_with("bat_"));
  EXPECT_EQ(due[0].message->event_type, "batch");
  EXPECT_EQ(live.counts(id).in_flight, 2U) << "messages";
}

TEST_F(batches, go_at_once_when_they_are_full_and_what_is_left_waits) {
  gathering();
  auto a = emit(), b = emit(), c = emit(), d = emit();
  EXPECT_EQ(go(), (std::vector<ids>{of({a, b, c})}));
  EXPECT_TRUE(take().empty());
  EXPECT_EQ(go_later(1s), (std::vector<ids>{of({d})})) << "one by itself is an array too";
}

TEST_F(batches, are_full_by_their_payloads_too_and_a_larger_one_goes_by_itself) {
  gathering(R"({"maxMessages":50,"maxBytes":100,"maxWaitMs":60000})");
  auto body = [](std::size_t bytes) { return R"({"a":")" + std::string(bytes - 8, 'x') + "\"}"; };
  auto a = emit("t", body(40)), b = emit("t", body(40));
  EXPECT_TRUE(take().empty());
  auto c = emit("t", body(40));
  EXPECT_EQ(go(), (std::vector<ids>{of({a, b})})) << "the third does not fit";
  auto d = emit("t", body(500));
  EXPECT_EQ(go(), (std::vector<ids>{of({c}), of({d})}));
}

TEST_F(batches, wait_for_nobody_without_a_wait) {
  gathering(R"({"maxWaitMs":0})");
  auto a = emit(), b = emit();
  EXPECT_EQ(go(), (std::vector<ids>{of({a, b})}));
}

TEST_F(batches, have_what_is_due_and_not_what_is_to_be_delivered_later) {
  gathering();
  create_message later{"t", {}, "{}", {}, {}};
  later.deliver_at = now + 10s;
  must(later);
  const message_ref l{std::get<message_created>(*decode(log.back().first.kind, log.back().second)).id, log.size(), "t", 2};
  auto a = emit(), b = emit();
  EXPECT_TRUE(take().empty()) << "two are due";
  EXPECT_EQ(go_later(1s), (std::vector<ids>{of({a, b})}));
  EXPECT_EQ(next_due(live), now + 10s) << "due in 9 s, and waited for";
  EXPECT_EQ(go_later(10s), (std::vector<ids>{of({l})}));
}

TEST_F(batches, are_not_made_while_nothing_may_go_and_full_ones_go_then) {
  auto d = without_retries();
  d.schedule = std::vector<duration>(50, 60s);
  d.protection = protection_policy::compile(json::parse(R"({"breaker":{"failures":1,"probeAfter":600}})")).value();
  gathering(R"({"maxMessages":3,"maxWaitMs":1000})", d);
  auto a = emit();
  EXPECT_EQ(go_later(1s, 500).size(), 1U);
  std::vector<message_ref> more;
  for (int i = 0; i < 4; ++i) {
    now = now + 10s;
    more.push_back(emit());
    EXPECT_TRUE(take().empty()) << "held";
  }
  now = guard().held_until.value();
  EXPECT_EQ(go(), (std::vector<ids>{of({a})})) << "one, to see whether it works";
  EXPECT_EQ(go(), (std::vector<ids>{of({more[0], more[1], more[2]}), of({more[3]})}));
}

TEST_F(batches, keep_to_a_rate_that_counts_requests) {
  destination d;
  d.rate_limit = 1;
  gathering(R"({"maxMessages":2,"maxWaitMs":0})", d);
  for (int i = 0; i < 4; ++i)
    emit();
  EXPECT_EQ(go().size(), 1U);
  EXPECT_TRUE(go_later(900ms).empty());
  EXPECT_EQ(go_later(100ms).size(), 1U);
  EXPECT_EQ(live.counts(id).delivered, 4U);
}

TEST_F(batches, keep_to_the_cap_of_requests_in_flight) {
  destination d;
  d.in_flight = 2;
  gathering(R"({"maxMessages":2,"maxWaitMs":0})", d);
  for (int i = 0; i < 10; ++i)
    emit();
  auto due = take();
  EXPECT_EQ(due.size(), 2U);
  EXPECT_TRUE(take().empty());
  (void)finish(due[0].token, answer(200));
  EXPECT_EQ(take().size(), 1U);
}

// -- what becomes of it -------------------------------------------------------------------------------

TEST_F(batches, that_arrive_end_all_their_messages_each_with_an_attempt_of_its_own) {
  gathering();
  auto a = emit(), b = emit(), c = emit();
  auto due = take();
  ASSERT_EQ(due.size(), 1U);
  (void)finish(due[0].token, answer(200));
  EXPECT_EQ(live.pending_count(), 0U);
  EXPECT_EQ(live.counts(id).delivered, 3U);
  std::set<std::string> attempts;
  std::uint32_t left = 3;
  for (const auto& m : {a, b, c}) {
    auto all = attempts_of(m);
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].follows, outcome_kind::delivered);
    EXPECT_EQ(all[0].batch.id, due[0].message->id);
    EXPECT_EQ(all[0].batch.seq, due[0].message->seq);
    EXPECT_EQ(all[0].batch.left, --left);
    EXPECT_EQ(all[0].message, m);
    attempts.insert(all[0].id);
  }
  EXPECT_EQ(attempts.size(), 3U);
  const auto shown = json::parse(*views::attempt_out(log.back().first, log.back().second));
  EXPECT_EQ(shown["batchId"], due[0].message->id);
  EXPECT_EQ(shown["msgId"], c.id);
  EXPECT_TRUE(json::parse(views::endpoint_out(*live.find(id)))["batching"].is_object());
}

TEST_F(batches, that_fail_are_tried_again_as_they_were_over_restarts_and_whatever_came_meanwhile) {
  gathering();
  auto a = emit(), b = emit();
  now = now + 1s;
  auto first = take();
  ASSERT_EQ(first.size(), 1U);
  restart(); // it was under way, and nobody knows what became of it
  (void)emit();
  auto again = take();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].message->id, first[0].message->id);
  EXPECT_EQ(members(again[0]), of({a, b}));
  EXPECT_EQ(finish(again[0].token, answer(500)).follows, outcome_kind::retry);
  EXPECT_EQ(live.pending(id, a.seq)->attempts, 1U);
  restart();
  (void)go_later(2s); // the one that came meanwhile
  EXPECT_GT(next_due(live).value(), now + 30s);
  now = next_due(live).value();
  auto third = take();
  ASSERT_EQ(third.size(), 1U);
  EXPECT_EQ(third[0].message->id, first[0].message->id);
  EXPECT_EQ(third[0].number, 2U);
  EXPECT_EQ(members(third[0]), of({a, b}));
  (void)finish(third[0].token, answer(200));
  EXPECT_EQ(live.counts(id).delivered, 3U);
  EXPECT_EQ(attempts_of(b).back().number, 2U);
}

TEST_F(batches, that_die_leave_a_dead_letter_of_each_message_which_go_again_alone_or_together) {
  auto d = without_retries();
  gathering(R"({"maxMessages":3,"maxWaitMs":1000})", d);
  auto a = emit(), b = emit(), c = emit();
  EXPECT_EQ(go(500).size(), 1U);
  EXPECT_EQ(live.counts(id).dead, 3U);
  EXPECT_EQ(live.counts(id).failed_in_a_row, 1U) << "a request";
  EXPECT_EQ(live.pending_count(), 0U);
  must(resend{a, id, 1, true, false});
  auto alone = take();
  ASSERT_EQ(alone.size(), 1U);
  EXPECT_EQ(alone[0].message->id, a.id) << "under its own id";
  EXPECT_EQ(members(alone[0]), of({a})) << "and in an array";
  (void)finish(alone[0].token, answer(200));
  EXPECT_EQ(live.counts(id).dead, 2U);
  must(start_recovery{id, {0}, std::nullopt, recovery_scope::failed, {}});
  const auto task = live.recoveries().back()->what.id;
  must(progress_recovery{task, {{b, 1, true, false}, {c, 1, true, false}}, c.seq, 3, true});
  EXPECT_EQ(go_later(1s), (std::vector<ids>{of({b, c})}));
  EXPECT_EQ(live.counts(id).dead, 0U);
  EXPECT_EQ(live.counts(id).delivered, 3U);
  EXPECT_EQ(live.recoveries().back()->delivered, 2U);
  EXPECT_EQ(attempts_of(b).back().why, trigger::recovery);
  EXPECT_EQ(attempts_of(b).back().number, 2U);
}

TEST_F(batches, are_as_old_as_their_oldest_message_and_die_as_one) {
  destination d;
  d.retries = retry_policy::compile({{"maximumAge", 100}, {"schedule", {90, 90, 90}}}).value();
  d.batching = batching_policy::compile(json::parse(R"({"maxWaitMs":30000})")).value();
  id = add(d);
  auto a = emit();
  now = now + 20s;
  auto b = emit();
  EXPECT_EQ(go_later(10s, 500), (std::vector<ids>{of({a, b})}));
  EXPECT_EQ(attempts_of(a)[0].follows, outcome_kind::dead) << "the next would come after 100 s";
  EXPECT_EQ(live.counts(id).dead, 2U);

  auto c = emit(), e = emit();
  now = now + 30s;
  ASSERT_EQ(take().size(), 1U);
  restart();
  must(switch_off(id, true)); // it waits on
  now = now + 100s;
  auto gone = expire();
  ASSERT_EQ(gone.size(), 2U);
  EXPECT_EQ(gone[0].message, c);
  EXPECT_EQ(gone[1].message, e);
  EXPECT_EQ(live.counts(id).dead, 4U);
  EXPECT_EQ(live.pending_count(), 0U);
}

TEST_F(batches, are_told_to_operators_message_by_message) {
  destination listens;
  listens.operational = true;
  listens.filter_types = {"message.attempt.exhausted"};
  const auto ops = add(listens);
  auto d = without_retries();
  gathering(R"({"maxMessages":2})", d);
  emit(), emit();
  (void)go(500);
  EXPECT_EQ(live.counts(ops).pending, 2U);
}

TEST_F(batches, whose_endpoint_is_gone_are_disabled_and_parked) {
  gathering();
  auto a = emit(), b = emit(), c = emit(), d = emit();
  EXPECT_EQ(go(410).size(), 1U);
  EXPECT_TRUE(disabled());
  EXPECT_TRUE(go_later(1h).empty());
  EXPECT_EQ(live.counts(id).pending, 4U);
  must(switch_off(id, false));
  EXPECT_EQ(go_later(1h), (std::vector<ids>{of({a, b, c}), of({d})}));
}

TEST_F(batches, of_an_endpoint_that_is_removed_while_they_are_under_way_are_told_of_message_by_message) {
  gathering();
  auto a = emit(), b = emit(), c = emit();
  auto due = take();
  must(remove_destination{id});
  EXPECT_EQ(live.pending_count(), 0U);
  (void)finish(due[0].token, answer(500));
  for (const auto& m : {a, b, c}) {
    ASSERT_EQ(attempts_of(m).size(), 1U);
    EXPECT_EQ(attempts_of(m)[0].follows, outcome_kind::dropped);
  }
}

// -- what is asked for beside ---------------------------------------------------------------------------

TEST_F(batches, a_message_that_is_sent_by_hand_goes_by_itself_and_counts_once) {
  gathering();
  auto a = emit(), b = emit(), c = emit();
  EXPECT_EQ(go(500).size(), 1U);
  must(resend{b, id, 1, false, false});
  auto alone = take();
  ASSERT_EQ(alone.size(), 1U);
  EXPECT_EQ(alone[0].message->id, b.id);
  EXPECT_EQ(alone[0].number, 2U);
  restart();
  alone = take();
  ASSERT_EQ(alone.size(), 1U);
  (void)finish(alone[0].token, answer(200));
  EXPECT_EQ(live.counts(id).delivered, 1U);
  EXPECT_TRUE(live.pending(id, b.seq)) << "its batch stays as it was";
  now = next_due(live).value();
  EXPECT_EQ(go(), (std::vector<ids>{of({a, b, c})}));
  EXPECT_EQ(live.counts(id).delivered, 3U) << "each once";
  EXPECT_EQ(live.counts(id).dead, 0U);
}

TEST_F(batches, are_not_decided_in_one_go_with_what_may_be_of_the_same_messages) {
  gathering();
  auto a = emit();
  emit(), emit();
  auto together = take();
  must(resend{a, id, 1, false, false});
  auto alone = take();
  ASSERT_EQ(together.size() + alone.size(), 2U);
  batch results;
  EXPECT_TRUE(results.add_result(live, together[0].token));
  EXPECT_FALSE(results.add_result(live, alone[0].token)) << "or both would end the message, and it would count twice";
}

TEST_F(batches, a_message_that_a_person_wants_while_it_is_gathered_is_waited_for_by_nobody) {
  gathering();
  auto a = emit(), b = emit();
  must(resend{a, id, 0, false, false});
  EXPECT_EQ(go(), (std::vector<ids>{of({a})}));
  EXPECT_EQ(go_later(1s), (std::vector<ids>{of({b})}));
}

TEST_F(batches, go_on_as_they_are_when_batching_is_changed_or_taken_away_and_the_rest_by_itself) {
  gathering();
  auto a = emit(), b = emit(), c = emit(), d = emit();
  EXPECT_EQ(go(500).size(), 1U);
  patch_destination p;
  p.id = id;
  p.batching = batching_policy{};
  must(p);
  auto due = take();
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].message->id, d.id);
  EXPECT_EQ(due[0].members, nullptr) << "the message as it is";
  (void)finish(due[0].token, answer(200));
  restart();
  now = next_due(live).value();
  EXPECT_EQ(go(), (std::vector<ids>{of({a, b, c})}));
}

TEST_F(batches, may_be_asked_for_when_much_waits_already) {
  destination d;
  d.schedule = std::vector<duration>(5, 60s);
  id = add(d);
  auto a = emit(), b = emit();
  for (auto& s : take())
    (void)finish(s.token, answer(500));
  patch_destination p;
  p.id = id;
  p.batching = batching_policy::compile(json::parse(R"({"maxMessages":5,"maxWaitMs":30000})")).value();
  must(p);
  now = now + 200s;
  EXPECT_EQ(go(500), (std::vector<ids>{of({a, b})}));
  EXPECT_EQ(attempts_of(b).back().number, 2U);
}

TEST_F(batches, whose_message_was_erased_go_on_without_it) {
  gathering();
  auto a = emit(), b = emit(), c = emit();
  auto due = take();
  ASSERT_EQ(due.size(), 1U);
  give_back(live, due[0].token);
  must(expire_erased{b.seq});
  EXPECT_EQ(live.counts(id).dead, 1U);
  EXPECT_EQ(live.pending_count(), 2U);
  EXPECT_FALSE(live.pending(id, b.seq));
  restart();
  due = take();
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(members(due[0]), of({a, c}));
  give_back(live, due[0].token);
  must(expire_erased{a.seq});
  must(expire_erased{c.seq});
  EXPECT_EQ(live.pending_count(), 0U);
  EXPECT_TRUE(take().empty());
}

TEST_F(batches, what_waits_in_one_is_not_erased) {
  gathering();
  auto a = emit(), b = emit(), c = emit();
  ASSERT_EQ(take().size(), 1U);
  for (const auto& m : {a, b, c})
    EXPECT_EQ(refused(erase_content{{{m.seq, m.id, "{}"}}}), errc::conflict);
}

TEST_F(batches, a_recovery_that_is_cancelled_takes_back_what_is_gathered_and_not_what_goes_together_already) {
  auto d = without_retries();
  d.in_flight = 1;
  gathering(R"({"maxMessages":2,"maxWaitMs":0})", d);
  std::vector<message_ref> all;
  for (int i = 0; i < 3; ++i)
    all.push_back(emit());
  while (live.pending_count() != 0)
    (void)go(500);
  EXPECT_EQ(live.counts(id).dead, 3U);
  must(start_recovery{id, {0}, std::nullopt, recovery_scope::failed, {}});
  const auto task = live.recoveries().back()->what.id;
  must(progress_recovery{task, {{all[0], 1, true, false}, {all[1], 1, true, false}, {all[2], 1, true, false}}, all[2].seq, 3, true});
  auto due = take();
  ASSERT_EQ(due.size(), 1U);
  must(cancel_recovery{task});
  EXPECT_EQ(live.pending_count(), 2U);
  (void)finish(due[0].token, answer(200));
  EXPECT_EQ(live.counts(id).dead, 1U);
  EXPECT_EQ(live.pending_count(), 0U);
}

} // namespace
