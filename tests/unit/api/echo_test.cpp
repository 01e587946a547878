#include "world.hpp"

#include <gtest/gtest.h>

namespace {


using hourglass::testing::world;
using nlohmann::json;

using echoes = world;

/// Whatever a request carries in secret, its answer may echo to the caller and nobody else.
TEST_F(echoes, of_secrets_leave_no_trace_and_replay_the_same) {
  auto id = sandbox()["id"].get<std::string>();
  const json endpoint{{"method", "POST"},
                      {"path", "/echo"},
                      {"response",
                       {{"template", true},
                        {"headers", {{"X-Said", "{{request.header.authorization}}"}}},
                        {"body", R"({"auth":{{request.header.authorization}},"query":{{request.query.token}},"all":{{request.body}},)"
                                 R"("card":{{request.body.card_number}},"target":{{request.target}}})"}}}};
  asked(201, "POST", "/sandboxes/" + id + "/endpoints", endpoint);
  const std::string body = R"({"password":"sesame-\"3\"","pin":"77","card_number":4111111111111111})";
  auto a = send(make("POST", "/s/" + id + "/echo?token=sesame%202", body,
                     {{"Authorization", "Bearer sesame-1"}, {"Content-Type", "application/json"}}));
  ASSERT_EQ(a.status(), 200U) << a.response.body;
  EXPECT_EQ(a.header("X-Said"), "Bearer sesame-1") << "the caller gets what the template says";
  EXPECT_NE(a.response.body.find("sesame 2"), std::string::npos);
  auto request = asked(200, "GET", "/sandboxes/" + id + "/requests")["data"][0]["id"].get<std::string>();
  auto again = asked(200, "POST", "/sandboxes/" + id + "/requests/" + request + "/replay");
  EXPECT_TRUE(again["identical"].get<bool>()) << again.dump(1);
  for (auto& text : {again.dump(), asked(200, "GET", "/sandboxes/" + id + "/requests/" + request).dump(),
                     asked(200, "GET", "/sandboxes/" + id + "/history?type=request.served").dump()})
    for (auto* secret : {"sesame", "4111111111111111", "\"77\""})
      EXPECT_EQ(text.find(secret), std::string::npos) << secret << " in " << text;
  auto recorded = json::parse(again["recorded"]["body"]["text"].get<std::string>());
  EXPECT_EQ(recorded["auth"], again["request"]["headers"][0]["value"]) << "the same token";
}

TEST_F(echoes, of_a_body_as_text_are_recorded_without_the_secret) {
  auto id = sandbox()["id"].get<std::string>();
  const json endpoint{{"method", "POST"},
                      {"path", "/text"},
                      {"response", {{"template", true}, {"headers", {{"Content-Type", "text/plain"}}}, {"body", "got {{request.body}} sesame-9"}}}};
  asked(201, "POST", "/sandboxes/" + id + "/endpoints", endpoint);
  auto a = send(make("POST", "/s/" + id + "/text", R"({"password":"x","token":"sesame-9"})", {{"Content-Type", "application/json"}}));
  ASSERT_EQ(a.status(), 200U) << a.response.body;
  auto request = asked(200, "GET", "/sandboxes/" + id + "/requests")["data"][0]["id"].get<std::string>();
  auto again = asked(200, "POST", "/sandboxes/" + id + "/requests/" + request + "/replay");
  EXPECT_TRUE(again["identical"].get<bool>()) << again.dump(1) << "\nthe template's own text is the secret of the request, too";
  EXPECT_EQ(again["recorded"].dump().find("sesame-9"), std::string::npos) << again.dump(1);
}

} // namespace
