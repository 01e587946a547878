#include "http/server.hpp"
#include "tests/integration/http/calls.hpp"
#include "tests/integration/http/raw_socket.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>

namespace {

using namespace hourglass::http;
using namespace hourglass::http::testing;

const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A receiver whose whole behaviour is one function, run for each connection in turn.
class receiver {
public:
  explicit receiver(std::function<void(raw_socket, int)> behaviour)
      : thread_([this, behaviour = std::move(behaviour)] {
          for (int n = 0;; ++n) {
            auto c = listener_.accept();
            if (ended_ || !c.good())
              return;
            behaviour(std::move(c), n);
          }
        }) {}
  ~receiver() {
    ended_ = true;
    auto wakes_accept = raw_socket::connect(port());
    thread_.join();
  }
  std::uint16_t port() const { return listener_.port(); }

private:
  raw_listener listener_;
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

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

TEST(client, a_receiver_that_hangs_costs_the_deadline_and_no_more) {
  receiver r{[](raw_socket c, int) { c.rest(); }};
  auto c = client::open({}, loopback_allowed());
  auto e = to(local(r.port()));
  e.deadline = 100ms;
  auto result = call(*c, e);
  EXPECT_EQ(result.error, transport_error::timeout);
  EXPECT_EQ(result.status, 0u);
  EXPECT_NE(result.detail.find("while waiting for the answer"), std::string::npos) << result.detail;
  EXPECT_GE(result.spent.total_us, 95'000);
}

TEST(client, a_receiver_that_never_accepts_costs_the_deadline) {
  raw_listener silent{128}; // the kernel accepts; nobody reads
  auto c = client::open({}, loopback_allowed());
  auto e = to(local(silent.port()), std::string(20'000'000, 'x'));
  e.deadline = 150ms;
  auto result = call(*c, e);
  EXPECT_EQ(result.error, transport_error::timeout);
  EXPECT_NE(result.detail.find("while sending the request"), std::string::npos) << result.detail;
}

TEST(client, a_slow_drip_ends_at_the_deadline_with_what_came) {
  std::atomic<bool> end{false};
  receiver r{[&](raw_socket c, int) {
    c.message();
    c.say("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    while (!end && c.say("x"))
      std::this_thread::sleep_for(5ms);
  }};
  auto c = client::open({}, loopback_allowed());
  auto e = to(local(r.port()));
  e.deadline = 150ms;
  auto result = call(*c, e);
  end = true;
  EXPECT_EQ(result.error, transport_error::timeout);
  EXPECT_EQ(result.status, 200u);
  EXPECT_FALSE(result.body.empty());
  EXPECT_NE(result.detail.find("in the answer's body"), std::string::npos) << result.detail;
}

TEST(client, an_endless_body_is_cut_and_is_no_error) {
  receiver r{[](raw_socket c, int) {
    c.message();
    c.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    std::string chunk = "1000\r\n" + std::string(4'096, 'x') + "\r\n";
    while (c.say(chunk))
      ;
  }};
  auto c = client::open({}, loopback_allowed());
  auto result = call(*c, to(local(r.port())));
  EXPECT_EQ(result.error, transport_error::none) << result.detail;
  EXPECT_EQ(result.status, 200u);
  EXPECT_TRUE(result.truncated);
  EXPECT_EQ(result.body.size(), 16u * 1024);
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

TEST(client, interim_answers_without_end_are_malformed) {
  receiver r{[](raw_socket c, int) {
    c.message();
    while (c.say("HTTP/1.1 100 Continue\r\n\r\n"))
      ;
  }};
  auto c = client::open({}, loopback_allowed());
  EXPECT_EQ(call(*c, to(local(r.port()))).error, transport_error::malformed);
}

struct rude {
  const char* says;
  transport_error error;
  unsigned status;
};
class rude_receiver : public ::testing::TestWithParam<rude> {};

TEST_P(rude_receiver, is_recorded_for_what_it_was) {
  receiver r{[](raw_socket c, int) {
    c.message();
    c.say(GetParam().says);
  }};
  auto c = client::open({}, loopback_allowed());
  auto result = call(*c, to(local(r.port())));
  EXPECT_EQ(result.error, GetParam().error) << result.detail;
  EXPECT_EQ(result.status, GetParam().status);
  EXPECT_EQ(result.detail.empty(), GetParam().error == transport_error::none);
}

INSTANTIATE_TEST_SUITE_P(all, rude_receiver,
                         ::testing::Values(rude{"", transport_error::reset, 0}, rude{"HTTP/1.1 20", transport_error::reset, 0},
                                           rude{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", transport_error::reset, 200},
                                           rude{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc", transport_error::reset, 200},
                                           rude{"SSH-2.0-OpenSSH_9.2p1 Debian\r\n", transport_error::malformed, 0},
                                           rude{"\x15\x03\x03\x02\x02\x0a garbage garbage", transport_error::malformed, 0},
                                           rude{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", transport_error::malformed, 200},
                                           rude{"HTTP/1.0 200 OK\r\n\r\nuntil the end", transport_error::none, 200},
                                           rude{"HTTP/1.1 410 Gone\r\n\r\n", transport_error::none, 410}));

TEST(client, a_reset_is_told_from_an_end) {
  receiver r{[](raw_socket c, int) {
    c.message();
    c.reset();
  }};
  auto c = client::open({}, loopback_allowed());
  auto result = call(*c, to(local(r.port())));
  EXPECT_EQ(result.error, transport_error::reset);
  EXPECT_NE(result.detail.find("before the answer began"), std::string::npos);
}

TEST(client, a_closed_port_is_a_connect_error) {
  std::uint16_t port;
  {
    raw_listener gone;
    port = gone.port();
  }
  auto c = client::open({}, loopback_allowed());
  auto result = call(*c, to(local(port)));
  EXPECT_EQ(result.error, transport_error::connect);
  EXPECT_NE(result.detail.find("127.0.0.1:" + std::to_string(port)), std::string::npos);
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

// -- who waits ----------------------------------------------------------------------

TEST(client, beyond_the_connections_of_an_origin_requests_wait_their_turn) {
  std::mutex mutex;
  std::vector<std::string> order;
  std::atomic<int> connections{0};
  receiver r{[&](raw_socket c, int) {
    while (true) {
      auto text = c.message();
      if (text.empty())
        return;
      if (text.find("/0 ") != std::string::npos)
        ++connections;
      std::lock_guard lock{mutex};
      order.push_back(text.substr(6, text.find(' ', 6) - 6));
      c.say(ok);
    }
  }};
  client_options o;
  o.connections_per_origin = 1;
  auto c = client::open(o, loopback_allowed());
  std::vector<std::future<exchange_result>> all;
  for (int i = 0; i < 20; ++i)
    all.push_back(begin(*c, to(local(r.port(), "/" + std::to_string(i)))));
  std::vector<std::string> expected;
  for (int i = 0; i < 20; ++i) {
    auto result = wait(all[static_cast<std::size_t>(i)]);
    EXPECT_EQ(result.status, 200u) << result.detail;
    EXPECT_EQ(result.reused, i != 0);
    expected.push_back(std::to_string(i));
  }
  c.reset();
  EXPECT_EQ(order, expected);
}

/// Answers at once, but not under /hang: those it holds until the test lets them go.
class choosy_receiver {
public:
  std::uint16_t port() const { return server_->port(); }
  std::uint64_t open() const { return server_->counters().open; }
  void wait_for(std::size_t held) {
    std::unique_lock lock{mutex_};
    more_.wait(lock, [&] { return held_.size() >= held; });
  }
  std::size_t held() {
    std::lock_guard lock{mutex_};
    return held_.size();
  }
  void let_go() {
    std::lock_guard lock{mutex_};
    hangs_ = false;
    for (auto& r : held_)
      r.send({});
    held_.clear();
  }

private:
  void take(const request& r, reply to) {
    std::lock_guard lock{mutex_};
    if (!hangs_ || !r.target.starts_with("/hang"))
      return to.send({});
    held_.push_back(std::move(to));
    more_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable more_;
  std::vector<reply> held_;
  bool hangs_ = true;
  std::unique_ptr<server> server_ = *server::open({}, [this](auto r, reply to) { take(*r, std::move(to)); });
};

exchange from(std::string owner, exchange what) {
  what.owner = std::move(owner);
  return what;
}

TEST(client, waiting_for_a_connection_fails_nothing_and_leaves_all_of_the_time) {
  choosy_receiver r;
  client_options o;
  o.connections_per_origin = 1;
  auto c = client::open(o, loopback_allowed());
  auto slow = to(local(r.port(), "/hang"));
  slow.deadline = 2'500ms;
  auto first = begin(*c, slow);
  r.wait_for(1);
  auto e = to(local(r.port()));
  e.deadline = 2s; // less than it has to wait
  auto second = call(*c, e);
  EXPECT_EQ(second.error, transport_error::none) << second.detail;
  EXPECT_EQ(second.status, 200u);
  EXPECT_GT(second.spent.queue_us, 2'000'000);
  EXPECT_EQ(wait(first).error, transport_error::timeout);
}

TEST(client, an_owner_whose_exchanges_hang_does_not_hold_up_another_at_the_same_origin) {
  choosy_receiver r;
  client_options o;
  o.connections_per_origin = 2;
  auto c = client::open(o, loopback_allowed());
  std::vector<std::future<exchange_result>> stuck;
  for (int i = 0; i < 10; ++i)
    stuck.push_back(begin(*c, from("a", to(local(r.port(), "/hang" + std::to_string(i))))));
  r.wait_for(2);
  EXPECT_EQ(call(*c, from("b", to(local(r.port(), "/ok")))).status, 200u);
  EXPECT_EQ(r.held(), 2u);
  r.let_go();
  for (auto& f : stuck)
    EXPECT_EQ(wait(f).status, 200u);
}

TEST(client, connections_in_all_are_capped_and_shared_out_among_owners) {
  choosy_receiver one, two, three;
  client_options o;
  o.connections = 8;
  auto c = client::open(o, loopback_allowed());
  std::vector<std::future<exchange_result>> stuck;
  for (int i = 0; i < 30; ++i)
    for (auto* r : {&one, &two, &three})
      stuck.push_back(begin(*c, from("a", to(local(r->port(), "/hang")))));
  one.wait_for(2), two.wait_for(1), three.wait_for(1); // half of eight, and its origins in turn
  for (int i = 0; i < 30; ++i)
    stuck.push_back(begin(*c, from("b", to(local(one.port(), "/hang")))));
  one.wait_for(4); // b's two of the four that were left: a third would leave fewer than it has
  EXPECT_EQ(call(*c, from("c", to(local(two.port(), "/ok")))).status, 200u);
  EXPECT_EQ(call(*c, from("d", to(local(three.port(), "/ok")))).status, 200u);
  EXPECT_LE(one.open() + two.open() + three.open(), 8u);
  EXPECT_EQ(one.held() + two.held() + three.held(), 6u);
  for (auto* r : {&one, &two, &three})
    r->let_go();
  for (auto& f : stuck)
    EXPECT_EQ(wait(f).status, 200u);
}

TEST(client, an_idle_connection_makes_room_for_one_to_another_origin) {
  choosy_receiver one, two;
  client_options o;
  o.connections = 1;
  auto c = client::open(o, loopback_allowed());
  for (int i = 0; i < 3; ++i)
    for (auto* r : {&one, &two})
      EXPECT_EQ(call(*c, to(local(r->port()))).status, 200u);
  EXPECT_TRUE(call(*c, to(local(two.port()))).reused);
}

TEST(client, thousands_that_wait_for_an_address_that_is_refused_all_get_their_answer) {
  client_options o;
  o.connections_per_origin = 1;
  auto c = client::open(o, std::make_shared<egress_guard>(std::vector<cidr>{}, std::vector<egress_guard::endpoint>{}));
  std::vector<std::future<exchange_result>> all;
  for (int i = 0; i < 5'000; ++i)
    all.push_back(begin(*c, to("http://10.0.0.1/")));
  for (auto& f : all)
    ASSERT_EQ(wait(f).error, transport_error::refused_by_guard);
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

TEST(client, a_hanging_origin_does_not_delay_another) {
  receiver hangs{[](raw_socket c, int) { c.rest(); }};
  receiver fine{[](raw_socket c, int) {
    while (!c.message().empty())
      c.say(ok);
  }};
  auto c = client::open({}, loopback_allowed());
  std::vector<std::future<exchange_result>> stuck;
  for (int i = 0; i < 100; ++i)
    stuck.push_back(begin(*c, to(local(hangs.port()))));
  for (int i = 0; i < 50; ++i)
    ASSERT_EQ(call(*c, to(local(fine.port()))).status, 200u);
  c->stop(0ms);
  for (auto& f : stuck)
    EXPECT_EQ(wait(f).error, transport_error::cancelled);
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

} // namespace
