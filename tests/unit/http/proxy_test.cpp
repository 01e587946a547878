#include "http/proxy.hpp"

#include "http/egress.hpp"

#include <gtest/gtest.h>

namespace {

using namespace hourglass::http;

std::array<std::uint8_t, 16> address(std::string_view text) { return cidr::parse(text)->network; }

bool covers(const std::vector<std::string>& list, std::string_view host, std::uint16_t port = 443, std::string_view leads_to = "203.0.113.9") {
  auto read = proxy_exceptions::parse(list);
  EXPECT_TRUE(read) << read.error();
  return read && read->covers(host, address(leads_to), port);
}

TEST(proxies, are_read_from_a_url) {
  auto plain = parse_proxy("http://Proxy.test:3128", false).value();
  EXPECT_EQ(plain.speaks, proxy::kind::connect);
  EXPECT_EQ(plain.host, "proxy.test");
  EXPECT_EQ(plain.port, 3128);
  EXPECT_TRUE(plain.username.empty());
  EXPECT_TRUE(plain.guarded) << "unless somebody says otherwise";
  EXPECT_EQ(parse_proxy("http://proxy.test/", false)->port, 80);
  EXPECT_EQ(parse_proxy("SOCKS5://proxy.test", false)->port, 1080);
  auto socks = parse_proxy("socks5://[::1]:80", false).value();
  EXPECT_EQ(socks.speaks, proxy::kind::socks5);
  EXPECT_EQ(socks.host, "::1");
  EXPECT_EQ(socks.port, 80) << "as it says, though it is another scheme's usual one";
  auto tls = parse_proxy("https://proxy.test", false).value();
  EXPECT_TRUE(tls.secure);
  EXPECT_EQ(tls.speaks, proxy::kind::connect);
  EXPECT_EQ(tls.port, 443);
  EXPECT_FALSE(plain.secure);
  auto with = parse_proxy("http://me%40home:p%3Aw:%40@proxy.test:1", true).value();
  EXPECT_EQ(with.username, "me@home");
  EXPECT_EQ(with.password, "p:w:@");
}

TEST(proxies, that_cannot_be_used_are_refused_without_saying_a_password) {
  for (std::string bad : {"", "proxy.test:80", "socks4://proxy.test", "socks5h://proxy.test", "ftp://x", "http://", "http://a b", "http://p:0",
                          "http://p:99999", "http://p/path", "http://p?x", "http://p#x", "http://:s3cret@p", "http://a%00:s3cret@p", "http://a%3ab:s3cret@p",
                          "http://a:s3cret%0d%0a@p", "http://a:s3cret%zz@p"}) {
    auto read = parse_proxy(bad, true);
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().find("s3cret"), std::string::npos);
  }
  EXPECT_FALSE(parse_proxy("http://" + std::string(256, 'u') + ":p@proxy.test", true));
  EXPECT_FALSE(parse_proxy("http://user:s3cret@proxy.test", false)) << "where they are given beside it";
  EXPECT_NE(parse_proxy("socks5h://p", true).error().find("socks5"), std::string::npos);
}

TEST(proxy_exceptions, a_host_covers_itself_and_what_is_below) {
  EXPECT_TRUE(covers({"inside.test"}, "inside.test"));
  EXPECT_TRUE(covers({".Inside.test"}, "a.b.inside.test"));
  EXPECT_TRUE(covers({"inside.test"}, "inside.test."));
  EXPECT_FALSE(covers({"inside.test"}, "outside.test"));
  EXPECT_FALSE(covers({"inside.test"}, "notinside.test"));
  EXPECT_FALSE(covers({}, "inside.test"));
  EXPECT_TRUE(covers({"x.test", "*"}, "anything"));
}

TEST(proxy_exceptions, a_port_narrows_it) {
  EXPECT_TRUE(covers({"inside.test:8443"}, "inside.test", 8443));
  EXPECT_FALSE(covers({"inside.test:8443"}, "inside.test", 443));
  EXPECT_TRUE(covers({"[::1]:80"}, "::1", 80, "::1"));
  EXPECT_FALSE(covers({"[::1]:80"}, "::1", 81, "::1"));
  EXPECT_TRUE(covers({"*:80"}, "x", 80));
}

TEST(proxy_exceptions, a_network_covers_what_the_name_leads_to) {
  EXPECT_TRUE(covers({"10.0.0.0/8"}, "inside.test", 443, "10.1.2.3"));
  EXPECT_TRUE(covers({"10.1.2.3"}, "inside.test", 443, "10.1.2.3"));
  EXPECT_FALSE(covers({"10.1.2.3"}, "inside.test", 443, "10.1.2.4"));
  EXPECT_TRUE(covers({"fd00::/8"}, "inside.test", 443, "fd00::1"));
  EXPECT_TRUE(covers({"::1"}, "x", 443, "::1"));
}

TEST(proxy_exceptions, that_make_no_sense_are_refused) {
  for (std::string bad : {"", "a b", "10.0.0.0/99", "http://x", "a:b", "a:0", "a:70000", ":80", "a..b", "10.0.0.0/8:0"})
    EXPECT_FALSE(proxy_exceptions::parse({bad})) << bad;
  EXPECT_FALSE(proxy_exceptions::parse(std::vector<std::string>(257, "a")));
}

} // namespace
