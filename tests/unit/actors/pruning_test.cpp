#include "actors/pruning.hpp"

#include "events/codec.hpp"

#include <gtest/gtest.h>

namespace {

using namespace hourglass;
using namespace hourglass::actors;
using namespace std::chrono_literals;
using pruning::fate;

constexpr std::int64_t day_us = 86'400'000'000;
const events::sandbox_id shop = events::make_sandbox_id(1'700'000'000'000, {7});

pruning::moment at_day(std::int64_t day, std::optional<std::chrono::seconds> retention = 30 * 24h) {
  return {{day * day_us}, retention, 100, std::nullopt};
}

TEST(pruning_decide, a_stream_goes_when_its_time_is_over_and_not_before) {
  const pruning::deleted what{shop, {100 * day_us}, {}};
  EXPECT_EQ(pruning::decide(what, 50, at_day(129)), fate::stays);
  EXPECT_EQ(pruning::decide(what, 50, at_day(130)), fate::goes);
  EXPECT_EQ(pruning::decide(what, 50, at_day(90)), fate::stays) << "a clock that went back";
}

TEST(pruning_decide, without_a_retention_it_stays_until_somebody_wants_it_gone) {
  pruning::deleted what{shop, {100 * day_us}, {}};
  EXPECT_EQ(pruning::decide(what, 50, at_day(10'000, std::nullopt)), fate::stays);
  EXPECT_EQ(pruning::decide(what, 50, at_day(100, 0s)), fate::goes) << "at once";
  what.wanted = pruning::wish{"admin", ""};
  EXPECT_EQ(pruning::decide(what, 50, at_day(100, std::nullopt)), fate::goes);
  EXPECT_EQ(pruning::decide(what, 50, at_day(100)), fate::goes);
}

TEST(pruning_decide, it_waits_for_kafka_first_then_for_the_index) {
  const pruning::deleted what{shop, {0}, {}};
  auto m = at_day(1'000);
  m.folded = 49;
  EXPECT_EQ(pruning::decide(what, 50, m), fate::waits_for_index);
  m.exported = 49;
  EXPECT_EQ(pruning::decide(what, 50, m), fate::waits_for_export);
  m.exported = 0; // nobody knows yet how far it has come
  EXPECT_EQ(pruning::decide(what, 50, m), fate::waits_for_export);
  m.exported = 50;
  EXPECT_EQ(pruning::decide(what, 50, m), fate::waits_for_index);
  m.folded = 50;
  EXPECT_EQ(pruning::decide(what, 50, m), fate::goes);
}

TEST(pruning_rows, read_as_they_were_written_and_nothing_else_does) {
  for (const auto& what : {pruning::deleted{shop, {5}, {}},
                           pruning::deleted{shop, {5}, pruning::wish{"admin", "cor_1"}},
                           pruning::deleted{shop, {5}, pruning::wish{"admin", ""}}})
    EXPECT_EQ(pruning::deleted_of(pruning::row_of(what)), what);
  const storage::pruned_stream going{shop, 9};
  EXPECT_EQ(pruning::under_way_of(pruning::row_of(going)), going);
  EXPECT_FALSE(pruning::deleted_of(pruning::row_of(going)));
  EXPECT_FALSE(pruning::under_way_of({pruning::under_way_key(shop), "short"}));
  EXPECT_FALSE(pruning::deleted_of({pruning::deleted_key(shop), "short"}));
  EXPECT_FALSE(pruning::deleted_of({"dl", "12345678"}));
}

TEST(pruning_tombstone, says_what_stood_there) {
  const pruning::tombstone what{shop, 42, {1, 2, 255}, {3'000'000}, {4'000'000}};
  std::string bytes;
  events::chain_head head;
  events::seal(head, storage::node_stream, pruning::draft_of(what), {{9}, {9}, {}, "retention", ""},
               bytes);
  auto record = events::decode(bytes).value();
  EXPECT_EQ(record.header.entities, (std::vector{shop.to_string()}));
  EXPECT_EQ(pruning::tombstone_of(record).value(), what);
  record.payload = R"({"sandbox":"sbx_","events":1})";
  EXPECT_EQ(pruning::tombstone_of(record).error().code, events::errc::corrupt);
  record.payload = "[]";
  EXPECT_EQ(pruning::tombstone_of(record).error().code, events::errc::corrupt);
  record.header.kind = events::kind::data_put;
  EXPECT_EQ(pruning::tombstone_of(record).error().code, events::errc::corrupt);
}

} // namespace
