#pragma once

#include "events/ids.hpp"
#include "events/outcome.hpp"

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

namespace hourglass::mock {

/// What is to go wrong, and how often.
///
/// chaos   := item (`,` item)*
/// item    := `latency=` ms | `latency=` ms `-` ms     evenly between; at most `limits::chaos_latency`
///          | status `=` share | `5xx=` share          answered with that status (5xx: 503)
///          | `drop=` share                            no answer at all
/// share   := number `%`                               at most 100 together
struct chaos {
  struct failure {
    unsigned status = 0; ///< 0: drop
    double percent = 0;
  };
  std::chrono::milliseconds latency_low{0}, latency_high{0};
  std::vector<failure> failures;

  /// Fails with `errc::invalid`.
  static events::outcome<chaos> read(std::string_view text);
};

/// What becomes of one request.
struct chaos_fate {
  std::chrono::milliseconds delay{0};
  std::optional<unsigned> status; ///< instead of its answer
  bool drop = false;
};

/// The same chance gives the same fate.
chaos_fate fate_of(const chaos& c, const events::entropy& chance);

} // namespace hourglass::mock
