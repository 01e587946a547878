#include "mock/json_path.hpp"

#include <gtest/gtest.h>

namespace {
using namespace hourglass::mock;
namespace events = hourglass::events;

std::string at(std::string_view path, std::string_view json, std::uint64_t work = 100000) {
  auto p = json_path::compile(path);
  if (!p)
    return "ERROR " + p.error().where + " " + p.error().detail;
  auto v = parse_json(json);
  if (!v)
    return "no JSON";
  auto f = p->find(*v, work);
  std::string out;
  for (const auto* each : f.values)
    out += to_text(*each) + ";";
  return f.complete ? out : out + "INCOMPLETE";
}

TEST(json_path, selects_members_and_items) {
  EXPECT_EQ(at("$", "[1]"), "[1];");
  EXPECT_EQ(at("$.a.b_1", R"({"a":{"b_1":2}})"), "2;");
  EXPECT_EQ(at(R"($['it\'s'])", R"({"it's":1})"), "1;");
  EXPECT_EQ(at(R"($["\u00e9"])", R"({"é":1})"), "1;");
  EXPECT_EQ(at("$.é", R"({"é":1})"), "1;");
  EXPECT_EQ(at("$[0]", R"({"0":1})"), "");
  EXPECT_EQ(at("$ [ 0 , -1 , 7 ]", "[1,2,3]"), "1;3;");
  EXPECT_EQ(at("$.*", R"({"a":1,"b":[2]})"), "1;[2];");
}

// The examples of RFC 9535, 2.3.4.3.
TEST(json_path, slices_arrays) {
  constexpr auto letters = R"(["a","b","c","d","e","f","g"])";
  EXPECT_EQ(at("$[1:3]", letters), R"("b";"c";)");
  EXPECT_EQ(at("$[5:]", letters), R"("f";"g";)");
  EXPECT_EQ(at("$[1:5:2]", letters), R"("b";"d";)");
  EXPECT_EQ(at("$[5:1:-2]", letters), R"("f";"d";)");
  EXPECT_EQ(at("$[::-1]", "[1,2,3]"), "3;2;1;");
  EXPECT_EQ(at("$[::0]", "[1,2,3]"), "");
  EXPECT_EQ(at("$[-9007199254740991:9007199254740991:9007199254740991]", "[1,2]"), "1;");
}

// RFC 9535, 2.5.2.3.
TEST(json_path, selects_descendants) {
  constexpr auto json = R"({"o":{"j":1,"k":2},"a":[5,3,[{"j":4},{"k":6}]]})";
  EXPECT_EQ(at("$..j", json), "1;4;");
  EXPECT_EQ(at("$..[0]", json), R"(5;{"j":4};)");
  EXPECT_EQ(at("$.a..[0,1]", json), R"(5;3;{"j":4};{"k":6};)");
}

TEST(json_path, says_where_a_bad_one_is_wrong) {
  EXPECT_EQ(at("a", "1"), "ERROR 1:1 a JSONPath starts with `$`");
  EXPECT_EQ(at("$.a[", "1"), "ERROR 1:5 expected a name in quotes, a number, a slice or `*`");
  EXPECT_EQ(at("$.", "1"), "ERROR 1:3 expected a name or `*`");
  EXPECT_EQ(at("$[?length(@.a) > 1]", "1"),
            "ERROR 1:4 expected `@`, `$`, a number, a text in quotes, true, false or null; functions are not supported");
  EXPECT_EQ(at("$[?@.* == 1]", "1"), "ERROR 1:12 what is compared must select at most one value: only names and indexes");
  for (auto bad : {"",           "$ ",        "$a",    "$.1",   "$[01]",  "$[-0]", "$[9007199254740992]", "$['a",     "$['a' 'b']",  "$['\\\"']",
                   "$[\"\\'\"]", "$. a",      "$[1,]", "$...a", "$.\xff", "$[?1]", "$[?@.a ==]",          "$[?(@.a]", "$[?@.a == 1", "$[?@.a = 1]",
                   "$[?!]",      "$[?@.a &&]"})
    EXPECT_FALSE(json_path::compile(bad)) << bad;
}

TEST(json_path, filters_items_and_members) {
  constexpr auto shop = R"({"max":10,"books":[{"t":"a","p":8},{"t":"b","p":12,"sold":true},{"t":"c"},{"t":"a","p":10.0}]})";
  EXPECT_EQ(at("$.books[?@.p].t", shop), R"("a";"b";"a";)");
  EXPECT_EQ(at("$.books[?(@.t == 'a')].p", shop), "8;10.0;");
  EXPECT_EQ(at("$.books[?@.p < $.max].t", shop), R"("a";)");
  EXPECT_EQ(at("$.books[?@.p == 10].t", shop), R"("a";)");
  EXPECT_EQ(at("$.books[?@.p >= 10 && !@.sold].p", shop), "10.0;");
  EXPECT_EQ(at("$.books[?@.sold == true || @.t == \"c\"].t", shop), R"("b";"c";)");
  EXPECT_EQ(at("$.books[?!(@.p > 0)].t", shop), R"("c";)");
  EXPECT_EQ(at("$.books[?@.p == @.q].t", shop), R"("c";)") << "nothing is equal to nothing";
  EXPECT_EQ(at("$[?@ > 3]", R"({"x":5,"y":3,"z":"7"})"), "5;");
  EXPECT_EQ(at("$[?@[?@ > 1]]", "[[1],[1,2],[0]]"), "[1,2];");
  EXPECT_EQ(at("$[?@.a == null]", R"([{"a":null},{}])"), R"({"a":null};)");
}

TEST(json_path, has_bounds) {
  auto selectors = [](std::size_t n) {
    std::string path{"$"};
    for (std::size_t i = 0; i < n; ++i)
      path += ".a";
    return path;
  };
  EXPECT_TRUE(json_path::compile(selectors(json_path::most_selectors)));
  auto many = json_path::compile(selectors(json_path::most_selectors + 1));
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().code, events::errc::too_large);
  auto deep = json_path::compile("$[?" + std::string(200, '(') + "@" + std::string(200, ')') + "]");
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().code, events::errc::too_large);
  EXPECT_FALSE(json_path::compile("$[?" + std::string(500, '!') + "@]"));
  auto is_long = json_path::compile("$." + std::string(json_path::most_bytes, 'a'));
  ASSERT_FALSE(is_long);
  EXPECT_EQ(is_long.error().code, events::errc::too_large);
}

TEST(json_path, stops_when_its_work_is_used_up) {
  EXPECT_EQ(at("$.*", "[1,2,3]", 4), "1;2;3;");
  EXPECT_EQ(at("$.*", "[1,2,3]", 3), "1;2;INCOMPLETE");
  std::string deep = std::string(40, '[') + std::string(40, ']');
  EXPECT_TRUE(at("$..*..*..*..*..*..*..*", deep).ends_with("INCOMPLETE"));
}

} // namespace
