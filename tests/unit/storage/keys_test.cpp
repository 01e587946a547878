#include "events/json_text.hpp"
#include "storage/keys.hpp"

#include <gtest/gtest.h>

namespace {

using namespace hourglass;
using namespace hourglass::storage;
using events::to_hex;

events::sandbox_id counting() {
  events::sandbox_id id;
  for (std::uint8_t i = 0; i < 16; ++i)
    id.bytes[i] = static_cast<std::uint8_t>(0xa0 + i);
  return id;
}

const std::string sandbox_hex = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf";
const std::string seq_hex = "000000000000012c";

// These bytes are on disks. A change here needs a new `keys::format`.
TEST(keys, every_encoding_is_pinned) {
  EXPECT_EQ(to_hex(keys::of_event(keys::event, counting(), 300)), "6576" + sandbox_hex + seq_hex);
  EXPECT_EQ(to_hex(keys::of_log(0x0102030405060708)), "676f0102030405060708");
  std::string runs;
  keys::add_run(runs, {counting(), 300, 7});
  EXPECT_EQ(to_hex(runs), sandbox_hex + seq_hex + "00000007");
  EXPECT_EQ(to_hex(keys::of_kind(counting(), events::kind::message_created)), "7479" + sandbox_hex + "003c");
  EXPECT_EQ(to_hex(keys::of_text(keys::by_principal, counting(), "abc")), "7072" + sandbox_hex + "61626300");
  EXPECT_EQ(to_hex(keys::of_text(keys::by_entity, counting(), std::string_view{"a\0\x01\x02", 4})), "656e" + sandbox_hex + "61010101020200");
  EXPECT_EQ(to_hex(keys::of_correlation("abc")), "676361626300");
  EXPECT_EQ(to_hex(keys::of_correlation("abc", counting())), "676361626300" + sandbox_hex);
  EXPECT_EQ(to_hex(keys::index_cursor), "6963");
  EXPECT_EQ(to_hex(keys::of_row("k/1")), "726f6b2f31");
  EXPECT_EQ(to_hex(keys::of_event(keys::snapshot_meta, counting(), 300)), "736d" + sandbox_hex + seq_hex);
  EXPECT_EQ(to_hex(keys::of_event(keys::snapshot_part, counting(), 300)), "736e" + sandbox_hex + seq_hex);
  EXPECT_EQ(to_hex(keys::of_due({{120'000'001}, counting()})), "64750000000000000002000000000" "7270e01" + sandbox_hex);
  EXPECT_EQ(to_hex(keys::meta_format), "6d66");
  EXPECT_EQ(to_hex(keys::meta_due), "6d64");
  EXPECT_EQ(to_hex(keys::meta_mark), "6d6b");
}

TEST(keys, numbers_sort_as_keys) {
  EXPECT_LT(keys::of_log(255), keys::of_log(256));
  EXPECT_LT(keys::of_event(keys::event, counting(), ~0ULL - 1), keys::of_event(keys::event, counting(), ~0ULL));
  EXPECT_LT(keys::of_due({{59'999'999}, counting()}), keys::of_due({{60'000'000}, {}}));
  EXPECT_EQ(keys::number_at<std::uint64_t>(keys::of_log(77).substr(2)), 77U);
}

TEST(keys, no_text_is_the_beginning_of_another) {
  const std::string texts[] = {"", "a", "ab", std::string("\0", 1), std::string("\0\0", 2), "\x01", "\x01\x01", "\x01\x02", std::string("a\0b", 3), "a\x01"};
  for (const auto& a : texts)
    for (const auto& b : texts)
      if (a != b) {
        EXPECT_FALSE(keys::of_correlation(a).starts_with(keys::of_correlation(b))) << to_hex(a) << " " << to_hex(b);
      }
}

TEST(keys, due_keys_are_read_back) {
  const due_entry entry{{1763762121000123}, counting()};
  EXPECT_EQ(keys::due_of(keys::of_due(entry)), entry);
  EXPECT_EQ(keys::due_of("du"), std::nullopt);
  EXPECT_EQ(keys::due_of(keys::of_due({{-5}, counting()}))->at.us, 0) << "times before 1970 count as 1970";
}

TEST(keys, behind_is_the_first_key_after_a_prefix) {
  EXPECT_EQ(keys::behind("ab"), "ac");
  EXPECT_EQ(keys::behind("a\xff"), "b");
  EXPECT_EQ(keys::behind("\xff\xff"), "");
}

} // namespace
