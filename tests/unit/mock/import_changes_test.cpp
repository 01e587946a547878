// What an import says that it changes, and versions of before that serve again.
#include "support.hpp"

#include "mock/import_version.hpp"
#include "mock/openapi.hpp"

#include <nlohmann/json.hpp>

namespace {
using namespace hourglass::mock;
using hourglass::events::errc;
namespace events = hourglass::events;
using json = nlohmann::json;

json parsed(const char* text) { return json::parse(text); }

struct changes : testing::Test {
  endpoint_state state;
  std::uint8_t chance = 0;
  std::vector<std::string> imports; ///< payloads of their events

  json change(const endpoint_command& command, errc* why = nullptr) {
    auto d = decide(state, command, at_moment(++chance));
    if (!d) {
      if (why != nullptr)
        *why = d.error().code;
      else
        ADD_FAILURE() << d.error().detail << " at " << d.error().where;
      return {};
    }
    for (const auto& e : d->events) {
      EXPECT_TRUE(apply(state, e.kind, e.payload));
      imports.push_back(e.payload);
    }
    return json::parse(d->reply);
  }
  json import(const json& document, bool dry_run = false, std::optional<bool> pin = {}, errc* why = nullptr) {
    import_openapi what{document.dump()};
    what.dry_run = dry_run;
    what.pin = pin;
    return change(endpoint_command{std::move(what)}, why);
  }
  json restore(std::size_t which, bool dry_run = false, std::optional<bool> pin = {}, errc* why = nullptr) {
    return change(endpoint_command{restore_openapi{imports[which], which + 1, pin, dry_run}}, why);
  }
  static json parts_of(const json& told, const std::string& path) {
    for (const auto& one : told["changes"]["changed"])
      if (one["path"] == path)
        return one["parts"];
    return nullptr;
  }
  static json without_ids(json told) {
    for (auto& one : told["changes"]["added"])
      one.erase("id");
    return told["changes"];
  }
};

json shop() {
  return parsed(R"({"openapi":"3.0.3","info":{"title":"Shop","version":"1"},"paths":{
    "/pets":{"get":{"operationId":"list","responses":{"200":{"description":"","content":{"application/json":{"schema":{"type":"array","items":{"$ref":"#/components/schemas/Pet"}}}}}}},
             "post":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}}}},"responses":{"201":{"description":"","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}}}}}}},
    "/pets/{id}":{"get":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"integer"}}],"responses":{"200":{"description":"","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}}}}}}},
    "/health":{"get":{"responses":{"200":{"description":"","content":{"application/json":{"example":{"ok":true}}}}}}}},
    "x-webhooks":{"pet.sold":{"post":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}}}}}},"pet.lost":{"post":{}}},
    "components":{"schemas":{"Pet":{"type":"object","required":["id"],"properties":{"id":{"type":"integer"},"name":{"type":"string"},"tag":{"$ref":"#/components/schemas/Tag"}}},
      "Tag":{"type":"object","properties":{"label":{"type":"string"}}}}}})");
}

TEST_F(changes, of_the_first_import_are_all_that_it_brings) {
  const auto told = import(shop(), true);
  EXPECT_EQ(told["dry_run"], true);
  EXPECT_EQ(told["changes"]["before"], nullptr);
  EXPECT_EQ(told["changes"]["counts"], parsed(R"({"added":4,"removed":0,"changed":0,"unchanged":0})"));
  EXPECT_FALSE(told["changes"]["added"][0].contains("id")) << "there is no such endpoint yet";
  EXPECT_EQ(told["changes"]["collections_added"], json::array({"pets"}));
  EXPECT_EQ(told["changes"]["webhooks_added"], json::array({"pet.lost", "pet.sold"}));
  EXPECT_EQ(state.size(), 0U);
  EXPECT_TRUE(imports.empty());
}

TEST_F(changes, of_the_same_document_are_none_whatever_its_values_are_made_from) {
  import(shop());
  const auto told = import(shop());
  EXPECT_EQ(told["changes"]["counts"], parsed(R"({"added":0,"removed":0,"changed":0,"unchanged":4})")) << told["changes"];
  EXPECT_EQ(told["changes"]["webhooks_changed"], json::array());
  EXPECT_EQ(told["changes"]["before"]["title"], "Shop");
  EXPECT_EQ(told["changes"]["before"]["sha256"], told["sha256"]);
}

TEST_F(changes, are_told_by_part_and_before_they_are_made) {
  import(shop());
  auto next = shop();
  next["info"]["version"] = "2";
  next["paths"]["/pets"].erase("post");
  next["paths"]["/pets"]["get"]["operationId"] = "listPets";
  next["paths"]["/pets/{id}"]["get"]["parameters"][0]["schema"]["minimum"] = 1;
  next["paths"]["/health"]["get"]["responses"]["200"]["content"]["application/json"]["example"]["ok"] = false;
  next["paths"]["/new"] = parsed(R"({"get":{"responses":{"204":{"description":""}}}})");
  next["x-webhooks"].erase("pet.lost");
  next["x-webhooks"]["pet.found"] = parsed(R"({"post":{}})");
  const auto size = state.size();
  const auto dry = import(next, true);
  EXPECT_EQ(state.size(), size);
  EXPECT_EQ(dry["changes"]["counts"], parsed(R"({"added":1,"removed":1,"changed":3,"unchanged":0})")) << dry["changes"];
  EXPECT_EQ(dry["changes"]["added"][0], parsed(R"({"method":"GET","path":"/new"})"));
  EXPECT_EQ(dry["changes"]["removed"][0]["method"], "POST");
  EXPECT_NE(state.find(dry["changes"]["removed"][0]["id"].get<std::string>()), nullptr);
  EXPECT_EQ(parts_of(dry, "/pets")[0], "operation_id");
  EXPECT_EQ(parts_of(dry, "/pets/{id}")[0], "parameters");
  EXPECT_EQ(parts_of(dry, "/health"), json::array({"responses"}));
  EXPECT_EQ(dry["changes"]["webhooks_added"], json::array({"pet.found"}));
  EXPECT_EQ(dry["changes"]["webhooks_removed"], json::array({"pet.lost"}));
  const auto done = import(next);
  EXPECT_EQ(without_ids(done), without_ids(dry));
  EXPECT_NE(state.find(done["changes"]["added"][0]["id"].get<std::string>()), nullptr);
}

TEST_F(changes, of_a_schema_reach_all_that_refer_to_it) {
  import(shop());
  auto next = shop();
  next["components"]["schemas"]["Tag"]["properties"]["label"]["maxLength"] = 3;
  const auto told = import(next, true);
  EXPECT_EQ(told["changes"]["counts"]["unchanged"], 1) << told["changes"];
  for (const auto& one : told["changes"]["changed"]) {
    if (one["method"] == "POST") {
      EXPECT_EQ(one["parts"], parsed(R"(["request_body","response_schemas"])"));
    } else {
      EXPECT_EQ(one["parts"], parsed(R"(["response_schemas"])"));
    }
  }
  EXPECT_EQ(told["changes"]["webhooks_changed"], json::array({"pet.sold"}));
}

TEST_F(changes, of_the_rules_are_told) {
  import(shop());
  import_openapi what{shop().dump()};
  what.validation = validation_mode::enforce;
  what.dry_run = true;
  const auto told = change(endpoint_command{what});
  EXPECT_EQ(told["changes"]["validation"], parsed(R"({"before":"report","after":"enforce"})"));
}

TEST_F(changes, an_endpoint_that_was_switched_is_told) {
  import(shop());
  for (const auto* e : state.list("", 10))
    if (e->path == "/pets/{id}") {
      change(endpoint_command{switch_state{e->id, false}});
      break;
    }
  imports.pop_back();
  EXPECT_EQ(parts_of(import(shop(), true), "/pets/{id}"), json::array({"state"}));
}

TEST_F(changes, a_version_of_before_serves_again_as_it_did) {
  import(shop());
  const auto first = json::parse(snapshot(state));
  const auto body = answer(state, get("/health")).body;
  auto next = shop();
  next["paths"].erase("/health");
  next["info"]["title"] = "Other";
  import(next);
  EXPECT_EQ(answer(state, get("/health")).status, 404U);
  const auto dry = restore(0, true);
  EXPECT_EQ(dry["changes"]["counts"]["added"], 1) << dry["changes"];
  EXPECT_EQ(answer(state, get("/health")).status, 404U);
  const auto done = restore(0);
  EXPECT_EQ(done["changes"], dry["changes"]);
  EXPECT_EQ(done["restored"], 1);
  EXPECT_EQ(done["title"], "Shop");
  EXPECT_EQ(answer(state, get("/health")).body, body);
  EXPECT_EQ(json::parse(snapshot(state)), first);
  EXPECT_EQ(done["webhooks"].size(), 2U);
  EXPECT_FALSE(done["webhooks"][0].contains("shape"));
  auto told = import_of_event(imports.back());
  ASSERT_TRUE(told);
  EXPECT_NE(told->find(R"("restored":1)"), std::string::npos) << *told;
  restore(2);
  EXPECT_EQ(json::parse(snapshot(state)), first) << "what was restored can be restored";
}

TEST_F(changes, a_version_does_not_take_the_place_of_what_is_hand_made) {
  import(shop());
  const auto id = state.list("", 1).front()->id;
  import(parsed(R"({"openapi":"3.0.0","info":{"title":"t","version":"1"},"paths":{}})"));
  ASSERT_TRUE(put(state, named("GET", "/hand", "hand"), id));
  errc why{};
  restore(0, false, {}, &why);
  EXPECT_EQ(why, errc::conflict);
  EXPECT_EQ(answer(state, get("/hand")).body, "hand");
}

TEST_F(changes, a_pinned_document_gives_way_only_to_who_says_so) {
  EXPECT_EQ(import(shop(), false, true)["pinned"], true);
  errc why{};
  import(shop(), false, {}, &why);
  EXPECT_EQ(why, errc::conflict);
  why = {};
  restore(0, false, {}, &why);
  EXPECT_EQ(why, errc::conflict);
  EXPECT_EQ(import(shop(), true)["changes"]["counts"]["unchanged"], 4) << "one may look";
  EXPECT_EQ(restore(0, false, false)["pinned"], false);
  EXPECT_EQ(import(shop())["pinned"], false);
}

TEST_F(changes, a_snapshot_keeps_what_they_are_told_by) {
  import(shop(), false, true);
  auto back = hourglass::mock::restore<endpoint_state>(snapshot(state));
  ASSERT_TRUE(back);
  EXPECT_EQ(snapshot(*back), snapshot(state));
  state = std::move(*back);
  errc why{};
  import(shop(), false, {}, &why);
  EXPECT_EQ(why, errc::conflict);
  EXPECT_EQ(import(shop(), false, false)["changes"]["counts"]["unchanged"], 4);
  EXPECT_EQ(import(shop())["changes"]["webhooks_changed"], json::array()) << "no longer pinned";
}

} // namespace
