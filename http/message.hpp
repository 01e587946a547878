#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::http {

/// One header line, as it came or as it goes: order, case and repeats are kept.
struct field {
  std::string name;
  std::string value;
  bool operator==(const field&) const = default;
};
using fields = std::vector<field>;

/// The first value of `name` (case-insensitive), or an empty view.
std::string_view find(const fields& list, std::string_view name) noexcept;
bool contains(const fields& list, std::string_view name) noexcept;

/// A request that has been read whole and is within all limits.
struct request {
  std::string method; ///< as sent; extension methods are allowed
  std::string target; ///< origin form, as sent: path and query, still percent-encoded
  fields headers;
  std::string body;
  std::string peer; ///< remote address and port
  bool secure = false;
  std::int64_t received_us = 0; ///< Unix time, microseconds, when the header was complete
};

/// What goes wrong with an answer on its way, on purpose: for those who test how their client bears it.
enum class wire_fault : std::uint8_t {
  none,
  drop,      ///< nothing is sent, and the connection stays until the client gives it up, or `server_options::write_time` has passed
  empty,     ///< the connection ends without a byte
  reset,     ///< the connection is reset
  malformed, ///< status and headers, then a chunk that is none, and the end
  garbage,   ///< bytes that are no HTTP, and the end
};

struct response {
  unsigned status = 200;
  fields headers; ///< Content-Length, Connection, Date are set by the server
  std::string body;
  wire_fault fault = wire_fault::none;
  std::chrono::milliseconds dribble{0}; ///< the body goes in pieces, over so long
};

/// Path and query of a target, split at the first `?`.
struct target_parts {
  std::string_view path;
  std::string_view query;
};
target_parts split_target(std::string_view target) noexcept;

/// Percent-decodes one path segment or query component. False on a malformed escape, or on a decoded NUL.
bool percent_decode(std::string_view text, bool plus_is_space, std::string& out);
std::string percent_encode(std::string_view text);

/// Name and value pairs of a query or an urlencoded form, decoded, in order. False when malformed or more than 1,000 pairs.
bool parse_query(std::string_view query, fields& out);

} // namespace hourglass::http
