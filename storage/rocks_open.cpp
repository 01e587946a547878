#include "storage/keys.hpp"
#include "storage/rocks_store.hpp"
#include "storage/stream.hpp"

#include <algorithm>
#include <unordered_map>

#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/table_properties_collectors.h>
#include <rocksdb/write_buffer_manager.h>

#include <sys/resource.h>

namespace hourglass::storage::rocks {

using events::errc;
using events::failure;
using events::outcome;

namespace {

/// What is replayed on open is at most this, so it bounds the time a start takes.
constexpr std::uint64_t wal_bytes = 128 << 20;

/// The keys of the node's log, and those of each stream, come in order, so each goes in right behind the one before it, without a search.
class in_order final : public rocksdb::SliceTransform {
public:
  const char* Name() const override { return "hourglass.in_order"; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override {
    return {key.data(), is_log(key) ? keys::log.size() : keys::stream_prefix_bytes};
  }
  /// Of whole keys only: where a range that is deleted begins goes into another list, for which a place in this one would be wrong.
  bool InDomain(const rocksdb::Slice& key) const override { return is_log(key) || key.size() == keys::stream_prefix_bytes + sizeof(events::seq); }

private:
  static bool is_log(const rocksdb::Slice& key) { return key.starts_with({keys::log.data(), keys::log.size()}); }
};

/// Tables kept open: never more than a sixth of the descriptors that the process may have, half of what is reserved for the store and others.
int open_files() {
  constexpr rlim_t usual = 512, least = 32;
  rlimit may{};
  if (::getrlimit(RLIMIT_NOFILE, &may) != 0)
    return static_cast<int>(usual);
  return static_cast<int>(std::clamp(may.rlim_cur / 6, least, usual));
}

rocksdb::DBOptions database_options(const rocks_options& wanted, const database& base) {
  rocksdb::DBOptions o;
  o.create_if_missing = true;
  o.create_missing_column_families = true;
  // The default stops silently at the first bad record of the log; this one refuses to open unless it is the torn tail of a crash.
  o.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  o.max_total_wal_size = wal_bytes;
  o.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(wanted.write_buffer_bytes, base.cache, false);
  o.max_background_jobs = wanted.background_jobs;
  o.track_and_verify_wals_in_manifest = false; // or a write that is durable could fail with a severity: `rocks_store::write`
  o.max_bgerror_resume_count = 0; // `store::resume` decides when, so that everyone reads back first
  o.max_open_files = open_files();
  o.skip_stats_update_on_db_open = true;
  o.avoid_unnecessary_blocking_io = true;
  o.bytes_per_sync = 1 << 20;
  o.stats_dump_period_sec = 0;
  o.stats_persist_period_sec = 0;
  o.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  o.max_log_file_size = 1 << 20;
  o.keep_log_file_num = 4;
  o.listeners = {base.health};
  if (wanted.env != nullptr)
    o.env = wanted.env;
  return o;
}

rocksdb::ColumnFamilyOptions family_options(family which, const rocks_options& wanted, const database& base) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = base.cache;
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = 5;
  rocksdb::ColumnFamilyOptions o;
  o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  o.write_buffer_size = wanted.write_buffer_bytes / 3; // the manager flushes the oldest before all are full
  o.target_file_size_base = 32 << 20;
  o.level0_file_num_compaction_trigger = 8; // half as often, twice as much: what lies below is rewritten less
  o.level_compaction_dynamic_level_bytes = true;
  o.compression_per_level = {rocksdb::kNoCompression, rocksdb::kLZ4Compression}; // what was just flushed is soon rewritten
  switch (which) {
  case in_events:
    o.prefix_extractor.reset(rocksdb::NewCappedPrefixTransform(keys::stream_prefix_bytes));
    o.memtable_insert_with_hint_prefix_extractor = std::make_shared<in_order>();
    o.enable_blob_files = true; // large records are not rewritten by every compaction
    o.min_blob_size = 4'096;
    o.blob_compression_type = rocksdb::kLZ4Compression;
    break;
  case in_due:
    o.write_buffer_size = 4 << 20;
    o.table_properties_collector_factories.push_back(rocksdb::NewCompactOnDeletionCollectorFactory(4'096, 1'024));
    break;
  case in_meta:
    o.write_buffer_size = 1 << 20;
    break;
  case in_state:
    o.write_buffer_size = 8 << 20; // a snapshot need not stay in memory: it is seldom read
    o.max_write_buffer_number = 4; // while one is flushed, which is larger than that, nobody waits
    // A snapshot may have 50 MB. In a block of its own each merge would hold it, and so would the cache, whoever reads its neighbour.
    o.enable_blob_files = true;
    o.min_blob_size = 64 << 10;
    o.blob_compression_type = rocksdb::kLZ4Compression;
    o.enable_blob_garbage_collection = true; // snapshots go when newer ones come
    o.blob_garbage_collection_force_threshold = 0.5;
    break;
  case in_index:
  case family_count:
    break;
  }
  return o;
}

bool is_lock_held(const rocksdb::Status& status) {
  return status.IsIOError() && status.ToString().find("lock") != std::string::npos;
}

/// A family that we do not know was made by a newer program.
outcome<void> check_families(const std::filesystem::path& folder, const rocksdb::DBOptions& options) {
  std::vector<std::string> present;
  if (!std::filesystem::exists(folder / "CURRENT"))
    return {};
  if (const auto listed = rocksdb::DB::ListColumnFamilies(options, folder.string(), &present); !listed.ok())
    return tl::unexpected{to_error(listed, "read the list of column families")};
  for (const auto& name : present)
    if (name != rocksdb::kDefaultColumnFamilyName &&
        std::find(family_names.begin(), family_names.end(), name) == family_names.end())
      return failure(errc::newer_format, "the data folder has a part '" + name + "' that this program does not know; a newer version wrote it",
                     folder.string());
  return {};
}

outcome<void> open_database(const std::filesystem::path& folder, const rocks_options& options, database& base) {
  base.cache = rocksdb::NewLRUCache(options.cache_bytes, -1, false, 0.3);
  base.health = std::make_shared<health_listener>();
  const auto db_options = database_options(options, base);
  if (auto known = check_families(folder, db_options); !known)
    return known;
  std::vector<rocksdb::ColumnFamilyDescriptor> wanted{{rocksdb::kDefaultColumnFamilyName, {}}};
  for (std::size_t i = 0; i < family_count; ++i)
    wanted.emplace_back(family_names[i], family_options(static_cast<family>(i), options, base));
  rocksdb::DB* raw = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  const auto opened = rocksdb::DB::Open(db_options, folder.string(), wanted, &handles, &raw);
  if (!opened.ok()) {
    if (is_lock_held(opened))
      return failure(errc::held, "another process holds the data folder", folder.string());
    return tl::unexpected{to_error(opened, "open the data folder")};
  }
  base.db.reset(raw);
  // Compaction can wait for requests; flushing cannot, writes would wait for it.
  raw->GetEnv()->LowerThreadPoolCPUPriority(rocksdb::Env::LOW, rocksdb::CpuPriority::kLow).PermitUncheckedError();
  raw->DestroyColumnFamilyHandle(handles[0]);
  std::copy(handles.begin() + 1, handles.end(), base.families.begin());
  return {};
}

outcome<void> write_format(database& base) {
  std::string value;
  keys::add_number(value, keys::format);
  rocksdb::WriteOptions synced;
  synced.sync = true;
  if (const auto put = base.db->Put(synced, base.families[in_meta], rocksdb::Slice{keys::meta_format.data(), keys::meta_format.size()}, value); !put.ok())
    return tl::unexpected{to_error(put, "write the format of the data folder")};
  return {};
}

/// Writes the format into a new database, or one of an older format, which this program reads as it is; refuses one that is newer.
outcome<void> check_format(const std::filesystem::path& folder, database& base) {
  std::string value;
  const rocksdb::Slice key{keys::meta_format.data(), keys::meta_format.size()};
  const auto got = base.db->Get({}, base.families[in_meta], key, &value);
  if (got.IsNotFound())
    return write_format(base);
  if (!got.ok())
    return tl::unexpected{to_error(got, "read the format of the data folder")};
  if (value.size() != 4)
    return failure(errc::corrupt, "the format of the data folder cannot be read", folder.string());
  const auto format = keys::number_at<std::uint32_t>(value);
  if (format > keys::format)
    return failure(errc::newer_format,
                   "the data folder has format " + std::to_string(format) + ", written by a newer version; this program reads up to " +
                       std::to_string(keys::format),
                   folder.string());
  return format < keys::format ? write_format(base) : outcome<void>{};
}

} // namespace

// -- errors and health ----------------------------------------------------------

events::error to_error(const rocksdb::Status& status, std::string_view doing) {
  if (status.IsNoSpace())
    return {errc::io, "the disk is full: cannot " + std::string{doing}, status.ToString()};
  const auto code = status.IsCorruption() ? errc::corrupt : errc::io;
  return {code, "cannot " + std::string{doing} + ": " + status.ToString(), {}};
}

void health_listener::OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* error) {
  if (error->severity() < rocksdb::Status::Severity::kHardError)
    return; // RocksDB goes on accepting writes
  const std::lock_guard lock{mutex_};
  refusal_ = to_error(*error, "write");
}

void health_listener::OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status error, bool* by_itself) {
  error.PermitUncheckedError();
  *by_itself = false;
}

void health_listener::OnErrorRecoveryEnd(const rocksdb::BackgroundErrorRecoveryInfo& info) {
  if (info.new_bg_error.ok())
    clear();
}

std::optional<events::error> health_listener::refusal() const {
  const std::lock_guard lock{mutex_};
  return refusal_;
}

void health_listener::clear() {
  const std::lock_guard lock{mutex_};
  refusal_.reset();
}

database::~database() {
  if (!db)
    return;
  for (auto* handle : families)
    if (handle != nullptr)
      db->DestroyColumnFamilyHandle(handle);
  db->Close().PermitUncheckedError();
}

std::size_t reserve_of(const rocks_options& options) noexcept {
  // Everything in memory may have to be flushed, and twice what may be written between two looks.
  return std::max(options.disk_reserve_bytes, options.write_buffer_bytes + 2 * bytes_between_looks);
}

// -- verifying on open ------------------------------------------------------------

outcome<void> rocks_store::start(std::size_t verify_records) {
  const auto log_end = read_end();
  if (!log_end)
    return tl::unexpected{log_end.error()};
  const auto folded = read_number(in_index, keys::index_cursor, 1);
  const auto minute = read_number(in_meta, keys::meta_due, 0);
  const auto scrub = read_number(in_meta, keys::meta_scrub, 0);
  if (!folded || !minute || !scrub)
    return tl::unexpected{!folded ? folded.error() : !minute ? minute.error() : scrub.error()};
  if (*scrub != 0)
    scrub_owed_ = events::wall_time{static_cast<std::int64_t>(*scrub)};
  end_ = *log_end;
  index_end_ = *folded;
  due_open_ = *minute;
  due_from_ = *minute;
  if (*folded == 0 || *folded > *log_end)
    return failure(errc::corrupt, "the index has seen position " + std::to_string(*folded - 1) + " but the log ends at " +
                                      std::to_string(*log_end - 1));
  if (auto good = verify_against_head_file(); !good)
    return good;
  if (auto good = verify_tail(verify_records); !good)
    return good;
  look_for_room(); // so that `health` knows before the first write
  return leave_something_to_flush();
}

outcome<void> rocks_store::verify_against_head_file() const {
  const auto known = read_journal_head(folder_);
  if (!known)
    return tl::unexpected{known.error()};
  if (!*known || (*known)->at == 0)
    return {};
  const auto where = std::to_string((*known)->at);
  if ((*known)->at >= end())
    return failure(errc::corrupt, "the log ends at position " + std::to_string(end() - 1) + " but position " + where +
                                      " was committed: its tail is lost", where);
  const auto entries = read_log((*known)->at, {1, 1});
  if (!entries)
    return tl::unexpected{entries.error()};
  if (entries->at(0).pruned()) // between the prune and the next second
    return {};
  const auto record = stream::decode_at(entries->at(0).bytes, entries->at(0).sandbox, entries->at(0).seq);
  if (!record)
    return tl::unexpected{record.error()};
  if (record->link != (*known)->link)
    return failure(errc::corrupt, "position " + where + " of the log is not the event that was committed there", where);
  return {};
}

outcome<void> rocks_store::verify_tail(std::size_t records) const {
  constexpr std::size_t most_bytes = 64 << 20;
  const position last = end();
  position at = last - std::min<position>(last - 1, records);
  std::unordered_map<events::sandbox_id, events::chain_head> heads;
  std::size_t bytes = 0;
  while (at < last && bytes < most_bytes) {
    const auto entries = read_log(at, {});
    if (!entries)
      return tl::unexpected{entries.error()};
    if (entries->empty()) // read_log fails on gaps, so this is one at the very end
      return failure(errc::corrupt, "position " + std::to_string(at) + " of the log is missing", std::to_string(at));
    for (const auto& entry : *entries) {
      if (entry.pruned())
        continue;
      const auto record = stream::decode_at(entry.bytes, entry.sandbox, entry.seq);
      if (!record)
        return tl::unexpected{record.error()};
      const auto [head, first_seen] = heads.try_emplace(
          entry.sandbox, events::chain_head{entry.seq - 1, record->header.previous, record->header.wall});
      if (first_seen && entry.seq == 1)
        head->second = {};
      if (auto good = events::follow(head->second, *record); !good)
        return good;
      bytes += entry.bytes.size();
    }
    at += entries->size();
  }
  return {};
}

} // namespace hourglass::storage::rocks

namespace hourglass::storage {

events::outcome<std::unique_ptr<store>> open_rocks_store(const std::filesystem::path& folder,
                                                         const rocks_options& options) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed)
    return events::failure(events::errc::io, "cannot make the data folder: " + failed.message(), folder.string());
  rocks::database base;
  if (auto opened = rocks::open_database(folder, options, base); !opened)
    return tl::unexpected{std::move(opened.error())};
  if (auto known = rocks::check_format(folder, base); !known)
    return tl::unexpected{std::move(known.error())};
  auto made = std::make_unique<rocks::rocks_store>(folder, std::move(base), rocks::reserve_of(options));
  if (auto started = made->start(options.verify_records); !started)
    return tl::unexpected{std::move(started.error())};
  return made;
}

} // namespace hourglass::storage
