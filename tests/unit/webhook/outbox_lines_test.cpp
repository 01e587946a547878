#include "tests/unit/webhook/ordered.hpp"

// Order: what belongs together goes one after the other, and all else beside it.

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;
using nlohmann::json;

TEST_F(lines, a_key_of_a_message_is_bounded) {
  id = add();
  create_message c{"t", {}, "{}", {}, {}};
  c.ordering_key = std::string(257, 'k');
  EXPECT_EQ(where_refused(c), "/orderingKey");
  c.ordering_key = "\xff";
  EXPECT_EQ(where_refused(c), "/orderingKey");
}

// -- one line ---------------------------------------------------------------------------------------

TEST_F(lines, the_next_leaves_when_the_one_before_has_arrived_and_not_before) {
  ordered(R"("fifo")");
  auto a = emit(), b = emit(), c = emit();
  auto first = take();
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].message->id, a.id);
  EXPECT_TRUE(first[0].in_line);
  EXPECT_TRUE(take().empty()) << "however many may be under way";
  (void)finish(first[0].token, answer(200));
  EXPECT_EQ(go(), ids({b}));
  EXPECT_EQ(go(), ids({c}));
}

TEST_F(lines, the_next_waits_through_all_retries_of_the_one_before) {
  ordered(R"("fifo")");
  auto a = emit(), b = emit();
  EXPECT_EQ(go(500), ids({a}));
  EXPECT_TRUE(take().empty());
  EXPECT_TRUE(live.pending(id, b.seq)->behind);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(next(answer(500)).message.id, a.id);
    restart();
    EXPECT_TRUE(take_due(live, now, 10).empty()) << "a restart changes nothing";
  }
  EXPECT_EQ(next(answer(200)).message.id, a.id);
  EXPECT_EQ(go(), ids({b}));
}

TEST_F(lines, behind_a_dead_letter_it_goes_on) {
  ordered(R"("fifo")", std::vector<duration>{});
  auto a = emit(), b = emit();
  EXPECT_EQ(go(500), ids({a}));
  EXPECT_EQ(go(200), ids({b}));
}

TEST_F(lines, behind_a_dead_letter_it_waits_until_that_was_delivered_if_asked_for) {
  ordered(R"({"onDead":"hold"})", std::vector<duration>{});
  auto a = emit(), b = emit(), c = emit();
  EXPECT_EQ(go(500), ids({a}));
  EXPECT_EQ(live.counts(id).held_lines, 1U);
  restart();
  now = now + 24h;
  EXPECT_TRUE(take().empty());
  EXPECT_EQ(next_due(live), std::nullopt);
  must(resend{a, id, 1, true});
  EXPECT_EQ(go(500), ids({a})) << "the letter, and nothing else";
  EXPECT_TRUE(take().empty()) << "it is dead still";
  restart();
  must(resend{a, id, 2, true});
  EXPECT_EQ(go(200), ids({a}));
  EXPECT_EQ(live.counts(id).held_lines, 0U);
  EXPECT_EQ(go(200), ids({b}));
  EXPECT_EQ(go(200), ids({c}));
}

TEST_F(lines, a_recovery_of_the_dead_letter_lets_them_go_on_too) {
  ordered(R"({"onDead":"hold"})", std::vector<duration>{});
  auto a = emit(), b = emit();
  EXPECT_EQ(go(500), ids({a}));
  must(start_recovery{id, {0}, std::nullopt, recovery_scope::failed, {}});
  must(progress_recovery{live.recoveries().back()->what.id, {{a, 1, true, false, {}, "/"}}, b.seq, 2, true});
  EXPECT_EQ(go(200), ids({a}));
  EXPECT_EQ(go(200), ids({b}));
}

TEST_F(lines, a_person_lets_all_go_on_by_asking_for_another_order) {
  ordered(R"({"onDead":"hold"})", std::vector<duration>{});
  auto a = emit(), b = emit(), c = emit();
  EXPECT_EQ(go(500), ids({a}));
  must(patch_destination{.id = id, .ordering = ordering_policy::compile("fifo").value()});
  EXPECT_EQ(go(), ids({b})) << "still one after the other";
  must(patch_destination{.id = id, .ordering = ordering_policy{}});
  EXPECT_EQ(go(), ids({c}));
  auto d = emit(), e = emit();
  EXPECT_EQ(go(), ids({d, e})) << "what comes now stands in no line";
}

TEST_F(lines, a_redelivery_by_hand_overtakes_nobody) {
  ordered(R"("fifo")");
  auto old = emit();
  EXPECT_EQ(go(), ids({old}));
  auto a = emit(), b = emit();
  EXPECT_EQ(go(500), ids({a}));
  must(resend{b, id});
  must(resend{old, id, 1, false, true});
  EXPECT_TRUE(take().empty()) << "neither what waits behind, nor what had its turn";
  now = now + 2min;
  EXPECT_EQ(go(), ids({a}));
  EXPECT_EQ(go(), ids({b})) << "asked for and due at once: one attempt, and it is not tried again after it";
  EXPECT_EQ(go(), ids({old}));
  EXPECT_EQ(live.pending_count(), 0U);
}

TEST_F(lines, a_person_may_send_the_first_again_at_once) {
  ordered(R"("fifo")");
  auto a = emit(), b = emit();
  EXPECT_EQ(go(500), ids({a}));
  must(resend{a, id});
  EXPECT_EQ(go(200), ids({a}));
  EXPECT_EQ(go(200), ids({b}));
}

TEST_F(lines, a_message_for_later_holds_up_nobody_and_takes_its_place_then) {
  ordered(R"("fifo")");
  must(create_message{"t", {}, "{}", {}, {}, now + 1h});
  const auto later = std::get<message_created>(*decode(log.back().first.kind, log.back().second)).id;
  auto b = emit();
  EXPECT_EQ(go(), ids({b}));
  now = now + 59min;
  auto c = emit();
  EXPECT_EQ(go(500), ids({c}));
  now = now + 2min;
  auto d = emit();
  EXPECT_EQ(go(), ids({c}));
  EXPECT_EQ(go(), std::vector{later});
  EXPECT_EQ(go(), ids({d}));
}

TEST_F(lines, on_a_clock_that_stands_order_is_the_order_of_the_log) {
  ordered(R"("fifo")");
  std::vector<std::string> want, got;
  for (int i = 0; i < 20; ++i)
    want.push_back(emit().id);
  for (auto some = go(); !some.empty(); some = go())
    got.insert(got.end(), some.begin(), some.end());
  EXPECT_EQ(got, want);
}

TEST_F(lines, keep_their_order_when_the_clock_goes_back) {
  ordered(R"("fifo")");
  auto a = emit();
  now = now + 1h;
  auto b = emit();
  auto first = take();
  decision d;
  d.facts.emplace_back(deliveries_moved{-duration{24h}.count()});
  d.drafts.push_back(encode(d.facts[0]));
  now = now + -24h;
  write(d);
  auto c = emit();
  EXPECT_TRUE(take().empty()) << "the first is under way still";
  (void)finish(first[0].token, answer(200));
  EXPECT_EQ(first[0].message->id, a.id);
  EXPECT_EQ(go(), ids({b}));
  EXPECT_EQ(go(), ids({c}));
}

// -- by key -----------------------------------------------------------------------------------------

TEST_F(lines, of_unrelated_keys_go_side_by_side) {
  ordered(by_customer);
  auto a1 = of("a"), a2 = of("a"), b1 = of("b"), b2 = of("b"), none = emit("t", "{}"), none2 = emit("t", "{}");
  EXPECT_EQ(go(500), ids({a1, b1, none, none2})) << "what has no key stands in no line";
  EXPECT_TRUE(take().empty());
  must(resend{b1, id});
  EXPECT_EQ(go(), ids({b1}));
  EXPECT_EQ(go(), ids({b2})) << "a waits for its own retry alone";
  now = now + 2min;
  auto rest = go(); // each with a jitter of its own
  std::sort(rest.begin(), rest.end());
  auto want = ids({a1, none, none2});
  std::sort(want.begin(), want.end());
  EXPECT_EQ(rest, want);
  EXPECT_EQ(go(), ids({a2}));
}

TEST_F(lines, by_the_key_that_a_message_brings_along_differ_by_destination) {
  const auto fifo = ordered(R"("fifo")");
  const auto by_key = ordered(R"({"key":true})");
  const auto free = add();
  keyed("a"), keyed("a"), keyed("b");
  std::map<std::string, int> sent;
  for (auto& s : take())
    ++sent[s.destination];
  EXPECT_EQ(sent[fifo], 1);
  EXPECT_EQ(sent[by_key], 2);
  EXPECT_EQ(sent[free], 3);
}

TEST_F(lines, a_dead_letter_holds_its_own_line_alone) {
  ordered(R"({"key":"/payload/customer/id","onDead":"hold"})", std::vector<duration>{});
  auto a1 = of("a"), a2 = of("a"), b1 = of("b"), b2 = of("b");
  for (auto& s : take())
    (void)finish(s.token, answer(s.message->id == a1.id ? 500 : 200));
  EXPECT_EQ(go(), ids({b2}));
  EXPECT_EQ(live.pending_count(), 1U);
  (void)a2, (void)b1;
}

TEST_F(lines, too_many_that_are_held_disable_the_destination) {
  ordered(R"({"key":true,"onDead":"hold"})", std::vector<duration>{});
  for (std::size_t i = 0; i < lines_held_most; ++i)
    keyed(std::to_string(i));
  keyed("one more");
  while (!disabled()) {
    auto some = take();
    ASSERT_FALSE(some.empty());
    for (auto& s : some)
      (void)finish(s.token, answer(500));
  }
  EXPECT_LE(live.counts(id).held_lines, lines_held_most + 64) << "and those that were under way";
  EXPECT_TRUE(live.find(id)->disabled_reason.ends_with("lines are held by dead letters"));
  EXPECT_TRUE(take().empty());
}

// -- beside the rest --------------------------------------------------------------------------------

TEST_F(lines, hold_up_no_other_destination) {
  const auto other = add();
  ordered(R"("fifo")");
  emit(), emit(), emit();
  std::size_t elsewhere = 0;
  for (auto& s : take())
    elsewhere += s.destination == other ? 1 : 0;
  EXPECT_EQ(elsewhere, 3U);
}

TEST_F(lines, what_stands_behind_grows_old_too) {
  ordered(R"("fifo")");
  must(patch_destination{.id = id, .retries = retry_policy::compile({{"maximumAge", 600}}).value()});
  auto a = emit();
  EXPECT_EQ(go(500), ids({a}));
  auto b = emit();
  now = now + 10min;
  EXPECT_EQ(expire().size(), 2U);
  auto c = emit();
  EXPECT_EQ(go(), ids({c}));
  (void)b;
}

TEST_F(lines, where_dead_letters_hold_only_the_first_dies_of_age) {
  ordered(R"({"onDead":"hold"})");
  must(patch_destination{.id = id, .retries = retry_policy::compile({{"maximumAge", 600}}).value()});
  auto a = emit(), b = emit();
  EXPECT_EQ(go(500), ids({a}));
  now = now + 24h;
  auto dead = expire();
  ASSERT_EQ(dead.size(), 1U);
  EXPECT_TRUE(dead[0].line_held);
  EXPECT_TRUE(take().empty());
  must(resend{a, id, 1, true});
  EXPECT_EQ(go(), ids({a}));
  EXPECT_EQ(expire().size(), 1U) << "then it is b's turn, which is far too old";
  EXPECT_EQ(live.counts(id).held_lines, 1U);
  (void)b;
}

TEST_F(lines, what_was_missed_while_disabled_goes_before_what_came_since) {
  destination d;
  d.ordering = ordering_policy::compile("fifo").value();
  d.protection = protection_policy::compile(json::parse(disables_soon)).value();
  d.schedule = std::vector<duration>(5, 60s);
  id = add(d);
  auto probe = emit();
  EXPECT_EQ(go(500), ids({probe}));
  ASSERT_TRUE(disabled());
  const auto at = now;
  auto missed = emit();
  (void)next(answer(200));
  ASSERT_FALSE(disabled());
  auto since = emit();
  EXPECT_TRUE(take().empty()) << "until it is known what was missed";
  restart();
  EXPECT_TRUE(take().empty());
  recovery_item item{missed, 0, false, false};
  item.line = "/";
  item.place = at;
  must(progress_recovery{live.recoveries().back()->what.id, {item}, missed.seq, 1, true});
  EXPECT_EQ(go(), ids({missed}));
  EXPECT_EQ(go(), ids({since}));
}

} // namespace
