// Seeding, scenario packs, chaos profiles and credentials over HTTP, and what a restart makes of them.
#include "world.hpp"

namespace {

using namespace hourglass;
using namespace hourglass::testing;

constexpr std::string_view document = R"({"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{
  "/pets":{"get":{"responses":{"200":{"description":"ok","content":{"application/json":{"schema":{"type":"array","items":{"$ref":"#/components/schemas/Pet"}}}}}}},
    "post":{"security":[{"key":[]}],"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}}}},
      "responses":{"201":{"description":"ok","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}}}},
                   "409":{"description":"no","content":{"application/json":{"example":{"error":"taken"}}}}}}},
  "/pets/{petId}":{"get":{"parameters":[{"name":"petId","in":"path","required":true,"schema":{"type":"integer"}}],
    "responses":{"200":{"description":"ok","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}}}}}}}},
  "components":{"securitySchemes":{"key":{"type":"apiKey","in":"header","name":"X-Key"}},
    "schemas":{"Pet":{"type":"object","required":["id","name"],"properties":{"id":{"type":"integer","readOnly":true},"name":{"type":"string"},"born":{"type":"string","format":"date"}}}}}})";

class scenarios : public world {
protected:
  void SetUp() override {
    world::SetUp();
    id_ = sandbox().value("id", "");
    asked(200, "PUT", at("/openapi?validation=enforce"), json::parse(document));
  }
  std::string at(const std::string& rest) const { return "/sandboxes/" + id_ + rest; }
  answer mocked(std::string method, std::string target, std::string body = {}, http::fields headers = {}) {
    if (!body.empty())
      headers.push_back({"Content-Type", "application/json"});
    return send(make(std::move(method), "/s/" + id_ + std::move(target), std::move(body), std::move(headers)));
  }
  json last_request() {
    auto page = asked(200, "GET", at("/history?type=request.served&limit=1"));
    return page["data"].empty() ? json{} : page["data"][0];
  }
  std::string id_;
};

TEST_F(scenarios, a_sandbox_is_seeded_in_one_event_and_a_second_call_writes_nothing) {
  const json seed = {{"seed", 7}, {"namespaces", {{"pets", {{"generate", {{"count", 25}}}}}, {"cards", {{"items", {{"visa", 4242}}}}}}}, {"env", {{"MODE", "x"}}}};
  auto first = asked(200, "POST", at("/seed"), seed);
  EXPECT_EQ(first["changed"], true);
  EXPECT_EQ(first["namespaces"]["pets"]["items"], 25);
  EXPECT_EQ(mocked("GET", "/pets").body().size(), 25U);
  auto pet = mocked("GET", "/pets/25");
  EXPECT_EQ(pet.body()["id"], 25);
  EXPECT_EQ(asked(200, "POST", at("/seed"), seed)["changed"], false);
  EXPECT_EQ(asked(200, "GET", at("/history?type=data.seeded"))["data"].size(), 1U);
  EXPECT_EQ(asked(200, "GET", at("/env"))["env"]["MODE"], "x");
  restart();
  EXPECT_EQ(mocked("GET", "/pets/25").response.body, pet.response.body);
  auto other = sandbox().value("id", "");
  asked(200, "PUT", "/sandboxes/" + other + "/openapi", json::parse(document));
  asked(200, "POST", "/sandboxes/" + other + "/seed", seed);
  EXPECT_EQ(send(make("GET", "/s/" + other + "/pets/25")).response.body, pet.response.body) << "the same seed, the same bytes";
}

TEST_F(scenarios, a_seed_that_breaks_a_rule_is_refused_with_its_place) {
  auto refused = asked(422, "POST", at("/seed"), {{"namespaces", {{"cards", {{"generate", {{"count", 3}}}}}}}});
  EXPECT_EQ(refused["pointer"], "/namespaces/cards/generate/schema");
  EXPECT_EQ(ask("POST", at("/seed"), "{").status(), 400U);
  EXPECT_EQ(ask("POST", at("/seed")).status(), 400U);
  EXPECT_EQ(asked(200, "GET", at("/data"))["data"].size(), 0U);
}

TEST_F(scenarios, a_pack_is_stored_applied_replaced_and_survives_a_restart) {
  const json pack = {{"seed", {{"namespaces", {{"pets", {{"replace", false}}}}}}}};
  EXPECT_EQ(asked(200, "PUT", at("/scenarios/broken"), pack)["name"], "broken");
  auto refused = asked(422, "POST", at("/scenarios/broken/apply"));
  EXPECT_EQ(refused["pointer"], "/seed/namespaces/pets/replace");
  const json shop = {{"seed", {{"namespaces", {{"pets", {{"generate", {{"count", 3}}}}}}}, {"env", {{"SHOP", "open"}}}}},
                     {"magic", {{{"in", "body"}, {"at", "/name"}, {"equals", "Taken"}, {"scenario", "taken"}}}},
                     {"scenarios", {{"taken", {{"code", 409}}}}},
                     {"chaos", {{"GET /pets", "418=100%"}}}};
  asked(200, "PUT", at("/scenarios/shop"), shop);
  EXPECT_EQ(asked(200, "GET", at("/scenarios/shop")), shop);
  EXPECT_EQ(asked(200, "GET", at("/scenarios"))["data"], json({"broken", "shop"}));
  EXPECT_EQ(mocked("GET", "/pets").status(), 200U);
  EXPECT_EQ(asked(200, "POST", at("/scenarios/shop/apply"))["namespaces"]["pets"]["changed"], 3);
  auto check = [&] {
    EXPECT_EQ(mocked("GET", "/pets").status(), 418U);
    EXPECT_EQ(mocked("GET", "/pets/3").status(), 200U);
    auto taken = mocked("POST", "/pets", R"({"name":"Taken"})", {{"X-Key", "1"}});
    EXPECT_EQ(taken.status(), 409U);
    EXPECT_EQ(taken.body()["error"], "taken");
    EXPECT_EQ(asked(200, "GET", at("/scenarios"))["applied"], "shop");
  };
  check();
  restart();
  check();
  auto replayed = asked(200, "GET", at("/requests?limit=1"))["data"][0]["id"].get<std::string>();
  EXPECT_EQ(asked(200, "POST", at("/requests/" + replayed + "/replay"))["identical"], true);
  asked(200, "POST", at("/scenarios/reset"));
  EXPECT_EQ(mocked("GET", "/pets").status(), 200U);
  asked(204, "DELETE", at("/scenarios/shop"));
  asked(404, "GET", at("/scenarios/shop"));
  asked(404, "POST", at("/scenarios/shop/apply"));
}

TEST_F(scenarios, chaos_is_stored_for_all_and_for_one_and_recorded) {
  asked(200, "PUT", at("/chaos"), {{"chaos", "latency=1,503=100%"}});
  asked(200, "PUT", at("/endpoints/GET%20%2Fpets/chaos"), {{"chaos", "reset=100%"}});
  EXPECT_EQ(mocked("GET", "/pets/1").status(), 503U);
  EXPECT_EQ(mocked("GET", "/pets").response.fault, http::wire_fault::reset);
  auto listed = asked(200, "GET", at("/chaos"))["data"];
  ASSERT_EQ(listed.size(), 2U);
  EXPECT_EQ(listed[0]["endpoint"], "*");
  EXPECT_EQ(listed[1]["endpoint"], "GET /pets");
  restart();
  EXPECT_EQ(mocked("GET", "/pets/1").status(), 503U);
  asked(204, "DELETE", at("/chaos"));
  asked(404, "DELETE", at("/chaos"));
  asked(204, "DELETE", at("/endpoints/GET%20%2Fpets/chaos"));
  EXPECT_EQ(mocked("GET", "/pets").status(), 200U);
  auto refused = asked(422, "PUT", at("/chaos"), {{"chaos", "fire=1%"}});
  EXPECT_EQ(refused["pointer"], "/chaos");
}

TEST_F(scenarios, a_seeded_run_is_repeated_over_a_restart_and_replays_alike) {
  auto run = [&](int times) {
    std::string out;
    for (int i = 0; i < times; ++i)
      out += mocked("GET", "/pets").status() == 200U ? '.' : '!';
    return out;
  };
  asked(200, "PUT", at("/chaos"), {{"chaos", "5xx=40%,seed=monday"}});
  const auto whole = run(24);
  EXPECT_NE(whole.find('!'), std::string::npos);
  asked(200, "PUT", at("/chaos"), {{"chaos", "5xx=40%,seed=monday"}});
  auto again = run(10);
  restart();
  again += run(14);
  EXPECT_EQ(again, whole) << "where a run goes on is in the log";
  for (const auto& request : asked(200, "GET", at("/requests?limit=5"))["data"])
    EXPECT_EQ(asked(200, "POST", at("/requests/" + request["id"].get<std::string>() + "/replay"))["identical"], true);
}

TEST_F(scenarios, the_credentials_that_a_document_demands_are_checked_as_the_sandbox_says) {
  auto refused = mocked("POST", "/pets", R"({"name":"x"})");
  EXPECT_EQ(refused.status(), 401U);
  EXPECT_EQ(refused.header("WWW-Authenticate"), R"(ApiKey realm="key", in="header", name="X-Key")");
  EXPECT_EQ(mocked("POST", "/pets", R"({"name":"x"})", {{"X-Key", "any"}}).status(), 201U);
  EXPECT_EQ(asked(200, "PUT", at("/credentials"), {{"schemes", {{"key", {"good"}}}}})["schemes"]["key"], 1);
  EXPECT_EQ(mocked("POST", "/pets", R"({"name":"x"})", {{"X-Key", "any"}}).status(), 401U);
  EXPECT_EQ(mocked("POST", "/pets", R"({"name":"x"})", {{"X-Key", "good"}}).status(), 201U);
  auto request = asked(200, "GET", at("/requests?limit=1"))["data"][0]["id"].get<std::string>();
  restart();
  EXPECT_EQ(mocked("POST", "/pets", R"({"name":"x"})", {{"X-Key", "any"}}).status(), 401U);
  EXPECT_EQ(asked(200, "GET", at("/credentials"))["schemes"]["key"], 1);
  EXPECT_EQ(asked(200, "POST", at("/requests/" + request + "/replay"))["identical"], true) << "the log has no key, but what was said of it";
  auto open = asked(200, "PUT", at("/openapi?validation=enforce&security=ignore"), json::parse(document));
  EXPECT_EQ(mocked("POST", "/pets", R"({"name":"x"})").status(), 201U);
  asked(400, "PUT", at("/openapi?security=perhaps"), json::parse(document));
}

TEST_F(scenarios, a_format_is_a_rule) {
  EXPECT_EQ(mocked("POST", "/pets", R"({"name":"x","born":"2026-02-30"})", {{"X-Key", "1"}}).status(), 422U);
  EXPECT_EQ(mocked("POST", "/pets", R"({"name":"x","born":"2026-02-28"})", {{"X-Key", "1"}}).status(), 201U);
}

TEST_F(scenarios, a_credential_that_the_document_declares_is_not_in_the_log_whatever_its_name) {
  auto described = json::parse(document);
  described["components"]["securitySchemes"]["app"] = {{"type", "apiKey"}, {"in", "query"}, {"name", "appid"}};
  described["paths"]["/pets"]["post"]["security"] = json::array({{{"key", json::array()}, {"app", json::array()}}});
  asked(200, "PUT", at("/openapi?security=check"), described);
  EXPECT_EQ(mocked("POST", "/pets?appid=hush-hush-1", R"({"name":"x"})").status(), 401U);
  EXPECT_EQ(mocked("POST", "/pets?a=1&appid=hush-hush-1&b=2", R"({"name":"x"})", {{"X-Key", "hush-hush-2"}}).status(), 201U);
  const auto kept = asked(200, "GET", at("/history?limit=250")).dump();
  EXPECT_EQ(kept.find("hush-hush"), std::string::npos);
  EXPECT_NE(kept.find("a=1&appid=[redacted:"), std::string::npos);
}

TEST_F(scenarios, a_seed_that_replaces_sets_the_numbers_back_too) {
  const json seed = {{"seed", 7}, {"replace", true}, {"namespaces", {{"pets", {{"generate", {{"count", 3}}}}}}}};
  auto born = [&] { return json::parse(mocked("POST", "/pets", R"({"name":"x"})", {{"X-Key", "k"}}).response.body)["id"].get<int>(); };
  asked(200, "POST", at("/seed"), seed);
  const auto first = born();
  EXPECT_EQ(born(), first + 1);
  asked(200, "POST", at("/seed"), seed);
  EXPECT_EQ(born(), first) << "a suite that seeds before each test sees the same each time";
}

} // namespace
