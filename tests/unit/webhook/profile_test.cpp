#include "webhook/profile.hpp"

#include <gtest/gtest.h>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;

signing_key text_key(std::string_view text) {
  auto k = signing_key::parse_text(text);
  EXPECT_TRUE(k) << text;
  return k.value_or(signing_key{});
}

http::fields headers_of(signature_profile p, std::vector<signing_key> keys, std::string_view body, std::int64_t at = 0, std::string_view type = "orders.create") {
  return signature_headers(p, keys, "msg_1", type, at, body);
}

// GitHub's documentation, "Validating webhook deliveries", testing the webhook payload validation.
TEST(profiles, github_as_its_documentation_has_it) {
  auto got = headers_of(signature_profile::github, {text_key("It's a Secret to Everybody")}, "Hello, World!");
  EXPECT_EQ(http::find(got, "X-Hub-Signature-256"), "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
  EXPECT_EQ(http::find(got, "X-GitHub-Event"), "orders.create");
  EXPECT_EQ(http::find(got, "X-GitHub-Delivery"), "msg_1");
}

// Slack's documentation, "Verifying requests from Slack".
TEST(profiles, slack_as_its_documentation_has_it) {
  auto body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA"
              "&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554"
              "%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
  auto got = headers_of(signature_profile::slack, {text_key("8f742231b10e8888abcd99yyyzzz85a5")}, body, 1531420618);
  EXPECT_EQ(http::find(got, "X-Slack-Signature"), "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503");
  EXPECT_EQ(http::find(got, "X-Slack-Request-Timestamp"), "1531420618");
}

// Shopify's and Stripe's documentation give the formula and no vector; these were computed with the openssl command.
TEST(profiles, shopify_signs_the_body_with_the_client_secret_as_it_stands) {
  auto got = headers_of(signature_profile::shopify, {text_key("test-webhook-secret")}, R"({"id":1234567890,"email":"customer@example.com","total_price":"123.45"})");
  EXPECT_EQ(http::find(got, "X-Shopify-Hmac-Sha256"), "QNyObTlKbMx2qDlPF/ZOZcBqg5OgPg+2oky3zldc0Gw=");
  EXPECT_EQ(http::find(got, "X-Shopify-Topic"), "orders/create");
  EXPECT_EQ(http::find(got, "X-Shopify-Webhook-Id"), "msg_1");
}

TEST(profiles, stripe_signs_time_and_body_with_the_whole_secret) {
  auto got = headers_of(signature_profile::stripe, {text_key("whsec_test_secret")}, R"({"id":"evt_test_webhook","object":"event"})", 1492774577);
  EXPECT_EQ(http::find(got, "Stripe-Signature"), "t=1492774577,v1=88a022085c6bdb887b02cb26ff76dd681234d9675c0f22844059f55552a8883a");
}

TEST(profiles, stripe_has_one_v1_a_live_secret_and_the_others_the_newest_only) {
  std::vector<signing_key> keys{text_key("the new secret"), text_key("the old secret")};
  auto both = std::string{http::find(headers_of(signature_profile::stripe, keys, "{}", 5), "Stripe-Signature")};
  EXPECT_EQ(both, "t=5,v1=" + imitated_signature(signature_profile::stripe, "the new secret", "5", "{}") +
                      ",v1=" + imitated_signature(signature_profile::stripe, "the old secret", "5", "{}"));
  for (auto p : {signature_profile::github, signature_profile::shopify, signature_profile::slack})
    EXPECT_EQ(headers_of(p, keys, "{}", 5), headers_of(p, {keys[0]}, "{}", 5)) << to_string(p);
}

TEST(profiles, a_whsec_secret_is_a_text_too) {
  auto key = signing_key::generate({1});
  EXPECT_EQ(headers_of(signature_profile::stripe, {key}, "{}", 5), headers_of(signature_profile::stripe, {text_key(key.to_string())}, "{}", 5));
}

TEST(profiles, every_one_carries_the_messages_id_and_only_standard_the_rest_of_it) {
  for (auto p : {signature_profile::standard, signature_profile::stripe, signature_profile::github, signature_profile::shopify, signature_profile::slack}) {
    auto got = headers_of(p, {signing_key::generate({1})}, "{}", 5);
    EXPECT_EQ(http::find(got, "webhook-id"), "msg_1") << to_string(p);
    EXPECT_TRUE(http::contains(got, signature_header(p))) << to_string(p);
    EXPECT_EQ(http::contains(got, "svix-signature"), p == signature_profile::standard) << to_string(p);
    EXPECT_EQ(profile_from(to_string(p)), p);
    for (const auto& h : got)
      EXPECT_TRUE(sets_header(p, h.name) || h.name.starts_with("webhook-") || h.name.starts_with("svix-")) << h.name;
  }
  EXPECT_FALSE(profile_from("paypal"));
}

} // namespace
