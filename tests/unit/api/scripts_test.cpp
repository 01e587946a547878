#include "world.hpp"

#include "script/pool.hpp"

namespace {

using namespace hourglass;
using namespace hourglass::testing;

class handlers : public world {
protected:
  void configure(actors::node_options& o) override {
    auto opened = script::open_pool({HOURGLASS_SCRIPT_WORKER, 1});
    ASSERT_TRUE(opened) << opened.error().detail;
    o.scripts = std::move(*opened);
  }
  void SetUp() override {
    world::SetUp();
    id_ = sandbox()["id"];
    base_ = "/sandboxes/" + id_;
  }
  json put_handler(const std::string& source, unsigned status = 200) {
    return asked(status, "PUT", base_ + "/endpoints/ep_1", {{"method", "POST"}, {"path", "/pets/{id}"}, {"handler", {{"script", source}}}});
  }
  answer call(const std::string& body = "{}") {
    return send(make("POST", "/s/" + id_ + "/pets/7", body, {{"Content-Type", "application/json"}}));
  }

  std::string id_, base_;
};

TEST_F(handlers, answer_mock_traffic) {
  auto e = put_handler("$resp.status = 201; $resp.body = {id: $req.params.id, n: $req.body.n}; console.log('hi', $req.method)");
  EXPECT_EQ(e["handler"]["script"].get<std::string>().substr(0, 5), "$resp");
  auto a = call(R"({"n":1})");
  EXPECT_EQ(a.status(), 201U);
  EXPECT_EQ(a.body(), (json{{"id", "7"}, {"n", 1}}));
  auto recorded = asked(200, "GET", base_ + "/requests/" + a.header("X-Request-Id"));
  EXPECT_EQ(recorded["script"]["console"], json::array({json::array({"log", "hi POST"})}));
  EXPECT_EQ(asked(200, "POST", base_ + "/requests/" + a.header("X-Request-Id") + "/replay")["identical"], true);
}

TEST_F(handlers, that_do_not_compile_are_refused_with_line_and_column) {
  put_handler("$resp.body = 'old'");
  auto problem = put_handler("let a = 1;\nfunction h() {\n  if (a { return 2 }\n}", 422);
  EXPECT_EQ(problem["line"], 3);
  EXPECT_EQ(problem["column"], 9);
  EXPECT_EQ(problem["pointer"], "/handler/script:3:9");
  EXPECT_EQ(call().response.body, "old");
  EXPECT_EQ(asked(200, "GET", base_ + "/endpoints/ep_1/versions")["data"].size(), 1U);
}

TEST_F(handlers, with_wrong_members_are_refused) {
  for (const auto& handler : {json{{"script", 1}}, json{{"script", ""}}, json::object(), json("x"), json{{"script", "1"}, {"language", "lua"}}})
    asked(422, "PUT", base_ + "/endpoints/ep_1", {{"method", "GET"}, {"path", "/a"}, {"handler", handler}});
  asked(413, "PUT", base_ + "/endpoints/ep_1", {{"method", "GET"}, {"path", "/a"}, {"handler", {{"script", std::string(300'000, ' ')}}}});
}

TEST_F(handlers, earlier_versions_are_listed_and_come_back) {
  put_handler("$resp.body = 1");
  put_handler("$resp.body = 2");
  put_handler("$resp.body = 2");
  auto versions = asked(200, "GET", base_ + "/endpoints/ep_1/versions")["data"];
  ASSERT_EQ(versions.size(), 2U) << "the same again is no version";
  auto first = std::to_string(versions[1]["version"].get<int>());
  EXPECT_EQ(asked(200, "GET", base_ + "/endpoints/ep_1/versions/" + first)["endpoint"]["handler"]["script"], "$resp.body = 1");
  EXPECT_EQ(asked(200, "POST", base_ + "/endpoints/ep_1/versions/" + first + "/restore")["handler"]["script"], "$resp.body = 1");
  EXPECT_EQ(call().response.body, "1");
  EXPECT_EQ(asked(200, "GET", base_ + "/endpoints/ep_1/versions")["data"].size(), 3U);
  asked(204, "DELETE", base_ + "/endpoints/ep_1");
  EXPECT_EQ(call().status(), 404U);
  asked(200, "POST", base_ + "/endpoints/ep_1/versions/" + first + "/restore");
  EXPECT_EQ(call().response.body, "1");
  asked(404, "GET", base_ + "/endpoints/ep_1/versions/1");
  asked(404, "POST", base_ + "/endpoints/ep_2/versions/" + first + "/restore");
  asked(404, "GET", base_ + "/endpoints/ep_2/versions");
}

TEST_F(handlers, functions_and_templates_are_resources) {
  asked(200, "PUT", base_ + "/functions/greet", {{"source", "($func, name) => 'hello ' + name"}});
  asked(200, "PUT", base_ + "/templates/Pet_200_json", {{"source", R"({"id":{{request.path.id}}})"}});
  put_handler("$resp.body = [$func.greet('you'), $func.template.json('Pet_200_json').id, $func.template.dyn('Pet_200_json')]");
  EXPECT_EQ(call().body(), (json{"hello you", "7", R"({"id":"7"})"}));
  EXPECT_EQ(asked(200, "GET", base_ + "/functions")["data"][0]["name"], "greet");
  EXPECT_EQ(asked(200, "GET", base_ + "/functions/greet")["source"], "($func, name) => 'hello ' + name");
  EXPECT_EQ(asked(200, "GET", base_ + "/templates")["data"][0]["name"], "Pet_200_json");
  EXPECT_EQ(asked(200, "GET", base_ + "/templates/Pet_200_json")["source"], R"({"id":{{request.path.id}}})");
  auto bad = asked(422, "PUT", base_ + "/functions/greet", {{"source", "($func, name) =>"}});
  EXPECT_EQ(bad["line"], 1);
  asked(422, "PUT", base_ + "/functions/greet", {{"source", "1 + 1"}});
  asked(422, "PUT", base_ + "/functions/mock", {{"source", "() => 1"}});
  asked(422, "PUT", base_ + "/templates/x.json", {{"source", "{{"}});
  EXPECT_EQ(call().status(), 200U);
  restart();
  EXPECT_EQ(call().status(), 200U);
  asked(204, "DELETE", base_ + "/functions/greet");
  asked(204, "DELETE", base_ + "/templates/Pet_200_json");
  EXPECT_EQ(call().status(), 500U);
  asked(404, "GET", base_ + "/functions/greet");
  asked(404, "GET", base_ + "/templates/Pet_200_json");
}

TEST_F(handlers, can_be_tried_without_a_trace) {
  asked(204, "PUT", base_ + "/data/pets/7", {{"name", "Rex"}});
  const auto before = asked(200, "GET", base_ + "/history")["data"].size();
  auto tried = asked(200, "POST", base_ + "/scripts/try",
                     {{"script", "const p = $func.mock.find('pets', $req.params.id); $func.mock.update('pets', '7', {...p, age: $req.body.age});"
                                 "$func.sbx.webhook.emit('pet.aged', {id: 7}); console.warn('older'); $resp.body = p"},
                      {"path", "/pets/{id}"},
                      {"request", {{"method", "PUT"}, {"target", "/pets/7"}, {"body", {{"age", 3}}}}}});
  EXPECT_EQ(tried["response"]["status"], 200);
  EXPECT_EQ(tried["response"]["body"], R"({"name":"Rex"})");
  EXPECT_EQ(tried["changes"], (json{{{"namespace", "pets"}, {"key", "7"}, {"value", {{"name", "Rex"}, {"age", 3}}}}}));
  EXPECT_EQ(tried["emitted"], (json{{{"type", "pet.aged"}, {"payload", {{"id", 7}}}}}));
  EXPECT_EQ(tried["console"], json::array({json::array({"warn", "older"})}));
  auto wrong = asked(200, "POST", base_ + "/scripts/try", {{"script", "\nnothing.here"}});
  EXPECT_EQ(wrong["error"]["line"], 2);
  EXPECT_EQ(asked(200, "POST", base_ + "/scripts/try", {{"script", "if ("}})["error"]["kind"], "syntax");
  asked(422, "POST", base_ + "/scripts/try", json::object());
  asked(422, "POST", base_ + "/scripts/try", {{"script", "1"}, {"path", "/a"}, {"request", {{"target", "/b"}}}});
  EXPECT_EQ(asked(200, "GET", base_ + "/history")["data"].size(), before);
}

class no_handlers : public world {};

TEST_F(no_handlers, are_refused_where_no_engine_is) {
  auto id = sandbox()["id"].get<std::string>();
  auto a = ask("POST", "/sandboxes/" + id + "/endpoints", R"({"method":"GET","path":"/a","handler":{"script":"1"}})");
  EXPECT_EQ(a.status(), 503U);
  EXPECT_EQ(ask("POST", "/sandboxes/" + id + "/scripts/try", R"({"script":"1"})").status(), 503U);
}

} // namespace
