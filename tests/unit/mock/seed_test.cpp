// Seed documents: the same one comes to the same bytes.
#include "stateful_support.hpp"

#include "mock/seed.hpp"

#include <set>

namespace hourglass::mock {

namespace {

struct seeded : stateful {
  events::outcome<std::string> seed(std::string text) {
    seed_data command{std::move(text), collections_for_seeding(endpoints), nullptr};
    auto d = decide(data, data_command{command}, at_moment(chance++));
    if (!d)
      return tl::unexpected<events::error>{d.error()};
    written = d->events.size();
    for (const auto& e : d->events)
      EXPECT_TRUE(apply(data, e.kind, e.payload));
    return d->reply;
  }
  std::string item(std::string_view space, std::string_view key) const {
    const auto* text = data.find(space, key);
    return text != nullptr ? *text : "none";
  }
  std::size_t written = 0;
};

constexpr const char* fixtures = R"({"namespaces":{"cards":{"items":{"visa":{"number":4242},"gone":null}},"cust":{"items":[{"id":"cus_1","name":"Ann"},{"id":7}]}},"env":{"MODE":"test"}})";

TEST_F(seeded, fixtures_lie_where_they_are_told_in_one_event_and_a_second_call_changes_nothing) {
  EXPECT_EQ(seed(fixtures).value(), R"({"changed":true,"namespaces":{"cards":{"items":2,"changed":2},"cust":{"items":2,"changed":2}},"env":1})");
  EXPECT_EQ(written, 1U);
  EXPECT_EQ(item("cards", "visa"), R"({"number":4242})");
  EXPECT_EQ(item("cards", "gone"), "null");
  EXPECT_EQ(item("cust", "cus_1"), R"({"id":"cus_1","name":"Ann"})");
  EXPECT_EQ(item("cust", "7"), R"({"id":7})");
  EXPECT_EQ(data.env.at("MODE"), "test");
  const auto before = snapshot(data);
  EXPECT_EQ(seed(fixtures).value(), R"({"changed":false,"namespaces":{"cards":{"items":2,"changed":0},"cust":{"items":2,"changed":0}},"env":1})");
  EXPECT_EQ(written, 0U);
  EXPECT_EQ(snapshot(data), before);
}

TEST_F(seeded, what_was_changed_since_is_put_back_and_what_is_new_stays_unless_it_replaces) {
  ASSERT_TRUE(seed(fixtures));
  ASSERT_TRUE(run(data, data_command{put_item{"cards", "visa", "1"}}));
  ASSERT_TRUE(run(data, data_command{put_item{"cards", "mine", "2"}}));
  ASSERT_TRUE(run(data, data_command{put_item{"other", "mine", "3"}}));
  ASSERT_TRUE(seed(fixtures));
  EXPECT_EQ(item("cards", "visa"), R"({"number":4242})");
  EXPECT_EQ(item("cards", "mine"), "2");
  auto replacing = std::string{fixtures};
  replacing.insert(1, R"("replace":true,)");
  EXPECT_EQ(seed(replacing).value(), R"({"changed":true,"namespaces":{"cards":{"items":2,"changed":1},"cust":{"items":2,"changed":0}},"env":1})");
  EXPECT_EQ(item("cards", "mine"), "none");
  EXPECT_EQ(item("other", "mine"), "3") << "it is of a namespace that was not named";
  EXPECT_EQ(restore<data_state>(snapshot(data)).value(), data);
}

constexpr const char* generated = R"({"seed":"a","namespaces":{"orders":{"generate":{"count":20,"from":100,"schema":{"type":"object","required":["id","mail","n"],
  "properties":{"id":{"type":"integer"},"mail":{"type":"string","format":"email"},"n":{"type":"integer","minimum":1,"maximum":1000000}}}}}}})";

TEST_F(seeded, generated_items_fit_their_schema_and_the_same_seed_gives_the_same_bytes) {
  ASSERT_TRUE(seed(generated));
  ASSERT_EQ(data.namespaces.at("orders").size(), 20U);
  std::set<std::string> numbers;
  for (const auto& [key, text] : data.namespaces.at("orders")) {
    auto v = json::parse(text);
    EXPECT_EQ(std::to_string(v["id"].get<int>()), key);
    EXPECT_NE(v["mail"].get<std::string>().find('@'), std::string::npos);
    numbers.insert(v["n"].dump());
  }
  EXPECT_TRUE(data.namespaces.at("orders").contains("119"));
  EXPECT_GT(numbers.size(), 15U);
  const auto first = item("orders", "103");
  data = {};
  ASSERT_TRUE(seed(generated));
  EXPECT_EQ(item("orders", "103"), first);
  auto more = std::string{generated};
  more.replace(more.find("\"count\":20"), 10, "\"count\":30");
  EXPECT_NE(seed(more).value().find(R"("items":30,"changed":10)"), std::string::npos) << "those of before stay";
  auto other = std::string{generated};
  other.replace(other.find("\"seed\":\"a\""), 10, "\"seed\":\"b\"");
  ASSERT_TRUE(seed(other));
  EXPECT_NE(item("orders", "103"), first);
}

TEST_F(seeded, ids_that_are_texts_are_stable_and_of_the_form_that_the_schema_shows) {
  auto of = [&](const std::string& id) {
    data = {};
    auto r = seed(R"({"namespaces":{"app.customers":{"id":"key","generate":{"count":5,"schema":{"type":"object","properties":{"key":)" + id + R"(,"n":{"type":"string"}}}}}}})");
    EXPECT_TRUE(r) << id << r.error().detail;
    return r ? data.namespaces.at("app.customers").begin()->first : std::string{};
  };
  EXPECT_TRUE(of(R"({"type":"string"})").starts_with("customers_"));
  EXPECT_EQ(of(R"({"type":"string","format":"uuid"})").size(), 36U);
  EXPECT_TRUE(of(R"({"type":"string","example":"cus_N1aB"})").starts_with("cus_"));
  EXPECT_EQ(of(R"({"type":"string","pattern":"^[A-Z]{3}$"})").size(), 3U);
  EXPECT_EQ(of(R"({"type":"string"})"), of(R"({"type":"string"})"));
}

TEST_F(seeded, a_collection_of_the_document_is_filled_with_items_of_its_own_schema) {
  import(pets_document());
  EXPECT_EQ(got("/pets?limit=100").size(), 2U);
  ASSERT_TRUE(seed(R"({"namespaces":{"pets":{"generate":{"count":30}}}})"));
  auto all = got("/pets?limit=100");
  ASSERT_EQ(all.size(), 30U) << "and the document's examples are gone";
  EXPECT_EQ(all[29]["id"], 30);
  EXPECT_EQ(got("/pets/7")["id"], 7);
  EXPECT_EQ(json::parse(send("POST", "/pets", R"({"name":"new"})").body)["id"], 31) << "numbers go on";
  EXPECT_NE(seed(R"({"namespaces":{"pets":{"generate":{"count":30}}}})").value().find("\"changed\":false"), std::string::npos);
  EXPECT_EQ(got("/pets?limit=100").size(), 31U);
  ASSERT_TRUE(seed(R"({"replace":true,"namespaces":{"pets":{}}})"));
  EXPECT_EQ(got("/pets?limit=100").size(), 0U) << "empty, and not the examples again";
}

TEST_F(seeded, a_document_that_breaks_a_rule_is_refused_with_its_place_and_changes_nothing) {
  import(pets_document());
  const std::pair<const char*, const char*> cases[] = {
    {"[]", ""},
    {R"({"surprise":1})", "/surprise"},
    {R"({"seed":[]})", "/seed"},
    {R"({"namespaces":{"a b":{}}})", "/namespaces/a b"},
    {R"({"namespaces":{"sbx.collections":{}}})", "/namespaces/sbx.collections"},
    {R"({"namespaces":{"a":{"items":7}}})", "/namespaces/a/items"},
    {R"({"namespaces":{"a":{"items":[{"name":"x"}]}}})", "/namespaces/a/items/0"},
    {R"({"namespaces":{"a":{"items":[{"id":1},{"id":1}]}}})", "/namespaces/a/items/1"},
    {R"({"namespaces":{"a":{"items":{"k k":1}}}})", "/namespaces/a/items/k k"},
    {R"({"namespaces":{"a":{"generate":{"count":3}}}})", "/namespaces/a/generate/schema"},
    {R"({"namespaces":{"a":{"generate":{"count":0,"schema":{}}}}})", "/namespaces/a/generate/count"},
    {R"({"namespaces":{"a":{"generate":{"count":10001,"schema":{}}}}})", "/namespaces/a/generate/count"},
    {R"({"namespaces":{"a":{"generate":{"count":1,"schema":{"type":"string"}}}}})", "/namespaces/a/generate/schema"},
    {R"({"namespaces":{"pets":{"id":"name"}}})", "/namespaces/pets/id"},
    {R"({"env":{"A":1}})", "/env/A"},
  };
  for (const auto& [text, where] : cases) {
    auto r = seed(text);
    ASSERT_FALSE(r) << text;
    EXPECT_EQ(r.error().where, where) << text;
  }
  EXPECT_EQ(data, data_state{});
}

TEST_F(seeded, items_of_a_collection_have_the_id_that_their_key_says_and_fit_its_schema) {
  import(pets_document());
  const std::pair<const char*, const char*> cases[] = {
    {R"({"5":{"id":6,"name":"x","made":"m"}})", "/namespaces/pets/items/5/id"},
    {R"({"5":{"name":"x","made":"m"}})", "/namespaces/pets/items/5"},
    {R"({"5":7})", "/namespaces/pets/items/5"},
    {R"({"05":{"id":5,"name":"x","made":"m"}})", "/namespaces/pets/items/05/id"},
    {R"({"5":{"id":5,"name":7,"made":"m"}})", "/namespaces/pets/items/5/name"},
    {R"({"5":{"id":"5","name":"x","made":"m"}})", "/namespaces/pets/items/5/id"},
    {R"([{"id":1,"name":"x","made":"m"},{"id":2,"name":"x","made":"m","status":"eaten"}])", "/namespaces/pets/items/1/status"},
    {R"([{"id":1,"name":"x","made":"m","tag":["a",7]}])", "/namespaces/pets/items/0/tag/1"},
    {R"([{"id":1,"made":"m"}])", "/namespaces/pets/items/0"},
  };
  for (const auto& [items, where] : cases) {
    auto r = seed(std::string{R"({"namespaces":{"cards":{"items":{"a":1}},"pets":{"items":)"} + items + "}}}");
    ASSERT_FALSE(r) << items;
    EXPECT_EQ(r.error().code, events::errc::invalid);
    EXPECT_EQ(r.error().where, where) << items << r.error().detail;
  }
  EXPECT_EQ(data, data_state{}) << "nothing of it is stored";
  ASSERT_TRUE(seed(R"({"namespaces":{"pets":{"items":{"5":{"id":5,"name":"x","made":"m","status":"sold"}}},"other":{"items":{"5":{"id":6}}}}})"));
  EXPECT_EQ(got("/pets/5")["name"], "x");
  EXPECT_EQ(got("/pets").size(), 1U);
}

TEST_F(seeded, too_much_is_refused_whole) {
  std::string big(900'000, 'x');
  std::string items;
  for (int i = 0; i < 10; ++i)
    items += (i == 0 ? "" : ",") + std::string{"\"k"} + std::to_string(i) + "\":\"" + big + '"';
  auto r = seed(R"({"namespaces":{"a":{"items":{)" + items + "}}}}");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, events::errc::too_large);
  EXPECT_EQ(data, data_state{});
}

} // namespace

} // namespace hourglass::mock
