#include "events/redact.hpp"

#include <gtest/gtest.h>

namespace {

using namespace hourglass::events;

redactor with_key(std::uint8_t byte) {
  std::array<std::uint8_t, 32> key;
  key.fill(byte);
  return redactor{key};
}

const auto node = with_key(7);
const std::string hunter = "[redacted:326eb4f6783e]"; // HMAC-SHA-256 of "hunter2", computed elsewhere
const std::string card = "[redacted:b9401fd33107]";   // of "4242"

std::string in_json(std::string_view body) { return node.body("application/json", body); }

TEST(redaction, a_token_is_the_hmac_under_the_nodes_key) {
  EXPECT_EQ(node.token("hunter2"), hunter);
  EXPECT_EQ(node.token("4242"), card);
  EXPECT_NE(with_key(8).token("hunter2"), hunter);
}

TEST(redaction, a_token_stays_itself_so_that_a_replay_compares_equal) {
  EXPECT_EQ(node.token(hunter), hunter);
  EXPECT_EQ(node.header("Authorization", "Bearer " + hunter), "Bearer " + hunter);
  EXPECT_EQ(in_json(R"({"password":")" + hunter + "\"}"), R"({"password":")" + hunter + "\"}");
  EXPECT_NE(node.token("[redacted:hunter2hunter]"), "[redacted:hunter2hunter]") << "only hex digits are a token";
}

TEST(redaction, credentials_are_known_by_the_name_of_their_header) {
  for (std::string_view name : {"Authorization", "COOKIE", "set-cookie", "Proxy-Authorization", "X-Api-Key", "X-CSRF-Token", "my-secret-thing",
                                "x-password"})
    EXPECT_TRUE(redactor::is_sensitive_header(name)) << name;
  for (std::string_view name : {"accept", "content-type", "webhook-id", "x-correlation-id", "idempotency-key", ""})
    EXPECT_FALSE(redactor::is_sensitive_header(name)) << name;
}

TEST(redaction, a_header_keeps_its_scheme_and_loses_its_credential) {
  EXPECT_EQ(node.header("authorization", "Bearer hunter2"), "Bearer " + hunter);
  EXPECT_EQ(node.header("x-api-key", "hunter2"), hunter);
  EXPECT_EQ(node.header("authorization", "hunter2"), hunter);
  EXPECT_EQ(node.header("accept", "hunter2"), "hunter2");
  EXPECT_EQ(node.header("x-api-key", ""), "");
}

TEST(redaction, a_patch_loses_its_values_where_one_of_its_paths_leads_to_a_secret) {
  const auto patch = [](std::string_view body) { return node.body("application/json-patch+json; charset=utf-8", body); };
  EXPECT_EQ(patch(R"([{"op":"replace","value":"hunter2","path":"/user/password"}])"), R"([{"op":"replace","value":")" + hunter + R"(","path":"/user/password"}])");
  EXPECT_EQ(patch(R"([{"op":"add","path":"/card/number","value":{"deep":[4242]}}])"), R"([{"op":"add","path":"/card/number","value":{"deep":[")" + card + R"("]}}])");
  const std::string plain = R"([{"op":"add","path":"/name","value":{"value":"hunter2"}}])";
  EXPECT_EQ(patch(plain), plain);
  EXPECT_EQ(in_json(R"([{"path":"/password","value":"hunter2"}])"), R"([{"path":"/password","value":"hunter2"}])") << "which is no patch";
}

TEST(redaction, sensitive_members_lose_their_value_and_every_other_byte_stays) {
  EXPECT_EQ(in_json(R"( { "user" : "ann" ,"password" :  "hunter2", "n":1.50e1 } )"),
            R"( { "user" : "ann" ,"password" :  ")" + hunter + R"(", "n":1.50e1 } )");
  EXPECT_EQ(in_json(R"({"a":[{"client_secret":"hunter2"},2],"z":true})"), R"({"a":[{"client_secret":")" + hunter + R"("},2],"z":true})");
}

TEST(redaction, works_at_any_depth_and_below_a_sensitive_name) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i)
    deep += R"({"a":[)";
  auto expected = deep;
  std::string close;
  for (int i = 0; i < 100'000; ++i)
    close += "]}";
  EXPECT_EQ(in_json(deep + R"({"pin":"4242"})" + close), expected + R"({"pin":")" + card + "\"}" + close);
  EXPECT_EQ(in_json(R"({"secrets":["hunter2",{"x":4242}],"b":"hunter2"})"),
            R"({"secrets":[")" + hunter + R"(",{"x":")" + card + R"("}],"b":"hunter2"})");
}

TEST(redaction, equal_values_give_equal_tokens_however_they_are_written) {
  EXPECT_EQ(in_json(R"({"password":"\u0068unter2"})"), R"({"password":")" + hunter + "\"}");
  EXPECT_EQ(in_json(R"({"pass\u0077ord":"hunter2"})"), R"({"pass\u0077ord":")" + hunter + "\"}");
  EXPECT_EQ(in_json(R"({"cvc":4242})"), R"({"cvc":")" + card + "\"}");
  EXPECT_EQ(node.body("application/x-www-form-urlencoded", "password=%68unter2"), "password=" + hunter);
}

TEST(redaction, names_are_known_in_every_spelling) {
  for (std::string_view name : {"password", "Password", "user_password", "apiKey", "api_key", "API-KEY", "accessToken", "refresh_token", "token",
                                "client-secret", "cardNumber", "card_number", "cvc", "CVV", "ssn", "iban", "privateKey", "passphrase"})
    EXPECT_EQ(in_json("{\"" + std::string{name} + "\":\"4242\"}"), "{\"" + std::string{name} + "\":\"" + card + "\"}") << name;
  for (std::string_view name : {"name", "number", "tokens", "next_page_token", "pinned", "company", "id", "keyboard", ""}) {
    const auto plain = "{\"" + std::string{name} + "\":\"4242\"}";
    EXPECT_EQ(in_json(plain), plain);
  }
}

TEST(redaction, the_number_of_a_card_is_one) {
  EXPECT_EQ(in_json(R"({"card":{"number":"4242","brand":"x"},"number":"4242"})"),
            R"({"card":{"number":")" + card + R"(","brand":"x"},"number":"4242"})");
  EXPECT_EQ(node.body("application/x-www-form-urlencoded", "card[number]=4242&card%5Bcvc%5D=4242&a=b&number=1"),
            "card[number]=" + card + "&card%5Bcvc%5D=" + card + "&a=b&number=1");
}

TEST(redaction, null_true_and_empty_say_nothing_and_stay) {
  const std::string_view plain = R"({"password":null,"token":true,"secret":"","otp":{},"pin":[]})";
  EXPECT_EQ(in_json(plain), plain);
}

TEST(redaction, a_body_that_does_not_parse_is_stored_as_it_is) {
  for (std::string_view bad : {R"({"password":"hunter2")", R"({"password":"hunter2"}})", R"({"password":"hun\x"})", R"({"password" "hunter2"})",
                               R"({"password":"hunter2",})", R"([1,])", R"({"password":"hunter2"} x)", R"({"password":hunter2})", "", "{",
                               R"({"password":"a)", R"({"password":"\ud)", R"({"password":01})", R"({"password":1.})", "\"\\"})
    EXPECT_EQ(in_json(bad), bad);
}

TEST(redaction, other_kinds_of_bodies_are_left_alone) {
  EXPECT_EQ(node.body("text/plain", R"({"password":"hunter2"})"), R"({"password":"hunter2"})");
  EXPECT_EQ(node.body("application/vnd.x+json; charset=utf-8", R"({"password":"hunter2"})"), R"({"password":")" + hunter + "\"}");
  EXPECT_EQ(node.body("", R"( {"password":"hunter2"})"), R"( {"password":")" + hunter + "\"}") << "a forgotten content type protects nobody";
}

TEST(redaction, forms_and_targets_keep_all_but_the_values) {
  EXPECT_EQ(node.body("application/x-www-form-urlencoded; charset=utf-8", "a=1&password=hunter2&&b&token=&=x&"),
            "a=1&password=" + hunter + "&&b&token=&=x&");
  EXPECT_EQ(node.target("/login?user=ann&api_key=hunter2"), "/login?user=ann&api_key=" + hunter);
  EXPECT_EQ(node.target("/token/hunter2"), "/token/hunter2");
  EXPECT_EQ(node.target("/x?"), "/x?");
}

} // namespace
