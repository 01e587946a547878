#pragma once

#include "mock/handler.hpp"
#include "mock/script_limits.hpp"
#include "support.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace hourglass::mock {

/// Says that each script has come to what the test wants, after making the calls it wants.
class told_engine : public script_engine {
public:
  using calls = std::function<void(script_host&)>;
  script_outcome outcome;
  calls during;
  script_task last;
  int runs = 0;

  void run(script_task task, on_outcome done) override {
    ++runs;
    last = task;
    if (during)
      during(*task.host);
    done(outcome);
  }
  void check(std::string, std::string, script_form, on_checked done) override { done(std::nullopt); }
  void stop() override {}
};

class handler : public testing::Test {
protected:
  void SetUp() override {
    auto r = put(endpoints, R"({"method":"POST","path":"/pets/{id}","project_root":"/p","group_root":"/g","handler":{"script":"$resp.body = 1"}})", "ep_1");
    ASSERT_TRUE(r) << r.error().detail << r.error().where;
    for (const auto* key : {"a", "b", "d"})
      ASSERT_TRUE(run(data, data_command{put_item{"pets", key, "1"}}));
    engine.outcome.answer.body = "ok";
    engine.outcome.has_body = true;
  }

  request asked(std::string body = "{}") { return post("/p/g/pets/7?x=1&x=2&y=%20", std::move(body)); }
  events::outcome<served> serve_it(const request& req, const script_note* before = nullptr) {
    auto ctx = at_moment();
    ctx.correlation = "cor_1";
    return serve_at(ctx, req, before);
  }
  events::outcome<served> serve_at(const events::context& ctx, const request& req, const script_note* before = nullptr) {
    auto run = std::make_shared<detached_run>(route(endpoints, req), data, req, ctx, "sbx_1", redactor);
    bool ended = false;
    detached_run::run(run, engine, before, [&ended] { ended = true; });
    EXPECT_TRUE(ended);
    return run->finish();
  }
  /// What the request of `s` and its script changed is stored.
  void store(const events::outcome<served>& s) {
    ASSERT_TRUE(s);
    for (const auto& e : s->events)
      ASSERT_TRUE(apply(data, e.kind, e.payload));
  }
  static events::context after(std::chrono::seconds time) {
    auto out = at_moment();
    out.now.us += std::chrono::microseconds{time}.count();
    return out;
  }
  served serve_it() {
    auto s = serve_it(asked());
    EXPECT_TRUE(s) << s.error().detail;
    return s ? std::move(*s) : served{};
  }
  void fail_with(script_fault fault) {
    engine.outcome = {};
    engine.outcome.error = script_error{fault, "why", 3, 9, "f@handler:3:9"};
  }

  endpoint_state endpoints;
  data_state data;
  told_engine engine;
  const events::redactor redactor = test_redactor();
};

} // namespace hourglass::mock
