// Requests held against the document that their endpoints were imported from.
#include "support.hpp"

#include "mock/compiled.hpp"
#include "mock/parameter.hpp"

#include <gtest/gtest.h>

namespace hourglass::mock {

namespace {

json_value json(std::string_view text) {
  auto v = parse_json(text);
  EXPECT_TRUE(v) << text;
  return v ? std::move(*v) : json_value{};
}

std::string document(const std::string& operation, const std::string& schemas = "{}", const std::string& version = "3.0.3", const std::string& path = "/pets/{id}") {
  return R"({"openapi":")" + version + R"(","info":{"title":"t","version":"1"},"paths":{")" + path + R"(":{"post":)" + operation +
         R"(}},"components":{"schemas":)" + schemas + "}}";
}

struct checked : testing::Test {
  endpoint_state state;
  std::string reply;

  void import(const std::string& text, validation_mode mode = validation_mode::enforce) {
    import_openapi command{text, {}};
    command.validation = mode;
    auto r = run(state, endpoint_command{command});
    ASSERT_TRUE(r) << r.error().detail << " at " << r.error().where;
    reply = *r;
  }
  response sent(const request& r) { return answer(state, r); }
};

std::string operation(const std::string& parameters, const std::string& more = {}) {
  return R"({"parameters":)" + parameters + more + R"(,"responses":{"200":{"description":"ok","content":{"application/json":{"example":{"fine":true}}}}}})";
}

std::string with_body(const std::string& schema, const std::string& media = "application/json", const std::string& required = "true") {
  return operation("[]", R"(,"requestBody":{"required":)" + required + R"(,"content":{")" + media + R"(":{"schema":)" + schema + "}}}");
}

TEST_F(checked, a_parameter_of_the_wrong_type_is_refused_with_location_rule_and_message) {
  import(document(operation(R"([{"name":"id","in":"path","required":true,"schema":{"type":"integer","minimum":1}}])")));
  EXPECT_EQ(sent(post("/pets/7", "")).status, 200U);
  auto r = sent(post("/pets/x", ""));
  EXPECT_EQ(r.status, 422U);
  EXPECT_EQ(*find(r.headers, "content-type"), "application/problem+json");
  auto problem = json(r.body);
  EXPECT_EQ(problem.string_member("type"), "/problems/invalid-request");
  EXPECT_EQ(to_text(*problem.member("validation")),
            R"([{"location":["path","id"],"pointer":"","rule":"type","schema":"#/paths/~1pets~1{id}/post/parameters/0/schema/type","message":"must be an integer, is a string"}])");
  EXPECT_NE(sent(post("/pets/0", "")).body.find("must be at least 1, is `0`"), std::string::npos);
}

TEST_F(checked, formats_are_rules_and_int32_and_int64_are_ranges) {
  import(document(operation(R"([{"name":"id","in":"path","required":true,"schema":{"type":"integer","format":"int64"}},
    {"name":"n","in":"query","schema":{"type":"integer","format":"int32"}},{"name":"at","in":"query","schema":{"type":"string","format":"date-time"}},
    {"name":"odd","in":"query","schema":{"type":"string","format":"nobody-knows-it"}}])")));
  EXPECT_EQ(sent(post("/pets/9223372036854775807?n=-2147483648&at=2026-01-31T10:00:00Z&odd=x", "")).status, 200U);
  EXPECT_EQ(sent(post("/pets/9223372036854775808", "")).status, 422U);
  EXPECT_EQ(sent(post("/pets/-9223372036854775809", "")).status, 422U);
  EXPECT_EQ(sent(post("/pets/1?n=2147483648", "")).status, 422U);
  EXPECT_EQ(sent(post("/pets/1?n=1.5", "")).status, 422U);
  EXPECT_EQ(sent(post("/pets/1?at=2026-01-31T10:99:00Z", "")).status, 422U);
}

TEST_F(checked, what_was_imported_before_formats_were_rules_goes_on_without) {
  import_openapi command{document(operation(R"([{"name":"id","in":"path","required":true,"schema":{"type":"integer","format":"int32"}}])")), {}};
  command.validation = validation_mode::enforce;
  auto d = decide(state, endpoint_command{command}, at_moment());
  ASSERT_TRUE(d);
  auto payload = d->events.front().payload;
  const std::string formats = R"("formats":true,)";
  ASSERT_NE(payload.find(formats), std::string::npos) << payload;
  payload.erase(payload.find(formats), formats.size());
  ASSERT_TRUE(apply(state, d->events.front().kind, payload));
  EXPECT_EQ(sent(post("/pets/2147483648", "")).status, 200U);
  EXPECT_EQ(sent(post("/pets/x", "")).status, 422U);
}

TEST_F(checked, a_required_array_that_a_form_does_not_have_is_empty_and_one_value_is_an_array_of_one) {
  auto with = [&](const std::string& least) {
    import(document(with_body(R"({"type":"object","required":["name","urls"],"properties":{"name":{"type":"string"},"urls":{"type":"array")" + least +
                                R"(,"items":{"type":"string"}}}})",
                              "application/x-www-form-urlencoded")));
  };
  with("");
  EXPECT_EQ(sent(post("/pets/1", "name=x", "application/x-www-form-urlencoded")).status, 200U);
  EXPECT_EQ(sent(post("/pets/1", "name=x&urls=a", "application/x-www-form-urlencoded")).status, 200U);
  EXPECT_EQ(sent(post("/pets/1", "urls=a", "application/x-www-form-urlencoded")).status, 422U) << "a text that is not there is not empty";
  with(R"(,"minItems":1)");
  EXPECT_EQ(sent(post("/pets/1", "name=x", "application/x-www-form-urlencoded")).status, 422U);
  EXPECT_EQ(sent(post("/pets/1", "name=x&urls=a", "application/x-www-form-urlencoded")).status, 200U);
}

TEST_F(checked, an_array_where_an_object_belongs_harms_nobody) {
  for (const char* schema : {R"({"discriminator":[1]})", R"({"discriminator":[{"mapping":1}]})", R"({"properties":[1]})", R"({"allOf":{"a":[]}})", R"({"$defs":[[]]})"}) {
    import_openapi command{document(with_body(schema)), {}};
    (void)run(state, endpoint_command{command}); // taken or refused
  }
}

TEST_F(checked, a_schema_that_leads_back_to_itself_does_not_switch_off_the_check_of_another) {
  import(document(operation(R"([{"name":"p","in":"query","schema":{"$ref":"#/components/schemas/Pet"}}])",
                            R"(,"requestBody":{"required":true,"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Order"}}}})"),
                  R"({"Pet":{"oneOf":[{"$ref":"#/components/schemas/Cat"},{"$ref":"#/components/schemas/Dog"}]},
                      "Cat":{"allOf":[{"$ref":"#/components/schemas/Pet"}]},"Dog":{"allOf":[{"$ref":"#/components/schemas/Pet"}]},
                      "Order":{"type":"object","required":["n"],"properties":{"n":{"type":"integer"}}}})"));
  EXPECT_NE(reply.find("itself"), std::string::npos) << reply;
  EXPECT_EQ(sent(post("/pets/1", R"({"n":1})")).status, 200U);
  EXPECT_EQ(sent(post("/pets/1", R"({"n":"x"})")).status, 422U);
}

TEST_F(checked, all_expressions_together_are_bounded) {
  std::string properties;
  for (int i = 0; i < 600; ++i)
    properties += (i == 0 ? "" : ",") + std::string{"\"p"} + std::to_string(i) + R"(":{"type":"string","pattern":"[^a]{999}x)" + std::to_string(i) + "\"}";
  import(document(with_body(R"({"type":"object","properties":{)" + properties + "}}")));
  EXPECT_NE(reply.find("schema_regex_steps"), std::string::npos) << reply.substr(0, 2'000);
}

TEST_F(checked, a_required_parameter_may_not_be_missing) {
  import(document(operation(R"([{"name":"q","in":"query","required":true,"schema":{"type":"string"}},{"name":"X-Trace","in":"header","required":true,"schema":{"type":"string"}},
    {"name":"sid","in":"cookie","required":true,"schema":{"type":"string","minLength":2}}])")));
  auto r = json(sent(post("/pets/1", "")).body);
  ASSERT_EQ(r.member("validation")->items.size(), 3U);
  EXPECT_EQ(to_text(*r.member("validation")->items[1].member("location")), R"(["header","X-Trace"])");
  EXPECT_EQ(r.member("validation")->items[1].string_member("rule"), "required");
  auto request = post("/pets/1?q=a", "");
  request.headers.push_back({"x-trace", "t"});
  request.headers.push_back({"Cookie", "a=b; sid=xy"});
  EXPECT_EQ(sent(request).status, 200U);
}

TEST_F(checked, a_body_is_held_against_its_schema_and_its_references) {
  import(document(with_body(R"({"$ref":"#/components/schemas/Pet"})"),
                  R"({"Pet":{"type":"object","required":["name","id"],"properties":{"id":{"type":"integer","readOnly":true},"name":{"type":"string"},
                  "friends":{"type":"array","items":{"$ref":"#/components/schemas/Pet"}}}}})"));
  EXPECT_EQ(sent(post("/pets/1", R"({"name":"Tom","friends":[{"name":"Jerry"}]})")).status, 200U);
  auto r = sent(post("/pets/1", R"({"name":"Tom","friends":[{"name":5}]})"));
  EXPECT_EQ(r.status, 422U);
  EXPECT_EQ(to_text(*json(r.body).member("validation")),
            R"([{"location":["body","friends","0","name"],"pointer":"/friends/0/name","rule":"type","schema":"#/components/schemas/Pet/properties/name/type","message":"must be a string, is an integer"}])");
}

TEST_F(checked, what_only_a_server_sends_is_not_demanded_wherever_the_schema_says_so) {
  constexpr auto parts = R"({"Id":{"type":"integer"},"Sent":{"type":"integer","readOnly":true},
    "Base":{"type":"object","properties":{"id":{"allOf":[{"$ref":"#/components/schemas/Id"},{"readOnly":true}]},"n":{"type":"integer"}}},
    "Loop":{"allOf":[{"$ref":"#/components/schemas/Loop"}]}})";
  for (const char* schema : {R"({"required":["id","n"],"properties":{"id":{"$ref":"#/components/schemas/Id","readOnly":true}}})",
                             R"({"required":["id","n"],"properties":{"id":{"allOf":[{"$ref":"#/components/schemas/Sent"}]}}})",
                             R"({"required":["id","n"],"allOf":[{"$ref":"#/components/schemas/Base"}]})",
                             R"({"allOf":[{"$ref":"#/components/schemas/Base"},{"required":["id","n"]}]})",
                             R"({"allOf":[{"allOf":[{"required":["id","n"]}]},{"properties":{"id":{"$ref":"#/components/schemas/Sent"}}}]})"}) {
    import(document(with_body(schema), parts));
    EXPECT_EQ(sent(post("/pets/1", R"({"n":1})")).status, 200U) << schema;
    EXPECT_EQ(sent(post("/pets/1", R"({"id":1})")).status, 422U) << schema;
  }
  import(document(with_body(R"({"required":["id"],"properties":{"id":{"$ref":"#/components/schemas/Loop"}}})"), parts));
}

TEST_F(checked, a_body_that_is_no_json_is_refused_with_400_and_its_place) {
  import(document(with_body(R"({"type":"object"})")));
  auto r = sent(post("/pets/1", "{\"a\":\n1,}"));
  EXPECT_EQ(r.status, 400U);
  EXPECT_NE(r.body.find("(2:"), std::string::npos) << r.body;
}

TEST_F(checked, a_body_without_a_content_type_is_held_against_the_schema_all_the_same) {
  auto bare = [](std::string body) {
    auto r = post("/pets/1", std::move(body));
    r.headers.clear();
    return r;
  };
  for (const char* media : {"application/json", "application/vnd.pets+json", "*/*", "application/*"}) {
    import(document(with_body(R"({"type":"object","required":["n"]})", media)));
    EXPECT_EQ(sent(bare(R"({"m":1})")).status, 422U) << media;
    EXPECT_EQ(sent(bare(R"({"n":1})")).status, 200U) << media;
    EXPECT_EQ(sent(bare("n=1")).status, 400U) << media;
  }
  import(document(with_body(R"({"type":"object","required":["n"]})", "application/x-www-form-urlencoded")));
  EXPECT_EQ(sent(bare("m=1")).status, 422U);
  EXPECT_EQ(sent(bare("n=1")).status, 200U);
}

TEST_F(checked, a_required_body_may_not_be_missing) {
  import(document(with_body(R"({"type":"object"})")));
  EXPECT_EQ(sent(post("/pets/1", "")).status, 422U);
  import(document(with_body(R"({"type":"object"})", "application/json", "false")));
  EXPECT_EQ(sent(post("/pets/1", "")).status, 200U);
}

TEST_F(checked, the_status_is_400_where_the_document_has_that_and_no_422) {
  auto text = document(R"({"parameters":[{"name":"n","in":"query","schema":{"type":"integer"}}],"responses":{"200":{"description":"ok"},"400":{"description":"bad"}}})");
  import(text);
  EXPECT_EQ(sent(post("/pets/1?n=x", "")).status, 400U);
}

TEST_F(checked, a_form_is_read_as_its_schema_means_it) {
  import(document(with_body(R"({"type":"object","required":["amount"],"properties":{"amount":{"type":"integer"},"live":{"type":"boolean"},
    "expand":{"type":"array","items":{"type":"string"}},"metadata":{"type":"object","additionalProperties":{"type":"string"}},
    "lines":{"type":"array","items":{"type":"object","properties":{"price":{"type":"number"}}}},"tax":{"anyOf":[{"type":"string","enum":[""]},{"type":"integer"}]}},
    "additionalProperties":false})",
                            "application/x-www-form-urlencoded")));
  auto form = [&](std::string body) { return sent(post("/pets/1", std::move(body), "application/x-www-form-urlencoded")); };
  EXPECT_EQ(form("amount=5&live=true&expand[]=a&expand[]=b&metadata[k]=1&lines[0][price]=1.5&lines[1][price]=2&tax=").status, 200U);
  EXPECT_EQ(form("amount=5&expand=a").status, 200U);
  EXPECT_NE(form("amount=x").body.find(R"("location":["body","amount"])"), std::string::npos);
  EXPECT_NE(form("amount=1&lines[0][price]=much").body.find(R"("pointer":"/lines/0/price")"), std::string::npos);
  EXPECT_NE(form("amount=1&more=1").body.find("is a member that is not known"), std::string::npos);
  EXPECT_NE(form("live=true").body.find("must have the member `amount`"), std::string::npos);
}

TEST_F(checked, what_is_no_text_may_stand_in_a_form_as_json) {
  import(document(with_body(R"({"type":"object","properties":{"category":{"type":"object","properties":{"id":{"type":"integer"}}},"note":{"type":"string"},
    "tags":{"type":"array","items":{"type":"object","required":["id"],"properties":{"id":{"type":"integer"}}}},"urls":{"type":"array","items":{"type":"string"}}}})",
                            "application/x-www-form-urlencoded")));
  auto form = [&](std::string body) { return sent(post("/pets/1", std::move(body), "application/x-www-form-urlencoded")); };
  EXPECT_EQ(form("category=%7B%22id%22%3A1%7D").status, 200U);
  EXPECT_NE(form(R"(category={"id":"x"})").body.find(R"("pointer":"/category/id")"), std::string::npos);
  EXPECT_EQ(form(R"(category={"id":1)").status, 422U) << "no JSON: a text";
  EXPECT_EQ(form(R"(tags=[{"id":1},{"id":2}])").status, 200U) << "all of it";
  EXPECT_EQ(form(R"(tags={"id":1}&tags={"id":2})").status, 200U) << "or one after the other";
  EXPECT_EQ(form(R"(tags[]={"id":1}&tags[]={"id":2})").status, 200U);
  EXPECT_NE(form(R"(tags={"id":1}&tags={"no":2})").body.find(R"("pointer":"/tags/1")"), std::string::npos);
  EXPECT_EQ(form("tags=id&tags=name").status, 422U) << "names of members are no objects";
  EXPECT_EQ(form(R"(urls=["a"]&note={"id":1})").status, 200U) << "texts stay texts";
}

TEST_F(checked, faults_are_only_reported_if_that_is_wished) {
  auto text = document(operation(R"([{"name":"n","in":"query","schema":{"type":"integer"}}])"));
  import(text, validation_mode::report);
  auto r = sent(post("/pets/1?n=x", ""));
  EXPECT_EQ(r.status, 200U);
  ASSERT_NE(find(r.headers, "x-request-validation"), nullptr);
  EXPECT_EQ(*find(r.headers, "x-request-validation"), "1 fault: query.n must be an integer, is a string");
  EXPECT_EQ(find(sent(post("/pets/1?n=5", "")).headers, "x-request-validation"), nullptr);
  import(text, validation_mode::off);
  EXPECT_EQ(find(sent(post("/pets/1?n=x", "")).headers, "x-request-validation"), nullptr);
  EXPECT_TRUE(state.list("", 1).front()->demands.empty());
}

TEST_F(checked, the_rules_survive_a_snapshot) {
  import(document(with_body(R"({"$ref":"#/components/schemas/a b%25c"})"), R"({"a b%c":{"type":"object","required":["x"]}})"));
  auto text = snapshot(state);
  auto back = restore<endpoint_state>(text);
  ASSERT_TRUE(back);
  EXPECT_EQ(snapshot(*back), text);
  EXPECT_EQ(answer(*back, post("/pets/1", "{}")).status, 422U);
  EXPECT_EQ(answer(*back, post("/pets/1", R"({"x":1})")).status, 200U);
}

TEST_F(checked, openapi_3_1_is_draft_2020_12) {
  auto schema = R"({"type":["object","null"],"properties":{"a":{"const":1}},"unevaluatedProperties":false})";
  import(document(with_body(schema), "{}", "3.1.0"));
  EXPECT_EQ(sent(post("/pets/1", "null")).status, 200U);
  EXPECT_EQ(sent(post("/pets/1", R"({"a":2})")).status, 422U);
  EXPECT_EQ(sent(post("/pets/1", R"({"b":2})")).status, 422U);
}

TEST_F(checked, what_cannot_be_checked_is_a_warning_with_its_place) {
  import(document(with_body(R"~({"type":"object","properties":{"a":{"type":"string","pattern":"^(?!x)"},"b":{"$ref":"other.yaml#/X"}}})~")));
  EXPECT_NE(reply.find(R"("pointer":"/paths/~1pets~1{id}/post/requestBody/content/application~1json/schema/properties/a/pattern")"), std::string::npos) << reply;
  EXPECT_NE(reply.find("which is not among the documents"), std::string::npos) << reply;
  EXPECT_EQ(sent(post("/pets/1", R"({"a":"x","b":1})")).status, 200U);
  EXPECT_EQ(sent(post("/pets/1", R"({"a":1})")).status, 422U);
}

TEST_F(checked, an_endpoint_without_rules_has_nothing_to_check) {
  import(document(R"({"responses":{"200":{"description":"ok"}}})", "{}", "3.0.3", "/plain"));
  ASSERT_EQ(state.size(), 1U);
  auto p = route(state, post("/plain", "anything", "text/plain"));
  ASSERT_TRUE(p.endpoint);
  EXPECT_EQ(p.endpoint->check, nullptr);
}

// -- what it may cost -------------------------------------------------------------------------

std::string repeated(std::size_t n, const std::string& what, char between) {
  std::string out;
  for (std::size_t i = 0; i < n; ++i)
    out += (i == 0 ? "" : std::string{between}) + what;
  return out;
}

TEST_F(checked, more_parts_than_are_read_are_a_fault) {
  import(document(operation(R"([{"name":"q","in":"query","schema":{"type":"string"}},{"name":"X-L","in":"header","schema":{"type":"array","items":{"type":"integer"}}},
    {"name":"c","in":"cookie","schema":{"type":"string"}}])")));
  auto with = [](std::size_t pairs, std::size_t elements, std::size_t cookies) {
    auto r = post("/pets/1?" + repeated(pairs, "a=1", '&'), "");
    r.headers.push_back({"x-l", repeated(elements, "1", ',')});
    r.headers.push_back({"cookie", repeated(cookies, "a=1", ';')});
    return r;
  };
  EXPECT_EQ(sent(with(1'000, 1'000, 1'000)).status, 200U);
  for (const auto& [r, at] : {std::pair{with(1'001, 1, 1), R"(["query"])"}, {with(1, 1'001, 1), R"(["header","X-L"])"}, {with(1, 1, 1'001), R"(["cookie"])"}}) {
    auto answer = sent(r);
    EXPECT_EQ(answer.status, 422U) << at;
    EXPECT_EQ(to_text(*json(answer.body).member("validation")->items.front().member("location")), at);
    EXPECT_NE(answer.body.find("parameter_parts"), std::string::npos) << answer.body;
  }
  import(document(with_body(R"({"type":"object"})", "application/x-www-form-urlencoded")));
  EXPECT_EQ(sent(post("/pets/1", repeated(1'000, "a=1", '&'), "application/x-www-form-urlencoded")).status, 200U);
  EXPECT_EQ(sent(post("/pets/1", repeated(1'001, "a=1", '&'), "application/x-www-form-urlencoded")).status, 422U);
}

TEST_F(checked, reading_parameters_as_wide_schemas_mean_them_is_paid_for) {
  std::string wide;
  for (int i = 0; i < 300; ++i)
    wide += (i == 0 ? "" : ",") + std::string{R"({"type":"string","maxLength":)"} + std::to_string(i + 9) + "}";
  std::string members;
  std::string query;
  std::string parameters;
  for (int i = 0; i < 1'000; ++i) {
    members += (i == 0 ? "\"m" : ",\"m") + std::to_string(i) + R"(":{"$ref":"#/components/schemas/Wide"})";
    query += (i == 0 ? "m" : "&m") + std::to_string(i) + "=1";
  }
  for (int i = 0; i < 20; ++i)
    parameters += (i == 0 ? "" : ",") + std::string{R"({"name":"p)"} + std::to_string(i) + R"(","in":"query","schema":{"$ref":"#/components/schemas/Object"}})";
  import(document(operation("[" + parameters + "]"), R"({"Wide":{"anyOf":[)" + wide + R"(]},"Object":{"type":"object","properties":{)" + members + "}}}"));
  EXPECT_EQ(sent(post("/pets/1?m1=1", "")).status, 200U);
  auto r = sent(post("/pets/1?" + query, ""));
  EXPECT_EQ(r.status, 422U);
  EXPECT_NE(r.body.find("schema_work"), std::string::npos) << r.body;
}

TEST_F(checked, all_of_a_request_is_paid_from_one_purse) {
  std::string schemas = R"({"a17":{"type":"boolean"})";
  for (int i = 0; i < 17; ++i) {
    auto next = R"({"$ref":"#/components/schemas/a)" + std::to_string(i + 1) + "\"}";
    schemas += ",\"a" + std::to_string(i) + R"(":{"anyOf":[)" + next + "," + next + "]}";
  }
  std::string parameters;
  std::string query;
  for (int i = 0; i < 60; ++i) {
    parameters += (i == 0 ? "" : ",") + std::string{R"({"name":"p)"} + std::to_string(i) + R"(","in":"query","schema":{"not":{"$ref":"#/components/schemas/a0"}}})";
    query += (i == 0 ? "p" : "&p") + std::to_string(i) + "=x";
  }
  import(document(operation("[" + parameters + "]"), schemas + "}"));
  EXPECT_EQ(sent(post("/pets/1?p0=x&p59=x", "")).status, 200U);
  auto r = sent(post("/pets/1?" + query, ""));
  EXPECT_EQ(r.status, 422U);
  EXPECT_NE(r.body.find("schema_work"), std::string::npos) << r.body;
}

// -- styles ----------------------------------------------------------------------------------

struct styled {
  const char* in;
  const char* style;
  bool explode;
  const char* schema;
  const char* text;
  const char* value;
};

class parameter_style : public testing::TestWithParam<styled> {};

TEST_P(parameter_style, gives_the_value_that_the_schema_means) {
  const auto& p = GetParam();
  auto schema = compile_schema(json(p.schema));
  ASSERT_TRUE(schema);
  schema_walk as{*schema};
  schema_purse purse;
  reading how{purse};
  parameter_spec spec{p.in, "c", p.style, p.explode, false, false, ""};
  if (spec.in == "query") {
    auto v = read_query_parameter(spec, encoded_pairs(p.text, how), as, how);
    EXPECT_EQ(v ? to_text(*v) : "-", p.value);
  } else {
    EXPECT_EQ(to_text(read_parameter(spec, p.text, false, as, how)), p.value);
  }
}

constexpr auto numbers = R"({"type":"array","items":{"type":"integer"}})";
constexpr auto rgb = R"({"type":"object","properties":{"R":{"type":"integer"},"G":{"type":"integer"}}})";
INSTANTIATE_TEST_SUITE_P(
  all, parameter_style,
  testing::Values(styled{"path", "simple", false, R"({"type":"string"})", "5", R"("5")"}, styled{"path", "simple", false, R"({"type":"number"})", "5.0", "5.0"},
                  styled{"path", "simple", false, R"({"enum":[1,2]})", "1", "1"},
                  styled{"path", "simple", false, R"({"const":true})", "true", "true"}, styled{"path", "simple", false, R"({"minimum":1})", "5", "5"},
                  styled{"path", "simple", false, R"({"minimum":1})", "x", R"("x")"}, styled{"path", "simple", false, R"({"enum":["1",2]})", "1", R"("1")"},
                  styled{"path", "simple", false, R"({"enum":["1",2]})", "2", "2"}, styled{"path", "simple", false, R"({"allOf":[{"type":"string"},{"minimum":1}]})", "5", R"("5")"},
                  styled{"path", "simple", false, R"({"type":["string","integer"],"enum":["1",2]})", "1", R"("1")"}, styled{"path", "simple", false, R"({"type":"boolean"})", "true", "true"}, styled{"path", "simple", false, numbers, "1,2", "[1,2]"},
                  styled{"path", "simple", false, rgb, "R,100,G,200", R"({"R":100,"G":200})"}, styled{"path", "simple", true, rgb, "R=100,G=200", R"({"R":100,"G":200})"},
                  styled{"path", "label", false, numbers, ".1,2", "[1,2]"}, styled{"path", "label", true, numbers, ".1.2", "[1,2]"},
                  styled{"path", "matrix", false, R"({"type":"integer"})", ";c=5", "5"}, styled{"path", "matrix", false, numbers, ";c=1,2", "[1,2]"},
                  styled{"path", "matrix", true, numbers, ";c=1;c=2", "[1,2]"}, styled{"path", "matrix", true, rgb, ";R=1;G=2", R"({"R":1,"G":2})"},
                  styled{"query", "form", true, R"({"type":"integer"})", "c=5", "5"}, styled{"query", "form", true, numbers, "c=1&d=9&c=2", "[1,2]"},
                  styled{"query", "form", true, numbers, "c=1", "[1]"}, styled{"query", "form", false, numbers, "c=1,2", "[1,2]"},
                  styled{"query", "form", false, R"({"type":"array","items":{"type":"string"}})", "c=a%2Cb,c+d", R"(["a,b","c d"])"},
                  styled{"query", "form", true, rgb, "R=1&G=2&x=3", R"({"G":2,"R":1})"}, styled{"query", "form", false, rgb, "c=R,1,G,2", R"({"R":1,"G":2})"},
                  styled{"query", "spaceDelimited", false, numbers, "c=1%202", "[1,2]"}, styled{"query", "pipeDelimited", false, numbers, "c=1|2", "[1,2]"},
                  styled{"query", "deepObject", true, rgb, "c[R]=1&c[G]=2", R"({"G":2,"R":1})"}, styled{"query", "form", true, rgb, "x=1", "-"},
                  styled{"query", "form", true, "true", "c=a%zz", R"("a%zz")"}, styled{"header", "simple", false, numbers, "1,2", "[1,2]"},
                  styled{"header", "simple", false, numbers, "1, 2\t,3", "[1,2,3]"}, styled{"header", "simple", false, rgb, "R, 1, G ,2", R"({"R":1,"G":2})"}));

} // namespace

} // namespace hourglass::mock
