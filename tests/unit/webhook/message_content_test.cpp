#include "webhook/message_content.hpp"

#include "tests/unit/webhook/world.hpp"
#include "events/json_text.hpp"
#include "webhook/dispatcher.hpp"
#include "webhook/erasing.hpp"
#include "webhook/inputs.hpp"
#include "webhook/secrets.hpp"
#include "webhook/views.hpp"

#include <nlohmann/json.hpp>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;
using nlohmann::json;

constexpr std::string_view binary{"\x00\xff\x89PNG\r\n", 8};

create_message bytes(std::string_view payload, std::string type = "application/octet-stream") {
  create_message c;
  c.event_type = "user.created";
  c.raw = true;
  c.payload = payload;
  c.content_type = std::move(type);
  return c;
}

create_message object_with(std::vector<custom_header> headers) {
  create_message c;
  c.event_type = "user.created";
  c.payload = R"({"a": 1})";
  c.headers = std::move(headers);
  return c;
}

std::shared_ptr<const events::vault> a_vault(std::uint8_t first = 1) {
  events::vault::key k{};
  k[0] = first;
  return std::make_shared<const events::vault>(std::vector{k});
}

std::string header(const http::exchange& x, std::string_view name) { return std::string{http::find(x.headers, name)}; }

/// The request that would go, with what the log says of the message.
http::exchange request_of(world& w, const events::vault* vault = nullptr) {
  auto due = w.take(1);
  EXPECT_EQ(due.size(), 1U);
  auto content = content_of(w.log.at(due.at(0).message->seq - 1).second, vault);
  EXPECT_TRUE(content) << content.error().detail;
  put_into(due[0], *content);
  return build_exchange(due[0], content->body, 1'700'000'000);
}

TEST(message_content, bytes_of_any_type_are_sent_and_signed_as_they_are) {
  for (const auto& [payload, type] : {std::pair{binary, "application/octet-stream"}, {std::string_view{"<a>\"é\"\n</a>"}, "application/xml"}, {std::string_view{}, "text/plain"},
                                      {std::string_view{"[1, 2]"}, "application/json"}, {std::string_view{" {\"a\": 1}\n"}, "application/cloudevents+json"}}) {
    world w;
    auto d = to("http://receiver.test/hook");
    d.secrets = {{signing_key::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").value(), {}, std::nullopt}};
    w.add(d);
    w.must(bytes(payload, type));
    auto x = request_of(w);
    EXPECT_EQ(x.body.view(), payload);
    EXPECT_EQ(header(x, "content-type"), type);
    EXPECT_EQ(verify(d.secrets[0].key, header(x, "webhook-id"), header(x, "webhook-timestamp"), header(x, "webhook-signature"), payload, 1'700'000'000), verdict::ok);
    EXPECT_EQ(snapshot(w.folded()), snapshot(w.live));
  }
}

TEST(message_content, a_message_without_one_is_written_as_ever) {
  message_created m{"msg_1", "t", "", {}, {}, {"ep_1"}, "{}", 2};
  EXPECT_EQ(encode(m).payload, R"({"body_bytes":2,"id":"msg_1","event_type":"t","destinations":["ep_1"],"body":{}})");
  EXPECT_FALSE(has_content(encode(m).payload));
}

TEST(message_content, reads_back_as_it_was_written) {
  message_created m{"msg_1", "t", "", {}, {}, {"ep_1"}, std::string{binary}, binary.size()};
  m.opaque = true;
  m.content_type = "image/png";
  m.headers = {{"X-A", "1", false}, {"Authorization", "Bearer s3cret", true}};
  for (std::string_view body : {binary, std::string_view{"caf\xc3\xa9 \"\\\n"}, std::string_view{}}) {
    m.body = body;
    m.body_bytes = body.size();
    auto text = encode(m).payload;
    auto back = decode(events::kind::message_created, text);
    ASSERT_TRUE(back) << back.error().detail;
    EXPECT_EQ(encode(*back).payload, text);
    EXPECT_EQ(std::get<message_created>(*back).body, body);
  }
}

TEST(message_content, that_does_not_fit_its_length_is_corrupt) {
  auto read = [](std::string text) { return decode(events::kind::message_created, text).has_value(); };
  EXPECT_TRUE(read(R"({"body_bytes":2,"content":{"coding":"text"},"id":"m","event_type":"t","destinations":[],"body":"ab"})"));
  EXPECT_FALSE(read(R"({"body_bytes":3,"content":{"coding":"text"},"id":"m","event_type":"t","destinations":[],"body":"ab"})"));
  EXPECT_FALSE(read(R"({"body_bytes":2,"content":{"coding":"base64"},"id":"m","event_type":"t","destinations":[],"body":"ab"})"));
  EXPECT_FALSE(read(R"({"body_bytes":2,"content":{"coding":"gzip"},"id":"m","event_type":"t","destinations":[],"body":"ab"})"));
  EXPECT_FALSE(read(R"({"body_bytes":2,"content":{"coding":1},"id":"m","event_type":"t","destinations":[],"body":"ab"})"));
  EXPECT_FALSE(read(R"({"body_bytes":2,"content":{"coding":"text"},"id":"m","event_type":"t","destinations":[],"body":{}})"));
}

TEST(message_content, a_header_of_the_message_stands_instead_of_the_destinations) {
  world w;
  auto d = to("http://receiver.test/hook");
  d.headers = {{"X-Tenant", "of the endpoint", false}, {"X-Other", "kept", false}};
  w.add(d);
  w.must(object_with({{"x-tenant", "of the message", false}}));
  auto x = request_of(w);
  EXPECT_EQ(header(x, "X-Tenant"), "of the message");
  EXPECT_EQ(header(x, "X-Other"), "kept");
  EXPECT_EQ(std::count_if(x.headers.begin(), x.headers.end(), [](const http::field& f) { return same_header(f.name, "x-tenant"); }), 1);
}

TEST(message_content, a_header_that_is_a_credential_of_the_destination_stands) {
  world w;
  auto d = to("http://receiver.test/hook");
  d.headers = {{"X-Api-Key", "of the endpoint", false}};
  w.add(d);
  w.must(object_with({{"x-api-key", "of the message", false}}));
  auto x = request_of(w);
  EXPECT_EQ(header(x, "X-Api-Key"), "of the endpoint");
  EXPECT_EQ(std::count_if(x.headers.begin(), x.headers.end(), [](const http::field& f) { return same_header(f.name, "x-api-key"); }), 1);
}

TEST(message_content, who_signs_and_whose_credentials_go_is_the_destinations) {
  world w;
  auto d = to("http://receiver.test/hook");
  d.profile = signature_profile::github;
  transport_settings t;
  t.authentication.emplace().basic = basic_credentials{"me", {"pass"}};
  d.transport = transport_policy{t};
  w.add(d);
  w.must(object_with({{"X-Hub-Signature-256", "sha256=forged", false}, {"Authorization", "Bearer mine", false}}));
  auto x = request_of(w);
  EXPECT_NE(header(x, "X-Hub-Signature-256"), "sha256=forged");
  EXPECT_TRUE(header(x, "Authorization").starts_with("Basic ")) << header(x, "Authorization");
}

TEST(message_content, headers_are_refused_as_those_of_destinations_are) {
  world w;
  auto where = [&w](std::vector<custom_header> headers) { return w.where_refused(object_with(std::move(headers))); };
  EXPECT_EQ(where({{"Webhook-Id", "1", false}}), "/headers/Webhook-Id");
  EXPECT_EQ(where({{"Content-Length", "1", false}}), "/headers/Content-Length");
  EXPECT_EQ(where({{"X-A", "1\r\nX-B: 2", false}}), "/headers/X-A");
  EXPECT_EQ(where({{"X A", "1", false}}), "/headers");
  EXPECT_EQ(where({{"X-A", "1", false}, {"x-a", "2", false}}), "/headers/x-a");
  std::vector<custom_header> many;
  for (int i = 0; i < 33; ++i)
    many.push_back({"X-" + std::to_string(i), "1", false});
  EXPECT_EQ(where(many), "/headers");
  EXPECT_EQ(w.refused(object_with({{"X-A", std::string(4'000, 'a'), false}, {"X-B", std::string(4'000, 'a'), false}, {"X-C", std::string(4'000, 'a'), false},
                                   {"X-D", std::string(4'000, 'a'), false}, {"X-E", std::string(400, 'a'), false}})),
            errc::too_large);
}

TEST(message_content, the_type_must_be_one_and_fit_the_payload) {
  world w;
  for (const char* type : {"text", "text/", "text/plain\r\nX-A: 1", "te xt/plain", "text/plain ", "text/pl\xc3\xa4in"})
    EXPECT_EQ(w.where_refused(bytes("x", type)), "/contentType") << type;
  EXPECT_EQ(w.where_refused(bytes("<a/>", "application/json")), "/payload") << "it says that it is JSON";
  EXPECT_EQ(w.where_refused(bytes("<a/>", "")), "/payload") << "and so does none";
  auto c = object_with({});
  c.content_type = "text/plain";
  EXPECT_EQ(w.where_refused(c), "/contentType");
  EXPECT_EQ(w.refused(bytes(std::string(limits::message_bytes + 1, 'x'))), errc::too_large);
}

TEST(message_content, that_is_opaque_has_no_payload_for_filters_orders_and_schemas) {
  world w;
  auto wants_paid = to("http://receiver.test/hook");
  wants_paid.filter = content_filter::compile(json{{"payload.paid", true}}).value();
  w.add(wants_paid);
  auto all = w.add();
  auto done = w.run(bytes(R"({"paid": true})", "text/plain"));
  ASSERT_TRUE(done);
  EXPECT_EQ(std::get<message_created>(done->facts[0]).destinations, std::vector{all});
  put_event_type t;
  t.value.name = "user.created";
  t.value.schemas = R"({"1":{"type":"object"}})";
  w.must(t);
  EXPECT_EQ(w.where_refused(bytes("x", "text/plain")), "/payload");
}

TEST(message_content, values_of_sensitive_headers_are_sealed_in_the_log_and_opened_to_be_sent) {
  world w;
  ASSERT_TRUE(unlock(w.live, a_vault()));
  w.add();
  w.must(object_with({{"Authorization", "Bearer s3cret-token", false}, {"X-Plain", "plain to see", false}}));
  const auto& payload = w.log.back().second;
  EXPECT_EQ(payload.find("s3cret-token"), std::string::npos);
  EXPECT_NE(payload.find("plain to see"), std::string::npos);
  EXPECT_FALSE(content_of(payload, a_vault(9).get())) << "another key opens nothing";
  auto x = request_of(w, a_vault().get());
  EXPECT_EQ(header(x, "authorization"), "Bearer s3cret-token");
}

TEST(message_content, is_shown_faithfully_but_for_the_values_of_credentials) {
  world w;
  auto c = bytes(binary, "image/png");
  c.headers = {{"Authorization", "Bearer s3cret", false}, {"X-A", "1", false}};
  auto done = w.run(c);
  ASSERT_TRUE(done);
  auto shown = json::parse(done->reply);
  EXPECT_EQ(shown["payload"], json::object()) << "clients of Svix want an object there";
  EXPECT_EQ(shown["payloadBase64"], events::to_base64(binary));
  EXPECT_EQ(shown["contentType"], "image/png");
  EXPECT_EQ(shown["headers"], (json{{"Authorization", "[hidden]"}, {"X-A", "1"}}));
  const auto [h, payload] = w.log.back(); // which the next one moves
  EXPECT_EQ(json::parse(views::message_out(h, payload).value()), shown);
  EXPECT_FALSE(json::parse(views::message_out(h, payload, false).value()).contains("payloadBase64"));
  EXPECT_EQ(json::parse(w.run(bytes("<a/>", "text/xml"))->reply)["payloadText"], "<a/>");
  auto open = views::public_payload(events::kind::message_created, payload);
  EXPECT_EQ(open.find("s3cret"), std::string::npos);
  EXPECT_EQ(json::parse(open)["body"], events::to_base64(binary));
}

TEST(message_content, is_read_of_svixs_shape_and_of_ours) {
  auto svix = read_message_in(R"({"eventType":"t","payload":{},"transformationsParams":{"rawPayload":"<a/>","headers":{"Content-Type":"text/xml","X-A":"1"},"mine":1}})");
  ASSERT_TRUE(svix) << svix.error().detail;
  EXPECT_EQ(svix->payload, "<a/>");
  EXPECT_EQ(svix->content_type, "text/xml");
  ASSERT_EQ(svix->headers.size(), 1U);
  EXPECT_EQ(svix->headers[0].name, "X-A");
  auto ours = read_message_in(R"({"eventType":"t","payloadBase64":"AP8=","contentType":"image/png","headers":{"X-A":"1"}})");
  ASSERT_TRUE(ours);
  EXPECT_EQ(ours->payload, std::string("\x00\xff", 2));
  EXPECT_EQ(read_message_in(R"({"eventType":"t","payloadText":"a=1","contentType":"application/x-www-form-urlencoded"})")->payload, "a=1");
  EXPECT_EQ(read_message_in(R"({"eventType":"t","payload":{"a":1},"transformationsParams":{"headers":{"X-A":"1"}}})")->payload, R"({"a":1})");
}

TEST(message_content, that_says_two_things_is_refused_where_it_does) {
  auto where = [](std::string_view rest) {
    auto c = read_message_in(R"({"eventType":"t",)" + std::string{rest} + "}");
    return c ? "accepted" : c.error().where;
  };
  EXPECT_EQ(where(R"("payload":{"a":1},"payloadText":"x","contentType":"text/plain")"), "/payload");
  EXPECT_EQ(where(R"("payloadBase64":"AA==","payloadText":"x","contentType":"text/plain")"), "/payloadBase64");
  EXPECT_EQ(where(R"("payloadBase64":"?","contentType":"text/plain")"), "/payloadBase64");
  EXPECT_EQ(where(R"("payloadText":"x")"), "/payloadText");
  EXPECT_EQ(where(R"("payloadText":1)"), "/payloadText");
  EXPECT_EQ(where(R"("payload":{},"transformationsParams":{"rawPayload":"x"})"), "/transformationsParams/rawPayload");
  EXPECT_EQ(where(R"("payload":{},"transformationsParams":{"rawPayload":7})"), "/transformationsParams/rawPayload");
  EXPECT_EQ(where(R"("payload":{},"transformationsParams":{"headers":{"webhook-id":"1"}})"), "/transformationsParams/headers/webhook-id");
  EXPECT_EQ(where(R"("payload":{},"contentType":"application/json","transformationsParams":{"headers":{"content-type":"application/json"}})"), "/transformationsParams/headers/content-type");
  EXPECT_EQ(where(R"("payload":{},"headers":{"content-type":"text/plain"})"), "/headers/content-type");
  EXPECT_EQ(where(R"("payload":{},"headers":{"X-A":1})"), "/headers/X-A");
}

// -- parameters for scripts ----------------------------------------------------------------------------

TEST(params_of_a_message, are_what_transformationsParams_has_beside_payload_and_headers) {
  auto c = read_message_in(R"({"eventType":"t","payload":{},"transformationsParams":{"rawPayload":"{\"a\":1}","headers":{"X-A":"1"},"tenant":{"id":7},"tags":["x"]}})");
  ASSERT_TRUE(c) << c.error().detail;
  EXPECT_EQ(c->params, R"({"tags":["x"],"tenant":{"id":7}})");
  EXPECT_EQ(c->payload, R"({"a":1})");
  EXPECT_EQ(read_message_in(R"({"eventType":"t","payload":{},"transformationsParams":{"headers":{}}})")->params, "");
  EXPECT_EQ(read_message_in(R"({"eventType":"t","payload":{}})")->params, "");
}

TEST(params_of_a_message, are_kept_in_the_log_shown_and_read_with_its_content) {
  world w;
  w.add();
  create_message c{"t", {}, R"({"a":1})", {}, {}};
  c.params = R"({"tenant":7})";
  w.must(c);
  const auto [h, payload] = w.log.back(); // which the next one moves
  EXPECT_TRUE(has_content(payload));
  EXPECT_EQ(std::get<message_created>(*decode(h.kind, payload)).params, c.params);
  auto content = content_of(payload, nullptr);
  ASSERT_TRUE(content);
  EXPECT_EQ(content->params, c.params);
  EXPECT_EQ(content->body, R"({"a":1})");
  auto shown = nlohmann::json::parse(*views::message_out(h, payload));
  EXPECT_EQ(shown["transformationsParams"]["tenant"], 7);
  EXPECT_FALSE(nlohmann::json::parse(*views::message_out(h, payload, false)).contains("transformationsParams"));
}

TEST(params_of_a_message, are_bounded) {
  world w;
  create_message c{"t", {}, "{}", {}, {}};
  c.params = R"({"a":")" + std::string(16 * 1024, 'x') + "\"}";
  EXPECT_EQ(w.where_refused(c), "/transformationsParams");
}

TEST(params_of_a_message, go_with_its_payload_when_that_is_erased) {
  world w;
  create_message c{"t", {}, R"({"a":1})", {}, {}};
  c.params = R"({"secret":"of the tenant"})";
  w.must(c);
  events::record r;
  r.header = w.log.back().first;
  r.payload = w.log.back().second;
  auto left = without_content(r);
  ASSERT_TRUE(left);
  EXPECT_EQ(left->find("of the tenant"), std::string::npos);
}

} // namespace
