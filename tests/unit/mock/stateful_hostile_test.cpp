// Collections that meet what nobody meant: other data in their namespace, members that do not fit, secrets, and a great deal of everything.
#include "stateful_support.hpp"

#include "mock/collection_limits.hpp"

#include <chrono>

namespace {
using namespace hourglass::mock;
using json = nlohmann::json;
namespace limits = hourglass::limits;

struct hostile : stateful {
  void given(const std::string& space, const std::string& key, const std::string& value) { ASSERT_TRUE(run(data, data_command{put_item{space, key, value}})); }
  static json with_open_id() {
    auto document = json::parse(pets_document());
    document["components"]["schemas"]["Pet"]["properties"]["id"] = {{"type", "integer"}};
    return document;
  }
  std::string logged() const {
    std::string out;
    for (const auto& e : last.events)
      out += e.payload;
    return out;
  }
};

TEST_F(hostile, stored_values_that_are_no_objects_are_no_items) {
  import(pets_document());
  for (const auto* value : {"[1,2,3]", R"("text")", "null", "7", "true", "[]"}) {
    given("pets", "5", value);
    given("pets", "6", R"({"id":6,"name":"Own","made":"m"})");
    EXPECT_EQ(send("GET", "/pets/5").status, 404U) << value;
    EXPECT_EQ(send("PUT", "/pets/5", "{}").status, 404U) << value;
    EXPECT_EQ(send("PATCH", "/pets/5", R"({"name":"x"})").status, 404U) << value;
    EXPECT_EQ(send("DELETE", "/pets/5").status, 404U) << value;
    EXPECT_EQ(got("/pets"), json::parse(R"([{"id":6,"name":"Own","made":"m"}])")) << value;
    EXPECT_EQ(got("/pets?status=free"), json::array()) << value;
    EXPECT_EQ(*data.find("pets", "5"), value) << "nor is it lost";
  }
  given("pets", "7", "[1]");
  EXPECT_EQ(json::parse(send("POST", "/pets", R"({"name":"Next"})").body)["id"], 8) << "what is there is not written over";
}

// -- what fits ----------------------------------------------------------------------------

TEST_F(hostile, no_required_member_goes) {
  import(pets_document());
  for (const auto* type : {"application/merge-patch+json", "application/json"}) {
    auto now = send("PATCH", "/pets/1", R"({"name":null})", {{"Content-Type", type}});
    EXPECT_EQ(got("/pets/1")["name"], "Rex") << type << ' ' << now.body;
  }
}

/// The document's own rule allows what the item's schema does not: only the second one speaks here.
json with_open_bodies() {
  auto document = json::parse(pets_document());
  for (auto* method : {"put", "patch"})
    document["paths"]["/pets/{petId}"][method]["requestBody"]["content"] = {{"application/json", {{"schema", {{"type", "object"}}}}}};
  return document;
}

TEST_F(hostile, members_that_are_not_taken_are_told_by_name) {
  import(with_open_bodies().dump());
  for (auto* method : {"PUT", "PATCH"}) {
    auto now = send(method, "/pets/1", R"({"name":"Eve","status":"eaten","tag":"none"})");
    ASSERT_EQ(now.status, 200U) << now.body;
    EXPECT_EQ(json::parse(now.body)["name"], "Eve");
    EXPECT_NE(json::parse(now.body)["status"], "eaten");
    const auto told = header(now, "X-Request-Validation");
    EXPECT_TRUE(told.starts_with("not taken: body.status (")) << told;
    EXPECT_NE(told.find("; body.tag ("), std::string::npos) << told;
    EXPECT_EQ(told.find("body.name"), std::string::npos) << told;
    EXPECT_EQ(header(send(method, "/pets/1", R"({"name":"Ada"})"), "X-Request-Validation"), "");
  }
  EXPECT_NE(header(send("PATCH", "/pets/1", R"({"name":null})"), "X-Request-Validation").find("body.name"), std::string::npos) << "required: it cannot go";
  EXPECT_EQ(header(send("PATCH", "/pets/1", R"({"tag":null})"), "X-Request-Validation"), "") << "it went";
}

TEST_F(hostile, under_enforce_a_member_that_does_not_fit_the_item_is_refused_with_its_place) {
  import(with_open_bodies().dump(), {}, validation_mode::enforce);
  ASSERT_EQ(send("PUT", "/pets/1", R"({"name":"Rex","tag":["dog"]})").status, 200U) << "the document's example is not whole";
  for (auto* method : {"PUT", "PATCH"}) {
    auto refused = send(method, "/pets/1", R"({"name":"Eve","status":"eaten"})");
    EXPECT_EQ(refused.status, 422U) << refused.body;
    EXPECT_EQ(changes(), 0U);
    const auto fault = json::parse(refused.body)["validation"][0];
    EXPECT_EQ(fault["pointer"], "/status");
    EXPECT_EQ(fault["location"], json::parse(R"(["body","status"])"));
    EXPECT_EQ(fault["rule"], "enum");
    EXPECT_EQ(fault["schema"], "#/components/schemas/Pet/properties/status/enum");
  }
  EXPECT_EQ(send("PATCH", "/pets/1", R"({"tag":null})").status, 200U);
  EXPECT_EQ(got("/pets/1")["name"], "Rex");
}

TEST_F(hostile, a_given_id_that_the_schema_refuses_is_not_taken) {
  auto document = json::parse(pets_document());
  document["components"]["schemas"]["Pet"]["properties"]["id"] = {{"type", "string"}, {"pattern", "^p-[0-9]+$"}};
  document["paths"]["/pets/{petId}"]["parameters"][0]["schema"] = {{"type", "string"}};
  document["paths"]["/pets"]["get"]["responses"]["200"]["content"]["application/json"]["example"] = json::array();
  document["paths"]["/pets/{petId}"]["put"]["responses"]["201"] = {{"description", "made"}};
  import(document.dump());
  auto made = send("POST", "/pets", R"({"id":"!!","name":"Ada"})");
  ASSERT_EQ(made.status, 201U);
  EXPECT_NE(json::parse(made.body)["id"], "!!");
  EXPECT_TRUE(json::parse(made.body)["id"].get<std::string>().starts_with("p-")) << made.body;
  EXPECT_EQ(send("PUT", "/pets/!!", R"({"name":"Ada"})").status, 422U);
  EXPECT_EQ(changes(), 0U);
  EXPECT_EQ(json::parse(send("POST", "/pets", R"({"id":"p-77","name":"Ada"})").body)["id"], "p-77");
}

TEST_F(hostile, what_can_be_made_to_fit_by_no_means_is_refused) {
  auto document = with_open_id();
  document["components"]["schemas"]["Pet"]["minProperties"] = 6;
  import(document.dump());
  auto refused = send("POST", "/pets", R"({"name":5})");
  EXPECT_EQ(refused.status, 422U);
  EXPECT_EQ(changes(), 0U);
  EXPECT_NE(send("PUT", "/pets/1", R"({"name":5})").body.find("/name"), std::string::npos) << "the place is told";
}

TEST_F(hostile, nested_nulls_take_away_in_a_merge_patch_only) {
  import(pets_document());
  send("PATCH", "/pets/1", R"({"more":{"a":1,"b":{"c":2,"d":3}}})");
  auto merged = json::parse(send("PATCH", "/pets/1", R"({"more":{"a":null,"b":{"c":null},"new":{"x":null,"y":1}}})", {{"Content-Type", "application/merge-patch+json"}}).body);
  EXPECT_EQ(merged["more"], json::parse(R"({"b":{"d":3},"new":{"y":1}})"));
  auto plain = json::parse(send("PATCH", "/pets/1", R"({"more":{"b":null}})").body);
  EXPECT_EQ(plain["more"]["b"], nullptr);
  EXPECT_TRUE(plain["more"].contains("b"));
}

TEST_F(hostile, a_form_of_which_nothing_is_demanded_means_what_the_schema_says) {
  auto document = json::parse(pets_document());
  document["components"]["schemas"]["Pet"]["properties"]["balance"] = {{"type", "number"}};
  import(document.dump(), {}, validation_mode::off);
  auto made = json::parse(send("POST", "/pets", "name=Ada&balance=100", {{"Content-Type", "application/x-www-form-urlencoded"}}).body);
  EXPECT_EQ(made["balance"], 100);
}

// -- JSON Patch ---------------------------------------------------------------------------

struct patching : hostile {
  void SetUp() override { use(validation_mode::report); }
  void use(validation_mode mode) {
    auto document = json::parse(pets_document());
    document["paths"]["/pets/{petId}"]["patch"]["requestBody"]["content"]["application/json-patch+json"] = {{"schema", {{"type", "array"}}}};
    import(document.dump(), {}, mode);
  }
  response patch(const std::string& body, const std::string& target = "/pets/1") { return send("PATCH", target, body, {{"Content-Type", "application/json-patch+json"}}); }
};

TEST_F(patching, changes_the_item_that_the_path_names) {
  auto now = patch(R"([{"op":"test","path":"/name","value":"Rex"},{"op":"replace","path":"/name","value":"Max"},{"op":"add","path":"/tag/-","value":"old"},{"op":"copy","from":"/tag/0","path":"/kind"}])");
  ASSERT_EQ(now.status, 200U) << now.body;
  auto pet = json::parse(now.body);
  EXPECT_EQ(pet["id"], 1);
  EXPECT_EQ(pet["name"], "Max");
  EXPECT_EQ(pet["tag"], json::parse(R"(["dog","old"])"));
  EXPECT_EQ(pet["kind"], "dog");
  EXPECT_EQ(got("/pets/1"), pet);
  EXPECT_EQ(got("/pets/2")["name"], "Tom");
  EXPECT_EQ(header(now, "X-Request-Validation"), "");
}

TEST_F(patching, is_done_whole_or_not_at_all_and_says_at_which_operation) {
  const struct {
    const char* body;
    unsigned status;
    const char* pointer;
  } cases[] = {
    {R"([{"op":"replace","path":"/name","value":"Max"},{"op":"test","path":"/status","value":"free"}])", 409, "/1/value"},
    {R"([{"op":"replace","path":"/name","value":"Max"},{"op":"remove","path":"/none"}])", 422, "/1/path"},
    {R"([{"op":"replace","path":"/name","value":"Max"},{"op":"jump","path":"/name"}])", 400, "/1/op"},
  };
  for (const auto& c : cases) {
    auto r = patch(c.body);
    EXPECT_EQ(r.status, c.status) << r.body;
    EXPECT_EQ(json::parse(r.body)["pointer"], c.pointer) << r.body;
    EXPECT_EQ(changes(), 0U);
  }
  for (auto* body : {R"([{"op":"replace","path":"/name","value":"Max"},{"op":"replace","path":"/status","value":"eaten"}])", R"([{"op":"remove","path":"/name"}])",
                     R"([{"op":"replace","path":"","value":[]}])"}) {
    EXPECT_EQ(patch(body).status, 422U) << body;
    EXPECT_EQ(changes(), 0U) << body;
  }
  EXPECT_EQ(patch("{").status, 400U);
  EXPECT_EQ(patch("{}").status, 400U);
  EXPECT_EQ(patch("[]", "/pets/4711").status, 404U);
  EXPECT_EQ(patch("{", "/pets/4711").status, 404U);
  EXPECT_EQ(got("/pets/1")["name"], "Rex");
}

TEST_F(patching, leaves_what_is_the_server_s_and_says_so) {
  auto now = patch(R"([{"op":"replace","path":"/id","value":7},{"op":"replace","path":"/name","value":"Max"}])");
  ASSERT_EQ(now.status, 200U) << now.body;
  EXPECT_EQ(json::parse(now.body)["id"], 1);
  EXPECT_EQ(json::parse(now.body)["name"], "Max");
  EXPECT_NE(header(now, "X-Request-Validation").find("not taken: body.id"), std::string::npos) << header(now, "X-Request-Validation");
  use(validation_mode::enforce);
  EXPECT_EQ(patch(R"([{"op":"replace","path":"/id","value":7}])").status, 422U);
  EXPECT_EQ(changes(), 0U);
}

TEST_F(patching, tests_a_secret_as_it_is_kept) {
  ASSERT_EQ(patch(R"([{"op":"add","path":"/password","value":"hunter2-hunter2"}])").status, 200U);
  EXPECT_EQ(got("/pets/1")["password"], test_redactor().token("hunter2-hunter2"));
  EXPECT_EQ(patch(R"([{"op":"test","path":"/password","value":"hunter2-hunter2"}])").status, 200U);
  EXPECT_EQ(patch(R"([{"op":"test","path":"/password","value":"another"}])").status, 409U);
}

// -- ids ----------------------------------------------------------------------------------

TEST_F(hostile, an_id_that_no_path_can_name_is_refused) {
  auto document = json::parse(pets_document());
  document["components"]["schemas"]["Pet"]["properties"]["id"] = {{"type", "string"}};
  document["paths"]["/pets/{petId}"]["parameters"][0]["schema"] = {{"type", "string"}};
  document["paths"]["/pets"]["get"]["responses"]["200"]["content"]["application/json"]["example"] = json::array();
  document["paths"]["/pets"]["post"]["responses"].erase("422");
  import(document.dump());
  for (auto* id : {R"(".")", R"("..")", R"("a\u0001b")", R"("\n")", R"("a\u0000")", R"("\u007f")"}) {
    auto refused = send("POST", "/pets", std::string{R"({"name":"Ada","id":)"} + id + '}');
    EXPECT_EQ(refused.status, 422U) << id;
    EXPECT_EQ(changes(), 0U) << id;
    EXPECT_EQ(json::parse(refused.body)["validation"][0]["pointer"], "/id") << refused.body;
  }
  for (auto* id : {"...", "a.b", ".x"}) {
    ASSERT_EQ(send("POST", "/pets", std::string{R"({"name":"Ada","id":")"} + id + "\"}").status, 201U) << id;
    EXPECT_EQ(got(std::string{"/pets/"} + id)["id"], id);
  }
}

TEST_F(hostile, one_large_id_does_not_end_creation) {
  import(with_open_id().dump());
  EXPECT_EQ(send("POST", "/pets", R"({"id":9007199254740991,"name":"far"})").status, 201U);
  auto next = send("POST", "/pets", R"({"name":"next"})");
  ASSERT_EQ(next.status, 201U) << next.body;
  EXPECT_EQ(json::parse(next.body)["id"], 3);
}

TEST_F(hostile, where_the_schema_ends_free_numbers_below_are_given) {
  auto document = with_open_id();
  document["components"]["schemas"]["Pet"]["properties"]["id"]["maximum"] = 100;
  import(document.dump());
  EXPECT_EQ(json::parse(send("POST", "/pets", R"({"id":100,"name":"top"})").body)["id"], 100);
  EXPECT_EQ(json::parse(send("POST", "/pets", R"({"name":"next"})").body)["id"], 99);
  EXPECT_EQ(json::parse(send("POST", "/pets", R"({"id":101,"name":"beyond"})").body)["id"], 98) << "this is none of its ids";
}

// -- secrets ------------------------------------------------------------------------------

TEST_F(hostile, what_is_a_secret_is_none_of_the_log_s) {
  import(pets_document());
  auto made = send("POST", "/pets", R"({"name":"Ada","password":"hunter2-hunter2","more":{"api_key":"k-1234567"}})");
  ASSERT_EQ(made.status, 201U);
  ASSERT_GT(changes(), 0U);
  EXPECT_EQ(logged().find("hunter2"), std::string::npos) << logged();
  EXPECT_EQ(logged().find("k-1234567"), std::string::npos) << logged();
  EXPECT_NE(logged().find("Ada"), std::string::npos);
  for (auto* method : {"PUT", "PATCH"}) {
    ASSERT_EQ(send(method, "/pets/1", R"({"name":"Eve","password":"hunter2-hunter2"})").status, 200U);
    EXPECT_EQ(logged().find("hunter2"), std::string::npos) << logged();
    EXPECT_EQ(got("/pets/1")["password"], test_redactor().token("hunter2-hunter2")) << "equal secrets stay equal";
  }
}

TEST_F(hostile, a_secret_is_kept_redacted_where_the_schema_asks_for_another_text) {
  auto document = json::parse(pets_document());
  auto& pet = document["components"]["schemas"]["Pet"];
  pet["properties"]["password"] = {{"type", "string"}, {"maxLength", 12}, {"pattern", "^[a-z]+$"}};
  pet["properties"]["more"] = json::parse(R"({"type":"object","properties":{"keys":{"type":"array","items":{"type":"object","properties":{"api_key":{"type":"string","maxLength":9}}}}}})");
  pet["required"].push_back("password");
  import(document.dump());
  const auto kept = test_redactor().token("hunter");
  for (auto [method, target] : {std::pair{"POST", "/pets"}, std::pair{"PUT", "/pets/1"}, std::pair{"PATCH", "/pets/2"}}) {
    auto now = send(method, target, R"({"name":"Ada","made":"m","password":"hunter","more":{"keys":[{"api_key":"k-123456"}]}})");
    ASSERT_LT(now.status, 300U) << method << now.body;
    const auto pet_now = json::parse(now.body);
    EXPECT_EQ(pet_now["password"], kept) << method;
    EXPECT_EQ(pet_now["more"]["keys"][0]["api_key"], test_redactor().token("k-123456")) << method;
    EXPECT_EQ(header(now, "X-Request-Validation"), "") << method;
    EXPECT_EQ(logged().find("hunter"), std::string::npos);
  }
  EXPECT_EQ(json::parse(send("PATCH", "/pets/1", R"({"status":"free"})").body)["password"], kept) << "it does not stand in the way of what comes after it";
  EXPECT_EQ(got("/pets/1")["status"], "free");
  auto told = send("PATCH", "/pets/1", json{{"status", kept}}.dump());
  EXPECT_EQ(got("/pets/1")["status"], "free") << "only what is a secret may look like one";
  EXPECT_NE(header(told, "X-Request-Validation").find("body.status"), std::string::npos);
}

TEST_F(hostile, for_a_secret_that_is_a_number_stands_one_that_is_not_it_and_that_is_told) {
  auto document = json::parse(pets_document());
  document["components"]["schemas"]["Pet"]["properties"]["pin"] = {{"type", "integer"}, {"minimum", 1000}, {"maximum", 9999}};
  import(document.dump());
  auto now = send("POST", "/pets", R"({"name":"Ada","pin":7351})");
  ASSERT_EQ(now.status, 201U) << now.body;
  const auto pin = json::parse(now.body)["pin"];
  ASSERT_TRUE(pin.is_number_integer()) << now.body;
  EXPECT_NE(pin, 7351);
  EXPECT_GE(pin, 1000);
  EXPECT_NE(header(now, "X-Request-Validation").find("body/pin is a secret"), std::string::npos) << header(now, "X-Request-Validation");
  EXPECT_EQ(logged().find("7351"), std::string::npos);
}

// -- a great deal -------------------------------------------------------------------------

TEST_F(hostile, bodies_of_very_many_members_are_taken_whole_or_refused) {
  import(pets_document());
  auto of = [](std::size_t members) {
    std::string body = R"({"name":"x")";
    for (std::size_t i = 0; i < members; ++i)
      body += ",\"m" + std::to_string(i) + "\":1";
    return body + '}';
  };
  for (auto* method : {"POST", "PUT", "PATCH"}) {
    const auto* target = *method == 'P' && method[1] == 'O' ? "/pets" : "/pets/1";
    EXPECT_EQ(send(method, target, of(400'000)).status, 413U) << "larger than a value may be";
    auto many = send(method, target, of(60'000));
    EXPECT_EQ(many.status, 422U);
    EXPECT_EQ(changes(), 0U);
    EXPECT_LT(send(method, target, of(1'900)).status, 300U);
    auto unfit = of(300);
    unfit.insert(unfit.size() - 1, R"(,"status":"neither")");
    EXPECT_EQ(send(method, target, unfit).status, 422U) << "not with some of its members left out";
    EXPECT_EQ(changes(), 0U);
  }
}

TEST_F(hostile, what_is_stored_and_no_item_is_not_written_over) {
  auto document = json::parse(pets_document());
  document["paths"]["/pets/{petId}"]["put"]["responses"]["201"] = document["paths"]["/pets/{petId}"]["put"]["responses"]["200"];
  import(document.dump());
  given("pets", "5", "[1,2,3]");
  EXPECT_EQ(send("PUT", "/pets/5", R"({"name":"x"})").status, 409U);
  EXPECT_EQ(changes(), 0U);
  EXPECT_EQ(send("PUT", "/pets/6", R"({"name":"x"})").status, 201U);
}

TEST_F(hostile, a_number_has_one_spelling) {
  auto document = json::parse(pets_document());
  document["paths"]["/pets/{petId}"]["put"]["responses"]["201"] = document["paths"]["/pets/{petId}"]["put"]["responses"]["200"];
  import(document.dump());
  for (auto* id : {"007", "-0", "+7"}) {
    EXPECT_EQ(send("PUT", std::string{"/pets/"} + id, R"({"name":"Bond"})").status, 422U) << id;
    EXPECT_EQ(changes(), 0U);
  }
  EXPECT_EQ(send("PUT", "/pets/7", R"({"name":"Bond"})").status, 201U);
  EXPECT_EQ(got("/pets/7")["id"], 7);
}

TEST_F(hostile, filters_look_at_no_more_than_the_limit) {
  import(pets_document());
  const std::string text(limits::data_value_bytes - 100, 'x');
  for (int i = 0; i < 8; ++i)
    given("pets", std::to_string(i), R"({"id":)" + std::to_string(i) + R"(,"name":")" + text + R"("})");
  std::string many = "/pets?limit=1";
  for (int i = 0; i < 20; ++i)
    many += "&q=nothing" + std::to_string(i);
  auto refused = send("GET", many);
  EXPECT_EQ(refused.status, 422U);
  EXPECT_NE(refused.body.find("collection_filter_bytes"), std::string::npos) << refused.body;
  EXPECT_EQ(got("/pets?limit=1&q=nothing"), json::array());
  std::string same = "/pets?limit=1";
  for (int i = 0; i < 200; ++i)
    same += "&q=NOTHING";
  EXPECT_EQ(got(same), json::array()) << "the same again costs nothing";
}

// -- lists --------------------------------------------------------------------------------

TEST_F(hostile, a_text_is_no_number_and_a_filter_of_it_finds_none) {
  auto document = json::parse(pets_document());
  document["components"]["schemas"]["Pet"]["properties"]["quantity"] = {{"type", "integer"}};
  document["paths"]["/pets"]["get"]["parameters"].push_back({{"name", "quantity"}, {"in", "query"}});
  import(document.dump());
  given("pets", "1", R"({"id":1,"name":"a","made":"m","quantity":0})");
  EXPECT_EQ(got("/pets?quantity=abc"), json::array());
  EXPECT_EQ(got("/pets?quantity=0").size(), 1U);
  EXPECT_EQ(got("/pets?quantity=0.0").size(), 1U);
}

TEST_F(hostile, a_cursor_of_an_item_that_went_goes_on_behind_it) {
  auto document = json::parse(pets_document());
  document["paths"]["/pets"]["get"]["parameters"].push_back({{"name", "after"}, {"in", "query"}});
  import(document.dump());
  for (auto* id : {"1", "2", "10", "30"})
    given("pets", id, R"({"id":)" + std::string{id} + R"(,"name":"a","made":"m"})");
  EXPECT_EQ(got("/pets?after=9")[0]["id"], 10);
  EXPECT_EQ(got("/pets?after=10")[0]["id"], 30);
  EXPECT_EQ(got("/pets?after=99"), json::array());
}

TEST_F(hostile, a_list_that_cannot_be_paged_shows_all_and_a_limit_has_its_maximum) {
  auto document = json::parse(pets_document());
  auto& parameters = document["paths"]["/pets"]["get"]["parameters"];
  parameters[0]["schema"]["maximum"] = 3;
  import(document.dump());
  for (int i = 1; i <= 1'500; ++i)
    given("pets", std::to_string(i), R"({"id":)" + std::to_string(i) + R"(,"name":"a","made":"m"})");
  EXPECT_EQ(got("/pets?limit=1000").size(), 3U);
  parameters = json::array();
  import(document.dump());
  EXPECT_EQ(got("/pets").size(), 1'500U);
}

// -- other answers ------------------------------------------------------------------------

TEST_F(hostile, a_media_type_with_another_shape_answers_from_its_example) {
  auto document = json::parse(pets_document());
  document["paths"]["/pets/{petId}"]["get"]["responses"]["200"]["content"]["application/vnd.receipt+json"] = {
    {"schema", {{"type", "object"}, {"properties", {{"receipt", {{"type", "string"}}}}}}}, {"example", {{"receipt", "r-1"}}}};
  import(document.dump());
  EXPECT_EQ(got("/pets/1")["name"], "Rex");
  EXPECT_EQ(send("GET", "/pets/1", {}, {{"Accept", "application/vnd.receipt+json"}}).body, R"({"receipt":"r-1"})");
}

std::string repos(const std::string& org_type) {
  auto document = json::parse(R"({"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{
    "/orgs/{org}/repos":{"parameters":[{"name":"org","in":"path","required":true,"schema":{"type":"string"}}],
      "get":{"responses":{"200":{"content":{"application/json":{"schema":{"type":"array","items":{"$ref":"#/components/schemas/Repo"}},"example":[{"id":1,"name":"a"}]}}}}},
      "post":{"responses":{"201":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Repo"}}}}}}},
    "/orgs/{org}/repos/{id}":{"parameters":[{"name":"org","in":"path","required":true,"schema":{"type":"string"}},{"name":"id","in":"path","required":true,"schema":{"type":"integer"}}],
      "get":{"responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Repo"}}}}}}}},
    "components":{"schemas":{"Repo":{"type":"object","required":["id"],"properties":{"id":{"type":"integer"},"name":{"type":"string"},"org":{"type":"string"}}}}}})");
  document["components"]["schemas"]["Repo"]["properties"]["org"]["type"] = org_type;
  return document.dump();
}

TEST_F(hostile, a_text_of_the_path_is_no_number_of_an_item) {
  import(repos("integer"));
  EXPECT_EQ(got("/orgs/7/repos")[0]["org"], 7);
  EXPECT_FALSE(got("/orgs/abc/repos")[0].contains("org"));
  auto made = send("POST", "/orgs/abc/repos", R"({"name":"b"})");
  ASSERT_EQ(made.status, 201U);
  EXPECT_FALSE(json::parse(made.body).contains("org")) << made.body;
  import(repos("string"));
  EXPECT_EQ(json::parse(send("POST", "/orgs/xyz/repos", R"({"name":"b","org":"mine"})").body)["org"], "xyz");
}

TEST_F(hostile, below_what_keeps_no_state_everything_is_there) {
  auto document = json::parse(pets_document(R"(,"/pets/{petId}/toys":{"parameters":[{"name":"petId","in":"path","required":true,"schema":{"type":"integer"}}],
      "get":{"responses":{"200":{"content":{"application/json":{"schema":{"type":"array","items":{"$ref":"#/components/schemas/Toy"}}}}}}}},
    "/pets/{petId}/toys/{toyId}":{"parameters":[{"name":"petId","in":"path","required":true,"schema":{"type":"integer"}},{"name":"toyId","in":"path","required":true,"schema":{"type":"integer"}}],
      "get":{"responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Toy"}}}}}}})"));
  document["components"]["schemas"]["Toy"] = {{"type", "object"}, {"required", {"id"}}, {"properties", {{"id", {{"type", "integer"}}}, {"name", {{"type", "string"}}}}}};
  import(document.dump());
  EXPECT_EQ(send("GET", "/pets/4711/toys").status, 404U);
  for (auto* path : {"/pets", "/pets/{petId}"})
    document["paths"][path]["x-hourglass-state"] = "off";
  import(document.dump());
  EXPECT_EQ(send("GET", "/pets/4711").status, 200U);
  EXPECT_EQ(send("GET", "/pets/4711/toys").status, 200U) << "a parent that answers anything is always there";
}

TEST_F(hostile, items_of_several_kinds_answer_from_their_examples) {
  auto document = json::parse(pets_document());
  const json cat{{"type", "object"}, {"required", {"id", "meows"}}, {"properties", {{"id", {{"type", "integer"}}}, {"meows", {{"type", "boolean"}}}}}};
  document["components"]["schemas"]["Pet"] = {{"oneOf", {document["components"]["schemas"]["Pet"], cat}}};
  const auto reply = import(document.dump());
  EXPECT_TRUE(!reply.contains("collections") || reply["collections"].empty()) << reply.dump();
  EXPECT_NE(reply["warnings"].dump().find("several kinds"), std::string::npos) << reply.dump();
  EXPECT_EQ(send("DELETE", "/pets/1").status, 204U);
  EXPECT_EQ(send("GET", "/pets/1").status, 200U);
}

} // namespace
