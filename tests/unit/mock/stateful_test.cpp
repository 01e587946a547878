// Collections of an imported document, over the sandbox's data.
#include "stateful_support.hpp"

#include "mock/collection_limits.hpp"

namespace {
using namespace hourglass::mock;
using json = nlohmann::json;
namespace events = hourglass::events;
namespace limits = hourglass::limits;

TEST_F(stateful, an_import_tells_which_collections_it_found) {
  auto reply = import(pets_document());
  ASSERT_EQ(reply["collections"].size(), 1U);
  EXPECT_EQ(reply["collections"][0], json::parse(R"({"namespace":"pets","path":"/pets","id":"id","seeds":2})")) << "those of the list; what is generated for the item is not needed";
}

TEST_F(stateful, a_collection_begins_with_the_examples_and_looking_changes_nothing) {
  import(pets_document());
  auto all = got("/pets");
  EXPECT_EQ(all.size(), 2U);
  EXPECT_EQ(got("/pets/1")["name"], "Rex");
  EXPECT_EQ(got("/pets/2")["name"], "Tom");
  EXPECT_EQ(changes(), 0U);
  EXPECT_TRUE(data.namespaces.empty());
}

TEST_F(stateful, what_is_created_has_an_id_is_found_and_is_in_the_list) {
  import(pets_document());
  auto before = got("/pets").size();
  auto made = send("POST", "/pets", R"({"name":"Ada","tag":["dog"],"id":1,"created_at":"1999-01-01T00:00:00Z"})");
  ASSERT_EQ(made.status, 201U) << made.body;
  auto pet = json::parse(made.body);
  EXPECT_TRUE(pet["id"].is_number_integer());
  EXPECT_NE(pet["id"], 1) << "the id is the server's";
  EXPECT_EQ(pet["name"], "Ada");
  EXPECT_EQ(pet["status"], "free") << "the default of the schema";
  EXPECT_EQ(pet["made"], "pet factory") << "required, and not given";
  EXPECT_EQ(pet["created_at"], events::to_rfc3339(at_moment().now));
  auto id = std::to_string(pet["id"].get<int>());
  EXPECT_EQ(header(made, "Location"), "pets/" + id) << "relative to the request, wherever the sandbox is mounted";
  EXPECT_EQ(header(send("POST", "/pets/?x=/y", R"({"name":"Eve"})"), "Location"), std::to_string(pet["id"].get<int>() + 1)) << "from /pets/ it is not far";
  EXPECT_EQ(send("DELETE", "/pets/" + std::to_string(pet["id"].get<int>() + 1)).status, 204U);
  EXPECT_EQ(got("/pets/" + id), pet);
  EXPECT_EQ(got("/pets").size(), before + 1);
  EXPECT_EQ(json::parse(*data.find("pets", id)), pet);
  EXPECT_NE(data.find("pets", "1"), nullptr) << "with the first change the seeds are data, too";
}

TEST_F(stateful, ids_are_never_given_twice) {
  import(pets_document());
  auto one = json::parse(send("POST", "/pets", R"({"name":"a"})").body)["id"].get<int>();
  EXPECT_EQ(send("DELETE", "/pets/" + std::to_string(one)).status, 204U);
  EXPECT_EQ(json::parse(send("POST", "/pets", R"({"name":"b"})").body)["id"], one + 1);
}

TEST_F(stateful, what_is_deleted_is_404_as_the_document_says_it) {
  import(pets_document());
  EXPECT_EQ(send("DELETE", "/pets/1").status, 204U);
  EXPECT_GE(changes(), 1U);
  auto gone = send("GET", "/pets/1");
  EXPECT_EQ(gone.status, 404U);
  EXPECT_EQ(gone.body, R"({"error":"no such pet"})");
  EXPECT_EQ(header(gone, "Content-Type"), "application/json");
  auto again = send("DELETE", "/pets/1");
  EXPECT_EQ(again.status, 404U) << "this operation declares none";
  EXPECT_EQ(header(again, "Content-Type"), "application/problem+json");
  EXPECT_NE(again.body.find("no item with the id 1 in /pets"), std::string::npos) << again.body;
}

TEST_F(stateful, an_emptied_collection_stays_empty) {
  import(pets_document());
  for (const auto& pet : got("/pets"))
    EXPECT_EQ(send("DELETE", "/pets/" + std::to_string(pet["id"].get<int>())).status, 204U);
  EXPECT_EQ(got("/pets"), json::array());
  import(pets_document());
  EXPECT_EQ(got("/pets"), json::array()) << "an import does not bring back what was deleted";
}

TEST_F(stateful, put_replaces_and_keeps_what_is_the_server_s) {
  import(pets_document());
  auto pet = json::parse(send("POST", "/pets", R"({"name":"Ada","tag":["dog"]})").body);
  auto at = "/pets/" + std::to_string(pet["id"].get<int>());
  auto put = send("PUT", at, R"({"name":"Eve","id":77})");
  ASSERT_EQ(put.status, 200U);
  auto now = json::parse(put.body);
  EXPECT_EQ(now["id"], pet["id"]);
  EXPECT_EQ(now["name"], "Eve");
  EXPECT_EQ(now["created_at"], pet["created_at"]);
  EXPECT_FALSE(now.contains("tag"));
  EXPECT_EQ(got(at), now);
  EXPECT_EQ(send("PUT", "/pets/4711", R"({"name":"x"})").status, 404U);
}

TEST_F(stateful, put_makes_what_is_not_there_if_the_document_has_a_201_for_it) {
  auto document = json::parse(pets_document());
  document["paths"]["/pets/{petId}"]["put"]["responses"]["201"] = {{"description", "made"}, {"content", {{"application/json", {{"schema", {{"$ref", "#/components/schemas/Pet"}}}}}}}};
  import(document.dump());
  auto made = send("PUT", "/pets/4711", R"({"name":"Eve"})");
  EXPECT_EQ(made.status, 201U);
  EXPECT_EQ(json::parse(made.body)["id"], 4711);
  EXPECT_EQ(got("/pets/4711")["name"], "Eve");
  EXPECT_EQ(send("PUT", "/pets/4711", R"({"name":"Ada"})").status, 200U);
  EXPECT_EQ(json::parse(send("POST", "/pets", R"({"name":"next"})").body)["id"], 4712) << "ids go on from there";
}

TEST_F(stateful, an_id_that_is_taken_is_409) {
  auto document = json::parse(pets_document());
  document["components"]["schemas"]["Pet"]["properties"]["id"] = {{"type", "integer"}};
  import(document.dump());
  auto undeclared = send("POST", "/pets", R"({"id":1,"name":"Max"})");
  EXPECT_EQ(undeclared.status, 409U);
  EXPECT_EQ(header(undeclared, "Content-Type"), "application/problem+json");
  EXPECT_EQ(changes(), 0U);
  EXPECT_EQ(got("/pets/1")["name"], "Rex");
  document["paths"]["/pets"]["post"]["responses"]["409"] = {{"description", "taken"}, {"content", {{"application/json", {{"example", {{"error", "taken"}}}}}}}};
  import(document.dump());
  auto taken = send("POST", "/pets", R"({"id":1,"name":"Tim"})");
  EXPECT_EQ(taken.status, 409U);
  EXPECT_EQ(taken.body, R"({"error":"taken"})");
  EXPECT_EQ(changes(), 0U);
  EXPECT_EQ(got("/pets/1")["name"], "Rex");
}

TEST_F(stateful, patch_merges) {
  import(pets_document());
  auto now = json::parse(send("PATCH", "/pets/2", R"({"name":"Tim"})").body);
  EXPECT_EQ(now["name"], "Tim");
  EXPECT_EQ(now["status"], "free");
  EXPECT_EQ(now["tag"], json::array({"cat", "grey"}));
  auto without = send("PATCH", "/pets/2", R"({"tag":null})", {{"Content-Type", "application/merge-patch+json"}});
  EXPECT_FALSE(json::parse(without.body).contains("tag"));
  EXPECT_EQ(got("/pets/2")["name"], "Tim");
}

TEST_F(stateful, a_list_is_filtered_and_paged_by_the_parameters_that_are_declared) {
  import(pets_document());
  for (int i = 0; i < 25; ++i)
    ASSERT_EQ(send("POST", "/pets", R"({"name":"n)" + std::to_string(i) + R"(","status":"sold","tag":["t)" + std::to_string(i % 5) + R"("]})").status, 201U);
  EXPECT_EQ(got("/pets").size(), 10U) << "the default of limit";
  EXPECT_EQ(header(last.response, "X-Total-Count"), std::to_string(25 + 2));
  EXPECT_EQ(got("/pets?limit=3&offset=26").size(), 1U);
  EXPECT_EQ(got("/pets?limit=100&status=free").size(), 1U);
  auto tagged = got("/pets?limit=100&tag=t3");
  ASSERT_EQ(tagged.size(), 5U);
  EXPECT_EQ(tagged[0]["tag"][0], "t3");
  EXPECT_EQ(got("/pets?limit=100&tag=t3,t4").size(), 10U);
  EXPECT_EQ(got("/pets?limit=100&q=REX").size(), 1U);
  EXPECT_EQ(got("/pets?limit=100&tag=&q=").size(), 27U) << "a filter without a value asks for nothing";
  EXPECT_EQ(got("/pets?limit=100&tag=t3&tag=t4&status=sold").size(), 10U);
  std::string many = "/pets?limit=100";
  for (int i = 0; i < 900; ++i)
    many += "&q=n";
  EXPECT_EQ(got(many).size(), 25U) << "bounded, and still answered";
  EXPECT_EQ(got("/pets?limit=100&color=red").size(), 27U) << "what the document does not declare filters nothing";
  auto ids = got("/pets?limit=100");
  for (std::size_t i = 1; i < ids.size(); ++i)
    EXPECT_LT(ids[i - 1]["id"], ids[i]["id"]) << "by number, not as text";
}

TEST_F(stateful, prefer_still_chooses_the_document_s_answers_and_changes_nothing) {
  import(pets_document());
  auto lost = send("GET", "/pets/1", {}, {{"Prefer", "code=404"}});
  EXPECT_EQ(lost.status, 404U);
  EXPECT_EQ(lost.body, R"({"error":"no such pet"})");
  EXPECT_EQ(send("POST", "/pets", R"({"name":"x"})", {{"Prefer", "code=422"}}).status, 422U);
  EXPECT_EQ(changes(), 0U);
  EXPECT_EQ(send("POST", "/pets", R"({"name":"x"})", {{"Prefer", "code=201"}}).status, 201U);
  EXPECT_GT(changes(), 0U);
  EXPECT_EQ(send("GET", "/pets/1", {}, {{"Accept", "image/png"}}).status, 406U);
  EXPECT_EQ(send("HEAD", "/pets/1").status, 200U);
  EXPECT_EQ(send("HEAD", "/pets/4711").status, 404U);
}

TEST_F(stateful, an_answer_always_fits_the_schema) {
  import(pets_document());
  auto pet = send("POST", "/pets", R"({"name":"Ada","status":"eaten","tag":"none","more":{"x":1}})");
  ASSERT_EQ(pet.status, 201U);
  EXPECT_FALSE(header(pet, "X-Request-Validation").empty());
  auto v = json::parse(pet.body);
  EXPECT_EQ(v["name"], "Ada");
  EXPECT_EQ(v["status"], "free") << "what does not fit is left out";
  EXPECT_FALSE(v.contains("tag"));
  EXPECT_EQ(v["more"]["x"], 1);
}

TEST_F(stateful, what_is_only_written_is_kept_and_never_shown) {
  import(pets_document());
  auto made = json::parse(send("POST", "/pets", R"({"name":"Ada","secret":"s3"})").body);
  EXPECT_FALSE(made.contains("secret"));
  auto id = std::to_string(made["id"].get<int>());
  EXPECT_EQ(json::parse(*data.find("pets", id))["secret"], test_redactor().token("s3")) << "as the log has it";
  EXPECT_FALSE(got("/pets/" + id).contains("secret"));
  EXPECT_FALSE(got("/pets?limit=50").back().contains("secret"));
}

TEST_F(stateful, a_refused_body_is_answered_as_the_document_declares) {
  import(pets_document(), {}, validation_mode::enforce);
  auto refused = send("POST", "/pets", R"({"name":5})");
  EXPECT_EQ(refused.status, 422U);
  EXPECT_EQ(refused.body, R"({"error":"no pet"})");
  EXPECT_NE(header(refused, "X-Request-Validation").find("name"), std::string::npos);
  EXPECT_EQ(changes(), 0U);
  auto put = send("PUT", "/pets/1", R"({"name":5})");
  EXPECT_EQ(put.status, 422U);
  EXPECT_EQ(header(put, "Content-Type"), "application/problem+json") << "this operation declares none";
}

TEST_F(stateful, a_body_that_is_no_object_is_refused_with_its_place_and_changes_nothing) {
  for (auto mode : {validation_mode::report, validation_mode::off}) {
    import(pets_document(), {}, mode);
    for (auto [method, target] : {std::pair{"POST", "/pets"}, std::pair{"PUT", "/pets/1"}, std::pair{"PATCH", "/pets/1"}}) {
      for (auto* body : {"[1]", "\"x\"", "7", "null"}) {
        auto refused = send(method, target, body);
        EXPECT_EQ(refused.status, 422U) << method << body;
        EXPECT_EQ(changes(), 0U) << body;
        if (*method == 'P' && method[1] == 'O') { // the document's own
          EXPECT_EQ(refused.body, R"({"error":"no pet"})");
          EXPECT_NE(header(refused, "X-Request-Validation").find("must be an object"), std::string::npos);
        } else {
          EXPECT_EQ(json::parse(refused.body)["validation"][0]["location"], json::array({"body"})) << refused.body;
        }
      }
      auto broken = send(method, target, R"({"name":"x",})");
      EXPECT_EQ(broken.status, 400U) << method;
      EXPECT_EQ(changes(), 0U);
      EXPECT_NE(broken.body.find("(1:13)"), std::string::npos) << broken.body;
    }
  }
  EXPECT_EQ(got("/pets/1")["name"], "Rex");
}

TEST_F(stateful, an_item_that_is_not_there_is_404_whatever_the_body) {
  import(pets_document());
  for (auto* method : {"PUT", "PATCH"})
    for (auto* body : {"[1]", "{", "null", "{}"}) {
      auto gone = send(method, "/pets/4711", body);
      EXPECT_EQ(gone.status, 404U) << method << body;
      EXPECT_NE(gone.body.find("4711"), std::string::npos) << gone.body;
    }
}

TEST_F(stateful, a_body_that_is_not_read_leaves_an_item_as_it_is_and_says_so) {
  auto document = json::parse(pets_document());
  for (auto* method : {"put", "patch"})
    document["paths"]["/pets/{petId}"][method]["requestBody"]["content"]["application/octet-stream"] = json::object();
  import(document.dump());
  const auto rex = got("/pets/1");
  for (auto* method : {"PUT", "PATCH"}) {
    auto same = send(method, "/pets/1", "photo", {{"Content-Type", "application/octet-stream"}});
    EXPECT_EQ(same.status, 200U);
    EXPECT_EQ(json::parse(same.body), rex) << "neither an invented item nor another one";
    EXPECT_EQ(changes(), 0U);
    EXPECT_NE(header(same, "X-Request-Validation").find("application/octet-stream, which is not read"), std::string::npos) << header(same, "X-Request-Validation");
    EXPECT_EQ(send(method, "/pets/4711", "photo", {{"Content-Type", "application/octet-stream"}}).status, 404U);
  }
}

TEST_F(stateful, an_operation_that_takes_lists_is_answered_by_its_example_and_says_that_nothing_was_made) {
  auto document = json::parse(pets_document());
  document["paths"]["/pets"]["post"]["requestBody"]["content"]["application/json"]["schema"] = {{"type", "array"}, {"items", {{"type", "object"}}}};
  import(document.dump());
  auto many = send("POST", "/pets", R"([{"name":"a"},{"name":"b"}])");
  EXPECT_EQ(many.status, 201U);
  EXPECT_EQ(changes(), 0U);
  EXPECT_NE(header(many, "X-Request-Validation").find("not taken"), std::string::npos);
  EXPECT_EQ(send("POST", "/pets", "[1]").status, 422U);
}

TEST_F(stateful, forms_are_read_as_the_schema_means_them) {
  import(pets_document());
  auto made = send("POST", "/pets", "name=Ada+L&tag=a&tag=b", {{"Content-Type", "application/x-www-form-urlencoded"}});
  ASSERT_EQ(made.status, 201U);
  auto pet = json::parse(made.body);
  EXPECT_EQ(pet["name"], "Ada L");
  EXPECT_EQ(pet["tag"], json::array({"a", "b"}));
}

// -- switches ----------------------------------------------------------------------------

TEST_F(stateful, an_import_may_turn_it_off_or_begin_empty) {
  auto reply = import(pets_document(), state_mode::off);
  EXPECT_TRUE(reply["collections"].empty());
  EXPECT_EQ(send("GET", "/pets/4711").status, 200U);
  EXPECT_EQ(send("DELETE", "/pets/1").status, 204U);
  EXPECT_EQ(changes(), 0U);
  import(pets_document(), state_mode::empty);
  EXPECT_EQ(got("/pets"), json::array());
  EXPECT_EQ(send("GET", "/pets/1").status, 404U);
  EXPECT_EQ(json::parse(send("POST", "/pets", R"({"name":"first"})").body)["id"], 1);
}

TEST_F(stateful, the_document_may_say_so_itself) {
  auto text = pets_document();
  auto document = json::parse(text);
  document["paths"]["/pets"]["get"]["x-hourglass-state"] = "off";
  import(document.dump());
  auto id = json::parse(send("POST", "/pets", R"({"name":"Ada"})").body)["id"].get<int>();
  EXPECT_EQ(got("/pets").size(), 2U) << "the example";
  EXPECT_EQ(got("/pets/" + std::to_string(id))["name"], "Ada");
  document["paths"]["/pets"].erase("x-hourglass-state");
  document["x-hourglass-state"] = "off";
  EXPECT_TRUE(import(document.dump())["collections"].empty());
  EXPECT_EQ(import(document.dump(), state_mode::on)["collections"].size(), 1U) << "who imports has the last word";
}

TEST_F(stateful, one_endpoint_may_be_switched) {
  import(pets_document());
  std::string get_one;
  for (const auto* e : endpoints.list("", 100))
    if (e->method == "GET" && e->path == "/pets/{petId}")
      get_one = e->id;
  ASSERT_TRUE(run(endpoints, endpoint_command{switch_state{get_one, false}}));
  EXPECT_EQ(send("GET", "/pets/4711").status, 200U);
  EXPECT_EQ(send("DELETE", "/pets/4711").status, 404U);
  auto back = restore<endpoint_state>(snapshot(endpoints));
  ASSERT_TRUE(back);
  endpoints = std::move(*back);
  EXPECT_EQ(send("GET", "/pets/4711").status, 200U);
  ASSERT_TRUE(run(endpoints, endpoint_command{switch_state{get_one, true}}));
  EXPECT_EQ(send("GET", "/pets/4711").status, 404U);
  EXPECT_EQ(run(endpoints, endpoint_command{switch_state{"ep_none", true}}).error().code, events::errc::not_found);
}

TEST_F(stateful, a_restored_snapshot_answers_as_before) {
  import(pets_document());
  auto id = std::to_string(json::parse(send("POST", "/pets", R"({"name":"Ada"})").body)["id"].get<int>());
  auto again = restore<endpoint_state>(snapshot(endpoints));
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_EQ(snapshot(*again), snapshot(endpoints));
  for (auto target : {"/pets", "/pets/1", "/pets/4711"})
    EXPECT_EQ(serve(*again, data, get(target), at_moment(), test_redactor()).response.body, serve(endpoints, data, get(target), at_moment(), test_redactor()).response.body);
  EXPECT_NE(snapshot(endpoints).find(R"({"format":6)"), std::string::npos) << "an older program would forget what keeps state";
}

TEST_F(stateful, the_same_inputs_give_the_same_events) {
  import(pets_document());
  auto a = serve(endpoints, data, post("/pets", R"({"name":"x"})"), at_moment(9), test_redactor());
  auto b = serve(endpoints, data, post("/pets", R"({"name":"x"})"), at_moment(9), test_redactor());
  ASSERT_EQ(a.events.size(), b.events.size());
  for (std::size_t i = 0; i < a.events.size(); ++i)
    EXPECT_EQ(a.events[i].payload, b.events[i].payload);
  for (std::size_t i = 1; i < a.events.size(); ++i)
    EXPECT_EQ(a.events[i].kind, events::kind::data_put);
}

TEST_F(stateful, data_that_was_there_before_is_the_collection) {
  import(pets_document());
  ASSERT_TRUE(run(data, data_command{put_item{"pets", "40", R"({"id":40,"name":"Own","made":"by hand"})"}}));
  auto all = got("/pets");
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0]["name"], "Own");
  EXPECT_EQ(send("GET", "/pets/1").status, 404U);
  EXPECT_EQ(json::parse(send("POST", "/pets", R"({"name":"Next"})").body)["id"], 41);
}

TEST_F(stateful, hand_made_endpoints_win_over_the_collection) {
  import(pets_document());
  ASSERT_TRUE(put(endpoints, named("GET", "/pets/{any}", "mine")));
  EXPECT_EQ(send("GET", "/pets/1").body, "mine");
}

// -- limits --------------------------------------------------------------------------------

TEST_F(stateful, what_does_not_fit_into_the_sandbox_is_refused_and_changes_nothing) {
  import(pets_document());
  data.bytes = limits::data_bytes_per_sandbox - 50;
  auto full = send("POST", "/pets", R"({"name":"Ada"})");
  EXPECT_EQ(full.status, 507U);
  EXPECT_EQ(changes(), 0U);
  EXPECT_NE(full.body.find("data_bytes_per_sandbox"), std::string::npos) << full.body;
}

TEST_F(stateful, an_item_larger_than_a_value_may_be_is_refused) {
  import(pets_document());
  auto large = send("POST", "/pets", R"({"name":")" + std::string(limits::data_value_bytes, 'x') + R"("})");
  EXPECT_EQ(large.status, 413U);
  EXPECT_EQ(changes(), 0U);
}

TEST_F(stateful, ids_of_any_bytes_are_looked_for_and_not_found) {
  import(pets_document());
  for (auto* target : {"/pets/%20", "/pets/a:b", "/pets/%C3%BC", "/pets/1%3A", "/pets/::1", "/pets/01", "/pets/1.0"})
    EXPECT_EQ(send("GET", target).status, 404U) << target;
  EXPECT_EQ(send("GET", "/pets/" + std::string(2'000, '7')).status, 404U);
}

} // namespace
