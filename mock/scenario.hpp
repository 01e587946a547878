#pragma once

#include "mock/chaos.hpp"
#include "mock/json_value.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

struct plan;
struct data_state;

/// A value in a request that means a scenario, as payment providers have test cards.
struct magic_value {
  std::string in;     ///< `body`, `query`, `header`
  std::string at;     ///< JSON Pointer into the body, or the parameter's name
  std::string equals; ///< text, or a number or truth as text
  std::string scenario;
  bool operator==(const magic_value&) const = default;
};

/// What a scenario makes of a request; each part may be left out.
struct scenario {
  std::optional<unsigned> code; ///< the endpoint's own answer of this code, and of these the example
  std::string example;
  std::optional<response> answer; ///< instead of the endpoint's
  std::string chaos;              ///< beside either
};

/// A named bundle, ready.
struct scenario_pack {
  std::string name;
  std::vector<magic_value> magic;
  std::map<std::string, scenario, std::less<>> scenarios;
};

/// Chaos profiles and scenario packs of a sandbox: part of its data, so that what a pack brings is one change.
///
/// A pack as it is put:
///   {"description"?: "…", "seed"?: a document of `mock/seed.hpp` (fixtures, generated items, env),
///    "chaos"?: {"*": "latency=200", "POST /orders": "5xx=2%", "<endpoint id>": "drop=1%"},
///    "magic"?: [{"in": "body" | "query" | "header", "at": "/card/number", "equals": "4000000000000002", "scenario": "card_declined"}],
///    "scenarios"?: {"card_declined": {"code"?: 402, "example"?: "declined", "answer"?: {"status", "headers"?, "body"?}, "chaos"?: "latency=2000"}}}
struct scenario_state {
  struct profile {
    chaos what;
    std::uint64_t drawn = 0; ///< requests under it, if it has a seed
    bool operator==(const profile&) const = default;
  };
  std::map<std::string, profile, std::less<>> profiles;  ///< by endpoint id or `METHOD /path`; `*`: all others
  std::map<std::string, std::string, std::less<>> packs; ///< name -> JSON text
  std::string applied;                                   ///< JSON text of the pack that was applied last, with its name; empty: none
  std::shared_ptr<const scenario_pack> pack;             ///< of `applied`

  bool operator==(const scenario_state& o) const { return profiles == o.profiles && packs == o.packs && applied == o.applied; }
};

/// What scenarios and chaos make of a request, before anybody answers it: `scenario`, `fate` and perhaps `refusal` of the plan, or another of its answers.
/// Pure: a replay comes to the same.
void meet_fate(plan& p, const data_state& data, const request& req, const events::entropy& chance);

inline constexpr std::string_view all_endpoints = "*";

/// Fails with `errc::invalid` (`where` = JSON Pointer), `errc::too_large`. `text`: as it will be kept.
events::outcome<std::shared_ptr<const scenario_pack>> read_pack(std::string_view name, const json_value& v);

} // namespace hourglass::mock
