#include "storage/journal.hpp"
#include "tests/unit/storage/support.hpp"

#include <future>
#include <thread>

#include <gtest/gtest.h>

namespace hourglass::storage {
namespace {

using namespace testing;
using events::errc;

/// A journal whose writer is the test itself.
class a_journal : public ::testing::Test {
protected:
  void append(record_batch batch) {
    journal_->append(std::move(batch), [this](const append_result& r) { results_.push_back(r); });
  }

  journal_options by_hand() const {
    journal_options o;
    o.writer_thread = false;
    return o;
  }

  flaky_store store_{open_memory_store()};
  std::unique_ptr<journal> journal_ = open_journal(store_, by_hand());
  std::vector<append_result> results_;
  author ann_{sandbox(1)};
  author bob_{sandbox(2)};
};

TEST_F(a_journal, writes_everything_that_waits_at_once_and_answers_in_order) {
  append(ann_.batch(2));
  append(bob_.batch(1));
  append(ann_.batch(1));
  EXPECT_TRUE(results_.empty()) << "nothing is true before it is written";
  EXPECT_TRUE(journal_->run_once());
  EXPECT_FALSE(journal_->run_once());
  EXPECT_EQ(store_.writes(), 1);
  ASSERT_EQ(results_.size(), 3U);
  for (const auto& r : results_)
    EXPECT_EQ(r.outcome, append_outcome::committed);
  EXPECT_EQ(results_[0].first, 1U);
  EXPECT_EQ(results_[1].first, 3U);
  EXPECT_EQ(results_[2].first, 4U);
  EXPECT_EQ(journal_->end(), 5U);
  EXPECT_EQ(store_.verify(ann_.id(), {}).value(), ann_.head());
  const auto counters = journal_->counters();
  EXPECT_EQ(counters.batches, 3U);
  EXPECT_EQ(counters.events, 4U);
  EXPECT_EQ(counters.syncs, 1U);
  EXPECT_EQ(counters.queued_bytes, 0U);
}

TEST_F(a_journal, a_group_is_bounded) {
  auto options = by_hand();
  options.batch_bytes = 3'000;
  journal_ = open_journal(store_, options);
  for (int i = 0; i < 4; ++i)
    append(ann_.batch({{events::kind::data_put, std::string(1'000, 'x')}}));
  while (journal_->run_once()) {
  }
  EXPECT_EQ(store_.writes(), 2);
  EXPECT_EQ(results_.size(), 4U);
}

TEST_F(a_journal, one_batch_larger_than_a_group_is_still_written) {
  auto options = by_hand();
  options.batch_bytes = 10;
  journal_ = open_journal(store_, options);
  append(ann_.batch(5));
  EXPECT_TRUE(journal_->run_once());
  EXPECT_EQ(results_.at(0).outcome, append_outcome::committed);
}

TEST_F(a_journal, a_full_queue_rejects_at_once_and_changes_nothing) {
  auto options = by_hand();
  options.queue_bytes = 2'000;
  journal_ = open_journal(store_, options);
  append(ann_.batch({{events::kind::data_put, std::string(1'000, 'x')}}));
  append(bob_.batch({{events::kind::data_put, std::string(1'000, 'x')}}));
  ASSERT_EQ(results_.size(), 1U);
  EXPECT_EQ(results_[0].outcome, append_outcome::rejected);
  EXPECT_EQ(results_[0].why.code, errc::overloaded);
  journal_->run_once();
  EXPECT_EQ(store_.head(bob_.id()).value(), std::nullopt);
  bob_.go_back_to({});
  append(bob_.batch(1));
  journal_->run_once();
  EXPECT_EQ(results_.back().outcome, append_outcome::committed) << "there is room again";
}

TEST_F(a_journal, what_comes_behind_a_rejected_batch_is_rejected_too) {
  append(ann_.batch(1));
  journal_->run_once();
  (void)ann_.batch(1); // sealed, but lost on its way
  append(ann_.batch(1));
  append(bob_.batch(1));
  append(ann_.batch(1));
  journal_->run_once();
  ASSERT_EQ(results_.size(), 4U);
  EXPECT_EQ(results_[1].why.code, errc::conflict);
  EXPECT_EQ(results_[2].outcome, append_outcome::committed) << "other sandboxes do not notice";
  EXPECT_EQ(results_[3].why.code, errc::conflict);
  EXPECT_EQ(store_.head(ann_.id()).value()->seq, 1U);
}

TEST_F(a_journal, two_writers_of_one_stream_cannot_both_succeed) {
  author twin{ann_.id()};
  append(ann_.batch(1));
  append(twin.batch(1));
  journal_->run_once();
  EXPECT_EQ(results_[0].outcome, append_outcome::committed);
  EXPECT_EQ(results_[1].why.code, errc::conflict);
}

TEST_F(a_journal, continues_streams_that_it_has_not_seen_before) {
  append(ann_.batch(3));
  journal_->run_once();
  journal_ = open_journal(store_, by_hand());
  append(ann_.batch(1));
  append(ann_.batch(1));
  const auto before = store_.heads_read.load();
  journal_->run_once();
  EXPECT_EQ(results_.back().outcome, append_outcome::committed);
  EXPECT_EQ(store_.heads_read, before + 1) << "the end of a stream is looked up once";
}

TEST_F(a_journal, that_is_closed_has_written_what_waited_and_rejects_the_rest) {
  append(ann_.batch(2));
  journal_->close();
  ASSERT_EQ(results_.size(), 1U);
  EXPECT_EQ(results_[0].outcome, append_outcome::committed);
  append(ann_.batch(1));
  ASSERT_EQ(results_.size(), 2U);
  EXPECT_EQ(results_[1].outcome, append_outcome::rejected);
  EXPECT_EQ(results_[1].why.code, errc::unavailable);
  EXPECT_EQ(journal_->end(), 3U);
  journal_->close();
}

TEST(a_journal_with_a_thread, may_be_closed_while_others_append) {
  auto store = open_memory_store();
  auto journal = open_journal(*store);
  std::atomic<int> asked{0}, answered{0};
  std::atomic<bool> stop{false};
  std::thread other{[&] {
    author ann{sandbox(1)};
    while (!stop) {
      ++asked;
      journal->append(ann.batch(1), [&](const append_result&) { ++answered; });
    }
  }};
  while (answered < 100)
    std::this_thread::yield();
  journal->close();
  stop = true;
  other.join();
  EXPECT_EQ(answered, asked);
}

TEST_F(a_journal, an_event_over_the_limit_is_rejected) {
  append(ann_.batch({{events::kind::data_put, std::string(limits::record_bytes, 'x')}}));
  journal_->run_once();
  EXPECT_EQ(results_.at(0).why.code, errc::too_large);
}

TEST_F(a_journal, rows_alone_need_no_place_in_a_stream) {
  append({ann_.id(), 0, {}, {{"k", "v"}}, {}});
  journal_->run_once();
  EXPECT_EQ(results_.at(0).outcome, append_outcome::committed);
  EXPECT_EQ(store_.get("k").value(), "v");
}

TEST_F(a_journal, unknown_is_sticky_until_it_is_recovered) {
  append(ann_.batch(1));
  journal_->run_once();
  const auto committed = ann_.head();
  store_.fail_next(1);
  append(ann_.batch(1));
  append(bob_.batch(1));
  journal_->run_once();
  ASSERT_EQ(results_.size(), 3U);
  EXPECT_EQ(results_[1].outcome, append_outcome::unknown);
  EXPECT_EQ(results_[1].why.code, errc::io);
  EXPECT_EQ(results_[2].outcome, append_outcome::unknown);
  EXPECT_TRUE(journal_->failed());

  append(ann_.batch(1));
  ASSERT_EQ(results_.size(), 4U) << "answered at once";
  EXPECT_EQ(results_[3].outcome, append_outcome::rejected);
  EXPECT_EQ(results_[3].why.code, errc::unavailable);
  EXPECT_EQ(store_.writes(), 2) << "a failed journal does not touch the store";

  store_.refuse_resume(true);
  EXPECT_FALSE(journal_->recover());
  EXPECT_TRUE(journal_->failed());
  store_.refuse_resume(false);
  ASSERT_TRUE(journal_->recover());
  ann_.go_back_to(committed);
  append(ann_.batch(1));
  journal_->run_once();
  EXPECT_EQ(results_.back().outcome, append_outcome::committed);
  EXPECT_EQ(store_.verify(ann_.id(), {}).value(), ann_.head());
}

TEST_F(a_journal, an_unknown_write_that_was_kept_is_found_by_reading_back) {
  store_.fail_next(1, errc::io, true);
  append(ann_.batch(2));
  journal_->run_once();
  EXPECT_EQ(results_.at(0).outcome, append_outcome::unknown);
  ASSERT_TRUE(journal_->recover());
  EXPECT_EQ(store_.head(ann_.id()).value(), ann_.head());
  append(ann_.batch(1));
  journal_->run_once();
  EXPECT_EQ(results_.back().outcome, append_outcome::committed);
}

TEST_F(a_journal, what_waited_when_it_failed_is_rejected_and_not_written) {
  auto options = by_hand();
  options.batch_bytes = 1;
  journal_ = open_journal(store_, options);
  store_.fail_next(1);
  append(ann_.batch(1));
  append(ann_.batch(1));
  append(bob_.batch(1));
  while (journal_->run_once()) {
  }
  ASSERT_EQ(results_.size(), 3U);
  EXPECT_EQ(results_[0].outcome, append_outcome::unknown);
  EXPECT_EQ(results_[1].why.code, errc::unavailable);
  EXPECT_EQ(results_[2].why.code, errc::unavailable);
  EXPECT_EQ(store_.writes(), 1);
}

TEST_F(a_journal, a_store_that_refuses_before_writing_is_a_rejection) {
  store_.fail_next(1, errc::unavailable);
  append(ann_.batch(1));
  journal_->run_once();
  EXPECT_EQ(results_.at(0).outcome, append_outcome::rejected);
  EXPECT_TRUE(journal_->failed()) << "the store comes back only when it is asked to";
  ASSERT_TRUE(journal_->recover());
  ann_.go_back_to({});
  append(ann_.batch(1));
  journal_->run_once();
  EXPECT_EQ(results_.at(1).outcome, append_outcome::committed);
}

TEST_F(a_journal, listeners_hear_of_commits_after_the_handlers) {
  std::vector<position> heard;
  journal_->listen([&](position end) {
    EXPECT_FALSE(results_.empty());
    heard.push_back(end);
  });
  append(ann_.batch(2));
  journal_->run_once();
  (void)ann_.batch(1);
  append(ann_.batch(1));
  journal_->run_once();
  EXPECT_EQ(heard, (std::vector<position>{3}));
}

TEST_F(a_journal, answers_everything_before_it_ends) {
  append(ann_.batch(1));
  append(bob_.batch(1));
  journal_.reset();
  EXPECT_EQ(results_.size(), 2U);
  EXPECT_EQ(store_.end(), 3U);
}

TEST(journal_with_a_writer, tells_the_store_when_nothing_was_written_for_a_while) {
  flaky_store store{open_memory_store()};
  journal_options options;
  options.rest_after = std::chrono::milliseconds{1};
  auto journal = open_journal(store, options);
  author ann{sandbox(1)};
  std::promise<void> done;
  journal->append(ann.batch(1), [&](const append_result&) { done.set_value(); });
  done.get_future().wait();
  const auto before = store.idles.load();
  store.idles.wait(before); // for ever, if nobody says so
  EXPECT_GT(store.idles.load(), before);
}

TEST(journal_with_a_writer, keeps_every_stream_gapless_under_many_threads) {
  constexpr std::uint8_t writers = 8;
  constexpr int batches = 200;
  flaky_store store{open_memory_store()};
  std::atomic<int> committed{0};
  std::atomic<position> heard{0};
  {
    auto journal = open_journal(store);
    journal->listen([&](position end) { heard = end; });
    std::vector<std::thread> threads;
    for (std::uint8_t n = 0; n < writers; ++n)
      threads.emplace_back([&, n] {
        author me{sandbox(n)};
        for (int i = 0; i < batches; ++i)
          journal->append(me.batch(2), [&](const append_result& r) { committed += r.outcome == append_outcome::committed; });
        std::promise<void> last;
        journal->append(me.batch(1), [&](const append_result&) { last.set_value(); });
        last.get_future().wait();
        EXPECT_EQ(store.head(me.id()).value(), me.head());
      });
    for (auto& thread : threads)
      thread.join();
  }
  EXPECT_EQ(committed, writers * batches);
  EXPECT_EQ(store.end(), writers * (2U * batches + 1) + 1);
  EXPECT_EQ(heard, store.end());
  for (std::uint8_t n = 0; n < writers; ++n)
    EXPECT_EQ(store.verify(sandbox(n), {})->seq, 2U * batches + 1);
}

} // namespace
} // namespace hourglass::storage
