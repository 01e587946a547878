#include "tests/unit/storage/support.hpp"

#include "storage/stream.hpp"

#include <gtest/gtest.h>

/// Every promise of `store`, asked of the real one and of the fake.
namespace hourglass::storage {
namespace {

using namespace testing;
using events::errc;

struct kept {
  std::string name;
  bool on_disk;
};

class store_conformance : public ::testing::TestWithParam<kept> {
protected:
  store_conformance() : store_(GetParam().on_disk ? open_rocks_store(folder_.path()).value() : open_memory_store()) {}

  void write(const record_batch& batch) {
    const auto written = store_->write({&batch, 1}, store_->end(), durability::buffered);
    ASSERT_TRUE(written) << written.error().detail;
  }

  temporary_folder folder_;
  std::unique_ptr<store> store_;
  author ann_{sandbox(1)};
  author bob_{sandbox(2)};
};

// -- the write ------------------------------------------------------------------

TEST_P(store_conformance, an_empty_store_has_nothing) {
  EXPECT_EQ(store_->end(), 1U);
  EXPECT_EQ(store_->index_end(), 1U);
  EXPECT_EQ(store_->head(ann_.id()).value(), std::nullopt);
  EXPECT_TRUE(store_->read(ann_.id(), 1).value().empty());
  EXPECT_TRUE(store_->read_log(1).value().empty());
  EXPECT_EQ(store_->read_raw(ann_.id(), 1).value(), std::nullopt);
  EXPECT_EQ(store_->seq_at(ann_.id(), {5}).value(), 0U);
  EXPECT_EQ(store_->latest_snapshot(ann_.id(), 99).value().has_value(), false);
  EXPECT_EQ(store_->verify(ann_.id())->seq, 0U);
  EXPECT_TRUE(store_->health());
}

TEST_P(store_conformance, events_that_resemble_each_other_read_as_they_were_written) {
  const std::string body(1'500, 'b');
  std::vector<std::string> written;
  for (int i = 0; i < 200; ++i) {
    auto batch = ann_.batch({{events::kind::request_served, R"({"n":)" + std::to_string(i) + R"(,"body":")" + body + R"("})"}});
    written.push_back(batch.records.front());
    write(batch);
    if (i % 3 == 0)
      write(bob_.batch({{events::kind::request_served, R"({"n":)" + std::to_string(i) + R"(,"body":")" + body + R"("})"}}));
  }
  const auto all = store_->read(ann_.id(), 1, {1'000, 100'000'000}).value();
  ASSERT_EQ(all.size(), 200U);
  EXPECT_EQ(all[150].payload, R"({"n":150,"body":")" + body + R"("})");
  for (events::seq at : {1U, 2U, 64U, 65U, 66U, 67U, 200U})
    EXPECT_EQ(store_->read_raw(ann_.id(), at).value(), written[at - 1]) << at;
  std::size_t seen = 0;
  for (position next = 1; next < store_->end();) {
    const auto log = store_->read_log(next, {50, 100'000'000}).value();
    ASSERT_FALSE(log.empty());
    for (const auto& entry : log) {
      if (entry.sandbox == ann_.id()) {
        EXPECT_EQ(entry.bytes, written[seen++]);
      }
      next = entry.at + 1;
    }
  }
  EXPECT_EQ(seen, 200U);
  EXPECT_EQ(store_->read(ann_.id(), 1, {1'000, 3 * written[0].size() + 50})->size(), 3U) << "the budget is of what is read, not of what is stored";
  EXPECT_EQ(store_->head(ann_.id()).value(), ann_.head());
  EXPECT_EQ(store_->verify(ann_.id()).value(), ann_.head());
}

TEST_P(store_conformance, what_is_written_is_read_in_the_order_of_its_stream) {
  write(ann_.batch(3));
  write(bob_.batch(2));
  write(ann_.batch(1));
  const auto events = store_->read(ann_.id(), 1).value();
  ASSERT_EQ(events.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_EQ(events[i].header.seq, i + 1);
  EXPECT_EQ(store_->read(ann_.id(), 4)->size(), 1U);
  EXPECT_TRUE(store_->read(ann_.id(), 5)->empty());
  EXPECT_EQ(store_->head(ann_.id()).value(), ann_.head());
  EXPECT_EQ(store_->head(bob_.id()).value(), bob_.head());
}

TEST_P(store_conformance, the_log_has_every_event_in_the_order_of_the_writes) {
  const std::vector<record_batch> both{ann_.batch(2), bob_.batch(1)};
  ASSERT_TRUE(store_->write(both, 1, durability::synced));
  write(ann_.batch(1));
  EXPECT_EQ(store_->end(), 5U);
  const auto log = store_->read_log(1).value();
  ASSERT_EQ(log.size(), 4U);
  const std::pair<events::sandbox_id, events::seq> expected[] = {{ann_.id(), 1}, {ann_.id(), 2}, {bob_.id(), 1}, {ann_.id(), 3}};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(log[i].at, i + 1);
    EXPECT_EQ(log[i].sandbox, expected[i].first);
    EXPECT_EQ(log[i].seq, expected[i].second);
    EXPECT_EQ(log[i].bytes, store_->read_raw(log[i].sandbox, log[i].seq).value());
  }
  EXPECT_EQ(store_->read_log(4)->size(), 1U);
  EXPECT_TRUE(store_->read_log(5)->empty());
}

TEST_P(store_conformance, a_write_at_another_position_changes_nothing) {
  const auto batch = ann_.batch(1);
  for (position wrong : {0, 2, 9})
    EXPECT_EQ(store_->write({&batch, 1}, wrong, durability::synced).error().code, errc::conflict);
  EXPECT_EQ(store_->end(), 1U);
  EXPECT_EQ(store_->head(ann_.id()).value(), std::nullopt);
}

TEST_P(store_conformance, budgets_are_kept_but_one_record_always_comes) {
  std::vector<said> all(10);
  for (auto& one : all)
    one.payload = std::string(1'000, 'x');
  write(ann_.batch(all));
  EXPECT_EQ(store_->read(ann_.id(), 1, {3, 1 << 20})->size(), 3U);
  EXPECT_EQ(store_->read(ann_.id(), 1, {100, 3'600})->size(), 3U);
  EXPECT_EQ(store_->read(ann_.id(), 1, {100, 1})->size(), 1U);
  EXPECT_EQ(store_->read_log(2, {3, 1 << 20})->size(), 3U);
  EXPECT_EQ(store_->read_log(2, {100, 3'600})->size(), 3U);
  EXPECT_EQ(store_->read_log(2, {100, 1})->size(), 1U);
}

TEST_P(store_conformance, long_logs_are_read_whole) {
  for (int i = 0; i < 50; ++i) {
    write(ann_.batch(3));
    write(bob_.batch(2));
  }
  EXPECT_EQ(store_->read_log(1)->size(), 250U);
  EXPECT_EQ(store_->read_log(1, {130, 1 << 30})->size(), 130U);
  EXPECT_EQ(store_->read(ann_.id(), 1)->size(), 150U);
}

TEST_P(store_conformance, a_record_that_does_not_continue_its_stream_is_found_out) {
  auto batch = ann_.batch(3);
  author other{ann_.id()};
  other.seal({events::kind::data_put, "{\"x\":1}"});
  batch.records[1] = other.seal();
  write(batch);
  EXPECT_EQ(store_->read(ann_.id(), 1).error().code, errc::corrupt);
  EXPECT_EQ(store_->verify(ann_.id()).error().code, errc::corrupt);
}

TEST_P(store_conformance, a_record_in_the_place_of_another_is_found_out) {
  auto batch = ann_.batch(1);
  batch.sandbox = bob_.id();
  write(batch);
  EXPECT_EQ(store_->read(bob_.id(), 1).error().code, errc::corrupt);
  EXPECT_EQ(store_->head(bob_.id()).error().code, errc::corrupt);
}

TEST_P(store_conformance, verify_walks_the_whole_stream_and_can_be_ended) {
  for (int i = 0; i < 25; ++i)
    write(ann_.batch(100));
  std::vector<events::seq> told;
  const auto head = store_->verify(ann_.id(), [&](events::seq at) {
    told.push_back(at);
    return true;
  });
  EXPECT_EQ(head.value(), ann_.head());
  EXPECT_EQ(told, (std::vector<events::seq>{1'000, 2'000, 2'500}));
  EXPECT_EQ(store_->verify(ann_.id(), [](events::seq) { return false; }).error().code, errc::abandoned);
}

TEST_P(store_conformance, the_last_event_at_a_moment_is_found) {
  std::vector<said> all;
  for (std::int64_t wall : {100, 200, 200, 200, 300})
    all.push_back({events::kind::data_put, "{}", wall});
  write(ann_.batch(all));
  const std::pair<std::int64_t, events::seq> expected[] = {{0, 0}, {99, 0}, {100, 1}, {199, 1}, {200, 4}, {299, 4}, {300, 5}, {9'999, 5}};
  for (auto [wall, seq] : expected)
    EXPECT_EQ(store_->seq_at(ann_.id(), {wall}).value(), seq) << wall;
}

// -- rows -----------------------------------------------------------------------

std::vector<std::string> keys_of(const std::vector<row>& rows) {
  std::vector<std::string> out;
  for (const auto& r : rows)
    out.push_back(r.key);
  return out;
}

using texts = std::vector<std::string>;

TEST_P(store_conformance, rows_come_and_go_with_the_events) {
  auto batch = ann_.batch(1);
  batch.rows = {{"a", "1"}, {"b", "2"}};
  write(batch);
  EXPECT_EQ(store_->get("a").value(), "1");
  batch = ann_.batch(1);
  batch.rows = {{"a", "", true}, {"b", "3"}, {"gone", "", true}};
  write(batch);
  EXPECT_EQ(store_->get("a").value(), std::nullopt);
  EXPECT_EQ(store_->get("b").value(), "3");
}

TEST_P(store_conformance, rows_can_be_written_without_events) {
  record_batch batch{ann_.id(), 0, {}, {{"only", std::string("\0x", 2)}}, {}};
  write(batch);
  EXPECT_EQ(store_->end(), 1U);
  EXPECT_EQ(store_->get("only").value(), std::string("\0x", 2));
}

TEST_P(store_conformance, rows_are_scanned_by_prefix_both_ways_and_in_pages) {
  const std::vector<row> rows{{"a", ""}, {"p", "0"}, {"p/1", "1"}, {"p/2", "2"}, {"p/3", "3"}, {"p\xff", "4"}, {"q", ""}};
  ASSERT_TRUE(store_->put(rows));
  EXPECT_EQ(keys_of(store_->scan("p", "", 99).value()), (texts{"p", "p/1", "p/2", "p/3", "p\xff"}));
  EXPECT_EQ(keys_of(store_->scan("p/", "", 2).value()), (texts{"p/1", "p/2"}));
  EXPECT_EQ(keys_of(store_->scan("p/", "p/2", 99).value()), (texts{"p/3"}));
  EXPECT_EQ(keys_of(store_->scan("p/", "", 2, true).value()), (texts{"p/3", "p/2"}));
  EXPECT_EQ(keys_of(store_->scan("p/", "p/2", 99, true).value()), (texts{"p/1"}));
  EXPECT_EQ(keys_of(store_->scan("p/", "a", 99).value()), (texts{"p/1", "p/2", "p/3"})) << "behind something before the prefix";
  EXPECT_EQ(keys_of(store_->scan("p/", "z", 99).value()), texts{});
  EXPECT_EQ(keys_of(store_->scan("p/", "z", 99, true).value()), (texts{"p/3", "p/2", "p/1"}));
  EXPECT_EQ(keys_of(store_->scan("p/", "a", 99, true).value()), texts{});
  EXPECT_EQ(keys_of(store_->scan("", "", 99).value()).size(), 7U);
  EXPECT_EQ(keys_of(store_->scan("x", "", 99).value()), texts{});
  EXPECT_EQ(keys_of(store_->scan("p", "", 0).value()), texts{});
  EXPECT_EQ(store_->scan("p/2", "", 1)->at(0).value, "2");
}

TEST_P(store_conformance, the_log_is_read_from_any_position_whatever_the_groups_were) {
  std::vector<std::pair<events::sandbox_id, events::seq>> order;
  const auto together = [&](std::vector<record_batch> group) {
    for (const auto& b : group)
      for (std::size_t i = 0; i < b.records.size(); ++i)
        order.emplace_back(b.sandbox, b.first + i);
    ASSERT_TRUE(store_->write(group, store_->end(), durability::buffered));
  };
  std::vector<record_batch> turns;
  for (int i = 0; i < 300; ++i) // more changes of sandbox than one entry of the log has room for
    turns.push_back((i % 2 == 0 ? ann_ : bob_).batch(1));
  together({ann_.batch(3), ann_.batch(2), bob_.batch(1)});
  together(std::move(turns));
  together({ann_.batch(40)});
  ASSERT_EQ(store_->end(), order.size() + 1);
  for (position from = 1; from <= order.size(); from += from < 12 || from > 290 ? 1 : 17) {
    for (std::size_t most : {1U, 2U, 500U}) {
      const auto read = store_->read_log(from, {most, std::size_t{8} << 20}).value();
      ASSERT_EQ(read.size(), std::min<std::size_t>(most, order.size() + 1 - from));
      for (std::size_t i = 0; i < read.size(); ++i) {
        EXPECT_EQ(read[i].at, from + i);
        EXPECT_EQ(std::pair(read[i].sandbox, read[i].seq), order[from + i - 1]);
        EXPECT_EQ(read[i].bytes, store_->read_raw(read[i].sandbox, read[i].seq).value());
      }
    }
  }
}

// -- snapshots ------------------------------------------------------------------

TEST_P(store_conformance, the_newest_snapshot_up_to_a_seq_is_found) {
  std::vector<snapshot> all;
  for (int i = 0; i < 3; ++i) {
    write(ann_.batch(10));
    all.push_back({ann_.head(), 7, {"state at " + std::to_string(ann_.head().seq)}, 0});
    ASSERT_TRUE(store_->put_snapshot(ann_.id(), all.back()));
  }
  const auto at = [&](events::seq seq) { return store_->latest_snapshot(ann_.id(), seq).value(); };
  EXPECT_EQ(at(99)->parts.at(0), "state at 30");
  EXPECT_EQ(at(30)->parts.at(0), "state at 30");
  EXPECT_EQ(at(29)->parts.at(0), "state at 20");
  EXPECT_EQ(at(29)->head, all[1].head);
  EXPECT_EQ(at(29)->format, 7U);
  EXPECT_FALSE(at(9));
  EXPECT_FALSE(store_->latest_snapshot(bob_.id(), 99).value());
}

TEST_P(store_conformance, a_snapshot_of_another_history_is_passed_over) {
  write(ann_.batch(2));
  const auto good = ann_.head();
  write(ann_.batch(2));
  ASSERT_TRUE(store_->put_snapshot(ann_.id(), {good, 1, {"good"}, 0}));
  ASSERT_TRUE(store_->put_snapshot(ann_.id(), {{3, good.link, {}}, 1, {"wrong link"}, 0}));
  ASSERT_TRUE(store_->put_snapshot(ann_.id(), {{9, good.link, {}}, 1, {"ahead of the log"}, 0}));
  EXPECT_EQ(store_->latest_snapshot(ann_.id(), 99).value()->parts.at(0), "good");
}

TEST_P(store_conformance, old_snapshots_are_thinned_out_and_the_newest_stay) {
  for (events::seq i = 1; i <= 100; ++i) {
    write(ann_.batch(1));
    ASSERT_TRUE(store_->put_snapshot(ann_.id(), {ann_.head(), 1, {std::to_string(i)}, 0}));
  }
  EXPECT_EQ(store_->latest_snapshot(ann_.id(), 100).value()->head.seq, 100U);
  EXPECT_EQ(store_->latest_snapshot(ann_.id(), 99).value()->head.seq, 99U);
  std::size_t left = 0;
  for (events::seq at = 100; at > 0; ++left) {
    const auto s = store_->latest_snapshot(ann_.id(), at).value();
    if (!s)
      break;
    at = s->head.seq - 1;
  }
  EXPECT_EQ(left, stream::snapshots_kept);
  EXPECT_LT(store_->latest_snapshot(ann_.id(), 50).value()->head.seq, 51U) << "some of the old ones are still there";
}

TEST_P(store_conformance, a_part_that_did_not_change_is_lent_by_the_snapshot_before) {
  const auto put = [&](std::vector<std::optional<std::string>> parts, events::seq unchanged_since) {
    write(ann_.batch(5));
    return store_->put_snapshot(ann_.id(), {ann_.head(), 1, std::move(parts), unchanged_since});
  };
  ASSERT_TRUE(put({"large", "small"}, 0));
  ASSERT_TRUE(put({std::nullopt, "smaller"}, 5));
  ASSERT_TRUE(put({std::nullopt, std::nullopt}, 10)) << "borrowed parts can be lent on";
  const auto at = [&](events::seq seq) { return store_->latest_snapshot(ann_.id(), seq).value()->parts; };
  using parts = std::vector<std::optional<std::string>>;
  EXPECT_EQ(at(5), (parts{"large", "small"}));
  EXPECT_EQ(at(10), (parts{"large", "smaller"}));
  EXPECT_EQ(at(15), (parts{"large", "smaller"}));
}

TEST_P(store_conformance, a_part_that_changed_since_the_last_snapshot_is_not_lent) {
  const auto refused = [&](std::vector<std::optional<std::string>> parts, std::uint32_t format, events::seq unchanged_since) {
    const auto put = store_->put_snapshot(ann_.id(), {ann_.head(), format, std::move(parts), unchanged_since});
    return !put && put.error().code == events::errc::conflict;
  };
  write(ann_.batch(5));
  EXPECT_TRUE(refused({std::nullopt}, 1, 0)) << "there is none before";
  ASSERT_TRUE(store_->put_snapshot(ann_.id(), {ann_.head(), 1, {"a"}, 0}));
  write(ann_.batch(5));
  EXPECT_TRUE(refused({std::nullopt}, 1, 6)) << "changed at 6, behind the snapshot at 5";
  EXPECT_TRUE(refused({std::nullopt}, 2, 5)) << "another format";
  EXPECT_TRUE(refused({std::nullopt, "b"}, 1, 5)) << "another number of parts";
  EXPECT_EQ(store_->latest_snapshot(ann_.id(), 99).value()->head.seq, 5U) << "nothing was kept";
}

TEST_P(store_conformance, a_snapshot_of_another_history_lends_nothing) {
  write(ann_.batch(5));
  const auto good = ann_.head();
  ASSERT_TRUE(store_->put_snapshot(ann_.id(), {good, 1, {"good"}, 0}));
  write(ann_.batch(5));
  ASSERT_TRUE(store_->put_snapshot(ann_.id(), {{7, good.link, {}}, 1, {"wrong link"}, 0}));
  const auto put = store_->put_snapshot(ann_.id(), {ann_.head(), 1, {std::nullopt}, 5});
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, events::errc::conflict);
  EXPECT_EQ(store_->latest_snapshot(ann_.id(), 99).value()->parts.at(0), "good") << "nothing was kept";
}

TEST_P(store_conformance, a_lent_part_outlives_the_snapshot_that_wrote_it) {
  write(ann_.batch(1));
  ASSERT_TRUE(store_->put_snapshot(ann_.id(), {ann_.head(), 1, {"large", "1"}, 0}));
  for (events::seq i = 2; i <= 60; ++i) {
    write(ann_.batch(1));
    ASSERT_TRUE(store_->put_snapshot(ann_.id(), {ann_.head(), 1, {std::nullopt, std::to_string(i)}, 1}));
  }
  std::size_t left = 0;
  for (events::seq at = 60; at > 0; ++left) {
    const auto s = store_->latest_snapshot(ann_.id(), at).value();
    if (!s)
      break;
    EXPECT_EQ(s->parts.at(0), "large");
    EXPECT_EQ(s->parts.at(1), std::to_string(s->head.seq));
    at = s->head.seq - 1;
  }
  EXPECT_EQ(left, stream::snapshots_kept);
}

// -- due ------------------------------------------------------------------------

constexpr std::int64_t minute = 60'000'000;

TEST_P(store_conformance, what_is_due_comes_in_order_of_time_and_in_pages) {
  for (auto [who, at] : {std::pair{&ann_, 5 * minute}, {&bob_, 2 * minute}, {&ann_, 2 * minute + 1}, {&bob_, 9 * minute}}) {
    auto batch = who->batch(1);
    batch.due = events::wall_time{at};
    write(batch);
  }
  using entries = std::vector<due_entry>;
  const entries all{{{2 * minute}, bob_.id()}, {{2 * minute + 1}, ann_.id()}, {{5 * minute}, ann_.id()}, {{9 * minute}, bob_.id()}};
  EXPECT_EQ(store_->due_until({99 * minute}, 99).value(), all);
  EXPECT_EQ(store_->due_until({5 * minute}, 99).value(), (entries{all[0], all[1], all[2]})) << "at the moment itself too";
  EXPECT_EQ(store_->due_until({5 * minute - 1}, 99).value(), (entries{all[0], all[1]}));
  EXPECT_EQ(store_->due_until({99 * minute}, 2).value(), (entries{all[0], all[1]}));
  EXPECT_EQ(store_->due_until({99 * minute}, 99, all[1]).value(), (entries{all[2], all[3]}));
  EXPECT_EQ(store_->due_until({0}, 99).value(), entries{});
}

TEST_P(store_conformance, minutes_that_passed_are_forgotten_and_a_late_entry_is_not_lost) {
  for (auto at : {2 * minute, 3 * minute, 3 * minute + 7}) {
    auto batch = ann_.batch(1);
    batch.due = events::wall_time{at};
    write(batch);
  }
  ASSERT_TRUE(store_->drop_due_before({3 * minute + 5}));
  EXPECT_EQ(store_->due_until({99 * minute}, 99)->size(), 2U) << "only whole minutes";
  auto late = bob_.batch(1);
  late.due = events::wall_time{1};
  write(late);
  const auto first = store_->due_until({99 * minute}, 1).value();
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(store_->due_until({3 * minute}, 99)->size(), 2U) << "the late one is due at the first minute that is left";
  ASSERT_TRUE(store_->drop_due_before({2 * minute})) << "going back does nothing";
  EXPECT_EQ(store_->due_until({99 * minute}, 99)->size(), 3U);
}

TEST_P(store_conformance, what_is_written_into_closed_minutes_is_due_behind_them_and_what_stood_there_stays) {
  auto early = ann_.batch(1);
  early.due = events::wall_time{2 * minute};
  write(early);
  store_->close_due_before({3 * minute + 5});
  auto late = bob_.batch(1);
  late.due = events::wall_time{2 * minute + 1};
  write(late);
  using entries = std::vector<due_entry>;
  EXPECT_EQ(store_->due_until({99 * minute}, 99).value(), (entries{{{2 * minute}, ann_.id()}, {{3 * minute}, bob_.id()}}));
  ASSERT_TRUE(store_->drop_due_before({3 * minute}));
  EXPECT_EQ(store_->due_until({99 * minute}, 99).value(), (entries{{{3 * minute}, bob_.id()}}));
}

// -- index ----------------------------------------------------------------------

TEST_P(store_conformance, index_entries_are_scanned_in_ranges_both_ways) {
  using entries = std::vector<index_entry>;
  const entries all{{"a1", "x"}, {"a2", ""}, {"a3", "z"}, {"b1", ""}};
  ASSERT_TRUE(store_->put_index(all, 5));
  EXPECT_EQ(store_->index_end(), 5U);
  EXPECT_EQ(store_->scan_index("a", "b", 99).value(), (entries{all[0], all[1], all[2]}));
  EXPECT_EQ(store_->scan_index("a2", "a3", 99).value(), (entries{all[1]}));
  EXPECT_EQ(store_->scan_index("a", "b", 2, true).value(), (entries{all[2], all[1]}));
  EXPECT_EQ(store_->scan_index("b", "a", 99).value(), entries{});
  EXPECT_EQ(store_->scan_index("a", "b", 0).value(), entries{});
  ASSERT_TRUE(store_->put_index({}, 6));
  EXPECT_EQ(store_->index_end(), 6U);
}

INSTANTIATE_TEST_SUITE_P(stores, store_conformance, ::testing::Values(kept{"memory", false}, kept{"rocks", true}),
                         [](const auto& one) { return one.param.name; });

TEST(snapshot_thinning, keeps_the_two_newest_and_ever_wider_gaps) {
  std::vector<events::seq> newest_first;
  for (events::seq i = 1; i <= 1'000; ++i) {
    newest_first.insert(newest_first.begin(), i * 2'000);
    if (newest_first.size() > stream::snapshots_kept)
      std::erase(newest_first, stream::snapshot_to_drop(newest_first));
  }
  ASSERT_EQ(newest_first.size(), stream::snapshots_kept);
  EXPECT_EQ(newest_first[0], 2'000'000U);
  EXPECT_EQ(newest_first[1], 1'998'000U);
  EXPECT_EQ(newest_first.back(), 2'000U) << "the oldest stays";
  EXPECT_LT(newest_first[0] - newest_first[3], newest_first[6] - newest_first[9]);
}

} // namespace
} // namespace hourglass::storage
