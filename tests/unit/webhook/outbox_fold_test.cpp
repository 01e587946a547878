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

constexpr std::string_view destination_in_a_snapshot =
  R"({"id":"ep_1","uid":"","url":"http://a.test/","description":"","filter_types":[],"channels":[],"headers":[],"metadata":[],)"
  R"("secrets":[{"key":"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=","created_us":1}],"version":1,"disabled":false,"disabled_reason":"",)"
  R"("created_us":1,"updated_us":1})";

std::string snapshot_text(int format, const std::string& lane_members, const std::string& deliveries) {
  return R"({"format":)" + std::to_string(format) + R"(,"event_types":[],"recoveries":[],"messages":[[7,"msg_1","t",2],[8,"msg_2","t",2]],"destinations":[{"ordinal":3,"value":)" +
         std::string{destination_in_a_snapshot} + R"(,"delivered":4,"dead":1,"failed_in_a_row":2)" + lane_members + R"(,"deliveries":)" + deliveries + "}]}";
}

TEST(snapshots, of_format_1_are_read_without_guard_and_since) {
  auto s = restore(snapshot_text(1, "", R"([[7,2,1,0,true,false,0,500,0]])"));
  ASSERT_TRUE(s) << s.error().detail;
  EXPECT_EQ(s->counts("ep_1").delivered, 4U);
  auto view = s->pending("ep_1", 7);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->attempts, 2U);
  EXPECT_EQ(view->due, virtual_time{500});
  EXPECT_EQ(view->since, virtual_time{500});
  EXPECT_EQ(*s->guard("ep_1"), lane_guard{});
}

TEST(snapshots, of_format_2_are_read_with_what_holds_a_destination_and_how_old_a_message_is) {
  auto s = restore(snapshot_text(2, R"(,"backlog_told":1000,"guard":{"in_a_row":3,"failing_since_us":40,"failed_us":50,"held_us":600,"holds":1,"release":1})",
                                 R"([[7,2,1,0,true,false,0,500,0,false,100],[8,0,0,0,true,false,0,700,0]])"));
  ASSERT_TRUE(s) << s.error().detail;
  EXPECT_EQ(s->pending("ep_1", 7)->since, virtual_time{100});
  EXPECT_EQ(s->pending("ep_1", 8)->since, virtual_time{700});
  EXPECT_EQ(s->pending("ep_1", 7)->due, virtual_time{600}) << "held until then";
  lane_guard g;
  g.in_a_row = 3;
  g.failing_since = virtual_time{40};
  g.failed_us = 50;
  g.held_until = virtual_time{600};
  g.holds = g.release = 1;
  EXPECT_EQ(*s->guard("ep_1"), g);
}

TEST(snapshots, of_format_3_are_read_with_their_lines_and_what_holds_them) {
  auto s = restore(snapshot_text(3, R"(,"held":[["=b",5]])", R"([[7,1,1,0,true,false,0,500,0,false,100,"=a",100,7],[8,0,0,0,true,false,0,100,0,false,100,"=a",100,8]])"));
  ASSERT_TRUE(s) << s.error().detail;
  EXPECT_EQ(s->counts("ep_1").held_lines, 1U);
  EXPECT_FALSE(s->pending("ep_1", 7)->behind);
  EXPECT_TRUE(s->pending("ep_1", 8)->behind) << "though it is due before";
  EXPECT_EQ(next_due(*s), virtual_time{500});
  EXPECT_EQ(snapshot(*s), snapshot(*restore(snapshot(*s))));
  EXPECT_EQ(restore(snapshot_text(3, R"(,"held":[["=b"]])", "[]")).error().code, errc::corrupt);
  EXPECT_EQ(restore(snapshot_text(3, "", R"([[7,1,1,0,true,false,0,500,0,false,100,"=a"]])")).error().code, errc::corrupt);
}

TEST(snapshots, of_another_format_or_broken_are_refused) {
  EXPECT_EQ(restore("").error().code, errc::corrupt);
  EXPECT_EQ(restore("{}").error().code, errc::corrupt);
  EXPECT_EQ(restore(R"({"format":11})").error().code, errc::newer_format);
  EXPECT_TRUE(snapshot({}).starts_with(R"({"format":10,)")) << "9 knew none that goes alone, and would send it with others";
  EXPECT_EQ(restore(R"({"format":1,"event_types":[],"recoveries":[],"messages":[],"destinations":[{}]})").error().code, errc::corrupt);
  world w;
  w.add();
  w.emit();
  auto text = snapshot(w.live);
  for (std::size_t cut = 0; cut < text.size(); cut += 7)
    EXPECT_FALSE(restore(text.substr(0, cut)));
}

} // namespace
