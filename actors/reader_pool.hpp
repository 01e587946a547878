#pragma once

#include "events/ids.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace hourglass::actors {

/// Threads for work that blocks: reading history, folding state, replaying. Work runs in the order it came, several at a time; of what is posted
/// for a sandbox one at a time, so that one sandbox never keeps every thread. What work throws ends here; whoever waits for its outcome must be
/// told by what it holds.
/// `stop` finishes what is queued; work posted later is dropped.
class reader_pool {
public:
  explicit reader_pool(unsigned threads);
  ~reader_pool();

  void post(std::function<void()> work);
  void post_for(const events::sandbox_id& sandbox, std::function<void()> work);
  void stop();

private:
  using work_queue = std::deque<std::function<void()>>;

  void run();
  void run_next_of(const events::sandbox_id& sandbox);

  std::mutex mutex_;
  std::condition_variable wake_;
  work_queue queue_;
  std::unordered_map<events::sandbox_id, work_queue> of_sandboxes_; ///< each has one turn in `queue_`, or runs
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

} // namespace hourglass::actors
