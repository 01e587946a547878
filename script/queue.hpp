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
/// nobody saves up). Of each sandbox one job is out at a time. A sandbox whose script was slow has workers of another class from then on, until it has been quick
/// `limits::script_quick_again` times in a row and for `limits::script_slow_for` times as long as that script took: of the quick workers it has but a twentieth of one. In each
/// class it owes what it used there. One whose script had to be stopped rests for three times as long as that took, so that a loop has a quarter of a processor and
/// not all of it. Not thread-safe.
template <class Job>
class fair_queue {
public:
  using duration = std::chrono::microseconds;
  using moment = std::chrono::steady_clock::time_point;

  enum class pace { quick, slow };

  /// False when there is no room, for this sandbox or for any; then `job` is untouched.
  bool push(const std::string& sandbox, Job& job, moment now) {
    if (waiting_ >= limits::script_queue)
      return false;
    forget_idle(now);
    auto& l = lanes_[sandbox];
    if (l.jobs.size() >= limits::script_queue_per_sandbox)
      return false;
    if (l.jobs.empty() && !l.out)
      l.catch_up(now_of(l.pace));
    l.jobs.push_back(std::move(job));
    ++waiting_;
    return true;
  }

  /// Whoever has its job takes the next one.
  bool is_out(const std::string& sandbox) const {
    const auto at = lanes_.find(sandbox);
    return at != lanes_.end() && at->second.out;
  }

  pace pace_of(const std::string& sandbox) const {
    const auto at = lanes_.find(sandbox);
    return at == lanes_.end() ? pace::quick : at->second.pace;
  }

  struct turn {
    std::string sandbox;
    Job job;
  };
  /// The next job for a worker of that class that is free, if there is one that may go.
  std::optional<turn> next(pace worker, moment now) {
    auto best = lanes_.end();
    for (auto at = lanes_.begin(); at != lanes_.end(); ++at) {
      const auto& l = at->second;
      if (l.pace == worker && !l.jobs.empty() && !l.out && l.rests_until <= now && (best == lanes_.end() || l.used() < best->second.used()))
        best = at;
    }
    if (best == lanes_.end())
      return std::nullopt;
    auto& l = best->second;
    turn out{best->first, std::move(l.jobs.front())}; // what may throw comes first
    now_of(worker) = std::max(now_of(worker), l.used());
    l.out = true;
    l.jobs.pop_front();
    --waiting_;
    return out;
  }

  /// When a sandbox that rests has had its rest, the earliest of those for which something waits.
  std::optional<moment> end_of_rest(pace worker, moment now) const {
    std::optional<moment> out;
    for (const auto& [name, l] : lanes_)
      if (l.pace == worker && !l.jobs.empty() && !l.out && l.rests_until > now && (!out || l.rests_until < *out))
        out = l.rests_until;
    return out;
  }

  enum class end { quick, slow, stopped };
  /// True when what waits of the sandbox is another class's from now on, whose workers do not know it.
  bool finished(const std::string& sandbox, duration took, moment now, end how = end::quick) {
    auto& l = lanes_.at(sandbox);
    const auto before = l.pace;
    if (how == end::stopped)
      l.rests_until = now + std::min<duration>(3 * took, limits::script_rest);
    l.out = false;
    l.used() += took;
    l.quick_in_a_row = how == end::quick ? l.quick_in_a_row + 1 : 0;
    if (how != end::quick) {
      l.pace = pace::slow;
      l.slow_until = now + limits::script_slow_for * took;
    } else if (l.quick_in_a_row >= limits::script_quick_again && now >= l.slow_until) {
      l.pace = pace::quick;
    }
    if (l.pace == before)
      return false;
    l.catch_up(now_of(l.pace));
    return !l.jobs.empty();
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
    duration used_quick{0}, used_slow{0};
    bool out = false; ///< a worker has one of its jobs
    fair_queue::pace pace = pace::quick;
    unsigned quick_in_a_row = 0;
    moment rests_until;
    moment slow_until; ///< at the earliest

    duration& used() noexcept { return pace == fair_queue::pace::quick ? used_quick : used_slow; }
    const duration& used() const noexcept { return pace == fair_queue::pace::quick ? used_quick : used_slow; }
    void catch_up(duration present) noexcept { used() = std::max(used(), present); }
    /// What it did is as good as forgotten. Who is slow is so for a while after it was heard of last.
    bool owes_nothing(duration present, moment now) const noexcept {
      return used_quick <= present + limits::script_time && rests_until <= now && (pace == fair_queue::pace::quick || slow_until + limits::script_slow_remembered <= now);
    }
  };

  duration& now_of(pace which) noexcept { return which == pace::quick ? quick_now_ : slow_now_; }

  /// Sandboxes that are idle and owe nothing need not be remembered.
  void forget_idle(moment now) {
    if (lanes_.size() < forget_at_)
      return;
    std::erase_if(lanes_, [&](const auto& e) { return e.second.jobs.empty() && !e.second.out && e.second.owes_nothing(quick_now_, now); });
    forget_at_ = std::max<std::size_t>(most_idle, 2 * lanes_.size());
  }

  static constexpr std::size_t most_idle = 256;

  std::map<std::string, lane, std::less<>> lanes_;
  std::size_t waiting_ = 0;
  std::size_t forget_at_ = most_idle;
  duration quick_now_{0}, slow_now_{0}; ///< of the sandbox of that class that was served last
};

} // namespace hourglass::script
