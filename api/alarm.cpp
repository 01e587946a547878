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
  std::multimap<clock::time_point, std::function<void()>> waiting;
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
      if (auto when = first->first; when > clock::now()) {
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

void alarm::after(std::chrono::milliseconds delay, std::function<void()> work) {
  std::lock_guard held{self_->lock};
  if (self_->ending)
    return;
  self_->waiting.emplace(clock::now() + delay, std::move(work));
  self_->wake.notify_one();
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
