#include "world.hpp"

namespace {

using namespace hourglass;
using namespace hourglass::testing;

/// Filters over HTTP: what is stored, refused, applied and tried.
class filters : public world {
protected:
  void SetUp() override {
    world::SetUp();
    asked(201, "POST", "/api/v1/app", {{"name", "App"}, {"uid", "app"}});
  }
  static std::string at(const std::string& rest) { return "/api/v1/app/app" + rest; }
  json endpoint(json more = json::object()) {
    more.update({{"url", "http://127.0.0.1:9/hook"}});
    return asked(201, "POST", at("/endpoint"), more);
  }
  json emit(std::string type, json payload) { return asked(202, "POST", at("/msg"), {{"eventType", type}, {"payload", payload}}); }
  static json only(const json& trial, const char* member) {
    json out = json::array();
    for (auto& one : trial["data"])
      out.push_back(one[member]);
    return out;
  }
};

TEST_F(filters, decide_who_gets_a_message_and_survive_a_restart) {
  json filter = {{"payload.total", {{"$gte", 100}}}};
  auto id = endpoint({{"filterTypes", {"order.*"}}, {"filter", filter}})["id"];
  EXPECT_EQ(asked(200, "GET", at("/endpoint/" + id.get<std::string>()))["filter"], filter);
  EXPECT_EQ(emit("order.paid", {{"total", 100}})["destinations"], json::array({id}));
  restart();
  EXPECT_EQ(asked(200, "GET", at("/endpoint/" + id.get<std::string>()))["filter"], filter);
  EXPECT_EQ(emit("order.paid", {{"total", 100}})["destinations"], json::array({id}));
  EXPECT_TRUE(emit("order.paid", {{"total", 99}})["destinations"].empty());
  EXPECT_TRUE(emit("order.paid.late", {{"total", 100}})["destinations"].empty());
  asked(200, "PATCH", at("/endpoint/" + id.get<std::string>()), {{"filter", nullptr}});
  EXPECT_EQ(emit("order.paid", {{"total", 99}})["destinations"], json::array({id}));
}

TEST_F(filters, that_do_not_compile_are_refused_where_they_are_wrong_and_nothing_is_stored) {
  auto id = endpoint()["id"].get<std::string>();
  auto refused = asked(422, "POST", at("/endpoint"), {{"url", "http://127.0.0.1:9/"}, {"filter", {{"payload.a", {{"$regex", "x"}}}}}});
  EXPECT_EQ(refused["detail"][0]["loc"], json::array({"body", "filter", "payload.a", "$regex"}));
  asked(422, "PATCH", at("/endpoint/" + id), {{"filter", {{"$or", json::array()}}}});
  asked(422, "PATCH", at("/endpoint/" + id), {{"filterTypes", {"ord*"}}});
  asked(413, "PATCH", at("/endpoint/" + id), {{"filter", {{"payload.a", std::string(20'000, 'x')}}}});
  EXPECT_EQ(asked(422, "PATCH", at("/endpoint/" + id), {{"eventTypes", {"a", "ord*"}}})["detail"][0]["loc"], json::array({"body", "eventTypes", "1"}))
      << "by the name that was sent";
  EXPECT_EQ(asked(200, "GET", at("/endpoint"))["data"].size(), 1U);
  EXPECT_TRUE(asked(200, "GET", at("/endpoint/" + id))["filter"].is_null());
}

TEST_F(filters, are_tried_on_messages_of_before) {
  auto id = endpoint({{"filterTypes", {"order.*"}}, {"channels", json::array()}})["id"].get<std::string>();
  emit("order.paid", {{"total", 1}});
  emit("user.created", {{"total", 500}});
  emit("order.paid", {{"total", 500}});
  auto trial = asked(200, "POST", at("/filter/try"), {{"endpointId", id}, {"filter", {{"payload.total", {{"$gt", 100}}}}}});
  EXPECT_EQ(only(trial, "matches"), json::array({true, false, false})) << "newest first";
  EXPECT_EQ(only(trial, "against"), json::array({nullptr, "event_type", "filter"}));
  EXPECT_EQ(trial["data"][2]["pointer"], "/filter/payload.total/$gt");
  EXPECT_EQ(only(trial, "sent"), json::array({true, false, true})) << "what happened is not changed by trying";
  EXPECT_EQ(trial["looked"], 3);
  EXPECT_EQ(trial["matched"], 1);
  EXPECT_EQ(trial["done"], true);
  EXPECT_TRUE(asked(200, "GET", at("/endpoint/" + id))["filter"].is_null()) << "nor is the endpoint";
  auto none = asked(200, "POST", at("/filter/try"), json::object());
  EXPECT_EQ(none["matched"], 3) << "no endpoint and no filters";
  auto first = asked(200, "POST", at("/filter/try"), {{"limit", 2}});
  EXPECT_EQ(first["done"], false);
  auto rest = asked(200, "POST", at("/filter/try"), {{"limit", 2}, {"iterator", first["iterator"]}});
  EXPECT_EQ(rest["looked"], 1);
  EXPECT_EQ(rest["done"], true);
}

TEST_F(filters, a_trial_that_cannot_be_is_refused) {
  asked(404, "POST", at("/filter/try"), {{"endpointId", "nobody"}});
  EXPECT_EQ(asked(422, "POST", at("/filter/try"), {{"filter", {{"total", 1}}}})["detail"][0]["loc"], json::array({"body", "filter", "total"}));
  asked(422, "POST", at("/filter/try"), {{"filterTypes", {"a b"}}});
  asked(422, "POST", at("/filter/try"), {{"limit", 0}});
}

} // namespace
