#include "tests/unit/webhook/world.hpp"
#include "webhook/batch.hpp"

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
  std::string failing(std::vector<duration> schedule, std::string_view guard = "{}") {
    destination d;
    d.uid = "mine";
    d.schedule = std::move(schedule);
    d.protection = protection_policy::compile(json::parse(guard)).value();
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
  std::vector<message_created> told_all() const {
    std::vector<message_created> out;
    for (const auto& [h, payload] : log)
      if (h.kind == events::kind::message_created)
        if (auto m = std::get<message_created>(*decode(h.kind, payload)); m.operational)
          out.push_back(std::move(m));
    return out;
  }
  /// What operators were told so far of how it goes, and not of what was asked for.
  std::vector<json> told() const {
    std::vector<json> out;
    for (const auto& m : told_all())
      if (m.event_type != "endpoint.created" && m.event_type != "endpoint.updated" && m.event_type != "subscription.updated") {
        EXPECT_EQ(m.destinations, std::vector{ops});
        out.push_back(json::parse(m.body));
      }
    return out;
  }
  std::vector<std::string> types_told() const {
    std::vector<std::string> out;
    for (const auto& m : told_all())
      out.push_back(m.event_type);
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
  auto id = failing(std::vector<duration>(50, 1s), R"({"disable":{"failures":2,"after":0,"probe":60}})");
  emit();
  must(patch_destination{.id = ops, .filter_types = std::vector<std::string>{"endpoint.disabled", "endpoint.recovered"}});
  (void)attempt_at(id, answer(500));
  (void)attempt_at(id, answer(500));
  ASSERT_EQ(told().size(), 1U);
  EXPECT_EQ(told()[0]["type"], "endpoint.disabled");
  EXPECT_TRUE(told()[0]["data"]["failSince"].is_string());
  (void)attempt_at(id, answer(200));
  ASSERT_EQ(told().size(), 2U);
  EXPECT_EQ(told()[1]["type"], "endpoint.recovered");
}

// -- on the way to being disabled -----------------------------------------------------------------

TEST_F(operational, what_is_half_way_to_being_disabled_is_told_at_50_70_and_90_percent_and_then_the_disabling) {
  auto id = failing(std::vector<duration>(50, 1s), R"({"disable":{"failures":10,"after":0,"probe":null}})");
  must(patch_destination{.id = ops, .filter_types = std::vector<std::string>{"endpoint.failing", "endpoint.disabled"}});
  emit();
  std::vector<std::pair<int, int>> seen; // threshold, failures
  for (int i = 0; i < 10; ++i)
    (void)attempt_at(id, answer(500));
  for (const auto& one : told())
    if (one["type"] == "endpoint.failing")
      seen.emplace_back(one["data"]["threshold"], one["data"]["failedInARow"]);
  EXPECT_EQ(seen, (std::vector<std::pair<int, int>>{{50, 5}, {70, 7}, {90, 9}}));
  const auto first = told().front()["data"];
  EXPECT_EQ(first["disabledAfter"]["failures"], 10);
  EXPECT_EQ(first["disabledAfter"]["seconds"], 0);
  EXPECT_TRUE(first["failSince"].is_string());
  EXPECT_EQ(told().back()["type"], "endpoint.disabled") << "of which nothing more is told as failing";
}

TEST_F(operational, both_how_often_and_how_long_count_on_the_way_to_being_disabled) {
  auto id = failing(std::vector<duration>(50, 100s), R"({"disable":{"failures":2,"after":1000,"probe":null}})");
  must(patch_destination{.id = ops, .filter_types = std::vector<std::string>{"endpoint.failing"}});
  emit();
  for (int i = 0; i < 5; ++i)
    (void)attempt_at(id, answer(500));
  EXPECT_TRUE(told().empty()) << "failed often enough, and not for long";
  for (int i = 0; i < 3; ++i)
    (void)attempt_at(id, answer(500));
  ASSERT_FALSE(told().empty());
  EXPECT_EQ(told()[0]["data"]["threshold"], 50);
}

TEST_F(operational, of_a_row_of_failures_each_step_is_told_once_and_of_the_next_row_again) {
  auto id = failing(std::vector<duration>(50, 1s), R"({"disable":{"failures":10,"after":0,"probe":null}})");
  must(patch_destination{.id = ops, .filter_types = std::vector<std::string>{"endpoint.failing"}});
  emit();
  for (int i = 0; i < 6; ++i)
    (void)attempt_at(id, answer(500));
  EXPECT_EQ(told().size(), 1U);
  live = folded(); // a restart knows what was told
  held.clear();
  (void)attempt_at(id, answer(500));
  EXPECT_EQ(told().size(), 2U) << "of 70 percent, not of 50 again";
  (void)attempt_at(id, answer(200));
  emit();
  for (int i = 0; i < 5; ++i)
    (void)attempt_at(id, answer(500));
  EXPECT_EQ(told().size(), 3U);
  EXPECT_EQ(told()[2]["data"]["threshold"], 50);
}

TEST_F(operational, what_nobody_asked_for_was_not_told_and_is_told_to_who_asks_later) {
  auto id = failing(std::vector<duration>(50, 1s), R"({"disable":{"failures":10,"after":0,"probe":null}})");
  must(patch_destination{.id = ops, .filter_types = std::vector<std::string>{"endpoint.disabled"}});
  emit();
  for (int i = 0; i < 8; ++i)
    (void)attempt_at(id, answer(500));
  EXPECT_TRUE(told().empty());
  must(patch_destination{.id = ops, .filter_types = std::vector<std::string>{"endpoint.failing"}});
  (void)attempt_at(id, answer(500));
  ASSERT_EQ(told().size(), 1U);
  EXPECT_EQ(told()[0]["data"]["threshold"], 90);
}

TEST_F(operational, where_no_rule_disables_nothing_is_told_of_a_way_to_it) {
  auto id = failing(std::vector<duration>(50, 1s), R"({"breaker":{"failures":3}})");
  must(patch_destination{.id = ops, .filter_types = std::vector<std::string>{"endpoint.failing"}});
  emit();
  for (int i = 0; i < 9; ++i)
    (void)attempt_at(id, answer(500));
  EXPECT_TRUE(told().empty());
}

// -- what all of them want ------------------------------------------------------------------------

TEST_F(operational, what_all_endpoints_want_together_is_told_when_it_changes_and_else_not) {
  must(patch_destination{.id = ops, .filter_types = std::vector<std::string>{"subscription.updated"}});
  auto wants = [](std::vector<std::string> types) {
    auto d = to("http://a.test/");
    d.filter_types = std::move(types);
    return d;
  };
  auto a = add(wants({"order.paid", "order.refunded"}));
  ASSERT_EQ(told_all().size(), 1U);
  auto data = json::parse(told_all()[0].body)["data"];
  EXPECT_EQ(data["eventTypes"], (json{"order.paid", "order.refunded"}));
  EXPECT_EQ(data["previousEventTypes"], json::array());
  EXPECT_EQ(data["endpoints"], 1);
  EXPECT_EQ(data["previousEndpoints"], 0);
  EXPECT_EQ(data["endpointId"], a);

  auto b = add(wants({"order.paid"}));
  EXPECT_EQ(told_all().size(), 1U) << "it was wanted already";
  must(patch_destination{.id = a, .filter_types = std::vector<std::string>{"order.refunded"}});
  EXPECT_EQ(told_all().size(), 1U) << "the other wants it still";
  must(patch_destination{.id = a, .description = "new"});
  EXPECT_EQ(told_all().size(), 1U);
  must(patch_destination{.id = b, .filter_types = std::vector<std::string>{"user.*"}});
  ASSERT_EQ(told_all().size(), 2U);
  data = json::parse(told_all()[1].body)["data"];
  EXPECT_EQ(data["eventTypes"], (json{"order.refunded", "user.*"}));
  EXPECT_EQ(data["previousEventTypes"], (json{"order.paid", "order.refunded"}));

  auto c = add(wants({"user.*"}));
  EXPECT_EQ(told_all().size(), 2U);
  must(remove_destination{b});
  EXPECT_EQ(told_all().size(), 2U);
  auto all = add(wants({}));
  ASSERT_EQ(told_all().size(), 3U);
  EXPECT_EQ(json::parse(told_all()[2].body)["data"]["eventTypes"], json{"*"});
  must(remove_destination{c});
  EXPECT_EQ(told_all().size(), 3U) << "one wants all";
  must(remove_destination{all});
  ASSERT_EQ(told_all().size(), 4U);
  data = json::parse(told_all()[3].body)["data"];
  EXPECT_EQ(data["eventTypes"], json{"order.refunded"});
  EXPECT_EQ(data["previousEventTypes"], json{"*"});
  EXPECT_EQ(data["endpoints"], 1);
}

TEST_F(operational, of_very_many_types_it_is_told_that_they_changed_and_not_which) {
  must(patch_destination{.id = ops, .filter_types = std::vector<std::string>{"subscription.updated"}});
  constexpr int endpoints = 25, types = 1'000;
  for (int e = 0; e < endpoints; ++e) {
    auto d = to("http://a.test/");
    for (int t = 0; t < types; ++t)
      d.filter_types.push_back("t" + std::to_string(e) + "." + std::to_string(t));
    (void)add(std::move(d));
  }
  const auto all = told_all();
  ASSERT_EQ(all.size(), std::size_t{endpoints});
  const auto first = json::parse(all.front().body)["data"], last = json::parse(all.back().body)["data"];
  EXPECT_EQ(first["eventTypes"].size(), std::size_t{types});
  EXPECT_FALSE(first.contains("truncated"));
  EXPECT_EQ(last["truncated"], true);
  EXPECT_LE(last["eventTypes"].size(), std::size_t{types});
  EXPECT_EQ(last["endpoints"], endpoints);
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
  EXPECT_EQ(live.counts(ops).pending, 2U) << "that the other was created, and what it wants";
  (void)attempt_at(id, answer(500));
  EXPECT_EQ(live.counts(ops).pending, 3U);
  EXPECT_EQ(live.counts(id).pending, 0U);
}

TEST_F(operational, what_happens_to_one_of_these_is_told_to_nobody) {
  must(patch_destination{.id = ops, .schedule = std::optional{std::vector<duration>{}}});
  auto id = failing({});
  emit();
  (void)attempt_at(id, answer(500));
  EXPECT_EQ(attempt_at(ops, answer(500)).follows, outcome_kind::dead);
  EXPECT_EQ(attempt_at(ops, answer(410)).follows, outcome_kind::dead);
  EXPECT_TRUE(live.find(ops)->disabled);
  EXPECT_EQ(told().size(), 1U);
}

TEST_F(operational, it_may_want_only_some_types) {
  must(patch_destination{.id = ops, .filter_types = std::vector<std::string>{"endpoint.disabled"}});
  auto id = failing({});
  emit();
  (void)attempt_at(id, answer(500));
  EXPECT_TRUE(told_all().empty());
}

TEST_F(operational, several_of_one_decision_have_ids_of_their_own) {
  auto id = failing({}, R"({"disable":{"failures":2,"after":0,"probe":null}})");
  emit(), emit();
  (void)attempt_at(id, answer(500));
  (void)attempt_at(id, answer(500)); // dead and disabled at once
  std::set<std::string> ids;
  for (const auto& [h, payload] : log)
    if (h.kind == events::kind::message_created) {
      EXPECT_TRUE(ids.insert(std::get<message_created>(*decode(h.kind, payload)).id).second);
    }
  EXPECT_EQ(told().size(), 4U) << "half way, twice exhausted, disabled";
}

TEST_F(operational, what_is_done_to_endpoints_is_told) {
  auto id = failing({});
  must(patch_destination{.id = id, .description = "changed"});
  must(switch_off(id, true));
  must(remove_destination{id});
  EXPECT_EQ(types_told(), (std::vector<std::string>{"endpoint.created", "subscription.updated", "endpoint.updated", "endpoint.updated", "endpoint.disabled",
                                                    "endpoint.deleted", "subscription.updated"}));
  EXPECT_EQ(told()[0]["data"]["trigger"], "manual");
  EXPECT_EQ(told()[1]["data"]["endpointUid"], "mine");
}

TEST_F(operational, nobody_is_told_of_who_is_told) {
  destination second;
  second.operational = true;
  (void)add(second);
  EXPECT_TRUE(told_all().empty());
}

TEST_F(operational, while_nobody_listens_nothing_is_written) {
  must(remove_destination{ops});
  auto id = failing({});
  emit();
  const auto before = log.size();
  (void)attempt_at(id, answer(500));
  EXPECT_EQ(log.size(), before + 1);
}

TEST_F(operational, what_a_disabled_one_missed_is_stored_for_a_recovery) {
  must(switch_off(ops, true));
  auto id = failing({});
  emit();
  (void)attempt_at(id, answer(500));
  ASSERT_EQ(told_all().size(), 3U);
  EXPECT_TRUE(told_all()[2].destinations.empty());
}

TEST_F(operational, no_more_waits_for_operators_than_may) {
  emit();
  auto made = ask(create_destination{to("http://b.test/")}, 1);
  ASSERT_TRUE(made && made->facts.size() == 3);
  EXPECT_EQ(std::get<message_created>(made->facts[1]).destinations.size(), 1U);
  made = ask(create_destination{to("http://b.test/")}, 0);
  ASSERT_TRUE(made && made->facts.size() == 3);
  EXPECT_TRUE(std::get<message_created>(made->facts[1]).destinations.empty()) << "stored, not queued";
}

TEST_F(operational, stays_so_whatever_is_changed) {
  must(update_destination{ops, to("http://other.test/")});
  EXPECT_TRUE(live.find(ops)->operational);
}

TEST_F(operational, nothing_is_decided_behind_what_was_told_so_that_it_is_told_once) {
  auto id = failing(std::vector<duration>(50, 1h));
  for (int i = 0; i < 1'000; ++i)
    emit();
  std::vector<fencing_token> tokens;
  for (auto& s : take())
    if (s.destination == id)
      tokens.push_back(s.token);
  batch b;
  ASSERT_TRUE(b.add_result(live, tokens[0]));
  auto before_it_told = b;
  ASSERT_TRUE(before_it_told.add_result(live, tokens[1])) << "else it would show nothing";
  auto d = decide(live, finish_attempt{tokens[0], answer(500)}, {{now.us}, now, chance_of(1), "system", ""});
  ASSERT_TRUE(d && d->facts.size() == 2);
  b.decided(*d);
  EXPECT_FALSE(b.add_result(live, tokens[1]));
}

} // namespace
