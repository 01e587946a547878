#include "http/client.hpp"

#include <gtest/gtest.h>

namespace {

using namespace hourglass::http;

TEST(url, parts_are_taken_apart) {
  auto u = parse_url("https://Example.COM:8443/a/b?c=d");
  ASSERT_TRUE(u) << u.error();
  EXPECT_TRUE(u->secure);
  EXPECT_EQ(u->host, "example.com");
  EXPECT_EQ(u->port, 8443);
  EXPECT_EQ(u->target, "/a/b?c=d");
}

TEST(url, what_is_left_out_has_the_usual_value) {
  EXPECT_EQ(parse_url("http://h")->port, 80);
  EXPECT_EQ(parse_url("HTTPS://h")->port, 443);
  EXPECT_EQ(parse_url("http://h")->target, "/");
  EXPECT_EQ(parse_url("http://h?x=1")->target, "/?x=1");
}

TEST(url, an_ipv6_address_stands_in_brackets_and_comes_without) {
  auto u = parse_url("http://[2001:DB8::1]:81/x");
  ASSERT_TRUE(u) << u.error();
  EXPECT_EQ(u->host, "2001:db8::1");
  EXPECT_EQ(u->port, 81);
  EXPECT_EQ(parse_url("http://[::1]")->port, 80);
}

TEST(url, bytes_beyond_ascii_are_encoded_on_the_wire) { EXPECT_EQ(parse_url("http://h/\xc3\xbc?q=\xe2\x82\xac")->target, "/%C3%BC?q=%E2%82%AC"); }

TEST(url, everything_else_is_refused_with_a_sentence) {
  std::vector<std::string> bad{
      "", "h", "//h/", "ftp://h/", "http:/h", "http://", "http:///x", "http://u@h/", "http://u:p@h/", "http://h/#f", "http://h#f",
      "http://h:0/", "http://h:65536/", "http://h:x/", "http://h:/", "http://h:1:2/", "http://h h/", "http://h/a b", "http://h/\r\nX: y",
      "http://h/\x7f", std::string{"http://h/a\0b", 12}, "http://a..b/", "http://.a/", "http://h_%41/", "http://[::1/", "http://[::g]/",
      "http://::1/", "http://[127.0.0.1]/", "http://h\\@evil/", "http://h/a\\b", "http://h/<x>", "http://b\xc3\xbc" "cher.example/",
      "http://" + std::string(64, 'a') + "/", "http://" + std::string(254, 'a') + "/", "http://h/" + std::string(2'048, 'a'), "https://[fe80::1%25eth0]/"};
  for (const auto& text : bad) {
    auto u = parse_url(text);
    EXPECT_FALSE(u) << text;
    EXPECT_TRUE(u || !u.error().empty()) << text;
  }
}

} // namespace
