#include "storage/index.hpp"
#include "storage/journal.hpp"
#include "tests/unit/storage/support.hpp"

#include <gtest/gtest.h>

namespace hourglass::storage {
namespace {

using namespace testing;
using namespace std::chrono_literals;
using events::kind;

using seqs = std::vector<events::seq>;

seqs seqs_of(const history_page& page) {
  seqs out;
  for (const auto& e : page.events)
    out.push_back(e.header.seq);
  return out;
}

index_options by_hand() {
  index_options o;
  o.thread = false;
  return o;
}

class an_index : public ::testing::TestWithParam<bool> {
protected:
  an_index() : store_(GetParam() ? open_rocks_store(folder_.path()).value() : open_memory_store()) {
    // seq:            1                    2                    3                     4                    5                    6
    write(ann_, {{kind::sandbox_created, "{}", 100, "admin", "c1", {"sbx"}},
                 {kind::endpoint_put, "{}", 200, "admin", "c1", {"ep_1"}},
                 {kind::request_served, "{}", 300, "mock", "c2", {"ep_1", "req_1"}},
                 {kind::message_created, "{}", 300, "mock", "c2", {"msg_1"}},
                 {kind::request_served, "{}", 400, "mock", "c3", {"ep_1", "req_2"}},
                 {kind::attempt_finished, "{}", 500, "system", "c2", {"msg_1", "ep_9"}}});
    write(bob_, {{kind::request_served, "{}", 100, "mock", "c2", {"ep_1"}}, {kind::data_put, "{}", 100, "", "", {}}});
    fold();
  }

  void write(author& who, const std::vector<said>& all) {
    const auto batch = who.batch(all);
    ASSERT_TRUE(store_->write({&batch, 1}, store_->end(), durability::buffered));
  }

  void fold() {
    auto writer = open_index_writer(*store_, by_hand());
    while (writer->fold_once().value()) {
    }
    EXPECT_EQ(writer->folded(), store_->end());
  }

  /// Oldest first, all of it.
  seqs found(history_query q) {
    q.sandbox = ann_.id();
    q.newest_first = false;
    const auto page = find(*store_, q);
    EXPECT_TRUE(page);
    EXPECT_EQ(page->next, std::nullopt);
    return seqs_of(*page);
  }

  temporary_folder folder_;
  std::unique_ptr<store> store_;
  author ann_{sandbox(1)};
  author bob_{sandbox(2)};
};

history_query with(auto set) {
  history_query q;
  set(q);
  return q;
}

TEST_P(an_index, finds_by_each_condition) {
  EXPECT_EQ(found({}), (seqs{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(found(with([](auto& q) { q.kinds = {kind::request_served}; })), (seqs{3, 5}));
  EXPECT_EQ(found(with([](auto& q) { q.kinds = {kind::request_served, kind::sandbox_created, kind::env_put}; })), (seqs{1, 3, 5}));
  EXPECT_EQ(found(with([](auto& q) { q.kinds = {kind::request_served, kind::request_served}; })), (seqs{3, 5}));
  EXPECT_EQ(found(with([](auto& q) { q.correlation = "c2"; })), (seqs{3, 4, 6}));
  EXPECT_EQ(found(with([](auto& q) { q.principal = "mock"; })), (seqs{3, 4, 5}));
  EXPECT_EQ(found(with([](auto& q) { q.entity = "ep_1"; })), (seqs{2, 3, 5}));
  EXPECT_EQ(found(with([](auto& q) { q.entity = "ep"; })), seqs{}) << "not by the beginning of a name";
  EXPECT_EQ(found(with([](auto& q) { q.from = events::wall_time{300}; })), (seqs{3, 4, 5, 6}));
  EXPECT_EQ(found(with([](auto& q) { q.until = events::wall_time{300}; })), (seqs{1, 2, 3, 4}));
  EXPECT_EQ(found(with([](auto& q) { q.after = 2, q.before = 5; })), (seqs{3, 4}));
}

TEST_P(an_index, all_conditions_must_hold) {
  EXPECT_EQ(found(with([](auto& q) { q.entity = "ep_1", q.correlation = "c2"; })), (seqs{3}));
  EXPECT_EQ(found(with([](auto& q) { q.entity = "ep_1", q.kinds = {kind::request_served}; })), (seqs{3, 5}));
  EXPECT_EQ(found(with([](auto& q) { q.principal = "mock", q.from = events::wall_time{301}; })), (seqs{5}));
  EXPECT_EQ(found(with([](auto& q) { q.principal = "mock", q.correlation = "c1"; })), seqs{});
  EXPECT_EQ(found(with([](auto& q) { q.correlation = "c2", q.after = 3; })), (seqs{4, 6}));
  EXPECT_EQ(found(with([](auto& q) { q.from = events::wall_time{401}, q.until = events::wall_time{499}; })), seqs{});
}

TEST_P(an_index, pages_join_without_gap_or_repeat_in_both_directions) {
  for (bool newest_first : {true, false})
    for (std::size_t limit = 1; limit < 8; ++limit)
      for (bool by_index : {true, false}) {
        history_query q;
        q.sandbox = ann_.id();
        q.newest_first = newest_first;
        q.limit = limit;
        if (by_index)
          q.kinds = {kind::sandbox_created, kind::endpoint_put,    kind::request_served,
                     kind::message_created, kind::attempt_finished};
        seqs all;
        for (;;) {
          const auto page = find(*store_, q).value();
          EXPECT_LE(page.events.size(), limit);
          for (auto seq : seqs_of(page))
            all.push_back(seq);
          if (!page.next)
            break;
          if (newest_first)
            q.before = *page.next;
          else
            q.after = *page.next;
        }
        EXPECT_EQ(all, newest_first ? (seqs{6, 5, 4, 3, 2, 1}) : (seqs{1, 2, 3, 4, 5, 6}));
      }
}

TEST_P(an_index, long_index_ranges_are_read_in_steps) {
  for (int i = 0; i < 20; ++i)
    write(ann_, std::vector<said>(20, said{kind::env_put, "{}", 0, "admin", "long"}));
  fold();
  history_query q;
  q.sandbox = ann_.id();
  q.limit = 1'000;
  q.correlation = "long";
  EXPECT_EQ(find(*store_, q)->events.size(), 400U);
  q.newest_first = false;
  const auto page = find(*store_, q).value();
  ASSERT_EQ(page.events.size(), 400U);
  for (std::size_t i = 0; i < 400; ++i)
    EXPECT_EQ(page.events[i].header.seq, 7 + i);
}

TEST_P(an_index, a_page_that_examined_enough_says_where_to_go_on) {
  for (int i = 0; i < 60; ++i)
    write(ann_, std::vector<said>(100, said{kind::env_put, "{}", 0, "admin", "x"}));
  fold();
  history_query q;
  q.sandbox = ann_.id();
  q.principal = "admin";
  q.correlation = "x";
  q.entity = std::nullopt;
  q.kinds = {kind::env_put, kind::sandbox_created};
  q.from = events::wall_time{0};
  q.limit = 10'000;
  std::size_t total = 0;
  int pages = 0;
  for (;; ++pages) {
    const auto page = find(*store_, q).value();
    total += page.events.size();
    if (!page.next)
      break;
    q.before = page.next;
  }
  EXPECT_EQ(total, 6'000U);
  EXPECT_EQ(pages, 1);
}

TEST_P(an_index, an_unknown_sandbox_has_no_history) {
  history_query q;
  q.sandbox = sandbox(77);
  EXPECT_TRUE(find(*store_, q)->events.empty());
}

TEST_P(an_index, a_correlation_is_found_across_sandboxes) {
  const std::vector<event_place> expected{{ann_.id(), 3}, {ann_.id(), 4}, {ann_.id(), 6}, {bob_.id(), 1}};
  EXPECT_EQ(find_correlation(*store_, "c2", 99).value(), expected);
  EXPECT_EQ(find_correlation(*store_, "c2", 2)->size(), 2U);
  EXPECT_TRUE(find_correlation(*store_, "c", 99)->empty());
}

/// As the store would be after somebody changed one event in it, with all of its own checksums right.
class altered_store final : public delegating_store {
public:
  altered_store(std::shared_ptr<store> real, events::seq at, std::string bytes) : delegating_store(std::move(real)), at_(at), bytes_(std::move(bytes)) {}

  events::outcome<std::optional<std::string>> read_raw(const events::sandbox_id& s, events::seq q) const override {
    return q == at_ && s == sandbox(1) ? bytes_ : real().read_raw(s, q);
  }

private:
  events::seq at_;
  std::string bytes_;
};

TEST_P(an_index, an_event_that_was_changed_behind_our_back_is_not_given_out) {
  author forger{ann_.id()};
  forger.go_back_to(events::chain_head{3, store_->read(ann_.id(), 3, {1, 1})->front().link, {300}});
  const std::shared_ptr<store> real{std::move(store_)};
  const altered_store forged{real, 4, forger.seal({kind::message_created, R"({"more":1})", 300, "mock", "c2", {"msg_1"}})};
  for (const bool newest_first : {false, true})
    for (const auto& only : {std::vector<kind>{}, std::vector{kind::message_created}}) {
      history_query q;
      q.sandbox = ann_.id();
      q.kinds = only;
      q.newest_first = newest_first;
      EXPECT_TRUE(find(*real, q));
      const auto page = find(forged, q);
      ASSERT_FALSE(page) << newest_first << only.size();
      EXPECT_EQ(page.error().code, events::errc::corrupt);
      EXPECT_EQ(page.error().where, ann_.id().to_string() + "/4");
    }
  history_query others;
  others.sandbox = ann_.id();
  others.kinds = {kind::request_served};
  others.newest_first = false;
  others.limit = 1;
  EXPECT_EQ(seqs_of(*find(forged, others)), seqs{3}) << "whose successor still says that it follows it";
}

INSTANTIATE_TEST_SUITE_P(stores, an_index, ::testing::Values(false, true),
                         [](const auto& one) { return one.param ? "rocks" : "memory"; });

TEST(index_writer, folds_in_steps_and_goes_on_where_it_stopped) {
  const auto store = open_memory_store();
  author ann{sandbox(1)};
  const auto batch = ann.batch(5);
  ASSERT_TRUE(store->write({&batch, 1}, 1, durability::synced));
  auto options = by_hand();
  options.records_per_fold = 2;
  {
    const auto writer = open_index_writer(*store, options);
    EXPECT_TRUE(writer->fold_once().value());
    EXPECT_EQ(writer->folded(), 3U);
  }
  const auto writer = open_index_writer(*store, options);
  EXPECT_EQ(writer->folded(), 3U);
  EXPECT_TRUE(writer->fold_once().value());
  EXPECT_TRUE(writer->fold_once().value());
  EXPECT_FALSE(writer->fold_once().value());
  EXPECT_EQ(find_correlation(*store, "c", 99)->size(), 5U);
}

TEST(index_writer, stands_still_before_a_record_that_does_not_verify) {
  const auto store = open_memory_store();
  author ann{sandbox(1)};
  auto batch = ann.batch(1);
  batch.records[0][30] = static_cast<char>(batch.records[0][30] ^ 1);
  ASSERT_TRUE(store->write({&batch, 1}, 1, durability::synced));
  const auto writer = open_index_writer(*store, by_hand());
  EXPECT_EQ(writer->fold_once().error().code, events::errc::corrupt);
  EXPECT_EQ(writer->folded(), 1U);
}

TEST(index_writer, lets_a_caller_read_his_own_writes) {
  const auto store = open_memory_store();
  const auto writer = open_index_writer(*store);
  const auto journal = open_journal(*store);
  journal->listen([&](position end) { writer->notify(end); });
  author ann{sandbox(1)};
  for (int i = 0; i < 50; ++i) {
    journal->append(ann.batch(3), {});
    const auto far = std::chrono::steady_clock::now() + 60s;
    ASSERT_TRUE(writer->wait_until(static_cast<position>(3 * i) + 4, far));
    EXPECT_EQ(find_correlation(*store, "c", 999)->size(), 3U * static_cast<std::size_t>(i + 1));
  }
  EXPECT_EQ(writer->trouble(), std::nullopt);
}

TEST(index_writer, gives_up_waiting_for_what_never_comes) {
  const auto store = open_memory_store();
  const auto writer = open_index_writer(*store);
  EXPECT_FALSE(writer->wait_until(99, std::chrono::steady_clock::now()));
}

} // namespace
} // namespace hourglass::storage
