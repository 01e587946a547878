// The metaschemas of the drafts, as their specifications define them, without titles and comments. What two drafts share stands here once:
// @META@ is the way back to the outermost metaschema, @URI@ the metaschema's own, @MORE@ what only one of them has.
#include "mock/schema_documents.hpp"

#include <initializer_list>
#include <map>

namespace hourglass::mock {

namespace {

constexpr std::string_view draft4 = R"~({"id":"http://json-schema.org/draft-04/schema#","$schema":"http://json-schema.org/draft-04/schema#","type":"object",
"definitions":{"schemaArray":{"type":"array","minItems":1,"items":{"$ref":"#"}},"positiveInteger":{"type":"integer","minimum":0},
"positiveIntegerDefault0":{"allOf":[{"$ref":"#/definitions/positiveInteger"},{"default":0}]},
"simpleTypes":{"enum":["array","boolean","integer","null","number","object","string"]},
"stringArray":{"type":"array","items":{"type":"string"},"minItems":1,"uniqueItems":true}},
"properties":{"id":{"type":"string"},"$schema":{"type":"string"},"title":{"type":"string"},"description":{"type":"string"},"default":{},
"multipleOf":{"type":"number","minimum":0,"exclusiveMinimum":true},"maximum":{"type":"number"},"exclusiveMaximum":{"type":"boolean"},
"minimum":{"type":"number"},"exclusiveMinimum":{"type":"boolean"},"maxLength":{"$ref":"#/definitions/positiveInteger"},
"minLength":{"$ref":"#/definitions/positiveIntegerDefault0"},"pattern":{"type":"string","format":"regex"},
"additionalItems":{"anyOf":[{"type":"boolean"},{"$ref":"#"}],"default":{}},"items":{"anyOf":[{"$ref":"#"},{"$ref":"#/definitions/schemaArray"}],"default":{}},
"maxItems":{"$ref":"#/definitions/positiveInteger"},"minItems":{"$ref":"#/definitions/positiveIntegerDefault0"},"uniqueItems":{"type":"boolean","default":false},
"maxProperties":{"$ref":"#/definitions/positiveInteger"},"minProperties":{"$ref":"#/definitions/positiveIntegerDefault0"},
"required":{"$ref":"#/definitions/stringArray"},"additionalProperties":{"anyOf":[{"type":"boolean"},{"$ref":"#"}],"default":{}},
"definitions":{"type":"object","additionalProperties":{"$ref":"#"},"default":{}},"properties":{"type":"object","additionalProperties":{"$ref":"#"},"default":{}},
"patternProperties":{"type":"object","additionalProperties":{"$ref":"#"},"default":{}},
"dependencies":{"type":"object","additionalProperties":{"anyOf":[{"$ref":"#"},{"$ref":"#/definitions/stringArray"}]}},
"enum":{"type":"array","minItems":1,"uniqueItems":true},
"type":{"anyOf":[{"$ref":"#/definitions/simpleTypes"},{"type":"array","items":{"$ref":"#/definitions/simpleTypes"},"minItems":1,"uniqueItems":true}]},
"format":{"type":"string"},"allOf":{"$ref":"#/definitions/schemaArray"},"anyOf":{"$ref":"#/definitions/schemaArray"},
"oneOf":{"$ref":"#/definitions/schemaArray"},"not":{"$ref":"#"}},
"dependencies":{"exclusiveMaximum":["maximum"],"exclusiveMinimum":["minimum"]},"default":{}})~";

// Drafts 6 and 7: @URI@ is their own, @MORE@ what draft 7 added.
constexpr std::string_view drafts_6_and_7 = R"~({"$schema":"@URI@#","$id":"@URI@#","type":["object","boolean"],"default":true,
"definitions":{"schemaArray":{"type":"array","minItems":1,"items":{"$ref":"#"}},"nonNegativeInteger":{"type":"integer","minimum":0},
"nonNegativeIntegerDefault0":{"allOf":[{"$ref":"#/definitions/nonNegativeInteger"},{"default":0}]},
"simpleTypes":{"enum":["array","boolean","integer","null","number","object","string"]},
"stringArray":{"type":"array","items":{"type":"string"},"uniqueItems":true,"default":[]}},
"properties":{"$id":{"type":"string","format":"uri-reference"},"$schema":{"type":"string","format":"uri"},"$ref":{"type":"string","format":"uri-reference"},
"title":{"type":"string"},"description":{"type":"string"},"default":true,"examples":{"type":"array","items":true},@MORE@
"multipleOf":{"type":"number","exclusiveMinimum":0},"maximum":{"type":"number"},"exclusiveMaximum":{"type":"number"},"minimum":{"type":"number"},
"exclusiveMinimum":{"type":"number"},"maxLength":{"$ref":"#/definitions/nonNegativeInteger"},"minLength":{"$ref":"#/definitions/nonNegativeIntegerDefault0"},
"pattern":{"type":"string","format":"regex"},"additionalItems":{"$ref":"#"},"items":{"anyOf":[{"$ref":"#"},{"$ref":"#/definitions/schemaArray"}],"default":true},
"maxItems":{"$ref":"#/definitions/nonNegativeInteger"},"minItems":{"$ref":"#/definitions/nonNegativeIntegerDefault0"},"uniqueItems":{"type":"boolean","default":false},
"contains":{"$ref":"#"},"maxProperties":{"$ref":"#/definitions/nonNegativeInteger"},"minProperties":{"$ref":"#/definitions/nonNegativeIntegerDefault0"},
"required":{"$ref":"#/definitions/stringArray"},"additionalProperties":{"$ref":"#"},"definitions":{"type":"object","additionalProperties":{"$ref":"#"},"default":{}},
"properties":{"type":"object","additionalProperties":{"$ref":"#"},"default":{}},
"patternProperties":{"type":"object","additionalProperties":{"$ref":"#"},"propertyNames":{"format":"regex"},"default":{}},
"dependencies":{"type":"object","additionalProperties":{"anyOf":[{"$ref":"#"},{"$ref":"#/definitions/stringArray"}]}},"propertyNames":{"$ref":"#"},"const":true,
"enum":{"type":"array","items":true},
"type":{"anyOf":[{"$ref":"#/definitions/simpleTypes"},{"type":"array","items":{"$ref":"#/definitions/simpleTypes"},"minItems":1,"uniqueItems":true}]},
"format":{"type":"string"},"allOf":{"$ref":"#/definitions/schemaArray"},"anyOf":{"$ref":"#/definitions/schemaArray"},
"oneOf":{"$ref":"#/definitions/schemaArray"},"not":{"$ref":"#"}}})~";

constexpr std::string_view draft7_more = R"~("$comment":{"type":"string"},"readOnly":{"type":"boolean","default":false},"writeOnly":{"type":"boolean","default":false},
"contentMediaType":{"type":"string"},"contentEncoding":{"type":"string"},"if":{"$ref":"#"},"then":{"$ref":"#"},"else":{"$ref":"#"},)~";

// -- vocabularies of 2019-09 and 2020-12: what follows the head -------------------------

constexpr std::string_view core_19 = R"~("properties":{"$id":{"type":"string","format":"uri-reference","pattern":"^[^#]*#?$"},"$schema":{"type":"string","format":"uri"},
"$anchor":{"type":"string","pattern":"^[A-Za-z][-A-Za-z0-9.:_]*$"},"$ref":{"type":"string","format":"uri-reference"},
"$recursiveRef":{"type":"string","format":"uri-reference"},"$recursiveAnchor":{"type":"boolean","default":false},
"$vocabulary":{"type":"object","propertyNames":{"type":"string","format":"uri"},"additionalProperties":{"type":"boolean"}},"$comment":{"type":"string"},
"$defs":{"type":"object","additionalProperties":@META@,"default":{}}}})~";
constexpr std::string_view core_20 = R"~("properties":{"$id":{"$ref":"#/$defs/uriReferenceString","pattern":"^[^#]*#?$"},"$schema":{"$ref":"#/$defs/uriString"},
"$ref":{"$ref":"#/$defs/uriReferenceString"},"$anchor":{"$ref":"#/$defs/anchorString"},"$dynamicRef":{"$ref":"#/$defs/uriReferenceString"},
"$dynamicAnchor":{"$ref":"#/$defs/anchorString"},
"$vocabulary":{"type":"object","propertyNames":{"$ref":"#/$defs/uriString"},"additionalProperties":{"type":"boolean"}},"$comment":{"type":"string"},
"$defs":{"type":"object","additionalProperties":@META@}},
"$defs":{"anchorString":{"type":"string","pattern":"^[A-Za-z_][-A-Za-z0-9._]*$"},"uriString":{"type":"string","format":"uri"},
"uriReferenceString":{"type":"string","format":"uri-reference"}}})~";
constexpr std::string_view applicator = R"~("properties":{@MORE@"contains":@META@,"additionalProperties":@META@,
"properties":{"type":"object","additionalProperties":@META@,"default":{}},"patternProperties":{"type":"object","additionalProperties":@META@,"propertyNames":{"format":"regex"},"default":{}},
"dependentSchemas":{"type":"object","additionalProperties":@META@,"default":{}},"propertyNames":@META@,"if":@META@,"then":@META@,"else":@META@,
"allOf":{"$ref":"#/$defs/schemaArray"},"anyOf":{"$ref":"#/$defs/schemaArray"},"oneOf":{"$ref":"#/$defs/schemaArray"},"not":@META@},"$defs":{"schemaArray":{"type":"array","minItems":1,"items":@META@}}})~";
constexpr std::string_view applicator_19 = R"~("additionalItems":@META@,"unevaluatedItems":@META@,"unevaluatedProperties":@META@,
"items":{"anyOf":[@META@,{"$ref":"#/$defs/schemaArray"}]},)~";
constexpr std::string_view applicator_20 = R"~("prefixItems":{"$ref":"#/$defs/schemaArray"},"items":@META@,)~";
constexpr std::string_view unevaluated = R"~("properties":{"unevaluatedItems":@META@,"unevaluatedProperties":@META@}})~";
constexpr std::string_view validation = R"~("properties":{"type":{"anyOf":[{"$ref":"#/$defs/simpleTypes"},
{"type":"array","items":{"$ref":"#/$defs/simpleTypes"},"minItems":1,"uniqueItems":true}]},"const":true,"enum":{"type":"array","items":true},
"multipleOf":{"type":"number","exclusiveMinimum":0},"maximum":{"type":"number"},"exclusiveMaximum":{"type":"number"},"minimum":{"type":"number"},
"exclusiveMinimum":{"type":"number"},"maxLength":{"$ref":"#/$defs/nonNegativeInteger"},"minLength":{"$ref":"#/$defs/nonNegativeIntegerDefault0"},
"pattern":{"type":"string","format":"regex"},"maxItems":{"$ref":"#/$defs/nonNegativeInteger"},"minItems":{"$ref":"#/$defs/nonNegativeIntegerDefault0"},
"uniqueItems":{"type":"boolean","default":false},"maxContains":{"$ref":"#/$defs/nonNegativeInteger"},
"minContains":{"$ref":"#/$defs/nonNegativeInteger","default":1},"maxProperties":{"$ref":"#/$defs/nonNegativeInteger"},
"minProperties":{"$ref":"#/$defs/nonNegativeIntegerDefault0"},"required":{"$ref":"#/$defs/stringArray"},
"dependentRequired":{"type":"object","additionalProperties":{"$ref":"#/$defs/stringArray"}}},
"$defs":{"nonNegativeInteger":{"type":"integer","minimum":0},"nonNegativeIntegerDefault0":{"$ref":"#/$defs/nonNegativeInteger","default":0},
"simpleTypes":{"enum":["array","boolean","integer","null","number","object","string"]},
"stringArray":{"type":"array","items":{"type":"string"},"uniqueItems":true,"default":[]}}})~";
constexpr std::string_view meta_data = R"~("properties":{"title":{"type":"string"},"description":{"type":"string"},"default":true,
"deprecated":{"type":"boolean","default":false},"readOnly":{"type":"boolean","default":false},"writeOnly":{"type":"boolean","default":false},
"examples":{"type":"array","items":true}}})~";
constexpr std::string_view format = R"~("properties":{"format":{"type":"string"}}})~";
constexpr std::string_view content = R"~("properties":{"contentEncoding":{"type":"string"},"contentMediaType":{"type":"string"},"contentSchema":@META@}})~";
constexpr std::string_view legacy = R"~(,"properties":{"definitions":{"type":"object","additionalProperties":@META@,"default":{}},"dependencies":{"type":"object","additionalProperties":{"anyOf":[@META@,{"$ref":"meta/validation#/$defs/stringArray"}]}}}})~";

std::string filled(std::string_view text, std::initializer_list<std::pair<std::string_view, std::string_view>> with) {
  std::string out{text};
  for (auto [name, value] : with)
    for (auto at = out.find(name); at != std::string::npos; at = out.find(name, at + value.size()))
      out.replace(at, name.size(), value);
  return out;
}

using texts = std::map<std::string, std::string, std::less<>>;

void add_vocabularies(texts& all, bool later) {
  const std::string base = later ? "https://json-schema.org/draft/2020-12/" : "https://json-schema.org/draft/2019-09/";
  const std::string_view meta = later ? R"({"$dynamicRef":"#meta"})" : R"({"$recursiveRef":"#"})";
  auto head = [&](const std::string& name, const std::string& vocabularies) {
    return R"({"$schema":")" + base + R"(schema","$id":")" + base + name + R"(","$vocabulary":{)" + vocabularies + "}," +
           (later ? R"("$dynamicAnchor":"meta")" : R"("$recursiveAnchor":true)") + R"(,"type":["object","boolean"],)";
  };
  std::string vocabularies;
  std::string parts;
  auto add = [&](const std::string& name, std::string_view text, bool needed = true, std::string_view more = {}) {
    auto vocabulary = '"' + base + "vocab/" + name + "\":";
    all["" + base + "meta/" + name] = head("meta/" + name, vocabulary + "true") + filled(text, {{"@MORE@", more}, {"@META@", meta}});
    vocabularies += (vocabularies.empty() ? "" : ",") + vocabulary + (needed ? "true" : "false");
    parts += (parts.empty() ? R"({"$ref":"meta/)" : R"(,{"$ref":"meta/)") + name + R"("})";
  };
  add("core", later ? core_20 : core_19);
  add("applicator", applicator, true, later ? applicator_20 : applicator_19);
  if (later)
    add("unevaluated", unevaluated);
  add("validation", validation);
  add("meta-data", meta_data);
  add(later ? "format-annotation" : "format", format, later);
  add("content", content);
  all[base + "schema"] = head("schema", vocabularies) + R"("allOf":[)" + parts + ']' + filled(legacy, {{"@META@", meta}});
}

} // namespace

const std::map<std::string, std::string, std::less<>>& metaschema_texts() {
  static const auto all = [] {
    texts out;
    const std::string base = "http://json-schema.org/draft-0";
    out[base + "4/schema"] = draft4;
    out[base + "6/schema"] = filled(drafts_6_and_7, {{"@URI@", base + "6/schema"}, {"@MORE@", ""}});
    out[base + "7/schema"] = filled(drafts_6_and_7, {{"@URI@", base + "7/schema"}, {"@MORE@", draft7_more}});
    add_vocabularies(out, false);
    add_vocabularies(out, true);
    return out;
  }();
  return all;
}

} // namespace hourglass::mock
