#include "events/json_check.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace {

using hourglass::events::check_json;

bool good(std::string_view text, std::size_t depth = 64) { return check_json(text, depth).has_value(); }

std::string why(std::string_view text, std::size_t depth = 64) {
  auto checked = check_json(text, depth);
  return checked ? "" : checked.error().detail;
}

TEST(json_check, gives_the_members_of_an_object_as_they_were_sent) {
  auto members = check_json("\n{ \"a\" : [1, {\"b\":2}] ,\"\\u0062\":1.00,\t\"c\":\"\\\"}\" , \"d\": {} }\n", 64);
  ASSERT_TRUE(members);
  ASSERT_EQ(members->size(), 4U);
  EXPECT_EQ(members->at(0).name, "a");
  EXPECT_EQ(members->at(0).value, "[1, {\"b\":2}]");
  EXPECT_EQ(members->at(1).name, "b");
  EXPECT_EQ(members->at(1).value, "1.00");
  EXPECT_EQ(members->at(2).value, "\"\\\"}\"");
  EXPECT_EQ(members->at(3).value, "{}");
}

TEST(json_check, gives_no_members_of_anything_else) {
  for (auto text : {"[{\"a\":1},{\"a\":2}]", "1", "\"{\"", "null"}) {
    auto members = check_json(text, 64);
    ASSERT_TRUE(members) << text;
    EXPECT_TRUE(members->empty()) << text;
  }
}

TEST(json_check, agrees_with_another_reader_about_what_is_json) {
  for (std::string_view text :
       {"", " ", "{", "}", "{}", "[]", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{\"a\":1 \"b\":2}", "{a:1}", "{\"a\":1}}", "[1] 2",
        "tru", "true", "truee", "nul", "null", "NaN", "Infinity", "-", "-0", "0", "00", "01", "-1", "+1", "1.", ".5", "1.5", "1e", "1e+", "1e5", "1E-5",
        "1e999", "-1e999", "1e-999", "\"", "\"\"", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\u00e9\"", "\"\\ud83d\\ude00\"", "\"\\ud83d\"",
        "\"\\ude00\"", "\"\\ud83dx\"", "\"\\ud83d\\u0041\"", "\"\t\"", "\"\x7f\"", "\"\xc3\xa9\"", "\"\xc3\"", "\"\xed\xa0\x80\"", "[[[[]]]]", "[{}]", "[1 2]",
        "// x\n1", "{\"a\":[}", "[\"a\":1]", "\xef\xbb\xbf{}"})
    EXPECT_EQ(good(text), nlohmann::json::accept(text) && !text.starts_with("\xef\xbb\xbf")) << text;
}

TEST(json_check, refuses_a_zero_byte_wherever_it_stands) {
  using namespace std::string_view_literals;
  EXPECT_FALSE(good("\"\0\""sv));
  EXPECT_FALSE(good("{}\0"sv));
  EXPECT_FALSE(good("\"\\\0\""sv));
}

TEST(json_check, refuses_a_name_that_stands_twice_however_it_is_written) {
  EXPECT_EQ(why(R"({"a":1,"b":{"a":2},"a":3})"), "the name \"a\" stands twice in one object");
  EXPECT_FALSE(good(R"({"a":1,"\u0061":2})"));
  EXPECT_TRUE(good(R"([{"a":1},{"a":2},{"b":{"a":1},"a":2}])"));
}

TEST(json_check, finds_a_name_that_stands_twice_among_many) {
  std::string text = "{";
  for (int i = 0; i < 20'000; ++i)
    text += "\"n" + std::to_string(i) + "\":{\"n1\":0},";
  EXPECT_TRUE(good(text + "\"last\":0}"));
  EXPECT_FALSE(good(text + "\"n77\":0}"));
  EXPECT_FALSE(good(text + "\"n19999\":0}"));
}

TEST(json_check, bounds_the_depth) {
  EXPECT_TRUE(good("[[[]]]", 3));
  EXPECT_EQ(why("[[[[]]]]", 3), "nested deeper than 3");
  EXPECT_EQ(why(std::string(1'000'000, '['), 64), "nested deeper than 64");
}

TEST(json_check, says_at_which_byte_it_went_wrong) {
  EXPECT_EQ(why("{\"a\":x}"), "not valid JSON at byte 6");
  EXPECT_EQ(why("[1e999]"), "the number at byte 2 is out of range");
}

} // namespace
