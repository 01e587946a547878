#include "tests/integration/storage/failing_disk.hpp"
#include "tests/integration/storage/recovery_fixture.hpp"

/// What store and journal do when the disk is full, or does not keep what it is given.
namespace hourglass::storage {
namespace {

using namespace testing;
using events::errc;

class a_failing_disk : public recovery {
protected:
  a_failing_disk() {
    rocks_options options;
    options.env = env_.get();
    options.write_buffer_bytes = 1 << 20; // so that little is enough to be flushed
    open(options);
    by_hand_.writer_thread = false;
    journal_ = open_journal(*store_, by_hand_);
    EXPECT_EQ(append(ann_).outcome, append_outcome::committed);
    committed_ = ann_.head();
  }

  append_result append(author& who) {
    append_result out;
    journal_->append(who.batch(2), [&](const append_result& r) { out = r; });
    journal_->run_once();
    return out;
  }

  struct refusal {
    append_result why;
    std::size_t taken = 0;     ///< how many were committed before
    events::chain_head before; ///< where they left the stream
  };
  /// Appends events of `bytes` until one is not committed, `most` of them at the most.
  refusal append_until_refused(std::size_t bytes, std::size_t most) {
    const std::vector<said> large(1, {events::kind::data_put, '"' + std::string(bytes, 'x') + '"'});
    refusal out;
    do {
      out.before = ann_.head();
      journal_->append(ann_.batch(large), [&](const append_result& r) { out.why = r; });
      journal_->run_once();
    } while (out.why.outcome == append_outcome::committed && ++out.taken < most);
    return out;
  }

  disk_faults faults_;
  std::unique_ptr<rocksdb::Env> env_ = rocksdb::NewCompositeEnv(std::make_shared<failing_disk>(faults_));
  journal_options by_hand_;
  std::unique_ptr<journal> journal_;
  events::chain_head committed_;

  ~a_failing_disk() override {
    journal_.reset();
    store_.reset(); // before its disk
  }
};

TEST_F(a_failing_disk, a_full_disk_is_unknown_at_first_then_unavailable_until_there_is_room) {
  faults_.full = true;
  const auto first = append(ann_);
  EXPECT_EQ(first.outcome, append_outcome::unknown);
  EXPECT_NE(first.why.detail.find("the disk is full"), std::string::npos) << first.why.detail;
  EXPECT_EQ(append(ann_).why.code, errc::unavailable);
  EXPECT_FALSE(store_->health());
  EXPECT_FALSE(journal_->recover()) << "still full";
  EXPECT_EQ(append(bob_).why.code, errc::unavailable);
  EXPECT_EQ(store_->read(ann_.id(), 1)->size(), 2U) << "reading goes on";

  faults_.full = false;
  const auto recovered = journal_->recover();
  ASSERT_TRUE(recovered) << recovered.error().detail;
  EXPECT_TRUE(store_->health());
  ASSERT_EQ(store_->head(ann_.id()).value(), committed_);
  ann_.go_back_to(committed_);
  bob_.go_back_to({});
  EXPECT_EQ(append(ann_).outcome, append_outcome::committed);
  EXPECT_EQ(append(bob_).outcome, append_outcome::committed);
  const auto image = open_rocks_store(crash_image()).value();
  EXPECT_EQ(image->verify(ann_.id()).value(), ann_.head());
  EXPECT_EQ(image->verify(bob_.id()).value(), bob_.head());
  EXPECT_EQ(image->end(), 7U);
}

TEST_F(a_failing_disk, what_could_not_be_synced_does_not_come_back_as_a_ghost) {
  faults_.log_sync_fails = true;
  EXPECT_EQ(append(ann_).outcome, append_outcome::unknown);
  faults_.log_sync_fails = false;
  const auto recovered = journal_->recover();
  ASSERT_TRUE(recovered) << recovered.error().detail;
  const auto head = store_->head(ann_.id()).value(); // read back: what is there now is the truth
  ASSERT_TRUE(head);
  ann_.go_back_to(*head);
  EXPECT_EQ(append(ann_).outcome, append_outcome::committed);
  EXPECT_EQ(append(bob_).outcome, append_outcome::committed);
  const auto image = open_rocks_store(crash_image());
  ASSERT_TRUE(image) << image.error().detail;
  EXPECT_EQ((*image)->end(), store_->end());
  EXPECT_EQ((*image)->verify(ann_.id()).value(), ann_.head());
  EXPECT_EQ((*image)->verify(bob_.id()).value(), bob_.head());
}

/// An event is stored as its difference from an earlier one; never from one that was lost with a failed write.
class differences_on_a_failing_disk : public a_failing_disk, public ::testing::WithParamInterface<bool> {
protected:
  static said long_event(events::kind kind) { return {kind, R"({"body":")" + std::string(900, 'x') + R"("})"}; }

  append_result append_long(events::kind kind) {
    append_result out;
    journal_->append(ann_.batch({long_event(kind)}), [&](const append_result& r) { out = r; });
    journal_->run_once();
    return out;
  }
};

TEST_P(differences_on_a_failing_disk, lean_on_nothing_that_is_not_there) {
  const auto lost = events::kind::request_served, other = events::kind::data_put;
  auto& fault = GetParam() ? faults_.full : faults_.log_sync_fails;
  fault = true;
  EXPECT_EQ(append_long(lost).outcome, append_outcome::unknown);
  fault = false;
  const auto recovered = journal_->recover();
  ASSERT_TRUE(recovered) << recovered.error().detail;
  auto head = store_->head(ann_.id()).value();
  ann_.go_back_to(*head);
  EXPECT_EQ(append_long(other).outcome, append_outcome::committed) << "in the place of the lost one";
  EXPECT_EQ(append_long(lost).outcome, append_outcome::committed) << "which resembles this one";
  EXPECT_EQ(append_long(lost).outcome, append_outcome::committed);
  EXPECT_EQ(store_->verify(ann_.id()).value_or(events::chain_head{}), ann_.head());
  const auto image = open_rocks_store(crash_image());
  ASSERT_TRUE(image) << image.error().detail;
  EXPECT_EQ((*image)->verify(ann_.id()).value_or(events::chain_head{}), ann_.head());
}

INSTANTIATE_TEST_SUITE_P(faults, differences_on_a_failing_disk, ::testing::Bool(), [](const auto& i) { return i.param ? "full" : "sync_fails"; });

/// The log finds room, but what is in memory cannot be flushed: RocksDB then refuses every write, before one has failed.
TEST_F(a_failing_disk, a_flush_that_fails_first_is_a_rejection_and_the_journal_can_be_recovered) {
  faults_.full_for_tables = true;
  const auto [last, taken, before] = append_until_refused(100'000, 10'000);
  ASSERT_LT(taken, 10'000U) << "the flush never failed";
  EXPECT_EQ(last.outcome, append_outcome::rejected) << last.why.detail;
  EXPECT_EQ(last.why.code, errc::unavailable);
  EXPECT_TRUE(journal_->failed()) << "or nobody would ask the store to come back";
  EXPECT_FALSE(store_->health());

  faults_.full_for_tables = false;
  const auto recovered = journal_->recover();
  ASSERT_TRUE(recovered) << recovered.error().detail;
  ASSERT_EQ(store_->head(ann_.id()).value(), before) << "what was rejected is not there, what was committed is";
  ann_.go_back_to(before);
  EXPECT_EQ(append(ann_).outcome, append_outcome::committed);
}

TEST_F(a_failing_disk, a_store_that_came_to_refuse_is_noticed_although_nobody_writes) {
  EXPECT_FALSE(journal_->run_once());
  EXPECT_FALSE(journal_->failed());
  faults_.room = 1'000;
  EXPECT_FALSE(journal_->run_once());
  EXPECT_TRUE(journal_->failed());
  EXPECT_NE(store_->health().error().detail.find("nearly full"), std::string::npos);
  EXPECT_FALSE(journal_->recover()) << "there is no room yet";
  faults_.room = std::uint64_t{1} << 40;
  EXPECT_TRUE(journal_->recover());
  EXPECT_TRUE(store_->health());
  EXPECT_EQ(append(ann_).outcome, append_outcome::committed);
}

TEST_F(a_failing_disk, below_the_reserve_writes_are_refused_untouched_and_taken_again_when_there_is_room) {
  faults_.room = limits::disk_reserve_bytes - 1;
  const auto [last, taken, before] = append_until_refused(4'000'000, 100);
  EXPECT_LE(taken, 5U) << "the disk is looked at for every 16 MiB written";
  EXPECT_EQ(last.outcome, append_outcome::rejected);
  EXPECT_EQ(last.why.code, errc::unavailable);
  EXPECT_NE(last.why.detail.find("disk_reserve_bytes"), std::string::npos);
  EXPECT_FALSE(store_->put_snapshot(ann_.id(), {before, 1, {"state"}, 0})) << "a snapshot can wait";
  EXPECT_EQ(store_->head(ann_.id()).value(), before);
  EXPECT_FALSE(journal_->recover());

  faults_.room = limits::disk_reserve_bytes;
  ASSERT_TRUE(journal_->recover());
  ann_.go_back_to(before);
  EXPECT_EQ(append(ann_).outcome, append_outcome::committed);
  EXPECT_TRUE(store_->put_snapshot(ann_.id(), {before, 1, {"state"}, 0}));
}

} // namespace
} // namespace hourglass::storage
