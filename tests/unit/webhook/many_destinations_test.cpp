#include "webhook/inputs.hpp"
#include "webhook/secrets.hpp"

#include "world.hpp"

#include <set>

#include <nlohmann/json.hpp>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;
using nlohmann::json;

create_destinations many(const json& list) {
  auto out = read_endpoints_in(json{{"data", list}}.dump());
  EXPECT_TRUE(out) << out.error().detail;
  return out.value_or(create_destinations{});
}

TEST(many_destinations, are_made_at_once_each_with_an_id_and_a_secret_of_its_own) {
  world w;
  json list = json::array();
  for (int i = 0; i < 50; ++i)
    list.push_back({{"url", "http://a.test/" + std::to_string(i)}, {"uid", "u" + std::to_string(i)}, {"filterTypes", {"a.b"}}});
  auto out = json::parse(w.run(many(list))->reply);
  ASSERT_EQ(out["data"].size(), 50U);
  std::set<std::string> ids, secrets;
  for (int i = 0; i < 50; ++i) {
    const auto* d = w.live.find("u" + std::to_string(i));
    ASSERT_NE(d, nullptr);
    EXPECT_EQ(d->url, "http://a.test/" + std::to_string(i));
    ids.insert(d->id);
    secrets.insert(d->secrets.front().key.to_string());
  }
  EXPECT_EQ(ids.size(), 50U);
  EXPECT_EQ(secrets.size(), 50U);
  outbox_state folded;
  for (const auto& [at, payload] : w.log)
    ASSERT_TRUE(apply(folded, at, payload));
  EXPECT_EQ(snapshot(folded), snapshot(w.live));
}

TEST(many_destinations, are_all_refused_when_one_is_wrong_and_each_is_told_what) {
  world w;
  auto first = to("http://a.test/");
  first.uid = "taken";
  ASSERT_TRUE(w.run(create_destination{first}));
  const auto before = w.log.size();
  auto out = json::parse(w.run(many({{{"url", "http://a.test/"}},
                                     {{"url", "nonsense"}},
                                     {{"url", "http://a.test/"}, {"uid", "taken"}},
                                     {{"url", "http://a.test/"}, {"uid", "twice"}},
                                     {{"url", "http://a.test/"}, {"uid", "twice"}},
                                     {{"description", 7}},
                                     "no object",
                                     {{"url", "http://a.test/"}, {"filterTypes", {"a b"}}}}))->reply);
  std::map<std::size_t, std::string> wrong;
  for (const auto& e : out["errors"])
    wrong[e["index"]] = e["pointer"];
  EXPECT_EQ(wrong, (std::map<std::size_t, std::string>{{1, "/url"}, {2, "/uid"}, {4, "/uid"}, {5, "/url"}, {6, ""}, {7, "/filterTypes/0"}}));
  EXPECT_EQ(w.log.size(), before) << "nothing is written";
  EXPECT_FALSE(read_endpoints_in("{}"));
  EXPECT_FALSE(read_endpoints_in(R"({"data":[]})"));
  EXPECT_FALSE(read_endpoints_in(json{{"data", std::vector<json>(1'001, json{{"url", "http://a.test/"}})}}.dump()));
}

create_dynamic_message dynamic(const json& endpoint, const char* type = "a.b") {
  auto out = read_dynamic_message_in(json{{"eventType", type}, {"payload", {{"n", 1}}}, {"endpoint", endpoint}}.dump());
  EXPECT_TRUE(out) << out.error().where << " " << out.error().detail;
  return out.value_or(create_dynamic_message{});
}

TEST(a_dynamic_message, makes_its_endpoint_once_for_each_url_and_goes_nowhere_else) {
  world w;
  ASSERT_TRUE(w.run(create_destination{to("http://everything.test/")}));
  auto first = json::parse(w.run(dynamic({{"url", "http://a.test/x"}}))->reply);
  ASSERT_EQ(first["destinations"].size(), 1U);
  const auto id = first["destinations"][0].get<std::string>();
  ASSERT_NE(w.live.find(id), nullptr);
  EXPECT_EQ(w.live.find(id)->url, "http://a.test/x");
  EXPECT_EQ(json::parse(w.run(dynamic({{"url", "http://a.test/x"}}, "c.d"))->reply)["destinations"], first["destinations"]) << "one for each URL";
  EXPECT_NE(json::parse(w.run(dynamic({{"url", "http://a.test/y"}}))->reply)["destinations"], first["destinations"]);
  EXPECT_EQ(w.live.list({}, 10).size(), 3U);
  create_message m;
  m.event_type = "a.b";
  m.payload = "{}";
  EXPECT_EQ(json::parse(w.run(m)->reply)["destinations"].size(), 1U) << "what is meant for others does not come there";
  EXPECT_EQ(take_due(w.live, w.now, 100).size(), 4U);
  outbox_state folded;
  for (const auto& [at, payload] : w.log)
    ASSERT_TRUE(apply(folded, at, payload));
  EXPECT_EQ(snapshot(folded), snapshot(w.live));
}

TEST(a_dynamic_message, that_is_wrong_in_any_part_makes_neither) {
  world w;
  const auto before = w.log.size();
  auto bad_type = dynamic({{"url", "http://a.test/"}}, "a b");
  EXPECT_EQ(w.refused(bad_type), errc::invalid);
  auto bad_url = dynamic({{"url", "ftp://a.test/"}});
  auto why = w.run(bad_url);
  ASSERT_FALSE(why);
  EXPECT_EQ(why.error().where, "/endpoint/url");
  EXPECT_EQ(w.refused(dynamic({{"url", "http://a.test/"}, {"disabled", true}})), errc::invalid);
  EXPECT_EQ(w.log.size(), before);
  EXPECT_FALSE(read_dynamic_message_in(R"({"eventType":"a","payload":{}})"));
  EXPECT_EQ(read_dynamic_message_in(R"({"eventType":"a","payload":{},"endpoint":{"url":7}})").error().where, "/endpoint/url");
  const auto key = signing_key::generate({9}).to_string();
  ASSERT_TRUE(w.run(dynamic({{"url", "http://a.test/"}, {"secret", key}})));
  ASSERT_TRUE(w.run(dynamic({{"url", "http://a.test/"}, {"secret", key}})));
  EXPECT_EQ(w.refused(dynamic({{"url", "http://a.test/"}, {"secret", signing_key::generate({8}).to_string()}})), errc::conflict);
}

} // namespace
