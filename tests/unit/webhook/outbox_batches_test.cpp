#include "tests/unit/webhook/world.hpp"
#include "webhook/batch.hpp"

#include <deque>
#include <random>
#include <set>

#include <nlohmann/json.hpp>

// A receiver that goes away and comes back, seen through the shell's eyes: results and messages are decided together where `batch` allows it, what
// was stored meanwhile is recovered page by page, the process dies, the clock is reset. Whatever happens, every message that the destination wanted
// is delivered or dead in the end.

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;

class outage {
public:
  explicit outage(std::uint64_t seed) : random_(seed) {
    constexpr std::array<const char*, 3> protections{
        R"({"disable":{"failures":2,"after":30,"probe":60}})", R"({"breaker":{"failures":2,"probeAfter":10},"disable":{"failures":4,"after":0,"probe":60}})",
        R"({"slowDown":{},"disable":{"failures":1,"after":0,"probe":10}})"};
    destination d;
    d.protection = protection_policy::compile(nlohmann::json::parse(protections[draw(protections.size())])).value();
    d.schedule = std::vector<duration>(draw(4), 20s);
    d.in_flight = 1 + static_cast<std::uint32_t>(draw(8));
    id_ = w_.add(d);
    destination operators; // one that always works, and is told of it
    operators.operational = true;
    (void)w_.add(operators);
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i)
      step();
    works_ = true;
    for (int i = 0; i < 2'000 && (w_.live.pending_count() > 0 || scanning() != nullptr || !waiting_.empty() || !flying_.empty() || disabled()); ++i) {
      if (auto at = next_due(w_.live); at && flying_.empty() && waiting_.empty()) // as an advance: when all that is due has happened
        w_.now = std::max(w_.now, *at);
      else if (disabled() && waiting_.empty())
        waiting_.push_back({0, emission()}); // nothing to probe with, until the next message
      take();
      while (!flying_.empty())
        answer_one();
      process();
      scan();
    }
    EXPECT_FALSE(disabled());
    EXPECT_EQ(snapshot(w_.live), snapshot(w_.folded()));
    for (auto seq : wanted_)
      EXPECT_TRUE(ended_.contains(seq)) << "message " << seq << " is lost";
    EXPECT_EQ(told_disabled_, disabled_) << "operators are told once of each";
  }

  /// It was disabled, and something that came meanwhile was stored and ended after all.
  bool could_have_lost_something() const { return disabled_ > 0 && stored_and_sent() > 0; }

private:
  struct work {
    fencing_token token = 0;
    command what;
  };

  std::uint64_t draw(std::uint64_t below) { return random_() % below; }
  bool disabled() const { return w_.live.find(id_)->disabled; }
  static command emission() { return create_message{"user.created", {}, R"({"a":1})", {}, {}}; }

  void step() {
    switch (draw(12)) {
      case 0: works_ = draw(2) == 0; break;
      case 1:
      case 2:
      case 3:
      case 4: waiting_.push_back({0, emission()}); break;
      case 5: w_.now.us += static_cast<std::int64_t>(draw(90) * 1'000'000); break;
      case 6: take(); break;
      case 7: process(); break;
      case 8: scan(); break;
      case 9:
        if (draw(4) == 0)
          restart();
        break;
      case 10:
        if (draw(8) == 0)
          reset_clock();
        break;
      default:
        for (auto n = draw(6); n > 0 && !flying_.empty(); --n)
          answer_one();
    }
  }

  void take() {
    for (const auto& e : w_.expire())
      if (e.destination == id_)
        ended_.insert(e.message.seq);
    for (auto& s : w_.take())
      flying_.push_back(std::move(s));
  }

  void answer_one() {
    const auto at = flying_.begin() + static_cast<std::ptrdiff_t>(draw(flying_.size()));
    const bool ok = works_ || at->destination != id_;
    auto r = ok ? answer(200) : draw(3) == 0 ? answer(503, {{"Retry-After", "20"}}) : answer(500);
    r.started_us = w_.now.us - static_cast<std::int64_t>(draw(30) * 1'000'000);
    waiting_.push_back({at->token, finish_attempt{at->token, std::move(r)}});
    flying_.erase(at);
  }

  /// As `outbox_actor::process`: what goes together is decided on one state, and only then applied.
  void process() {
    while (!waiting_.empty()) {
      batch together;
      std::vector<decision> decided;
      while (!waiting_.empty() && (waiting_.front().token != 0 ? together.add_result(w_.live, waiting_.front().token) : together.add_message())) {
        auto d = decide(w_.live, waiting_.front().what, events::context{{w_.now.us + 5}, w_.now, chance_of(++w_.draws), "system", ""});
        waiting_.pop_front();
        ASSERT_TRUE(d) << d.error().detail;
        together.decided(*d);
        decided.push_back(std::move(*d));
      }
      for (const auto& d : decided) {
        const auto before = w_.log.size();
        w_.write(d);
        for (std::size_t i = 0; i < d.facts.size(); ++i)
          note(before + i + 1, d.facts[i]);
      }
    }
  }

  void note(events::seq seq, const fact& f) {
    if (const auto* m = std::get_if<message_created>(&f)) {
      if (!m->operational)
        wanted_.push_back(seq); // it has no filters
      if (!m->operational && std::find(m->destinations.begin(), m->destinations.end(), id_) == m->destinations.end())
        stored_.push_back(seq);
      told_disabled_ += m->event_type == "endpoint.disabled" ? 1 : 0;
    }
    disabled_ += std::holds_alternative<destination_disabled>(f) ? 1 : 0;
    if (const auto* e = std::get_if<delivery_expired>(&f); e != nullptr && e->destination == id_)
      ended_.insert(e->message.seq);
    if (const auto* a = std::get_if<attempt_finished>(&f); a != nullptr && a->destination == id_) {
      tried_.insert(a->message.seq);
      if (a->follows == outcome_kind::delivered || a->follows == outcome_kind::dead)
        ended_.insert(a->message.seq);
    }
  }

  const recovery* scanning() const {
    for (const auto* r : w_.live.recoveries())
      if (r->state == recovery::phase::scanning)
        return r;
    return nullptr;
  }

  /// Messages that met a disabled destination and arrived, or died, all the same.
  std::size_t stored_and_sent() const {
    return static_cast<std::size_t>(std::count_if(stored_.begin(), stored_.end(), [this](events::seq seq) { return ended_.contains(seq); }));
  }

  /// As `read_recovery_page`, three messages at a time.
  void scan() {
    const auto* r = scanning();
    if (r == nullptr)
      return;
    progress_recovery page{r->what.id, {}, r->cursor, 0, false};
    for (auto seq = r->cursor + 1;; ++seq) {
      if (seq >= r->started_seq) {
        page.done = true;
        break;
      }
      if (page.seen == 3)
        break;
      page.cursor = seq;
      const auto& [h, payload] = w_.log[seq - 1];
      if (h.kind != events::kind::message_created)
        continue;
      ++page.seen;
      const auto m = std::get<message_created>(*decode(h.kind, payload));
      if (!tried_.contains(seq) && !m.operational)
        page.items.push_back({{m.id, seq, m.event_type, m.body_bytes}, 0, false, false});
    }
    w_.must(page);
  }

  void restart() {
    w_.live = w_.folded();
    flying_.clear();
    std::erase_if(waiting_, [](const work& w) { return w.token != 0; });
  }

  void reset_clock() {
    process();
    const auto by = -static_cast<std::int64_t>(draw(100'000) * 1'000'000);
    decision d;
    d.facts.emplace_back(deliveries_moved{by});
    d.drafts.push_back(encode(d.facts[0]));
    w_.write(d);
    w_.now.us += by;
  }

  world w_;
  std::mt19937_64 random_;
  std::string id_;
  bool works_ = false; ///< so that there is an outage in every life
  std::deque<work> waiting_;
  std::vector<start> flying_;
  std::vector<events::seq> wanted_, stored_;
  std::set<events::seq> tried_, ended_;
  int disabled_ = 0, told_disabled_ = 0;
};

class any_outage : public testing::TestWithParam<std::uint64_t> {};

TEST_P(any_outage, loses_nothing_that_the_destination_wanted) { outage{GetParam()}.run(600); }

TEST(outages, could_have_lost_something_in_most_of_these_lives) {
  int could = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    outage one{seed};
    one.run(600);
    could += one.could_have_lost_something() ? 1 : 0;
  }
  EXPECT_GE(could, 20);
}

INSTANTIATE_TEST_SUITE_P(seeds, any_outage, testing::Range<std::uint64_t>(1, 101));

} // namespace
