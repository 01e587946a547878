#include "tests/unit/storage/support.hpp"

#include "events/digest.hpp"
#include "events/erasure.hpp"
#include "events/json_text.hpp"
#include "storage/journal.hpp"

#include <gtest/gtest.h>

/// What `store::write` promises of content that is erased, of the real store and of the fake.
namespace hourglass::storage {
namespace {

using namespace testing;
using events::errc;

const std::string left = R"({"body":{}})";

class erasing : public ::testing::TestWithParam<bool> {
protected:
  erasing() : store_(GetParam() ? open_rocks_store(folder_.path()).value() : open_memory_store()) {}

  events::outcome<void> write(const record_batch& batch) {
    return store_->write({&batch, 1}, store_->end(), durability::buffered);
  }

  static said message(int number) {
    return {events::kind::message_created,
            R"({"n":)" + std::to_string(number) + R"(,"body":")" + std::string(700, 'b') + R"("})"};
  }
  /// The event that erases, with what it erases.
  record_batch erasing_of(const std::vector<events::seq>& which) {
    std::string payload;
    events::json_text j{payload};
    std::vector<events::erased_item> items;
    for (auto seq : which)
      items.push_back({seq, "msg", events::sha256({left})});
    j.open_object();
    events::write_erased_items(j, items);
    j.close_object();
    auto out = ann_.batch({{events::kind::content_erased, payload}});
    for (auto seq : which)
      out.erases.push_back({seq, left});
    return out;
  }

  temporary_folder folder_;
  std::unique_ptr<store> store_;
  author ann_{sandbox(1)};
};

TEST_P(erasing, an_event_loses_its_content_and_the_stream_still_verifies) {
  for (int i = 1; i <= 10; ++i)
    ASSERT_TRUE(write(ann_.batch({message(i)})));
  ASSERT_TRUE(write(erasing_of({3, 4})));
  const auto all = store_->read(ann_.id(), 1).value();
  ASSERT_EQ(all.size(), 11U);
  EXPECT_TRUE(all[2].erased);
  EXPECT_EQ(all[2].payload, left);
  EXPECT_EQ(all[3].payload, left);
  EXPECT_EQ(all[4].payload, message(5).payload);
  EXPECT_EQ(store_->verify(ann_.id()).value(), ann_.head());
  EXPECT_EQ(store_->read_log(3, {1, 1})->front().bytes, store_->read_raw(ann_.id(), 3).value());
}

/// Bases serve 64 records each, so all of the first are packed from number 1.
TEST_P(erasing, what_was_kept_as_a_difference_from_it_reads_as_before) {
  std::vector<std::string> written;
  for (int i = 1; i <= 100; ++i) {
    auto batch = ann_.batch({message(i)});
    written.push_back(batch.records.front());
    ASSERT_TRUE(write(batch));
  }
  ASSERT_TRUE(write(erasing_of({1, 66})));
  for (int i = 101; i <= 140; ++i) {
    auto batch = ann_.batch({message(i)});
    written.push_back(batch.records.front());
    ASSERT_TRUE(write(batch));
  }
  for (events::seq at = 2; at <= 100; ++at) {
    if (at == 66)
      continue;
    ASSERT_EQ(store_->read_raw(ann_.id(), at).value(), written[at - 1]) << at;
  }
  for (events::seq at = 102; at <= 141; ++at)
    ASSERT_EQ(store_->read_raw(ann_.id(), at).value(), written[at - 2]) << at;
  EXPECT_EQ(store_->verify(ann_.id()).value(), ann_.head());
  ASSERT_TRUE(write(erasing_of({1, 2, 3, 66, 67}))) << "again, with others";
  EXPECT_EQ(store_->read_raw(ann_.id(), 65).value(), written[64]);
  EXPECT_EQ(store_->verify(ann_.id()).value(), ann_.head());
}

TEST_P(erasing, in_one_write_of_several_batches_nothing_comes_back) {
  for (int i = 1; i <= 20; ++i)
    ASSERT_TRUE(write(ann_.batch({message(i)})));
  const std::vector<record_batch> both{erasing_of({2}),
                                       erasing_of({1})}; // 2 is a difference from 1
  ASSERT_TRUE(store_->write(both, store_->end(), durability::buffered));
  const auto all = store_->read(ann_.id(), 1).value();
  EXPECT_TRUE(all[0].erased && all[1].erased);
  EXPECT_EQ(store_->verify(ann_.id()).value(), ann_.head());
}

TEST_P(erasing, what_nobody_wrote_down_as_erased_does_not_verify) {
  for (int i = 1; i <= 5; ++i)
    ASSERT_TRUE(write(ann_.batch({message(i)})));
  auto silent = ann_.batch({message(6)});
  silent.erases.push_back({2, left});
  ASSERT_TRUE(write(silent));
  const auto found = store_->verify(ann_.id());
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, errc::corrupt);
  EXPECT_EQ(found.error().where, "2");
}

TEST_P(erasing, only_what_stands_before_can_be_erased_and_nothing_changes_otherwise) {
  ASSERT_TRUE(write(ann_.batch(3)));
  const auto head = ann_.head();
  for (events::seq wrong : {events::seq{0}, events::seq{4}, events::seq{99}}) {
    auto batch = erasing_of({wrong});
    EXPECT_EQ(store_->can_erase(batch).error().code, errc::conflict) << wrong;
    EXPECT_EQ(write(batch).error().code, errc::conflict) << wrong;
    ann_.go_back_to(head);
  }
  EXPECT_EQ(store_->end(), 4U);
  EXPECT_EQ(store_->verify(ann_.id()).value(), head);
}

/// One that cannot be written must not take those of others along.
TEST_P(erasing, the_journal_refuses_it_alone) {
  journal_options by_hand;
  by_hand.writer_thread = false;
  auto log = open_journal(*store_, by_hand);
  author bob{sandbox(2)};
  std::vector<append_outcome> said;
  const auto note = [&](const append_result& r) { said.push_back(r.outcome); };
  log->append(ann_.batch({message(1)}), note);
  auto wrong = erasing_of({7});
  log->append(wrong, note);
  log->append(bob.batch(1), note);
  while (log->run_once()) {
  }
  EXPECT_EQ(said, (std::vector{append_outcome::committed, append_outcome::rejected,
                               append_outcome::committed}));
  EXPECT_FALSE(log->failed());
}

INSTANTIATE_TEST_SUITE_P(stores, erasing, ::testing::Values(true, false),
                         [](const auto& which) { return which.param ? "rocks" : "memory"; });

} // namespace
} // namespace hourglass::storage
