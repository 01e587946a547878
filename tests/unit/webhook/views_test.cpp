#include "tests/unit/webhook/world.hpp"

#include "webhook/views.hpp"

#include <nlohmann/json.hpp>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;
using nlohmann::json;

/// What Svix's client types declare as required, by the type of its value.
void has(const json& j, const std::vector<std::pair<std::string, json::value_t>>& members) {
  for (const auto& [name, type] : members) {
    ASSERT_TRUE(j.contains(name)) << name << " in " << j.dump();
    EXPECT_TRUE(j[name].type() == type || (j[name].is_number_integer() && type == json::value_t::number_integer)) << name << " is " << j[name].dump();
  }
}
constexpr auto text = json::value_t::string;
constexpr auto number = json::value_t::number_integer;
constexpr auto object = json::value_t::object;
constexpr auto truth = json::value_t::boolean;

TEST(views, an_endpoint_has_what_svix_requires_and_no_secret) {
  world w;
  destination d;
  d.headers = {{"Authorization", "Bearer s3cret", false}, {"X-A", "1", false}};
  d.metadata = {{"k", "v"}};
  auto ep = w.add(d);
  const auto& made = *w.live.find(ep);
  auto j = json::parse(views::endpoint_out(made));
  has(j, {{"id", text}, {"url", text}, {"description", text}, {"version", number}, {"metadata", object}, {"createdAt", text}, {"updatedAt", text}, {"disabled", truth}});
  EXPECT_EQ(j["metadata"]["k"], "v");
  EXPECT_TRUE(j["filterTypes"].is_null());
  EXPECT_EQ(j.dump().find("s3cret"), std::string::npos);
  EXPECT_EQ(j.dump().find("whsec_"), std::string::npos);
  auto headers = json::parse(views::endpoint_headers_out(made));
  EXPECT_EQ(headers, json::parse(R"({"headers":{"X-A":"1"},"sensitive":["Authorization"]})"));
  EXPECT_EQ(json::parse(views::endpoint_secret_out(made, w.now))["key"], made.secrets[0].key.to_string());
  has(json::parse(views::endpoint_stats(w.live.counts(ep))), {{"success", number}, {"pending", number}, {"fail", number}, {"sending", number}, {"canceled", number}});
}

TEST(views, a_message_has_what_svix_requires_and_its_payloads_bytes) {
  world w;
  w.add();
  auto reply = w.run(create_message{"user.created", "evt-1", R"({"n": 1.50, "m": 2})", {"c"}, {"t"}})->reply;
  const auto& [h, payload] = w.log.back();
  auto again = views::message_out(h, payload);
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, reply) << "what was answered is what is read later";
  EXPECT_NE(reply.find(R"("payload":{"n": 1.50, "m": 2})"), std::string::npos);
  auto j = json::parse(reply);
  has(j, {{"id", text}, {"eventType", text}, {"payload", object}, {"timestamp", text}, {"eventId", text}});
  EXPECT_EQ(json::parse(*views::message_out(h, payload, false))["payload"], json::object());
  EXPECT_EQ(views::message_ref_of(h, payload)->seq, w.log.size());
}

TEST(views, the_next_attempt_is_not_before_the_hold_that_this_one_led_to) {
  attempt_finished f;
  f.id = "atmpt_1", f.message = {"msg_1", 1, "a", 2}, f.destination = "ep_1";
  f.result = answer(500);
  f.follows = outcome_kind::retry;
  f.next = events::virtual_time{1'000'000};
  f.hold = events::virtual_time{60'000'000};
  EXPECT_EQ(json::parse(*views::attempt_out({}, encode(f).payload))["nextAttempt"], "1970-01-01T00:01:00.000000Z");
}

TEST(views, an_attempt_has_what_svix_requires_and_what_we_add) {
  world w;
  auto ep = w.add();
  auto m = w.emit();
  w.attempt(answer(500, {{"X-Y", "z"}}));
  const auto& [h, payload] = w.log.back();
  auto out = views::attempt_out(h, payload);
  ASSERT_TRUE(out);
  auto j = json::parse(*out);
  has(j, {{"id", text}, {"msgId", text}, {"endpointId", text}, {"url", text}, {"response", text}, {"responseStatusCode", number}, {"responseDurationMs", number},
          {"status", number}, {"statusText", text}, {"timestamp", text}, {"triggerType", number}, {"requestHeaders", json::value_t::array},
          {"timing", object}, {"peer", text}, {"nextAttempt", text}});
  EXPECT_EQ(j["status"], 2);
  EXPECT_EQ(j["msgId"], m.id);
  EXPECT_EQ(j["endpointId"], ep);
  EXPECT_EQ(j["response"], "ok");
  EXPECT_EQ(j["triggerType"], 0);
  EXPECT_FALSE(j.contains("msg"));
  EXPECT_EQ(json::parse(*views::attempt_out(h, payload, false, R"({"id":"m"})"))["msg"]["id"], "m");
  EXPECT_EQ(json::parse(*views::attempt_out(h, payload, false))["response"], "");
  auto s = views::summarize(h, payload);
  ASSERT_TRUE(s);
  EXPECT_EQ(s->code, 500U);
  EXPECT_EQ(s->result, views::status::fail);
  EXPECT_EQ(s->message, m.id);
}

TEST(views, an_attempt_without_an_answer_shows_its_error_in_its_place) {
  world w;
  w.add();
  w.emit();
  w.attempt(broken(http::transport_error::connect));
  auto j = json::parse(*views::attempt_out(w.log.back().first, w.log.back().second));
  EXPECT_EQ(j["response"], "it broke");
  EXPECT_EQ(j["responseStatusCode"], 0);
  EXPECT_EQ(j["error"]["detail"], "it broke");
}

TEST(views, how_a_message_stands_is_told_by_what_is_pending_else_by_the_last_attempt) {
  using views::status, views::status_of;
  using view = outbox_state::delivery_view;
  EXPECT_EQ(status_of(view{true, false, 1, {}}, outcome_kind::retry), status::sending);
  EXPECT_EQ(status_of(view{false, false, 1, {}}, outcome_kind::retry), status::pending);
  EXPECT_EQ(status_of(view{false, false, 0, {}}, std::nullopt), status::sending);
  EXPECT_EQ(status_of(std::nullopt, outcome_kind::delivered), status::success);
  EXPECT_EQ(status_of(std::nullopt, outcome_kind::dead), status::fail);
  auto j = json::parse(views::endpoint_message_out(R"({"id":"msg_1"})", status::pending, virtual_time{0}));
  EXPECT_EQ(j, json::parse(R"({"id":"msg_1","status":1,"statusText":"pending","nextAttempt":"1970-01-01T00:00:00.000000Z"})"));
}

TEST(views, a_recovery_has_what_svix_requires) {
  world w;
  auto ep = w.add();
  auto reply = json::parse(w.run(start_recovery{ep, {0}, std::nullopt, recovery_scope::failed, {}})->reply);
  has(reply, {{"id", text}, {"status", text}, {"task", text}, {"updatedAt", text}});
  EXPECT_EQ(reply["status"], "running");
  EXPECT_EQ(reply["task"], "endpoint.recover");
}

TEST(views, an_event_type_has_what_svix_requires) {
  world w;
  event_type t;
  t.name = "a";
  has(json::parse(w.run(put_event_type{t, true})->reply), {{"name", text}, {"description", text}, {"deprecated", truth}, {"createdAt", text}, {"updatedAt", text}});
}

TEST(views, history_shows_no_secret) {
  world w;
  destination d;
  d.headers = {{"X-Api-Key", "s3cret", false}, {"X-A", "plain", false}};
  auto ep = w.add(d);
  w.must(rotate_secret{ep, std::nullopt, 24h});
  for (const auto& [h, payload] : w.log) {
    ASSERT_NE(payload.find("whsec_"), std::string::npos);
    auto shown = views::public_payload(h.kind, payload);
    EXPECT_EQ(shown.find("whsec_"), std::string::npos);
    EXPECT_EQ(shown.find("s3cret"), std::string::npos);
    EXPECT_TRUE(json::accept(shown));
  }
  EXPECT_NE(views::public_payload(w.log[0].first.kind, w.log[0].second).find("plain"), std::string::npos);
}

TEST(views, the_state_at_a_moment_names_what_is_pending_and_no_secret) {
  world w;
  w.add();
  auto m = w.emit();
  auto j = json::parse(to_json(w.live));
  EXPECT_EQ(j["pendingDeliveries"], 1);
  EXPECT_EQ(j["endpoints"][0]["pending"][0]["msgId"], m.id);
  EXPECT_EQ(j.dump().find("whsec_"), std::string::npos);
}

} // namespace
