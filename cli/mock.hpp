#pragma once

#include "cli/program.hpp"
#include "http/message.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hourglass::cli {

/// Serves one OpenAPI document at `/`, from a sandbox in a folder that is made for it and removed at the end.
struct mock_options {
  std::string document; ///< a file, JSON or YAML; `-`: standard input
  std::string listen = "127.0.0.1:4010";
  std::optional<std::uint64_t> seed; ///< of the values made from schemas and of the sandbox; none: others each time
  bool dynamic = false; ///< values are made from the schemas also where the document has examples
  bool json = false;    ///< JSON lines instead of text
  std::string state; ///< `on`, `empty` or `off`; empty: as the document says, else `on`
  std::string validation = "report";
  std::string security; ///< empty: as strict as `validation`
};

/// The line about one answered request.
std::string request_line(const http::request& request, const http::response& answer, std::chrono::microseconds took, bool json);

/// `text`, as it may stand in one line of a terminal: without control characters, those that turn its direction included; at most 1,000 bytes.
std::string printable(std::string_view text);

/// Until SIGINT, SIGTERM, SIGHUP or SIGQUIT. Blocks them, in this thread, once the document is read: until then they end the process as ever.
exit_code serve_document(const mock_options& options);

} // namespace hourglass::cli
