#include "support.hpp"

#include "events/limits.hpp"

#include <nlohmann/json.hpp>

namespace {
using namespace hourglass::mock;
namespace events = hourglass::events;
namespace limits = hourglass::limits;

TEST(serving, an_answer_and_its_record_agree) {
  endpoint_state state;
  ASSERT_TRUE(put(state, R"({"method":"POST","path":"/pets/{id}","response":{"status":201,"headers":{"X-A":"b"},"body":{"a":"ü\n"}}})", "ep_1"));
  auto req = post("/pets/7?x=2", R"({"n":1})");
  req.headers.push_back({"Authorization", "Bearer sesame"});
  auto s = serve(state, {}, req, at_moment(), test_redactor());
  EXPECT_EQ(s.response.status, 201U);
  EXPECT_EQ(header(s.response, "X-Request-Id"), s.request_id);
  ASSERT_EQ(s.events.size(), 1U);
  EXPECT_EQ(s.events[0].kind, events::kind::request_served);
  EXPECT_EQ(s.events[0].entities, (std::vector<std::string>{s.request_id, "ep_1"}));
  EXPECT_EQ(s.events[0].payload.find("sesame"), std::string::npos);
  auto back = decode_served(s.events[0].payload);
  ASSERT_TRUE(back) << back.error().detail;
  EXPECT_EQ(back->request_id, s.request_id);
  EXPECT_EQ(back->endpoint_id, "ep_1");
  EXPECT_EQ(back->request.method, "POST");
  EXPECT_EQ(back->request.target, "/pets/7?x=2");
  EXPECT_EQ(back->request.body, req.body);
  EXPECT_EQ(back->request.peer, req.peer);
  EXPECT_EQ(back->request.received, req.received);
  EXPECT_EQ(back->chance, at_moment().chance);
  auto kept = as_recorded(s.response, test_redactor());
  EXPECT_EQ(back->response.status, kept.status);
  EXPECT_EQ(back->response.headers, kept.headers);
  EXPECT_EQ(back->response.body, kept.body);
}

TEST(serving, what_matches_nothing_is_recorded_like_any_answer) {
  auto s = serve({}, {}, get("/nowhere"), at_moment(), test_redactor());
  EXPECT_EQ(s.response.status, 404U);
  auto back = decode_served(s.events.at(0).payload);
  ASSERT_TRUE(back);
  EXPECT_TRUE(back->endpoint_id.empty());
  EXPECT_EQ(back->response.body, s.response.body);
}

TEST(serving, bytes_that_are_no_text_survive_the_record) {
  endpoint_state state;
  ASSERT_TRUE(put(state, named("POST", "/in", "ok")));
  auto req = post("/in?q=\xff", std::string{"\x00\xff\x80", 3}, "application/octet-stream");
  req.headers.push_back({"X-Odd", "\xe9"});
  auto s = serve(state, {}, req, at_moment(), test_redactor());
  EXPECT_FALSE(nlohmann::json::parse(s.events.at(0).payload, nullptr, false).is_discarded());
  auto back = decode_served(s.events.at(0).payload);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->request.body, req.body);
  EXPECT_EQ(back->request.target, req.target);
  EXPECT_EQ(back->request.headers, req.headers);
}

TEST(serving, a_secret_in_a_static_body_is_sent_and_not_recorded) {
  endpoint_state state;
  ASSERT_TRUE(put(state, R"({"method":"GET","path":"/login","response":{"body":{"password":"hunter2","n":1}}})"));
  auto s = serve(state, {}, get("/login"), at_moment(), test_redactor());
  EXPECT_NE(s.response.body.find("hunter2"), std::string::npos);
  EXPECT_EQ(s.events.at(0).payload.find("hunter2"), std::string::npos);
  EXPECT_EQ(decode_served(s.events.at(0).payload)->response.body, as_recorded(s.response, test_redactor()).body);
}

TEST(serving, the_same_inputs_give_the_same_bytes) {
  endpoint_state state;
  data_state data;
  ASSERT_TRUE(run(data, data_command{put_env{"X", "1"}}));
  ASSERT_TRUE(put(state, R"({"method":"GET","path":"/t/{id}","response":{"headers":{"Location":"/t/{{request.path.id}}"},
    "body":"{\"id\":{{request.path.id}},\"u\":{{uuid}},\"n\":{{random(1,1000000)}},\"t\":{{now}},\"e\":{{env.X}}}","template":true}})"));
  auto a = serve(state, data, get("/t/1"), at_moment(4), test_redactor());
  auto b = serve(state, data, get("/t/1"), at_moment(4), test_redactor());
  EXPECT_EQ(a.response.body, b.response.body);
  EXPECT_EQ(a.events[0].payload, b.events[0].payload);
  EXPECT_EQ(header(a.response, "Location"), "/t/1");
  EXPECT_EQ(header(a.response, "Content-Type"), "application/json");
  EXPECT_NE(a.response.body, serve(state, data, get("/t/1"), at_moment(5), test_redactor()).response.body);
}

TEST(serving, a_header_template_cannot_split_the_message) {
  endpoint_state state;
  ASSERT_TRUE(put(state, R"({"method":"GET","path":"/t/{id}","response":{"headers":{"X-Id":"{{request.path.id}}"},"template":true}})"));
  EXPECT_EQ(header(answer(state, get("/t/a%0d%0aSet-Cookie:%20x")), "X-Id"), "a  Set-Cookie: x");
}

TEST(serving, a_plan_outlives_the_endpoint_it_was_made_of) {
  endpoint_state state;
  ASSERT_TRUE(put(state, named("GET", "/a", "kept"), "ep_1"));
  auto req = get("/a");
  auto p = route(state, req);
  ASSERT_TRUE(run(state, endpoint_command{remove_endpoint{"ep_1"}}));
  state = endpoint_state{};
  EXPECT_EQ(render(p, {}, req, at_moment(), test_redactor()).response.body, "kept");
}

TEST(serving, a_template_that_reads_too_much_is_a_500_that_names_the_limit) {
  endpoint_state state;
  data_state data;
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(run(data, data_command{put_item{"big", std::to_string(i), '"' + std::string(1'000'000, 'x') + '"'}}));
  ASSERT_TRUE(put(state, R"({"method":"GET","path":"/t","response":{"body":"[{{data.big}}]","template":true}})"));
  auto r = answer(state, get("/t"), data);
  EXPECT_EQ(r.status, 500U);
  EXPECT_NE(r.body.find("template_output_bytes"), std::string::npos);
}

TEST(serving, a_record_that_does_not_read_is_corrupt) {
  for (auto bad : {"", "{}", "[]", R"({"id":"req_1","request":{},"response":{}})"})
    EXPECT_EQ(decode_served(bad).error().code, events::errc::corrupt) << bad;
}

/// The payload of what `body` was asked with, from its body on.
std::string recorded_request(std::string body) {
  auto s = serve({}, {}, post("/x", std::move(body), "text/plain"), at_moment(), test_redactor());
  const auto& payload = s.events.at(0).payload;
  const auto at = payload.find(R"("body":)");
  return payload.substr(at, payload.find(R"(,"peer")") - at);
}

TEST(serving, a_body_that_fits_is_recorded_as_ever) {
  EXPECT_EQ(recorded_request("abc\n"), R"("body":{"text":"abc\n"})");
  const std::string large(6'000'000, 'x');
  EXPECT_EQ(recorded_request(large), R"("body":{"text":")" + large + R"("})");
}

TEST(serving, of_a_body_too_long_for_the_log_the_front_and_a_digest_are_recorded) {
  EXPECT_EQ(recorded_request(std::string(7'340'032, 'x')),
            R"("body":{"text":")" + std::string(1'048'576, 'x') +
                R"(","truncated":true,"bytes":7340032,"sha256":"c0247fdf17301d88a2da5ad59c34bcb15d31f68874286a7a5e53fa10178bff65"})");
}

TEST(serving, no_body_that_a_stranger_may_send_makes_a_record_too_large) {
  endpoint_state state;
  data_state data;
  ASSERT_TRUE(run(data, data_command{put_item{"big", "1", '"' + std::string(1'000'000, 'x') + '"'}}));
  for (int i = 0; i < 1'000; ++i) // what a body template makes of it: 3 MB of line feeds
    ASSERT_TRUE(run(data, data_command{put_env{"NL" + std::to_string(i), std::string(3'000, '\n')}}));
  std::string text = R"({"method":"POST","path":"/x","response":{"template":true,"headers":{"Content-Type":"text/plain"},"body":")";
  for (int i = 0; i < 1'000; ++i)
    text += "{{env.NL" + std::to_string(i) + "}}";
  ASSERT_TRUE(put(state, text + "\"}}"));
  for (const auto* piece : {"\n", "\x01", "\xff", "\"", "\xc3\xbc"}) {
    std::string body;
    while (body.size() + 2 <= limits::request_body_bytes)
      body += piece;
    auto req = post("/x", body, "text/plain");
    auto s = serve(state, data, req, at_moment(), test_redactor());
    EXPECT_LT(s.events.at(0).payload.size(), limits::record_bytes - 64 * limits::kibi);
    auto back = decode_served(s.events.at(0).payload);
    ASSERT_TRUE(back) << back.error().detail;
    ASSERT_TRUE(back->request_cut);
    EXPECT_EQ(back->request_cut->bytes, body.size());
    EXPECT_EQ(back->request.body, body.substr(0, back->request.body.size())) << "the front, to the end of a character";
    EXPECT_GT(back->request.body.size(), 1'000'000U);
  }
}

} // namespace
