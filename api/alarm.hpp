#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace hourglass::api {

/// Runs small work a little later, on one thread of its own: polls for `Prefer: wait`, pacing of live tails.
/// Threads: any. What has not run when it is destroyed never runs.
class alarm {
public:
  alarm();
  ~alarm();
  alarm(const alarm&) = delete;
  alarm& operator=(const alarm&) = delete;

  /// `work` must not block or throw.
  void after(std::chrono::milliseconds delay, std::function<void()> work);

  /// Drops what waits and ends the thread; blocks. Idempotent.
  void stop();

private:
  struct impl;
  std::unique_ptr<impl> self_;
};

} // namespace hourglass::api
