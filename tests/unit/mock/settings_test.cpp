#include "support.hpp"

#include "mock/settings.hpp"

#include <nlohmann/json.hpp>

namespace {
using namespace hourglass::mock;
using hourglass::events::errc;
namespace events = hourglass::events;
using life = settings_state::life;

events::header at(std::int64_t us) {
  events::header h;
  h.wall.us = us;
  return h;
}

events::outcome<void> run(settings_state& s, const settings_command& c, std::int64_t us) {
  auto d = decide(s, c, at_moment());
  if (!d)
    return tl::unexpected<events::error>{d.error()};
  for (const auto& e : d->events)
    if (auto ok = apply(s, e.kind, e.payload, at(us)); !ok)
      return ok;
  return {};
}

TEST(settings, content_stays_for_ever_unless_it_is_said_how_long) {
  settings_state s;
  ASSERT_TRUE(run(s, create_sandbox{"{}", {}}, 1));
  EXPECT_EQ(s.retention, retention_settings{});
  ASSERT_TRUE(run(s, update_sandbox{R"({"retention":{"payload_days":30,"response_days":7}})", std::nullopt}, 2));
  EXPECT_EQ(s.retention, (retention_settings{30, 7}));
  ASSERT_TRUE(run(s, update_sandbox{R"({"retention":{"response_days":null}})", std::nullopt}, 3)) << "a merge patch";
  EXPECT_EQ(s.retention, (retention_settings{30, std::nullopt}));
  EXPECT_EQ(restore<settings_state>(snapshot(s)).value(), s);
  EXPECT_EQ(nlohmann::json::parse(to_json(s, "id"))["retention"], (nlohmann::json{{"payload_days", 30}, {"response_days", nullptr}}));
  ASSERT_TRUE(run(s, update_sandbox{R"({"retention":null})", std::nullopt}, 4));
  EXPECT_EQ(s.retention, retention_settings{});
}

TEST(settings, a_seed_counts_what_is_served_and_another_one_begins_anew) {
  settings_state s;
  auto serve = [&] { ASSERT_TRUE(apply(s, events::kind::request_served, "", at(9))); };
  ASSERT_TRUE(run(s, create_sandbox{"{}", {}}, 1));
  serve();
  EXPECT_EQ(s.drawn, 0U) << "nobody asks";
  EXPECT_EQ(snapshot(s).find("drawn"), std::string::npos);
  ASSERT_TRUE(run(s, update_sandbox{R"({"seed":"run-7"})", std::nullopt}, 2));
  serve();
  serve();
  EXPECT_EQ(s.drawn, 2U);
  EXPECT_EQ(s.updated.us, 2) << "a request changes no settings";
  ASSERT_TRUE(run(s, update_sandbox{R"({"name":"n"})", std::nullopt}, 3));
  EXPECT_EQ(s.drawn, 2U);
  EXPECT_EQ(restore<settings_state>(snapshot(s)).value(), s);
  EXPECT_EQ(nlohmann::json::parse(to_json(s, "id"))["seed"], "run-7");
  auto twin = s;
  EXPECT_EQ(twin.chance_of_request(3), s.chance_of_request(3));
  EXPECT_NE(s.chance_of_request(3), s.chance_of_request(4));
  ASSERT_TRUE(run(s, update_sandbox{R"({"seed":"run-8"})", std::nullopt}, 4));
  EXPECT_EQ(s.drawn, 0U);
  EXPECT_NE(twin.chance_of_request(3), s.chance_of_request(3));
  EXPECT_EQ(chance_of_import("a"), chance_of_import("a"));
  EXPECT_NE(chance_of_import("a"), chance_of_import("b"));
  EXPECT_FALSE(chance_of_import(""));
  EXPECT_EQ(run(s, update_sandbox{R"({"seed":7})", std::nullopt}, 5).error().where, "/seed");
  EXPECT_EQ(run(s, update_sandbox{R"({"seed":")" + std::string(257, 'x') + R"("})", std::nullopt}, 5).error().where, "/seed");
  ASSERT_TRUE(run(s, update_sandbox{R"({"seed":null})", std::nullopt}, 6));
  EXPECT_EQ(s.seed, "");
}

TEST(settings, a_sandbox_is_created_changed_and_deleted_once) {
  settings_state s;
  EXPECT_EQ(run(s, update_sandbox{}, 1).error().code, errc::not_found);
  api_key key{"key_1", std::string(64, 'a')};
  ASSERT_TRUE(run(s, create_sandbox{R"({"name":"n","uid":"u-1","metadata":{"k":"v"},"ttl_seconds":60})", {key}}, 10));
  EXPECT_EQ(s.phase, life::live);
  EXPECT_EQ(s.expires()->us, 60'000'010);
  EXPECT_EQ(run(s, create_sandbox{}, 1).error().code, errc::conflict);
  ASSERT_TRUE(run(s, update_sandbox{R"({"name":null,"ttl_seconds":null,"owner":"o"})", std::nullopt}, 20));
  EXPECT_EQ(s.name, "");
  EXPECT_EQ(s.uid, "u-1");
  EXPECT_EQ(s.owner, "o");
  EXPECT_FALSE(s.expires());
  EXPECT_EQ(s.keys, std::vector{key});
  EXPECT_EQ(s.created.us, 10);
  EXPECT_EQ(s.updated.us, 20);
  auto same = decide(s, settings_command{update_sandbox{R"({"owner":"o"})", std::nullopt}}, at_moment());
  EXPECT_TRUE(same->events.empty());
  auto back = restore<settings_state>(snapshot(s));
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, s);
  ASSERT_TRUE(run(s, delete_sandbox{}, 30));
  EXPECT_EQ(run(s, delete_sandbox{}, 1).error().code, errc::not_found);
  EXPECT_EQ(*restore<settings_state>(snapshot(s)), s);
}

TEST(settings, bad_input_is_refused_with_its_place) {
  const std::pair<const char*, const char*> cases[] = {
    {"[]", ""},
    {R"({"nam":"x"})", "/nam"},
    {R"({"name":1})", "/name"},
    {R"({"uid":"a b"})", "/uid"},
    {R"({"metadata":[]})", "/metadata"},
    {R"({"metadata":{"a":1}})", "/metadata"},
    {R"({"ttl_seconds":0})", "/ttl_seconds"},
    {R"({"retention":7})", "/retention"},
    {R"({"retention":{"days":7}})", "/retention/days"},
    {R"({"retention":{"payload_days":0}})", "/retention/payload_days"},
    {R"({"retention":{"response_days":3661}})", "/retention/response_days"},
    {R"({"ttl_seconds":"1"})", "/ttl_seconds"},
    {R"({"ttl_seconds":1e30})", "/ttl_seconds"},
  };
  for (auto [text, where] : cases) {
    settings_state s;
    auto r = run(s, create_sandbox{text, {}}, 1);
    ASSERT_FALSE(r) << text;
    EXPECT_EQ(r.error().where, where) << text;
    EXPECT_EQ(s, settings_state{});
  }
  settings_state s;
  EXPECT_EQ(run(s, create_sandbox{"{}", {{"k", "not a hash"}}}, 1).error().where, "/keys");
}

TEST(settings, the_api_shows_no_hash) {
  settings_state s;
  ASSERT_TRUE(run(s, create_sandbox{"", {{"key_1", std::string(64, 'a')}}}, 10));
  auto text = to_json(s, "sbx_1");
  EXPECT_EQ(text.find("aaaa"), std::string::npos);
  auto v = nlohmann::json::parse(text);
  EXPECT_EQ(v["id"], "sbx_1");
  EXPECT_EQ(v["keys"][0], "key_1");
  EXPECT_TRUE(v["ttl_seconds"].is_null());
}

} // namespace
