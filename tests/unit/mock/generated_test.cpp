#include "stateful_support.hpp"

#include <nlohmann/json.hpp>

// Bodies that `Prefer: dynamic` and `Prefer: seed` have made anew.
namespace {
using namespace hourglass::mock;
using json = nlohmann::json;

constexpr auto document = R"({"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{
  "/pets":{"get":{"responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"},
    "examples":{"tom":{"value":{"id":1,"name":"Tom","kind":"cat"}},"rex":{"value":{"id":2,"name":"Rex","kind":"dog"}}}}}}}}},
  "/made":{"get":{"responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}}}}}}},
  "/plain":{"get":{"responses":{"200":{"content":{"application/json":{"example":{"a":1}}}}}}}},
  "components":{"schemas":{"Pet":{"type":"object","required":["id","name","tag"],"properties":{
    "id":{"type":"integer","minimum":1,"maximum":1000000,"example":7},"name":{"type":"string","minLength":3,"maxLength":20},
    "kind":{"type":"string","enum":["cat","dog"]},"tag":{"type":"string","format":"uuid","readOnly":true}}}}}})";

struct preferring : testing::Test {
  endpoint_state state;

  static endpoint_state imported(bool generated = false, std::uint8_t chance = 1) {
    endpoint_state out;
    import_openapi one{document};
    one.generated = generated;
    one.state = state_mode::off;
    auto r = run(out, endpoint_command{std::move(one)}, at_moment(chance));
    EXPECT_TRUE(r) << r.error().detail;
    return out;
  }
  void SetUp() override { state = imported(); }

  static response ask(const endpoint_state& s, const std::string& target, const std::string& prefer, std::uint8_t chance = 1) {
    return answer(s, get(target, {{"Prefer", prefer}}), {}, chance);
  }
  static void expect_pet(const response& r) {
    EXPECT_EQ(r.status, 200U) << r.body;
    const auto pet = json::parse(r.body);
    EXPECT_TRUE(pet["id"].is_number_integer() && pet["id"] >= 1 && pet["id"] <= 1'000'000) << r.body;
    EXPECT_TRUE(pet["kind"] == "cat" || pet["kind"] == "dog") << r.body;
    EXPECT_GE(pet["name"].get<std::string>().size(), 3U);
    EXPECT_EQ(pet["tag"].get<std::string>().size(), 36U) << "what only a server sends is demanded of an answer";
  }
};

TEST_F(preferring, dynamic_makes_a_value_of_the_schema_instead_of_an_example) {
  const auto made = ask(state, "/pets", "dynamic=true");
  expect_pet(made);
  EXPECT_NE(json::parse(made.body)["name"], "Tom");
  EXPECT_EQ(header(made, "Preference-Applied"), "dynamic=true");
  EXPECT_EQ(header(made, "Content-Type"), "application/json");
  EXPECT_EQ(made.body, ask(state, "/pets", "dynamic=true").body) << "the same chance gives the same bytes, as in a replay";
  EXPECT_NE(made.body, ask(state, "/pets", "dynamic=true", 2).body) << "and every request has its own";
  EXPECT_EQ(json::parse(ask(state, "/pets", "dynamic=false").body)["name"], "Tom");
  EXPECT_EQ(header(ask(state, "/pets", "dynamic=false"), "Preference-Applied"), "dynamic=false");
  EXPECT_EQ(header(answer(state, get("/pets")), "Preference-Applied"), "");
}

TEST_F(preferring, a_seed_gives_the_same_bytes_whenever_and_wherever_it_is_asked_for) {
  const auto one = ask(state, "/pets", "dynamic=true, seed=7", 1);
  expect_pet(one);
  EXPECT_EQ(header(one, "Preference-Applied"), "dynamic=true, seed=7");
  EXPECT_EQ(ask(state, "/pets", "dynamic=true, seed=7", 99).body, one.body);
  EXPECT_EQ(ask(imported(false, 42), "/pets", "seed=7,dynamic=true", 5).body, one.body) << "on another server";
  EXPECT_EQ(ask(imported(true, 43), "/pets", "dynamic=true;seed=7", 5).body, one.body);
  EXPECT_NE(ask(state, "/pets", "dynamic=true, seed=8").body, one.body);
  EXPECT_NE(ask(state, "/made", "dynamic=true, seed=7").body, one.body) << "another place has other values";
}

TEST_F(preferring, a_seed_alone_changes_what_is_generated_and_leaves_examples_alone) {
  const auto usual = answer(state, get("/made"));
  const auto seeded = ask(state, "/made", "seed=run-7");
  EXPECT_NE(seeded.body, usual.body);
  EXPECT_EQ(json::parse(seeded.body)["id"], 7) << "with the examples that its schemas have, as the import made it";
  EXPECT_EQ(seeded.body, ask(imported(false, 9), "/made", "seed=run-7", 3).body);
  EXPECT_EQ(header(seeded, "Preference-Applied"), "seed=run-7");
  const auto example = ask(state, "/pets", "seed=run-7");
  EXPECT_EQ(json::parse(example.body)["name"], "Tom");
  EXPECT_EQ(header(example, "Preference-Applied"), "");
}

TEST_F(preferring, an_import_that_left_examples_alone_gives_them_when_asked) {
  const auto generated = imported(true);
  EXPECT_NE(json::parse(answer(generated, get("/pets")).body)["name"], "Tom");
  const auto given = ask(generated, "/pets", "dynamic=false");
  EXPECT_EQ(json::parse(given.body), (json{{"id", 1}, {"name", "Tom"}, {"kind", "cat"}}));
  EXPECT_EQ(header(given, "Preference-Applied"), "dynamic=false");
  const auto own = ask(generated, "/made", "dynamic=false");
  EXPECT_EQ(json::parse(own.body)["id"], 7) << "the schema's own example";
  EXPECT_EQ(own.body, ask(generated, "/made", "dynamic=false", 2).body);
}

TEST_F(preferring, what_names_an_example_or_has_no_schema_stays) {
  EXPECT_EQ(json::parse(ask(state, "/pets", "dynamic=true, example=rex").body)["name"], "Rex");
  const auto plain = ask(state, "/plain", "dynamic=true, seed=7");
  EXPECT_EQ(plain.body, R"({"a":1})");
  EXPECT_EQ(header(plain, "Preference-Applied"), "") << "it was not honoured";
  endpoint_state hand;
  ASSERT_TRUE(put(hand, named("GET", "/x", "mine")));
  EXPECT_EQ(ask(hand, "/x", "dynamic=true, seed=7").body, "mine");
}

TEST_F(preferring, values_that_are_none_are_refused) {
  for (const auto* bad : {"dynamic=yes", "dynamic", "dynamic=", "seed=", "seed", "seed=\"a b\"", "seed=\"\xc3\xa4\""}) {
    const auto r = ask(state, "/pets", bad);
    EXPECT_EQ(r.status, 400U) << bad;
    EXPECT_NE(r.body.find("/problems/invalid-preference"), std::string::npos) << r.body;
  }
  EXPECT_EQ(ask(state, "/pets", "seed=" + std::string(64, '7')).status, 200U);
  EXPECT_EQ(ask(state, "/pets", "seed=" + std::string(65, '7')).status, 400U);
  EXPECT_EQ(ask(state, "/pets", "seed=-7, seed=8").status, 200U) << "of repeated preferences the first counts";
}

TEST_F(preferring, snapshots_and_changed_endpoints_know_the_schemas) {
  const auto before = ask(state, "/pets", "dynamic=true, seed=7").body;
  auto again = restore<endpoint_state>(snapshot(state));
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_EQ(ask(*again, "/pets", "dynamic=true, seed=7").body, before);
  EXPECT_EQ(snapshot(*again), snapshot(state));
  const auto copy = state;
  EXPECT_EQ(ask(copy, "/pets", "dynamic=true, seed=7").body, before);
}

TEST_F(preferring, one_of_several_schemas_is_told_by_its_own_name) {
  constexpr auto choice = R"({"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{"/p":{"get":{"responses":{"200":{"content":{"application/json":{"schema":{
    "oneOf":[{"$ref":"#/components/schemas/Dog"}],"discriminator":{"propertyName":"type"}}}}}}}}},
    "components":{"schemas":{"Dog":{"type":"object","required":["type"],"properties":{"type":{"type":"string"}}}}}})";
  endpoint_state s;
  ASSERT_TRUE(run(s, endpoint_command{import_openapi{choice}}, at_moment()));
  EXPECT_EQ(answer(s, get("/p")).body, R"({"type":"Dog"})");
  EXPECT_EQ(ask(s, "/p", "dynamic=true").body, R"({"type":"Dog"})");
}

TEST_F(stateful, a_collection_is_left_alone_by_a_request_that_wants_a_generated_answer) {
  import(pets_document());
  const auto made = send("GET", "/pets", {}, {{"Prefer", "dynamic=true, seed=7"}});
  EXPECT_EQ(made.status, 200U);
  EXPECT_EQ(header(made, "Preference-Applied"), "dynamic=true, seed=7");
  EXPECT_EQ(send("POST", "/pets", R"({"name":"x"})", {{"Prefer", "dynamic=true"}}).status, 201U);
  EXPECT_EQ(changes(), 0U);
  EXPECT_EQ(got("/pets").size(), 2U);
  const auto kept = send("GET", "/pets", {}, {{"Prefer", "seed=7"}});
  EXPECT_EQ(json::parse(kept.body).size(), 2U) << "a seed alone makes nothing of what is kept";
  EXPECT_EQ(header(kept, "Preference-Applied"), "");
}

TEST_F(stateful, an_import_from_before_this_was_kept_goes_on_without) {
  import(pets_document());
  auto text = snapshot(endpoints);
  auto v = json::parse(text);
  v.erase("answers");
  v["format"] = 5;
  auto old = restore<endpoint_state>(v.dump());
  ASSERT_TRUE(old) << old.error().detail;
  const auto r = answer(*old, hourglass::mock::get("/pets", {{"Prefer", "dynamic=true, seed=7"}}));
  EXPECT_EQ(r.status, 200U);
  EXPECT_EQ(header(r, "Preference-Applied"), "");
}

} // namespace
