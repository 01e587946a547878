#include "world.hpp"

#include "api/router.hpp"

namespace {

using namespace hourglass;
using namespace hourglass::testing;

/// Rules that hold for every route there is, one by one.
class every_route : public world {
protected:
  /// A path of the route with `sandbox` in the place of its sandbox and plausible names elsewhere.
  static std::string path_of(const api::route& r, const std::string& sandbox) {
    std::string out{r.path};
    auto put = [&](std::string_view name, const std::string& value) {
      if (auto at = out.find("{" + std::string{name} + "}"); at != std::string::npos)
        out.replace(at, name.size() + 2, value);
    };
    put("sandbox", sandbox);
    put("app_id", sandbox);
    put("seq", "1");
    for (auto name : api::parameters_of(r.path))
      put(name, "none");
    return out;
  }
  static bool below_a_sandbox(const api::route& r) {
    return r.path.starts_with("/sandboxes/{") || r.path.starts_with("/api/v1/app/{");
  }
  static bool takes_json(const api::route& r) {
    return r.takes == api::body::json || r.takes == api::body::unread_json || r.takes == api::body::optional_json;
  }
  answer with_key(const api::route& r, const std::string& path, std::string_view key) {
    http::fields headers;
    if (!key.empty())
      headers.push_back(bearer(key));
    headers.push_back({"Content-Type", "application/json"});
    return send(make(std::string{r.method}, path, takes_json(r) ? "{}" : "", headers));
  }
  void is_an_error(const api::route& r, const answer& a, unsigned status) {
    EXPECT_EQ(a.status(), status) << r.method << " " << r.path << ": " << a.response.body;
    auto body = a.body();
    if (r.speaks == api::dialect::svix) {
      EXPECT_TRUE(body.contains("detail")) << r.path;
      EXPECT_EQ(body.contains("code"), status != 422) << r.path;
    } else {
      EXPECT_EQ(a.header("Content-Type"), "application/problem+json") << r.path;
      EXPECT_EQ(body.value("status", 0U), status) << r.path;
      EXPECT_EQ(body.value("correlation_id", ""), a.header("X-Correlation-Id")) << r.path;
    }
  }
};

TEST_F(every_route, asks_for_the_key_it_needs) {
  auto mine = sandbox(), other = sandbox();
  auto id = mine["id"].get<std::string>();
  auto foreign = other["client_secret"].get<std::string>();
  for (auto& r : service_->routes().all()) {
    auto path = path_of(*r, id);
    if (r->who == api::access::anyone) {
      // `{}` may lack what the route needs, but it is never for want of a key.
      auto status = with_key(*r, path, "").status();
      EXPECT_TRUE(status < 300 || (takes_json(*r) && status == 422)) << r->path << " " << status;
      continue;
    }
    auto none = with_key(*r, path, "");
    is_an_error(*r, none, 401);
    EXPECT_FALSE(none.header("WWW-Authenticate").empty()) << r->path;
    is_an_error(*r, with_key(*r, path, "wrong-key"), 401);
    if (r->who == api::access::admin)
      is_an_error(*r, with_key(*r, path, foreign), 403);
    if (r->who == api::access::sandbox) {
      is_an_error(*r, with_key(*r, path, foreign), 403);
      // Nor does a foreign key learn which sandboxes there are.
      is_an_error(*r, with_key(*r, path_of(*r, "sbx_00000000000000000000000000"), foreign), 403);
    }
  }
}

TEST_F(every_route, of_a_sandbox_takes_the_sandboxs_own_key) {
  auto mine = sandbox();
  for (auto& r : service_->routes().all()) {
    if (r->who != api::access::sandbox || r->method == "DELETE" || r->id == "tail")
      continue;
    auto a = with_key(*r, path_of(*r, mine["id"]), mine["client_secret"].get<std::string>());
    EXPECT_NE(a.status(), 401U) << r->path;
    EXPECT_NE(a.status(), 403U) << r->path;
    EXPECT_LT(a.status(), 500U) << r->path << a.response.body;
  }
}

TEST_F(every_route, of_a_sandbox_that_is_not_there_is_404) {
  for (auto& r : service_->routes().all())
    if (below_a_sandbox(*r) && r->id != "v1.application.update") // it creates one (svix_test.cpp)
      for (auto name : {std::string{"nobody"}, std::string{"sbx_00000000000000000000000000"}, std::string{"%20"}, std::string(300, 'a')})
        is_an_error(*r, with_key(*r, path_of(*r, name), admin_key), 404);
}

TEST_F(every_route, refuses_a_body_that_is_not_json) {
  auto id = sandbox()["id"].get<std::string>();
  auto count = [&] { return asked(200, "GET", "/sandboxes/" + id + "/history")["data"].size(); };
  auto before = count();
  auto deep = std::string(10'000, '[') + std::string(10'000, ']');
  for (auto& r : service_->routes().all()) {
    if (!takes_json(*r))
      continue;
    for (auto& body : {std::string{"{"}, std::string{"{}{}"}, std::string{"{\"a\":1,\"a\":2}"}, std::string{"\xff\xfe"}, std::string{"{\"a\":\"\xc0\x80\"}"}, deep}) {
      auto a = ask(std::string{r->method}, path_of(*r, id), body);
      is_an_error(*r, a, r->speaks == api::dialect::svix ? 422 : 400);
    }
    auto wrong_type = send(make(std::string{r->method}, path_of(*r, id), "a=b", {bearer(admin_key), {"Content-Type", "application/x-www-form-urlencoded"}}));
    is_an_error(*r, wrong_type, 415);
    auto packed = send(make(std::string{r->method}, path_of(*r, id), "{}", {bearer(admin_key), {"Content-Type", "application/json"}, {"Content-Encoding", "gzip"}}));
    is_an_error(*r, packed, 415);
  }
  EXPECT_EQ(count(), before) << "a refused body changed something";
}

TEST_F(every_route, refuses_a_body_of_the_wrong_kind) {
  auto id = sandbox()["id"].get<std::string>();
  for (auto& r : service_->routes().all()) {
    if (!takes_json(*r) || r->body_schema == "AnyValue" || r->id == "v1.message-attempt.resend")
      continue;
    for (auto* body : {"[]", "1", "\"x\"", "null", "true"}) {
      auto a = ask(std::string{r->method}, path_of(*r, id), body);
      EXPECT_TRUE(a.status() == 422 || a.status() == 400) << r->path << " " << body << " " << a.status() << a.response.body;
    }
  }
}

TEST_F(every_route, of_ours_refuses_a_parameter_nobody_knows) {
  auto id = sandbox()["id"].get<std::string>();
  for (auto& r : service_->routes().all())
    if (r->speaks == api::dialect::ours) {
      is_an_error(*r, with_key(*r, path_of(*r, id) + "?surprise=1", admin_key), 400);
      is_an_error(*r, with_key(*r, path_of(*r, id) + "?%zz", admin_key), 400);
    }
}

TEST_F(every_route, with_a_limit_keeps_it) {
  auto id = sandbox()["id"].get<std::string>();
  for (auto& r : service_->routes().all()) {
    auto pages = std::any_of(r->query.begin(), r->query.end(), [](auto& q) { return q.name == "limit"; });
    if (!pages)
      continue;
    for (auto* bad : {"0", "251", "-1", "x", "1.5", "99999999999999999999"}) {
      auto a = with_key(*r, path_of(*r, id) + "?limit=" + bad, admin_key);
      is_an_error(*r, a, r->speaks == api::dialect::svix ? 422 : 400);
    }
    auto cursor = r->speaks == api::dialect::svix ? "?iterator=-" : "?cursor=***";
    EXPECT_GE(with_key(*r, path_of(*r, id) + cursor, admin_key).status(), 400U) << r->path;
  }
}

TEST_F(every_route, says_what_it_knows_instead) {
  auto a = ask("TRACE", "/sandboxes");
  EXPECT_EQ(a.status(), 405U);
  EXPECT_EQ(a.header("Allow"), "GET, POST");
  EXPECT_EQ(ask("OPTIONS", "/sandboxes").header("Allow"), "GET, POST, OPTIONS");
  EXPECT_EQ(ask("GET", "/nothing/here").status(), 404U);
  EXPECT_EQ(ask("GET", "/sandboxes/%2e%2e/x").status(), 400U);
  EXPECT_EQ(ask("GET", "/sandboxes/..").status(), 400U);
  EXPECT_EQ(ask("GET", "/api/v1/nothing").body()["code"], "not_found");
}

TEST_F(every_route, tells_when_the_node_cannot) {
  auto id = sandbox()["id"].get<std::string>();
  const std::pair<events::errc, unsigned> cases[] = {{events::errc::overloaded, 503}, {events::errc::unavailable, 503},
                                                     {events::errc::abandoned, 503},  {events::errc::timeout, 504},
                                                     {events::errc::io, 500},         {events::errc::corrupt, 500}};
  for (auto& [code, status] : cases) {
    node_->refuse = events::error{code, "for the test", ""};
    EXPECT_EQ(ask("POST", "/sandboxes", "{}").status(), status);
    EXPECT_EQ(ask("PUT", "/sandboxes/" + id + "/data/a/b", "1").status(), status);
    EXPECT_EQ(ask("GET", "/sandboxes/" + id).status(), status);
    auto mock = send(make("GET", "/s/" + id + "/x"));
    EXPECT_EQ(mock.status(), status);
    EXPECT_EQ(mock.header("Retry-After").empty(), status != 503);
  }
  node_->refuse.reset();
}

TEST_F(every_route, answers_even_when_an_actor_dies) {
  auto id = sandbox()["id"].get<std::string>();
  node_->lose = true;
  EXPECT_EQ(ask("GET", "/sandboxes/" + id).status(), 503U);
  EXPECT_EQ(send(make("GET", "/s/" + id + "/x")).status(), 503U);
}

TEST_F(every_route, echoes_the_correlation_id) {
  auto a = ask("GET", "/healthz", "", {{"X-Correlation-Id", "mine-1"}});
  EXPECT_EQ(a.header("X-Correlation-Id"), "mine-1");
  auto made = ask("GET", "/healthz", "", {{"X-Correlation-Id", "not fit"}});
  EXPECT_TRUE(made.header("X-Correlation-Id").starts_with("cor_"));
}

} // namespace
