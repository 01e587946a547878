#include "storage/rocks_store.hpp"

#include "storage/keys.hpp"
#include "storage/rocks_walk.hpp"
#include "storage/stream.hpp"

#include <algorithm>

#include <rocksdb/snapshot.h>

namespace hourglass::storage::rocks {

using events::errc;
using events::failure;
using events::outcome;
using events::sandbox_id;

namespace {

constexpr std::chrono::seconds between_looks{1}; // for room on the disk; and `bytes_between_looks`

} // namespace

rocks_store::~rocks_store() { name_the_end(); }

// -- the write ------------------------------------------------------------------

void rocks_store::add_rows(rocksdb::WriteBatch& to, std::span<const row> rows) const {
  for (const auto& r : rows) {
    const auto key = keys::of_row(r.key);
    if (r.remove)
      to.Delete(in(in_state), key);
    else
      to.Put(in(in_state), key, r.value);
  }
}

void rocks_store::add_to_batch(const record_batch& batch) {
  auto key = keys::of_event(keys::event, batch.sandbox, batch.first);
  auto seq = batch.first;
  for (const auto& record : batch.records) {
    key.resize(keys::stream_prefix_bytes);
    keys::add_number(key, seq);
    batch_.Put(in(in_events), key, slice(packer_.pack(batch.sandbox, seq, record)));
    ++seq;
  }
  add_rows(batch_, batch.rows);
  if (batch.due) {
    due_entry entry{*batch.due, batch.sandbox};
    if (keys::minute_of(entry.at) < due_open_)
      entry.at.us = static_cast<std::int64_t>(due_open_) * 60'000'000;
    batch_.Put(in(in_due), keys::of_due(entry), {});
  }
}

/// Where the events stand in the log, several to an entry.
void rocks_store::add_log(std::span<const record_batch> batches, position at) {
  std::string value;
  std::optional<keys::log_run> open;
  auto first = at;
  const auto put = [&] {
    if (!value.empty())
      batch_.Put(in(in_events), keys::of_log(first), value);
    value.clear();
    first = at;
  };
  const auto close = [&] {
    if (!open)
      return;
    keys::add_run(value, *open);
    at += open->count;
    open.reset();
    if (value.size() == keys::log_runs_per_entry * keys::log_run_bytes)
      put();
  };
  for (const auto& batch : batches) {
    const auto count = static_cast<std::uint32_t>(batch.records.size());
    if (count == 0)
      continue;
    if (open && open->sandbox == batch.sandbox && open->first + open->count == batch.first) {
      open->count += count;
      continue;
    }
    close();
    open = {batch.sandbox, batch.first, count};
  }
  close();
  put();
}

outcome<void> rocks_store::write(std::span<const record_batch> batches, position first, durability how) {
  if (first != end())
    return failure(errc::conflict, "the log does not end where the write begins", std::to_string(first));
  if (const auto refusal = base_.health->refusal())
    return failure(errc::unavailable, refusal->detail, refusal->where);
  if (written_since_ >= bytes_between_looks || std::chrono::steady_clock::now() - looked_for_room_ >= between_looks)
    look_for_room();
  if (auto room = refuse_for_want_of_room(); !room)
    return room;
  std::unique_lock lock{due_mutex_, std::defer_lock};
  if (std::any_of(batches.begin(), batches.end(), [](const auto& b) { return b.due.has_value(); }))
    lock.lock();
  batch_.Clear();
  if (auto ready = add_erasures(batches); !ready)
    return ready;
  auto log_end = first;
  for (const auto& batch : batches) {
    add_to_batch(batch);
    log_end += batch.records.size();
  }
  add_log(batches, first);
  const auto written = db().Write(write_options(how), &batch_);
  if (!written.ok()) {
    packer_.forget();
    // With a severity it is the failure of a flush, say, for which RocksDB refused this write before it began; our own failure has none yet.
    const bool refused = written.severity() != rocksdb::Status::Severity::kNoError;
    return failure(refused ? errc::unavailable : errc::io, to_error(written, "write to the log").detail, written.ToString());
  }
  end_ = log_end;
  written_since_ += batch_.GetDataSize();
  renew_head_file(batches);
  return {};
}

/// A disk that cannot be asked is not taken for a full one: the writes will tell.
void rocks_store::look_for_room() {
  std::uint64_t room = 0;
  const auto asked = db().GetEnv()->GetFreeSpace(folder_.string(), &room);
  no_room_ = asked.ok() && room < disk_reserve_;
  looked_for_room_ = std::chrono::steady_clock::now();
  written_since_ = 0;
}

outcome<void> rocks_store::refuse_for_want_of_room() const {
  if (no_room_)
    return failure(errc::unavailable, "the disk is nearly full: less than " + std::to_string(disk_reserve_ >> 20) +
                                          " MiB are free (disk_reserve_bytes)", {});
  return {};
}

void rocks_store::renew_head_file(std::span<const record_batch> batches) {
  const auto now = std::chrono::steady_clock::now();
  if (now - head_file_renewed_ < std::chrono::seconds{1})
    return;
  for (auto batch = batches.rbegin(); batch != batches.rend(); ++batch) {
    if (batch->records.empty())
      continue;
    if (const auto record = events::decode(batch->records.back()))
      if (write_journal_head(folder_, {end() - 1, record->link})) // if it fails the old one is still true
        head_file_end_ = end();
    break;
  }
  head_file_renewed_ = now;
}

/// Without it the last writes before a silence would stay unnamed, and a tail without them would pass for the whole log.
void rocks_store::name_the_end() {
  if (end() == 1 || end() == head_file_end_)
    return;
  const auto last = read_log(end() - 1, {1, 1});
  if (!last || last->empty() || last->front().pruned())
    return;
  if (const auto record = events::decode(last->front().bytes))
    if (write_journal_head(folder_, {last->front().at, record->link})) // the file of a second ago is also true
      head_file_end_ = end();
}

void rocks_store::idle() {
  name_the_end();
  look_for_room();
}

/// A log file that failed once is never written again: RocksDB asserts it, or refuses for good. `Resume` goes on with a new one, but only if there
/// is something to flush, and after a failure right behind a flush there would be nothing.
outcome<void> rocks_store::leave_something_to_flush() {
  rocksdb::WriteOptions memory_only;
  memory_only.disableWAL = true;
  if (const auto put = db().Put(memory_only, in(in_meta), rocksdb::Slice{keys::meta_mark.data(), keys::meta_mark.size()}, {}); !put.ok())
    return failed(put, "prepare for a failure");
  return {};
}

outcome<void> rocks_store::resume() {
  look_for_room();
  if (auto room = refuse_for_want_of_room(); !room)
    return room;
  if (const auto resumed = db().Resume(); !resumed.ok())
    return failed(resumed, "resume writing");
  base_.health->clear();
  packer_.forget();
  if (const auto ready = leave_something_to_flush(); !ready)
    return ready;
  const auto log_end = read_end();
  if (!log_end)
    return tl::unexpected{log_end.error()};
  end_ = *log_end;
  return {};
}

outcome<void> rocks_store::health() const {
  if (auto refusal = base_.health->refusal())
    return tl::unexpected{std::move(*refusal)};
  return refuse_for_want_of_room();
}

store_figures rocks_store::figures() const {
  const auto sum = [&](const std::string& property) {
    std::uint64_t total = 0;
    for (auto* handle : base_.families) {
      std::uint64_t value = 0;
      if (db().GetIntProperty(handle, property, &value))
        total += value;
    }
    return total;
  };
  return {sum(rocksdb::DB::Properties::kTotalSstFilesSize) + sum(rocksdb::DB::Properties::kTotalBlobFileSize),
          base_.cache->GetUsage() + sum(rocksdb::DB::Properties::kEstimateTableReadersMem),
          sum(rocksdb::DB::Properties::kEstimatePendingCompactionBytes)};
}

// -- reading --------------------------------------------------------------------

outcome<std::optional<std::string>> rocks_store::fetch(family which, std::string_view key, const rocksdb::Snapshot* as_of) const {
  std::string value;
  rocksdb::ReadOptions o;
  o.snapshot = as_of;
  const auto got = db().Get(o, in(which), slice(key), &value);
  if (got.IsNotFound())
    return std::optional<std::string>{};
  if (!got.ok())
    return failed(got, "read");
  return value;
}

outcome<std::uint64_t> rocks_store::read_number(family which, std::string_view key, std::uint64_t otherwise) const {
  const auto value = fetch(which, key);
  if (!value)
    return tl::unexpected{value.error()};
  if (!*value)
    return otherwise;
  if ((*value)->size() != 8)
    return failure(errc::corrupt, "a cursor of the store cannot be read", std::string{key});
  return keys::number_at<std::uint64_t>(**value);
}

outcome<position> rocks_store::read_end() const {
  position log_end = 1;
  bool sound = true;
  const auto walked = walk(in_events, keys::log, keys::behind(keys::log), true, [&](auto key, auto value) {
    const auto runs = keys::runs_of(value);
    sound = key.size() == 10 && runs;
    if (!sound)
      return false;
    log_end = keys::number_at<position>(key.substr(2));
    for (const auto& run : *runs)
      log_end += run.count;
    return false;
  });
  if (!walked)
    return tl::unexpected{walked.error()};
  if (!sound)
    return failure(errc::corrupt, "the last entry of the log cannot be read");
  return log_end;
}

// -- streams --------------------------------------------------------------------

outcome<std::optional<events::chain_head>> rocks_store::head(const sandbox_id& sandbox) const {
  std::optional<events::chain_head> found;
  outcome<void> good;
  rocksdb::ManagedSnapshot now{&db()};
  auto unpack = unpacker(now.snapshot());
  const auto from = keys::of_event(keys::event, sandbox, 0);
  const auto to = keys::of_event(keys::event, sandbox, ~events::seq{0});
  const auto walked = walk(in_events, from, to, true, [&](auto key, auto value) {
    const auto seq = keys::number_at<events::seq>(key.substr(keys::stream_prefix_bytes));
    const auto record = unpack.unpack(sandbox, seq, value).and_then([&](auto bytes) { return stream::decode_at(bytes, sandbox, seq); });
    if (record)
      found = events::chain_head{seq, record->link, record->header.wall};
    else
      good = tl::unexpected{record.error()};
    return false;
  }, now.snapshot());
  if (!walked || !good)
    return tl::unexpected{!walked ? walked.error() : good.error()};
  return found;
}

outcome<std::vector<events::record>> rocks_store::read(const sandbox_id& sandbox, events::seq from,
                                                       read_budget budget) const {
  from = std::max<events::seq>(from, 1);
  stream::collector out{sandbox, from, budget};
  outcome<bool> taken = true;
  rocksdb::ManagedSnapshot now{&db()};
  auto unpack = unpacker(now.snapshot());
  const auto walked = walk(in_events, keys::of_event(keys::event, sandbox, from),
                           keys::of_event(keys::event, sandbox, ~events::seq{0}), false, [&](auto key, auto value) {
                             const auto seq = keys::number_at<events::seq>(key.substr(keys::stream_prefix_bytes));
                             if (!out.wants(record_unpacker::size_of(value))) // nor is it to fail for what nobody asked for
                               return false;
                             taken = unpack.unpack(sandbox, seq, value).and_then([&](auto bytes) { return out.take(seq, bytes); });
                             return taken && *taken;
                           }, now.snapshot());
  if (!walked || !taken)
    return tl::unexpected{!walked ? walked.error() : taken.error()};
  return out.finish();
}

outcome<std::optional<std::string>> rocks_store::read_raw(const sandbox_id& sandbox, events::seq seq) const {
  auto stored = fetch(in_events, keys::of_event(keys::event, sandbox, seq));
  if (!stored || !*stored || record_unpacker::base_of(**stored) == 0)
    return stored;
  rocksdb::ManagedSnapshot now{&db()};
  auto unpack = unpacker(now.snapshot());
  return read_record(unpack, sandbox, seq, now.snapshot());
}

outcome<std::optional<std::string>> rocks_store::read_record(record_unpacker& with, const sandbox_id& sandbox, events::seq seq,
                                                             const rocksdb::Snapshot* as_of) const {
  auto stored = fetch(in_events, keys::of_event(keys::event, sandbox, seq), as_of);
  if (!stored || !*stored)
    return stored;
  const auto record = with.unpack(sandbox, seq, **stored);
  if (!record)
    return tl::unexpected{record.error()};
  if (record->data() != (*stored)->data())
    (*stored)->assign(*record);
  return stored;
}

record_unpacker rocks_store::unpacker(const rocksdb::Snapshot* as_of) const {
  return record_unpacker{[this, as_of](const auto& sandbox, auto seq) { return fetch(in_events, keys::of_event(keys::event, sandbox, seq), as_of); }};
}

/// Which events stand at the positions [from, last), at least one and about `most` of them, without their bytes.
outcome<std::vector<log_entry>> rocks_store::places_from(position from, position last, std::size_t most) const {
  std::vector<log_entry> out;
  position at = from; // of what comes next
  const auto begin = walk(in_events, keys::of_log(0), keys::of_log(from) + '\0', true, [&](auto key, auto) {
    at = keys::number_at<position>(key.substr(2));
    return false;
  });
  if (!begin)
    return tl::unexpected{begin.error()};
  bool sound = true;
  const auto walked = walk(in_events, keys::of_log(at), keys::of_log(last), false, [&](auto key, auto value) {
    const auto runs = keys::runs_of(value);
    sound = key.size() == 10 && keys::number_at<position>(key.substr(2)) == at && runs;
    if (!sound)
      return false;
    for (const auto& run : *runs)
      for (std::uint32_t i = 0; i < run.count; ++i, ++at)
        if (at >= from && at < last && out.size() < most)
          out.push_back({at, run.sandbox, run.pruned() ? run.first : run.first + i, {}});
    return out.size() < most;
  });
  if (!walked)
    return tl::unexpected{walked.error()};
  if (!sound || out.empty())
    return failure(errc::corrupt, "position " + std::to_string(std::max(at, from)) + " of the log is missing or broken", std::to_string(std::max(at, from)));
  return out;
}

outcome<std::vector<log_entry>> rocks_store::read_log(position from, read_budget budget) const {
  constexpr std::size_t step = 256; // looked up together
  std::vector<log_entry> out;
  std::size_t bytes = 0;
  const auto last = end(); // before the moment that is read of, or it might not have them all
  rocksdb::ManagedSnapshot now{&db()};
  auto unpack = unpacker(now.snapshot());
  for (auto next = std::max<position>(from, 1); next < last;) {
    auto places = places_from(next, last, std::min(step, std::max<std::size_t>(budget.max_records - out.size(), 1)));
    if (!places)
      return places;
    for (auto& place : *places) {
      if (place.sandbox == sandbox_id{}) { // pruned
        if (out.size() >= budget.max_records && !out.empty())
          return out;
        out.push_back(std::move(place));
        ++next;
        continue;
      }
      auto record = read_record(unpack, place.sandbox, place.seq, now.snapshot());
      if (!record)
        return tl::unexpected{record.error()};
      if (!*record)
        return failure(errc::corrupt, "the log names an event that is not there",
                       place.sandbox.to_string() + "/" + std::to_string(place.seq));
      if (!out.empty() && (out.size() >= budget.max_records || bytes + (*record)->size() > budget.max_bytes))
        return out;
      bytes += (*record)->size();
      place.bytes = std::move(**record);
      out.push_back(std::move(place));
      ++next;
    }
  }
  return out;
}

outcome<events::seq> rocks_store::seq_at(const sandbox_id& sandbox, events::wall_time t) const {
  return stream::seq_at(*this, sandbox, t);
}

outcome<events::chain_head> rocks_store::verify(const sandbox_id& sandbox,
                                                const std::function<bool(events::seq)>& progress) const {
  return stream::verify(*this, sandbox, progress);
}

} // namespace hourglass::storage::rocks
