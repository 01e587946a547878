#pragma once

#include "cli/program.hpp"

#include <string>

namespace hourglass::cli {

struct trigger_options {
  std::string server = "http://127.0.0.1:8080";
  std::string key;
  std::string sandbox;
  std::string type;
  std::string payload = "{}"; ///< JSON object text, or @FILE
};

/// Emits one event through the API and prints the message.
exit_code trigger(const trigger_options& options);

} // namespace hourglass::cli
