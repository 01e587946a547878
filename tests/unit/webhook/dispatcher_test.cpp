#include "webhook/dispatcher.hpp"

#include "events/digest.hpp"

#include <gtest/gtest.h>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace std::chrono_literals;

start one() {
  start s;
  s.token = 7;
  s.message = std::make_shared<const message_ref>(message_ref{"msg_1", 3, "t", 2});
  s.destination = "ep_1";
  s.url = "http://a.test/";
  s.headers = {{"X-A", "1", false}, {"Authorization", "Bearer s3cret", true}};
  s.keys = {signing_key::generate({1}), signing_key::generate({2})};
  s.deadline = 5s;
  return s;
}

/// A client that answers at once.
struct fake_client final : http::client {
  void send(http::exchange what, handler done) override {
    sent.push_back(std::move(what));
    done(next);
  }
  void stop(std::chrono::milliseconds) override {}

  std::vector<http::exchange> sent;
  http::exchange_result next;
};

TEST(dispatcher, all_destinations_of_a_message_share_its_bytes) {
  const http::shared_bytes body{std::string(1'000, 'x')};
  const auto first = build_exchange(one(), body, 1), second = build_exchange(one(), body, 2);
  const auto again = first; // as for a connection that died
  for (const auto* x : {&first, &second, &again}) {
    EXPECT_TRUE(x->body.data() == body.data());
    EXPECT_EQ(x->body.size(), 1'000U);
  }
}

TEST(dispatcher, the_request_is_signed_under_both_names_and_a_verifier_accepts_it) {
  auto x = build_exchange(one(), "{}", 1'700'000'000);
  EXPECT_EQ(x.method, "POST");
  EXPECT_EQ(x.url, "http://a.test/");
  EXPECT_EQ(x.deadline, 5s);
  EXPECT_EQ(x.body, "{}");
  EXPECT_EQ(http::find(x.headers, "content-type"), "application/json");
  EXPECT_EQ(http::find(x.headers, "x-a"), "1");
  for (std::string prefix : {"webhook-", "svix-"})
    for (const auto& key : one().keys)
      EXPECT_EQ(verify(key, http::find(x.headers, prefix + "id"), http::find(x.headers, prefix + "timestamp"), http::find(x.headers, prefix + "signature"), "{}",
                       1'700'000'000),
                verdict::ok);
}

TEST(dispatcher, has_one_deadline_for_the_token_and_the_attempt) {
  struct slow_tokens final : http::client {
    void send(http::exchange what, handler done) override {
      http::exchange_result r;
      r.status = 200;
      if (what.url.ends_with("/token")) {
        *now += took_ms + 500;
        r.spent.queue_us = 500'000; // waiting for a connection has no end of its own
        r.spent.total_us = (took_ms + 500) * 1'000;
        r.body = R"({"access_token":"abcdefgh","token_type":"Bearer","expires_in":1})";
      }
      sent.push_back(std::move(what));
      done(r);
    }
    void stop(std::chrono::milliseconds) override {}
    std::int64_t* now = nullptr;
    std::int64_t took_ms = 0;
    std::vector<http::exchange> sent;
  } client;
  std::int64_t now_ms = 0;
  client.now = &now_ms;
  dispatcher d{client, nullptr, [&] { return now_ms; }};
  transport_settings settings;
  auto& how = settings.authentication.emplace().oauth2.emplace();
  how.token_url = "http://tokens.test/token";
  how.client_id = "me";
  how.client_secret.value = "s3cret-words";
  auto what = one();
  what.way = transport_policy{settings}.way();
  attempt_result got;
  const auto send = [&](std::int64_t took_ms) {
    client.took_ms = took_ms;
    client.sent.clear();
    d.send(what, "{}", 0, [&](fencing_token, attempt_result r) { got = std::move(r); });
  };
  send(4'999);
  ASSERT_EQ(client.sent.size(), 2u);
  EXPECT_EQ(client.sent[1].deadline, 1ms);
  EXPECT_EQ(got.answer.status, 200u);
  send(5'000);
  EXPECT_EQ(client.sent.size(), 1u) << "nothing is sent";
  EXPECT_EQ(got.answer.error, http::transport_error::oauth_token);
  EXPECT_NE(got.answer.detail.find("took all of the 5000 ms"), std::string::npos) << got.answer.detail;
}

TEST(dispatcher, keeps_no_piece_of_a_credential_in_which_an_answer_ends) {
  fake_client client;
  dispatcher d{client, std::make_shared<const events::redactor>(std::array<std::uint8_t, 32>{7})};
  auto what = one();
  transport_settings settings;
  settings.authentication.emplace().basic = basic_credentials{"me", {"s3cret-words", {}}};
  what.headers.clear();
  what.way = transport_policy{settings}.way();
  const auto kept = [&](bool truncated, http::transport_error error, const std::string& body) {
    client.next = {};
    client.next.status = 200;
    client.next.truncated = truncated;
    client.next.error = error;
    client.next.body = body;
    std::string out;
    d.send(what, "{}", 0, [&](fencing_token, attempt_result r) { out = r.answer.body; });
    return out;
  };
  using http::transport_error;
  EXPECT_EQ(kept(true, transport_error::none, "it is s3cret-wor"), "it is ");
  EXPECT_EQ(kept(false, transport_error::reset, "it is s3cret-wor"), "it is ") << "the connection can cut it too";
  EXPECT_EQ(kept(false, transport_error::none, "it is s3cret-wor"), "it is s3cret-wor") << "nothing was cut";
  EXPECT_EQ(kept(true, transport_error::none, "it is s3cret-words, so it i").find("s3cret"), std::string::npos);
}

TEST(dispatcher, gives_back_everything_and_hides_what_is_sensitive) {
  fake_client client;
  client.next.status = 200;
  client.next.body = "fine";
  client.next.peer = "10.0.0.1:80";
  client.next.headers = {{"Set-Cookie", "a=b"}};
  dispatcher d{client};
  attempt_result got;
  fencing_token token = 0;
  d.send(one(), R"({"a":1})", 1'700'000'000'999'999, [&](fencing_token t, attempt_result r) { token = t, got = std::move(r); });
  EXPECT_EQ(token, 7U);
  EXPECT_EQ(got.timestamp, 1'700'000'000);
  EXPECT_EQ(got.started_us, 1'700'000'000'999'999);
  EXPECT_EQ(got.body_bytes, 7U);
  EXPECT_EQ(got.body_sha256, events::sha256({R"({"a":1})"}));
  EXPECT_EQ(got.answer.body, "fine");
  EXPECT_EQ(got.answer.peer, "10.0.0.1:80");
  EXPECT_EQ(http::find(client.sent[0].headers, "authorization"), "Bearer s3cret") << "as sent";
  EXPECT_EQ(http::find(got.request_headers, "authorization"), "[redacted]") << "as kept";
  EXPECT_EQ(http::find(got.request_headers, "webhook-signature"), http::find(client.sent[0].headers, "webhook-signature"));
  EXPECT_EQ(got.request_headers.size(), client.sent[0].headers.size());
}

TEST(dispatcher, with_a_redactor_equal_secrets_stay_equal_and_answers_lose_theirs) {
  fake_client client;
  client.next.headers = {{"Set-Cookie", "session=1"}, {"Content-Type", "application/json"}};
  client.next.body = R"({"password":"hunter2","x":1})";
  auto redact = std::make_shared<const events::redactor>(std::array<std::uint8_t, 32>{1});
  dispatcher d{client, redact};
  std::vector<attempt_result> got;
  for (int i = 0; i < 2; ++i)
    d.send(one(), "{}", 0, [&](fencing_token, attempt_result r) { got.push_back(std::move(r)); });
  EXPECT_EQ(http::find(got[0].request_headers, "authorization"), http::find(got[1].request_headers, "authorization"));
  EXPECT_EQ(http::find(got[0].request_headers, "authorization").find("s3cret"), std::string_view::npos);
  EXPECT_EQ(http::find(got[0].answer.headers, "set-cookie").find("session=1"), std::string_view::npos);
  EXPECT_EQ(got[0].answer.body.find("hunter2"), std::string::npos);
}

TEST(dispatcher, a_receiver_that_says_a_custom_credential_back_does_not_have_it_kept) {
  fake_client client;
  client.next.headers = {{"X-Echo", "Bearer s3cret"}};
  client.next.body = "you sent Bearer s3cret";
  dispatcher d{client, std::make_shared<const events::redactor>(std::array<std::uint8_t, 32>{1})};
  attempt_result got;
  d.send(one(), "{}", 0, [&](fencing_token, attempt_result r) { got = std::move(r); });
  EXPECT_EQ(got.answer.body.find("s3cret"), std::string::npos) << got.answer.body;
  EXPECT_EQ(http::find(got.answer.headers, "x-echo").find("s3cret"), std::string_view::npos);
}

} // namespace
