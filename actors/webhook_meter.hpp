#pragma once

#include "events/ids.hpp"
#include "events/time.hpp"
#include "webhook/outbox.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace hourglass::actors {

/// How long something took, in seconds: `counts[i]` were at most `bounds[i]` and more than the bound before, the last of them more than any.
struct latency_counts {
  static constexpr std::array<double, 17> bounds{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 86400};
  std::array<std::uint64_t, bounds.size() + 1> counts{};
  double sum = 0;
};

/// What the node can say about its webhooks. Counters since its start, as events get their place in the log; of sandboxes that have been in memory
/// since then, what waits.
struct webhook_figures {
  std::uint64_t messages = 0, delivered = 0, failed = 0, dead = 0, expired = 0;
  latency_counts latency; ///< from when a message was due first to its receipt, on its sandbox's clock

  std::uint64_t pending = 0;
  double oldest_s = 0;                                 ///< of all that waits, since it was due first
  std::map<std::string, std::uint64_t, std::less<>> by_state; ///< destinations, as `webhook::health_of` names it
  struct row {
    std::string sandbox, destination, state;
    std::uint64_t pending = 0;
    double oldest_s = 0;
  };
  std::vector<row> worst; ///< at most `rows_most`, those with most waiting first: labels must not grow with sandboxes
  static constexpr std::size_t rows_most = 20;
};

/// Counts what becomes of webhooks, and keeps what each sandbox said last about what waits.
///
/// Threads: any. The counters are relaxed; the rest is under one lock, taken by a sandbox at most once a second.
/// Memory: a few lines a sandbox that has something waiting, or a destination that is not well.
class webhook_meter {
public:
  // -- modifiers -----------------------------------------------------------------------

  void accepted() noexcept { messages_.fetch_add(1, std::memory_order_relaxed); }
  void failed() noexcept { failed_.fetch_add(1, std::memory_order_relaxed); }
  void died() noexcept { dead_.fetch_add(1, std::memory_order_relaxed); }
  void expired() noexcept { expired_.fetch_add(1, std::memory_order_relaxed), died(); }
  void delivered(events::duration after) noexcept;
  void delivered() noexcept { delivered_.fetch_add(1, std::memory_order_relaxed); }

  void put(const events::sandbox_id& sandbox, webhook::backlog what, events::wall_time at);
  void forget(const events::sandbox_id& sandbox);

  // -- observers -----------------------------------------------------------------------

  webhook_figures read(events::wall_time now) const;

private:
  struct said {
    webhook::backlog what;
    events::wall_time at;
  };

  std::atomic<std::uint64_t> messages_{0}, delivered_{0}, failed_{0}, dead_{0}, expired_{0};
  std::array<std::atomic<std::uint64_t>, latency_counts::bounds.size() + 1> latency_{};
  std::atomic<std::int64_t> latency_us_{0};
  mutable std::mutex mutex_;
  std::map<events::sandbox_id, said> said_;
};

} // namespace hourglass::actors
