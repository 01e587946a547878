#include "webhook/dispatcher.hpp"
#include "webhook/retry_policy.hpp"
#include "webhook/transport.hpp"

#include "http/server.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>

#include <gtest/gtest.h>

// Access tokens over real sockets: one server is the receiver and the token endpoint.

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace std::chrono_literals;

struct journeys : ::testing::Test {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<http::request> at_receiver, at_tokens;
  std::function<http::response(std::size_t, const http::request&)> receive = [](std::size_t, const http::request&) { return http::response{}; };
  std::function<http::response(std::size_t, const http::request&)> give = [](std::size_t n, const http::request&) { return token(n); };
  std::vector<http::reply> held; ///< with `hold`: token requests that are not answered yet
  bool hold = false;

  std::unique_ptr<http::server> server = std::move(*http::server::open({}, [this](std::shared_ptr<const http::request> r, http::reply to) {
    http::response out;
    {
      std::lock_guard lock{mutex};
      const bool of_tokens = r->target == "/token";
      auto& list = of_tokens ? at_tokens : at_receiver;
      list.push_back(*r);
      if (of_tokens && hold)
        held.push_back(std::move(to));
      else
        out = (of_tokens ? give : receive)(list.size(), *r);
    }
    changed.notify_all();
    if (to)
      to.send(std::move(out));
  }));
  std::shared_ptr<const http::egress_guard> guard =
      std::make_shared<const http::egress_guard>(std::vector{*http::cidr::parse("127.0.0.0/8")}, std::vector<http::egress_guard::endpoint>{});
  std::unique_ptr<http::client> client = http::client::open({}, guard);
  std::shared_ptr<const events::redactor> redactor = std::make_shared<const events::redactor>(std::array<std::uint8_t, 32>{7});
  std::atomic<std::int64_t> now_ms{1'000};
  dispatcher sender{*client, redactor, [this] { return now_ms.load(); }};

  ~journeys() override {
    client->stop(0ms);
    server->stop(0ms);
  }

  static http::response token(std::size_t n, const std::string& seconds = "3600") {
    return {200, {{"Content-Type", "application/json"}}, R"({"access_token":"token-number-)" + std::to_string(n) + R"(","token_type":"Bearer","expires_in":)" + seconds + "}"};
  }
  std::string url(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(server->port()) + path; }

  std::shared_ptr<const delivery_way> oauth2(std::string token_url = {}) const {
    transport_settings s;
    auto& o = s.authentication.emplace().oauth2.emplace();
    o.token_url = token_url.empty() ? url("/token") : std::move(token_url);
    o.client_id = "client";
    o.client_secret.value = "s3cret-of-client";
    return transport_policy{s}.way();
  }

  std::future<attempt_result> begin(std::shared_ptr<const delivery_way> way, std::string destination = "ep_1", std::chrono::milliseconds deadline = 10s) {
    start what;
    what.token = 1;
    what.message = std::make_shared<const message_ref>(message_ref{"msg_1", 1, "t", 7});
    what.destination = std::move(destination);
    what.url = url("/hook");
    what.keys = {signing_key::generate({1})};
    what.deadline = deadline;
    what.way = std::move(way);
    auto promise = std::make_shared<std::promise<attempt_result>>();
    auto out = promise->get_future();
    sender.send(what, R"({"a":1})", 1'700'000'000'000'000, [promise](fencing_token, attempt_result r) { promise->set_value(std::move(r)); }, "sbx_1");
    return out;
  }
  attempt_result send(std::shared_ptr<const delivery_way> way, std::string destination = "ep_1", std::chrono::milliseconds deadline = 10s) {
    return begin(std::move(way), std::move(destination), deadline).get();
  }
  bool wait_for_tokens(std::size_t n) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, 20s, [&] { return at_tokens.size() >= n; });
  }
  static std::string header(const http::request& r, std::string_view name) { return std::string{http::find(r.headers, name)}; }
  static std::string all_of(const attempt_result& r) {
    auto out = r.answer.body + r.answer.detail;
    for (const auto* list : {&r.request_headers, &r.answer.headers})
      for (const auto& f : *list)
        out += f.name + f.value;
    return out;
  }
};

TEST_F(journeys, a_token_is_asked_for_once_and_goes_with_every_attempt_until_it_is_old) {
  auto way = oauth2();
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(send(way).answer.status, 200u);
  ASSERT_EQ(at_tokens.size(), 1u);
  EXPECT_EQ(header(at_tokens[0], "authorization"), basic_authorization("client", "s3cret-of-client"));
  EXPECT_EQ(at_tokens[0].body, "grant_type=client_credentials");
  ASSERT_EQ(at_receiver.size(), 3u);
  for (auto& r : at_receiver) {
    EXPECT_EQ(header(r, "authorization"), "Bearer token-number-1");
    EXPECT_FALSE(header(r, "webhook-signature").empty());
  }
}

TEST_F(journeys, a_token_that_is_told_to_be_over_at_once_serves_one_attempt) {
  give = [](std::size_t n, const http::request&) { return token(n, "1"); };
  auto way = oauth2();
  send(way);
  send(way);
  EXPECT_EQ(at_tokens.size(), 2u);
  EXPECT_EQ(header(at_receiver.at(1), "authorization"), "Bearer token-number-2");
}

TEST_F(journeys, each_destination_has_its_own_and_other_settings_have_another) {
  auto way = oauth2();
  send(way, "ep_1");
  send(way, "ep_2");
  send(oauth2(url("/token")), "ep_1"); // the same, told again
  EXPECT_EQ(at_tokens.size(), 2u);
  transport_settings other;
  other.authentication.emplace().oauth2 = oauth2_client{.token_url = url("/token"), .client_id = "another", .client_secret = {"s3cret", {}}, .in_body = true};
  send(transport_policy{other}.way(), "ep_1");
  EXPECT_EQ(at_tokens.size(), 3u);
}

TEST_F(journeys, a_token_that_is_refused_is_asked_for_anew_once_and_the_attempt_is_what_came_then) {
  receive = [](std::size_t, const http::request& r) { return http::response{header(r, "authorization") == "Bearer token-number-1" ? 401u : 204u, {}, ""}; };
  auto got = send(oauth2());
  EXPECT_EQ(got.answer.status, 204u);
  EXPECT_EQ(at_tokens.size(), 2u);
  EXPECT_EQ(at_receiver.size(), 2u);
  EXPECT_EQ(header(at_receiver[0], "webhook-id"), header(at_receiver[1], "webhook-id"));
}

TEST_F(journeys, a_receiver_that_refuses_every_token_is_asked_twice_and_no_more) {
  receive = [](std::size_t, const http::request&) { return http::response{401, {}, "no"}; };
  auto got = send(oauth2());
  EXPECT_EQ(got.answer.status, 401u);
  EXPECT_EQ(got.answer.error, http::transport_error::none);
  EXPECT_EQ(at_tokens.size(), 2u);
  EXPECT_EQ(at_receiver.size(), 2u);
}

TEST_F(journeys, many_at_once_wait_for_one_request) {
  hold = true;
  auto way = oauth2();
  std::vector<std::future<attempt_result>> all;
  for (int i = 0; i < 20; ++i)
    all.push_back(begin(way));
  ASSERT_TRUE(wait_for_tokens(1));
  {
    std::lock_guard lock{mutex};
    hold = false;
    for (auto& to : held)
      to.send(token(1));
  }
  for (auto& one : all)
    EXPECT_EQ(one.get().answer.status, 200u);
  EXPECT_EQ(at_tokens.size(), 1u);
  EXPECT_EQ(at_receiver.size(), 20u);
}

TEST_F(journeys, without_a_token_the_attempt_failed_for_that_and_nothing_was_sent) {
  give = [](std::size_t, const http::request&) { return http::response{401, {}, R"({"error":"invalid_client","error_description":"s3cret-of-client is wrong"})"}; };
  auto got = send(oauth2());
  EXPECT_EQ(got.answer.error, http::transport_error::oauth_token);
  EXPECT_EQ(got.answer.status, 0u);
  EXPECT_NE(got.answer.detail.find("401 (invalid_client)"), std::string::npos) << got.answer.detail;
  EXPECT_TRUE(std::holds_alternative<try_again>(classify(got.answer.status, got.answer.error, std::nullopt)));
  EXPECT_TRUE(at_receiver.empty());
  EXPECT_FALSE(http::contains(got.request_headers, "authorization"));
  give = [](std::size_t n, const http::request&) { return token(n); };
  now_ms += 999;
  const auto soon = send(oauth2());
  EXPECT_EQ(soon.answer.error, http::transport_error::oauth_token) << "a backlog does not beat on it";
  EXPECT_EQ(soon.answer.detail, got.answer.detail);
  EXPECT_EQ(at_tokens.size(), 1u);
  now_ms += 1;
  EXPECT_EQ(send(oauth2()).answer.status, 200u) << "a failure is not kept for longer";
}

TEST_F(journeys, a_token_endpoint_that_fails_after_a_401_is_told_with_it) {
  receive = [](std::size_t, const http::request&) { return http::response{401, {}, ""}; };
  give = [](std::size_t n, const http::request&) { return n == 1 ? token(n) : http::response{503, {}, ""}; };
  auto got = send(oauth2());
  EXPECT_EQ(got.answer.error, http::transport_error::oauth_token);
  EXPECT_NE(got.answer.detail.find("answered 401, and there is no access token: the token endpoint answered 503"), std::string::npos) << got.answer.detail;
}

TEST_F(journeys, a_slow_token_endpoint_ends_at_the_deadline) {
  hold = true;
  auto got = send(oauth2(), "ep_1", 100ms);
  EXPECT_EQ(got.answer.error, http::transport_error::oauth_token);
  EXPECT_NE(got.answer.detail.find("timeout at the token endpoint"), std::string::npos) << got.answer.detail;
  {
    std::lock_guard lock{mutex};
    held.clear();
    hold = false;
  }
  EXPECT_EQ(send(oauth2()).answer.status, 200u) << "that 100 ms are too few says nothing about the endpoint";
}

TEST_F(journeys, a_huge_answer_is_no_token) {
  give = [](std::size_t, const http::request&) {
    return http::response{200, {{"Content-Type", "application/json"}}, R"({"access_token":"a","x":")" + std::string(token_answer_bytes, 'x') + "\"}"};
  };
  auto got = send(oauth2());
  EXPECT_EQ(got.answer.error, http::transport_error::oauth_token);
  EXPECT_NE(got.answer.detail.find("longer than"), std::string::npos) << got.answer.detail;
}

TEST_F(journeys, the_token_endpoint_is_behind_the_same_guard_and_is_not_followed_elsewhere) {
  auto inside = send(oauth2("http://10.0.0.1/token"));
  EXPECT_EQ(inside.answer.error, http::transport_error::oauth_token);
  EXPECT_NE(inside.answer.detail.find("refused_by_guard"), std::string::npos) << inside.answer.detail;
  give = [this](std::size_t n, const http::request&) {
    return n == 1 ? http::response{307, {{"Location", url("/token")}}, ""} : token(n);
  };
  EXPECT_EQ(send(oauth2()).answer.error, http::transport_error::oauth_token);
  EXPECT_EQ(at_tokens.size(), 1u);
}

TEST_F(journeys, no_token_and_no_password_is_in_what_is_kept_even_if_it_is_said_back) {
  receive = [](std::size_t, const http::request& r) {
    const auto sent = std::string{http::find(r.headers, "authorization")};
    return http::response{500, {{"X-You-Said", sent}}, "you said " + sent};
  };
  auto got = send(oauth2());
  EXPECT_EQ(all_of(got).find("token-number-1"), std::string::npos) << all_of(got);
  EXPECT_TRUE(http::find(got.request_headers, "authorization").starts_with("Bearer [redacted:")) << http::find(got.request_headers, "authorization");
  transport_settings s;
  s.authentication.emplace().basic = basic_credentials{"me", {"s3cret-words", {}}};
  auto basic = send(transport_policy{s}.way());
  EXPECT_EQ(header(at_receiver.back(), "authorization"), basic_authorization("me", "s3cret-words"));
  EXPECT_EQ(all_of(basic).find(basic_authorization("me", "s3cret-words").substr(6)), std::string::npos) << all_of(basic);
  EXPECT_TRUE(http::find(basic.request_headers, "authorization").starts_with("Basic [redacted:"));
}

TEST_F(journeys, a_client_that_is_stopped_leaves_attempts_as_if_never_tried) {
  hold = true;
  auto way = oauth2();
  auto first = begin(way), second = begin(way);
  ASSERT_TRUE(wait_for_tokens(1));
  client->stop(0ms);
  EXPECT_EQ(first.get().answer.error, http::transport_error::cancelled);
  EXPECT_EQ(second.get().answer.error, http::transport_error::cancelled);
  std::lock_guard lock{mutex};
  held.clear();
}

TEST_F(journeys, every_attempt_has_a_place_in_the_trace_of_its_message) {
  EXPECT_EQ(send(nullptr).answer.status, 200u);
  EXPECT_EQ(send(nullptr, "ep_2").answer.status, 200u);
  const auto one = header(at_receiver.at(0), "traceparent"), other = header(at_receiver.at(1), "traceparent");
  ASSERT_EQ(one.size(), 55u);
  EXPECT_TRUE(one.starts_with("00-") && one.ends_with("-01"));
  EXPECT_EQ(one.substr(0, 36), other.substr(0, 36)) << "one trace";
  EXPECT_NE(one.substr(36), other.substr(36)) << "of different spans";
}

} // namespace
