#include "support.hpp"

#include "mock/compiled.hpp"
#include "mock/router.hpp"
#include "mock/target.hpp"

namespace {
using namespace hourglass::mock;
namespace events = hourglass::events;

struct routes : testing::Test {
  endpoint_state state;
  std::uint8_t next = 1;

  void add(std::string_view method, std::string_view path, std::string_view body, std::string_view more = "") {
    auto done = put(state, named(method, path, body, more), {}, next++);
    ASSERT_TRUE(done) << path << ": " << done.error().detail << " at " << done.error().where;
  }
  std::string got(std::string target) { return answer(state, get(std::move(target))).body; }
  unsigned status(std::string target) { return answer(state, get(std::move(target))).status; }
};

TEST_F(routes, a_concrete_segment_wins_over_a_parameter_whatever_came_first) {
  add("GET", "/pets/{id}", "one");
  add("GET", "/pets/mine", "mine");
  EXPECT_EQ(got("/pets/mine"), "mine");
  EXPECT_EQ(got("/pets/7"), "one");
}

TEST_F(routes, a_mixed_segment_stands_between_concrete_and_parameter) {
  add("GET", "/files/{name}", "any");
  add("GET", "/files/{name}.json", "json");
  add("GET", "/files/{name}.{ext}", "dotted");
  add("GET", "/files/a.json", "exact");
  EXPECT_EQ(got("/files/a.json"), "exact");
  EXPECT_EQ(got("/files/b.json"), "json");
  EXPECT_EQ(got("/files/b.xml"), "dotted");
  EXPECT_EQ(got("/files/b"), "any");
  EXPECT_EQ(got("/files/.json"), "any") << "a parameter takes at least one character";
}

TEST_F(routes, a_branch_that_leads_nowhere_is_left_again) {
  add("GET", "/a/b/c", "abc");
  add("GET", "/a/{x}/d", "axd");
  add("GET", "/{y}/b/e", "ybe");
  EXPECT_EQ(got("/a/b/d"), "axd");
  EXPECT_EQ(got("/a/b/e"), "ybe");
  EXPECT_EQ(status("/a/b/f"), 404U);
}

TEST_F(routes, a_concrete_path_without_the_method_gives_way_to_a_template_that_has_it) {
  add("POST", "/pets/mine", "create");
  add("GET", "/pets/{id}", "one");
  EXPECT_EQ(got("/pets/mine"), "one");
}

TEST_F(routes, of_a_document_the_most_concrete_path_decides_and_says_what_it_allows) {
  import_openapi document{R"({"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{
    "/pets/mine":{"post":{"responses":{"200":{"description":"made"}}}},
    "/pets/{id}":{"get":{"responses":{"200":{"description":"one"}}},"delete":{"responses":{"200":{"description":"gone"}}}}}})"};
  ASSERT_TRUE(run(state, endpoint_command{document}));
  auto r = answer(state, get("/pets/mine"));
  EXPECT_EQ(r.status, 405U);
  EXPECT_EQ(header(r, "Allow"), "POST");
  EXPECT_EQ(status("/pets/7"), 200U);
  next = 50; // ids are made of chance, too
  add("GET", "/{kind}/{id}", "by hand");
  EXPECT_EQ(got("/pets/mine"), "by hand") << "what somebody has made himself is meant";
  add("PUT", "/pets/mine", "by hand, too");
  EXPECT_EQ(got("/pets/mine"), "by hand");
}

TEST_F(routes, a_known_path_without_the_method_is_405_and_says_what_is_allowed) {
  add("POST", "/pets", "create");
  add("DELETE", "/pets", "drop");
  auto r = answer(state, get("/pets"));
  EXPECT_EQ(r.status, 405U);
  EXPECT_EQ(header(r, "Allow"), "DELETE, POST");
  EXPECT_EQ(header(r, "Content-Type"), "application/problem+json");
}

TEST_F(routes, head_is_answered_by_get_without_a_body) {
  add("GET", "/pets", "list");
  auto r = get("/pets");
  r.method = "HEAD";
  auto a = answer(state, r);
  EXPECT_EQ(a.status, 200U);
  EXPECT_TRUE(a.body.empty());
}

TEST_F(routes, roots_and_path_make_one_route) {
  add("GET", "/pets", "rooted", R"(,"project_root":"/api/v1/","group_root":"/zoo")");
  EXPECT_EQ(got("/api/v1/zoo/pets"), "rooted");
  EXPECT_EQ(status("/pets"), 404U);
}

TEST_F(routes, a_trailing_slash_counts_but_is_forgiven) {
  add("GET", "/plain", "plain");
  add("GET", "/slash/", "slash");
  EXPECT_EQ(got("/plain/"), "plain");
  EXPECT_EQ(got("/slash"), "slash");
  add("GET", "/plain/", "own");
  EXPECT_EQ(got("/plain/"), "own");
  EXPECT_EQ(got("/plain"), "plain");
}

TEST_F(routes, the_root_path_is_a_route) {
  add("GET", "/", "root");
  EXPECT_EQ(got("/"), "root");
  EXPECT_EQ(got("/?x=1"), "root");
}

TEST_F(routes, an_encoded_slash_stays_inside_its_segment) {
  add("GET", "/files/{name}", "one");
  EXPECT_EQ(got("/files/a%2Fb"), "one");
  EXPECT_EQ(status("/files/a/b"), 404U);
}

TEST_F(routes, path_tricks_are_400_and_match_nothing) {
  add("GET", "/{a}/{b}", "any");
  for (auto trick : {"/a/..", "/a/%2e%2E", "/a/.", "/a/%00", "/a/%zz", "/a/%f", "/a/%ff%fe", "x", ""})
    EXPECT_EQ(status(trick), 400U) << trick;
  EXPECT_EQ(status("//b"), 404U) << "a parameter never matches an empty segment";
  std::string deep;
  for (int i = 0; i < 100; ++i)
    deep += "/a";
  EXPECT_EQ(status(deep), 400U);
}

TEST_F(routes, the_body_s_media_type_chooses_among_endpoints_of_one_route) {
  add("POST", "/in", "json", R"(,"consumes":["application/json"])");
  add("POST", "/in", "text", R"(,"consumes":["text/*"])");
  EXPECT_EQ(answer(state, post("/in", "{}", "application/json; charset=utf-8")).body, "json");
  EXPECT_EQ(answer(state, post("/in", "x", "TEXT/plain")).body, "text");
  auto refused = answer(state, post("/in", "x", "image/png"));
  EXPECT_EQ(refused.status, 415U);
  EXPECT_EQ(answer(state, post("/in", "x", "nonsense")).status, 415U);
}

TEST(route_patterns, what_is_no_template_is_refused) {
  for (auto bad : {"", "pets", "/a//b", "//", "/a/../b", "/a/%2e%2e", "/a%2fb", "/a%5cb", "/a%00", "/a%0ab", "/a%", "/{", "/}", "/{}", "/{a}{b}",
                   "/{a}/{a}", "/{a/b}", "/a?b", "/a#b", "/{a{b}}", "/\xff"}) {
    auto r = compile_route(bad);
    ASSERT_FALSE(r) << bad;
    EXPECT_EQ(r.error().where, "/path") << bad;
  }
}

TEST(route_patterns, parameters_and_texts_are_told_apart) {
  auto r = compile_route("/a%20b/{x}/v{major}.{minor}/");
  ASSERT_TRUE(r);
  ASSERT_EQ(r->segments.size(), 4U);
  EXPECT_EQ(r->segments[0].text, "a b");
  EXPECT_EQ(r->segments[1].what, route_segment::kind::parameter);
  EXPECT_EQ(r->segments[2].around, (std::vector<std::string>{"v", ".", ""}));
  EXPECT_EQ(r->parameters, (std::vector<std::string>{"x", "major", "minor"}));
}

/// The router against the plainest possible reading of its own rules, over a few thousand random tables and paths.
TEST(router_model, agrees_with_a_linear_search) {
  std::uint32_t dice = 7;
  auto roll = [&](std::uint32_t n) {
    dice = dice * 1664525U + 1013904223U;
    return (dice >> 16) % n;
  };
  const std::vector<std::string> pieces{"a", "b", "{p}", "v{p}"};
  for (int round = 0; round < 300; ++round) {
    router r;
    std::vector<std::shared_ptr<const compiled_endpoint>> all;
    for (std::uint32_t i = 0; i < 1 + roll(12); ++i) {
      endpoint e;
      e.id = "ep_" + std::to_string(i);
      e.method = "GET";
      for (std::uint32_t s = 0; s < 1 + roll(3); ++s) {
        auto piece = pieces[roll(4)];
        if (auto at = piece.find('p'); at != std::string::npos && piece.find('{') != std::string::npos)
          piece.insert(at + 1, std::to_string(s));
        e.path += "/" + piece;
      }
      e.responses.push_back({"200", {}, {}});
      auto c = compiled_endpoint::compile(std::move(e));
      ASSERT_TRUE(c);
      if (!r.same_route((*c)->route, "GET").empty())
        continue;
      r.add(*c);
      all.push_back(*c);
    }
    auto rank = [](const route_segment& s, const std::string& text) {
      if (s.what == route_segment::kind::literal)
        return s.text == text ? 3 : 0;
      if (s.what == route_segment::kind::mixed)
        return text.size() > 1 && text.starts_with("v") ? 2 : 0;
      return text.empty() ? 0 : 1;
    };
    for (int probe = 0; probe < 20; ++probe) {
      std::vector<std::string> path;
      for (std::uint32_t s = 0; s < 1 + roll(3); ++s)
        path.push_back(std::vector<std::string>{"a", "b", "v1", "zz", ""}[roll(5)]);
      const compiled_endpoint* best = nullptr;
      std::vector<int> best_ranks;
      for (const auto& e : all) {
        if (e->route.segments.size() != path.size())
          continue;
        std::vector<int> ranks;
        for (std::size_t s = 0; s < path.size(); ++s)
          ranks.push_back(rank(e->route.segments[s], path[s]));
        if (std::find(ranks.begin(), ranks.end(), 0) == ranks.end() && ranks > best_ranks) {
          best = e.get();
          best_ranks = ranks;
        }
      }
      EXPECT_EQ(r.find(path, "GET", "").endpoint.get(), best);
    }
    for (const auto& e : all)
      r.remove(*e);
    EXPECT_EQ(r.find(std::vector<std::string>{"a"}, "GET", "").endpoint, nullptr);
  }
}

/// Routes that lie alone on their branch are not built out; the second one builds it, and removing it leaves the first where it was.
TEST(router, finds_hundreds_side_by_side_while_others_come_and_go_below_them) {
  auto compiled = [](std::string id, std::string method, std::string path) {
    endpoint e;
    e.id = std::move(id);
    e.method = std::move(method);
    e.path = std::move(path);
    e.responses.push_back({"200", {}, {}});
    return compiled_endpoint::compile(std::move(e)).value();
  };
  router r;
  std::vector<std::shared_ptr<const compiled_endpoint>> one, below, other;
  for (int i = 0; i < 300; ++i) {
    auto n = std::to_string(i);
    r.add(one.emplace_back(compiled("one" + n, "GET", "/shops/" + n + "/coffees/{id}")));
  }
  auto check = [&](bool with_below, bool with_other) {
    for (std::size_t i = 0; i < 300; ++i) {
      const std::vector<std::string> item{"shops", std::to_string(i), "coffees", "x"};
      const auto got = r.find(item, "GET", "");
      ASSERT_EQ(got.endpoint, one[i]);
      EXPECT_EQ(got.captures, std::vector<std::string>{"x"});
      const std::vector<std::string> price{"shops", std::to_string(i), "coffees", "x", "price"};
      const auto deeper = r.find(price, "GET", "");
      EXPECT_EQ(deeper.endpoint, with_below ? below[i] : nullptr);
      const auto posted = r.find(item, "POST", "");
      EXPECT_EQ(posted.endpoint, with_other ? other[i] : nullptr);
      EXPECT_EQ(posted.allowed, std::vector<std::string>{"GET"});
      EXPECT_TRUE(r.find(std::vector<std::string>{"shops", std::to_string(i), "coffees", ""}, "GET", "").endpoint == nullptr);
    }
  };
  check(false, false);
  for (int i = 0; i < 300; ++i) {
    auto n = std::to_string(i);
    r.add(below.emplace_back(compiled("below" + n, "GET", "/shops/" + n + "/coffees/{id}/price")));
    r.add(other.emplace_back(compiled("other" + n, "POST", "/shops/" + n + "/coffees/{coffee}")));
  }
  check(true, true);
  const auto copy = r.clone();
  for (const auto& e : other)
    r.remove(*e);
  check(true, false);
  for (const auto& e : below)
    r.remove(*e);
  check(false, false);
  EXPECT_EQ(r.same_route(one[7]->route, "GET").size(), 1U);
  EXPECT_EQ(copy.same_route(one[7]->route, "POST").size(), 1U) << "a copy keeps what it had";
  const auto copied = copy.find(std::vector<std::string>{"shops", "7", "coffees", "x", "price"}, "GET", "");
  EXPECT_EQ(copied.endpoint, below[7]);
  EXPECT_EQ(copied.captures, std::vector<std::string>{"x"});
  for (const auto& e : one)
    r.remove(*e);
  EXPECT_EQ(r.find(std::vector<std::string>{"shops", "1", "coffees", "x"}, "GET", "").endpoint, nullptr);
}

} // namespace
