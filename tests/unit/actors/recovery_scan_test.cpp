#include "actors/recovery_scan.hpp"

#include "webhook/facts.hpp"
#include "webhook/limits.hpp"

#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace {

using namespace hourglass;
using webhook::recovery_scope;

/// A stream of messages in memory, and what recoveries take of it.
class recovery_scan : public ::testing::Test {
protected:
  events::seq write(const webhook::fact& f) {
    storage::record_batch batch;
    batch.sandbox = id_;
    batch.first = head_.seq + 1;
    std::string bytes;
    events::context ctx{{1'000 + static_cast<std::int64_t>(head_.seq)}, {1'000}, {}, "admin", "c"};
    events::seal(head_, id_, webhook::encode(f), ctx, bytes);
    batch.records.push_back(std::move(bytes));
    EXPECT_TRUE(store_->write({&batch, 1}, store_->end(), storage::durability::synced));
    index_->notify(store_->end());
    return head_.seq;
  }
  webhook::message_ref emit(std::string id, std::string type, std::vector<std::string> channels = {}) {
    webhook::message_created m;
    m.id = id;
    m.event_type = type;
    m.channels = std::move(channels);
    m.body = "{}";
    auto seq = write(m);
    return {std::move(id), seq, std::move(type), 2};
  }
  void fail(const webhook::message_ref& message, webhook::outcome_kind follows = webhook::outcome_kind::dead, unsigned status = 500) {
    webhook::attempt_finished a;
    a.result.answer.status = status;
    a.id = "atmpt_" + message.id;
    a.message = message;
    a.destination = to_.id;
    a.follows = follows;
    if (follows == webhook::outcome_kind::retry)
      a.next = events::virtual_time{1'000'000};
    write(a);
  }
  std::set<std::string> taken(recovery_scope scope) {
    webhook::recovery r;
    r.what = {"rcv_1", to_.id, {0}, {2'000}, scope, {}};
    r.what.filter = filter_;
    r.what.code_class = code_class_;
    r.what.purge = purge_;
    r.started_seq = head_.seq + 1;
    auto page = actors::read_recovery_page(*store_, *index_, id_, r, to_);
    EXPECT_TRUE(page) << page.error().detail;
    std::set<std::string> out;
    if (page)
      for (const auto& item : page->what.items)
        out.insert(item.message.id);
    return out;
  }

  std::unique_ptr<storage::store> store_ = storage::open_memory_store();
  std::unique_ptr<storage::index_writer> index_ = storage::open_index_writer(*store_);
  events::sandbox_id id_ = events::make_sandbox_id(1, events::entropy{});
  events::chain_head head_;
  webhook::content_filter filter_;
  std::optional<std::uint32_t> code_class_;
  bool purge_ = false;
  webhook::destination to_ = [] {
    webhook::destination d;
    d.id = "ep_1";
    return d;
  }();
};

TEST_F(recovery_scan, of_what_is_missing_takes_only_types_that_the_destination_wants) {
  emit("wanted", "user.created");
  emit("other", "user.removed");
  to_.filter_types = {"user.created"};
  EXPECT_EQ(taken(recovery_scope::missing), std::set<std::string>{"wanted"});
  EXPECT_EQ(taken(recovery_scope::all), std::set<std::string>{"wanted"});
}

TEST_F(recovery_scan, of_what_is_missing_takes_only_channels_that_the_destination_shares) {
  emit("mine", "a", {"north"});
  emit("theirs", "a", {"south"});
  emit("nobodys", "a");
  to_.channels = {"north"};
  EXPECT_EQ(taken(recovery_scope::missing), std::set<std::string>{"mine"});
  EXPECT_EQ(taken(recovery_scope::all), std::set<std::string>{"mine"});
}

TEST_F(recovery_scan, of_what_is_missing_takes_only_content_that_the_destination_filters_for) {
  emit("empty", "a");
  to_.filter = webhook::content_filter::compile(nlohmann::json{{"eventType", "b"}}).value();
  emit("wanted", "b");
  EXPECT_EQ(taken(recovery_scope::missing), std::set<std::string>{"wanted"});
  to_.filter = webhook::content_filter::compile(nlohmann::json{{"payload.x", {{"$exists", true}}}}).value();
  EXPECT_TRUE(taken(recovery_scope::missing).empty());
}

TEST_F(recovery_scan, of_what_failed_takes_it_whatever_the_filters_have_become) {
  fail(emit("failed", "a"));
  emit("never sent", "a");
  to_.filter_types = {"b"};
  EXPECT_EQ(taken(recovery_scope::failed), std::set<std::string>{"failed"});
}

TEST_F(recovery_scan, takes_only_what_holds_what_was_asked_for) {
  fail(emit("mine", "a", {"north"}));
  fail(emit("theirs", "a", {"south"}));
  filter_ = webhook::content_filter::compile(nlohmann::json{{"channels", "north"}}).value();
  EXPECT_EQ(taken(recovery_scope::failed), std::set<std::string>{"mine"});
}

TEST_F(recovery_scan, takes_only_what_the_last_answer_was_of_that_class) {
  const auto first = emit("first", "a"), second = emit("second", "a"), third = emit("third", "a");
  fail(first, webhook::outcome_kind::retry, 404);
  fail(first, webhook::outcome_kind::dead, 503);
  fail(second, webhook::outcome_kind::dead, 404);
  fail(third, webhook::outcome_kind::dead, 0);
  emit("never sent", "a");
  code_class_ = 400;
  EXPECT_EQ(taken(recovery_scope::failed), std::set<std::string>{"second"});
  code_class_ = 0;
  EXPECT_EQ(taken(recovery_scope::all), std::set<std::string>{"third"});
}

TEST_F(recovery_scan, with_a_rate_takes_what_goes_in_a_tenth_of_a_second_and_looks_no_further) {
  std::vector<webhook::message_ref> all;
  for (int i = 0; i < 5; ++i)
    fail(all.emplace_back(emit("msg_" + std::to_string(i), "a")));
  webhook::recovery r;
  r.what = {"rcv_1", to_.id, {0}, {2'000}, recovery_scope::failed, {}};
  r.what.rate = 20;
  r.started_seq = head_.seq + 1;
  std::size_t pages = 0, items = 0;
  for (bool done = false; !done && pages < 10; ++pages) {
    auto page = actors::read_recovery_page(*store_, *index_, id_, r, to_);
    ASSERT_TRUE(page);
    EXPECT_LE(page->what.items.size(), 2U);
    items += page->what.items.size();
    r.cursor = page->what.cursor;
    done = page->what.done;
  }
  EXPECT_EQ(items, 5U);
  EXPECT_EQ(pages, 3U);
}

TEST_F(recovery_scan, takes_no_dead_letter_that_a_person_has_removed_until_it_has_died_again) {
  const auto kept = emit("kept", "a"), gone = emit("gone", "a"), again = emit("again", "a");
  for (const auto& m : {kept, gone, again})
    fail(m);
  write(webhook::dead_letters_removed{to_.id, {{gone.id, gone.seq}, {again.id, again.seq}}, "admin"});
  fail(gone, webhook::outcome_kind::failed);
  EXPECT_EQ(taken(recovery_scope::failed), std::set<std::string>{"kept"});
  EXPECT_EQ(taken(recovery_scope::all), std::set<std::string>{"kept"});
  EXPECT_TRUE(taken(recovery_scope::missing).empty());
  fail(again);
  EXPECT_EQ(taken(recovery_scope::failed), (std::set<std::string>{"again", "kept"}));
}

TEST_F(recovery_scan, a_purge_takes_dead_letters_and_nothing_that_waits_or_arrived) {
  fail(emit("dead", "a"));
  fail(emit("waits", "a"), webhook::outcome_kind::retry);
  fail(emit("arrived", "a"), webhook::outcome_kind::delivered);
  emit("never sent", "a");
  purge_ = true;
  EXPECT_EQ(taken(recovery_scope::failed), std::set<std::string>{"dead"});
}

TEST_F(recovery_scan, a_purge_leaves_what_its_filter_is_too_tired_to_judge) {
  auto payload = nlohmann::json{{"list", nlohmann::json::array()}};
  for (std::size_t i = 0; i <= limits::filter_steps; ++i)
    payload["list"].push_back({{"n", 1}});
  webhook::message_created m;
  m.id = "large";
  m.event_type = "a";
  m.body = payload.dump();
  m.body_bytes = m.body.size();
  const auto seq = write(m);
  fail({"large", seq, "a", m.body_bytes});
  fail(emit("small", "a"));
  filter_ = webhook::content_filter::compile(nlohmann::json{{"payload.list.n", 2}}).value();
  EXPECT_EQ(taken(recovery_scope::failed), std::set<std::string>{"large"}) << "one too many is sent";
  purge_ = true;
  EXPECT_TRUE(taken(recovery_scope::failed).empty());
}

TEST_F(recovery_scan, a_manual_attempt_that_fails_leaves_what_was_before_it) {
  using webhook::outcome_kind;
  const auto arrived = emit("arrived", "a"), dead = emit("dead", "a"), never = emit("never", "a");
  fail(arrived, outcome_kind::delivered);
  fail(dead, outcome_kind::dead);
  for (const auto& m : {arrived, dead, never})
    fail(m, outcome_kind::failed);
  EXPECT_EQ(taken(recovery_scope::failed), (std::set<std::string>{"dead", "never"}));
}

TEST_F(recovery_scan, without_filters_takes_everything_its_scope_says) {
  fail(emit("failed", "a"));
  emit("missing", "b", {"north"});
  EXPECT_EQ(taken(recovery_scope::missing), std::set<std::string>{"missing"});
  EXPECT_EQ(taken(recovery_scope::all), (std::set<std::string>{"failed", "missing"}));
}

TEST_F(recovery_scan, of_what_is_missing_takes_nothing_that_was_meant_for_another_alone) {
  emit("for all", "a");
  webhook::message_created m{"for another", "a", {}, {}, {}, {"ep_2"}, "{}", 2};
  m.addressed = true;
  write(m);
  webhook::message_created mine{"for me", "a", {}, {}, {}, {"ep_1"}, "{}", 2};
  mine.addressed = true;
  write(mine);
  EXPECT_EQ(taken(recovery_scope::missing), (std::set<std::string>{"for all", "for me"}));
}

TEST_F(recovery_scan, takes_messages_about_webhooks_only_for_who_gets_those) {
  emit("ordinary", "a");
  webhook::message_created m{"about", "endpoint.disabled", "", {}, {}, {}, "{}", 2};
  m.operational = true;
  write(m);
  EXPECT_EQ(taken(recovery_scope::missing), std::set<std::string>{"ordinary"});
  to_.operational = true;
  EXPECT_EQ(taken(recovery_scope::missing), std::set<std::string>{"about"});
}

TEST_F(recovery_scan, that_nobody_asked_for_goes_by_place_and_not_by_time) {
  emit("before", "a");
  const auto disabled = write(webhook::destination_disabled{"ep_1", "failed"});
  emit("after", "a");
  webhook::recovery r;
  r.what = {"rcv_1", to_.id, {5'000}, {6'000}, recovery_scope::missing, {}, {}, disabled}; // the clock was reset since
  r.cursor = disabled;
  r.started_seq = head_.seq + 1;
  auto page = actors::read_recovery_page(*store_, *index_, id_, r, to_);
  ASSERT_TRUE(page) << page.error().detail;
  ASSERT_EQ(page->what.items.size(), 1U);
  EXPECT_EQ(page->what.items[0].message.id, "after");
}

TEST_F(recovery_scan, that_nobody_asked_for_takes_nothing_that_was_queued_for_it_already) {
  const auto disabled = write(webhook::destination_disabled{"ep_1", "failed"});
  write(webhook::message_created{"probe", "a", {}, {}, {}, {"ep_2", "ep_1"}, "{}", 2});
  write(webhook::message_created{"stored", "a", {}, {}, {}, {"ep_2"}, "{}", 2});
  webhook::recovery r;
  r.what = {"rcv_1", to_.id, {0}, {2'000}, recovery_scope::missing, {}, {}, disabled};
  r.cursor = disabled;
  r.started_seq = head_.seq + 1;
  auto page = actors::read_recovery_page(*store_, *index_, id_, r, to_);
  ASSERT_TRUE(page) << page.error().detail;
  ASSERT_EQ(page->what.items.size(), 1U);
  EXPECT_EQ(page->what.items[0].message.id, "stored");
}

TEST_F(recovery_scan, keeps_the_moment_of_a_message_for_later) {
  webhook::message_created m{"later", "a", {}, {}, {}, {}, "{}", 2, events::virtual_time{9'000}};
  write(m);
  webhook::recovery r;
  r.what = {"rcv_1", to_.id, {0}, {2'000}, recovery_scope::missing, {}};
  r.started_seq = head_.seq + 1;
  auto page = actors::read_recovery_page(*store_, *index_, id_, r, to_);
  ASSERT_TRUE(page && page->what.items.size() == 1);
  EXPECT_EQ(page->what.items[0].deliver_at, events::virtual_time{9'000});
}

} // namespace
