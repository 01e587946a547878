#include "api/commit_waiters.hpp"

#include "webhook/limits.hpp"

#include <utility>

namespace hourglass::api {

commit_waiters::ticket commit_waiters::enter(const events::sandbox_id& sandbox, std::function<void()> wake) {
  std::lock_guard held{mutex_};
  auto known = of_.find(sandbox);
  const auto mine = known == of_.end() ? 0 : known->second.size();
  if (stopped_ || count_.load(std::memory_order_relaxed) >= limits::polls_that_wait || mine >= limits::polls_that_wait_per_sandbox)
    return 0;
  of_[sandbox].emplace(++last_, std::move(wake));
  count_.fetch_add(1, std::memory_order_seq_cst); // pairs with `committed`: it sees us, or we see its commit in the store
  return last_;
}

std::function<void()> commit_waiters::leave(const events::sandbox_id& sandbox, ticket which) {
  std::lock_guard held{mutex_};
  auto known = of_.find(sandbox);
  auto one = known == of_.end() ? waiting::iterator{} : known->second.find(which);
  if (known == of_.end() || one == known->second.end())
    return {};
  auto wake = std::move(one->second);
  known->second.erase(one);
  if (known->second.empty())
    of_.erase(known);
  count_.fetch_sub(1, std::memory_order_relaxed);
  return wake;
}

void commit_waiters::committed(const events::sandbox_id& sandbox) noexcept {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (count_.load(std::memory_order_seq_cst) == 0)
    return;
  waiting now;
  {
    std::lock_guard held{mutex_};
    auto known = of_.find(sandbox);
    if (known == of_.end())
      return;
    now = std::move(known->second);
    of_.erase(known);
    count_.fetch_sub(now.size(), std::memory_order_relaxed);
  }
  for (auto& [which, wake] : now)
    wake();
}

void commit_waiters::stop() {
  std::unordered_map<events::sandbox_id, waiting> now;
  {
    std::lock_guard held{mutex_};
    stopped_ = true;
    now = std::move(of_);
    of_.clear();
    count_ = 0;
  }
  for (auto& [sandbox, all] : now)
    for (auto& [which, wake] : all)
      wake();
}

} // namespace hourglass::api
