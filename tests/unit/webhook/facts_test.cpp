#include "tests/unit/webhook/world.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;
using nlohmann::json;

attempt_finished full_attempt() {
  attempt_finished f;
  f.id = "atmpt_1";
  f.message = {"msg_1", 7, "user.created", 2};
  f.destination = "ep_1";
  f.number = 3;
  f.why = trigger::recovery;
  f.url = "https://a.test/";
  f.result = answer(503, {{"Retry-After", "5"}, {"X-Bytes", "\xff\xfe"}});
  f.result.answer.error = http::transport_error::timeout;
  f.result.answer.detail = "no whole answer after 20 s";
  f.result.answer.body = std::string("\x00\xff", 2);
  f.result.answer.truncated = true;
  f.result.answer.reused = true;
  f.result.answer.tls_version = "TLSv1.3";
  f.result.body_sha256.fill(0xa5);
  f.follows = outcome_kind::retry;
  f.next = virtual_time{99};
  f.was_dead = true;
  f.token = 5;
  return f;
}

attempt_finished of_a_batch() {
  auto f = full_attempt();
  f.batch = {"bat_1", 10, 2};
  return f;
}

TEST(facts, every_one_reads_back_as_it_was_written) {
  world w;
  destination d;
  d.batching = batching_policy::compile(json{{"maxMessages", 5U}}).value();
  d.url = "http://a.test/";
  d.uid = "u";
  d.description = "quote \" and \\ and \xc3\xa9";
  d.filter_types = {"a", "b"};
  d.channels = {"c"};
  d.filter = content_filter::compile(json{{"payload.a", {{"$gt", 1}}}}).value();
  d.protection = protection_policy::compile(json{{"disable", {{"probe", 60}}}}).value();
  d.retries = retry_policy::compile(json{{"maximumAge", 60}}).value();
  d.headers = {{"Authorization", "Bearer s3cret", true}};
  d.metadata = {{"k", "v"}};
  d.schedule = {{1s, 2s}};
  d.in_flight = 3;
  d.rate_limit = 4;
  d.secrets = {{signing_key::generate({1}), {5}, std::nullopt}, {signing_key::generate({2}), {4}, virtual_time{6}}};
  event_type t{"n", "d", R"({"1":{"type":"object"}})", "g", {"f"}, true, true, {}, {1}, {2}};
  message_created m{"msg_1", "t", "e", {"c"}, {"tag"}, {"ep_1"}, R"({"x":"}"})", 9};
  std::vector<fact> all{event_type_put{t},
                        event_type_removed{"n"},
                        destination_created{d},
                        destination_updated{d},
                        destination_removed{"ep_1"},
                        destination_secret_rotated{"ep_1", d.secrets},
                        destination_disabled{"ep_1", "410 Gone"},
                        m,
                        full_attempt(),
                        resend_requested{{"msg_1", 7, "t", 2}, "ep_1", 3, true},
                        resend_requested{{"msg_1", 7, "t", 2}, "ep_1", 3, false, true},
                        recovery_started{"rcv_1", "ep_1", {1}, {2}, recovery_scope::missing, {"t"}},
                        recovery_progressed{"rcv_1", {{{"msg_1", 7, "t", 2}, 1, true}}, 9, 8, 7},
                        recovery_started{"rcv_2", "ep_1", {1}, {2}, recovery_scope::missing, {}, {}, 77},
                        recovery_progressed{"rcv_2", {{{"msg_1", 7, "t", 2}, 0, false, false, virtual_time{5}}}, 9, 8, 7},
                        recovery_finished{"rcv_1", true},
                        deliveries_moved{-5},
                        batch_formed{"bat_1", "ep_1", {{"msg_1", 7}, {"msg_2", 9}}},
                        delivery_expired{"exp_1", {"msg_1", 7, "t", 2}, "ep_1", 1, "maximum age", {3}, false, false, false, false, {"bat_1", 10, 1}},
                        of_a_batch(),
                        destination_disabled{"ep_1", "failed", virtual_time{7}},
                        destination_recovered{"ep_1"}};
  for (const auto& f : all) {
    auto draft = encode(f);
    EXPECT_TRUE(json::accept(draft.payload)) << draft.payload;
    EXPECT_TRUE(is_outbox_kind(draft.kind));
    auto back = decode(draft.kind, draft.payload);
    ASSERT_TRUE(back) << back.error().detail;
    EXPECT_EQ(back->index(), f.index());
    EXPECT_EQ(encode(*back).payload, draft.payload);
    EXPECT_EQ(encode(*back).entities, draft.entities);
  }
  auto back = decode(events::kind::destination_created, encode(all[2]).payload);
  EXPECT_EQ(std::get<destination_created>(*back).value, d);
}

TEST(facts, a_destination_has_its_filter_as_it_was_given_or_not_at_all) {
  destination d;
  d.id = "ep_1";
  d.url = "http://a.test/";
  d.secrets = {{signing_key::generate({1}), {5}, std::nullopt}};
  auto plain = encode(destination_created{d}).payload;
  d.filter = content_filter::compile(json::parse(R"({"payload.b":{"$in":[1,"x"]},"channels":"eu"})")).value();
  d.filter_types = {"order.**"};
  auto text = encode(destination_created{d}).payload;
  EXPECT_NE(text.find(R"("filter_types":["order.**"],"channels":[],"filter":{"channels":"eu","payload.b":{"$in":[1,"x"]}},"headers":[])"), std::string::npos) << text;
  EXPECT_EQ(plain.find("filter\""), std::string::npos) << "as it was before there were filters";
  EXPECT_EQ(std::get<destination_created>(*decode(events::kind::destination_created, text)).value, d);
  auto wrong = text;
  wrong.replace(wrong.find("$in"), 3, "$on");
  EXPECT_EQ(decode(events::kind::destination_created, wrong).error().where, "filter");
  EXPECT_EQ(events::current_version(events::kind::destination_created), 10) << "older programs must not read it";
}

TEST(facts, what_is_written_keeps_its_bytes) {
  EXPECT_EQ(encode(deliveries_moved{-5}).payload, R"({"by_us":-5})");
  EXPECT_EQ(encode(destination_recovered{"ep_1"}).payload, R"({"id":"ep_1"})");
  EXPECT_EQ(encode(destination_disabled{"ep_1", "410 Gone"}).payload, R"({"id":"ep_1","reason":"410 Gone"})") << "as version 1";
  EXPECT_EQ(encode(destination_disabled{"ep_1", "r", virtual_time{7}}).payload, R"({"id":"ep_1","reason":"r","probe_us":7})");
  EXPECT_EQ(encode(resend_requested{{"msg_1", 7, "t", 2}, "ep_1", 3, true}).payload,
            R"({"message":"msg_1","message_seq":7,"event_type":"t","message_bytes":2,"destination":"ep_1","attempts":3,"was_dead":true})")
      << "as it was before was_delivered";
  EXPECT_EQ(encode(resend_requested{{"msg_1", 7, "t", 2}, "ep_1", 3, false, true}).payload,
            R"({"message":"msg_1","message_seq":7,"event_type":"t","message_bytes":2,"destination":"ep_1","attempts":3,"was_dead":false,"was_delivered":true})");
}

TEST(facts, a_message_that_is_addressed_to_one_destination_says_so) {
  message_created m{"msg_1", "t", "", {}, {}, {"ep_1"}, "{}", 2};
  EXPECT_EQ(encode(m).payload.find("addressed"), std::string::npos);
  m.addressed = true;
  auto text = encode(m).payload;
  EXPECT_EQ(text, R"({"body_bytes":2,"id":"msg_1","event_type":"t","addressed":true,"destinations":["ep_1"],"body":{}})");
  EXPECT_TRUE(std::get<message_created>(*decode(events::kind::message_created, text)).addressed);
}

TEST(facts, a_message_about_the_webhooks_themselves_says_so) {
  message_created m{"msg_1", "endpoint.disabled", "", {}, {}, {"ep_1"}, "{}", 2};
  m.operational = true;
  auto text = encode(m).payload;
  EXPECT_EQ(text, R"({"body_bytes":2,"id":"msg_1","event_type":"endpoint.disabled","operational":true,"destinations":["ep_1"],"body":{}})");
  EXPECT_TRUE(std::get<message_created>(*decode(events::kind::message_created, text)).operational);
}

TEST(facts, an_attempt_that_holds_its_destination_says_until_when_and_no_other_does) {
  auto f = full_attempt();
  EXPECT_EQ(encode(f).payload.find("hold_us"), std::string::npos);
  EXPECT_EQ(encode(f).payload.find("gone_kept"), std::string::npos);
  f.hold = virtual_time{88};
  f.gone_kept = f.probe = f.opened = true;
  f.backlog_told = 1'000;
  auto text = encode(f).payload;
  EXPECT_NE(text.find(R"("next_us":99,"hold_us":88,"opened":true,"gone_kept":true,"backlog_told":1000,"probe":true,"was_dead":true)"), std::string::npos) << text;
  auto back = std::get<attempt_finished>(*decode(events::kind::attempt_finished, text));
  EXPECT_EQ(back.hold, f.hold);
  EXPECT_TRUE(back.gone_kept && back.probe && back.opened);
  EXPECT_EQ(back.backlog_told, 1'000U);
}

TEST(facts, an_attempt_keeps_everything_that_came_back) {
  auto f = full_attempt();
  auto back = std::get<attempt_finished>(*decode(events::kind::attempt_finished, encode(f).payload));
  EXPECT_EQ(back.result.answer.headers, f.result.answer.headers) << "bytes that are not text too";
  EXPECT_EQ(back.result.answer.body, f.result.answer.body);
  EXPECT_EQ(back.result.request_headers, f.result.request_headers);
  EXPECT_EQ(back.result.body_sha256, f.result.body_sha256);
  EXPECT_EQ(back.result.answer.error, f.result.answer.error);
  EXPECT_EQ(back.result.answer.spent.first_byte_us, f.result.answer.spent.first_byte_us);
  EXPECT_EQ(back.next, f.next);
  EXPECT_EQ(back.token, 0U) << "tokens are not in the log";
}

TEST(facts, the_body_of_a_message_is_found_whatever_stands_before_it) {
  message_created m{"msg_1", "t", "e", {}, {R"(","body":{"x":1})"}, {}, R"({"body":{"body":1}})", 0};
  EXPECT_EQ(message_body(encode(m).payload), m.body);
}

TEST(facts, a_message_for_later_has_its_moment_in_the_log) {
  message_created m{"msg_1", "t", "", {}, {}, {"ep_1"}, "{}", 2, virtual_time{77}};
  auto text = encode(m).payload;
  EXPECT_EQ(text, R"({"body_bytes":2,"id":"msg_1","event_type":"t","deliver_at_us":77,"destinations":["ep_1"],"body":{}})");
  EXPECT_EQ(std::get<message_created>(*decode(events::kind::message_created, text)).deliver_at, virtual_time{77});
  constexpr std::string_view before_there_was_one = R"({"body_bytes":2,"id":"msg_1","event_type":"t","destinations":["ep_1"],"body":{}})";
  EXPECT_EQ(std::get<message_created>(*decode(events::kind::message_created, before_there_was_one)).deliver_at, std::nullopt);
}

TEST(facts, a_message_with_more_destinations_than_entities_says_so) {
  message_created m;
  m.id = "msg_1";
  m.body = "{}";
  m.event_id = "e";
  for (int i = 0; i < 60; ++i)
    m.destinations.push_back("ep_" + std::to_string(i));
  auto about = [](const message_created& of) { return encode(of).entities; };
  auto has = [](const std::vector<std::string>& list, std::string_view what) { return std::find(list.begin(), list.end(), what) != list.end(); };
  EXPECT_TRUE(has(about(m), "ep_59"));
  EXPECT_FALSE(has(about(m), wide_fan_out));
  m.destinations.push_back("ep_60");
  EXPECT_TRUE(has(about(m), wide_fan_out));
  EXPECT_FALSE(has(about(m), "ep_60"));
  EXPECT_TRUE(has(about(m), "e")) << "still found by its event id";
  EXPECT_LE(about(m).size(), limits::entities_per_event);
}

TEST(facts, a_payload_that_is_no_message_has_no_body) {
  for (auto wrong : {"", "{}", R"({"body_bytes":)", R"({"body_bytes":5})", R"({"body_bytes":99999999999999999999,"body":{}})", R"({"body_bytes":0,"body":{}})",
                     R"({"body_bytes":18446744073709551615,"body":{}})"})
    EXPECT_EQ(message_body(wrong), "") << wrong;
}

TEST(facts, a_member_that_is_missing_or_wrong_is_named) {
  auto payload = json::parse(encode(full_attempt()).payload);
  for (const auto& [name, value] : payload.items()) {
    if (name == "response" || name == "error" || name == "connection" || name == "timing_us" || name == "was_dead")
      continue; // optional
    auto broken = payload;
    broken.erase(name);
    auto back = decode(events::kind::attempt_finished, broken.dump());
    ASSERT_FALSE(back) << name;
    EXPECT_EQ(back.error().code, errc::corrupt);
    EXPECT_EQ(back.error().where, name);
  }
}

TEST(facts, kinds_of_others_are_refused) { EXPECT_EQ(decode(events::kind::data_put, "{}").error().code, errc::invalid); }

TEST(facts, what_goes_together_is_written_down_by_id_and_place_and_each_attempt_says_with_whom) {
  auto draft = encode(batch_formed{"bat_1", "ep_1", {{"msg_1", 7}, {"msg_2", 9}}});
  EXPECT_EQ(draft.payload, R"({"id":"bat_1","destination":"ep_1","messages":[["msg_1",7],["msg_2",9]]})");
  EXPECT_EQ(draft.entities, (std::vector<std::string>{"bat_1", "ep_1", "msg_1", "msg_2"}));
  auto f = std::get<attempt_finished>(*decode(events::kind::attempt_finished, encode(of_a_batch()).payload));
  EXPECT_EQ(f.batch.id, "bat_1");
  EXPECT_EQ(f.batch.seq, 10U);
  EXPECT_EQ(f.batch.left, 2U);
  EXPECT_EQ(encode(of_a_batch()).entities.back(), "bat_1");
  EXPECT_EQ(encode(full_attempt()).payload.find("\"batch\""), std::string::npos);
  for (const char* broken : {R"({"id":"bat_1","destination":"ep_1","messages":[]})", R"({"id":"bat_1","destination":"ep_1"})", R"({"id":"bat_1","destination":"ep_1","messages":[["msg_1"]]})",
                             R"({"id":"bat_1","messages":[["msg_1",1]]})", R"({"id":"bat_1","destination":"ep_1","messages":[[1,"msg_1"]]})"})
    EXPECT_EQ(decode(events::kind::batch_formed, broken).error().code, events::errc::corrupt) << broken;
}

} // namespace
