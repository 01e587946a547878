#pragma once

#include "events/envelope.hpp"
#include "mock/endpoints.hpp"
#include "mock/json_value.hpp"
#include "mock/serve.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

/// What is made of recorded traffic.
///   {"path"?: "/pets", "repeats"?: "last" | "first", "generalise"?: false, "priority"?: 4, "since"?, "until"?, "dry_run"?: false}
struct recording_options {
  std::string path;          ///< the target begins with this; empty: any
  bool first_wins = false;   ///< of several answers to the same request; else the last
  bool generalise = false;   ///< what looks like an id in a path becomes a parameter, and the same in the answer follows it
  unsigned priority = usual_priority - 1; ///< of the endpoints that are made: before the one that forwards
  bool dry_run = false;

  /// Reads the members above but for the moments, which are the caller's. Fails with `errc::invalid`.
  static events::outcome<recording_options> read(const json_value& v);
};

/// Endpoints out of what upstreams answered, so that the mock can without them.
///
/// The log is what was recorded, so nothing comes back that it does not have: of secrets it has tokens, of very long bodies the front. Headers that are
/// credentials, the server's or the connection's are left out, members with the name of a secret replaced, and what cannot be made again is told.
/// Requests are told apart by method, path and query, and where that does not do by their bodies.
class recording {
public:
  explicit recording(recording_options how) : how_(std::move(how)) {}

  /// One of the log's, in their order. One that was not forwarded is none of ours.
  /// Fails with `errc::too_large` when there are too many: `limits::recorded_requests`, `limits::recorded_bytes`.
  events::outcome<void> take(const served_record& r);

  std::size_t seen() const noexcept { return all_.size(); }

  /// Fails as `translation` does. The `from` of each is its request: `/requests/req_…`.
  events::outcome<put_endpoints> finish() &&;

private:
  struct exchange {
    std::string id, method, target, body, type;
    response answer;
  };
  struct omission {
    std::string why, at;
  };

  recording_options how_;
  std::vector<exchange> all_;
  std::vector<omission> omitted_;
  std::size_t bytes_ = 0;
};

/// {"active", "path", "since", "until"}: whether a recording is under way, and of what.
std::string recording_json(const endpoint_state& state);

} // namespace hourglass::mock
