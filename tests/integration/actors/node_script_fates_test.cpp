#include "scripts_fixture.hpp"

#include "mock/chaos.hpp"

// What scenarios and chaos make of requests that come while a script of their sandbox runs: they join its chain.
namespace {

using namespace hourglass;
using namespace hourglass::test;
using events::kind;
using nlohmann::json;

class fated : public with_scripts<node_test> {
protected:
  static constexpr std::size_t many = 32;

  /// `/slow` is a script that nothing goes wrong with on purpose, and that takes all the time it gets; `/run` counts.
  events::sandbox_id with_scripts_that_queue() {
    auto id = with_handler(counting);
    const auto r = put_handler(id, "/slow", "for (;;) {}", "ep_slow");
    EXPECT_TRUE(r) << r.error().detail;
    return id;
  }
  void chaos(const events::sandbox_id& id, const std::string& of, const std::string& what) {
    const auto r = submit(id, mock::data_command{mock::put_chaos{of, json{{"chaos", what}}.dump()}});
    ASSERT_TRUE(r) << r.error().detail;
  }
  /// Answers of `many` requests of `/run` that are all there while `/slow` runs, in their order.
  std::vector<mock::response> ask_behind_a_script(const events::sandbox_id& id, const mock::fields& headers = {}) {
    promised<mock::response> slow;
    std::vector<promised<mock::response>> answers(many);
    const auto send = [&](const std::string& target, promised<mock::response>& to, const mock::fields& with) {
      mock::request r;
      r.method = "GET";
      r.target = target;
      r.headers = with;
      node_->serve(id, std::move(r), {"mock", "t"}, to.callback());
    };
    send("/slow", slow, {});
    for (auto& a : answers)
      send("/run", a, headers);
    EXPECT_NE(slow.get()->body.find(R"("kind":"time")"), std::string::npos);
    std::vector<mock::response> out;
    for (auto& a : answers) {
      auto r = a.get();
      EXPECT_TRUE(r) << r.error().detail;
      out.push_back(r ? std::move(*r) : mock::response{});
    }
    return out;
  }
  void expect_replays(const events::sandbox_id& id) {
    for (const auto& e : history(id)) {
      if (e.header.kind != kind::request_served)
        continue;
      auto again = run_again(id, e.header.seq);
      ASSERT_TRUE(again) << again.error().detail;
      EXPECT_TRUE(again->identical) << "at " << e.header.seq << ": " << (again->differences.empty() ? "" : again->differences.front());
    }
  }
};

TEST_F(fated, every_request_behind_a_script_meets_the_stored_chaos_and_its_script_does_not_run) {
  auto id = with_scripts_that_queue();
  chaos(id, "GET /run", "503=100%");
  for (const auto& r : ask_behind_a_script(id)) {
    EXPECT_EQ(r.status, 503U);
    EXPECT_NE(r.body.find("/problems/chaos"), std::string::npos) << r.body;
  }
  EXPECT_FALSE(data_of(id).contains("counters")) << "a script ran";
  EXPECT_EQ(count(history(id), kind::data_put), 0U);
  expect_replays(id);
}

TEST_F(fated, a_seeded_profile_draws_for_each_in_order_and_scripts_run_between) {
  auto id = with_scripts_that_queue();
  chaos(id, "GET /run", "429=50%,seed=run-7");
  const auto profile = mock::chaos::read("429=50%,seed=run-7").value();
  const auto answers = ask_behind_a_script(id);
  std::size_t ran = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto fate = mock::fate_of(profile, mock::chance_of("run-7", i));
    EXPECT_EQ(answers[i].status, fate.status.value_or(200)) << i;
    if (!fate.status) {
      EXPECT_EQ(answers[i].body, R"({"n":)" + std::to_string(++ran) + '}') << i;
    }
  }
  EXPECT_GT(ran, 0U);
  EXPECT_LT(ran, many);
  EXPECT_EQ(count(history(id), kind::chaos_drawn), many) << "one draw a request, of answers and of scripts";
  expect_replays(id);
  reopen();
  const auto next = mock::fate_of(profile, mock::chance_of("run-7", many));
  EXPECT_EQ(get(id, "/run")->status, next.status.value_or(200)) << "the log knows how many were drawn";
}

TEST_F(fated, every_request_behind_a_script_meets_the_scenario_it_asks_for) {
  auto id = with_scripts_that_queue();
  const std::string pack = R"({"scenarios":{"declined":{"answer":{"status":402,"body":{"card":"declined"}}}}})";
  ASSERT_TRUE(submit(id, mock::data_command{mock::put_pack{"cards", pack}}));
  const auto applied = submit(id, mock::data_command{mock::apply_pack{"cards", {}, {}, nullptr}});
  ASSERT_TRUE(applied) << applied.error().detail;
  for (const auto& r : ask_behind_a_script(id, {{"X-Sandbox-Scenario", "declined"}})) {
    EXPECT_EQ(r.status, 402U);
    EXPECT_EQ(r.body, R"({"card":"declined"})");
  }
  EXPECT_FALSE(data_of(id).contains("counters")) << "a script ran";
  for (const auto& s : served(id))
    EXPECT_EQ(s.request.target == "/run" ? "declined" : "", s.request.scenario.value_or(""));
  expect_replays(id);
}

TEST_F(fated, latency_of_a_stored_profile_holds_back_a_script_s_answer_behind_another) {
  auto id = with_scripts_that_queue();
  chaos(id, "GET /run", "latency=1");
  const auto answers = ask_behind_a_script(id);
  for (std::size_t i = 0; i < answers.size(); ++i)
    EXPECT_EQ(answers[i].body, R"({"n":)" + std::to_string(i + 1) + '}');
  for (const auto& e : history(id))
    if (e.header.kind == kind::request_served && e.payload.find(R"("target":"/run")") != std::string::npos) {
      EXPECT_NE(e.payload.find(R"("chaos":{"delay_ms":1)"), std::string::npos) << e.payload;
    }
  expect_replays(id);
}

} // namespace
