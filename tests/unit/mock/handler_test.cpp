#include "handler_fixture.hpp"

#include <nlohmann/json.hpp>

namespace hourglass::mock {

namespace {

using nlohmann::json;

TEST_F(handler, gets_the_request_as_json) {
  auto req = asked(R"({"a":[1]})");
  req.headers.push_back({"X-Twice", "1"});
  req.headers.push_back({"x-twice", "2"});
  req.headers.push_back({"Cookie", "a=1; b=two=2;; c"});
  ASSERT_TRUE(serve_it(req));
  auto got = json::parse(engine.last.request);
  EXPECT_EQ(got["method"], "POST");
  EXPECT_EQ(got["path"], "/p/g/pets/7");
  EXPECT_EQ(got["params"], (json{{"id", "7"}}));
  EXPECT_EQ(got["query"], (json{{"x", {"1", "2"}}, {"y", " "}}));
  EXPECT_EQ(got["headers"]["x-twice"], "1, 2");
  EXPECT_EQ(got["cookies"], (json{{"a", "1"}, {"b", "two=2"}}));
  EXPECT_EQ(got["body"], (json{{"a", {1}}}));
  EXPECT_EQ(json::parse(engine.last.start), (json{{"status", 200}, {"headers", json::object()}}));
}

TEST_F(handler, gets_a_body_that_is_no_json_as_text_and_bytes_not_at_all) {
  ASSERT_TRUE(serve_it(post("/p/g/pets/7", "{not", "application/json")));
  EXPECT_EQ(json::parse(engine.last.request)["body"], "{not");
  ASSERT_TRUE(serve_it(post("/p/g/pets/7", "\xff\xfe", "application/octet-stream")));
  EXPECT_EQ(json::parse(engine.last.request)["body"], nullptr);
  auto odd = post("/p/g/pets/7", "");
  odd.headers.push_back({"X-Latin", "\xe9"});
  ASSERT_TRUE(serve_it(odd));
  EXPECT_EQ(json::parse(engine.last.request)["headers"]["x-latin"], "\xc3\xa9");
}

TEST_F(handler, does_not_run_for_a_request_that_is_more_than_it_may_get) {
  auto s = serve_it(post("/p/g/pets/7", std::string(8'000'000, '\x01'), "text/plain"));
  ASSERT_TRUE(s);
  EXPECT_EQ(s->response.status, 500U);
  EXPECT_NE(s->response.body.find("script_request_bytes"), std::string::npos);
  EXPECT_EQ(engine.runs, 0);
}

TEST_F(handler, sees_its_own_writes_and_nobody_else_does_before_the_end) {
  engine.during = [this](script_host& h) {
    EXPECT_EQ(h.call("mock.insert", R"(["pets","c",{"n":1}])"), R"({"n":1})");
    EXPECT_EQ(h.call("mock.update", R"(["pets","a",2])"), "2");
    EXPECT_EQ(h.call("mock.delete", R"(["pets","b"])"), "true");
    EXPECT_EQ(h.call("mock.find", R"(["pets","c"])"), R"({"n":1})");
    EXPECT_EQ(h.call("mock.find", R"(["pets","b"])"), "null");
    EXPECT_EQ(h.call("mock.list", R"(["pets",null])"), R"([{"key":"a","value":2},{"key":"c","value":{"n":1}},{"key":"d","value":1}])");
    EXPECT_EQ(h.call("mock.list", R"(["pets",{"after":"a","limit":1}])"), R"([{"key":"c","value":{"n":1}}])");
    EXPECT_EQ(h.call("mock.list", R"(["pets",{"prefix":"d"}])"), R"([{"key":"d","value":1}])");
    EXPECT_EQ(h.call("mock.list", R"(["none",null])"), "[]");
    EXPECT_EQ(*data.find("pets", "a"), "1");
  };
  auto s = serve_it();
  ASSERT_EQ(s.events.size(), 4U);
  EXPECT_EQ(s.events[0].kind, events::kind::request_served);
  for (const auto& e : s.events)
    ASSERT_TRUE(apply(data, e.kind, e.payload));
  EXPECT_EQ(data.namespaces["pets"], (data_state::items{{"a", "2"}, {"c", R"({"n":1})"}, {"d", "1"}}));
}

TEST_F(handler, that_undoes_what_it_did_writes_nothing) {
  engine.during = [](script_host& h) {
    EXPECT_TRUE(h.call("mock.put", R"(["pets","a",2])"));
    EXPECT_TRUE(h.call("mock.put", R"(["pets","a",1])"));
    EXPECT_TRUE(h.call("mock.insert", R"(["pets","x",1])"));
    EXPECT_TRUE(h.call("mock.delete", R"(["pets","x"])"));
    EXPECT_EQ(h.call("mock.delete", R"(["pets","x"])"), "false");
  };
  EXPECT_EQ(serve_it().events.size(), 1U);
}

TEST_F(handler, is_refused_what_breaks_a_rule) {
  engine.during = [](script_host& h) {
    EXPECT_FALSE(h.call("mock.insert", R"(["pets","a",1])")) << "it is there";
    EXPECT_FALSE(h.call("mock.update", R"(["pets","x",1])")) << "it is not there";
    EXPECT_FALSE(h.call("mock.put", R"(["no space","x",1])"));
    EXPECT_FALSE(h.call("mock.put", R"(["pets","",1])"));
    EXPECT_FALSE(h.call("mock.put", R"(["pets","x",")" + std::string(limits::data_value_bytes, 'x') + R"("])"));
    EXPECT_FALSE(h.call("mock.put", R"(["pets","x","\ud800"])")) << "half a surrogate is no text";
    EXPECT_FALSE(h.call("mock.list", R"(["pets",{"limit":0}])"));
    EXPECT_FALSE(h.call("mock.drop", R"(["pets","a",1])"));
    EXPECT_FALSE(h.call("disk.format", "[]"));
    EXPECT_FALSE(h.call("mock.find", "{}"));
    EXPECT_FALSE(h.call("mock.find", "["));
    EXPECT_EQ(h.call("mock.find", "[]"), "null");
    EXPECT_FALSE(h.call("webhook.emit", R"(["a b",{}])"));
    EXPECT_FALSE(h.call("webhook.emit", R"(["a",1])"));
    EXPECT_FALSE(h.call("template.text", R"(["none"])"));
  };
  EXPECT_EQ(serve_it().events.size(), 1U);
}

TEST_F(handler, may_change_only_so_many_items_and_emit_only_so_many_messages) {
  engine.during = [](script_host& h) {
    for (std::size_t i = 0; i < limits::script_writes; ++i)
      ASSERT_TRUE(h.call("mock.put", R"(["many","k)" + std::to_string(i) + R"(",1])"));
    EXPECT_FALSE(h.call("mock.put", R"(["many","more",1])"));
    EXPECT_TRUE(h.call("mock.put", R"(["many","k1",2])"));
    for (std::size_t i = 0; i < limits::script_messages; ++i)
      ASSERT_TRUE(h.call("webhook.emit", R"(["a",{}])"));
    EXPECT_FALSE(h.call("webhook.emit", R"(["a",{}])"));
  };
  EXPECT_EQ(serve_it().events.size(), 1 + limits::script_writes);
}

TEST_F(handler, may_emit_only_so_many_bytes) {
  engine.during = [](script_host& h) {
    const auto large = R"(["a",{"x":")" + std::string(limits::message_bytes - 100, 'x') + R"("}])";
    for (std::size_t i = 0; i < limits::script_messages_bytes / limits::message_bytes; ++i)
      ASSERT_TRUE(h.call("webhook.emit", large));
    auto more = h.call("webhook.emit", large);
    ASSERT_FALSE(more);
    EXPECT_NE(more.error().detail.find("script_messages_bytes"), std::string::npos) << more.error().detail;
    EXPECT_TRUE(h.call("webhook.emit", R"(["a",{}])"));
  };
  serve_it();
}

/// JSON text of `data_value_bytes`.
std::string megabyte() { return '"' + std::string(limits::data_value_bytes - 2, 'x') + '"'; }
constexpr std::size_t most_megabytes = limits::data_bytes_per_sandbox / limits::data_value_bytes - 1;

TEST_F(handler, cannot_store_more_than_the_sandbox_may_hold) {
  for (std::size_t i = 0; i + 2 < most_megabytes; ++i)
    ASSERT_TRUE(run(data, data_command{put_item{"big", "k" + std::to_string(i), megabyte()}}));
  engine.during = [](script_host& h) {
    EXPECT_TRUE(h.call("mock.put", R"(["more","a",)" + megabyte() + "]"));
    EXPECT_TRUE(h.call("mock.put", R"(["more","b",)" + megabyte() + "]"));
    EXPECT_FALSE(h.call("mock.put", R"(["more","c",)" + megabyte() + "]"));
  };
  EXPECT_EQ(serve_it().events.size(), 3U);
}

TEST_F(handler, that_makes_room_before_it_writes_may_write) {
  for (std::size_t i = 0; i < most_megabytes; ++i)
    ASSERT_TRUE(run(data, data_command{put_item{"big", "k" + std::to_string(i), megabyte()}}));
  engine.during = [](script_host& h) {
    EXPECT_FALSE(h.call("mock.insert", R"(["an","other",)" + megabyte() + "]"));
    EXPECT_EQ(h.call("mock.delete", R"(["big","k0"])"), "true");
    EXPECT_TRUE(h.call("mock.insert", R"(["an","other",)" + megabyte() + "]"));
  };
  for (const auto& e : serve_it().events)
    ASSERT_TRUE(apply(data, e.kind, e.payload));
  EXPECT_EQ(data.namespaces["big"].size(), most_megabytes - 1);
  EXPECT_EQ(data.namespaces["an"].size(), 1U);
  EXPECT_LE(data.bytes, limits::data_bytes_per_sandbox);
}

TEST_F(handler, may_write_only_so_many_bytes) {
  engine.during = [](script_host& h) {
    constexpr std::size_t fitting = limits::script_write_bytes / limits::data_value_bytes - 1; // and their keys
    for (std::size_t i = 0; i < fitting; ++i)
      EXPECT_TRUE(h.call("mock.put", R"(["big","k)" + std::to_string(i) + "\"," + megabyte() + "]"));
    EXPECT_FALSE(h.call("mock.put", R"(["big","more",)" + megabyte() + "]"));
    EXPECT_TRUE(h.call("mock.put", R"(["big","k0",)" + megabyte() + "]")) << "what is written twice counts once";
    EXPECT_TRUE(h.call("mock.delete", R"(["big","k0"])"));
    EXPECT_TRUE(h.call("mock.put", R"(["big","more",)" + megabyte() + "]"));
  };
  serve_it();
}

TEST_F(handler, env_templates_and_scenarios) {
  ASSERT_TRUE(run(data, data_command{put_env{"REGION", "eu"}}));
  ASSERT_TRUE(run(data, data_command{put_template{"Pet_200_json", R"({"id":{{request.path.id}},"region":{{env.REGION}}})"}}));
  engine.during = [](script_host& h) {
    EXPECT_EQ(h.call("env.get", R"(["REGION"])"), R"("eu")");
    EXPECT_EQ(h.call("env.get", R"(["NONE"])"), "null");
    EXPECT_EQ(h.call("template.render", R"(["Pet_200_json"])"), R"("{\"id\":\"7\",\"region\":\"eu\"}")");
    EXPECT_EQ(h.call("template.text", R"(["Pet_200_json"])"), R"("{\"id\":{{request.path.id}},\"region\":{{env.REGION}}}")");
    EXPECT_EQ(h.call("scenario.resolve", R"([" declined ","ok"])"), R"("declined")");
    EXPECT_EQ(h.call("scenario.resolve", R"([null,"ok"])"), R"("ok")");
  };
  serve_it();
}

TEST_F(handler, templates_of_one_run_draw_one_after_the_other) {
  ASSERT_TRUE(run(data, data_command{put_template{"id", "{{uuid}}"}}));
  std::string first, second;
  engine.during = [&](script_host& h) {
    first = h.call("template.render", R"(["id"])").value();
    second = h.call("template.render", R"(["id"])").value();
  };
  serve_it();
  EXPECT_NE(first, second);
  const auto was = first + second;
  serve_it();
  EXPECT_EQ(was, first + second) << "and the same again";
}

TEST_F(handler, templates_of_one_run_are_paid_from_one_purse) {
  ASSERT_TRUE(run(data, data_command{put_item{"big", "k", '"' + std::string(limits::data_value_bytes - 2, 'x') + '"'}}));
  ASSERT_TRUE(run(data, data_command{put_template{"much", "{{data.big.k}}"}}));
  std::size_t rendered = 0;
  std::string why;
  engine.during = [&](script_host& h) {
    for (; rendered < 1'000; ++rendered)
      if (auto text = h.call("template.render", R"(["much"])"); !text) {
        why = text.error().detail;
        break;
      }
  };
  serve_it();
  EXPECT_GT(rendered, 8U);
  EXPECT_LE(rendered, limits::template_work_bytes / limits::data_value_bytes);
  EXPECT_NE(why.find("template_work_bytes"), std::string::npos) << why;
}

TEST_F(handler, answer_has_a_content_type_for_its_body) {
  EXPECT_EQ(header(serve_it().response, "content-type"), "text/plain; charset=utf-8");
  engine.outcome.json = true;
  EXPECT_EQ(header(serve_it().response, "content-type"), "application/json");
  engine.outcome.answer.headers = {{"content-type", "image/svg+xml"}};
  EXPECT_EQ(header(serve_it().response, "content-type"), "image/svg+xml");
  engine.outcome = {};
  EXPECT_EQ(header(serve_it().response, "content-type"), "");
}

TEST_F(handler, answer_that_would_break_the_connection_is_an_error) {
  for (const auto& h : fields{{"Content-Length", "1"}, {"Transfer-Encoding", "chunked"}, {"a b", "1"}, {"X-A", "1\r\nX-B: 2"}}) {
    engine.outcome.answer.headers = {h};
    auto s = serve_it();
    EXPECT_EQ(s.response.status, 500U) << h.name;
    EXPECT_EQ(find(s.response.headers, h.name), nullptr) << h.name;
  }
  engine.outcome.answer.headers.clear();
  engine.outcome.answer.status = 204;
  EXPECT_EQ(serve_it().response.status, 500U) << "204 has no body";
}

TEST_F(handler, that_fails_answers_500_with_its_place_and_writes_nothing_else) {
  engine.during = [](script_host& h) {
    EXPECT_TRUE(h.call("mock.put", R"(["pets","a",2])"));
    EXPECT_TRUE(h.call("webhook.emit", R"(["a",{}])"));
  };
  fail_with(script_fault::thrown);
  engine.outcome.console = {{"log", "so far"}};
  auto s = serve_it();
  EXPECT_EQ(s.response.status, 500U);
  EXPECT_EQ(header(s.response, "content-type"), "application/problem+json");
  EXPECT_EQ(json::parse(s.response.body),
            (json{{"type", "/problems/script-failed"}, {"title", "The script failed"}, {"status", 500}, {"detail", "why"}, {"kind", "thrown"},
                  {"sandbox", "sbx_1"}, {"endpoint", "ep_1"}, {"project", "/p"}, {"group", "/g"}, {"line", 3}, {"column", 9}, {"correlation_id", "cor_1"}}));
  EXPECT_EQ(s.events.size(), 1U);
  EXPECT_TRUE(s.emitted.empty());
  auto back = decode_served(s.events[0].payload);
  ASSERT_TRUE(back);
  ASSERT_TRUE(back->script);
  EXPECT_EQ(back->script->error, engine.outcome.error);
  EXPECT_EQ(back->script->console, engine.outcome.console);
}

TEST_F(handler, that_nobody_had_time_for_leaves_no_trace) {
  fail_with(script_fault::overloaded);
  EXPECT_EQ(serve_it(asked()).error().code, events::errc::overloaded);
  fail_with(script_fault::unavailable);
  EXPECT_EQ(serve_it(asked()).error().code, events::errc::unavailable);
}

TEST_F(handler, messages_come_with_the_answer_and_are_named_in_its_event) {
  engine.during = [](script_host& h) {
    EXPECT_EQ(h.call("webhook.emit", R"(["pet.created",{"id":7}])"), "null");
  };
  auto s = serve_it();
  ASSERT_EQ(s.emitted.size(), 1U);
  EXPECT_EQ(s.emitted[0].type, "pet.created");
  EXPECT_EQ(s.emitted[0].payload, R"({"id":7})");
  EXPECT_EQ(decode_served(s.events[0].payload)->script->emitted, (std::vector<std::string>{"pet.created"}));
}

TEST_F(handler, console_and_errors_are_recorded_without_secrets) {
  engine.outcome.console = {{"log", R"(got {"password":"hunter2"})"}, {"info", "Bearer sesame-open"}};
  engine.outcome.error = script_error{script_fault::thrown, "no sesame-open", 0, 0, ""};
  auto req = asked();
  req.headers.push_back({"Authorization", "Bearer sesame-open"});
  auto s = serve_it(req);
  ASSERT_TRUE(s);
  EXPECT_EQ(s->events[0].payload.find("hunter2"), std::string::npos);
  EXPECT_EQ(s->events[0].payload.find("sesame-open"), std::string::npos);
}

TEST_F(handler, every_value_of_a_console_line_is_recorded_without_its_secrets) {
  engine.outcome.console = {{"log", R"([Object] {"password":"hunter2"})"},
                            {"log", R"({"a":1} and [1,{"token":"hunter2"}] {not json} {"secret":"hunter2"} end)"},
                            {"log", R"([[ {"password":"hunter2"})"},
                            {"log", std::string(2'000, '[') + R"({"password":"hunter2"})"},
                            {"log", R"(a {"secret":"hunter2","rows":[{"n":1},{"n":2,"password":"hunter2","m)" "…"},
                            {"log", R"(b {"a":1,"secret":"hunter2)" "…"},
                            {"log", R"([a] {"b": [1, 2]} } ])"}};
  engine.outcome.error = script_error{script_fault::thrown, R"(refused {"token":"hunter2","of":[)" "…", 0, 0, ""};
  auto s = serve_it(asked());
  ASSERT_TRUE(s);
  EXPECT_EQ(s->events[0].payload.find("hunter2"), std::string::npos) << s->events[0].payload;
  const auto back = decode_served(s->events[0].payload)->script->console;
  ASSERT_EQ(back.size(), 7U);
  EXPECT_TRUE(back[4].text.starts_with(R"(a {"secret":"[redacted:)")) << back[4].text;
  EXPECT_NE(back[4].text.find(R"("rows":[{"n":1},{"n":2,"password":"[redacted:)"), std::string::npos) << back[4].text;
  EXPECT_EQ(back[5].text, R"(b {"a":1)" "…") << "a member that was cut off may be secret";
  EXPECT_EQ(back.back().text, R"([a] {"b": [1, 2]} } ])") << "what has no secrets stays as it is";
  EXPECT_TRUE(back[1].text.starts_with(R"({"a":1} and [1,{"token":"[redacted:)")) << back[1].text;
  EXPECT_TRUE(back[1].text.ends_with("} end")) << back[1].text;
}

TEST_F(handler, ends_that_come_by_chance_are_taken_from_the_record) {
  script_note before;
  before.error = script_error{script_fault::time, "took more than 100 ms of processor time", 1, 1, ""};
  auto s = serve_it(asked(), &before);
  ASSERT_TRUE(s);
  EXPECT_EQ(s->response.status, 500U);
  EXPECT_EQ(engine.runs, 0);
  before.error->fault = script_fault::thrown;
  ASSERT_TRUE(serve_it(asked(), &before));
  EXPECT_EQ(engine.runs, 1);
}

TEST_F(handler, without_an_engine_says_so) {
  auto r = answer(endpoints, asked(), data);
  EXPECT_EQ(r.status, 503U);
  EXPECT_NE(r.body.find("scripts-unavailable"), std::string::npos);
}

// -- endpoints, functions, templates --------------------------------------------------------

TEST_F(handler, endpoints_with_handlers_come_back_from_events_and_snapshots_as_they_were_put) {
  const auto* e = endpoints.find("ep_1");
  ASSERT_NE(e, nullptr);
  EXPECT_EQ(json::parse(to_json(*e))["handler"], (json{{"script", "$resp.body = 1"}}));
  auto again = restore<endpoint_state>(snapshot(endpoints));
  ASSERT_TRUE(again);
  EXPECT_EQ(*again->find("ep_1"), *e);
  endpoint_state copy;
  ASSERT_TRUE(put(copy, to_json(*e), "ep_1"));
  EXPECT_EQ(*copy.find("ep_1"), *e);
  EXPECT_TRUE(route(copy, asked()).runs_script());
}

TEST_F(handler, preferences_do_not_choose_for_a_script) {
  auto req = asked();
  req.headers.push_back({"Prefer", "code=404"});
  EXPECT_TRUE(route(endpoints, req).runs_script());
}

TEST(script_commands, name_the_script_that_must_compile) {
  auto h = script_in(put_endpoint{R"({"method":"GET","path":"/a","handler":{"script":"x"}})", ""});
  ASSERT_TRUE(h);
  EXPECT_EQ(h->source, "x");
  EXPECT_EQ(h->where, "/handler/script");
  EXPECT_FALSE(script_in(put_endpoint{R"({"method":"GET","path":"/handler","response":{}})", ""}));
  EXPECT_FALSE(script_in(put_endpoint{"{", ""}));
  auto escaped = script_in(put_endpoint{R"({"method":"GET","path":"/a","h\u0061ndler":{"script":"x"}})", ""});
  ASSERT_TRUE(escaped) << "it is the same name in JSON";
  EXPECT_EQ(escaped->source, "x");
  auto f = script_in(put_function{"f", "() => 1"});
  ASSERT_TRUE(f);
  EXPECT_EQ(f->form, script_form::function);
}

TEST(script_commands, tell_line_and_column) {
  const script_to_check what{"x", script_form::handler, "/handler/script"};
  auto e = told({script_fault::syntax, "SyntaxError: no", 3, 9, ""}, what);
  EXPECT_EQ(e.code, events::errc::invalid);
  EXPECT_EQ(e.where, "/handler/script:3:9");
  EXPECT_EQ(e.detail, "line 3, column 9: SyntaxError: no");
  EXPECT_EQ(told({script_fault::overloaded, "", 0, 0, ""}, what).code, events::errc::overloaded);
}

TEST(script_functions, are_one_library_for_all_handlers) {
  endpoint_state s;
  ASSERT_TRUE(put(s, R"({"method":"GET","path":"/a","handler":{"script":"x"}})"));
  EXPECT_EQ(route(s, get("/a")).library, nullptr);
  ASSERT_TRUE(run(s, endpoint_command{put_function{"b", "() => 2"}}));
  ASSERT_TRUE(run(s, endpoint_command{put_function{"a", "() => 1"}}));
  auto library = route(s, get("/a")).library;
  ASSERT_NE(library, nullptr);
  EXPECT_EQ(library->text, R"([["a","() => 1"],["b","() => 2"]])");
  auto again = restore<endpoint_state>(snapshot(s));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->functions(), s.functions());
  EXPECT_EQ(route(*again, get("/a")).library->digest, library->digest);
  ASSERT_TRUE(run(s, endpoint_command{remove_function{"b"}}));
  ASSERT_TRUE(run(s, endpoint_command{remove_function{"a"}}));
  EXPECT_EQ(route(s, get("/a")).library, nullptr);
  EXPECT_EQ(run(s, endpoint_command{remove_function{"a"}}).error().code, events::errc::not_found);
}

TEST(script_functions, have_names_that_func_has_not) {
  endpoint_state s;
  for (const auto* bad : {"", "1a", "a-b", "mock", "error", "sbx", "then", "__proto__"})
    EXPECT_EQ(run(s, endpoint_command{put_function{bad, "() => 1"}}).error().code, events::errc::invalid) << bad;
}

TEST(script_templates, must_compile_and_survive_a_snapshot) {
  data_state s;
  auto bad = run(s, data_command{put_template{"a.json", "{\n  \"a\": {{nothing.like.this}}\n}"}});
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().where.substr(0, 8), "/source:");
  ASSERT_TRUE(run(s, data_command{put_template{"a.json", R"({"a":{{uuid}}})"}}));
  ASSERT_TRUE(run(s, data_command{put_template{"b", "hello {{uuid}}"}}));
  auto again = restore<data_state>(snapshot(s));
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, s);
  ASSERT_TRUE(run(s, data_command{remove_template{"a.json"}}));
  ASSERT_TRUE(run(s, data_command{remove_template{"b"}}));
  EXPECT_EQ(s.bytes, 0U);
}

TEST(script_templates, snapshots_of_before_there_were_any_still_read) {
  auto old = restore<data_state>(R"({"format":1,"data":{"a":{"b":1}},"env":{}})");
  ASSERT_TRUE(old);
  EXPECT_EQ(*old->find("a", "b"), "1");
  EXPECT_TRUE(restore<endpoint_state>(R"({"format":1,"title":"","version":"","endpoints":[]})"));
}


TEST_F(handler, chaos_that_it_asks_for_from_a_header_breaks_its_answer_on_the_wire_and_is_recorded) {
  const auto asks = [this](const char* header, const char* wanted) {
    engine.during = [=](script_host& host) {
      auto said = host.call("chaos.apply", json::array({header}).dump());
      ASSERT_TRUE(said) << said.error().detail;
      EXPECT_EQ(*said, wanted);
    };
    return serve_it();
  };
  auto broken = asks("latency=20,reset=100%", "503");
  EXPECT_EQ(broken.response.fault, wire_fault::reset);
  EXPECT_EQ(broken.delay, std::chrono::milliseconds{20});
  EXPECT_EQ(json::parse(broken.events.front().payload)["chaos"]["fault"], "reset");
  EXPECT_EQ(asks("malformed=100%", "200").response.fault, wire_fault::malformed);
  auto slow = asks("dribble=900", "null");
  EXPECT_EQ(slow.response.dribble, std::chrono::milliseconds{900});
  EXPECT_EQ(slow.response.fault, wire_fault::none);
  EXPECT_EQ(asks("503=100%", "503").response.fault, wire_fault::none);
  engine.during = nullptr;
  EXPECT_FALSE(json::parse(serve_it().events.front().payload).contains("chaos"));
}

TEST_F(handler, an_error_in_a_shared_function_says_in_which) {
  engine.outcome = {};
  engine.outcome.error = script_error{script_fault::thrown, "why", 3, 8, "@function thr:3:8\n@handler:1:7"};
  EXPECT_EQ(json::parse(serve_it().response.body)["in"], "function thr");
  engine.outcome.error->stack = "f@handler:3:8\n";
  EXPECT_FALSE(json::parse(serve_it().response.body).contains("in"));
}

} // namespace

} // namespace hourglass::mock
