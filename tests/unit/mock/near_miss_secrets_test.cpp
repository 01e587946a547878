// What near misses do not tell, however a condition hides it.
#include "support.hpp"

#include "mock/secret_names.hpp"

#include <nlohmann/json.hpp>

namespace {
using namespace hourglass::mock;
using nlohmann::json;

/// The first difference that is told of one endpoint with this match.
json told(std::string_view match, const request& r) {
  endpoint_state state;
  auto done = put(state, named("POST", "/a", "x", std::string{R"(,"match":)"} + std::string{match}));
  EXPECT_TRUE(done) << match << ": " << done.error().detail << " at " << done.error().where;
  const auto a = answer(state, r);
  EXPECT_EQ(a.status, 404U) << a.body;
  auto near = json::parse(a.body).value("near_misses", json::array());
  EXPECT_EQ(near.size(), 1U) << a.body;
  return near.empty() ? json::object() : near[0]["differences"][0];
}

TEST(near_miss_secrets, of_the_target_are_not_told_whatever_the_request_has) {
  for (const auto* match : {R"({"target":"/a?api_key=LIVE"})", R"({"target":{"matches":"/a\\?api_key=LIVE.*"}})", R"({"target":"/a?api%5Fkey=LIVE"})",
                            R"({"target":{"any_of":[{"ends_with":"&token=LIVE"}]}})"}) {
    const auto d = told(match, post("/a", ""));
    EXPECT_EQ(d["wanted"], "(not shown)") << d;
    EXPECT_EQ(d["condition"], "/match/target");
  }
  EXPECT_EQ(told(R"({"target":"/a?b=1"})", post("/a?b=2", ""))["wanted"], "\"/a?b=1\"");
  EXPECT_EQ(told(R"({"target":"/a?b=1"})", post("/a?token=abcdef", ""))["came"], "(not shown)");
}

TEST(near_miss_secrets, of_groups_parts_and_operations_only_the_pointer_is_told) {
  auto d = told(R"({"body":{"any_of":[{"json_path":{"path":"$.password","equals":"hunter2"}}]}})", post("/a", R"({"password":"other12"})"));
  EXPECT_EQ(d["condition"], "/match/body/any_of");
  EXPECT_EQ(d.dump().find("hunter2"), std::string::npos) << d;
  d = told(R"({"body":{"all_of":[{"text":"plain hunter2"}]}})", post("/a", "x"));
  EXPECT_EQ(d.dump().find("hunter2"), std::string::npos) << d;
  const auto* part = R"({"multipart":[{"name":"password","headers":{"Authorization":"hunter2"},"body":{"text":"hunter2"}}]})";
  d = told(part, post("/a", "--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nq\r\n--x--", "multipart/form-data; boundary=x"));
  EXPECT_EQ(d["wanted"], "(not shown)") << d;
  EXPECT_EQ(d["came"], "parts: file");
  EXPECT_EQ(told(part, post("/a", "x", "text/plain")).dump().find("hunter2"), std::string::npos);
  const auto* graphql = R"x({"graphql":{"query":"{login(as:\"hunter2\"){id}}","variables":{"equals":{"p":"hunter2"}}}})x";
  for (const auto* body : {"{}", R"({"query":"{other}"})"})
    EXPECT_EQ(told(graphql, post("/a", body)).dump().find("hunter2"), std::string::npos) << body;
}

TEST(near_miss_secrets, in_texts_and_patterns_are_found_by_the_names_beside_them) {
  for (const auto* body : {R"({"text":{"contains":"\"password\":\"hunter2\""}})", R"({"text":{"matches":".*\\bpassword=hunter2"}})",
                           R"({"json_path":{"path":"$['pass\\u0077ord']","equals":"hunter2"}})", R"({"xpath":{"path":"//u[@password='hunter2']"}})",
                           R"({"json_path":{"path":"$.u[?@.password == 'hunter2']"}})", R"({"json":{"equals":{"a":"password=hunter2"}}})",
                           R"({"json_path":{"path":"$.card.number","equals":"hunter2"}})"}) {
    const auto d = told(std::string{R"({"body":)"} + body + "}", post("/a", R"({"a":"b","u":[{}]})"));
    EXPECT_EQ(d.dump().find("hunter2"), std::string::npos) << d;
    EXPECT_EQ(d["wanted"], "(not shown)") << d;
  }
  EXPECT_EQ(told(R"({"body":{"text":{"contains":"hello"}}})", post("/a", "x"))["wanted"], R"({"contains":"hello"})");
  EXPECT_TRUE(names_secret("a.b['api_key']"));
  EXPECT_TRUE(names_secret("x=1&%74oken=y"));
  EXPECT_FALSE(names_secret("/pets?kind=dog&page_token=7"));
}

TEST(near_miss_secrets, that_a_wide_path_finds_are_not_told_in_part) {
  const auto body = R"({"access_token":")" + std::string(400, 's') + R"("})";
  for (const auto* path : {"$.*", "$..*", "$[?@ != 1]"}) {
    const auto d = told(std::string{R"({"body":{"json_path":{"path":")"} + path + R"(","equals":"x"}}})", post("/a", body));
    EXPECT_EQ(d["came"], "(not shown)") << d;
  }
  EXPECT_EQ(told(R"({"body":{"json_path":{"path":"$.*","equals":"x"}}})", post("/a", R"({"kind":"dog"})"))["came"], "\"dog\"");
  EXPECT_EQ(told(R"({"body":{"json_path":{"path":"$.kind","equals":"x"}}})", post("/a", R"({"kind":"dog","pin":"1"})"))["came"], "\"dog\"");
}

} // namespace
