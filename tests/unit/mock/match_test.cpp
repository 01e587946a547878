// Which endpoint answers, where several share method and path.
#include "support.hpp"

#include "mock/match_limits.hpp"

#include <chrono>

namespace {
using namespace hourglass::mock;
using hourglass::events::errc;
namespace events = hourglass::events;
namespace limits = hourglass::limits;

struct matching : testing::Test {
  endpoint_state state;
  std::uint8_t next = 1;

  /// Ids are in order, as those that are made are in order of time.
  void add(std::string_view method, std::string_view path, std::string_view body, std::string_view more = "") {
    auto done = put(state, named(method, path, body, more), "e" + std::to_string(100 + next++));
    ASSERT_TRUE(done) << path << ": " << done.error().detail << " at " << done.error().where;
  }
  /// An endpoint for POST /a with this match, which answers `yes`, beside one without, which answers `no`.
  std::string with(std::string_view match, const request& r) {
    endpoint_state s;
    auto done = put(s, named("POST", "/a", "yes", std::string{R"(,"match":)"} + std::string{match}), {}, 1);
    if (!done)
      return done.error().detail + " at " + done.error().where;
    EXPECT_TRUE(put(s, named("POST", "/a", "no"), {}, 2));
    auto again = restore<endpoint_state>(snapshot(s));
    EXPECT_TRUE(again);
    auto first = answer(s, r).body;
    EXPECT_EQ(answer(*again, r).body, first) << "a snapshot keeps the match";
    return first;
  }
  static request asked(std::string target, fields headers = {}) {
    auto r = get(std::move(target), std::move(headers));
    r.method = "POST";
    return r;
  }
  std::string query(std::string_view condition, std::string target) {
    return with(std::string{R"({"query":{"q":)"} + std::string{condition} + "}}", asked(std::move(target)));
  }
  std::string body(std::string_view condition, std::string text, std::string type = "application/json") {
    return with(std::string{R"({"body":)"} + std::string{condition} + "}", post("/a", std::move(text), std::move(type)));
  }
  std::string got(const request& r) { return answer(state, r).body; }
};

TEST_F(matching, a_text_is_equal_or_fits_the_operators) {
  EXPECT_EQ(query(R"("x")", "/a?q=x"), "yes");
  EXPECT_EQ(query(R"("x")", "/a?q=y"), "no");
  EXPECT_EQ(query(R"("x")", "/a"), "no");
  EXPECT_EQ(query(R"("a b")", "/a?q=a%20b"), "yes") << "values are decoded";
  EXPECT_EQ(query("5", "/a?q=5"), "yes");
  EXPECT_EQ(query(R"({"contains":"b"})", "/a?q=abc"), "yes");
  EXPECT_EQ(query(R"({"starts_with":"b"})", "/a?q=abc"), "no");
  EXPECT_EQ(query(R"({"starts_with":"A","ends_with":"C","ignore_case":true})", "/a?q=abc"), "yes");
  EXPECT_EQ(query(R"({"matches":"[a-z]+"})", "/a?q=abc"), "yes");
  EXPECT_EQ(query(R"({"matches":"[a-z]"})", "/a?q=abc"), "no") << "all of the value";
  EXPECT_EQ(query(R"({"matches":"a|b"})", "/a?q=xb"), "no") << "alternatives are anchored together";
  EXPECT_EQ(query(R"({"at_least":10,"less_than":"20.5"})", "/a?q=10.0"), "yes");
  EXPECT_EQ(query(R"({"greater_than":10})", "/a?q=10"), "no");
  EXPECT_EQ(query(R"({"at_most":10})", "/a?q=ten"), "no");
}

TEST_F(matching, several_values_of_one_name) {
  EXPECT_EQ(query(R"("x")", "/a?q=y&q=x"), "yes") << "one of them is enough";
  EXPECT_EQ(query(R"({"starts_with":"a","ends_with":"z"})", "/a?q=ab&q=yz"), "no") << "the same value fits all operators";
  EXPECT_EQ(query(R"({"includes":["a",{"starts_with":"b"}]})", "/a?q=bb&q=c&q=a"), "yes");
  EXPECT_EQ(query(R"({"includes":["a","b"]})", "/a?q=a"), "no");
  EXPECT_EQ(query(R"({"has_exactly":["a","b"]})", "/a?q=b&q=a"), "yes");
  EXPECT_EQ(query(R"({"has_exactly":["a","b"]})", "/a?q=b&q=a&q=c"), "no");
}

TEST_F(matching, absence_negation_and_alternatives) {
  EXPECT_EQ(query(R"({"absent":true})", "/a"), "yes");
  EXPECT_EQ(query(R"({"absent":true})", "/a?q="), "no");
  EXPECT_EQ(query(R"({"absent":false})", "/a?q="), "yes");
  EXPECT_EQ(query(R"({"not":"x"})", "/a"), "yes") << "nothing is not x";
  EXPECT_EQ(query(R"({"absent":false,"not":"x"})", "/a"), "no");
  EXPECT_EQ(query(R"({"not":"x"})", "/a?q=x"), "no");
  EXPECT_EQ(query(R"({"any_of":["x",{"absent":true}]})", "/a"), "yes");
  EXPECT_EQ(query(R"({"any_of":["x","y"]})", "/a?q=z"), "no");
  EXPECT_EQ(query(R"({"any_of":[]})", "/a?q=z"), "no");
  EXPECT_EQ(query(R"({"all_of":[{"contains":"a"},{"not":{"contains":"b"}}]})", "/a?q=ac"), "yes");
}

TEST_F(matching, headers_cookies_params_and_forms) {
  const auto header = [&](fields h) { return with(R"({"headers":{"X-Tenant":"blue"}})", asked("/a", std::move(h))); };
  EXPECT_EQ(header({{"x-tenant", "blue"}}), "yes");
  EXPECT_EQ(header({{"X-Tenant", "red"}, {"X-Tenant", "blue"}}), "yes");
  EXPECT_EQ(header({}), "no");
  const auto cookie = [&](std::string value) {
    return with(R"({"cookies":{"plan":{"matches":"pro|max"}}})", asked("/a", {{"Cookie", std::move(value)}}));
  };
  EXPECT_EQ(cookie("id=7; plan=max"), "yes");
  EXPECT_EQ(cookie("plan=free"), "no");
  const auto form = [&](std::string text, std::string type) {
    return with(R"({"form":{"kind":"a&b"}})", post("/a", std::move(text), std::move(type)));
  };
  EXPECT_EQ(form("x=1&kind=a%26b", "application/x-www-form-urlencoded; charset=utf-8"), "yes");
  EXPECT_EQ(form("kind=a%26b", "text/plain"), "no");
  add("GET", "/pets/{id}", "odd");
  add("GET", "/pets/{id}", "small", R"(,"match":{"params":{"id":{"less_than":10}}})");
  EXPECT_EQ(got(get("/pets/7")), "small");
  EXPECT_EQ(got(get("/pets/12")), "odd");
}

TEST_F(matching, the_target_as_it_came) {
  EXPECT_EQ(with(R"({"target":"/a?x=1"})", asked("/a?x=1")), "yes");
  EXPECT_EQ(with(R"({"target":"/a?x=1"})", asked("/a?x=1&y=2")), "no");
  EXPECT_EQ(with(R"({"target":{"matches":"/a[?]x=[0-9]+"}})", asked("/a?x=12")), "yes");
}

TEST_F(matching, json_is_equal_wholly_or_in_part) {
  constexpr auto whole = R"({"json":{"equals":{"a":1,"b":[1,2]}}})";
  EXPECT_EQ(body(whole, R"({"b":[1.0,2],"a":1})"), "yes") << "order of members and the way a number is written do not count";
  EXPECT_EQ(body(whole, R"({"a":1,"b":[2,1]})"), "no");
  EXPECT_EQ(body(whole, R"({"a":1,"b":[1,2],"c":0})"), "no");
  EXPECT_EQ(body(whole, "{"), "no");
  EXPECT_EQ(body(whole, ""), "no");
  constexpr auto partial = R"({"json":{"equals":{"a":1,"b":[2]},"ignore_extra_elements":true}})";
  EXPECT_EQ(body(partial, R"({"a":1,"b":[1,2,3],"c":0})"), "yes");
  EXPECT_EQ(body(partial, R"({"a":1})"), "no");
  constexpr auto unordered = R"({"json":{"equals":[{"x":1},2],"ignore_array_order":true}})";
  EXPECT_EQ(body(unordered, R"([2,{"x":1}])"), "yes");
  EXPECT_EQ(body(unordered, R"([2,2])"), "no");
  constexpr auto marked =
      R"({"json":{"equals":{"id":"${json-unit.any-string}","n":"${json-unit.any-number}","code":"${json-unit.regex}[A-Z]+","x":"${json-unit.ignore}"}}})";
  EXPECT_EQ(body(marked, R"({"id":"7","n":2,"code":"AB","x":null})"), "yes");
  EXPECT_EQ(body(marked, R"({"id":7,"n":2,"code":"AB","x":null})"), "no");
  EXPECT_EQ(body(marked, R"({"id":"7","n":2,"code":"AB"})"), "no");
}

TEST_F(matching, elements_in_any_order_find_their_places_though_one_fits_several) {
  const auto* condition = R"({"json":{"equals":[{"a":1},{"a":1,"b":2}],"ignore_array_order":true,"ignore_extra_elements":true}})";
  EXPECT_EQ(body(condition, R"([{"a":1,"b":2},{"a":1}])"), "yes");
  EXPECT_EQ(body(condition, R"([{"a":1},{"c":0},{"a":1,"b":2}])"), "yes");
  EXPECT_EQ(body(condition, R"([{"a":1},{"a":1,"b":3}])"), "no");
  condition = R"({"json":{"equals":["${json-unit.ignore}","${json-unit.regex}[ab]","a"],"ignore_array_order":true}})";
  EXPECT_EQ(body(condition, R"(["a","b","c"])"), "yes");
  EXPECT_EQ(body(condition, R"(["b","b","c"])"), "no");
}

TEST_F(matching, patterns_of_all_endpoints_together_have_a_limit) {
  const std::string dear = R"(,"match":{"query":{"q":{"matches":"\\p{L}{5}"}}})";
  events::error refused;
  std::size_t taken = 0;
  for (; taken < 2'000; ++taken) {
    auto done = put(state, named("GET", "/p" + std::to_string(taken), "x", dear), "d" + std::to_string(taken));
    if (!done) {
      refused = done.error();
      break;
    }
  }
  EXPECT_GT(taken, 10U);
  EXPECT_EQ(refused.code, errc::too_large) << refused.detail;
  EXPECT_NE(refused.detail.find("regex_steps_per_sandbox"), std::string::npos) << refused.detail;
  EXPECT_TRUE(put(state, named("GET", "/p0", "y", dear), "d0")) << "one that is there may change";
  EXPECT_TRUE(put(state, named("GET", "/q", "x"), "plain"));
  put_endpoints several;
  several.all.push_back({{named("GET", "/several", "x", dear), "e1"}, "/0"});
  EXPECT_FALSE(run(state, endpoint_command{several}));
  ASSERT_TRUE(run(state, endpoint_command{remove_endpoint{"d1"}}));
  EXPECT_TRUE(run(state, endpoint_command{several}));
  auto again = restore<endpoint_state>(snapshot(state));
  ASSERT_TRUE(again);
  EXPECT_FALSE(put(*again, named("GET", "/more", "x", dear), "more")) << "a snapshot counts the same";
}

TEST_F(matching, json_paths_schemas_and_texts) {
  EXPECT_EQ(body(R"({"json_path":{"path":"$.items[?@.sku == 'x']"}})", R"({"items":[{"sku":"y"},{"sku":"x"}]})"), "yes");
  EXPECT_EQ(body(R"({"json_path":{"path":"$.items[*].n","greater_than":3}})", R"({"items":[{"n":1},{"n":5}]})"), "yes");
  EXPECT_EQ(body(R"({"json_path":{"path":"$.items[*].n","greater_than":3}})", R"({"items":[{"n":1}]})"), "no");
  EXPECT_EQ(body(R"({"json_path":{"path":"$.a","absent":true}})", R"({"b":1})"), "yes");
  EXPECT_EQ(body(R"({"json_path":{"path":"$.a","json":{"equals":{"x":[1]}}}})", R"({"a":{"x":[1]}})"), "yes");
  EXPECT_EQ(body(R"({"json_path":{"path":"$.a","equals":true}})", R"({"a":true})"), "yes");
  EXPECT_EQ(body(R"({"json_schema":{"type":"object","required":["id"],"properties":{"id":{"type":"integer"}}}})", R"({"id":1})"), "yes");
  EXPECT_EQ(body(R"({"json_schema":{"type":"object","required":["id"],"properties":{"id":{"type":"integer"}}}})", R"({"id":"1"})"), "no");
  EXPECT_EQ(body(R"({"text":{"contains":"hello"}})", "well, hello", "text/plain"), "yes");
  EXPECT_EQ(body(R"({"text":{"absent":true}})", ""), "yes");
  EXPECT_EQ(body(R"([{"text":{"contains":"a"}},{"not":{"text":{"contains":"b"}}}])", "ac"), "yes");
  EXPECT_EQ(body(R"({"any_of":[{"text":"x"},{"json":{"equals":[1]}}]})", "[1]"), "yes");
  EXPECT_EQ(body(R"({"not":{"any_of":[{"text":"x"},{"json":{"equals":[1]}}]}})", "[1]"), "no");
}

TEST_F(matching, priority_decides_before_the_path_and_the_path_before_conditions) {
  add("GET", "/pets/{id}", "any");
  add("GET", "/pets/mine", "mine");
  EXPECT_EQ(got(get("/pets/mine")), "mine");
  add("GET", "/pets/{id}", "first", R"(,"priority":1,"match":{"headers":{"X-Try":"1"}})");
  EXPECT_EQ(got(get("/pets/mine", {{"X-Try", "1"}})), "first");
  EXPECT_EQ(got(get("/pets/mine")), "mine");
  add("GET", "/pets/mine", "last", R"(,"priority":9,"match":{"headers":{"X-Last":"1"}})");
  EXPECT_EQ(got(get("/pets/mine", {{"X-Last", "1"}})), "mine");
  EXPECT_EQ(got(get("/pets/7", {{"X-Last", "1"}})), "any");
}

TEST_F(matching, a_path_whose_matches_do_not_hold_gives_way_to_a_less_concrete_one) {
  add("GET", "/pets/mine", "mine", R"(,"match":{"query":{"v":"2"}})");
  add("GET", "/pets/{id}", "any");
  EXPECT_EQ(got(get("/pets/mine?v=2")), "mine");
  EXPECT_EQ(got(get("/pets/mine")), "any");
  EXPECT_EQ(got(get("/pets/8")), "any");
}

TEST_F(matching, more_conditions_win_then_the_newer_endpoint) {
  add("GET", "/a", "one", R"(,"match":{"query":{"x":"1"}})");
  add("GET", "/a", "two", R"(,"match":{"query":{"x":"1","y":"1"}})");
  add("GET", "/a", "other", R"(,"match":{"query":{"x":{"contains":"1"}}})");
  EXPECT_EQ(got(get("/a?x=1&y=1")), "two");
  EXPECT_EQ(got(get("/a?x=1")), "other") << "made later, so its id is greater";
  EXPECT_EQ(got(get("/a?x=21")), "other");
}

TEST_F(matching, any_method_gives_way_to_the_requests_own) {
  add("ANY", "/a", "any");
  add("PUT", "/a", "put");
  EXPECT_EQ(got(asked("/a")), "any");
  auto r = asked("/a");
  r.method = "PUT";
  EXPECT_EQ(got(r), "put");
}

TEST_F(matching, a_path_may_be_a_regular_expression) {
  auto regex = [&](std::string_view path, std::string_view body, std::string_view more = "") {
    auto done = put(state,
                    std::string{R"({"method":"GET","path_regex":")"} + std::string{path} + R"(","response":{"body":")" + std::string{body} + R"("})" +
                        std::string{more} + "}",
                    "e" + std::to_string(100 + next++));
    ASSERT_TRUE(done) << done.error().detail << " at " << done.error().where;
  };
  regex("/files/.+", "all");
  regex("/files/[0-9]+/raw", "raw", R"(,"match":{"query":{"v":"1"}})");
  add("GET", "/files/{name}", "one");
  EXPECT_EQ(got(get("/files/a/b/c")), "all");
  EXPECT_EQ(got(get("/files/7/raw?v=1")), "raw");
  EXPECT_EQ(got(get("/files/7/raw")), "all");
  EXPECT_EQ(got(get("/files/a")), "one") << "a route is more concrete than an expression";
  EXPECT_EQ(answer(state, get("/x/files/a/b")).status, 404U) << "all of the path";
  regex("/v1/.*", "rooted", R"(,"project_root":"/api","priority":2)");
  EXPECT_EQ(got(get("/api/v1/x")), "rooted");
  auto again = restore<endpoint_state>(snapshot(state));
  ASSERT_TRUE(again);
  EXPECT_EQ(answer(*again, get("/files/7/raw?v=1")).body, "raw");
  for (const auto* e : state.list("", 10))
    EXPECT_EQ(to_json(*e).find(R"("path_regex":")") != std::string::npos, e->path_regex) << to_json(*e);
  const auto first = state.list("", 1).front()->id;
  ASSERT_TRUE(run(state, endpoint_command{remove_endpoint{first}}));
  EXPECT_EQ(answer(state, get("/files/a/b/c")).status, 404U);
}

TEST_F(matching, nothing_that_holds_is_404_and_not_405_or_415) {
  add("POST", "/a", "x", R"(,"match":{"query":{"x":"1"}})");
  add("PUT", "/a", "y");
  auto r = answer(state, asked("/a"));
  EXPECT_EQ(r.status, 404U);
  EXPECT_NE(r.body.find("/problems/no-match"), std::string::npos) << r.body;
  EXPECT_EQ(answer(state, get("/a")).status, 405U);
}

TEST_F(matching, the_same_match_twice_is_a_conflict_and_another_priority_is_none) {
  add("GET", "/a", "x", R"(,"match":{"query":{"x":"1"}})");
  auto again = put(state, named("GET", "/a", "y", R"(,"match":{"query":{"x":"1"}})"), {}, 77);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, errc::conflict);
  add("GET", "/a", "y", R"(,"priority":4,"match":{"query":{"x":"1"}})");
  EXPECT_EQ(got(get("/a?x=1")), "y");
  const auto id = state.list("", 1).front()->id;
  EXPECT_TRUE(put(state, named("GET", "/a", "z", R"(,"match":{"query":{"x":"1"}})"), id, 78)) << "itself it may replace";
}

TEST_F(matching, bad_matches_are_refused_with_their_place_and_change_nothing) {
  struct bad_case {
    const char* match;
    errc code;
    const char* where;
  };
  const bad_case cases[] = {
      {R"([])", errc::invalid, "/match"},
      {R"({"quer":{}})", errc::invalid, "/match/quer"},
      {R"({"query":[]})", errc::invalid, "/match/query"},
      {R"({"query":{"a":null}})", errc::invalid, "/match/query/a"},
      {R"({"query":{"a":{}}})", errc::invalid, "/match/query/a"},
      {R"({"query":{"a":{"equal":"x"}}})", errc::invalid, "/match/query/a/equal"},
      {R"x({"query":{"a":{"matches":"(?=x)"}}})x", errc::invalid, "/match/query/a/matches"},
      {R"x({"query":{"a":{"matches":"a)(b"}}})x", errc::invalid, "/match/query/a/matches"},
      {R"({"query":{"a":{"greater_than":"x"}}})", errc::invalid, "/match/query/a/greater_than"},
      {R"({"query":{"a":{"ignore_case":true}}})", errc::invalid, "/match/query/a/ignore_case"},
      {R"({"headers":{"a b":"x"}})", errc::invalid, "/match/headers/a b"},
      {R"({"params":{"id":"x"}})", errc::invalid, "/match/params/id"},
      {R"({"body":"x"})", errc::invalid, "/match/body"},
      {R"({"body":{"xml":1}})", errc::invalid, "/match/body/xml"},
      {R"({"body":[{"text":"x"},{"json":{}}]})", errc::invalid, "/match/body/1/json/equals"},
      {R"({"body":{"json_path":{"path":"$["}}})", errc::invalid, "/match/body/json_path/path"},
      {R"({"body":{"json_path":{"path":"$.a","equal":1}}})", errc::invalid, "/match/body/json_path/equal"},
      {R"({"body":{"json_schema":{"type":"thing"}}})", errc::invalid, "/match/body/json_schema"},
      {R"({"query":{"a":{"not":{"not":{"not":{"not":{"not":{"not":{"not":{"not":{"not":"x"}}}}}}}}}}})", errc::too_large,
       "/match/query/a/not/not/not/not/not/not/not/not/not"},
  };
  for (const auto& c : cases) {
    auto r = put(state, named("GET", "/a", "x", std::string{R"(,"match":)"} + c.match));
    ASSERT_FALSE(r) << c.match;
    EXPECT_EQ(r.error().code, c.code) << c.match;
    EXPECT_EQ(r.error().where, c.where) << c.match << ": " << r.error().detail;
  }
  std::string many = R"(,"match":{"query":{)";
  for (std::size_t i = 0; i <= limits::match_conditions; ++i)
    many += (i == 0 ? "\"" : ",\"") + std::to_string(i) + R"(":"x")";
  auto r = put(state, named("GET", "/a", "x", many + "}}"));
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, errc::too_large);
  for (const auto* priority : {"0", "-1", "1.5", "\"5\"", "1000001"}) {
    auto p = put(state, named("GET", "/a", "x", std::string{R"(,"priority":)"} + priority));
    ASSERT_FALSE(p) << priority;
    EXPECT_EQ(p.error().where, "/priority");
  }
  EXPECT_EQ(state.size(), 0U);
}

TEST_F(matching, what_conditions_cost_is_bounded) {
  for (int i = 0; i < 40; ++i)
    add("POST", "/a", "x",
        R"(,"match":{"body":{"json_path":{"path":"$..*..*..*..)" + std::string(1, static_cast<char>('a' + i % 26)) + std::to_string(i) + R"("}}})");
  std::string deep;
  for (int i = 0; i < 60; ++i)
    deep += "[0,";
  deep += "0" + std::string(60, ']');
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(answer(state, post("/a", deep)).status, 404U);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds{10});
}

TEST_F(matching, a_path_that_finds_too_much_does_not_hold) {
  std::string wide = "[0";
  for (int i = 0; i < 2'000; ++i)
    wide += ",[0]";
  EXPECT_EQ(body(R"x({"json_path":{"path":"$..*..*","equals":0}})x", wide + "]"), "yes");
  for (int i = 0; i < 700'000; ++i)
    wide += ",0";
  EXPECT_EQ(body(R"x({"json_path":{"path":"$..*","equals":0}})x", wide + "]"), "no") << "more than json_path_work";
}

TEST_F(matching, a_choice_that_the_log_has_is_taken_where_the_request_is_not_known_whole) {
  add("GET", "/a", "gold", R"(,"match":{"headers":{"Authorization":"Bearer gold"}})");
  add("GET", "/a", "silver", R"(,"match":{"headers":{"Authorization":"Bearer silver"}})");
  add("GET", "/a", "nobody");
  const auto plan = route(state, get("/a", {{"Authorization", "Bearer gold"}}));
  const auto token = get("/a", {{"Authorization", "Bearer [redacted:0123456789ab]"}});
  const recorded_choice known{plan.endpoint_id(), nullptr};
  EXPECT_EQ(route(state, token, &known).endpoint_id(), plan.endpoint_id());
  EXPECT_NE(route(state, token).endpoint_id(), plan.endpoint_id());
}

TEST_F(matching, definitions_of_before_matches_fold_as_they_did) {
  constexpr auto old =
      R"({"id":"ep_1","method":"GET","project_root":"","group_root":"","path":"/a","consumes":[],"name":"","source":"hand","templated":false,"json_body":false,)"
      R"("responses":[{"status":"200","headers":[],"contents":[]}]})";
  ASSERT_TRUE(apply(state, events::kind::endpoint_put, old));
  EXPECT_EQ(state.find("ep_1")->priority, usual_priority);
  EXPECT_EQ(answer(state, get("/a")).status, 200U);
}

} // namespace
