#include "http/server.hpp"
#include "tests/integration/http/calls.hpp"
#include "tests/integration/http/receiver.hpp"

#include <atomic>

namespace {

using namespace hourglass::http;
using namespace hourglass::http::testing;

TEST(client, a_connection_is_kept_and_used_again) {
  receiver r{[](raw_socket c, int) {
    for (int i = 0; i < 3; ++i) {
      if (c.message().empty())
        return;
      c.say(ok);
    }
    c.some();
  }};
  auto c = client::open({}, loopback_allowed());
  EXPECT_FALSE(call(*c, to(local(r.port()))).reused);
  auto second = call(*c, to(local(r.port())));
  EXPECT_TRUE(second.reused);
  EXPECT_EQ(second.spent.connect_us, 0);
  EXPECT_EQ(second.peer, "127.0.0.1:" + std::to_string(r.port()));
  EXPECT_TRUE(call(*c, to(local(r.port()))).reused);
  c.reset();
}

TEST(client, a_kept_connection_that_dies_unanswered_is_replaced_once) {
  std::atomic<int> requests{0};
  receiver r{[&](raw_socket c, int n) {
    if (n > 1)
      return;
    c.message();
    ++requests;
    c.say(ok);
    if (n == 0) {
      c.message(); // the second request arrives, and is never answered
      ++requests;
      c.reset();
    } else {
      c.some();
    }
  }};
  auto c = client::open({}, loopback_allowed());
  EXPECT_EQ(call(*c, to(local(r.port()))).status, 200u);
  auto again = call(*c, to(local(r.port())));
  EXPECT_EQ(again.error, transport_error::none) << again.detail;
  EXPECT_EQ(again.status, 200u);
  EXPECT_FALSE(again.reused);
  EXPECT_GT(again.spent.connect_us, 0);
  EXPECT_EQ(requests, 3);
  c.reset();
}

TEST(client, a_kept_connection_that_dies_in_the_answer_is_not_replaced) {
  receiver r{[](raw_socket c, int) {
    c.message();
    c.say(ok);
    c.message();
    c.say("HTTP/1.1 200 OK\r\nConte");
  }};
  auto c = client::open({}, loopback_allowed());
  EXPECT_EQ(call(*c, to(local(r.port()))).status, 200u);
  auto cut = call(*c, to(local(r.port())));
  EXPECT_EQ(cut.error, transport_error::reset);
  EXPECT_TRUE(cut.reused);
  c.reset();
}

TEST(client, words_that_nobody_asked_for_end_a_kept_connection) {
  receiver r{[](raw_socket c, int n) {
    c.message();
    // In one piece with the answer: later, it could not be told from an answer to the next request.
    c.say(n == 0 ? std::string{ok} + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil" : std::string{ok});
    c.rest();
  }};
  auto c = client::open({}, loopback_allowed());
  EXPECT_EQ(call(*c, to(local(r.port()))).body, "ok");
  EXPECT_EQ(call(*c, to(local(r.port()))).body, "ok");
  c.reset();
}

TEST(client, beyond_the_idle_connections_in_all_the_longest_idle_is_closed) {
  auto make = [] { return *server::open({}, [](auto, reply to) { to.send({}); }); };
  auto one = make(), two = make(), three = make();
  client_options o;
  o.idle_in_all = 2;
  auto c = client::open(o, loopback_allowed());
  for (auto* s : {&one, &two, &three})
    EXPECT_FALSE(call(*c, to(local((*s)->port()))).reused);
  EXPECT_TRUE(call(*c, to(local(two->port()))).reused);
  EXPECT_TRUE(call(*c, to(local(three->port()))).reused);
  EXPECT_FALSE(call(*c, to(local(one->port()))).reused);
}

} // namespace
