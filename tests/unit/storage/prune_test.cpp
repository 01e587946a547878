#include "tests/unit/storage/support.hpp"

#include "storage/index.hpp"
#include "storage/journal.hpp"

#include <gtest/gtest.h>

/// What `store::prune` promises, of the real store and of the fake.
namespace hourglass::storage {
namespace {

using namespace testing;

class pruning : public ::testing::TestWithParam<bool> {
protected:
  using outcome_more = events::outcome<bool>;

  pruning() : store_(GetParam() ? open_rocks_store(folder_.path()).value() : open_memory_store()) {}

  void write(author& by, std::size_t count, const std::string& correlation = "shared") {
    for (std::size_t i = 0; i < count; ++i) {
      auto batch = by.batch({{events::kind::data_put,
                              R"({"text":")" + std::string(700, 'b') + R"("})",
                              0,
                              "admin",
                              correlation,
                              {"thing"}}});
      batch.due = events::wall_time{by.head().wall.us + 60'000'000};
      ASSERT_TRUE(store_->write({&batch, 1}, store_->end(), durability::buffered));
    }
  }
  void fold() {
    index_options by_hand;
    by_hand.thread = false;
    const auto index = open_index_writer(*store_, by_hand);
    while (index->fold_once().value()) {
    }
  }
  void prune(const events::sandbox_id& which) {
    const pruned_stream order{which, 7};
    prune_place at;
    for (outcome_more more = true; *more;) {
      more = store_->prune({&order, 1}, at);
      ASSERT_TRUE(more) << more.error().detail;
    }
  }
  temporary_folder folder_;
  std::unique_ptr<store> store_;
  author ann_{sandbox(1)};
  author bob_{sandbox(2)};
};

TEST_P(pruning, a_stream_is_gone_and_the_others_are_as_they_were) {
  write(ann_, 70);
  write(bob_, 3);
  write(ann_, 2);
  ASSERT_TRUE(store_->put_snapshot(ann_.id(), {ann_.head(), 1, {"part"}, 0}));
  ASSERT_TRUE(store_->put_snapshot(bob_.id(), {bob_.head(), 1, {"part"}, 0}));
  fold();
  EXPECT_EQ(store_->streams({}, 10).value(), (std::vector{ann_.id(), bob_.id()}));
  EXPECT_EQ(store_->streams(ann_.id(), 10).value(), (std::vector{bob_.id()}));
  EXPECT_EQ(store_->streams({}, 1).value(), (std::vector{ann_.id()}));
  prune(ann_.id());
  EXPECT_EQ(store_->head(ann_.id()).value(), std::nullopt);
  EXPECT_TRUE(store_->read(ann_.id(), 1)->empty());
  EXPECT_TRUE(store_->read(ann_.id(), 50)->empty());
  EXPECT_FALSE(store_->latest_snapshot(ann_.id(), 99)->has_value());
  EXPECT_EQ(store_->streams({}, 10).value(), (std::vector{bob_.id()}));
  const auto due = store_->due_until({1'000'000'000'000}, 100).value();
  EXPECT_FALSE(due.empty());
  for (const auto& entry : due)
    EXPECT_EQ(entry.sandbox, bob_.id());
  EXPECT_EQ(store_->verify(bob_.id()).value(), bob_.head());
  EXPECT_TRUE(store_->latest_snapshot(bob_.id(), 99)->has_value());
  EXPECT_EQ(find_correlation(*store_, "shared", 100)->size(), 3U);
  history_query q;
  q.sandbox = ann_.id();
  q.entity = "thing";
  EXPECT_TRUE(find(*store_, q)->events.empty());
}

TEST_P(pruning, every_place_of_the_log_still_has_its_entry) {
  write(ann_, 5);
  write(bob_, 2);
  write(ann_, 1);
  prune(ann_.id());
  EXPECT_EQ(store_->end(), 9U);
  const auto log = store_->read_log(1).value();
  ASSERT_EQ(log.size(), 8U);
  for (std::size_t i = 0; i < log.size(); ++i) {
    EXPECT_EQ(log[i].at, i + 1);
    EXPECT_EQ(log[i].pruned(), i < 5 || i == 7) << i;
    EXPECT_EQ(log[i].seq, log[i].pruned() ? 7 : i - 4) << "of a pruned one the event that says so";
  }
  EXPECT_EQ(store_->read_log(3, {2, 1 << 20})->size(), 2U) << "in the middle of what is gone";
  EXPECT_EQ(store_->read_log(8)->size(), 1U);
  EXPECT_EQ(store_->pruned_places().value(), (std::map<events::seq, std::uint64_t>{{7, 6}}));
  fold(); // from the very beginning, as after a crash
  EXPECT_EQ(store_->index_end(), 9U);
  write(bob_, 1);
  EXPECT_EQ(store_->read_log(8)->size(), 2U);
}

TEST_P(pruning, again_it_changes_nothing) {
  write(ann_, 5);
  prune(ann_.id());
  prune(ann_.id());
  prune(sandbox(9));
  EXPECT_EQ(store_->pruned_places().value(), (std::map<events::seq, std::uint64_t>{{7, 5}}));
}

INSTANTIATE_TEST_SUITE_P(of, pruning, ::testing::Bool(),
                         [](const auto& i) { return i.param ? "rocksdb" : "memory"; });

} // namespace
} // namespace hourglass::storage
