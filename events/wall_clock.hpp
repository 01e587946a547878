#pragma once

#include "events/time.hpp"

namespace hourglass::events {

/// The node's clock. For the shells alone (actors, api, cli): what decides or applies is given its time.
inline wall_time wall_now() noexcept {
  return {std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

} // namespace hourglass::events
