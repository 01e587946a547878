#include "recovery_fixture.hpp"

#include "storage/index.hpp"
#include "storage/keys.hpp"
#include "tests/support/raw_store.hpp"

namespace hourglass::storage::testing {
namespace {

using hourglass::testing::where_they_stand;

/// What the files hold of a stream that was pruned.
class prune_files : public recovery {
protected:
  using outcome_more = events::outcome<bool>;

  void write(author& by, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto name = std::to_string(i);
      auto batch = by.batch({{events::kind::data_put,
                              R"({"secret":")" + secret(by) + name + R"("})",
                              0,
                              "admin",
                              "c" + name,
                              {"thing" + name}}});
      batch.due = events::wall_time{by.head().wall.us + 60'000'000};
      ASSERT_TRUE(store_->write({&batch, 1}, store_->end(), durability::buffered));
    }
  }
  static std::string secret(const author& by) { return "top-secret-of-" + by.id().to_string(); }
  static std::vector<std::string> names(const author& of) {
    return {std::string{reinterpret_cast<const char*>(of.id().bytes.data()), of.id().bytes.size()},
            secret(of)};
  }
  static void fold(store& of) {
    index_options by_hand;
    by_hand.thread = false;
    const auto index = open_index_writer(of, by_hand);
    while (index->fold_once().value()) {
    }
  }
  /// Everything that the store keeps by a sandbox: both of them, a few turns each.
  void fill() {
    for (int turn = 0; turn < 4; ++turn) {
      write(ann_, 20);
      write(bob_, 20);
    }
    write(bob_, 1);
    for (auto* who : {&ann_, &bob_})
      ASSERT_TRUE(store_->put_snapshot(who->id(), {who->head(), 1, {"part", secret(*who)}, 0}));
    fold(*store_);
  }
  outcome_more prune_on(store& in, prune_place& at) {
    const pruned_stream order{ann_.id(), 1};
    return in.prune({&order, 1}, at);
  }
  void prune(store& in) {
    prune_place at;
    for (outcome_more more = true; *more;) {
      more = prune_on(in, at);
      ASSERT_TRUE(more) << more.error().detail;
    }
  }
  std::filesystem::path db() const { return folder_.path() / "db"; }
};

/// A family or kind of key that is added later and forgotten in `prune` makes this fail: so add it
/// to `fill`.
TEST_F(prune_files, no_key_and_no_value_of_any_family_names_the_sandbox_any_more) {
  open();
  fill();
  store_.reset();
  const auto before = where_they_stand(db(), names(ann_));
  for (const auto* kind : {"events ev", "events go", "index ty", "index pr", "index en", "index gc",
                           "state sm", "state sn", "due du"})
    EXPECT_TRUE(std::any_of(before.begin(), before.end(),
                            [&](const auto& one) { return one.first.starts_with(kind); }))
        << kind << ": or the test sees nothing";
  const auto of_bob = where_they_stand(db(), names(bob_));
  open();
  prune(*store_);
  store_.reset();
  for (const auto& [where, count] : where_they_stand(db(), names(ann_)))
    ADD_FAILURE() << count << " times in " << where;
  EXPECT_EQ(where_they_stand(db(), names(bob_)), of_bob);
  open();
  EXPECT_EQ(store_->verify(bob_.id()).value(), bob_.head());
}

TEST_F(prune_files, after_a_scrub_no_file_has_it_any_more) {
  open();
  fill();
  store_.reset();
  open(); // from the log file into tables
  EXPECT_EQ(store_->scrub_owed(), std::nullopt);
  prune(*store_);
  EXPECT_TRUE(store_->scrub_owed());
  std::atomic<bool> stop{false};
  const auto scrubbed = store_->scrub(stop);
  ASSERT_TRUE(scrubbed) << scrubbed.error().detail;
  store_.reset();
  open(); // the list of tables names the first and last key of those that were, until it is begun
          // anew
  store_.reset();
  std::size_t of_bob = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{db()}) {
    if (!entry.is_regular_file())
      continue;
    std::ifstream in{entry.path(), std::ios::binary};
    std::stringstream all;
    all << in.rdbuf();
    for (const auto& name : names(ann_))
      EXPECT_EQ(all.str().find(name), std::string::npos) << entry.path();
    of_bob += all.str().find(names(bob_)[0]) != std::string::npos ? 1 : 0;
  }
  EXPECT_GT(of_bob, 0U) << "or the test sees nothing";
}

/// Killed between any two pieces it is done again from the start, and comes to the same.
TEST_F(prune_files, killed_at_any_piece_it_goes_on_to_its_end) {
  open();
  fill();
  std::vector<std::filesystem::path> images{crash_image()};
  prune_place at;
  for (outcome_more more = true; *more;) {
    more = prune_on(*store_, at);
    ASSERT_TRUE(more) << more.error().detail;
    images.push_back(crash_image());
  }
  EXPECT_GE(images.size(), 5U);
  store_.reset();
  for (const auto& image : images) {
    auto opened = open_rocks_store(image);
    ASSERT_TRUE(opened) << opened.error().detail;
    auto& store = **opened;
    EXPECT_EQ(store.verify(bob_.id()).value(), bob_.head());
    ASSERT_TRUE(store.verify(ann_.id())) << "whole, or not there";
    const auto left = store.read(ann_.id(), 1, {1'000, 1 << 30})->size();
    EXPECT_TRUE(left == ann_.head().seq || left == 0) << left;
    fold(store);
    EXPECT_EQ(store.index_end(), store.end());
    prune(store);
    EXPECT_EQ(store.pruned_places()->at(1), ann_.head().seq);
    opened->reset();
    EXPECT_TRUE(where_they_stand(image, names(ann_)).empty());
  }
}

/// The side file names the last event that was committed, which may be one of those that are gone.
TEST_F(prune_files, a_log_whose_end_was_pruned_opens) {
  open();
  write(bob_, 2);
  write(ann_, 2);
  store_->idle();
  prune(*store_);
  const auto image = crash_image();
  store_.reset();
  for (const auto& where : {image, db()}) {
    auto opened = open_rocks_store(where);
    ASSERT_TRUE(opened) << opened.error().detail;
    EXPECT_EQ((*opened)->end(), 5U);
    const auto more = author{bob_}.batch(1);
    EXPECT_TRUE((*opened)->write({&more, 1}, 5, durability::synced));
  }
}

} // namespace
} // namespace hourglass::storage::testing
