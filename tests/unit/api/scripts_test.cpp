#include "world.hpp"

#include "api/script_gate.hpp"
#include "mock/script_limits.hpp"
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

/// Runs end when the test says so.
class held_engine : public mock::script_engine {
public:
  void run(mock::script_task task, on_outcome done) override {
    std::lock_guard guard{mutex_};
    if (holds)
      held_.push_back(std::move(done));
    else
      guarded_end(done);
    (void)task;
  }
  void check(std::string, std::string, mock::script_form, on_checked done) override { done(std::nullopt); }
  void stop() override { let_go(); }
  void let_go() {
    std::vector<on_outcome> all;
    {
      std::lock_guard guard{mutex_};
      holds = false;
      all.swap(held_);
    }
    for (auto& done : all)
      guarded_end(done);
  }
  std::atomic<bool> holds{false};

private:
  static void guarded_end(const on_outcome& done) {
    mock::script_outcome o;
    o.answer.status = 200;
    done(o);
  }
  std::mutex mutex_;
  std::vector<on_outcome> held_;
};

class slow_handlers : public world {
protected:
  void configure(actors::node_options& o) override {
    engine_ = std::make_shared<held_engine>();
    o.scripts = engine_;
    o.readers = 1;
  }
  void SetUp() override {
    world::SetUp();
    base_ = "/sandboxes/" + sandbox()["id"].get<std::string>();
  }
  std::future<answer> begin_as_admin(const std::string& path, const std::string& body = {}) {
    return begin(make("POST", base_ + path, body, {bearer(admin_key), {"Content-Type", "application/json"}}));
  }

  std::shared_ptr<held_engine> engine_;
  std::string base_;
};

TEST_F(slow_handlers, keep_no_thread_that_reads_for_others_while_they_are_tried_or_replayed) {
  asked(200, "PUT", base_ + "/endpoints/ep_1", {{"method", "GET"}, {"path", "/run"}, {"handler", {{"script", "1"}}}});
  auto served = send(make("GET", "/s/" + base_.substr(11) + "/run"));
  ASSERT_EQ(served.status(), 200U);
  engine_->holds = true;
  auto trial = begin_as_admin("/scripts/try", R"({"script":"1"})");
  auto replay = begin_as_admin("/requests/" + served.header("X-Request-Id") + "/replay");
  EXPECT_EQ(asked(200, "GET", base_ + "/history")["data"].size(), 3U) << "by the one thread that reads";
  using namespace std::chrono_literals;
  EXPECT_EQ(trial.wait_for(0s), std::future_status::timeout);
  EXPECT_EQ(replay.wait_for(0s), std::future_status::timeout);
  engine_->let_go();
  EXPECT_EQ(trial.get().status(), 200U);
  EXPECT_EQ(replay.get().body()["identical"], true);
}

TEST_F(slow_handlers, that_are_tried_are_only_so_many_at_once) {
  engine_->holds = true;
  std::vector<std::future<answer>> all;
  for (std::size_t i = 0; i < limits::scripts_apart_per_sandbox; ++i)
    all.push_back(begin_as_admin("/scripts/try", R"({"script":"1"})"));
  auto refused = begin_as_admin("/scripts/try", R"({"script":"1"})").get();
  EXPECT_EQ(refused.status(), 503U);
  EXPECT_NE(refused.response.body.find("scripts_apart_per_sandbox"), std::string::npos) << refused.response.body;
  engine_->let_go();
  for (auto& one : all)
    EXPECT_EQ(one.get().status(), 200U);
  EXPECT_EQ(begin_as_admin("/scripts/try", R"({"script":"1"})").get().status(), 200U) << "they have given their places back";
}

TEST(script_gate, has_only_so_many_places_for_all_sandboxes_together) {
  std::vector<api::script_gate::ticket> in;
  api::script_gate gate;
  auto id = [](std::size_t n) {
    events::entropy chance{};
    chance[0] = static_cast<std::uint8_t>(n);
    return events::make_sandbox_id(1, chance);
  };
  for (std::size_t i = 0; i < limits::scripts_apart; ++i)
    in.push_back(gate.enter(id(i)).value());
  auto refused = gate.enter(id(99));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, events::errc::overloaded);
  in.pop_back();
  EXPECT_TRUE(gate.enter(id(99)));
}

class no_handlers : public world {};

TEST_F(no_handlers, are_refused_where_no_engine_is) {
  auto id = sandbox()["id"].get<std::string>();
  auto a = ask("POST", "/sandboxes/" + id + "/endpoints", R"({"method":"GET","path":"/a","handler":{"script":"1"}})");
  EXPECT_EQ(a.status(), 503U);
  EXPECT_EQ(ask("POST", "/sandboxes/" + id + "/scripts/try", R"({"script":"1"})").status(), 503U);
}

} // namespace
