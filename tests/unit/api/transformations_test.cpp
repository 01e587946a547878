#include "world.hpp"

#include "script/pool.hpp"

namespace {

using namespace hourglass;
using namespace hourglass::testing;

/// The API of an endpoint's script: kept, shown, refused, tried.
class transformation : public world {
protected:
  void configure(actors::node_options& o) override {
    auto opened = script::open_pool({HOURGLASS_SCRIPT_WORKER, 1});
    ASSERT_TRUE(opened) << opened.error().detail;
    o.scripts = std::move(*opened);
  }
  void SetUp() override {
    world::SetUp();
    asked(201, "POST", "/api/v1/app", {{"name", "App"}, {"uid", "app"}});
    asked(201, "POST", "/api/v1/app/app/endpoint", {{"url", "http://127.0.0.1:9/hook"}, {"uid", "e"}, {"disabled", true}});
  }
  static std::string at(const std::string& rest = {}) { return "/api/v1/app/app/endpoint/e/transformation" + rest; }
  json simulate(const json& body, unsigned status = 200) { return asked(status, "POST", at("/simulate"), body); }
  std::size_t events() { return asked(200, "GET", "/sandboxes/app/history?limit=250")["data"].size(); }

  const std::string code = "function handler(webhook) {\n  console.log('was', webhook.payload);\n"
                           "  webhook.payload = {n: webhook.payload.n + 1, who: webhook.env.WHO};\n"
                           "  return webhook;\n}";
};

TEST_F(transformation, is_kept_and_shown_in_svixs_shape_and_survives_a_restart) {
  auto none = asked(200, "GET", at());
  EXPECT_TRUE(none["code"].is_null());
  EXPECT_EQ(none["enabled"], false);
  asked(204, "PATCH", at(), {{"code", code}, {"enabled", true}, {"variables", {{"WHO", "me"}}}});
  auto shown = asked(200, "GET", at());
  EXPECT_EQ(shown["code"], code);
  EXPECT_EQ(shown["enabled"], true);
  EXPECT_EQ(shown["variables"], (json{{"WHO", "me"}}));
  EXPECT_TRUE(shown["updatedAt"].is_string());
  restart();
  EXPECT_EQ(asked(200, "GET", at()), shown);
  asked(204, "PATCH", at(), {{"enabled", false}});
  EXPECT_EQ(asked(200, "GET", at())["code"], code);
  asked(204, "PATCH", at(), {{"code", nullptr}, {"variables", nullptr}});
  EXPECT_TRUE(asked(200, "GET", at())["code"].is_null());
  asked(404, "GET", "/api/v1/app/app/endpoint/nobody/transformation");
  asked(404, "PATCH", "/api/v1/app/app/endpoint/nobody/transformation", {{"enabled", false}});
}

TEST_F(transformation, that_does_not_compile_is_422_with_line_and_column) {
  auto before = events();
  auto error = asked(422, "PATCH", at(), {{"code", "let a = 1;\nfunction handler(w) {\n  if (a { return w }\n}"}});
  EXPECT_EQ(error["detail"][0]["loc"], json::array({"body", "code"}));
  EXPECT_NE(error["detail"][0]["msg"].get<std::string>().find("line 3, column 9"), std::string::npos) << error;
  asked(422, "PATCH", at(), {{"enabled", true}});
  asked(422, "PATCH", at(), {{"code", 1}});
  asked(413, "PATCH", at(), {{"code", std::string(70'000, ' ')}});
  EXPECT_EQ(events(), before);
}

TEST_F(transformation, is_tried_without_a_trace) {
  asked(204, "PATCH", at(), {{"code", code}, {"enabled", true}, {"variables", {{"WHO", "me"}}}});
  auto before = events();
  auto made = simulate({{"eventType", "order.paid"}, {"payload", {{"n", 1}}}});
  EXPECT_EQ(made["payload"], (json{{"n", 2}, {"who", "me"}}));
  EXPECT_EQ(made["method"], "POST");
  EXPECT_EQ(made["url"], "http://127.0.0.1:9/hook");
  EXPECT_EQ(made["console"], json::array({json::array({"log", R"(was {"n":1})"})}));
  auto other = simulate({{"eventType", "a"}, {"payload", json::object()}, {"variables", {{"WHO", "you"}}},
                         {"code", "const handler = w => ({...w, headers: {'X-A': w.env.WHO}, method: 'PUT', url: 'https://b.test/'});"}});
  EXPECT_EQ(other["headers"], (json{{"X-A", "you"}}));
  EXPECT_EQ(other["method"], "PUT");
  EXPECT_EQ(simulate({{"eventType", "a"}, {"payload", {}}, {"code", "function handler() { return {cancel: true}; }"}})["cancel"], true);
  auto wrong = simulate({{"eventType", "a"}, {"payload", json::object()}, {"code", "function handler(w) {\n  throw new Error('no');\n}"}});
  EXPECT_EQ(wrong["error"]["kind"], "thrown");
  EXPECT_EQ(wrong["error"]["line"], 2);
  auto error_of = [&](const std::string& text) { return simulate({{"eventType", "a"}, {"payload", json::object()}, {"code", text}})["error"]; };
  EXPECT_NE(error_of("function handler(w) { w.method = 'GET'; return w; }")["message"].get<std::string>().find("`method`"), std::string::npos);
  EXPECT_EQ(error_of("function handler(w) { for (;;) {} }")["kind"], "time");
  auto flood = error_of("function handler(w) { let s = []; for (;;) s.push(new Array(100000).fill(1)); }")["kind"].get<std::string>();
  EXPECT_TRUE(flood == "memory" || flood == "time") << flood;
  EXPECT_EQ(error_of("function handler(w) {")["kind"], "syntax");
  EXPECT_EQ(events(), before);
  EXPECT_EQ(asked(200, "GET", at())["code"], code);
  simulate({{"eventType", "a b"}, {"payload", json::object()}}, 422);
  simulate({{"eventType", "a"}}, 422);
  asked(204, "PATCH", at(), {{"code", nullptr}});
  simulate({{"eventType", "a"}, {"payload", json::object()}}, 422);
  asked(404, "POST", "/api/v1/app/app/endpoint/nobody/transformation/simulate", {{"eventType", "a"}, {"payload", json::object()}});
}

} // namespace
