// Scenario packs and stored chaos: what they make of requests.
#include "stateful_support.hpp"

#include "mock/scenario.hpp"

namespace hourglass::mock {

namespace {

struct scenarios : stateful {
  void SetUp() override {
    import(R"({"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{"/charges":{"post":{"requestBody":{"content":{"application/json":{},"application/x-www-form-urlencoded":{}}},
      "responses":{"200":{"description":"ok","content":{"application/json":{"example":{"paid":true}}}},
      "402":{"description":"no","content":{"application/json":{"examples":{"declined":{"value":{"error":"declined"}},"poor":{"value":{"error":"insufficient_funds"}}}}}},
      "503":{"description":"no","content":{"application/json":{"example":{"error":"busy"}}}}}},
      "get":{"responses":{"200":{"description":"ok","content":{"application/json":{"example":[]}}}}}}}})");
  }
  void put(std::string name, std::string text) {
    auto r = run(data, data_command{put_pack{std::move(name), std::move(text)}});
    ASSERT_TRUE(r) << r.error().detail << " at " << r.error().where;
  }
  events::outcome<std::string> apply_it(std::string name) { return run(data, data_command{apply_pack{std::move(name), {}, {}, nullptr}}); }
  void chaos(std::string text, std::string endpoint = "*") {
    auto r = run(data, data_command{put_chaos{std::move(endpoint), R"({"chaos":")" + text + "\"}"}});
    ASSERT_TRUE(r) << r.error().detail;
  }
  json record() const { return json::parse(last.events.front().payload); }
};

constexpr const char* pack = R"({"description":"cards","seed":{"namespaces":{"cards":{"items":{"visa":1}}},"env":{"MODE":"cards"}},"chaos":{"GET /charges":"429=100%"},
  "magic":[{"in":"body","at":"/card","equals":"4000000000000002","scenario":"declined"},{"in":"query","at":"amount","equals":"9995","scenario":"poor"},
           {"in":"header","at":"X-Test","equals":"teapot","scenario":"teapot"},{"in":"body","at":"/slow","equals":true,"scenario":"slow"}],
  "scenarios":{"declined":{"code":402},"poor":{"code":402,"example":"poor"},"teapot":{"answer":{"status":418,"headers":{"X-Pot":"short"},"body":{"stout":true}}},
               "slow":{"chaos":"latency=250"},"lost":{"code":409}}})";

TEST_F(scenarios, a_pack_changes_nothing_before_it_is_applied_and_then_all_in_one_event) {
  put("cards", pack);
  EXPECT_TRUE(data.env.empty());
  EXPECT_EQ(send("POST", "/charges", R"({"card":"4000000000000002"})").status, 200U);
  auto d = decide(data, data_command{apply_pack{"cards", {}, {}, nullptr}}, at_moment());
  ASSERT_TRUE(d);
  ASSERT_EQ(d->events.size(), 1U);
  EXPECT_EQ(d->reply, R"({"applied":"cards","changed":true,"namespaces":{"cards":{"items":1,"changed":1}},"env":1})");
  ASSERT_TRUE(apply(data, d->events.front().kind, d->events.front().payload));
  EXPECT_EQ(data.env.at("MODE"), "cards");
  EXPECT_EQ(*data.find("cards", "visa"), "1");
  EXPECT_EQ(send("GET", "/charges").status, 429U);
}

TEST_F(scenarios, magic_values_and_the_header_choose_what_is_answered) {
  put("cards", pack);
  ASSERT_TRUE(apply_it("cards"));
  EXPECT_EQ(send("POST", "/charges", R"({"card":"4242"})").body, R"({"paid":true})");
  auto declined = send("POST", "/charges", R"({"card":"4000000000000002"})");
  EXPECT_EQ(declined.status, 402U);
  EXPECT_EQ(declined.body, R"({"error":"declined"})");
  EXPECT_EQ(record()["scenario"], "declined");
  EXPECT_EQ(send("POST", "/charges", "card=4000000000000002", {{"Content-Type", "application/x-www-form-urlencoded"}}).status, 402U);
  EXPECT_EQ(send("POST", "/charges?amount=9995", "{}").body, R"({"error":"insufficient_funds"})");
  auto pot = send("POST", "/charges", "{}", {{"X-Test", "teapot"}});
  EXPECT_EQ(pot.status, 418U);
  EXPECT_EQ(header(pot, "X-Pot"), "short");
  EXPECT_EQ(pot.body, R"({"stout":true})");
  send("POST", "/charges", R"({"slow":true})");
  EXPECT_EQ(last.delay, std::chrono::milliseconds{250});
  EXPECT_EQ(send("POST", "/charges", "{}", {{"X-Sandbox-Scenario", "poor"}}).body, R"({"error":"insufficient_funds"})");
  EXPECT_EQ(send("POST", "/charges", R"({"card":"4000000000000002"})", {{"X-Sandbox-Scenario", "nobody knows it"}}).status, 200U) << "the header goes before";
  EXPECT_EQ(send("POST", "/charges", "{}", {{"X-Sandbox-Scenario", "lost"}}).status, 501U) << "there is no 409 here, and that is said";
}

TEST_F(scenarios, of_an_example_alone_choose_it_of_the_usual_answer_and_one_that_is_not_there_is_told) {
  import(R"({"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{"/charges":{"post":{"responses":{"200":{"description":"ok","content":{"application/json":
    {"examples":{"one":{"value":1},"two":{"value":2}}}}}}}}}})");
  put("p", R"({"scenarios":{"two":{"example":"two"},"nope":{"example":"nope"},"none":{"code":200,"example":"nope"}}})");
  ASSERT_TRUE(apply_it("p"));
  EXPECT_EQ(send("POST", "/charges", "{}").body, "1");
  EXPECT_EQ(send("POST", "/charges", "{}", {{"X-Sandbox-Scenario", "two"}}).body, "2");
  EXPECT_EQ(send("POST", "/charges", "{}", {{"X-Sandbox-Scenario", "nope"}}).status, 501U);
  EXPECT_EQ(send("POST", "/charges", "{}", {{"X-Sandbox-Scenario", "none"}}).status, 501U);
}

TEST_F(scenarios, leave_a_script_to_answer_unless_they_have_an_answer_of_their_own) {
  auto made = decide(endpoints, put_endpoint{R"({"method":"POST","path":"/run","handler":{"script":"$resp.body = 1"}})", {}}, at_moment());
  ASSERT_TRUE(made);
  ASSERT_TRUE(mock::apply(endpoints, made->events.front().kind, made->events.front().payload));
  put("p", R"({"scenarios":{"poor":{"code":402},"fixed":{"answer":{"status":418}}}})");
  ASSERT_TRUE(apply_it("p"));
  const auto planned = [&](const std::string& scenario) {
    auto r = post("/run", "{}");
    r.headers.push_back({"X-Sandbox-Scenario", scenario});
    auto p = route(endpoints, r);
    meet_fate(p, data, r, at_moment().chance);
    return p;
  };
  EXPECT_TRUE(planned("poor").runs_script());
  EXPECT_EQ(planned("poor").scenario, "poor");
  EXPECT_FALSE(planned("fixed").runs_script());
}

TEST_F(scenarios, a_replay_means_the_same_although_the_log_has_no_card_number) {
  put("cards", pack);
  ASSERT_TRUE(apply_it("cards"));
  auto first = send("POST", "/charges", R"({"card":"4000000000000002"})");
  auto past = decode_served(last.events.front().payload);
  ASSERT_TRUE(past);
  past->request.body = "{}";
  EXPECT_EQ(serve(endpoints, data, past->request, at_moment(), test_redactor()).response.body, first.body);
}

TEST_F(scenarios, the_next_pack_replaces_what_the_one_before_had_and_data_stay) {
  put("cards", pack);
  put("calm", "{}");
  ASSERT_TRUE(apply_it("cards"));
  chaos("5xx=100%", "POST /charges");
  ASSERT_TRUE(apply_it("calm"));
  EXPECT_EQ(send("POST", "/charges", R"({"card":"4000000000000002"})").status, 200U);
  EXPECT_EQ(send("GET", "/charges").status, 200U);
  EXPECT_EQ(*data.find("cards", "visa"), "1");
  ASSERT_TRUE(apply_it("cards"));
  ASSERT_TRUE(apply_it(""));
  EXPECT_EQ(send("GET", "/charges").status, 200U);
  EXPECT_EQ(data.scenarios.pack, nullptr);
  EXPECT_FALSE(apply_it("missing"));
}

TEST_F(scenarios, a_fold_of_the_log_and_a_snapshot_come_to_the_same) {
  put("cards", pack);
  ASSERT_TRUE(apply_it("cards"));
  chaos("5xx=50%,seed=x");
  auto back = restore<data_state>(snapshot(data));
  ASSERT_TRUE(back) << back.error().detail;
  EXPECT_EQ(*back, data);
  EXPECT_EQ(serve(endpoints, *back, post("/charges", R"({"card":"4000000000000002"})"), at_moment(), test_redactor()).response.status,
            serve(endpoints, data, post("/charges", R"({"card":"4000000000000002"})"), at_moment(), test_redactor()).response.status);
}

TEST_F(scenarios, a_pack_that_breaks_a_rule_is_refused_with_its_place) {
  const std::pair<const char*, const char*> cases[] = {
    {"[]", ""},
    {R"({"surprise":1})", "/surprise"},
    {R"({"chaos":{"*":"fire=1%"}})", "/chaos/*"},
    {R"({"magic":[{"in":"path","at":"x","equals":"1","scenario":"s"}]})", "/magic/0/in"},
    {R"({"magic":[{"in":"body","at":"x","equals":"1","scenario":"s"}]})", "/magic/0/at"},
    {R"({"magic":[{"in":"body","at":"/x","equals":{},"scenario":"s"}]})", "/magic/0/equals"},
    {R"({"scenarios":{"s":{"code":99}}})", "/scenarios/s/code"},
    {R"({"scenarios":{"s":{"code":200,"answer":{}}}})", "/scenarios/s/answer"},
    {R"({"scenarios":{"s":{"answer":{"status":42}}}})", "/scenarios/s/answer/status"},
    {R"({"scenarios":{"s":{"answer":{"body":"x","template":true}}}})", "/scenarios/s/answer/template"},
    {R"({"scenarios":{"s":{"chaos":"latency"}}})", "/scenarios/s/chaos"},
  };
  for (const auto& [text, where] : cases) {
    auto r = decide(data, data_command{put_pack{"p", text}}, at_moment());
    ASSERT_FALSE(r) << text;
    EXPECT_EQ(r.error().where, where) << text;
  }
  put("p", R"({"seed":{"namespaces":{"a":{"items":7}}}})");
  auto r = apply_it("p");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().where, "/seed/namespaces/a/items");
}

// -- chaos ---------------------------------------------------------------------------------

TEST_F(scenarios, the_header_of_a_request_makes_its_answer_late_or_wrong_and_that_is_recorded) {
  auto r = send("POST", "/charges", "{}", {{"X-Chaos", "latency=120,503=100%"}});
  EXPECT_EQ(r.status, 503U);
  EXPECT_EQ(r.body, R"({"error":"busy"})") << "as the document says a 503";
  EXPECT_EQ(header(r, "Retry-After"), "1");
  EXPECT_EQ(last.delay, std::chrono::milliseconds{120});
  EXPECT_EQ(record()["chaos"].dump(), R"({"delay_ms":120,"status":503})");
  EXPECT_EQ(send("POST", "/charges", "{}", {{"X-Chaos", "500=100%"}}).status, 500U);
  auto bad = send("POST", "/charges", "{}", {{"X-Chaos", "fire=1%"}});
  EXPECT_EQ(bad.status, 400U);
  EXPECT_NE(bad.body.find("invalid-chaos"), std::string::npos);
  EXPECT_EQ(send("POST", "/nowhere", "{}", {{"X-Chaos", "500=100%"}}).status, 404U);
}

TEST_F(scenarios, a_fault_goes_with_the_answer_to_whoever_writes_it) {
  for (auto f : {wire_fault::drop, wire_fault::empty, wire_fault::reset, wire_fault::malformed, wire_fault::garbage}) {
    auto r = send("POST", "/charges", "{}", {{"X-Chaos", std::string{to_string(f)} + "=100%"}});
    EXPECT_EQ(r.fault, f);
    EXPECT_EQ(record()["chaos"]["fault"], std::string{to_string(f)});
  }
  EXPECT_EQ(send("POST", "/charges", "{}", {{"X-Chaos", "dribble=900"}}).dribble, std::chrono::milliseconds{900});
  EXPECT_EQ(last.response.body, R"({"paid":true})");
}

TEST_F(scenarios, a_profile_of_the_endpoint_goes_before_that_of_all_and_the_header_before_both) {
  chaos("500=100%");
  chaos("502=100%", "POST /charges");
  EXPECT_EQ(send("GET", "/charges").status, 500U);
  EXPECT_EQ(send("POST", "/charges", "{}").status, 502U);
  EXPECT_EQ(send("POST", "/charges", "{}", {{"X-Chaos", "latency=1"}}).status, 200U);
  const auto id = std::string{record()["endpoint"]};
  chaos("504=100%", id);
  EXPECT_EQ(send("POST", "/charges", "{}").status, 504U);
  ASSERT_TRUE(run(data, data_command{remove_chaos{id}}));
  EXPECT_FALSE(run(data, data_command{remove_chaos{id}}));
  EXPECT_EQ(send("POST", "/charges", "{}").status, 502U);
}

TEST_F(scenarios, a_run_under_a_seed_can_be_repeated_request_by_request) {
  auto fates = [&] {
    std::string out;
    for (int i = 0; i < 30; ++i)
      out += send("GET", "/charges").status == 200 ? '.' : '!';
    return out;
  };
  chaos("5xx=40%,seed=monday");
  const auto first = fates();
  EXPECT_NE(first.find('!'), std::string::npos);
  EXPECT_NE(first.find('.'), std::string::npos);
  EXPECT_NE(fates(), first) << "it goes on";
  chaos("5xx=40%,seed=monday");
  EXPECT_EQ(fates(), first);
  ASSERT_EQ(last.events.size(), 2U);
  EXPECT_EQ(last.events[1].kind, events::kind::chaos_drawn);
  auto again = serve(endpoints, restore<data_state>(snapshot(data)).value(), get("/charges"), at_moment(99), test_redactor());
  EXPECT_EQ(again.response.status, serve(endpoints, data, get("/charges"), at_moment(1), test_redactor()).response.status) << "chance has no part in it";
}

TEST_F(scenarios, without_a_seed_nothing_is_written_beside_the_request) {
  chaos("latency=1");
  send("GET", "/charges");
  EXPECT_EQ(last.events.size(), 1U);
}

TEST_F(scenarios, what_is_answered_instead_is_answered_whole_where_a_collection_would_have_been) {
  import(pets_document());
  put("p", R"({"scenarios":{"x":{"answer":{"status":402,"body":{"no":1}}},"y":{"answer":{"status":200,"body":{"made":"up"}}}}})");
  ASSERT_TRUE(apply_it("p"));
  EXPECT_EQ(send("GET", "/pets/1", "", {{"X-Sandbox-Scenario", "x"}}).body, R"({"no":1})");
  EXPECT_EQ(send("POST", "/pets", R"({"name":"a"})", {{"X-Sandbox-Scenario", "y"}}).body, R"({"made":"up"})");
  EXPECT_EQ(changes(), 0U);
  EXPECT_NE(send("GET", "/pets/1", "", {{"X-Chaos", "503=100%"}}).body.find("/problems/chaos"), std::string::npos);
  EXPECT_NE(send("GET", "/pets/1", "", {{"X-Chaos", "no"}}).body.find("/problems/invalid-chaos"), std::string::npos);
}

TEST_F(scenarios, what_chaos_breaks_changes_nothing) {
  import(pets_document());
  chaos("reset=100%");
  send("POST", "/pets", R"({"name":"lost"})");
  EXPECT_EQ(changes(), 0U);
  ASSERT_TRUE(run(data, data_command{remove_chaos{"*"}}));
  EXPECT_EQ(got("/pets").size(), 2U);
}

} // namespace

} // namespace hourglass::mock
