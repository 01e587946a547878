#include "tests/unit/webhook/world.hpp"

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;

TEST(fold, a_copy_is_independent_and_has_nothing_in_flight) {
  world w;
  w.add();
  w.emit();
  auto due = w.take();
  auto copy = w.live;
  EXPECT_EQ(copy.in_flight_count(), 0U);
  EXPECT_EQ(take_due(copy, w.now, 10).size(), 1U);
  w.finish(due[0].token, answer(200));
  EXPECT_EQ(copy.pending_count(), 1U);
}

TEST(fold, skips_events_of_others_and_refuses_broken_ones) {
  outbox_state s;
  events::header h;
  h.seq = 3;
  h.kind = events::kind::data_put;
  EXPECT_TRUE(apply(s, h, "whatever"));
  h.kind = events::kind::message_created;
  for (auto broken : {"", "{}", "[]", R"({"body_bytes":2,"id":"m","event_type":"t","destinations":[],"body":{}x)",
                      R"({"body_bytes":99,"id":"m","event_type":"t","destinations":[],"body":{}})",
                      R"({"body_bytes":4,"id":"m","event_type":"t","destinations":[],"body":{"a":1}})",
                      R"({"body_bytes":2,"id":"m","event_type":"t","destinations":[],"body":{"body":1}})",
                      R"({"body_bytes":1,"id":"m","event_type":"t","destinations":[],"n":1})"}) {
    auto done = apply(s, h, broken);
    ASSERT_FALSE(done) << broken;
    EXPECT_EQ(done.error().code, errc::corrupt);
    EXPECT_EQ(done.error().where, "seq 3");
  }
}

TEST(snapshots, of_another_format_or_broken_are_refused) {
  EXPECT_EQ(restore("").error().code, errc::corrupt);
  EXPECT_EQ(restore("{}").error().code, errc::corrupt);
  EXPECT_EQ(restore(R"({"format":3})").error().code, errc::newer_format);
  EXPECT_EQ(restore(R"({"format":1,"event_types":[],"recoveries":[],"messages":[],"destinations":[{}]})").error().code, errc::corrupt);
  world w;
  w.add();
  w.emit();
  auto text = snapshot(w.live);
  for (std::size_t cut = 0; cut < text.size(); cut += 7)
    EXPECT_FALSE(restore(text.substr(0, cut)));
}

} // namespace
