#include "http/server.hpp"
#include "tests/integration/http/calls.hpp"
#include "tests/integration/http/receiver.hpp"

#include <atomic>

namespace {

using namespace hourglass::http;
using namespace hourglass::http::testing;

TEST(client, sends_what_it_was_given_and_returns_what_came) {
  std::string seen;
  receiver r{[&](raw_socket c, int n) {
    if (n != 0)
      return;
    seen = c.message();
    c.say("HTTP/1.1 201 Created\r\nX-A: 1\r\nContent-Length: 3\r\n\r\nabc");
    c.some();
  }};
  auto c = client::open({}, loopback_allowed());
  auto e = to(local(r.port(), "/hook?a=b"));
  e.headers = {{"Content-Type", "application/json"}, {"webhook-id", "msg_1"}};
  auto result = call(*c, e);
  EXPECT_EQ(result.error, transport_error::none) << result.detail;
  EXPECT_EQ(result.status, 201u);
  EXPECT_EQ(result.headers, (fields{{"X-A", "1"}, {"Content-Length", "3"}}));
  EXPECT_EQ(result.body, "abc");
  EXPECT_FALSE(result.truncated);
  EXPECT_FALSE(result.reused);
  EXPECT_EQ(result.peer, "127.0.0.1:" + std::to_string(r.port()));
  EXPECT_EQ(result.tls_version, "");
  EXPECT_GT(result.spent.connect_us, 0);
  EXPECT_GT(result.spent.first_byte_us, 0);
  EXPECT_EQ(result.spent.dns_us, 0);
  EXPECT_GE(result.spent.total_us, result.spent.connect_us + result.spent.first_byte_us);
  c.reset();
  EXPECT_EQ(seen, "POST /hook?a=b HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(r.port()) +
                      "\r\nContent-Type: application/json\r\nwebhook-id: msg_1\r\nUser-Agent: Hourglass/0.1\r\nContent-Length: 5\r\n\r\nhello");
}

TEST(client, a_redirect_is_an_answer_and_is_not_followed) {
  std::atomic<int> connections{0};
  receiver r{[&](raw_socket c, int) {
    if (c.message().empty())
      return;
    ++connections;
    c.say("HTTP/1.1 301 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
    c.some();
  }};
  auto c = client::open({}, loopback_allowed());
  auto result = call(*c, to(local(r.port())));
  EXPECT_EQ(result.status, 301u);
  EXPECT_EQ(result.error, transport_error::none);
  c.reset();
  EXPECT_EQ(connections, 1);
}

TEST(client, an_early_answer_is_taken_although_the_request_was_not_read) {
  receiver r{[](raw_socket c, int) {
    c.until("\r\n\r\n");
    c.say("HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nnope");
    c.end_writing();
    c.rest();
  }};
  auto c = client::open({}, loopback_allowed());
  auto result = call(*c, to(local(r.port()), std::string(30'000'000, 'x')));
  EXPECT_EQ(result.error, transport_error::none) << result.detail;
  EXPECT_EQ(result.status, 413u);
  EXPECT_EQ(result.body, "nope");
}

TEST(client, interim_answers_are_passed_over) {
  receiver r{[](raw_socket c, int) {
    c.message();
    c.say("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok);
    c.some();
  }};
  auto c = client::open({}, loopback_allowed());
  auto result = call(*c, to(local(r.port())));
  EXPECT_EQ(result.status, 200u);
  EXPECT_EQ(result.headers, (fields{{"Content-Length", "2"}}));
  c.reset();
}

TEST(client, what_cannot_be_sent_is_said_before_anything_is_dialled) {
  auto c = client::open({}, loopback_allowed());
  for (auto url : {"", "ftp://h/", "http://u@h/", "http://h/ x"})
    EXPECT_EQ(call(*c, to(url)).error, transport_error::bad_url) << url;
  auto e = to("http://127.0.0.1:1/");
  e.headers = {{"X", "a\r\nY: b"}};
  EXPECT_EQ(call(*c, e).error, transport_error::bad_url);
}

TEST(client, head_and_get_have_no_body) {
  receiver r{[](raw_socket c, int) {
    auto head = c.message();
    EXPECT_TRUE(head.starts_with("HEAD / HTTP/1.1\r\n"));
    EXPECT_EQ(head.find("Content-Length"), std::string::npos);
    c.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
    c.message();
    c.say(ok);
    c.some();
  }};
  auto c = client::open({}, loopback_allowed());
  auto e = to(local(r.port()), "");
  e.method = "HEAD";
  EXPECT_EQ(call(*c, e).status, 200u);
  e.method = "GET";
  auto second = call(*c, e);
  EXPECT_EQ(second.body, "ok");
  EXPECT_TRUE(second.reused);
  c.reset();
}

TEST(client, many_threads_may_send) {
  auto s = *server::open({}, [](auto r, reply to) { to.send({200, {}, r->body}); });
  client_options o;
  o.threads = 2;
  o.connections_per_origin = 8;
  auto c = client::open(o, loopback_allowed());
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        auto body = std::to_string(t) + "-" + std::to_string(i);
        if (call(*c, to(local(s->port()), body)).body == body)
          ++right;
      }
    });
  for (auto& t : threads)
    t.join();
  EXPECT_EQ(right, 400);
}

TEST(client, a_done_that_throws_harms_nobody_else) {
  auto s = *server::open({}, [](auto, reply to) { to.send({}); });
  auto c = client::open({}, loopback_allowed());
  c->send(to(local(s->port())), [](exchange_result) { throw 1; });
  EXPECT_EQ(call(*c, to(local(s->port()))).status, 200u);
}

TEST(client, after_stop_everything_is_cancelled) {
  auto c = client::open({}, loopback_allowed());
  c->stop(0ms);
  c->stop(1s);
  EXPECT_EQ(call(*c, to("http://127.0.0.1:1/")).error, transport_error::cancelled);
}

TEST(client, stop_waits_for_what_is_under_way) {
  receiver r{[](raw_socket c, int) {
    c.message();
    std::this_thread::sleep_for(50ms);
    c.say(ok);
    c.some();
  }};
  auto c = client::open({}, loopback_allowed());
  auto f = begin(*c, to(local(r.port())));
  c->stop(10s);
  EXPECT_EQ(wait(f).status, 200u);
}

} // namespace
