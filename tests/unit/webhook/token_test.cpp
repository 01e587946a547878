#include "webhook/token.hpp"

#include <gtest/gtest.h>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace std::chrono_literals;

http::exchange_result said(unsigned status, std::string body) {
  http::exchange_result out;
  out.status = status;
  out.body = std::move(body);
  return out;
}
access_token taken(std::string body) {
  auto read = read_token_answer(said(200, std::move(body)));
  EXPECT_TRUE(read) << read.error();
  return read.value_or(access_token{});
}
std::string why(const http::exchange_result& answer) {
  auto read = read_token_answer(answer);
  EXPECT_FALSE(read);
  return read ? "" : read.error();
}
bool says(const std::string& sentence, std::string_view part) { return sentence.find(part) != std::string::npos; }

TEST(token_requests, send_id_and_secret_in_the_header_as_the_standard_encodes_them) {
  auto r = make_token_request({"https://id.test/token", "client:1", "a b%+", "read write", "https://api.test/", false}, nullptr);
  EXPECT_EQ(r.authorization, basic_authorization("client%3A1", "a+b%25%2B"));
  EXPECT_EQ(r.form, "grant_type=client_credentials&scope=read+write&audience=https%3A%2F%2Fapi.test%2F");
  auto e = token_exchange(r, "sbx_1", 5s);
  EXPECT_EQ(e.method, "POST");
  EXPECT_EQ(e.url, "https://id.test/token");
  EXPECT_EQ(http::find(e.headers, "content-type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(http::find(e.headers, "authorization"), r.authorization);
  EXPECT_EQ(e.owner, "sbx_1");
  EXPECT_EQ(e.body, r.form);
  EXPECT_EQ(e.deadline, 5s);
}

TEST(token_requests, may_send_them_in_the_form) {
  auto r = make_token_request({"https://id.test/token", "client", "s&cret", {}, {}, true}, nullptr);
  EXPECT_TRUE(r.authorization.empty());
  EXPECT_EQ(r.form, "grant_type=client_credentials&client_id=client&client_secret=s%26cret");
  EXPECT_FALSE(http::contains(token_exchange(r, {}, 1s).headers, "authorization"));
}

TEST(token_requests, are_told_apart_by_all_that_they_have) {
  const token_request_fields one{"https://id.test/token", "client", "secret", "read", {}, false};
  auto key = [](token_request_fields f, std::shared_ptr<const http::transport> way = nullptr) { return make_token_request(f, std::move(way)).key; };
  EXPECT_EQ(key(one), key(one));
  auto other = one;
  other.client_secret = "secret2";
  EXPECT_NE(key(one), key(other));
  other = one;
  other.url += "2";
  EXPECT_NE(key(one), key(other));
  other = one;
  other.scope.clear();
  EXPECT_NE(key(one), key(other));
  EXPECT_NE(key(one), key(one, std::make_shared<const http::transport>(http::tls_identity{}, std::nullopt, true)));
}

TEST(token_answers, give_a_token_and_how_long_it_may_be_used) {
  auto t = taken(R"({"access_token":"abc.def-1","token_type":"Bearer","expires_in":3600})");
  EXPECT_EQ(t.value, "abc.def-1");
  EXPECT_EQ(t.good_for, 3540s) << "a minute less";
  EXPECT_EQ(taken(R"({"access_token":"a","token_type":"bearer","expires_in":"100"})").good_for, 90s) << "a tenth less; some write a text";
  EXPECT_EQ(taken(R"({"access_token":"a","expires_in":20})").good_for, 15s) << "five seconds less";
  EXPECT_EQ(taken(R"({"access_token":"a"})").good_for, token_time_untold);
  EXPECT_EQ(taken(R"({"access_token":"a","expires_in":null})").good_for, token_time_untold);
}

TEST(token_answers, with_odd_times_are_used_once_or_for_a_day) {
  EXPECT_EQ(taken(R"({"access_token":"a","expires_in":0})").good_for, 0s);
  EXPECT_EQ(taken(R"({"access_token":"a","expires_in":-1e300})").good_for, 0s);
  EXPECT_EQ(taken(R"({"access_token":"a","expires_in":3})").good_for, 0s);
  EXPECT_EQ(taken(R"({"access_token":"a","expires_in":1e300})").good_for, token_time_most - 60s);
  EXPECT_TRUE(says(why(said(200, R"({"access_token":"a","expires_in":"soon"})")), "expires_in"));
  EXPECT_TRUE(says(why(said(200, R"({"access_token":"a","expires_in":"nan"})")), "expires_in"));
}

TEST(token_answers, that_are_refusals_say_the_code_and_nothing_else) {
  auto refused = why(said(401, R"({"error":"invalid_client","error_description":"s3cret is wrong"})"));
  EXPECT_EQ(refused, "no access token: the token endpoint answered 401 (invalid_client)");
  EXPECT_EQ(why(said(400, R"({"error":"my s3cret, said back"})")), "no access token: the token endpoint answered 400");
  EXPECT_EQ(why(said(500, "s3cret")), "no access token: the token endpoint answered 500");
  EXPECT_EQ(why(said(302, "")), "no access token: the token endpoint answered 302");
}

TEST(token_answers, that_are_none_are_refused) {
  for (std::string bad : {"", "token=abc", "[]", "{}", R"({"access_token":1})", R"({"access_token":""})", R"({"access_token":"a b"})", R"({"access_token":"a\r\nX: y"})",
                          R"({"access_token":"ä"})", R"({"access_token":"a","access_token":"b"})", R"({"access_token":"a","token_type":"mac"})",
                          R"({"access_token":"a","token_type":1})", R"({"access_token":"a")"})
    EXPECT_FALSE(why(said(200, bad)).empty()) << bad;
  EXPECT_FALSE(why(said(200, R"({"access_token":")" + std::string(token_bytes + 1, 'a') + R"("})")).empty());
  EXPECT_EQ(taken(R"({"access_token":")" + std::string(token_bytes, 'a') + R"("})").value.size(), token_bytes);
  EXPECT_FALSE(why(said(201, R"({"access_token":"a"})")).empty());
}

TEST(token_answers, that_are_too_long_or_never_came_are_told_as_what_they_were) {
  auto huge = said(200, R"({"access_token":"a"})");
  huge.truncated = true;
  EXPECT_TRUE(says(why(huge), "longer than 65536"));
  http::exchange_result lost;
  lost.error = http::transport_error::refused_by_guard;
  lost.detail = "10.0.0.1 is a private address";
  EXPECT_TRUE(says(why(lost), "refused_by_guard at the token endpoint: 10.0.0.1"));
}

} // namespace
