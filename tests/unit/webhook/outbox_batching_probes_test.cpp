#include "tests/unit/webhook/batches.hpp"

// Messages that go together to a destination that fails: what is a probe, and what it says.

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;
using nlohmann::json;

struct batches_probed : batches {
  destination guarded_by(std::string_view protection) {
    destination d;
    d.schedule = std::vector<duration>(50, 60s);
    d.protection = protection_policy::compile(json::parse(protection)).value();
    return d;
  }
  void together(std::string_view batching = R"({"maxMessages":3,"maxWaitMs":1000})") {
    patch_destination p;
    p.id = id;
    p.batching = batching_policy::compile(json::parse(batching)).value();
    must(p);
  }
  attempt_result aborting() const { return answer(500, {{"Webhook-Delivery", "abort-message"}}); }
};

TEST_F(batches_probed, asked_for_while_it_is_half_open_one_message_goes_to_see_whether_it_works) {
  id = add(guarded_by(R"({"breaker":{"failures":1,"probeAfter":600}})"));
  auto a = emit();
  EXPECT_EQ(attempt(answer(500)).opened, true);
  auto b = emit(), c = emit(), d = emit();
  together();
  now = guard().held_until.value();
  ASSERT_EQ(guard().at(now), lane_guard::stance::half_open);
  EXPECT_EQ(go(500), (std::vector<ids>{of({b})})) << "the first that is due";
  EXPECT_EQ(guard().in_a_row, 2U);
  EXPECT_EQ(live.counts(id).failed_in_a_row, 2U);
  now = guard().held_until.value();
  restart();
  EXPECT_EQ(go(200), (std::vector<ids>{of({b})}));
  EXPECT_FALSE(guard().held_until);
  EXPECT_EQ(go(200), (std::vector<ids>{of({c, d, a})}));
  EXPECT_EQ(live.counts(id).delivered, 4U);
}

TEST_F(batches_probed, of_what_came_while_it_was_held_one_is_the_probe_and_the_rest_goes_together) {
  gathering(R"({"maxMessages":1})", guarded_by(R"({"breaker":{"failures":1,"probeAfter":600}})"));
  auto a = emit();
  auto first = take();
  ASSERT_EQ(first.size(), 1U);
  auto result = aborting();
  patch_destination obeys;
  obeys.id = id;
  obeys.obeys = true;
  must(obeys);
  EXPECT_EQ(finish(first[0].token, result).follows, outcome_kind::dead) << "nothing waits";
  ASSERT_TRUE(guard().held_until);
  together();
  auto b = emit(), c = emit(), d = emit();
  EXPECT_TRUE(take().empty()) << "held";
  now = guard().held_until.value();
  EXPECT_EQ(go(200), (std::vector<ids>{of({b})})) << "it is not stuck, and one is enough to see";
  EXPECT_EQ(go_later(1s), (std::vector<ids>{of({c, d})}));
  EXPECT_EQ(live.counts(id).dead, 1U);
  EXPECT_EQ(live.pending(id, a.seq), std::nullopt);
}

TEST_F(batches_probed, a_batch_that_fails_is_one_failure) {
  gathering(R"({"maxMessages":3})", guarded_by(R"({"breaker":{"failures":2,"probeAfter":600}})"));
  emit(), emit(), emit();
  EXPECT_EQ(go(500).front().size(), 3U);
  EXPECT_EQ(guard().in_a_row, 1U);
  EXPECT_FALSE(guard().held_until);
  now = next_due(live).value();
  EXPECT_EQ(go(500).front().size(), 3U);
  EXPECT_TRUE(guard().held_until);
  EXPECT_EQ(guard().holds, 1U);
  now = guard().held_until.value();
  EXPECT_EQ(go(200).front().size(), 3U) << "what was formed stays as it was: one request";
  EXPECT_FALSE(guard().held_until);
}

TEST_F(batches_probed, a_receiver_that_wants_the_last_probe_no_more_is_sent_what_was_missed) {
  auto d = guarded_by(R"({"disable":{"failures":1,"after":0,"probe":60}})");
  d.obeys = true;
  gathering(R"({"maxMessages":2,"maxWaitMs":0})", d);
  emit();
  EXPECT_EQ(go(500).size(), 1U);
  ASSERT_TRUE(disabled());
  now = guard().held_until.value();
  auto probe = take();
  ASSERT_EQ(probe.size(), 1U);
  (void)finish(probe[0].token, aborting());
  EXPECT_EQ(also(), (std::vector{events::kind::destination_recovered, events::kind::recovery_started}));
  EXPECT_FALSE(disabled());
  EXPECT_EQ(live.recoveries().back()->what.scope, recovery_scope::missing);
}

} // namespace
