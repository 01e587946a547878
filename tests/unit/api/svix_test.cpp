#include "world.hpp"

#include <algorithm>
#include <set>

namespace {

using namespace hourglass;
using namespace hourglass::testing;

/// The Svix-shaped API, without receivers: what they get is tested with sockets (tests/integration/api).
class svix_shape : public world {
protected:
  void SetUp() override {
    world::SetUp();
    app_ = asked(201, "POST", "/api/v1/app", {{"name", "App"}, {"uid", "app"}}).value("id", "");
  }
  static std::string at(const std::string& rest) { return "/api/v1/app/app" + rest; }
  json endpoint(json more = json::object()) {
    more.update({{"url", "http://127.0.0.1:9/hook"}});
    return asked(201, "POST", at("/endpoint"), more);
  }
  std::string app_;
};

TEST_F(svix_shape, an_application_is_a_sandbox) {
  EXPECT_EQ(asked(200, "GET", "/sandboxes/app")["id"], app_);
  auto out = asked(200, "GET", at(""));
  for (auto* name : {"id", "uid", "name", "metadata", "createdAt", "updatedAt"})
    EXPECT_TRUE(out.contains(name)) << name;
  EXPECT_EQ(asked(200, "POST", "/api/v1/app?get_if_exists=true", {{"name", "x"}, {"uid", "app"}})["id"], app_);
  EXPECT_EQ(asked(409, "POST", "/api/v1/app", {{"name", "x"}, {"uid", "app"}})["code"], "conflict");
  EXPECT_EQ(asked(200, "PATCH", at(""), {{"metadata", {{"a", "b"}}}})["metadata"]["a"], "b");
  auto put = asked(200, "PUT", "/api/v1/app/" + app_, {{"name", "New"}});
  EXPECT_EQ(put["name"], "New");
  EXPECT_TRUE(put["uid"].is_null()) << "PUT takes away what is not given";
  EXPECT_TRUE(put["metadata"].empty());
  asked(204, "DELETE", "/api/v1/app/" + app_);
  EXPECT_EQ(asked(404, "GET", "/api/v1/app/" + app_)["code"], "not_found");
}

TEST_F(svix_shape, a_bad_application_is_told_where) {
  for (auto& body : {json::object(), json{{"name", ""}}, json{{"name", 7}}, json{{"name", "x"}, {"metadata", {{"a", 1}}}}}) {
    auto refused = asked(422, "POST", "/api/v1/app", body);
    EXPECT_EQ(refused["detail"][0]["loc"][0], "body") << refused;
  }
  EXPECT_EQ(asked(422, "POST", "/api/v1/app", {{"name", "x"}, {"uid", "hourglass.catalogue"}})["detail"][0]["loc"][1], "uid");
}

TEST_F(svix_shape, applications_page_with_an_iterator) {
  for (int i = 0; i < 4; ++i)
    asked(201, "POST", "/api/v1/app", {{"name", "n"}});
  asked(201, "POST", "/api/v1/event-type", {{"name", "a.b"}, {"description", ""}}); // makes the catalogue, which is never listed
  std::set<std::string> seen;
  std::string iterator;
  for (int i = 0; i < 10; ++i) {
    auto page = asked(200, "GET", "/api/v1/app?limit=2" + (iterator.empty() ? "" : "&iterator=" + iterator));
    for (auto& one : page["data"]) {
      EXPECT_TRUE(seen.insert(one["id"]).second);
      EXPECT_NE(one["uid"], "hourglass.catalogue");
    }
    if (page["done"] == true)
      break;
    iterator = page["iterator"];
  }
  EXPECT_EQ(seen.size(), 5U);
}

TEST_F(svix_shape, an_endpoint_lives_its_life) {
  auto made = endpoint({{"uid", "ep"}, {"filterTypes", {"a.b"}}, {"headers", {{"X-A", "1"}, {"Authorization", "s3cret"}}}});
  auto one = at("/endpoint/ep");
  EXPECT_EQ(asked(200, "GET", one), made);
  auto headers = asked(200, "GET", one + "/headers");
  EXPECT_EQ(headers["headers"], (json{{"X-A", "1"}}));
  EXPECT_EQ(headers["sensitive"], json::array({"Authorization"}));
  asked(204, "PATCH", one + "/headers", {{"headers", {{"X-B", "2"}}}, {"deleteHeaders", {"X-A"}}});
  asked(204, "PUT", one + "/headers", {{"headers", {{"X-C", "3"}}}});
  EXPECT_EQ(asked(200, "GET", one + "/headers")["headers"], (json{{"X-C", "3"}}));
  EXPECT_EQ(asked(200, "PATCH", one, {{"description", "d"}})["description"], "d");
  EXPECT_TRUE(asked(200, "PUT", one, {{"url", "http://127.0.0.1:9/other"}, {"uid", "ep"}})["filterTypes"].is_null());
  auto old = asked(200, "GET", one + "/secret")["key"].get<std::string>();
  EXPECT_TRUE(old.starts_with("whsec_"));
  EXPECT_EQ(ask("POST", one + "/secret/rotate").status(), 204U);
  EXPECT_NE(asked(200, "GET", one + "/secret")["key"], old);
  asked(422, "POST", one + "/secret/rotate", {{"key", "whsec_short"}});
  asked(200, "GET", one + "/stats");
  asked(204, "DELETE", one);
  EXPECT_EQ(asked(404, "GET", one)["code"], "not_found");
  asked(404, "DELETE", one);
}

TEST_F(svix_shape, put_creates_an_endpoint_under_its_uid) {
  asked(201, "PUT", at("/endpoint/fresh"), {{"url", "http://127.0.0.1:9/"}, {"uid", "fresh"}});
  asked(200, "PUT", at("/endpoint/fresh"), {{"url", "http://127.0.0.1:9/x"}, {"uid", "fresh"}});
  asked(404, "PUT", at("/endpoint/ep_00000000000000000000000000"), {{"url", "http://127.0.0.1:9/"}});
}

TEST_F(svix_shape, a_bad_endpoint_is_told_where) {
  const std::pair<json, const char*> cases[] = {
      {json::object(), "url"},
      {{{"url", 7}}, "url"},
      {{{"url", "ftp://x/"}}, "url"},
      {{{"url", "http://127.0.0.1/"}, {"filterTypes", {"a b"}}}, "filterTypes"},
      {{{"url", "http://127.0.0.1/"}, {"headers", {{"Host", "x"}}}}, "headers"},
      {{{"url", "http://127.0.0.1/"}, {"headers", {{"X", "a\r\nb"}}}}, "headers"},
      {{{"url", "http://127.0.0.1/"}, {"secret", "short"}}, "secret"},
      {{{"url", "http://127.0.0.1/"}, {"disabled", "no"}}, "disabled"},
  };
  for (auto& [body, where] : cases) {
    auto refused = asked(422, "POST", at("/endpoint"), body);
    EXPECT_EQ(refused["detail"][0]["loc"][1], where) << body << refused;
  }
  EXPECT_TRUE(asked(200, "GET", at("/endpoint"))["data"].empty());
}

TEST_F(svix_shape, endpoints_page_forwards_backwards_up_and_down) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i)
    ids.push_back(endpoint()["id"]);
  std::sort(ids.begin(), ids.end());
  auto of = [](const json& page) {
    std::vector<std::string> out;
    for (auto& e : page["data"])
      out.push_back(e["id"]);
    return out;
  };
  using list = std::vector<std::string>;
  auto first = asked(200, "GET", at("/endpoint?limit=2"));
  EXPECT_EQ(of(first), (list{ids[0], ids[1]}));
  auto second = asked(200, "GET", at("/endpoint?limit=2&iterator=" + first["iterator"].get<std::string>()));
  EXPECT_EQ(of(second), (list{ids[2], ids[3]}));
  EXPECT_EQ(second["done"], false);
  auto third = asked(200, "GET", at("/endpoint?limit=2&iterator=" + second["iterator"].get<std::string>()));
  EXPECT_EQ(of(third), (list{ids[4]}));
  EXPECT_EQ(third["done"], true);
  auto back = asked(200, "GET", at("/endpoint?limit=2&iterator=" + third["prevIterator"].get<std::string>()));
  EXPECT_EQ(of(back), (list{ids[2], ids[3]}));
  auto down = asked(200, "GET", at("/endpoint?limit=2&order=descending"));
  EXPECT_EQ(of(down), (list{ids[4], ids[3]}));
  auto down_two = asked(200, "GET", at("/endpoint?limit=2&order=descending&iterator=" + down["iterator"].get<std::string>()));
  EXPECT_EQ(of(down_two), (list{ids[2], ids[1]}));
  auto up_again = asked(200, "GET", at("/endpoint?limit=2&order=descending&iterator=" + down_two["prevIterator"].get<std::string>()));
  EXPECT_EQ(of(up_again), (list{ids[4], ids[3]}));
}

TEST_F(svix_shape, event_types_belong_to_the_node) {
  EXPECT_TRUE(asked(200, "GET", "/api/v1/event-type")["data"].empty());
  asked(404, "GET", "/api/v1/event-type/a.b");
  asked(404, "PATCH", "/api/v1/event-type/a.b", {{"description", "x"}});
  auto made = asked(201, "POST", "/api/v1/event-type", {{"name", "a.b"}, {"description", "d"}, {"schemas", {{"1", json::object()}}}});
  EXPECT_EQ(made["name"], "a.b");
  asked(409, "POST", "/api/v1/event-type", {{"name", "a.b"}, {"description", "d"}});
  asked(422, "POST", "/api/v1/event-type", {{"name", "a b"}, {"description", "d"}});
  EXPECT_EQ(asked(200, "PATCH", "/api/v1/event-type/a.b", {{"deprecated", true}})["description"], "d");
  asked(201, "PUT", "/api/v1/event-type/c.d", {{"description", "new"}});
  asked(204, "DELETE", "/api/v1/event-type/c.d");
  EXPECT_EQ(asked(200, "GET", "/api/v1/event-type")["data"].size(), 1U);
  EXPECT_EQ(asked(200, "GET", "/api/v1/event-type?include_archived=true")["data"].size(), 2U);
  asked(204, "DELETE", "/api/v1/event-type/c.d?expunge=true");
  EXPECT_EQ(asked(200, "GET", "/api/v1/event-type?include_archived=true")["data"].size(), 1U);
}

TEST_F(svix_shape, a_message_is_taken_once_per_event_id) {
  auto sent = ask("POST", at("/msg"), R"({"eventType":"a.b","payload":{"n": 1.10},"eventId":"e1","channels":["c"],"tags":["t"]})");
  EXPECT_EQ(sent.status(), 202U) << sent.response.body;
  EXPECT_NE(sent.response.body.find("{\"n\": 1.10}"), std::string::npos) << "the payload's bytes are kept";
  auto id = sent.body()["id"].get<std::string>();
  EXPECT_EQ(asked(409, "POST", at("/msg"), {{"eventType", "a.b"}, {"payload", json::object()}, {"eventId", "e1"}})["code"], "conflict");
  EXPECT_TRUE(asked(202, "POST", at("/msg?with_content=false"), {{"eventType", "a.b"}, {"payload", {{"x", "}"}}}})["payload"].empty());
  EXPECT_EQ(asked(200, "GET", at("/msg/" + id))["payload"]["n"], 1.1);
  EXPECT_TRUE(asked(200, "GET", at("/msg/" + id + "?with_content=false"))["payload"].empty());
  EXPECT_EQ(asked(200, "GET", at("/msg"))["data"].size(), 2U);
  EXPECT_EQ(asked(200, "GET", at("/msg?tag=t&channel=c&event_types=a.b,x"))["data"].size(), 1U);
  EXPECT_EQ(asked(200, "GET", at("/msg?event_types=x"))["data"].size(), 0U);
  EXPECT_EQ(asked(200, "GET", at("/msg?after=2099-01-01T00:00:00Z"))["data"].size(), 0U);
  asked(404, "GET", at("/msg/msg_none"));
  asked(200, "GET", at("/attempt/msg/" + id));
  asked(404, "GET", at("/attempt/msg/msg_none"));
  asked(404, "GET", at("/msg/" + id + "/attempt/atmpt_none"));
}

TEST_F(svix_shape, messages_page_back_and_forth) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i)
    ids.insert(ids.begin(), asked(202, "POST", at("/msg"), {{"eventType", "a.b"}, {"payload", json::object()}})["id"]);
  auto of = [](const json& page) {
    std::vector<std::string> out;
    for (auto& e : page["data"])
      out.push_back(e["id"]);
    return out;
  };
  using list = std::vector<std::string>;
  auto first = asked(200, "GET", at("/msg?limit=2"));
  EXPECT_EQ(of(first), (list{ids[0], ids[1]}));
  auto second = asked(200, "GET", at("/msg?limit=2&iterator=" + first["iterator"].get<std::string>()));
  EXPECT_EQ(of(second), (list{ids[2], ids[3]}));
  EXPECT_EQ(second["done"], false);
  auto third = asked(200, "GET", at("/msg?limit=2&iterator=" + second["iterator"].get<std::string>()));
  EXPECT_EQ(of(third), (list{ids[4]}));
  EXPECT_EQ(third["done"], true);
  EXPECT_EQ(of(asked(200, "GET", at("/msg?limit=2&iterator=" + third["prevIterator"].get<std::string>()))), (list{ids[2], ids[3]}));
  asked(422, "GET", at("/msg?iterator=nonsense"));
}

TEST_F(svix_shape, a_bad_message_changes_nothing) {
  for (auto* body : {R"({})", R"({"eventType":"a.b"})", R"({"eventType":"a b","payload":{}})", R"({"eventType":"a.b","payload":[]})",
                     R"({"eventType":"a.b","payload":"x"})", R"({"eventType":7,"payload":{}})", R"({"eventType":"a.b","payload":{},"channels":"c"})",
                     R"({"eventType":"a.b","payload":{},"eventId":"a b"})", R"({"eventType":"","payload":{}})"}) {
    auto a = ask("POST", at("/msg"), body);
    EXPECT_EQ(a.status(), 422U) << body << a.response.body;
  }
  EXPECT_EQ(ask("POST", at("/msg"), R"({"eventType":"a.b","payload":{"x":")" + std::string(1'100'000, 'x') + "\"}}").status(), 413U);
  EXPECT_TRUE(asked(200, "GET", at("/msg"))["data"].empty());
}

TEST_F(svix_shape, recoveries_are_started_shown_and_cancelled) {
  auto id = endpoint()["id"].get<std::string>();
  auto base = at("/endpoint/" + id);
  auto started = asked(202, "POST", base + "/recover", {{"since", "2020-01-01T00:00:00Z"}});
  EXPECT_EQ(started["task"], "endpoint.recover");
  auto one = base + "/recovery/" + started["id"].get<std::string>();
  EXPECT_EQ(asked(200, "GET", one)["endpointId"], id);
  EXPECT_EQ(asked(200, "GET", base + "/recovery")["data"].size(), 1U);
  asked(404, "GET", base + "/recovery/rcv_none");
  auto cancelled = ask("POST", one + "/cancel");
  EXPECT_TRUE(cancelled.status() == 200 || cancelled.status() == 409) << "it may have ended by itself";
  asked(422, "POST", base + "/recover", json::object());
  asked(422, "POST", base + "/recover", {{"since", "x"}});
  asked(422, "POST", base + "/bulk-replay", {{"since", "2020-01-01T00:00:00Z"}, {"tag", "x"}});
  asked(404, "POST", at("/endpoint/none/recover"), {{"since", "2020-01-01T00:00:00Z"}});
  EXPECT_TRUE(asked(200, "GET", base + "/dead")["data"].empty());
}

TEST_F(svix_shape, secrets_do_not_show_in_history) {
  auto id = endpoint({{"headers", {{"Authorization", "s3cret-value"}}}})["id"].get<std::string>();
  auto key = asked(200, "GET", at("/endpoint/" + id + "/secret"))["key"].get<std::string>();
  auto history = ask("GET", "/sandboxes/app/history").response.body;
  EXPECT_EQ(history.find(key.substr(6)), std::string::npos);
  EXPECT_EQ(history.find("s3cret-value"), std::string::npos);
  auto state = ask("GET", "/sandboxes/app/state").response.body;
  EXPECT_EQ(state.find(key.substr(6)), std::string::npos);
  EXPECT_EQ(state.find("s3cret-value"), std::string::npos);
}

} // namespace
