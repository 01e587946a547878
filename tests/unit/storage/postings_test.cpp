#include "storage/postings.hpp"

#include "events/json_text.hpp"
#include "storage/index.hpp"
#include "tests/unit/storage/support.hpp"

#include <gtest/gtest.h>

#include <random>

namespace hourglass::storage {
namespace {

using events::seq;
using events::to_hex;
using namespace testing;

std::vector<seq> ascending(const std::vector<index_entry>& entries) {
  std::vector<seq> out;
  for (const auto& e : entries) {
    const auto newest_first = postings::seqs_of(e).value();
    out.insert(out.end(), newest_first.rbegin(), newest_first.rend());
  }
  return out;
}

// These bytes are on disks. A change here needs a new `keys::format`.
TEST(postings, the_encoding_is_pinned) {
  const auto made = postings::entries_of({{"t", {5, 6, 300, 20'000}}, {"u", {9}}});
  ASSERT_EQ(made.size(), 2U);
  EXPECT_EQ(to_hex(made[0].key), "740000000000004e20");
  EXPECT_EQ(to_hex(made[0].value), "f49901" "a602" "01");
  EXPECT_EQ(to_hex(made[1].key), "750000000000000009");
  EXPECT_EQ(made[1].value, "");
}

TEST(postings, what_is_written_is_read_back_in_runs_of_bounded_length) {
  std::vector<seq> all;
  seq at = 0;
  for (int i = 0; i < 1'000; ++i)
    all.push_back(at += i % 7 == 0 ? 1'000'000'007ULL * static_cast<seq>(i + 1) : 1);
  const auto made = postings::entries_of({{"t", all}});
  EXPECT_EQ(made.size(), (all.size() + postings::seqs_per_run - 1) / postings::seqs_per_run);
  EXPECT_EQ(ascending(made), all);
  const std::vector<seq> far{1, ~seq{0}};
  EXPECT_EQ(ascending(postings::entries_of({{"t", far}})), far);
}

TEST(postings, bytes_that_nobody_wrote_are_corrupt) {
  const auto corrupt = [](std::string key, std::string value) {
    const auto read = postings::seqs_of({std::move(key), std::move(value)});
    return !read && read.error().code == events::errc::corrupt;
  };
  const auto nine = postings::entries_of({{"t", {9}}}).front().key;
  EXPECT_TRUE(corrupt("short", ""));
  EXPECT_TRUE(corrupt(nine, std::string("\0", 1))) << "the same seq again";
  EXPECT_TRUE(corrupt(nine, "\x09")) << "before the first";
  EXPECT_TRUE(corrupt(nine, "\x81")) << "cut off";
  EXPECT_TRUE(corrupt(nine, std::string(9, '\xff') + "\x02")) << "more than 64 bits";
  EXPECT_TRUE(corrupt(nine, std::string(11, '\x80'))) << "without end";
  EXPECT_TRUE(corrupt(postings::entries_of({{"t", {9'999}}}).front().key, std::string(postings::seqs_per_run, '\x01'))) << "a run too long";
  EXPECT_FALSE(corrupt(nine, "\x08"));
}

/// Every query over folds of any size finds what looking at each event would.
TEST(postings, queries_over_runs_agree_with_looking_at_every_event) {
  std::mt19937 random{7};
  const auto store = open_memory_store();
  author ann{sandbox(1)};
  index_options by_hand;
  by_hand.thread = false;
  const auto writer = open_index_writer(*store, by_hand);
  std::vector<seq> mine;
  for (seq at = 1; at <= 900;) {
    for (auto left = random() % 200 + 1; left > 0; --left, ++at) {
      const bool hit = random() % 3 == 0;
      const auto batch = ann.batch({{events::kind::data_put, "{}", static_cast<std::int64_t>(at), "p", "", {hit ? "mine" : "other"}}});
      ASSERT_TRUE(store->write({&batch, 1}, store->end(), durability::buffered));
      if (hit)
        mine.push_back(at);
    }
    while (writer->fold_once().value()) {
    }
  }
  for (int i = 0; i < 400; ++i) {
    history_query q;
    q.sandbox = ann.id();
    q.entity = "mine";
    q.limit = 5'000;
    q.newest_first = random() % 2 == 0;
    q.after = random() % 950;
    if (random() % 4 != 0)
      q.before = random() % 950;
    auto expected = mine;
    std::erase_if(expected, [&](seq s) { return s <= q.after || (q.before && s >= *q.before); });
    if (q.newest_first)
      std::reverse(expected.begin(), expected.end());
    std::vector<seq> got;
    const auto page = find(*store, q);
    ASSERT_TRUE(page);
    for (const auto& e : page->events)
      got.push_back(e.header.seq);
    ASSERT_EQ(got, expected) << "after " << q.after << " before " << q.before.value_or(0) << (q.newest_first ? " newest first" : "");
  }
}

} // namespace
} // namespace hourglass::storage
