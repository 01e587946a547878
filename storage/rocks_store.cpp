#include "storage/rocks_store.hpp"

#include "events/digest.hpp"
#include "storage/keys.hpp"
#include "storage/stream.hpp"

#include <algorithm>

#include <rocksdb/iterator.h>
#include <rocksdb/options.h>

namespace hourglass::storage::rocks {

using events::errc;
using events::failure;
using events::outcome;
using events::sandbox_id;

namespace {

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }
std::string_view view(const rocksdb::Slice& s) { return {s.data(), s.size()}; }

tl::unexpected<events::error> failed(const rocksdb::Status& status, std::string_view doing) {
  return tl::unexpected{to_error(status, doing)};
}

rocksdb::WriteOptions write_options(durability how) {
  rocksdb::WriteOptions o;
  o.sync = how == durability::synced;
  return o;
}

} // namespace

rocks_store::~rocks_store() {
  if (end() == 1)
    return;
  const auto last = read_log(end() - 1, {1, 1});
  if (!last || last->empty())
    return;
  if (const auto record = events::decode(last->front().bytes))
    (void)write_journal_head(folder_, {last->front().at, record->link}); // the file of a second ago is also true
}

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

void rocks_store::add_to_batch(const record_batch& batch, position& at) {
  auto key = keys::of_event(keys::event, batch.sandbox, batch.first);
  auto seq = batch.first;
  for (const auto& record : batch.records) {
    key.resize(keys::stream_prefix_bytes);
    keys::add_number(key, seq);
    batch_.Put(in(in_events), key, record);
    batch_.Put(in(in_events), keys::of_log(at++), std::string_view{key}.substr(2)); // the value is the key without its kind
    ++seq;
  }
  add_rows(batch_, batch.rows);
  if (batch.due) {
    due_entry entry{*batch.due, batch.sandbox};
    if (keys::minute_of(entry.at) < due_minute_)
      entry.at.us = static_cast<std::int64_t>(due_minute_) * 60'000'000;
    batch_.Put(in(in_due), keys::of_due(entry), {});
  }
}

outcome<void> rocks_store::write(std::span<const record_batch> batches, position first, durability how) {
  if (first != end())
    return failure(errc::conflict, "the log does not end where the write begins", std::to_string(first));
  if (const auto refusal = base_.health->refusal())
    return failure(errc::unavailable, refusal->detail, refusal->where);
  std::unique_lock lock{due_mutex_, std::defer_lock};
  if (std::any_of(batches.begin(), batches.end(), [](const auto& b) { return b.due.has_value(); }))
    lock.lock();
  batch_.Clear();
  auto at = first;
  for (const auto& batch : batches)
    add_to_batch(batch, at);
  const auto written = db().Write(write_options(how), &batch_);
  if (!written.ok())
    return failure(errc::io, to_error(written, "write to the log").detail, written.ToString());
  end_ = at;
  renew_head_file(batches);
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
      (void)write_journal_head(folder_, {end() - 1, record->link}); // if it fails the old one is still true
    break;
  }
  head_file_renewed_ = now;
}

outcome<void> rocks_store::resume() {
  if (const auto resumed = db().Resume(); !resumed.ok())
    return failed(resumed, "resume writing");
  base_.health->clear();
  const auto log_end = read_end();
  if (!log_end)
    return tl::unexpected{log_end.error()};
  end_ = *log_end;
  return {};
}

outcome<void> rocks_store::health() const {
  if (auto refusal = base_.health->refusal())
    return tl::unexpected{std::move(*refusal)};
  return {};
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

outcome<std::optional<std::string>> rocks_store::fetch(family which, std::string_view key) const {
  std::string value;
  const auto got = db().Get({}, in(which), slice(key), &value);
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

template <class Visit>
outcome<void> rocks_store::walk(family which, std::string_view from, std::string_view to, bool reverse, Visit visit) const {
  if (from >= to)
    return {};
  const auto lower = slice(from);
  const auto upper = slice(to);
  rocksdb::ReadOptions o;
  o.iterate_lower_bound = &lower;
  o.iterate_upper_bound = &upper;
  // Within one stream the prefix filter helps; all other ranges cross prefixes.
  o.total_order_seek = from.substr(0, keys::stream_prefix_bytes) != to.substr(0, keys::stream_prefix_bytes) ||
                       from.size() < keys::stream_prefix_bytes;
  const std::unique_ptr<rocksdb::Iterator> it{db().NewIterator(o, in(which))};
  if (reverse)
    for (it->SeekToLast(); it->Valid() && visit(view(it->key()), view(it->value())); it->Prev()) {
    }
  else
    for (it->Seek(lower); it->Valid() && visit(view(it->key()), view(it->value())); it->Next()) {
    }
  if (!it->status().ok())
    return failed(it->status(), "read");
  return {};
}

outcome<position> rocks_store::read_end() const {
  position last = 0;
  const auto walked = walk(in_events, keys::log, keys::behind(keys::log), true, [&](auto key, auto) {
    last = key.size() == 10 ? keys::number_at<position>(key.substr(2)) : 0;
    return false;
  });
  if (!walked)
    return tl::unexpected{walked.error()};
  return last + 1;
}

// -- streams --------------------------------------------------------------------

outcome<std::optional<events::chain_head>> rocks_store::head(const sandbox_id& sandbox) const {
  std::optional<events::chain_head> found;
  outcome<void> good;
  const auto from = keys::of_event(keys::event, sandbox, 0);
  const auto to = keys::of_event(keys::event, sandbox, ~events::seq{0});
  const auto walked = walk(in_events, from, to, true, [&](auto key, auto value) {
    const auto seq = keys::number_at<events::seq>(key.substr(keys::stream_prefix_bytes));
    const auto record = stream::decode_at(value, sandbox, seq);
    if (record)
      found = events::chain_head{seq, record->link, record->header.wall};
    else
      good = tl::unexpected{record.error()};
    return false;
  });
  if (!walked || !good)
    return tl::unexpected{!walked ? walked.error() : good.error()};
  return found;
}

outcome<std::vector<events::record>> rocks_store::read(const sandbox_id& sandbox, events::seq from,
                                                       read_budget budget) const {
  from = std::max<events::seq>(from, 1);
  stream::collector out{sandbox, from, budget};
  outcome<bool> taken = true;
  const auto walked = walk(in_events, keys::of_event(keys::event, sandbox, from),
                           keys::of_event(keys::event, sandbox, ~events::seq{0}), false, [&](auto key, auto value) {
                             taken = out.take(keys::number_at<events::seq>(key.substr(keys::stream_prefix_bytes)), value);
                             return taken && *taken;
                           });
  if (!walked || !taken)
    return tl::unexpected{!walked ? walked.error() : taken.error()};
  return out.finish();
}

outcome<std::optional<std::string>> rocks_store::read_raw(const sandbox_id& sandbox, events::seq seq) const {
  return fetch(in_events, keys::of_event(keys::event, sandbox, seq));
}

outcome<std::vector<log_entry>> rocks_store::read_log(position from, read_budget budget) const {
  constexpr std::size_t step = 64; // looked up together
  std::vector<log_entry> out;
  std::size_t bytes = 0;
  for (position next = std::max<position>(from, 1), last = end(); next < last;) {
    std::vector<log_entry> places;
    bool sound = true;
    const auto most = std::min(step, std::max<std::size_t>(budget.max_records - out.size(), 1));
    const auto walked =
        walk(in_events, keys::of_log(next), keys::of_log(last), false, [&](auto key, auto value) {
          sound = value.size() == 24 && keys::number_at<position>(key.substr(2)) == next + places.size();
          if (sound)
            places.push_back({next + places.size(), keys::sandbox_at(value), keys::number_at<events::seq>(value.substr(16)), {}});
          return sound && places.size() < most;
        });
    if (!walked)
      return tl::unexpected{walked.error()};
    if (!sound || places.empty())
      return failure(errc::corrupt, "position " + std::to_string(next + places.size()) + " of the log is missing or broken",
                     std::to_string(next + places.size()));
    for (auto& place : places) {
      auto record = read_raw(place.sandbox, place.seq);
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

// -- rows -----------------------------------------------------------------------

outcome<std::optional<std::string>> rocks_store::get(std::string_view key) const {
  return fetch(in_state, keys::of_row(key));
}

outcome<std::vector<row>> rocks_store::scan(std::string_view prefix, std::string_view after, std::size_t limit,
                                            bool reverse) const {
  auto from = keys::of_row(prefix);
  auto to = keys::behind(from);
  if (!after.empty() && !reverse)
    from = std::max(from, keys::of_row(after) + '\0');
  if (!after.empty() && reverse)
    to = std::min(to, keys::of_row(after));
  std::vector<row> out;
  if (limit == 0)
    return out;
  const auto walked = walk(in_state, from, to, reverse, [&](auto key, auto value) {
    out.push_back({std::string{key.substr(keys::row.size())}, std::string{value}});
    return out.size() < limit;
  });
  if (!walked)
    return tl::unexpected{walked.error()};
  return out;
}

outcome<void> rocks_store::put(std::span<const row> rows) {
  rocksdb::WriteBatch batch;
  add_rows(batch, rows);
  if (const auto written = db().Write(write_options(durability::buffered), &batch); !written.ok())
    return failed(written, "write rows");
  return {};
}

// -- snapshots ------------------------------------------------------------------

outcome<void> rocks_store::put_snapshot(const sandbox_id& sandbox, const snapshot& s) {
  const std::lock_guard lock{snapshot_mutex_};
  auto newest_first = std::vector<events::seq>{s.seq};
  const auto metas = keys::of_stream(keys::snapshot_meta, sandbox);
  const auto walked = walk(in_state, metas, keys::behind(metas), true, [&](auto key, auto) {
    newest_first.push_back(keys::number_at<events::seq>(key.substr(keys::stream_prefix_bytes)));
    return true;
  });
  if (!walked)
    return walked;
  std::sort(newest_first.begin(), newest_first.end(), std::greater<>{});
  newest_first.erase(std::unique(newest_first.begin(), newest_first.end()), newest_first.end());
  std::string meta{events::as_text(s.link)};
  keys::add_number(meta, s.format);
  keys::add_number(meta, events::crc32c(s.blob));
  rocksdb::WriteBatch batch; // data first, metadata last, in one piece
  batch.Put(in(in_state), keys::of_event(keys::snapshot_blob, sandbox, s.seq), s.blob);
  batch.Put(in(in_state), keys::of_event(keys::snapshot_meta, sandbox, s.seq), meta);
  if (newest_first.size() > stream::snapshots_kept) {
    const auto drop = stream::snapshot_to_drop(newest_first);
    batch.Delete(in(in_state), keys::of_event(keys::snapshot_meta, sandbox, drop));
    batch.Delete(in(in_state), keys::of_event(keys::snapshot_blob, sandbox, drop));
  }
  if (const auto written = db().Write(write_options(durability::buffered), &batch); !written.ok())
    return failed(written, "write a snapshot");
  return {};
}

outcome<std::optional<snapshot>> rocks_store::latest_snapshot(const sandbox_id& sandbox, events::seq at_most) const {
  constexpr std::size_t meta_bytes = 40;
  std::vector<std::pair<snapshot, std::uint32_t>> newest_first; // with the checksum of the blob
  const auto to = keys::of_event(keys::snapshot_meta, sandbox, at_most) + '\0';
  const auto walked =
      walk(in_state, keys::of_stream(keys::snapshot_meta, sandbox), to, true, [&](auto key, auto value) {
        if (value.size() == meta_bytes) {
          snapshot s{keys::number_at<events::seq>(key.substr(keys::stream_prefix_bytes)), {},
                     keys::number_at<std::uint32_t>(value.substr(32)), {}};
          std::copy_n(value.begin(), s.link.size(), s.link.begin());
          newest_first.emplace_back(std::move(s), keys::number_at<std::uint32_t>(value.substr(36)));
        }
        return true;
      });
  if (!walked)
    return tl::unexpected{walked.error()};
  for (auto& [s, crc] : newest_first) {
    auto blob = fetch(in_state, keys::of_event(keys::snapshot_blob, sandbox, s.seq));
    if (!blob)
      return tl::unexpected{blob.error()};
    if (!*blob || events::crc32c(**blob) != crc)
      continue; // a snapshot is only a shortcut: take the next older one
    const auto fits = stream::snapshot_fits(*this, sandbox, s);
    if (!fits)
      return tl::unexpected{fits.error()};
    if (!*fits)
      continue;
    s.blob = std::move(**blob);
    return std::move(s);
  }
  return std::optional<snapshot>{};
}

// -- due ------------------------------------------------------------------------

outcome<std::vector<due_entry>> rocks_store::due_until(events::wall_time until, std::size_t limit,
                                                       const std::optional<due_entry>& after) const {
  std::vector<due_entry> out;
  if (limit == 0 || until.us < 0)
    return out;
  // Never from the very beginning: that would step over every entry ever dropped.
  auto from = keys::of_due_minute(due_from_.load());
  if (after)
    from = std::max(from, keys::of_due(*after) + '\0');
  bool sound = true;
  const auto walked =
      walk(in_due, from, keys::of_due_minute(keys::minute_of(until) + 1), false, [&](auto key, auto) {
        const auto entry = keys::due_of(key);
        sound = entry.has_value();
        if (!sound || entry->at > until)
          return false;
        out.push_back(*entry);
        return out.size() < limit;
      });
  if (!walked)
    return tl::unexpected{walked.error()};
  if (!sound)
    return failure(errc::corrupt, "an entry of the due index cannot be read");
  return out;
}

outcome<void> rocks_store::drop_due_before(events::wall_time t) {
  const auto minute = keys::minute_of(t);
  const std::lock_guard lock{due_mutex_};
  if (minute <= due_minute_)
    return {};
  std::string cursor;
  keys::add_number(cursor, minute);
  rocksdb::WriteBatch batch;
  batch.DeleteRange(in(in_due), keys::of_due_minute(due_minute_), keys::of_due_minute(minute));
  batch.Put(in(in_meta), slice(keys::meta_due), cursor);
  if (const auto written = db().Write(write_options(durability::buffered), &batch); !written.ok())
    return failed(written, "drop what was due");
  due_minute_ = minute;
  due_from_ = minute;
  return {};
}

// -- index ----------------------------------------------------------------------

outcome<void> rocks_store::put_index(std::span<const std::string> index_keys, position folded) {
  rocksdb::WriteBatch batch;
  for (const auto& key : index_keys)
    batch.Put(in(in_index), key, {});
  std::string cursor;
  keys::add_number(cursor, folded);
  batch.Put(in(in_index), slice(keys::index_cursor), cursor);
  rocksdb::WriteOptions o;
  o.disableWAL = true; // after a crash the cursor is as old as the keys, and folding goes on from there
  if (const auto written = db().Write(o, &batch); !written.ok())
    return failed(written, "write the index");
  index_end_ = folded;
  return {};
}

outcome<std::vector<std::string>> rocks_store::scan_index(std::string_view from, std::string_view to,
                                                          std::size_t limit, bool reverse) const {
  std::vector<std::string> out;
  if (limit == 0)
    return out;
  const auto walked = walk(in_index, from, to, reverse, [&](auto key, auto) {
    out.emplace_back(key);
    return out.size() < limit;
  });
  if (!walked)
    return tl::unexpected{walked.error()};
  return out;
}

} // namespace hourglass::storage::rocks
