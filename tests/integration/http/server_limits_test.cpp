#include "tests/integration/http/serving.hpp"

namespace {

using namespace hourglass::http;
using namespace hourglass::http::testing;

TEST(server, a_body_too_large_is_refused_before_it_is_sent) {
  server_options o;
  o.body_bytes = 1'000;
  auto s = start(echo, o);
  auto c = client_that_says(*s, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n");
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

TEST(server, a_header_too_long_is_431_and_a_target_too_long_414) {
  auto s = start(echo);
  auto c = client_that_says(*s, "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(40'000, 'x') + "\r\n\r\n");
  EXPECT_EQ(status_of(c.rest()), 431u);
  auto d = client_that_says(*s, "GET /" + std::string(40'000, 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(status_of(d.rest()), 414u);
  auto e = client_that_says(*s, "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(30'000, 'x') + "\r\n\r\n");
  EXPECT_EQ(status_of(e.message()), 200u) << "just under the limit";
  EXPECT_EQ(s->counters().malformed, 2u);
}

TEST(server, a_half_sent_request_times_out_with_408) {
  server_options o;
  o.header_time = 100ms;
  auto s = start(echo, o);
  auto c = client_that_says(*s, "GET / HTTP/1.1\r\nHos");
  EXPECT_EQ(status_of(c.rest()), 408u);
  EXPECT_EQ(s->counters().timeouts, 1u);
}

TEST(server, a_half_sent_body_times_out_with_408) {
  server_options o;
  o.body_time = 100ms;
  auto s = start(echo, o);
  auto c = client_that_says(*s, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(status_of(c.rest()), 408u);
  EXPECT_TRUE(eventually([&] { return s->counters().in_flight_bytes == 0; }));
}

TEST(server, an_idle_connection_is_closed_without_a_word) {
  server_options o;
  o.idle_time = 50ms;
  auto s = start(echo, o);
  auto c = client_that_says(*s, get("/a"));
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

TEST(server, a_large_answer_waits_no_longer_for_who_takes_nothing_and_goes_on_for_who_does) {
  constexpr std::size_t large = 16 << 20;
  server_options o;
  o.write_time = 300ms;
  auto s = start([](auto, reply to) { to.send({200, {}, std::string(large, 'x')}); }, o);
  auto stuck = raw_socket::connect(s->port(), 1'024);
  ASSERT_TRUE(stuck.say(get("/")));
  EXPECT_TRUE(eventually([&] { return s->counters().timeouts == 1 && s->counters().open == 0; })) << "the size of the answer gives no time";

  auto steady = raw_socket::connect(s->port(), 64 << 10);
  ASSERT_TRUE(steady.say(get("/")));
  std::string piece(256 << 10, '\0');
  std::size_t taken = 0;
  for (ssize_t n = 0; taken < large && (n = ::recv(steady.fd(), piece.data(), piece.size(), 0)) > 0; std::this_thread::sleep_for(10ms))
    taken += static_cast<std::size_t>(n);
  EXPECT_GE(taken, large) << "longer than `write_time`, but always on its way";
  EXPECT_EQ(s->counters().timeouts, 1u);
}

TEST(server, without_credit_a_request_is_refused_and_with_it_again_taken) {
  shelf waiting;
  server_options o;
  o.in_flight_bytes = 10'000;
  auto s = start(waiting.as_handler(), o);
  auto a = client_that_says(*s, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 8000\r\n\r\n" + std::string(8'000, 'a'));
  auto held = waiting.take();
  auto b = client_that_says(*s, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 8000\r\n\r\n");
  auto answer = b.rest();
  EXPECT_EQ(status_of(answer), 503u);
  EXPECT_NE(answer.find("Retry-After: 1\r\n"), std::string::npos);
  EXPECT_EQ(s->counters().refused_credit, 1u);
  held.second.send({});
  EXPECT_EQ(status_of(a.message()), 200u);
  EXPECT_TRUE(eventually([&] { return s->counters().in_flight_bytes == 0; }));
  auto c = client_that_says(*s, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 8000\r\n\r\n" + std::string(8'000, 'c'));
  waiting.take().second.send({});
  EXPECT_EQ(status_of(c.message()), 200u);
}

TEST(server, credit_of_a_vanished_client_is_held_until_its_handler_is_done) {
  shelf waiting;
  auto s = start(waiting.as_handler());
  auto a = client_that_says(*s, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 8000\r\n\r\n" + std::string(8'000, 'a'));
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

} // namespace
