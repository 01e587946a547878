#pragma once

#include "events/limits.hpp"
#include "storage/fwd.hpp"
#include "storage/records.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace hourglass::storage {

struct journal_options {
  std::size_t queue_bytes = limits::journal_queue_bytes;
  std::size_t batch_bytes = limits::journal_batch_bytes;
  /// False: no thread; whoever owns the journal calls `run_once` (simulation and tests).
  bool writer_thread = true;
  /// When nothing is written for so long, the writer tells the store (`store::idle`) and looks at its health.
  std::chrono::milliseconds rest_after{1'000};
};

struct journal_counters {
  std::uint64_t batches = 0; ///< committed
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;
  std::uint64_t syncs = 0;
  std::uint64_t rejected = 0;
  std::uint64_t unknown = 0;
  std::uint64_t last_sync_us = 0; ///< duration of the last write and sync
  std::size_t queued_bytes = 0;   ///< now
};

/// The durable, totally ordered log of this node, and the only way anything becomes true.
///
/// Operation
///   `append` queues a batch; one writer thread drains everything that waits into one write and one sync, then completes each batch in
///   the order it was queued.
/// Durability
///   `committed` means: after any crash, every reader sees the whole batch. A batch is never split.
/// Order
///   A batch whose `first` does not continue its stream, as committed, is rejected with `errc::conflict`. So when one of several batches that
///   a sandbox has queued is rejected, those behind it are too, and two writers of one stream cannot both succeed.
/// Outcome
///   `rejected` changed nothing and may be tried again. `unknown` is sticky: the journal rejects all later appends with
///   `errc::unavailable` until `recover` succeeds; whoever got it must read back. A store that refuses to write (`errc::unavailable`) is
///   as sticky, but what it refused is only `rejected`: nobody but `recover` brings it back.
/// Threads
///   `append` may be called from any thread. Handlers and listeners run on the writer thread (an overloaded or unavailable append is answered
///   on the caller's thread, before `append` returns) and must not block.
/// Limits
///   `limits::journal_queue_bytes`; beyond it `append` is rejected with `errc::overloaded`.
class journal {
public:
  using handler = std::function<void(const append_result&)>;
  using listener = std::function<void(position end)>;
  using taker = std::function<void(position first, std::vector<record_batch> batches)>;

  // -- constructors, destructors, and assignment operators --------------------

  /// Closes it.
  virtual ~journal() = default;

  // -- modifiers ---------------------------------------------------------------

  /// `on_done` is called exactly once.
  virtual void append(record_batch batch, handler on_done) = 0;

  /// Waits until everything queued is written and answered; from then on every append is rejected. Idempotent, from one thread.
  virtual void close() = 0;

  /// Calls `heard` with `end()` after every commit, once the handlers ran. For the index and the export. Stays until the journal ends.
  virtual void listen(listener heard) = 0;

  /// Gives every committed group away, in order, before the listeners are told: for the index, which so need not read it back. At most one.
  virtual void give_to(taker takes) = 0;

  /// Writes what waits, as the writer thread would, or rests; false if nothing waited. Only without a writer thread.
  virtual bool run_once() = 0;

  /// While `failed`: asks the store to come back and accepts appends again. Everyone who holds state must read back first.
  virtual events::outcome<void> recover() = 0;

  // -- observers ---------------------------------------------------------------

  /// Position after the last committed record.
  virtual position end() const noexcept = 0;

  /// True from the moment that the store failed or refused, even when nobody writes, until `recover`.
  virtual bool failed() const noexcept = 0;

  virtual journal_counters counters() const noexcept = 0;
};

/// Takes over writing to `to`, which must outlive the journal. One journal a store.
std::unique_ptr<journal> open_journal(store& to, const journal_options& options = {});

} // namespace hourglass::storage
