// What the answer to a request that nothing matches says of the endpoints that come nearest.
#include "support.hpp"

#include <nlohmann/json.hpp>

namespace {
using namespace hourglass::mock;
namespace events = hourglass::events;
using nlohmann::json;

struct near_misses : testing::Test {
  endpoint_state state;
  std::uint8_t next = 1;

  void add(std::string_view method, std::string_view path, std::string_view name, std::string_view more = "") {
    auto done = put(state, named(method, path, "x", std::string{R"(,"name":")"} + std::string{name} + '"' + std::string{more}), {}, next++);
    ASSERT_TRUE(done) << path << ": " << done.error().detail << " at " << done.error().where;
  }
  void add_expression(const std::string& path, const std::string& name, const std::string& more = "") {
    auto done = put(state, R"({"method":"POST","path_regex":")" + path + R"(","name":")" + name + R"(","response":{"body":"x"})" + more + "}", {}, next++);
    ASSERT_TRUE(done) << path << ": " << done.error().detail << " at " << done.error().where;
  }
  json told(const request& r) {
    auto a = answer(state, r);
    EXPECT_EQ(a.status, 404U) << a.body;
    auto again = restore<endpoint_state>(snapshot(state));
    EXPECT_TRUE(again);
    EXPECT_EQ(answer(*again, r).body, a.body) << "a snapshot changes nothing";
    auto body = json::parse(a.body);
    return body.value("near_misses", json::array());
  }
};

TEST_F(near_misses, name_the_condition_and_what_came_the_nearest_first) {
  add("POST", "/orders", "two", R"(,"match":{"query":{"region":"eu"},"headers":{"X-Plan":"pro"}})");
  add("POST", "/orders", "one", R"(,"match":{"query":{"region":{"matches":"eu|uk"}}})");
  auto r = post("/orders?region=us", "{}");
  r.headers.push_back({"X-Plan", "free"});
  auto near = told(r);
  ASSERT_EQ(near.size(), 2U) << near;
  r.headers.back().value = "pro";
  near = told(r);
  EXPECT_EQ(near[0]["name"], "two") << near << "\none of two conditions holds";
  EXPECT_EQ(near[0]["differences"].size(), 1U);
  EXPECT_EQ(near[0]["differences"][0], (json{{"condition", "/match/query/region"}, {"wanted", "\"eu\""}, {"came", "us"}}));
  EXPECT_EQ(near[1]["differences"][0]["wanted"], R"({"matches":"eu|uk"})");
  auto without = told(post("/orders", "{}"));
  EXPECT_TRUE(without[0]["differences"][0]["came"].is_null());
}

TEST_F(near_misses, whose_target_is_another_come_behind_those_on_the_path) {
  add_expression("/.*", "stub", R"(,"match":{"target":{"matches":"/x/.*"}})");
  add("POST", "/pay", "pay", R"(,"match":{"query":{"a":"1"},"headers":{"X-B":"2"}})");
  auto near = told(post("/pay", "{}"));
  ASSERT_FALSE(near.empty());
  EXPECT_EQ(near[0]["name"], "pay") << near;
}

TEST_F(near_misses, have_expressions_whose_beginning_the_path_has) {
  add_expression("/users/[0-9]+", "users");
  add_expression("/a|/users/x", "either");
  auto near = told(post("/users/ab", "{}"));
  ASSERT_EQ(near.size(), 1U) << near;
  EXPECT_EQ(near[0]["name"], "users");
  EXPECT_EQ(near[0]["differences"][0]["condition"], "/path");
  EXPECT_TRUE(told(post("/orders/ab", "{}")).empty());
}

TEST_F(near_misses, say_where_a_body_differs) {
  add("POST", "/a", "json", R"(,"match":{"body":{"json":{"equals":{"order":{"lines":[{"sku":"x"},{"sku":"y"}]}}}}})");
  auto near = told(post("/a", R"({"order":{"lines":[{"sku":"x"},{"sku":"z"}]}})"));
  ASSERT_EQ(near.size(), 1U);
  EXPECT_EQ(near[0]["differences"][0]["condition"], "/match/body/json");
  EXPECT_EQ(near[0]["differences"][0]["detail"], "differs at /order/lines/1/sku");
  EXPECT_EQ(near[0]["differences"][0]["wanted"], "\"y\"");
  EXPECT_EQ(near[0]["differences"][0]["came"], "\"z\"");
  EXPECT_EQ(told(post("/a", R"({"order":{"lines":[{"sku":"x"}]}})"))[0]["differences"][0]["detail"], "differs at /order/lines");
  EXPECT_EQ(told(post("/a", R"({"order":{"lines":[{"sku":"x"},{"sku":"y"}]},"more":1})"))[0]["differences"][0]["detail"], "differs at /more");
  EXPECT_EQ(told(post("/a", "{"))[0]["differences"][0]["detail"], "the body is no JSON");
  EXPECT_EQ(told(post("/a", ""))[0]["differences"][0]["detail"], "there is no body");
  endpoint_state fresh;
  state = fresh;
  add("POST", "/a", "path",
      R"(,"match":{"body":[{"json_path":{"path":"$.n","at_least":3}},{"json_schema":{"properties":{"n":{"type":"string"}}}}]})");
  near = told(post("/a", R"({"n":2})"));
  EXPECT_EQ(near[0]["differences"][0]["came"], "2");
  EXPECT_EQ(near[0]["differences"][1]["condition"], "/match/body/1/json_schema");
  EXPECT_EQ(near[0]["differences"][1]["came"], "2");
  EXPECT_NE(near[0]["differences"][1]["detail"].get<std::string>().find("/n"), std::string::npos) << near;
}

TEST_F(near_misses, find_a_misspelt_path_and_say_nothing_of_what_is_far) {
  add("GET", "/api/pets/{id}", "pet");
  add("GET", "/api/owners", "owners");
  auto near = told(get("/api/pest/7"));
  ASSERT_EQ(near.size(), 1U) << near;
  EXPECT_EQ(near[0]["path"], "/api/pets/{id}");
  EXPECT_EQ(near[0]["differences"][0], (json{{"condition", "/path"}, {"wanted", "/api/pets/{id}"}, {"came", "/api/pest/7"}}));
  EXPECT_TRUE(told(get("/completely/else/where")).empty());
  EXPECT_TRUE(told(get("/x")).empty());
}

TEST_F(near_misses, are_three_at_most_with_three_differences_each) {
  for (int i = 0; i < 20; ++i)
    add("GET", "/a", "e" + std::to_string(i), R"(,"match":{"query":{"a":"1","b":"2","c":"3","d":")" + std::to_string(i) + "\"}}");
  auto near = told(get("/a"));
  ASSERT_EQ(near.size(), 3U);
  for (const auto& n : near)
    EXPECT_EQ(n["differences"].size(), 3U);
}

TEST_F(near_misses, never_show_secrets) {
  add("GET", "/a", "a",
      R"(,"match":{"headers":{"Authorization":"Bearer wanted-secret"},"cookies":{"sid":"wanted-cookie"},"query":{"api_key":"wanted-key"}})");
  add("POST", "/b", "b",
      R"(,"match":{"body":[{"json_path":{"path":"$.user.password","equals":"wanted-pass"}},{"json":{"equals":{"token":"wanted-token"}}},{"json_schema":{"properties":{"secret":{"const":"wanted-const"}}}}]})");
  for (const auto& r : {get("/a?api_key=came-key", {{"Authorization", "Bearer came-secret"}, {"Cookie", "sid=came-cookie"}}),
                        post("/b", R"({"user":{"password":"came-pass"},"token":"came-token","secret":"came-const"})")}) {
    auto near = told(r);
    ASSERT_EQ(near.size(), 1U);
    EXPECT_EQ(near[0]["differences"].size(), 3U) << near;
    EXPECT_EQ(near.dump().find("wanted-"), std::string::npos) << near.dump(1);
    EXPECT_EQ(near.dump().find("came-"), std::string::npos) << near.dump(1);
  }
}

TEST_F(near_misses, show_the_text_of_xml_only_where_nothing_in_it_is_named_as_a_secret) {
  add("POST", "/a", "a", R"x(,"match":{"body":{"xpath":{"path":"//user","equals":"joe"}}})x");
  auto near = told(post("/a", "<r><user>ann</user></r>", "text/xml"));
  EXPECT_EQ(near[0]["differences"][0]["came"], "ann");
  near = told(post("/a", "<r><user>ann<password>came-pass</password></user></r>", "text/xml"));
  EXPECT_EQ(near[0]["differences"][0]["came"], "(not shown)");
}

TEST_F(near_misses, hostile_requests_are_told_in_bounded_valid_text) {
  add("POST", "/a", "a", R"(,"match":{"query":{"q":"1"},"headers":{"X-A":"1"},"body":{"json":{"equals":{"a":1}}}})");
  auto r = post("/a?q=" + std::string(3'000, 'x'), "{\"a\":\"" + std::string(1'000'000, 'y') + "\"}");
  r.headers.push_back({"X-A", "\xff\xfe"});
  auto a = answer(state, r);
  EXPECT_LT(a.body.size(), 4'000U);
  EXPECT_FALSE(json::parse(a.body, nullptr, false).is_discarded());
}

TEST_F(near_misses, a_replay_that_knows_a_request_in_part_tells_what_was_told) {
  add("GET", "/a", "a", R"(,"match":{"headers":{"Authorization":"Bearer x","X-A":"1"}})");
  auto recorded = answer(state, get("/a", {{"Authorization", "Bearer x"}}));
  const recorded_choice choice{{}, &recorded};
  auto again = route(state, get("/a", {{"Authorization", "Bearer [redacted:0123456789ab]"}}), &choice);
  ASSERT_TRUE(again.refusal);
  EXPECT_EQ(again.refusal->body, recorded.body);
}

TEST_F(near_misses, of_very_many_endpoints_cost_little) {
  std::string payload;
  for (int i = 0; i < 20'000; ++i) {
    endpoint_state* s = &state;
    auto text =
        R"({"id":"ep_)" + std::to_string(i) + R"(","method":"GET","project_root":"","group_root":"","path":"/items/)" + std::to_string(i) +
        R"(","consumes":[],"name":"","source":"hand","templated":false,"json_body":false,"responses":[{"status":"200","headers":[],"contents":[]}]})";
    ASSERT_TRUE(apply(*s, events::kind::endpoint_put, text));
  }
  const auto before = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(answer(state, get("/itemz/x")).status, 404U);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds{2});
}

} // namespace
