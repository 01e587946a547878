#include "tests/unit/webhook/world.hpp"
#include "webhook/views.hpp"

#include "events/limits.hpp"

#include <nlohmann/json.hpp>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;

/// One message that failed, for good.
struct dead_letter : world {
  std::string ep = add(without_retries());
  message_ref m = emit();

  dead_letter() { EXPECT_EQ(attempt(answer(500)).follows, outcome_kind::dead); }
};

TEST(resend, that_would_be_one_delivery_too_many_is_refused) {
  world w;
  auto d = w.add();
  auto gone = w.emit();
  w.attempt(answer(200));
  auto waits = w.emit();
  EXPECT_TRUE(w.ask(resend{gone, d, 1, false}, 2));
  EXPECT_EQ(w.ask(resend{gone, d, 1, false}, 1).error().code, errc::overloaded);
  EXPECT_TRUE(w.ask(resend{waits, d, 0, false}, 1)) << "it is counted already";
}

TEST(resend, a_dead_letter_that_is_delivered_leaves_the_count) {
  dead_letter w;
  ASSERT_EQ(w.live.counts(w.ep).dead, 1U);
  w.must(resend{w.m, w.ep, 1, true});
  auto f = w.attempt(answer(200));
  EXPECT_EQ(f.number, 2U);
  EXPECT_EQ(f.why, trigger::manual);
  EXPECT_EQ(f.message.id, w.m.id);
  EXPECT_EQ(w.live.counts(w.ep).dead, 0U);
  EXPECT_EQ(w.live.pending_count(), 0U);
}

TEST(resend, what_has_arrived_is_counted_once_however_often_it_is_sent) {
  world w;
  auto ep = w.add(to("http://a.test/"));
  auto m = w.emit();
  w.attempt(answer(200));
  w.must(resend{m, ep, 1, false, true});
  auto stats = [&] { return nlohmann::json::parse(views::endpoint_stats(w.live.counts(ep))); };
  EXPECT_EQ(stats()["success"], 0) << "each message once, as it stands now";
  EXPECT_EQ(stats()["pending"], 1);
  w.must(resend{m, ep, 1, false, true}); // twice by hand
  w.attempt(answer(200));
  w.attempt(answer(200));
  EXPECT_EQ(w.live.counts(ep).delivered, 1U);
  w.must(resend{m, ep, 3, false, true});
  EXPECT_EQ(w.attempt(answer(500)).follows, outcome_kind::failed);
  EXPECT_EQ(w.live.counts(ep).delivered, 1U) << "a resend that fails takes nothing away";
  EXPECT_EQ(stats()["success"], 1);
  EXPECT_EQ(snapshot(w.live), snapshot(w.folded()));
}

TEST(resend, that_fails_is_not_tried_again_and_the_letter_stays_dead) {
  dead_letter w;
  w.must(resend{w.m, w.ep, 1, true});
  EXPECT_EQ(w.attempt(answer(500)).follows, outcome_kind::failed);
  EXPECT_EQ(w.live.counts(w.ep).dead, 1U);
  EXPECT_EQ(w.live.pending_count(), 0U);
}

TEST(resend, of_a_pending_message_goes_now_and_success_clears_the_schedule) {
  world w;
  auto ep = w.add();
  auto m = w.emit();
  w.attempt(answer(500));
  w.must(resend{m, ep, 1, false});
  auto f = w.attempt(answer(200));
  EXPECT_EQ(f.why, trigger::manual);
  EXPECT_EQ(f.number, 2U);
  EXPECT_EQ(w.live.pending_count(), 0U);
  EXPECT_EQ(next_due(w.live), std::nullopt);
}

TEST(resend, that_fails_leaves_the_pending_schedule_as_it_was) {
  world w;
  auto ep = w.add();
  auto m = w.emit();
  auto first = w.attempt(answer(500));
  w.must(resend{m, ep, 1, false});
  w.attempt(answer(500));
  EXPECT_EQ(next_due(w.live), *first.next);
  w.now = *first.next;
  auto f = w.attempt(answer(500));
  EXPECT_EQ(f.number, 3U);
  EXPECT_EQ(f.why, trigger::schedule);
  EXPECT_NEAR(static_cast<double>(f.next->us - w.now.us), 300e6, 60e6) << "the second delay of the schedule, not the third";
}

TEST(resend, asked_for_twice_is_made_twice) {
  world w;
  auto ep = w.add();
  auto m = w.emit();
  w.attempt(answer(200));
  w.must(resend{m, ep, 1, false});
  w.must(resend{m, ep, 1, false});
  EXPECT_EQ(w.attempt(answer(200)).number, 2U);
  EXPECT_EQ(w.attempt(answer(200)).number, 3U);
  EXPECT_EQ(w.live.pending_count(), 0U);
}

TEST(resend, asked_for_while_an_attempt_is_under_way_follows_it) {
  world w;
  auto ep = w.add();
  auto m = w.emit();
  auto due = w.take();
  w.must(resend{m, ep, 0, false});
  EXPECT_TRUE(w.take().empty());
  w.finish(due[0].token, answer(200));
  auto f = w.attempt(answer(200));
  EXPECT_EQ(f.why, trigger::manual);
  EXPECT_EQ(f.number, 2U);
}

TEST(resend, to_a_destination_or_of_a_message_that_is_not_there_is_refused) {
  world w;
  auto ep = w.add();
  auto m = w.emit();
  EXPECT_EQ(w.refused(resend{m, "ep_none", 1, false}), errc::not_found);
  EXPECT_EQ(w.refused(resend{{}, ep, 1, false}), errc::not_found);
}

TEST(resend, has_limits_and_wants_the_destination_enabled) {
  world w;
  auto ep = w.add();
  auto m = w.emit();
  w.attempt(answer(200));
  EXPECT_EQ(w.refused(resend{m, ep, limits::attempts_per_message, false}), errc::conflict);
  for (int i = 0; i < 10; ++i)
    w.must(resend{m, ep, 1, false});
  EXPECT_EQ(w.refused(resend{m, ep, 1, false}), errc::conflict);
  w.must(switch_off(ep, true));
  EXPECT_EQ(w.refused(resend{m, ep, 1, false}), errc::conflict);
}

} // namespace
