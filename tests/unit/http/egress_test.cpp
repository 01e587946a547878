#include "http/egress.hpp"

#include <gtest/gtest.h>

namespace {

using namespace hourglass::http;

std::array<std::uint8_t, 16> at(std::string_view text) {
  auto c = cidr::parse(text);
  EXPECT_TRUE(c) << text;
  return c->network;
}

std::string ask(const egress_guard& guard, std::string_view address, std::uint16_t port = 443) { return guard.refusal(at(address), port); }

cidr net(std::string_view text) { return *cidr::parse(text); }

TEST(cidr, is_read_with_its_host_bits_cleared) {
  EXPECT_EQ(cidr::parse("10.1.2.3/8")->network, at("10.0.0.0"));
  EXPECT_EQ(cidr::parse("10.1.2.3/8")->bits, 104u);
  EXPECT_TRUE(net("10.0.0.0/8").contains(at("10.255.255.255")));
  EXPECT_FALSE(net("10.0.0.0/8").contains(at("11.0.0.0")));
  EXPECT_TRUE(net("172.16.0.0/12").contains(at("172.31.255.255")));
  EXPECT_FALSE(net("172.16.0.0/12").contains(at("172.32.0.0")));
  EXPECT_TRUE(net("fc00::/7").contains(at("fdff::1")));
  EXPECT_TRUE(net("0.0.0.0/0").contains(at("8.8.8.8")));
  EXPECT_FALSE(net("0.0.0.0/0").contains(at("2600::1")));
  EXPECT_TRUE(net("::ffff:10.0.0.0/104").contains(at("10.9.9.9")));
}

TEST(cidr, nonsense_is_refused) {
  for (auto bad : {"", "10", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "::/129", "fe80::/x", "host", "10.0.0.256", "1.2.3"})
    EXPECT_FALSE(cidr::parse(bad)) << bad;
}

struct refused_case {
  const char* address;
  const char* reason; ///< part of the sentence
};

class refused : public testing::TestWithParam<refused_case> {};

TEST_P(refused, with_a_sentence_that_names_the_range) {
  egress_guard guard{{}, {}};
  EXPECT_NE(ask(guard, GetParam().address).find(GetParam().reason), std::string::npos)
      << GetParam().address << ": '" << ask(guard, GetParam().address) << "'";
}

INSTANTIATE_TEST_SUITE_P(
    every_range, refused,
    testing::Values(
        // both ends of each IPv4 range
        refused_case{"0.0.0.0", "0.0.0.0/8"}, refused_case{"0.255.255.255", "0.0.0.0/8"}, refused_case{"10.0.0.0", "private"},
        refused_case{"10.255.255.255", "private"}, refused_case{"100.64.0.0", "100.64.0.0/10"}, refused_case{"100.127.255.255", "100.64.0.0/10"},
        refused_case{"127.0.0.1", "loopback"}, refused_case{"127.255.255.255", "loopback"}, refused_case{"169.254.0.0", "link-local"},
        refused_case{"169.254.255.255", "link-local"}, refused_case{"172.16.0.0", "private"}, refused_case{"172.31.255.255", "private"},
        refused_case{"192.0.0.0", "192.0.0.0/24"}, refused_case{"192.0.0.255", "192.0.0.0/24"}, refused_case{"192.0.2.1", "documentation"},
        refused_case{"192.88.99.1", "6to4"}, refused_case{"192.168.0.0", "private"}, refused_case{"192.168.255.255", "private"},
        refused_case{"198.18.0.0", "benchmarking"}, refused_case{"198.19.255.255", "benchmarking"}, refused_case{"198.51.100.7", "documentation"},
        refused_case{"203.0.113.7", "documentation"}, refused_case{"224.0.0.1", "multicast"}, refused_case{"239.255.255.255", "multicast"},
        refused_case{"240.0.0.1", "reserved"}, refused_case{"255.255.255.255", "broadcast"},
        // IPv6
        refused_case{"::", "unspecified"}, refused_case{"::1", "loopback"}, refused_case{"fe80::1", "link-local"}, refused_case{"febf::1", "link-local"},
        refused_case{"fc00::1", "unique-local"}, refused_case{"fdff::1", "unique-local"}, refused_case{"fec0::1", "site-local"},
        refused_case{"feff::1", "site-local"}, refused_case{"ff02::1", "multicast"}, refused_case{"2001:db8::1", "documentation"},
        refused_case{"3fff::1", "documentation"}, refused_case{"3fff:fff:ffff::1", "documentation"}, refused_case{"100::1", "discard"},
        refused_case{"2002:0808:0808::1", "6to4"}, refused_case{"64:ff9b::8.8.8.8", "NAT64"}, refused_case{"64:ff9b:1::8.8.8.8", "NAT64"},
        refused_case{"5f00::1", "segment-routing"}, refused_case{"2001::1", "Teredo"}, refused_case{"2001:0:ffff::1", "Teredo"},
        refused_case{"2001:2::1", "benchmarking"}, refused_case{"2001:10::1", "ORCHID"}, refused_case{"2001:20::1", "ORCHID"},
        refused_case{"::8.8.8.8", "IPv4-compatible"}, refused_case{"::10.0.0.1", "IPv4-compatible"}, refused_case{"::ffff:10.0.0.1", "private"},
        refused_case{"::ffff:127.0.0.1", "loopback"}, refused_case{"::ffff:0:8.8.8.8", "reserved"}, refused_case{"4000::1", "reserved"},
        refused_case{"200::1", "reserved"}, refused_case{"1::1", "reserved"}));

TEST(egress_guard, lets_the_open_internet_through) {
  egress_guard guard{{}, {}};
  for (auto fine : {"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
                    "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
                    "198.20.0.0", "223.255.255.255", "2606:4700::1111", "2001:4860:4860::8888", "2a00::1", "2003::1", "3ffe::1", "2001:1::5"})
    EXPECT_EQ(ask(guard, fine), "") << fine;
}

TEST(egress_guard, allow_opens_a_range_and_nothing_beside_it) {
  egress_guard guard{{net("127.0.0.0/8"), net("::1/128")}, {}};
  EXPECT_EQ(ask(guard, "127.0.0.1"), "");
  EXPECT_EQ(ask(guard, "::1"), "");
  EXPECT_NE(ask(guard, "10.0.0.1"), "");
  EXPECT_NE(ask(guard, "::"), "");
  EXPECT_NE(ask(guard, "::127.0.0.1"), "") << "the compatible form was not opened";
}

TEST(egress_guard, metadata_stays_refused_whatever_is_allowed) {
  egress_guard guard{{net("0.0.0.0/0"), net("::/0")}, {}};
  EXPECT_EQ(ask(guard, "10.0.0.1"), "");
  for (auto address : {"169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "169.254.170.2", "::ffff:169.254.169.254",
                       "::169.254.169.254", "64:ff9b::169.254.169.254", "64:ff9b:1::169.254.169.254", "64:ff9b:1:a9fe:a9:fe00::", "2002:a9fe:a9fe::1",
                       "2001:0:a9fe:a9fe::1", "2001:0:1:1::5601:5601", "::ffff:0:169.254.169.254"})
    EXPECT_NE(ask(guard, address).find("metadata"), std::string::npos) << address << ": '" << ask(guard, address) << "'";
}

TEST(egress_guard, an_opened_wrapping_still_checks_what_is_inside) {
  egress_guard guard{{net("2002::/16"), net("64:ff9b::/96"), net("2001::/32")}, {}};
  EXPECT_EQ(ask(guard, "2002:0808:0808::1"), "");
  EXPECT_EQ(ask(guard, "64:ff9b::8.8.8.8"), "");
  EXPECT_NE(ask(guard, "2002:0a00:0001::1").find("10.0.0.1 is a private"), std::string::npos);
  EXPECT_NE(ask(guard, "64:ff9b::192.168.1.1").find("192.168.1.1 is a private"), std::string::npos);
  // Teredo carries the client's address with its bits inverted: 127.0.0.1 is 80ff:fffe
  EXPECT_NE(ask(guard, "2001:0:808:808::80ff:fffe").find("127.0.0.1 is a loopback"), std::string::npos);
}

TEST(egress_guard, our_own_listener_stays_refused_whatever_is_allowed) {
  egress_guard guard{{net("0.0.0.0/0"), net("::/0")}, {{at("127.0.0.1"), 8080}}};
  EXPECT_NE(ask(guard, "127.0.0.1", 8080).find("this server itself"), std::string::npos);
  EXPECT_NE(ask(guard, "0.0.0.0", 8080).find("this server itself"), std::string::npos);
  EXPECT_NE(ask(guard, "64:ff9b::127.0.0.1", 8080).find("this server itself"), std::string::npos);
  EXPECT_EQ(ask(guard, "127.0.0.1", 8081), "");
}

// As `TestClassifyAddr` of Smokescreen: what a configuration makes of an address and a port.
struct rule_case {
  std::vector<const char*> allow, deny;
  const char* address;
  std::uint16_t port;
  const char* reason; ///< part of the sentence; null: let through
};

std::shared_ptr<const egress_guard> by(const std::vector<const char*>& allow, const std::vector<const char*>& deny,
                                       std::vector<egress_guard::endpoint> own = {}) {
  std::vector<egress_guard::rule> rules;
  for (const auto* text : allow)
    rules.push_back({host_pattern::parse(text).value(), true});
  for (const auto* text : deny)
    rules.push_back({host_pattern::parse(text).value(), false});
  return egress_guard::by_rules(std::move(rules), std::move(own));
}

class configured : public testing::TestWithParam<rule_case> {};

TEST_P(configured, the_closest_rule_holds) {
  const auto& c = GetParam();
  const auto why = ask(*by(c.allow, c.deny), c.address, c.port);
  if (c.reason == nullptr)
    EXPECT_EQ(why, "") << c.address << ":" << c.port;
  else
    EXPECT_NE(why.find(c.reason), std::string::npos) << c.address << ":" << c.port << ": '" << why << "'";
}

INSTANTIATE_TEST_SUITE_P(
    rules, configured,
    testing::Values(
        rule_case{{}, {"8.0.0.0/8"}, "8.8.8.8", 443, "denied by this server's configuration (8.0.0.0/8)"}, rule_case{{}, {"8.0.0.0/8"}, "9.9.9.9", 443, nullptr},
        rule_case{{}, {"8.8.8.8"}, "8.8.8.8", 1, "denied"}, rule_case{{}, {"8.8.8.8:25"}, "8.8.8.8", 25, "8.8.8.8:25"}, rule_case{{}, {"8.8.8.8:25"}, "8.8.8.8", 443, nullptr},
        rule_case{{}, {"0.0.0.0/0:25"}, "1.1.1.1", 25, "denied"}, rule_case{{}, {"0.0.0.0/0:25"}, "1.1.1.1", 26, nullptr},
        rule_case{{"10.0.0.0/8"}, {}, "10.1.2.3", 443, nullptr}, rule_case{{"10.0.0.0/8"}, {"10.1.0.0/16"}, "10.1.2.3", 443, "denied"},
        rule_case{{"10.0.0.0/8"}, {"10.1.0.0/16"}, "10.2.2.3", 443, nullptr}, rule_case{{"10.1.2.3"}, {"10.0.0.0/8"}, "10.1.2.3", 443, nullptr},
        rule_case{{"10.1.2.3"}, {"10.0.0.0/8"}, "10.1.2.4", 443, "denied"}, rule_case{{"10.1.2.3:8080"}, {}, "10.1.2.3", 8080, nullptr},
        rule_case{{"10.1.2.3:8080"}, {}, "10.1.2.3", 8081, "private"}, rule_case{{"10.1.2.3:8080"}, {"10.1.2.3"}, "10.1.2.3", 8080, nullptr},
        rule_case{{"10.1.2.3"}, {"10.1.2.3:22"}, "10.1.2.3", 22, "denied"}, rule_case{{"10.1.2.3"}, {"10.1.2.3:22"}, "10.1.2.3", 443, nullptr},
        rule_case{{"10.0.0.0/8"}, {"10.0.0.0/8"}, "10.0.0.1", 443, "denied"}, rule_case{{"10.0.0.0/8:443"}, {}, "10.0.0.1", 443, nullptr},
        rule_case{{"10.0.0.0/8:443"}, {}, "10.0.0.1", 80, "private"}, rule_case{{"[fd00::/8]:443"}, {}, "fd12::1", 443, nullptr},
        rule_case{{"[fd00::/8]:443"}, {}, "fd12::1", 80, "unique-local"}, rule_case{{}, {"2600::/12"}, "2606:4700::1111", 443, "denied"},
        rule_case{{}, {"2606:4700::1111"}, "2606:4700::1111", 443, "denied"}, rule_case{{"1.1.1.1"}, {"0.0.0.0/0", "::/0"}, "1.1.1.1", 443, nullptr},
        rule_case{{"1.1.1.1"}, {"0.0.0.0/0", "::/0"}, "1.0.0.1", 443, "denied"}, rule_case{{"1.1.1.1"}, {"0.0.0.0/0", "::/0"}, "2606:4700::1111", 443, "denied"},
        // what is wrapped is judged like what is not
        rule_case{{"64:ff9b::/96"}, {"8.8.8.8"}, "64:ff9b::8.8.8.8", 443, "8.8.8.8 is denied"}, rule_case{{}, {"8.8.8.8"}, "::ffff:8.8.8.8", 443, "denied"},
        // and what is never opened stays closed
        rule_case{{"0.0.0.0/0", "169.254.169.254", "169.254.169.254:80"}, {}, "169.254.169.254", 80, "metadata"},
        rule_case{{"::/0", "fd00:ec2::254"}, {}, "fd00:ec2::254", 80, "metadata"}));

TEST(egress_guard, our_own_listener_is_opened_by_no_rule) {
  auto guard = by({"127.0.0.0/8", "127.0.0.1:8080", "localhost:8080"}, {}, {{at("127.0.0.1"), 8080}});
  EXPECT_NE(ask(*guard, "127.0.0.1", 8080).find("this server itself"), std::string::npos);
  EXPECT_EQ(ask(*guard, "127.0.0.1", 8081), "");
}

TEST(egress_guard, hosts_are_denied_and_allowed_by_name_with_all_below_them) {
  auto guard = by({"good.evil.test", "also.test:8443"}, {"evil.test", "Paste.Test:8080"});
  auto host = [&](std::string_view name, std::uint16_t port = 443) { return guard->refusal(name, port); };
  EXPECT_NE(host("evil.test").find("evil.test is denied by this server's configuration (evil.test)"), std::string::npos);
  EXPECT_NE(host("a.b.evil.test"), "");
  EXPECT_NE(host("evil.test."), "") << "a dot at the end changes nothing";
  EXPECT_EQ(host("notevil.test"), "");
  EXPECT_EQ(host("good.evil.test"), "") << "the longer name is the closer one";
  EXPECT_EQ(host("x.good.evil.test"), "");
  EXPECT_EQ(host("paste.test"), "");
  EXPECT_NE(host("paste.test", 8080), "");
  EXPECT_EQ(host("8.8.8.8"), "");
}

TEST(egress_guard, a_denied_star_leaves_what_is_allowed_by_name_or_by_address) {
  auto guard = by({"hooks.test", "198.51.100.0/24", "10.1.2.3:8080"}, {"*"});
  EXPECT_EQ(guard->refusal("hooks.test", 443), "");
  EXPECT_EQ(guard->refusal("eu.hooks.test", 443), "");
  EXPECT_NE(guard->refusal("other.test", 443).find("(*)"), std::string::npos);
  EXPECT_NE(guard->refusal("8.8.8.8", 443), "") << "an address in a URL is no way around it";
  EXPECT_NE(guard->refusal("::1", 443), "");
  EXPECT_EQ(guard->refusal("198.51.100.7", 443), "");
  EXPECT_EQ(guard->refusal("10.1.2.3", 8080), "");
  EXPECT_NE(guard->refusal("10.1.2.3", 80), "");
  EXPECT_NE(ask(*guard, "10.9.9.9").find("private"), std::string::npos) << "a name that is allowed opens no address";
}

TEST(host_pattern, nonsense_is_refused) {
  for (auto bad : {"", ":80", "10.0.0.256", "10.0.0.0/99", "a b", "http://x", "x/y", "x:0", "x:99999", "x:y", "[::1", "::1]:80", "*.*", "a..b", "u@h", "10.0.0.0/8/8", "1", "x.1"})
    EXPECT_FALSE(host_pattern::parse(bad)) << bad;
  for (auto good : {"*", "*:25", "a.test", ".a.test", "*.a.test", "A.test:1", "10.0.0.0/8", "10.0.0.0/8:80", "10.0.0.1:80", "::1", "[::1]:80", "[fd00::/8]:80", "localhost"})
    EXPECT_TRUE(host_pattern::parse(good)) << good;
}

TEST(egress_guard, a_listener_on_any_address_is_every_local_address) {
  egress_guard guard{{net("0.0.0.0/0"), net("::/0")}, {{at("0.0.0.0"), 8080}}};
  for (auto address : {"127.0.0.1", "127.0.0.2", "::1", "0.0.0.0", "::"})
    EXPECT_NE(ask(guard, address, 8080).find("this server itself"), std::string::npos) << address;
  EXPECT_EQ(ask(guard, "127.0.0.1", 8081), "");
  EXPECT_EQ(ask(guard, "8.8.8.8", 8080), "");
}

} // namespace
