#include "../../unit/api/world.hpp"

#include "http/client.hpp"

#include <deque>

namespace {

using namespace hourglass;
using namespace hourglass::testing;
using namespace std::chrono_literals;

/// A receiver on loopback that answers what it is told and keeps what it got.
class receiver {
public:
  receiver() {
    http::server_options options;
    options.threads = 1;
    auto opened = http::server::open(options, [this](std::shared_ptr<const http::request> r, http::reply reply) {
      http::response out;
      {
        std::lock_guard held{lock_};
        got_.push_back(*r);
        out.status = 204;
        if (!answers_.empty()) {
          out = answers_.front();
          answers_.pop_front();
        }
      }
      wake_.notify_all();
      reply.send(std::move(out));
    });
    server_ = std::move(*opened);
  }
  ~receiver() { server_->stop(1s); }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()) + "/hook"; }
  void answer(unsigned status, http::fields headers = {}, std::string body = {}) {
    std::lock_guard held{lock_};
    answers_.push_back({status, std::move(headers), std::move(body)});
  }
  std::vector<http::request> wait_for(std::size_t count) {
    std::unique_lock held{lock_};
    wake_.wait_for(held, 20s, [&] { return got_.size() >= count; });
    return got_;
  }

private:
  std::mutex lock_;
  std::condition_variable wake_;
  std::vector<http::request> got_;
  std::deque<http::response> answers_;
  std::unique_ptr<http::server> server_;
};

/// The whole of it over sockets: server, API, node, dispatcher, receivers.
class whole : public world {
protected:
  void SetUp() override {
    world::SetUp();
    auto opened = http::server::open({}, service_->handler());
    ASSERT_TRUE(opened) << opened.error();
    server_ = std::move(*opened);
    auto cidr = http::cidr::parse("127.0.0.0/8");
    client_ = http::client::open({}, std::make_shared<http::egress_guard>(std::vector<http::cidr>{*cidr}, std::vector<http::egress_guard::endpoint>{}));
    app_ = call(201, "POST", "/api/v1/app", {{"name", "App"}, {"uid", "app"}}).value("id", "");
    auto made = call(201, "POST", "/api/v1/app/app/endpoint", {{"url", hook_.url()}});
    endpoint_ = made.value("id", "");
  }
  void TearDown() override {
    client_->stop(0ms);
    service_->drain();
    server_->stop(5s);
    world::TearDown();
  }
  http::exchange_result exchange(std::string method, const std::string& path, std::string body = {}, http::fields more = {}) {
    http::exchange e;
    e.method = std::move(method);
    e.url = "http://127.0.0.1:" + std::to_string(server_->port()) + path;
    e.headers = std::move(more);
    e.headers.push_back(bearer(admin_key));
    if (!body.empty())
      e.headers.push_back({"Content-Type", "application/json"});
    e.body = std::move(body);
    e.body_kept = e.body_read = 8 << 20;
    e.deadline = 70s;
    std::promise<http::exchange_result> promise;
    client_->send(std::move(e), [&](http::exchange_result r) { promise.set_value(std::move(r)); });
    return promise.get_future().get();
  }
  json call(unsigned status, std::string method, const std::string& path, const json& body = nullptr, http::fields more = {}) {
    auto r = exchange(method, path, body.is_null() ? std::string{} : body.dump(), std::move(more));
    EXPECT_EQ(r.status, status) << method << " " << path << ": " << r.body << r.detail;
    return r.body.empty() ? json{} : json::parse(r.body, nullptr, false);
  }
  std::string emit() { return call(202, "POST", "/api/v1/app/app/msg", {{"eventType", "a.b"}, {"payload", {{"n", 1}}}})["id"]; }
  /// Attempts of a message once there are so many.
  json attempts(const std::string& message, std::size_t count) {
    json page;
    for (int i = 0; i < 2'000; ++i) {
      page = call(200, "GET", "/api/v1/app/app/attempt/msg/" + message);
      if (page["data"].size() >= count)
        break;
      std::this_thread::sleep_for(5ms);
    }
    return page["data"];
  }
  /// What the sandbox says of a webhook that came.
  std::string reason(const http::request& came) {
    json headers = json::object();
    for (const auto& [name, value] : came.headers)
      if (name.find("ebhook-") != std::string::npos)
        headers[name] = value;
    return call(200, "POST", "/sandboxes/app/webhooks/verify", {{"headers", headers}, {"body", came.body}, {"endpoint", endpoint_}, {"profile", "standard"}}).value("reason", "");
  }
  void advance(const std::string& by) {
    auto clock = call(200, "POST", "/sandboxes/app/clock/advance", {{"by", by}}, {{"Prefer", "wait=60"}});
    EXPECT_NE(clock["mode"], "advancing");
  }

  receiver hook_;
  std::unique_ptr<http::server> server_;
  std::unique_ptr<http::client> client_;
  std::string app_, endpoint_;
};

TEST_F(whole, a_message_is_delivered_and_its_attempt_shown) {
  auto id = emit();
  auto got = hook_.wait_for(1);
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(http::find(got[0].headers, "webhook-id"), id);
  EXPECT_EQ(got[0].body, R"({"n":1})");
  auto list = attempts(id, 1);
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0]["status"], 0);
  EXPECT_EQ(list[0]["responseStatusCode"], 204);
  auto one = call(200, "GET", "/api/v1/app/app/msg/" + id + "/attempt/" + list[0]["id"].get<std::string>());
  EXPECT_EQ(one["endpointId"], endpoint_);
  EXPECT_EQ(call(200, "GET", "/api/v1/app/app/msg/" + id + "/endpoint")["data"][0]["status"], 0);
  EXPECT_EQ(call(200, "GET", "/api/v1/app/app/endpoint/" + endpoint_ + "/msg")["data"][0]["id"], id);
  EXPECT_EQ(call(200, "GET", "/api/v1/app/app/attempt/endpoint/" + endpoint_ + "?with_msg=true")["data"][0]["msg"]["id"], id);
  EXPECT_TRUE(call(200, "GET", "/api/v1/app/app/attempt/endpoint/" + endpoint_ + "?status=2")["data"].empty());
  EXPECT_TRUE(call(200, "GET", "/api/v1/app/app/attempt/endpoint/" + endpoint_ + "?status_code_class=500")["data"].empty());
}

TEST_F(whole, messages_that_arrived_are_listed_by_that) {
  auto arrived = emit();
  attempts(arrived, 1);
  hook_.answer(500, {}, "broken");
  auto failed = emit();
  attempts(failed, 1);
  auto listed = [&](const char* status) {
    std::vector<std::string> out;
    const auto list = call(200, "GET", "/api/v1/app/app/endpoint/" + endpoint_ + "/msg" + status)["data"];
    for (const auto& one : list)
      out.push_back(one["id"]);
    return out;
  };
  EXPECT_EQ(listed("?status=0"), std::vector<std::string>{arrived});
  EXPECT_EQ(listed("?status=1"), std::vector<std::string>{failed}) << "it waits for its next attempt";
  EXPECT_EQ(listed("").size(), 2U);
}

TEST_F(whole, a_form_is_delivered_signed_as_it_is_sent) {
  call(200, "PATCH", "/api/v1/app/app/endpoint/" + endpoint_, {{"bodyFormat", "form"}});
  auto id = call(202, "POST", "/api/v1/app/app/msg", {{"eventType", "a.b"}, {"payload", {{"a", 1}, {"b", {{"c", "d e"}}}}}})["id"];
  auto got = hook_.wait_for(1);
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].body, "a=1&b%5Bc%5D=d+e");
  EXPECT_EQ(http::find(got[0].headers, "content-type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(reason(got[0]), "valid");
}

TEST_F(whole, deliveries_go_wrong_on_demand_and_the_next_goes_right) {
  auto example = [&](const json& more) {
    json body{{"eventType", "svix.ping"}};
    body.update(more);
    return call(202, "POST", "/api/v1/app/app/endpoint/" + endpoint_ + "/send-example", body);
  };
  std::size_t count = 0;
  for (const auto& [fault, found] : {std::pair{"bad_signature", "no_match"}, {"missing_signature", "missing_header"}, {"stale_timestamp", "too_old"},
                                     {"future_timestamp", "too_new"}, {"changed_body", "body_changed"}}) {
    example({{"fault", fault}});
    auto got = hook_.wait_for(++count);
    ASSERT_EQ(got.size(), count);
    EXPECT_EQ(reason(got.back()), found) << fault;
  }
  auto id = example({{"fault", "duplicate"}, {"copies", 3}})["id"].get<std::string>();
  auto got = hook_.wait_for(count += 3);
  ASSERT_EQ(got.size(), count);
  for (auto i = count - 3; i < count; ++i) {
    EXPECT_EQ(http::find(got[i].headers, "webhook-id"), id);
    EXPECT_EQ(reason(got[i]), "valid");
  }
  example(json::object());
  EXPECT_EQ(reason(hook_.wait_for(++count).back()), "valid");
}

TEST_F(whole, a_failing_receiver_leads_to_a_dead_letter_and_redelivery_heals_it) {
  for (int i = 0; i < 8; ++i)
    hook_.answer(500, {}, "broken");
  auto id = emit();
  attempts(id, 1);
  for (auto* step : {"10s", "PT10M", "1h", "3h", "6h", "12h", "12h"})
    advance(step);
  auto list = attempts(id, 8);
  ASSERT_EQ(list.size(), 8U);
  for (auto& a : list)
    EXPECT_EQ(a["status"], 2) << a;
  auto base = "/api/v1/app/app/endpoint/" + endpoint_;
  auto dead = call(200, "GET", base + "/dead");
  ASSERT_EQ(dead["data"].size(), 1U);
  EXPECT_EQ(dead["data"][0]["msgId"], id);
  EXPECT_EQ(dead["data"][0]["msg"]["payload"]["n"], 1);
  EXPECT_EQ(call(200, "GET", "/api/v1/app/app/msg/" + id + "/endpoint")["data"][0]["status"], 2);
  call(202, "POST", "/api/v1/app/app/msg/" + id + "/endpoint/" + endpoint_ + "/resend");
  list = attempts(id, 9);
  ASSERT_EQ(list.size(), 9U);
  EXPECT_EQ(list[0]["status"], 0);
  EXPECT_EQ(list[0]["triggerType"], 1);
  EXPECT_TRUE(call(200, "GET", base + "/dead")["data"].empty());
}

TEST_F(whole, a_recovery_sends_every_dead_letter_again) {
  call(200, "PATCH", "/api/v1/app/app/endpoint/" + endpoint_, {{"retrySchedule", json::array()}});
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i)
    hook_.answer(500);
  for (int i = 0; i < 5; ++i)
    ids.push_back(emit());
  for (auto& id : ids)
    attempts(id, 1);
  auto base = "/api/v1/app/app/endpoint/" + endpoint_;
  EXPECT_EQ(call(200, "GET", base + "/dead")["data"].size(), 5U);
  auto page = call(200, "GET", base + "/dead?limit=2");
  EXPECT_EQ(page["data"].size(), 2U);
  EXPECT_EQ(page["done"], false);
  EXPECT_EQ(call(200, "GET", base + "/dead?limit=9&iterator=" + page["iterator"].get<std::string>())["data"].size(), 3U);
  auto started = call(202, "POST", base + "/recover", {{"since", "2020-01-01T00:00:00Z"}});
  for (auto& id : ids)
    EXPECT_EQ(attempts(id, 2)[0]["status"], 0);
  EXPECT_TRUE(call(200, "GET", base + "/dead")["data"].empty());
  auto shown = call(200, "GET", base + "/recovery/" + started["id"].get<std::string>());
  EXPECT_EQ(shown["queued"], 5) << shown;
}

TEST_F(whole, a_redirect_and_a_410_are_recorded_for_what_they_were) {
  hook_.answer(301, {{"Location", hook_.url()}});
  auto id = emit();
  auto list = attempts(id, 1);
  EXPECT_EQ(list[0]["responseStatusCode"], 301);
  EXPECT_EQ(list[0]["status"], 2);
  hook_.answer(410);
  advance("10s");
  list = attempts(id, 2);
  EXPECT_EQ(list[0]["responseStatusCode"], 410);
  EXPECT_EQ(call(200, "GET", "/api/v1/app/app/endpoint/" + endpoint_)["disabled"], true);
}

TEST_F(whole, many_clients_at_once_get_their_own_answers) {
  call(201, "POST", "/sandboxes/app/endpoints",
       {{"method", "GET"}, {"path", "/echo"}, {"response", {{"body", {{"ok", true}}}}}});
  std::atomic<int> fine{0};
  std::mutex lock;
  std::condition_variable wake;
  int ended = 0;
  constexpr int count = 400;
  for (int i = 0; i < count; ++i) {
    http::exchange e;
    e.method = "GET";
    e.url = "http://127.0.0.1:" + std::to_string(server_->port()) + "/s/app/echo";
    e.headers = {{"X-Correlation-Id", "n" + std::to_string(i)}};
    client_->send(std::move(e), [&, i](http::exchange_result r) {
      if (r.status == 200 && http::find(r.headers, "X-Correlation-Id") == "n" + std::to_string(i))
        ++fine;
      std::lock_guard held{lock};
      if (++ended == count)
        wake.notify_all();
    });
  }
  std::unique_lock held{lock};
  EXPECT_TRUE(wake.wait_for(held, 60s, [&] { return ended == count; }));
  EXPECT_EQ(fine, count);
  held.unlock();
  std::size_t seen = 0;
  std::string cursor;
  do {
    auto page = call(200, "GET", "/sandboxes/app/requests?limit=250" + (cursor.empty() ? "" : "&cursor=" + cursor));
    seen += page["data"].size();
    cursor = page["next_cursor"].is_null() ? "" : page["next_cursor"].get<std::string>();
  } while (!cursor.empty());
  EXPECT_EQ(seen, static_cast<std::size_t>(count)) << "who gets an answer is on the timeline";
}

TEST_F(whole, a_document_larger_than_the_limit_is_refused_at_the_door) {
  auto r = exchange("PUT", "/sandboxes/app/openapi", std::string(9 * 1024 * 1024, 'x'));
  // The server may close before we wrote all: then there is no status to read, but never a 2xx.
  EXPECT_TRUE(r.status == 413 || r.status == 0) << r.status;
}

TEST_F(whole, head_answers_as_get_without_a_body) {
  auto r = exchange("HEAD", "/healthz");
  EXPECT_EQ(r.status, 200U);
  EXPECT_TRUE(r.body.empty());
}

} // namespace
