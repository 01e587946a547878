#include "../../unit/api/world.hpp"

#include "http/pem.hpp"
#include "http/server.hpp"
#include "tests/support/forwarding_proxy.hpp"
#include "tests/support/tls_receiver.hpp"

#include <fstream>

namespace {

using namespace hourglass;
using namespace hourglass::testing;

/// How a whole node reaches a receiver that wants a certificate and a token, through a proxy.
class transport : public world {
protected:
  void SetUp() override {
    world::SetUp();
    asked(201, "POST", "/api/v1/app", {{"name", "App"}, {"uid", "app"}});
    auto opened = http::server::open({}, [this](std::shared_ptr<const http::request>, http::reply to) {
      http::response out;
      out.headers.push_back({"Content-Type", "application/json"});
      out.body = R"({"access_token":"access-token-)" + std::to_string(++tokens_) + R"(","token_type":"Bearer","expires_in":3600})";
      to.send(std::move(out));
    });
    ASSERT_TRUE(opened) << opened.error();
    tokens_from_ = std::move(*opened);
  }
  void TearDown() override {
    world::TearDown();
    if (tokens_from_)
      tokens_from_->stop(std::chrono::milliseconds{0});
  }

  static std::string at(const std::string& rest) { return "/api/v1/app/app" + rest; }
  json everything_for(const tls_receiver& r, const forwarding_proxy& p) {
    return {{"url", "https://127.0.0.1:" + std::to_string(r.port()) + "/hook"},
            {"retrySchedule", json::array()},
            {"tls", {{"ca", authority_.certificate}, {"certificate", us_.certificate}, {"key", us_.key},
                     {"pins", {http::to_pin_text(http::read_certificates(receiver_.certificate, 1).value()[0].pin)}}}},
            {"authentication", {{"oauth2", {{"tokenUrl", "http://127.0.0.1:" + std::to_string(tokens_from_->port()) + "/token"},
                                            {"clientId", "our-client"}, {"clientSecret", "s3cret-of-our-client"}, {"scope", "hooks"}}}}},
            {"proxy", {{"url", "socks5://127.0.0.1:" + std::to_string(p.port())}, {"username", "me"}, {"password", "s3cret-of-the-proxy"}}}};
  }
  void emit() { asked(202, "POST", at("/msg"), {{"eventType", "a.b"}, {"payload", {{"n", 1}}}}); }
  json attempts_of(const std::string& id, std::size_t n) {
    json out;
    for (int i = 0; i < 4'000; ++i) {
      out = asked(200, "GET", at("/attempt/endpoint/" + id))["data"];
      if (out.size() >= n)
        break;
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    EXPECT_EQ(out.size(), n) << out;
    return out;
  }

  identity authority_ = make_identity("authority.test", {.authority = true});
  identity receiver_ = make_identity("127.0.0.1", {.issuer = &authority_});
  identity us_ = make_identity("us.test");
  std::atomic<int> tokens_{0};
  std::unique_ptr<http::server> tokens_from_;
};

TEST_F(transport, mutual_tls_a_token_and_a_proxy_work_together_and_over_a_restart) {
  tls_receiver r{receiver_, us_.certificate};
  forwarding_proxy p{http::proxy::kind::socks5, "me", "s3cret-of-the-proxy"};
  auto made = asked(201, "POST", at("/endpoint"), everything_for(r, p));
  auto id = made["id"].get<std::string>();
  emit();
  ASSERT_TRUE(r.wait_for(1));
  EXPECT_EQ(r.came()[0].subject, "us.test");
  EXPECT_NE(r.came()[0].request.find("authorization: Bearer access-token-1"), std::string::npos);
  auto attempt = attempts_of(id, 1)[0];
  EXPECT_EQ(attempt["responseStatusCode"], 200);
  EXPECT_EQ(attempt["proxy"], "127.0.0.1:" + std::to_string(p.port()));
  EXPECT_EQ(attempt["tlsVersion"], "TLSv1.3");
  restart();
  EXPECT_EQ(asked(200, "GET", at("/endpoint/" + id))["tls"], made["tls"]);
  emit();
  ASSERT_TRUE(r.wait_for(2));
  EXPECT_EQ(r.came()[1].subject, "us.test");
  EXPECT_NE(r.came()[1].request.find("authorization: Bearer access-token-2"), std::string::npos) << "tokens are memory";
  auto asked_for = p.asked();
  EXPECT_EQ(std::count(asked_for.begin(), asked_for.end(), "127.0.0.1:" + std::to_string(tokens_from_->port())), 2) << "the tokens came through it too";
}

TEST_F(transport, no_secret_is_shown_anywhere_or_stands_in_a_file) {
  tls_receiver r{receiver_, us_.certificate};
  forwarding_proxy p{http::proxy::kind::socks5, "me", "s3cret-of-the-proxy"};
  auto made = asked(201, "POST", at("/endpoint"), everything_for(r, p));
  auto id = made["id"].get<std::string>();
  emit();
  auto shown = made.dump() + attempts_of(id, 1).dump();
  auto sandbox = asked(200, "GET", "/api/v1/app/app")["id"].get<std::string>();
  for (const auto& path : {at("/endpoint/" + id), at("/endpoint"), "/sandboxes/" + sandbox + "/history", "/sandboxes/" + sandbox + "/state"})
    shown += asked(200, "GET", path).dump();
  EXPECT_NE(shown.find("our-client"), std::string::npos) << "what is no secret is there, or this looks in the wrong place";
  close();
  bool client_is_there = false;
  auto none_in = [&](const std::string& text, const std::string& where) {
    for (const auto& secret : {std::string{"s3cret"}, us_.key.substr(30, 40), std::string{"access-token-1"}})
      EXPECT_EQ(text.find(secret), std::string::npos) << secret << " in " << where;
  };
  none_in(shown, "an answer");
  for (const auto& entry : std::filesystem::recursive_directory_iterator{folder_}) {
    if (!entry.is_regular_file())
      continue;
    std::ifstream in{entry.path(), std::ios::binary};
    std::string all{std::istreambuf_iterator<char>{in}, {}};
    client_is_there = client_is_there || all.find("our-client") != std::string::npos;
    none_in(all, entry.path());
  }
  EXPECT_TRUE(client_is_there);
}

TEST_F(transport, what_is_shown_may_be_put_back_and_is_told_where_it_is_wrong) {
  tls_receiver r{receiver_, us_.certificate};
  forwarding_proxy p{http::proxy::kind::socks5, "me", "s3cret-of-the-proxy"};
  auto made = asked(201, "POST", at("/endpoint"), everything_for(r, p));
  auto id = made["id"].get<std::string>();
  asked(200, "PUT", at("/endpoint/" + id), asked(200, "GET", at("/endpoint/" + id)));
  emit();
  ASSERT_TRUE(r.wait_for(1));
  auto wrong = [&](const json& patch) { return asked(422, "PATCH", at("/endpoint/" + id), patch)["detail"][0]["loc"]; };
  EXPECT_EQ(wrong({{"tls", {{"certificate", receiver_.certificate}}}}), json::array({"body", "tls", "key"}));
  EXPECT_EQ(wrong({{"authentication", {{"basic", {{"username", "a"}, {"password", "b"}}}, {"oauth2", json::object()}}}}), json::array({"body", "authentication"}));
  EXPECT_EQ(wrong({{"proxy", {{"url", "socks4://127.0.0.1:1"}}}}), json::array({"body", "proxy", "url"}));
  auto warned = make_identity("old.test", {.expired = true});
  auto told = asked(200, "PATCH", at("/endpoint/" + id), {{"tls", {{"certificate", warned.certificate}, {"key", warned.key}}}});
  ASSERT_EQ(told["warnings"].size(), 2U) << told["warnings"];
  EXPECT_NE(told["warnings"][0].get<std::string>().find("expired"), std::string::npos);
  EXPECT_NE(told["warnings"][1].get<std::string>().find("tokenUrl is not https"), std::string::npos);
}

TEST_F(transport, a_receiver_that_does_not_know_us_is_recorded_as_tls_and_a_token_that_is_not_given_as_such) {
  tls_receiver r{receiver_, us_.certificate};
  forwarding_proxy p{http::proxy::kind::socks5};
  auto body = everything_for(r, p);
  body["proxy"] = "direct";
  auto stranger = make_identity("stranger.test");
  body["tls"]["certificate"] = stranger.certificate;
  body["tls"]["key"] = stranger.key;
  auto unknown = asked(201, "POST", at("/endpoint"), body)["id"].get<std::string>();
  body["tls"]["certificate"] = us_.certificate;
  body["tls"]["key"] = us_.key;
  body["authentication"]["oauth2"]["tokenUrl"] = "http://127.0.0.1:9/token";
  auto tokenless = asked(201, "POST", at("/endpoint"), body)["id"].get<std::string>();
  emit();
  EXPECT_EQ(attempts_of(unknown, 1)[0]["error"]["kind"], "tls");
  auto failed = attempts_of(tokenless, 1)[0];
  EXPECT_EQ(failed["error"]["kind"], "oauth_token");
  EXPECT_EQ(failed["status"], 2) << "failed";
  EXPECT_TRUE(r.came().empty());
}

} // namespace
