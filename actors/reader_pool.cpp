#include "actors/reader_pool.hpp"

#include <algorithm>
#include <utility>

namespace hourglass::actors {

reader_pool::reader_pool(unsigned threads) {
  for (unsigned i = 0; i < std::max(threads, 1U); ++i)
    threads_.emplace_back([this] { run(); });
}

reader_pool::~reader_pool() { stop(); }

void reader_pool::post(std::function<void()> work) {
  {
    std::lock_guard guard{mutex_};
    if (stopping_)
      return;
    queue_.push_back(std::move(work));
  }
  wake_.notify_one();
}

void reader_pool::stop() {
  {
    std::lock_guard guard{mutex_};
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& t : threads_)
    if (t.joinable())
      t.join();
}

void reader_pool::run() {
  for (;;) {
    std::function<void()> work;
    {
      std::unique_lock lock{mutex_};
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty())
        return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    try {
      work();
    } catch (...) { // without memory for it, its caller is told by what the work held; the threads are everybody's
    }
    work = nullptr;
  }
}

} // namespace hourglass::actors
