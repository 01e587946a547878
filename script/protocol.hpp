#pragma once

#include "events/outcome.hpp"
#include "mock/script.hpp"

#include <optional>
#include <string_view>

namespace hourglass::script {

/// What a worker says at the end of a run.
struct ending {
  mock::script_outcome outcome;
  bool tired = false; ///< it wants to be replaced
};

/// Reads the payload of `frame_kind::done`. A script may have taken its worker over, so nothing is believed: sizes, numbers and UTF-8 are checked.
/// Fails with `errc::invalid`; then the worker must go.
events::outcome<ending> read_ending(std::string_view payload);

/// The payload of `frame_kind::call`.
struct asked {
  std::string_view name;
  std::string_view arguments;
};
std::optional<asked> read_call(std::string_view payload);

} // namespace hourglass::script
