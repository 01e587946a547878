#include "webhook/curl.hpp"
#include "webhook/dispatcher.hpp"
#include "webhook/form.hpp"
#include "webhook/message_content.hpp"
#include "webhook/views.hpp"

#include "world.hpp"

#include <nlohmann/json.hpp>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;
using nlohmann::json;

constexpr std::int64_t now = 1'700'000'000;

/// Keeps what is sent, and answers at once.
struct fake_client final : http::client {
  void send(http::exchange what, handler done) override {
    sent.push_back(std::move(what));
    http::exchange_result r;
    r.status = 200;
    done(r);
  }
  void stop(std::chrono::milliseconds) override {}
  std::vector<http::exchange> sent;
};

start one(delivery_fault fault, signature_profile profile = signature_profile::standard) {
  start s;
  s.token = 7;
  s.message = std::make_shared<const message_ref>(message_ref{"msg_1", 3, "a.b", 2});
  s.destination = "ep_1";
  s.url = "http://a.test/";
  s.keys = {signing_key::generate({1}), signing_key::generate({2}, key_kind::ed25519)};
  s.profile = profile;
  s.deadline = 5s;
  s.fault = fault;
  return s;
}

struct sent {
  http::exchange request;
  attempt_result kept;
};

sent send(start s, std::string body = "{}") {
  fake_client c;
  sent out;
  dispatcher{c}.send(std::move(s), http::shared_bytes{std::move(body)}, now * 1'000'000, [&](fencing_token, attempt_result r) { out.kept = std::move(r); });
  if (!c.sent.empty())
    out.request = std::move(c.sent.at(0));
  return out;
}

verdict judged(const sent& s, std::int64_t at = now) {
  auto h = [&s](const char* name) { return http::find(s.request.headers, name); };
  return verify(one(delivery_fault::none).keys.front(), h("webhook-id"), h("webhook-timestamp"), h("webhook-signature"), s.request.body, at);
}

TEST(a_fault, is_done_in_the_one_way_that_it_says) {
  EXPECT_EQ(judged(send(one(delivery_fault::none))), verdict::ok);
  auto bad = send(one(delivery_fault::bad_signature));
  EXPECT_EQ(judged(bad), verdict::no_match);
  const auto of_right_shape = http::find(bad.request.headers, "webhook-signature");
  EXPECT_TRUE(of_right_shape.starts_with("v1,")) << of_right_shape;
  EXPECT_NE(of_right_shape.find(" v1a,"), std::string_view::npos) << "each kind of key has its own";
  auto none = send(one(delivery_fault::missing_signature));
  EXPECT_EQ(judged(none), verdict::missing_header);
  EXPECT_EQ(http::find(none.request.headers, "webhook-id"), "msg_1") << "repeats are recognised all the same";
  EXPECT_FALSE(http::contains(none.request.headers, "svix-signature"));
  auto stale = send(one(delivery_fault::stale_timestamp));
  EXPECT_EQ(judged(stale), verdict::too_old);
  EXPECT_EQ(judged(stale, now - 600), verdict::ok) << "it is signed rightly, only then";
  EXPECT_EQ(stale.kept.timestamp, now - 600);
  EXPECT_EQ(judged(send(one(delivery_fault::future_timestamp))), verdict::too_new);
  auto changed = send(one(delivery_fault::changed_body));
  EXPECT_EQ(changed.request.body, "{} ");
  EXPECT_EQ(judged(changed), verdict::no_match);
  EXPECT_EQ(changed.kept.body_bytes, 3U) << "the attempt has what was sent";
  for (auto fine : {delivery_fault::duplicate, delivery_fault::reordered})
    EXPECT_EQ(judged(send(one(fine))), verdict::ok);
  for (const auto& [fault, s] : {std::pair{delivery_fault::bad_signature, &bad}, {delivery_fault::stale_timestamp, &stale}})
    EXPECT_EQ(s->kept.fault, fault);
}

TEST(a_fault, is_the_messages_in_each_of_its_attempts_and_no_others_and_stands_in_the_log) {
  world w;
  ASSERT_TRUE(w.run(create_destination{to("http://a.test/")}));
  create_message m;
  m.event_type = "a.b";
  m.payload = R"({"a":1})";
  m.fault = delivery_fault::bad_signature;
  auto out = json::parse(w.run(m)->reply);
  EXPECT_EQ(out["fault"], "bad_signature");
  const auto& payload = w.log.back().second;
  auto content = content_of(payload, nullptr);
  ASSERT_TRUE(content) << content.error().detail;
  EXPECT_EQ(content->fault, delivery_fault::bad_signature);
  EXPECT_EQ(content->body, m.payload);
  start s;
  put_into(s, *content);
  EXPECT_EQ(s.fault, delivery_fault::bad_signature);
  m.fault = delivery_fault::none;
  ASSERT_TRUE(w.run(m));
  EXPECT_EQ(w.log.back().second.find("fault"), std::string::npos);

  attempt_finished a;
  a.id = "atmpt_1";
  a.message = {"msg_1", 2, "a.b", 7};
  a.destination = "ep_1";
  a.url = "http://a.test/";
  a.result = answer(401);
  a.result.fault = delivery_fault::stale_timestamp;
  a.result.answer.certificate_expires = 1'800'000'000;
  const auto d = encode(a);
  auto read = decode(events::kind::attempt_finished, d.payload);
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(std::get<attempt_finished>(*read).result.fault, delivery_fault::stale_timestamp);
  EXPECT_EQ(std::get<attempt_finished>(*read).result.answer.certificate_expires, 1'800'000'000);
  auto shown = json::parse(views::attempt_out({}, d.payload).value());
  EXPECT_EQ(shown["fault"], "stale_timestamp");
  EXPECT_EQ(shown["certificateExpires"], "2027-01-15T08:00:00.000000Z");
}

TEST(a_form, is_signed_as_it_is_sent) {
  auto s = one(delivery_fault::none);
  s.form = true;
  auto out = send(s, R"({"a":1,"b":{"c":"d e"}})");
  EXPECT_EQ(out.request.body, "a=1&b%5Bc%5D=d+e");
  EXPECT_EQ(http::find(out.request.headers, "content-type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(judged(out), verdict::ok);
  EXPECT_EQ(out.kept.body_bytes, out.request.body.size());
  EXPECT_EQ(out.kept.body_sha256, events::sha256({out.request.body.view()}));
}

TEST(a_form, is_made_of_objects_only_and_what_would_be_too_large_is_not_sent) {
  auto s = one(delivery_fault::none);
  s.form = true;
  s.content_type = "text/plain";
  EXPECT_EQ(send(s, "{not json").request.body, "{not json");
  s.content_type = "application/json";
  EXPECT_EQ(send(s, "[1]").request.body, "[1]");
  s.content_type = "application/cloudevents+json";
  EXPECT_EQ(send(s, R"({"a":1})").request.body, "a=1");
  std::string deep = "{\"" + std::string(100'000, 'n') + "\":[0";
  for (int i = 0; i < 1'000; ++i)
    deep += ",1";
  auto refused = send(s, deep + "]}");
  EXPECT_TRUE(refused.request.url.empty()) << "nothing was sent";
  EXPECT_EQ(refused.kept.answer.error, http::transport_error::transformation);
  EXPECT_NE(refused.kept.answer.detail.find("form_bytes"), std::string::npos);
}

// -- an attempt as a command ----------------------------------------------------------------

struct said {
  attempt_finished attempt;
  message_created message;
};

said told(std::string body, const std::string& sent_body) {
  said out;
  out.message.body = std::move(body);
  out.attempt.url = "http://a.test/hook?x=1&token=s3cret-token";
  out.attempt.result.request_headers = {{"content-type", "application/json"}, {"Authorization", "Bearer [redacted:0123456789ab]"}, {"X-Quote", "it's"}, {"webhook-id", "msg_1"}};
  out.attempt.result.body_bytes = sent_body.size();
  out.attempt.result.body_sha256 = events::sha256({sent_body});
  return out;
}

TEST(a_curl_command, sends_what_was_sent_without_the_credentials) {
  const auto s = told(R"({"a":"it's"})", R"({"a":"it's"})");
  EXPECT_EQ(curl_command(s.attempt, s.message), "curl --http1.1 -X 'POST' \\\n  -H 'content-type: application/json' \\\n  -H 'Authorization: [left out]' \\\n"
                                                "  -H 'X-Quote: it'\\''s' \\\n  -H 'webhook-id: msg_1' \\\n  --data-raw '{\"a\":\"it'\\''s\"}' \\\n"
                                                "  -- 'http://a.test/hook?x=1&token=[hidden]'\n");
}

TEST(a_curl_command, finds_the_body_again_that_was_a_form_or_spoilt_and_says_when_it_cannot) {
  const auto form = told(R"({"a":{"b":1}})", "a%5Bb%5D=1");
  EXPECT_NE(curl_command(form.attempt, form.message).find("--data-raw 'a%5Bb%5D=1'"), std::string::npos);
  const auto spoilt = told("{}", "{} ");
  EXPECT_NE(curl_command(spoilt.attempt, spoilt.message).find("--data-raw '{} '"), std::string::npos);
  const auto script = told("{}", R"({"made":"by a script"})");
  EXPECT_TRUE(curl_command(script.attempt, script.message).starts_with("# the body was made by a transformation"));
  auto erased = told("{}", "{}");
  erased.message.erased_bytes = 9;
  EXPECT_TRUE(curl_command(erased.attempt, erased.message).starts_with("# the payload was erased"));
  const std::string bytes{"\0\xff'x", 4};
  auto binary = told(bytes, bytes);
  const auto command = curl_command(binary.attempt, binary.message);
  EXPECT_TRUE(command.starts_with("printf %s 'AP8neA==' | base64 -d | curl ")) << command;
  EXPECT_NE(command.find("--data-binary @-"), std::string::npos);
}

} // namespace
