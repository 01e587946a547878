// What WireMock, Postman and HTTP archives become.
#include "support.hpp"

#include "mock/translation.hpp"

#include <nlohmann/json.hpp>

namespace {
using namespace hourglass::mock;
using hourglass::events::errc;
using nlohmann::json;

struct translated : testing::Test {
  endpoint_state state;
  json warnings;

  /// Puts what was read into the state; the reply, or `{"error": …, "where": …}`.
  json put_all(hourglass::events::outcome<put_endpoints> read) {
    auto wrong = [](const hourglass::events::error& e) { return json{{"error", e.detail}, {"where", e.where}}; };
    if (!read)
      return wrong(read.error());
    auto reply = run(state, endpoint_command{*read});
    if (!reply)
      return wrong(reply.error());
    auto out = json::parse(*reply);
    warnings = out["warnings"];
    return out;
  }
  json wiremock(const json& v, bool strict = false) { return put_all(read_wiremock(v.dump(), strict)); }
  /// One stub with this request that answers `yes`.
  json asks(json request) {
    state = {};
    return wiremock({{"request", std::move(request)}, {"response", {{"status", 200}, {"body", "yes"}}}});
  }
  std::string got(const request& r) { return answer(state, r).body; }
  bool yes(const request& r) { return answer(state, r).body == "yes"; }
};

// -- WireMock ------------------------------------------------------------------------------

TEST_F(translated, a_stub_of_wiremock_answers_what_it_did_there) {
  auto reply = wiremock(json::parse(R"({"mappings":[
    {"id":"76ada7b0-49ae-4229-91c4-396a36f18e09","name":"one","priority":2,
     "request":{"method":"GET","urlPath":"/things/1","headers":{"Accept":{"contains":"json"}},"queryParameters":{"q":{"matches":"[a-z]+"}},"cookies":{"s":{"absent":true}}},
     "response":{"status":201,"jsonBody":{"ok":true},"headers":{"X-A":"b","Content-Length":"3"},"fixedDelayMilliseconds":5}},
    {"request":{"urlPathTemplate":"/things/{id}","pathParameters":{"id":{"matches":"[0-9]+"}}},"response":{"body":"number"}},
    {"request":{"method":"POST","url":"/exact?b=2&a=1"},"response":{"body":"exact"}},
    {"request":{"method":"GET","urlPattern":"/p/[0-9]+\\?x=.*"},"response":{"body":"pattern"}},
    {"request":{"method":"GET","urlPathPattern":"/f/.*/end"},"response":{"body":"path"}}]})"));
  ASSERT_EQ(reply.value("created", 0), 5) << reply;
  EXPECT_EQ(reply["endpoints"][0]["id"], "76ada7b0-49ae-4229-91c4-396a36f18e09");
  ASSERT_EQ(warnings.size(), 2U) << warnings;
  EXPECT_EQ(warnings[0]["pointer"], "/mappings/0/response/fixedDelayMilliseconds");
  EXPECT_EQ(warnings[1]["pointer"], "/mappings/0/response/headers/Content-Length");
  auto a = answer(state, get("/things/1?q=ab", {{"Accept", "application/json"}}));
  EXPECT_EQ(a.status, 201U);
  EXPECT_EQ(a.body, R"({"ok":true})");
  EXPECT_EQ(header(a, "X-A"), "b");
  EXPECT_EQ(got(get("/things/1?q=ab", {{"Accept", "application/json, */*"}, {"Cookie", "s=1"}})), "number");
  auto r = get("/things/77");
  r.method = "PATCH";
  EXPECT_EQ(got(r), "number") << "without a method it takes any";
  EXPECT_EQ(got(post("/exact?b=2&a=1", "")), "exact");
  EXPECT_EQ(answer(state, post("/exact?a=1&b=2", "")).status, 404U);
  EXPECT_EQ(got(get("/p/12?x=y")), "pattern");
  EXPECT_EQ(answer(state, get("/p/12")).status, 404U);
  EXPECT_EQ(got(get("/f/a/b/end")), "path");
  auto again = wiremock(json::parse(R"({"request":{"method":"GET","urlPathPattern":"/f/.*/end"},"response":{"body":"path"}})"));
  EXPECT_EQ(again["unchanged"], 1) << "an id is made of what is matched";
  again = wiremock(json::parse(R"({"request":{"method":"GET","urlPathPattern":"/f/.*/end"},"response":{"body":"other"}})"));
  EXPECT_EQ(again["replaced"], 1);
}

TEST_F(translated, wiremocks_text_patterns) {
  auto q = [&](json pattern, std::string target) {
    auto reply = asks({{"urlPath", "/a"}, {"queryParameters", {{"q", std::move(pattern)}}}});
    EXPECT_EQ(reply.value("created", 0), 1) << reply;
    return yes(get(std::move(target)));
  };
  EXPECT_TRUE(q({{"equalTo", "X"}, {"caseInsensitive", true}}, "/a?q=x"));
  EXPECT_FALSE(q({{"doesNotMatch", "x+"}}, "/a?q=xx"));
  EXPECT_TRUE(q({{"doesNotMatch", "x+"}}, "/a?q=y"));
  EXPECT_TRUE(q({{"doesNotContain", "x"}}, "/a")) << "WireMock's negations hold for what is not there";
  EXPECT_TRUE(q({{"doesNotMatch", "x"}}, "/a"));
  EXPECT_TRUE(q({{"not", {{"equalTo", "x"}}}}, "/a"));
  EXPECT_TRUE(q({{"anything", "anything"}}, "/a"));
  EXPECT_FALSE(q({{"contains", "x"}}, "/a"));
  auto c = [&](json pattern, fields headers) {
    asks({{"urlPath", "/a"}, {"cookies", {{"c", std::move(pattern)}}}});
    return yes(get("/a", std::move(headers)));
  };
  EXPECT_FALSE(c({{"doesNotContain", "x"}}, {})) << "but of a cookie only absent does";
  EXPECT_TRUE(c({{"doesNotContain", "x"}}, {{"Cookie", "c=y"}}));
  EXPECT_TRUE(c({{"absent", true}}, {}));
  EXPECT_TRUE(q({{"and", {{{"contains", "a"}}, {{"contains", "b"}}}}}, "/a?q=ab"));
  EXPECT_TRUE(q({{"or", {{{"equalTo", "a"}}, {{"absent", true}}}}}, "/a"));
  EXPECT_TRUE(q({{"hasExactly", {{{"equalTo", "a"}}, {{"equalTo", "b"}}}}}, "/a?q=a&q=b"));
  EXPECT_TRUE(q({{"greaterThanNumber", 3}}, "/a?q=4"));
  EXPECT_TRUE(q({{"equalToNumber", 3}}, "/a?q=3.0"));
  EXPECT_FALSE(q({{"not", {{"equalTo", "a"}}}}, "/a?q=a"));
}

TEST_F(translated, wiremocks_body_patterns) {
  auto b = [&](json pattern, std::string body, std::string type = "application/json") {
    auto reply = asks({{"urlPath", "/a"}, {"bodyPatterns", {std::move(pattern)}}});
    EXPECT_EQ(reply.value("created", 0), 1) << reply;
    return yes(post("/a", std::move(body), std::move(type)));
  };
  EXPECT_TRUE(b({{"equalToJson", R"({"a":[1,2]})"}, {"ignoreArrayOrder", true}, {"ignoreExtraElements", true}}, R"({"a":[2,1],"b":0})"));
  EXPECT_TRUE(b({{"equalToJson", {{"a", "${json-unit.any-string}"}}}}, R"({"a":"x"})"));
  EXPECT_TRUE(b({{"matchesJsonPath", "$.things[?(@.name == 'x')]"}}, R"({"things":[{"name":"x"}]})"));
  EXPECT_FALSE(b({{"matchesJsonPath", "$.things[?(@.name == 'x')]"}}, R"({"things":[{"name":"y"}]})"));
  EXPECT_TRUE(b({{"matchesJsonPath", {{"expression", "$.a"}, {"contains", "bc"}}}}, R"({"a":"abcd"})"));
  EXPECT_TRUE(b({{"matchesJsonPath", {{"expression", "$.a"}, {"equalToJson", R"({"b":1})"}}}}, R"({"a":{"b":1}})"));
  EXPECT_TRUE(b({{"matchesJsonSchema", R"({"required":["a"]})"}, {"schemaVersion", "V7"}}, R"({"a":1})"));
  EXPECT_FALSE(b({{"matchesJsonSchema", {{"required", {"a"}}}}}, "{}"));
  EXPECT_TRUE(b({{"matchesXPath", "/order/line[@n='2']"}}, "<order><line n='2'/></order>", "text/xml"));
  EXPECT_TRUE(b({{"matchesXPath", {{"expression", "//line/text()"}, {"contains", "x"}}}}, "<order><line>axb</line></order>", "text/xml"));
  EXPECT_TRUE(b({{"or", {{{"equalTo", "x"}}, {{"matchesJsonPath", "$.a"}}}}}, R"({"a":1})"));
  EXPECT_FALSE(b({{"not", {{"matchesJsonPath", "$.a"}}}}, R"({"a":1})"));
  EXPECT_TRUE(b({{"doesNotContain", "x"}}, ""));
  EXPECT_FALSE(b({{"matchesJsonPath", {{"expression", "$.a"}, {"doesNotContain", "x"}}}}, R"({"b":1})"));
  EXPECT_TRUE(b({{"matches", ".*one.*two.*"}}, "one\ntwo\n", "text/plain")) << "the dot is any character there";
  EXPECT_FALSE(b({{"doesNotMatch", ".*two"}}, "one\ntwo", "text/plain"));
  EXPECT_TRUE(b({{"matches", "(?s)a[.]b\\..+"}}, "a.b.\n", "text/plain"));
  EXPECT_FALSE(b({{"matches", "a[.]b"}}, "a\nb", "text/plain"));
  auto reply = asks(
      {{"urlPath", "/a"}, {"multipartPatterns", {{{"name", "meta"}, {"matchingType", "ANY"}, {"bodyPatterns", {{{"equalToJson", {{"a", 1}}}}}}}}}});
  EXPECT_EQ(reply.value("created", 0), 1) << reply;
  EXPECT_TRUE(yes(post("/a", "--x\r\nContent-Disposition: form-data; name=\"meta\"\r\n\r\n{\"a\":1}\r\n--x--", "multipart/form-data; boundary=x")));
}

TEST_F(translated, what_wiremock_asks_and_we_cannot_is_left_out_and_told) {
  const std::pair<json, const char*> cases[] = {
      {{{"request", {{"urlPath", "/a"}, {"customMatcher", {{"name", "x"}}}}}, {"response", json::object()}}, "/mappings/0/request/customMatcher"},
      {{{"request", {{"urlPath", "/a"}, {"headers", {{"D", {{"before", "now"}}}}}}}, {"response", json::object()}},
       "/mappings/0/request/headers/D/before"},
      {{{"request", {{"urlPath", "/a"}, {"bodyPatterns", {{{"equalToXml", "<a/>"}}}}}}, {"response", json::object()}},
       "/mappings/0/request/bodyPatterns/0/equalToXml"},
      {{{"request", {{"urlPath", "/a"}}}, {"response", {{"fault", "EMPTY_RESPONSE"}}}}, "/mappings/0/response/fault"},
      {{{"request", {{"urlPath", "/a"}}}, {"response", {{"proxyBaseUrl", "http://x"}}}}, "/mappings/0/response/proxyBaseUrl"},
      {{{"requiredScenarioState", "Paid"}, {"request", {{"urlPath", "/a"}}}, {"response", json::object()}}, "/mappings/0/requiredScenarioState"},
      {{{"request", {{"urlPathPattern", "(?i)/a"}}}, {"response", json::object()}}, "/mappings/0"},
      {{{"request", {{"urlPath", "/a/../b"}}}, {"response", json::object()}}, "/mappings/0"},
      {7, "/mappings/0"},
  };
  for (const auto& [stub, where] : cases) {
    state = {};
    auto reply = wiremock({{"mappings", {stub}}});
    EXPECT_EQ(reply.value("created", 9), 0) << reply;
    ASSERT_EQ(warnings.size(), 1U) << reply;
    EXPECT_EQ(warnings[0]["pointer"], where) << reply;
    auto strict = wiremock({{"mappings", {stub}}}, true);
    EXPECT_EQ(strict.value("where", ""), where);
    EXPECT_EQ(state.size(), 0U);
  }
}

TEST_F(translated, templates_of_wiremock_become_ours_or_stay_texts) {
  wiremock(json::parse(R"({"mappings":[
    {"request":{"urlPath":"/a"},"response":{"body":"{\"q\":\"{{request.query.q}}\",\"n\":{{jsonPath request.body '$.n'}}}","transformers":["response-template"],"headers":{"Content-Type":"application/json"}}},
    {"request":{"urlPath":"/b"},"response":{"body":"{{randomInt}}","transformers":["response-template"]}}]})"));
  EXPECT_EQ(got(post("/a?q=x", R"({"n":5})")), R"({"q":"x","n":5})");
  EXPECT_EQ(got(get("/b")), "{{randomInt}}");
  ASSERT_EQ(warnings.size(), 1U) << warnings;
  EXPECT_EQ(warnings[0]["pointer"], "/mappings/1/response/body");
}

TEST_F(translated, of_stubs_that_match_the_same_the_last_one_stays) {
  auto reply = wiremock(json::parse(R"([
    {"id":"a","request":{"urlPath":"/a"},"response":{"body":"first"}},{"id":"b","request":{"urlPath":"/a"},"response":{"body":"second"}},
    {"id":"b","request":{"urlPath":"/b"},"response":{"body":"third"}}])"));
  EXPECT_EQ(reply["created"], 1) << reply;
  EXPECT_EQ(warnings.size(), 2U);
  EXPECT_EQ(got(get("/b")), "third");
}

TEST_F(translated, what_parameters_of_a_path_are_called_tells_no_endpoints_apart) {
  auto reply = wiremock(json::parse(R"([
    {"request":{"urlPathTemplate":"/users/{id}","pathParameters":{"id":{"matches":"[0-9]+"}}},"response":{"body":"first"}},
    {"request":{"urlPathTemplate":"/users/{userId}","pathParameters":{"userId":{"matches":"[0-9]+"}}},"response":{"body":"second"}},
    {"request":{"urlPath":"/~a"},"response":{"body":"third"}},{"request":{"urlPath":"/%7Ea"},"response":{"body":"fourth"}},
    {"request":{"urlPathTemplate":"/pets/{id}"},"response":{"body":"fifth"}},{"request":{"urlPathTemplate":"/pets/{pet}"},"response":{"body":"sixth"}}])"));
  EXPECT_EQ(reply.value("created", 0), 3) << reply;
  EXPECT_EQ(got(get("/users/7")), "second");
  EXPECT_EQ(got(get("/~a")), "fourth");
  EXPECT_EQ(got(get("/pets/7")), "sixth");
}

TEST_F(translated, texts_as_json_and_priorities_beyond_ours) {
  wiremock(json::parse(R"([{"priority":2000000,"request":{"urlPath":"/a"},"response":{"jsonBody":"abc"}}])"));
  EXPECT_EQ(got(get("/a")), "\"abc\"");
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0]["pointer"], "/0/priority");
}

TEST_F(translated, an_entry_whose_body_the_archive_lacks_is_left_out) {
  auto reply = put_all(read_har(R"({"log":{"entries":[{"request":{"method":"GET","url":"https://x/a"},
    "response":{"status":200,"content":{"size":7,"mimeType":"text/plain"}}}]}})",
                                false, ""));
  EXPECT_EQ(reply.value("created", 9), 0) << reply;
  EXPECT_EQ(warnings[0]["pointer"], "/log/entries/0/response/content");
}

TEST_F(translated, all_or_none_and_what_is_no_file_of_the_tool_is_refused) {
  ASSERT_TRUE(put(state, named("ANY", "/b", "mine"), "mine"));
  auto reply = wiremock(json::parse(R"([{"request":{"urlPath":"/a"},"response":{}},{"request":{"urlPath":"/b"},"response":{}}])"));
  EXPECT_EQ(reply.value("where", ""), "/1") << reply;
  EXPECT_EQ(state.size(), 1U);
  for (const auto* text : {"", "[", "7", "{}", R"({"mappings":7})", "\xff"})
    EXPECT_FALSE(read_wiremock(text, false)) << text;
  for (const auto* text :
       {"", "[]", "{}", R"({"item":7})", R"({"info":{"schema":"https://schema.getpostman.com/json/collection/v1.0.0/"},"item":[]})"})
    EXPECT_FALSE(read_postman(text, false)) << text;
  for (const auto* text : {"", "[]", "{}", R"({"log":{}})", R"({"log":{"entries":{}}})"})
    EXPECT_FALSE(read_har(text, false, "")) << text;
  EXPECT_TRUE(read_har(R"({"log":{"entries":[]}})", false, ""));
}

// -- Postman -------------------------------------------------------------------------------

TEST_F(translated, saved_examples_of_postman_answer) {
  auto reply = put_all(read_postman(R"({"info":{"name":"Shop","schema":"https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
    "variable":[{"key":"base","value":"https://api.example.com/v1"}],
    "item":[{"name":"Pets","item":[
      {"name":"One pet","request":{"method":"GET","url":{"raw":"{{base}}/pets/:id?full=true&token=abcdef","host":["{{base}}"],"path":["pets",":id"],
         "query":[{"key":"full","value":"true"},{"key":"off","value":"1","disabled":true},{"key":"token","value":"abcdef"}]}},
       "response":[
        {"name":"Found","code":200,"header":[{"key":"Content-Type","value":"application/json"},{"key":"Set-Cookie","value":"sid=secret"}],"body":"{\"id\":7,\"access_token\":\"secret-1\"}"},
        {"name":"Gone","code":404,"body":"no"},
        {"name":"Gone for good","code":404,"body":"never"}]},
      {"name":"No example","request":{"method":"GET","url":"https://x/y"}}]}]})",
                                    false));
  ASSERT_EQ(reply.value("created", 0), 3) << reply;
  EXPECT_EQ(reply["endpoints"][0]["path"], "/v1/pets/{id}");
  EXPECT_EQ(got(get("/v1/pets/9?full=true&token=zzzzzz")), R"({"id":7,"access_token":"redacted"})");
  EXPECT_EQ(got(get("/v1/pets/9?full=true", {{"x-mock-response-code", "404"}})), "no");
  EXPECT_EQ(got(get("/v1/pets/9?full=true", {{"x-mock-response-name", "Gone for good"}})), "never");
  EXPECT_EQ(answer(state, get("/v1/pets/9")).status, 404U);
  std::string pointers;
  for (const auto& w : warnings)
    pointers += w["pointer"].get<std::string>() + ' ';
  EXPECT_EQ(pointers, "/item/0/item/0/response/0/header /item/0/item/0/response/0/body /item/0/item/1 ") << warnings;
  for (const auto* e : state.list("", 10))
    EXPECT_EQ(to_json(*e).find("secret"), std::string::npos);
  EXPECT_EQ(put_all(read_postman(R"({"item":[{"request":{"method":"GET","url":"{{host}}/a/{{x}}/b"},"response":[{"code":200,"body":"b"}]}]})",
                                 false))["endpoints"][0]["path"],
            "/a/{x}/b");
  put_all(read_postman(R"({"item":[{"request":{"method":"GET","url":"https://x/v"},"response":[{"code":200,"body":"{\"id\":\"{{$guid}}\"}"}]}]})", false));
  ASSERT_EQ(warnings.size(), 1U) << warnings;
  EXPECT_EQ(warnings[0]["pointer"], "/item/0/response/0/body");
}

// -- HAR -----------------------------------------------------------------------------------

TEST_F(translated, entries_of_an_archive_answer) {
  constexpr auto har = R"({"log":{"version":"1.2","entries":[
    {"request":{"method":"GET","url":"https://user:pw@api.example.com/pets?kind=dog&kind=cat&api_key=secret-key#x","headers":[{"name":"Authorization","value":"Bearer secret-bearer"}]},
     "response":{"status":200,"headers":[{"name":"content-encoding","value":"gzip"},{"name":"set-cookie","value":"sid=secret-sid"},{"name":"X-A","value":"b"}],
                 "content":{"mimeType":"application/json","text":"WzFd","encoding":"base64"}}},
    {"request":{"method":"POST","url":"https://api.example.com/pets","postData":{"mimeType":"application/json","text":"{\"n\":1}"}},"response":{"status":201,"headers":[],"content":{"mimeType":"text/plain","text":"one"}}},
    {"request":{"method":"POST","url":"https://api.example.com/pets","postData":{"mimeType":"application/json","text":"{\"n\":2}"}},"response":{"status":201,"headers":[],"content":{"mimeType":"text/plain","text":"two"}}},
    {"request":{"method":"GET","url":"https://api.example.com/logo.png"},"response":{"status":200,"headers":[],"content":{"mimeType":"image/png","text":"iVBORw0KGgo=","encoding":"base64"}}},
    {"request":{"method":"GET","url":"https://other.example.com/x"},"response":{"status":304,"headers":[],"content":{}}},
    {"request":{"method":"GET","url":"wss://api.example.com/x"},"response":{"status":200,"headers":[],"content":{}}},
    {}]}})";
  auto reply = put_all(read_har(har, false, ""));
  ASSERT_EQ(reply.value("created", 0), 3) << reply;
  auto a = answer(state, get("/pets?kind=cat&kind=dog&api_key=another"));
  EXPECT_EQ(a.body, "[1]");
  EXPECT_EQ(header(a, "Content-Type"), "application/json");
  EXPECT_EQ(header(a, "X-A"), "b");
  EXPECT_EQ(header(a, "Set-Cookie"), "");
  EXPECT_EQ(got(post("/pets", R"({"n":2})")), "two");
  EXPECT_EQ(got(post("/pets", R"({"n":1})")), "one");
  EXPECT_EQ(warnings.size(), 5U) << warnings;
  for (const auto* e : state.list("", 10))
    EXPECT_EQ(to_json(*e).find("secret"), std::string::npos) << to_json(*e);
  state = {};
  EXPECT_EQ(put_all(read_har(har, false, "OTHER.example.com"))["created"], 0);
  EXPECT_EQ(put_all(read_har(har, false, "nowhere"))["where"], "host");
  EXPECT_EQ(put_all(read_har(har, true, "api.example.com"))["where"], "/log/entries/5") << "strict";
}

} // namespace
