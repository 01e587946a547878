#pragma once

#include "actors/environment.hpp"
#include "replay/snapshot.hpp"

#include <atomic>
#include <memory>

namespace hourglass::actors {

/// A snapshot of a live sandbox on its way to the store. Written by a reader thread once its events are durable and, if it was asked, the outbox
/// has given its part.
struct snapshot_job {
  events::sandbox_id sandbox;
  replay::live_state what;
  bool fold = false; ///< the outbox has too much to write down while others wait
  std::atomic<int> awaited{1};
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
