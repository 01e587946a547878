#include "world.hpp"

#include <thread>

namespace {

using namespace hourglass;
using namespace hourglass::testing;

/// What tests and tools ask of webhooks: many endpoints, messages with a URL or for many sandboxes, and deliveries that go wrong on purpose. Nobody listens at
/// the endpoints: what was sent stands in the attempts.
class webhook_tools : public world {
protected:
  void SetUp() override {
    world::SetUp();
    asked(201, "POST", "/api/v1/app", {{"name", "App"}, {"uid", "app"}});
  }
  static std::string at(const std::string& rest) { return "/api/v1/app/app" + rest; }
  std::string endpoint() { return asked(201, "POST", at("/endpoint"), {{"url", "http://127.0.0.1:9/hook"}, {"retrySchedule", json::array()}})["id"]; }
  json attempts(const std::string& msg, std::size_t count) {
    json list;
    for (int i = 0; i < 1'000; ++i) {
      list = asked(200, "GET", at("/attempt/msg/" + msg))["data"];
      if (list.size() >= count)
        break;
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    EXPECT_EQ(list.size(), count);
    return list;
  }
  static std::string header(const json& attempt, const std::string& name) {
    for (const auto& [key, value] : attempt["requestHeaders"].items())
      if (value.is_array() && value.size() == 2 && value[0] == name)
        return value[1];
      else if (key == name)
        return value;
    return "";
  }
};

TEST_F(webhook_tools, many_endpoints_are_made_at_once_or_none_of_them) {
  json list = json::array();
  for (int i = 0; i < 20; ++i)
    list.push_back({{"url", "http://127.0.0.1:9/" + std::to_string(i)}, {"uid", "many" + std::to_string(i)}});
  EXPECT_EQ(asked(201, "POST", at("/endpoint/bulk"), {{"data", list}})["data"].size(), 20U);
  EXPECT_EQ(asked(200, "GET", at("/endpoint/many7"))["url"], "http://127.0.0.1:9/7");
  auto refused = asked(422, "POST", at("/endpoint/bulk"), {{"data", {{{"url", "http://127.0.0.1:9/"}}, {{"url", "x"}}, {{"url", "http://a.test/"}, {"uid", "many3"}}}}})["detail"];
  ASSERT_EQ(refused.size(), 2U) << refused;
  EXPECT_EQ(refused[0]["loc"], (json{"body", "data", "1", "url"}));
  EXPECT_EQ(refused[1]["loc"], (json{"body", "data", "2", "uid"}));
  EXPECT_EQ(asked(200, "GET", at("/endpoint?limit=250"))["data"].size(), 20U) << "not one of them";
  restart();
  EXPECT_EQ(asked(200, "GET", at("/endpoint?limit=250"))["data"].size(), 20U);
  EXPECT_EQ(asked(422, "POST", at("/endpoint/bulk"), {{"data", json::array()}})["detail"][0]["loc"][1], "data");
}

TEST_F(webhook_tools, a_message_brings_its_url_along) {
  auto send = [&](const std::string& url) {
    return asked(202, "POST", at("/msg/dynamic"), {{"eventType", "a.b"}, {"payload", {{"n", 1}}}, {"endpoint", {{"url", url}, {"retrySchedule", json::array()}}}});
  };
  auto first = send("http://127.0.0.1:9/here"), second = send("http://127.0.0.1:9/here");
  EXPECT_EQ(first["destinations"], second["destinations"]);
  EXPECT_EQ(attempts(first["id"], 1)[0]["url"], "http://127.0.0.1:9/here");
  auto refused = asked(422, "POST", at("/msg/dynamic"), {{"eventType", "a.b"}, {"payload", json::object()}, {"endpoint", {{"url", "no url"}}}});
  EXPECT_EQ(refused["detail"][0]["loc"], (json{"body", "endpoint", "url"}));
  EXPECT_EQ(asked(200, "GET", at("/endpoint"))["data"].size(), 1U);
  restart();
  EXPECT_EQ(send("http://127.0.0.1:9/here")["destinations"], first["destinations"]);
}

TEST_F(webhook_tools, a_message_goes_to_all_sandboxes_of_an_owner_once_under_its_key) {
  for (const auto* uid : {"one", "two", "three"})
    sandbox({{"uid", uid}, {"owner", "team"}});
  sandbox({{"uid", "other"}, {"owner", "someone"}});
  const json body{{"owner", "team"}, {"message", {{"eventType", "a.b"}, {"payload", {{"n", 1}}}}}};
  auto send = [&](const std::string& key) { return ask("POST", "/broadcast", body.dump(), {{"Idempotency-Key", key}}); };
  auto first = send("key-1");
  ASSERT_EQ(first.status(), 202U) << first.response.body;
  EXPECT_EQ(first.body()["accepted"], 3);
  EXPECT_EQ(send("key-1").body(), first.body());
  for (const auto* uid : {"one", "two", "three"})
    EXPECT_EQ(asked(200, "GET", std::string{"/api/v1/app/"} + uid + "/msg")["data"].size(), 1U) << uid;
  EXPECT_EQ(asked(200, "GET", "/api/v1/app/other/msg")["data"].size(), 0U);
  for (const auto& one : first.body()["data"])
    asked(200, "GET", "/api/v1/app/" + one["sandbox"].get<std::string>() + "/msg/" + one["message"].get<std::string>());
}

TEST_F(webhook_tools, a_broadcast_says_which_sandboxes_did_not_take_it) {
  sandbox({{"uid", "one"}});
  sandbox({{"uid", "strict"}, {"schema_check", "enforce"}});
  asked(201, "PUT", "/api/v1/event-type/a.b", {{"description", ""}, {"schemas", {{"1", {{"required", {"must"}}}}}}});
  auto out = ask("POST", "/broadcast", R"({"sandboxes":["one","strict","nobody","one"],"message":{"eventType":"a.b","payload":{"n": 1.10}}})");
  EXPECT_EQ(out.status(), 207U) << out.response.body;
  auto told = out.body();
  EXPECT_EQ(told["accepted"], 1);
  EXPECT_EQ(told["failed"], 2);
  ASSERT_EQ(told["data"].size(), 3U) << "each once";
  EXPECT_TRUE(told["data"][0]["message"].is_string());
  EXPECT_EQ(told["data"][1]["error"]["code"], "invalid");
  EXPECT_EQ(told["data"][1]["error"]["where"], "/message/payload");
  EXPECT_EQ(told["data"][2]["error"]["code"], "not_found");
  EXPECT_NE(ask("GET", "/api/v1/app/one/msg").response.body.find("{\"n\": 1.10}"), std::string::npos) << "the payload's bytes are kept";
  for (const auto* bad : {R"({"message":{"eventType":"a.b","payload":{}}})", R"({"owner":"a","sandboxes":["b"],"message":{"eventType":"a.b","payload":{}}})", R"({"owner":"a"})",
                          R"({"owner":"a","message":{"eventType":"a b"}})", R"({"owner":"a","message":7})", "[]"})
    EXPECT_NE(ask("POST", "/broadcast", bad).status() / 100, 2U) << bad;
  EXPECT_EQ(ask("POST", "/broadcast", R"({"owner":"nobody","message":{"eventType":"a.b","payload":{}}})").status(), 404U);
  auto key = sandbox()["client_secret"].get<std::string>();
  EXPECT_EQ(send(make("POST", "/broadcast", R"({"owner":"a","message":{"eventType":"a.b","payload":{}}})", {bearer(key), {"Content-Type", "application/json"}})).status(), 403U);
}

TEST_F(webhook_tools, an_example_goes_wrong_on_demand_and_its_attempts_say_how) {
  const auto ep = endpoint();
  auto example = [&](const json& more) {
    json body{{"eventType", "svix.ping"}};
    body.update(more);
    return asked(202, "POST", at("/endpoint/" + ep + "/send-example"), body);
  };
  for (const auto* fault : {"bad_signature", "missing_signature", "stale_timestamp", "future_timestamp", "changed_body"}) {
    auto sent = example({{"fault", fault}});
    EXPECT_EQ(sent["fault"], fault);
    EXPECT_EQ(attempts(sent["id"], 1)[0]["fault"], fault);
  }
  auto plain = example(json::object());
  EXPECT_FALSE(plain.contains("fault"));
  EXPECT_FALSE(attempts(plain["id"], 1)[0].contains("fault"));
  auto twice = example({{"fault", "duplicate"}, {"copies", 3}});
  for (const auto& one : attempts(twice["id"], 3))
    EXPECT_EQ(one["fault"], "duplicate");
  EXPECT_EQ(asked(422, "POST", at("/endpoint/" + ep + "/send-example"), {{"eventType", "svix.ping"}, {"fault", "all"}})["detail"][0]["loc"][1], "fault");
  EXPECT_EQ(asked(422, "POST", at("/endpoint/" + ep + "/send-example"), {{"eventType", "svix.ping"}, {"fault", "duplicate"}, {"copies", 99}})["detail"][0]["loc"][1], "copies");
}

TEST_F(webhook_tools, examples_in_the_wrong_order_are_sent_from_the_last_to_the_first) {
  const auto ep = endpoint();
  auto sent = asked(202, "POST", at("/endpoint/" + ep + "/send-example"), {{"eventType", "svix.ping"}, {"fault", "reordered"}, {"copies", 3}})["data"];
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_EQ(ask("POST", "/sandboxes/app/clock/advance", R"({"by":60})").status() / 100, 2U);
  std::vector<std::string> order;
  for (int i = 0; i < 500 && order.size() < 3; ++i) {
    order.clear();
    const auto list = asked(200, "GET", at("/attempt/endpoint/" + ep))["data"]; // newest first
    for (const auto& one : list)
      order.insert(order.begin(), one["msgId"].get<std::string>());
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  EXPECT_EQ(order, (std::vector<std::string>{sent[2]["id"], sent[1]["id"], sent[0]["id"]}));
}

TEST_F(webhook_tools, an_attempt_is_shown_as_a_curl_command) {
  const auto ep = endpoint();
  asked(204, "PUT", at("/endpoint/" + ep + "/headers"), {{"headers", {{"Authorization", "Bearer s3cret-words"}, {"X-Mine", "it's"}}}});
  auto msg = asked(202, "POST", at("/msg"), {{"eventType", "a.b"}, {"payload", {{"a", "it's"}}}})["id"].get<std::string>();
  auto attempt = attempts(msg, 1)[0]["id"].get<std::string>();
  auto shown = ask("GET", at("/msg/" + msg + "/attempt/" + attempt + "/curl"));
  EXPECT_EQ(shown.status(), 200U);
  EXPECT_TRUE(shown.header("Content-Type").starts_with("text/plain"));
  const auto& text = shown.response.body;
  for (const auto* part : {"curl --http1.1 -X 'POST'", "'http://127.0.0.1:9/hook'", "-H 'webhook-id: ", "--data-raw '{\"a\":\"it'\\''s\"}'", "-H 'X-Mine: it'\\''s'", "[left out]"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
  EXPECT_EQ(text.find("s3cret"), std::string::npos);
  asked(404, "GET", at("/msg/" + msg + "/attempt/atmpt_none/curl"));
}

TEST_F(webhook_tools, a_template_of_a_signature_is_diagnosed_with_the_endpoint_and_without) {
  const json pattern{{"header", "X-Acme"}, {"signed", "{{body}}"}, {"value", "sha256={{signature}}"}};
  auto ep = asked(201, "POST", at("/endpoint"), {{"url", "http://127.0.0.1:9/"}, {"secret", "a secret key"}, {"signatureTemplate", pattern}, {"retrySchedule", json::array()}});
  auto msg = asked(202, "POST", at("/msg"), {{"eventType", "a.b"}, {"payload", {{"a", 1}}}})["id"].get<std::string>();
  const auto signature = header(attempts(msg, 1)[0], "X-Acme");
  ASSERT_TRUE(signature.starts_with("sha256=")) << signature;
  json question{{"headers", {{"X-Acme", signature}, {"webhook-id", msg}}}, {"body", R"({"a":1})"}, {"endpoint", ep["id"]}};
  EXPECT_EQ(asked(200, "POST", "/sandboxes/app/webhooks/verify", question)["reason"], "valid");
  question["body"] = R"({"a": 1})";
  EXPECT_EQ(asked(200, "POST", "/sandboxes/app/webhooks/verify", question)["reason"], "body_changed");
  json alone{{"headers", {{"X-Acme", signature}}}, {"body", R"({"a":1})"}, {"secret", "a secret key"}, {"signature_template", pattern}};
  EXPECT_EQ(asked(200, "POST", "/webhooks/verify", alone)["reason"], "valid");
  alone["signature_template"] = {{"header", "X Y"}};
  EXPECT_EQ(ask("POST", "/webhooks/verify", alone.dump()).status(), 422U);
}

} // namespace
