#pragma once

#include "cli/program.hpp"
#include "cli/serve_options.hpp"

namespace hourglass::cli {

/// Runs a node until SIGINT or SIGTERM; a second one ends the process at once. Signals must be blocked in every thread before (`block_signals`).
exit_code serve(const serve_options& options);

/// So that only `sigwait` gets them. Before any thread starts.
void block_signals();

} // namespace hourglass::cli
