#pragma once

// The only way CAF comes in. Its headers use <limits> and others without including them, so those come first.
#include <algorithm>
#include <chrono>
#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <caf/all.hpp>
#include <caf/logger.hpp>

namespace hourglass::actors {

/// CAF remembers its logger in every thread that made a system or spawned an actor, and the system's destructor waits until the last of them has
/// let go. Call it behind either: such a thread may outlive the system.
inline void let_go_of_logger() { caf::logger::set_current_actor_system(nullptr); }

} // namespace hourglass::actors
