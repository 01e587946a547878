#include "tests/unit/webhook/ordered.hpp"

#include <deque>
#include <map>
#include <random>

// Order: what belongs together goes one after the other, and all else beside it.

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;
using nlohmann::json;

constexpr const char* by_customer = R"({"key":"/payload/customer/id"})";

// -- what may be asked for ------------------------------------------------------------------------

TEST(ordering, is_refused_where_it_is_wrong) {
  auto where = [](const char* text) {
    auto made = ordering_policy::compile(json::parse(text));
    return made ? "taken" : made.error().where;
  };
  for (auto good : {R"("fifo")", R"({"key":true})", R"({"key":"/payload/a/0/b~1c"})", R"({"onDead":"hold"})", R"({"key":"/payload/a","onDead":"goOn"})"})
    EXPECT_EQ(where(good), "taken") << good;
  for (auto bad : {R"("lifo")", "{}", "1", "[]"})
    EXPECT_EQ(where(bad), "/ordering") << bad;
  for (auto bad : {R"({"key":""})", R"({"key":"/payload"})", R"({"key":"payload/a"})", R"({"key":"/payload/~2"})", R"({"key":"/payloads/a"})", R"({"key":false})", R"({"key":7})"})
    EXPECT_EQ(where(bad), "/ordering/key") << bad;
  EXPECT_EQ(where(R"({"onDead":"skip"})"), "/ordering/onDead");
  EXPECT_EQ(where(R"({"keys":"/payload/a"})"), "/ordering/keys");
}

TEST(ordering, says_that_a_pointer_is_too_long) {
  const auto made = ordering_policy::compile({{"key", "/payload/" + std::string(1'016, 'a')}});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().where, "/ordering/key");
  EXPECT_EQ(made.error().detail, "has more than 1024 bytes");
  EXPECT_TRUE(ordering_policy::compile({{"key", "/payload/" + std::string(1'015, 'a')}}));
}

TEST(ordering, no_pointer_throws_whatever_stands_in_a_payload) {
  const std::vector<std::string> none;
  auto line = [&none](const std::string& pointer, const char* payload) {
    return ordering_policy::compile({{"key", "/payload" + pointer}}).value().line_of("", {"t", {}, none, none, payload});
  };
  constexpr const char* list = R"({"items":[1,[2]]})";
  EXPECT_EQ(line("/items/0", list), "=1");
  EXPECT_EQ(line("/items/1/0", list), "=2");
  for (const auto* token : {"", "-", "00", "01", "+0", " 0", "0x", "x", "2", "18446744073709551616", "9999999999999999999999999", "0/0", "0/", "1/-", "~0", "~1"})
    EXPECT_EQ(line(std::string{"/items/"} + token, list), "") << token;
  EXPECT_EQ(line("/", R"({"":"e"})"), "=e");
  EXPECT_EQ(line("/a~0b/c~1d/01", R"({"a~b":{"c/d":{"01":true}}})"), "=true");
  EXPECT_EQ(line("/a/b", R"({"a":"b"})"), "");
  EXPECT_EQ(line("/~01", R"({"~1":"x"})"), "=x") << "each escape once";
}

TEST(ordering, a_line_is_named_by_the_key_that_is_given_or_by_what_stands_at_the_pointer) {
  const std::vector<std::string> none;
  auto line = [&none](const char* ordering, const char* key, const char* payload) {
    return ordering_policy::compile(json::parse(ordering)).value().line_of(key, {"t", {}, none, none, payload});
  };
  EXPECT_EQ(line(R"("fifo")", "k", "{}"), "/");
  EXPECT_EQ(line(R"({"onDead":"hold"})", "", "{}"), "/");
  EXPECT_EQ(line(R"({"key":true})", "k", "{}"), "=k");
  EXPECT_EQ(line(R"({"key":true})", "", R"({"k":1})"), "");
  EXPECT_EQ(line(by_customer, "", R"({"customer":{"id":"a"}})"), "=a");
  EXPECT_EQ(line(by_customer, "k", R"({"customer":{"id":"a"}})"), "=k") << "who emits knows better";
  EXPECT_EQ(line(by_customer, "", R"({"customer":{"id":7}})"), "=7");
  EXPECT_EQ(line(by_customer, "", R"({"customer":{"id":true}})"), "=true");
  for (auto none_there : {"{}", R"({"customer":null})", R"({"customer":{"id":null}})", R"({"customer":{"id":[1]}})", R"({"customer":[]})"})
    EXPECT_EQ(line(by_customer, "", none_there), "") << none_there;
  const auto longer = line(by_customer, "", json{{"customer", {{"id", std::string(10'000, 'x')}}}}.dump().c_str());
  EXPECT_EQ(longer.size(), 65U);
  EXPECT_NE(longer, line(by_customer, "", json{{"customer", {{"id", std::string(10'001, 'x')}}}}.dump().c_str()));
}

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

// -- the log ------------------------------------------------------------------------------------------

TEST(facts_of_lines, stand_in_the_log_only_where_there_is_an_order) {
  message_created m{"msg_1", "t", "", {}, {}, {"ep_1", "ep_2"}, "{}", 2};
  EXPECT_EQ(encode(m).payload, R"({"body_bytes":2,"id":"msg_1","event_type":"t","destinations":["ep_1","ep_2"],"body":{}})");
  m.ordering_key = "k";
  m.lines = {"", "=k"};
  EXPECT_EQ(encode(m).payload, R"({"body_bytes":2,"id":"msg_1","event_type":"t","ordering_key":"k","destinations":["ep_1","ep_2"],"lines":["","=k"],"body":{}})");
  auto back = std::get<message_created>(*decode(events::kind::message_created, encode(m).payload));
  EXPECT_EQ(back.lines, m.lines);
  EXPECT_EQ(back.ordering_key, "k");
  auto wrong = encode(m).payload;
  wrong.replace(wrong.find(R"("",)"), 3, "");
  EXPECT_EQ(decode(events::kind::message_created, wrong).error().where, "lines");
  EXPECT_EQ(encode(delivery_expired{"exp_1", {"msg_1", 7, "t", 2}, "ep_1", 3, "maximum age", {5}, true, false, true}).payload,
            R"({"id":"exp_1","message":"msg_1","message_seq":7,"event_type":"t","message_bytes":2,"destination":"ep_1","attempts":3,"reason":"maximum age","since_us":5,"was_dead":true,"line_held":true})");
  for (fact f : {fact{delivery_expired{"exp_1", {"msg_1", 7, "t", 2}, "ep_1", 3, "kept back", {5}, false, true}},
                 fact{resend_requested{{"msg_1", 7, "t", 2}, "ep_1", 3, true, false, "=k"}},
                 fact{recovery_progressed{"rcv_1", {{{"msg_1", 7, "t", 2}, 0, false, false, {}, "=k", virtual_time{9}}}, 9, 8, 7}}}) {
    auto draft = encode(f);
    auto again = decode(draft.kind, draft.payload);
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_EQ(encode(*again).payload, draft.payload);
  }
}

// -- whatever happens -----------------------------------------------------------------------------------

/// Random lives of destinations with every kind of order: no two of a line are ever under way together, and of each line what was emitted later arrives
/// or dies later, but for what a person or a recovery sends again.
class any_line : public testing::TestWithParam<std::uint64_t> {};

TEST_P(any_line, keeps_its_order_over_failures_and_restarts) {
  std::mt19937_64 random{GetParam()};
  auto draw = [&random](std::uint64_t below) { return random() % below; };
  world w;
  constexpr std::array<const char*, 3> orders{R"("fifo")", R"({"key":true})", R"({"key":"/payload/k"})"};
  std::map<std::string, std::string> order_of;
  for (const auto* text : orders) {
    destination d;
    d.ordering = ordering_policy::compile(json::parse(text)).value();
    d.schedule = std::vector<duration>(draw(4), 30s);
    d.in_flight = 1 + static_cast<std::uint32_t>(draw(8));
    if (draw(3) == 0)
      d.protection = protection_policy::compile(json::parse(R"({"breaker":{"failures":2,"probeAfter":10}})")).value();
    if (draw(3) == 0)
      d.retries = retry_policy::compile({{"maximumAge", 300}}).value();
    order_of[w.add(d)] = text;
  }
  std::vector<start> flying;
  std::map<std::pair<std::string, std::string>, events::seq> ended; // by destination and line, the last that did
  std::map<events::seq, std::pair<std::string, std::string>> key_of; // given, and in the payload
  auto line = [&](const std::string& d, events::seq m) {
    const auto& [given, inside] = key_of[m];
    if (order_of[d] == orders[0])
      return std::string{"/"};
    return !given.empty() ? "=" + given : order_of[d] == orders[2] ? "=" + inside : std::string{};
  };
  auto end = [&](const std::string& d, events::seq m) {
    if (line(d, m).empty())
      return;
    auto& last = ended[{d, line(d, m)}];
    EXPECT_GT(m, last) << "out of order";
    last = m;
  };
  auto take = [&] {
    for (const auto& e : w.expire())
      if (e.attempts > 0) // what never left may die in any order
        end(e.destination, e.message.seq);
    for (auto& s : w.take(1 + draw(4))) {
      for (const auto& f : flying)
        EXPECT_FALSE(f.destination == s.destination && s.in_line && line(f.destination, f.message->seq) == line(s.destination, s.message->seq)) << "two of a line at once";
      flying.push_back(std::move(s));
    }
  };
  auto answer_one = [&](bool works) {
    if (flying.empty())
      return;
    auto at = flying.begin() + static_cast<std::ptrdiff_t>(draw(flying.size()));
    auto r = answer(works || draw(2) == 0 ? 200 : 500);
    r.started_us = w.now.us;
    auto f = w.finish(at->token, std::move(r));
    if (f.follows != outcome_kind::retry)
      end(f.destination, f.message.seq);
    flying.erase(at);
  };
  auto compare = [&] {
    auto one = w.live, other = w.folded();
    auto ids = [&](outbox_state& of) {
      std::vector<std::pair<std::string, std::string>> out;
      if (!has_expired(of, w.now))
        for (const auto& s : take_due(of, w.now, 1'000))
          out.emplace_back(s.destination, s.message->id);
      std::sort(out.begin(), out.end()); // destinations take turns
      return out;
    };
    for (const auto& [m, key] : key_of)
      for (const auto& [d, text] : order_of) {
        const auto a = one.pending(d, m), b = other.pending(d, m);
        EXPECT_EQ(a && a->behind, b && b->behind);
      }
    EXPECT_EQ(ids(one), ids(other)) << "a restart changes what may go";
  };
  for (int i = 0; i < 600; ++i) {
    switch (draw(8)) {
      case 0:
      case 1: {
        const std::string inside(1, static_cast<char>('a' + draw(3)));
        create_message c{"t", {}, json{{"k", inside}}.dump(), {}, {}};
        if (draw(3) != 0)
          c.ordering_key = std::string(1, static_cast<char>('a' + draw(3)));
        w.must(c);
        key_of[w.log.size()] = {c.ordering_key, inside};
        break;
      }
      case 2: w.now = w.now + std::chrono::seconds{draw(60)}; break;
      case 3:
        if (draw(5) == 0)
          compare();
        if (draw(10) == 0) {
          w.live = draw(2) == 0 ? w.folded() : restore(snapshot(w.live)).value();
          flying.clear();
        }
        break;
      case 4:
      case 5: take(); break;
      default: answer_one(false);
    }
  }
  ASSERT_EQ(snapshot(w.live), snapshot(w.folded()));
  for (int i = 0; i < 10'000 && w.live.pending_count() > 0; ++i) {
    while (!flying.empty())
      answer_one(true);
    if (auto at = next_due(w.live))
      w.now = std::max(w.now, *at);
    take();
  }
  EXPECT_EQ(w.live.pending_count(), 0U) << "none waits for ever";
}

INSTANTIATE_TEST_SUITE_P(seeds, any_line, testing::Range<std::uint64_t>(1, 61));

} // namespace
