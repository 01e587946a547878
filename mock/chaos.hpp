#pragma once

#include "events/ids.hpp"
#include "events/outcome.hpp"
#include "mock/message.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

/// What is to go wrong, and how often.
///
/// chaos   := item (`,` item)*
/// item    := `latency=` ms | `latency=` ms `-` ms         before the answer, evenly between; at most `limits::chaos_latency`
///          | `latency=lognormal:` median `:` sigma (`:` most)?   in ms, with a long tail; `most` is `limits::chaos_latency` if it does not say
///          | `dribble=` ms (`@` share)?                    the body goes in pieces, over so long; of every answer if it does not say
///          | status `=` share | `5xx=` share               answered with that status (5xx: 503)
///          | fault `=` share                               no answer as it should be
///          | `seed=` text                                  at most 64 characters: see `chaos_draw`
/// fault   := `drop` | `empty` | `reset` | `malformed` | `garbage`   (`wire_fault`)
/// share   := number `%`                                    of statuses and faults at most 100 together
struct chaos {
  struct failure {
    unsigned status = 0; ///< 0: a fault
    wire_fault fault = wire_fault::none;
    double percent = 0;
    bool operator==(const failure&) const = default;
  };
  std::chrono::milliseconds latency_low{0}, latency_high{0}; ///< lognormal: the median, and the most
  double sigma = 0;                                           ///< more than 0: lognormal
  std::chrono::milliseconds dribble{0};
  double dribble_percent = 100;
  std::vector<failure> failures;
  std::string seed;
  std::string text; ///< as it was read

  /// Fails with `errc::invalid`.
  static events::outcome<chaos> read(std::string_view text);
  bool operator==(const chaos&) const = default;
};

/// What becomes of one request.
struct chaos_fate {
  std::chrono::milliseconds delay{0};
  std::chrono::milliseconds dribble{0};
  std::optional<unsigned> status; ///< instead of its answer
  wire_fault fault = wire_fault::none;

  bool answers() const noexcept { return status || fault != wire_fault::none; } ///< nobody else is asked
};

/// The same chance gives the same fate.
chaos_fate fate_of(const chaos& c, const events::entropy& chance);

/// The chance of the request `ordinal` under a profile with a seed: a run that sends the same requests in the same order meets the same fates.
events::entropy chance_of(std::string_view seed, std::uint64_t ordinal);

std::string_view to_string(wire_fault f) noexcept;
std::optional<wire_fault> wire_fault_from(std::string_view name) noexcept;

} // namespace hourglass::mock
