#include "http/tunnel.hpp"

#include "http/egress.hpp"

#include <gtest/gtest.h>

namespace {

using namespace hourglass::http;
using namespace std::string_literals;
using progress = tunnel::progress;

proxy of(proxy::kind speaks, std::string username = {}, std::string password = {}) {
  return {speaks, false, "proxy.test", 1, std::move(username), std::move(password), true};
}
tunnel socks(std::string username = {}, std::string password = {}, std::string_view to = "192.0.2.1") {
  return {of(proxy::kind::socks5, std::move(username), std::move(password)), cidr::parse(to)->network, 443};
}
tunnel connect(std::string username = {}, std::string password = {}, std::string_view to = "192.0.2.1") {
  return {of(proxy::kind::connect, std::move(username), std::move(password)), cidr::parse(to)->network, 443};
}

/// Feeds `bytes` one by one, as they might come; what follows the end of the dialogue's step is left in `rest`.
progress feed(tunnel& t, std::string bytes, std::string* rest = nullptr) {
  std::string waiting;
  auto how = progress::more;
  for (std::size_t i = 0; i < bytes.size() && how == progress::more; ++i) {
    waiting += bytes[i];
    std::size_t used = 0;
    how = t.feed(waiting.data(), waiting.size(), used);
    waiting.erase(0, used);
    if (rest != nullptr)
      *rest = waiting + bytes.substr(i + 1);
  }
  return how;
}

TEST(socks, asks_for_the_address_and_is_let_through) {
  auto t = socks();
  EXPECT_EQ(t.to_say(), "\x05\x01\x00"s);
  EXPECT_EQ(feed(t, "\x05\x00"s), progress::say);
  EXPECT_EQ(t.to_say(), "\x05\x01\x00\x01\xc0\x00\x02\x01\x01\xbb"s);
  EXPECT_EQ(feed(t, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"s), progress::open);
}

TEST(socks, of_ipv6_asks_for_all_of_it) {
  auto t = socks({}, {}, "2001:db8::1");
  t.to_say();
  ASSERT_EQ(feed(t, "\x05\x00"s), progress::say);
  EXPECT_EQ(t.to_say(), "\x05\x01\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01\xbb"s);
}

TEST(socks, logs_in_if_it_is_asked_to) {
  auto t = socks("me", "s3cret");
  EXPECT_EQ(t.to_say(), "\x05\x02\x00\x02"s);
  ASSERT_EQ(feed(t, "\x05\x02"s), progress::say);
  EXPECT_EQ(t.to_say(), "\x01\x02me\x06s3cret"s);
  ASSERT_EQ(feed(t, "\x01\x00"s), progress::say);
  EXPECT_EQ(t.to_say().substr(0, 4), "\x05\x01\x00\x01"s);
  auto free = socks("me", "s3cret");
  free.to_say();
  ASSERT_EQ(feed(free, "\x05\x00"s), progress::say);
  EXPECT_EQ(free.to_say()[0], '\x05') << "it did not want to know";
}

TEST(socks, the_reply_ends_where_its_kind_of_address_says_and_the_rest_is_the_receivers) {
  for (auto& reply : {"\x05\x00\x00\x01\x01\x02\x03\x04\x00\x50"s, "\x05\x00\x00\x03\x04host\x00\x50"s, "\x05\x00\x00\x03\x00\x00\x50"s,
                      "\x05\x00\x00\x04"s + std::string(16, 'x') + "\x00\x50"s}) {
    auto t = socks();
    t.to_say();
    feed(t, "\x05\x00"s);
    t.to_say();
    std::size_t used = 0;
    auto all = reply + "MORE";
    EXPECT_EQ(t.feed(all.data(), all.size(), used), progress::open);
    EXPECT_EQ(used, reply.size());
  }
}

TEST(socks, what_it_refuses_is_told_and_whether_another_address_might_do) {
  struct {
    std::string says;
    std::string_view why;
    bool another;
  } const cases[] = {{"\x05\x00\x05\x05"s, "connection refused", true}, {"\x05\x00\x05\x02"s, "rules", true},  {"\x05\x00\x05\x63"s, "no name", true},
                     {"\x05\xff"s, "wants a user", false},              {"\x05\x01"s, "not offered", false},    {"\x04\x00"s, "does not speak SOCKS5", false},
                     {"HT"s, "does not speak SOCKS5", false},           {"\x05\x02"s, "not offered", false},    {"\x05\x00\x04\x00"s, "does not speak SOCKS5", false},
                     {"\x05\x00\x05\x00\x00\x07\x00"s, "does not speak SOCKS5", false}};
  for (auto& c : cases) {
    auto t = socks();
    t.to_say();
    auto how = feed(t, c.says.substr(0, 2));
    if (how == progress::say)
      how = feed(t, c.says.substr(2));
    EXPECT_EQ(how, progress::refused);
    EXPECT_NE(t.why().find(c.why), std::string::npos) << t.why();
    EXPECT_EQ(t.may_reach_another(), c.another) << t.why();
  }
  auto locked = socks("me", "s3cret");
  locked.to_say();
  feed(locked, "\x05\x02"s);
  EXPECT_EQ(feed(locked, "\x01\x01"s), progress::refused);
  EXPECT_EQ(locked.why().find("s3cret"), std::string::npos);
  std::size_t used = 0;
  EXPECT_EQ(locked.feed("\x05\x00", 2, used), progress::refused) << "and stays so";
}

TEST(connect, asks_for_the_address_and_never_for_a_name) {
  auto t = connect();
  EXPECT_EQ(t.to_say(), "CONNECT 192.0.2.1:443 HTTP/1.1\r\nHost: 192.0.2.1:443\r\n\r\n");
  EXPECT_EQ(connect({}, {}, "2001:db8::1").to_say(), "CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\n");
  EXPECT_EQ(connect("me", "s3cret").to_say(),
            "CONNECT 192.0.2.1:443 HTTP/1.1\r\nHost: 192.0.2.1:443\r\nProxy-Authorization: Basic bWU6czNjcmV0\r\n\r\n");
}

TEST(connect, is_let_through_by_2xx_whatever_the_header_says_of_a_body) {
  for (auto* answer : {"HTTP/1.1 200 Connection established\r\n\r\n", "HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\n", "HTTP/1.1 204 No\r\n\r\n",
                       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"}) {
    auto t = connect();
    t.to_say();
    EXPECT_EQ(feed(t, answer), progress::open) << answer << t.why();
  }
  auto t = connect();
  t.to_say();
  const std::string all = "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
  std::size_t used = 0;
  EXPECT_EQ(t.feed(all.data(), all.size(), used), progress::open);
  EXPECT_EQ(used, all.size() / 2) << "what follows is no part of it";
}

TEST(connect, what_it_refuses_is_told_and_whether_another_address_might_do) {
  struct {
    std::string answer;
    std::string_view why;
    bool another;
  } const cases[] = {{"HTTP/1.1 407 Auth\r\n\r\n", "wants a user", false},
                     {"HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\n", "answered 403", false},
                     {"HTTP/1.1 502 Bad\r\n\r\n", "answered 502", true},
                     {"HTTP/1.1 302 Go\r\nLocation: http://169.254.169.254/\r\n\r\n", "answered 302", false},
                     {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "does not speak HTTP", false},
                     {"HTTP/1.1 101 Switching\r\n\r\n", "answered 101", false}};
  for (auto& c : cases) {
    auto t = connect();
    t.to_say();
    EXPECT_EQ(feed(t, c.answer), progress::refused) << c.answer;
    EXPECT_NE(t.why().find(c.why), std::string::npos) << t.why();
    EXPECT_EQ(t.may_reach_another(), c.another) << t.why();
  }
  auto with = connect("me", "s3cret");
  with.to_say();
  feed(with, "HTTP/1.1 407 Auth\r\n\r\n");
  EXPECT_NE(with.why().find("did not accept"), std::string::npos);
  EXPECT_EQ(with.why().find("s3cret"), std::string::npos);
}

TEST(connect, interim_answers_and_headers_have_an_end) {
  auto t = connect();
  t.to_say();
  std::string endless;
  for (int i = 0; i < 5; ++i)
    endless += "HTTP/1.1 100 Continue\r\n\r\n";
  EXPECT_EQ(feed(t, endless), progress::refused);
  auto long_one = connect();
  long_one.to_say();
  const auto header = "HTTP/1.1 200 OK\r\nX: " + std::string(40'000, 'x');
  std::size_t used = 0;
  EXPECT_EQ(long_one.feed(header.data(), header.size(), used), progress::refused);
}

} // namespace
