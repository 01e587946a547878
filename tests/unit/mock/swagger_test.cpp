// Swagger 2.0 documents: what they become, and that they are told of by their own places.
#include "stateful_support.hpp"

#include "events/limits.hpp"

namespace {
using namespace hourglass::mock;
using json = nlohmann::json;
using hourglass::events::errc;
namespace events = hourglass::events;

constexpr auto shop = R"(swagger: "2.0"
info: {title: Shop, version: "7"}
host: shop.example.com
basePath: /v2
schemes: [https]
consumes: [application/json]
produces: [application/json, text/plain]
x-webhooks: {}
securityDefinitions:
  key: {type: apiKey, name: X-Key, in: header}
  login: {type: basic}
  app: {type: oauth2, flow: application, tokenUrl: "https://x/t", scopes: {a: b}}
parameters:
  Limit: {name: limit, in: query, type: integer, maximum: 50, default: 5}
  Item:
    name: item
    in: body
    required: true
    schema: {$ref: "#/definitions/Item"}
responses:
  Lost:
    description: lost
    schema: {$ref: "#/definitions/Error"}
    examples: {application/json: {code: 4, text: lost}}
paths:
  /items:
    get:
      produces: [application/json]
      parameters:
        - {$ref: "#/parameters/Limit"}
        - {name: tag, in: query, type: array, items: {type: string, enum: [a, b]}, collectionFormat: multi}
        - {name: size, in: query, type: array, items: {type: integer}, collectionFormat: pipes}
        - {name: word, in: query, type: array, items: {type: string}, collectionFormat: ssv}
        - {name: odd, in: query, type: array, items: {type: integer}, collectionFormat: tsv}
        - {name: ids, in: query, type: array, items: {type: integer}}
      responses:
        200:
          description: all
          headers: {X-Total-Count: {type: integer}}
          schema: {type: array, items: {$ref: "#/definitions/Item"}}
          examples: {application/json: [{id: 3, name: bolt, weight: null}]}
    post:
      produces: [application/json]
      parameters: [{$ref: "#/parameters/Item"}]
      responses:
        201: {description: made, headers: {Location: {type: string}}, schema: {$ref: "#/definitions/Item"}}
  /items/{itemId}:
    parameters: [{name: itemId, in: path, required: true, type: integer}]
    get:
      produces: [application/json]
      responses:
        200: {description: one, schema: {$ref: "#/definitions/Item"}}
        404: {$ref: "#/responses/Lost"}
    delete: {responses: {204: {description: gone}}}
  /items/{itemId}/picture:
    parameters: [{name: itemId, in: path, required: true, type: integer}]
    get: {produces: [image/png], responses: {200: {description: p, schema: {type: file}}}}
    post:
      consumes: [multipart/form-data]
      parameters:
        - {name: picture, in: formData, type: file, required: true}
        - {name: note, in: formData, type: string}
      responses: {204: {description: kept}}
  /login:
    post:
      consumes: [application/x-www-form-urlencoded]
      parameters:
        - {name: X-Trace, in: header, type: string}
        - {name: user, in: formData, type: string, required: true, minLength: 3}
        - {name: age, in: formData, type: integer}
      responses:
        200: {description: in, schema: {type: string}, examples: {text/plain: welcome}}
definitions:
  Item:
    type: object
    required: [id, name]
    properties:
      id: {type: integer, readOnly: true}
      name: {type: string, minLength: 2, example: nut}
      weight: {type: number, x-nullable: true}
      maker: {$ref: "#/definitions/Maker", x-nullable: true}
  Maker: {type: object, discriminator: kind, required: [kind], properties: {kind: {type: string}}}
  Error: {type: object, properties: {code: {type: integer}, text: {type: string}}}
)";

struct swagger : stateful {
  std::vector<std::string> rules(const response& r) {
    std::vector<std::string> out;
    const auto body = json::parse(r.body, nullptr, false);
    EXPECT_TRUE(body.is_object() && body.contains("validation")) << r.status << ' ' << r.body;
    if (!body.is_object() || !body.contains("validation"))
      return {""};
    for (const auto& v : body["validation"])
      out.push_back(v["schema"].get<std::string>() + " " + v["rule"].get<std::string>());
    std::sort(out.begin(), out.end());
    return out;
  }
};

TEST_F(swagger, a_document_answers_under_its_base_path) {
  auto reply = import(shop);
  EXPECT_EQ(reply["title"], "Shop");
  EXPECT_EQ(reply["version"], "7");
  EXPECT_EQ(reply["endpoints"], 7);
  EXPECT_EQ(got("/v2/items")[0]["name"], "bolt");
  EXPECT_EQ(got("/items")[0]["name"], "bolt") << "and without it";
  EXPECT_EQ(header(send("GET", "/v2/items/3/picture"), "Content-Type"), "image/png");
  auto in = send("POST", "/login", "user=ada", {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "text/plain"}});
  EXPECT_EQ(in.body, "welcome");
}

TEST_F(swagger, its_collections_keep_state) {
  auto reply = import(shop);
  ASSERT_EQ(reply["collections"].size(), 1U);
  auto made = send("POST", "/v2/items", R"({"name":"gear","weight":null,"maker":null})");
  ASSERT_EQ(made.status, 201U);
  EXPECT_EQ(header(made, "X-Request-Validation"), "") << "null is as good as any";
  EXPECT_EQ(json::parse(made.body)["maker"], nullptr);
  auto id = std::to_string(json::parse(made.body)["id"].get<int>());
  EXPECT_EQ(got("/v2/items/" + id)["name"], "gear");
  EXPECT_EQ(send("DELETE", "/v2/items/" + id).status, 204U);
  auto gone = send("GET", "/v2/items/" + id);
  EXPECT_EQ(gone.status, 404U);
  EXPECT_EQ(gone.body, R"({"code":4,"text":"lost"})") << "the answer that the document shares";
}

TEST_F(swagger, faults_of_requests_point_into_the_document_as_it_was_written) {
  import(shop, state_mode::off, validation_mode::enforce);
  EXPECT_EQ(rules(send("GET", "/items?limit=60")), std::vector<std::string>{"#/parameters/Limit/maximum maximum"});
  EXPECT_EQ(rules(send("GET", "/items?tag=a&tag=c")), std::vector<std::string>{"#/paths/~1items/get/parameters/1/items/enum enum"});
  EXPECT_EQ(rules(send("POST", "/items", R"({"name":"x"})")), std::vector<std::string>{"#/definitions/Item/properties/name/minLength minLength"});
  EXPECT_EQ(rules(send("POST", "/items", R"({"name":"xx","maker":{}})")).front().substr(0, 26), "#/definitions/Item/propert");
  auto form = send("POST", "/login", "user=ab&age=x", {{"Content-Type", "application/x-www-form-urlencoded"}});
  EXPECT_EQ(rules(form), (std::vector<std::string>{"#/paths/~1login/post/parameters/1/minLength minLength", "#/paths/~1login/post/parameters/2/type type"}));
  EXPECT_EQ(rules(send("POST", "/login", "age=1", {{"Content-Type", "application/x-www-form-urlencoded"}})).front(), "#/paths/~1login/post/parameters/required required");
}

TEST_F(swagger, files_of_forms_are_held_against_their_parameters) {
  import(shop, state_mode::off, validation_mode::enforce);
  auto up = [&](const std::string& name, const std::string& filename) {
    return send("POST", "/items/3/picture", "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"" + filename + "\r\n\r\n\xff\xd8\r\n--b--", {{"Content-Type", "multipart/form-data; boundary=b"}});
  };
  EXPECT_EQ(up("picture", "; filename=\"a.jpg\"").status, 204U);
  EXPECT_EQ(rules(up("note", "")), std::vector<std::string>{"#/paths/~1items~1{itemId}~1picture/post/parameters/required required"});
}

TEST_F(swagger, lists_in_parameters_are_divided_as_the_document_says) {
  import(shop, state_mode::off, validation_mode::enforce);
  EXPECT_EQ(send("GET", "/items?tag=a&tag=b&size=1%7C2&word=x%20y&ids=1,2").status, 200U);
  EXPECT_EQ(send("GET", "/items?size=1%7Cx").status, 422U);
  EXPECT_EQ(send("GET", "/items?ids=1,x").status, 422U) << "commas, if it says nothing";
  EXPECT_EQ(send("GET", "/items?ids=1%7C2").status, 422U);
  EXPECT_EQ(send("GET", "/items?odd=anything").status, 200U) << "tabs are not read, and said so";
}

TEST_F(swagger, warnings_point_into_the_document_as_it_was_written) {
  auto reply = import(shop);
  std::vector<std::string> where;
  for (const auto& w : reply["warnings"])
    where.push_back(w["pointer"]);
  EXPECT_NE(std::find(where.begin(), where.end(), "/paths/~1items/get/parameters/4"), where.end()) << reply["warnings"];
  for (const auto& w : where) {
    EXPECT_EQ(w.find("requestBody"), std::string::npos) << w;
    EXPECT_EQ(w.find("/content/"), std::string::npos) << w;
    EXPECT_EQ(w.find("components"), std::string::npos) << w;
  }
}

TEST_F(swagger, what_is_no_such_document_is_refused_by_its_place) {
  struct bad {
    std::string text;
    std::string where;
  };
  const bad cases[] = {
    {R"({"swagger":"1.2","paths":{}})", "/swagger"},
    {R"({"swagger":3,"paths":{}})", "/swagger"},
    {R"({"swagger":{"a":1},"paths":{}})", "/swagger"},
    {R"({"swagger":"2.0"})", "/paths"},
    {R"({"swagger":"2.0","paths":[]})", "/paths"},
    {"swagger: '2.0'\npaths:\n  a: [\n", "4:1"},
  };
  for (const auto& c : cases) {
    auto read = read_openapi(c.text, {});
    ASSERT_FALSE(read) << c.text;
    EXPECT_EQ(read.error().code, errc::invalid) << c.text;
    EXPECT_EQ(read.error().where, c.where) << c.text;
  }
  EXPECT_TRUE(read_openapi("swagger: 2.0\ninfo: {title: t, version: '1'}\npaths: {}\n", {})) << "a number in YAML, as people write it";
}

TEST_F(swagger, odd_parts_are_left_out_and_the_rest_answers) {
  auto doc = read_openapi(R"({"swagger":"2.0","info":{"title":"t","version":"1"},"parameters":7,"responses":[],"definitions":5,"securityDefinitions":[],"schemes":{},"host":4,"basePath":"v1","paths":{
    "/a":5,"/b":{"get":7,"post":{"parameters":{"a":1},"responses":9},"put":{"parameters":[1,{"$ref":"#/parameters/No"},{"in":"body"},{"in":"formData"},{"in":"formData","name":"x","type":"file"}],
      "responses":{"200":{"$ref":"#/responses/No"},"201":7,"x-y":1,"default":{"schema":true,"headers":{"A":1,"B":{}},"examples":{"no media":1,"a/b":2}}}}},
    "/c":{"parameters":[{"in":"body","name":"b","schema":{"$ref":"http://elsewhere/x"}}],"post":{"consumes":["a/b",7,"nonsense"],"responses":{"200":{"description":"x"}}}}}})", {});
  ASSERT_TRUE(doc) << doc.error().detail << ' ' << doc.error().where;
  EXPECT_EQ(doc->endpoints.size(), 3U);
  EXPECT_GE(doc->warnings.size(), 4U);
  for (const auto& e : doc->endpoints)
    EXPECT_EQ(e.project_root, "/v1");
}

TEST_F(swagger, media_types_that_repeat_large_schemas_are_bounded) {
  json types = json::array();
  for (int i = 0; i < 1'000; ++i)
    types.push_back("application/x" + std::to_string(i) + "+json");
  json properties;
  for (int i = 0; i < 500; ++i)
    properties["p" + std::to_string(i)] = {{"type", "string"}};
  json paths;
  for (int i = 0; i < 500; ++i)
    paths["/p" + std::to_string(i)]["get"]["responses"]["200"]["schema"]["properties"] = properties;
  json document{{"swagger", "2.0"}, {"info", {{"title", "t"}, {"version", "1"}}}, {"produces", types}, {"paths", paths}};
  auto read = read_openapi(document.dump(), {});
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, errc::too_large);
  EXPECT_NE(read.error().detail.find("document_nodes"), std::string::npos) << read.error().detail;
}

TEST_F(swagger, deep_schemas_and_circles_end) {
  std::string deep = R"({"type":"object"})";
  for (int i = 0; i < 50; ++i)
    deep = R"({"properties":{"a":)" + deep + "}}";
  auto reply = import(R"({"swagger":"2.0","info":{"title":"t","version":"1"},"paths":{"/x":{"post":{"parameters":[{"in":"body","name":"b","schema":)" + deep +
                      R"(}],"responses":{"200":{"schema":{"$ref":"#/definitions/A"}}}}}},"definitions":{"A":{"$ref":"#/definitions/B"},"B":{"$ref":"#/definitions/A"}}})");
  EXPECT_EQ(reply["endpoints"], 1);
  EXPECT_LT(send("POST", "/x", "{}").status, 500U);
}

json swagger_of(json paths) { return {{"swagger", "2.0"}, {"info", {{"title", "t"}, {"version", "1"}}}, {"paths", std::move(paths)}}; }

TEST_F(swagger, shared_parts_with_much_text_are_bounded) {
  const std::string text(400'000, 'd');
  json use{{"$ref", "#/parameters/P"}};
  json headers = json::object();
  for (int i = 0; i < 500; ++i)
    headers["h" + std::to_string(i)] = {{"type", "string"}, {"enum", {text.substr(0, 1'000)}}};
  for (auto part : {json{{"name", "p"}, {"in", "query"}, {"type", "string"}, {"description", text}}, json{{"name", "p"}, {"in", "query"}, {"type", "string"}, {"enum", {text}}},
                    json{{"name", text}, {"in", "query"}, {"type", "string"}}, json{{"name", "p"}, {"in", "query"}, {"type", text}}}) {
    json paths;
    for (int i = 0; i < 300; ++i)
      paths["/p" + std::to_string(i)]["get"] = {{"parameters", {use}}, {"responses", {{"200", {{"description", "d"}}}}}};
    auto document = swagger_of(paths);
    document["parameters"]["P"] = part;
    auto read = read_openapi(document.dump(), {});
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, errc::too_large);
    EXPECT_NE(read.error().detail.find("document_text_bytes"), std::string::npos) << read.error().detail;
  }
  json paths;
  for (int i = 0; i < 300; ++i)
    paths["/p" + std::to_string(i)]["get"]["responses"]["200"]["$ref"] = "#/responses/R";
  auto document = swagger_of(paths);
  document["responses"]["R"] = {{"description", "d"}, {"headers", headers}};
  auto read = read_openapi(document.dump(), {});
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, errc::too_large);
}

TEST_F(swagger, long_paths_are_not_repeated_without_end) {
  json list = json::array();
  for (int i = 0; i < 190; ++i)
    list.push_back({{"name", "p" + std::to_string(i)}, {"in", "query"}, {"type", "string"}});
  auto read = read_openapi(swagger_of({{"/" + std::string(1'000'000, 'p'), {{"get", {{"parameters", list}, {"responses", json::object()}}}, {"put", {{"parameters", list}, {"responses", json::object()}}}}}}).dump(), {});
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, errc::too_large);
}

TEST_F(swagger, forms_of_a_path_and_of_its_operation_are_one) {
  import(swagger_of({{"/f", {{"parameters", {{{"name", "a"}, {"in", "formData"}, {"type", "string"}, {"required", true}}}},
                             {"post", {{"parameters", {{{"name", "b"}, {"in", "formData"}, {"type", "integer"}}}}, {"responses", {{"200", {{"description", "d"}}}}}}}}}}).dump(), {}, validation_mode::enforce);
  const fields form{{"Content-Type", "application/x-www-form-urlencoded"}};
  EXPECT_EQ(send("POST", "/f", "b=1", form).status, 422U) << last.response.body;
  EXPECT_EQ(send("POST", "/f", "a=x&b=1", form).status, 200U);
}

TEST_F(swagger, an_example_counts_whatever_its_charset_is) {
  json responses{{"200", {{"description", "d"}, {"schema", {{"type", "object"}}}, {"examples", {{"application/json", {{"a", 1}}}}}}}};
  import(swagger_of({{"/x", {{"get", {{"produces", {"application/json; charset=utf-8"}}, {"responses", responses}}}}}}).dump());
  EXPECT_EQ(got("/x"), json::parse(R"({"a":1})"));
}

TEST_F(swagger, what_is_not_kept_is_told) {
  json list = json::array();
  for (int i = 0; i < 250; ++i)
    list.push_back({{"name", "p" + std::to_string(i)}, {"in", "query"}, {"type", "string"}});
  json lists{{{"name", "X-L"}, {"in", "header"}, {"type", "array"}, {"items", {{"type", "integer"}}}, {"collectionFormat", "pipes"}},
             {{"name", "l"}, {"in", "formData"}, {"type", "array"}, {"items", {{"type", "integer"}}}, {"collectionFormat", "ssv"}}};
  auto read = read_openapi(swagger_of({{"/many", {{"get", {{"parameters", list}, {"responses", json::object()}}}}},
                                       {"/lists", {{"post", {{"parameters", lists}, {"responses", json::object()}}}}}}).dump(), {});
  ASSERT_TRUE(read) << read.error().detail;
  std::vector<std::string> places;
  for (const auto& w : read->warnings)
    places.push_back(w.where);
  for (const auto* at : {"/paths/~1many/get/parameters", "/paths/~1lists/post/parameters/0", "/paths/~1lists/post/parameters/1"})
    EXPECT_NE(std::find(places.begin(), places.end(), at), places.end()) << at;
}

} // namespace
