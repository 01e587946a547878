#pragma once

#include "api/core.hpp"
#include "webhook/commands.hpp"

namespace hourglass::api::svix {

/// Answers how many messages `what` would take now, and changes nothing. Exact as long as not more than `dry_run_most` messages have to be looked at; else a
/// lower bound, and says so (`complete`). What is refused is refused as if it were meant.
inline constexpr std::uint64_t dry_run_most = 50'000;
void count_recovery(core& in, const call_ptr& c, webhook::start_recovery what);

} // namespace hourglass::api::svix
