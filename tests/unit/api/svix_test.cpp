#include "world.hpp"
#include "events/wall_clock.hpp"

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

TEST_F(svix_shape, an_iterator_leads_past_a_page_of_what_is_hidden) {
  asked(201, "POST", "/api/v1/event-type", {{"name", "a"}, {"description", "makes the catalogue, which is listed nowhere"}});
  auto second = asked(201, "POST", "/api/v1/app", {{"name", "Second"}})["id"].get<std::string>();
  auto walk = [&](std::string target, const char* place, const std::string& order) {
    std::vector<std::string> seen;
    for (int page = 0; page < 10; ++page) {
      auto got = asked(200, "GET", target);
      for (auto& one : got["data"])
        seen.push_back(one["id"]);
      if (got["done"])
        return seen;
      target = "/api/v1/app?limit=1&order=" + order + "&iterator=" + got[place].get<std::string>();
    }
    ADD_FAILURE() << "the iterator stands still";
    return seen;
  };
  std::vector<std::string> up{app_, second};
  std::sort(up.begin(), up.end()); // two of one millisecond may come either way
  std::vector<std::string> down{up[1], up[0]};
  EXPECT_EQ(walk("/api/v1/app?limit=1&order=ascending", "iterator", "ascending"), up);
  EXPECT_EQ(walk("/api/v1/app?limit=1&order=descending", "iterator", "descending"), down);
  auto last = asked(200, "GET", "/api/v1/app?limit=1&order=ascending&iterator=" + up[0]);
  EXPECT_EQ(last["data"][0]["id"], up[1]);
  auto before = asked(200, "GET", "/api/v1/app?limit=1&iterator=" + last["prevIterator"].get<std::string>());
  EXPECT_EQ(before["data"][0]["id"], up[0]) << "and back";
  EXPECT_TRUE(before["done"]);
  EXPECT_EQ(asked(422, "GET", "/api/v1/app?iterator=nonsense")["detail"][0]["loc"][1], "iterator");
}

TEST_F(svix_shape, a_message_that_goes_to_many_endpoints_is_listed_at_each) {
  std::vector<std::string> endpoints;
  for (int i = 0; i < 70; ++i)
    endpoints.push_back(endpoint()["id"]);
  std::vector<std::string> messages;
  for (int i = 0; i < 3; ++i)
    messages.push_back(asked(202, "POST", at("/msg"), {{"eventType", "a"}, {"payload", json::object()}})["id"]);
  asked(204, "DELETE", at("/endpoint/" + endpoints[1]));
  asked(200, "PATCH", at("/endpoint/" + endpoints[0]), {{"disabled", true}});
  asked(202, "POST", at("/msg"), {{"eventType", "a"}, {"payload", json::object()}}); // not to the first
  for (auto i : {0U, 59U, 60U, 61U, 69U}) {
    std::vector<std::string> seen;
    std::string next;
    for (int page = 0; page < 10; ++page) {
      auto got = asked(200, "GET", at("/endpoint/" + endpoints[i] + "/msg?limit=1" + next));
      for (auto& one : got["data"])
        seen.push_back(one["id"]);
      if (got["done"])
        break;
      next = "&iterator=" + got["iterator"].get<std::string>();
    }
    EXPECT_EQ(seen.size(), i == 0 ? 3U : 4U) << i;
    EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), seen.size()) << "each once";
    EXPECT_EQ(seen.back(), messages[0]);
  }
  auto first = asked(200, "GET", at("/endpoint/" + endpoints[69] + "/msg?limit=2"));
  auto second = asked(200, "GET", at("/endpoint/" + endpoints[69] + "/msg?limit=2&iterator=" + first["iterator"].get<std::string>()));
  auto back = asked(200, "GET", at("/endpoint/" + endpoints[69] + "/msg?limit=2&iterator=" + second["prevIterator"].get<std::string>()));
  EXPECT_EQ(back["data"][0]["id"], first["data"][0]["id"]);
}

TEST_F(svix_shape, put_creates_an_application_under_its_uid) {
  auto made = asked(201, "PUT", "/api/v1/app/fresh", {{"name", "Fresh"}, {"metadata", {{"a", "b"}}}});
  EXPECT_EQ(made["uid"], "fresh");
  EXPECT_EQ(made["metadata"]["a"], "b");
  EXPECT_EQ(asked(200, "PUT", "/api/v1/app/fresh", {{"name", "Newer"}, {"uid", "fresh"}})["id"], made["id"]) << "the second time it is there";
  for (int i = 0; i < 3; ++i) {
    const auto again = asked(200, "PUT", "/api/v1/app/fresh", {{"name", "Newest"}});
    EXPECT_EQ(again["id"], made["id"]);
    EXPECT_EQ(again["uid"], "fresh") << "who names it by its uid does not take it away";
  }
  EXPECT_EQ(asked(422, "PUT", "/api/v1/app/another", {{"name", "x"}, {"uid", "not-another"}})["detail"][0]["loc"], (json{"body", "uid"}));
  EXPECT_EQ(asked(422, "PUT", "/api/v1/app/no%20name", {{"name", "x"}})["detail"][0]["loc"], (json{"body", "uid"}));
  EXPECT_EQ(asked(422, "PUT", "/api/v1/app/another", json::object())["detail"][0]["loc"], (json{"body", "name"}));
  asked(422, "PUT", "/api/v1/app/hourglass.catalogue", {{"name", "x"}});
  asked(404, "PUT", "/api/v1/app/sbx_00000000000000000000000000", {{"name", "x"}});
  asked(404, "GET", "/api/v1/app/another");
  auto stranger = sandbox()["client_secret"].get<std::string>();
  EXPECT_EQ(send(make("PUT", "/api/v1/app/another", R"({"name":"x"})", {bearer(stranger)})).status(), 403U) << "only the admin makes one";
}

TEST_F(svix_shape, a_message_may_bring_its_application_along) {
  json with{{"eventType", "a"}, {"payload", json::object()}, {"application", {{"name", "Brought"}}}};
  EXPECT_EQ(asked(404, "POST", "/api/v1/app/brought/msg", {{"eventType", "a"}, {"payload", json::object()}})["code"], "not_found");
  auto sent = asked(202, "POST", "/api/v1/app/brought/msg", with);
  EXPECT_EQ(asked(200, "GET", "/api/v1/app/brought")["name"], "Brought");
  EXPECT_EQ(asked(200, "GET", "/api/v1/app/brought/msg/" + sent["id"].get<std::string>())["eventType"], "a");
  with["application"]["name"] = 7;
  asked(202, "POST", "/api/v1/app/brought/msg", with); // it is there: not looked at
  EXPECT_EQ(asked(422, "POST", "/api/v1/app/more/msg", with)["detail"][0]["loc"], (json{"body", "application", "name"}));
  with["application"] = {{"name", "x"}, {"uid", "other"}};
  EXPECT_EQ(asked(422, "POST", "/api/v1/app/more/msg", with)["detail"][0]["loc"], (json{"body", "application", "uid"}));
  with["application"] = {{"name", "x"}};
  for (auto& [member, wrong] : std::vector<std::pair<std::string, json>>{{"eventType", "a b"}, {"payload", 1}, {"deliverAt", "2000-01-01T00:00:00Z"}}) {
    auto bad = with;
    bad[member] = wrong;
    asked(422, "POST", "/api/v1/app/more/msg", bad);
  }
  asked(404, "GET", "/api/v1/app/more");
  with["deliverAt"] = events::to_rfc3339(events::wall_now().us + 3'600'000'000LL);
  asked(202, "POST", "/api/v1/app/more/msg", with);
}

TEST_F(svix_shape, a_path_may_end_with_a_slash) {
  EXPECT_EQ(asked(200, "GET", at("/"))["id"], app_);
  auto e = asked(201, "POST", at("/endpoint/"), {{"url", "http://127.0.0.1:9/"}})["id"].get<std::string>();
  EXPECT_EQ(asked(200, "GET", at("/endpoint/" + e + "/?x=1"))["id"], e);
  asked(404, "GET", at("//"));
  asked(404, "GET", at("/endpoint//"));
  asked(404, "GET", "/sandboxes/app/");
}

TEST_F(svix_shape, errors_name_the_member_that_was_sent) {
  auto place = [&](const char* method, const std::string& path, const json& body) { return asked(422, method, at(path), body)["detail"][0]["loc"]; };
  auto e = endpoint()["id"].get<std::string>();
  for (auto& [method, path] : std::vector<std::pair<const char*, std::string>>{{"POST", "/endpoint"}, {"PUT", "/endpoint/" + e}, {"PATCH", "/endpoint/" + e}}) {
    json body{{"url", "http://127.0.0.1:9/"}};
    body["filterTypes"] = {"a", "b c"};
    EXPECT_EQ(place(method, path, body), (json{"body", "filterTypes", "1"})) << method;
    body.erase("filterTypes");
    body["eventTypes"] = {"a", "b c"};
    EXPECT_EQ(place(method, path, body), (json{"body", "eventTypes", "1"})) << method;
    body.erase("eventTypes");
    body["throttleRate"] = 0;
    EXPECT_EQ(place(method, path, body), (json{"body", "throttleRate"})) << method;
    body.erase("throttleRate");
    body["rateLimit"] = 0;
    EXPECT_EQ(place(method, path, body), (json{"body", "rateLimit"})) << method;
  }
}

TEST_F(svix_shape, a_message_for_later_waits) {
  auto e = endpoint()["id"].get<std::string>();
  asked(200, "POST", "/sandboxes/app/clock/freeze");
  auto now = asked(200, "GET", "/sandboxes/app/clock")["now"].get<std::string>();
  auto refused = asked(422, "POST", at("/msg"), {{"eventType", "a"}, {"payload", json::object()}, {"deliverAt", now}});
  EXPECT_EQ(refused["detail"][0]["loc"], (json{"body", "deliverAt"}));
  auto later = events::to_rfc3339(*events::parse_rfc3339(now) + 3'600'000'000LL);
  auto sent = asked(202, "POST", at("/msg"), {{"eventType", "a"}, {"payload", json::object()}, {"deliverAt", later}});
  auto instant = [](const json& text) { return events::parse_rfc3339(text.get<std::string>()).value_or(0); };
  EXPECT_EQ(instant(sent["deliverAt"]), instant(later));
  auto id = sent["id"].get<std::string>();
  auto stands = asked(200, "GET", at("/msg/" + id + "/endpoint"))["data"][0];
  EXPECT_EQ(instant(stands["nextAttempt"]), instant(later));
  EXPECT_TRUE(asked(200, "GET", at("/attempt/msg/" + id))["data"].empty());
}

TEST_F(svix_shape, figures_of_a_time_count_the_messages_of_that_time) {
  auto e = endpoint()["id"].get<std::string>();
  asked(200, "POST", "/sandboxes/app/clock/freeze");
  auto now = *events::parse_rfc3339(asked(200, "GET", "/sandboxes/app/clock")["now"].get<std::string>());
  auto at_time = [&](std::int64_t us) { return events::to_rfc3339(us); };
  for (int i = 0; i < 3; ++i) // they wait, so that nothing moves while the test looks
    asked(202, "POST", at("/msg"), {{"eventType", "a"}, {"payload", json::object()}, {"deliverAt", at_time(now + 60'000'000)}});
  auto waiting = [&](const std::string& range) {
    auto s = asked(200, "GET", at("/endpoint/" + e + "/stats" + range));
    EXPECT_EQ(s["success"].get<int>() + s["fail"].get<int>(), 0) << s;
    return s["pending"].get<int>() + s["sending"].get<int>();
  };
  EXPECT_EQ(waiting(""), 3);
  EXPECT_EQ(waiting("?since=" + at_time(now)), 3);
  EXPECT_EQ(waiting("?since=" + at_time(now + 1)), 0);
  EXPECT_EQ(waiting("?until=" + at_time(now - 1)), 0);
  EXPECT_EQ(waiting("?since=" + at_time(now - 1) + "&until=" + at_time(now)), 3);
  EXPECT_EQ(asked(422, "GET", at("/endpoint/" + e + "/stats?since=yesterday"))["detail"][0]["loc"][1], "since");
  EXPECT_EQ(asked(422, "GET", at("/endpoint/" + e + "/stats?since=" + at_time(now) + "&until=" + at_time(now - 1)))["detail"][0]["loc"][1], "until");
  asked(404, "GET", at("/endpoint/nobody/stats?since=" + at_time(now)));
}

TEST_F(svix_shape, an_example_goes_to_one_endpoint_alone) {
  auto e = endpoint({{"filterTypes", {"other"}}})["id"].get<std::string>();
  endpoint();
  auto path = at("/endpoint/" + e + "/send-example");
  auto ping = asked(202, "POST", path, {{"eventType", "svix.ping"}});
  EXPECT_EQ(ping["destinations"], json{e});
  EXPECT_EQ(ping["payload"]["success"], true);
  EXPECT_EQ(asked(404, "POST", path, {{"eventType", "a.b"}})["code"], "not_found");
  json schemas{{"1", {{"examples", {{{"old", true}}}}}},
               {"10", {{"type", "object"}, {"examples", {{{"n", 1}}, {{"n", 2}}, 3}}}},
               {"2", {{"examples", {{{"old", true}}}}}}};
  asked(201, "POST", "/api/v1/event-type", {{"name", "a.b"}, {"description", "d"}, {"schemas", schemas}});
  EXPECT_EQ(asked(202, "POST", path, {{"eventType", "a.b"}})["payload"], (json{{"n", 1}})) << "of the highest version";
  EXPECT_EQ(asked(202, "POST", path, {{"eventType", "a.b"}, {"exampleIndex", 1}})["payload"], (json{{"n", 2}}));
  EXPECT_EQ(asked(422, "POST", path, {{"eventType", "a.b"}, {"exampleIndex", 2}})["detail"][0]["loc"][1], "exampleIndex");
  EXPECT_EQ(asked(422, "POST", path, {{"eventType", "a.b"}, {"exampleIndex", 9}})["detail"][0]["loc"][1], "exampleIndex");
  asked(201, "POST", "/api/v1/event-type",
        {{"name", "made.up"}, {"description", "d"},
         {"schemas", {{"1", {{"type", "object"}, {"required", {"n"}}, {"properties", {{"n", {{"type", "integer"}, {"minimum", 5}, {"maximum", 5}}}}}}}}}});
  EXPECT_EQ(asked(202, "POST", path, {{"eventType", "made.up"}})["payload"]["n"], 5);
  asked(201, "POST", "/api/v1/event-type", {{"name", "bare"}, {"description", "d"}});
  EXPECT_EQ(asked(422, "POST", path, {{"eventType", "bare"}})["detail"][0]["loc"][1], "eventType");
  asked(404, "POST", at("/endpoint/nobody/send-example"), {{"eventType", "svix.ping"}});
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
  const auto rotated = ask("POST", one + "/secret/rotate", {}, {{"Idempotency-Key", "rotated-once"}});
  EXPECT_EQ(rotated.status(), 200U);
  EXPECT_EQ(rotated.body()["key"], asked(200, "GET", one + "/secret")["key"]) << "clients from 2.7 on read it here";
  EXPECT_EQ(ask("POST", one + "/secret/rotate", {}, {{"Idempotency-Key", "rotated-once"}}).body()["key"], rotated.body()["key"]) << "made anew, without another rotation";
  EXPECT_NE(asked(200, "GET", one + "/secret")["key"], old);
  asked(422, "POST", one + "/secret/rotate", {{"key", "whsec_short"}});
  asked(200, "GET", one + "/stats");
  asked(204, "DELETE", one);
  EXPECT_EQ(asked(404, "GET", one)["code"], "not_found");
  asked(404, "DELETE", one);
}

TEST_F(svix_shape, a_rate_limit_is_kept_shown_and_taken_away) {
  auto one = at("/endpoint/" + endpoint({{"rateLimit", 10}})["id"].get<std::string>());
  EXPECT_EQ(asked(200, "GET", one)["rateLimit"], 10);
  EXPECT_EQ(asked(200, "PATCH", one, {{"description", "d"}})["throttleRate"], 10) << "under both names";
  EXPECT_EQ(asked(200, "PATCH", one, {{"throttleRate", 5}})["rateLimit"], 5);
  EXPECT_TRUE(asked(200, "PATCH", one, {{"rateLimit", nullptr}})["rateLimit"].is_null());
  EXPECT_EQ(asked(200, "PUT", one, {{"url", "http://127.0.0.1:9/"}, {"rateLimit", 7}})["rateLimit"], 7);
  asked(422, "PATCH", one, {{"rateLimit", 0}});
  asked(422, "PATCH", one, {{"rateLimit", -1}});
  EXPECT_EQ(asked(200, "GET", one)["rateLimit"], 7) << "what is refused changes nothing";
  EXPECT_TRUE(asked(200, "PUT", one, {{"url", "http://127.0.0.1:9/"}})["rateLimit"].is_null()) << "PUT takes away what is not given";
}

TEST_F(svix_shape, names_of_headers_keep_their_capitals) {
  auto headers = at("/endpoint/" + endpoint()["id"].get<std::string>() + "/headers");
  asked(204, "PUT", headers, {{"headers", {{"X-Api-Test", "v"}, {"x-lower", "w"}}}});
  EXPECT_EQ(asked(200, "GET", headers)["headers"], (json{{"X-Api-Test", "v"}, {"x-lower", "w"}}));
  asked(204, "PATCH", headers, {{"headers", {{"x-API-test", "u"}}}});
  EXPECT_EQ(asked(200, "GET", headers)["headers"], (json{{"x-API-test", "u"}, {"x-lower", "w"}})) << "one header, however it is written";
}

TEST_F(svix_shape, put_creates_an_endpoint_under_its_uid) {
  asked(201, "PUT", at("/endpoint/fresh"), {{"url", "http://127.0.0.1:9/"}, {"uid", "fresh"}});
  asked(200, "PUT", at("/endpoint/fresh"), {{"url", "http://127.0.0.1:9/x"}, {"uid", "fresh"}});
  const auto first = asked(201, "PUT", at("/endpoint/again"), {{"url", "http://127.0.0.1:9/"}});
  EXPECT_EQ(first["uid"], "again");
  for (int i = 0; i < 3; ++i) {
    const auto same = asked(200, "PUT", at("/endpoint/again"), {{"url", "http://127.0.0.1:9/y"}});
    EXPECT_EQ(same["id"], first["id"]);
    EXPECT_EQ(same["uid"], "again") << "or the next one would make a second endpoint, and each message would come twice";
  }
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
  for (const auto& nothing : {json::object(), json{{"since", nullptr}}})
    EXPECT_EQ(asked(422, "POST", base + "/recover", nothing)["detail"][0]["loc"], (json{"body", "since"})) << "null is not since ever";
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
