#include "world.hpp"

#include <set>
#include <thread>

namespace {

using namespace hourglass;
using namespace hourglass::testing;

class control : public world {
protected:
  void SetUp() override {
    world::SetUp();
    made_ = sandbox({{"name", "Mine"}, {"uid", "mine"}, {"metadata", {{"team", "a"}}}});
    id_ = made_.value("id", "");
  }
  std::string at(const std::string& rest) const { return "/sandboxes/" + id_ + rest; }
  /// Adds a static endpoint and asks it.
  answer serve(const std::string& target, http::fields headers = {}) { return send(make("GET", "/s/" + id_ + target, "", std::move(headers))); }

  json made_;
  std::string id_;
};

// -- sandboxes -------------------------------------------------------------------

TEST_F(control, a_sandbox_is_made_shown_changed_and_deleted) {
  EXPECT_EQ(made_["base_url"], "http://test/s/" + id_);
  EXPECT_FALSE(made_["client_secret"].get<std::string>().empty());
  auto shown = asked(200, "GET", "/sandboxes/mine");
  EXPECT_EQ(shown["id"], id_);
  EXPECT_EQ(shown["metadata"]["team"], "a");
  EXPECT_FALSE(shown.contains("client_secret"));
  auto changed = asked(200, "PATCH", at(""), {{"name", "Other"}, {"ttl_seconds", 3600}});
  EXPECT_EQ(changed["name"], "Other");
  EXPECT_EQ(changed["ttl_seconds"], 3600);
  EXPECT_EQ(asked(200, "PATCH", at(""), {{"ttl_seconds", nullptr}})["ttl_seconds"], nullptr);
  asked(204, "DELETE", at(""));
  asked(404, "GET", at(""));
  EXPECT_EQ(serve("/x").status(), 404U);
}

TEST_F(control, a_uid_is_taken_once) {
  auto again = asked(409, "POST", "/sandboxes", {{"uid", "mine"}});
  EXPECT_EQ(again["type"], "/problems/conflict");
}

TEST_F(control, a_sandbox_that_breaks_a_rule_is_not_made) {
  const std::pair<json, const char*> cases[] = {
      {{{"name", 1}}, "/name"},
      {{{"uid", "a b"}}, "/uid"},
      {{{"uid", "hourglass.catalogue"}}, "/uid"},
      {{{"metadata", {{"a", 1}}}}, "/metadata"},
      {{{"ttl_seconds", 0}}, "/ttl_seconds"},
      {{{"ttl_seconds", "1"}}, "/ttl_seconds"},
      {{{"surprise", 1}}, "/surprise"},
      {{{"openapi", 7}}, "/openapi"},
      {{{"openapi", "not a document"}}, "/openapi"},
      {{{"openapi", json::object()}}, "/openapi"},
  };
  for (auto& [body, where] : cases) {
    auto refused = asked(422, "POST", "/sandboxes", body);
    EXPECT_TRUE(refused.value("pointer", "").starts_with(where)) << body << refused;
  }
  EXPECT_EQ(asked(200, "GET", "/sandboxes")["data"].size(), 1U);
}

TEST_F(control, a_document_comes_with_the_sandbox) {
  auto document = json::parse(R"({"openapi":"3.0.0","info":{"title":"T","version":"1"},"paths":{"/cats":{"get":{"responses":
    {"200":{"description":"ok","content":{"application/json":{"example":["tom"]}}}}}}}})");
  auto made = sandbox({{"openapi", document}});
  auto cats = send(make("GET", "/s/" + made["id"].get<std::string>() + "/cats"));
  EXPECT_EQ(cats.status(), 200U);
  EXPECT_EQ(cats.body(), json::array({"tom"}));
}

TEST_F(control, sandboxes_are_listed_in_pages) {
  for (int i = 0; i < 4; ++i)
    sandbox();
  std::set<std::string> seen;
  std::string cursor;
  int pages = 0;
  do {
    auto page = asked(200, "GET", "/sandboxes?limit=2" + (cursor.empty() ? "" : "&cursor=" + cursor));
    for (auto& one : page["data"])
      EXPECT_TRUE(seen.insert(one["id"]).second);
    cursor = page["next_cursor"].is_null() ? "" : page["next_cursor"].get<std::string>();
  } while (!cursor.empty() && ++pages < 10);
  EXPECT_EQ(seen.size(), 5U);
}

// -- endpoints ---------------------------------------------------------------------

const json hello = {{"method", "GET"}, {"path", "/hello/{name}"}, {"response", {{"body", {{"hi", true}}}}}};

TEST_F(control, an_endpoint_answers_as_soon_as_it_is_there) {
  auto made = asked(201, "POST", at("/endpoints"), hello);
  auto endpoint = at("/endpoints/" + made["id"].get<std::string>());
  auto served = serve("/hello/you?x=1");
  EXPECT_EQ(served.status(), 200U);
  EXPECT_EQ(served.body()["hi"], true);
  EXPECT_FALSE(served.header("X-Request-Id").empty());
  EXPECT_FALSE(served.header("X-Correlation-Id").empty());
  auto changed = hello;
  changed["response"]["status"] = 201;
  asked(200, "PUT", endpoint, changed);
  EXPECT_EQ(serve("/hello/you").status(), 201U);
  EXPECT_EQ(asked(200, "GET", endpoint)["id"], made["id"]);
  EXPECT_EQ(asked(200, "GET", at("/endpoints"))["data"].size(), 1U);
  asked(204, "DELETE", endpoint);
  EXPECT_EQ(serve("/hello/you").status(), 404U);
  asked(404, "GET", endpoint);
  asked(404, "DELETE", endpoint);
}

TEST_F(control, a_bad_endpoint_changes_nothing) {
  for (auto& body : {json{{"method", "GET"}}, json{{"path", "/x"}}, json{{"method", "GET"}, {"path", "x"}},
                     json{{"method", "GET"}, {"path", "/x"}, {"response", {{"status", 42}}}},
                     json{{"method", "GET"}, {"path", "/x"}, {"surprise", 1}}}) {
    auto a = ask("POST", at("/endpoints"), body.dump());
    EXPECT_EQ(a.status(), 422U) << body << a.response.body;
  }
  EXPECT_EQ(asked(200, "GET", at("/endpoints"))["total"], 0);
}

TEST_F(control, a_document_is_imported_and_a_bad_one_refused) {
  auto put = [&](std::string text) {
    return send(make("PUT", at("/openapi"), std::move(text), {bearer(admin_key), {"Content-Type", "application/yaml"}}));
  };
  auto fine = put("openapi: 3.0.0\ninfo: {title: T, version: '1'}\npaths:\n  /dogs:\n    get:\n      operationId: dogs\n      responses:\n"
                  "        '200':\n          description: ok\n          content:\n            application/json:\n              example: [rex]\n");
  ASSERT_EQ(fine.status(), 200U) << fine.response.body;
  EXPECT_EQ(fine.body()["endpoints"], 1);
  EXPECT_EQ(serve("/dogs").body(), json::array({"rex"}));
  for (auto* bad : {"", "   ", "a: [", "openapi: 9.9.9", "[]", "\xff"})
    EXPECT_GE(put(bad).status(), 400U) << bad;
  EXPECT_EQ(serve("/dogs").status(), 200U);
}

TEST_F(control, an_import_says_what_becomes_of_requests_that_break_its_rules) {
  const std::string text = R"({"openapi":"3.0.0","info":{"title":"T","version":"1"},"paths":{"/dogs":{"get":{"parameters":[{"name":"n","in":"query","schema":{"type":"integer"}}],
    "responses":{"200":{"description":"ok"}}}}}})";
  auto put = [&](const std::string& query) { return send(make("PUT", at("/openapi") + query, text, {bearer(admin_key)})).status(); };
  ASSERT_EQ(put("?validation=enforce"), 200U);
  auto refused = serve("/dogs?n=many");
  EXPECT_EQ(refused.status(), 422U);
  EXPECT_EQ(refused.body()["validation"][0]["location"], json::array({"query", "n"}));
  EXPECT_EQ(serve("/dogs?n=3").status(), 200U);
  ASSERT_EQ(put(""), 200U);
  EXPECT_EQ(serve("/dogs?n=many").status(), 200U);
  EXPECT_EQ(put("?validation=maybe"), 400U);
  EXPECT_EQ(serve("/dogs?n=many").status(), 200U);
}

TEST_F(control, an_import_says_which_collections_keep_state_and_each_endpoint_may_be_switched) {
  const std::string text = R"({"openapi":"3.0.0","info":{"title":"T","version":"1"},"paths":{
    "/dogs":{"post":{"responses":{"201":{"description":"made","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Dog"}}}}}}},
    "/dogs/{id}":{"get":{"responses":{"200":{"description":"one","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Dog"},"example":{"id":1,"name":"of the document"}}}}}}}},
    "components":{"schemas":{"Dog":{"type":"object","required":["id"],"properties":{"id":{"type":"integer","readOnly":true},"name":{"type":"string"}}}}}})";
  auto put = [&](const std::string& query) { return send(make("PUT", at("/openapi") + query, text, {bearer(admin_key)})); };
  auto made = put("");
  ASSERT_EQ(made.status(), 200U) << made.response.body;
  EXPECT_EQ(made.body()["collections"][0], json::parse(R"({"namespace":"dogs","path":"/dogs","id":"id","seeds":1})"));
  auto dog = send(make("POST", "/s/" + id_ + "/dogs", R"({"name":"Rex"})", {{"Content-Type", "application/json"}}));
  ASSERT_EQ(dog.status(), 201U) << dog.response.body;
  EXPECT_EQ(dog.body(), json::parse(R"({"id":2,"name":"Rex"})"));
  EXPECT_EQ(serve("/dogs/2").body()["name"], "Rex");
  EXPECT_EQ(asked(200, "GET", at("/data/dogs/2"))["name"], "Rex") << "it is data as any other";
  EXPECT_EQ(serve("/dogs/3").status(), 404U);
  std::string one;
  const auto listed = asked(200, "GET", at("/endpoints"));
  for (const auto& e : listed["data"])
    if (e["method"] == "GET") {
      one = e["id"];
      EXPECT_EQ(e["state"]["collection"], "dogs");
      EXPECT_EQ(e["state"]["role"], "get");
      EXPECT_EQ(e["state"]["on"], true);
    }
  EXPECT_EQ(asked(200, "PUT", at("/endpoints/" + one + "/state"), {{"state", "off"}})["state"]["on"], false);
  EXPECT_EQ(serve("/dogs/3").body()["name"], "of the document");
  for (const auto& bad : {json{{"state", "maybe"}}, json{{"state", true}}, json::object(), json::array(), json{{"state", "on"}, {"more", 1}}})
    EXPECT_EQ(ask("PUT", at("/endpoints/" + one + "/state"), bad.dump()).status(), 422U) << bad;
  EXPECT_EQ(ask("PUT", at("/endpoints/ep_none/state"), R"({"state":"on"})").status(), 404U);
  asked(200, "PUT", at("/endpoints/" + one + "/state"), {{"state", "on"}});
  EXPECT_EQ(serve("/dogs/3").status(), 404U);
  EXPECT_EQ(put("?state=perhaps").status(), 400U);
  EXPECT_TRUE(put("?state=off").body()["collections"].empty());
  EXPECT_EQ(serve("/dogs/3").status(), 200U);
  EXPECT_EQ(put("?state=empty").body()["collections"][0]["seeds"], 0);
  EXPECT_EQ(put("?examples=generated").status(), 200U);
}

TEST_F(control, a_sandbox_is_reached_in_three_ways) {
  asked(201, "POST", at("/endpoints"), hello);
  EXPECT_EQ(serve("/hello/a").status(), 200U);
  EXPECT_EQ(send(make("GET", "/s/mine/hello/a")).status(), 200U);
  EXPECT_EQ(send(make("GET", "/hello/a", "", {{"X-Sandbox-Id", id_}})).status(), 200U);
  EXPECT_EQ(send(make("GET", "/hello/a", "", {{"Host", "mine.sandbox.test:8080"}})).status(), 200U);
  EXPECT_EQ(send(make("GET", "/hello/a", "", {{"Host", "MINE.Sandbox.test."}})).status(), 200U) << "names of hosts have no case, and may end with a dot";
  EXPECT_EQ(send(make("GET", "/s/MINE/hello/a")).status(), 404U) << "a uid has its case";
  EXPECT_EQ(send(make("GET", "/hello/a", "", {{"Host", "mine.evil-sandbox.test"}})).status(), 404U);
  EXPECT_EQ(send(make("GET", "/hello/a", "", {{"Host", "sandbox.test"}})).status(), 404U);
  EXPECT_EQ(send(make("GET", "/s/")).status(), 404U);
  EXPECT_EQ(send(make("GET", "/s//hello/a")).status(), 404U);
  EXPECT_EQ(send(make("GET", "/s/nobody/hello/a")).status(), 404U);
}

// -- data and env --------------------------------------------------------------------

TEST_F(control, data_is_kept_as_it_is_given) {
  asked(204, "PUT", at("/data/pets/1"), {{"name", "Rex"}});
  asked(204, "PUT", at("/data/pets/2"), json(7));
  EXPECT_EQ(asked(200, "GET", at("/data/pets/1"))["name"], "Rex");
  EXPECT_EQ(asked(200, "GET", at("/data/pets/2")), 7);
  EXPECT_EQ(asked(200, "GET", at("/data"))["data"][0]["items"], 2);
  auto page = asked(200, "GET", at("/data/pets?limit=1"));
  EXPECT_EQ(page["data"][0]["key"], "1");
  auto next = asked(200, "GET", at("/data/pets?limit=1&cursor=" + page["next_cursor"].get<std::string>()));
  EXPECT_EQ(next["data"][0]["value"], 7);
  asked(204, "DELETE", at("/data/pets/1"));
  asked(404, "GET", at("/data/pets/1"));
  asked(404, "DELETE", at("/data/pets/1"));
  asked(204, "DELETE", at("/data/pets"));
  EXPECT_TRUE(asked(200, "GET", at("/data"))["data"].empty());
}

TEST_F(control, a_page_of_large_items_ends_where_it_is_long_enough) {
  const std::string large = "\"" + std::string(1'000'000, 'x') + "\"";
  for (int i = 0; i < 9; ++i)
    ASSERT_EQ(ask("PUT", at("/data/big/" + std::to_string(i)), large).status(), 204U);
  std::vector<std::string> keys;
  std::vector<std::size_t> sizes;
  for (std::string cursor;;) {
    const auto page = asked(200, "GET", at("/data/big?limit=250" + (cursor.empty() ? "" : "&cursor=" + cursor)));
    sizes.push_back(page["data"].size());
    for (const auto& item : page["data"])
      keys.push_back(item["key"]);
    if (page["next_cursor"].is_null())
      break;
    cursor = page["next_cursor"];
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{4, 4, 1}));
  EXPECT_EQ(keys, (std::vector<std::string>{"0", "1", "2", "3", "4", "5", "6", "7", "8"}));
}

TEST_F(control, data_under_a_bad_name_is_refused) {
  for (auto* name : {"/data/a%20b/1", "/data/pets/%2F", "/data/pets/%C3%A9"})
    EXPECT_GE(ask("PUT", at(name), "1").status(), 400U) << name;
  EXPECT_EQ(ask("PUT", at("/data/pets/" + std::string(129, 'k')), "1").status() / 100, 4U);
  EXPECT_EQ(ask("PUT", at("/data/pets/big"), "\"" + std::string(1'100'000, 'x') + "\"").status(), 413U);
}

TEST_F(control, env_is_set_read_and_removed) {
  asked(204, "PUT", at("/env/KEY"), {{"value", "v"}});
  EXPECT_EQ(asked(200, "GET", at("/env"))["env"]["KEY"], "v");
  EXPECT_EQ(asked(200, "GET", at("/env/KEY"))["value"], "v");
  asked(422, "PUT", at("/env/KEY"), {{"value", 1}});
  asked(422, "PUT", at("/env/KEY"), {{"value", "v"}, {"more", 1}});
  asked(204, "DELETE", at("/env/KEY"));
  asked(404, "GET", at("/env/KEY"));
}

// -- clock ---------------------------------------------------------------------------

TEST_F(control, the_clock_stands_goes_and_jumps) {
  EXPECT_EQ(asked(200, "GET", at("/clock"))["mode"], "running");
  auto frozen = asked(200, "POST", at("/clock/freeze"));
  EXPECT_EQ(frozen["mode"], "frozen");
  EXPECT_EQ(asked(200, "GET", at("/clock"))["now"], frozen["now"]);
  auto set = asked(200, "POST", at("/clock/set"), {{"to", "2030-01-01T00:00:00Z"}});
  EXPECT_EQ(set["now"], "2030-01-01T00:00:00.000000Z");
  auto advanced = ask("POST", at("/clock/advance"), R"({"by":"PT5M"})", {{"Prefer", "wait=30"}});
  EXPECT_EQ(advanced.status(), 200U) << advanced.response.body;
  EXPECT_EQ(advanced.header("Preference-Applied"), "wait=30");
  EXPECT_EQ(advanced.body()["now"], "2030-01-01T00:05:00.000000Z");
  auto to = ask("POST", at("/clock/advance"), R"({"to":"2030-01-02T00:00:00Z"})", {{"Prefer", "wait=30"}});
  EXPECT_EQ(to.body()["now"], "2030-01-02T00:00:00.000000Z");
  EXPECT_EQ(asked(200, "POST", at("/clock/resume"))["mode"], "running");
  EXPECT_EQ(asked(200, "POST", at("/clock/reset"))["offset_us"], 0);
}

TEST_F(control, a_clock_that_cannot_go_there_says_so) {
  for (auto* body : {"{}", R"({"by":"PT5M","to":"2030-01-01T00:00:00Z"})", R"({"by":-1})", R"({"by":1.5})", R"({"by":"soon"})",
                     R"({"by":[]})", R"({"to":"1999-01-01T00:00:00Z"})", R"({"to":7})", R"({"by":5,"x":1})"}) {
    auto a = ask("POST", at("/clock/advance"), body);
    EXPECT_EQ(a.status() / 100, 4U) << body << a.response.body;
  }
  EXPECT_EQ(ask("POST", at("/clock/set"), R"({"to":"1999-01-01T00:00:00Z"})").status() / 100, 4U);
}

// -- requests, replay, history, state ----------------------------------------------------

TEST_F(control, requests_are_on_the_timeline_and_replay_the_same) {
  asked(201, "POST", at("/endpoints"), hello);
  serve("/hello/1", {{"Authorization", "Bearer secret-of-a-caller"}, {"X-Correlation-Id", "corr-1"}});
  serve("/hello/2");
  serve("/nothing");
  auto all = asked(200, "GET", at("/requests"))["data"];
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0]["target"], "/nothing") << "newest first";
  EXPECT_EQ(all[2]["correlation_id"], "corr-1");
  EXPECT_EQ(asked(200, "GET", at("/requests?status=4xx"))["data"].size(), 1U);
  EXPECT_EQ(asked(200, "GET", at("/requests?status=200&path=/hello/2"))["data"].size(), 1U);
  EXPECT_EQ(asked(200, "GET", at("/requests?method=POST"))["data"].size(), 0U);
  EXPECT_EQ(asked(200, "GET", at("/requests?since=2099-01-01T00:00:00Z"))["data"].size(), 0U);
  auto first = asked(200, "GET", at("/requests?limit=2"));
  auto rest = asked(200, "GET", at("/requests?limit=2&cursor=" + first["next_cursor"].get<std::string>()));
  ASSERT_EQ(rest["data"].size(), 1U);
  EXPECT_EQ(rest["data"][0]["id"], all[2]["id"]);

  auto one = ask("GET", at("/requests/" + all[2]["id"].get<std::string>()));
  EXPECT_EQ(one.status(), 200U);
  EXPECT_EQ(one.response.body.find("secret-of-a-caller"), std::string::npos);
  auto seq = std::to_string(all[2]["seq"].get<int>());
  EXPECT_EQ(asked(200, "GET", at("/requests/" + seq))["id"], all[2]["id"]);
  for (auto& name : {all[2]["id"].get<std::string>(), seq}) {
    auto again = asked(200, "POST", at("/requests/" + name + "/replay"));
    EXPECT_EQ(again["identical"], true) << again;
  }
  for (auto* name : {"0", "1", "999", "req_none", "x", "18446744073709551616"})
    EXPECT_EQ(ask("GET", at("/requests/" + std::string{name})).status(), 404U) << name;
  for (auto* bad : {"status=9xx", "status=abc", "status=4xy", "since=x", "limit=0", "cursor=zz"})
    EXPECT_EQ(ask("GET", at("/requests?" + std::string{bad})).status(), 400U) << bad;
}

TEST_F(control, history_tells_who_did_what) {
  ask("PUT", at("/data/a/1"), "1", {{"X-Correlation-Id", "c-1"}});
  send(make("PUT", at("/data/a/2"), "2", {bearer(made_["client_secret"].get<std::string>())}));
  auto all = asked(200, "GET", at("/history"))["data"];
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0]["type"], "data.put");
  EXPECT_EQ(all[0]["principal"], "sandbox:" + id_);
  EXPECT_EQ(all[0]["previous"], all[1]["link"]);
  EXPECT_EQ(asked(200, "GET", at("/history?correlation=c-1"))["data"].size(), 1U);
  EXPECT_EQ(asked(200, "GET", at("/history?type=data.put,sandbox.created"))["data"].size(), 3U);
  EXPECT_EQ(asked(200, "GET", at("/history?type=data.put&principal=admin"))["data"].size(), 1U);
  EXPECT_EQ(asked(200, "GET", at("/history?order=asc&after_seq=1"))["data"][0]["seq"], 2);
  auto page = asked(200, "GET", at("/history?order=asc&limit=2"));
  EXPECT_EQ(asked(200, "GET", at("/history?order=asc&limit=2&cursor=" + page["next_cursor"].get<std::string>()))["data"][0]["seq"], 3);
  EXPECT_EQ(asked(200, "GET", at("/history/2"))["type"], "data.put");
  for (auto* bad : {"type=nothing", "order=up", "from=x", "after_seq=-1", "cursor=zz", "limit=999"})
    EXPECT_EQ(ask("GET", at("/history?" + std::string{bad})).status(), 400U) << bad;
  asked(404, "GET", at("/history/99"));
  asked(400, "GET", at("/history/0"));
  asked(400, "GET", at("/history/x"));
}

TEST_F(control, the_state_of_a_moment_can_be_read) {
  asked(204, "PUT", at("/data/a/1"), json(1));
  asked(204, "PUT", at("/data/a/1"), json(2));
  EXPECT_EQ(asked(200, "GET", at("/state"))["data"]["data"]["a"]["1"], 2);
  EXPECT_EQ(asked(200, "GET", at("/state?at_seq=2"))["data"]["data"]["a"]["1"], 1);
  auto when = asked(200, "GET", at("/history/2"))["wall_time"].get<std::string>();
  EXPECT_EQ(asked(200, "GET", at("/state?at=" + when))["data"]["data"]["a"]["1"], 1);
  asked(404, "GET", at("/state?at=1999-01-01T00:00:00Z"));
  asked(400, "GET", at("/state?at=1999-01-01T00:00:00Z&at_seq=1"));
  asked(400, "GET", at("/state?at_seq=0"));
}

// -- emit and tail ----------------------------------------------------------------------

TEST_F(control, an_event_is_emitted_with_the_body_as_it_came) {
  auto a = ask("POST", at("/events/invoice.paid"), " {\"amount\": 1.10} ");
  EXPECT_EQ(a.status(), 202U) << a.response.body;
  EXPECT_NE(a.response.body.find("{\"amount\": 1.10}"), std::string::npos);
  EXPECT_EQ(ask("POST", at("/events/invoice.paid"), "[]").status(), 422U);
  EXPECT_EQ(ask("POST", at("/events/in%20valid"), "{}").status() / 100, 4U);
  EXPECT_EQ(ask("POST", at("/events/big"), "{\"a\":\"" + std::string(1'100'000, 'x') + "\"}").status(), 413U);
}

TEST_F(control, an_event_is_emitted_as_text_or_bytes_with_the_type_that_the_request_says) {
  auto emit = [&](const std::string& body, const std::string& type) { return ask("POST", at("/events/invoice.paid"), body, {{"Content-Type", type}}); };
  auto a = emit("<paid/>\n", "application/xml; charset=utf-8");
  ASSERT_EQ(a.status(), 202U) << a.response.body;
  EXPECT_EQ(a.body()["payloadText"], "<paid/>\n");
  EXPECT_EQ(a.body()["contentType"], "application/xml; charset=utf-8");
  EXPECT_EQ(emit(std::string("\x00\xff", 2), "application/octet-stream").body()["payloadBase64"], "AP8=");
  EXPECT_EQ(emit("a=1", "application/x-www-form-urlencoded").status(), 202U);
  EXPECT_EQ(emit(R"({"a":1})", "application/x-www-form-urlencoded").status(), 400U) << "what curl says when nobody told it";
  EXPECT_EQ(emit("x", "nonsense").status(), 422U);
}

TEST_F(control, a_message_with_headers_is_shown_without_its_credentials) {
  const json in{{"eventType", "t"}, {"payloadBase64", "AP8="}, {"contentType", "image/png"}, {"headers", {{"X-A", "1"}, {"Authorization", "Bearer s3cret"}}}};
  auto made = asked(202, "POST", at("/messages"), in);
  EXPECT_EQ(made["headers"], (json{{"X-A", "1"}, {"Authorization", "[hidden]"}}));
  EXPECT_EQ(made["payloadBase64"], "AP8=");
  EXPECT_EQ(ask("GET", at("/history")).response.body.find("s3cret"), std::string::npos);
  asked(422, "POST", at("/messages"), {{"eventType", "t"}, {"payload", json::object()}, {"headers", {{"webhook-id", "1"}}}});
}

TEST_F(control, a_tail_tells_what_was_missed_and_what_comes) {
  asked(204, "PUT", at("/data/a/1"), json(1));
  auto from_start = ask("GET", at("/tail?after_seq=0"));
  ASSERT_TRUE(from_start.stream);
  ASSERT_GE(from_start.stream->wait_for(2).size(), 2U);
  auto only_env = ask("GET", at("/tail?type=env.put"));
  ASSERT_TRUE(only_env.stream);
  asked(204, "PUT", at("/data/a/2"), json(1));
  asked(204, "PUT", at("/env/K"), {{"value", "v"}});
  auto all = from_start.stream->wait_for(4);
  ASSERT_EQ(all.size(), 4U);
  for (std::size_t i = 0; i < all.size(); ++i)
    EXPECT_EQ(all[i].id, std::to_string(i + 1));
  EXPECT_EQ(all[3].type, "env.put");
  EXPECT_EQ(json::parse(all[3].data)["seq"], 4);
  auto env = only_env.stream->wait_for(1);
  ASSERT_EQ(env.size(), 1U);
  EXPECT_EQ(env[0].id, "4");
  auto again = ask("GET", at("/tail"), "", {{"Last-Event-ID", "3"}});
  EXPECT_EQ(again.stream->wait_for(1)[0].id, "4");
  EXPECT_EQ(ask("GET", at("/tail"), "", {{"Last-Event-ID", "x"}}).status(), 400U);
  service_->drain();
  EXPECT_FALSE(from_start.stream->open());
  EXPECT_EQ(ask("GET", at("/tail")).status(), 503U);
  EXPECT_EQ(ask("GET", "/readyz").status(), 503U);
  EXPECT_EQ(ask("GET", "/healthz").status(), 200U);
}

TEST_F(control, a_tail_whose_client_left_is_forgotten) {
  auto become = [&](std::size_t count) {
    for (int i = 0; i < 2'000 && tails_->subscribers() != count; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    return tails_->subscribers() == count;
  };
  auto gone = ask("GET", at("/tail"));
  auto stays = ask("GET", at("/tail"));
  ASSERT_TRUE(become(2));
  gone.stream->close();
  asked(204, "PUT", at("/data/a/2"), json(1));
  EXPECT_EQ(stays.stream->wait_for(1).size(), 1U);
  EXPECT_TRUE(become(1));
}

// -- operations ---------------------------------------------------------------------------

TEST_F(control, metrics_count_without_growing_with_sandboxes) {
  asked(404, "GET", "/sandboxes/nobody");
  serve("/x");
  auto text = send(make("GET", "/metrics")).response.body;
  EXPECT_NE(text.find("hourglass_answers_total{route=\"getSandbox\",class=\"4xx\"} 1"), std::string::npos) << text;
  EXPECT_NE(text.find("hourglass_answers_total{route=\"mock\",class=\"4xx\"} 1"), std::string::npos);
  EXPECT_NE(text.find("# TYPE hourglass_journal_events_total counter"), std::string::npos);
  EXPECT_EQ(text.find(id_), std::string::npos);
  EXPECT_EQ(text.find("nobody"), std::string::npos);
}

TEST_F(control, metrics_tell_what_became_of_webhooks_and_what_waits_for_the_worst_destinations) {
  const auto app = "/api/v1/app/" + id_;
  auto text = [this] { return send(make("GET", "/metrics")).response.body; };
  std::vector<std::string> ids;
  for (int i = 0; i < 6; ++i) // nobody listens at port 9
    ids.push_back(asked(201, "POST", app + "/endpoint", {{"url", "http://127.0.0.1:9/"}, {"retrySchedule", {3600}}, {"protection", {{"breaker", {{"failures", 1}}}}}})["id"]);
  asked(201, "POST", app + "/endpoint", {{"url", "http://127.0.0.1:9/"}, {"retrySchedule", json::array()}});
  for (int i = 0; i < 3; ++i)
    asked(202, "POST", app + "/msg", {{"eventType", "a"}, {"payload", json::object()}});
  auto has = [&text](const std::string& line) {
    for (int i = 0; i < 2'000; ++i) {
      if (text().find(line) != std::string::npos)
        return true;
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    return false;
  };
  EXPECT_TRUE(has("hourglass_webhook_messages_total 3"));
  EXPECT_TRUE(has("hourglass_webhook_dead_total 3"));
  EXPECT_TRUE(has("hourglass_webhook_pending 18"));
  EXPECT_TRUE(has("hourglass_webhook_destinations{state=\"held\"} 6"));
  const auto all = text();
  EXPECT_NE(all.find("# TYPE hourglass_webhook_latency_seconds histogram"), std::string::npos);
  EXPECT_NE(all.find("hourglass_webhook_delivered_total 0"), std::string::npos);
  EXPECT_NE(all.find("hourglass_webhook_latency_seconds_count 0"), std::string::npos);
  std::size_t shown = 0;
  for (const auto& id : ids)
    shown += all.find("hourglass_webhook_destination_pending{sandbox=\"" + id_ + "\",destination=\"" + id + "\"} 3") != std::string::npos ? 1 : 0;
  EXPECT_EQ(shown, 5U) << "of one sandbox no more, however many it has";
}

} // namespace
