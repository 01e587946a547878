#include "events/digest.hpp"
#include "storage/keys.hpp"
#include "storage/rocks_store.hpp"
#include "storage/rocks_walk.hpp"
#include "storage/stream.hpp"

#include <algorithm>

/// The part of the store that is derived from the log: rows, what is due, the index.
namespace hourglass::storage::rocks {

using events::errc;
using events::failure;
using events::outcome;
using events::sandbox_id;

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

void rocks_store::close_due_before(events::wall_time t) {
  const std::lock_guard lock{due_mutex_};
  due_open_ = std::max(due_open_, keys::minute_of(t));
}

outcome<void> rocks_store::drop_due_before(events::wall_time t) {
  const auto minute = keys::minute_of(t);
  const std::lock_guard lock{due_mutex_};
  due_open_ = std::max(due_open_, minute);
  const auto from = due_from_.load();
  if (minute <= from)
    return {};
  std::string cursor;
  keys::add_number(cursor, minute);
  rocksdb::WriteBatch batch;
  batch.DeleteRange(in(in_due), keys::of_due_minute(from), keys::of_due_minute(minute));
  batch.Put(in(in_meta), slice(keys::meta_due), cursor);
  if (const auto written = db().Write(write_options(durability::buffered), &batch); !written.ok())
    return failed(written, "drop what was due");
  due_from_ = minute;
  return {};
}

// -- index ----------------------------------------------------------------------

outcome<void> rocks_store::put_index(std::span<const index_entry> entries, position folded) {
  rocksdb::WriteBatch batch;
  for (const auto& e : entries)
    batch.Put(in(in_index), e.key, e.value);
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

outcome<std::vector<index_entry>> rocks_store::scan_index(std::string_view from, std::string_view to, std::size_t limit,
                                                          bool reverse) const {
  std::vector<index_entry> out;
  if (limit == 0)
    return out;
  const auto walked = walk(in_index, from, to, reverse, [&](auto key, auto value) {
    out.push_back({std::string{key}, std::string{value}});
    return out.size() < limit;
  });
  if (!walked)
    return tl::unexpected{walked.error()};
  return out;
}

} // namespace hourglass::storage::rocks
