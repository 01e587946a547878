#include "world.hpp"

namespace {

using namespace hourglass;
using namespace hourglass::testing;

/// What `serve` may say about all endpoints.
class defaults : public world {
protected:
  void SetUp() override {
    world::SetUp();
    asked(201, "POST", "/api/v1/app", {{"name", "App"}, {"uid", "app"}});
  }
  std::string key_of(json endpoint) {
    auto id = asked(201, "POST", "/api/v1/app/app/endpoint", endpoint)["id"].get<std::string>();
    return asked(200, "GET", "/api/v1/app/app/endpoint/" + id + "/secret")["key"];
  }
};

class ed25519_by_default : public defaults {
  void adjust(api::service_options& o) override { o.ed25519_by_default = true; }
};
class https_only : public defaults {
  void adjust(api::service_options& o) override { o.https_only = true; }
};

TEST_F(ed25519_by_default, is_what_an_endpoint_signs_with_that_says_nothing) {
  EXPECT_TRUE(key_of({{"url", "http://a.test/"}}).starts_with("whpk_"));
  EXPECT_TRUE(key_of({{"url", "http://a.test/"}, {"signatureType", "hmac256"}}).starts_with("whsec_"));
  EXPECT_TRUE(key_of({{"url", "http://a.test/"}, {"secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}).starts_with("whsec_"));
  EXPECT_FALSE(key_of({{"url", "http://a.test/"}, {"signatureProfile", "github"}}).starts_with("whpk_")) << "which has no such signature";
  asked(201, "PUT", "/api/v1/app/app/endpoint/mine", {{"url", "http://a.test/"}});
  EXPECT_TRUE(asked(200, "GET", "/api/v1/app/app/endpoint/mine/secret")["key"].get<std::string>().starts_with("whpk_"));
}

TEST_F(https_only, refuses_every_other_url) {
  const std::string at = "/api/v1/app/app/endpoint";
  asked(422, "POST", at, {{"url", "http://a.test/"}});
  auto id = asked(201, "POST", at, {{"url", "HTTPS://a.test/"}})["id"].get<std::string>();
  asked(422, "PATCH", at + "/" + id, {{"url", "http://a.test/"}});
  asked(422, "PUT", at + "/" + id, {{"url", "http://a.test/"}});
  asked(200, "PATCH", at + "/" + id, {{"description", "d"}});
  asked(200, "PUT", at + "/" + id, {{"url", "https://b.test/"}});
}

TEST_F(defaults, an_endpoint_shows_its_timeout) {
  const std::string at = "/api/v1/app/app/endpoint";
  auto made = asked(201, "POST", at, {{"url", "http://a.test/"}});
  EXPECT_EQ(made["timeout"], 20);
  const auto one = at + "/" + made["id"].get<std::string>();
  EXPECT_EQ(asked(200, "PATCH", one, {{"timeout", 5}})["timeout"], 5);
  restart();
  EXPECT_EQ(asked(200, "GET", one)["timeout"], 5);
  asked(422, "PATCH", one, {{"timeout", 31}});
  EXPECT_EQ(asked(200, "PATCH", one, {{"timeout", nullptr}})["timeout"], 20);
}

} // namespace
