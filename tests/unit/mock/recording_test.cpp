#include "mock/recording.hpp"

#include "mock/forward.hpp"
#include "support.hpp"

namespace hourglass::mock {
namespace {

class recording_of : public testing::Test {
protected:
  /// A request that an upstream has answered, as the log has it.
  void came(request req, unsigned status, std::string body, fields headers = {{"Content-Type", "application/json"}}) {
    req.calls = with_round(nullptr, ask(req), {said(status, std::move(body), std::move(headers))});
    (void)ask(req);
    const auto s = render(p, data, req, at_moment(++number), redactor);
    log.push_back(decode_served(s.events.front().payload).value());
  }
  std::vector<outbound_call> ask(const request& req) {
    p = route(upstreams, req);
    meet_fate(p, data, req, at_moment().chance);
    return forward(p, data, req, at_moment(), redactor);
  }
  static outbound_outcome said(unsigned status, std::string body, fields headers) {
    outbound_outcome out;
    out.status = status;
    out.headers = std::move(headers);
    out.body = std::move(body);
    return out;
  }
  /// Makes endpoints of all that came, in a sandbox that has nothing else. The warnings.
  std::string make(std::string_view options = "{}") {
    recording in{recording_options::read(parse_json(options).value()).value()};
    for (const auto& r : log)
      EXPECT_TRUE(in.take(r));
    auto made = std::move(in).finish();
    if (!made)
      return "failed: " + made.error().detail;
    auto put = run(endpoints, endpoint_command{std::move(*made)});
    EXPECT_TRUE(put) << put.error().detail << put.error().where;
    const auto v = parse_json(put ? *put : "{}").value_or(json_value{});
    return v.member("warnings") != nullptr ? to_text(*v.member("warnings")) : "?";
  }
  void SetUp() override {
    ASSERT_TRUE(put(upstreams, R"({"method":"ANY","path_regex":"/.*","forward":{"target":"https://up.example{request.path}"}})", "ep_all"));
  }

  endpoint_state upstreams, endpoints;
  data_state data;
  const events::redactor redactor = test_redactor();
  plan p;
  std::uint8_t number = 0;
  std::vector<served_record> log;
};

TEST_F(recording_of, what_was_recorded_answers_without_the_upstream) {
  came(get("/pets/7?verbose=1"), 200, R"({"id":7,"name":"Rex"})", {{"Content-Type", "application/json"}, {"X-Rate", "9"}, {"Date", "yesterday"}, {"Server", "up/1"}, {"Age", "3"}});
  came(post("/pets", R"({"name":"Rex"})"), 201, R"({"id":8})", {{"Content-Type", "application/json"}, {"Location", "/pets/8"}});
  came(get("/text"), 404, "nothing here", {{"Content-Type", "text/plain"}});
  EXPECT_EQ(make(), "[]");
  const auto out = answer(endpoints, get("/pets/7?verbose=1"));
  EXPECT_EQ(out.status, 200U);
  EXPECT_EQ(out.body, R"({"id":7,"name":"Rex"})");
  EXPECT_NE(find(out.headers, "X-Rate"), nullptr);
  for (const auto* gone : {"Date", "Server", "Age", "X-Upstream"})
    EXPECT_EQ(find(out.headers, gone), nullptr) << gone;
  EXPECT_EQ(answer(endpoints, get("/pets/7")).status, 404U) << "another query was not recorded";
  EXPECT_EQ(answer(endpoints, post("/pets", "{}")).status, 201U);
  EXPECT_EQ(answer(endpoints, get("/text")).body, "nothing here");
}

TEST_F(recording_of, made_again_it_changes_nothing_and_answers_before_what_forwards) {
  came(get("/pets/7"), 200, "{}");
  EXPECT_EQ(make(), "[]");
  const auto before = snapshot(endpoints);
  EXPECT_EQ(make(), "[]");
  EXPECT_EQ(snapshot(endpoints), before);
  ASSERT_TRUE(put(endpoints, R"({"method":"GET","path":"/pets/7","forward":{"target":"https://up.example/"}})", "ep_same"));
  EXPECT_FALSE(route(endpoints, get("/pets/7")).forwards());
}

TEST_F(recording_of, of_several_answers_the_last_stays_or_the_first) {
  came(get("/pets/7"), 200, "1");
  came(get("/pets/7"), 200, "2");
  EXPECT_NE(make().find("matches the same"), std::string::npos);
  EXPECT_EQ(answer(endpoints, get("/pets/7")).body, "2");
  make(R"({"repeats":"first"})");
  EXPECT_EQ(answer(endpoints, get("/pets/7")).body, "1");
}

TEST_F(recording_of, bodies_tell_requests_apart_only_where_nothing_else_does) {
  came(post("/pets", R"({"n":1})"), 201, "1");
  came(post("/pets", R"({"n":2})"), 201, "2");
  came(post("/birds", R"({"n":2})"), 201, "3");
  EXPECT_EQ(make(), "[]");
  EXPECT_EQ(answer(endpoints, post("/pets", R"({ "n": 1 })")).body, "1");
  EXPECT_EQ(answer(endpoints, post("/pets", R"({"n":2})")).body, "2");
  EXPECT_EQ(answer(endpoints, post("/pets", R"({"n":3})")).status, 404U);
  EXPECT_EQ(answer(endpoints, post("/birds", R"({"n":9})")).body, "3");
}

TEST_F(recording_of, no_secret_comes_back) {
  auto req = get("/pets/7?api_key=hush-hush-1");
  req.headers.push_back({"Authorization", "Bearer hush-hush-2"});
  came(req, 200, R"({"password":"hush-hush-3","echo":"hush-hush-2","name":"Rex"})", {{"Content-Type", "application/json"}, {"Set-Cookie", "sid=hush-hush-4"}});
  const auto warnings = make();
  const auto made = snapshot(endpoints);
  EXPECT_EQ(made.find("hush-hush"), std::string::npos) << made;
  EXPECT_EQ(made.find("Set-Cookie"), std::string::npos) << made;
  EXPECT_NE(warnings.find("name of a secret is replaced"), std::string::npos) << warnings;
  EXPECT_EQ(answer(endpoints, get("/pets/7?api_key=another")).status, 200U) << "of a secret is asked only that it is there";
  EXPECT_EQ(answer(endpoints, get("/pets/7")).status, 404U);
}

TEST_F(recording_of, what_cannot_be_made_again_is_told) {
  came(get("/large"), 200, std::string(7 * limits::mebi, 'x'), {{"Content-Type", "text/plain"}});
  came(get("/binary"), 200, "\xff\xfe", {{"Content-Type", "image/png"}});
  auto failed = get("/failed");
  failed.calls = with_round(nullptr, ask(failed), {outbound_outcome::failed("timeout", "late")});
  (void)ask(failed);
  log.push_back(decode_served(render(p, data, failed, at_moment(), redactor).events.front().payload).value());
  const auto warnings = make();
  EXPECT_NE(warnings.find("only the front"), std::string::npos) << warnings;
  EXPECT_NE(warnings.find("no text"), std::string::npos) << warnings;
  EXPECT_NE(warnings.find("failed: timeout"), std::string::npos) << warnings;
  EXPECT_EQ(endpoints.size(), 0U);
}

TEST_F(recording_of, ids_become_parameters_only_if_asked) {
  came(get("/pets/7/owner/0b8c0b1e-6a1c-4a55-9d2a-3d7a6a1b2c3d"), 200, R"({"id":7,"owner":"0b8c0b1e-6a1c-4a55-9d2a-3d7a6a1b2c3d","name":"Rex","n":70})");
  came(get("/v2/pets"), 200, "[]");
  make();
  EXPECT_EQ(answer(endpoints, get("/pets/8/owner/x")).status, 404U);
  make(R"({"generalise":true})");
  EXPECT_EQ(answer(endpoints, get("/pets/8/owner/me")).body, R"({"id":8,"owner":"me","name":"Rex","n":70})");
  EXPECT_EQ(answer(endpoints, get("/v3/pets")).status, 404U) << "a version is no id";
}

TEST_F(recording_of, only_what_was_forwarded_and_has_the_path) {
  came(get("/pets/7"), 200, "1");
  came(get("/birds/7"), 200, "2");
  log.push_back(log.back());
  log.back().forward = nullptr;
  log.back().request.target = "/pets/own";
  EXPECT_EQ(make(R"({"path":"/pets"})"), "[]");
  EXPECT_EQ(endpoints.size(), 1U);
  EXPECT_FALSE(recording_options::read(parse_json(R"({"repeats":"all"})").value()));
  EXPECT_FALSE(recording_options::read(parse_json(R"({"path":"pets"})").value()));
}

TEST(recording_session, begins_once_ends_once_and_is_in_the_snapshot) {
  endpoint_state s;
  auto say = [&](const char* text) { return run(s, endpoint_command{put_forwarding{text}}); };
  EXPECT_EQ(recording_json(s), R"({"active":false,"path":"","since":null,"until":null})");
  ASSERT_TRUE(say(R"({"recording":{"active":true,"path":"/pets"}})"));
  auto again = say(R"({"recording":{"active":true}})");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, events::errc::conflict);
  auto restored = restore<endpoint_state>(snapshot(s));
  ASSERT_TRUE(restored);
  EXPECT_EQ(recording_json(*restored), R"({"active":true,"path":"/pets","since":"2026-09-21T14:13:20.000000Z","until":null})");
  ASSERT_TRUE(say(R"({"clients":{"":{"timeout_ms":5}}})"));
  EXPECT_EQ(recording_json(s), recording_json(*restored)) << "the other half stays";
  ASSERT_TRUE(say(R"({"recording":{"active":false}})"));
  EXPECT_FALSE(say(R"({"recording":{"active":false}})"));
  EXPECT_EQ(forwarding_json(s).find(R"({"clients":{"":{"timeout_ms":5}},"recording":{"active":false)"), 0U) << forwarding_json(s);
}

} // namespace
} // namespace hourglass::mock
