#pragma once

#include "tests/unit/webhook/guarded.hpp"

#include <initializer_list>

namespace hourglass::webhook::tests {

inline constexpr const char* by_customer = R"({"key":"/payload/customer/id"})";

/// A world with a destination that has an order.
struct lines : guarded {
  std::string ordered(const char* ordering, std::optional<std::vector<duration>> schedule = std::vector<duration>(5, 60s)) {
    destination d;
    d.ordering = ordering_policy::compile(nlohmann::json::parse(ordering)).value();
    d.schedule = std::move(schedule);
    return id = add(d);
  }
  message_ref of(const std::string& customer) { return emit("t", nlohmann::json{{"customer", {{"id", customer}}}}.dump()); }
  /// Who goes now; each is answered.
  std::vector<std::string> go(unsigned status = 200) {
    std::vector<std::string> out;
    for (auto& s : take()) {
      out.push_back(s.message->id);
      (void)finish(s.token, answer(status));
    }
    return out;
  }
  static std::vector<std::string> ids(std::initializer_list<message_ref> list) {
    std::vector<std::string> out;
    for (const auto& m : list)
      out.push_back(m.id);
    return out;
  }
  void restart() { live = log.size() % 2 == 0 ? folded() : restore(snapshot(live)).value(); }
};

} // namespace hourglass::webhook::tests
