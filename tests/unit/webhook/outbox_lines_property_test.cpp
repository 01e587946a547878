#include "tests/unit/webhook/ordered.hpp"

#include <deque>
#include <map>
#include <random>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;
using nlohmann::json;

/// Random lives of destinations with every kind of order: no two of a line are ever under way together, and of each line what was emitted later arrives
/// or dies later, but for what a person or a recovery sends again.
class any_line : public testing::TestWithParam<std::uint64_t> {};

TEST_P(any_line, keeps_its_order_over_failures_and_restarts) {
  std::mt19937_64 random{GetParam()};
  auto draw = [&random](std::uint64_t below) { return random() % below; };
  world w;
  const auto settle = [&w] { rest_beyond(w.live, 0, 2); }; // what stands in no line rests
  settle();
  constexpr std::array<const char*, 3> orders{R"("fifo")", R"({"key":true})", R"({"key":"/payload/k"})"};
  std::map<std::string, std::string> order_of;
  for (const auto* text : orders) {
    destination d;
    d.ordering = ordering_policy::compile(json::parse(text)).value();
    d.schedule = std::vector<duration>(draw(4), 30s);
    d.in_flight = 1 + static_cast<std::uint32_t>(draw(8));
    if (draw(3) == 0)
      d.batching = batching_policy::compile({{"maxMessages", 1 + draw(4)}, {"maxWaitMs", 20'000 * draw(2)}}).value();
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
  auto first_of = [](const start& s) { return s.members ? s.members->front()->seq : s.message->seq; };
  auto take = [&] {
    for (const auto& e : w.expire())
      if (e.attempts > 0) // what never left may die in any order
        end(e.destination, e.message.seq);
    for (auto& s : w.take(1 + draw(4))) {
      for (const auto& f : flying)
        EXPECT_FALSE(f.destination == s.destination && s.in_line && line(f.destination, first_of(f)) == line(s.destination, first_of(s))) << "two of a line at once";
      for (const auto& m : s.members ? *s.members : std::vector<std::shared_ptr<const message_ref>>{}) {
        EXPECT_EQ(line(s.destination, m->seq), line(s.destination, first_of(s))) << "of two lines";
      }
      flying.push_back(std::move(s));
    }
  };
  auto answer_one = [&](bool works) {
    if (flying.empty())
      return;
    auto at = flying.begin() + static_cast<std::ptrdiff_t>(draw(flying.size()));
    auto r = answer(works || draw(2) == 0 ? 200 : 500);
    r.started_us = w.now.us;
    auto done = w.run(finish_attempt{at->token, std::move(r)});
    ASSERT_TRUE(done);
    for (const auto& one : done->facts)
      if (const auto* f = std::get_if<attempt_finished>(&one); f != nullptr && f->follows != outcome_kind::retry)
        end(f->destination, f->message.seq);
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
          settle();
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
