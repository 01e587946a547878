#pragma once

#include "events/ids.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <unordered_map>

namespace hourglass::api {

/// Who waits for the next event of a sandbox (long polls).
///
/// Limits: `limits::polls_that_wait`, and of one sandbox `limits::polls_that_wait_per_sandbox`.
/// Threads: any. What is woken runs on the journal's thread, or on that of whoever calls `stop`: it must not block.
class commit_waiters {
public:
  using ticket = std::uint64_t; ///< 0: there was no room, or it has stopped

  /// `wake` is called once, when something is committed in `sandbox` or all is stopped, unless the ticket is given back before. What was committed
  /// before this returned may have been missed: look again afterwards.
  ticket enter(const events::sandbox_id& sandbox, std::function<void()> wake);

  /// What it would have been woken by, if it was still waiting: then it never is. Else nothing.
  std::function<void()> leave(const events::sandbox_id& sandbox, ticket which);

  /// Cheap, and nearly free with nobody waiting.
  void committed(const events::sandbox_id& sandbox) noexcept;

  /// Wakes everybody; nobody waits any more from now on.
  void stop();

private:
  using waiting = std::unordered_map<ticket, std::function<void()>>;

  std::mutex mutex_;
  std::unordered_map<events::sandbox_id, waiting> of_;
  std::atomic<std::size_t> count_{0};
  ticket last_ = 0;
  bool stopped_ = false;
};

} // namespace hourglass::api
