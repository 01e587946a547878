#include "breakable_store.hpp"

#include "webhook/batching_policy.hpp"
#include "webhook/facts.hpp"
#include "webhook/signing.hpp"

#include <map>
#include <set>

// Several messages in one request, over failures, restarts and kills.

namespace {

using namespace hourglass;
using namespace hourglass::test;
using namespace std::chrono_literals;
using events::kind;
using nlohmann::json;

class node_with_batches : public breakable_node_test {
protected:
  webhook::create_destination gathering(const std::string& url, const json& batching, std::vector<events::duration> schedule = std::vector<events::duration>(50, 30ms)) {
    webhook::create_destination c;
    c.value.url = url;
    c.value.schedule = std::move(schedule);
    c.value.batching = webhook::batching_policy::compile(json::parse(batching.dump())).value();
    return c;
  }
  std::string add(const events::sandbox_id& id, const webhook::create_destination& c) {
    auto r = submit(id, webhook::command{c});
    EXPECT_TRUE(r) << r.error().detail;
    return r ? json::parse(r->reply)["id"].get<std::string>() : "";
  }
  static std::string id_of(const http::request& r) { return std::string{http::find(r.headers, "webhook-id")}; }
  std::vector<webhook::attempt_finished> attempts(const events::sandbox_id& id) {
    std::vector<webhook::attempt_finished> out;
    for (const auto& e : history(id))
      if (e.header.kind == kind::attempt_finished)
        out.push_back(std::get<webhook::attempt_finished>(*webhook::decode(e)));
    return out;
  }
};

TEST_F(node_with_batches, messages_go_as_one_request_signed_as_any_other_and_each_has_its_attempt) {
  auto id = create();
  receiver shop{receiver::always(ok())};
  auto c = gathering(shop.url(), {{"maxMessages", 3}, {"maxWaitMs", 200}});
  auto key = webhook::signing_key::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  c.value.secrets.push_back({*key, {}, std::nullopt});
  add(id, c);
  std::vector<std::string> sent;
  for (int i = 0; i < 4; ++i) {
    auto m = emit(id, R"({"n":  )" + std::to_string(i) + "}");
    ASSERT_TRUE(m);
    sent.push_back(json::parse(m->reply)["id"]);
  }
  webhook::create_message bytes;
  bytes.event_type = "picture.taken";
  bytes.raw = true;
  bytes.payload = std::string("\x89PNG\x00\xff", 6);
  bytes.content_type = "image/png";
  ASSERT_TRUE(submit(id, webhook::command{bytes}));
  ASSERT_TRUE(shop.wait_for(2));
  ASSERT_TRUE(eventually([&] { return attempts(id).size() == 5; }));
  const auto came = shop.came();
  ASSERT_EQ(came.size(), 2U);
  const auto first = json::parse(came[0].body), second = json::parse(came[1].body);
  ASSERT_EQ(first.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(first[i]["id"], sent[i]);
    EXPECT_EQ(first[i]["payload"], (json{{"n", i}}));
  }
  EXPECT_NE(came[0].body.find(R"("payload":{"n":  0}})"), std::string::npos) << "byte for byte";
  ASSERT_EQ(second.size(), 2U);
  EXPECT_EQ(second[1]["payloadBase64"], "iVBORwD/");
  EXPECT_EQ(http::find(came[0].headers, "content-type"), "application/json");
  EXPECT_TRUE(id_of(came[0]).starts_with("bat_"));
  EXPECT_NE(id_of(came[0]), id_of(came[1]));
  const auto now = std::stoll(std::string{http::find(came[0].headers, "webhook-timestamp")});
  EXPECT_EQ(webhook::verify(*key, id_of(came[0]), http::find(came[0].headers, "webhook-timestamp"), http::find(came[0].headers, "webhook-signature"), came[0].body, now),
            webhook::verdict::ok);
  for (const auto& a : attempts(id)) {
    EXPECT_EQ(a.batch.id, id_of(a.message.id == sent[3] || a.message.event_type == "picture.taken" ? came[1] : came[0]));
    EXPECT_EQ(a.follows, webhook::outcome_kind::delivered);
  }
  EXPECT_EQ(outbox(id)["pendingDeliveries"], 0);
}

TEST_F(node_with_batches, are_the_same_bytes_under_the_same_id_at_every_attempt_over_kills) {
  std::atomic<bool> works{false};
  receiver flaky{[&](std::size_t, const http::request&) { return works ? ok() : no(); }};
  auto id = create();
  add(id, gathering(flaky.url(), {{"maxMessages", 4}, {"maxWaitMs", 50}}, std::vector<events::duration>(90, 100ms)));
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(emit(id, json{{"n", i}}.dump()));
  for (int kills = 1; kills <= 3; ++kills) {
    ASSERT_TRUE(flaky.wait_for(static_cast<std::size_t>(10 * kills)));
    kill();
  }
  works = true;
  ASSERT_TRUE(eventually([&] { return outbox(id)["pendingDeliveries"] == 0; }));
  std::map<std::string, std::string> body_of;
  std::map<int, std::set<std::string>> batches_of;
  for (const auto& r : flaky.came()) {
    auto [at, fresh] = body_of.emplace(id_of(r), r.body);
    EXPECT_EQ(at->second, r.body);
    for (const auto& e : json::parse(r.body))
      batches_of[e["payload"]["n"].get<int>()].insert(id_of(r));
  }
  ASSERT_EQ(batches_of.size(), 10U);
  for (const auto& [n, batches] : batches_of)
    EXPECT_EQ(batches.size(), 1U) << "message " << n << " went under several ids";
}

TEST_F(node_with_batches, in_a_line_keep_their_order_though_most_fail_and_the_node_is_killed) {
  std::atomic<int> last{-1};
  std::atomic<bool> overtaken{false};
  receiver flaky{[&](std::size_t number, const http::request& r) {
    const auto all = json::parse(r.body);
    if (all.front()["payload"]["n"].get<int>() > last + 1)
      overtaken = true;
    if (number % 3 != 0)
      return no();
    last = std::max<int>(last, all.back()["payload"]["n"].get<int>());
    return ok();
  }};
  auto id = create();
  auto c = gathering(flaky.url(), {{"maxMessages", 3}, {"maxWaitMs", 20}});
  c.value.ordering = webhook::ordering_policy::compile("fifo").value();
  add(id, c);
  for (int i = 0; i < 30; ++i)
    ASSERT_TRUE(emit(id, json{{"n", i}}.dump()));
  for (int kills = 1; kills <= 2; ++kills) {
    ASSERT_TRUE(eventually([&] { return last >= 8 * kills; }));
    kill();
  }
  EXPECT_TRUE(eventually([&] { return last == 29; }));
  EXPECT_FALSE(overtaken);
}

TEST_F(node_with_batches, that_die_are_dead_letters_which_a_recovery_sends_together_again) {
  std::atomic<bool> works{false};
  receiver shop{[&](std::size_t, const http::request&) { return works ? ok() : no(); }};
  auto id = create();
  const auto to = add(id, gathering(shop.url(), {{"maxMessages", 5}, {"maxWaitMs", 50}}, {}));
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(emit(id, json{{"n", i}}.dump()));
  ASSERT_TRUE(eventually([&] { return attempts(id).size() == 5; }));
  for (const auto& a : attempts(id))
    EXPECT_EQ(a.follows, webhook::outcome_kind::dead);
  reopen();
  works = true;
  ASSERT_TRUE(submit(id, webhook::command{webhook::start_recovery{to, events::virtual_time{0}, std::nullopt, webhook::recovery_scope::failed, {}}}));
  ASSERT_TRUE(eventually([&] { return attempts(id).size() == 10; }));
  const auto came = shop.came();
  ASSERT_EQ(came.size(), 2U);
  EXPECT_EQ(json::parse(came[1].body).size(), 5U);
  EXPECT_NE(id_of(came[0]), id_of(came[1])) << "another batch";
  EXPECT_EQ(attempts(id).back().number, 2U);
}

TEST_F(node_with_batches, wait_on_the_sandboxs_clock) {
  receiver shop{receiver::always(ok())};
  auto id = create();
  add(id, gathering(shop.url(), {{"maxMessages", 5}, {"maxWaitMs", 300'000}}));
  ASSERT_TRUE(emit(id));
  ASSERT_TRUE(emit(id));
  ASSERT_TRUE(submit(id, mock::clock_command{mock::advance_clock{events::duration{std::chrono::minutes{4}}}}));
  ASSERT_TRUE(eventually([&] { return clock_mode(id) == "running"; }));
  EXPECT_TRUE(shop.came().empty());
  ASSERT_TRUE(submit(id, mock::clock_command{mock::advance_clock{events::duration{std::chrono::minutes{2}}}}));
  ASSERT_TRUE(shop.wait_for(1));
  EXPECT_EQ(json::parse(shop.came()[0].body).size(), 2U);
}

TEST_F(node_with_batches, a_message_that_does_something_wrong_on_purpose_goes_alone_and_does_it) {
  receiver shop{receiver::always(ok())};
  auto id = create();
  const auto key = webhook::signing_key::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  auto c = gathering(shop.url(), {{"maxMessages", 2}, {"maxWaitMs", 60'000}});
  c.value.secrets.push_back({*key, {}, std::nullopt});
  add(id, c);
  ASSERT_TRUE(emit(id, R"({"n":0})"));
  webhook::create_message faulty;
  faulty.event_type = "thing.happened";
  faulty.payload = R"({"n":1})";
  faulty.fault = webhook::delivery_fault::bad_signature;
  ASSERT_TRUE(submit(id, webhook::command{faulty}));
  ASSERT_TRUE(emit(id, R"({"n":2})"));
  ASSERT_TRUE(shop.wait_for(2));
  for (const auto& r : shop.came()) {
    const auto whole = json::parse(r.body);
    const bool wrong = whole[0]["payload"]["n"] == 1;
    EXPECT_EQ(whole.size(), wrong ? 1U : 2U) << r.body;
    const auto at = http::find(r.headers, "webhook-timestamp");
    EXPECT_EQ(webhook::verify(*key, id_of(r), at, http::find(r.headers, "webhook-signature"), r.body, std::stoll(std::string{at})),
              wrong ? webhook::verdict::no_match : webhook::verdict::ok);
  }
}

} // namespace
