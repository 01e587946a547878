#pragma once

#include "events/time.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

/// One header line, as it came or as it goes: order, case and repeats are kept.
struct field {
  std::string name;
  std::string value;
  bool operator==(const field&) const = default;
};
using fields = std::vector<field>;

/// The first value of `name` (case-insensitive), or null.
const std::string* find(const fields& list, std::string_view name) noexcept;

struct made_call; // mock/outbound.hpp

/// A request to a sandbox's own API, whole and within the limits of the server that read it.
struct request {
  std::string method;
  std::string target; ///< origin form within the sandbox, still percent-encoded: `/pets/1?x=2`
  fields headers;
  std::string body;
  std::string peer; ///< remote address and port
  events::wall_time received;
  // Of a request that is repeated, because the log has only tokens for what is secret in it:
  std::optional<bool> authorised;      ///< what was said of its credentials
  std::optional<std::string> scenario; ///< which scenario it meant
  std::shared_ptr<const std::vector<made_call>> calls; ///< that were made to serve it, and what came of them; null: none so far
};

/// What goes wrong with an answer on its way, on purpose.
enum class wire_fault : std::uint8_t {
  none,
  drop,      ///< nothing is sent, and the connection stays until the client or the server gives it up
  empty,     ///< the connection ends without a byte
  reset,     ///< the connection is reset
  malformed, ///< status and headers, then a chunk that is none, and the end
  garbage,   ///< bytes that are no HTTP, and the end
};

struct response {
  unsigned status = 200;
  fields headers; ///< Content-Length, Connection, Date are the server's
  std::string body;
  wire_fault fault = wire_fault::none;
  std::chrono::milliseconds dribble{0}; ///< its body goes in pieces, over so long
};

} // namespace hourglass::mock
