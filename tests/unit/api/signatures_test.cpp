#include "world.hpp"

#include "webhook/profile.hpp"

#include <chrono>

namespace {

using namespace hourglass;
using namespace hourglass::testing;
using webhook::signature_profile;
using webhook::signing_key;

constexpr std::string_view secret_1 = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr std::string_view private_1 = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
constexpr std::string_view public_1 = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
constexpr std::int64_t at = 1'700'000'000;

class signatures : public world {
protected:
  std::string add(const std::string& app, json more = json::object()) {
    more["url"] = "http://127.0.0.1:9/";
    return asked(201, "POST", "/api/v1/app/" + app + "/endpoint", more)["id"];
  }
  json secret(const std::string& app, const std::string& ep) { return asked(200, "GET", "/api/v1/app/" + app + "/endpoint/" + ep + "/secret"); }
  answer rotate(const std::string& app, const std::string& ep, const json& body = json::object()) {
    return ask("POST", "/api/v1/app/" + app + "/endpoint/" + ep + "/secret/rotate", body.dump());
  }
  static json question(std::string_view key, std::string_view body, signature_profile p = signature_profile::standard) {
    auto k = p == signature_profile::standard ? signing_key::parse(key) : signing_key::parse_text(key);
    EXPECT_TRUE(k);
    std::vector<signing_key> keys{*k};
    json headers = json::object();
    for (auto& h : webhook::signature_headers(p, keys, "msg_1", "t", at, body))
      headers[h.name] = h.value;
    return {{"headers", headers}, {"body", body}, {"now", at}};
  }
};

TEST_F(signatures, an_ed25519_endpoint_shows_its_public_half_and_publishes_it_without_a_key) {
  auto app = sandbox()["id"].get<std::string>();
  auto ep = add(app, {{"secret", private_1}, {"uid", "shop"}});
  EXPECT_EQ(secret(app, ep)["key"], public_1);
  auto a = send(make("GET", "/sandboxes/" + app + "/.well-known/jwks.json"));
  ASSERT_EQ(a.status(), 200U) << a.response.body;
  EXPECT_EQ(a.header("Cache-Control"), "public, max-age=60");
  ASSERT_EQ(a.body()["keys"].size(), 1U);
  EXPECT_EQ(a.body()["keys"][0]["x"], "1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4");
  EXPECT_EQ(rotate(app, ep).status(), 200U);
  EXPECT_EQ(send(make("GET", "/sandboxes/" + app + "/.well-known/jwks.json?endpoint=shop")).body()["keys"].size(), 2U) << "the new one of the same kind, and the old one";
  EXPECT_EQ(send(make("GET", "/sandboxes/" + app + "/.well-known/jwks.json?endpoint=nobody")).status(), 404U);
  EXPECT_EQ(send(make("GET", "/sandboxes/" + app + "/.well-known/jwks.json?colour=red")).status(), 400U);
  EXPECT_EQ(a.response.body.find("6Xb"), std::string::npos);
}

TEST_F(signatures, a_secret_is_made_of_the_type_that_is_asked_for) {
  auto app = sandbox()["id"].get<std::string>();
  auto ed = add(app, {{"signatureType", "ed25519"}}), plain = add(app);
  EXPECT_TRUE(secret(app, ed)["key"].get<std::string>().starts_with("whpk_"));
  EXPECT_TRUE(secret(app, plain)["key"].get<std::string>().starts_with("whsec_"));
  EXPECT_EQ(rotate(app, plain, {{"signatureType", "ed25519"}}).status(), 200U);
  auto keys = secret(app, plain)["keys"];
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_EQ(keys[0]["type"], "ed25519");
  EXPECT_TRUE(keys[0]["expiresAt"].is_null());
  EXPECT_EQ(keys[1]["type"], "hmac256");
  EXPECT_TRUE(keys[1]["expiresAt"].is_string());
  for (const auto& wrong : {json{{"signatureType", "rsa"}}, json{{"key", secret_1}, {"signatureType", "ed25519"}}, json{{"key", "short"}}, json{{"key", public_1}},
                            json{{"gracePeriodSeconds", 604801}}})
    EXPECT_EQ(rotate(app, plain, wrong).status(), 422U) << wrong;
}

TEST_F(signatures, the_eleventh_old_secret_is_400_limit_reached_as_in_svix) {
  auto app = sandbox()["id"].get<std::string>();
  auto ep = add(app);
  for (int i = 0; i < 10; ++i)
    ASSERT_EQ(rotate(app, ep).status(), 200U) << i;
  auto a = rotate(app, ep);
  EXPECT_EQ(a.status(), 400U);
  EXPECT_EQ(a.body()["code"], "limit_reached");
  EXPECT_EQ(rotate(app, ep, {{"gracePeriodSeconds", 0}}).status(), 200U) << "without overlap there is room";
}

TEST_F(signatures, put_replaces_every_secret_and_needs_a_key) {
  auto app = sandbox()["id"].get<std::string>();
  auto ep = add(app);
  auto where = "/api/v1/app/" + app + "/endpoint/" + ep + "/secret";
  EXPECT_EQ(ask("PUT", where, json{{"key", secret_1}}.dump()).status(), 204U);
  EXPECT_EQ(secret(app, ep)["key"], secret_1);
  EXPECT_EQ(secret(app, ep)["keys"].size(), 1U);
  EXPECT_EQ(ask("PUT", where, json{{"key", secret_1}}.dump()).status(), 204U) << "again";
  EXPECT_EQ(ask("PUT", where, "{}").status(), 422U);
}

TEST_F(signatures, a_profile_is_kept_by_put_changed_by_patch_and_wrong_ones_refused) {
  auto app = sandbox()["id"].get<std::string>();
  auto ep = add(app, {{"signatureProfile", "slack"}, {"secret", "8f742231b10e8888abcd99yyyzzz85a5"}});
  auto where = "/api/v1/app/" + app + "/endpoint/" + ep;
  EXPECT_EQ(secret(app, ep)["key"], "8f742231b10e8888abcd99yyyzzz85a5");
  EXPECT_EQ(asked(200, "PUT", where, {{"url", "http://127.0.0.1:9/other"}})["signatureProfile"], "slack");
  EXPECT_EQ(asked(200, "PATCH", where, {{"signatureProfile", "github"}})["signatureProfile"], "github");
  EXPECT_EQ(ask("PATCH", where, R"({"signatureProfile":"standard"})").status(), 422U) << "its secret is none of Standard Webhooks";
  EXPECT_EQ(ask("PATCH", where, R"({"signatureProfile":"paypal"})").status(), 422U);
  EXPECT_EQ(ask("PATCH", where, R"({"headers":{}})").status(), 200U);
  EXPECT_EQ(ask("PUT", where + "/headers", R"({"headers":{"X-Hub-Signature-256":"mine"}})").status(), 422U);
}

TEST_F(signatures, no_secret_is_in_history_state_or_the_stored_bytes) {
  auto app = sandbox()["id"].get<std::string>();
  auto ep = add(app, {{"secret", secret_1}});
  ASSERT_EQ(rotate(app, ep, {{"key", private_1}}).status(), 200U);
  auto all = ask("GET", "/sandboxes/" + app + "/history").response.body + ask("GET", "/sandboxes/" + app + "/state").response.body +
             ask("GET", "/api/v1/app/" + app + "/endpoint").response.body;
  auto id = events::sandbox_id::parse(app);
  auto records = real_->store().read(*id, 1, {100, 1 << 20});
  ASSERT_TRUE(records);
  bool sealed = false;
  for (auto& r : *records) {
    all += r.payload;
    sealed = sealed || r.payload.find("sealed.1.") != std::string::npos;
  }
  EXPECT_TRUE(sealed);
  for (auto hidden : {"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "6Xb/dCcHpPea21PS1N9VY", "6Xb\\/dCcHpPea21PS1N9VY"})
    EXPECT_EQ(all.find(hidden), std::string::npos) << hidden;
}

TEST_F(signatures, anybody_may_verify_with_a_secret_of_his_own) {
  auto verify = [&](json q, std::string_view secret) {
    q["secret"] = secret;
    auto a = send(make("POST", "/webhooks/verify", q.dump(), {{"Content-Type", "application/json"}}));
    EXPECT_EQ(a.status(), 200U) << a.response.body;
    return a.body();
  };
  auto q = question(secret_1, R"({"a":1})");
  EXPECT_EQ(verify(q, secret_1)["valid"], true);
  EXPECT_EQ(verify(q, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")["reason"], "no_match");
  EXPECT_EQ(verify(question(private_1, "{}"), public_1)["scheme"], "v1a");
  q["body"] = "{\"a\":1}\n";
  EXPECT_EQ(verify(q, secret_1)["reason"], "body_changed");
  q["body"] = R"({"a":1})";
  q["now"] = at + 301;
  EXPECT_EQ(verify(q, secret_1)["reason"], "too_old");
  q["tolerance_seconds"] = 301;
  EXPECT_EQ(verify(q, secret_1)["valid"], true);
  EXPECT_EQ(verify(question("It's a Secret to Everybody", "Hello", signature_profile::github), "It's a Secret to Everybody")["profile"], "github");
  auto coded = question(secret_1, "\xff");
  coded.erase("body");
  coded["body_base64"] = "/w==";
  EXPECT_EQ(verify(coded, secret_1)["valid"], true);
}

TEST_F(signatures, a_question_that_breaks_a_rule_is_told_where) {
  auto where = [&](const json& q) {
    auto a = send(make("POST", "/webhooks/verify", q.dump(), {{"Content-Type", "application/json"}}));
    EXPECT_EQ(a.status(), 422U) << a.response.body;
    return a.body().value("pointer", "");
  };
  json headers = {{"webhook-id", "x"}};
  EXPECT_EQ(where(json::object()), "/headers");
  EXPECT_EQ(where({{"headers", {{"a", 1}}}, {"secret", "x"}}), "/headers/a");
  EXPECT_EQ(where({{"headers", headers}}), "/secret");
  EXPECT_EQ(where({{"headers", headers}, {"secret", "x"}, {"profile", "paypal"}}), "/profile");
  EXPECT_EQ(where({{"headers", headers}, {"secret", "x"}, {"body", "a"}, {"body_base64", "YQ=="}}), "/body_base64");
  EXPECT_EQ(where({{"headers", headers}, {"secret", "x"}, {"body_base64", "!"}}), "/body_base64");
  EXPECT_EQ(where({{"headers", headers}, {"secret", "x"}, {"body", std::string(limits::message_bytes + 1, 'a')}}), "/body");
  EXPECT_EQ(where({{"headers", headers}, {"secret", "x"}, {"tolerance_seconds", -1}}), "/tolerance_seconds");
  EXPECT_EQ(where({{"headers", headers}, {"secret", "x"}, {"colour", "red"}}), "/colour");
}

TEST_F(signatures, a_sandbox_knows_whose_secret_signed) {
  auto box = sandbox();
  auto app = box["id"].get<std::string>();
  auto mine = add(app, {{"uid", "mine"}, {"secret", secret_1}}), other = add(app, {{"secret", private_1}});
  auto verify = [&](json q) { return asked(200, "POST", "/sandboxes/" + app + "/webhooks/verify", q); };
  auto q = question(secret_1, "{}");
  EXPECT_EQ(verify(q)["endpoint"], mine) << "none is named, so each is right";
  q["endpoint"] = "mine";
  EXPECT_EQ(verify(q)["valid"], true);
  auto foreign = question(private_1, "{}");
  foreign["endpoint"] = mine;
  EXPECT_EQ(verify(foreign)["reason"], "other_endpoint");
  EXPECT_EQ(verify(foreign)["endpoint"], other);
  ASSERT_EQ(rotate(app, mine, {{"gracePeriodSeconds", 60}}).status(), 200U);
  EXPECT_EQ(verify(q)["valid"], true) << "within the overlap";
  auto advanced = ask("POST", "/sandboxes/" + app + "/clock/advance", R"({"by":"PT61S"})", {{"Prefer", "wait=30"}});
  ASSERT_LT(advanced.status(), 300U) << advanced.response.body;
  EXPECT_EQ(verify(q)["reason"], "expired_secret");
  q["endpoint"] = "nobody";
  EXPECT_EQ(ask("POST", "/sandboxes/" + app + "/webhooks/verify", q.dump()).status(), 404U);
  q.erase("endpoint");
  q["secret"] = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
  EXPECT_NE(verify(q)["reason"], "valid") << "a secret that is given is the one that is meant";
}

TEST_F(signatures, the_page_loads_nothing_from_elsewhere_and_allows_only_its_own_script) {
  auto a = send(make("GET", "/webhooks/verifier"));
  EXPECT_EQ(a.status(), 200U);
  EXPECT_EQ(a.header("Content-Type"), "text/html; charset=utf-8");
  auto policy = a.header("Content-Security-Policy");
  EXPECT_NE(policy.find("default-src 'none'"), std::string::npos) << policy;
  EXPECT_EQ(policy.find("unsafe"), std::string::npos) << policy;
  for (auto outside : {"http://", "https://", "src=", "@import", " style=", " onclick="})
    EXPECT_EQ(a.response.body.find(outside), std::string::npos) << outside;
}

} // namespace
