#pragma once

#include "tests/unit/webhook/world.hpp"
#include "webhook/inputs.hpp"

#include <nlohmann/json.hpp>

namespace hourglass::webhook::tests {

/// A world with one destination that has policies of its own. Every end compares the live state with its fold.
struct guarded : ::testing::Test, world {
  void TearDown() override {
    auto text = snapshot(live);
    EXPECT_EQ(snapshot(folded()), text) << "a restart changes nothing";
    auto back = restore(text);
    ASSERT_TRUE(back);
    EXPECT_EQ(snapshot(*back), text);
  }
  std::string with(std::string_view guard, std::string_view retries = "{}") {
    destination d;
    d.retries = retry_policy::compile(nlohmann::json::parse(retries)).value();
    d.protection = protection_policy::compile(nlohmann::json::parse(guard)).value();
    if (!d.retries.has_delays())
      d.schedule = std::vector<duration>(50, 1s);
    return id = add(d);
  }
  /// With that ordering key.
  message_ref keyed(const std::string& key) {
    create_message c{"t", {}, "{}", {}, {}};
    c.ordering_key = key;
    auto done = run(c);
    EXPECT_TRUE(done);
    return {std::get<message_created>(done->facts[0]).id, log.size(), "t", 2};
  }
  /// As the dispatcher gives it: begun and answered now.
  attempt_result now_(attempt_result r) const {
    r.started_us = now.us - r.answer.spent.total_us;
    return r;
  }
  attempt_finished attempt(attempt_result r) { return world::attempt(now_(std::move(r))); }
  attempt_finished finish(fencing_token token, attempt_result r) { return world::finish(token, now_(std::move(r))); }
  /// One attempt at the next moment that there is one.
  attempt_finished next(attempt_result r) {
    auto at = next_due(live);
    EXPECT_TRUE(at);
    now = std::max(now, at.value_or(now));
    return attempt(std::move(r));
  }
  const lane_guard& guard() const { return *live.guard(id); }
  bool disabled() const { return live.find(id)->disabled; }
  /// Kinds of what came of the last command, after its first fact.
  std::vector<events::kind> also() const {
    std::vector<events::kind> out;
    for (std::size_t i = 1; i < drafts.size(); ++i)
      out.push_back(drafts[i].kind);
    return out;
  }
  std::string id;
};

inline constexpr const char* disables_soon = R"({"disable":{"failures":1,"after":0,"probe":600}})";

} // namespace hourglass::webhook::tests
