#include "node_fixture.hpp"

#include "replay/snapshot.hpp"

namespace {

using namespace hourglass;
using namespace hourglass::test;
using events::kind;

/// A node that takes a snapshot of every live sandbox every few events.
class live_snapshot_test : public node_test {
protected:
  void configure(actors::node_options& o) override { o.events_per_snapshot = 7; }

  /// The state at `until`, folded from the first event on without any snapshot.
  replay::sandbox_state fold(const events::sandbox_id& id, events::seq until) {
    replay::sandbox_state s;
    while (s.head.seq < until) {
      auto some = node_->store().read(id, s.head.seq + 1, {until - s.head.seq, 1U << 20});
      EXPECT_TRUE(some && !some->empty());
      if (!some || some->empty())
        break;
      for (const auto& r : *some)
        EXPECT_TRUE(replay::apply(s, r));
    }
    return s;
  }

  /// Compares every snapshot that is kept with the fold; returns how many there are.
  std::size_t compare_all(const events::sandbox_id& id) {
    std::size_t compared = 0;
    for (events::seq at = replay::now_seq;; ++compared) {
      auto kept = node_->store().latest_snapshot(id, at);
      EXPECT_TRUE(kept);
      if (!kept || !*kept)
        return compared;
      auto restored = replay::read_snapshot(**kept);
      EXPECT_TRUE(restored);
      if (!restored)
        return compared;
      auto folded = fold(id, restored->head.seq);
      EXPECT_EQ(restored->head, folded.head);
      EXPECT_EQ(mock::snapshot(restored->settings), mock::snapshot(folded.settings));
      EXPECT_EQ(mock::snapshot(restored->endpoints), mock::snapshot(folded.endpoints));
      EXPECT_EQ(mock::snapshot(restored->data), mock::snapshot(folded.data));
      EXPECT_EQ(mock::snapshot(restored->clock), mock::snapshot(folded.clock));
      EXPECT_EQ(webhook::snapshot(restored->outbox), webhook::snapshot(folded.outbox));
      at = restored->head.seq - 1;
    }
  }
};

TEST_F(live_snapshot_test, a_snapshot_of_a_live_sandbox_is_the_fold_of_its_stream) {
  auto id = create();
  put_hello(id);
  receiver shop{[](std::size_t n, const http::request&) { return http::response{n % 3 == 0 ? 500U : 204U, {}, ""}; }};
  add_destination(id, shop.url());
  for (int round = 0; round < 12; ++round) {
    for (int i = 0; i < 5; ++i)
      ASSERT_TRUE(get(id, "/hello"));
    ASSERT_TRUE(emit(id));
    if (round % 3 == 0) {
      ASSERT_TRUE(submit(id, mock::data_command{mock::put_env{"round", std::to_string(round)}}));
    }
    if (round % 4 == 0) {
      auto text = R"({"method":"GET","path":"/other/)" + std::to_string(round) + R"(","response":{"body":{}}})";
      ASSERT_TRUE(submit(id, mock::endpoint_command{mock::put_endpoint{text, ""}}));
    }
    if (round % 5 == 4) {
      ASSERT_TRUE(submit(id, mock::clock_command{mock::freeze_clock{}}));
    }
    if (round % 5 == 1) {
      ASSERT_TRUE(submit(id, mock::clock_command{mock::resume_clock{}}));
    }
  }
  ASSERT_TRUE(shop.wait_for(3));
  ASSERT_TRUE(eventually([&] {
    auto newest = node_->store().latest_snapshot(id, replay::now_seq);
    return newest && *newest && (*newest)->head.seq > 40;
  }));
  node_->stop(std::chrono::seconds{5});
  EXPECT_GE(compare_all(id), 5U);
  node_.reset();
  open();
  EXPECT_GE(compare_all(id), 5U) << "after reopening";
}

TEST_F(live_snapshot_test, a_sandbox_that_only_answers_writes_its_endpoints_once) {
  auto id = create();
  put_hello(id);
  for (int i = 0; i < 40; ++i)
    ASSERT_TRUE(get(id, "/hello"));
  ASSERT_TRUE(eventually([&] {
    auto newest = node_->store().latest_snapshot(id, replay::now_seq);
    return newest && *newest && (*newest)->head.seq > 30;
  }));
  node_->stop(std::chrono::seconds{5});
  EXPECT_GE(compare_all(id), 3U);
}

} // namespace
