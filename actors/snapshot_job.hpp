#pragma once

#include "actors/environment.hpp"
#include "replay/snapshot.hpp"

#include <array>
#include <atomic>
#include <memory>

namespace hourglass::actors {

/// A snapshot of a live sandbox on its way round: from the sandbox through endpoint and data, in the pipeline, so that it comes back when exactly
/// the events that they have applied have their places; then past the outbox, right behind the last event that it was told to apply. Each writes
/// down its part if it changed since the last snapshot. A reader thread stores it once its events are durable.
struct snapshot_job {
  events::sandbox_id sandbox;
  std::uint32_t generation = 0; ///< of the pipeline that it went through: what a replaced child wrote does not count
  replay::live_state what;
  std::array<bool, replay::part_count> wanted{};
  bool fold = false;           ///< somebody has too much to write down while others wait: fold the stream instead
  std::atomic<int> awaited{1}; ///< the journal, and the outbox when it is asked

  bool wants(replay::part p) const { return wanted[static_cast<std::size_t>(p)]; }
};
using snapshot_ptr = std::shared_ptr<snapshot_job>;

/// One of those it waits for is there. Any thread.
inline void arrived(environment& env, const snapshot_ptr& job) {
  if (job->awaited.fetch_sub(1, std::memory_order_acq_rel) != 1)
    return;
  env.post_for(job->sandbox, [&store = env.store, job] {
    if (job->fold)
      (void)replay::take_snapshot(store, job->sandbox, 1);
    else
      (void)replay::put_snapshot(store, job->sandbox, std::move(job->what));
  });
}

} // namespace hourglass::actors
