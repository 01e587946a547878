#include "http/problem.hpp"
#include "http/egress.hpp"
#include "http/server.hpp"
#include "tests/integration/http/raw_socket.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace {

using namespace hourglass::http;
using namespace std::chrono_literals;
using hourglass::http::testing::raw_socket;

/// Requests that are taken now and answered when the test says so.
struct shelf {
  std::mutex mutex;
  std::condition_variable more;
  std::deque<std::pair<std::shared_ptr<const request>, reply>> waiting;

  void put(std::shared_ptr<const request> r, reply to) {
    std::lock_guard lock{mutex};
    waiting.emplace_back(std::move(r), std::move(to));
    more.notify_all();
  }
  std::pair<std::shared_ptr<const request>, reply> take() {
    std::unique_lock lock{mutex};
    EXPECT_TRUE(more.wait_for(lock, 10s, [this] { return !waiting.empty(); }));
    if (waiting.empty())
      return {nullptr, reply{nullptr}};
    auto first = std::move(waiting.front());
    waiting.pop_front();
    return first;
  }
};

std::unique_ptr<server> start(handler h, server_options options = {}) {
  auto s = server::open(std::move(options), std::move(h));
  EXPECT_TRUE(s) << s.error();
  return std::move(*s);
}

/// Says what it was asked.
void echo(std::shared_ptr<const request> r, reply to) {
  response answer;
  answer.headers.push_back({"X-Method", r->method});
  answer.body = r->target + "|" + r->body;
  to.send(std::move(answer));
}

std::string get(std::string_view target, std::string_view more = {}) {
  return "GET " + std::string{target} + " HTTP/1.1\r\nHost: h\r\n" + std::string{more} + "\r\n";
}

unsigned status_of(const std::string& answer) { return answer.size() > 12 ? static_cast<unsigned>(std::stoul(answer.substr(9, 3))) : 0; }

std::string body_of(const std::string& answer) {
  auto at = answer.find("\r\n\r\n");
  return at == std::string::npos ? "" : answer.substr(at + 4);
}

template <class F>
bool eventually(F condition) {
  for (int i = 0; i < 2'000; ++i) {
    if (condition())
      return true;
    std::this_thread::sleep_for(5ms);
  }
  return condition();
}

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
  auto s = start([&](auto r, auto to) { waiting.put(std::move(r), std::move(to)); });
  auto c = raw_socket::connect(s->port());
  c.say("QUERY /%41?x=%20 HTTP/1.1\r\nhOsT: h\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 1\r\n\r\nz");
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
  auto s = start([&](auto r, auto to) { waiting.put(std::move(r), std::move(to)); });
  auto c = raw_socket::connect(s->port());
  c.say(get("/1") + get("/2") + get("/3"));
  for (int i = 1; i <= 3; ++i) {
    auto [r, to] = waiting.take();
    std::thread{[r = r, to = std::move(to)]() mutable { echo(r, std::move(to)); }}.join();
  }
  for (int i = 1; i <= 3; ++i)
    EXPECT_EQ(body_of(c.message()), "/" + std::to_string(i) + "|");
}

TEST(server, many_connections_answered_from_one_other_thread) {
  shelf waiting;
  auto s = start([&](auto r, auto to) { waiting.put(std::move(r), std::move(to)); });
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
  auto c = raw_socket::connect(s->port());
  c.say("HEAD /abc HTTP/1.1\r\nHost: h\r\n\r\n" + get("/next"));
  auto head = c.until("\r\n\r\n");
  EXPECT_NE(head.find("Content-Length: 5\r\n"), std::string::npos) << head;
  EXPECT_EQ(body_of(c.message()), "/next|");
}

TEST(server, http_10_closes_unless_it_is_asked_to_stay) {
  auto s = start(echo);
  auto c = raw_socket::connect(s->port());
  c.say("GET /a HTTP/1.0\r\n\r\n");
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
  auto c = raw_socket::connect(s->port());
  c.say(get("/a", "Connection: close\r\n"));
  EXPECT_EQ(body_of(c.rest()), "/a|");
}

TEST(server, a_client_that_ends_its_side_still_gets_its_answer) {
  auto s = start(echo);
  auto c = raw_socket::connect(s->port());
  c.say(get("/a"));
  c.end_writing();
  EXPECT_EQ(body_of(c.rest()), "/a|");
}

TEST(server, expect_100_continue_is_answered_before_the_body) {
  auto s = start(echo);
  auto c = raw_socket::connect(s->port());
  c.say("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(c.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  c.say("abc");
  EXPECT_EQ(body_of(c.message()), "/a|abc");
}

TEST(server, a_body_too_large_is_refused_before_it_is_sent) {
  server_options o;
  o.body_bytes = 1'000;
  auto s = start(echo, o);
  auto c = raw_socket::connect(s->port());
  c.say("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(status_of(c.rest()), 413u);
}

TEST(server, a_client_that_sends_a_body_too_large_all_the_same_can_read_why) {
  server_options o;
  o.body_bytes = 1'000;
  auto s = start(echo, o);
  auto c = raw_socket::connect(s->port());
  ASSERT_TRUE(c.say("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n" + std::string(3'000'000, 'x')));
  auto answer = c.rest();
  EXPECT_EQ(status_of(answer), 413u);
  EXPECT_NE(answer.find("application/problem+json"), std::string::npos);
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

struct wrong {
  const char* text;
  unsigned status;
};
class malformed_request : public ::testing::TestWithParam<wrong> {};

TEST_P(malformed_request, gets_a_problem_document_and_a_close) {
  std::atomic<int> seen{0};
  auto s = start([&](auto r, auto to) {
    ++seen;
    echo(std::move(r), std::move(to));
  });
  auto c = raw_socket::connect(s->port());
  c.say(GetParam().text);
  auto answer = c.rest();
  EXPECT_EQ(status_of(answer), GetParam().status) << answer;
  EXPECT_NE(answer.find("application/problem+json"), std::string::npos);
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  EXPECT_EQ(seen, 0);
  auto d = raw_socket::connect(s->port());
  d.say(get("/alive"));
  EXPECT_EQ(status_of(d.message()), 200u);
}

INSTANTIATE_TEST_SUITE_P(all, malformed_request,
                         ::testing::Values(wrong{"nonsense\r\n\r\n", 400}, wrong{"GET / HTTP/3.0\r\n\r\n", 505}, wrong{"GET / HTTP/1.1\nHost: h\n\n", 400},
                                           wrong{"GET / HTTP/1.1\r\n\r\n", 400},
                                           wrong{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
                                           wrong{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
                                           wrong{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
                                           wrong{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
                                           wrong{"GET / HTTP/1.1\r\nHost: h\r\nExpect: x\r\n\r\n", 417}));

TEST(server, a_header_too_long_is_431_and_a_target_too_long_414) {
  auto s = start(echo);
  auto c = raw_socket::connect(s->port());
  c.say("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(40'000, 'x') + "\r\n\r\n");
  EXPECT_EQ(status_of(c.rest()), 431u);
  auto d = raw_socket::connect(s->port());
  d.say("GET /" + std::string(40'000, 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(status_of(d.rest()), 414u);
  auto e = raw_socket::connect(s->port());
  e.say("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(30'000, 'x') + "\r\n\r\n");
  EXPECT_EQ(status_of(e.message()), 200u) << "just under the limit";
  EXPECT_EQ(s->counters().malformed, 2u);
}

TEST(server, a_half_sent_request_times_out_with_408) {
  server_options o;
  o.header_time = 100ms;
  auto s = start(echo, o);
  auto c = raw_socket::connect(s->port());
  c.say("GET / HTTP/1.1\r\nHos");
  EXPECT_EQ(status_of(c.rest()), 408u);
  EXPECT_EQ(s->counters().timeouts, 1u);
}

TEST(server, a_half_sent_body_times_out_with_408) {
  server_options o;
  o.body_time = 100ms;
  auto s = start(echo, o);
  auto c = raw_socket::connect(s->port());
  c.say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(status_of(c.rest()), 408u);
  EXPECT_TRUE(eventually([&] { return s->counters().in_flight_bytes == 0; }));
}

TEST(server, an_idle_connection_is_closed_without_a_word) {
  server_options o;
  o.idle_time = 50ms;
  auto s = start(echo, o);
  auto c = raw_socket::connect(s->port());
  c.say(get("/a"));
  EXPECT_EQ(status_of(c.message()), 200u);
  EXPECT_EQ(c.rest(), "");
  o.header_time = 50ms;
  auto t = start(echo, o);
  EXPECT_EQ(raw_socket::connect(t->port()).rest(), "") << "one that never said anything";
}

TEST(server, a_client_that_does_not_read_is_dropped) {
  server_options o;
  o.write_time = 0ms; // and 1 s for every 16 KiB: so the answer stays under that
  auto s = start([](auto, reply to) { to.send({200, {}, std::string(16'000, 'x')}); }, o);
  auto c = raw_socket::connect(s->port(), 1'024);
  std::string many;
  for (int i = 0; i < 2'000; ++i)
    many += get("/");
  std::thread writer{[&] { c.say(many); }};
  EXPECT_TRUE(eventually([&] { return s->counters().timeouts == 1 && s->counters().open == 0; }));
  EXPECT_EQ(s->counters().in_flight_bytes, 0u);
  writer.join();
}

TEST(server, without_credit_a_request_is_refused_and_with_it_again_taken) {
  shelf waiting;
  server_options o;
  o.in_flight_bytes = 10'000;
  auto s = start([&](auto r, auto to) { waiting.put(std::move(r), std::move(to)); }, o);
  auto a = raw_socket::connect(s->port());
  a.say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 8000\r\n\r\n" + std::string(8'000, 'a'));
  auto held = waiting.take();
  auto b = raw_socket::connect(s->port());
  b.say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 8000\r\n\r\n");
  auto answer = b.rest();
  EXPECT_EQ(status_of(answer), 503u);
  EXPECT_NE(answer.find("Retry-After: 1\r\n"), std::string::npos);
  EXPECT_EQ(s->counters().refused_credit, 1u);
  held.second.send({});
  EXPECT_EQ(status_of(a.message()), 200u);
  EXPECT_TRUE(eventually([&] { return s->counters().in_flight_bytes == 0; }));
  auto c = raw_socket::connect(s->port());
  c.say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 8000\r\n\r\n" + std::string(8'000, 'c'));
  waiting.take().second.send({});
  EXPECT_EQ(status_of(c.message()), 200u);
}

TEST(server, credit_of_a_vanished_client_is_held_until_its_handler_is_done) {
  shelf waiting;
  auto s = start([&](auto r, auto to) { waiting.put(std::move(r), std::move(to)); });
  auto a = raw_socket::connect(s->port());
  a.say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 8000\r\n\r\n" + std::string(8'000, 'a'));
  auto held = waiting.take();
  a.reset();
  EXPECT_GT(s->counters().in_flight_bytes, 8'000u);
  held.second.send({});
  EXPECT_TRUE(eventually([&] { return s->counters().in_flight_bytes == 0 && s->counters().open == 0; }));
}

TEST(server, one_connection_too_many_is_told_so) {
  server_options o;
  o.connections = 2;
  auto s = start(echo, o);
  auto a = raw_socket::connect(s->port());
  auto b = raw_socket::connect(s->port());
  a.say(get("/"));
  b.say(get("/"));
  EXPECT_EQ(status_of(a.message()), 200u);
  EXPECT_EQ(status_of(b.message()), 200u);
  auto answer = raw_socket::connect(s->port()).rest();
  EXPECT_EQ(status_of(answer), 503u);
  EXPECT_EQ(body_of(answer).size(), std::stoul(answer.substr(answer.find("Content-Length: ") + 16)));
  a.close();
  EXPECT_TRUE(eventually([&] {
    auto c = raw_socket::connect(s->port());
    c.say(get("/"));
    return status_of(c.message()) == 200;
  }));
}

TEST(server, a_dropped_reply_answers_abandoned) {
  auto s = start([](auto, reply to) { reply gone{std::move(to)}; });
  auto c = raw_socket::connect(s->port());
  c.say(get("/"));
  auto answer = c.message();
  EXPECT_EQ(status_of(answer), 503u);
  EXPECT_NE(answer.find("/problems/abandoned"), std::string::npos);
}

TEST(server, a_reply_dropped_on_another_thread_answers_abandoned) {
  shelf waiting;
  auto s = start([&](auto r, auto to) { waiting.put(std::move(r), std::move(to)); });
  auto c = raw_socket::connect(s->port());
  c.say(get("/"));
  { auto dropped = waiting.take(); }
  EXPECT_EQ(status_of(c.message()), 503u);
}

TEST(server, an_exception_in_the_handler_is_500_and_the_connection_goes_on) {
  shelf kept;
  auto s = start([&](std::shared_ptr<const request> r, reply to) {
    if (r->target == "/throw")
      throw std::runtime_error{"secret"};
    if (r->target == "/keep-and-throw") {
      kept.put(r, std::move(to));
      throw 42;
    }
    echo(r, std::move(to));
    if (r->target == "/answer-and-throw")
      throw std::runtime_error{"late"};
  });
  auto c = raw_socket::connect(s->port());
  c.say(get("/throw") + get("/answer-and-throw") + get("/keep-and-throw") + get("/fine"));
  auto answer = c.message();
  EXPECT_EQ(status_of(answer), 500u);
  EXPECT_EQ(answer.find("secret"), std::string::npos);
  EXPECT_EQ(body_of(c.message()), "/answer-and-throw|");
  EXPECT_EQ(status_of(c.message()), 500u);
  EXPECT_EQ(body_of(c.message()), "/fine|");
  kept.take().second.send({200, {}, "too late"});
  c.say(get("/after"));
  EXPECT_EQ(body_of(c.message()), "/after|");
}

TEST(server, an_impossible_status_becomes_500) {
  auto s = start([](auto, reply to) { to.send({99, {}, "x"}); });
  auto c = raw_socket::connect(s->port());
  c.say(get("/"));
  EXPECT_EQ(status_of(c.message()), 500u);
}

TEST(server, stop_lets_requests_finish_and_closes_the_idle) {
  shelf waiting;
  auto s = start([&](auto r, auto to) { waiting.put(std::move(r), std::move(to)); });
  auto idle = raw_socket::connect(s->port());
  auto busy = raw_socket::connect(s->port());
  busy.say(get("/"));
  auto held = waiting.take();
  std::thread stopping{[&] { s->stop(10s); }};
  EXPECT_EQ(idle.rest(), "");
  EXPECT_FALSE(raw_socket::connect(s->port()).good()) << "the port is closed";
  held.second.send({200, {}, "done"});
  auto answer = busy.rest();
  EXPECT_EQ(body_of(answer), "done");
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  busy.close();
  stopping.join();
  EXPECT_EQ(s->counters().open, 0u);
  s->stop(1s);
}

TEST(server, a_reply_may_outlive_its_server) {
  shelf waiting;
  auto s = start([&](auto r, auto to) { waiting.put(std::move(r), std::move(to)); });
  auto c = raw_socket::connect(s->port());
  c.say(get("/1"));
  auto held = waiting.take();
  s->stop(0ms);
  EXPECT_TRUE(c.ended());
  s.reset();
  held.second.send({200, {}, "nobody"});
}

TEST(server, tells_the_address_it_is_bound_to_so_that_the_guard_keeps_webhooks_off_it) {
  for (const auto* name : {"localhost", "127.0.0.1", ""}) {
    server_options o;
    o.address = name;
    auto s = start(echo, o);
    const egress_guard guard{{*cidr::parse("127.0.0.0/8"), *cidr::parse("::1/128")}, {{s->address(), s->port()}}};
    const auto own = s->address() == std::array<std::uint8_t, 16>{} || name == std::string_view{""} ? cidr::parse("127.0.0.1")->network : s->address();
    EXPECT_NE(guard.refusal(own, s->port()).find("this server itself"), std::string::npos) << "listening on '" << name << "'";
    EXPECT_EQ(guard.refusal(own, static_cast<std::uint16_t>(s->port() + 1)), "");
  }
}

TEST(server, says_why_it_cannot_be_opened) {
  auto first = start(echo);
  server_options o;
  o.port = first->port();
  auto second = server::open(o, echo);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().find("cannot listen"), std::string::npos);
  o.port = 0;
  o.address = "no such address";
  EXPECT_FALSE(server::open(o, echo));
  o.address = "127.0.0.1";
  o.tls = tls_files{"/nonexistent.pem", "/nonexistent.key"};
  EXPECT_FALSE(server::open(o, echo));
}

TEST(server, random_bytes_never_stop_it) {
  auto s = start(echo);
  std::uint64_t seed = 88'172'645'463'325'252ull;
  auto next = [&] {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
  };
  static constexpr std::string_view words[] = {"GET ", "POST ", "/", " HTTP/1.1\r\n", "Host: h\r\n", "\r\n", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n",
                                               "5\r\n", "hello", "0\r\n\r\n", "\n", "\r", ": ", "Expect: 100-continue\r\n", "Connection: close\r\n"};
  for (int i = 0; i < 300; ++i) {
    auto c = raw_socket::connect(s->port());
    std::string text;
    for (int k = 0; k < 12; ++k)
      if (next() % 8 == 0)
        text.push_back(static_cast<char>(next()));
      else
        text += words[next() % std::size(words)];
    c.say(text);
    if (i % 3 == 0)
      c.reset();
    else if (i % 3 == 1)
      c.end_writing(), c.rest();
  }
  auto c = raw_socket::connect(s->port());
  c.say(get("/alive"));
  EXPECT_EQ(status_of(c.message()), 200u);
}

// -- event streams ------------------------------------------------------------------

struct streams {
  std::mutex mutex;
  std::condition_variable more;
  std::shared_ptr<event_stream> last;
  handler as_handler() {
    return [this](auto, reply to) {
      std::lock_guard lock{mutex};
      last = to.stream({{"X-A", "1"}});
      more.notify_all();
    };
  }
  std::shared_ptr<event_stream> take() {
    std::unique_lock lock{mutex};
    EXPECT_TRUE(more.wait_for(lock, 10s, [this] { return last != nullptr; }));
    return std::exchange(last, nullptr);
  }
};

TEST(event_stream, events_arrive_and_close_ends_the_answer) {
  streams open;
  auto s = start(open.as_handler());
  auto c = raw_socket::connect(s->port());
  c.say(get("/"));
  auto head = c.until("\r\n\r\n");
  EXPECT_EQ(status_of(head), 200u);
  EXPECT_NE(head.find("Content-Type: text/event-stream\r\n"), std::string::npos);
  EXPECT_NE(head.find("X-A: 1\r\n"), std::string::npos);
  auto stream = open.take();
  ASSERT_TRUE(stream);
  EXPECT_TRUE(stream->send("1", "message", "hello"));
  EXPECT_EQ(c.until("\n\n"), "id: 1\nevent: message\ndata: hello\n\n");
  EXPECT_TRUE(stream->send("2", "", "a\nb"));
  EXPECT_TRUE(stream->send("3", "", "last"));
  stream->close();
  EXPECT_FALSE(stream->open());
  EXPECT_FALSE(stream->send("4", "", "never"));
  EXPECT_EQ(c.rest(), "id: 2\ndata: a\ndata: b\n\nid: 3\ndata: last\n\n");
}

TEST(event_stream, a_client_that_leaves_closes_it) {
  streams open;
  auto s = start(open.as_handler());
  auto c = raw_socket::connect(s->port());
  c.say(get("/"));
  c.until("\r\n\r\n");
  auto stream = open.take();
  c.close();
  EXPECT_TRUE(eventually([&] { return !stream->open(); }));
  EXPECT_FALSE(stream->send("", "", "x"));
}

TEST(event_stream, a_client_that_is_too_slow_is_dropped) {
  streams open;
  auto s = start(open.as_handler());
  auto c = raw_socket::connect(s->port(), 1'024);
  c.say(get("/"));
  c.until("\r\n\r\n");
  auto stream = open.take();
  std::string data(64 * 1024, 'x');
  int sent = 0;
  while (stream->send("", "", data) && sent < 10'000)
    ++sent;
  EXPECT_LT(sent, 10'000);
  EXPECT_FALSE(stream->open());
  EXPECT_TRUE(eventually([&] { return s->counters().open == 0; }));
}

TEST(event_stream, dropping_it_ends_the_answer_and_stop_ends_it_too) {
  streams open;
  auto s = start(open.as_handler());
  auto c = raw_socket::connect(s->port());
  c.say(get("/"));
  c.until("\r\n\r\n");
  open.take().reset();
  EXPECT_EQ(c.rest(), "");
  c.close();
  auto d = raw_socket::connect(s->port());
  d.say(get("/"));
  d.until("\r\n\r\n");
  auto stream = open.take();
  stream->send("", "", "x");
  std::thread stopping{[&] { s->stop(10s); }};
  EXPECT_EQ(d.rest(), "data: x\n\n");
  d.close();
  stopping.join();
  EXPECT_FALSE(stream->open());
}

TEST(event_stream, opened_for_a_client_that_has_gone_is_closed) {
  shelf waiting;
  auto s = start([&](auto r, auto to) { waiting.put(std::move(r), std::move(to)); });
  auto held = waiting.waiting.size();
  EXPECT_EQ(held, 0u);
  auto c = raw_socket::connect(s->port());
  c.say(get("/"));
  auto [r, to] = waiting.take();
  s->stop(0ms);
  auto stream = to.stream();
  EXPECT_FALSE(stream->open());
}

} // namespace
