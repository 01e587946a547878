#include "world.hpp"

#include <set>
#include <thread>

namespace {

using namespace hourglass;
using namespace hourglass::testing;

/// Dead letters of an endpoint that nobody listens at.
class dead_letters : public world {
protected:
  void SetUp() override {
    world::SetUp();
    asked(201, "POST", "/api/v1/app", {{"name", "App"}, {"uid", "app"}});
    ep = endpoint("http://127.0.0.1:9/hook");
  }
  static std::string at(const std::string& rest) { return "/api/v1/app/app" + rest; }
  std::string of(const std::string& rest) const { return at("/endpoint/" + ep + rest); }
  std::string endpoint(const std::string& url) { return asked(201, "POST", at("/endpoint"), {{"url", url}, {"retrySchedule", json::array()}})["id"]; }
  std::string emit(const json& payload, const std::string& type = "a.b") {
    return asked(202, "POST", at("/msg"), {{"eventType", type}, {"payload", payload}})["id"];
  }
  std::set<std::string> letters() {
    std::set<std::string> out;
    const auto list = asked(200, "GET", of("/dead"))["data"];
    for (const auto& one : list)
      out.insert(one["msgId"].get<std::string>());
    return out;
  }
  template <class Look, class Good>
  auto wait(Look look, Good good) {
    auto seen = look();
    for (int i = 0; i < 2'000 && !good(seen); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
      seen = look();
    }
    EXPECT_TRUE(good(seen));
    return seen;
  }
  /// Waits until there are so many.
  std::set<std::string> wait_for(std::size_t count) {
    return wait([&] { return letters(); }, [count](const auto& l) { return l.size() == count; });
  }
  json recovery_over(const json& started) {
    return wait([&] { return asked(200, "GET", of("/recovery/" + started["id"].get<std::string>())); }, [](const json& r) { return r["status"] != "running"; });
  }
  std::uint64_t events() { return asked(200, "GET", "/sandboxes/app/history?limit=250")["data"].size(); }

  std::string ep;
};

TEST_F(dead_letters, are_counted_before_they_are_sent_again_and_nothing_changes) {
  for (int n = 0; n < 3; ++n)
    emit({{"n", n}});
  emit({{"n", 9}}, "c.d");
  wait_for(4);
  const auto before = events();
  auto count = [&](json more, const char* call = "/recover") {
    json all{{"since", "1970-01-01T00:00:00Z"}, {"dryRun", true}};
    all.update(more);
    auto r = asked(200, "POST", of(call), all);
    EXPECT_TRUE(r["complete"]);
    return r["count"].get<int>();
  };
  EXPECT_EQ(count(json::object()), 4);
  EXPECT_EQ(count({{"filter", {{"payload.n", {{"$gte", 1}}}}}}), 3);
  EXPECT_EQ(count({{"filter", {{"payload.n", {{"$gte", 1}}}}}, {"eventTypes", {"a.b"}}}), 2);
  EXPECT_EQ(count({{"statusCodeClass", 0}}), 4) << "nobody listens there";
  EXPECT_EQ(count({{"statusCodeClass", 500}}), 0);
  EXPECT_EQ(count(json::object(), "/replay-missing"), 0);
  EXPECT_EQ(count({{"filter", {{"payload.n", 0}}}}, "/bulk-replay"), 1);
  EXPECT_EQ(events(), before);
  EXPECT_TRUE(asked(200, "GET", of("/recovery"))["data"].empty());
}

TEST_F(dead_letters, are_sent_again_by_what_they_hold) {
  for (int n = 0; n < 3; ++n)
    emit({{"n", n}});
  wait_for(3);
  auto r = asked(202, "POST", of("/recover"), {{"since", "1970-01-01T00:00:00Z"}, {"filter", {{"payload.n", {{"$lt", 2}}}}}, {"rate", 100}});
  EXPECT_EQ(r["rate"], 100);
  EXPECT_EQ(r["filter"], (json{{"payload.n", {{"$lt", 2}}}}));
  EXPECT_EQ(recovery_over(r)["queued"], 2);
}

TEST_F(dead_letters, are_not_sent_again_by_what_says_nothing) {
  auto refused = [&](json more) {
    json all{{"since", "1970-01-01T00:00:00Z"}};
    all.update(more);
    asked(422, "POST", of("/recover"), all);
  };
  refused({{"filter", {{"nonsense", 1}}}});
  refused({{"rate", 0}});
  refused({{"rate", 10'001}});
  refused({{"statusCodeClass", 404}});
  refused({{"dryRun", "yes"}});
}

TEST_F(dead_letters, that_are_thrown_away_are_gone_from_list_and_recoveries_but_not_from_history) {
  const auto kept = emit({{"n", 1}}), gone = emit({{"n", 2}});
  wait_for(2);
  EXPECT_EQ(ask("DELETE", of("/dead/" + gone)).status(), 204U);
  EXPECT_EQ(letters(), std::set{kept});
  EXPECT_EQ(asked(200, "GET", of("/stats"))["dead"], 1);
  EXPECT_EQ(ask("DELETE", of("/dead/" + gone)).status(), 404U) << "it is none any more";
  EXPECT_EQ(ask("DELETE", of("/dead/msg_unknown")).status(), 404U);
  for (const char* scope : {"failed", "all"})
    EXPECT_EQ(asked(200, "POST", of("/recover"), {{"since", "1970-01-01T00:00:00Z"}, {"scope", scope}, {"dryRun", true}})["count"], 1) << scope;
  restart();
  EXPECT_EQ(letters(), std::set{kept});
  auto told = asked(200, "GET", "/sandboxes/app/history?type=dead_letters.removed")["data"];
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0]["principal"], "admin");
  EXPECT_EQ(told[0]["payload"]["letters"][0][0], gone);
  asked(200, "GET", at("/msg/" + gone));
}

TEST_F(dead_letters, are_edited_into_a_message_of_its_own) {
  const auto old = asked(202, "POST", at("/msg"),
                         {{"eventType", "a.b"}, {"payload", {{"n", 1}}}, {"tags", {"t"}}, {"headers", {{"X-A", "1"}, {"Authorization", "Bearer s3cret"}}}})["id"].get<std::string>();
  wait_for(1);
  auto made = asked(202, "POST", of("/dead/" + old + "/edit"), {{"payload", {{"n", 2}}}});
  EXPECT_NE(made["id"], old);
  EXPECT_EQ(made["replaces"], old);
  EXPECT_EQ(made["payload"], (json{{"n", 2}}));
  EXPECT_EQ(made["tags"], json{"t"});
  EXPECT_EQ(made["headers"], (json{{"X-A", "1"}, {"Authorization", "[hidden]"}})) << "those of the old one";
  EXPECT_EQ(made["destinations"], json{ep});
  EXPECT_EQ(wait_for(1), std::set{made["id"].get<std::string>()}) << "the old one is superseded";
  EXPECT_EQ(asked(200, "GET", at("/msg/" + old))["payload"], (json{{"n", 1}})) << "and as it was";
  auto told = asked(200, "GET", "/sandboxes/app/history?type=dead_letters.removed")["data"];
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0]["payload"]["superseded_by"], made["id"]);
  asked(404, "POST", of("/dead/" + old + "/edit"), {{"payload", json::object()}});
  asked(422, "POST", of("/dead/" + made["id"].get<std::string>() + "/edit"), json::object());
  asked(422, "POST", of("/dead/" + made["id"].get<std::string>() + "/edit"), {{"payload", json::array()}});
}

TEST_F(dead_letters, are_purged_by_what_they_hold_of_one_endpoint_or_of_all) {
  for (int n = 0; n < 3; ++n)
    emit({{"n", n}});
  wait_for(3);
  const auto first = ep;
  ep = endpoint("http://127.0.0.1:9/other");
  emit({{"n", 2}});
  wait_for(1);
  ep = first;
  wait_for(4);
  const json two{{"filter", {{"payload.n", 2}}}};
  EXPECT_EQ(asked(200, "POST", of("/dead/purge"), {{"filter", {{"payload.n", 2}}}, {"dryRun", true}})["count"], 2);
  EXPECT_EQ(asked(200, "POST", at("/dead/purge"), {{"filter", {{"payload.n", 2}}}, {"dryRun", true}})["count"], 3);
  EXPECT_EQ(letters().size(), 4U);
  auto r = recovery_over(asked(202, "POST", of("/dead/purge"), two));
  EXPECT_EQ(r["purged"], 2);
  EXPECT_EQ(r["task"], "endpoint.purge");
  EXPECT_EQ(letters().size(), 2U);
  auto both = asked(202, "POST", at("/dead/purge"))["data"];
  EXPECT_EQ(both.size(), 2U);
  wait_for(0);
  restart();
  wait_for(0);
  EXPECT_EQ(asked(200, "GET", of("/stats"))["dead"], 0);
  asked(422, "POST", of("/dead/purge"), {{"filter", {{"nonsense", 1}}}});
}

TEST_F(dead_letters, stay_what_they_are_when_a_recovery_that_tried_them_again_is_cancelled) {
  const auto letter = emit({{"n", 1}});
  wait_for(1);
  asked(200, "PATCH", of(""), {{"retrySchedule", {3600}}});
  auto attempts = [&] { return asked(200, "GET", at("/attempt/endpoint/" + ep))["data"].size(); };
  auto r = asked(202, "POST", of("/recover"), {{"since", "1970-01-01T00:00:00Z"}});
  wait(attempts, [](auto n) { return n == 2; });
  EXPECT_EQ(ask("DELETE", of("/dead/" + letter)).status(), 409U) << "it is being sent again";
  asked(200, "POST", of("/recovery/" + r["id"].get<std::string>() + "/cancel"));
  EXPECT_EQ(asked(200, "GET", of("/stats"))["dead"], 1);
  EXPECT_EQ(letters(), std::set{letter});
  asked(202, "POST", at("/msg/" + letter + "/endpoint/" + ep + "/resend"), json::object());
  wait(attempts, [](auto n) { return n == 3; });
  EXPECT_EQ(asked(200, "GET", "/sandboxes/app/history?type=resend.requested")["data"].at(0)["payload"]["was_dead"], true);
  EXPECT_EQ(letters(), std::set{letter});
  EXPECT_EQ(ask("DELETE", of("/dead/" + letter)).status(), 204U);
  EXPECT_TRUE(letters().empty());
  EXPECT_EQ(asked(200, "GET", of("/stats"))["dead"], 0);
}

TEST_F(dead_letters, are_sent_again_at_no_rate_while_the_clock_stands) {
  emit({{"n", 1}});
  wait_for(1);
  asked(200, "POST", "/sandboxes/app/clock/freeze");
  const json at_rate{{"since", "1970-01-01T00:00:00Z"}, {"rate", 10}};
  const auto no = ask("POST", of("/recover"), at_rate.dump());
  EXPECT_EQ(no.status(), 409U);
  EXPECT_NE(no.response.body.find("clock stands"), std::string::npos) << no.response.body;
  asked(200, "POST", of("/recover"), {{"since", "1970-01-01T00:00:00Z"}, {"rate", 10}, {"dryRun", true}});
  recovery_over(asked(202, "POST", of("/recover"), {{"since", "1970-01-01T00:00:00Z"}}));
}

} // namespace
