#include "world.hpp"

#include "script/pool.hpp"
#include "tests/integration/actors/upstream.hpp"

#include <set>

// What handlers call by name: mappers of the sandbox, plugins of the node, and the outside.
namespace {

using namespace hourglass;
using namespace hourglass::testing;

class extensions : public world {
protected:
  void configure(actors::node_options& o) override {
    auto opened = script::open_pool({HOURGLASS_SCRIPT_WORKER, 1});
    ASSERT_TRUE(opened) << opened.error().detail;
    o.scripts = std::move(*opened);
  }
  void SetUp() override {
    world::SetUp();
    auto made = sandbox({{"uid", "shop"}});
    id_ = made["id"];
    key_ = made["client_secret"];
    base_ = "/sandboxes/" + id_;
  }
  void put_handler(const std::string& source) {
    asked(200, "PUT", base_ + "/endpoints/ep_1", {{"method", "GET"}, {"path", "/run"}, {"handler", {{"script", source}}}});
  }
  answer call() { return send(make("GET", "/s/" + id_ + "/run")); }
  std::string history() { return ask("GET", base_ + "/history?limit=250").response.body; }
  void expect_identical(const answer& a) {
    EXPECT_EQ(asked(200, "POST", base_ + "/requests/" + a.header("X-Request-Id") + "/replay")["identical"], true);
  }

  std::string id_, key_, base_;
};

const json orders{{"rules",
                   {{{"to", "customer.name"}, {"template", "{{$.first}} {{$.last}}"}},
                    {{"to", "lines"}, {"from", "$.items"}, {"each", {{{"to", "sku"}, {"from", "$.id"}, {"type", "string"}}, {{"to", "cur"}, {"from", "$$.cur"}, {"default", "EUR"}}}}}}}};
const json order{{"first", "Ann"}, {"last", "Lee"}, {"items", {{{"id", 1}}, {{"id", 2}}}}};
const json mapped{{"customer", {{"name", "Ann Lee"}}}, {"lines", {{{"sku", "1"}, {"cur", "EUR"}}, {{"sku", "2"}, {"cur", "EUR"}}}}};

// -- mappers -----------------------------------------------------------------------

TEST_F(extensions, mappers_are_kept_by_name) {
  EXPECT_EQ(asked(200, "GET", base_ + "/mappers")["data"], json::array());
  EXPECT_EQ(asked(200, "PUT", base_ + "/mappers/orders", orders), (json{{"name", "orders"}, {"mapper", orders}}));
  EXPECT_EQ(asked(200, "GET", base_ + "/mappers/orders")["mapper"], orders);
  EXPECT_EQ(asked(200, "GET", base_ + "/mappers")["data"][0]["name"], "orders");
  restart();
  EXPECT_EQ(asked(200, "GET", base_ + "/mappers/orders")["mapper"], orders);
  asked(204, "DELETE", base_ + "/mappers/orders");
  asked(404, "GET", base_ + "/mappers/orders");
  asked(404, "DELETE", base_ + "/mappers/orders");
}

TEST_F(extensions, a_handler_uses_a_mapper_and_the_newest_at_once) {
  put_handler("$resp.body = $func.dataMapper.apply('orders', " + order.dump() + ")");
  asked(200, "PUT", base_ + "/mappers/orders", orders);
  auto a = call();
  EXPECT_EQ(a.body(), mapped);
  asked(200, "PUT", base_ + "/mappers/orders", {{"rules", {{{"to", "n"}, {"value", 2}}}}});
  EXPECT_EQ(call().body(), (json{{"n", 2}}));
  expect_identical(a);
  restart();
  EXPECT_EQ(call().body(), (json{{"n", 2}})) << "compiled before the first request";
  expect_identical(a);
}

TEST_F(extensions, a_bad_mapper_says_where_and_replaces_nothing) {
  asked(200, "PUT", base_ + "/mappers/orders", orders);
  auto problem = asked(422, "PUT", base_ + "/mappers/orders", {{"rules", {{{"to", "a"}, {"value", 1}}, {{"to", "b"}, {"from", "no path"}}}}});
  EXPECT_EQ(problem["pointer"], "/rules/1/from");
  EXPECT_EQ(asked(200, "GET", base_ + "/mappers/orders")["mapper"], orders);
  asked(422, "PUT", base_ + "/data/sbx.mappers/orders", {{"rules", 1}});
  asked(422, "PUT", base_ + "/mappers/a%20b", orders);
}

TEST_F(extensions, a_mapper_is_tried_given_or_stored) {
  EXPECT_EQ(asked(200, "POST", base_ + "/mappers/try", {{"mapper", orders}, {"input", order}})["output"], mapped);
  asked(200, "PUT", base_ + "/mappers/orders", orders);
  const auto before = history();
  EXPECT_EQ(asked(200, "POST", base_ + "/mappers/try", {{"name", "orders"}, {"input", order}})["output"], mapped);
  EXPECT_EQ(asked(422, "POST", base_ + "/mappers/try", {{"mapper", {{"rules", {{{"to", "a"}}}}}}, {"input", 1}})["pointer"], "/mapper/rules/0");
  EXPECT_EQ(asked(422, "POST", base_ + "/mappers/try", {{"mapper", {{"rules", {{{"to", "a"}, {"from", "$"}, {"type", "integer"}}}}}}, {"input", "x"}})["pointer"],
            "/mapper/rules/0");
  asked(404, "POST", base_ + "/mappers/try", {{"name", "none"}, {"input", 1}});
  asked(422, "POST", base_ + "/mappers/try", {{"input", 1}});
  asked(422, "POST", base_ + "/mappers/try", {{"name", ""}, {"input", 1}});
  asked(422, "POST", base_ + "/mappers/try", {{"name", nullptr}, {"mapper", nullptr}, {"input", 1}});
  asked(422, "POST", base_ + "/mappers/try", {{"name", "orders"}});
  EXPECT_EQ(history(), before);
}

// -- calls ---------------------------------------------------------------------------

TEST_F(extensions, a_call_is_shown_with_its_request_and_its_replay_makes_none) {
  test::upstream there{[](const http::request&) { return http::response{200, {{"Content-Type", "application/json"}}, R"({"access_token":"very-secret","n":1})"}; }};
  put_handler("$resp.body = {n: $func.http.get('" + there.url("/x") + "', {headers: {Authorization: 'Bearer also-secret'}}).json().n}");
  auto a = call();
  EXPECT_EQ(a.body(), (json{{"n", 1}}));
  auto shown = asked(200, "GET", base_ + "/requests/" + a.header("X-Request-Id"));
  ASSERT_EQ(shown["calls"].size(), 1U);
  EXPECT_EQ(shown["calls"][0]["url"], there.url("/x"));
  EXPECT_EQ(shown["calls"][0]["answer"]["status"], 200);
  EXPECT_EQ(shown.dump().find("very-secret"), std::string::npos);
  EXPECT_EQ(shown.dump().find("also-secret"), std::string::npos);
  expect_identical(a);
  restart();
  expect_identical(a);
  EXPECT_EQ(there.came().size(), 1U);
}

TEST_F(extensions, a_trial_says_what_it_wants_and_takes_what_it_is_told) {
  const json trial{{"script", "$resp.body = $func.http.get('http://a.test/').status"}};
  auto wants = asked(200, "POST", base_ + "/scripts/try", trial)["wanted"];
  ASSERT_EQ(wants.size(), 1U);
  EXPECT_EQ(wants[0]["url"], "http://a.test/");
  auto again = trial;
  again["calls"] = wants;
  EXPECT_EQ(asked(422, "POST", base_ + "/scripts/try", again)["pointer"], "/calls") << "nobody has said what it comes to";
  again["calls"][0]["answer"] = {{"status", 418}};
  EXPECT_EQ(asked(200, "POST", base_ + "/scripts/try", again)["response"]["body"], "418");
}

// -- plugins -------------------------------------------------------------------------

TEST_F(extensions, plugins_are_the_operators) {
  const json p{{"script", "($func, args) => args.n * 2"}, {"sandboxes", "*"}};
  EXPECT_EQ(send(make("GET", "/plugins", {}, {bearer(key_)})).status(), 403U);
  EXPECT_EQ(send(make("PUT", "/plugins/double", p.dump(), {bearer(key_), {"Content-Type", "application/json"}})).status(), 403U);
  EXPECT_EQ(asked(200, "PUT", "/plugins/double", p)["script"], p["script"]);
  EXPECT_EQ(asked(200, "GET", "/plugins")["data"].size(), 1U);
  restart();
  EXPECT_EQ(asked(200, "GET", "/plugins/double")["script"], p["script"]);
  asked(204, "DELETE", "/plugins/double");
  asked(404, "GET", "/plugins/double");
  asked(404, "DELETE", "/plugins/double");
  restart();
  EXPECT_EQ(asked(200, "GET", "/plugins")["data"].size(), 0U);
  EXPECT_EQ(asked(200, "GET", "/sandboxes")["data"].size(), 1U) << "where they live is not listed";
}

TEST_F(extensions, a_plugin_that_is_a_script_runs_for_who_may_and_its_replay_does_not_run_it) {
  put_handler("try { $resp.body = {is: $func.plugin.exec('double', {n: 21})} } catch (e) { $resp.body = {kind: e.kind} }");
  EXPECT_EQ(call().body()["kind"], "unknown");
  asked(200, "PUT", "/plugins/double", {{"script", "($func, args) => args.n * 2"}, {"sandboxes", json::array()}});
  EXPECT_EQ(call().body()["kind"], "unknown") << "it may not";
  EXPECT_EQ(asked(404, "PUT", "/plugins/double", {{"script", "($func, args) => 1"}, {"sandboxes", {id_, "nobody"}}})["pointer"], "/sandboxes/1");
  EXPECT_EQ(asked(200, "PUT", "/plugins/double", {{"script", "($func, args) => args.n * 2"}, {"sandboxes", {"shop"}}})["sandboxes"], json{id_})
      << "not whoever takes that uid later";
  auto a = call();
  EXPECT_EQ(a.body()["is"], 42);
  asked(200, "PUT", "/plugins/double", {{"script", "async ($func, args) => 'other'"}, {"sandboxes", {id_}}});
  EXPECT_EQ(call().body()["is"], "other");
  expect_identical(a);
  EXPECT_EQ(asked(422, "PUT", "/plugins/double", {{"script", "($func, args) => {"}, {"sandboxes", "*"}})["pointer"].get<std::string>().substr(0, 7), "/script");
  EXPECT_EQ(call().body()["is"], "other") << "what does not compile replaces nothing";
  asked(204, "DELETE", "/plugins/double");
  expect_identical(a);
}

TEST_F(extensions, a_plugin_that_is_a_script_can_ask_nothing_and_fails_alone) {
  put_handler("try { $resp.body = {is: $func.plugin.exec('p')} } catch (e) { $resp.body = {kind: e.kind, said: e.message} }");
  auto with = [&](const std::string& source) {
    asked(200, "PUT", "/plugins/p", {{"script", source}, {"sandboxes", "*"}});
    return call().body();
  };
  EXPECT_EQ(with("$func => $func.mock.find('a', 'b')")["kind"], "thrown");
  EXPECT_EQ(with("$func => $func.http.get('http://127.0.0.1/')")["kind"], "thrown");
  EXPECT_EQ(with("$func => $func.error(200, {}, 'x')")["kind"], "thrown");
  EXPECT_EQ(with("() => { for (;;) {} }")["kind"], "time");
  EXPECT_EQ(with("() => {}")["is"], nullptr);
  EXPECT_EQ(with("() => ({a: [1]})")["is"], (json{{"a", {1}}}));
}

TEST_F(extensions, each_call_of_a_plugin_has_chances_of_its_own) {
  for (const auto* name : {"p", "q"})
    asked(200, "PUT", std::string{"/plugins/"} + name, {{"script", "() => Math.random()"}, {"sandboxes", "*"}});
  put_handler("const one = n => () => $func.plugin.exec(n); const ask = () => $func.concurrency.all([one('p'), one('p'), one('q')]); "
              "const mine = Math.random(); $resp.body = [mine, ...ask(), ...ask()]");
  const auto a = call();
  const auto drawn = a.body().get<std::vector<double>>();
  EXPECT_EQ((std::set<double>{drawn.begin(), drawn.end()}.size()), 7U);
  expect_identical(a);
}

TEST_F(extensions, a_plugin_that_is_a_service_is_called_signed_and_its_secrets_are_nowhere) {
  test::upstream there{[](const http::request& r) { return http::response{200, {{"Content-Type", "application/json"}}, R"({"got":)" + r.body + "}"}; }};
  const json p{{"http", {{"url", there.url("/tax")}, {"headers", {{"X-Auth", "secret-of-header"}}}, {"secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}}, {"sandboxes", "*"}};
  auto shown = ask("PUT", "/plugins/tax", p.dump());
  EXPECT_EQ(shown.status(), 200U) << shown.response.body;
  EXPECT_EQ(shown.response.body.find("secret-of-header"), std::string::npos);
  put_handler("$resp.body = $func.plugin.exec('tax', {n: 1})");
  auto a = call();
  EXPECT_EQ(a.body(), json::parse(R"({"got":{"n":1}})"));
  restart(); // sealed, and opened again
  EXPECT_EQ(call().body(), json::parse(R"({"got":{"n":1}})"));
  const auto came = there.came();
  ASSERT_EQ(came.size(), 2U);
  EXPECT_EQ(http::find(came[1].headers, "x-auth"), "secret-of-header");
  EXPECT_FALSE(http::find(came[1].headers, "webhook-signature").empty());
  EXPECT_EQ(http::find(came[1].headers, "hourglass-sandbox"), id_);
  expect_identical(a);
  EXPECT_EQ(there.came().size(), 2U);
  for (const auto& where : {base_, std::string{"/sandboxes/hourglass.catalogue"}}) {
    const auto log = ask("GET", where + "/history?limit=250").response.body;
    EXPECT_EQ(log.find("secret-of-header"), std::string::npos);
    EXPECT_EQ(log.find("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), std::string::npos);
  }
}

TEST_F(extensions, a_service_that_answers_otherwise_is_a_failure) {
  http::response says{500, {}, "no"};
  test::upstream there{[&says](const http::request&) { return says; }};
  asked(200, "PUT", "/plugins/p", {{"http", {{"url", there.url()}}}, {"sandboxes", "*"}, {"timeout_ms", 5'000}});
  put_handler("try { $resp.body = {is: $func.plugin.exec('p')} } catch (e) { $resp.body = {kind: e.kind} }");
  EXPECT_EQ(call().body()["kind"], "refused");
  says = {200, {}, "not json"};
  EXPECT_EQ(call().body()["kind"], "malformed");
  says = {204, {}, ""};
  EXPECT_EQ(call().body()["is"], nullptr);
  asked(200, "PUT", "/plugins/p", {{"http", {{"url", "http://10.0.0.1/"}}}, {"sandboxes", "*"}});
  EXPECT_EQ(call().body()["kind"], "refused_by_guard");
  EXPECT_EQ(asked(422, "PUT", "/plugins/p", {{"http", {{"url", there.url()}, {"secret", "short"}}}, {"sandboxes", "*"}})["pointer"], "/http/secret");
}

} // namespace
