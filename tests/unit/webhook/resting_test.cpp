#include "tests/unit/webhook/world.hpp"
#include "webhook/resting.hpp"

#include <map>
#include <random>
#include <set>

// Deliveries that rest in pages: all that may be asked of them, held against a plain map; and an
// outbox in which a great many do.

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;

resting_delivery some(std::uint64_t seq, std::mt19937_64& random) {
  resting_delivery d;
  d.message.seq = seq;
  d.message.id = random() % 8 == 0
                     ? "an-id-of-its-own-" + std::to_string(seq)
                     : events::make_id("msg_", 1'700'000'000'000 + static_cast<std::int64_t>(seq),
                                       chance_of(seq));
  d.message.event_type = random() % 3 == 0 ? "order.paid" : random() % 2 == 0 ? "user.created" : "";
  d.message.body_bytes = random() % 2'000;
  d.attempts = static_cast<std::uint32_t>(random() % 9);
  d.step = d.attempts / 2;
  d.since = {1'000'000'000'000'000 + static_cast<std::int64_t>(random() % 1'000'000'000)};
  d.due = d.since + duration{static_cast<std::int64_t>(random() % 50'000'000'000)};
  return d;
}

class any_pages : public testing::TestWithParam<std::uint64_t> {};

TEST_P(any_pages, hold_what_was_put_and_give_it_back_in_its_order) {
  std::mt19937_64 random{GetParam()};
  resting_deliveries pages;
  std::map<std::uint64_t, resting_delivery> model;
  std::uint64_t next = 1;
  const ageing_of rules = [](std::string_view type) {
    return type == "order.paid" ? ageing{std::chrono::hours{1}, true}
                                : ageing{std::nullopt, type.empty()};
  };
  const auto least = [&model](auto moment) {
    auto out = INT64_MAX;
    for (const auto& [seq, d] : model)
      out = std::min(out, moment(d));
    return out;
  };
  pages.rule(rules);
  for (int round = 0; round < 120; ++round) {
    switch (random() % 6) {
    case 0:
    case 1: {
      std::map<std::uint64_t, resting_delivery> more;
      for (auto i = random() % 400; i > 0; --i) {
        const auto seq = random() % 3 == 0 ? random() % (next + 50) + 1 : next++ + random() % 2;
        next = std::max(next, seq + 1);
        if (!model.contains(seq))
          more.emplace(seq, some(seq, random));
      }
      std::vector<resting_delivery> sorted;
      for (const auto& [seq, d] : more)
        sorted.push_back(d);
      pages.put(sorted);
      model.merge(more);
      break;
    }
    case 2: {
      const auto seq = random() % (next + 3);
      const auto taken = pages.take(seq);
      const auto wanted = model.find(seq);
      ASSERT_EQ(taken.has_value(), wanted != model.end());
      if (taken) {
        EXPECT_EQ(*taken, wanted->second);
        model.erase(wanted);
      }
      break;
    }
    case 3: {
      if (pages.empty())
        break;
      const auto first = pages.first_due_us();
      const virtual_time until{first + static_cast<std::int64_t>(random() % 1'000'000'000)};
      const auto taken = pages.take_soonest(until);
      ASSERT_FALSE(taken.empty());
      EXPECT_TRUE(std::any_of(taken.begin(), taken.end(),
                              [&](const auto& d) { return d.due.us == first; }));
      for (const auto& d : taken) {
        EXPECT_LE(d.due, until);
        EXPECT_EQ(d, model.at(d.message.seq));
        model.erase(d.message.seq);
      }
      break;
    }
    case 4: {
      const auto by = static_cast<std::int64_t>(random() % 1'000) - 500;
      pages.move(by);
      for (auto& [seq, d] : model)
        d.due.us += by, d.since.us += by;
      break;
    }
    default:
      pages.rule(rules);
    }
    ASSERT_EQ(pages.size(), model.size());
    EXPECT_EQ(pages.first_due_us(), least([](const auto& d) { return d.due.us; }));
    EXPECT_EQ(pages.first_since_us(), least([](const auto& d) { return d.since.us; }));
    EXPECT_EQ(pages.first_over_us(), least([](const auto& d) {
                return d.message.event_type == "order.paid" ? d.since.us + 3'600'000'000
                                                            : INT64_MAX;
              }));
    EXPECT_EQ(pages.first_kept_us(), least([](const auto& d) {
                return d.message.event_type.empty() ? d.due.us : INT64_MAX;
              }));
  }
  auto expected = model.begin();
  pages.each([&](const resting_delivery& d) { EXPECT_EQ(d, (expected++)->second); });
  EXPECT_TRUE(expected == model.end());
  std::multimap<std::pair<std::int64_t, std::uint64_t>, std::uint64_t> by_due;
  for (const auto& [seq, d] : model)
    by_due.emplace(std::pair{d.due.us, seq}, seq);
  auto due = by_due.begin();
  const auto soonest = pages.soonest(50);
  EXPECT_EQ(soonest.size(), std::min<std::size_t>(50, model.size()));
  for (const auto& d : soonest)
    EXPECT_EQ(d.message.seq, (due++)->second);
  for (const auto& [seq, d] : model)
    EXPECT_EQ(pages.find(seq), d);
}

INSTANTIATE_TEST_SUITE_P(seeds, any_pages, testing::Range<std::uint64_t>(1, 21));

TEST(resting_page, of_usual_messages_costs_some_thirty_bytes_each) {
  std::mt19937_64 random{7};
  std::vector<resting_delivery> page;
  for (std::uint64_t i = 0; i < resting_deliveries::page_most; ++i) {
    resting_delivery d;
    d.message = {events::make_id("msg_", 1'700'000'000'000, chance_of(i)), 1'000'000 + 3 * i,
                 "order.paid", 512 + i % 7};
    d.attempts = d.step = 2;
    d.since = {1'700'000'000'000'000 + static_cast<std::int64_t>(40 * i)};
    d.due = d.since + duration{300'000'000 + static_cast<std::int64_t>(random() % 120'000'000)};
    page.push_back(d);
  }
  EXPECT_LE(pack_resting(page).size(), page.size() * 32);
  EXPECT_EQ(unpack_resting(pack_resting(page)), page);
}

TEST(resting_page, that_is_broken_is_refused_or_another_and_never_read_beyond_its_end) {
  std::mt19937_64 random{3};
  std::vector<resting_delivery> page;
  for (std::uint64_t i = 0; i < 12; ++i)
    page.push_back(some(100 + i, random));
  const auto whole = pack_resting(page);
  ASSERT_EQ(unpack_resting(whole), page);
  for (std::size_t cut = 0; cut < whole.size(); ++cut)
    if (auto read = unpack_resting(std::string_view{whole}.substr(0, cut))) {
      EXPECT_LT(read->size(), page.size());
    }
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (const char flipped : {char(whole[at] ^ 1), char(whole[at] ^ 0x80), '\0', '\xff'}) {
      auto other = whole;
      other[at] = flipped;
      if (auto read = unpack_resting(other)) {
        EXPECT_LE(read->size(), resting_deliveries::page_most);
      }
    }
  EXPECT_FALSE(unpack_resting(""));
  EXPECT_FALSE(unpack_resting(std::string(30, '\xff')));
}

// -- in an outbox -------------------------------------------------------------------------

class an_outage : public testing::Test {
protected:
  static constexpr std::size_t messages = 20'000;
  world w;
  std::string to_it;

  void begin(destination d) {
    to_it = w.add(std::move(d));
    for (std::size_t i = 0; i < messages; ++i) {
      w.emit();
      w.now.us += 40;
    }
  }
};

TEST_F(an_outage, of_a_destination_delivers_each_once_in_the_order_in_which_they_fell_due) {
  begin(to("http://down.test/"));
  EXPECT_EQ(w.live.counts(to_it).pending, messages);
  EXPECT_EQ(snapshot(w.live), snapshot(w.folded()));
  auto back = restore(snapshot(w.live));
  ASSERT_TRUE(back) << back.error().detail;
  EXPECT_EQ(snapshot(*back), snapshot(w.live));
  EXPECT_LT(snapshot(w.live).size(), messages * 45);
  w.live = *std::move(back);
  std::set<std::string> arrived;
  events::seq last = 0;
  while (arrived.size() < messages) {
    const auto some_due = w.take(256);
    ASSERT_FALSE(some_due.empty());
    for (const auto& s : some_due) {
      EXPECT_GT(s.message->seq, last);
      last = s.message->seq;
      EXPECT_TRUE(arrived.insert(s.message->id).second);
      w.finish(s.token, answer(200));
    }
  }
  EXPECT_EQ(w.live.pending_count(), 0U);
  EXPECT_EQ(snapshot(w.live), snapshot(w.folded()));
}

TEST_F(an_outage, leaves_each_message_within_reach_of_a_person_and_of_a_look) {
  begin(to("http://down.test/"));
  const auto middle = w.live.pending_of(to_it, messages)[messages / 2].first;
  EXPECT_EQ(w.live.pending_of(to_it, 10).size(), 10U);
  w.now.us -= 3'600'000'000; // nothing is due
  w.must(resend{middle, to_it, 0, false, false, {}, {}});
  const auto taken = w.take(10);
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken[0].message->id, middle.id);
  EXPECT_EQ(taken[0].why, trigger::manual);
  w.finish(taken[0].token, answer(200));
  const auto oldest = backlog_of(w.live, {w.now.us + 3'600'000'000}, 1).oldest;
  ASSERT_TRUE(oldest);
  EXPECT_EQ(oldest->count(), static_cast<std::int64_t>(40 * messages));
}

TEST_F(an_outage, is_buried_by_its_age_whole) {
  auto d = to("http://down.test/");
  d.retries = retry_policy::compile(nlohmann::json::parse(R"({"maximumAge":3600})")).value();
  begin(d);
  w.now.us += 7'200'000'000;
  EXPECT_EQ(w.expire().size(), messages);
  EXPECT_EQ(w.live.counts(to_it).dead, messages);
  EXPECT_EQ(w.live.pending_count(), 0U);
}

TEST_F(an_outage, buries_what_is_too_old_and_leaves_its_neighbours) {
  auto d = to("http://down.test/");
  d.retries = retry_policy::compile(nlohmann::json::parse(R"({"eventTypes":[{"match":"rare","maximumAge":60}]})")).value();
  to_it = w.add(std::move(d));
  std::size_t rare = 0;
  for (std::size_t i = 0; i < messages; ++i) {
    w.emit(i % 50 == 7 ? "rare" : "often");
    rare += i % 50 == 7 ? 1 : 0;
  }
  w.now.us += 3'600'000'000;
  std::size_t rounds = 0, dead = 0;
  for (; has_expired(w.live, w.now); ++rounds) {
    auto done = w.run(expire_deliveries{});
    ASSERT_TRUE(done);
    for (const auto& f : done->facts)
      if (const auto* e = std::get_if<delivery_expired>(&f)) {
        EXPECT_EQ(e->message.event_type, "rare");
        ++dead;
      }
  }
  EXPECT_EQ(dead, rare);
  EXPECT_LE(rounds, rare / 100) << "hundreds at a time, though they lie in as many pages";
  EXPECT_EQ(w.live.pending_count(), messages - rare);
}

TEST_F(an_outage, that_a_rule_keeps_back_is_buried_when_it_lasted_too_long) {
  auto d = to("http://down.test/");
  d.protection = protection_policy::compile(nlohmann::json::parse(R"({"breaker":{"failures":1,"probeAfter":86400}})")).value();
  begin(d);
  const auto one = w.take(1);
  ASSERT_EQ(one.size(), 1U);
  w.finish(one[0].token, answer(500));
  w.now.us += duration{std::chrono::hours{72}}.count();
  EXPECT_GE(w.expire().size(), messages - 1);
  EXPECT_LE(w.live.pending_count(), 1U);
}

TEST_F(an_outage, keeps_the_time_that_is_left_when_the_clock_is_set_back_and_follows_new_rules) {
  begin(to("http://down.test/"));
  const auto due = w.live.pending_of(to_it, 1)[0].second.due;
  decision moved;
  moved.facts.emplace_back(deliveries_moved{-duration{std::chrono::hours{24}}.count()});
  moved.drafts.push_back(encode(moved.facts[0]));
  w.write(moved);
  EXPECT_EQ(w.live.pending_of(to_it, 1)[0].second.due, virtual_time{due.us - duration{std::chrono::hours{24}}.count()});
  EXPECT_EQ(snapshot(w.live), snapshot(w.folded()));
  patch_destination p;
  p.id = to_it;
  p.retries = retry_policy::compile(nlohmann::json::parse(R"({"maximumAge":60})")).value();
  w.must(p);
  EXPECT_EQ(w.expire().size(), messages) << "all are a day old";
}

// -- how far an advance of the clock steps --------------------------------------------------

class a_backlog : public testing::Test {
protected:
  static constexpr std::size_t messages = 400;
  world w;
  std::string to_it;

  /// All fall due within half a second, in an hour.
  void begin(destination d) {
    to_it = w.add(std::move(d));
    for (std::size_t i = 0; i < messages; ++i) {
      create_message m{"user.created", {}, R"({"a":1})", {}, {}};
      m.deliver_at = virtual_time{w.now.us + 3'600'000'000 + static_cast<std::int64_t>(i) * 1'000};
      w.must(m);
    }
    (void)next();
  }
  /// What is due now; the lanes are sorted by that.
  std::vector<start> next() { return w.take(); }
  std::int64_t step() const { return step_of_backlog(w.live).count(); }
};

TEST_F(a_backlog, goes_by_the_second) {
  begin(to("http://a.test/"));
  EXPECT_EQ(step(), 1'000'000);
  w.live = restore(snapshot(w.live)).value();
  EXPECT_TRUE(w.take().empty());
  EXPECT_EQ(step(), 1'000'000) << "though it rests";
}

TEST_F(a_backlog, that_is_small_goes_moment_by_moment) {
  auto d = to("http://a.test/");
  d.filter_types = {"other"};
  to_it = w.add(d);
  for (int i = 0; i < 50; ++i)
    w.emit("other");
  for (auto& s : next())
    w.finish(s.token, answer(500));
  EXPECT_TRUE(next().empty());
  EXPECT_TRUE(next_due(w.live));
  EXPECT_EQ(step(), 0);
  begin(to("http://b.test/"));
  EXPECT_EQ(step(), 0) << "what is due in an hour does not count";
}

TEST_F(a_backlog, ends_a_step_before_anything_is_too_old) {
  auto d = to("http://a.test/");
  d.retries = retry_policy::compile(nlohmann::json::parse(R"({"maximumAge":1})")).value();
  begin(d);
  EXPECT_EQ(step(), 999'999);
}

TEST_F(a_backlog, with_a_rate_goes_at_its_distance) {
  auto d = to("http://a.test/");
  d.rate_limit = 10;
  begin(d);
  w.now = *next_due(w.live);
  ASSERT_EQ(w.take().size(), 1U);
  EXPECT_EQ(step(), 0) << "the next goes a tenth of a second later and not a second";
}

TEST_F(a_backlog, never_steps_over_the_end_of_a_hold) {
  auto held = to("http://a.test/");
  held.filter_types = {"held"};
  held.in_flight = 1;
  held.protection = protection_policy::compile(nlohmann::json::parse(R"({"slowDown":{}})")).value();
  const auto held_id = w.add(held);
  begin(to("http://b.test/"));
  const auto first = *next_due(w.live);
  w.now = first + duration{-9'800'000};
  w.emit("held");
  w.emit("held"); // due all the while
  for (auto& s : next())
    w.finish(s.token, s.destination == held_id ? answer(429, {{"Retry-After", "10"}}) : answer(200));
  EXPECT_TRUE(next().empty());
  const auto until = w.live.guard(held_id)->held_until;
  ASSERT_TRUE(until);
  ASSERT_EQ(*next_due(w.live), std::min(first, *until));
  EXPECT_EQ(step(), std::clamp<std::int64_t>(until->us - first.us, 0, 1'000'000));
}

} // namespace
