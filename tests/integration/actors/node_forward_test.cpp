#include "node_fixture.hpp"

#include "actors/testing.hpp"
#include "mock/forward.hpp"
#include "mock/recording.hpp"
#include "replay/comparison.hpp"
#include "replay/request.hpp"
#include "tests/integration/http/receiver.hpp"

#include <thread>

// Requests that an upstream answers: a real one on loopback, which hangs, lies and floods.
namespace {

using namespace hourglass;
using namespace hourglass::test;
using http::testing::raw_socket;
using nlohmann::json;
using upstream = http::testing::receiver;

std::string says(const std::string& head, const std::string& body = {}) { return "HTTP/1.1 " + head + "\r\n\r\n" + body; }

/// Reads a request, up to its body, and answers.
std::function<void(raw_socket, int)> always(std::string answer) {
  return [answer = std::move(answer)](raw_socket c, int) {
    (void)c.until("\r\n\r\n");
    c.say(answer);
    c.end_writing();
  };
}

class forwards : public node_test {
protected:
  std::string base(const upstream& to) const { return "http://127.0.0.1:" + std::to_string(to.port()); }
  void endpoint(const events::sandbox_id& id, const std::string& forward, const std::string& more = {}, const std::string& name = "ep_f") {
    auto r = submit(id, mock::endpoint_command{mock::put_endpoint{R"({"method":"ANY","path":"/up/{id}","forward":)" + forward + more + "}", name}});
    ASSERT_TRUE(r) << r.error().detail << " at " << r.error().where;
  }
  events::sandbox_id forwarding_to(const std::string& target, const std::string& more = {}, const std::string& rules = {}) {
    auto id = create();
    endpoint(id, R"({"target":")" + target + "\"" + rules + "}", more);
    return id;
  }
  mock::served_record last(const events::sandbox_id& id) {
    const auto all = history(id);
    for (auto at = all.rbegin(); at != all.rend(); ++at)
      if (at->header.kind == events::kind::request_served)
        return last_ = at->header.seq, mock::decode_served(at->payload).value();
    return {};
  }
  void expect_replays(const events::sandbox_id& id) {
    (void)last(id);
    auto again = replay::replay_request(node_->store(), node_->redactor(), id, last_);
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_TRUE(again->identical) << json(again->differences).dump();
    EXPECT_EQ(again->fed.size(), 1U) << "it says whose answer it was given";
  }
  static std::string header(const mock::response& r, std::string_view name) {
    const auto* found = mock::find(r.headers, name);
    return found != nullptr ? *found : "(none)";
  }
  static std::string kind_of(const mock::response& r) { return json::parse(r.body, nullptr, false).value("kind", ""); }

  events::seq last_ = 0;
};

TEST_F(forwards, the_answer_of_an_upstream_is_durable_and_replays_without_it) {
  events::sandbox_id id;
  {
    upstream up{always(says("201 Created\r\nContent-Type: application/json\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nX-Kept: yes\r\nContent-Length: 8", R"({"id":7})"))};
    id = forwarding_to(base(up) + "/v1/{id}?key={env.KEY}");
    ASSERT_TRUE(submit(id, mock::data_command{mock::put_env{"KEY", "k1"}}));
    auto r = get(id, "/up/7?x=1");
    ASSERT_TRUE(r) << r.error().detail;
    EXPECT_EQ(r->status, 201U);
    EXPECT_EQ(r->body, R"({"id":7})");
    EXPECT_EQ(header(*r, "X-Kept"), "yes");
    EXPECT_EQ(header(*r, "X-Hop"), "(none)");
    EXPECT_EQ(header(*r, "Keep-Alive"), "(none)");
    EXPECT_EQ(last(id).request.calls->at(0).call.url, base(up) + "/v1/7?key=k1&x=1");
  }
  expect_replays(id); // nobody is there any more
  reopen();
  expect_replays(id);
  auto gone = get(id, "/up/7");
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->status, 502U);
  EXPECT_EQ(kind_of(*gone), "connect");
  expect_replays(id);
}

TEST_F(forwards, an_upstream_that_hangs_holds_nobody_up) {
  gate go;
  upstream up{[&](raw_socket c, int) {
    (void)c.until("\r\n\r\n");
    go.wait();
    c.say(http::testing::ok);
  }};
  auto id = forwarding_to(base(up) + "/", {}, R"(,"timeout_ms":60000)");
  put_hello(id);
  promised<mock::response> slow;
  mock::request r;
  r.method = "GET";
  r.target = "/up/7";
  node_->serve(id, r, {"mock", "t"}, slow.callback());
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(get(id, "/hello")->status, 200U);
  EXPECT_TRUE(submit(id, mock::data_command{mock::put_env{"A", "1"}})) << "changes go on too";
  EXPECT_EQ(last(id).request.target, "/hello");
  go.open();
  auto answered = slow.get();
  ASSERT_TRUE(answered);
  EXPECT_EQ(answered->body, "ok");
  EXPECT_EQ(last(id).request.target, "/up/7") << "it has its place where it was answered";
  expect_replays(id);
}

TEST_F(forwards, an_upstream_that_is_late_is_504_and_says_so) {
  gate go;
  upstream up{[&](raw_socket c, int) {
    (void)c.until("\r\n\r\n");
    go.wait();
  }};
  auto id = forwarding_to(base(up) + "/", {}, R"(,"timeout_ms":50)");
  auto r = get(id, "/up/7");
  ASSERT_TRUE(r);
  EXPECT_EQ(r->status, 504U);
  EXPECT_EQ(kind_of(*r), "timeout");
  endpoint(id, R"({"target":")" + base(up) + R"(/","timeout_ms":50,"fallback":"mock"})", R"(,"response":{"body":{"mock":1}})");
  r = get(id, "/up/7");
  ASSERT_TRUE(r);
  EXPECT_EQ(r->body, R"({"mock":1})");
  EXPECT_EQ(header(*r, "X-Upstream"), "failed: timeout, mock");
  expect_replays(id);
  go.open();
}

TEST_F(forwards, an_upstream_that_lies_is_502_and_changes_nothing) {
  for (const auto& [answer, kind] : {std::pair{std::string{"this is no HTTP\r\n\r\n"}, "malformed"}, {std::string{}, "reset"},
                                     {says("200 OK\r\nContent-Length: 100", "short"), "reset"}, {says("200 OK\r\nContent-Length: 1\r\nContent-Length: 2", "x"), "malformed"}}) {
    upstream up{always(answer)};
    auto id = forwarding_to(base(up) + "/");
    auto r = get(id, "/up/7");
    ASSERT_TRUE(r) << r.error().detail;
    EXPECT_EQ(r->status, 502U) << answer;
    EXPECT_EQ(kind_of(*r), kind) << r->body;
    expect_replays(id);
  }
}

TEST_F(forwards, bodies_come_whole_however_they_are_sent_and_what_is_too_large_is_refused) {
  const std::string large(2 * limits::mebi, 'x');
  upstream chunked{always(says("200 OK\r\nTransfer-Encoding: chunked", "5\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n"))};
  auto id = forwarding_to(base(chunked) + "/");
  EXPECT_EQ(get(id, "/up/7")->body, "hello world");
  EXPECT_EQ(header(*get(id, "/up/7"), "Transfer-Encoding"), "(none)");
  upstream big{always(says("200 OK\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(large.size()), large))};
  id = forwarding_to(base(big) + "/");
  EXPECT_EQ(get(id, "/up/7")->body.size(), large.size());
  expect_replays(id);
  upstream flood{always(says("200 OK\r\nConnection: close", std::string(6 * limits::mebi, 'x')))};
  id = forwarding_to(base(flood) + "/");
  auto r = get(id, "/up/7");
  ASSERT_TRUE(r);
  EXPECT_EQ(r->status, 502U);
  EXPECT_EQ(kind_of(*r), "too_large");
  upstream zipped{always(says("200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4", "\x1f\x8b\x08\x01"))};
  id = forwarding_to(base(zipped) + "/");
  r = get(id, "/up/7");
  EXPECT_EQ(r->body, "\x1f\x8b\x08\x01") << "as it came, though nobody asked for it";
  EXPECT_EQ(header(*r, "Content-Encoding"), "gzip");
  expect_replays(id);
}

TEST_F(forwards, a_redirect_is_an_answer_and_is_not_followed) {
  std::atomic<int> asked{0};
  upstream up{[&](raw_socket c, int) {
    (void)c.until("\r\n\r\n");
    ++asked;
    c.say(says("302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0"));
  }};
  auto id = forwarding_to(base(up) + "/");
  auto r = get(id, "/up/7");
  ASSERT_TRUE(r);
  EXPECT_EQ(r->status, 302U);
  EXPECT_EQ(header(*r, "Location"), "http://169.254.169.254/");
  EXPECT_EQ(asked, 1);
}

TEST_F(forwards, what_egress_refuses_is_told_and_not_asked) {
  auto id = forwarding_to("http://169.254.169.254/latest/{id}");
  auto r = get(id, "/up/7");
  ASSERT_TRUE(r);
  EXPECT_EQ(r->status, 502U);
  EXPECT_EQ(kind_of(*r), "refused_by_guard");
  EXPECT_NE(r->body.find("169.254.169.254"), std::string::npos) << r->body;
  expect_replays(id);
}

TEST_F(forwards, a_stub_of_the_same_sandbox_stands_for_an_upstream_with_its_latency_and_errors) {
  auto id = forwarding_to("stub:bank/accounts/{id}", {}, R"(,"timeout_ms":500)");
  ASSERT_TRUE(submit(id, mock::endpoint_command{mock::put_endpoint{
                           R"({"method":"GET","path":"/accounts/{id}","project_root":"/stubs/bank","response":{"body":{"account":"{{request.path.id}}"},"template":true}})", "ep_stub"}}));
  auto r = get(id, "/up/7");
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(r->body, R"({"account":"7"})");
  EXPECT_EQ(header(*r, "X-Upstream"), "answered");
  expect_replays(id);
  auto chaos = [&](const std::string& what) { ASSERT_TRUE(submit(id, mock::data_command{mock::put_chaos{"/stubs/bank/*", R"({"chaos":")" + what + "\"}"}})); };
  chaos("503=100%");
  EXPECT_EQ(get(id, "/up/7")->status, 503U);
  EXPECT_EQ(header(*get(id, "/up/7"), "X-Upstream"), "answered") << "the stub's own error";
  chaos("reset=100%");
  EXPECT_EQ(kind_of(*get(id, "/up/7")), "reset");
  chaos("drop=100%");
  EXPECT_EQ(get(id, "/up/7")->status, 504U);
  chaos("latency=2000");
  EXPECT_EQ(get(id, "/up/7")->status, 504U) << "later than it may be";
  chaos("latency=1");
  EXPECT_EQ(get(id, "/up/7")->status, 200U);
}

TEST_F(forwards, another_sandbox_is_an_upstream_by_its_name) {
  auto bank = create(R"({"uid":"bank"})");
  put_hello(bank);
  auto id = forwarding_to("sandbox:bank/{id}");
  EXPECT_EQ(get(id, "/up/hello")->body, R"({"hello":"world"})");
  EXPECT_EQ(last(bank).request.target, "/hello") << "it is on the timeline of both";
  EXPECT_EQ(last(bank).request.peer, "sandbox:" + id.to_string());
  EXPECT_EQ(get(id, "/up/gone")->status, 404U);
  endpoint(id, R"({"target":"sandbox:nobody/{id}"})");
  auto r = get(id, "/up/hello");
  EXPECT_EQ(r->status, 502U);
  EXPECT_EQ(kind_of(*r), "no_such_sandbox");
}

TEST_F(forwards, a_chain_that_comes_back_to_itself_ends_with_508) {
  auto id = create(R"({"uid":"ring"})");
  endpoint(id, R"({"target":"sandbox:ring/up/{id}"})");
  auto r = get(id, "/up/7");
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(r->status, 508U);
  EXPECT_EQ(kind_of(*r), "loop");
  const auto all = history(id);
  EXPECT_EQ(count(all, events::kind::request_served), 9U) << "eight hops and the first";
}

TEST_F(forwards, what_was_recorded_answers_when_the_upstream_is_gone) {
  auto id = create();
  auto record = [&](const std::string& what) { return submit(id, mock::endpoint_command{mock::put_forwarding{R"({"recording":)" + what + "}"}}); };
  ASSERT_TRUE(record(R"({"active":true})"));
  {
    upstream up{always(says("200 OK\r\nContent-Type: application/json\r\nContent-Length: 25", R"({"id":7,"token":"sesame"})"))};
    endpoint(id, R"({"target":")" + base(up) + R"(/{id}"})");
    ASSERT_EQ(get(id, "/up/7")->status, 200U);
  }
  ASSERT_TRUE(record(R"({"active":false})"));
  mock::recording made{{}};
  for (const auto& e : history(id))
    if (e.header.kind == events::kind::request_served) {
      ASSERT_TRUE(made.take(mock::decode_served(e.payload).value()));
    }
  auto endpoints = std::move(made).finish();
  ASSERT_TRUE(endpoints);
  ASSERT_TRUE(submit(id, mock::endpoint_command{std::move(*endpoints)}));
  reopen();
  auto r = get(id, "/up/7");
  EXPECT_EQ(r->body, R"({"id":7,"token":"redacted"})");
  EXPECT_EQ(header(*r, "X-Upstream"), "(none)");
  EXPECT_EQ(get(id, "/up/8")->status, 502U) << "the rest is still forwarded";
}

TEST_F(forwards, mock_and_upstream_are_compared_when_asked_and_afterwards) {
  upstream up{always(says("200 OK\r\nContent-Type: application/json\r\nContent-Length: 21", R"({"id":7,"name":"Rex"})"))};
  auto id = create();
  endpoint(id, R"({"target":")" + base(up) + R"(/{id}","compare":true})", R"(,"priority":1)");
  ASSERT_TRUE(submit(id, mock::endpoint_command{mock::put_endpoint{R"({"method":"GET","path":"/up/{id}","response":{"body":{"id":7,"tag":"x"}}})", "ep_m"}}));
  ASSERT_EQ(get(id, "/up/7")->status, 200U);
  const auto record = last(id);
  ASSERT_TRUE(record.forward && record.forward->compared);
  EXPECT_EQ(record.forward->compared->mock, "ep_m");
  EXPECT_EQ(record.forward->compared->differences.size(), 2U);
  expect_replays(id);
  const auto seq = last_;
  ASSERT_TRUE(submit(id, mock::endpoint_command{mock::put_endpoint{R"({"method":"GET","path":"/up/{id}","response":{"body":{"id":7,"name":"Mock"}}})", "ep_m"}}));
  for (const bool now : {false, true}) {
    auto job = replay::comparison_job::load(node_->store(), node_->redactor(), id, seq, now);
    ASSERT_TRUE(job) << job.error().detail;
    const auto said = json::parse((*job)->finish().value());
    EXPECT_EQ(said["compared"]["same_shape"], now);
    EXPECT_EQ(said["compared"]["mock_endpoint"], "ep_m");
  }
}

TEST_F(forwards, a_crash_of_the_child_that_forwards_loses_no_answer) {
  gate go;
  upstream up{[&](raw_socket c, int) {
    (void)c.until("\r\n\r\n");
    go.wait();
    c.say(http::testing::ok);
  }};
  auto id = forwarding_to(base(up) + "/");
  promised<mock::response> slow;
  mock::request r;
  r.method = "GET";
  r.target = "/up/7";
  node_->serve(id, r, {"mock", "t"}, slow.callback());
  put_hello(id); // behind it
  ASSERT_TRUE(actors::testing::crash_child_of(*node_, id, "data"));
  ASSERT_TRUE(eventually([&] { return node_->counters().child_restarts > 0; }));
  go.open();
  auto answered = slow.get();
  ASSERT_TRUE(answered) << answered.error().detail;
  EXPECT_EQ(answered->body, "ok");
}

} // namespace
