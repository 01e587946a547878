#include "actors/recovery_scan.hpp"

#include "webhook/facts.hpp"

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
  void fail(const webhook::message_ref& message, webhook::outcome_kind follows = webhook::outcome_kind::dead) {
    webhook::attempt_finished a;
    a.id = "atmpt_" + message.id;
    a.message = message;
    a.destination = to_.id;
    a.follows = follows;
    write(a);
  }
  std::set<std::string> taken(recovery_scope scope) {
    webhook::recovery r;
    r.what = {"rcv_1", to_.id, {0}, {2'000}, scope, {}};
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
