#pragma once

#include "tests/unit/webhook/guarded.hpp"

namespace hourglass::webhook::tests {

using ids = std::vector<std::string>;

/// Of a destination that wants its messages together.
struct batches : guarded {
  std::string gathering(std::string_view batching = R"({"maxMessages":3,"maxWaitMs":1000})", destination d = {}) {
    d.batching = batching_policy::compile(nlohmann::json::parse(batching)).value();
    auto own = d.schedule.value_or(std::vector<duration>(5, 60s));
    d.schedule = std::move(own);
    return id = add(std::move(d));
  }
  static destination in_order(std::string_view ordering) {
    destination d;
    d.ordering = ordering_policy::compile(nlohmann::json::parse(ordering)).value();
    return d;
  }
  static ids members(const start& s) {
    ids out;
    for (const auto& m : *s.members)
      out.push_back(m->id);
    return out;
  }
  static ids of(std::initializer_list<message_ref> list) {
    ids out;
    for (const auto& m : list)
      out.push_back(m.id);
    return out;
  }
  /// All that goes now, each answered alike: what went together.
  std::vector<ids> go(unsigned status = 200) {
    std::vector<ids> out;
    for (auto& s : take()) {
      out.push_back(members(s));
      (void)finish(s.token, answer(status));
    }
    return out;
  }
  std::vector<ids> go_later(duration d, unsigned status = 200) {
    now = now + d;
    return go(status);
  }
  /// What the log says of the attempts of a message.
  std::vector<attempt_finished> attempts_of(const message_ref& m) const {
    std::vector<attempt_finished> out;
    for (const auto& [h, payload] : log)
      if (h.kind == events::kind::attempt_finished)
        if (auto f = std::get<attempt_finished>(*decode(h.kind, payload)); f.message.seq == m.seq)
          out.push_back(std::move(f));
    return out;
  }
  void restart() { live = log.size() % 2 == 0 ? folded() : restore(snapshot(live)).value(); }
};

} // namespace hourglass::webhook::tests
