#pragma once

#include "mock/script_limits.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace hourglass::script {

/// What waits for a worker, sandbox by sandbox.
///
/// Who has used the workers least comes next (start-time fair queuing: a sandbox that comes back starts where the others are now, so that
/// nobody saves up). Of each sandbox one job is out at a time. Sandboxes whose last job took longer than `limits::script_slow` never have all workers. One whose
/// script had to be stopped rests for three times as long as that took, so that a loop has a quarter of a processor and not all of it.
/// Not thread-safe.
template <class Job>
class fair_queue {
public:
  using duration = std::chrono::microseconds;
  using moment = std::chrono::steady_clock::time_point;

  explicit fair_queue(unsigned workers) : workers_(workers) {}

  /// False when there is no room, for this sandbox or for any; then `job` is untouched.
  bool push(const std::string& sandbox, Job& job) {
    if (waiting_ >= limits::script_queue)
      return false;
    forget_idle();
    auto& l = lanes_[sandbox];
    if (l.jobs.size() >= limits::script_queue_per_sandbox)
      return false;
    if (l.jobs.empty() && !l.out)
      l.used = std::max(l.used, now_);
    l.jobs.push_back(std::move(job));
    ++waiting_;
    return true;
  }

  /// Whoever has its job takes the next one.
  bool is_out(const std::string& sandbox) const {
    const auto at = lanes_.find(sandbox);
    return at != lanes_.end() && at->second.out;
  }

  struct turn {
    std::string sandbox;
    Job job;
  };
  /// The next job for a worker that is free, if there is one that may go.
  std::optional<turn> next(moment now) {
    auto best = lanes_.end();
    const bool only_quick = workers_ > 1 && slow_out_ + 1 >= workers_;
    for (auto at = lanes_.begin(); at != lanes_.end(); ++at) {
      const auto& l = at->second;
      if (!l.jobs.empty() && !l.out && l.rests_until <= now && !(l.slow && only_quick) && (best == lanes_.end() || l.used < best->second.used))
        best = at;
    }
    if (best == lanes_.end())
      return std::nullopt;
    auto& l = best->second;
    turn out{best->first, std::move(l.jobs.front())}; // what may throw comes first
    now_ = std::max(now_, l.used);
    l.out = true;
    l.out_as_slow = l.slow;
    slow_out_ += l.slow ? 1 : 0;
    l.jobs.pop_front();
    --waiting_;
    return out;
  }

  /// When a sandbox that rests has had its rest, the earliest of those for which something waits.
  std::optional<moment> end_of_rest(moment now) const {
    std::optional<moment> out;
    for (const auto& [name, l] : lanes_)
      if (!l.jobs.empty() && !l.out && l.rests_until > now && (!out || l.rests_until < *out))
        out = l.rests_until;
    return out;
  }

  void finished(const std::string& sandbox, duration took, moment now, bool stopped = false) {
    auto& l = lanes_.at(sandbox);
    if (stopped)
      l.rests_until = now + std::min<duration>(3 * took, limits::script_rest);
    l.out = false;
    slow_out_ -= l.out_as_slow ? 1 : 0;
    l.slow = took > limits::script_slow;
    l.used += took;
  }

  std::size_t waiting() const noexcept { return waiting_; }

  /// Everything that waits, in no order.
  std::deque<Job> take_all() {
    std::deque<Job> out;
    for (auto& [name, l] : lanes_)
      std::move(l.jobs.begin(), l.jobs.end(), std::back_inserter(out));
    for (auto& [name, l] : lanes_)
      l.jobs.clear();
    waiting_ = 0;
    return out;
  }

private:
  struct lane {
    std::deque<Job> jobs;
    duration used{0};
    bool out = false; ///< a worker has one of its jobs
    bool slow = false, out_as_slow = false;
    moment rests_until;
  };

  /// Sandboxes that are idle and owe nothing need not be remembered.
  void forget_idle() {
    if (lanes_.size() < forget_at_)
      return;
    std::erase_if(lanes_, [this](const auto& e) { return e.second.jobs.empty() && !e.second.out && e.second.used <= now_ + limits::script_time; });
    forget_at_ = std::max<std::size_t>(most_idle, 2 * lanes_.size());
  }

  static constexpr std::size_t most_idle = 256;

  unsigned workers_;
  std::map<std::string, lane, std::less<>> lanes_;
  std::size_t waiting_ = 0;
  std::size_t forget_at_ = most_idle;
  unsigned slow_out_ = 0;
  duration now_{0}; ///< of the sandbox that was served last
};

} // namespace hourglass::script
