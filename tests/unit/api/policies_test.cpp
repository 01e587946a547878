#include "world.hpp"

namespace {

using namespace hourglass;
using namespace hourglass::testing;

/// Retry policy and protection over HTTP. Nothing listens at port 9: every attempt fails.
class policies : public world {
protected:
  void SetUp() override {
    world::SetUp();
    asked(201, "POST", "/api/v1/app", {{"name", "App"}, {"uid", "app"}});
  }
  static std::string at(const std::string& rest) { return "/api/v1/app/app" + rest; }
  json endpoint(json more = json::object()) {
    more.update({{"url", "http://127.0.0.1:9/hook"}});
    return asked(201, "POST", at("/endpoint"), more);
  }
  json health_until(const std::string& id, const std::string& state) {
    json out;
    for (int i = 0; i < 2'000; ++i) {
      out = asked(200, "GET", at("/endpoint/" + id + "/health"));
      if (out["state"] == state)
        break;
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    EXPECT_EQ(out["state"], state) << out;
    return out;
  }
};

TEST_F(policies, are_shown_as_they_were_given_and_survive_a_restart) {
  json retry = {{"exponential", {{"base", 1}, {"count", 3}}}, {"maximumAge", 60}, {"success", {200, "300-304"}}};
  json guard = {{"breaker", {{"failures", 2}, {"probeAfter", 600}}}, {"slowDown", {{"cap", 60}}}, {"disable", nullptr}};
  auto made = endpoint({{"retryPolicy", retry}, {"protection", guard}});
  EXPECT_EQ(made["retryPolicy"], retry);
  EXPECT_EQ(made["retrySchedule"], json::array({1, 2, 4})) << "what it comes to";
  auto id = made["id"].get<std::string>();
  restart();
  auto now = asked(200, "GET", at("/endpoint/" + id));
  EXPECT_EQ(now["retryPolicy"], retry);
  EXPECT_EQ(now["protection"], guard);
  EXPECT_TRUE(asked(200, "PATCH", at("/endpoint/" + id), {{"retryPolicy", nullptr}, {"protection", nullptr}})["retryPolicy"].is_null());
}

TEST_F(policies, that_make_no_sense_are_refused_where_they_are_wrong) {
  auto where = [this](json body) {
    body["url"] = "http://127.0.0.1:9/";
    return asked(422, "POST", at("/endpoint"), body)["detail"][0]["loc"];
  };
  EXPECT_EQ(where({{"retryPolicy", {{"shedule", json::array()}}}}), json::array({"body", "retryPolicy", "shedule"}));
  EXPECT_EQ(where({{"retryPolicy", {{"success", {99}}}}}), json::array({"body", "retryPolicy", "success", "0"}));
  EXPECT_EQ(where({{"protection", {{"breaker", {{"failures", 0}}}}}}), json::array({"body", "protection", "breaker", "failures"}));
  EXPECT_EQ(where({{"retryPolicy", {{"schedule", {1}}}}, {"retrySchedule", {1}}}), json::array({"body", "retryPolicy"}));
  EXPECT_EQ(where({{"rateLimit", 0}}), json::array({"body", "rateLimit"}));
  EXPECT_TRUE(asked(200, "GET", at("/endpoint"))["data"].empty());
}

TEST_F(policies, a_breaker_opens_and_stays_open_over_a_restart) {
  auto id = endpoint({{"protection", {{"breaker", {{"failures", 2}, {"probeAfter", 600}}}}}})["id"].get<std::string>();
  EXPECT_EQ(asked(200, "GET", at("/endpoint/" + id + "/health"))["state"], "healthy");
  for (int i = 0; i < 3; ++i)
    asked(202, "POST", at("/msg"), {{"eventType", "a"}, {"payload", json::object()}});
  auto held = health_until(id, "held");
  EXPECT_TRUE(held["heldUntil"].is_string());
  EXPECT_EQ(held["inFlightAllowed"], 1);
  restart();
  EXPECT_EQ(asked(200, "GET", at("/endpoint/" + id + "/health"))["heldUntil"], held["heldUntil"]);
  asked(404, "GET", at("/endpoint/nobody/health"));
}

TEST_F(policies, a_failing_endpoint_is_disabled_by_the_clock_and_says_why) {
  json guard = {{"disable", {{"failures", 2}, {"after", 60}, {"probe", 600}}}};
  auto id = endpoint({{"protection", guard}, {"retrySchedule", {30, 60, 60}}})["id"].get<std::string>();
  asked(202, "POST", at("/msg"), {{"eventType", "a"}, {"payload", json::object()}});
  for (int i = 0; i < 2'000 && asked(200, "GET", at("/endpoint/" + id + "/health"))["failedInARow"] == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  auto clock = ask("POST", "/sandboxes/app/clock/advance", R"({"by":"5m"})", {{"Prefer", "wait=20"}});
  EXPECT_LT(clock.status(), 300U) << clock.response.body;
  auto health = health_until(id, "probing");
  EXPECT_TRUE(health["disabledReason"].get<std::string>().starts_with("failed ")) << health;
  EXPECT_EQ(asked(200, "GET", at("/endpoint/" + id))["disabled"], true);
  asked(200, "PATCH", at("/endpoint/" + id), {{"disabled", false}});
  EXPECT_TRUE(asked(200, "GET", at("/endpoint/" + id + "/health"))["disabledReason"].is_null());
}

TEST_F(policies, what_an_open_breaker_keeps_back_is_dead_when_it_is_too_old_and_says_why) {
  auto id = endpoint({{"protection", {{"breaker", {{"failures", 1}, {"probeAfter", 86400}, {"probeCap", 86400}}}}},
                      {"retryPolicy", {{"schedule", {60, 60, 60}}, {"maximumAge", 600}}}})["id"].get<std::string>();
  asked(202, "POST", at("/msg"), {{"eventType", "a"}, {"payload", {{"n", 1}}}});
  health_until(id, "held");
  auto waits = asked(202, "POST", at("/msg"), {{"eventType", "b"}, {"payload", {{"n", 2}}}})["id"];
  auto clock = ask("POST", "/sandboxes/app/clock/advance", R"({"by":"20m"})", {{"Prefer", "wait=20"}});
  EXPECT_LT(clock.status(), 300U) << clock.response.body;
  auto dead = asked(200, "GET", at("/endpoint/" + id + "/dead"))["data"];
  ASSERT_EQ(dead.size(), 2U);
  EXPECT_EQ(dead[0]["msgId"], waits);
  EXPECT_EQ(dead[0]["reason"], "maximum age");
  EXPECT_EQ(dead[0]["number"], 0) << "it was never tried";
  EXPECT_EQ(dead[0]["msg"]["payload"]["n"], 2);
  EXPECT_EQ(dead[1]["number"], 1);
  auto stats = asked(200, "GET", at("/endpoint/" + id + "/stats"));
  EXPECT_EQ(stats["pending"], 0);
  EXPECT_EQ(stats["dead"], 2);
  EXPECT_EQ(asked(200, "GET", at("/endpoint/" + id + "/msg?status=2"))["data"].size(), 2U);
  restart();
  EXPECT_EQ(asked(200, "GET", at("/endpoint/" + id + "/dead?event_types[]=b"))["data"].size(), 1U);
  asked(202, "POST", at("/endpoint/" + id + "/recover"), {{"since", "2020-01-01T00:00:00Z"}});
  for (int i = 0; i < 2'000 && asked(200, "GET", at("/attempt/endpoint/" + id))["data"].size() < 2; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  EXPECT_GE(asked(200, "GET", at("/attempt/endpoint/" + id))["data"].size(), 2U) << "a recovery takes what died so, too";
}

TEST_F(policies, an_order_is_shown_as_it_was_given_kept_by_a_put_and_told_by_health) {
  json ordering = {{"key", "/payload/order"}, {"onDead", "hold"}};
  auto made = endpoint({{"ordering", ordering}, {"retrySchedule", json::array()}});
  EXPECT_EQ(made["ordering"], ordering);
  auto id = made["id"].get<std::string>();
  EXPECT_EQ(asked(200, "PUT", at("/endpoint/" + id), {{"url", "http://127.0.0.1:9/hook"}, {"retrySchedule", json::array()}})["ordering"], ordering);
  auto refused = asked(422, "PATCH", at("/endpoint/" + id), {{"ordering", {{"key", "order"}}}});
  EXPECT_EQ(refused["detail"][0]["loc"], json::array({"body", "ordering", "key"}));
  for (int i = 0; i < 2; ++i)
    asked(202, "POST", at("/msg"), {{"eventType", "a"}, {"payload", {{"order", 7}}}});
  auto health = health_until(id, "failing");
  EXPECT_EQ(health["heldLines"], 1);
  restart();
  EXPECT_EQ(asked(200, "GET", at("/endpoint/" + id + "/health"))["heldLines"], 1);
  EXPECT_EQ(asked(200, "GET", at("/endpoint/" + id + "/stats"))["pending"], 1);
  auto key = asked(202, "POST", at("/msg"), {{"eventType", "a"}, {"payload", json::object()}, {"orderingKey", "k"}});
  EXPECT_EQ(key["orderingKey"], "k");
  EXPECT_EQ(asked(200, "GET", at("/msg/" + key["id"].get<std::string>()))["orderingKey"], "k");
  EXPECT_TRUE(asked(200, "PATCH", at("/endpoint/" + id), {{"ordering", nullptr}})["ordering"].is_null());
  EXPECT_EQ(asked(200, "GET", at("/endpoint/" + id + "/health"))["heldLines"], 0) << "they go on";
}

TEST_F(policies, are_kept_by_a_put_that_does_not_name_them_and_the_document_says_so) {
  json retry = {{"maximumAge", 60}}, guard = {{"slowDown", {{"cap", 60}}}};
  auto id = endpoint({{"retryPolicy", retry}, {"protection", guard}})["id"].get<std::string>();
  auto put = asked(200, "PUT", at("/endpoint/" + id), {{"url", "http://127.0.0.1:9/other"}});
  EXPECT_EQ(put["retryPolicy"], retry);
  EXPECT_EQ(put["protection"], guard);
  auto document = asked(200, "GET", "/openapi.json");
  const auto says = document["components"]["schemas"]["EndpointUpdate"]["description"].get<std::string>();
  for (auto kept : {"retryPolicy", "protection", "ordering"}) {
    EXPECT_NE(says.find(kept), std::string::npos) << kept;
    EXPECT_NE(document["paths"]["/api/v1/app/{app_id}/endpoint/{endpoint_id}"]["put"]["summary"].get<std::string>().find(kept), std::string::npos) << kept;
  }
}

TEST_F(policies, operators_are_told_of_dead_letters_and_can_read_what_they_were_told) {
  auto ops = endpoint({{"operational", true}, {"eventTypes", {"message.attempt.*"}}});
  EXPECT_EQ(ops["operational"], true);
  auto id = endpoint({{"retrySchedule", json::array()}, {"uid", "mine"}})["id"].get<std::string>();
  asked(202, "POST", at("/msg"), {{"eventType", "a"}, {"payload", json::object()}});
  json told;
  for (int i = 0; i < 2'000 && told.empty(); ++i) {
    told = asked(200, "GET", at("/msg?event_types=message.attempt.exhausted"))["data"];
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0]["payload"]["data"]["endpointId"], id);
  EXPECT_EQ(told[0]["payload"]["data"]["endpointUid"], "mine");
  restart();
  EXPECT_EQ(asked(200, "GET", at("/endpoint/" + ops["id"].get<std::string>()))["operational"], true);
  EXPECT_EQ(asked(200, "GET", at("/endpoint/" + id))["operational"], false);
}

TEST_F(policies, messages_that_went_together_have_an_attempt_each_and_are_dead_letters_each) {
  const json together = {{"maxMessages", 2}, {"maxWaitMs", 300'000}};
  auto made = endpoint({{"batching", together}, {"retrySchedule", json::array()}, {"deliveryControl", true}});
  EXPECT_EQ(made["batching"], together);
  EXPECT_EQ(made["deliveryControl"], true);
  const auto id = made["id"].get<std::string>();
  std::vector<std::string> messages;
  for (int i = 0; i < 2; ++i)
    messages.push_back(asked(202, "POST", at("/msg"), {{"eventType", "a"}, {"payload", {{"n", i}}}})["id"]);
  json attempts;
  for (int i = 0; i < 2'000 && attempts.size() < 2; ++i) {
    attempts = asked(200, "GET", at("/attempt/endpoint/" + id))["data"];
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  ASSERT_EQ(attempts.size(), 2U);
  EXPECT_TRUE(attempts[0]["batchId"].get<std::string>().starts_with("bat_"));
  EXPECT_EQ(attempts[0]["batchId"], attempts[1]["batchId"]);
  EXPECT_NE(attempts[0]["id"], attempts[1]["id"]);
  for (const auto& m : messages) {
    auto its = asked(200, "GET", at("/attempt/msg/" + m))["data"];
    ASSERT_EQ(its.size(), 1U);
    EXPECT_EQ(its[0]["msgId"], m);
    EXPECT_EQ(its[0]["outcome"], "dead");
  }
  restart();
  EXPECT_EQ(asked(200, "GET", at("/endpoint/" + id))["batching"], together);
  asked(202, "POST", at("/msg/" + messages[0] + "/endpoint/" + id + "/resend"), json::object()); // again, by itself
  EXPECT_EQ(asked(422, "PATCH", at("/endpoint/" + id), {{"batching", {{"maxMessages", 0}}}})["detail"][0]["loc"], json::array({"body", "batching", "maxMessages"}));
  EXPECT_EQ(asked(422, "PATCH", at("/endpoint/" + id), {{"ordering", {{"onDead", "hold"}}}})["detail"][0]["loc"], json::array({"body", "batching"}));
  EXPECT_TRUE(asked(200, "PATCH", at("/endpoint/" + id), {{"batching", nullptr}})["batching"].is_null());
}

} // namespace
