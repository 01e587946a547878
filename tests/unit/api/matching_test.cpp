// Endpoints that only their matches tell apart, from the API to the log and back.
#include "world.hpp"

namespace {

using namespace hourglass;
using namespace hourglass::testing;

class matching : public world {
protected:
  void SetUp() override {
    world::SetUp();
    id_ = sandbox()["id"].get<std::string>();
  }
  std::string at(const std::string& rest) const { return "/sandboxes/" + id_ + rest; }
  void add(const std::string& says, json match, json more = json::object()) {
    json e{{"method", "POST"}, {"path", "/orders"}, {"response", {{"body", says}}}, {"match", std::move(match)}};
    e.update(more);
    asked(201, "POST", at("/endpoints"), e);
  }
  answer order(std::string target, std::string body, http::fields headers = {}) {
    headers.push_back({"Content-Type", "application/json"});
    return send(make("POST", "/s/" + id_ + "/orders" + target, std::move(body), std::move(headers)));
  }
  /// Replays the newest request.
  json replayed() {
    const auto request = asked(200, "GET", at("/requests"))["data"][0]["id"].get<std::string>();
    return asked(200, "POST", at("/requests/" + request + "/replay"));
  }

  std::string id_;
};

TEST_F(matching, the_endpoint_whose_match_holds_answers_before_and_after_a_restart_and_in_a_replay) {
  add("large", {{"body", {{"json_path", {{"path", "$.total"}, {"at_least", 100}}}}}});
  add("berlin", {{"body", {{"json", {{"equals", {{"city", "Berlin"}}}, {"ignore_extra_elements", true}}}}}}, {{"priority", 1}});
  add("any", json::object());
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(order("", R"({"total":120,"city":"Bonn"})").response.body, "large");
    EXPECT_EQ(replayed()["identical"], true);
    EXPECT_EQ(order("", R"({"total":120,"city":"Berlin"})").response.body, "berlin");
    EXPECT_EQ(replayed()["identical"], true);
    EXPECT_EQ(order("", R"({"total":7})").response.body, "any");
    EXPECT_EQ(replayed()["identical"], true);
    if (i == 0)
      restart();
  }
  auto shown = asked(200, "GET", at("/endpoints"))["data"];
  ASSERT_EQ(shown.size(), 3U);
  EXPECT_EQ(shown[1]["priority"].is_number() + shown[0]["priority"].is_number() + shown[2]["priority"].is_number(), 1);
}

TEST_F(matching, a_request_whose_secrets_chose_is_replayed_as_it_was_chosen) {
  add("gold", {{"headers", {{"Authorization", "Bearer gold-customer"}}}});
  add("silver", {{"cookies", {{"plan", "silver-customer"}}}});
  add("pass", {{"body", {{"json_path", {{"path", "$.password"}, {"starts_with", "open-"}}}}}});
  add("none", {{"query", {{"token", {{"not", "closed-sesame"}}}}}}, {{"priority", 9}});
  const auto check = [&](const answer& a, const std::string& says) {
    EXPECT_EQ(a.response.body, says);
    auto again = replayed();
    EXPECT_EQ(again["identical"], true) << again.dump(1);
    EXPECT_EQ(again.dump().find("gold-customer"), std::string::npos);
  };
  check(order("?token=closed-sesame", "{}", {{"Authorization", "Bearer gold-customer"}}), "gold");
  check(order("?token=closed-sesame", "{}", {{"Cookie", "plan=silver-customer"}}), "silver");
  check(order("?token=closed-sesame", R"({"password":"open-sesame"})"), "pass");
  check(order("?token=another-one", "{}"), "none");
  const auto missed = order("?token=closed-sesame", "{}", {{"Authorization", "Bearer gold-digger"}});
  ASSERT_EQ(missed.status(), 404U);
  EXPECT_EQ(missed.body()["near_misses"].size(), 3U) << missed.response.body;
  auto again = replayed();
  EXPECT_EQ(again["identical"], true) << again.dump(1);
  for (const auto* secret : {"gold-customer", "gold-digger", "silver-customer", "closed-sesame"})
    EXPECT_EQ(missed.response.body.find(secret), std::string::npos) << secret;
}

TEST_F(matching, what_did_not_match_is_told_and_stays_in_the_log) {
  add("eu", {{"query", {{"region", {{"any_of", {"eu", "uk"}}}}}}});
  const auto missed = order("?region=us", "{}");
  ASSERT_EQ(missed.status(), 404U);
  EXPECT_EQ(missed.header("Content-Type"), "application/problem+json");
  const auto near = missed.body()["near_misses"];
  ASSERT_EQ(near.size(), 1U);
  EXPECT_EQ(near[0]["differences"][0]["condition"], "/match/query/region");
  EXPECT_EQ(near[0]["differences"][0]["came"], "us");
  const auto request = asked(200, "GET", at("/requests"))["data"][0]["id"].get<std::string>();
  EXPECT_NE(asked(200, "GET", at("/requests/" + request)).dump().find("near_misses"), std::string::npos);
  EXPECT_EQ(replayed()["identical"], true);
}

TEST_F(matching, a_bad_match_is_a_problem_that_points_at_it) {
  auto a = ask("POST", at("/endpoints"), R"x({"method":"GET","path":"/a","response":{},"match":{"query":{"q":{"matches":"(?<=a)b"}}}})x");
  EXPECT_EQ(a.status(), 422U) << a.response.body;
  EXPECT_EQ(a.body()["pointer"], "/match/query/q/matches");
  EXPECT_EQ(asked(200, "GET", at("/endpoints"))["data"].size(), 0U);
}

TEST_F(matching, files_of_other_tools_are_imported_whole_or_not_at_all) {
  const json stubs = json::parse(
      R"({"mappings":[{"request":{"method":"POST","urlPath":"/orders","bodyPatterns":[{"matchesJsonPath":"$.rush"}]},"response":{"body":"rush"}},
    {"request":{"method":"POST","urlPath":"/orders"},"response":{"body":"usual","fixedDelayMilliseconds":1}}]})");
  const auto refused = ask("POST", at("/imports/wiremock?strict=true"), stubs.dump());
  EXPECT_EQ(refused.status(), 422U) << refused.response.body;
  EXPECT_EQ(refused.body()["pointer"], "/mappings/1/response/fixedDelayMilliseconds");
  EXPECT_EQ(asked(200, "GET", at("/endpoints"))["total"], 0);
  auto done = asked(200, "POST", at("/imports/wiremock"), stubs);
  EXPECT_EQ(done["created"], 2);
  EXPECT_EQ(done["warnings"].size(), 1U);
  restart();
  EXPECT_EQ(order("", R"({"rush":true})").response.body, "rush");
  EXPECT_EQ(order("", "{}").response.body, "usual");
  EXPECT_EQ(replayed()["identical"], true);
  EXPECT_EQ(asked(200, "POST", at("/imports/wiremock"), stubs)["unchanged"], 2);
  const json saved = json::parse(R"({"item":[{"request":{"method":"GET","url":"{{b}}/pets/:id"},"response":[{"code":200,"body":"pet"}]}]})");
  EXPECT_EQ(asked(200, "POST", at("/imports/postman"), saved)["created"], 1);
  EXPECT_EQ(send(make("GET", "/s/" + id_ + "/pets/7")).response.body, "pet");
  const json har = json::parse(
      R"({"log":{"entries":[{"request":{"method":"GET","url":"https://a.test/x"},"response":{"status":200,"headers":[],"content":{"text":"x"}}}]}})");
  EXPECT_EQ(asked(200, "POST", at("/imports/har?host=a.test"), har)["created"], 1);
  EXPECT_EQ(ask("POST", at("/imports/har?host=b.test"), har.dump()).status(), 400U);
  for (const auto* path : {"/imports/wiremock", "/imports/postman", "/imports/har"})
    for (const auto* body : {"[7", "{}", "7"})
      EXPECT_EQ(ask("POST", at(path), body).status() / 100, 4U) << path << body;
  EXPECT_EQ(asked(200, "GET", at("/endpoints"))["total"], 4);
}

} // namespace
