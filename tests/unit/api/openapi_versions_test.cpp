#include "world.hpp"

namespace {

using namespace hourglass;
using namespace hourglass::testing;

class imports : public world {
protected:
  void SetUp() override {
    world::SetUp();
    id_ = sandbox()["id"];
  }
  std::string at(const std::string& rest) const { return "/sandboxes/" + id_ + rest; }
  static json document(const std::string& version, const std::vector<std::string>& paths) {
    json all = json::object();
    for (const auto& p : paths)
      all[p] = {{"get", {{"responses", {{"200", {{"description", ""}, {"content", {{"application/json", {{"example", version}}}}}}}}}}}};
    return {{"openapi", "3.0.3"}, {"info", {{"title", "T"}, {"version", version}}}, {"paths", all}};
  }
  json served(const std::string& path) {
    auto a = send(make("GET", "/s/" + id_ + path));
    return a.status() == 200 ? a.body() : json(a.status());
  }

  std::string id_;
};

TEST_F(imports, a_dry_run_tells_what_an_import_then_does) {
  asked(200, "PUT", at("/openapi"), document("1", {"/a", "/b"}));
  const auto next = document("2", {"/a", "/c"});
  auto dry = asked(200, "PUT", at("/openapi?dry_run=true"), next);
  EXPECT_EQ(dry["dry_run"], true);
  EXPECT_EQ(dry["changes"]["counts"], (json{{"added", 1}, {"removed", 1}, {"changed", 1}, {"unchanged", 0}}));
  EXPECT_EQ(served("/b"), "1");
  EXPECT_EQ(served("/c"), 404);
  EXPECT_EQ(asked(200, "GET", at("/openapi/versions"))["data"].size(), 1U) << "nothing was written";
  auto done = asked(200, "PUT", at("/openapi"), next);
  for (auto& one : done["changes"]["added"])
    one.erase("id");
  EXPECT_EQ(done["changes"], dry["changes"]);
  EXPECT_EQ(served("/c"), "2");
  asked(400, "PUT", at("/openapi?dry_run=perhaps"), next);
}

TEST_F(imports, versions_are_listed_and_serve_again_also_after_a_restart) {
  asked(404, "GET", at("/openapi"));
  for (const char* v : {"1", "2", "3"})
    asked(200, "PUT", at("/openapi"), document(v, {"/a"}));
  auto now = asked(200, "GET", at("/openapi"));
  EXPECT_EQ(now["document_version"], "3");
  EXPECT_EQ(now["endpoints"], 1);
  EXPECT_EQ(now["principal"], "admin");
  EXPECT_EQ(now["sha256"].get<std::string>().size(), 64U);
  EXPECT_EQ(now["pinned"], false);
  restart();
  auto first = asked(200, "GET", at("/openapi/versions?limit=2"));
  ASSERT_EQ(first["data"].size(), 2U);
  EXPECT_EQ(first["data"][0], now);
  auto rest = asked(200, "GET", at("/openapi/versions?limit=2&cursor=" + first["next_cursor"].get<std::string>()));
  ASSERT_EQ(rest["data"].size(), 1U);
  const auto oldest = std::to_string(rest["data"][0]["version"].get<int>());
  auto dry = asked(200, "POST", at("/openapi/versions/" + oldest + "/restore?dry_run=true"));
  EXPECT_EQ(dry["changes"]["counts"]["changed"], 1);
  EXPECT_EQ(served("/a"), "3");
  auto done = asked(200, "POST", at("/openapi/versions/" + oldest + "/restore"));
  EXPECT_EQ(done["changes"], dry["changes"]);
  EXPECT_EQ(served("/a"), "1");
  restart();
  EXPECT_EQ(served("/a"), "1");
  now = asked(200, "GET", at("/openapi"));
  EXPECT_EQ(std::to_string(now["restored"].get<int>()), oldest);
  EXPECT_EQ(now["sha256"], rest["data"][0]["sha256"]);
  for (const char* none : {"0", "999", "x", "1"})
    asked(404, "POST", at("/openapi/versions/" + std::string{none} + "/restore"));
  asked(400, "GET", at("/openapi/versions?cursor=nonsense"));
}

TEST_F(imports, a_pinned_version_stays_until_somebody_says_otherwise) {
  asked(200, "PUT", at("/openapi?pin=true"), document("1", {"/a"}));
  restart();
  auto why = asked(409, "PUT", at("/openapi"), document("2", {"/a"}));
  EXPECT_NE(why["detail"].get<std::string>().find("pin=false"), std::string::npos) << why;
  EXPECT_EQ(served("/a"), "1");
  EXPECT_EQ(asked(200, "PUT", at("/openapi?dry_run=true"), document("2", {"/a"}))["changes"]["counts"]["changed"], 1);
  const auto version = std::to_string(asked(200, "GET", at("/openapi"))["version"].get<int>());
  asked(409, "POST", at("/openapi/versions/" + version + "/restore"));
  asked(200, "POST", at("/openapi/versions/" + version + "/restore?pin=false"));
  asked(200, "PUT", at("/openapi"), document("2", {"/a"}));
  EXPECT_EQ(served("/a"), "2");
}

} // namespace
