#include "tests/integration/http/calls.hpp"
#include "tests/integration/http/receiver.hpp"
#include "tests/support/forwarding_proxy.hpp"
#include "tests/support/tls_receiver.hpp"

namespace {

using namespace hourglass::http;
using namespace hourglass::http::testing;
using namespace std::string_literals;
using hourglass::testing::forwarding_proxy;
using hourglass::testing::make_identity;
using hourglass::testing::tls_receiver;
using kind = proxy::kind;

using addresses = std::vector<std::array<std::uint8_t, 16>>;

client::resolver always(addresses list) {
  return [list](const std::string&) -> tl::expected<addresses, std::string> { return list; };
}

proxy at(std::uint16_t port, kind speaks, std::string username = {}, std::string password = {}, bool guarded = true) {
  return {speaks, false, "127.0.0.1", port, std::move(username), std::move(password), guarded};
}

std::shared_ptr<const transport> through(proxy p, tls_identity tls = {}) { return std::make_shared<const transport>(std::move(tls), std::move(p)); }

std::unique_ptr<client> behind(proxy p, std::vector<std::string> past = {}, client::resolver names = {}) {
  client_options o;
  p.guarded = false;
  o.through = std::move(p);
  o.past = proxy_exceptions::parse(past).value();
  return client::open(o, loopback_allowed(), std::move(names));
}

exchange by(std::uint16_t port, std::shared_ptr<const transport> way, std::chrono::milliseconds deadline = 10s) {
  auto e = to(local(port));
  e.way = std::move(way);
  e.deadline = deadline;
  return e;
}

/// Answers each request of a connection, until it ends.
void serve_all(raw_socket c, int) {
  while (!c.message().empty())
    c.say(ok);
}

/// What a proxy says, and then stays silent until the client goes.
auto saying(std::string text, bool hears_first = true) {
  return [text = std::move(text), hears_first](raw_socket c, int) {
    if (hears_first)
      c.some();
    c.say(text);
    c.rest();
  };
}

class of_both_kinds : public ::testing::TestWithParam<kind> {};
INSTANTIATE_TEST_SUITE_P(proxies, of_both_kinds, ::testing::Values(kind::connect, kind::socks5),
                         [](const auto& which) { return which.param == kind::connect ? "connect" : "socks5"; });

TEST_P(of_both_kinds, carry_plain_http_to_the_address_and_are_told_of) {
  receiver r{serve_all};
  forwarding_proxy p{GetParam()};
  auto c = client::open({}, loopback_allowed(), always({address("127.0.0.1")}));
  auto e = to("http://hook.test:" + std::to_string(r.port()) + "/x");
  e.way = through(at(p.port(), GetParam()));
  auto got = call(*c, e);
  ASSERT_EQ(got.status, 200u) << got.detail;
  EXPECT_EQ(got.peer, "127.0.0.1:" + std::to_string(r.port()));
  EXPECT_EQ(got.via, "127.0.0.1:" + std::to_string(p.port()));
  EXPECT_GT(got.spent.connect_us, 0);
  EXPECT_EQ(p.asked(), std::vector<std::string>{got.peer}) << "an address, never the name";
  EXPECT_TRUE(call(*c, e).reused);
  EXPECT_EQ(p.asked().size(), 1u);
  EXPECT_NE(p.heard().find("POST /x HTTP/1.1\r\nHost: hook.test:"), std::string::npos);
}

TEST_P(of_both_kinds, carry_tls_that_they_cannot_read) {
  auto self = make_identity("hook.test");
  tls_receiver r{self};
  forwarding_proxy p{GetParam()};
  auto c = client::open({}, loopback_allowed(), always({address("127.0.0.1")}));
  auto e = to("https://hook.test:" + std::to_string(r.port()) + "/", "words of the body");
  e.way = through(at(p.port(), GetParam()), {self.certificate, {}, {}, {}});
  auto got = call(*c, e);
  ASSERT_EQ(got.status, 200u) << got.detail;
  EXPECT_EQ(p.heard().find("words of the body"), std::string::npos);
  EXPECT_NE(r.came().at(0).request.find("words of the body"), std::string::npos);
}

TEST_P(of_both_kinds, want_the_right_credentials) {
  receiver r{serve_all};
  forwarding_proxy p{GetParam(), "me", "s3cret"};
  auto c = client::open({}, loopback_allowed());
  EXPECT_EQ(call(*c, by(r.port(), through(at(p.port(), GetParam(), "me", "s3cret")))).status, 200u);
  auto without = call(*c, by(r.port(), through(at(p.port(), GetParam()))));
  EXPECT_EQ(without.error, transport_error::proxy) << without.detail;
  EXPECT_EQ(without.status, 0u);
}

TEST_P(of_both_kinds, are_never_asked_for_an_address_that_the_guard_refuses) {
  forwarding_proxy p{GetParam()};
  for (auto* target : {"169.254.169.254", "10.0.0.1", "::1"}) {
    auto c = client::open({}, loopback_allowed(), always({address(target)}));
    auto e = to("http://hook.test/");
    e.way = through(at(p.port(), GetParam()));
    EXPECT_EQ(call(*c, e).error, transport_error::refused_by_guard);
    EXPECT_EQ(call(*behind(at(p.port(), GetParam()), {}, always({address(target)})), to("http://hook.test/")).error, transport_error::refused_by_guard);
  }
  EXPECT_TRUE(p.asked().empty());
}

TEST_P(of_both_kinds, that_cannot_reach_one_address_are_asked_for_the_next) {
  std::atomic<int> ways{0};
  // Refuses the first address, and connects the second.
  receiver p{[&](raw_socket c, int n) {
    const bool socks = GetParam() == kind::socks5;
    if (socks) {
      c.some();
      c.say("\x05\x00"s);
    }
    auto asked = c.some();
    ++ways;
    if (n == 0) {
      c.say(socks ? "\x05\x04\x00\x01\0\0\0\0\0\0"s : "HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n");
      c.rest();
      return;
    }
    EXPECT_EQ(asked.find(socks ? "\xc0\x00\x02\x02"s : "CONNECT 192.0.2.2:"s) == std::string::npos, false);
    c.say(socks ? "\x05\x00\x00\x01\0\0\0\0\0\0"s : "HTTP/1.1 200 OK\r\n\r\n");
    c.message();
    c.say(ok);
    c.rest();
  }};
  auto open = std::make_shared<egress_guard>(std::vector<cidr>{*cidr::parse("127.0.0.0/8"), *cidr::parse("192.0.2.0/24")}, std::vector<egress_guard::endpoint>{});
  auto c = client::open({}, open, always({address("192.0.2.1"), address("192.0.2.2")}));
  auto e = to("http://hook.test/");
  e.way = through(at(p.port(), GetParam()));
  auto got = call(*c, e);
  EXPECT_EQ(got.status, 200u) << got.detail;
  EXPECT_EQ(got.peer, "192.0.2.2:80");
  EXPECT_EQ(ways, 2);
}

TEST_P(of_both_kinds, that_are_silent_about_one_address_leave_time_for_the_next) {
  receiver p{[&](raw_socket c, int n) {
    const bool socks = GetParam() == kind::socks5;
    if (socks) {
      c.some();
      c.say("\x05\x00"s);
    }
    c.some();
    if (n == 0) {
      c.rest();
      return;
    }
    c.say(socks ? "\x05\x00\x00\x01\0\0\0\0\0\0"s : "HTTP/1.1 200 OK\r\n\r\n");
    c.message();
    c.say(ok);
    c.rest();
  }};
  auto open = std::make_shared<egress_guard>(std::vector<cidr>{*cidr::parse("127.0.0.0/8"), *cidr::parse("192.0.2.0/24")}, std::vector<egress_guard::endpoint>{});
  auto c = client::open({}, open, always({address("192.0.2.1"), address("192.0.2.2")}));
  auto e = to("http://hook.test/");
  e.deadline = 4s;
  e.way = through(at(p.port(), GetParam()));
  auto got = call(*c, e);
  EXPECT_EQ(got.status, 200u) << got.detail;
  EXPECT_EQ(got.peer, "192.0.2.2:80");
}

TEST_P(of_both_kinds, that_drip_end_at_the_deadline) {
  receiver p{[](raw_socket c, int) {
    c.some();
    c.say(GetParam() == kind::socks5 ? "\x05" : "HTTP/1.1 200 OK\r\nX: ");
    while (GetParam() == kind::connect && c.say("x"))
      std::this_thread::sleep_for(5ms);
    c.rest();
  }};
  auto c = client::open({}, loopback_allowed());
  auto got = call(*c, by(9, through(at(p.port(), GetParam())), 200ms));
  EXPECT_EQ(got.error, transport_error::timeout) << got.detail;
  EXPECT_EQ(got.status, 0u);
}

TEST_P(of_both_kinds, that_are_silent_are_a_timeout_that_says_so) {
  receiver p{[](raw_socket c, int) { c.rest(); }};
  auto c = client::open({}, loopback_allowed());
  auto got = call(*c, by(9, through(at(p.port(), GetParam())), 150ms));
  EXPECT_EQ(got.error, transport_error::timeout);
  EXPECT_NE(got.detail.find("while the proxy"), std::string::npos) << got.detail;
}

TEST_P(of_both_kinds, that_close_or_refuse_or_speak_otherwise_are_a_proxy_error) {
  const auto deaf = [](raw_socket c, int) { c.some(); };
  for (const auto& behaviour : std::vector<std::function<void(raw_socket, int)>>{
           deaf, saying("SSH-2.0-OpenSSH\r\n"), saying(GetParam() == kind::socks5 ? "\x05\xff"s : "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"),
           saying(GetParam() == kind::socks5 ? "\x05\x07"s : "HTTP/1.1 200 OK\r\nX: "s + std::string(40'000, 'x'))}) {
    receiver p{behaviour};
    auto c = client::open({}, loopback_allowed());
    auto got = call(*c, by(9, through(at(p.port(), GetParam()))));
    EXPECT_EQ(got.error, transport_error::proxy) << got.detail;
    EXPECT_FALSE(got.detail.empty());
  }
}

TEST_P(of_both_kinds, that_say_more_than_that_the_way_is_open_are_not_believed) {
  const auto open = GetParam() == kind::socks5 ? "\x05\x00\x00\x01\0\0\0\0\0\0"s : "HTTP/1.1 200 OK\r\n\r\n"s;
  receiver p{[&](raw_socket c, int) {
    c.some();
    if (GetParam() == kind::socks5) {
      c.say("\x05\x00"s);
      c.some();
    }
    c.say(open + ok); // an answer to a request that nobody has sent
    c.rest();
  }};
  auto c = client::open({}, loopback_allowed());
  auto got = call(*c, by(9, through(at(p.port(), GetParam()))));
  EXPECT_EQ(got.error, transport_error::proxy) << got.detail;
  EXPECT_EQ(got.status, 0u);
}

TEST_P(of_both_kinds, that_nobody_listens_at_are_a_proxy_error) {
  std::uint16_t port = 0;
  { port = raw_listener{}.port(); }
  auto c = client::open({}, loopback_allowed());
  auto got = call(*c, by(9, through(at(port, GetParam()))));
  EXPECT_EQ(got.error, transport_error::proxy);
  EXPECT_NE(got.detail.find("the proxy 127.0.0.1:"), std::string::npos) << got.detail;
}

TEST_P(of_both_kinds, that_an_endpoint_names_are_judged_by_the_guard_and_the_operators_is_not) {
  forwarding_proxy p{GetParam()};
  receiver r{serve_all};
  auto closed = std::make_shared<egress_guard>(std::vector<cidr>{}, std::vector<egress_guard::endpoint>{});
  auto c = client::open({}, closed, always({address("93.184.216.34")}));
  auto e = to("http://hook.test:" + std::to_string(r.port()) + "/");
  e.way = through(at(p.port(), GetParam()));
  auto got = call(*c, e);
  EXPECT_EQ(got.error, transport_error::refused_by_guard);
  EXPECT_NE(got.detail.find("proxy"), std::string::npos) << got.detail;
  client_options o;
  o.through = at(p.port(), GetParam(), {}, {}, false);
  auto operators = client::open(o, closed, always({address("93.184.216.34")}));
  e.way = nullptr;
  EXPECT_EQ(call(*operators, e).status, 200u); // this proxy dials loopback whatever it is asked for
  EXPECT_EQ(p.asked(), std::vector<std::string>{"93.184.216.34:" + std::to_string(r.port())});
}

TEST_P(of_both_kinds, do_not_share_connections_with_other_ways) {
  receiver r{[](raw_socket c, int) {
    std::thread{[kept = std::make_shared<raw_socket>(std::move(c))] { serve_all(std::move(*kept), 0); }}.detach();
  }};
  forwarding_proxy p{GetParam()}, q{GetParam()};
  auto c = client::open({}, loopback_allowed());
  EXPECT_FALSE(call(*c, by(r.port(), through(at(p.port(), GetParam())))).reused);
  EXPECT_FALSE(call(*c, by(r.port(), nullptr)).reused);
  EXPECT_FALSE(call(*c, by(r.port(), through(at(q.port(), GetParam())))).reused);
  EXPECT_FALSE(call(*c, by(r.port(), through(at(p.port(), GetParam(), "other", "user")))).reused);
  EXPECT_TRUE(call(*c, by(r.port(), through(at(p.port(), GetParam())))).reused);
  EXPECT_TRUE(call(*c, by(r.port(), nullptr)).reused);
}

TEST(operators_proxy, carries_all_but_the_exceptions_and_those_that_go_direct) {
  receiver r{[](raw_socket c, int) {
    std::thread{[kept = std::make_shared<raw_socket>(std::move(c))] { serve_all(std::move(*kept), 0); }}.detach();
  }};
  forwarding_proxy p{kind::connect};
  auto c = behind(at(p.port(), kind::connect), {"inside.test", "elsewhere.test:1"}, always({address("127.0.0.1")}));
  auto url = [&](const std::string& host) { return to("http://" + host + ":" + std::to_string(r.port()) + "/"); };
  EXPECT_EQ(call(*c, url("outside.test")).via, "operator") << "where it stands is not told";
  EXPECT_TRUE(call(*c, url("a.inside.test")).via.empty());
  EXPECT_FALSE(call(*c, url("elsewhere.test")).via.empty()) << "another port";
  auto direct = url("outside.test");
  direct.way = std::make_shared<const transport>(tls_identity{}, std::nullopt, true);
  auto got = call(*c, direct);
  EXPECT_EQ(got.status, 200u);
  EXPECT_TRUE(got.via.empty());
  EXPECT_FALSE(got.reused) << "not over the way through the proxy";
  EXPECT_EQ(p.asked().size(), 2u);
}

TEST(operators_proxy, is_not_used_for_addresses_in_a_network_that_goes_past_it) {
  receiver r{serve_all};
  forwarding_proxy p{kind::socks5};
  auto c = behind(at(p.port(), kind::socks5), {"127.0.0.0/8"}, always({address("127.0.0.1")}));
  EXPECT_TRUE(call(*c, to("http://hook.test:" + std::to_string(r.port()) + "/")).via.empty());
  EXPECT_TRUE(p.asked().empty());
}

TEST(operators_proxy, gives_way_to_that_of_the_endpoint) {
  receiver r{serve_all};
  forwarding_proxy p{kind::connect}, q{kind::socks5};
  auto c = behind(at(p.port(), kind::connect));
  auto got = call(*c, by(r.port(), through(at(q.port(), kind::socks5))));
  EXPECT_EQ(got.via, "127.0.0.1:" + std::to_string(q.port())) << got.detail;
  EXPECT_TRUE(p.asked().empty());
}

TEST(operators_proxy, is_not_named_when_it_fails) {
  std::uint16_t port = 0;
  {
    receiver gone{[](raw_socket c, int) { c.rest(); }};
    port = gone.port();
  }
  auto c = behind(at(port, kind::connect));
  auto got = call(*c, to("http://127.0.0.1:9/"));
  EXPECT_EQ(got.error, transport_error::proxy);
  EXPECT_NE(got.detail.find("cannot connect to the operator's proxy"), std::string::npos) << got.detail;
  EXPECT_EQ(got.detail.find(std::to_string(port)), std::string::npos) << got.detail;
}

TEST(proxy_names, are_resolved_within_the_time_for_names) {
  client_options o;
  o.dns_time = 50ms;
  std::promise<void> release;
  auto released = release.get_future().share();
  auto c = client::open(o, loopback_allowed(), [released](const std::string& host) -> tl::expected<addresses, std::string> {
    if (host == "proxy.test")
      released.wait();
    return addresses{address("127.0.0.1")};
  });
  auto e = to("http://hook.test/");
  e.way = through({kind::connect, false, "proxy.test", 1, {}, {}, true});
  auto got = call(*c, e);
  release.set_value();
  EXPECT_EQ(got.error, transport_error::proxy);
  EXPECT_NE(got.detail.find("proxy.test was not resolved"), std::string::npos) << got.detail;
}

} // namespace
