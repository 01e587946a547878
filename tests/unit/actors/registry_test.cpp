#include "actors/registry.hpp"

#include "storage/store.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace {

using namespace hourglass;
namespace registry = actors::registry;
using life = mock::settings_state::life;

events::sandbox_id some_id(std::uint8_t last) {
  events::sandbox_id id;
  id.bytes.back() = last;
  return id;
}

mock::settings_state live(std::string uid) {
  mock::settings_state s;
  s.phase = life::live;
  s.uid = std::move(uid);
  s.keys.push_back({"default", std::string(64, 'a')});
  return s;
}

bool has(const std::vector<storage::row>& rows, const std::string& key, bool remove) {
  return std::any_of(rows.begin(), rows.end(), [&](const auto& r) { return r.key == key && r.remove == remove; });
}

TEST(registry, a_new_sandbox_is_found_by_id_uid_and_key) {
  auto rows = registry::rows_for({}, live("shop"), some_id(1));
  EXPECT_TRUE(has(rows, registry::sandbox_key(some_id(1)), false));
  EXPECT_TRUE(has(rows, registry::uid_key("shop"), false));
  EXPECT_TRUE(has(rows, registry::api_key_key(std::string(64, 'a')), false));
  EXPECT_EQ(rows.size(), 3U);
}

TEST(registry, a_new_uid_replaces_the_old_one) {
  auto rows = registry::rows_for(live("old"), live("new"), some_id(1));
  EXPECT_TRUE(has(rows, registry::uid_key("old"), true));
  EXPECT_TRUE(has(rows, registry::uid_key("new"), false));
}

TEST(registry, nothing_of_a_deleted_sandbox_stays) {
  auto gone = live("shop");
  gone.phase = life::deleted;
  auto rows = registry::rows_for(live("shop"), gone, some_id(1));
  EXPECT_TRUE(has(rows, registry::sandbox_key(some_id(1)), true));
  EXPECT_TRUE(has(rows, registry::uid_key("shop"), true));
  EXPECT_TRUE(has(rows, registry::api_key_key(std::string(64, 'a')), true));
}

TEST(registry, a_uid_that_is_being_taken_is_refused_to_others) {
  auto store = storage::open_memory_store();
  registry::uid_claims claims;
  ASSERT_TRUE(claims.claim(*store, "shop", some_id(1)));
  auto second = claims.claim(*store, "shop", some_id(2));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, events::errc::conflict);
  claims.release("shop");
  EXPECT_TRUE(claims.claim(*store, "shop", some_id(2)));
}

TEST(registry, a_uid_that_stands_is_refused_to_others_and_granted_to_its_owner) {
  auto store = storage::open_memory_store();
  auto rows = registry::rows_for({}, live("shop"), some_id(1));
  ASSERT_TRUE(store->put(rows));
  registry::uid_claims claims;
  EXPECT_FALSE(claims.claim(*store, "shop", some_id(2)));
  EXPECT_TRUE(claims.claim(*store, "shop", some_id(1)));
}

TEST(registry, the_expiry_stands_in_the_row) {
  auto s = live("");
  s.created = {1'000'000'000'000'000};
  EXPECT_FALSE(registry::expiry_of(mock::to_json(s, "sbx_x")));
  s.ttl_s = 60;
  auto at = registry::expiry_of(mock::to_json(s, "sbx_x"));
  ASSERT_TRUE(at);
  EXPECT_EQ(at->us, s.created.us + 60'000'000);
}

TEST(registry, metadata_does_not_decide_when_a_sandbox_expires) {
  auto s = live("");
  s.created = {1'000'000'000'000'000};
  s.metadata = R"({"expires_at":"2020-01-01T00:00:00Z"})";
  EXPECT_FALSE(registry::expiry_of(mock::to_json(s, "sbx_x")));
  s.ttl_s = 60;
  EXPECT_EQ(registry::expiry_of(mock::to_json(s, "sbx_x")), (events::wall_time{s.created.us + 60'000'000}));
}

} // namespace
