#include "storage/index.hpp"
#include "storage/journal_head.hpp"
#include "storage/keys.hpp"
#include "tests/integration/storage/recovery_fixture.hpp"

#include <future>
#include <thread>

/// What the store does when the machine or somebody else did not behave.
namespace hourglass::storage {
namespace {

using namespace testing;
using events::errc;
namespace fs = std::filesystem;

TEST_F(recovery, everything_is_there_after_reopening) {
  open();
  auto batch = ann_.batch(3);
  batch.rows = {{"k", "v"}};
  batch.due = events::wall_time{180'000'000};
  ASSERT_TRUE(store_->write({&batch, 1}, 1, durability::synced));
  write(bob_, 2);
  ASSERT_TRUE(store_->put_snapshot(ann_.id(), {ann_.head(), 1, {"state"}, 0}));
  ASSERT_TRUE(store_->drop_due_before({60'000'000}));
  ASSERT_TRUE(store_->put_index(std::vector<index_entry>{{"x", ""}}, 4));
  store_.reset();
  open();
  EXPECT_EQ(store_->end(), 6U);
  EXPECT_EQ(store_->index_end(), 4U);
  EXPECT_EQ(store_->head(ann_.id()).value(), ann_.head());
  EXPECT_EQ(store_->get("k").value(), "v");
  EXPECT_EQ(store_->due_until({200'000'000}, 9)->size(), 1U);
  EXPECT_EQ(store_->latest_snapshot(ann_.id(), 9).value()->parts.at(0), "state");
  EXPECT_EQ(read_journal_head(folder_.path() / "db").value()->at, 5U);
  write(ann_);
  EXPECT_EQ(store_->verify(ann_.id())->seq, 4U);
}

TEST_F(recovery, what_was_committed_survives_a_kill_at_any_moment) {
  open();
  auto journal = open_journal(*store_);
  std::atomic<position> committed{1};
  journal->listen([&](position end) { committed = end; });
  for (int round = 0; round < 10; ++round) {
    std::promise<void> done;
    for (int i = 0; i < 20; ++i)
      journal->append(ann_.batch(3), {});
    journal->append(bob_.batch(1), [&](const append_result& r) {
      EXPECT_EQ(r.outcome, append_outcome::committed);
      done.set_value();
    });
    done.get_future().wait();
    while (committed.load() != store_->end()) // the listener comes last
      std::this_thread::yield();
    const auto image = open_rocks_store(crash_image());
    ASSERT_TRUE(image) << image.error().detail;
    EXPECT_EQ((*image)->end(), committed.load());
    EXPECT_EQ((*image)->verify(ann_.id()).value(), ann_.head());
    EXPECT_EQ((*image)->verify(bob_.id()).value(), bob_.head());
  }
}

TEST_F(recovery, a_torn_tail_is_dropped_whole_and_never_leaves_a_gap) {
  open();
  write(ann_, 2); // the first write names itself in journal.head
  const auto safe = ann_.head();
  const auto safe_bytes = written_bytes(last_wal(folder_.path() / "db"));
  write(ann_, 3);
  const auto image = crash_image();
  const auto size = written_bytes(last_wal(image));
  store_.reset();
  ASSERT_GT(size, safe_bytes + 400);
  for (std::uintmax_t cut = 1; cut < size - safe_bytes; cut += 37) {
    const auto torn = folder_.path() / ("torn" + std::to_string(cut));
    fs::copy(image, torn, fs::copy_options::recursive);
    fs::resize_file(last_wal(torn), size - cut);
    const auto opened = open_rocks_store(torn);
    ASSERT_TRUE(opened) << "cut " << cut << ": " << opened.error().detail;
    EXPECT_EQ((*opened)->end(), 3U);
    EXPECT_EQ((*opened)->verify(ann_.id()).value(), safe);
    author again{ann_.id()};
    again.go_back_to(safe);
    const auto more = again.batch(1);
    EXPECT_TRUE((*opened)->write({&more, 1}, 3, durability::synced));
  }
}

TEST_F(recovery, a_lost_tail_that_was_committed_is_refused) {
  open();
  write(ann_, 2);
  write(ann_, 1);
  const auto last = store_->read_log(3).value();
  ASSERT_TRUE(write_journal_head(folder_.path() / "db", {3, events::decode(last[0].bytes)->link}));
  const auto image = crash_image();
  fs::resize_file(last_wal(image), written_bytes(last_wal(image)) - 5);
  const auto opened = open_rocks_store(image);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::corrupt);
  EXPECT_NE(opened.error().detail.find("tail is lost"), std::string::npos) << opened.error().detail;
}

TEST_F(recovery, the_last_write_before_a_silence_is_named_so_that_its_loss_is_noticed) {
  open();
  journal_options by_hand;
  by_hand.writer_thread = false;
  auto journal = open_journal(*store_, by_hand);
  for (int i = 0; i < 3; ++i) { // within a second, so that only the first is named at once
    journal->append(ann_.batch(1), {});
    EXPECT_TRUE(journal->run_once());
  }
  EXPECT_FALSE(journal->run_once());
  EXPECT_EQ(read_journal_head(folder_.path() / "db").value(), (log_tail{3, ann_.head().link}));
  const auto image = crash_image();
  fs::resize_file(last_wal(image), written_bytes(last_wal(image)) - 1);
  const auto refused = open_rocks_store(image);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::corrupt);
}

TEST_F(recovery, a_log_that_disappeared_is_refused) {
  open();
  write(ann_, 2);
  const auto image = crash_image();
  for (const auto& wal : files(image, ".log"))
    fs::remove(wal);
  EXPECT_EQ(open_rocks_store(image).error().code, errc::corrupt);
  const auto bare = folder_.path() / "bare";
  fs::create_directories(bare);
  fs::copy(image / "journal.head", bare / "journal.head");
  EXPECT_EQ(open_rocks_store(bare).error().code, errc::corrupt) << "a new database is no replacement for a lost one";
}

TEST_F(recovery, another_history_than_the_committed_one_is_refused) {
  open();
  write(ann_, 2);
  store_.reset();
  ASSERT_TRUE(write_journal_head(folder_.path() / "db", {2, events::hash{1, 2, 3}}));
  EXPECT_EQ(open_rocks_store(folder_.path() / "db").error().code, errc::corrupt);
}

TEST_F(recovery, a_broken_head_file_is_refused_and_a_missing_one_is_not) {
  open();
  write(ann_, 2);
  store_.reset();
  const auto head = folder_.path() / "db" / "journal.head";
  for (std::string_view text : {"", "\n", "hourglass journal.head 1\nposition x\nlink 00\n", "hourglass journal.head 2\nposition 1\n", "garbage"}) {
    std::ofstream{head, std::ios::trunc} << text;
    EXPECT_EQ(open_rocks_store(folder_.path() / "db").error().code, errc::corrupt) << text;
  }
  fs::remove(head);
  open();
  EXPECT_EQ(store_->end(), 3U);
}

TEST_F(recovery, a_flipped_byte_in_the_middle_of_the_log_is_refused) {
  open();
  for (int i = 0; i < 30; ++i)
    write(ann_, 2);
  const auto image = crash_image();
  const auto size = written_bytes(last_wal(image));
  for (int eighth = 1; eighth < 8; ++eighth) {
    const auto flipped = folder_.path() / ("flipped" + std::to_string(eighth));
    fs::copy(image, flipped, fs::copy_options::recursive);
    flip(last_wal(flipped), size * static_cast<std::uintmax_t>(eighth) / 8);
    const auto opened = open_rocks_store(flipped);
    ASSERT_FALSE(opened) << eighth;
    EXPECT_EQ(opened.error().code, errc::corrupt) << opened.error().detail;
  }
}

TEST_F(recovery, a_flipped_byte_in_a_table_is_refused_or_found_by_verifying) {
  open();
  for (int i = 0; i < 200; ++i) {
    const auto batch = ann_.batch({{events::kind::data_put, "{\"n\":" + std::to_string(i) + "}"}});
    ASSERT_TRUE(store_->write({&batch, 1}, store_->end(), durability::buffered));
  }
  store_.reset();
  open(); // replaying the log wrote tables
  store_.reset();
  int tables = 0;
  for (const auto& name : files(folder_.path() / "db", ".sst")) {
    if (fs::file_size(name) < 4'000)
      continue;
    ++tables;
    const auto flipped = folder_.path() / ("table" + std::to_string(tables));
    fs::copy(folder_.path() / "db", flipped, fs::copy_options::recursive);
    flip(flipped / name.filename(), fs::file_size(name) / 4);
    auto opened = open_rocks_store(flipped);
    const auto found = opened ? (*opened)->verify(ann_.id()) : tl::unexpected{opened.error()};
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, errc::corrupt) << found.error().detail;
  }
  EXPECT_GT(tables, 0);
}

TEST_F(recovery, a_record_changed_behind_the_stores_back_is_refused) {
  open();
  write(ann_, 5);
  store_.reset();
  tamper(folder_.path() / "db", [&](auto& db, const auto& families) {
    author forger{ann_.id()};
    (void)forger.batch(2);
    const auto forged = forger.seal({events::kind::data_put, "{\"paid\":true}"});
    ASSERT_TRUE(db.Put({}, named(families, "events"), keys::of_event(keys::event, ann_.id(), 3), forged).ok());
  });
  const auto opened = open_rocks_store(folder_.path() / "db");
  ASSERT_FALSE(opened) << "a whole and sound record, but not the one that was chained";
  EXPECT_EQ(opened.error().code, errc::corrupt);
}

TEST_F(recovery, a_missing_event_or_position_is_refused) {
  for (const auto& key : {keys::of_log(3), keys::of_event(keys::event, ann_.id(), 3)}) {
    open();
    while (store_->end() < 6)
      write(ann_);
    const auto image = crash_image();
    tamper(image, [&](auto& db, const auto& families) { ASSERT_TRUE(db.Delete({}, named(families, "events"), key).ok()); });
    EXPECT_EQ(open_rocks_store(image).error().code, errc::corrupt);
    store_.reset();
  }
}

TEST_F(recovery, a_folder_of_a_newer_version_is_refused_and_left_alone) {
  open();
  write(ann_);
  store_.reset();
  const auto db = folder_.path() / "db";
  tamper(db, [&](auto& raw, const auto& families) {
    std::string two;
    keys::add_number(two, std::uint32_t{keys::format + 1});
    ASSERT_TRUE(raw.Put({}, named(families, "meta"), "mf", two).ok());
  });
  const auto opened = open_rocks_store(db);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::newer_format);
  EXPECT_NE(opened.error().detail.find("newer version"), std::string::npos);
  tamper(db, [&](auto& raw, const auto& families) {
    std::string one;
    keys::add_number(one, std::uint32_t{keys::format});
    ASSERT_TRUE(raw.Put({}, named(families, "meta"), "mf", one).ok());
    rocksdb::ColumnFamilyHandle* future = nullptr;
    ASSERT_TRUE(raw.CreateColumnFamily({}, "future", &future).ok());
    raw.DestroyColumnFamilyHandle(future);
  });
  EXPECT_EQ(open_rocks_store(db).error().code, errc::newer_format) << "a part that we do not know";
}

TEST_F(recovery, a_folder_of_format_1_is_read_on_and_from_then_on_refused_to_older_programs) {
  open();
  write(ann_, 3);
  store_.reset();
  const auto db = folder_.path() / "db";
  tamper(db, [&](auto& raw, const auto& families) { // an entry of its own for each event
    const auto put = [&](const char* family, const std::string& key, const std::string& value) { ASSERT_TRUE(raw.Put({}, named(families, family), key, value).ok()); };
    for (events::seq seq = 1; seq <= 3; ++seq) {
      put("events", keys::of_log(seq), keys::of_event("", ann_.id(), seq));
      auto key = keys::of_kind(ann_.id(), events::kind::data_put);
      keys::add_number(key, seq);
      put("index", key, "");
    }
    std::string one, folded;
    keys::add_number(one, std::uint32_t{1});
    keys::add_number(folded, position{4});
    put("meta", "mf", one);
    put("index", "ic", folded);
  });
  open();
  EXPECT_EQ(store_->end(), 4U);
  write(ann_, 2);
  EXPECT_EQ(store_->read_log(2, {})->size(), 4U) << "old and new entries side by side";
  index_options by_hand;
  by_hand.thread = false;
  const auto index = open_index_writer(*store_, by_hand);
  while (index->fold_once().value()) {
  }
  history_query q;
  q.sandbox = ann_.id();
  q.kinds = {events::kind::data_put};
  EXPECT_EQ(find(*store_, q)->events.size(), 5U);
  store_.reset();
  tamper(db, [&](auto& raw, const auto& families) {
    std::string format;
    ASSERT_TRUE(raw.Get({}, named(families, "meta"), "mf", &format).ok());
    EXPECT_EQ(keys::number_at<std::uint32_t>(format), keys::format);
  });
}

/// Answers of one endpoint: all but the first are stored as differences.
record_batch alike(author& by, std::size_t count) {
  return by.batch(std::vector<said>(count, {events::kind::request_served, R"({"body":")" + std::string(900, 'x') + R"("})"}));
}

TEST_F(recovery, events_stored_as_differences_are_there_after_reopening_and_go_on) {
  open();
  const auto first = alike(ann_, 40), second = alike(ann_, 40);
  ASSERT_TRUE(store_->write({&first, 1}, 1, durability::synced));
  store_.reset();
  open();
  EXPECT_EQ(store_->read_raw(ann_.id(), 40).value(), first.records.back());
  ASSERT_TRUE(store_->write({&second, 1}, 41, durability::synced));
  EXPECT_EQ(store_->read_raw(ann_.id(), 80).value(), second.records.back());
  EXPECT_EQ(store_->verify(ann_.id()).value(), ann_.head());
}

TEST_F(recovery, a_broken_event_takes_those_stored_as_differences_from_it_along_and_no_others) {
  open();
  const auto events = alike(ann_, 131); // 1, 66 and 131 are whole
  ASSERT_TRUE(store_->write({&events, 1}, 1, durability::synced));
  store_.reset();
  const auto db = folder_.path() / "db";
  tamper(db, [&](auto& raw, const auto& families) {
    ASSERT_TRUE(raw.Delete({}, named(families, "events"), keys::of_event(keys::event, ann_.id(), 66)).ok());
  });
  rocks_options options;
  options.verify_records = 0;
  open(options);
  EXPECT_EQ(store_->read_raw(ann_.id(), 65).value(), events.records[64]);
  EXPECT_EQ(store_->read_raw(ann_.id(), 67).error().code, errc::corrupt);
  EXPECT_EQ(store_->read_raw(ann_.id(), 67).error().where, ann_.id().to_string() + "/66");
  EXPECT_EQ(store_->read_raw(ann_.id(), 130).error().code, errc::corrupt);
  EXPECT_EQ(store_->read_raw(ann_.id(), 131).value(), events.records[130]);
  EXPECT_EQ(store_->read(ann_.id(), 131)->size(), 1U);
  EXPECT_EQ(store_->head(ann_.id()).value(), ann_.head());
  EXPECT_EQ(store_->read(ann_.id(), 64, {2, 1'000'000})->size(), 2U) << "what lies behind a page does not fail it";
  EXPECT_EQ(store_->read(ann_.id(), 64, {1'000, 2 * events.records[0].size() + 1})->size(), 2U);
  EXPECT_EQ(store_->verify(ann_.id()).error().code, errc::corrupt);
}

TEST_F(recovery, a_folder_in_use_is_held) {
  open();
  const auto second = open_rocks_store(folder_.path() / "db");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, errc::held);
  write(ann_);
  EXPECT_EQ(store_->end(), 2U) << "the first one does not notice";
}

TEST_F(recovery, a_folder_that_cannot_be_is_an_io_error) {
  std::ofstream{folder_.path() / "file"} << "x";
  EXPECT_EQ(open_rocks_store(folder_.path() / "file" / "db").error().code, errc::io);
}

TEST_F(recovery, an_index_that_a_crash_threw_back_is_folded_again) {
  open();
  write(ann_, 10);
  index_options by_hand;
  by_hand.thread = false;
  ASSERT_TRUE(open_index_writer(*store_, by_hand)->fold_once().value());
  EXPECT_EQ(store_->index_end(), 11U);
  const auto image = open_rocks_store(crash_image()).value(); // the index has no log: all of it is gone
  EXPECT_EQ(image->index_end(), 1U);
  EXPECT_TRUE(find_correlation(*image, "c", 99)->empty());
  ASSERT_TRUE(open_index_writer(*image, by_hand)->fold_once().value());
  EXPECT_EQ(find_correlation(*image, "c", 99)->size(), 10U);
}

} // namespace
} // namespace hourglass::storage
