#include "webhook/content_filter.hpp"
#include "webhook/limits.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using nlohmann::json;

constexpr std::string_view order = R"({"order":{"total":120.5,"id":18446744073709551615,"small":-9223372036854775808,"lines":[{"sku":"a-1","n":2},{"sku":"b-2","n":5}],
  "tags":["new","eu"],"note":null,"paid":true,"a.b":{"c/d":1}},"name":"Ängström"})";

content_filter compiled(std::string_view text) {
  auto out = content_filter::compile(json::parse(text));
  EXPECT_TRUE(out) << text << ": " << (out ? "" : out.error().detail + " at " + out.error().where);
  return out.value_or(content_filter{});
}

content_filter::verdict judged(std::string_view filter, std::string_view payload = order) {
  static const std::vector<std::string> channels{"eu"}, tags{"t1", "t2"};
  return compiled(filter).judge({"order.paid", "evt-1", channels, tags, payload});
}

bool takes(std::string_view filter, std::string_view payload = order) {
  static const std::vector<std::string> channels{"eu"}, tags{"t1", "t2"};
  auto f = compiled(filter);
  filtered_message m{"order.paid", "evt-1", channels, tags, payload};
  EXPECT_EQ(f.takes(m), f.judge(m).takes) << filter;
  return f.takes(m);
}

std::string refused(std::string_view text) {
  auto out = content_filter::compile(json::parse(text));
  return out ? "accepted" : out.error().where;
}

TEST(content_filter, every_operator_holds_and_fails) {
  const std::pair<const char*, const char*> cases[] = {
      // holds, and its like that does not
      {R"({"payload.order.total":120.5})", R"({"payload.order.total":120})"},
      {R"({"payload.order.total":{"$eq":120.5}})", R"({"payload.order.total":{"$eq":"120.5"}})"},
      {R"({"payload.order.total":{"$ne":1}})", R"({"payload.order.total":{"$ne":120.5}})"},
      {R"({"payload.order.total":{"$in":[1,120.5]}})", R"({"payload.order.total":{"$in":[]}})"},
      {R"({"payload.order.total":{"$nin":[1,2]}})", R"({"payload.order.total":{"$nin":[120.5]}})"},
      {R"({"payload.order.total":{"$gt":120}})", R"({"payload.order.total":{"$gt":120.5}})"},
      {R"({"payload.order.total":{"$gte":120.5}})", R"({"payload.order.total":{"$gte":121}})"},
      {R"({"payload.order.total":{"$lt":121}})", R"({"payload.order.total":{"$lt":120.5}})"},
      {R"({"payload.order.total":{"$lte":120.5}})", R"({"payload.order.total":{"$lte":120}})"},
      {R"({"payload.name":{"$gt":"A"}})", R"({"payload.name":{"$gt":1}})"},
      {R"({"payload.order.note":{"$exists":true}})", R"({"payload.order.none":{"$exists":true}})"},
      {R"({"payload.order.none":{"$exists":false}})", R"({"payload.order.note":{"$exists":false}})"},
      {R"({"payload.name":{"$startsWith":"Än"}})", R"({"payload.name":{"$startsWith":"än"}})"},
      {R"({"payload.name":{"$endsWith":"röm"}})", R"({"payload.name":{"$endsWith":"ro"}})"},
      {R"({"payload.name":{"$contains":"gstr"}})", R"({"payload.name":{"$contains":"x"}})"},
      {R"({"payload.order.tags":{"$contains":"eu"}})", R"({"payload.order.tags":{"$contains":"e"}})"},
      {R"({"payload.order.total":{"$not":{"$gt":200}}})", R"({"payload.order.total":{"$not":{"$gt":100}}})"},
      {R"({"payload.order.total":{"$gt":1,"$lt":200}})", R"({"payload.order.total":{"$gt":1,"$lt":100}})"},
      {R"({"$or":[{"eventType":"x"},{"payload.order.paid":true}]})", R"({"$or":[{"eventType":"x"},{"payload.order.paid":false}]})"},
      {R"({"$and":[{"eventType":"order.paid"},{"tags":"t2"}]})", R"({"$and":[{"eventType":"order.paid"},{"tags":"t3"}]})"},
      {R"({"$not":{"eventType":"x"}})", R"({"$not":{"eventType":"order.paid"}})"},
      {R"({"payload.order.note":null})", R"({"payload.order.none":null})"},
      {R"({"channels":"eu","eventId":"evt-1"})", R"({"channels":"us"})"},
      {R"({"payload.order.tags":{"$eq":["new","eu"]}})", R"({"payload.order.tags":{"$eq":["eu","new"]}})"},
      {R"({"/payload/order/a.b/c~1d":1})", R"({"/payload/order/a.b/c":1})"},
  };
  for (auto [yes, no] : cases) {
    EXPECT_TRUE(takes(yes)) << yes;
    EXPECT_FALSE(takes(no)) << no;
  }
}

TEST(content_filter, a_path_looks_into_every_element_or_into_one) {
  EXPECT_TRUE(takes(R"({"payload.order.lines.sku":"b-2"})"));
  EXPECT_TRUE(takes(R"({"payload.order.lines.1.sku":"b-2"})"));
  EXPECT_FALSE(takes(R"({"payload.order.lines.0.sku":"b-2"})"));
  EXPECT_FALSE(takes(R"({"payload.order.lines.7.sku":{"$exists":true}})"));
  EXPECT_TRUE(takes(R"({"payload.order.lines.n":{"$gt":4}})")) << "one of them";
  EXPECT_FALSE(takes(R"({"payload.order.lines.n":{"$ne":5}})")) << "none of them";
  EXPECT_TRUE(takes(R"({"payload.order.tags":{"$in":["us","eu"]}})"));
  EXPECT_FALSE(takes(R"({"payload.order.tags":{"$nin":["us","eu"]}})"));
}

TEST(content_filter, where_there_is_nothing_only_the_negations_hold) {
  for (auto no : {R"({"payload.x":1})", R"({"payload.x":{"$lt":1}})", R"({"payload.x.y.z":{"$in":[1]}})", R"({"payload.name.x":{"$startsWith":""}})"})
    EXPECT_FALSE(takes(no)) << no;
  for (auto yes : {R"({"payload.x":{"$ne":1}})", R"({"payload.x":{"$nin":[1]}})", R"({"payload.x":{"$not":{"$lt":1}}})"})
    EXPECT_TRUE(takes(yes)) << yes;
}

TEST(content_filter, integers_are_compared_exactly) {
  EXPECT_TRUE(takes(R"({"payload.order.id":18446744073709551615})"));
  EXPECT_FALSE(takes(R"({"payload.order.id":18446744073709551614})"));
  EXPECT_TRUE(takes(R"({"payload.order.id":{"$gt":-1}})"));
  EXPECT_TRUE(takes(R"({"payload.order.small":{"$lt":0}})"));
  EXPECT_TRUE(takes(R"({"payload.n":{"$eq":1.0}})", R"({"n":1})"));
}

TEST(content_filter, none_takes_everything_and_reads_nothing) {
  EXPECT_TRUE(content_filter{}.empty());
  EXPECT_TRUE(compiled("{}").empty());
  EXPECT_TRUE(content_filter{}.takes({"t", {}, {}, {}, "not JSON"}));
  EXPECT_TRUE(compiled(R"({"payload":{"$exists":false}})").takes({"t", {}, {}, {}, "not JSON"}));
}

TEST(content_filter, says_which_condition_does_not_hold) {
  EXPECT_EQ(judged(R"({"payload.order.total":{"$gt":1,"$lt":100}})").because, "/filter/payload.order.total/$lt");
  EXPECT_EQ(judged(R"({"payload.name":"x"})").because, "/filter/payload.name");
  EXPECT_EQ(judged(R"({"$or":[{"eventType":"x"},{"eventId":"y"}]})").because, "/filter/$or");
  EXPECT_EQ(judged(R"({"$and":[{"eventType":"order.paid"},{"eventId":"y"}]})").because, "/filter/$and/1/eventId");
  EXPECT_EQ(judged(R"({"$not":{"eventType":"order.paid"}})").because, "/filter/$not");
  EXPECT_EQ(judged(R"({"/payload/order/a.b/c~1d":{"$eq":2}})").because, "/filter/~1payload~1order~1a.b~1c~01d/$eq");
  EXPECT_EQ(judged(R"({"payload.order.paid":true})").because, "");
}

TEST(content_filter, what_does_not_compile_is_refused_where_it_is_wrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"[]", "/filter"},
      {"1", "/filter"},
      {R"({"total":1})", "/filter/total"},
      {R"({"":1})", "/filter/"},
      {R"({"payload..x":1})", "/filter/payload..x"},
      {R"({"payload.":1})", "/filter/payload."},
      {R"({".payload":1})", "/filter/.payload"},
      {R"({"/payload/~2":1})", "/filter/~1payload~1~02"},
      {R"({"$nor":[]})", "/filter/$nor"},
      {R"({"$or":[]})", "/filter/$or"},
      {R"({"$or":{}})", "/filter/$or"},
      {R"({"$and":[{"payload":{"$gt":[]}}]})", "/filter/$and/0/payload/$gt"},
      {R"({"$not":[]})", "/filter/$not"},
      {R"({"payload.x":{}})", "/filter/payload.x"},
      {R"({"payload.x":{"y":1}})", "/filter/payload.x/y"},
      {R"({"payload.x":{"$regex":"a"}})", "/filter/payload.x/$regex"},
      {R"({"payload.x":{"$in":1}})", "/filter/payload.x/$in"},
      {R"({"payload.x":{"$nin":{}}})", "/filter/payload.x/$nin"},
      {R"({"payload.x":{"$gte":true}})", "/filter/payload.x/$gte"},
      {R"({"payload.x":{"$exists":1}})", "/filter/payload.x/$exists"},
      {R"({"payload.x":{"$startsWith":1}})", "/filter/payload.x/$startsWith"},
      {R"({"payload.x":{"$endsWith":null}})", "/filter/payload.x/$endsWith"},
      {R"({"payload.x":{"$not":1}})", "/filter/payload.x/$not"},
      {R"({"payload.x":{"$not":{}}})", "/filter/payload.x/$not"},
      {R"({"payload.x":{"$and":[]}})", "/filter/payload.x/$and"},
  };
  for (auto [text, where] : cases)
    EXPECT_EQ(refused(text), where) << text;
}

TEST(content_filter, is_bounded_in_size_depth_and_number) {
  json deep = {{"eventType", "x"}};
  for (std::size_t i = 0; i < limits::filter_depth; ++i)
    deep = {{"$not", deep}};
  json many = json::object();
  for (std::size_t i = 0; i <= limits::filter_conditions; ++i)
    many["payload.p" + std::to_string(i)] = 1;
  json large = {{"payload.x", std::string(limits::filter_bytes, 'a')}};
  json long_path = {{"payload" + [] { std::string s; for (int i = 0; i < 32; ++i) s += ".a"; return s; }(), 1}};
  for (const auto& wrong : {deep, many, large, long_path}) {
    auto out = content_filter::compile(wrong);
    ASSERT_FALSE(out);
    EXPECT_EQ(out.error().code, events::errc::too_large) << out.error().detail;
  }
}

TEST(content_filter, a_message_too_large_to_decide_is_taken_and_said_to_be_undecided) {
  json payload = {{"list", json::array()}};
  for (std::size_t i = 0; i <= limits::filter_steps; ++i)
    payload["list"].push_back({{"n", 1}});
  auto text = payload.dump();
  auto v = judged(R"({"payload.list.n":2})", text);
  EXPECT_TRUE(v.takes && v.undecided);
  EXPECT_FALSE(judged(R"({"payload.list.0.n":2})", text).takes);
}

TEST(content_filter, its_text_is_canonical_and_compiles_to_itself) {
  auto a = compiled(R"({"payload.b":1,"payload.a":{"$in":[2,1]}})"), b = compiled(R"( {"payload.a":{"$in":[2,1]}, "payload.b":1} )");
  EXPECT_EQ(a, b);
  EXPECT_EQ(a.text(), R"({"payload.a":{"$in":[2,1]},"payload.b":1})");
  EXPECT_EQ(compiled(a.text()).text(), a.text());
  EXPECT_NE(a, content_filter{});
}

} // namespace
