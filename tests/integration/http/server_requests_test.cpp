#include "tests/integration/http/serving.hpp"

namespace {

using namespace hourglass::http;
using namespace hourglass::http::testing;

TEST(server, answers_and_keeps_the_connection) {
  auto s = start(echo);
  auto c = raw_socket::connect(s->port());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(c.say("POST /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"));
    auto answer = c.message();
    EXPECT_EQ(status_of(answer), 200u);
    EXPECT_EQ(body_of(answer), "/a?b|abc");
    EXPECT_NE(answer.find("X-Method: POST\r\n"), std::string::npos);
    EXPECT_NE(answer.find("Date: "), std::string::npos);
    EXPECT_EQ(answer.find("Connection:"), std::string::npos);
  }
  auto counters = s->counters();
  EXPECT_EQ(counters.accepted, 1u);
  EXPECT_EQ(counters.requests, 3u);
  EXPECT_EQ(counters.open, 1u);
  c.close();
  EXPECT_TRUE(eventually([&] { return s->counters().open == 0 && s->counters().in_flight_bytes == 0; }));
}

TEST(server, a_handler_sees_the_request_as_it_came) {
  shelf waiting;
  auto s = start(waiting.as_handler());
  auto c = client_that_says(*s, "QUERY /%41?x=%20 HTTP/1.1\r\nhOsT: h\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 1\r\n\r\nz");
  auto [r, to] = waiting.take();
  ASSERT_TRUE(r);
  EXPECT_EQ(r->method, "QUERY");
  EXPECT_EQ(r->target, "/%41?x=%20");
  EXPECT_EQ(r->headers, (fields{{"hOsT", "h"}, {"X-A", "1"}, {"X-A", "2"}, {"Content-Length", "1"}}));
  EXPECT_EQ(r->body, "z");
  EXPECT_TRUE(r->peer.starts_with("127.0.0.1:")) << r->peer;
  EXPECT_FALSE(r->secure);
  EXPECT_GT(r->received_us, 1'600'000'000'000'000);
  EXPECT_GT(s->counters().in_flight_bytes, 0u);
  to.send({});
  EXPECT_EQ(status_of(c.message()), 200u);
}

TEST(server, a_request_may_come_a_byte_at_a_time) {
  auto s = start(echo);
  auto c = raw_socket::connect(s->port());
  for (char b : std::string_view{"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"})
    ASSERT_TRUE(c.say({&b, 1}));
  EXPECT_EQ(body_of(c.message()), "/x|abc");
}

TEST(server, pipelined_requests_are_answered_in_order) {
  auto s = start(echo);
  auto c = raw_socket::connect(s->port());
  std::string all;
  for (int i = 0; i < 200; ++i)
    all += get("/" + std::to_string(i));
  c.say(all);
  for (int i = 0; i < 200; ++i)
    ASSERT_EQ(body_of(c.message()), "/" + std::to_string(i) + "|");
}

TEST(server, pipelined_requests_are_answered_in_order_by_other_threads_too) {
  shelf waiting;
  auto s = start(waiting.as_handler());
  auto c = client_that_says(*s, get("/1") + get("/2") + get("/3"));
  for (int i = 1; i <= 3; ++i) {
    auto [r, to] = waiting.take();
    std::thread{[r = r, to = std::move(to)]() mutable { echo(r, std::move(to)); }}.join();
  }
  for (int i = 1; i <= 3; ++i)
    EXPECT_EQ(body_of(c.message()), "/" + std::to_string(i) + "|");
}

TEST(server, many_connections_answered_from_one_other_thread) {
  shelf waiting;
  auto s = start(waiting.as_handler());
  std::vector<raw_socket> clients;
  for (int i = 0; i < 64; ++i)
    clients.push_back(raw_socket::connect(s->port()));
  for (int round = 0; round < 5; ++round) {
    for (std::size_t i = 0; i < clients.size(); ++i)
      ASSERT_TRUE(clients[i].say(get("/" + std::to_string(i))));
    std::deque<std::pair<std::shared_ptr<const request>, reply>> batch;
    for (std::size_t i = 0; i < clients.size(); ++i)
      batch.push_back(waiting.take());
    for (auto& [r, to] : batch)
      echo(r, std::move(to));
    for (std::size_t i = 0; i < clients.size(); ++i)
      ASSERT_EQ(body_of(clients[i].message()), "/" + std::to_string(i) + "|");
  }
}

TEST(server, head_has_the_length_and_no_body) {
  auto s = start(echo);
  auto c = client_that_says(*s, "HEAD /abc HTTP/1.1\r\nHost: h\r\n\r\n" + get("/next"));
  auto head = c.until("\r\n\r\n");
  EXPECT_NE(head.find("Content-Length: 5\r\n"), std::string::npos) << head;
  EXPECT_EQ(body_of(c.message()), "/next|");
}

TEST(server, http_10_closes_unless_it_is_asked_to_stay) {
  auto s = start(echo);
  auto c = client_that_says(*s, "GET /a HTTP/1.0\r\n\r\n");
  auto answer = c.rest();
  EXPECT_EQ(body_of(answer), "/a|");
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  auto d = raw_socket::connect(s->port());
  for (int i = 0; i < 2; ++i) {
    d.say("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_NE(d.message().find("Connection: keep-alive"), std::string::npos);
  }
}

TEST(server, connection_close_is_obeyed) {
  auto s = start(echo);
  auto c = client_that_says(*s, get("/a", "Connection: close\r\n"));
  EXPECT_EQ(body_of(c.rest()), "/a|");
}

TEST(server, a_client_that_ends_its_side_still_gets_its_answer) {
  auto s = start(echo);
  auto c = client_that_says(*s, get("/a"));
  c.end_writing();
  EXPECT_EQ(body_of(c.rest()), "/a|");
}

TEST(server, expect_100_continue_is_answered_before_the_body) {
  auto s = start(echo);
  auto c = client_that_says(*s, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(c.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  c.say("abc");
  EXPECT_EQ(body_of(c.message()), "/a|abc");
}

TEST(server, large_bodies_pass_both_ways) {
  auto s = start(echo);
  auto c = raw_socket::connect(s->port());
  std::string body(5'000'000, '\0');
  for (std::size_t i = 0; i < body.size(); ++i)
    body[i] = static_cast<char>('a' + i % 23);
  std::thread writer{[&] { c.say("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5000000\r\n\r\n" + body + get("/b")); }};
  auto answer = c.message();
  writer.join();
  EXPECT_EQ(body_of(answer), "/a|" + body);
  EXPECT_EQ(body_of(c.message()), "/b|");
}

} // namespace
