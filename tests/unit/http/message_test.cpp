#include "http/message.hpp"
#include "http/problem.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace {

using namespace hourglass::http;

TEST(fields, names_are_found_whatever_their_case_and_the_first_value_wins) {
  fields list{{"Content-Type", "a"}, {"X-One", "1"}, {"x-one", "2"}};
  EXPECT_EQ(find(list, "content-TYPE"), "a");
  EXPECT_EQ(find(list, "X-ONE"), "1");
  EXPECT_EQ(find(list, "x-on"), "");
  EXPECT_TRUE(contains(list, "x-one"));
  EXPECT_FALSE(contains(list, "x-two"));
}

TEST(target, is_split_at_the_first_question_mark) {
  EXPECT_EQ(split_target("/a/b?c=d?e").path, "/a/b");
  EXPECT_EQ(split_target("/a/b?c=d?e").query, "c=d?e");
  EXPECT_EQ(split_target("/a").query, "");
}

TEST(percent, a_decoded_text_is_what_was_encoded) {
  std::string all;
  for (int c = 1; c < 256; ++c)
    all.push_back(static_cast<char>(c));
  std::string back;
  ASSERT_TRUE(percent_decode(percent_encode(all), false, back));
  EXPECT_EQ(back, all);
}

TEST(percent, malformed_escapes_and_nul_are_refused) {
  std::string out;
  for (auto bad : {"%", "%4", "a%", "%zz", "%4g", "%00", "a%2"})
    EXPECT_FALSE(percent_decode(bad, false, out)) << bad;
  EXPECT_FALSE(percent_decode(std::string_view{"a\0b", 3}, false, out));
}

TEST(percent, plus_is_a_space_only_where_it_is_asked_for) {
  std::string out;
  ASSERT_TRUE(percent_decode("a+b%2Bc", true, out));
  EXPECT_EQ(out, "a b+c");
  ASSERT_TRUE(percent_decode("a+b", false, out));
  EXPECT_EQ(out, "a+b");
}

TEST(query, pairs_come_decoded_and_in_order) {
  fields pairs;
  ASSERT_TRUE(parse_query("b=2&a=x%20y&a=&c&&d=1=2", pairs));
  EXPECT_EQ(pairs, (fields{{"b", "2"}, {"a", "x y"}, {"a", ""}, {"c", ""}, {"d", "1=2"}}));
}

TEST(query, more_than_a_thousand_pairs_are_refused) {
  std::string query;
  for (int i = 0; i < 1'000; ++i)
    query += "a=1&";
  fields pairs;
  EXPECT_TRUE(parse_query(query, pairs));
  EXPECT_EQ(pairs.size(), 1'000u);
  EXPECT_FALSE(parse_query(query + "a=1", pairs));
  EXPECT_FALSE(parse_query("a=%", pairs));
}

TEST(problem, becomes_a_document_with_its_members) {
  problem p;
  p.status = 413;
  p.type = "/problems/limit-exceeded";
  p.detail = "The body is too large.";
  p.where = "/body";
  p.correlation = "abc";
  auto answer = to_response(p);
  EXPECT_EQ(answer.status, 413u);
  EXPECT_EQ(find(answer.headers, "content-type"), "application/problem+json");
  EXPECT_FALSE(contains(answer.headers, "Retry-After"));
  auto body = nlohmann::json::parse(answer.body);
  EXPECT_EQ(body["type"], "/problems/limit-exceeded");
  EXPECT_EQ(body["title"], "Content Too Large");
  EXPECT_EQ(body["status"], 413);
  EXPECT_EQ(body["detail"], "The body is too large.");
  EXPECT_EQ(body["pointer"], "/body");
  EXPECT_EQ(body["correlation_id"], "abc");
}

TEST(problem, overload_says_when_to_try_again) {
  for (unsigned status : {503u, 429u}) {
    problem p;
    p.status = status;
    EXPECT_EQ(find(to_response(p).headers, "retry-after"), "1");
  }
}

TEST(problem, a_detail_that_is_not_utf8_does_not_throw) {
  problem p;
  p.detail = "bad \xff\xfe bytes";
  EXPECT_FALSE(nlohmann::json::parse(to_response(p).body, nullptr, false).is_discarded());
}

TEST(problem, that_no_handler_has_seen_gets_a_name_to_ask_about) {
  EXPECT_EQ(correlation_or_fresh("mine-1"), "mine-1");
  for (auto wrong : {std::string{}, std::string{"a b"}, std::string(65, 'a'), std::string{"a\x7f"}}) {
    auto fresh = correlation_or_fresh(wrong);
    EXPECT_TRUE(fresh.starts_with("cor_")) << fresh;
    EXPECT_EQ(fresh.size(), 26U);
    EXPECT_NE(correlation_or_fresh(wrong), fresh);
  }
}

} // namespace
