// Forwarding, recordings and comparisons over HTTP. The upstreams are stubs and other sandboxes: nothing leaves the process.
#include "world.hpp"

namespace {

using namespace hourglass;
using namespace hourglass::testing;

class forwarding : public world {
protected:
  void SetUp() override {
    world::SetUp();
    id_ = sandbox().value("id", "");
    put("ep_bank", {{"method", "GET"}, {"path", "/accounts/{id}"}, {"project_root", "/stubs/bank"},
                    {"response", {{"template", true}, {"headers", {{"X-Rate", "9"}}}, {"body", {{"account", "{{request.path.id}}"}, {"pin_code", 1}, {"password", "sesame-1"}}}}}});
  }
  std::string at(const std::string& rest) const { return "/sandboxes/" + id_ + rest; }
  json put(const std::string& name, const json& endpoint) { return asked(200, "PUT", at("/endpoints/" + name), endpoint); }
  answer mocked(std::string target, http::fields headers = {}) { return send(make("GET", "/s/" + id_ + std::move(target), {}, std::move(headers))); }
  json last_request() { return asked(200, "GET", at("/requests/" + asked(200, "GET", at("/requests?path=/up&limit=1"))["data"][0].value("id", ""))); }
  void forward_to(const std::string& target, json more = json::object()) {
    more["target"] = target;
    put("ep_f", {{"method", "ANY"}, {"path", "/up/{id}"}, {"forward", more}});
  }
  std::string id_;
};

TEST_F(forwarding, an_endpoint_forwards_and_its_request_says_so_after_a_restart_too) {
  forward_to("stub:bank/accounts/{id}");
  auto shown = asked(200, "GET", at("/endpoints/ep_f"));
  EXPECT_EQ(shown["forward"]["target"], "stub:bank/accounts/{id}");
  EXPECT_FALSE(shown.contains("response")) << "it has none of its own";
  auto a = mocked("/up/7");
  EXPECT_EQ(a.status(), 200U);
  EXPECT_EQ(a.body()["account"], "7");
  EXPECT_EQ(a.header("X-Upstream"), "answered");
  EXPECT_EQ(a.header("X-Rate"), "9");
  auto request = last_request();
  EXPECT_EQ(request["forward"]["by"], "upstream");
  restart();
  EXPECT_EQ(mocked("/up/8").body()["account"], "8");
  auto replay = asked(200, "POST", at("/requests/" + request["id"].get<std::string>() + "/replay"));
  EXPECT_EQ(replay["identical"], true) << replay["differences"];
  EXPECT_EQ(replay["fed"].size(), 1U);
}

TEST_F(forwarding, a_target_that_nobody_configured_is_told_with_its_variable) {
  forward_to("{env.BANK}/accounts/{id}");
  auto a = mocked("/up/7");
  EXPECT_EQ(a.status(), 502U);
  EXPECT_EQ(a.header("Content-Type"), "application/problem+json");
  EXPECT_EQ(a.body()["kind"], "unknown_variable");
  EXPECT_NE(a.body().value("detail", "").find("`BANK`"), std::string::npos);
  asked(204, "PUT", at("/env/BANK"), {{"value", "stub:bank"}});
  EXPECT_EQ(mocked("/up/7").status(), 200U);
  auto refused = asked(422, "PUT", at("/endpoints/ep_g"), {{"method", "GET"}, {"path", "/g"}, {"forward", {{"target", "nowhere"}}}});
  EXPECT_EQ(refused["pointer"], "/forward/target");
}

TEST_F(forwarding, settings_of_a_project_and_all_targets_at_once) {
  forward_to("https://gone.example/{id}");
  auto dry = asked(200, "POST", at("/forwarding/retarget"), {{"to", "stub:bank/accounts"}, {"dry_run", true}});
  EXPECT_EQ(dry["endpoints"][0]["after"], "stub:bank/accounts/{id}");
  EXPECT_EQ(asked(200, "GET", at("/endpoints/ep_f"))["forward"]["target"], "https://gone.example/{id}");
  asked(200, "POST", at("/forwarding/retarget"), {{"to", "stub:bank/accounts"}, {"from", "https://gone.example"}});
  EXPECT_EQ(mocked("/up/7").status(), 200U);
  EXPECT_EQ(asked(422, "POST", at("/forwarding/retarget"), {{"to", "nowhere"}})["pointer"], "/to");
  auto said = asked(200, "PUT", at("/forwarding"), {{"clients", {{"", {{"timeout_ms", 900}, {"headers", {{"set", {{"X-Own", "1"}}}}}}}}}});
  EXPECT_EQ(asked(200, "GET", at("/forwarding"))["clients"][""]["timeout_ms"], 900);
  EXPECT_EQ(asked(422, "PUT", at("/forwarding"), {{"clients", {{"", {{"authorities", "no PEM"}}}}}})["pointer"], "/clients//authorities");
  EXPECT_EQ(asked(422, "PUT", at("/forwarding"), {{"clients", {{"nowhere", json::object()}}}})["pointer"], "/clients/nowhere");
  restart();
  EXPECT_EQ(asked(200, "GET", at("/forwarding"))["clients"][""]["timeout_ms"], 900);
  EXPECT_EQ(mocked("/up/7").status(), 200U);
}

TEST_F(forwarding, a_stub_has_latency_and_errors_to_order_and_the_mock_stands_in) {
  forward_to("stub:bank/accounts/{id}", {{"timeout_ms", 300}, {"fallback", "mock"}, {"mock_on", {"5XX"}}});
  put("ep_m", {{"method", "GET"}, {"path", "/up/{any}"}, {"priority", 9}, {"response", {{"body", {{"mock", true}}}}}});
  asked(200, "PUT", at("/endpoints/%2Fstubs%2Fbank%2F*/chaos"), {{"chaos", "503=100%"}});
  auto a = mocked("/up/7");
  EXPECT_EQ(a.body()["mock"], true);
  EXPECT_EQ(a.header("X-Upstream"), "503, mock");
  asked(200, "PUT", at("/endpoints/%2Fstubs%2Fbank%2F*/chaos"), {{"chaos", "drop=100%"}});
  EXPECT_EQ(mocked("/up/7").header("X-Upstream"), "failed: timeout, mock");
  EXPECT_EQ(last_request()["forward"]["endpoint"], "ep_f");
  EXPECT_EQ(last_request()["endpoint_id"], "ep_m");
  asked(204, "DELETE", at("/endpoints/%2Fstubs%2Fbank%2F*/chaos"));
  EXPECT_EQ(mocked("/up/7").body()["account"], "7");
}

TEST_F(forwarding, a_recording_becomes_endpoints_that_answer_when_the_upstream_is_gone) {
  forward_to("stub:bank/accounts/{id}");
  mocked("/up/1");
  EXPECT_EQ(asked(200, "GET", at("/recordings"))["active"], false);
  asked(409, "POST", at("/recordings/stop"));
  EXPECT_EQ(asked(200, "POST", at("/recordings/start"), {{"path", "/up"}})["active"], true);
  asked(409, "POST", at("/recordings/start"));
  mocked("/up/7", {{"Authorization", "Bearer hush-hush-1"}});
  mocked("/up/7");
  restart();
  EXPECT_EQ(asked(200, "GET", at("/recordings"))["path"], "/up");
  auto dry = asked(200, "POST", at("/recordings/snapshot"), {{"dry_run", true}, {"path", "/up/7"}});
  EXPECT_EQ(dry["created"], 1);
  EXPECT_EQ(mocked("/up/7").header("X-Upstream"), "answered") << "nothing was made";
  auto made = asked(200, "POST", at("/recordings/stop"));
  EXPECT_EQ(made["created"], 1) << made;
  EXPECT_FALSE(made["warnings"].empty()) << "of three the last stays, and a secret is replaced";
  asked(204, "DELETE", at("/endpoints/ep_bank"));
  auto a = mocked("/up/7");
  EXPECT_EQ(a.body()["account"], "7");
  EXPECT_EQ(a.body()["password"], "redacted");
  EXPECT_EQ(a.header("X-Rate"), "9");
  EXPECT_EQ(a.header("X-Upstream"), "");
  EXPECT_EQ(mocked("/up/1").status(), 404U) << "before it began: still the stub's, which is gone";
  EXPECT_EQ(asked(200, "GET", at("/recordings"))["active"], false);
  asked(422, "POST", at("/recordings/snapshot"), {{"repeats", "all"}});
  asked(422, "POST", at("/recordings/snapshot"), {{"since", "yesterday"}});
  asked(422, "POST", at("/recordings/snapshot"), {{"unknown", 1}});
}

TEST_F(forwarding, mocks_are_compared_with_their_upstreams_as_they_go_and_afterwards) {
  forward_to("stub:bank/accounts/{id}", {{"compare", true}});
  put("ep_m", {{"method", "GET"}, {"path", "/up/{any}"}, {"priority", 9}, {"response", {{"headers", {{"X-Rate", "1"}}}, {"body", {{"account", 7}, {"old", 1}}}}}});
  mocked("/up/7");
  mocked("/up/8");
  auto report = asked(200, "GET", at("/forwarding/comparisons"));
  EXPECT_EQ(report["compared"], 2);
  EXPECT_EQ(report["same_shape"], 0);
  EXPECT_EQ(report["requests"].size(), 2U);
  EXPECT_EQ(report["mocks"][0]["endpoint"], "ep_m");
  EXPECT_EQ(report["mocks"][0]["differences"][0], json({{"at", "body/account"}, {"kind", "type"}, {"times", 2}}));
  put("ep_m", {{"method", "GET"}, {"path", "/up/{any}"}, {"priority", 9},
               {"response", {{"headers", {{"X-Rate", "1"}}}, {"body", {{"account", "1"}, {"pin_code", 2}, {"password", "x"}}}}}});
  const auto request = report["requests"][0].value("id", "");
  EXPECT_EQ(asked(200, "POST", at("/requests/" + request + "/compare"))["compared"]["same_shape"], true);
  EXPECT_EQ(asked(200, "POST", at("/requests/" + request + "/compare?mock=then"))["compared"]["same_shape"], false);
  mocked("/up/9");
  EXPECT_EQ(asked(200, "GET", at("/forwarding/comparisons?different=true"))["requests"].size(), 2U);
  EXPECT_EQ(asked(200, "GET", at("/forwarding/comparisons?limit=1"))["requests"].size(), 1U);
  mocked("/stubs/bank/accounts/1");
  const auto plain = asked(200, "GET", at("/requests?path=/stubs/bank/accounts/1&limit=1"))["data"][0].value("id", "");
  asked(400, "POST", at("/requests/" + plain + "/compare"));
}

TEST_F(forwarding, an_imported_document_stands_in_where_the_upstream_says_501) {
  asked(200, "PUT", at("/openapi"), json::parse(R"({"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{"/pets":{"get":{"responses":{"200":{"description":"ok",
    "content":{"application/json":{"example":[{"id":1}]}}}}}}}})"));
  put("ep_no", {{"method", "ANY"}, {"path_regex", "/.*"}, {"project_root", "/stubs/api"}, {"response", {{"status", 501}}}});
  put("ep_all", {{"method", "ANY"}, {"path_regex", "/pets.*"}, {"priority", 1}, {"forward", {{"target", "stub:api{request.path}"}, {"mock_on", {501}}}}});
  auto a = mocked("/pets");
  EXPECT_EQ(a.status(), 200U);
  EXPECT_EQ(a.body()[0]["id"], 1);
  EXPECT_EQ(a.header("X-Upstream"), "501, mock");
  EXPECT_EQ(mocked("/pets/nowhere").status(), 404U);
}

} // namespace
