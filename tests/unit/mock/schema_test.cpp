// Our own cases for schemas: what is said about each fault and where, what a schema may not be, and what checking may cost.
#include "mock/schema.hpp"

#include <gtest/gtest.h>

#include <ostream>

namespace hourglass::mock {

namespace {

using dialect = schema_dialect;

json_value json(std::string_view text) {
  auto v = parse_json(text);
  EXPECT_TRUE(v) << text;
  return v ? std::move(*v) : json_value{};
}

json_schema schema(std::string_view text, schema_options options = {}) {
  auto s = compile_schema(json(text), options);
  EXPECT_TRUE(s) << s.error().detail << " at " << s.error().where;
  return s ? std::move(*s) : json_schema{};
}

events::error refusal_of(std::string_view text, schema_options options = {}) {
  auto s = compile_schema(json(text), options);
  EXPECT_FALSE(s) << text;
  return s ? events::error{} : s.error();
}

// -- each keyword ------------------------------------------------------------------------

struct told {
  const char* schema;
  const char* value;
  const char* instance;
  const char* at;
  const char* keyword;
  const char* message;
  dialect in = dialect::draft2020_12;
};
std::ostream& operator<<(std::ostream& out, const told& t) { return out << t.schema; }

class keyword : public testing::TestWithParam<told> {};

TEST_P(keyword, tells_where_and_why_a_value_does_not_fit) {
  const auto& t = GetParam();
  auto s = schema(t.schema, {t.in, true, false});
  EXPECT_FALSE(s.accepts(json(t.value)));
  auto faults = s.check(json(t.value));
  ASSERT_FALSE(faults.empty());
  EXPECT_EQ(faults.front(), (schema_fault{t.instance, t.at, t.keyword, t.message}))
    << faults.front().instance << " | " << faults.front().schema << " | " << faults.front().keyword << " | " << faults.front().message;
}

INSTANTIATE_TEST_SUITE_P(
  all, keyword,
  testing::Values(
    told{R"(false)", "1", "", "#", "", "is not allowed here"},
    told{R"({"type":"string"})", "1", "", "#/type", "type", "must be a string, is an integer"},
    told{R"({"type":["object","null","number"]})", R"("x")", "", "#/type", "type", "must be an object, a number or null, is a string"},
    told{R"({"type":"integer"})", "1.5", "", "#/type", "type", "must be an integer, is a number"},
    told{R"({"const":{"a":1}})", R"({"a":2})", "", "#/const", "const", "must be an object, is an object"},
    told{R"({"enum":["b","a",7]})", R"("c")", "", "#/enum", "enum", R"(must be one of `"a"`, `"b"`, `7`; is `"c"`)"},
    told{R"({"minimum":2})", "1", "", "#/minimum", "minimum", "must be at least 2, is `1`"},
    told{R"({"exclusiveMinimum":2})", "2", "", "#/exclusiveMinimum", "exclusiveMinimum", "must be greater than 2, is `2`"},
    told{R"({"maximum":2})", "2.5", "", "#/maximum", "maximum", "must be at most 2, is `2.5`"},
    told{R"({"exclusiveMaximum":2})", "2.0", "", "#/exclusiveMaximum", "exclusiveMaximum", "must be less than 2, is `2.0`"},
    told{R"({"maximum":2,"exclusiveMaximum":true})", "2", "", "#/exclusiveMaximum", "exclusiveMaximum", "must be less than 2, is `2`", dialect::draft4},
    told{R"({"multipleOf":0.01})", "0.005", "", "#/multipleOf", "multipleOf", "must be a multiple of 0.01, is `0.005`"},
    told{R"({"minLength":3})", R"("é😀")", "", "#/minLength", "minLength", "must have at least 3 characters, has 2"},
    told{R"({"maxLength":1})", R"("é😀")", "", "#/maxLength", "maxLength", "must have at most 1 character, has 2"},
    told{R"({"pattern":"^\\d+$"})", R"("12x")", "", "#/pattern", "pattern", R"(must match the pattern `^\d+$`, is `"12x"`)"},
    told{R"({"format":"ipv4"})", R"("1.2.3")", "", "#/format", "format", R"(must be an IPv4 address, is `"1.2.3"`)"},
    told{R"({"minItems":2})", "[1]", "", "#/minItems", "minItems", "must have at least 2 elements, has 1"},
    told{R"({"maxItems":1})", "[1,2]", "", "#/maxItems", "maxItems", "must have at most 1 element, has 2"},
    told{R"({"uniqueItems":true})", R"([{"a":1,"b":2},3,{"b":2.0,"a":1}])", "", "#/uniqueItems", "uniqueItems",
         "must have no element twice; those at 0 and 2 are equal"},
    told{R"({"items":{"type":"null"}})", "[null,1]", "/1", "#/items/type", "type", "must be null, is an integer"},
    told{R"({"prefixItems":[{"type":"null"}]})", "[1]", "/0", "#/prefixItems/0/type", "type", "must be null, is an integer"},
    told{R"({"prefixItems":[true],"items":false})", "[1,2]", "/1", "#/items", "items", "is an element too many"},
    told{R"({"items":[true],"additionalItems":false})", "[1,2]", "/1", "#/additionalItems", "additionalItems", "is an element too many", dialect::draft7},
    told{R"({"contains":{"const":1}})", "[2]", "", "#/contains", "contains", "must have at least 1 element that fit `contains`, has 0"},
    told{R"({"contains":{"const":1},"minContains":2})", "[1]", "", "#/minContains", "minContains", "must have at least 2 elements that fit `contains`, has 1"},
    told{R"({"contains":{"const":1},"maxContains":1})", "[1,1]", "", "#/maxContains", "maxContains", "must have at most 1 element that fit `contains`, has 2"},
    told{R"({"required":["a","b"]})", R"({"a":1})", "", "#/required", "required", "must have the member `b`"},
    told{R"({"minProperties":1})", "{}", "", "#/minProperties", "minProperties", "must have at least 1 member, has 0"},
    told{R"({"maxProperties":1})", R"({"a":1,"b":1})", "", "#/maxProperties", "maxProperties", "must have at most 1 member, has 2"},
    told{R"({"properties":{"a/b":{"type":"null"}}})", R"({"a/b":1})", "/a~1b", "#/properties/a~1b/type", "type", "must be null, is an integer"},
    told{R"({"patternProperties":{"^x":{"type":"null"}}})", R"({"xy":1})", "/xy", "#/patternProperties/^x/type", "type", "must be null, is an integer"},
    told{R"({"properties":{"a":true},"additionalProperties":false})", R"({"a":1,"b":1})", "/b", "#/additionalProperties", "additionalProperties",
         "is a member that is not known"},
    told{R"({"propertyNames":{"maxLength":1}})", R"({"ab":1})", "/ab", "#/propertyNames", "propertyNames", "has a name that is not allowed"},
    told{R"({"dependentRequired":{"a":["b"]}})", R"({"a":1})", "", "#/dependentRequired", "dependentRequired", "must have the member `b`, because it has `a`"},
    told{R"({"dependencies":{"a":["b"]}})", R"({"a":1})", "", "#/dependencies", "dependencies", "must have the member `b`, because it has `a`", dialect::draft7},
    told{R"({"dependentSchemas":{"a":{"maxProperties":1}}})", R"({"a":1,"b":1})", "", "#/dependentSchemas/a/maxProperties", "maxProperties",
         "must have at most 1 member, has 2"},
    told{R"({"allOf":[true,{"type":"null"}]})", "1", "", "#/allOf/1/type", "type", "must be null, is an integer"},
    told{R"({"anyOf":[{"type":"null"},{"type":"string"}]})", "1", "", "#/anyOf", "anyOf", "fits none of the 2 alternatives of `anyOf`"},
    told{R"({"oneOf":[{"type":"null"},{"type":"string"}]})", "1", "", "#/oneOf", "oneOf", "fits none of the 2 alternatives of `oneOf`"},
    told{R"({"oneOf":[true,false,{"type":"integer"}]})", "1", "", "#/oneOf", "oneOf", "fits more than one alternative of `oneOf`: those at 0 and 2"},
    told{R"({"not":{"type":"integer"}})", "1", "", "#/not", "not", "fits the schema of `not`"},
    told{R"({"if":{"minimum":5},"then":{"multipleOf":5},"else":false})", "6", "", "#/then/multipleOf", "multipleOf", "must be a multiple of 5, is `6`"},
    told{R"({"$ref":"#/$defs/a","$defs":{"a":{"type":"null"}}})", "1", "", "#/$defs/a/type", "type", "must be null, is an integer"},
    told{R"({"$dynamicRef":"#n","$defs":{"a":{"$dynamicAnchor":"n","type":"null"}}})", "1", "", "#/$defs/a/type", "type", "must be null, is an integer"},
    told{R"({"prefixItems":[true],"unevaluatedItems":false})", "[1,2]", "/1", "#/unevaluatedItems", "unevaluatedItems", "is an element too many"},
    told{R"({"allOf":[{"properties":{"a":true}}],"unevaluatedProperties":false})", R"({"a":1,"b":1})", "/b", "#/unevaluatedProperties", "unevaluatedProperties",
         "is a member that is not known"},
    told{R"({"$id":"http://example.com/s","properties":{"a":{"type":"null"}}})", R"({"a":1})", "/a", "http://example.com/s#/properties/a/type", "type",
         "must be null, is an integer"}));

// -- several faults --------------------------------------------------------------------------

TEST(schema, tells_every_fault_of_a_value_in_order) {
  auto s = schema(R"({"type":"object","required":["id"],"properties":{"n":{"minimum":5,"multipleOf":2},"s":{"type":"string"}}})");
  auto faults = s.check(json(R"({"n":3,"s":null})"));
  ASSERT_EQ(faults.size(), 4U);
  EXPECT_EQ(faults[0].keyword, "minimum");
  EXPECT_EQ(faults[1].keyword, "multipleOf");
  EXPECT_EQ(faults[2].instance, "/s");
  EXPECT_EQ(faults[3].keyword, "required");
}

TEST(schema, tells_no_more_faults_than_asked_for) {
  auto s = schema(R"({"items":{"type":"string"}})");
  EXPECT_EQ(s.check(json("[1,2,3,4,5]"), 2).size(), 2U);
  EXPECT_EQ(s.check(json("[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]")).size(), limits::schema_faults);
}

TEST(schema, explains_the_only_alternative_of_the_values_type) {
  auto s = schema(R"({"anyOf":[{"type":"null"},{"$ref":"#/$defs/o"}],"$defs":{"o":{"type":"object","required":["a"]}}})");
  auto faults = s.check(json("{}"));
  ASSERT_EQ(faults.size(), 2U);
  EXPECT_EQ(faults[1].schema, "#/$defs/o/required");
}

TEST(schema, explains_the_alternative_that_a_discriminator_points_at) {
  constexpr auto text = R"({"oneOf":[{"$ref":"#/s/cat"},{"$ref":"#/s/dog"}],"discriminator":{"propertyName":"kind","mapping":{"woof":"#/s/dog"}},
    "s":{"cat":{"type":"object","required":["meow"]},"dog":{"type":"object","required":["bark"]}}})";
  auto s = schema(text, {dialect::openapi_3_0});
  auto faults = s.check(json(R"({"kind":"woof"})"));
  ASSERT_EQ(faults.size(), 2U);
  EXPECT_EQ(faults[1].message, "must have the member `bark`");
  EXPECT_EQ(s.check(json(R"({"kind":"cat"})"))[1].message, "must have the member `meow`");
  EXPECT_EQ(s.check(json(R"({"kind":"bird"})")).size(), 1U);
}

// -- numbers ---------------------------------------------------------------------------------

TEST(schema, compares_numbers_exactly) {
  EXPECT_TRUE(schema(R"({"const":9007199254740993})").accepts(json("9007199254740993")));
  EXPECT_FALSE(schema(R"({"const":9007199254740993})").accepts(json("9007199254740992")));
  EXPECT_FALSE(schema(R"({"maximum":98249283749234923498293171823948729348710298301928331})").accepts(json("98249283749234923498293171823948729348710298301928332")));
  EXPECT_TRUE(schema(R"({"multipleOf":0.0001})").accepts(json("12345678901234567890.0075")));
  EXPECT_FALSE(schema(R"({"multipleOf":0.0001})").accepts(json("12345678901234567890.00751")));
  EXPECT_TRUE(schema(R"({"multipleOf":7})").accepts(json("7e300")));
  EXPECT_FALSE(schema(R"({"multipleOf":7})").accepts(json("1e300")));
}

TEST(schema, calls_a_whole_number_an_integer_however_it_is_written_but_in_draft_4) {
  EXPECT_TRUE(schema(R"({"type":"integer"})").accepts(json("1.0")));
  EXPECT_TRUE(schema(R"({"type":"integer"})").accepts(json("12e3")));
  EXPECT_FALSE(schema(R"({"type":"integer"})").accepts(json("1.5e0")));
  EXPECT_TRUE(schema(R"({"type":"integer"})", {dialect::openapi_3_0}).accepts(json("1.0")));
  EXPECT_FALSE(schema(R"({"type":"integer"})", {dialect::draft4}).accepts(json("1.0")));
}

// -- OpenAPI ---------------------------------------------------------------------------------

TEST(schema, of_openapi_3_0_knows_nullable_and_boolean_bounds) {
  auto s = schema(R"({"type":"integer","nullable":true,"minimum":1,"exclusiveMinimum":true,"enum":[1,2]})", {dialect::openapi_3_0});
  EXPECT_TRUE(s.accepts(json("null")));
  EXPECT_TRUE(s.accepts(json("2")));
  EXPECT_FALSE(s.accepts(json("1")));
  EXPECT_FALSE(schema(R"({"type":"integer","nullable":true})", {dialect::openapi_2_0}).accepts(json("null")));
}

// -- references ------------------------------------------------------------------------------

TEST(schema, follows_references_only_into_the_documents_it_was_given) {
  auto main = json(R"({"properties":{"a":{"$ref":"http://example.com/other.json#/$defs/x"}}})");
  auto other = json(R"({"$defs":{"x":{"type":"string"}}})");
  schema_compiler with;
  with.add("http://example.com/main.json", main);
  with.add("http://example.com/other.json", other);
  auto s = with.compile("http://example.com/main.json");
  ASSERT_TRUE(s) << s.error().detail;
  EXPECT_EQ(s->check(json(R"({"a":1})")).front().schema, "http://example.com/other.json#/$defs/x/type");
  EXPECT_EQ(with.used(), (std::vector<std::string>{"http://example.com/main.json", "http://example.com/other.json"}));

  schema_compiler without;
  without.add("http://example.com/main.json", main);
  s = without.compile("http://example.com/main.json");
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().where, "http://example.com/main.json#/properties/a/$ref");
  EXPECT_EQ(s.error().detail, "refers to `http://example.com/other.json`, which is not among the documents");
}

TEST(schema, outlives_its_document_and_its_compiler) {
  json_schema s;
  {
    auto document = json(R"({"items":{"$ref":"#/$defs/a"},"$defs":{"a":{"enum":["x",[1,2]]}}})");
    s = *compile_schema(document);
  }
  EXPECT_TRUE(s.accepts(json(R"(["x",[1,2]])")));
  EXPECT_FALSE(s.accepts(json(R"([[1,3]])")));
}

TEST(schema, checks_every_metaschema_with_itself) {
  for (std::string uri : {"http://json-schema.org/draft-04/schema", "http://json-schema.org/draft-06/schema", "http://json-schema.org/draft-07/schema",
                          "https://json-schema.org/draft/2019-09/schema", "https://json-schema.org/draft/2020-12/schema"}) {
    auto reference = json(R"({"$ref":")" + uri + "\"}");
    auto s = schema(to_text(reference), {uri.find("0") != std::string::npos && uri.find("draft-0") != std::string::npos ? dialect::draft7 : dialect::draft2020_12});
    EXPECT_TRUE(s.accepts(json(R"({"type":"object","properties":{"a":{"type":["string","null"],"minLength":1}},"required":["a"]})"))) << uri;
    EXPECT_FALSE(s.accepts(json(R"({"properties":{"a":{"type":"text"}}})"))) << uri;
    EXPECT_FALSE(s.accepts(json(R"({"allOf":[{"not":{"minLength":-1}}]})"))) << uri;
  }
}

// -- bad schemas -----------------------------------------------------------------------------

TEST(schema, that_is_none_is_refused_with_its_place) {
  EXPECT_EQ(refusal_of("1").where, "#");
  EXPECT_EQ(refusal_of(R"({"type":"text"})").where, "#/type");
  EXPECT_EQ(refusal_of(R"({"type":["string","text"]})").where, "#/type/1");
  EXPECT_EQ(refusal_of(R"({"properties":{"a":{"properties":{"b":1}}}})").where, "#/properties/a/properties/b");
  EXPECT_EQ(refusal_of(R"({"allOf":{}})").where, "#/allOf");
  EXPECT_EQ(refusal_of(R"({"minLength":-1})").where, "#/minLength");
  EXPECT_EQ(refusal_of(R"({"minLength":1.5})").where, "#/minLength");
  EXPECT_EQ(refusal_of(R"({"required":["a",1]})").where, "#/required/1");
  EXPECT_EQ(refusal_of(R"({"multipleOf":0})").where, "#/multipleOf");
  EXPECT_EQ(refusal_of(R"({"maximum":"1"})").where, "#/maximum");
  EXPECT_EQ(refusal_of(R"({"enum":1})").where, "#/enum");
  EXPECT_EQ(refusal_of(R"({"uniqueItems":1})").where, "#/uniqueItems");
  EXPECT_EQ(refusal_of(R"({"$ref":1})").where, "#/$ref");
  EXPECT_EQ(refusal_of(R"({"$ref":"#/a"})").where, "#/$ref");
  EXPECT_EQ(refusal_of(R"({"$ref":"#a"})").where, "#/$ref");
  EXPECT_EQ(refusal_of(R"({"$ref":"#/a","a":5})").where, "#/$ref");
  EXPECT_EQ(refusal_of(R"({"$schema":"http://example.com/mine"})").where, "#/$schema");
  EXPECT_EQ(refusal_of(R"({"dependentRequired":{"a":[1]}})").where, "#/dependentRequired/a");
}

TEST(schema, with_a_pattern_that_has_no_linear_form_is_refused_with_its_place) {
  auto e = refusal_of(R"~({"properties":{"a":{"pattern":"^(?!x)"}}})~");
  EXPECT_EQ(e.where, "#/properties/a/pattern");
  EXPECT_NE(e.detail.find("lookahead"), std::string::npos) << e.detail;
  EXPECT_EQ(refusal_of(R"~({"patternProperties":{"(":true}})~").where, "#/patternProperties/(");
}

TEST(schema, compiled_with_good_will_goes_on_without_what_it_cannot_have) {
  auto document = json(R"~({"type":"object","properties":{"a":{"type":"string","pattern":"^(?!x)"},"b":{"$ref":"other.yaml#/x"},"c":{"type":"text"}}})~");
  schema_options options;
  options.lenient = true;
  schema_compiler one{options};
  one.add("", document);
  auto s = one.compile("");
  ASSERT_TRUE(s);
  EXPECT_TRUE(s->accepts(json(R"({"a":"x","b":1,"c":2})")));
  EXPECT_FALSE(s->accepts(json(R"({"a":1})")));
  EXPECT_EQ(one.problems().size(), 3U);
}

TEST(schema, that_leads_back_to_itself_is_refused) {
  EXPECT_NE(refusal_of(R"({"$ref":"#"})").detail.find("without end"), std::string::npos);
  EXPECT_NE(refusal_of(R"({"allOf":[{"$ref":"#/$defs/a"}],"$defs":{"a":{"not":{"$ref":"#"}}}})").detail.find("without end"), std::string::npos);
  EXPECT_TRUE(schema(R"({"items":{"$ref":"#"}})").accepts(json("[[[]]]")));
}

// -- what it may cost -------------------------------------------------------------------------

TEST(schema, that_doubles_the_work_with_each_step_ends_within_the_limit) {
  std::string text = R"({"$ref":"#/$defs/a0","$defs":{"a40":{"type":"null"})";
  for (int i = 0; i < 40; ++i)
    text += ",\"a" + std::to_string(i) + R"(":{"anyOf":[{"$ref":"#/$defs/a)" + std::to_string(i + 1) + R"("},{"$ref":"#/$defs/a)" + std::to_string(i + 1) + "\"}]}";
  auto s = schema(text + "}}");
  EXPECT_FALSE(s.accepts(json("1")));
  auto faults = s.check(json("1"));
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_NE(faults.front().message.find("schema_work"), std::string::npos);
}

TEST(schema, tells_long_places_of_faults_in_short) {
  const std::string name(500'000, '/');
  auto document = R"({"properties":{")" + name + R"(":{"items":{"type":"string"}}},"additionalProperties":{"items":{"type":"string"}}})";
  auto faults = schema(document).check(json("{\"" + name + "\":[1],\"a" + name + "\":[1,1]}"));
  ASSERT_EQ(faults.size(), 3U);
  for (const auto& f : faults) {
    EXPECT_LE(f.instance.size(), limits::fault_pointer_bytes + 3);
    EXPECT_TRUE(f.instance.ends_with("~1…")) << f.instance.substr(f.instance.size() - 9);
    EXPECT_LE(f.schema.size(), limits::fault_pointer_bytes + 9);
  }
  auto e = refusal_of(R"({"properties":{")" + name + R"(":{"type":"text"}}})");
  EXPECT_LE(e.where.size(), limits::fault_pointer_bytes + 3);
}

TEST(schema, whose_places_are_too_long_together_is_refused) {
  std::string properties;
  for (int i = 0; i < 100'000; ++i)
    properties += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":{}";
  const std::string name(1'000'000, 'n');
  for (const char* named : {"http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema"}) {
    auto e = refusal_of(R"({"$schema":")" + std::string{named} + R"(","properties":{")" + name + R"(":{"properties":{)" + properties + "}}}}");
    EXPECT_EQ(e.code, events::errc::too_large) << named;
    EXPECT_NE(e.detail.find("schema_pointer_bytes"), std::string::npos) << e.detail;
  }
  // A dialect without ids, where nothing but the nodes is looked at.
  schema_options options;
  options.dialect = schema_dialect::openapi_3_0;
  auto s = compile_schema(json(R"({"properties":{")" + name + R"(":{"properties":{)" + properties + "}}}}"), options);
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().code, events::errc::too_large);
}

TEST(schema, charges_what_it_compares_and_marks) {
  auto list = [](int n, auto&& item) {
    std::string out;
    for (int i = 0; i < n; ++i)
      out += (i == 0 ? "" : ",") + item(i);
    return out;
  };
  auto number = [](int i) { return std::to_string(i); };
  auto name = [](int i) { return "\"n" + std::to_string(i) + '"'; };
  auto member = [&](int i) { return name(i) + ":1"; };
  auto array = "[" + list(1'600, number) + "]";
  auto object = "{" + list(1'600, member) + "}";
  struct one {
    std::string schema;
    std::string value;
    std::uint64_t least;
  };
  for (const auto& [text, value, least] :
       {one{R"({"const":)" + array + "}", array, 1'600}, one{R"({"const":)" + object + "}", object, 1'600}, one{R"({"enum":[0,)" + array + "]}", array, 1'600},
        one{R"({"enum":["a"]})", '"' + std::string(16'000, 'b') + '"', 1'000}, one{R"({"uniqueItems":true})", "[" + array + ",[]]", 1'600},
        one{R"({"dependentRequired":{"n0":[)" + list(1'600, name) + "]}}", object, 1'600}, one{R"({"required":[)" + list(1'600, name) + "]}", object, 1'600},
        one{R"({"unevaluatedItems":true,"anyOf":[)" + list(50, [](int) { return std::string{"true"}; }) + "]}", array, 5'000}}) {
    auto s = schema(text);
    schema_purse purse;
    (void)s.accepts(json(value), purse);
    EXPECT_GE(limits::schema_work - purse.left, least) << text.substr(0, 60);
    purse.left = least / 2;
    EXPECT_FALSE(s.accepts(json(value), purse)) << text.substr(0, 60);
    EXPECT_TRUE(purse.empty());
  }
}

TEST(schema, whose_work_ran_out_does_not_fit_even_under_not) {
  std::string text = R"({"not":{"$ref":"#/$defs/a0"},"$defs":{"a40":{"type":"null"})";
  for (int i = 0; i < 40; ++i)
    text += ",\"a" + std::to_string(i) + R"(":{"anyOf":[{"$ref":"#/$defs/a)" + std::to_string(i + 1) + R"("},{"$ref":"#/$defs/a)" + std::to_string(i + 1) + "\"}]}";
  EXPECT_FALSE(schema(text + "}}").accepts(json("1")));
}

TEST(schema, chained_over_thousands_of_references_is_refused_when_checked_and_never_overflows) {
  std::string text = R"({"$ref":"#/$defs/a0","$defs":{"a50000":{"type":"null"})";
  for (int i = 0; i < 50'000; ++i)
    text += ",\"a" + std::to_string(i) + R"(":{"$ref":"#/$defs/a)" + std::to_string(i + 1) + "\"}";
  auto s = schema(text + "}}");
  auto faults = s.check(json("null"));
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_NE(faults.front().message.find("schema_depth"), std::string::npos);
}

TEST(schema, finds_duplicates_among_many_elements_quickly) {
  std::string text = "[0";
  for (int i = 1; i < 300'000; ++i)
    text += ",{\"n\":" + std::to_string(i) + "}";
  auto unique = schema(R"({"uniqueItems":true})");
  EXPECT_TRUE(unique.accepts(json(text + "]")));
  EXPECT_FALSE(unique.accepts(json(text + R"(,{"n":77.0}])")));
}

TEST(schema, whose_pattern_explodes_elsewhere_takes_linear_time) {
  auto s = schema(R"({"pattern":"^(a+)+$"})");
  EXPECT_FALSE(s.accepts(json_value::of(std::string(100'000, 'a') + "!")));
}

TEST(schema, larger_than_the_limit_is_refused) {
  std::string text = R"({"allOf":[true)";
  for (std::size_t i = 0; i < limits::schema_nodes; ++i)
    text += ",{}";
  auto e = refusal_of(text + "]}");
  EXPECT_EQ(e.code, events::errc::too_large);
  EXPECT_NE(e.detail.find("schema_nodes"), std::string::npos);
}

} // namespace

} // namespace hourglass::mock
