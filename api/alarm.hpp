#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

namespace hourglass::api {

/// Runs small work a little later, on one thread of its own: polls for `Prefer: wait`, pacing of live tails.
/// Threads: any. What has not run when it is destroyed never runs.
class alarm {
public:
  alarm();
  ~alarm();
  alarm(const alarm&) = delete;
  alarm& operator=(const alarm&) = delete;

  using ticket = std::pair<std::chrono::steady_clock::time_point, std::uint64_t>;

  /// `work` must not block or throw.
  ticket after(std::chrono::milliseconds delay, std::function<void()> work);

  /// If it has not run and does not run now, it never does, and what it held is let go of. No harm otherwise.
  void cancel(const ticket& which);

  /// Drops what waits and ends the thread; blocks. Idempotent.
  void stop();

private:
  struct impl;
  std::unique_ptr<impl> self_;
};

} // namespace hourglass::api
