#include "support.hpp"

#include "mock/openapi.hpp"

#include <cmath>

#include <nlohmann/json.hpp>

namespace {
using namespace hourglass::mock;
using hourglass::events::errc;
namespace events = hourglass::events;
using json = nlohmann::json;

struct imported : testing::Test {
  endpoint_state state;

  json import(std::string text, std::uint8_t chance = 1) {
    auto r = run(state, endpoint_command{import_openapi{std::move(text)}}, at_moment(chance));
    EXPECT_TRUE(r) << r.error().detail << " at " << r.error().where;
    return r ? json::parse(*r) : json{};
  }
  response got(std::string target, fields headers = {}) { return answer(state, get(std::move(target), std::move(headers))); }
};

/// One GET /x whose 200 has `media` as its application/json.
std::string with_media(const std::string& media, const std::string& more = "") {
  return R"({"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{"/x":{"get":{"responses":{"200":{"content":{"application/json":)" + media +
         "}}}}}}" + more + "}";
}

std::string with_schema(const std::string& schema, const std::string& schemas = "{}") {
  return with_media(R"({"schema":)" + schema + "}", R"(,"components":{"schemas":)" + schemas + "}");
}

struct generated : imported {
  json value(const std::string& schema, const std::string& schemas = "{}") {
    import(with_schema(schema, schemas));
    return json::parse(got("/x").body);
  }
};

// -- examples ------------------------------------------------------------------------

TEST_F(imported, a_media_type_s_example_wins_over_the_schema_s) {
  import(with_media(R"({"example":{"b":1,"a":2},"schema":{"type":"object","example":{"c":3}}})"));
  EXPECT_EQ(got("/x").body, R"({"b":1,"a":2})");
}

TEST_F(imported, an_example_object_gives_its_value_whatever_stands_beside_it) {
  import(with_media(R"({"examples":{"one":{"summary":"s","value":{"n":1},"x-github-breaking-changes":[]},"two":{"$ref":"#/components/examples/E"}}})",
                    R"(,"components":{"examples":{"E":{"value":{"n":2},"x-more":1}}})"));
  EXPECT_EQ(got("/x").body, R"({"n":1})");
  auto two = got("/x", {{"Prefer", "example=two"}});
  EXPECT_EQ(two.body, R"({"n":2})");
  auto none = got("/x", {{"Prefer", "example=three"}});
  EXPECT_EQ(none.status, 404U);
  EXPECT_NE(none.body.find("one, two"), std::string::npos);
}

TEST_F(imported, an_external_example_is_left_out_with_a_warning) {
  auto reply = import(with_media(R"({"examples":{"one":{"externalValue":"http://x/y"}},"schema":{"type":"integer","example":5}})"));
  EXPECT_EQ(got("/x").body, "5");
  EXPECT_EQ(reply["warnings"].size(), 1U);
}

// -- choice of the answer --------------------------------------------------------------

constexpr auto choices = R"({"openapi":"3.1.0","paths":{"/x":{"get":{"responses":{
  "404":{"content":{"application/json":{"example":"lost"}}},
  "202":{"content":{"application/json":{"example":"later"},"application/xml":{"example":"<later/>"}}},
  "201":{"content":{"application/json":{"example":"made"}}},
  "5XX":{"content":{"application/json":{"example":"broken"}}},
  "default":{"content":{"application/json":{"example":"other"}}}}}},
  "/only-default":{"get":{"responses":{"default":{"content":{"text/plain":{"example":"d"}}}}}},
  "/only-error":{"get":{"responses":{"418":{"content":{"text/plain":{"example":"tea"}}}}}}}})";

TEST_F(imported, without_a_wish_the_lowest_success_answers) {
  import(choices);
  EXPECT_EQ(got("/x").status, 201U);
  EXPECT_EQ(got("/x").body, "\"made\"");
  EXPECT_EQ(got("/only-default").status, 200U);
  EXPECT_EQ(got("/only-error").status, 418U);
}

TEST_F(imported, prefer_chooses_the_code_by_exact_then_range_then_default) {
  import(choices);
  auto with = [&](std::string prefer) { return got("/x", {{"Prefer", std::move(prefer)}}); };
  EXPECT_EQ(with("code=404").body, "\"lost\"");
  EXPECT_EQ(with("code=503").status, 503U);
  EXPECT_EQ(with("code=503").body, "\"broken\"");
  EXPECT_EQ(with("code=403").body, "\"other\"");
  EXPECT_EQ(with("code=403").status, 403U);
  EXPECT_EQ(with("respond-async, wait=5, code=\"404\"").status, 404U) << "RFC 7240: a list, quoted values, unknown ones ignored";
  EXPECT_EQ(with("code=404, code=503").status, 404U) << "of repeated preferences the first counts";
  for (auto bad : {"code=", "code=4", "code=999", "code=101", "code=abc", "code=4040"})
    EXPECT_EQ(with(bad).status, 400U) << bad;
  EXPECT_EQ(got("/only-error", {{"Prefer", "code=200"}}).status, 404U);
  EXPECT_EQ(got("/x", {{"Prefer", "wait=1"}, {"prefer", "code=404"}}).status, 404U);
}

TEST_F(imported, accept_chooses_the_media_type) {
  import(choices);
  auto with = [&](std::string accept) { return got("/x", {{"Prefer", "code=202"}, {"Accept", std::move(accept)}}); };
  EXPECT_EQ(with("application/xml").body, "<later/>");
  EXPECT_EQ(header(with("application/xml"), "Content-Type"), "application/xml");
  EXPECT_EQ(with("*/*").body, "\"later\"");
  EXPECT_EQ(with("application/json;q=0.5, application/xml;q=0.9").body, "<later/>");
  EXPECT_EQ(with("application/xml;q=0, */*").body, "\"later\"");
  EXPECT_EQ(with("application/*").body, "\"later\"");
  EXPECT_EQ(with("image/png").status, 406U);
  EXPECT_EQ(with("application/json;q=0").status, 406U);
  EXPECT_EQ(with("").status, 202U);
}

TEST_F(imported, an_unknown_request_body_type_is_415) {
  import(R"({"openapi":"3.0.0","paths":{"/x":{"post":{"requestBody":{"content":{"application/json":{},"application/xml":{}}},"responses":{"204":{}}}}}})");
  EXPECT_EQ(answer(state, post("/x", "{}")).status, 204U);
  EXPECT_EQ(answer(state, post("/x", "{}", "text/csv")).status, 415U);
}

// -- documents ---------------------------------------------------------------------------

TEST_F(imported, the_first_servers_path_is_the_project_root) {
  const std::pair<const char*, const char*> cases[] = {{"https://a.example/v1/", "/v1/x"}, {"https://a.example", "/x"}, {"/api/v3", "/api/v3/x"},
                                                       {"//h/p?q#f", "/p/x"},              {"", "/x"},                  {"{scheme}://h/{base}", "/b/x"}};
  for (auto [url, target] : cases) {
    import(R"({"openapi":"3.0.0","servers":[{"url":")" + std::string{url} +
           R"(","variables":{"scheme":{"default":"http"},"base":{"default":"b"}}}],"paths":{"/x":{"get":{"responses":{"204":{}}}}}})");
    EXPECT_EQ(got(target).status, 204U) << url;
  }
}

TEST_F(imported, a_documents_paths_also_work_without_the_base_path_of_its_servers) {
  import(R"({"openapi":"3.0.0","servers":[{"url":"https://a.example/v1"}],"paths":{"/x":{"get":{"responses":{"204":{}}}},
    "/x/{id}":{"get":{"responses":{"202":{}}}}}})");
  EXPECT_EQ(got("/x").status, 204U);
  EXPECT_EQ(got("/x/7").status, 202U);
  EXPECT_EQ(answer(state, post("/x", "{}")).status, 405U);
  EXPECT_EQ(got("/y").status, 404U);
  // What is there under the plain path goes first.
  ASSERT_TRUE(put(state, named("GET", "/x", "hand"), "ep_hand"));
  EXPECT_EQ(got("/x").body, "hand");
  EXPECT_EQ(got("/v1/x").status, 204U);
  // The next document has other servers.
  import(R"({"openapi":"3.0.0","servers":[{"url":"/v2"}],"paths":{"/z":{"get":{"responses":{"204":{}}}}}})", 2);
  EXPECT_EQ(got("/z").status, 204U);
  EXPECT_EQ(got("/x/7").status, 404U);
}

TEST_F(imported, a_second_import_replaces_the_first_keeps_ids_and_spares_what_is_hand_made) {
  ASSERT_TRUE(put(state, named("GET", "/hand", "hand"), "ep_hand"));
  import(R"({"openapi":"3.0.0","paths":{"/a":{"get":{"operationId":"getA","responses":{"204":{}}}},"/b":{"get":{"responses":{"204":{}}}}}})", 1);
  std::string id;
  for (const auto* e : state.list("", 10))
    if (e->name == "getA")
      id = e->id;
  import(R"({"openapi":"3.0.0","paths":{"/c":{"get":{"responses":{"204":{}}}},"/a":{"get":{"operationId":"getA","responses":{"200":{}}}}}})", 2);
  EXPECT_EQ(state.size(), 3U);
  ASSERT_NE(state.find(id), nullptr);
  EXPECT_EQ(state.find(id)->path, "/a");
  EXPECT_EQ(got("/b").status, 404U);
  EXPECT_EQ(got("/hand").body, "hand");
}

TEST_F(imported, a_hand_made_endpoint_wins_over_an_imported_one_of_the_same_route) {
  import(R"({"openapi":"3.0.0","paths":{"/a/{x}":{"get":{"responses":{"204":{}}}}}})");
  ASSERT_TRUE(put(state, named("GET", "/a/{y}", "hand"), "ep_hand"));
  EXPECT_EQ(got("/a/1").body, "hand");
  ASSERT_TRUE(run(state, endpoint_command{remove_endpoint{"ep_hand"}}));
  EXPECT_EQ(got("/a/1").status, 204U);
}

TEST_F(imported, what_an_operation_calls_back_is_a_webhook_too) {
  auto reply = import(R"({"openapi":"3.0.0","paths":{"/jobs":{"post":{"responses":{"202":{"description":"x"}},"callbacks":{
      "job.done":{"{$request.body#/url}":{"post":{"summary":"it is done","requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Job"}}}}}}},
      "job.shared":{"$ref":"#/components/callbacks/Shared"},"twice":{"x":{"post":{}}},"broken":7}}}},
    "webhooks":{"twice":{"post":{"description":"this one","requestBody":{"content":{"application/json":{"example":2}}}}}},
    "components":{"schemas":{"Job":{"type":"object","required":["id"],"properties":{"id":{"type":"integer","example":7}}}},
      "callbacks":{"Shared":{"{$request.query.u}":{"post":{"requestBody":{"content":{"application/json":{"example":{"a":1}}}}}}}}}})");
  ASSERT_EQ(reply["webhooks"].size(), 3U) << reply["webhooks"];
  EXPECT_EQ(reply["webhooks"][0]["name"], "twice");
  EXPECT_EQ(reply["webhooks"][0]["example"], 2);
  EXPECT_EQ(reply["webhooks"][1]["name"], "job.done");
  EXPECT_EQ(reply["webhooks"][1]["description"], "it is done");
  EXPECT_EQ(reply["webhooks"][1]["example"]["id"], 7);
  EXPECT_EQ(reply["webhooks"][2]["example"]["a"], 1);
  bool told = false;
  for (const auto& w : reply["warnings"])
    told = told || w["pointer"] == "/paths/~1jobs/post/callbacks/broken";
  EXPECT_TRUE(told) << reply["warnings"];
}

TEST_F(imported, values_may_be_made_of_the_schemas_alone) {
  import_openapi what{with_media(R"({"example":{"name":"of the document"},"schema":{"type":"object","required":["name","kind"],"properties":{"name":{"type":"string","example":"of the schema"},"kind":{"const":"cat"}}}})")};
  what.generated = true;
  ASSERT_TRUE(run(state, endpoint_command{std::move(what)}));
  auto made = json::parse(got("/x").body);
  EXPECT_NE(made["name"], "of the document");
  EXPECT_NE(made["name"], "of the schema");
  EXPECT_EQ(made["kind"], "cat");
}

TEST_F(imported, webhooks_come_with_an_example) {
  auto reply = import(R"({"openapi":"3.1.0","webhooks":{"pet.created":{"post":{"description":"d","requestBody":{"content":{"application/json":
    {"schema":{"$ref":"#/components/schemas/P"}}}}}}},"components":{"schemas":{"P":{"type":"object","properties":{"id":{"const":7}}}}}})");
  ASSERT_EQ(reply["webhooks"].size(), 1U);
  EXPECT_EQ(reply["webhooks"][0]["name"], "pet.created");
  EXPECT_EQ(reply["webhooks"][0]["description"], "d");
  EXPECT_EQ(reply["webhooks"][0]["example"]["id"], 7);
}

TEST_F(imported, an_operation_that_cannot_be_routed_is_left_out_with_a_warning) {
  auto reply = import(R"({"openapi":"3.0.0","paths":{"/ok":{"get":{}},"/a{x}{y}":{"get":{"responses":{}}},"//q":{"get":{}},"/o/{a}":{"get":{}},
    "/o/{b}":{"get":{}},"/r":{"$ref":"http://elsewhere/#"},"/s":{"get":[]}}})");
  EXPECT_EQ(reply["endpoints"], 2);
  EXPECT_GE(reply["warnings"].size(), 5U);
  EXPECT_EQ(got("/ok").status, 200U);
}

// -- generated values ----------------------------------------------------------------------

TEST_F(generated, numbers_at_the_end_of_their_range_are_numbers_still) {
  for (const auto* schema : {R"({"type":"number","minimum":1e308,"multipleOf":1e-10})", R"({"type":"number","minimum":1e308,"multipleOf":1e-300})",
                             R"({"type":"number","maximum":-1e308,"multipleOf":0.001})", R"({"type":"number","minimum":-1e308,"maximum":1e308})",
                             R"({"type":"number","minimum":-1e308,"maximum":1e308,"multipleOf":1e-5})", R"({"type":"integer","minimum":1e308})",
                             R"({"type":"number","minimum":1e308,"multipleOf":1.7e308})", R"({"type":"number","exclusiveMinimum":1.7e308})"}) {
    const auto n = value(schema);
    ASSERT_TRUE(n.is_number()) << schema << ": " << n;
    EXPECT_TRUE(std::isfinite(n.get<double>())) << schema << ": " << n;
  }
  EXPECT_EQ(value(R"({"type":"number","minimum":1e308,"multipleOf":1e-10})"), 1e308);
}

TEST_F(generated, scalars_fit_their_schema) {
  EXPECT_EQ(value(R"({"type":"string","enum":["a","b"]})"), "a");
  EXPECT_EQ(value(R"({"const":{"k":1}})"), json::parse(R"({"k":1})"));
  EXPECT_EQ(value(R"({"type":"integer","default":42})"), 42);
  auto n = value(R"({"type":"integer","minimum":10,"exclusiveMinimum":true,"maximum":12,"exclusiveMaximum":true})");
  EXPECT_EQ(n, 11);
  EXPECT_EQ(value(R"({"type":"integer","exclusiveMinimum":4,"exclusiveMaximum":6})"), 5);
  EXPECT_EQ(value(R"({"type":"integer","minimum":10,"maximum":19,"multipleOf":7})"), 14);
  auto x = value(R"({"type":"number","minimum":0.25,"maximum":0.26})");
  EXPECT_GE(x, 0.25);
  EXPECT_LE(x, 0.26);
  EXPECT_LE(value(R"({"type":"integer","maximum":-5})"), -5);
  EXPECT_TRUE(value(R"({"type":"boolean"})").is_boolean());
  auto s = value(R"({"type":"string","minLength":40,"maxLength":41})").get<std::string>();
  EXPECT_GE(s.size(), 40U);
  EXPECT_LE(s.size(), 41U);
  EXPECT_EQ(value(R"({"type":"string","maxLength":0})"), "");
  EXPECT_TRUE(value(R"({"type":["null","integer"]})").is_number());
  EXPECT_TRUE(value(R"({"type":"null"})").is_null());
  EXPECT_TRUE(events::parse_rfc3339(value(R"({"type":"string","format":"date-time"})").get<std::string>()));
  EXPECT_EQ(value(R"({"type":"string","format":"uuid"})").get<std::string>().size(), 36U);
  EXPECT_NE(value(R"({"type":"string","format":"email"})").get<std::string>().find('@'), std::string::npos);
}

TEST_F(generated, objects_have_all_that_is_required_and_nothing_write_only) {
  auto v = value(R"({"type":"object","required":["a","z"],"properties":{"a":{"type":"integer"},"p":{"type":"string","writeOnly":true},"b":{"type":"string"}}})");
  EXPECT_TRUE(v.contains("a") && v.contains("b") && v.contains("z"));
  EXPECT_FALSE(v.contains("p"));
  auto m = value(R"({"type":"object","additionalProperties":{"type":"integer"},"minProperties":3})");
  EXPECT_EQ(m.size(), 3U);
}

TEST_F(generated, all_of_is_one_object_and_its_parts_examples_are_not_the_whole) {
  auto v = value(R"({"allOf":[{"$ref":"#/components/schemas/A"},{"required":["b"],"properties":{"b":{"type":"integer"}}}]})",
                 R"({"A":{"type":"object","example":{"a":"from-a"},"properties":{"a":{"type":"string"}}}})");
  EXPECT_TRUE(v["a"].is_string());
  EXPECT_TRUE(v["b"].is_number());
}

TEST_F(generated, the_first_alternative_that_works_is_taken_with_its_discriminator) {
  auto v = value(R"({"oneOf":[{"$ref":"#/components/schemas/Cat"},{"type":"integer"}],"discriminator":{"propertyName":"kind","mapping":{"cat":"#/components/schemas/Cat"}}})",
                 R"({"Cat":{"type":"object","required":["kind"],"properties":{"kind":{"type":"string"}}}})");
  EXPECT_EQ(v["kind"], "cat");
  EXPECT_TRUE(value(R"({"anyOf":[{"type":"null"},{"type":"integer"}]})").is_number());
  EXPECT_EQ(value(R"({"anyOf":[{"$ref":"#/components/schemas/Loop"},{"const":1}]})",
                  R"({"Loop":{"type":"object","required":["l"],"properties":{"l":{"$ref":"#/components/schemas/Loop"}}}})"),
            1)
    << "an alternative that never ends is none";
}

TEST_F(generated, recursion_is_cut_where_the_schema_allows_it) {
  auto tree = R"({"T":{"type":"object","required":["name","kids"],"properties":{"name":{"type":"string"},"up":{"$ref":"#/components/schemas/T"},
    "kids":{"type":"array","items":{"$ref":"#/components/schemas/T"}}}}})";
  auto v = value(R"({"$ref":"#/components/schemas/T"})", tree);
  EXPECT_TRUE(v["name"].is_string());
  EXPECT_FALSE(v.contains("up"));
  EXPECT_EQ(v["kids"], json::array());
  EXPECT_TRUE(value(R"({"$ref":"#/components/schemas/A"})", R"({"A":{"$ref":"#/components/schemas/B"},"B":{"$ref":"#/components/schemas/A"}})").is_null());
  EXPECT_TRUE(value(R"({"$ref":"#/components/schemas/A"})", R"({"A":{"allOf":[{"$ref":"#/components/schemas/A"}]}})").is_null());
}

TEST_F(generated, a_base_that_two_parts_share_is_laid_out_once) {
  const auto schemas = R"({"Base":{"type":"object","required":["id"],"properties":{"id":{"type":"integer"}}},
    "More":{"allOf":[{"$ref":"#/components/schemas/Base"},{"type":"object","required":["more"],"properties":{"more":{"type":"boolean"}}}]},
    "Cat":{"allOf":[{"$ref":"#/components/schemas/Base"},{"type":"object","required":["claws"],"properties":{"claws":{"type":"boolean"}}}]},
    "Loop":{"allOf":[{"$ref":"#/components/schemas/Base"},{"$ref":"#/components/schemas/Loop"}]}})";
  auto both = value(R"({"allOf":[{"$ref":"#/components/schemas/Base"},{"$ref":"#/components/schemas/More"}]})", schemas);
  EXPECT_TRUE(both["id"].is_number_integer());
  EXPECT_EQ(both["more"], true);
  auto chosen = value(R"({"allOf":[{"$ref":"#/components/schemas/Base"},{"oneOf":[{"$ref":"#/components/schemas/Cat"},{"type":"integer"}]}]})", schemas);
  EXPECT_TRUE(chosen["id"].is_number_integer());
  EXPECT_EQ(chosen["claws"], true);
  auto members = value(R"({"allOf":[{"type":"object","properties":{"m":{"$ref":"#/components/schemas/Base"}}},
    {"type":"object","required":["m"],"properties":{"m":{"$ref":"#/components/schemas/More"}}}]})", schemas);
  EXPECT_EQ(members["m"]["more"], true);
  EXPECT_TRUE(value(R"({"$ref":"#/components/schemas/Loop"})", schemas).is_null());
}

TEST_F(generated, arrays_keep_their_bounds) {
  EXPECT_EQ(value(R"({"type":"array","items":{"type":"integer"},"minItems":3})").size(), 3U);
  EXPECT_EQ(value(R"({"type":"array","items":{"type":"integer"},"maxItems":0})").size(), 0U);
  auto e = value(R"({"type":"array","uniqueItems":true,"minItems":2,"items":{"enum":["a","b"]}})");
  EXPECT_NE(e[0], e[1]);
  EXPECT_EQ(value(R"({"prefixItems":[{"const":1},{"const":2}],"items":false})"), json::parse("[1,2]"));
  EXPECT_EQ(value(R"({"items":[{"const":1},{"const":2}]})"), json::parse("[1,2]")) << "as before 2020-12";
  EXPECT_EQ(value(R"({"items":[{"const":1}],"additionalItems":{"const":3},"minItems":3})"), json::parse("[1,3,3]"));
}

TEST_F(generated, the_same_seed_gives_the_same_bytes) {
  auto doc = with_schema(R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string","format":"uuid"}}})");
  import(doc, 1);
  auto one = got("/x").body;
  import(doc, 2);
  auto two = got("/x").body;
  import(doc, 1);
  EXPECT_EQ(got("/x").body, one);
  EXPECT_NE(one, two);
}

TEST_F(generated, exploding_schemas_end_within_the_limits) {
  std::string wide = "{";
  for (int i = 0; i < 12; ++i) {
    wide += (i > 0 ? "," : "") + std::string{"\"L"} + std::to_string(i) + R"(":{"type":"object","required":["x","y"],"properties":{)";
    for (int p = 0; p < 8; ++p)
      wide += (p > 0 ? ",\"" : "\"") + std::string{"p"} + std::to_string(p) + R"(":{"$ref":"#/components/schemas/L)" + std::to_string(i + 1) + "\"}";
    wide += "}}";
  }
  wide += R"(,"L12":{"type":"string"}})";
  import(with_schema(R"({"$ref":"#/components/schemas/L0"})", wide));
  EXPECT_LT(got("/x").body.size(), 1'000'000U);
}

// -- real documents --------------------------------------------------------------------------

/// A request for every operation: parameters replaced by a word.
std::string some_target(const endpoint& e) {
  std::string out;
  bool inside = false;
  for (char c : e.full_path()) {
    if (c == '{')
      out += "x1";
    inside = (inside || c == '{') && c != '}';
    if (!inside && c != '}')
      out += c;
  }
  return out;
}

struct real_documents : testing::TestWithParam<std::pair<const char*, std::size_t>> {};

TEST_P(real_documents, import_and_every_operation_answers) {
  auto text = real_document(GetParam().first);
  if (text.empty())
    GTEST_SKIP() << "no " << GetParam().first << " beside the checkout";
  endpoint_state state;
  import_openapi import{text};
  import.state = state_mode::off; // the examples are what is asked for
  auto r = run(state, endpoint_command{std::move(import)});
  ASSERT_TRUE(r) << r.error().detail << " at " << r.error().where;
  EXPECT_GE(state.size(), GetParam().second);
  for (const auto* e : state.list("", 100'000)) {
    auto req = get(some_target(*e));
    req.method = e->method;
    auto a = answer(state, req);
    EXPECT_LT(a.status, 400U) << e->method << ' ' << e->full_path();
    if (header(a, "Content-Type") == "application/json") {
      EXPECT_FALSE(json::parse(a.body, nullptr, false).is_discarded()) << e->full_path();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(all, real_documents,
                         testing::Values(std::pair{"petstore.yaml", std::size_t{19}}, std::pair{"museum.yaml", std::size_t{8}},
                                         std::pair{"box.json", std::size_t{270}}, std::pair{"openai.json", std::size_t{280}},
                                         std::pair{"stripe-2023-09-12.spec3.yaml", std::size_t{468}}),
                         [](const auto& p) { return std::string{p.param.first}.substr(0, std::string{p.param.first}.find_first_of(".-")); });

TEST_F(imported, museum_answers_with_its_own_examples_and_declares_its_webhook) {
  auto text = real_document("museum.yaml");
  if (text.empty())
    GTEST_SKIP() << "no museum.yaml beside the checkout";
  auto reply = import(text);
  ASSERT_EQ(reply["webhooks"].size(), 1U);
  EXPECT_EQ(reply["webhooks"][0]["name"], "publishNewEvent");
  const auto* any = state.list("", 1).front();
  auto hours = json::parse(got(any->project_root + "/museum-hours").body);
  EXPECT_EQ(hours[0]["date"], "2023-09-11");
}

TEST_F(imported, petstore_answers_with_its_own_examples) {
  auto text = real_document("petstore.yaml");
  if (text.empty())
    GTEST_SKIP() << "no petstore.yaml beside the checkout";
  import(text);
  auto pet = json::parse(got("/api/v3/pet/10").body);
  EXPECT_EQ(pet["id"], 10);
  EXPECT_EQ(pet["name"], "doggie");
}

} // namespace
