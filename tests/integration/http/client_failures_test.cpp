#include "tests/integration/http/calls.hpp"
#include "tests/integration/http/receiver.hpp"

#include <atomic>

namespace {

using namespace hourglass::http;
using namespace hourglass::http::testing;

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

/// A port that is taken, and takes no connection before `listen`.
struct sleeping_port {
  sleeping_port() : fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&at), size), 0);
    EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size), 0);
    port = ntohs(at.sin_port);
  }
  ~sleeping_port() { ::close(fd); }
  int fd;
  std::uint16_t port = 0;
};

/// When the second try comes is a matter of milliseconds, and of how busy the machine is: so this is tried until the port has opened between the two.
TEST(client, a_connection_that_is_refused_at_once_is_tried_once_more_and_nothing_was_sent_twice) {
  int requests = 0;
  for (int round = 0; round < 40; ++round) {
    auto one = client::open({}, loopback_allowed());
    sleeping_port p;
    std::thread opens{[&] {
      std::this_thread::sleep_for(std::chrono::milliseconds{20});
      ::listen(p.fd, 8);
      pollfd waits{p.fd, POLLIN, 0};
      if (::poll(&waits, 1, 500) != 1)
        return;
      raw_socket s{::accept4(p.fd, nullptr, nullptr, SOCK_CLOEXEC)};
      requests = s.message().empty() ? 0 : 1;
      s.say(ok);
      requests += s.some().empty() ? 0 : 1; // until the client goes
    }};
    auto result = call(*one, to(local(p.port)));
    one.reset();
    opens.join();
    if (result.error != transport_error::none || result.spent.connect_us < 45'000)
      continue;
    EXPECT_EQ(result.status, 200u);
    EXPECT_EQ(requests, 1);
    EXPECT_FALSE(result.reused);
    return;
  }
  ADD_FAILURE() << "never connected at the second try";
}

TEST(client, a_connection_that_is_refused_twice_has_failed_soon) {
  sleeping_port p;
  auto c = client::open({}, loopback_allowed());
  auto result = call(*c, to(local(p.port)));
  EXPECT_EQ(result.error, transport_error::connect);
  EXPECT_GE(result.spent.total_us, 45'000); // of 50'000: what is coarse about the clocks
  EXPECT_LT(result.spent.total_us, 5'000'000) << "and not again and again";
}

TEST(client, without_the_time_for_it_a_connection_is_tried_once) {
  sleeping_port p;
  auto c = client::open({}, loopback_allowed());
  auto what = to(local(p.port));
  what.deadline = std::chrono::milliseconds{40};
  auto result = call(*c, what);
  EXPECT_EQ(result.error, transport_error::connect) << result.detail;
}

} // namespace
