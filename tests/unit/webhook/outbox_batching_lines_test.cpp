#include "tests/unit/webhook/batches.hpp"

// Messages that go together in the order of a line, and many of them.

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;

// -- order ------------------------------------------------------------------------------------------------

TEST_F(batches, of_one_line_go_one_after_the_other_through_all_retries) {
  gathering(R"({"maxMessages":2,"maxWaitMs":1000})", in_order(R"("fifo")"));
  auto a = emit(), b = emit(), c = emit(), d = emit(), e = emit();
  EXPECT_EQ(go(500), (std::vector<ids>{of({a, b})}));
  EXPECT_TRUE(go_later(10s).empty()) << "it is tried again first";
  restart();
  now = next_due(live).value();
  EXPECT_EQ(go(200), (std::vector<ids>{of({a, b})}));
  EXPECT_EQ(go(200), (std::vector<ids>{of({c, d})}));
  EXPECT_EQ(go(200), (std::vector<ids>{of({e})})) << "it has waited long enough";
}

TEST_F(batches, have_messages_of_one_key_only_and_keys_go_side_by_side) {
  gathering(R"({"maxMessages":2,"maxWaitMs":1000})", in_order(R"({"key":true})"));
  auto a1 = keyed("a"), b1 = keyed("b"), a2 = keyed("a"), none1 = emit(), a3 = keyed("a"), none2 = emit();
  auto due = take();
  ASSERT_EQ(due.size(), 2U);
  std::set<ids> went;
  for (const auto& s : due)
    went.insert(members(s));
  EXPECT_EQ(went, (std::set<ids>{of({a1, a2}), of({none1, none2})}));
  now = now + 1s;
  auto later = take();
  ASSERT_EQ(later.size(), 1U);
  EXPECT_EQ(members(later[0]), of({b1})) << "the third of `a` waits for the first two";
  for (auto& s : due)
    (void)finish(s.token, answer(200));
  EXPECT_EQ(go(), (std::vector<ids>{of({a3})}));
  (void)finish(later[0].token, answer(200));
}

TEST_F(batches, end_before_what_goes_by_itself) {
  gathering(R"({"maxMessages":3,"maxWaitMs":60000})", in_order(R"("fifo")"));
  auto a = emit(), b = emit(), c = emit();
  auto due = take();
  ASSERT_EQ(due.size(), 1U);
  auto d = emit(), e = emit(), f = emit();
  must(resend{b, id, 0, false, false}); // at the end of its line, since it is under way
  (void)finish(due[0].token, answer(500));
  now = next_due(live).value();
  restart();
  EXPECT_EQ(go(500), (std::vector<ids>{of({a, b, c})})) << "nothing overtakes";
  EXPECT_EQ(live.pending_count(), 7U);
  now = next_due(live).value();
  EXPECT_EQ(go(200), (std::vector<ids>{of({a, b, c})}));
  EXPECT_EQ(live.pending_count(), 3U) << "it has arrived: nobody needs it again";
  EXPECT_EQ(go(200), (std::vector<ids>{of({d, e, f})}));
  EXPECT_TRUE(go_later(1h).empty());
  EXPECT_EQ(attempts_of(b).size(), 3U);
  EXPECT_EQ(live.counts(id).delivered, 6U);
}

TEST_F(batches, that_wait_in_a_line_go_at_once_when_a_person_sends_one_of_theirs_again_which_arrives_once) {
  gathering(R"({"maxMessages":3,"maxWaitMs":60000})", in_order(R"("fifo")"));
  auto a = emit(), b = emit(), c = emit();
  EXPECT_EQ(go(500), (std::vector<ids>{of({a, b, c})}));
  auto d = emit(), e = emit(), f = emit();
  EXPECT_TRUE(take().empty()) << "a minute from now";
  must(resend{b, id, 1, false, false});
  must(resend{c, id, 1, false, false});
  EXPECT_EQ(live.pending_count(), 6U) << "nothing waits beside";
  restart();
  EXPECT_EQ(go(500), (std::vector<ids>{of({a, b, c})})) << "both with one attempt";
  EXPECT_EQ(attempts_of(b).back().why, trigger::manual);
  EXPECT_EQ(attempts_of(b).back().follows, outcome_kind::failed) << "which costs nothing of the schedule";
  EXPECT_TRUE(take().empty());
  must(resend{a, id, 2, false, false});
  EXPECT_EQ(go(200), (std::vector<ids>{of({a, b, c})}));
  EXPECT_EQ(go(200), (std::vector<ids>{of({d, e, f})}));
  EXPECT_TRUE(go_later(1h).empty());
  EXPECT_EQ(live.counts(id).delivered, 6U);
  EXPECT_EQ(attempts_of(b).size(), 3U);
}

TEST_F(batches, that_die_leave_what_a_person_asked_for_meanwhile_which_goes_when_it_is_its_turn) {
  auto own = in_order(R"("fifo")");
  own.schedule = std::vector<duration>{};
  gathering(R"({"maxMessages":2,"maxWaitMs":0})", own);
  auto a = emit(), b = emit();
  auto due = take();
  ASSERT_EQ(due.size(), 1U);
  must(resend{b, id, 0, false, false});
  EXPECT_EQ(finish(due[0].token, answer(500)).follows, outcome_kind::dead);
  EXPECT_EQ(go(200), (std::vector<ids>{of({b})}));
  EXPECT_EQ(live.counts(id).dead, 1U);
  EXPECT_EQ(live.counts(id).delivered, 1U);
  EXPECT_EQ(live.pending(id, a.seq), std::nullopt);
}

TEST_F(batches, that_arrive_beside_one_of_their_messages_under_way_by_itself_count_it_once) {
  gathering();
  auto a = emit();
  emit(), emit();
  auto due = take();
  ASSERT_EQ(due.size(), 1U);
  must(resend{a, id, 0, false, false});
  auto alone = take();
  ASSERT_EQ(alone.size(), 1U);
  const auto of_a = finish(due[0].token, answer(200));
  EXPECT_EQ(of_a.follows, outcome_kind::delivered);
  EXPECT_TRUE(of_a.batch.beside);
  EXPECT_EQ(live.pending_count(), 0U);
  EXPECT_EQ(folded().pending_count(), 0U);
  outbox_state of_before;
  for (auto [h, payload] : log) {
    if (auto at = payload.find(R"(,"beside":true)"); at != std::string::npos)
      payload.erase(at, 14);
    ASSERT_TRUE(apply(of_before, h, payload));
  }
  EXPECT_EQ(of_before.pending_count(), 1U) << "what a log of before does not say did not happen";
  (void)finish(alone[0].token, answer(200));
  EXPECT_EQ(live.counts(id).delivered, 3U);
  EXPECT_EQ(live.in_flight_count(), 0U);
}

TEST_F(batches, count_with_each_of_theirs_in_what_a_recovery_has_queued) {
  auto own = in_order(R"("fifo")");
  own.protection = protection_policy::compile(nlohmann::json::parse(disables_soon)).value();
  gathering(R"({"maxMessages":100,"maxWaitMs":0})", own);
  (void)emit();
  EXPECT_EQ(go(500).size(), 1U);
  ASSERT_TRUE(disabled());
  now = guard().held_until.value();
  auto probe = take();
  ASSERT_EQ(probe.size(), 1U);
  std::vector<recovery_item> missed;
  for (int i = 0; i < 5'001; ++i)
    missed.push_back({emit(), 0, false, false});
  EXPECT_EQ(live.pending_count(), 1U) << "stored";
  (void)finish(probe[0].token, answer(200));
  for (auto& one : missed)
    one.line = "/", one.place = now;
  const auto& missing = *live.recoveries().back();
  must(progress_recovery{missing.what.id, missed, missing.started_seq - 1, missed.size(), false});
  EXPECT_EQ(live.pending_count(), 5'001U);
  EXPECT_FALSE(live.room_for_recovery(id));
  ASSERT_EQ(take().size(), 1U);
  EXPECT_FALSE(live.room_for_recovery(id)) << "those that go together wait as well";
  restart();
  EXPECT_FALSE(live.room_for_recovery(id));
}

// -- much of it -----------------------------------------------------------------------------------------------

TEST_F(batches, are_full_and_in_order_though_most_of_what_waits_rests) {
  rest_beyond(live, 0, 2);
  gathering(R"({"maxMessages":50,"maxWaitMs":1000})");
  std::vector<std::string> expected, seen;
  for (int i = 0; i < 2'020; ++i)
    expected.push_back(emit().id);
  now = now + 1s;
  while (live.pending_count() != 0) {
    auto went = go();
    ASSERT_FALSE(went.empty());
    for (const auto& one : went) {
      EXPECT_EQ(one.size(), seen.size() < 2'000 ? 50U : 20U);
      seen.insert(seen.end(), one.begin(), one.end());
    }
  }
  EXPECT_EQ(seen, expected);
}

TEST_F(batches, with_bytes_that_do_not_fit_wait_for_others_to_end) {
  gathering(R"({"maxMessages":2,"maxWaitMs":0})");
  for (int i = 0; i < 4; ++i)
    emit("t", R"({"a":")" + std::string(1'000, 'x') + "\"}");
  form();
  auto first = take_due(live, now, 10, 3'000);
  ASSERT_EQ(first.size(), 1U);
  form();
  EXPECT_TRUE(take_due(live, now, 10, 3'000).empty());
  (void)finish(first[0].token, answer(200));
  form();
  EXPECT_EQ(take_due(live, now, 10, 3'000).size(), 1U);
}

TEST_F(batches, on_a_clock_that_is_set_back_wait_as_long_as_they_had_left) {
  gathering(R"({"maxMessages":3,"maxWaitMs":10000})");
  auto a = emit();
  now = now + 4s;
  decision back;
  back.facts.push_back(deliveries_moved{-1'000'000'000});
  back.drafts.push_back(encode(back.facts.back()));
  write(back);
  now = {now.us - 1'000'000'000};
  EXPECT_TRUE(go_later(5s).empty());
  EXPECT_EQ(go_later(1s), (std::vector<ids>{of({a})}));
}

} // namespace
