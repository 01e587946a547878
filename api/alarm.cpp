#include "api/alarm.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

namespace hourglass::api {

using clock = std::chrono::steady_clock;

struct alarm::impl {
  std::mutex lock;
  std::condition_variable wake;
  std::map<alarm::ticket, std::function<void()>> waiting;
  std::uint64_t last = 0;
  bool ending = false;
  std::thread thread;

  void run() {
    std::unique_lock held{lock};
    while (!ending) {
      if (waiting.empty()) {
        wake.wait(held);
        continue;
      }
      auto first = waiting.begin();
      if (auto when = first->first.first; when > clock::now()) {
        wake.wait_until(held, when);
        continue;
      }
      auto work = std::move(first->second);
      waiting.erase(first);
      held.unlock();
      work();
      work = nullptr;
      held.lock();
    }
  }
};

alarm::alarm() : self_(std::make_unique<impl>()) {
  self_->thread = std::thread{[this] { self_->run(); }};
}

alarm::~alarm() {
  stop();
}

alarm::ticket alarm::after(std::chrono::milliseconds delay, std::function<void()> work) {
  std::lock_guard held{self_->lock};
  const ticket which{clock::now() + delay, ++self_->last};
  if (self_->ending)
    return which;
  self_->waiting.emplace(which, std::move(work));
  self_->wake.notify_one();
  return which;
}

void alarm::cancel(const ticket& which) {
  std::function<void()> dropped; // outside the lock: who knows what it holds
  std::lock_guard held{self_->lock};
  if (const auto found = self_->waiting.find(which); found != self_->waiting.end()) {
    dropped = std::move(found->second);
    self_->waiting.erase(found);
  }
}

void alarm::stop() {
  decltype(self_->waiting) dropped;
  {
    std::lock_guard held{self_->lock};
    self_->ending = true;
    dropped.swap(self_->waiting);
    self_->wake.notify_one();
  }
  if (self_->thread.joinable())
    self_->thread.join();
}

} // namespace hourglass::api
