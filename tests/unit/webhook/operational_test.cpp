#include "tests/unit/webhook/world.hpp"

#include <set>

#include <nlohmann/json.hpp>

// Messages about the webhooks themselves.

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;
using nlohmann::json;

struct operational : ::testing::Test, world {
  void SetUp() override {
    name_sandbox(live, "sbx_1");
    destination d;
    d.operational = true;
    d.url = "http://operators.test/";
    ops = add(d);
  }
  void TearDown() override {
    auto text = snapshot(live);
    EXPECT_EQ(snapshot(folded()), text);
    auto back = restore(text);
    ASSERT_TRUE(back);
    EXPECT_EQ(snapshot(*back), text);
  }
  std::string failing(std::vector<duration> schedule, std::string_view guard = R"({"breaker":null})") {
    destination d;
    d.uid = "mine";
    d.schedule = std::move(schedule);
    d.guard = protection::compile(json::parse(guard)).value();
    return add(d);
  }
  /// One attempt at `to`, at the next moment that there is one; what operators are told of it waits.
  attempt_finished attempt_at(const std::string& to, attempt_result r) {
    for (int i = 0; i < 100; ++i) {
      now = std::max(now, next_due(live).value_or(now));
      for (auto& s : take())
        held.push_back(std::move(s));
      for (auto s = held.begin(); s != held.end(); ++s)
        if (s->destination == to) {
          auto token = s->token;
          held.erase(s);
          return finish(token, std::move(r));
        }
    }
    ADD_FAILURE() << "nothing due";
    return {};
  }
  /// What operators were told so far.
  std::vector<json> told() const {
    std::vector<json> out;
    for (const auto& [h, payload] : log)
      if (h.kind == events::kind::message_created) {
        auto m = std::get<message_created>(*decode(h.kind, payload));
        if (m.operational) {
          EXPECT_EQ(m.destinations, std::vector{ops});
          out.push_back(json::parse(m.body));
        }
      }
    return out;
  }
  std::string ops;
  std::vector<start> held;
};

TEST_F(operational, an_exhausted_message_is_told_in_svixs_shape) {
  auto id = failing({});
  auto m = emit("order.paid");
  auto f = attempt_at(id, answer(500));
  ASSERT_EQ(told().size(), 1U);
  auto what = told()[0];
  EXPECT_EQ(what["type"], "message.attempt.exhausted");
  auto& data = what["data"];
  EXPECT_EQ(data["appId"], "sbx_1");
  EXPECT_EQ(data["endpointId"], id);
  EXPECT_EQ(data["endpointUid"], "mine");
  EXPECT_EQ(data["msgId"], m.id);
  EXPECT_EQ(data["lastAttempt"]["id"], f.id);
  EXPECT_EQ(data["lastAttempt"]["responseStatusCode"], 500);
  EXPECT_TRUE(live.pending(ops, log.size())) << "it waits like every message, and survives like every message";
}

TEST_F(operational, failing_is_told_after_the_fourth_attempt_and_recovered_when_it_arrives) {
  auto id = failing(std::vector<duration>(8, 1s));
  emit();
  for (int i = 0; i < 5; ++i)
    (void)attempt_at(id, answer(500));
  ASSERT_EQ(told().size(), 1U);
  EXPECT_EQ(told()[0]["type"], "message.attempt.failing");
  (void)attempt_at(id, answer(200));
  ASSERT_EQ(told().size(), 2U);
  EXPECT_EQ(told()[1]["type"], "message.attempt.recovered");
}

TEST_F(operational, disabled_and_recovered_are_told) {
  auto id = failing(std::vector<duration>(50, 1s), R"({"breaker":null,"disable":{"failures":2,"after":0},"probe":60})");
  emit();
  (void)attempt_at(id, answer(500));
  (void)attempt_at(id, answer(500));
  ASSERT_EQ(told().size(), 1U);
  EXPECT_EQ(told()[0]["type"], "endpoint.disabled");
  EXPECT_TRUE(told()[0]["data"]["failSince"].is_string());
  (void)attempt_at(id, answer(200));
  ASSERT_EQ(told().size(), 2U);
  EXPECT_EQ(told()[1]["type"], "endpoint.recovered");
}

TEST_F(operational, gone_is_told_too) {
  auto id = failing({1s});
  emit();
  (void)attempt_at(id, answer(410));
  ASSERT_EQ(told().size(), 1U);
  EXPECT_EQ(told()[0]["data"]["reason"], "410 Gone");
}

TEST_F(operational, a_backlog_is_told_once_until_it_has_gone_down) {
  auto id = failing(std::vector<duration>(50, 1h));
  for (int i = 0; i < 1'000; ++i)
    emit();
  (void)attempt_at(id, answer(500));
  (void)attempt_at(id, answer(500));
  ASSERT_EQ(told().size(), 1U);
  EXPECT_EQ(told()[0]["type"], "endpoint.backlog");
  EXPECT_EQ(told()[0]["data"]["threshold"], 1'000);
}

TEST_F(operational, an_operational_endpoint_gets_nothing_else_and_others_nothing_of_it) {
  auto id = failing({});
  emit();
  EXPECT_EQ(live.counts(ops).pending, 0U);
  (void)attempt_at(id, answer(500));
  EXPECT_EQ(live.counts(ops).pending, 1U);
  EXPECT_EQ(live.counts(id).pending, 0U);
}

TEST_F(operational, what_happens_to_one_of_these_is_told_to_nobody) {
  must(patch_destination{.id = ops, .schedule = std::optional{std::vector<duration>{}}});
  auto id = failing({});
  emit();
  (void)attempt_at(id, answer(500));
  EXPECT_EQ(attempt_at(ops, answer(500)).follows, outcome_kind::dead);
  EXPECT_EQ(told().size(), 1U);
}

TEST_F(operational, it_may_want_only_some_types) {
  must(patch_destination{.id = ops, .filter_types = std::vector<std::string>{"endpoint.*"}});
  auto id = failing({});
  emit();
  (void)attempt_at(id, answer(500));
  EXPECT_TRUE(told().empty());
}

TEST_F(operational, several_of_one_decision_have_ids_of_their_own) {
  auto id = failing({}, R"({"breaker":null,"disable":{"failures":2,"after":0}})");
  emit(), emit();
  (void)attempt_at(id, answer(500));
  (void)attempt_at(id, answer(500)); // dead and disabled at once
  std::set<std::string> ids;
  for (const auto& [h, payload] : log)
    if (h.kind == events::kind::message_created) {
      EXPECT_TRUE(ids.insert(std::get<message_created>(*decode(h.kind, payload)).id).second);
    }
  EXPECT_EQ(told().size(), 3U);
}

} // namespace
