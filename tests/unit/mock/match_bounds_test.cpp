// What looking at hostile bodies and reading hostile files may cost.
#include "support.hpp"

#include "mock/body_condition.hpp"
#include "mock/match_limits.hpp"
#include "mock/translation.hpp"

#include <nlohmann/json.hpp>

#include <chrono>

namespace {
using namespace hourglass::mock;
using nlohmann::json;
namespace limits = hourglass::limits;

bool holds(std::string_view condition, std::string_view body) {
  auto v = parse_json(condition);
  EXPECT_TRUE(v);
  match_budget budget;
  auto c = body_condition::compile(*v, "", budget);
  EXPECT_TRUE(c) << condition << ": " << c.error().detail;
  body_view view{body};
  schema_purse purse{limits::match_work};
  return c->holds(view, purse);
}

struct stopwatch {
  std::chrono::steady_clock::time_point from = std::chrono::steady_clock::now();
  bool within(int seconds) const { return std::chrono::steady_clock::now() - from < std::chrono::seconds{seconds}; }
};

TEST(match_bounds, comparing_long_values_in_a_filter_is_paid) {
  const auto path = json_path::compile("$[?@ < $[0]]");
  ASSERT_TRUE(path);
  auto v = json_value::array();
  for (int i = 0; i < 100; ++i)
    v.items.push_back(json_value::of_number("1" + std::string(16'000, '7')));
  std::uint64_t work = 100'000;
  EXPECT_FALSE(path->find(v, work).complete) << "a hundred comparisons of 2,000 units each";
  for (auto& item : v.items)
    item = json_value::of(std::string(16'000, 'a'));
  work = 100'000;
  EXPECT_FALSE(path->find(v, work).complete);
  work = 1'000'000;
  EXPECT_TRUE(path->find(v, work).complete);
}

TEST(match_bounds, an_xpath_is_paid_by_the_texts_it_reads_not_by_nodes_alone) {
  std::string deep;
  for (int i = 0; i < 100; ++i)
    deep += "<a>";
  deep += std::string(900'000, 'x');
  for (int i = 0; i < 100; ++i)
    deep += "</a>";
  auto document = xml_document::read(deep);
  ASSERT_TRUE(document);
  const stopwatch watch;
  for (const auto* text : {"//a[contains(., 'y')][contains(., 'z')]", "//a[.='y' or .='z']", "//a[translate(., 'abcdefgh', '') = 'y']"}) {
    auto path = xml_path::compile(text);
    ASSERT_TRUE(path);
    schema_purse purse{limits::match_work};
    EXPECT_FALSE(path->find(*document, purse).complete) << text;
  }
  std::string wide = "<r>";
  for (int i = 0; i < 10'000; ++i)
    wide += "<a/><b/>";
  document = xml_document::read(wide + "</r>");
  for (const auto* text : {"r/a = r/b", "r[a != b]", "r[a<b]"}) {
    auto path = xml_path::compile(text);
    ASSERT_TRUE(path) << text;
    schema_purse purse{limits::match_work};
    EXPECT_FALSE(path->find(*document, purse).complete) << text;
  }
  EXPECT_TRUE(watch.within(2));
  auto small = xml_document::read("<r><a>1</a><b>1</b></r>");
  schema_purse purse{limits::match_work};
  EXPECT_EQ(xml_path::compile("r/a = r/b")->find(*small, purse).texts.size(), 1U);
}

TEST(match_bounds, what_could_not_be_looked_at_does_not_make_its_opposite_hold) {
  std::string wide = "<r>";
  for (int i = 0; i < 20'000; ++i)
    wide += "<a/>";
  wide += "</r>";
  EXPECT_FALSE(holds(R"({"xpath":{"path":"//a[following-sibling::a]"}})", wide));
  EXPECT_FALSE(holds(R"({"not":{"xpath":{"path":"//a[following-sibling::a]"}}})", wide));
  EXPECT_FALSE(holds(R"({"not":{"not":{"xpath":{"path":"//a[following-sibling::a]"}}}})", wide));
  EXPECT_FALSE(holds(R"({"not":{"any_of":[{"xpath":{"path":"//a[following-sibling::a]"}}]}})", wide));
  EXPECT_FALSE(holds(R"({"not":{"xpath":{"path":"//a","equals":"x"}}})", wide)) << "more nodes than are read";
  EXPECT_FALSE(holds(R"({"not":{"xpath":{"path":"//b"}}})", "<a>" + std::string(limits::xml_bytes, 'x') + "</a>"));
  EXPECT_TRUE(holds(R"({"not":{"xpath":{"path":"//b"}}})", wide));
  const auto* either = R"({"all_of":[{"any_of":[{"xpath":{"path":"//a[following-sibling::a]"}},{"text":{"contains":"<a/>"}}]},)"
                       R"({"not":{"xpath":{"path":"//b"}}}]})";
  EXPECT_TRUE(holds(either, wide)) << "another condition of the body is not concerned";
  std::string zeros = "[0";
  for (int i = 0; i < 700'000; ++i)
    zeros += ",0";
  zeros += "]";
  EXPECT_FALSE(holds(R"x({"not":{"json_path":{"path":"$..*","equals":0}}})x", zeros));
}

// -- files -----------------------------------------------------------------------------------

std::size_t taken(const hourglass::events::outcome<put_endpoints>& read) {
  return read ? read->all.size() : 0;
}

TEST(import_bounds, names_of_parameters_that_stand_often_cost_little) {
  std::string url = "/x";
  for (int i = 0; i < 60'000; ++i)
    url += "/:a";
  const stopwatch watch;
  auto read = read_postman(json{{"item", {{{"request", {{"url", url}}}, {"response", {{{"code", 200}, {"body", "b"}}}}}}}}.dump(), false);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->all.size(), 0U);
  EXPECT_NE(read->warnings.find("too long"), std::string::npos) << read->warnings;
  read = read_postman(json{{"item", {{{"request", {{"url", "/:a/:a/:a"}}}, {"response", {{{"code", 200}, {"body", "b"}}}}}}}}.dump(), false);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->all.size(), 1U);
  EXPECT_NE(read->all[0].put.text.find("/{a}/{a_2}/{a_3}"), std::string::npos) << read->all[0].put.text;
  EXPECT_TRUE(watch.within(2));
}

TEST(import_bounds, a_large_variable_is_not_copied_into_each_request) {
  json items = json::array();
  for (int i = 0; i < 20'000; ++i)
    items.push_back({{"request", {{"url", "/a?v={{v}}"}}}, {"response", {{{"code", 200 + i % 300}, {"body", "b"}}}}});
  const auto text = json{{"variable", {{{"key", "v"}, {"value", std::string(4'000'000, 'x')}}}}, {"item", std::move(items)}}.dump();
  const stopwatch watch;
  auto read = read_postman(text, false);
  ASSERT_TRUE(read);
  EXPECT_NE(read->warnings.find("a variable is too long"), std::string::npos) << read->warnings;
  EXPECT_TRUE(watch.within(5));
}

TEST(import_bounds, a_query_of_very_many_parameters_is_left_out) {
  json query = json::array();
  for (int i = 0; i < 50'000; ++i)
    query.push_back({{"key", std::to_string(i)}, {"value", "{{v}}"}});
  const json collection{{"variable", {{{"key", "v"}, {"value", std::string(10'000, 'x')}}}},
                        {"item", {{{"request", {{"url", {{"raw", "/a"}, {"query", query}}}}}, {"response", {{{"code", 200}}}}}}}};
  const stopwatch watch;
  EXPECT_EQ(taken(read_postman(collection.dump(), false)), 0U);
  std::string url = "https://x/a?";
  for (int i = 0; i < 300; ++i)
    url += std::to_string(i) + "=1&";
  const json har{{"log", {{"entries", {{{"request", {{"method", "GET"}, {"url", url}}}, {"response", {{"status", 200}}}}}}}}};
  EXPECT_EQ(taken(read_har(har.dump(), false, "")), 0U);
  json parameters = json::object();
  for (int i = 0; i < 30'000; ++i)
    parameters[std::to_string(i)] = {{"equalTo", "x"}};
  EXPECT_EQ(taken(read_wiremock(json{{"request", {{"urlPath", "/a"}, {"queryParameters", parameters}}}, {"response", json::object()}}.dump(), false)),
            0U);
  EXPECT_TRUE(watch.within(3));
}

TEST(import_bounds, headers_of_an_answer_are_read_up_to_a_hundred) {
  json list = json::array();
  json object = json::object();
  for (int i = 0; i < 100'000; ++i) {
    list.push_back({{"name", "X-" + std::to_string(i)}, {"value", "1"}});
    object["X-" + std::to_string(i)] = "1";
  }
  const json har{
      {"log", {{"entries", {{{"request", {{"method", "GET"}, {"url", "https://x/a"}}}, {"response", {{"status", 200}, {"headers", list}}}}}}}}};
  const stopwatch watch;
  auto read = read_har(har.dump(), false, "");
  ASSERT_TRUE(read);
  EXPECT_NE(read->warnings.find("only the first 100"), std::string::npos) << read->warnings;
  EXPECT_EQ(taken(read_wiremock(json{{"request", {{"urlPath", "/a"}}}, {"response", {{"headers", object}}}}.dump(), false)), 0U);
  EXPECT_TRUE(watch.within(5));
}

TEST(import_bounds, reading_stops_at_the_number_of_endpoints_that_are_taken_at_once) {
  translation out;
  auto endpoint = [](std::size_t i) {
    auto v = parse_json(named("GET", "/a/" + std::to_string(i), "x"));
    return *v;
  };
  for (std::size_t i = 0; i < limits::endpoints_at_once; ++i)
    out.add(endpoint(i), {}, "/" + std::to_string(i));
  out.add(json_value::object(), {}, "/none"); // would be told of if it were looked at
  auto done = std::move(out).finish(true);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, hourglass::events::errc::too_large);
  EXPECT_NE(done.error().detail.find("endpoints_at_once"), std::string::npos);
}

} // namespace
