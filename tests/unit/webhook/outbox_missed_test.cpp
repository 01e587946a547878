#include "tests/unit/webhook/ordered.hpp"

#include "webhook/outbox_impl.hpp"

#include <random>

// Order beside what holds a destination back: outages, dead letters, recoveries.

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;
using nlohmann::json;

struct missed : lines {
  void probed(const char* ordering) {
    destination d;
    d.ordering = ordering_policy::compile(json::parse(ordering)).value();
    d.protection = protection_policy::compile(json::parse(disables_soon)).value();
    d.schedule = std::vector<duration>(5, 60s);
    id = add(d);
  }
  /// What the log says was not queued, as `read_recovery_page` gives it.
  void read(const recovery& r) {
    progress_recovery page{r.what.id, {}, r.started_seq, 0, true};
    for (auto seq = r.what.after + 1; seq < r.started_seq; ++seq) {
      const auto& [h, payload] = log[seq - 1];
      if (h.kind != events::kind::message_created)
        continue;
      const auto m = std::get<message_created>(*decode(h.kind, payload));
      ++page.seen;
      if (!m.destinations.empty())
        continue;
      recovery_item item{{m.id, seq, m.event_type, m.body_bytes}, 0, false, false};
      item.line = live.find(id)->ordering.line_of(m.ordering_key, {m.event_type, {}, none_, none_, m.body});
      item.place = moved_by(h.virtual_, moved_since(seq));
      page.items.push_back(item);
    }
    must(page);
  }
  recovery_item missing(const message_ref& m) const { return {m, 0, false, false, {}, "/", log[m.seq - 1].first.virtual_}; }
  std::int64_t moved_since(events::seq seq) const {
    std::int64_t out = 0;
    for (auto i = seq; i < log.size(); ++i)
      if (log[i].first.kind == events::kind::deliveries_moved)
        out += std::get<deliveries_moved>(*decode(log[i].first.kind, log[i].second)).by_us;
    return out;
  }
  void clock_goes_back(duration by) {
    decision d;
    d.facts.emplace_back(deliveries_moved{-by.count()});
    d.drafts.push_back(encode(d.facts[0]));
    now = now + -by;
    write(d);
  }
  std::vector<std::string> all() {
    std::vector<std::string> out;
    for (auto some = go(); !some.empty(); some = go())
      out.insert(out.end(), some.begin(), some.end());
    return out;
  }
  /// The next probe, taken and not answered.
  fencing_token probe() {
    now = std::max(now, next_due(live).value());
    auto taken = take();
    EXPECT_EQ(taken.size(), 1U);
    return taken.empty() ? 0 : taken[0].token;
  }
  const std::vector<std::string> none_;
};

TEST_F(missed, what_came_while_a_probe_was_under_way_does_not_overtake_what_was_stored_before) {
  probed(R"("fifo")");
  auto m1 = emit();
  EXPECT_EQ(go(500), ids({m1}));
  ASSERT_TRUE(disabled());
  auto m2 = emit();
  const auto under_way = probe();
  auto m3 = emit();
  (void)finish(under_way, answer(200));
  ASSERT_FALSE(disabled());
  auto m4 = emit();
  EXPECT_TRUE(take().empty()) << "until it is known what was missed";
  read(*live.recoveries().back());
  EXPECT_EQ(all(), ids({m2, m3, m4}));
}

TEST_F(missed, with_two_outages_the_first_that_is_not_read_yet_keeps_the_rest_back) {
  probed(R"({"key":true})");
  auto probe1 = emit();
  EXPECT_EQ(go(500), ids({probe1}));
  auto m1 = keyed("a");
  (void)finish(probe(), answer(200));
  ASSERT_FALSE(disabled());
  auto m2 = keyed("a"), probe2 = emit();
  EXPECT_EQ(go(500), ids({probe2}));
  ASSERT_TRUE(disabled());
  auto m3 = keyed("a");
  (void)finish(probe(), answer(200));
  ASSERT_EQ(live.recoveries().size(), 2U);
  auto m4 = keyed("a");
  EXPECT_TRUE(take().empty());
  restart();
  EXPECT_TRUE(take().empty());
  read(*live.recoveries()[0]);
  EXPECT_EQ(all(), ids({m1, m2})) << "what was missed later is not known";
  read(*live.recoveries()[1]);
  EXPECT_EQ(all(), ids({m3, m4}));
}

TEST_F(missed, however_much_waits_for_it_the_recovery_has_room_and_goes_before) {
  probed(R"("fifo")");
  auto first = emit();
  EXPECT_EQ(go(500), ids({first}));
  auto lost = emit();
  (void)finish(probe(), answer(200));
  auto next = emit();
  for (int i = 0; i < 5'100; ++i)
    emit();
  EXPECT_TRUE(take().empty());
  EXPECT_TRUE(live.room_for_recovery(id));
  live = restore(snapshot(live)).value();
  EXPECT_TRUE(take().empty()) << "a restart changes nothing";
  read(*live.recoveries().back());
  EXPECT_EQ(go(), ids({lost}));
  EXPECT_EQ(go(), ids({next}));
}

TEST_F(missed, where_a_dead_letter_holds_all_there_is_nothing_to_probe_with_and_nothing_is_queued) {
  probed(R"({"onDead":"hold"})");
  must(patch_destination{.id = id, .schedule = std::vector<duration>{}});
  auto letter = emit(), behind = emit();
  EXPECT_EQ(go(500), ids({letter}));
  ASSERT_TRUE(disabled());
  ASSERT_EQ(live.counts(id).held_lines, 1U);
  for (int i = 0; i < 10; ++i)
    emit();
  EXPECT_EQ(live.pending_count(), 1U) << "stored";
  must(resend{letter, id, 1, true});
  EXPECT_EQ(go(200), ids({letter}));
  EXPECT_EQ(live.counts(id).held_lines, 0U);
  now = now + 24h;
  EXPECT_EQ(go(200), ids({behind})) << "which is what it is probed with from now on";
  EXPECT_FALSE(disabled());
}

TEST_F(missed, a_dead_letter_among_what_was_missed_can_be_sent_again_while_the_rest_is_still_looked_for) {
  probed(R"({"onDead":"hold"})");
  auto first = emit();
  EXPECT_EQ(go(500), ids({first}));
  ASSERT_TRUE(disabled());
  auto letter = emit(), second = emit(), third = emit();
  (void)finish(probe(), answer(200));
  ASSERT_FALSE(disabled());
  auto live_one = emit();
  const auto recovery = live.recoveries().back()->what.id;
  must(progress_recovery{recovery, {missing(letter), missing(second)}, second.seq, 2, false});
  must(patch_destination{.id = id, .protection = protection_policy{}, .schedule = std::vector<duration>{}});
  EXPECT_EQ(go(500), ids({letter}));
  ASSERT_EQ(live.counts(id).held_lines, 1U);
  restart();
  EXPECT_TRUE(take().empty());
  must(resend{letter, id, 1, true});
  EXPECT_EQ(go(), ids({letter})) << "the recovery may have no room before it has gone";
  EXPECT_EQ(go(), ids({second}));
  EXPECT_TRUE(take().empty()) << "what came since waits for what was missed";
  must(progress_recovery{recovery, {missing(third)}, third.seq, 1, true});
  EXPECT_EQ(all(), ids({third, live_one}));
}

TEST_F(missed, another_key_lets_what_was_held_go_on) {
  ordered(R"({"key":true,"onDead":"hold"})", std::vector<duration>{});
  auto a = keyed("a"), b = keyed("a");
  EXPECT_EQ(go(500), ids({a}));
  EXPECT_TRUE(take().empty());
  must(patch_destination{.id = id, .ordering = ordering_policy::compile({{"key", "/payload/x"}, {"onDead", "hold"}}).value()});
  EXPECT_EQ(live.counts(id).held_lines, 0U);
  EXPECT_EQ(go(), ids({b}));
}

TEST_F(missed, a_resend_that_would_wait_behind_a_dead_letter_is_refused) {
  ordered(R"({"onDead":"hold"})", std::vector<duration>{});
  auto a = emit(), b = emit();
  EXPECT_EQ(go(500), ids({a}));
  EXPECT_EQ(refused(resend{b, id}), errc::conflict);
  must(resend{a, id, 1, true});
  EXPECT_EQ(go(), ids({a}));
  must(resend{b, id});
  EXPECT_EQ(go(), ids({b}));
}

// -- what is taken back while it is under way -------------------------------------------------

struct taken_back : missed {
  void SetUp() override {
    ordered(R"("fifo")", std::vector<duration>{});
    letter = emit();
    EXPECT_EQ(go(500), ids({letter}));
    must(start_recovery{id, {0}, std::nullopt, recovery_scope::failed, {}});
    const auto recovery = live.recoveries().back()->what.id;
    must(progress_recovery{recovery, {{letter, 1, true, false, {}, "/"}}, letter.seq, 1, true});
    auto taken = take();
    ASSERT_EQ(taken.size(), 1U);
    under_way = taken[0].token;
    behind = emit();
    must(cancel_recovery{recovery});
  }
  message_ref letter, behind;
  fencing_token under_way = 0;
};

TEST_F(taken_back, it_keeps_its_line_until_it_is_over) {
  EXPECT_TRUE(take().empty()) << "two of one line at once";
  EXPECT_TRUE(finish(under_way, answer(500)).detached);
  EXPECT_EQ(all(), ids({behind}));
}

TEST_F(taken_back, a_resend_of_it_waits_for_it_too) {
  must(resend{letter, id, 2, true});
  EXPECT_TRUE(take().empty());
  (void)finish(under_way, answer(200));
  EXPECT_EQ(all(), ids({behind, letter}));
}

TEST_F(taken_back, an_attempt_that_is_given_back_frees_its_line) {
  give_back(live, under_way);
  EXPECT_EQ(all(), ids({behind}));
}

TEST_F(taken_back, with_nothing_behind_it_the_line_is_gone_when_it_is_over) {
  (void)finish(under_way, answer(200));
  EXPECT_EQ(all(), ids({behind}));
  EXPECT_TRUE(live.self().lanes.begin()->second.lines.empty());
}

TEST_F(missed, a_dead_letter_that_arrives_after_it_was_taken_back_lets_its_line_go_on) {
  ordered(R"({"onDead":"hold"})", std::vector<duration>{});
  auto letter = emit(), behind = emit();
  EXPECT_EQ(go(500), ids({letter}));
  must(start_recovery{id, {0}, std::nullopt, recovery_scope::failed, {}});
  const auto recovery = live.recoveries().back()->what.id;
  must(progress_recovery{recovery, {{letter, 1, true, false, {}, "/"}}, letter.seq, 1, true});
  auto taken = take();
  ASSERT_EQ(taken.size(), 1U);
  must(cancel_recovery{recovery});
  EXPECT_TRUE(finish(taken[0].token, answer(200)).detached);
  EXPECT_EQ(live.counts(id).held_lines, 0U);
  EXPECT_EQ(go(), ids({behind}));
}

// -- age ----------------------------------------------------------------------------------------

TEST_F(missed, lines_that_are_held_by_age_are_bounded_too) {
  ordered(R"({"key":true,"onDead":"hold"})");
  must(patch_destination{.id = id, .retries = retry_policy::compile({{"maximumAge", 60}}).value()});
  for (std::size_t i = 0; i < lines_held_most + 300; ++i)
    keyed(std::to_string(i));
  now = now + 1h;
  for (int i = 0; i < 100 && has_expired(live, now) && !disabled(); ++i)
    must(expire_deliveries{});
  EXPECT_TRUE(disabled());
  EXPECT_EQ(live.counts(id).held_lines, lines_held_most);
  EXPECT_TRUE(live.find(id)->disabled_reason.ends_with("lines are held by dead letters"));
}

TEST_F(missed, what_stands_behind_what_is_kept_back_dies_with_it) {
  ordered(R"("fifo")", std::vector<duration>(50, 1h));
  must(patch_destination{.id = id, .protection = protection_policy::compile(json::parse(R"({"breaker":{"failures":1,"probeAfter":10}})")).value()});
  auto a = emit();
  EXPECT_EQ(go(500), ids({a}));
  emit(), emit();
  now = now + 48h;
  ASSERT_TRUE(has_expired(live, now));
  auto done = run(expire_deliveries{});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->facts.size(), 3U) << "in one proposal";
}

TEST_F(missed, the_age_of_what_waits_is_that_of_the_oldest_and_not_of_the_first_in_the_log) {
  ordered(R"("fifo")");
  auto first = emit();
  EXPECT_EQ(go(), ids({first}));
  emit();
  now = now + 1h;
  must(resend{first, id, 1, false, true});
  EXPECT_EQ(backlog_of(live, now, 5).oldest, duration{1h});
}

TEST_F(missed, an_ordering_key_is_counted_in_characters) {
  create_message c{"t", {}, "{}", {}, {}};
  for (int i = 0; i < 256; ++i)
    c.ordering_key += "\u00fc";
  must(c);
  c.ordering_key += "a";
  EXPECT_EQ(where_refused(c), "/orderingKey");
}

// -- whatever happens ---------------------------------------------------------------------------

/// Random outages of a destination with one line: disabled and probed back time and again, over restarts and a clock that is reset. What arrives first
/// was emitted first, and a restart changes nothing of what may go.
class any_outage_of_lines : public missed, public testing::WithParamInterface<std::uint64_t> {
protected:
  std::uint64_t draw(std::uint64_t below) { return random_() % below; }
  const recovery* scanning() const {
    for (const auto* r : live.recoveries())
      if (r->state == recovery::phase::scanning)
        return r;
    return nullptr;
  }
  void answer_one(bool works) {
    if (flying_.empty())
      return;
    auto f = finish(flying_.front().token, answer(works ? 200 : 500));
    flying_.erase(flying_.begin());
    if (f.follows == outcome_kind::delivered)
      arrived_.push_back(f.message.seq);
  }
  void take_some() {
    for (auto& s : take())
      flying_.push_back(std::move(s));
    EXPECT_LE(flying_.size(), 1U) << "two of one line at once";
  }
  void compare() {
    auto one = live, other = folded();
    auto ids = [this](outbox_state& of) {
      std::vector<std::string> out;
      for (const auto& s : take_due(of, now, 100))
        out.push_back(s.message->id);
      return out;
    };
    EXPECT_EQ(ids(one), ids(other)) << "a restart changes what may go";
  }
  std::mt19937_64 random_{GetParam()};
  std::vector<start> flying_;
  std::vector<events::seq> arrived_, emitted_;
};

TEST_P(any_outage_of_lines, keeps_the_order) {
  probed(R"("fifo")");
  must(patch_destination{.id = id, .schedule = std::vector<duration>(60, 30s)});
  for (int i = 0; i < 300; ++i) {
    switch (draw(9)) {
      case 0:
      case 1: emitted_.push_back(emit().seq); break;
      case 2: now = now + std::chrono::seconds{draw(900)}; break;
      case 3:
      case 4: take_some(); break;
      case 5: answer_one(draw(4) != 0); break;
      case 6: answer_one(draw(2) != 0); break;
      case 7:
        if (const auto* r = scanning(); r != nullptr && draw(3) == 0)
          read(*r);
        break;
      default:
        if (draw(6) == 0)
          clock_goes_back(std::chrono::seconds{draw(3'000)});
        else if (draw(4) == 0)
          restart(), flying_.clear();
        compare();
    }
  }
  for (int i = 0; i < 5'000 && (live.pending_count() > 0 || scanning() != nullptr); ++i) {
    if (const auto* r = scanning())
      read(*r);
    answer_one(true);
    if (auto at = next_due(live); at && flying_.empty())
      now = std::max(now, *at);
    take_some();
  }
  EXPECT_EQ(live.pending_count(), 0U);
  EXPECT_EQ(arrived_, emitted_);
}

INSTANTIATE_TEST_SUITE_P(seeds, any_outage_of_lines, testing::Range<std::uint64_t>(1, 61));

} // namespace
