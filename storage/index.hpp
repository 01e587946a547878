#pragma once

#include "events/envelope.hpp"
#include "events/outcome.hpp"
#include "storage/fwd.hpp"
#include "storage/records.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::storage {

struct index_options {
  std::size_t records_per_fold = 4'096; ///< one write of the index
  /// How long a fold waits for company, so that a busy node folds in large steps; `wait_until` cuts it short.
  std::chrono::milliseconds linger{25};
  std::size_t offered_bytes = std::size_t{16} << 20;
  bool thread = true; ///< false: the owner calls `fold_once` (simulation and tests)
};

/// Folds the log into the index behind the requests: by kind, correlation, principal and entity. The index can always be rebuilt: it carries
/// its own cursor, and after a crash folding goes on from there.
///
/// Threads: any thread. Ends its thread when destroyed; what is not folded is folded at the next start.
class index_writer {
public:
  virtual ~index_writer() = default;

  /// "The log now ends at `end`"; cheap. Connect it: `journal.listen([&](position end) { index.notify(end); })`.
  virtual void notify(position end) noexcept = 0;

  /// A committed group, so that folding need not read it back; cheap. Connect it:
  /// `journal.give_to([&](position first, auto batches) { index.take(first, std::move(batches)); })`. What does not fit in `offered_bytes`
  /// is read from the log.
  virtual void take(position first, std::vector<record_batch> batches) noexcept = 0;

  /// Waits until everything before `end` is folded, for a caller who must read his own writes. False when the deadline came first.
  /// Blocks: not for actors; they ask `folded` and come back.
  virtual bool wait_until(position end, std::chrono::steady_clock::time_point deadline) = 0;

  /// Position after the last folded record.
  virtual position folded() const noexcept = 0;

  /// Folds one step on the caller's thread; false if nothing waited. Only with `thread == false`.
  virtual events::outcome<bool> fold_once() = 0;

  /// Why folding stands still, if it does (a record that does not verify, a full disk); it tries again every second.
  virtual std::optional<events::error> trouble() const = 0;
};

/// `over` must outlive the writer.
std::unique_ptr<index_writer> open_index_writer(store& over, const index_options& options = {});

/// Which events of one sandbox to find. All conditions must hold; an empty one holds always.
struct history_query {
  events::sandbox_id sandbox;
  std::vector<events::kind> kinds; ///< any of these
  std::optional<std::string> correlation;
  std::optional<std::string> principal;
  std::optional<std::string> entity;
  std::optional<events::wall_time> from;  ///< at or after
  std::optional<events::wall_time> until; ///< at or before
  events::seq after = 0;                  ///< seq > after
  std::optional<events::seq> before;      ///< seq < before
  bool newest_first = true;
  std::size_t limit = 50;
};

struct history_page {
  std::vector<events::record> events;
  /// There may be more: ask again with `before` (newest first) or `after` (oldest first) set to this. A page may be short, even empty,
  /// and still have a next one, because a page looks at a bounded number of events.
  std::optional<events::seq> next;
};

/// Reads the narrowest index that fits and checks the other conditions on the events. Conditions on kind, correlation, principal and entity see
/// what is folded (`index_writer::wait_until`); without any of them the stream itself is read.
/// Fails with `errc::corrupt` or `errc::io`.
events::outcome<history_page> find(const store& in, const history_query& what);

/// Every event that the query finds, page by page, until `see` fails. Its `limit` is that of a page.
events::outcome<void> each_found(const store& in, history_query what, const std::function<events::outcome<void>(const events::record&)>& see);

struct event_place {
  events::sandbox_id sandbox;
  events::seq seq = 0;

  bool operator==(const event_place&) const = default;
};

/// Every event of the node with this correlation id, by sandbox and seq; what is folded.
events::outcome<std::vector<event_place>> find_correlation(const store& in, std::string_view correlation,
                                                           std::size_t limit);

} // namespace hourglass::storage
