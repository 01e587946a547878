#pragma once

#include "cli/program.hpp"
#include "http/server.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace hourglass::cli {

/// A webhook receiver for development: verifies, prints one JSON line a webhook, answers as told.
struct listen_options {
  std::string listen = "127.0.0.1:9090";
  std::string secret; ///< `whsec_…` or `whpk_…`; empty: nothing is verified
  unsigned status = 204;
  unsigned fail_first = 0;    ///< so many get `fail_status` first
  unsigned fail_status = 500;
  unsigned delay_ms = 0;
};

/// The JSON line for one request, and how the signature stands.
std::string webhook_line(const http::request& request, const std::string& secret, std::int64_t now_s, unsigned status);

/// Until SIGINT or SIGTERM.
exit_code listen(const listen_options& options);

} // namespace hourglass::cli
