#include "world.hpp"

#include <thread>

namespace {

using namespace hourglass;
using namespace hourglass::testing;

/// Payloads that are erased, over the API; nobody listens at the endpoints.
class expunge : public world {
protected:
  void SetUp() override {
    world::SetUp();
    asked(201, "POST", "/api/v1/app", {{"name", "App"}, {"uid", "app"}});
  }
  static std::string at(const std::string& rest) { return "/api/v1/app/app" + rest; }
  std::string emit(const json& more = json::object()) {
    json all{{"eventType", "a.b"}, {"payload", {{"sensitive", "data"}}}};
    all.update(more);
    return asked(202, "POST", at("/msg"), all)["id"];
  }
  bool log_has(const std::string& text) {
    return ask("GET", "/sandboxes/app/history?limit=250").response.body.find(text) !=
           std::string::npos;
  }
};

TEST_F(expunge, a_payload_is_erased_for_good_and_the_chain_stays_valid) {
  const auto id = emit({{"eventId", "order-7"}, {"tags", {"t"}}});
  ASSERT_TRUE(log_has("sensitive"));
  asked(204, "DELETE", at("/msg/order-7/content"));
  auto m = asked(200, "GET", at("/msg/" + id));
  EXPECT_EQ(m["payload"], (json{{"expired", true}}));
  EXPECT_EQ(m["payloadErased"], true);
  EXPECT_EQ(m["eventId"], "order-7");
  EXPECT_EQ(m["tags"], json{"t"});
  EXPECT_EQ(asked(200, "GET", at("/msg"))["data"][0]["payload"], (json{{"expired", true}}));
  EXPECT_FALSE(log_has("sensitive"));
  asked(204, "DELETE", at("/msg/" + id + "/content"));
  auto said = asked(200, "GET", "/sandboxes/app/history?type=content.erased");
  ASSERT_EQ(said["data"].size(), 1U) << "erased twice is erased once";
  EXPECT_EQ(said["data"][0]["entities"], json{id});
  EXPECT_EQ(said["data"][0]["principal"], "admin");
  EXPECT_EQ(said["data"][0]["payload"]["reason"], "asked");
  EXPECT_EQ(asked(200, "GET", "/sandboxes/app/history?entity=" + id)["data"].size(), 2U)
      << "found by the message";
  auto sandbox = *node_->resolve("app");
  EXPECT_TRUE(node_->store().verify(sandbox));
  restart();
  EXPECT_EQ(asked(200, "GET", at("/msg/" + id))["payload"], (json{{"expired", true}}));
  EXPECT_TRUE(node_->store().verify(sandbox));
  asked(200, "GET", "/sandboxes/app/state?at_seq=2");
  asked(404, "DELETE", at("/msg/msg_none/content"));
  EXPECT_NE(ask("GET", "/metrics").response.body.find("\nhourglass_erased_in_files_seconds "), std::string::npos);
}

TEST_F(expunge, of_a_dead_letter_leaves_it_to_be_edited_or_thrown_away) {
  const std::string ep =
      asked(201, "POST", at("/endpoint"),
            {{"url", "http://127.0.0.1:9/hook"}, {"retrySchedule", json::array()}})["id"];
  const json brings{{"headers", {{"X-Kind", "dog"}}}};
  const auto edited = emit(brings), thrown_away = emit(brings);
  auto dead = [&] { return asked(200, "GET", at("/endpoint/" + ep + "/dead")).dump(); };
  auto eventually = [](auto holds) {
    for (int i = 0; i < 6'000 && !holds(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    return holds();
  };
  for (const auto& id : {edited, thrown_away})
    ASSERT_TRUE(eventually([&] { return dead().find(id) != std::string::npos; }));
  for (const auto& id : {edited, thrown_away})
    asked(204, "DELETE", at("/msg/" + id + "/content"));
  auto made = asked(202, "POST", at("/endpoint/" + ep + "/dead/" + edited + "/edit"), {{"payload", {{"n", 2}}}});
  EXPECT_EQ(made["payload"], (json{{"n", 2}}));
  asked(202, "POST", at("/endpoint/" + ep + "/dead/purge"));
  EXPECT_TRUE(eventually([&] { return dead().find(thrown_away) == std::string::npos; }));
}

TEST_F(expunge, what_was_erased_cannot_be_sent_again_and_a_recovery_passes_over_it) {
  const std::string ep =
      asked(201, "POST", at("/endpoint"),
            {{"url", "http://127.0.0.1:9/hook"}, {"retrySchedule", json::array()}})["id"];
  const auto id = emit(), other = emit();
  auto dead = [&] { return asked(200, "GET", at("/endpoint/" + ep + "/dead"))["data"].size(); };
  for (int i = 0; i < 6'000 && dead() < 2; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  ASSERT_EQ(dead(), 2U);
  asked(204, "DELETE", at("/msg/" + id + "/content"));
  auto again = ask("POST", at("/msg/" + id + "/endpoint/" + ep + "/resend"));
  EXPECT_EQ(again.status(), 400U);
  EXPECT_EQ(again.body()["code"], "missing_payload");
  const std::string rcv = asked(202, "POST", at("/endpoint/" + ep + "/recover"),
                                {{"since", "2020-01-01T00:00:00Z"}})["id"];
  json r;
  for (int i = 0; i < 6'000; ++i) {
    r = asked(200, "GET", at("/endpoint/" + ep + "/recovery/" + rcv));
    if (r["status"] == "finished")
      break;
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  EXPECT_EQ(r["seen"], 2);
  EXPECT_EQ(r["queued"], 1) << "the other one";
}

TEST_F(expunge, a_message_that_is_still_on_its_way_keeps_its_payload) {
  const std::string ep =
      asked(201, "POST", at("/endpoint"),
            {{"url", "http://127.0.0.1:9/hook"}, {"retrySchedule", {3600}}})["id"];
  const auto id = emit();
  auto refused = ask("DELETE", at("/msg/" + id + "/content"));
  EXPECT_EQ(refused.status(), 409U) << refused.response.body;
  EXPECT_TRUE(log_has("sensitive"));
  asked(204, "DELETE", at("/endpoint/" + ep));
  asked(204, "DELETE", at("/msg/" + id + "/content"));
}

TEST_F(expunge, an_answer_that_is_kept_for_its_idempotency_key_loses_the_payload_too) {
  const json body{{"eventType", "a.b"}, {"payload", {{"sensitive", "data"}}}};
  auto post = [&] { return ask("POST", at("/msg"), body.dump(), {{"Idempotency-Key", "k1"}}); };
  auto first = post();
  ASSERT_EQ(first.status(), 202U);
  EXPECT_EQ(post().body()["payload"], body["payload"]);
  asked(204, "DELETE", at("/msg/" + first.body()["id"].get<std::string>() + "/content"));
  auto replayed = post();
  EXPECT_EQ(replayed.status(), 202U);
  EXPECT_EQ(replayed.body()["id"], first.body()["id"]);
  EXPECT_EQ(replayed.body()["payload"], (json{{"expired", true}}));
}

TEST_F(expunge, another_sandboxs_key_opens_nothing) {
  const auto id = emit();
  auto other = sandbox();
  auto r = make("DELETE", at("/msg/" + id + "/content"));
  r.headers.push_back(bearer(other["client_secret"].get<std::string>()));
  EXPECT_GE(send(std::move(r)).status(), 403U);
  EXPECT_TRUE(log_has("sensitive"));
}

} // namespace
