#pragma once

#include "events/codec.hpp"
#include "events/outcome.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hourglass::storage {

/// Place in the node's log, from 1, gapless; 0 means "before the first".
using position = std::uint64_t;

/// A derived row, kept beside the events and written with them: registry, claims, cursors. Keys are the caller's, sorted as bytes.
struct row {
  std::string key;
  std::string value;
  bool remove = false; ///< the row goes away; `value` is ignored
};

/// One entry of the index; see storage/postings.hpp.
struct index_entry {
  std::string key;
  std::string value;

  bool operator==(const index_entry&) const = default;
};

/// Consecutive events of one sandbox, and what must become true with them. Never split.
struct record_batch {
  events::sandbox_id sandbox;
  events::seq first = 0;            ///< seq of `records[0]`; must continue the stream as committed or queued
  std::vector<std::string> records; ///< each as `events::seal` made it
  std::vector<row> rows;
  /// The sandbox must be awake at this wall time: one entry in the due index. Entries are never withdrawn; a sandbox that is woken
  /// and finds nothing due goes back to sleep.
  std::optional<events::wall_time> due;
  std::vector<events::erasure> erases = {}; ///< of events that stand before `first` and are durable; see `store::write`

  /// What the batch counts for against `limits::journal_queue_bytes`.
  std::size_t bytes() const noexcept;
};

enum class append_outcome : std::uint8_t {
  committed, ///< after any crash every reader sees the whole batch
  rejected,  ///< nothing changed; it may be tried again
  unknown,   ///< the store failed in the middle: drop what you hold in memory and read back
};

struct append_result {
  append_outcome outcome = append_outcome::rejected;
  position first = 0; ///< of `records[0]`, when committed
  events::error why;  ///< when not committed
};

/// How much one read may return. A read returns at least one record if there is one, whatever its size.
struct read_budget {
  std::size_t max_records = 1'000;
  std::size_t max_bytes = 4'194'304;
};

/// The stream of the node itself, in which stands what no sandbox can say any more. It belongs to no sandbox, and nobody is asked for under this id.
inline constexpr events::sandbox_id node_stream{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

/// A stream that is to go, and the event that says so: its seq in `node_stream`.
struct pruned_stream {
  events::sandbox_id sandbox;
  events::seq said_by = 0;

  bool operator==(const pruned_stream&) const = default;
};

/// How far a prune has come. In memory only: begun anew it does no harm.
struct prune_place {
  enum class part : std::uint8_t { correlations, log, due, streams, done };
  part at = part::correlations;
  std::size_t stream = 0; ///< of those that are asked for
  events::seq seq = 0;    ///< of it, that was looked at last
  std::string after;      ///< the key that was looked at last
};

/// One record in the order of the node, as stored.
struct log_entry {
  position at = 0;
  events::sandbox_id sandbox;
  events::seq seq = 0;
  std::string bytes;

  /// The event that stood here went with its stream (`store::prune`). Then `sandbox` is zero, and `seq` of `node_stream` says of which.
  bool pruned() const noexcept { return bytes.empty(); }
};

/// One record in the order of the node, decoded.
struct stored_record {
  position at = 0;
  events::record record;
};

/// One entry of the due index.
struct due_entry {
  events::wall_time at;
  events::sandbox_id sandbox;

  bool operator==(const due_entry&) const = default;
};

/// The folded state of a sandbox after `head`, so that waking it does not read the whole stream. A cache: it can be dropped at any time.
struct snapshot {
  events::chain_head head;  ///< a snapshot whose link is not the stream's is ignored
  std::uint32_t format = 0; ///< the writer's; a reader that does not know it folds from the start
  /// What the writer made of the state. One without text is as in the snapshot before this one, and is not written again: what changes
  /// seldom may be large. A snapshot that is read has them all.
  std::vector<std::optional<std::string>> parts;
  /// When a part is without text: the last seq that changed one of those.
  events::seq unchanged_since = 0;
};

} // namespace hourglass::storage
