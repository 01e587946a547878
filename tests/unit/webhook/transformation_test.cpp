#include "guarded.hpp"
#include "world.hpp"

#include "webhook/inputs.hpp"
#include "webhook/limits.hpp"
#include "webhook/transformation.hpp"
#include "webhook/views.hpp"

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;

transformed read(const std::string& json) {
  auto t = read_transformed(json, signature_profile::standard);
  EXPECT_TRUE(t) << (t ? "" : t.error().detail);
  return t ? *t : transformed{};
}
std::string refused(const std::string& json, signature_profile profile = signature_profile::standard) {
  auto t = read_transformed(json, profile);
  EXPECT_FALSE(t) << json;
  return t ? "taken" : t.error().detail;
}
std::string with(const std::string& more) { return R"({"method":"POST","url":"http://a.test/","payload":{})" + more + "}"; }

TEST(transformation, what_a_handler_returns_is_read_and_its_payload_keeps_its_bytes) {
  auto t = read(R"({"method":"PUT","url":"https://b.test/x?y=1","payload":{"b": [1, 2],"a":"\u00e9"},"headers":{"X-A":"1"},"eventType":"ignored","env":{}})");
  EXPECT_EQ(t.method, "PUT");
  EXPECT_EQ(t.url, "https://b.test/x?y=1");
  EXPECT_EQ(t.body, R"({"b": [1, 2],"a":"\u00e9"})");
  ASSERT_EQ(t.headers.size(), 1U);
  EXPECT_FALSE(t.headers[0].sensitive);
  EXPECT_TRUE(read(with(R"(,"headers":{"X-Api-Key":"1"})")).headers[0].sensitive);
  EXPECT_TRUE(read(R"({"cancel":true})").cancel) << "the rest does not matter then";
  EXPECT_FALSE(read(with(R"(,"cancel":false,"headers":null)")).cancel);
}

TEST(transformation, what_cannot_be_sent_is_refused_in_words_for_who_wrote_the_script) {
  EXPECT_NE(refused("[1]").find("object"), std::string::npos);
  EXPECT_NE(refused("").find("JSON"), std::string::npos);
  EXPECT_NE(refused(R"({"method":"DELETE","url":"http://a.test/","payload":{}})").find("`method`"), std::string::npos);
  EXPECT_NE(refused(R"({"method":"POST","payload":{}})").find("`url`"), std::string::npos);
  EXPECT_NE(refused(R"({"method":"POST","url":"file:///etc/passwd","payload":{}})").find("`url`"), std::string::npos);
  EXPECT_NE(refused(R"({"method":"POST","url":"http://a.test/"})").find("`payload`"), std::string::npos);
  EXPECT_NE(refused(with(R"(,"cancel":"yes")")).find("`cancel`"), std::string::npos);
  EXPECT_NE(refused(with(R"(,"headers":[])")).find("`headers`"), std::string::npos);
  EXPECT_NE(refused(with(R"(,"headers":{"a":1})")).find("`a`"), std::string::npos);
  EXPECT_NE(refused(with(R"(,"headers":{"webhook-id":"x"})")).find("webhook-id"), std::string::npos) << "who signs is ours";
  EXPECT_NE(refused(with(R"(,"headers":{"a":"x\r\nb: y"})")).find("control"), std::string::npos);
  EXPECT_NE(refused(with(R"(,"headers":{"a":"1","A":"2"})")).find("twice"), std::string::npos);
  EXPECT_NE(refused(with(R"(,"headers":{"Stripe-Signature":"x"})"), signature_profile::stripe).find("profile"), std::string::npos);
  EXPECT_NE(refused(R"({"method":"POST","url":"http://a.test/","payload":")" + std::string(limits::message_bytes, 'x') + "\"}").find("message_bytes"), std::string::npos);
}

TEST(transformation, another_origin_gets_no_credentials_and_the_same_keeps_them) {
  start s;
  s.url = "https://a.test/hook";
  s.headers = {{"X-Plain", "1", false}, {"X-Api-Key", "secret", true}};
  s.way = std::make_shared<const delivery_way>(delivery_way{nullptr, "Basic abc", nullptr});
  auto there = s, here = s, cleartext = s;
  take_over(there, {false, "PUT", "https://b.test/", "{}", {{"x-plain", "2", false}}});
  ASSERT_EQ(there.headers.size(), 1U);
  EXPECT_EQ(there.headers[0].value, "2") << "goes before the endpoint's own, whatever its case";
  EXPECT_FALSE(there.way);
  EXPECT_EQ(there.method, "PUT");
  take_over(here, {false, "POST", "https://A.test:443/other", "{}", {}});
  EXPECT_EQ(here.headers.size(), 2U);
  EXPECT_EQ(here.way->authorization, "Basic abc");
  take_over(cleartext, {false, "POST", "http://a.test/hook", "{}", {}});
  EXPECT_EQ(cleartext.headers.size(), 1U);
  EXPECT_FALSE(cleartext.way);
}

TEST(transformation, is_called_with_the_webhook_and_its_variables) {
  transformation t;
  t.variables = {{"KEY", "a\"b"}};
  EXPECT_EQ(script_input(t, "http://a.test/", "order.paid", R"({"n": 1.0})"),
            R"({"method":"POST","url":"http://a.test/","payload":{"n": 1.0},"eventType":"order.paid","env":{"KEY":"a\"b"},"transformationsParams":{}})");
  EXPECT_TRUE(script_input(t, "http://a.test/", "order.paid", "{}", R"({"tenant":7})").ends_with(R"(,"transformationsParams":{"tenant":7}})"));
  EXPECT_TRUE(script_of("let a = 1;").starts_with("let a = 1;\n")) << "lines keep their numbers";
}

struct transforming : world {
  std::string id = add();
  change_transformation code(std::string text, std::optional<bool> enabled = true) { return {id, std::move(text), enabled, std::nullopt}; }
};

TEST(transformation, is_part_of_its_endpoint_and_goes_with_every_attempt_while_it_is_enabled) {
  transforming w;
  w.must(w.code("function handler(w) { return w; }"));
  w.emit();
  auto due = w.take();
  ASSERT_EQ(due.size(), 1U);
  ASSERT_NE(due[0].transform, nullptr);
  EXPECT_EQ(due[0].transform->code, "function handler(w) { return w; }");
  w.must(change_transformation{w.id, std::nullopt, false, std::nullopt});
  w.emit();
  EXPECT_EQ(w.take()[0].transform, nullptr);
  w.must(change_transformation{w.id, std::nullopt, true, string_map{{"B", "2"}, {"A", "1"}}});
  EXPECT_EQ(nlohmann::json::parse(views::transformation_out(*w.live.find(w.id)))["variables"], (nlohmann::json{{"A", "1"}, {"B", "2"}}));
  auto text = snapshot(w.live);
  auto again = restore(text);
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_EQ(again->find(w.id)->transform, w.live.find(w.id)->transform);
  EXPECT_EQ(w.folded().find(w.id)->transform, w.live.find(w.id)->transform);
  update_destination put{w.id, to("http://b.test/")};
  w.must(put);
  EXPECT_FALSE(w.live.find(w.id)->transform.empty()) << "a PUT of the endpoint does not know it";
  w.must(w.code("", std::nullopt));
  EXPECT_FALSE(w.live.find(w.id)->transform.get().enabled);
}

TEST(transformation, has_limits) {
  transforming w;
  EXPECT_EQ(w.where_refused(w.code(std::string(limits::transformation_bytes + 1, ' '))), "/code");
  EXPECT_EQ(w.where_refused(w.code("", true)), "/enabled");
  EXPECT_EQ(w.where_refused(w.code("\xff")), "/code");
  EXPECT_EQ(w.where_refused(change_transformation{w.id, std::nullopt, std::nullopt, string_map{{"a", std::string(20'000, 'x')}}}), "/variables");
  EXPECT_EQ(w.refused(change_transformation{"nobody", "a", std::nullopt, std::nullopt}), errc::not_found);
  auto full = std::string(limits::transformation_bytes, ' ');
  for (std::size_t i = 0; i < limits::transformation_bytes_per_sandbox / limits::transformation_bytes; ++i) {
    w.must(change_transformation{w.id, full, std::nullopt, std::nullopt});
    w.id = w.add();
  }
  EXPECT_EQ(w.refused(change_transformation{w.id, full, std::nullopt, std::nullopt}), errc::too_large);
}

TEST(transformation, that_fails_is_an_attempt_that_failed_and_follows_the_schedule) {
  transforming w;
  w.emit();
  auto f = w.attempt(broken(http::transport_error::transformation));
  EXPECT_EQ(f.follows, outcome_kind::retry);
  auto again = decode(w.log.back().first.kind, w.log.back().second);
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_EQ(std::get<attempt_finished>(*again).result.answer.error, http::transport_error::transformation);
}

attempt_result cancelled() {
  attempt_result r;
  r.transformed.emplace().cancelled = true;
  return r;
}

TEST(transformation, that_cancels_ends_the_delivery_and_proves_nothing_about_the_receiver) {
  transforming w;
  w.emit();
  w.attempt(answer(500));
  w.now = w.now + 10s;
  auto f = w.attempt(cancelled());
  EXPECT_EQ(f.follows, outcome_kind::delivered);
  EXPECT_EQ(w.live.pending_count(), 0U);
  EXPECT_EQ(w.live.counts(w.id).failed_in_a_row, 1U);
  EXPECT_EQ(w.live.guard(w.id)->in_a_row, 1U);
  EXPECT_EQ(snapshot(w.folded()), snapshot(w.live));
  auto shown = nlohmann::json::parse(*views::attempt_out(w.log.back().first, w.log.back().second));
  EXPECT_EQ(shown["outcome"], "cancelled");
  EXPECT_EQ(shown["status"], 0) << "as Svix shows it";
}

TEST(transformation, what_was_sent_instead_stands_in_the_attempt) {
  transforming w;
  w.emit();
  auto r = answer(200);
  r.transformed = sent_instead{false, "PUT", "http://b.test/?token=abc"};
  w.attempt(r);
  auto shown = nlohmann::json::parse(*views::attempt_out(w.log.back().first, w.log.back().second));
  EXPECT_EQ(shown["transformed"], (nlohmann::json{{"method", "PUT"}, {"url", "http://b.test/?token=abc"}}));
  EXPECT_EQ(shown["url"], "http://receiver.test/hook");
  auto history = views::public_payload(w.log.back().first.kind, w.log.back().second);
  EXPECT_EQ(history.find("token=abc"), std::string::npos) << history;
  auto again = decode(w.log.back().first.kind, w.log.back().second);
  ASSERT_TRUE(again);
  EXPECT_EQ(encode(*again).payload, w.log.back().second);
}

TEST(transformation, bodies_are_read) {
  auto change = read_transformation_patch(R"({"code":null,"enabled":false,"variables":null})");
  ASSERT_TRUE(change);
  EXPECT_EQ(change->code, "");
  EXPECT_EQ(change->enabled, false);
  EXPECT_TRUE(change->variables && change->variables->empty());
  EXPECT_EQ(read_transformation_patch(R"({"code":1})").error().where, "/code");
  auto trial = read_transformation_trial(R"({"code":"c","eventType":"a.b","payload":{"n": 1.0}})");
  ASSERT_TRUE(trial) << trial.error().detail;
  EXPECT_EQ(trial->payload, R"({"n": 1.0})");
  EXPECT_EQ(read_transformation_trial(R"({"eventType":"a b","payload":{}})").error().where, "/eventType");
  EXPECT_EQ(read_transformation_trial(R"({"eventType":"a"})").error().where, "/payload");
}

TEST(transformation, that_cancels_the_last_probe_gives_its_destination_back) {
  world w;
  auto d = to("http://a.test/");
  d.protection = protection_policy::compile(nlohmann::json::parse(R"({"disable":{"failures":1,"after":0,"probe":600}})")).value();
  const auto id = w.add(std::move(d));
  w.emit();
  w.attempt(answer(500));
  ASSERT_TRUE(w.live.find(id)->disabled);
  w.emit(); // stored, and sent when it is back
  w.now = w.now + std::chrono::hours{1};
  attempt_result nothing_sent;
  nothing_sent.transformed.emplace().cancelled = true;
  w.attempt(nothing_sent);
  EXPECT_FALSE(w.live.find(id)->disabled);
  EXPECT_EQ(w.live.recoveries().size(), 1U) << "of what it missed";
  EXPECT_EQ(snapshot(w.live), snapshot(w.folded()));
}

TEST(transformation, never_leaves_tls_and_shows_another_origin_no_certificate) {
  start s;
  s.url = "https://a.test/hook";
  s.way = std::make_shared<const delivery_way>(delivery_way{std::make_shared<const http::transport>(http::tls_identity{"", "CERTIFICATE", "KEY", {}}), "Basic x", nullptr});
  s.headers.push_back({"X-Partner", "secret", true});
  transformed t;
  t.method = "POST";
  t.url = "http://a.test/hook";
  EXPECT_FALSE(may_go(s, t));
  auto same = s;
  t.url = "https://a.test/other";
  ASSERT_TRUE(may_go(same, t));
  t.headers = {{"authorization", "mine"}, {"x-partner", "other"}};
  take_over(same, t);
  EXPECT_TRUE(same.way && same.way->receiver);
  ASSERT_EQ(same.headers.size(), 1U) << "the endpoint's credentials stand";
  EXPECT_TRUE(same.headers[0].sensitive) << "it was, and its place is";
  auto other = s;
  t.url = "https://b.test/";
  take_over(other, t);
  EXPECT_FALSE(other.way);
}

} // namespace
