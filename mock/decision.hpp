#pragma once

#include "events/envelope.hpp"
#include "events/outcome.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

/// What a command leads to: events to write (none when nothing would change) and what to tell the caller once they are durable.
struct decision {
  std::vector<events::draft> events;
  std::string reply; ///< JSON text; empty: nothing to say
};

/// Reads what `snapshot(const State&)` wrote. Specialised for every state of this folder; restoring a snapshot and
/// applying the events after it gives the state that applying all events gives.
/// Fails with `errc::corrupt` or `errc::newer_format`.
template <class State>
events::outcome<State> restore(std::string_view text);

} // namespace hourglass::mock
