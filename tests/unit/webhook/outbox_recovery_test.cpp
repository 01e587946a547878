#include "tests/unit/webhook/world.hpp"

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;

struct dead_world : world {
  std::string ep;
  std::vector<message_ref> dead;

  explicit dead_world(int n) {
    auto d = to("http://a.test/");
    d.schedule = {{10s}};
    ep = add(d);
    for (int i = 0; i < n; ++i)
      dead.push_back(emit());
    for (int round = 0; round < 2; ++round) {
      for (auto& s : take())
        finish(s.token, answer(500));
      now = now + 1min;
    }
    EXPECT_EQ(live.counts(ep).dead, static_cast<std::uint64_t>(n));
  }

  std::string start() {
    must(start_recovery{ep, {0}, std::nullopt, recovery_scope::failed, {}});
    return live.recoveries().back()->what.id;
  }

  std::vector<recovery_item> items(std::size_t from, std::size_t to) const {
    std::vector<recovery_item> out;
    for (auto i = from; i < to; ++i)
      out.push_back({dead[i], 2, true});
    return out;
  }
};

TEST(recovery, of_what_had_arrived_moves_it_from_delivered_to_dead) {
  world w;
  auto ep = w.add(without_retries());
  auto m = w.emit();
  w.attempt(answer(200));
  auto r = w.run(start_recovery{ep, {0}, std::nullopt, recovery_scope::all, {}});
  ASSERT_TRUE(r);
  w.must(progress_recovery{std::get<recovery_started>(r->facts[0]).id, {{m, 1, false, true}}, m.seq, 1, true});
  auto back = restore(snapshot(w.live));
  ASSERT_TRUE(back);
  EXPECT_EQ(snapshot(*back), snapshot(w.live));
  EXPECT_EQ(back->counts(ep).delivered_again, 1U);
  EXPECT_EQ(w.attempt(answer(500)).follows, outcome_kind::dead);
  EXPECT_EQ(w.live.counts(ep).delivered, 0U);
  EXPECT_EQ(w.live.counts(ep).dead, 1U);
}

TEST(recovery, queues_page_by_page_and_tells_its_progress) {
  dead_world w(4);
  auto id = w.start();
  w.must(progress_recovery{id, w.items(0, 2), w.dead[1].seq, 5, false});
  const auto* r = w.live.find_recovery(id);
  EXPECT_EQ(r->seen, 5U);
  EXPECT_EQ(r->queued, 2U);
  EXPECT_EQ(r->cursor, w.dead[1].seq);
  EXPECT_EQ(r->state, recovery::phase::scanning);
  w.must(progress_recovery{id, w.items(2, 4), w.dead[3].seq, 2, true});
  EXPECT_EQ(w.live.find_recovery(id)->state, recovery::phase::finished);
  for (auto& s : w.take()) {
    EXPECT_EQ(s.why, trigger::recovery);
    EXPECT_EQ(s.number, 3U);
    w.finish(s.token, answer(200));
  }
  EXPECT_EQ(w.live.find_recovery(id)->delivered, 4U);
  EXPECT_EQ(w.live.counts(w.ep).dead, 0U);
}

TEST(recovery, follows_the_schedule_anew_and_a_letter_may_die_again) {
  dead_world w(1);
  auto id = w.start();
  w.must(progress_recovery{id, w.items(0, 1), w.dead[0].seq, 1, true});
  auto f = w.attempt(answer(500));
  EXPECT_EQ(f.follows, outcome_kind::retry);
  w.now = *f.next;
  EXPECT_EQ(w.attempt(answer(500)).follows, outcome_kind::dead);
  EXPECT_EQ(w.live.counts(w.ep).dead, 1U) << "counted once";
  EXPECT_EQ(w.live.find_recovery(id)->dead, 1U);
}

TEST(recovery, survives_a_restart_where_it_stood) {
  dead_world w(3);
  auto id = w.start();
  w.must(progress_recovery{id, w.items(0, 1), w.dead[0].seq, 1, false});
  auto again = w.folded();
  EXPECT_EQ(again.find_recovery(id)->cursor, w.dead[0].seq);
  EXPECT_EQ(again.find_recovery(id)->state, recovery::phase::scanning);
  EXPECT_EQ(take_due(again, w.now, 10).size(), 1U);
}

TEST(recovery, cancelled_takes_back_what_is_queued_and_the_letters_stay_dead) {
  dead_world w(3);
  auto id = w.start();
  w.must(progress_recovery{id, w.items(0, 3), w.dead[2].seq, 3, false});
  auto under_way = w.take(1);
  w.must(cancel_recovery{id});
  EXPECT_EQ(w.live.pending_count(), 0U);
  EXPECT_EQ(w.live.counts(w.ep).dead, 3U);
  auto f = w.finish(under_way[0].token, answer(200));
  EXPECT_EQ(f.follows, outcome_kind::delivered);
  EXPECT_TRUE(f.detached);
  EXPECT_EQ(w.live.counts(w.ep).dead, 2U) << "that one did arrive";
  EXPECT_EQ(snapshot(w.live), snapshot(w.folded()));
  EXPECT_EQ(w.refused(progress_recovery{id, {}, 9, 0, true}), errc::conflict);
  EXPECT_EQ(w.refused(cancel_recovery{id}), errc::conflict);
}

TEST(recovery, an_attempt_that_outlives_its_cancelled_recovery_does_not_touch_a_resend) {
  dead_world w(1);
  auto id = w.start();
  w.must(progress_recovery{id, w.items(0, 1), w.dead[0].seq, 1, true});
  auto old = w.take(1);
  w.must(cancel_recovery{id});
  w.must(resend{w.dead[0], w.ep, 2, true});
  EXPECT_EQ(w.finish(old[0].token, answer(500)).follows, outcome_kind::dropped);
  EXPECT_EQ(snapshot(w.live), snapshot(w.folded()));
  EXPECT_EQ(w.attempt(answer(200)).follows, outcome_kind::delivered);
  EXPECT_EQ(w.live.counts(w.ep).dead, 0U);
}

TEST(recovery, leaves_alone_what_is_on_its_way) {
  world w;
  auto ep = w.add();
  auto m = w.emit();
  auto f = w.attempt(answer(500));
  w.must(start_recovery{ep, {0}, std::nullopt, recovery_scope::all, {}});
  auto id = w.live.recoveries().back()->what.id;
  w.must(progress_recovery{id, {{m, 1, false}}, m.seq, 1, true});
  EXPECT_EQ(w.live.find_recovery(id)->queued, 0U);
  EXPECT_EQ(next_due(w.live), *f.next);
}

TEST(recovery, is_checked_before_it_starts) {
  world w;
  auto ep = w.add();
  EXPECT_EQ(w.refused(start_recovery{"ep_none", {0}, std::nullopt, recovery_scope::failed, {}}), errc::not_found);
  EXPECT_EQ(w.where_refused(start_recovery{ep, {10}, virtual_time{9}, recovery_scope::failed, {}}), "/until");
  EXPECT_EQ(w.where_refused(start_recovery{ep, {w.now.us + 1}, virtual_time{w.now.us + 2}, recovery_scope::failed, {}}), "/since");
  w.must(start_recovery{ep, {0}, std::nullopt, recovery_scope::failed, {}});
  EXPECT_EQ(w.refused(start_recovery{ep, {0}, std::nullopt, recovery_scope::failed, {}}), errc::conflict);
  EXPECT_EQ(w.refused(progress_recovery{"rcv_none", {}, 1, 1, true}), errc::not_found);
}

TEST(recovery, ends_with_its_destination) {
  dead_world w(1);
  auto id = w.start();
  w.must(remove_destination{w.ep});
  EXPECT_EQ(w.live.find_recovery(id)->state, recovery::phase::cancelled);
}

} // namespace
