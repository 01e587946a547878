#pragma once

#include "events/ids.hpp"
#include "events/outcome.hpp"

#include <cstddef>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace hourglass::api {

/// How many scripts run apart from their sandboxes, as trials and replays: each holds a copy of its sandbox's data until it has been answered.
///
/// Limits: `limits::scripts_apart`, and of one sandbox `limits::scripts_apart_per_sandbox`.
/// Threads: any. Tickets may outlive the gate.
class script_gate {
public:
  script_gate();

  using ticket = std::shared_ptr<void>; ///< gives its place back
  /// Fails with `errc::overloaded`.
  events::outcome<ticket> enter(const events::sandbox_id& sandbox);

private:
  struct places {
    std::mutex mutex;
    std::size_t all = 0;
    std::unordered_map<events::sandbox_id, std::size_t> of;
  };
  std::shared_ptr<places> places_;
};

} // namespace hourglass::api
