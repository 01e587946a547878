#pragma once

#include "storage/journal_head.hpp"
#include "storage/packing.hpp"
#include "storage/store.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/listener.h>
#include <rocksdb/write_batch.h>

/// The store on RocksDB 7.8.3. Private to `rocks_open.cpp` (opening, options, verifying), `rocks_erasure.cpp` and `rocks_prune.cpp` (what goes), and `rocks_store.cpp` (everything else).
namespace hourglass::storage::rocks {

enum family : std::size_t { in_events, in_index, in_state, in_due, in_meta, family_count };

inline constexpr std::array<const char*, family_count> family_names{"events", "index", "state", "due", "meta"};

/// What a status means; `doing` completes "cannot …".
events::error to_error(const rocksdb::Status& status, std::string_view doing);

/// Hears from RocksDB's threads that writes are refused, or accepted again.
class health_listener final : public rocksdb::EventListener {
public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) override;
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason reason, rocksdb::Status error, bool* by_itself) override;
  void OnErrorRecoveryEnd(const rocksdb::BackgroundErrorRecoveryInfo& info) override;

  std::optional<events::error> refusal() const;
  void clear();

private:
  mutable std::mutex mutex_;
  std::optional<events::error> refusal_;
};

/// An open database with its families.
struct database {
  std::shared_ptr<rocksdb::Cache> cache;
  std::shared_ptr<health_listener> health;
  std::unique_ptr<rocksdb::DB> db;
  std::array<rocksdb::ColumnFamilyHandle*, family_count> families{};

  database() = default;
  database(database&&) = default;
  database& operator=(database&&) = default;
  ~database();
};

struct snapshot_meta; // rocks_snapshots.cpp

/// Room on the disk is looked for when so much was written, or after a second: in between it cannot shrink below what a flush needs.
inline constexpr std::size_t bytes_between_looks = 16 << 20;

/// With less room than this, writes are refused.
std::size_t reserve_of(const rocks_options& options) noexcept;

class rocks_store final : public store {
public:
  rocks_store(std::filesystem::path folder, database opened, std::size_t disk_reserve)
      : folder_(std::move(folder)), disk_reserve_(disk_reserve), base_(std::move(opened)) {}
  ~rocks_store() override;

  /// Reads the cursors and verifies the tail of the log.
  events::outcome<void> start(std::size_t verify_records);

  // -- the write ----------------------------------------------------------------
  events::outcome<void> write(std::span<const record_batch> batches, position first, durability how) override;
  position end() const noexcept override { return end_.load(); }
  events::outcome<void> resume() override;
  std::optional<events::wall_time> scrub_owed() const override;
  events::outcome<void> scrub(std::atomic<bool>& stop) override;
  events::outcome<bool> prune(std::span<const pruned_stream> which, prune_place& from) override;
  events::outcome<std::map<events::seq, std::uint64_t>> pruned_places() const override;
  void idle() override;
  events::outcome<void> health() const override;
  store_figures figures() const override;

  // -- streams --------------------------------------------------------------------
  events::outcome<std::optional<events::chain_head>> head(const events::sandbox_id& sandbox) const override;
  events::outcome<std::vector<events::sandbox_id>> streams(const std::optional<events::sandbox_id>& after, std::size_t limit) const override;
  events::outcome<std::vector<events::record>> read(const events::sandbox_id& sandbox, events::seq from,
                                                    read_budget budget) const override;
  events::outcome<std::optional<std::string>> read_raw(const events::sandbox_id& sandbox,
                                                       events::seq seq) const override;
  events::outcome<std::vector<log_entry>> read_log(position from, read_budget budget) const override;
  events::outcome<events::seq> seq_at(const events::sandbox_id& sandbox, events::wall_time t) const override;
  events::outcome<events::chain_head>
  verify(const events::sandbox_id& sandbox, const std::function<bool(events::seq)>& progress) const override;

  // -- rows -------------------------------------------------------------------------
  events::outcome<std::optional<std::string>> get(std::string_view key) const override;
  events::outcome<std::vector<row>> scan(std::string_view prefix, std::string_view after, std::size_t limit,
                                         bool reverse) const override;
  events::outcome<void> put(std::span<const row> rows) override;

  // -- snapshots ----------------------------------------------------------------------
  events::outcome<void> put_snapshot(const events::sandbox_id& sandbox, const snapshot& s) override;
  events::outcome<std::optional<snapshot>> latest_snapshot(const events::sandbox_id& sandbox,
                                                           events::seq at_most) const override;

  // -- due ----------------------------------------------------------------------------
  events::outcome<std::vector<due_entry>> due_until(events::wall_time until, std::size_t limit,
                                                    const std::optional<due_entry>& after) const override;
  void close_due_before(events::wall_time t) override;
  events::outcome<void> drop_due_before(events::wall_time t) override;

  // -- index --------------------------------------------------------------------------
  events::outcome<void> put_index(std::span<const index_entry> entries, position folded) override;
  position index_end() const noexcept override { return index_end_.load(); }
  events::outcome<std::vector<index_entry>> scan_index(std::string_view from, std::string_view to, std::size_t limit,
                                                       bool reverse) const override;

private:
  rocksdb::DB& db() const { return *base_.db; }
  rocksdb::ColumnFamilyHandle* in(family which) const { return base_.families[which]; }

  events::outcome<std::optional<std::string>> fetch(family which, std::string_view key, const rocksdb::Snapshot* as_of = nullptr) const;
  /// What looks up bases as of a moment: what is kept as a difference from one may be kept whole later, when the base loses its content.
  record_unpacker unpacker(const rocksdb::Snapshot* as_of) const;
  events::outcome<std::optional<std::string>> read_record(record_unpacker& with, const events::sandbox_id& sandbox, events::seq seq,
                                                          const rocksdb::Snapshot* as_of) const;

  /// Walks the keys of [from, to) until `visit` returns false. Every iteration of this store has both bounds.
  template <class Visit>
  events::outcome<void> walk(family which, std::string_view from, std::string_view to, bool reverse, Visit visit,
                             const rocksdb::Snapshot* as_of = nullptr) const;

  events::outcome<position> read_end() const;
  events::outcome<std::uint64_t> read_number(family which, std::string_view key, std::uint64_t otherwise) const;
  events::outcome<void> verify_tail(std::size_t records) const;
  events::outcome<void> verify_against_head_file() const;
  void add_to_batch(const record_batch& batch);
  using left_of = std::map<events::seq, std::string>; ///< records that take the place of others of one stream
  events::outcome<void> add_erasures(std::span<const record_batch> batches);
  events::outcome<void> keep_whole_what_is_packed_from(const events::sandbox_id& sandbox, const left_of& erased);
  void owe_a_scrub(rocksdb::WriteBatch& to);
  using prune_order = std::span<const pruned_stream>;
  events::outcome<bool> prune_piece(prune_order which, prune_place& from);
  events::outcome<bool> prune_correlations(prune_order which, prune_place& from);
  events::outcome<bool> prune_log(prune_order which, prune_place& from);
  events::outcome<bool> prune_due(prune_order which, prune_place& from);
  events::outcome<bool> prune_streams(prune_order which, prune_place& from);
  events::outcome<void> add_correlations(rocksdb::WriteBatch& to, const std::vector<std::string>& terms) const;
  void add_log(std::span<const record_batch> batches, position at);
  events::outcome<std::vector<log_entry>> places_from(position from, position last, std::size_t most) const;
  void add_rows(rocksdb::WriteBatch& to, std::span<const row> rows) const;
  events::outcome<std::vector<snapshot_meta>> snapshot_metas(const events::sandbox_id& sandbox, events::seq at_most) const;
  events::outcome<bool> fetch_parts(const events::sandbox_id& sandbox, const snapshot_meta& from, snapshot& to) const;
  void drop_one_snapshot(const events::sandbox_id& sandbox, const std::vector<snapshot_meta>& newest_first, rocksdb::WriteBatch& batch) const;
  events::outcome<void> leave_something_to_flush();
  events::outcome<void> refuse_for_want_of_room() const;
  void look_for_room();
  void renew_head_file(std::span<const record_batch> batches);
  void name_the_end();

  std::filesystem::path folder_;
  const std::size_t disk_reserve_;
  database base_;
  rocksdb::WriteBatch batch_;   ///< reused by `write`, so that its memory is
  record_packer packer_;        ///< of `write` and `resume`
  std::mutex due_mutex_;                   ///< an entry is not written into a minute that is being closed
  std::uint64_t due_open_ = 0;             ///< first minute that is not closed; under `due_mutex_`
  std::atomic<std::uint64_t> due_from_{0}; ///< first minute that is not dropped
  std::mutex snapshot_mutex_;
  std::atomic<position> end_{1};
  std::atomic<position> index_end_{1};
  std::chrono::steady_clock::time_point head_file_renewed_{};
  position head_file_end_ = 0; ///< what `end` was then
  std::chrono::steady_clock::time_point looked_for_room_{};
  std::size_t written_since_ = 0; ///< bytes since then
  std::atomic<bool> no_room_{false};
  mutable std::mutex scrub_mutex_;
  std::optional<events::wall_time> scrub_owed_; ///< under `scrub_mutex_`
  std::uint64_t erasures_ = 0;                  ///< writes that erased, since the start; under `scrub_mutex_`
};

} // namespace hourglass::storage::rocks
