#include "webhook/bodies_under_way.hpp"

#include "tests/unit/webhook/world.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;

// -- the rule ---------------------------------------------------------------------------

TEST(bodies_under_way, a_body_counts_once_however_many_destinations_it_goes_to) {
  bodies_under_way b;
  b.took(1, 60);
  b.took(1, 60);
  EXPECT_EQ(b.bytes(), 60U);
  EXPECT_EQ(b.room_for(1, 60, 0, false, 100), body_room::enough) << "it is there already";
  EXPECT_EQ(b.room_for(2, 60, 0, false, 100), body_room::for_nobody);
  EXPECT_FALSE(b.ended(1)) << "another still holds it";
  EXPECT_EQ(b.bytes(), 60U);
  EXPECT_TRUE(b.ended(1));
  EXPECT_EQ(b.bytes(), 0U);
  EXPECT_FALSE(b.ended(1)) << "nobody has it any more";
}

TEST(bodies_under_way, the_limit_itself_may_be_reached_and_not_passed) {
  bodies_under_way b;
  b.took(1, 60);
  EXPECT_EQ(b.room_for(2, 40, 0, false, 100), body_room::enough);
  EXPECT_EQ(b.room_for(2, 41, 0, false, 100), body_room::for_nobody);
  b.took(2, 40);
  EXPECT_EQ(b.room_for(3, 1, 0, false, 100), body_room::for_nobody);
  EXPECT_EQ(b.room_for(3, 0, 0, false, 100), body_room::enough) << "nothing takes no room";
}

TEST(bodies_under_way, one_that_is_larger_than_all_of_it_goes_alone) {
  bodies_under_way b;
  EXPECT_EQ(b.room_for(1, 500, 0, false, 100), body_room::enough);
  b.took(1, 500);
  EXPECT_EQ(b.room_for(2, 1, 0, false, 100), body_room::for_nobody);
  EXPECT_EQ(b.room_for(2, 1, 500, true, 100), body_room::not_for_it);
  EXPECT_TRUE(b.ended(1));
  EXPECT_EQ(b.room_for(2, 500, 0, false, 100), body_room::enough);
}

TEST(bodies_under_way, a_destination_takes_no_more_than_it_leaves) {
  bodies_under_way b;
  for (events::seq m = 1; m <= 5; ++m) {
    EXPECT_EQ(b.room_for(m, 10, 10 * (m - 1), m > 1, 100), body_room::enough) << m;
    b.took(m, 10);
  }
  EXPECT_EQ(b.room_for(6, 10, 50, true, 100), body_room::not_for_it) << "60 would leave 40";
  EXPECT_EQ(b.room_for(6, 10, 0, false, 100), body_room::enough) << "another has nothing yet";
  EXPECT_EQ(b.room_for(5, 10, 50, true, 100), body_room::not_for_it) << "also of what is there already: it would be held for longer";
  EXPECT_EQ(b.room_for(5, 10, 40, true, 100), body_room::enough);
}

// -- the outbox -------------------------------------------------------------------------

std::string body_of(std::size_t bytes) { return R"({"x":")" + std::string(bytes - 8, 'x') + "\"}"; }

destination wanting(const std::string& type) {
  auto d = to("http://" + type + ".test/");
  d.filter_types = {type};
  return d;
}

TEST(outbox_bytes, one_message_goes_to_all_of_a_thousand_destinations_at_once) {
  world w;
  for (int i = 0; i < 1000; ++i)
    w.add();
  w.emit("a", body_of(100));
  EXPECT_EQ(take_due(w.live, w.now, 5000, 100).size(), 1000U);
  EXPECT_EQ(w.live.bytes_under_way(), 100U);
}

TEST(outbox_bytes, what_waits_for_bytes_is_due_again_when_an_attempt_has_ended_and_not_before) {
  world w;
  w.add(wanting("a")), w.add(wanting("b"));
  w.emit("a", body_of(80)), w.emit("b", body_of(80));
  const auto first = take_due(w.live, w.now, 10, 100);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(next_due(w.live), std::nullopt) << "nobody needs to look again before";
  EXPECT_TRUE(take_due(w.live, w.now, 10, 100).empty());
  w.finish(first[0].token, answer(200));
  EXPECT_EQ(next_due(w.live), w.now);
  const auto second = take_due(w.live, w.now, 10, 100);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_NE(second[0].message->seq, first[0].message->seq);
  give_back(w.live, second[0].token);
  EXPECT_EQ(w.live.bytes_under_way(), 0U);
  EXPECT_EQ(take_due(w.live, w.now, 10, 100).size(), 1U) << "given back, it frees its bytes too";
}

TEST(outbox_bytes, small_ones_do_not_keep_a_large_one_waiting_for_ever) {
  world w;
  for (auto type : {"a", "b", "c"})
    w.add(wanting(type));
  w.emit("a", body_of(60));
  w.emit("b", body_of(90));
  w.emit("c", body_of(10));
  const auto first = take_due(w.live, w.now, 10, 100);
  ASSERT_EQ(first.size(), 1U) << "the turn is the large one's, and the small one waits behind it";
  EXPECT_EQ(first[0].message->body_bytes, 60U);
  w.finish(first[0].token, answer(200));
  const auto second = take_due(w.live, w.now, 10, 100);
  ASSERT_EQ(second.size(), 2U);
  EXPECT_EQ(second[0].message->body_bytes, 90U);
}

TEST(outbox_bytes, one_destination_that_hangs_leaves_bytes_to_the_others) {
  world w;
  const auto hanging = w.add(wanting("hang"));
  w.add(wanting("ok"));
  for (int i = 0; i < 20; ++i)
    w.emit("hang", body_of(10));
  auto held = take_due(w.live, w.now, 100, 100);
  EXPECT_EQ(held.size(), 5U) << "half of it";
  EXPECT_EQ(next_due(w.live), std::nullopt);
  for (int i = 0; i < 20; ++i) {
    w.emit("ok", body_of(10));
    const auto due = take_due(w.live, w.now, 100, 100);
    ASSERT_EQ(due.size(), 1U) << i;
    EXPECT_NE(due[0].destination, hanging);
    w.finish(due[0].token, answer(200));
  }
  w.finish(held[0].token, answer(200));
  EXPECT_EQ(take_due(w.live, w.now, 100, 100).size(), 1U) << "it goes on with its own";
}

TEST(outbox_bytes, one_that_hangs_among_those_that_take_the_same_messages_leaves_them_bytes_too) {
  world w;
  const auto hanging = w.add(), healthy = w.add();
  std::set<events::seq> arrived;
  for (int i = 0; i < 40; ++i)
    w.emit("a", body_of(10));
  for (int round = 0; round < 200; ++round)
    for (const auto& s : take_due(w.live, w.now, 100, 100)) {
      EXPECT_LE(w.live.bytes_under_way(), 100U);
      if (s.destination == healthy) {
        w.finish(s.token, answer(200));
        arrived.insert(s.message->seq);
      }
    }
  EXPECT_EQ(arrived.size(), 40U);
  EXPECT_LE(w.live.counts(hanging).in_flight, 5U);
}

TEST(outbox_bytes, a_destination_that_is_removed_while_it_waits_for_bytes_leaves_nothing_behind) {
  world w;
  const auto a = w.add(wanting("a"));
  w.add(wanting("b"));
  for (int i = 0; i < 8; ++i)
    w.emit("a", body_of(20));
  const auto held = take_due(w.live, w.now, 100, 100);
  ASSERT_GE(held.size(), 2U);
  w.must(remove_destination{a});
  w.emit("b", body_of(20));
  const auto other = take_due(w.live, w.now, 100, 100);
  ASSERT_EQ(other.size(), 1U);
  for (const auto& s : held)
    w.finish(s.token, answer(200));
  EXPECT_EQ(w.live.bytes_under_way(), 20U);
  w.finish(other[0].token, answer(200));
  EXPECT_EQ(w.live.bytes_under_way(), 0U);
}

TEST(outbox_bytes, a_copy_has_nothing_under_way) {
  world w;
  w.add();
  for (int i = 0; i < 10; ++i)
    w.emit("a", body_of(20));
  ASSERT_EQ(take_due(w.live, w.now, 100, 100).size(), 2U);
  auto fork = w.live;
  EXPECT_EQ(fork.bytes_under_way(), 0U);
  EXPECT_EQ(take_due(fork, w.now, 100, 100).size(), 2U);
}

// Whatever comes, ends and fails in whatever order: the bound holds, a line keeps its order, and all arrives.
TEST(outbox_bytes, never_more_than_the_bound_is_under_way_and_all_arrives_in_its_order) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 draw{seed};
    auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>{0, n - 1}(draw); };
    world w;
    std::map<std::string, std::vector<events::seq>> arrived;
    std::string in_order;
    for (int i = 0; i < 12; ++i) {
      auto d = to("http://receiver.test/");
      if (i == 0)
        d.ordering = ordering_policy::compile("fifo").value();
      auto id = w.add(d);
      arrived[id];
      if (i == 0)
        in_order = id;
    }
    std::vector<events::seq> emitted;
    for (int i = 0; i < 60; ++i)
      emitted.push_back(w.emit("a", body_of(8 + below(300))).seq);
    std::vector<start> flying;
    std::map<events::seq, std::size_t> holders;
    std::uint64_t bytes = 0;
    for (int idle = 0; idle < 2;) {
      for (auto& s : take_due(w.live, w.now, 1 + below(8), 1000)) {
        if (holders[s.message->seq]++ == 0)
          bytes += s.message->body_bytes;
        flying.push_back(std::move(s));
      }
      ASSERT_LE(bytes, 1000U) << seed;
      ASSERT_EQ(bytes, w.live.bytes_under_way()) << seed;
      if (flying.empty()) {
        ++idle;
        w.now.us += std::chrono::microseconds{72h}.count(); // what failed is due again
        continue;
      }
      idle = 0;
      const auto i = below(flying.size());
      auto s = std::move(flying[i]);
      flying.erase(flying.begin() + static_cast<std::ptrdiff_t>(i));
      if (--holders[s.message->seq] == 0)
        bytes -= s.message->body_bytes;
      switch (below(10)) {
      case 0: w.finish(s.token, answer(500)); break;
      case 1: give_back(w.live, s.token); break;
      default:
        w.finish(s.token, answer(200));
        arrived[s.destination].push_back(s.message->seq);
      }
    }
    EXPECT_EQ(w.live.bytes_under_way(), 0U) << seed;
    for (auto& [id, came] : arrived) {
      if (id == in_order) {
        EXPECT_EQ(came, emitted) << seed;
      }
      std::sort(came.begin(), came.end());
      EXPECT_EQ(came, emitted) << seed << " " << id;
    }
  }
}

} // namespace
