#pragma once

#include "events/codec.hpp"
#include "events/limits.hpp"
#include "storage/fwd.hpp"
#include "storage/records.hpp"

#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rocksdb {
class Env;
}

namespace hourglass::storage {

enum class durability : std::uint8_t {
  synced,   ///< on the disk before the call returns
  buffered, ///< survives a kill of the process, not of the machine
};

/// What the store holds, for `/metrics`. Figures are estimates.
struct store_figures {
  std::uint64_t disk_bytes = 0;
  std::uint64_t memory_bytes = 0; ///< block cache, memtables and table readers
  std::uint64_t pending_compaction_bytes = 0;
};

/// Everything a node knows: the streams, the log of the node, rows, snapshots, indexes and the due index.
///
/// Operation
///   `write` is one atomic write of events with their rows; only the journal calls it. All the rest reads, or writes what can be rebuilt.
///   Keys stand in `storage/keys.hpp`.
/// Durability
///   See `durability`. `put` is buffered. The index is rebuilt from the log after a crash (`put_index`).
/// Failure
///   `errc::corrupt` when stored bytes do not verify, `errc::io` when the system fails. Nothing is repaired silently.
/// Threads
///   Any thread. `write` from one thread at a time.
class store {
public:
  store() = default;
  store(const store&) = delete;
  store& operator=(const store&) = delete;
  virtual ~store() = default;

  // -- the write ----------------------------------------------------------------------------------------

  /// Writes all batches at positions `first`, `first + 1`, … in one piece.
  /// Fails with `errc::conflict` unless `first == end()` (nothing changed), with `errc::unavailable` when the store already refused
  /// before anything was written (nothing changed), and with `errc::io` when it failed in the middle (the outcome is unknown).
  /// In the same piece the events that `record_batch::erases` names lose their content. What is read from then on does not have it; from the files it
  /// goes with the next `scrub`.
  virtual events::outcome<void> write(std::span<const record_batch> batches, position first,
                                      durability how) = 0;

  /// Whether what `batch` erases can be; to be asked before `write`, which fails altogether if not. Fails as `stream::erased_by`.
  events::outcome<void> can_erase(const record_batch& batch) const;

  /// Since when content that was erased may still stand in the files; nothing when there is none. Survives a restart.
  virtual std::optional<events::wall_time> scrub_owed() const { return std::nullopt; }

  /// Rewrites what holds erased content, so that no file has it any more. Blocking, and as long as all events take to be read and written; beside all
  /// else. Ends early, with `errc::abandoned`, when `stop` becomes true.
  virtual events::outcome<void> scrub(std::atomic<bool>& /*stop*/) { return {}; }

  /// Takes away all that is kept of these streams but rows, which are the caller's: events, their places in the log, snapshots, index, due entries. A
  /// bounded piece a call, beginning at `from`; true if there is more. Begun anew, after a crash say, it goes on with what is left. Where an event stood, the
  /// log names the one that says so. Nobody may write to these streams any more, and the index must have folded them. From one thread at a time.
  virtual events::outcome<bool> prune(std::span<const pruned_stream> which, prune_place& from) = 0;

  /// How many places of the log are empty since a prune, by the event of `node_stream` that says so. Reads the order of the whole log.
  virtual events::outcome<std::map<events::seq, std::uint64_t>> pruned_places() const = 0;

  /// Position after the last committed record; 1 for an empty log. Any thread.
  virtual position end() const noexcept = 0;

  /// After a failed or refused write: tries to bring the store back (a full disk has room again). Afterwards `end()` is what really is there.
  virtual events::outcome<void> resume() = 0;

  /// Nothing was written for a second, and every further second: brings up to date what only writes do otherwise, above all what names the
  /// end of the log, so that a tail that goes missing later is noticed. From whoever calls `write`.
  virtual void idle() {}

  /// Fails with the reason while writes are refused.
  virtual events::outcome<void> health() const = 0;

  virtual store_figures figures() const = 0;

  // -- streams ------------------------------------------------------------------------------------------

  /// Where the stream stands; nothing for an unknown sandbox.
  virtual events::outcome<std::optional<events::chain_head>>
  head(const events::sandbox_id& sandbox) const = 0;

  /// Whose streams there are, in order of id, behind `after`. `node_stream` is one of them.
  virtual events::outcome<std::vector<events::sandbox_id>> streams(const std::optional<events::sandbox_id>& after, std::size_t limit) const = 0;

  /// Events `from`, `from + 1`, … decoded, each checked against the one before it. Empty at the end of the stream.
  virtual events::outcome<std::vector<events::record>>
  read(const events::sandbox_id& sandbox, events::seq from, read_budget budget = {}) const = 0;

  /// The record of one event as `events::seal` made it, or as `events::erase` left it.
  virtual events::outcome<std::optional<std::string>> read_raw(const events::sandbox_id& sandbox,
                                                               events::seq seq) const = 0;

  /// The log of the node from `from` on, in order, bytes as `events::seal` made them: for the index and the export. Every position
  /// has its entry, those whose events were pruned too.
  virtual events::outcome<std::vector<log_entry>> read_log(position from,
                                                           read_budget budget = {}) const = 0;

  /// The last seq whose wall time is at or before `t`, 0 if there is none. Binary search: wall time never goes back in a stream.
  virtual events::outcome<events::seq> seq_at(const events::sandbox_id& sandbox,
                                              events::wall_time t) const = 0;

  /// Reads the whole stream and checks every record and every link. `progress` is told the last seq checked about every thousand events;
  /// when it returns false the check ends with `errc::abandoned`. Returns the head that was reached.
  virtual events::outcome<events::chain_head>
  verify(const events::sandbox_id& sandbox,
         const std::function<bool(events::seq)>& progress = {}) const = 0;

  // -- rows ---------------------------------------------------------------------------------------------

  virtual events::outcome<std::optional<std::string>> get(std::string_view key) const = 0;

  /// Rows whose key starts with `prefix`, in key order (or reverse), beginning behind `after` (a whole key; empty: from the end).
  virtual events::outcome<std::vector<row>> scan(std::string_view prefix, std::string_view after,
                                                 std::size_t limit, bool reverse = false) const = 0;

  /// Buffered, in one piece; for caches and cursors. What must be durable goes with the events.
  virtual events::outcome<void> put(std::span<const row> rows) = 0;

  // -- snapshots ----------------------------------------------------------------------------------------

  /// Keeps `s`; older ones are thinned out, the two newest and a geometric selection stay.
  /// Fails with `errc::conflict` when a part is without text and the newest snapshot cannot lend it: there is none, it is older than
  /// `s.unchanged_since`, not older than `s`, or of another format.
  virtual events::outcome<void> put_snapshot(const events::sandbox_id& sandbox, const snapshot& s) = 0;

  /// The newest snapshot with `seq <= at_most` that verifies (checksum, and its link is the stream's).
  virtual events::outcome<std::optional<snapshot>> latest_snapshot(const events::sandbox_id& sandbox,
                                                                   events::seq at_most) const = 0;

  // -- due ----------------------------------------------------------------------------------------------

  /// Sandboxes to be awake at or before `until`, earliest first; `after` (the last entry of the page before) goes on behind it. An entry stays
  /// until its minute is dropped.
  virtual events::outcome<std::vector<due_entry>>
  due_until(events::wall_time until, std::size_t limit, const std::optional<due_entry>& after = {}) const = 0;

  /// From now on a write that is due in a minute that ended at or before `t` is kept as due at the first minute that is left. So whoever then
  /// reads the entries of those minutes reads all that there will ever be. Memory only.
  virtual void close_due_before(events::wall_time t) = 0;

  /// Closes them, and forgets their entries.
  virtual events::outcome<void> drop_due_before(events::wall_time t) = 0;

  // -- index (storage/index.hpp is the only caller) -------------------------------------------------------

  /// Adds entries and moves the index on to `folded` (position after the last folded record), in one piece. May be lost by a crash,
  /// but only together with everything behind it.
  virtual events::outcome<void> put_index(std::span<const index_entry> entries, position folded) = 0;

  /// Position after the last folded record, 1 at first.
  virtual position index_end() const noexcept = 0;

  /// Entries with keys in [from, to), in order or reverse.
  virtual events::outcome<std::vector<index_entry>> scan_index(std::string_view from, std::string_view to, std::size_t limit,
                                                               bool reverse = false) const = 0;
};

struct rocks_options {
  std::size_t cache_bytes = std::size_t{160} << 20;        ///< block cache; memtables are charged to it
  std::size_t write_buffer_bytes = std::size_t{144} << 20; ///< all memtables together; each flush delays the writes beside it by milliseconds
  int background_jobs = 2;
  std::size_t verify_records = 4'096; ///< how much of the log's tail is checked on open
  std::size_t disk_reserve_bytes = limits::disk_reserve_bytes; ///< with less room on the disk than this, or than the memtables may need, `write` refuses before RocksDB would fail
  rocksdb::Env* env = nullptr;        ///< tests put a failing disk here; must outlive the store
};

/// Opens or creates the store in `folder` and verifies the tail of its log. The time does not depend on how much is stored.
/// Fails with `errc::held` (another process has it), `errc::newer_format`, `errc::corrupt`, `errc::io`.
events::outcome<std::unique_ptr<store>> open_rocks_store(const std::filesystem::path& folder,
                                                         const rocks_options& options = {});

/// The fake: the same contract (`tests/unit/storage/store_conformance.cpp`) without a disk.
std::unique_ptr<store> open_memory_store();

} // namespace hourglass::storage
