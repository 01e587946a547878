#include "mock/json_value.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace {

using namespace hourglass;
using namespace hourglass::mock;
using namespace std::string_view_literals;

TEST(documents, a_mark_of_yaml_that_belongs_to_no_value_is_refused_with_its_place) {
  for (auto [text, place] : {std::pair{","sv, "1:1"sv}, {"---\n,"sv, "2:1"sv}, {"[1],"sv, "1:4"sv}, {"a: 1\n---\n, b"sv, "3:1"sv}, {"a: 1\n...\n,"sv, "3:1"sv}}) {
    auto r = parse_document(text);
    ASSERT_FALSE(r) << text;
    EXPECT_EQ(r.error().code, events::errc::invalid);
    EXPECT_EQ(r.error().where, place) << text << ": " << r.error().detail;
  }
}

TEST(documents, empty_ones_may_follow_the_first) {
  for (auto text : {"a: 1\n---\n"sv, "a: 1\n...\n---\n---\n...\n"sv, "---\na: 1\n---\n---\n---\n# the end\n"sv})
    EXPECT_TRUE(parse_document(text)) << text;
}

TEST(documents, a_zero_byte_is_refused_with_its_place) {
  for (auto [text, place] : {std::pair{"{\"a\":1}\0{"sv, "1:8"sv}, {"{}\0"sv, "1:3"sv}, {"a: 1\nb: \0"sv, "2:4"sv}}) {
    auto r = parse_document(text);
    ASSERT_FALSE(r) << place;
    EXPECT_EQ(r.error().code, events::errc::invalid);
    EXPECT_EQ(r.error().where, place) << r.error().detail;
  }
  EXPECT_FALSE(parse_json("{}\0{"sv));
}

} // namespace
