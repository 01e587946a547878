#include "world.hpp"

#include "http/server.hpp"

#include <algorithm>
#include <thread>

namespace {

using namespace hourglass;
using namespace hourglass::testing;
using names = std::vector<std::string>;

/// What was sent and answered, searched by text.
class attempt_search : public world {
protected:
  void SetUp() override {
    world::SetUp();
    asked(201, "POST", "/api/v1/app", {{"name", "App"}, {"uid", "app"}});
    auto opened = http::server::open(
        {.threads = 1}, [](std::shared_ptr<const http::request> r, http::reply to) {
          http::response out;
          out.status = r->body.find("teapot") != std::string::npos ? 418 : 200;
          out.body = out.status == 418 ? "I am a Teapot" : "thanks";
          to.send(std::move(out));
        });
    ASSERT_TRUE(opened);
    server_ = std::move(*opened);
  }
  void TearDown() override {
    server_->stop(std::chrono::milliseconds{100});
    world::TearDown();
  }
  static std::string at(const std::string& rest) { return "/api/v1/app/app" + rest; }
  std::string endpoint(const std::string& url, const std::string& uid) {
    return asked(201, "POST", at("/endpoint"),
                 {{"url", url}, {"uid", uid}, {"retrySchedule", json::array()}})["id"];
  }
  std::string emit(const std::string& type, const json& payload) {
    return asked(202, "POST", at("/msg"), {{"eventType", type}, {"payload", payload}})["id"];
  }
  json search(const std::string& query = {}) {
    return asked(200, "GET", "/sandboxes/app/attempts" + query);
  }
  std::size_t count(const std::string& query) { return search(query)["data"].size(); }
  void wait_for(std::size_t attempts) {
    for (int i = 0; i < 6'000 && count("?limit=250") < attempts; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    ASSERT_EQ(count("?limit=250"), attempts);
  }

  std::unique_ptr<http::server> server_;
};

TEST_F(attempt_search, finds_what_was_sent_what_was_answered_and_what_went_wrong) {
  const auto here =
      endpoint("http://127.0.0.1:" + std::to_string(server_->port()) + "/hook", "here");
  endpoint("http://127.0.0.1:9/hook", "nowhere");
  const auto rex = emit("pet.sold", {{"pet", "Rex"}, {"city", "Zürich"}});
  emit("pet.lost", {{"pet", "Mimi"}, {"want", "teapot"}});
  wait_for(4);
  auto found = search("?text=REX");
  ASSERT_EQ(found["data"].size(), 2U) << "sent to both";
  EXPECT_EQ(found["data"][0]["msgId"], rex);
  EXPECT_EQ(found["data"][0]["matched"], json{"payload"});
  EXPECT_EQ(found["looked_at"], 4);
  EXPECT_GT(found["looked_at_bytes"], 0);
  EXPECT_TRUE(found["reached"].is_string());
  EXPECT_EQ(found["next_cursor"], nullptr) << "it has seen everything";
  EXPECT_EQ(count("?text=Z%C3%BCrich"), 2U);
  auto both = search("?text=teapot&destination=here");
  ASSERT_EQ(both["data"].size(), 1U);
  EXPECT_EQ(both["data"][0]["matched"], (json{"response", "payload"}));
  EXPECT_EQ(count("?text=teapot&in=response"), 1U);
  EXPECT_EQ(count("?text=teapot&in=error"), 0U);
  EXPECT_EQ(count("?text=thanks&in=payload"), 0U);
  EXPECT_EQ(count("?status=none"), 2U);
  EXPECT_EQ(count("?status=4xx"), 1U);
  EXPECT_EQ(count("?status=200"), 1U);
  EXPECT_EQ(count("?outcome=delivered"), 1U);
  EXPECT_EQ(count("?outcome=dead&type=pet.lost"), 2U);
  EXPECT_EQ(count("?destination=" + here), 2U);
  EXPECT_EQ(count("?message=" + rex + "&destination=here"), 1U);
  EXPECT_EQ(count("?until=2020-01-01T00:00:00Z"), 0U);
  EXPECT_EQ(count("?since=2020-01-01T00:00:00Z&text=nowhere%20to%20be%20found"), 0U);
  const auto first = search("?text=pet&limit=3");
  ASSERT_EQ(first["data"].size(), 3U);
  const auto rest = search("?text=pet&limit=3&cursor=" + first["next_cursor"].get<std::string>());
  EXPECT_EQ(rest["data"].size(), 1U);
  EXPECT_EQ(rest["next_cursor"], nullptr);
}

TEST_F(attempt_search, what_was_erased_is_not_found) {
  endpoint("http://127.0.0.1:" + std::to_string(server_->port()) + "/hook", "here");
  const auto id = emit("pet.sold", {{"pet", "Rex"}});
  wait_for(1);
  const auto attempt = search()["data"][0]["id"].get<std::string>();
  ASSERT_EQ(count("?text=rex"), 1U);
  asked(204, "DELETE", at("/msg/" + id + "/content"));
  EXPECT_EQ(count("?text=rex"), 0U);
  ASSERT_EQ(count("?text=thanks"), 1U);
  asked(204, "DELETE", at("/msg/" + id + "/attempt/" + attempt + "/content"));
  EXPECT_EQ(count("?text=thanks"), 0U);
  EXPECT_EQ(asked(200, "GET", at("/msg/" + id + "/attempt/" + attempt))["response"], "EXPUNGED");
  asked(404, "DELETE", at("/msg/" + id + "/attempt/atmpt_none/content"));
  EXPECT_TRUE(node_->store().verify(*node_->resolve("app")));
}

TEST_F(attempt_search, says_what_is_wrong_with_a_question) {
  for (const char* wrong :
       {"text=", "status=6xx", "status=abc", "outcome=maybe", "in=payload", "text=a&in=header",
        "text=a&in=payload,payload", "limit=0", "cursor=abc", "since=yesterday", "color=red"}) {
    const auto a = ask("GET", std::string{"/sandboxes/app/attempts?"} + wrong);
    EXPECT_EQ(a.status(), 400U) << wrong << a.response.body;
  }
  EXPECT_EQ(ask("GET", "/sandboxes/app/attempts?text=" + std::string(257, 'a')).status(), 400U);
}

} // namespace
