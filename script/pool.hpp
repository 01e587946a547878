#pragma once

#include "events/outcome.hpp"
#include "mock/script.hpp"
#include "mock/script_limits.hpp"

#include <chrono>
#include <filesystem>
#include <memory>

namespace hourglass::script {

struct pool_options {
  std::filesystem::path program; ///< `hourglass-script-worker`; empty: beside the program that runs
  unsigned workers = limits::script_workers;
  std::chrono::milliseconds most_time = limits::script_time; ///< of a run, on the wall
};

/// A script engine over worker processes, which are started when they are first needed and replaced when they die, are killed at a deadline, or ask
/// for it. A run whose worker dies before it has asked anything is tried once more.
/// Fails with `errc::unavailable` when the program is not there.
events::outcome<std::unique_ptr<mock::script_engine>> open_pool(pool_options options);

} // namespace hourglass::script
