#include "world.hpp"

#include "script/pool.hpp"

#include <thread>

// Webhooks that a script emits, held against the schemas of their types.
namespace {

using namespace hourglass;
using namespace hourglass::testing;

class emit_schemas : public world {
protected:
  void configure(actors::node_options& o) override {
    auto opened = script::open_pool({HOURGLASS_SCRIPT_WORKER, 1});
    ASSERT_TRUE(opened) << opened.error().detail;
    o.scripts = std::move(*opened);
  }
  void SetUp() override {
    world::SetUp();
    id_ = sandbox({{"uid", "shop"}})["id"];
    base_ = "/sandboxes/" + id_;
    type("enforce");
    asked(200, "PUT", base_ + "/endpoints/ep_1",
          {{"method", "GET"},
           {"path", "/pay"},
           {"handler",
            {{"script", "const n = ($func.mock.find('count', 'n') ?? 0) + 1; $func.mock.put('count', 'n', n); console.log('paid ' + n);\n"
                        "$func.sbx.webhook.emit('invoice.seen', {n}); $func.sbx.webhook.emit('invoice.paid', {amount: $req.query.bad ? 'much' : n}); $resp.body = {n}"}}}});
  }
  void type(const std::string& check) {
    const json schemas{{"1", {{"type", "object"}, {"properties", {{"amount", {{"type", "number"}}}}}}}};
    const auto a = ask("PUT", "/api/v1/event-type/invoice.paid", json{{"description", "d"}, {"schemas", schemas}, {"schemaCheck", check}}.dump());
    ASSERT_LT(a.status(), 300U) << a.response.body;
  }
  answer pay(bool bad) { return send(make("GET", "/s/" + id_ + (bad ? "/pay?bad=1" : "/pay"))); }
  std::size_t messages() { return asked(200, "GET", "/api/v1/app/" + id_ + "/msg?limit=250")["data"].size(); }
  json counter() { return asked(200, "GET", base_ + "/data/count/n"); }

  std::string id_, base_;
};

TEST_F(emit_schemas, one_that_is_refused_is_the_script_s_failure_and_changes_nothing) {
  EXPECT_EQ(pay(false).body(), (json{{"n", 1}}));
  const auto failed = pay(true);
  EXPECT_EQ(failed.status(), 500U) << failed.response.body;
  const auto problem = failed.body();
  EXPECT_EQ(problem["type"], "/problems/script-failed");
  EXPECT_EQ(problem["kind"], "refused");
  EXPECT_EQ(problem["endpoint"], "ep_1");
  for (const auto* part : {"invoice.paid", "number", "/amount", "version 1"})
    EXPECT_NE(problem["detail"].get<std::string>().find(part), std::string::npos) << part << " in " << problem;
  EXPECT_EQ(counter(), 1) << "what it wrote is not there";
  EXPECT_EQ(messages(), 2U) << "nor is the other message, which fits";
  EXPECT_EQ(pay(false).body(), (json{{"n", 2}}));
  EXPECT_EQ(messages(), 4U);
}

TEST_F(emit_schemas, it_is_on_the_timeline_with_what_the_script_said_and_replays_as_it_was) {
  const auto failed = pay(true);
  const auto shown = asked(200, "GET", base_ + "/requests/" + failed.header("X-Request-Id"));
  EXPECT_EQ(shown["status"], 500) << shown;
  EXPECT_EQ(shown["script"]["error"]["kind"], "refused") << shown;
  EXPECT_EQ(shown["script"]["console"][0][1], "paid 1");
  const auto replay = "/requests/" + failed.header("X-Request-Id") + "/replay";
  EXPECT_EQ(asked(200, "POST", base_ + replay)["identical"], true);
  type("off"); // what is held against it today is not what was then
  EXPECT_EQ(asked(200, "POST", base_ + replay)["identical"], true);
  restart();
  EXPECT_EQ(asked(200, "POST", base_ + replay)["identical"], true);
  EXPECT_EQ(pay(true).status(), 200U);
}

TEST_F(emit_schemas, those_that_are_refused_and_those_that_are_taken_go_in_order) {
  std::vector<std::thread> threads;
  std::atomic<int> taken{0}, refused{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i)
        switch (pay((t + i) % 2 == 0).status()) {
        case 200: ++taken; break;
        case 500: ++refused; break;
        default: break;
        }
    });
  for (auto& t : threads)
    t.join();
  EXPECT_EQ(taken, 20);
  EXPECT_EQ(refused, 20);
  EXPECT_EQ(counter(), 20) << "each saw what those before it left";
  EXPECT_EQ(messages(), 40U);
  restart();
  EXPECT_EQ(counter(), 20);
  EXPECT_EQ(messages(), 40U);
}

TEST_F(emit_schemas, a_warning_refuses_nothing) {
  type("warn");
  EXPECT_EQ(pay(true).body(), (json{{"n", 1}}));
  EXPECT_EQ(messages(), 2U);
}

} // namespace
