#include "tests/unit/webhook/world.hpp"
#include "webhook/batching.hpp"
#include "webhook/inputs.hpp"

#include <nlohmann/json.hpp>

// What an endpoint says of batches, and what one looks like.

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;
using nlohmann::json;

std::string where(std::string_view text) {
  auto made = batching_policy::compile(json::parse(text));
  return made ? "accepted" : made.error().where;
}

TEST(batching, is_read_with_what_it_does_not_say) {
  auto p = batching_policy::compile(json::object());
  ASSERT_TRUE(p);
  EXPECT_FALSE(p->empty()) << "{} asks for it";
  EXPECT_EQ(p->rules().messages, 100U);
  EXPECT_EQ(p->rules().bytes, 1'048'576U);
  EXPECT_EQ(p->rules().wait, 1s);
  p = batching_policy::compile(json::parse(R"({"maxMessages":7,"maxBytes":2000,"maxWaitMs":0})"));
  ASSERT_TRUE(p);
  EXPECT_EQ(p->rules().messages, 7U);
  EXPECT_EQ(p->rules().bytes, 2'000U);
  EXPECT_EQ(p->rules().wait, 0s);
  EXPECT_EQ(p->text(), R"({"maxBytes":2000,"maxMessages":7,"maxWaitMs":0})");
}

TEST(batching, that_makes_no_sense_is_refused_and_says_where) {
  EXPECT_EQ(where("7"), "/batching");
  EXPECT_EQ(where(R"("yes")"), "/batching");
  EXPECT_EQ(where(R"({"maxMessage":7})"), "/batching/maxMessage");
  for (const char* wrong : {"0", "101", "1.5", "-1", "\"7\"", "true"})
    EXPECT_EQ(where(R"({"maxMessages":)" + std::string{wrong} + "}"), "/batching/maxMessages") << wrong;
  EXPECT_EQ(where(R"({"maxBytes":0})"), "/batching/maxBytes");
  EXPECT_EQ(where(R"({"maxBytes":4194305})"), "/batching/maxBytes");
  EXPECT_EQ(where(R"({"maxWaitMs":300001})"), "/batching/maxWaitMs");
}

TEST(batching, is_read_with_an_endpoint_kept_by_a_put_that_does_not_name_it_and_taken_away_by_null) {
  world w;
  auto in = read_endpoint_in(R"({"url":"http://a.test/","batching":{"maxMessages":5}})");
  ASSERT_TRUE(in);
  auto id = w.add(in->value);
  EXPECT_EQ(w.live.find(id)->batching.rules().messages, 5U);
  auto put = read_endpoint_update(R"({"url":"http://b.test/"})");
  ASSERT_TRUE(put);
  put->id = id;
  w.must(*put);
  EXPECT_EQ(w.live.find(id)->batching.rules().messages, 5U);
  auto patch = read_endpoint_patch(R"({"batching":{"maxMessages":6}})");
  ASSERT_TRUE(patch);
  patch->id = id;
  w.must(*patch);
  EXPECT_EQ(w.live.find(id)->batching.rules().messages, 6U);
  patch = read_endpoint_patch(R"({"batching":null})");
  ASSERT_TRUE(patch);
  patch->id = id;
  w.must(*patch);
  EXPECT_TRUE(w.live.find(id)->batching.empty());
  EXPECT_EQ(read_endpoint_in(R"({"url":"http://a.test/","batching":{"maxMessages":0}})").error().where, "/batching/maxMessages");
}

TEST(batching, is_refused_together_with_what_is_decided_message_by_message) {
  world w;
  auto d = to("http://a.test/");
  d.batching = batching_policy::compile(json::object()).value();
  auto by_type = d, holding = d, changing = d;
  by_type.retries = retry_policy::compile(json::parse(R"({"eventTypes":[{"match":"a","maximumAge":60}]})")).value();
  EXPECT_EQ(w.where_refused(create_destination{by_type}), "/batching");
  holding.ordering = ordering_policy::compile(json::parse(R"({"onDead":"hold"})")).value();
  EXPECT_EQ(w.where_refused(create_destination{holding}), "/batching");
  auto id = w.add(d);
  EXPECT_EQ(w.where_refused(change_transformation{id, "function handler(webhook) { return webhook }", true, std::nullopt}), "/batching");
  w.must(change_transformation{id, "function handler(webhook) { return webhook }", false, std::nullopt});
  EXPECT_EQ(w.where_refused(change_transformation{id, std::nullopt, true, std::nullopt}), "/batching");
}

TEST(a_batch, is_an_array_of_what_its_messages_are_with_their_payloads_as_they_are) {
  const message_ref a{"msg_a", 1, "order.paid", 13}, b{"msg_b", 2, "picture.taken", 3}, c{"msg_c", 3, "list.made", 5}, d{"msg_d", 4, "event.cloud", 2};
  const message_content plain{R"({"b":1, "a":2})", {}, {}, {}, {1'700'000'000'000'000}};
  const message_content picture{std::string{"\xff\x00\x01", 3}, "image/png", {{"X-Tenant", "one", false}, {"Authorization", "secret", true}}, {}, {1}};
  const message_content list{"[1,2]", {}, {{"X-Api-Key", "secret", true}}, {}, {2}};
  const message_content cloud{"{}", "application/cloudevents+json", {}, {}, {3}};
  const std::vector<batch_element> all{{&a, &plain}, {&b, &picture}, {&c, &list}, {&d, &cloud}};
  const auto text = batch_body(all);
  EXPECT_TRUE(text.starts_with(R"([{"id":"msg_a","type":"order.paid","timestamp":"2023-11-14T22:13:20)")) << text;
  EXPECT_NE(text.find(R"("payload":{"b":1, "a":2}})"), std::string::npos) << "byte for byte: " << text;
  const auto read = json::parse(text);
  ASSERT_EQ(read.size(), 4U);
  EXPECT_EQ(read[0].size(), 4U);
  EXPECT_EQ(read[1]["payloadBase64"], "/wAB");
  EXPECT_EQ(read[1]["contentType"], "image/png");
  EXPECT_EQ(read[1]["headers"], (json{{"X-Tenant", "one"}})) << "a credential has no place in a body";
  EXPECT_FALSE(read[1].contains("payload"));
  EXPECT_EQ(read[2]["payload"], (json{1, 2}));
  EXPECT_FALSE(read[2].contains("headers"));
  EXPECT_EQ(read[3]["contentType"], "application/cloudevents+json");
  EXPECT_EQ(read[3]["payload"], json::object());
  EXPECT_EQ(text, batch_body(all));
  EXPECT_EQ(batch_body({}), "[]");
}

} // namespace
