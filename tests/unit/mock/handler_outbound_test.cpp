#include "handler_fixture.hpp"

#include "mock/outbound_limits.hpp"
#include "mock/trial.hpp"

#include <nlohmann/json.hpp>

namespace hourglass::mock {

namespace {

using nlohmann::json;

constexpr auto to_a = R"([{"method":"POST","url":"http://a.test/x","headers":[["x-a","1"]],"body":"{}","timeout":null}])";

class handler_outbound : public handler {
protected:
  /// A run that asks for `calls` and waits if any of them is not known.
  void ask_for(std::vector<std::string> calls) {
    engine.during = [this, calls = std::move(calls)](script_host& h) {
      told.clear();
      for (const auto& c : calls) {
        told.push_back(h.call("http.call", c));
        engine.outcome.waits = engine.outcome.waits || (told.back() && *told.back() == R"({"wanted":true})");
      }
    };
  }
  std::vector<events::outcome<std::string>> told;
};

outbound_outcome said(unsigned status, std::string body) {
  outbound_outcome out;
  out.status = status;
  out.headers = {{"X-Twice", "1"}, {"x-twice", "2"}};
  out.body = std::move(body);
  return out;
}

TEST_F(handler_outbound, that_wants_a_call_comes_to_nothing_but_that) {
  engine.during = [this](script_host& h) {
    EXPECT_TRUE(h.call("mock.put", R"(["pets","a",2])"));
    EXPECT_TRUE(h.call("webhook.emit", R"(["thing",{}])"));
    EXPECT_EQ(h.call("http.call", to_a), R"({"wanted":true})");
    engine.outcome.waits = true;
  };
  auto s = serve_it();
  EXPECT_TRUE(s.events.empty());
  EXPECT_TRUE(s.emitted.empty());
  ASSERT_EQ(s.wanted.size(), 1U);
  EXPECT_EQ(s.wanted[0].method, "POST");
  EXPECT_EQ(s.wanted[0].url, "http://a.test/x");
  EXPECT_EQ(s.wanted[0].headers, (fields{{"x-a", "1"}}));
  EXPECT_EQ(s.wanted[0].body, "{}");
  EXPECT_EQ(s.wanted[0].timeout, limits::outbound_call_time);
}

TEST_F(handler_outbound, gets_what_its_calls_came_to_and_both_are_recorded) {
  ask_for({to_a});
  auto req = asked();
  auto first = serve_it(req);
  ASSERT_TRUE(first);
  req.calls = with_round(nullptr, first->wanted, {said(201, R"({"n":1})")});
  engine.outcome.waits = false;
  auto second = serve_it(req);
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->wanted.empty());
  ASSERT_TRUE(told.at(0));
  EXPECT_EQ(json::parse(*told[0]), (json{{"status", 201}, {"headers", {{"x-twice", "1, 2"}}}, {"body", R"({"n":1})"}}));
  const auto record = decode_served(second->events.front().payload);
  ASSERT_TRUE(record && record->request.calls);
  EXPECT_EQ(record->request.calls->front().outcome.status, 201U);
  EXPECT_TRUE(record->script);
}

TEST_F(handler_outbound, bytes_that_are_no_text_come_as_base64) {
  ask_for({to_a});
  auto req = asked();
  req.calls = with_round(nullptr, serve_it(req)->wanted, {said(200, "\xff\xfe")});
  engine.outcome.waits = false;
  ASSERT_TRUE(serve_it(req));
  const auto got = json::parse(told.at(0).value());
  EXPECT_TRUE(got["body"].is_null());
  EXPECT_EQ(got["base64"], "//4=");
}

TEST_F(handler_outbound, is_told_why_a_call_failed) {
  ask_for({to_a});
  auto req = asked();
  req.calls = with_round(nullptr, serve_it(req)->wanted, {outbound_outcome::failed("timeout", "too slow")});
  engine.outcome.waits = false;
  ASSERT_TRUE(serve_it(req));
  EXPECT_EQ(told.at(0), R"({"error":{"kind":"timeout","message":"too slow"}})");
}

TEST_F(handler_outbound, a_call_that_is_none_is_its_own_error) {
  ask_for({R"([])", R"([{"method":"GET","url":"file:///etc/passwd"}])", R"([{"method":"GET","url":"http://a.test/","headers":[["Host","b"]]}])",
           R"([{"method":"GET","url":"http://a.test/","headers":[[]]}])", R"([{"method":"GET","url":"http://a.test/","timeout":1.5}])",
           R"([{"method":"GET","url":"http://a.test/","timeout":30001}])", R"([{"method":"GET","url":"http://a.test/","timeout":0}])"});
  auto s = serve_it();
  EXPECT_TRUE(s.wanted.empty());
  for (std::size_t i = 0; i < told.size(); ++i)
    EXPECT_FALSE(told[i]) << i;
}

TEST_F(handler_outbound, a_delay_is_an_input_as_well) {
  engine.during = [this](script_host& h) {
    EXPECT_FALSE(h.call("concurrency.delay", "[-1]"));
    EXPECT_FALSE(h.call("concurrency.delay", "[30001]"));
    EXPECT_FALSE(h.call("concurrency.delay", R"(["x"])"));
    told = {h.call("concurrency.delay", "[25]")};
    engine.outcome.waits = *told[0] == R"({"wanted":true})";
  };
  auto req = asked();
  auto first = serve_it(req);
  ASSERT_EQ(first->wanted.size(), 1U);
  EXPECT_EQ(first->wanted[0].kind, outbound_kind::delay);
  EXPECT_EQ(first->wanted[0].timeout.count(), 25);
  req.calls = with_round(nullptr, first->wanted, {{}});
  EXPECT_TRUE(serve_it(req)->wanted.empty());
  EXPECT_EQ(told.at(0), "{}");
}

TEST_F(handler_outbound, a_worker_that_waits_for_nothing_changes_nothing) {
  engine.outcome.waits = true;
  auto s = serve_it(asked());
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().code, events::errc::unavailable);
}

TEST_F(handler_outbound, a_trial_calls_nobody_and_takes_what_it_is_told) {
  ask_for({to_a});
  const std::string start = R"({"script":"1","request":{"method":"POST"})";
  auto tried = [&](const std::string& text) -> json {
    auto what = read_trial(text);
    EXPECT_TRUE(what) << what.error().where;
    auto trial = prepare_trial(std::move(*what), endpoints, data, at_moment(), "sbx_1", redactor);
    EXPECT_TRUE(trial);
    detached_run::run(*trial, engine, nullptr, [] {});
    return json::parse(result_of_trial(**trial).value());
  };
  auto first = tried(start + "}");
  ASSERT_EQ(first["wanted"].size(), 1U);
  auto call = first["wanted"][0];
  EXPECT_EQ(call["url"], "http://a.test/x");
  call["answer"] = {{"status", 200}, {"body", "hello"}};
  engine.outcome.waits = false;
  auto second = tried(start + R"(,"calls":)" + json::array({call}).dump() + "}");
  EXPECT_TRUE(second.contains("response")) << second;
  EXPECT_EQ(json::parse(told.at(0).value())["body"], "hello");
  EXPECT_EQ(read_trial(start + R"(,"calls":[{"url":1}]})").error().where, "/calls");
}

} // namespace

} // namespace hourglass::mock
