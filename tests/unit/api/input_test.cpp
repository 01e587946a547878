#include "api/input.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace {

using namespace hourglass;
using api::input;
using api::parse_json;
using nlohmann::json;

TEST(json_input, takes_what_is_json) {
  auto read = parse_json(R"( {"a":[1,2,{"b":null}],"c":"\u00e9"} )");
  ASSERT_TRUE(read);
  EXPECT_EQ((*read)["a"][1], 2);
}

TEST(json_input, refuses_what_is_not) {
  for (auto* text : {"", "  ", "{", "{}x", "{'a':1}", "[1,]", "nul", "{\"a\":01}", "{\"a\":1,}", "\xff", "{\"a\":\"\xc3\x28\"}", "NaN", "// c\n{}"})
    EXPECT_FALSE(parse_json(text)) << text;
}

TEST(json_input, says_at_which_byte) {
  auto read = parse_json(R"({"a": tru})");
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().detail.find("byte"), std::string::npos);
}

TEST(json_input, refuses_a_name_that_stands_twice) {
  auto read = parse_json(R"({"a":1,"b":{"c":1,"c":2}})");
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().detail.find("\"c\""), std::string::npos);
  EXPECT_TRUE(parse_json(R"([{"a":1},{"a":2}])"));
}

TEST(json_input, is_bounded_in_depth) {
  auto nest = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  EXPECT_TRUE(parse_json(nest(api::max_json_depth)));
  EXPECT_FALSE(parse_json(nest(api::max_json_depth + 1)));
  EXPECT_FALSE(parse_json(std::string(2'000'000, '[')));
}

TEST(input, reads_members_and_is_content) {
  auto body = json::parse(R"({"t":"x","b":true,"n":7,"l":["a","b"],"m":{"k":"v"},"at":"2026-01-01T00:00:00Z","nil":null})");
  input in{body};
  EXPECT_EQ(in.text("t", 1, 5), "x");
  EXPECT_EQ(in.optional_truth("b"), true);
  EXPECT_EQ(in.optional_integer("n", 0, 7), 7);
  EXPECT_EQ(in.optional_texts("l", 2, 1)->size(), 2U);
  EXPECT_EQ(in.optional_map("m", 1, 1)->front().second, "v");
  EXPECT_EQ(in.instant("at"), 1'767'225'600'000'000);
  EXPECT_FALSE(in.optional_text("nil", 0, 9));
  EXPECT_TRUE(in.is_null("nil"));
  EXPECT_TRUE(in.done());
}

struct wrong {
  const char* body;
  std::function<void(input&)> read;
  const char* where;
};

TEST(input, points_at_what_is_wrong) {
  const wrong cases[] = {
      {R"({"a":1})", [](input& in) { in.text("a", 0, 9); }, "/a"},
      {R"({})", [](input& in) { in.text("a", 0, 9); }, "/a"},
      {R"({"a":"long"})", [](input& in) { in.text("a", 0, 3); }, "/a"},
      {R"({"a":1.5})", [](input& in) { in.optional_integer("a", 0, 9); }, "/a"},
      {R"({"a":10})", [](input& in) { in.optional_integer("a", 0, 9); }, "/a"},
      {R"({"a":18446744073709551615})", [](input& in) { in.optional_integer("a", -1, 9); }, "/a"},
      {R"({"a":"true"})", [](input& in) { in.optional_truth("a"); }, "/a"},
      {R"({"a":["x",2]})", [](input& in) { in.optional_texts("a", 9, 9); }, "/a/1"},
      {R"({"a":["x","y"]})", [](input& in) { in.optional_texts("a", 1, 9); }, "/a"},
      {R"({"a":{"x/y":2}})", [](input& in) { in.optional_map("a", 9, 9); }, "/a/x~1y"},
      {R"({"a":"yesterday"})", [](input& in) { in.optional_instant("a"); }, "/a"},
      {R"({"a":[]})", [](input& in) { in.object("a"); }, "/a"},
      {R"({"b":1})", [](input& in) { in.any("a"); }, "/b"},
      {R"([])", [](input& in) { in.any("a"); }, "/"},
  };
  for (auto& c : cases) {
    auto body = json::parse(c.body);
    input in{body};
    c.read(in);
    auto done = in.done();
    ASSERT_FALSE(done) << c.body;
    EXPECT_EQ(done.error().where, c.where) << c.body;
  }
}

TEST(input, ignores_strange_members_only_when_told_to) {
  auto body = json::parse(R"({"strange":1})");
  EXPECT_FALSE(input{body}.done());
  EXPECT_TRUE(input{body}.done(api::unknown::ignore));
}

} // namespace
