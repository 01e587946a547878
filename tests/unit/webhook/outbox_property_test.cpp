#include "tests/unit/webhook/world.hpp"

#include <map>
#include <random>
#include <set>

#include <nlohmann/json.hpp>

// Random lives of an outbox. Whatever happens: the live state is the fold of its log, and so is a snapshot with the rest of the log; and
// every message reaches each destination it was meant for, or dies, once.

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;

class life {
public:
  struct habits {
    bool rests = false;    ///< as much as may rests, else nothing does
    bool grows_old = true; ///< what waits may die of age, or of being kept back
  };
  life(std::uint64_t seed, habits h) : random_(seed), habits_(h) { settle(); }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      step();
      note_messages();
    }
    check_fold();
    drain();
    note_messages();
    check_fold();
    check_ends();
  }

  std::vector<std::string> told() const {
    std::vector<std::string> out;
    for (const auto& [at, payload] : w_.log)
      out.push_back(payload);
    return out;
  }

private:
  std::uint64_t draw(std::uint64_t below) { return random_() % below; }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[draw(from.size())];
  }

  void step() {
    switch (draw(16)) {
      case 0:
        return add();
      case 1:
        return reconfigure();
      case 2:
        return remove();
      case 3:
      case 4:
      case 5:
        return emit();
      case 6:
        return ask_again();
      case 7:
        return recover();
      case 8:
        return rotate();
      case 9:
        w_.now.us += static_cast<std::int64_t>(draw(3600) * 1'000'000);
        return;
      case 10:
        return restart();
      case 11:
      case 12:
        for (auto& s : w_.take(1 + draw(5)))
          flying_.push_back(s);
        return;
      default:
        return land();
    }
  }

  void add() {
    destination d;
    d.url = "http://x.test/";
    if (draw(2) == 0)
      d.filter_types = {draw(2) == 0 ? "a" : draw(2) == 0 ? "b" : "**"};
    if (draw(4) == 0)
      d.filter = content_filter::compile({{"eventType", {{"$in", {"a", "x"}}}}}).value();
    if (draw(2) == 0)
      d.schedule = std::vector<duration>(draw(3), 5s);
    if (draw(3) == 0)
      d.retries = rules_of(habits_.grows_old ? R"({"maximumAge":3600,"retriesPerMinute":30})" : R"({"maximumAge":604800,"retriesPerMinute":30})");
    else if (!habits_.grows_old)
      d.retries = rules_of(ever);
    constexpr std::array<const char*, 4> protections{
        "{}", R"({"breaker":{"failures":2,"probeAfter":10}})", R"({"slowDown":{},"disable":{"failures":3,"after":60,"probe":600}})",
        R"({"breaker":{"failures":1},"slowDown":{"cap":60},"disable":{"failures":2,"after":0}})"};
    d.protection = protection_policy::compile(nlohmann::json::parse(protections[draw(protections.size())])).value();
    if (draw(5) == 0)
      d.rate_limit = 5;
    if (draw(3) == 0)
      d.batching = draw(2) == 0 ? together(R"({"maxMessages":3,"maxWaitMs":60000})") : together(R"({"maxBytes":20})");
    d.operational = draw(6) == 0;
    d.in_flight = 1 + static_cast<std::uint32_t>(draw(3));
    ids_.push_back(w_.add(d));
  }

  void reconfigure() {
    if (ids_.empty())
      return;
    patch_destination p;
    p.id = pick(ids_);
    p.disabled = draw(2) == 0;
    if (draw(3) == 0)
      p.filter_types = {{"a", "c"}};
    if (draw(3) == 0)
      p.protection = protection_policy::compile(nlohmann::json::parse(R"({"breaker":{"failures":2,"probeAfter":30}})")).value();
    if (draw(4) == 0)
      p.batching = draw(2) == 0 ? together(R"({"maxMessages":4,"maxWaitMs":300000})") : batching_policy{};
    if (draw(4) == 0)
      p.retries = rules_of(habits_.grows_old ? R"({"maximumAge":7200})" : ever);
    (void)w_.run(p);
  }

  void remove() {
    if (ids_.size() < 3 || draw(3) != 0)
      return;
    auto at = ids_.begin() + static_cast<std::ptrdiff_t>(draw(ids_.size()));
    w_.must(remove_destination{*at});
    removed_.insert(*at);
    ids_.erase(at);
  }

  void emit() { (void)w_.emit(draw(2) == 0 ? "a" : "b"); }

  /// Those that tell operators of something, too.
  void note_messages() {
    for (; noted_ < w_.log.size(); ++noted_) {
      const auto& [h, payload] = w_.log[noted_];
      if (h.kind != events::kind::message_created)
        continue;
      auto m = std::get<message_created>(*decode(h.kind, payload));
      messages_.push_back({m.id, h.seq, m.event_type, m.body_bytes});
    }
  }

  struct standing_of {
    std::uint32_t made = 0;
    bool dead = false, delivered = false;
  };
  /// What the log says of a message and a destination: attempts made, and how the last one that counts has ended.
  standing_of standing(events::seq message, const std::string& destination) {
    standing_of out;
    for (const auto& f : attempts_of(message, destination)) {
      out.made = std::max(out.made, f.number);
      if (f.follows == outcome_kind::dead)
        out.dead = true, out.delivered = false;
      if (f.follows == outcome_kind::delivered)
        out.dead = false, out.delivered = true;
    }
    return out;
  }

  void ask_again() {
    if (ids_.empty() || messages_.empty())
      return;
    const auto& m = pick(messages_);
    const auto& d = pick(ids_);
    auto [made, dead, delivered] = standing(m.seq, d);
    (void)w_.run(resend{m, d, made, dead, delivered});
  }

  void recover() {
    if (ids_.empty() || messages_.empty())
      return;
    auto running = w_.live.recoveries();
    std::erase_if(running, [](const recovery* r) { return r->state != recovery::phase::scanning; });
    if (running.empty()) {
      (void)w_.run(start_recovery{pick(ids_), {0}, std::nullopt, recovery_scope::failed, {}});
      return;
    }
    auto what = pick(running)->what;
    if (draw(4) == 0)
      return w_.must(cancel_recovery{what.id});
    std::vector<recovery_item> items;
    for (const auto& m : messages_)
      if (auto [made, dead, delivered] = standing(m.seq, what.destination); (dead || delivered) && draw(2) == 0)
        items.push_back({m, made, dead, delivered});
    w_.must(progress_recovery{what.id, items, messages_.back().seq, messages_.size(), draw(2) == 0});
  }

  void rotate() {
    if (!ids_.empty())
      (void)w_.run(rotate_secret{pick(ids_), std::nullopt, std::chrono::seconds{draw(100)}});
  }

  // The process dies: what was in flight is pending again, its answers come to nobody.
  static constexpr const char* ever = R"({"maximumAge":604800})"; ///< longer than any life
  static retry_policy rules_of(const char* text) {
    auto out = retry_policy::compile(nlohmann::json::parse(text));
    EXPECT_TRUE(out) << out.error().detail << out.error().where;
    return out.value_or(retry_policy{});
  }

  static batching_policy together(const char* text) { return batching_policy::compile(nlohmann::json::parse(text)).value(); }

  void settle() {
    if (habits_.rests)
      rest_beyond(w_.live, 0, 2);
  }

  void restart() {
    ASSERT_EQ(snapshot(w_.live), snapshot(w_.folded()));
    if (draw(2) == 0) {
      w_.live = w_.folded();
    } else {
      auto back = restore(snapshot(w_.live));
      ASSERT_TRUE(back) << back.error().detail;
      w_.live = *std::move(back);
    }
    settle();
    flying_.clear();
  }

  void land() {
    if (flying_.empty())
      return;
    auto at = flying_.begin() + static_cast<std::ptrdiff_t>(draw(flying_.size()));
    auto token = at->token;
    flying_.erase(at);
    if (draw(10) == 0)
      return give_back(w_.live, token);
    constexpr std::array<unsigned, 8> answers{200, 200, 500, 503, 429, 301, 500, 410};
    auto result = draw(6) == 0 ? broken(http::transport_error::timeout) : answer(answers[draw(answers.size())]);
    result.started_us = w_.now.us - static_cast<std::int64_t>(draw(60) * 1'000'000);
    w_.must(finish_attempt{token, std::move(result)});
    snapshots_.emplace_back(w_.log.size(), draw(8) == 0 ? snapshot(w_.live) : std::string{});
  }

  void check_fold() {
    auto live = snapshot(w_.live);
    ASSERT_EQ(live, snapshot(w_.folded()));
    for (const auto& [at, text] : snapshots_) {
      if (text.empty())
        continue;
      auto s = restore(text);
      ASSERT_TRUE(s) << s.error().detail;
      w_.fold_into(*s, at);
      ASSERT_EQ(live, snapshot(*s));
    }
  }

  /// Everybody is enabled and answers, until nothing is left.
  void drain() {
    for (const auto& id : ids_) {
      patch_destination p;
      p.id = id;
      p.disabled = false;
      w_.must(p);
    }
    for (auto& s : flying_)
      w_.must(finish_attempt{s.token, answer(200)});
    flying_.clear();
    for (int rounds = 0; w_.live.pending_count() > 0; ++rounds) {
      ASSERT_LT(rounds, 10'000);
      auto at = next_due(w_.live);
      ASSERT_TRUE(at) << "something is pending that never falls due";
      w_.now = std::max(w_.now, *at);
      for (auto& s : w_.take())
        w_.finish(s.token, answer(200));
    }
    EXPECT_EQ(w_.live.in_flight_count(), 0U);
  }

  /// What died of its age, as if an attempt had ended it: by the schedule, if nothing had ended that before.
  attempt_finished as_attempt(const delivery_expired& e) {
    attempt_finished f;
    f.message = e.message;
    f.destination = e.destination;
    f.number = e.attempts;
    f.follows = outcome_kind::dead;
    for (const auto& before : index_[{e.message.seq, e.destination}])
      if (before.why == trigger::schedule && (before.follows == outcome_kind::delivered || before.follows == outcome_kind::dead))
        f.why = trigger::recovery;
    return f;
  }

  std::vector<attempt_finished> attempts_of(events::seq message, const std::string& destination) {
    std::vector<attempt_finished> out;
    for (; indexed_ < w_.log.size(); ++indexed_) {
      const auto& [h, payload] = w_.log[indexed_];
      if (h.kind != events::kind::attempt_finished && h.kind != events::kind::delivery_expired)
        continue;
      auto read = decode(h.kind, payload);
      EXPECT_TRUE(read);
      auto f = std::holds_alternative<attempt_finished>(*read) ? std::get<attempt_finished>(*read) : as_attempt(std::get<delivery_expired>(*read));
      std::pair key{f.message.seq, f.destination};
      index_[key].push_back(std::move(f));
    }
    auto at = index_.find({message, destination});
    return at == index_.end() ? out : at->second;
  }

  void check_ends() {
    std::map<std::string, std::uint64_t> dead_now, delivered_now;
    for (std::size_t i = 0; i < w_.log.size(); ++i) {
      if (w_.log[i].first.kind != events::kind::message_created)
        continue;
      auto created = decode(w_.log[i].first.kind, w_.log[i].second);
      ASSERT_TRUE(created);
      for (const auto& d : std::get<message_created>(*created).destinations) {
        if (removed_.contains(d))
          continue;
        int ends = 0;
        for (const auto& f : attempts_of(i + 1, d))
          ends += f.why == trigger::schedule && (f.follows == outcome_kind::delivered || f.follows == outcome_kind::dead) ? 1 : 0;
        // By hand it may be delivered before its schedule comes to an end.
        auto by_hand = attempts_of(i + 1, d);
        bool helped = std::any_of(by_hand.begin(), by_hand.end(), [](const auto& f) { return f.why != trigger::schedule && f.follows == outcome_kind::delivered; });
        EXPECT_TRUE(ends == 1 || (ends == 0 && helped)) << "message " << i + 1 << " ended " << ends << " times at " << d;
      }
    }
    for (const auto& m : messages_) // by hand they go to destinations that did not match, too, and may die there
      for (const auto& id : ids_) {
        delivered_now[id] += standing(m.seq, id).delivered ? 1 : 0;
        dead_now[id] += standing(m.seq, id).dead ? 1 : 0;
      }
    for (const auto& id : ids_) {
      EXPECT_EQ(w_.live.counts(id).dead, dead_now[id]) << id;
      EXPECT_EQ(w_.live.counts(id).delivered, delivered_now[id]) << id;
    }
  }

  world w_;
  std::mt19937_64 random_;
  habits habits_;
  std::vector<std::string> ids_;
  std::set<std::string> removed_;
  std::vector<message_ref> messages_;
  std::vector<start> flying_;
  std::vector<std::pair<std::size_t, std::string>> snapshots_;
  std::map<std::pair<events::seq, std::string>, std::vector<attempt_finished>> index_;
  std::size_t indexed_ = 0;
  std::size_t noted_ = 0;
};

class any_life : public testing::TestWithParam<std::uint64_t> {};

TEST_P(any_life, folds_to_what_was_lived_and_ends_every_message_once) { life{GetParam(), {}}.run(400); }

class any_life_at_rest : public testing::TestWithParam<std::uint64_t> {};

TEST_P(any_life_at_rest, folds_to_what_was_lived_and_ends_every_message_once) { life{GetParam(), {.rests = true}}.run(400); }

/// But for which of many dies of age first.
TEST_P(any_life_at_rest, is_event_by_event_the_same_as_one_that_is_awake) {
  life awake{GetParam(), {.grows_old = false}}, resting{GetParam(), {.rests = true, .grows_old = false}};
  awake.run(400);
  resting.run(400);
  const auto one = awake.told(), other = resting.told();
  const auto [a, b] = std::mismatch(one.begin(), one.end(), other.begin(), other.end());
  EXPECT_TRUE(a == one.end() && b == other.end()) << "at " << a - one.begin() << ":\n" << (a == one.end() ? "" : *a) << "\n" << (b == other.end() ? "" : *b);
}

INSTANTIATE_TEST_SUITE_P(seeds, any_life, testing::Range<std::uint64_t>(1, 81));
INSTANTIATE_TEST_SUITE_P(seeds, any_life_at_rest, testing::Range<std::uint64_t>(1, 21));

} // namespace
