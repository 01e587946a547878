// What stands for more than one in the index, and is told apart all the same.
#include "storage/terms.hpp"

#include "events/ids.hpp"
#include "storage/index.hpp"
#include "storage/keys.hpp"
#include "storage/postings.hpp"
#include "storage/store.hpp"
#include "tests/unit/storage/support.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace hourglass::storage {
namespace {

using namespace testing;
using events::kind;

using seqs = std::vector<events::seq>;

std::string request_id(std::int64_t ms, std::uint8_t which) {
  events::entropy chance{};
  chance[0] = which;
  return events::make_id("req_", ms, chance);
}

std::string correlation_id(std::int64_t ms, unsigned which) {
  char out[27];
  std::snprintf(out, sizeof out, "cor_%012llx%010x", static_cast<unsigned long long>(ms), which);
  return out;
}

class shared_terms : public ::testing::Test {
protected:
  void write(std::vector<said> all) {
    const auto batch = ann_.batch(all);
    ASSERT_TRUE(store_->write({&batch, 1}, store_->end(), durability::buffered));
  }

  void fold() {
    index_options by_hand;
    by_hand.thread = false;
    auto writer = open_index_writer(*store_, by_hand);
    while (writer->fold_once().value()) {
    }
  }

  std::size_t entries() const {
    return store_->scan_index(keys::by_entity, keys::behind(keys::by_entity), 100'000)
        .value()
        .size();
  }

  std::vector<events::seq> found(history_query q) {
    q.sandbox = ann_.id();
    q.limit = 10'000;
    q.newest_first = false;
    std::vector<events::seq> out;
    const auto page = find(*store_, q).value();
    for (const auto& e : page.events)
      out.push_back(e.header.seq);
    return out;
  }

  std::vector<events::seq> about(std::string entity, std::vector<kind> kinds = {}) {
    history_query q;
    q.entity = std::move(entity);
    q.kinds = std::move(kinds);
    return found(q);
  }

  std::unique_ptr<store> store_ = open_memory_store();
  author ann_{sandbox(1)};
};

TEST_F(shared_terms, requests_of_one_moment_share_an_entry_and_each_is_found_alone) {
  std::vector<said> all;
  for (unsigned i = 0; i < 100; ++i)
    all.push_back({kind::request_served,
                   "{}",
                   1'000 + i,
                   "mock",
                   correlation_id(5'000, i),
                   {request_id(5'000, static_cast<std::uint8_t>(i)), "ep_1"}});
  write(std::move(all));
  fold();
  EXPECT_EQ(entries(), 2U) << "one for the moment, one for the endpoint";
  for (unsigned i = 0; i < 100; ++i) {
    EXPECT_EQ(about(request_id(5'000, static_cast<std::uint8_t>(i))), seqs{i + 1});
    history_query q;
    q.correlation = correlation_id(5'000, i);
    EXPECT_EQ(found(q), seqs{i + 1});
    EXPECT_EQ(find_correlation(*store_, correlation_id(5'000, i), 9).value(),
              (std::vector<event_place>{{ann_.id(), i + 1}}));
  }
  EXPECT_TRUE(about(request_id(5'000, 100)).empty()) << "of the same moment, but nobody's";
  EXPECT_TRUE(find_correlation(*store_, correlation_id(5'000, 100), 9)->empty());
}

TEST_F(shared_terms, endpoints_of_one_group_are_told_apart) {
  std::vector<said> all;
  for (unsigned i = 0; i < 1'000; ++i)
    all.push_back({kind::request_served, "{}", 1'000 + i, "mock", "", {"ep_" + std::to_string(i)}});
  write(std::move(all));
  fold();
  EXPECT_LE(entries(), 128U);
  for (unsigned i = 0; i < 1'000; ++i)
    EXPECT_EQ(about("ep_" + std::to_string(i)), seqs{i + 1});
}

TEST_F(shared_terms, what_is_no_served_request_keeps_a_term_of_its_own) {
  write({{kind::endpoint_put, "{}", 100, "admin", "", {"ep_1"}},
         {kind::request_served, "{}", 200, "mock", "", {"ep_1"}}});
  fold();
  EXPECT_EQ(about("ep_1"), (seqs{1, 2}));
  EXPECT_EQ(about("ep_1", {kind::endpoint_put}), seqs{1});
  EXPECT_EQ(about("ep_1", {kind::request_served}), seqs{2});
  EXPECT_EQ(terms::of_entity(ann_.id(), "ep_1", false).size(), 1U)
      << "a list of attempts does not wade through mock traffic";
}

TEST_F(shared_terms, a_rare_endpoint_is_looked_for_in_its_group_and_not_in_all_traffic) {
  write({{kind::endpoint_put, "{}", 100, "admin", "", {"ep_rare"}}});
  for (int page = 0; page < 7; ++page) { // more than one page looks at, all of another group
    std::vector<said> all;
    for (int i = 0; i < 1'000; ++i)
      all.push_back({kind::request_served, "{}", 200 + page * 1'000 + i, "mock", "", {i == 0 && page == 0 ? "ep_rare" : "ep_busy"}});
    write(std::move(all));
  }
  ASSERT_NE(terms::of_entity(ann_.id(), "ep_rare", true).back(), terms::of_entity(ann_.id(), "ep_busy", true).back());
  fold();
  history_query q;
  q.sandbox = ann_.id();
  q.entity = "ep_rare";
  q.kinds = {kind::request_served};
  const auto page = find(*store_, q).value();
  ASSERT_EQ(page.events.size(), 1U) << "found in the first page";
  EXPECT_EQ(page.events[0].header.seq, 2U);
  EXPECT_FALSE(page.next);
  q.entity = "ep_busy";
  q.limit = 3;
  std::vector<events::seq> pages;
  for (int i = 0; i < 4; ++i) {
    const auto some = find(*store_, q).value();
    for (const auto& e : some.events)
      pages.push_back(e.header.seq);
    q.before = some.next;
  }
  EXPECT_EQ(pages, (seqs{7'001, 7'000, 6'999, 6'998, 6'997, 6'996, 6'995, 6'994, 6'993, 6'992, 6'991, 6'990}));
}

TEST_F(shared_terms, what_an_older_program_indexed_by_whole_ids_is_found) {
  write({{kind::request_served,
          "{}",
          100,
          "mock",
          correlation_id(7'000, 1),
          {request_id(7'000, 1), "ep_1"}}});
  postings::terms old;
  for (const auto& text : {request_id(7'000, 1), std::string{"ep_1"}})
    old[keys::of_text(keys::by_entity, ann_.id(), text)] = {1};
  old[keys::of_correlation(correlation_id(7'000, 1), ann_.id())] = {1};
  ASSERT_TRUE(store_->put_index(postings::entries_of(old), 2));
  EXPECT_EQ(about(request_id(7'000, 1)), seqs{1});
  EXPECT_EQ(about("ep_1"), seqs{1});
  EXPECT_EQ(find_correlation(*store_, correlation_id(7'000, 1), 9)->size(), 1U);
}

TEST_F(shared_terms, both_sides_agree_on_every_text) {
  for (const std::string& text :
       std::vector<std::string>{"", "req_", "req_1", "cor_", std::string(30, 'r'), request_id(1, 1),
                                "REQ_" + request_id(1, 1).substr(4), std::string("\0\x01~ ", 4)}) {
    events::header h;
    h.sandbox = sandbox(1);
    h.kind = kind::request_served;
    h.entities = {text};
    h.correlation = text;
    std::vector<std::string> written;
    terms::of_event(h, written);
    auto asked = terms::of_entity(h.sandbox, text, true);
    EXPECT_TRUE(std::any_of(asked.begin(), asked.end(), [&](const auto& t) {
      return std::count(written.begin(), written.end(), t) > 0;
    })) << text;
    asked = terms::of_correlation(h.sandbox, text);
    EXPECT_TRUE(text.empty() || std::any_of(asked.begin(), asked.end(),
                                            [&](const auto& t) {
                                              return std::count(written.begin(), written.end(), t) >
                                                     0;
                                            }))
        << text;
  }
}

} // namespace
} // namespace hourglass::storage
