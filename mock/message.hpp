#pragma once

#include "events/time.hpp"

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

/// A request to a sandbox's own API, whole and within the limits of the server that read it.
struct request {
  std::string method;
  std::string target; ///< origin form within the sandbox, still percent-encoded: `/pets/1?x=2`
  fields headers;
  std::string body;
  std::string peer; ///< remote address and port
  events::wall_time received;
};

struct response {
  unsigned status = 200;
  fields headers; ///< Content-Length, Connection, Date are the server's
  std::string body;
};

} // namespace hourglass::mock
