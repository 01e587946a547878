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

void reader_pool::post_for(const events::sandbox_id& sandbox, std::function<void()> work) {
  {
    std::lock_guard guard{mutex_};
    if (stopping_)
      return;
    auto [mine, first] = of_sandboxes_.try_emplace(sandbox);
    mine->second.push_back(std::move(work));
    if (!first)
      return; // it has its turn
    queue_.emplace_back([this, sandbox] { run_next_of(sandbox); });
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

namespace {

void run_guarded(std::function<void()> work) {
  try {
    work();
  } catch (...) { // whoever waits is told by what the work held; the threads are everybody's
  }
}

} // namespace

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
    run_guarded(std::move(work));
  }
}

void reader_pool::run_next_of(const events::sandbox_id& sandbox) {
  std::function<void()> work;
  {
    std::lock_guard guard{mutex_};
    work = std::move(of_sandboxes_.at(sandbox).front());
  }
  run_guarded(std::move(work));
  std::lock_guard guard{mutex_};
  auto mine = of_sandboxes_.find(sandbox);
  mine->second.pop_front();
  if (mine->second.empty())
    of_sandboxes_.erase(mine);
  else
    queue_.emplace_back([this, sandbox] { run_next_of(sandbox); }); // this thread takes a turn at once: nobody need be woken
}

} // namespace hourglass::actors
