// Which collections a document has: nested ones, envelopes, ids, and documents that mean no good.
#include "stateful_support.hpp"

#include "mock/collection.hpp"

#include <chrono>

namespace {
using namespace hourglass::mock;
using json = nlohmann::json;
namespace events = hourglass::events;

const std::string owners = R"(,
  "/owners":{"get":{"responses":{"200":{"content":{"application/json":{"schema":{"type":"object","required":["data","has_more","total"],"properties":{
      "data":{"type":"array","items":{"$ref":"#/components/schemas/Pet"}},"has_more":{"type":"boolean"},"total":{"type":"integer"}}}}}}}},
    "post":{"requestBody":{"content":{"application/json":{"schema":{"type":"object"}}}},"responses":{"201":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}}}}}}},
  "/owners/{owner}":{"get":{"responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}}}}}},"delete":{"responses":{"204":{"description":"x"}}}},
  "/owners/{ownerId}/toys":{"get":{"responses":{"200":{"content":{"application/json":{"schema":{"type":"array","items":{"$ref":"#/components/schemas/Toy"}}}}}}},
    "post":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Toy"}}}},"responses":{"201":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Toy"}}}}}}},
  "/owners/{ownerId}/toys/{toyId}":{"get":{"responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Toy"}}}}}},"delete":{"responses":{"204":{"description":"x"}}}})";

struct collections_of : stateful {
  void import_owners() {
    auto document = json::parse(pets_document(owners));
    document["components"]["schemas"]["Toy"] = json::parse(R"({"type":"object","required":["toyId","kind"],"properties":{"toyId":{"type":"string","format":"uuid"},"kind":{"type":"string","example":"ball"},"ownerId":{"type":"integer"}}})");
    auto reply = import(document.dump());
    ASSERT_EQ(reply["collections"].size(), 3U) << reply.dump();
  }
};

TEST_F(collections_of, a_nested_collection_is_one_of_each_parent) {
  import_owners();
  auto ada = std::to_string(json::parse(send("POST", "/owners", R"({"name":"Ada"})").body)["id"].get<int>());
  auto eve = std::to_string(json::parse(send("POST", "/owners", R"({"name":"Eve"})").body)["id"].get<int>());
  auto toy = json::parse(send("POST", "/owners/" + ada + "/toys", R"({"kind":"bone"})").body);
  EXPECT_EQ(toy["toyId"].get<std::string>().size(), 36U);
  EXPECT_EQ(std::to_string(toy["ownerId"].get<int>()), ada) << "an item says whose it is";
  auto at = "/toys/" + toy["toyId"].get<std::string>();
  EXPECT_EQ(got("/owners/" + ada + at), toy);
  EXPECT_EQ(send("GET", "/owners/" + eve + at).status, 404U);
  EXPECT_EQ(got("/owners/" + ada + "/toys").size(), got("/owners/" + eve + "/toys").size() + 1);
  EXPECT_NE(data.find("owners:toys", ada + "::" + toy["toyId"].get<std::string>()), nullptr);
}

TEST_F(collections_of, what_is_below_something_that_is_not_there_is_404) {
  import_owners();
  EXPECT_EQ(send("GET", "/owners/4711/toys").status, 404U);
  EXPECT_EQ(send("POST", "/owners/4711/toys", R"({"kind":"bone"})").status, 404U);
  EXPECT_EQ(changes(), 0U);
  auto ada = std::to_string(json::parse(send("POST", "/owners", R"({"name":"Ada"})").body)["id"].get<int>());
  EXPECT_EQ(send("GET", "/owners/" + ada + "/toys").status, 200U);
  EXPECT_EQ(send("DELETE", "/owners/" + ada).status, 204U);
  EXPECT_EQ(send("GET", "/owners/" + ada + "/toys").status, 404U);
}

TEST_F(collections_of, what_stands_around_a_list_counts_it) {
  import_owners();
  auto before = got("/owners");
  ASSERT_TRUE(before["data"].is_array()) << before;
  EXPECT_FALSE(before["data"].empty());
  ASSERT_EQ(send("POST", "/owners", R"({"name":"Ada"})").status, 201U);
  auto all = got("/owners");
  EXPECT_EQ(all["data"].size(), before["data"].size() + 1);
  EXPECT_EQ(all["total"], all["data"].size());
  EXPECT_EQ(all["has_more"], false);
}

TEST(collection_events, have_a_form_that_is_for_ever) {
  const std::string c = R"({"namespace":"owners:pets","path":"/owners/{o}/pets","parent":"owners","captures":2,"id":"id","kind":"integer","id_like":"7","id_pattern":"^[0-9]+$",)"
                        R"("schema":"/components/schemas/Pet","fills":["id","made"],"read_only":["id"],"write_only":["secret"],"created":["created"],"updated":["updated"],)"
                        R"("from_path":[{"member":"o","capture":0,"number":true}],"base":{"made":"x"},"seeds":[{"id":1}]})";
  auto v = parse_json(c);
  ASSERT_TRUE(v);
  auto spec = decode_collection(*v);
  ASSERT_TRUE(spec) << spec.error().detail;
  EXPECT_EQ(spec->space, "owners:pets");
  EXPECT_EQ(spec->captures, 2U);
  EXPECT_EQ(spec->kind, id_kind::integer);
  EXPECT_EQ(spec->from_path.at(0).number, true);
  EXPECT_EQ(spec->seeds.size(), 1U);
  std::string again;
  events::json_text j{again};
  write_collection(*spec, j);
  EXPECT_EQ(again, c);

  const std::string s = R"({"collection":"pets","role":"list","on":true,"id_in_body":true,"shown":true,"at":["data"],"members":["id","name"],"needs":["id"],"filters":[["tag","tags"]],)"
                        R"("limit":"limit","page":"page","offset":"offset","after":"after","page_size":20,"page_most":50,"first_page":0,"answers":["200 application/json"]})";
  auto w = parse_json(s);
  ASSERT_TRUE(w);
  auto state = decode_state(*w);
  ASSERT_TRUE(state) << state.error().detail;
  std::string same;
  events::json_text k{same};
  write_state(*state, k);
  EXPECT_EQ(same, s);
  EXPECT_EQ(decode_state(*parse_json(R"({"collection":"pets","role":"eat"})")).error().code, events::errc::corrupt);
  EXPECT_EQ(decode_collection(*parse_json("{}")).error().code, events::errc::corrupt);
}

TEST_F(collections_of, an_import_of_before_keeps_no_state) {
  ASSERT_TRUE(apply(endpoints, events::kind::openapi_imported, R"({"title":"t","version":"1","endpoints":[{"id":"ep_1","method":"DELETE","project_root":"","group_root":"","path":"/pets/{id}",
    "consumes":[],"name":"","source":"openapi","templated":false,"json_body":false,"responses":[{"status":"204","headers":[],"contents":[]}]}],"webhooks":[]})"));
  EXPECT_EQ(send("DELETE", "/pets/1").status, 204U);
  EXPECT_EQ(send("DELETE", "/pets/1").status, 204U);
  EXPECT_EQ(changes(), 0U);
}

TEST_F(collections_of, names_with_a_dash_or_of_many_parts_have_a_namespace_each) {
  EXPECT_EQ(collection_key("a b/c:ü"), "a:20b:2Fc:3A:C3:BC");
  EXPECT_EQ(collection_key("Az_9-.@"), "Az_9-.@");
}

// -- documents that mean no good -------------------------------------------------------------

std::string pair_of(const std::string& schema, const std::string& schemas = "{}") {
  return R"({"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{
    "/x":{"get":{"responses":{"200":{"content":{"application/json":{"schema":{"type":"array","items":)" + schema + R"(}}}}}},"post":{"responses":{"201":{"content":{"application/json":{"schema":)" + schema + R"(}}}}}},
    "/x/{xId}":{"get":{"responses":{"200":{"content":{"application/json":{"schema":)" + schema + R"(}}}}}}},"components":{"schemas":)" + schemas + "}}";
}

TEST_F(collections_of, without_an_id_in_its_items_a_path_answers_from_its_examples) {
  auto reply = import(pair_of(R"({"type":"object","properties":{"color":{"type":"string"}}})"));
  EXPECT_TRUE(reply["collections"].empty());
  ASSERT_EQ(reply["warnings"].size(), 1U);
  EXPECT_EQ(reply["warnings"][0]["pointer"], "/paths/~1x~1{xId}/get");
  EXPECT_NE(reply["warnings"][0]["detail"].get<std::string>().find("{xId}"), std::string::npos);
  EXPECT_EQ(send("GET", "/x/1").status, 200U);
}

TEST_F(collections_of, an_id_that_is_no_scalar_is_none) {
  EXPECT_TRUE(import(pair_of(R"({"type":"object","properties":{"id":{"type":"object"},"xId":{"type":"array","items":{}}}})"))["collections"].empty());
}

TEST_F(collections_of, a_recursive_schema_is_looked_at_once) {
  auto reply = import(pair_of(R"({"$ref":"#/components/schemas/Node"})",
                              R"({"Node":{"type":"object","required":["id"],"properties":{"id":{"type":"string"},"next":{"$ref":"#/components/schemas/Node"},"all":{"type":"array","items":{"$ref":"#/components/schemas/Node"}}}}})"));
  ASSERT_EQ(reply["collections"].size(), 1U);
  auto made = send("POST", "/x", R"({"next":{"id":"deep","next":{"id":"deeper"}}})");
  EXPECT_EQ(made.status, 201U);
  EXPECT_EQ(json::parse(made.body)["next"]["next"]["id"], "deeper");
}

TEST_F(collections_of, references_in_a_circle_lead_nowhere) {
  for (auto* schemas : {R"({"A":{"$ref":"#/components/schemas/B"},"B":{"$ref":"#/components/schemas/A"}})", R"({"A":{"allOf":[{"$ref":"#/components/schemas/A"}]}})",
                        R"({"A":{"oneOf":[{"$ref":"#/components/schemas/A"}]}})", R"({"A":{"anyOf":[{"allOf":[{"$ref":"#/components/schemas/A"},{"$ref":"#/components/schemas/A"}]}]}})"}) {
    auto reply = import(pair_of(R"({"$ref":"#/components/schemas/A"})", schemas));
    EXPECT_TRUE(reply["collections"].empty()) << schemas;
    EXPECT_LT(send("GET", "/x/1").status, 500U);
  }
}

TEST_F(collections_of, many_paths_cost_no_more_than_their_number) {
  auto document = [](int n) {
    json paths = json::object();
    json item = {{"type", "object"}, {"properties", {{"id", {{"type", "integer"}}}, {"name", {{"type", "string"}}}}}};
    json one = {{"200", {{"content", {{"application/json", {{"schema", {{"$ref", "#/components/schemas/I"}}}}}}}}}};
    for (int i = 0; i < n; ++i) {
      auto path = "/c" + std::to_string(i);
      paths[path]["post"]["responses"] = one;
      paths[path + "/{id}"]["get"]["responses"] = one;
    }
    return json{{"openapi", "3.0.0"}, {"info", {{"title", "t"}, {"version", "1"}}}, {"paths", paths}, {"components", {{"schemas", {{"I", item}}}}}}.dump();
  };
  auto time_of = [&](int n) {
    auto text = document(n);
    auto from = std::chrono::steady_clock::now();
    auto doc = read_openapi(text, {});
    EXPECT_TRUE(doc);
    EXPECT_EQ(doc->collections.size(), static_cast<std::size_t>(n));
    return std::chrono::steady_clock::now() - from;
  };
  time_of(100);
  auto small = time_of(1'000);
  auto large = time_of(10'000);
  EXPECT_LT(large, small * 40 + std::chrono::milliseconds{200}) << "ten times as much would be linear, a hundred times quadratic";
}

TEST_F(collections_of, many_pairs_over_a_large_schema_end_with_a_warning_and_not_late) {
  json properties;
  for (int i = 0; i < 200; ++i)
    properties["member_" + std::to_string(i)] = {{"type", "string"}};
  json one = {{"200", {{"content", {{"application/json", {{"schema", {{"$ref", "#/components/schemas/I"}}}, {"example", json::object()}}}}}}}};
  json paths;
  for (int i = 0; i < 5'000; ++i) {
    auto path = "/c" + std::to_string(i);
    paths[path]["post"]["responses"] = one;
    for (auto* method : {"get", "put", "patch"})
      paths[path + "/{p" + std::to_string(i) + "}"][method]["responses"] = one;
  }
  json document{{"openapi", "3.0.0"}, {"info", {{"title", "t"}, {"version", "1"}}}, {"paths", paths}, {"components", {{"schemas", {{"I", {{"type", "object"}, {"properties", properties}}}}}}}};
  auto from = std::chrono::steady_clock::now();
  auto doc = read_openapi(document.dump(), {});
  ASSERT_TRUE(doc) << doc.error().detail;
  EXPECT_LT(std::chrono::steady_clock::now() - from, std::chrono::seconds{30});
  EXPECT_TRUE(doc->collections.empty());
  EXPECT_NE(doc->warnings.back().detail.find(doc->warnings.size() < 100 ? "document_item_steps" : "no member"), std::string::npos) << doc->warnings.back().detail;
}

// -- real documents ------------------------------------------------------------------------------

TEST_F(collections_of, petstore_keeps_its_pets_orders_and_users) {
  auto text = real_document("petstore.yaml");
  if (text.empty())
    GTEST_SKIP() << "no petstore.yaml beside the checkout";
  auto reply = import(text);
  std::vector<std::string> names;
  for (const auto& c : reply["collections"])
    names.push_back(c["namespace"]);
  EXPECT_EQ(names, (std::vector<std::string>{"pet", "store.order", "user"}));
  EXPECT_EQ(got("/pet/10")["name"], "doggie");
  auto made = send("POST", "/pet", R"({"name":"Rex","photoUrls":["u"],"status":"sold","tags":[{"id":5,"name":"brown"}]})");
  ASSERT_EQ(made.status, 200U) << made.body;
  auto id = std::to_string(json::parse(made.body)["id"].get<std::int64_t>());
  EXPECT_EQ(got("/pet/" + id)["name"], "Rex");
  EXPECT_EQ(got("/pet/findByStatus?status=sold").size(), 1U);
  EXPECT_EQ(got("/pet/findByTags?tags=brown").size(), 1U);
  EXPECT_EQ(json::parse(send("PUT", "/pet", R"({"id":)" + id + R"(,"name":"Max","photoUrls":[]})").body)["name"], "Max");
  EXPECT_EQ(json::parse(send("POST", "/pet/" + id + "?name=Tim&status=pending").body)["name"], "Tim");
  EXPECT_EQ(got("/pet/" + id)["status"], "pending");
  EXPECT_EQ(send("DELETE", "/pet/" + id).status, 200U);
  EXPECT_EQ(send("GET", "/pet/" + id).status, 404U);
  EXPECT_EQ(send("PUT", "/pet", R"({"id":)" + id + R"(,"name":"Max","photoUrls":[]})").status, 404U);
  ASSERT_EQ(send("POST", "/user", R"({"username":"ada@x","firstName":"Ada"})").status, 200U);
  EXPECT_EQ(got("/user/ada@x")["firstName"], "Ada");
  EXPECT_EQ(send("PUT", "/user/ada@x", R"({"firstName":"Eve"})").status, 200U);
  EXPECT_EQ(got("/user/ada%40x")["firstName"], "Eve");
}

TEST_F(collections_of, museum_keeps_its_events) {
  auto text = real_document("museum.yaml");
  if (text.empty())
    GTEST_SKIP() << "no museum.yaml beside the checkout";
  auto reply = import(text);
  ASSERT_EQ(reply["collections"].size(), 1U) << reply["collections"];
  EXPECT_EQ(reply["collections"][0]["id"], "eventId");
  auto all = got("/special-events");
  EXPECT_EQ(all.size(), 10U);
  EXPECT_EQ(got("/special-events?limit=4&page=3").size(), 2U);
  auto made = send("POST", "/special-events", R"({"name":"Tea","location":"Hall","eventDescription":"d","dates":["2026-01-01"],"price":7})");
  ASSERT_EQ(made.status, 201U);
  auto id = json::parse(made.body)["eventId"].get<std::string>();
  EXPECT_EQ(id.size(), 36U);
  EXPECT_EQ(json::parse(send("PATCH", "/special-events/" + id, R"({"price":9})").body)["price"], 9);
  EXPECT_EQ(got("/special-events/" + id)["name"], "Tea");
  EXPECT_EQ(send("DELETE", "/special-events/" + id).status, 204U);
  auto gone = send("GET", "/special-events/" + id);
  EXPECT_EQ(gone.status, 404U);
  EXPECT_EQ(header(gone, "Content-Type"), "application/problem+json");
  EXPECT_EQ(got("/museum-hours")[0]["date"], "2023-09-11") << "no pair, no state";
}

/// What every operation answers, held against the schema of its answer.
TEST_F(collections_of, real_documents_still_answer_what_their_schemas_say) {
  for (auto* name : {"petstore.yaml", "museum.yaml", "box.json", "openai.json", "stripe-2023-09-12.spec3.yaml"}) {
    auto text = real_document(name);
    if (text.empty())
      GTEST_SKIP() << "no " << name << " beside the checkout";
    endpoints = {};
    data = {};
    auto from = std::chrono::steady_clock::now();
    auto reply = import(text);
    std::cout << name << ": " << reply["collections"].size() << " collections, "
              << std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - from).count() << " ms\n";
    auto document = parse_document(text);
    ASSERT_TRUE(document);
    schema_options options;
    options.dialect = document->string_member("openapi").starts_with("3.1") ? schema_dialect::draft2020_12 : schema_dialect::openapi_3_0;
    options.lenient = true;
    schema_compiler compiler{options};
    compiler.add("", *document);
    std::size_t checked = 0;
    for (const auto* e : endpoints.list("", 100'000)) {
      if (e->state.empty() || (e->state.role != collection_role::list && e->state.role != collection_role::create))
        continue;
      auto path = e->full_path();
      if (path.find('{') != std::string::npos)
        continue;
      auto r = send(e->state.role == collection_role::list ? "GET" : "POST", path, e->state.role == collection_role::list ? "" : "{}",
                    e->consumes.empty() ? fields{} : fields{{"Content-Type", e->consumes.front()}});
      ASSERT_LT(r.status, 300U) << e->method << ' ' << path << ' ' << r.body;
      const auto* operation = at_pointer(*document, pointer_to(pointer_to("/paths", e->path), e->method == "GET" ? "get" : "post"));
      if (operation == nullptr || header(r, "Content-Type") != "application/json")
        continue;
      const auto* answers = operation->member("responses");
      const auto* response = answers->member(std::to_string(r.status));
      response = response != nullptr ? follow_reference(*document, *response) : nullptr;
      const auto* content = response != nullptr ? response->member("content") : nullptr;
      const auto* schema = content != nullptr && content->member("application/json") != nullptr ? content->member("application/json")->member("schema") : nullptr;
      if (schema == nullptr)
        continue;
      auto compiled = compiler.compile("", *schema, "#");
      ASSERT_TRUE(compiled);
      auto value = parse_json(r.body);
      ASSERT_TRUE(value);
      auto faults = compiled->check(*value);
      EXPECT_TRUE(faults.empty()) << name << ' ' << e->method << ' ' << path << ": " << faults.front().instance << ' ' << faults.front().message;
      ++checked;
    }
    EXPECT_GT(checked, 0U) << name;
  }
}

} // namespace
