#include "world.hpp"

#include <thread>

namespace {

using namespace hourglass;
using namespace hourglass::testing;

const json invoice{{"1", {{"type", "object"}}},
                   {"2",
                    {{"type", "object"},
                     {"required", {"amount"}},
                     {"properties", {{"amount", {{"type", "number"}, {"minimum", 0}}}, {"lines", {{"type", "array"}, {"items", {{"type", "string"}}}}}}}}}};

/// Payloads held against the schemas of event types, over the API.
class payload_schemas : public world {
protected:
  void SetUp() override {
    world::SetUp();
    asked(201, "POST", "/api/v1/app", {{"name", "App"}, {"uid", "app"}});
    type("enforce");
  }
  void type(const json& check, const json& schemas = invoice) {
    json body{{"description", "d"}, {"schemas", schemas}};
    if (!check.is_null())
      body["schemaCheck"] = check;
    auto a = ask("PUT", "/api/v1/event-type/invoice.paid", body.dump());
    EXPECT_TRUE(a.status() == 200 || a.status() == 201) << a.response.body;
  }
  json emit(unsigned status, const json& payload) { return asked(status, "POST", "/api/v1/app/app/msg", {{"eventType", "invoice.paid"}, {"payload", payload}}); }
  std::size_t stored() { return asked(200, "GET", "/api/v1/app/app/msg")["data"].size(); }
};

TEST_F(payload_schemas, that_are_enforced_refuse_what_does_not_fit_with_place_rule_and_reason) {
  EXPECT_FALSE(emit(202, {{"amount", 7}}).contains("schemaFaults"));
  auto refused = emit(422, {{"amount", 7}, {"lines", {"a", 3}}})["detail"][0];
  EXPECT_EQ(refused["loc"], (json{"body", "payload", "lines", "1"}));
  auto why = refused["msg"].get<std::string>();
  for (auto* part : {"string", "/properties/lines/items/type", "version 2", "invoice.paid"})
    EXPECT_NE(why.find(part), std::string::npos) << part << " in " << why;
  EXPECT_EQ(emit(422, json::object())["detail"][0]["loc"], (json{"body", "payload"}));
  EXPECT_EQ(stored(), 1U) << "nothing else is stored";
}

TEST_F(payload_schemas, are_held_against_by_every_way_in) {
  auto ours = ask("POST", "/sandboxes/app/events/invoice.paid", R"({"amount":"x"})");
  EXPECT_EQ(ours.status(), 422U) << ours.response.body;
  EXPECT_EQ(ours.body()["pointer"], "/amount") << "the body is the payload";
  EXPECT_EQ(ask("POST", "/sandboxes/app/events/invoice.paid", "{}").body()["pointer"], "/");
  EXPECT_EQ(ask("POST", "/sandboxes/app/messages", R"({"eventType":"invoice.paid","payload":{"amount":-1}})").body()["pointer"], "/payload/amount");
  auto late = ask("POST", "/api/v1/app/app/msg", R"({"eventType":"invoice.paid","payload":{"amount":-1},"deliverAt":"2099-01-01T00:00:00Z"})");
  EXPECT_EQ(late.status(), 422U);
  EXPECT_EQ(asked(422, "POST", "/api/v1/app/app/msg", {{"eventType", "invoice.paid"}, {"payloadText", "plain"}, {"contentType", "text/plain"}})["detail"][0]["loc"][1], "payloadText");
  auto newborn = ask("POST", "/api/v1/app/another/msg", R"({"eventType":"invoice.paid","payload":{"amount":"x"},"application":{"name":"n"}})");
  EXPECT_EQ(newborn.status(), 422U);
  asked(404, "GET", "/api/v1/app/another");
  // An example of the type's own schema fits.
  auto id = asked(201, "POST", "/api/v1/app/app/endpoint", {{"url", "http://127.0.0.1:9/"}})["id"].get<std::string>();
  asked(202, "POST", "/api/v1/app/app/endpoint/" + id + "/send-example", {{"eventType", "invoice.paid"}});
}

TEST_F(payload_schemas, warn_if_nobody_says_anything_and_the_warning_stays_with_the_message) {
  type(nullptr);
  auto out = emit(202, {{"amount", "many"}});
  ASSERT_EQ(out["schemaFaults"].size(), 1U) << out;
  EXPECT_EQ(out["schemaFaults"][0]["pointer"], "/amount");
  EXPECT_EQ(out["schemaFaults"][0]["rule"], "/properties/amount/type");
  EXPECT_TRUE(out["schemaFaults"][0]["message"].is_string());
  type("enforce");
  restart();
  EXPECT_EQ(asked(200, "GET", "/api/v1/app/app/msg/" + out["id"].get<std::string>())["schemaFaults"], out["schemaFaults"]);
}

TEST_F(payload_schemas, go_by_what_the_sandbox_says_before_what_the_event_type_says) {
  EXPECT_EQ(asked(200, "PATCH", "/sandboxes/app", {{"schema_check", "off"}})["schema_check"], "off");
  EXPECT_FALSE(emit(202, {{"amount", "many"}}).contains("schemaFaults"));
  asked(200, "PATCH", "/sandboxes/app", {{"schema_check", "warn"}});
  EXPECT_TRUE(emit(202, {{"amount", "many"}}).contains("schemaFaults"));
  asked(200, "PATCH", "/sandboxes/app", {{"schema_check", nullptr}});
  emit(422, {{"amount", "many"}});
  type("off");
  EXPECT_FALSE(emit(202, {{"amount", "many"}}).contains("schemaFaults"));
  asked(200, "PATCH", "/sandboxes/app", {{"schema_check", "enforce"}});
  emit(422, {{"amount", "many"}});
  restart();
  emit(422, {{"amount", "many"}});
  EXPECT_EQ(asked(422, "PATCH", "/sandboxes/app", {{"schema_check", "strict"}})["pointer"], "/schema_check");
}

TEST_F(payload_schemas, count_from_the_moment_that_they_are_put_and_after_a_restart_though_the_catalogue_sleeps) {
  emit(422, {{"amount", "many"}});
  type("enforce", {{"3", {{"type", "object"}, {"properties", {{"amount", {{"type", "string"}}}}}}}});
  emit(202, {{"amount", "many"}});
  emit(422, {{"amount", 7}});
  restart();
  emit(422, {{"amount", 7}});
  asked(204, "DELETE", "/api/v1/event-type/invoice.paid?expunge=true");
  emit(202, {{"amount", 7}});
  restart();
  emit(202, {{"amount", 7}});
}

TEST_F(payload_schemas, that_do_not_compile_are_refused_and_those_before_stay) {
  for (const auto& bad : {json{{"2", {{"type", "nonsense"}}}}, json{{"1", {{"$ref", "#/nowhere"}}}}, json{{"1", {{"pattern", "("}}}}, json{{"1", {{"minimum", "x"}}}}}) {
    auto refused = asked(422, "PUT", "/api/v1/event-type/invoice.paid", {{"description", "d"}, {"schemas", bad}});
    EXPECT_EQ(refused["detail"][0]["loc"][1], "schemas") << refused;
    EXPECT_EQ(refused["detail"][0]["loc"][2], bad.begin().key()) << refused;
  }
  EXPECT_EQ(asked(422, "PATCH", "/api/v1/event-type/invoice.paid", {{"schemaCheck", "strict"}})["detail"][0]["loc"][1], "schemaCheck");
  emit(422, {{"amount", "many"}});
  EXPECT_EQ(asked(200, "GET", "/api/v1/event-type/invoice.paid")["schemas"], invoice);
}

TEST_F(payload_schemas, an_edited_dead_letter_is_held_against_them_too) {
  auto body = json{{"url", "http://127.0.0.1:9/"}, {"retrySchedule", json::array()}};
  auto dead = "/api/v1/app/app/endpoint/" + asked(201, "POST", "/api/v1/app/app/endpoint", body)["id"].get<std::string>() + "/dead";
  auto msg = emit(202, {{"amount", 7}})["id"].get<std::string>();
  for (int i = 0; i < 400 && asked(200, "GET", dead)["data"].empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  auto edited = ask("POST", dead + "/" + msg + "/edit", R"({"payload":{"amount":"x"}})");
  EXPECT_EQ(edited.status(), 422U) << edited.response.body;
  EXPECT_EQ(edited.body()["detail"][0]["loc"], (json{"body", "payload", "amount"}));
}

} // namespace
