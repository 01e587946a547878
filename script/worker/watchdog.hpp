#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <ctime>
#include <functional>
#include <mutex>
#include <thread>

namespace hourglass::worker {

/// Looks every two milliseconds at what the running script has cost, and interrupts it when that is too much.
///
/// Time is the CPU time of the thread that made the watchdog, so a busy machine makes no script late. Memory is what the system says the
/// process takes, since the engine's own limit leaves strings and arrays out.
/// Threads: `arm` and `disarm` by the thread that made it; after `disarm` has returned, nothing fires.
class watchdog {
public:
  enum class reason { none, time, memory };

  /// `fire` runs on the watchdog's thread, again and again until disarmed: an engine may swallow an interrupt.
  explicit watchdog(std::function<void()> fire);
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;

  /// What an idle worker takes from now on. False when the system does not say: then no limit of memory would hold, and no script may run.
  bool settle();

  void arm();
  reason disarm();
  reason fired() const noexcept { return fired_.load(std::memory_order_acquire); }

  std::size_t resident_bytes() const noexcept;
  std::size_t settled_bytes() const noexcept { return settled_; }

private:
  void loop();
  void look();

  std::function<void()> fire_;
  clockid_t clock_{};
  std::size_t page_; ///< bytes of one; the system counts in these
  int statm_ = -1;
  std::size_t settled_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool armed_ = false;
  bool asleep_ = true; ///< until the next `arm`: no script has run for a while
  std::size_t quiet_ = 0;
  long long deadline_us_ = 0; ///< on `clock_`
  std::atomic<reason> fired_{reason::none};
};

} // namespace hourglass::worker
