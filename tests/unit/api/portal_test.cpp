#include "world.hpp"

#include "api/portal_token.hpp"
#include "api/router.hpp"
#include "events/json_text.hpp"
#include "events/wall_clock.hpp"

#include <algorithm>
#include <fstream>

namespace {

using namespace hourglass;
using namespace hourglass::testing;
using mock::capability;

class portal_access : public world {
protected:
  void SetUp() override {
    world::SetUp();
    id_ = sandbox({{"uid", "shop"}, {"name", "Shop"}})["id"].get<std::string>();
    endpoint_ = asked(201, "POST", "/api/v1/app/shop/endpoint", {{"url", "http://127.0.0.1:9/"}, {"disabled", true}})["id"].get<std::string>();
  }
  json open(const json& body = json::object(), const std::string& app = "shop") {
    return asked(200, "POST", "/api/v1/auth/app-portal-access/" + app, body);
  }
  std::string token(const json& body = json::object()) { return open(body)["token"]; }
  static std::string link_in(const json& opened) {
    auto url = opened["url"].get<std::string>();
    return url.substr(url.find("#key=") + 5);
  }
  answer with(std::string_view key, std::string method, std::string path, const std::string& body = {}) {
    http::fields headers{bearer(key)};
    if (!body.empty())
      headers.push_back({"Content-Type", "application/json"});
    return send(make(std::move(method), std::move(path), body, headers));
  }
  unsigned sees(std::string_view key) { return with(key, "GET", "/api/v1/app/shop/endpoint").status(); }
  answer exchange(const std::string& link) {
    return send(make("POST", "/api/v1/auth/one-time-token", json{{"oneTimeToken", link}}.dump(), {{"Content-Type", "application/json"}}));
  }
  /// The claims of a token with a change, signed as the node would have.
  std::string forged(const std::string& of, const std::function<void(mock::portal_claims&)>& change) {
    auto read = api::open_portal_token(*node_, of, events::wall_now());
    EXPECT_TRUE(read);
    change(read->claims);
    return api::portal_token_text(*node_, read->sandbox, read->claims);
  }

  std::string id_, endpoint_;
};

TEST_F(portal_access, gives_a_token_and_a_link_that_gives_it_once) {
  auto opened = open({{"sessionId", "user_1"}, {"expiry", 7'200}});
  auto url = opened["url"].get<std::string>();
  EXPECT_TRUE(url.starts_with("http://test/portal/#key=applk_")) << url;
  EXPECT_TRUE(opened["token"].get<std::string>().starts_with("appsk_"));
  EXPECT_EQ(sees(link_in(opened)), 401U) << "a link is no token";
  auto first = exchange(link_in(opened));
  ASSERT_EQ(first.status(), 200U) << first.response.body;
  EXPECT_EQ(first.body()["token"], opened["token"]);
  EXPECT_EQ(first.body()["capabilities"].size(), 6U);
  auto again = exchange(link_in(opened));
  EXPECT_EQ(again.status(), 401U) << again.response.body;
  EXPECT_EQ(again.body()["code"], "unauthorized");
  EXPECT_EQ(exchange(opened["token"]).status(), 401U) << "a token is no link";
  restart();
  EXPECT_EQ(exchange(link_in(opened)).status(), 401U) << "after a restart too";
  EXPECT_EQ(sees(opened["token"].get<std::string>()), 200U);
}

TEST_F(portal_access, a_link_is_exchanged_within_an_hour) {
  auto old = open();
  auto read = api::open_portal_link(*node_, link_in(old), events::wall_now());
  ASSERT_TRUE(read);
  EXPECT_FALSE(api::open_portal_link(*node_, link_in(old), events::wall_time{read->claims.issued_us + 3'600'000'000}));
  EXPECT_TRUE(api::open_portal_link(*node_, link_in(old), events::wall_time{read->claims.issued_us + 3'599'999'999}));
}

TEST_F(portal_access, ends_when_it_says_by_the_nodes_clock) {
  auto t = token({{"expiry", 3'600}});
  auto read = api::open_portal_token(*node_, t, events::wall_now());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->claims.expires_us - read->claims.issued_us, 3'600'000'000);
  EXPECT_FALSE(api::open_portal_token(*node_, t, events::wall_time{read->claims.expires_us}));
  EXPECT_TRUE(api::open_portal_token(*node_, t, events::wall_time{read->claims.expires_us - 1}));
  asked(200, "POST", "/sandboxes/shop/clock/freeze");
  asked(200, "POST", "/sandboxes/shop/clock/set", {{"to", "2030-01-01T00:00:00Z"}});
  EXPECT_EQ(sees(t), 200U) << "the sandbox's clock is no matter";
  EXPECT_EQ(sees(forged(t, [](auto& c) { c.expires_us = 1; })), 401U) << "over the wire";
}

TEST_F(portal_access, is_good_only_as_it_was_signed) {
  auto t = token();
  ASSERT_EQ(sees(t), 200U);
  for (std::size_t i = 0; i < t.size(); ++i) { // of the last character some bits carry nothing: another spelling of them is refused as well
    auto changed = t;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(api::open_portal_token(*node_, changed, events::wall_now())) << i << " " << changed;
  }
  for (auto& bad : {std::string{"appsk_"}, std::string{"appsk_."}, std::string{"appsk_.."}, t + "A", t + "=", t.substr(0, t.size() - 1), t.substr(0, t.rfind('.')), t + "." + t,
                    "appsk_" + std::string(20'000, 'a'), std::string{"appsk_a.b.c"}, std::string{"appsk_\xff.\xff.\xff"}})
    EXPECT_EQ(sees(bad), 401U) << bad.substr(0, 100);
  auto other = sandbox()["id"].get<std::string>();
  auto moved = t;
  moved.replace(6, id_.size(), other);
  EXPECT_EQ(with(moved, "GET", "/api/v1/app/" + other).status(), 401U) << "it is bound to its sandbox";
}

TEST_F(portal_access, with_another_key_of_the_node_is_no_good_and_with_a_rotated_one_it_is) {
  using key = events::vault::key;
  const events::vault a{std::vector{key{1}}}, b{std::vector{key{2}}}, both{std::vector{key{2}, key{1}}};
  auto tag = a.tag("text", "portal");
  EXPECT_TRUE(a.is_tag(tag, "text", "portal"));
  EXPECT_TRUE(both.is_tag(tag, "text", "portal"));
  EXPECT_FALSE(b.is_tag(tag, "text", "portal"));
  EXPECT_FALSE(a.is_tag(tag, "texts", "portal"));
  EXPECT_FALSE(a.is_tag(tag, "text", "else"));
  EXPECT_FALSE(a.is_tag({}, "text", "portal"));
}

// Every route there is, with every kind of token: what is not said to be a portal's is none of its business.
TEST_F(portal_access, opens_exactly_the_routes_that_say_so) {
  const std::pair<std::string_view, capability> kinds[] = {{"ViewBase", capability::view},
                                                           {"ViewEndpointSecret", capability::view_secret},
                                                           {"ManageEndpointSecret", capability::manage_secret},
                                                           {"ManageTransformations", capability::transformations},
                                                           {"CreateAttempts", capability::attempts},
                                                           {"ManageEndpoint", capability::manage_endpoint}};
  auto foreign = sandbox()["id"].get<std::string>();
  std::size_t open_to_all_of_it = 0;
  for (auto& [name, one] : kinds) {
    auto t = token({{"capabilities", {"ViewBase", name}}});
    const auto has = static_cast<std::uint8_t>(static_cast<std::uint8_t>(capability::view) | static_cast<std::uint8_t>(one));
    for (auto& r : service_->routes().all()) {
      if (r->who == api::access::anyone || r->id == "v1.authentication.logout")
        continue;
      auto path = [&](const std::string& of) {
        std::string out{r->path};
        for (auto p : api::parameters_of(r->path))
          out.replace(out.find("{" + std::string{p} + "}"), p.size() + 2, p == "sandbox" || p == "app_id" ? of : p == "endpoint_id" ? endpoint_ : "none");
        return out;
      };
      const bool may = r->portal && mock::allows(has, *r->portal);
      auto status = with(t, std::string{r->method}, path(id_), r->takes == api::body::none ? "" : "{}").status();
      if (may) {
        EXPECT_NE(status, 401U) << name << " " << r->method << " " << r->path;
        EXPECT_NE(status, 403U) << name << " " << r->method << " " << r->path;
        ++open_to_all_of_it;
      } else {
        EXPECT_EQ(status, 403U) << name << " " << r->method << " " << r->path;
      }
      if (r->who != api::access::sandbox)
        continue;
      for (auto& elsewhere : {foreign, std::string{"nobody"}, std::string{"sbx_00000000000000000000000000"}})
        EXPECT_EQ(with(t, std::string{r->method}, path(elsewhere), r->takes == api::body::none ? "" : "{}").status(), r->portal ? 404U : 403U)
            << name << " " << r->method << " " << path(elsewhere);
    }
    if (one == capability::manage_endpoint) // the DELETE above has taken it away
      endpoint_ = asked(201, "POST", "/api/v1/app/shop/endpoint", {{"url", "http://127.0.0.1:9/"}})["id"].get<std::string>();
  }
  EXPECT_GT(open_to_all_of_it, 100U);
}

TEST_F(portal_access, does_nothing_that_is_the_operators_or_the_senders) {
  auto t = token();
  for (auto& [method, path, body] : std::vector<std::array<std::string, 3>>{
           {"POST", "/api/v1/app/shop/msg", R"({"eventType":"a.b","payload":{}})"}, {"POST", "/sandboxes/shop/events/a.b", "{}"},
           {"POST", "/api/v1/app", R"({"name":"x"})"},                              {"GET", "/api/v1/app", ""},
           {"PUT", "/api/v1/app/shop", R"({"name":"x"})"},                          {"DELETE", "/api/v1/app/shop", ""},
           {"POST", "/api/v1/event-type", R"({"name":"x"})"},                       {"GET", "/sandboxes/shop/history", ""},
           {"GET", "/sandboxes/shop/state", ""},                                    {"GET", "/sandboxes/shop/tail", ""},
           {"POST", "/sandboxes/shop/clock/freeze", ""},                            {"DELETE", "/api/v1/app/shop/msg/x/content", ""},
           {"POST", "/api/v1/auth/app-portal-access/shop", "{}"},                   {"POST", "/api/v1/auth/app/shop/expire-all", "{}"},
           {"POST", "/api/v1/app/shop/endpoint/" + endpoint_ + "/dead/x/edit", R"({"payload":{}})"}}) {
    auto a = with(t, method, path, body);
    EXPECT_EQ(a.status(), 403U) << method << " " << path << a.response.body;
    if (path.starts_with("/api/v1")) {
      EXPECT_EQ(a.body()["code"], "forbidden") << path;
    }
  }
}

TEST_F(portal_access, of_a_reader_shows_no_secret_and_changes_nothing) {
  for (auto& body : {json{{"readOnly", true}}, json{{"capabilities", {"ViewBase"}}}, json{{"readOnly", true}, {"capabilities", {"ViewBase", "ManageEndpoint"}}}}) {
    auto t = token(body);
    EXPECT_EQ(sees(t), 200U);
    EXPECT_EQ(with(t, "GET", "/api/v1/app/shop/endpoint/" + endpoint_ + "/secret").status(), 403U) << body;
    EXPECT_EQ(with(t, "PATCH", "/api/v1/app/shop/endpoint/" + endpoint_, R"({"disabled":false})").status(), 403U) << body;
    EXPECT_EQ(with(t, "POST", "/api/v1/app/shop/endpoint/" + endpoint_ + "/send-example", R"({"eventType":"svix.ping"})").status(), 403U) << body;
  }
}

TEST_F(portal_access, without_a_body_gives_all_for_a_week) {
  for (auto* path : {"/api/v1/auth/dashboard-access/shop", "/api/v1/auth/dashboard-access/shop/", "/api/v1/auth/app-portal-access/shop"}) {
    auto a = ask("POST", path);
    ASSERT_EQ(a.status(), 200U) << a.response.body;
    auto read = api::open_portal_token(*node_, a.body()["token"].get<std::string>(), events::wall_now());
    ASSERT_TRUE(read);
    EXPECT_EQ(read->claims.capabilities, mock::all_capabilities);
    EXPECT_EQ(read->claims.expires_us - read->claims.issued_us, 7LL * 86'400 * 1'000'000);
  }
}

TEST_F(portal_access, says_what_is_wrong_with_what_was_asked_for_and_opens_nothing) {
  auto count = [&] { return asked(200, "GET", "/sandboxes/shop/history")["data"].size(); };
  auto before = count();
  const std::pair<json, const char*> cases[] = {{{{"expiry", 3'599}}, "expiry"},
                                                {{{"expiry", 604'801}}, "expiry"},
                                                {{{"expiry", "x"}}, "expiry"},
                                                {{{"sessionId", ""}}, "sessionId"},
                                                {{{"sessionId", "a b"}}, "sessionId"},
                                                {{{"sessionId", std::string(65, 'a')}}, "sessionId"},
                                                {{{"capabilities", json::array()}}, "capabilities"},
                                                {{{"capabilities", {"ManageEndpoint"}}}, "capabilities"},
                                                {{{"capabilities", {"ViewBase", "Admin"}}}, "capabilities"},
                                                {{{"featureFlags", {"a b"}}}, "featureFlags"},
                                                {{{"featureFlags", json::array_t(26, "a")}}, "featureFlags"},
                                                {{{"featureFlags", {std::string(257, 'a')}}}, "featureFlags"},
                                                {{{"readOnly", 1}}, "readOnly"}};
  for (auto& [body, where] : cases) {
    auto a = ask("POST", "/api/v1/auth/app-portal-access/shop", body.dump());
    EXPECT_EQ(a.status(), 422U) << body << a.response.body;
    EXPECT_NE(a.response.body.find(where), std::string::npos) << a.response.body;
  }
  EXPECT_EQ(ask("POST", "/api/v1/auth/app-portal-access/nobody", "{}").status(), 404U);
  EXPECT_EQ(ask("POST", "/api/v1/auth/app/shop/expire-all", R"({"expiry":259201})").status(), 422U);
  EXPECT_EQ(ask("POST", "/api/v1/auth/app/shop/expire-all", R"({"sessionIds":["a b"]})").status(), 422U);
  EXPECT_EQ(count(), before);
}

TEST_F(portal_access, may_bring_its_application_along_as_in_svixs_suite) {
  EXPECT_EQ(ask("POST", "/api/v1/auth/app-portal-access/brought", R"({"featureFlags":[]})").status(), 404U);
  auto named = json{{"application", {{"name", "Brought"}, {"uid", "brought"}}}};
  open(named, "brought");
  EXPECT_EQ(asked(200, "GET", "/api/v1/app/brought")["name"], "Brought");
  named["application"]["name"] = "ignored";
  open(named, "brought");
  EXPECT_EQ(asked(200, "GET", "/api/v1/app/brought")["name"], "Brought");
  EXPECT_EQ(ask("POST", "/api/v1/auth/app-portal-access/other", named.dump()).status(), 422U) << "another uid in the path";
  EXPECT_EQ(ask("POST", "/api/v1/auth/app-portal-access/other", R"({"application":{"name":"no uid"}})").status(), 422U);
  EXPECT_EQ(ask("GET", "/api/v1/app/other").status(), 404U);
}

TEST_F(portal_access, is_logged_out_for_good_and_alone) {
  auto mine = token(), other = token();
  EXPECT_EQ(with(mine, "POST", "/api/v1/auth/logout").status(), 204U);
  EXPECT_EQ(sees(mine), 401U);
  EXPECT_EQ(with(mine, "POST", "/api/v1/auth/logout").status(), 401U);
  EXPECT_EQ(sees(other), 200U);
  restart();
  EXPECT_EQ(sees(mine), 401U) << "after a restart too";
  EXPECT_EQ(sees(other), 200U);
  EXPECT_EQ(ask("POST", "/api/v1/auth/logout").status(), 403U) << "no other key can be logged out";
}

TEST_F(portal_access, of_all_ends_or_of_some_sessions_and_what_is_made_later_is_good) {
  auto one = token({{"sessionId", "u1"}}), two = token({{"sessionId", "u2"}}), none = token();
  auto opened = open({{"sessionId", "u1"}});
  asked(204, "POST", "/api/v1/auth/app/shop/expire-all", {{"sessionIds", {"u1"}}});
  EXPECT_EQ(sees(one), 401U);
  EXPECT_EQ(exchange(link_in(opened)).status(), 401U) << "its links too";
  EXPECT_EQ(sees(two), 200U);
  EXPECT_EQ(sees(none), 200U);
  auto later = token({{"sessionId", "u1"}});
  EXPECT_EQ(sees(later), 200U);
  restart();
  EXPECT_EQ(sees(one), 401U);
  EXPECT_EQ(sees(later), 200U);
  asked(204, "POST", "/api/v1/auth/app/shop/expire-all");
  for (auto& t : {two, none, later})
    EXPECT_EQ(sees(t), 401U);
  auto last = token();
  EXPECT_EQ(sees(last), 200U);
  asked(204, "POST", "/api/v1/auth/app/shop/expire-all", {{"expiry", 259'200}});
  EXPECT_EQ(sees(last), 200U) << "in three days";
  restart();
  EXPECT_EQ(sees(last), 200U);
  EXPECT_EQ(sees(two), 401U);
  auto read = api::open_portal_token(*node_, last, events::wall_now());
  ASSERT_TRUE(read);
  EXPECT_FALSE(api::open_portal_token(*node_, last, events::wall_time{events::wall_now().us + 259'200LL * 1'000'000}));
}

TEST_F(portal_access, goes_with_its_sandbox) {
  auto t = token();
  asked(204, "DELETE", "/sandboxes/shop");
  EXPECT_EQ(with(t, "GET", "/api/v1/event-type").status(), 401U);
  EXPECT_EQ(sees(t), 401U);
}

TEST_F(portal_access, sees_event_types_with_a_flag_only_if_it_has_it) {
  asked(201, "POST", "/api/v1/event-type", {{"name", "flagged"}, {"description", "d"}, {"featureFlag", "foo-feature"}, {"schemas", {{"1", {{"type", "object"}}}}}});
  asked(201, "POST", "/api/v1/event-type", {{"name", "two"}, {"description", "d"}, {"featureFlags", {"foo-feature", "x"}}});
  asked(201, "POST", "/api/v1/event-type", {{"name", "plain"}, {"description", "d"}});
  const std::pair<json, bool> cases[] = {{json::array(), false}, {{"bar-feature"}, false}, {{"bar-feature", "foo-feature"}, true}, {{"foo-feature"}, true}};
  asked(200, "PATCH", "/api/v1/app/shop/endpoint/" + endpoint_, {{"disabled", false}});
  for (auto& [flags, seen] : cases) {
    auto t = token({{"featureFlags", flags}});
    EXPECT_EQ(with(t, "GET", "/api/v1/event-type").body()["data"].size(), seen ? 3U : 1U) << flags;
    EXPECT_EQ(with(t, "GET", "/api/v1/event-type?limit=1&order=descending").body()["data"].at(0)["name"], seen ? "two" : "plain") << flags;
    EXPECT_EQ(with(t, "GET", "/api/v1/event-type/flagged").status(), seen ? 200U : 404U) << flags;
    EXPECT_EQ(with(t, "POST", "/api/v1/app/shop/endpoint/" + endpoint_ + "/send-example", R"({"eventType":"flagged"})").status(), seen ? 202U : 404U) << flags;
  }
  EXPECT_EQ(asked(200, "GET", "/api/v1/event-type")["data"].size(), 3U);
}

TEST_F(portal_access, stands_in_the_history_without_any_secret) {
  auto opened = open({{"sessionId", "user_1"}});
  auto t = opened["token"].get<std::string>();
  ASSERT_EQ(exchange(link_in(opened)).status(), 200U);
  ASSERT_EQ(with(t, "PATCH", "/api/v1/app/shop/endpoint/" + endpoint_, R"({"description":"by the user"})").status(), 200U);
  ASSERT_EQ(with(t, "POST", "/api/v1/auth/logout").status(), 204U);
  asked(204, "POST", "/api/v1/auth/app/shop/expire-all");
  auto all = asked(200, "GET", "/sandboxes/shop/history?limit=250");
  std::vector<std::string> kinds;
  for (auto& e : all["data"])
    if (e["type"].get<std::string>().starts_with("portal.") || e["principal"] == "portal:user_1")
      kinds.push_back(e["type"]);
  std::sort(kinds.begin(), kinds.end());
  EXPECT_EQ(kinds, (std::vector<std::string>{"destination.updated", "portal.entered", "portal.expired", "portal.left", "portal.opened"})) << all;
  auto tag = t.substr(t.rfind('.') + 1);
  EXPECT_EQ(all.dump().find(tag), std::string::npos);
  EXPECT_EQ(asked(200, "GET", "/sandboxes/shop/history?principal=portal:user_1")["data"].size(), 3U) << "the exchange, the change, the logout";
}

TEST_F(portal_access, is_in_no_file_of_the_folder) {
  auto opened = open();
  auto t = opened["token"].get<std::string>();
  auto again = ask("POST", "/api/v1/auth/app-portal-access/shop", "{}", {{"Idempotency-Key", "k"}});
  auto replayed = ask("POST", "/api/v1/auth/app-portal-access/shop", "{}", {{"Idempotency-Key", "k"}});
  EXPECT_EQ(replayed.response.body, again.response.body) << "made anew of the receipt";
  auto tag = t.substr(t.rfind('.') + 1), tag_of_other = again.body()["token"].get<std::string>().substr(again.body()["token"].get<std::string>().rfind('.') + 1);
  close();
  for (auto& file : std::filesystem::recursive_directory_iterator{folder_}) {
    if (!file.is_regular_file())
      continue;
    std::ifstream in{file.path(), std::ios::binary};
    std::string all{std::istreambuf_iterator<char>{in}, {}};
    EXPECT_EQ(all.find(tag), std::string::npos) << file.path();
    EXPECT_EQ(all.find(tag_of_other), std::string::npos) << file.path();
  }
  world::open();
}

TEST_F(portal_access, tells_the_page_whose_it_is) {
  auto s = with(token({{"sessionId", "u"}, {"featureFlags", {"f"}}, {"readOnly", true}}), "GET", "/portal/session").body();
  EXPECT_EQ(s["app_id"], id_);
  EXPECT_EQ(s["name"], "Shop");
  EXPECT_EQ(s["capabilities"], json{"ViewBase"});
  EXPECT_EQ(s["feature_flags"], json{"f"});
  EXPECT_EQ(s["session_id"], "u");
  EXPECT_FALSE(s["expires_at"].is_null());
  auto made = sandbox();
  auto own = with(made["client_secret"].get<std::string>(), "GET", "/portal/session").body();
  EXPECT_EQ(own["app_id"], made["id"]);
  EXPECT_EQ(own["capabilities"].size(), 6U);
  EXPECT_TRUE(own["feature_flags"].is_null());
  EXPECT_EQ(ask("GET", "/portal/session").status(), 403U);
}

TEST_F(portal_access, has_a_page_that_loads_nothing_and_runs_only_what_is_its_own) {
  for (auto* path : {"/portal/", "/portal"}) {
    auto a = send(make("GET", path));
    ASSERT_EQ(a.status(), 200U);
    auto policy = a.header("Content-Security-Policy");
    for (auto* rule : {"default-src 'none'", "script-src 'sha256-", "style-src 'sha256-", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'", "form-action 'none'"})
      EXPECT_NE(policy.find(rule), std::string::npos) << policy;
    EXPECT_EQ(policy.find("unsafe"), std::string::npos);
    EXPECT_EQ(a.header("Referrer-Policy"), "no-referrer");
    EXPECT_EQ(a.header("Cross-Origin-Opener-Policy"), "same-origin");
    auto& body = a.response.body;
    EXPECT_EQ(body.find("<!--script-->"), std::string::npos);
    for (auto* outside : {"src=\"http", "href=\"http", "@import", "url(http", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("})
      EXPECT_EQ(body.find(outside), std::string::npos) << outside;
  }
}

TEST_F(portal_access, is_safe_from_a_worker_that_a_sandbox_would_put_before_its_page) {
  asked(201, "POST", "/sandboxes/shop/endpoints",
        {{"method", "GET"}, {"path", "/w.js"}, {"response", {{"status", 200}, {"headers", {{"service-worker-allowed", "/"}, {"X-Mine", "1"}}}, {"body", "x"}}}});
  auto plain = send(make("GET", "/s/shop/w.js"));
  EXPECT_EQ(plain.status(), 200U) << plain.response.body;
  EXPECT_EQ(plain.header("Service-Worker-Allowed"), "/") << "who imitates an API has it as it was said";
  auto worker = send(make("GET", "/s/shop/w.js", "", {{"Service-Worker", "script"}}));
  EXPECT_EQ(worker.header("Service-Worker-Allowed"), "");
  EXPECT_EQ(worker.header("X-Mine"), "1");
}

} // namespace
