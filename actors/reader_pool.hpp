#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace hourglass::actors {

/// Threads for work that blocks: reading history, folding state, replaying. Work runs in the order it came, several at a time. What it throws
/// ends here; whoever waits for its outcome must be told by what it holds.
/// `stop` finishes what is queued; work posted later is dropped.
class reader_pool {
public:
  explicit reader_pool(unsigned threads);
  ~reader_pool();

  void post(std::function<void()> work);
  void stop();

private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

} // namespace hourglass::actors
