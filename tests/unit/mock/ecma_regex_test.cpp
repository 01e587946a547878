#include "mock/ecma_regex.hpp"

#include "mock/decimal.hpp"
#include "mock/json_compare.hpp"
#include "mock/schema_limits.hpp"
#include "mock/uri.hpp"

#include <gtest/gtest.h>

namespace hourglass::mock {

namespace {

bool matches(std::string_view pattern, std::string_view text) {
  auto r = ecma_regex::compile(pattern);
  EXPECT_TRUE(r) << pattern << ": " << (r ? "" : r.error().detail);
  return r && (*r)->matches(text);
}

std::string refused_at(std::string_view pattern) {
  auto r = ecma_regex::compile(pattern);
  EXPECT_FALSE(r) << pattern;
  return r ? std::string{} : r.error().where;
}

TEST(ecma_regex, what_a_match_can_cost_grows_with_the_expression) {
  const auto small = ecma_regex::compile("^[a-z]+$").value(), large = ecma_regex::compile("[ab]*a[ab]{900}c").value();
  EXPECT_LE(small->cost_of(1'000), 2'002U);
  EXPECT_GT(large->cost_of(1'000), 10'000U);
  EXPECT_GT(small->cost_of(0), 0U);
}

TEST(ecma_regex, is_not_anchored) {
  EXPECT_TRUE(matches("b", "abc"));
  EXPECT_FALSE(matches("^b", "abc"));
  EXPECT_FALSE(matches("^abc$", "abc\n"));
  EXPECT_TRUE(matches("", ""));
}

TEST(ecma_regex, has_the_classes_of_ecma_262) {
  EXPECT_TRUE(matches(R"(^\d$)", "7"));
  EXPECT_FALSE(matches(R"(^\d$)", "\u0967"));
  EXPECT_TRUE(matches(R"(^\s$)", "\ufeff"));
  EXPECT_TRUE(matches(R"(^\s$)", "\u2029"));
  EXPECT_FALSE(matches(R"(^\S$)", "\u00a0"));
  EXPECT_TRUE(matches(R"(^[\S]$)", "\u00e9"));
  EXPECT_TRUE(matches(R"(^[^\s\d]$)", "x"));
  EXPECT_FALSE(matches(R"(^\w$)", "\u00e9"));
  EXPECT_TRUE(matches(R"(^\p{Letter}\p{Lu}\p{Script=Greek}[\p{Nd}\P{L}]$)", "aBα1"));
}

TEST(ecma_regex, has_a_dot_that_is_one_code_point_and_no_line_end) {
  EXPECT_TRUE(matches("^.$", "😀"));
  EXPECT_FALSE(matches("^.$", "\n"));
  EXPECT_FALSE(matches("^.$", "\u2028"));
  EXPECT_TRUE(matches("^[^]$", "\n"));
  EXPECT_FALSE(matches("[]", "x"));
}

TEST(ecma_regex, reads_escapes) {
  EXPECT_TRUE(matches(R"(^\x41\u0042\u{43}\cJ\t\v\f\0$)", std::string_view{"ABC\n\t\v\f\0", 8}));
  EXPECT_TRUE(matches(R"(^\ud83d\ude00$)", "😀"));
  EXPECT_TRUE(matches(R"(^\/\-\.\$\{\@$)", "/-.${@"));
  EXPECT_TRUE(matches(R"(^[\b\]\-a-c]+$)", "\b]-b"));
  EXPECT_TRUE(matches(R"(^[a-]+$)", "a-"));
  EXPECT_TRUE(matches(R"(^[[:a]+$)", "[:a"));
}

TEST(ecma_regex, reads_groups_and_quantifiers) {
  EXPECT_TRUE(matches("^(?:ab){2,3}(?<year>[0-9]{4})c*?$", "abab2026cc"));
  EXPECT_TRUE(matches("^x{,3}$", "x{,3}"));
  EXPECT_TRUE(matches("^a{1000}$", std::string(1000, 'a')));
}

TEST(ecma_regex, refuses_with_the_place_what_has_no_linear_form_or_is_none) {
  EXPECT_EQ(refused_at("ab(?=c)"), "2");
  EXPECT_EQ(refused_at("(?<!c)"), "0");
  EXPECT_EQ(refused_at(R"((a)\1)"), "3");
  EXPECT_EQ(refused_at(R"((?<n>a)\k<n>)"), "7");
  EXPECT_EQ(refused_at("a("), "2");
  EXPECT_EQ(refused_at("a)"), "1");
  EXPECT_EQ(refused_at("[a"), "0");
  EXPECT_EQ(refused_at("[z-a]"), "1");
  EXPECT_EQ(refused_at("*a"), "0");
  EXPECT_EQ(refused_at("a**"), "2");
  EXPECT_EQ(refused_at(R"(\a)"), "0");
  EXPECT_EQ(refused_at(R"(\u12)"), "0");
  EXPECT_EQ(refused_at(R"(\ud800)"), "0");
  EXPECT_EQ(refused_at("a\\"), "1");
  EXPECT_EQ(refused_at("a{1001}"), "1");
  EXPECT_EQ(refused_at(R"(\p{Nonsense})"), "0");
  EXPECT_EQ(refused_at("\xff"), "0");
}

TEST(ecma_regex, refuses_what_would_be_too_large) {
  auto r = ecma_regex::compile("(((a{1,100}){1,100}){1,100}){1,100}");
  ASSERT_FALSE(r);
  r = ecma_regex::compile(std::string(limits::regex_text_bytes + 1, 'a'));
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, events::errc::too_large);
}

// -- what schemas also stand on -----------------------------------------------------------

TEST(decimal, compares_by_value) {
  auto order = [](std::string_view a, std::string_view b) { return compare(decimal::of(a), decimal::of(b)); };
  EXPECT_EQ(order("1", "1.000"), 0);
  EXPECT_EQ(order("100", "1e2"), 0);
  EXPECT_EQ(order("0", "-0.0e5"), 0);
  EXPECT_LT(order("-2", "-1"), 0);
  EXPECT_LT(order("-1", "0"), 0);
  EXPECT_LT(order("9.99", "10"), 0);
  EXPECT_GT(order("0.1000000000000000000000001", "0.1"), 0);
  EXPECT_LT(order("1e999999999999999999999", "1e9999999999999999999999") + order("1e-99999999999999999999", "1"), 0);
}

TEST(json_compare, sees_equality_whatever_the_order_and_the_spelling) {
  auto same = [](std::string_view a, std::string_view b) {
    auto left = *parse_json(a);
    auto right = *parse_json(b);
    EXPECT_TRUE(!same_value(left, right) || value_hash(left) == value_hash(right));
    return same_value(left, right);
  };
  EXPECT_TRUE(same(R"({"a":1,"b":[1.0]})", R"({"b":[1],"a":10e-1})"));
  EXPECT_FALSE(same(R"({"a":1})", R"({"a":1,"b":1})"));
  EXPECT_FALSE(same("0", "false"));
  EXPECT_FALSE(same("\"1\"", "1"));
  EXPECT_FALSE(same("[1,2]", "[2,1]"));
}

TEST(uri, resolves_as_rfc_3986_shows) {
  auto from = [](std::string_view reference) { return resolve_uri("http://a/b/c/d;p?q", reference); };
  EXPECT_EQ(from("g:h"), "g:h");
  EXPECT_EQ(from("g"), "http://a/b/c/g");
  EXPECT_EQ(from("./g/"), "http://a/b/c/g/");
  EXPECT_EQ(from("/g"), "http://a/g");
  EXPECT_EQ(from("//g"), "http://g");
  EXPECT_EQ(from("?y"), "http://a/b/c/d;p?y");
  EXPECT_EQ(from("#s"), "http://a/b/c/d;p?q#s");
  EXPECT_EQ(from(""), "http://a/b/c/d;p?q");
  EXPECT_EQ(from(".."), "http://a/b/");
  EXPECT_EQ(from("../../../g"), "http://a/g");
  EXPECT_EQ(from("g;x=1/../y"), "http://a/b/c/y");
  EXPECT_EQ(resolve_uri("", "other.yaml#/x"), "other.yaml#/x");
  EXPECT_EQ(resolve_uri("urn:uuid:1", "#a"), "urn:uuid:1#a");
}

} // namespace

} // namespace hourglass::mock
