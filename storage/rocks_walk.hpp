#pragma once

#include "storage/keys.hpp"
#include "storage/rocks_store.hpp"

#include <memory>

#include <rocksdb/iterator.h>
#include <rocksdb/options.h>

/// How `rocks_store.cpp` and `rocks_derived.cpp` talk to RocksDB.
namespace hourglass::storage::rocks {

inline rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view view(const rocksdb::Slice& s) { return {s.data(), s.size()}; }

inline tl::unexpected<events::error> failed(const rocksdb::Status& status, std::string_view doing) {
  return tl::unexpected{to_error(status, doing)};
}

inline rocksdb::WriteOptions write_options(durability how) {
  rocksdb::WriteOptions o;
  o.sync = how == durability::synced;
  return o;
}

template <class Visit>
events::outcome<void> rocks_store::walk(family which, std::string_view from, std::string_view to, bool reverse, Visit visit,
                                        const rocksdb::Snapshot* as_of) const {
  if (from >= to)
    return {};
  const auto lower = slice(from);
  const auto upper = slice(to);
  rocksdb::ReadOptions o;
  o.snapshot = as_of;
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

} // namespace hourglass::storage::rocks
