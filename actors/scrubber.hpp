#pragma once

#include "storage/store.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace hourglass::actors {

/// Has the store rewrite its files when erased content has stood in them for `after`. It reads and
/// writes all there is, so at most so often, and on a thread of its own: the readers have callers
/// who wait.
class scrubber {
public:
  scrubber(storage::store& of, std::chrono::seconds after);
  ~scrubber();
  scrubber(const scrubber&) = delete;
  scrubber& operator=(const scrubber&) = delete;

private:
  void run();

  storage::store& store_;
  const std::chrono::seconds after_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

} // namespace hourglass::actors
