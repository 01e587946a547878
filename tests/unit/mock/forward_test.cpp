#include "mock/forward.hpp"

#include "mock/forward_limits.hpp"
#include "mock/handler.hpp"
#include "support.hpp"

namespace hourglass::mock {
namespace {

class forwarding : public testing::Test {
protected:
  static events::context moment() {
    auto out = at_moment();
    out.correlation = "cor_1";
    return out;
  }
  void endpoint(const std::string& forward, const std::string& more = {}, const std::string& id = "ep_f", const std::string& path = "/pets/{id}") {
    auto r = put(endpoints, R"({"method":"ANY","path":")" + path + R"(","project_root":"/p","forward":)" + forward + more + "}", id);
    ASSERT_TRUE(r) << r.error().detail << " at " << r.error().where;
  }
  std::string refused(const std::string& forward) {
    auto r = put(endpoints, R"({"method":"GET","path":"/x/{id}","forward":)" + forward + "}");
    return r ? "" : r.error().where + ": " + r.error().detail;
  }
  std::string set(const std::string& clients) {
    auto r = run(endpoints, endpoint_command{put_forwarding{R"({"clients":)" + clients + "}"}});
    return r ? "" : r.error().where + ": " + r.error().detail;
  }
  /// One go.
  std::vector<outbound_call> ask(const request& req) {
    p = route(endpoints, req);
    meet_fate(p, data, req, moment().chance);
    return forward(p, data, req, moment(), redactor);
  }
  /// What is answered when the upstream says this.
  response given(request req, outbound_outcome what) {
    auto wanted = ask(req);
    EXPECT_EQ(wanted.size(), 1U);
    if (wanted.empty())
      return {};
    call = wanted.front();
    req.calls = with_round(nullptr, std::move(wanted), {std::move(what)});
    EXPECT_TRUE(ask(req).empty()) << "nobody is asked twice";
    made = render(p, data, req, moment(), redactor);
    recorded = decode_served(made.events.front().payload).value();
    return made.response;
  }
  static outbound_outcome said(unsigned status, std::string body, fields headers = {{"Content-Type", "application/json"}}) {
    outbound_outcome out;
    out.status = status;
    out.headers = std::move(headers);
    out.body = std::move(body);
    return out;
  }
  static std::string header(const fields& in, std::string_view name) {
    const auto* found = find(in, name);
    return found != nullptr ? *found : "(none)";
  }

  endpoint_state endpoints;
  data_state data;
  const events::redactor redactor = test_redactor();
  plan p;
  outbound_call call;
  served made;
  served_record recorded;
};

TEST_F(forwarding, sends_method_body_and_headers_on_but_those_of_one_hop) {
  endpoint(R"({"target":"https://up.example/v1/{id}"})");
  auto req = post("/p/pets/7?x=1", R"({"a":1})");
  for (auto [name, value] : {std::pair{"Host", "sandbox.example"}, {"Connection", "close, X-Hop"}, {"X-Hop", "1"}, {"Keep-Alive", "timeout=5"}, {"TE", "trailers"},
                             {"Transfer-Encoding", "chunked"}, {"Upgrade", "h2c"}, {"Expect", "100-continue"}, {"Content-Length", "7"}, {"Proxy-Authorization", "Basic x"},
                             {"X-Sandbox-Id", "shop"}, {"X-Chaos", "latency=1"}, {"Accept-Encoding", "gzip"}, {"Authorization", "Bearer t"}, {"X-Mine", "yes"}})
    req.headers.push_back({name, value});
  const auto wanted = ask(req);
  ASSERT_EQ(wanted.size(), 1U);
  EXPECT_EQ(wanted[0].method, "POST");
  EXPECT_EQ(wanted[0].url, "https://up.example/v1/7?x=1");
  EXPECT_EQ(wanted[0].body, R"({"a":1})");
  const fields as_sent{{"Content-Type", "application/json"}, {"Authorization", "Bearer t"}, {"X-Mine", "yes"}, {"Accept-Encoding", "identity"},
                       {"X-Correlation-Id", "cor_1"}, {"Via", "1.1 hourglass"}};
  EXPECT_EQ(wanted[0].headers, as_sent);
  EXPECT_EQ(wanted[0].timeout, std::chrono::milliseconds{limits::forward_time});
}

TEST_F(forwarding, gives_the_upstreams_answer_but_for_what_frames_it) {
  endpoint(R"({"target":"https://up.example/{id}"})");
  const auto out = given(get("/p/pets/7"), said(201, "{\"id\":7}", {{"Content-Type", "application/json"}, {"Connection", "X-Secret-Hop"}, {"X-Secret-Hop", "1"},
                                                                    {"Transfer-Encoding", "chunked"}, {"Content-Length", "99"}, {"Date", "yesterday"},
                                                                    {"Location", "/7"}, {"Set-Cookie", "a=1"}, {"Set-Cookie", "b=2"}, {"Bad\nName", "x"}}));
  EXPECT_EQ(out.status, 201U);
  EXPECT_EQ(out.body, "{\"id\":7}");
  const fields seen{{"Content-Type", "application/json"}, {"Location", "/7"}, {"Set-Cookie", "a=1"}, {"Set-Cookie", "b=2"}, {"X-Upstream", "answered"},
                    {"X-Request-Id", made.request_id}};
  EXPECT_EQ(out.headers, seen);
  ASSERT_TRUE(recorded.forward);
  EXPECT_EQ(recorded.forward->endpoint, "ep_f");
}

TEST_F(forwarding, the_record_has_the_answer_once_and_no_secret_of_it) {
  endpoint(R"({"target":"https://up.example/{id}?api_key={env.KEY}","headers":{"set":{"Authorization":"Bearer {{env.KEY}}"}}})");
  ASSERT_TRUE(run(data, data_command{put_env{"KEY", "hush-hush-9"}}));
  given(get("/p/pets/7"), said(200, R"({"token":"sesame-open-1","name":"Rex"})"));
  const auto& text = made.events.front().payload;
  EXPECT_EQ(text.find("hush-hush-9"), std::string::npos) << text;
  EXPECT_EQ(text.find("sesame-open-1"), std::string::npos) << text;
  EXPECT_EQ(text.find("Rex"), text.rfind("Rex")) << "twice in " << text;
  ASSERT_TRUE(recorded.request.calls);
  EXPECT_EQ(recorded.request.calls->front().outcome.body, recorded.response.body);
  EXPECT_EQ(header(call.headers, "Authorization"), "Bearer hush-hush-9") << "it was sent all the same";
}

TEST_F(forwarding, a_replay_gives_the_recorded_answer_and_asks_nobody) {
  endpoint(R"({"target":"https://up.example/{id}"})");
  const auto before = given(get("/p/pets/7"), said(200, R"({"password":"sesame-open-1","n":[1,2]})"));
  auto again = recorded.request;
  EXPECT_TRUE(ask(again).empty());
  const auto out = as_recorded(render(p, data, again, moment(), redactor).response, redactor);
  EXPECT_EQ(out.body, recorded.response.body);
  EXPECT_EQ(out.headers, recorded.response.headers);
  again.calls = nullptr;
  EXPECT_EQ(ask(again).size(), 1U);
  EXPECT_EQ(render(p, data, again, moment(), redactor).response.status, 503U) << "with nothing recorded there is nothing to give";
}

TEST_F(forwarding, what_the_upstream_does_instead_of_answering_is_told_by_status_and_kind) {
  endpoint(R"({"target":"https://up.example/{id}?api_key=hush"})");
  struct { const char* kind; unsigned status; const char* type; } const cases[] = {
    {"timeout", 504, "/problems/upstream-timeout"}, {"connect", 502, "/problems/upstream-failed"}, {"dns", 502, "/problems/upstream-failed"},
    {"reset", 502, "/problems/upstream-failed"}, {"malformed", 502, "/problems/upstream-failed"}, {"too_large", 502, "/problems/upstream-failed"},
    {"refused_by_guard", 502, "/problems/forward-target"}, {"no_such_sandbox", 502, "/problems/forward-target"}, {"overloaded", 503, "/problems/upstream-not-asked"}};
  for (const auto& c : cases) {
    const auto out = given(get("/p/pets/7"), outbound_outcome::failed(c.kind, "a sentence about it"));
    EXPECT_EQ(out.status, c.status) << c.kind;
    const auto v = parse_json(out.body).value();
    EXPECT_EQ(v.string_member("type"), c.type);
    EXPECT_EQ(v.string_member("kind"), c.kind);
    EXPECT_EQ(v.string_member("detail"), "a sentence about it");
    EXPECT_EQ(v.string_member("target"), "https://up.example/7") << "a query may have secrets";
    EXPECT_EQ(v.string_member("endpoint"), "ep_f");
    EXPECT_EQ(v.string_member("correlation_id"), "cor_1");
    EXPECT_EQ(header(out.headers, "X-Upstream"), std::string{"failed: "} + c.kind);
  }
  EXPECT_EQ(given(get("/p/pets/7"), said(101, "")).status, 502U);
  EXPECT_EQ(given(get("/p/pets/7"), said(799, "")).status, 502U);
}

TEST_F(forwarding, a_target_that_is_not_configured_is_an_error_that_names_the_variable) {
  endpoint(R"({"target":"{env.BANK}/{id}","fallback":"mock"})");
  EXPECT_TRUE(ask(get("/p/pets/7")).empty());
  const auto out = render(p, data, get("/p/pets/7"), moment(), redactor).response;
  EXPECT_EQ(out.status, 502U) << "the endpoint is wrong, so no mock hides it";
  EXPECT_NE(out.body.find("`BANK`"), std::string::npos) << out.body;
  EXPECT_NE(out.body.find("unknown_variable"), std::string::npos);
  ASSERT_TRUE(run(data, data_command{put_env{"BANK", "http://me:pw@up.example"}}));
  EXPECT_TRUE(ask(get("/p/pets/7")).empty());
  EXPECT_NE(render(p, data, get("/p/pets/7"), moment(), redactor).response.body.find("a user in it"), std::string::npos);
}

TEST_F(forwarding, status_headers_and_body_of_the_answer_are_mapped) {
  endpoint(R"({"target":"https://up.example/{id}","answer":{"status":{"404":200,"5XX":503},"headers":{"allow":["X-Rate*"],"remove":["X-Rate-Secret"],
    "set":{"X-Was":"{{response.status}} {{response.header.server}}"}},"body":{"of":"{{request.path.id}}","name":"{{response.body.pet.name}}","all":"{{response.body}}"},"body_status":["2XX",404]}})");
  auto out = given(get("/p/pets/7"), said(404, R"({"pet":{"name":"Rex"}})", {{"Content-Type", "application/json"}, {"X-Rate-Left", "9"}, {"X-Rate-Secret", "1"},
                                                                            {"Server", "up/1"}, {"ETag", "\"1\""}}));
  EXPECT_EQ(out.status, 200U);
  EXPECT_EQ(out.body, R"({"of":"7","name":"Rex","all":"{\"pet\":{\"name\":\"Rex\"}}"})");
  const fields seen{{"Content-Type", "application/json"}, {"X-Rate-Left", "9"}, {"X-Was", "404 up/1"}, {"X-Upstream", "answered"}, {"X-Request-Id", made.request_id}};
  EXPECT_EQ(out.headers, seen);
  out = given(get("/p/pets/7"), said(502, "down", {{"Content-Type", "text/plain"}}));
  EXPECT_EQ(out.status, 503U);
  EXPECT_EQ(out.body, "down");
  out = given(get("/p/pets/7"), said(200, "\x1f\x8b", {{"Content-Encoding", "gzip"}}));
  EXPECT_EQ(out.status, 502U);
  EXPECT_NE(out.body.find("Content-Encoding: gzip"), std::string::npos) << out.body;
}

TEST_F(forwarding, the_projects_settings_then_the_endpoints_change_the_request) {
  ASSERT_EQ(set(R"({"":{"timeout_ms":50},"/p":{"timeout_ms":1500,"headers":{"remove":["Cookie","X-Int-*"],"set":{"X-Project":"p","X-Both":"project"}},"authorities":"PEM"}})"), "");
  endpoint(R"({"target":"https://up.example/{id}","headers":{"set":{"X-Both":"endpoint {{request.header.x-mine}}"}}})");
  const auto wanted = ask(get("/p/pets/7", {{"Cookie", "a=1"}, {"x-int-trace", "1"}, {"X-Mine", "m"}}));
  ASSERT_EQ(wanted.size(), 1U);
  EXPECT_EQ(wanted[0].timeout, std::chrono::milliseconds{1'500});
  EXPECT_EQ(wanted[0].authorities, "PEM");
  const fields as_sent{{"X-Mine", "m"}, {"Accept-Encoding", "identity"}, {"X-Correlation-Id", "cor_1"}, {"X-Project", "p"}, {"X-Both", "endpoint m"}, {"Via", "1.1 hourglass"}};
  EXPECT_EQ(wanted[0].headers, as_sent);
  endpoint(R"({"target":"https://up.example/{id}","timeout_ms":7})");
  EXPECT_EQ(ask(get("/p/pets/7"))[0].timeout, std::chrono::milliseconds{7});
}

TEST_F(forwarding, the_mock_answers_when_the_upstream_does_not) {
  endpoint(R"({"target":"https://up.example/{id}","fallback":"mock","mock_on":[501,"503"]})", R"(,"response":{"status":203,"body":{"mock":true}})");
  auto out = given(get("/p/pets/7"), outbound_outcome::failed("timeout", "late"));
  EXPECT_EQ(out.status, 203U);
  EXPECT_EQ(out.body, R"({"mock":true})");
  EXPECT_EQ(header(out.headers, "X-Upstream"), "failed: timeout, mock");
  EXPECT_EQ(recorded.forward->by, forward_note::answerer::mock);
  EXPECT_EQ(recorded.request.calls->front().outcome.error, "timeout") << "what happened is in the log";
  EXPECT_EQ(given(get("/p/pets/7"), said(501, "no")).status, 203U);
  EXPECT_EQ(given(get("/p/pets/7"), said(500, "no")).status, 500U);
}

TEST_F(forwarding, the_mock_of_an_endpoint_without_a_response_is_what_would_answer_without_it) {
  ASSERT_TRUE(put(endpoints, R"({"method":"GET","path":"/p/pets/{id}","response":{"body":{"from":"mock"}}})", "ep_m"));
  endpoint(R"({"target":"https://up.example{request.path}","mock_on":["501"]})", R"(,"priority":1)", "ep_all", "/{any}/{id}");
  const auto out = given(get("/p/pets/7"), said(501, ""));
  EXPECT_EQ(out.body, R"({"from":"mock"})");
  EXPECT_EQ(recorded.endpoint_id, "ep_m");
  EXPECT_EQ(recorded.forward->endpoint, "ep_all");
  EXPECT_EQ(given(get("/p/birds/7"), said(501, "")).status, 404U) << "nobody else answers there";
}

TEST_F(forwarding, the_same_is_said_of_a_record_that_has_tokens_for_secrets) {
  ASSERT_TRUE(put(endpoints, R"({"method":"GET","path":"/p/pets/{id}","match":{"headers":{"Authorization":"Bearer t-12345678"}},"response":{"body":{"from":"mock"}}})", "ep_m"));
  endpoint(R"({"target":"https://up.example{request.path}","mock_on":["501"]})", R"(,"priority":1,"match":{"headers":{"Authorization":{"contains":"12345678"}}})", "ep_all", "/pets/{id}");
  EXPECT_EQ(given(get("/p/pets/7", {{"Authorization", "Bearer t-12345678"}}), said(501, "")).body, R"({"from":"mock"})");
  const recorded_choice choice{recorded.endpoint_id, nullptr, recorded.forward->endpoint};
  p = route(endpoints, recorded.request, &choice);
  EXPECT_EQ(p.endpoint_id(), "ep_all");
  EXPECT_TRUE(forward(p, data, recorded.request, moment(), redactor).empty());
  EXPECT_EQ(p.endpoint_id(), "ep_m");
}

TEST_F(forwarding, a_catch_all_takes_what_no_endpoint_answers) {
  ASSERT_TRUE(put(endpoints, R"({"method":"GET","path":"/p/known","response":{"body":"here"}})", "ep_m"));
  ASSERT_TRUE(put(endpoints, R"({"method":"ANY","path_regex":"/.*","forward":{"target":"https://up.example{request.path}"}})", "ep_all"));
  EXPECT_TRUE(ask(get("/p/known")).empty());
  EXPECT_EQ(ask(get("/p/unknown?x=1")).at(0).url, "https://up.example/p/unknown?x=1");
  EXPECT_EQ(ask(post("/p/known", "{}")).at(0).method, "POST") << "a method that the path does not have";
}

TEST_F(forwarding, a_scenario_or_chaos_that_answers_goes_before_the_upstream) {
  endpoint(R"({"target":"https://up.example/{id}"})");
  EXPECT_TRUE(ask(get("/p/pets/7", {{"X-Chaos", "503=100%"}})).empty());
  EXPECT_EQ(render(p, data, get("/p/pets/7"), moment(), redactor).response.status, 503U);
}

TEST_F(forwarding, a_chain_that_comes_back_to_itself_ends) {
  endpoint(R"({"target":"sandbox:other/{id}"})");
  fields via;
  for (unsigned i = 0; i < limits::forward_hops; ++i)
    via.push_back({"Via", "1.1 hourglass"});
  EXPECT_TRUE(ask(get("/p/pets/7", via)).empty());
  const auto out = render(p, data, get("/p/pets/7"), moment(), redactor).response;
  EXPECT_EQ(out.status, 508U);
  EXPECT_NE(out.body.find("forward_hops"), std::string::npos);
  EXPECT_EQ(ask(get("/p/pets/7", {{"Via", "1.1 hourglass, 1.1 other"}})).size(), 1U);
}

TEST_F(forwarding, rules_that_do_not_make_sense_are_refused_where_they_stand) {
  EXPECT_EQ(refused(R"({})").substr(0, 16), "/forward/target:");
  EXPECT_EQ(refused(R"({"target":"nowhere"})").substr(0, 16), "/forward/target:");
  EXPECT_EQ(refused(R"({"target":"https://a/","unknown":1})"), "/forward/unknown: is not a known member");
  EXPECT_EQ(refused(R"({"target":"https://a/","query":"both"})").substr(0, 15), "/forward/query:");
  EXPECT_EQ(refused(R"({"target":"https://a/","timeout_ms":0})").substr(0, 20), "/forward/timeout_ms:");
  EXPECT_EQ(refused(R"({"target":"https://a/","timeout_ms":60001})").substr(0, 20), "/forward/timeout_ms:");
  EXPECT_EQ(refused(R"({"target":"https://a/","fallback":"maybe"})").substr(0, 18), "/forward/fallback:");
  EXPECT_EQ(refused(R"({"target":"https://a/","mock_on":["9XX"]})").substr(0, 17), "/forward/mock_on:");
  EXPECT_EQ(refused(R"({"target":"https://a/","headers":{"set":{"Host":"b"}}})"), "/forward/headers/set/Host: is set by the client");
  EXPECT_EQ(refused(R"({"target":"https://a/","headers":{"set":{"X":"a\nb"}}})"), "/forward/headers/set/X: has control characters");
  EXPECT_EQ(refused(R"({"target":"https://a/","headers":{"set":{"X":"{{response.status}}"}}})").substr(0, 23), "/forward/headers/set/X:");
  EXPECT_EQ(refused(R"({"target":"https://a/","headers":{"remove":["a b"]}})").substr(0, 24), "/forward/headers/remove:");
  EXPECT_EQ(refused(R"({"target":"https://a/","answer":{"status":{"4040":200}}})").substr(0, 28), "/forward/answer/status/4040:");
  EXPECT_EQ(refused(R"({"target":"https://a/","answer":{"status":{"404":600}}})").substr(0, 27), "/forward/answer/status/404:");
  EXPECT_EQ(refused(R"({"target":"https://a/","answer":{"body":{"a":"{{nonsense}}"}}})").substr(0, 22), "/forward/answer/body:1");
  EXPECT_EQ(refused(R"({"target":"https://a/","answer":{"body_status":[200]}})").substr(0, 28), "/forward/answer/body_status:");
  EXPECT_EQ(set(R"({"nowhere":{}})").substr(0, 17), "/clients/nowhere:");
  EXPECT_EQ(set(R"({"/p":{"base":"x"}})").substr(0, 17), "/clients/~1p/base");
}

TEST_F(forwarding, all_targets_change_in_one_step_or_none) {
  endpoint(R"({"target":"https://a.example/v1/{id}","timeout_ms":9})");
  endpoint(R"({"target":"https://a.example/v2/{id}"})", R"(,"response":{"body":1})", "ep_g", "/birds/{id}");
  endpoint(R"({"target":"stub:bank/{id}"})", {}, "ep_h", "/bank/{id}");
  auto change = [&](const std::string& text) { return run(endpoints, endpoint_command{retarget_endpoints{text}}); };
  auto dry = change(R"({"from":"https://a.example","to":"{env.A}","dry_run":true})");
  ASSERT_TRUE(dry);
  EXPECT_EQ(*dry, R"({"endpoints":[{"id":"ep_f","before":"https://a.example/v1/{id}","after":"{env.A}/v1/{id}"},)"
                  R"({"id":"ep_g","before":"https://a.example/v2/{id}","after":"{env.A}/v2/{id}"}],"unchanged":["ep_h"],"dry_run":true})");
  EXPECT_NE(endpoints.find("ep_f")->forward.find("https://a.example"), std::string::npos);
  ASSERT_TRUE(change(R"({"from":"https://a.example","to":"https://b.example:8443/base"})"));
  EXPECT_EQ(ask(get("/p/pets/7")).at(0).url, "https://b.example:8443/base/v1/7");
  EXPECT_EQ(ask(get("/p/pets/7")).at(0).timeout, std::chrono::milliseconds{9}) << "the rest stays";
  auto wrong = change(R"({"to":"ftp://b.example"})");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().where, "/to");
  EXPECT_EQ(ask(get("/p/pets/7")).at(0).url, "https://b.example:8443/base/v1/7") << "none has changed";
  ASSERT_TRUE(change(R"({"to":"https://c.example","project_root":"/nobody"})"));
  EXPECT_EQ(ask(get("/p/bank/7")).at(0).url, "stub:bank/7");
}

TEST_F(forwarding, a_snapshot_has_it_all) {
  ASSERT_EQ(set(R"({"/p":{"timeout_ms":1500}})"), "");
  endpoint(R"({"target":"https://a.example/v1/{id}","mock_on":[501]})");
  auto again = restore<endpoint_state>(snapshot(endpoints));
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_EQ(snapshot(*again), snapshot(endpoints));
  EXPECT_EQ(*again->find("ep_f"), *endpoints.find("ep_f"));
  EXPECT_EQ(forwarding_json(*again), R"({"clients":{"/p":{"timeout_ms":1500}}})");
  endpoints = std::move(*again);
  EXPECT_EQ(ask(get("/p/pets/7")).at(0).timeout, std::chrono::milliseconds{1'500});
}

TEST_F(forwarding, a_comparison_says_where_the_mock_differs_and_nothing_of_the_values) {
  ASSERT_TRUE(put(endpoints, R"({"method":"GET","path":"/p/pets/{id}","response":{"headers":{"X-Own":"1"},"body":{"id":7,"name":"Mock","tags":["a"],"old":1}}})", "ep_m"));
  endpoint(R"({"target":"https://up.example/{id}","compare":true})", R"(,"priority":1)");
  EXPECT_EQ(given(get("/p/pets/7"), said(200, R"({"id":"7","name":"sesame","tags":["a","b"],"new":{"x":1}})", {{"Content-Type", "application/json"}, {"X-Rate", "1"}})).status, 200U);
  ASSERT_TRUE(recorded.forward->compared);
  const auto& c = *recorded.forward->compared;
  using kind = answer_difference::kind;
  const std::vector<answer_difference> expected{{"header X-Rate", kind::missing}, {"header X-Own", kind::extra}, {"body/id", kind::type}, {"body/name", kind::value},
                                                {"body/tags", kind::value},       {"body/new", kind::missing},   {"body/old", kind::extra}};
  EXPECT_EQ(c.differences, expected);
  EXPECT_EQ(c.mock, "ep_m");
  EXPECT_FALSE(c.same_shape());
  given(get("/p/pets/7"), said(200, R"({"id":8,"name":"Rex","tags":["z"],"old":2})", {{"Content-Type", "application/json"}, {"X-Own", "2"}}));
  EXPECT_TRUE(recorded.forward->compared->same_shape());
  given(get("/p/pets/7"), said(404, "{}"));
  EXPECT_FALSE(recorded.forward->compared->same_shape());
}

} // namespace
} // namespace hourglass::mock
