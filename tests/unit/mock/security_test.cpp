// Security schemes of imported operations.
#include "support.hpp"

#include "mock/security.hpp"
#include "mock/serve.hpp"

namespace {

using namespace hourglass::mock;
namespace events = hourglass::events;

/// `own`: of the operation; `all`: of the document. Both with the comma before them, or empty.
std::string document(const std::string& own, const std::string& all = "", const std::string& responses = R"({"200":{"description":"ok","content":{"application/json":{"example":{"fine":true}}}}})") {
  return R"({"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{"/pets":{"get":{"responses":)" + responses + own + "}}}" + all +
         R"(,"components":{"securitySchemes":{
    "key":{"type":"apiKey","in":"header","name":"X-Key"},"query":{"type":"apiKey","in":"query","name":"api_key"},"cookie":{"type":"apiKey","in":"cookie","name":"sid"},
    "basic":{"type":"http","scheme":"Basic"},"bearer":{"type":"http","scheme":"bearer"},"oauth":{"type":"oauth2","flows":{}},"oidc":{"type":"openIdConnect","openIdConnectUrl":"x"},
    "tls":{"type":"mutualTLS"}}}})";
}

struct secured : testing::Test {
  endpoint_state state;
  std::string reply;

  void import(const std::string& text, validation_mode validation = validation_mode::enforce, std::optional<security_mode> security = {}) {
    import_openapi command{text, {}};
    command.validation = validation;
    command.security = security;
    auto r = run(state, endpoint_command{command});
    ASSERT_TRUE(r) << r.error().detail << " at " << r.error().where;
    reply = *r;
  }
  response sent(fields headers = {}, std::string target = "/pets") { return answer(state, get(std::move(target), std::move(headers))); }
  unsigned status(fields headers = {}, std::string target = "/pets") { return sent(std::move(headers), std::move(target)).status; }
};

TEST_F(secured, a_request_without_the_credential_is_401_and_told_which_is_wanted) {
  import(document(R"(,"security":[{"key":[]}])"));
  auto r = sent();
  EXPECT_EQ(r.status, 401U);
  EXPECT_EQ(header(r, "WWW-Authenticate"), R"(ApiKey realm="key", in="header", name="X-Key")");
  EXPECT_EQ(header(r, "Content-Type"), "application/problem+json");
  EXPECT_NE(r.body.find("key (header X-Key)"), std::string::npos) << r.body;
  EXPECT_EQ(status({{"X-Key", ""}}), 401U);
  EXPECT_EQ(status({{"x-key", "anything"}}), 200U);
}

TEST_F(secured, each_kind_of_scheme_knows_its_credential) {
  const std::tuple<const char*, fields, const char*, unsigned> cases[] = {
    {"query", {}, "/pets?api_key=1", 200},
    {"query", {}, "/pets?api_key=", 401},
    {"query", {{"api_key", "1"}}, "/pets", 401},
    {"cookie", {{"Cookie", "a=b; sid=1"}}, "/pets", 200},
    {"cookie", {{"Cookie", "a=b"}}, "/pets", 401},
    {"basic", {{"Authorization", "Basic dXNlcjpwYXNz"}}, "/pets", 200},
    {"basic", {{"Authorization", "basic dXNlcjpwYXNz"}}, "/pets", 200},
    {"basic", {{"Authorization", "Basic dXNlcg=="}}, "/pets", 401}, // no colon
    {"basic", {{"Authorization", "Basic !"}}, "/pets", 401},
    {"basic", {{"Authorization", "Bearer abc"}}, "/pets", 401},
    {"bearer", {{"Authorization", "Bearer abc.def-_~+/=="}}, "/pets", 200},
    {"bearer", {{"Authorization", "Bearer"}}, "/pets", 401},
    {"bearer", {{"Authorization", "Bearer a b"}}, "/pets", 401},
    {"bearer", {{"Authorization", "abc"}}, "/pets", 401},
    {"oauth", {{"Authorization", "bearer abc"}}, "/pets", 200},
    {"oidc", {{"Authorization", "Basic dXNlcjpwYXNz"}}, "/pets", 401},
  };
  for (const auto& [scheme, headers, target, expected] : cases) {
    import(document(R"(,"security":[{")" + std::string{scheme} + R"(":[]}])"));
    EXPECT_EQ(status(headers, target), expected) << scheme << ' ' << (headers.empty() ? target : headers.front().value);
  }
}

TEST_F(secured, a_list_is_any_of_them_and_an_object_all_of_them) {
  import(document(R"(,"security":[{"key":[],"bearer":[]},{"basic":[]}])"));
  EXPECT_EQ(status({{"X-Key", "1"}}), 401U);
  EXPECT_EQ(status({{"X-Key", "1"}, {"Authorization", "Bearer t"}}), 200U);
  EXPECT_EQ(status({{"Authorization", "Basic dXNlcjpwYXNz"}}), 200U);
  EXPECT_EQ(header(sent(), "WWW-Authenticate"), R"(ApiKey realm="key", in="header", name="X-Key", Bearer realm="bearer", Basic realm="basic", charset="UTF-8")");
  EXPECT_NE(header(sent({{"Authorization", "Bearer t"}}), "WWW-Authenticate").find(R"(Bearer realm="bearer", error="invalid_token")"), std::string::npos);
}

TEST_F(secured, what_the_document_says_holds_unless_the_operation_says_otherwise) {
  import(document("", R"(,"security":[{"key":[]}])"));
  EXPECT_EQ(status(), 401U);
  import(document(R"(,"security":[])", R"(,"security":[{"key":[]}])"));
  EXPECT_EQ(status(), 200U);
  import(document(R"(,"security":[{},{"key":[]}])"));
  EXPECT_EQ(status(), 200U) << "an empty one lets everybody in";
}

TEST_F(secured, what_nobody_can_check_is_told_and_lets_everybody_in) {
  import(document(R"(,"security":[{"tls":[]},{"key":[]}])"));
  EXPECT_EQ(status(), 200U);
  EXPECT_NE(reply.find("mutual TLS is not checked"), std::string::npos) << reply;
  import(document(R"(,"security":[{"nobody":[]}])"));
  EXPECT_EQ(status(), 200U);
  EXPECT_NE(reply.find("/paths/~1pets/get/security/0/nobody"), std::string::npos) << reply;
  for (const char* bad : {R"(,"security":7)", R"(,"security":[7])", R"(,"security":{"key":[]})"}) {
    import(document(bad));
    EXPECT_EQ(status(), 200U) << bad;
  }
}

TEST_F(secured, it_is_as_strict_as_the_validation_unless_it_is_told) {
  const auto text = document(R"(,"security":[{"key":[]}])");
  import(text, validation_mode::report);
  auto r = sent();
  EXPECT_EQ(r.status, 200U);
  EXPECT_NE(header(r, "X-Request-Validation").find("security has not the credentials"), std::string::npos) << header(r, "X-Request-Validation");
  EXPECT_EQ(header(sent({{"X-Key", "1"}}), "X-Request-Validation"), "");
  import(text, validation_mode::off);
  EXPECT_EQ(status(), 200U);
  EXPECT_EQ(header(sent(), "X-Request-Validation"), "");
  import(text, validation_mode::enforce, security_mode::ignore);
  EXPECT_EQ(status(), 200U);
  import(text, validation_mode::off, security_mode::check);
  EXPECT_EQ(status(), 401U);
  import(text, validation_mode::enforce, security_mode::report);
  EXPECT_EQ(status(), 200U);
}

TEST_F(secured, the_document_s_own_401_is_the_answer_with_a_challenge) {
  import(document(R"(,"security":[{"key":[]}])", "",
                  R"({"200":{"description":"ok"},"401":{"description":"no","content":{"application/json":{"example":{"error":"who are you?"}}}}})"));
  auto r = sent();
  EXPECT_EQ(r.status, 401U);
  EXPECT_EQ(r.body, R"({"error":"who are you?"})");
  EXPECT_FALSE(header(r, "WWW-Authenticate").empty());
}

TEST_F(secured, the_sandbox_says_which_credentials_are_good_and_keeps_only_digests) {
  import(document(R"(,"security":[{"key":[]},{"basic":[]}])"));
  auto done = run(state, endpoint_command{put_credentials{R"({"schemes":{"key":["k-1","k-2"],"basic":["user:pass"]}})"}});
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_EQ(*done, R"({"schemes":{"basic":1,"key":2}})");
  EXPECT_EQ(status({{"X-Key", "k-1"}}), 200U);
  EXPECT_EQ(status({{"X-Key", "k-3"}}), 401U);
  EXPECT_EQ(status({{"Authorization", "Basic dXNlcjpwYXNz"}}), 200U);
  EXPECT_EQ(status({{"Authorization", "Basic dXNlcjpwYXNy"}}), 401U);
  auto text = snapshot(state);
  EXPECT_EQ(text.find("k-1"), std::string::npos);
  auto back = restore<endpoint_state>(text);
  ASSERT_TRUE(back);
  EXPECT_EQ(snapshot(*back), text);
  EXPECT_EQ(answer(*back, get("/pets", {{"X-Key", "k-3"}})).status, 401U);
  import(document(R"(,"security":[{"key":[]}])"));
  EXPECT_EQ(status({{"X-Key", "k-3"}}), 401U) << "they outlive an import";
  ASSERT_TRUE(run(state, endpoint_command{put_credentials{R"({"schemes":{}})"}}));
  EXPECT_EQ(status({{"X-Key", "k-3"}}), 200U);
}

TEST_F(secured, credentials_that_break_a_rule_change_nothing) {
  for (const char* bad : {"", "[]", "{}", R"({"schemes":[]})", R"({"schemes":{"a":1}})", R"({"schemes":{"a":[1]}})", R"({"schemes":{"a":[""]}})", R"({"schemes":{},"x":1})"})
    EXPECT_FALSE(decide(state, endpoint_command{put_credentials{bad}}, at_moment())) << bad;
}

TEST_F(secured, a_replay_comes_to_the_same_although_the_log_has_only_tokens) {
  import(document(R"(,"security":[{"bearer":[]}])"));
  const auto redact = test_redactor();
  for (const char* given : {"Bearer good-token", "Bearer not good", "Basic dXNlcjpwYXNz"}) {
    auto first = serve(state, {}, get("/pets", {{"Authorization", given}}), at_moment(), redact);
    auto record = decode_served(first.events.front().payload);
    ASSERT_TRUE(record);
    EXPECT_EQ(find(record->request.headers, "authorization")->find(given + 7), std::string::npos);
    EXPECT_EQ(serve(state, {}, record->request, at_moment(), redact).response.status, first.response.status) << given;
  }
}

TEST_F(secured, a_hand_made_endpoint_asks_for_nothing) {
  ASSERT_TRUE(put(state, named("GET", "/pets", "mine"), {}, 50));
  import(document(R"(,"security":[{"key":[]}])"));
  EXPECT_EQ(sent().body, "mine");
}

TEST_F(secured, swagger_2_has_security_too) {
  import(R"({"swagger":"2.0","info":{"title":"t","version":"1"},"securityDefinitions":{"k":{"type":"apiKey","in":"header","name":"X-Key"},"b":{"type":"basic"}},
    "security":[{"k":[]},{"b":[]}],"paths":{"/pets":{"get":{"responses":{"200":{"description":"ok"}}}}}})");
  EXPECT_EQ(status(), 401U);
  EXPECT_EQ(status({{"X-Key", "1"}}), 200U);
  EXPECT_EQ(status({{"Authorization", "Basic dXNlcjpwYXNz"}}), 200U);
}

} // namespace
