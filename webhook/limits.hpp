#pragma once

#include "events/limits.hpp"

/// Limits that only webhook/ and those above it ask for, with their reason; all others are in events/limits.hpp. Going over one is a problem document that names it.
namespace hourglass::limits {

// -- filters: each runs in the sandbox's one outbox, for every message that may match ------------
inline constexpr std::size_t filter_bytes = 16 * kibi;
inline constexpr std::size_t filter_depth = 16;       ///< compiling and judging recurse
inline constexpr std::size_t filter_conditions = 200;
inline constexpr std::size_t filter_steps = 100'000;  ///< values looked at for one message; about a millisecond

} // namespace hourglass::limits
