// Documents that come with those that they refer to.
#include "stateful_support.hpp"

#include "mock/openapi_bundle.hpp"

namespace {
using namespace hourglass::mock;
using json = nlohmann::json;
using hourglass::events::errc;

struct bundle : stateful {
  static json main() {
    return json::parse(R"({"openapi":"3.0.0","info":{"title":"t","version":"1"},"paths":{
      "/pets":{"$ref":"paths/pets.yaml#/all"},"/pets/{petId}":{"$ref":"./paths/pets.yaml#/one"},
      "/plain":{"get":{"responses":{"200":{"content":{"application/json":{"example":{"$ref":"not/a/reference.yaml"}}}}}}}}})");
  }
  static std::string pets() {
    return "all:\n  get: {responses: {200: {description: a, content: {application/json: {schema: {type: array, items: {$ref: '../schemas/pet.yaml'}}}}}}}\n"
           "  post: {requestBody: {content: {application/json: {schema: {$ref: '../schemas/pet.yaml#/'}}}}, responses: {201: {$ref: '#/made'}}}\n"
           "one:\n  get: {responses: {200: {$ref: '#/made'}}}\n"
           "made: {description: m, content: {application/json: {schema: {$ref: '../schemas/pet.yaml'}}}}\n";
  }
  static json pet() { return json::parse(R"({"type":"object","required":["id","name"],"properties":{"id":{"type":"integer"},"name":{"$ref":"../common.json#/defs/Name"},"$ref":{"type":"string"}}})"); }
  static json common() { return json::parse(R"({"defs":{"Name":{"type":"string","minLength":2,"example":"Rex"}}})"); }
  static json whole() { return {{"document", main()}, {"documents", {{"paths/pets.yaml", pets()}, {"schemas/pet.yaml", pet()}, {"common.json", common()}}}}; }
};

TEST_F(bundle, references_lead_from_document_to_document) {
  auto document = whole();
  document["documents"]["paths/pets.yaml"] = [] {
    auto text = pets();
    text.replace(text.find("pet.yaml#/'"), 11, "pet.yaml#'");
    return text;
  }();
  auto reply = import(document.dump());
  EXPECT_EQ(reply["endpoints"], 4);
  ASSERT_EQ(reply["collections"].size(), 1U) << reply;
  EXPECT_EQ(got("/pets")[0]["name"], "Rex");
  auto made = send("POST", "/pets", R"({"name":"Ada"})");
  EXPECT_EQ(made.status, 201U);
  EXPECT_EQ(json::parse(made.body)["name"], "Ada");
  EXPECT_EQ(got("/plain")["$ref"], "not/a/reference.yaml") << "data is left alone";
}

TEST_F(bundle, what_has_a_keyword_for_its_name_leads_on_too) {
  auto document = json::parse(R"({"document":{"openapi":"3.0.0","info":{"title":"t","version":"1"},"components":{"schemas":{"value":{"$ref":"more.yaml#/default"}}},"paths":{
      "/one":{"get":{"responses":{"default":{"$ref":"more.yaml#/Error"}}}},"/two":{"$ref":"more.yaml#/two"},
      "/three":{"get":{"responses":{"200":{"description":"x","content":{"application/json":{"schema":{"$ref":"#/components/schemas/value"}}}}}}}}},
    "documents":{"more.yaml":{"Error":{"description":"e","content":{"application/json":{"example":{"from":"more"}}}},
      "two":{"get":{"responses":{"default":{"$ref":"#/Error"}}}},"default":{"type":"string","enum":["named default"]}}}})");
  import(document.dump());
  EXPECT_EQ(got("/one")["from"], "more");
  EXPECT_EQ(got("/two")["from"], "more") << "of its own document, not of the first";
  EXPECT_EQ(got("/three"), "named default");
  document["documents"] = json::object();
  auto r = decide(endpoints, endpoint_command{import_openapi{document.dump()}}, at_moment());
  ASSERT_FALSE(r);
  EXPECT_NE(r.error().detail.find("refers to more.yaml"), std::string::npos) << r.error().detail;
}

TEST_F(bundle, faults_of_requests_name_the_document_they_break) {
  auto document = whole();
  document["documents"]["paths/pets.yaml"] = json::parse(R"({"all":{"post":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"../schemas/pet.yaml"}}}},"responses":{"200":{"description":"x"}}}},"one":{"get":{"responses":{"200":{"description":"x"}}}}})");
  import(document.dump(), {}, validation_mode::enforce);
  auto r = send("POST", "/pets", R"({"id":1,"name":"x"})");
  ASSERT_EQ(r.status, 422U);
  EXPECT_EQ(json::parse(r.body)["validation"][0]["schema"], "#/documents/common.json/defs/Name/minLength");
}

TEST_F(bundle, a_document_that_is_not_there_is_named_with_the_place_that_wants_it) {
  auto document = whole();
  document["documents"].erase("common.json");
  auto r = decide(endpoints, endpoint_command{import_openapi{document.dump()}}, at_moment());
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, errc::invalid);
  EXPECT_EQ(r.error().where, "/documents/schemas~1pet.yaml/properties/name/$ref");
  EXPECT_NE(r.error().detail.find("refers to common.json, which is not among the documents"), std::string::npos) << r.error().detail;
  EXPECT_NE(r.error().detail.find("nothing is fetched"), std::string::npos);
}

TEST_F(bundle, a_document_alone_tells_the_first_that_it_misses) {
  auto reply = import(main().dump());
  ASSERT_GE(reply["warnings"].size(), 1U);
  EXPECT_EQ(reply["warnings"][0]["pointer"], "/paths/~1pets/$ref");
  EXPECT_NE(reply["warnings"][0]["detail"].get<std::string>().find("refers to paths/pets.yaml"), std::string::npos);
  EXPECT_EQ(got("/plain")["$ref"], "not/a/reference.yaml");
}

TEST_F(bundle, what_is_wrong_with_one_of_them_is_told_with_its_name) {
  auto refused = [&](const json& text) {
    auto r = read_openapi(text.dump(), {});
    EXPECT_FALSE(r);
    return r ? std::string{} : r.error().where;
  };
  auto document = whole();
  document["documents"]["common.json"] = "a: [\n";
  EXPECT_EQ(refused(document), "/documents/common.json:2:1");
  document["documents"]["common.json"] = 5;
  EXPECT_EQ(refused(document), "/documents/common.json");
  document["documents"] = json::array();
  EXPECT_EQ(refused(document), "/documents");
  EXPECT_EQ(refused({{"document", "openapi: ["}}), "/document:1:1");
  EXPECT_EQ(refused({{"document", main()}, {"more", 1}}), "/more");
  document = whole();
  document["documents"]["./common.json"] = common();
  EXPECT_EQ(refused(document), "/documents/common.json") << "one name, twice";
}

TEST_F(bundle, documents_in_a_circle_end) {
  json document{{"document", {{"openapi", "3.1.0"}, {"info", {{"title", "t"}, {"version", "1"}}}, {"paths", {{"/a", {{"$ref", "a.yaml"}}}}}}},
                {"documents", {{"a.yaml", {{"$ref", "b.yaml"}}}, {"b.yaml", {{"$ref", "a.yaml"}}}}}};
  auto reply = import(document.dump());
  EXPECT_EQ(reply["endpoints"], 0);
  EXPECT_GE(reply["warnings"].size(), 1U);
}

TEST_F(bundle, all_documents_together_are_bounded) {
  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'h'; ++c)
    bomb += std::string{c} + ": &" + c + " [*" + static_cast<char>(c - 1) + (",*" + std::string{static_cast<char>(c - 1)}) + (",*" + std::string{static_cast<char>(c - 1)}) + (",*" + std::string{static_cast<char>(c - 1)}) +
            (",*" + std::string{static_cast<char>(c - 1)}) + (",*" + std::string{static_cast<char>(c - 1)}) + (",*" + std::string{static_cast<char>(c - 1)}) + "]\n";
  json document{{"document", main()}, {"documents", json::object()}};
  for (int i = 0; i < 50; ++i)
    document["documents"]["d" + std::to_string(i)] = bomb;
  auto r = read_openapi(document.dump(), {});
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, errc::too_large);
}

TEST_F(bundle, swagger_documents_may_be_divided_too) {
  auto reply = import(R"({"document":{"swagger":"2.0","info":{"title":"t","version":"1"},"paths":{"/x":{"get":{"produces":["application/json"],"responses":{"200":{"description":"x","schema":{"$ref":"s.json#/X"}}}}}}},
    "documents":{"s.json":{"X":{"type":"object","required":["n"],"properties":{"n":{"type":"integer","example":7}}}}}})");
  EXPECT_EQ(got("/x")["n"], 7);
}

TEST_F(bundle, long_names_are_refused_and_many_references_are_bounded) {
  auto named = [](const std::string& name, std::size_t references) {
    json list = json::array();
    for (std::size_t i = 0; i < references; ++i)
      list.push_back({{"$ref", "x"}});
    return json{{"document", {{"openapi", "3.0.3"}, {"info", {{"title", "t"}, {"version", "1"}}}, {"paths", json::object()}}}, {"documents", {{name + "/x", {{"x", std::move(list)}}}}}}.dump();
  };
  auto longer = read_openapi(named(std::string(4'000'000, 'A'), 1'000), {});
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().code, errc::invalid);
  EXPECT_NE(longer.error().detail.find("document_name_bytes"), std::string::npos) << longer.error().detail;
  EXPECT_LT(longer.error().where.size(), 200U);
  auto many = read_openapi(named(std::string(250, '%'), 300'000), {});
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().code, errc::too_large);
  EXPECT_NE(many.error().detail.find("document_text_bytes"), std::string::npos) << many.error().detail;
}

TEST_F(bundle, a_long_name_over_many_values_costs_nothing) {
  json children = json::object();
  for (int i = 0; i < 100'000; ++i)
    children["c" + std::to_string(i)] = {{"a", 1}};
  auto document = main();
  document["x-" + std::string(2'000'000, 'k')] = children;
  EXPECT_TRUE(read_openapi(json{{"document", document}, {"documents", json::parse(whole()["documents"].dump())}}.dump(), {}));
}

} // namespace
