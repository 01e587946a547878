#include "events/wall_clock.hpp"
#include "storage/keys.hpp"
#include "storage/rocks_store.hpp"
#include "storage/rocks_walk.hpp"
#include "storage/stream.hpp"

#include <map>

// How content leaves the database: at once for every reader, and then from the files.
namespace hourglass::storage::rocks {

using events::errc;
using events::failure;
using events::outcome;
using events::sandbox_id;

namespace {

std::string number_of(events::wall_time t) {
  std::string value;
  keys::add_number(value, static_cast<std::uint64_t>(t.us));
  return value;
}

} // namespace

/// Into `batch_`, before any other event is packed. `can_erase` has been asked, so what fails here
/// fails before anything is written.
outcome<void> rocks_store::add_erasures(std::span<const record_batch> batches) {
  std::map<sandbox_id, left_of>
      all; // of the whole write, or one batch would put back what another erases
  for (const auto& batch : batches) {
    if (batch.erases.empty())
      continue;
    auto left = stream::erased_by(*this, batch);
    if (!left)
      return failure(errc::conflict, left.error().detail, left.error().where);
    for (auto& [seq, bytes] : *left)
      all[batch.sandbox].insert_or_assign(seq, std::move(bytes));
  }
  if (all.empty())
    return {};
  for (const auto& [sandbox, erased] : all) {
    packer_.forget(sandbox);
    for (const auto& [seq, bytes] : erased)
      batch_.Put(in(in_events), keys::of_event(keys::event, sandbox, seq), bytes);
    if (auto kept = keep_whole_what_is_packed_from(sandbox, erased); !kept)
      return failure(errc::conflict, kept.error().detail, kept.error().where);
  }
  owe_a_scrub(batch_);
  return {};
}

void rocks_store::owe_a_scrub(rocksdb::WriteBatch& to) {
  const std::lock_guard lock{scrub_mutex_};
  ++erasures_;
  if (!scrub_owed_)
    scrub_owed_ = events::wall_now();
  // Each time: the write before this one may have failed.
  to.Put(in(in_meta), slice(keys::meta_scrub), number_of(*scrub_owed_));
}

/// A record depends on nothing further back than `most_reach`, so that is how far one has to look;
/// none of what comes is packed from these.
outcome<void> rocks_store::keep_whole_what_is_packed_from(const sandbox_id& sandbox,
                                                          const left_of& erased) {
  auto unpack = unpacker(nullptr); // nothing changes but by who writes, which is us
  outcome<void> good;
  events::seq looked = 0; // before this one
  for (const auto& entry : erased) {
    const auto from = std::max(looked, entry.first + 1);
    looked = entry.first + 1 + packed::most_reach;
    const auto walked =
        walk(in_events, keys::of_event(keys::event, sandbox, from),
             keys::of_event(keys::event, sandbox, looked), false, [&](auto key, auto value) {
               const auto base = record_unpacker::base_of(value);
               const auto seq = keys::number_at<events::seq>(key.substr(keys::stream_prefix_bytes));
               if (base == 0 || !erased.contains(base) || erased.contains(seq))
                 return true;
               const auto whole = unpack.unpack(sandbox, seq, value);
               if (whole)
                 batch_.Put(in(in_events), slice(key), slice(*whole));
               else
                 good = tl::unexpected{whole.error()};
               return good.has_value();
             });
    if (!walked || !good)
      return !walked ? walked : good;
  }
  return {};
}

std::optional<events::wall_time> rocks_store::scrub_owed() const {
  const std::lock_guard lock{scrub_mutex_};
  return scrub_owed_;
}

/// What is overwritten stands in the log files until all memtables are flushed, in tables until
/// they are merged with what overwrote it, and in blob files until all that lives in them has
/// moved. So: flush, then merge everything, moving every blob. No reader holds a moment from before
/// the erasure for long.
outcome<void> rocks_store::scrub(std::atomic<bool>& stop) {
  std::uint64_t before = 0;
  {
    const std::lock_guard lock{scrub_mutex_};
    if (!scrub_owed_)
      return {};
    before = erasures_;
  }
  const auto began = events::wall_now();
  std::uint64_t room = 0;
  if (db().GetEnv()->GetFreeSpace(folder_.string(), &room).ok() &&
      room < figures().disk_bytes + 2 * disk_reserve_)
    return failure(errc::unavailable,
                   "there is not enough room on the disk to rewrite what holds erased content");
  if (const auto flushed = db().Flush({}, {base_.families.begin(), base_.families.end()});
      !flushed.ok())
    return failed(flushed, "flush what was erased");
  if (auto ready = leave_something_to_flush(); !ready)
    return ready;
  rocksdb::CompactRangeOptions o;
  o.exclusive_manual_compaction = false;
  o.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  o.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kForce;
  o.blob_garbage_collection_age_cutoff = 1.0;
  o.canceled = &stop;
  for (const auto which : {in_events, in_state, in_index, in_due}) { // rows held answers with content; the rest names what was pruned
    const auto merged = db().CompactRange(o, in(which), nullptr, nullptr);
    if (stop || merged.IsIncomplete())
      return failure(errc::abandoned, "rewriting what holds erased content was ended early");
    if (!merged.ok())
      return failed(merged, "rewrite what holds erased content");
  }
  const std::lock_guard lock{scrub_mutex_};
  if (erasures_ == before)
    scrub_owed_.reset();
  else
    scrub_owed_ = began;
  const auto noted =
      scrub_owed_ ? db().Put({}, in(in_meta), slice(keys::meta_scrub), number_of(*scrub_owed_))
                  : db().Delete({}, in(in_meta), slice(keys::meta_scrub));
  return noted.ok() ? outcome<void>{} : failed(noted, "note what was rewritten");
}

} // namespace hourglass::storage::rocks
