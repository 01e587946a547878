#include "replay/request.hpp"
#include "replay/snapshot.hpp"
#include "replay/state.hpp"

#include "mock/data.hpp"
#include "mock/serve.hpp"
#include "mock/settings.hpp"
#include "storage/store.hpp"

#include <gtest/gtest.h>

namespace {

using namespace hourglass;

/// A stream in memory, written event by event.
class stream_of_events : public ::testing::Test {
protected:
  template <class State, class Command>
  void write(const State& state, const Command& command, std::int64_t at_s) {
    events::context ctx;
    ctx.wall.us = at_s * 1'000'000;
    ctx.now.us = ctx.wall.us;
    ctx.principal = "test";
    auto d = mock::decide(state, command, ctx);
    ASSERT_TRUE(d) << d.error().detail;
    storage::record_batch batch;
    batch.sandbox = id_;
    batch.first = head_.seq + 1;
    for (const auto& draft : d->events) {
      std::string bytes;
      events::seal(head_, id_, draft, ctx, bytes);
      batch.records.push_back(std::move(bytes));
    }
    auto first = store_->end();
    ASSERT_TRUE(store_->write({&batch, 1}, first, storage::durability::synced));
  }
  void put(const std::string& value, std::int64_t at_s) {
    mock::data_state empty;
    write(empty, mock::data_command{mock::put_item{"pets", "1", value}}, at_s);
  }
  void SetUp() override { write(mock::settings_state{}, mock::settings_command{mock::create_sandbox{"{}", {}}}, 100); }

  std::unique_ptr<storage::store> store_ = storage::open_memory_store();
  events::sandbox_id id_ = events::make_sandbox_id(1, events::entropy{});
  events::chain_head head_;
};

TEST_F(stream_of_events, is_folded_up_to_a_seq) {
  put("1", 200);
  put("2", 300);
  auto s = replay::load(*store_, id_, events::seq{2});
  ASSERT_TRUE(s);
  EXPECT_EQ(*s->data.find("pets", "1"), "1");
  EXPECT_EQ(s->head.seq, 2U);
}

TEST_F(stream_of_events, is_folded_up_to_an_instant) {
  put("1", 200);
  put("2", 300);
  auto s = replay::load(*store_, id_, events::wall_time{299'000'000});
  ASSERT_TRUE(s);
  EXPECT_EQ(*s->data.find("pets", "1"), "1");
}

TEST_F(stream_of_events, has_no_state_before_its_first_event) {
  auto s = replay::load(*store_, id_, events::wall_time{99'000'000});
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().code, events::errc::not_found);
}

TEST_F(stream_of_events, has_no_state_after_its_last_event) {
  auto s = replay::load(*store_, id_, events::seq{2});
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().where, "seq");
}

TEST_F(stream_of_events, is_folded_anew_where_a_snapshot_is_of_another_format_and_read_where_it_is_of_this) {
  put("1", 200);
  ASSERT_TRUE(replay::take_snapshot(*store_, id_, 1));
  auto kept = store_->latest_snapshot(id_, replay::now_seq);
  ASSERT_TRUE(kept && *kept);
  ASSERT_EQ((*kept)->format, 3U) << "raise it, and this test, when a snapshot of before must not be read any more";
  // One that lies: whoever reads it says so.
  mock::data_state lie;
  auto d = mock::decide(lie, mock::data_command{mock::put_item{"pets", "1", "\"of the snapshot\""}}, {});
  ASSERT_TRUE(d);
  for (const auto& draft : d->events)
    ASSERT_TRUE(mock::apply(lie, draft.kind, draft.payload));
  for (auto format : {1U, 2U, 4U, 3U}) {
    auto edited = **kept;
    edited.format = format;
    edited.parts[static_cast<std::size_t>(replay::part::data)] = mock::snapshot(lie);
    store_ = storage::open_memory_store();
    head_ = {};
    SetUp();
    put("1", 200);
    ASSERT_TRUE(store_->put_snapshot(id_, edited));
    auto s = replay::load(*store_, id_, events::seq{2});
    ASSERT_TRUE(s);
    EXPECT_EQ(*s->data.find("pets", "1"), format == 3 ? "\"of the snapshot\"" : "1") << format;
    EXPECT_EQ(s->snapshot, format == 3 ? 2U : 0U) << format;
  }
}

TEST_F(stream_of_events, gives_the_same_state_from_a_snapshot) {
  put("1", 200);
  ASSERT_TRUE(replay::take_snapshot(*store_, id_, 1));
  put("2", 300);
  auto s = replay::load(*store_, id_);
  ASSERT_TRUE(s);
  EXPECT_EQ(*s->data.find("pets", "1"), "2");
  EXPECT_EQ(s->head, head_);
  auto earlier = replay::load(*store_, id_, events::seq{1});
  ASSERT_TRUE(earlier);
  EXPECT_EQ(earlier->data.find("pets", "1"), nullptr);
}

TEST_F(stream_of_events, is_folded_from_the_start_when_a_snapshot_is_of_a_format_we_do_not_know) {
  put("1", 200);
  ASSERT_TRUE(store_->put_snapshot(id_, {head_, 999, {"not ours"}, 0}));
  auto s = replay::load(*store_, id_);
  ASSERT_TRUE(s);
  EXPECT_EQ(*s->data.find("pets", "1"), "1");
}

TEST_F(stream_of_events, with_an_event_that_does_not_follow_is_corrupt) {
  put("1", 200);
  auto records = store_->read(id_, 1);
  ASSERT_TRUE(records);
  replay::sandbox_state s;
  ASSERT_TRUE(replay::apply(s, records->at(0)));
  auto forged = records->at(1);
  forged.header.previous[0] ^= 1U;
  auto r = replay::apply(s, forged);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, events::errc::corrupt);
}

TEST_F(stream_of_events, takes_a_snapshot_only_when_enough_is_new) {
  put("1", 200);
  ASSERT_TRUE(replay::take_snapshot(*store_, id_, 10));
  auto none = store_->latest_snapshot(id_, replay::now_seq);
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
}

/// Wall time goes back between two events, which a stream does not: the second one's header has the time of the first.
TEST_F(stream_of_events, replays_a_request_whose_header_tells_a_later_time_than_its_own) {
  mock::endpoint_state endpoints;
  write(endpoints, mock::endpoint_command{mock::put_endpoint{R"({"method":"GET","path":"/a","response":{"body":"x"}})", "ep"}}, 200);
  auto fork = replay::load(*store_, id_, head_.seq);
  ASSERT_TRUE(fork);
  const events::redactor redactor{{}};
  mock::request request;
  request.method = "GET";
  request.target = "/a";
  events::context ctx;
  ctx.wall.us = 150 * 1'000'000;
  ctx.now.us = 9'000 * std::int64_t{1'000'000};
  ctx.chance[3] = 7;
  auto serve = [&](events::wall_time id_of) {
    auto before = ctx.wall;
    ctx.wall = id_of;
    auto served = mock::serve(fork->endpoints, fork->data, request, ctx, redactor);
    ctx.wall = before;
    storage::record_batch batch;
    batch.sandbox = id_;
    batch.first = head_.seq + 1;
    batch.records.emplace_back();
    events::seal(head_, id_, served.events.at(0), ctx, batch.records[0]);
    EXPECT_TRUE(store_->write({&batch, 1}, store_->end(), storage::durability::synced));
    auto again = replay::replay_request(*store_, redactor, id_, head_.seq);
    EXPECT_TRUE(again) << again.error().detail;
    return again && again->identical && again->request_id == served.request_id;
  };
  EXPECT_TRUE(serve(ctx.wall));
  EXPECT_EQ(head_.wall.us, 200 * 1'000'000) << "the header does not go back";
  EXPECT_TRUE(serve(events::wall_time{ctx.now.us})) << "an older program made ids of virtual time";
}

} // namespace
