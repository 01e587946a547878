#include "events/digest.hpp"
#include "storage/keys.hpp"
#include "storage/rocks_store.hpp"
#include "storage/rocks_walk.hpp"
#include "storage/stream.hpp"

#include <algorithm>
#include <numeric>

namespace hourglass::storage::rocks {

using events::outcome;
using events::sandbox_id;

/// The metadata of a snapshot: its head, and where each part stands.
///
///   value := link wall:u64 format:u32 { seq:u64 crc32c:u32 } for each part
struct snapshot_meta {
  struct place {
    events::seq written = 0; ///< seq of the snapshot that wrote the part
    std::uint32_t crc = 0;

    bool operator==(const place&) const = default;
  };
  static constexpr std::size_t fixed_bytes = 44;
  static constexpr std::size_t place_bytes = 12;
  static constexpr std::size_t most_parts = 255;

  events::chain_head head;
  std::uint32_t format = 0;
  std::vector<place> parts;

  std::string encode() const {
    std::string out{events::as_text(head.link)};
    keys::add_number(out, static_cast<std::uint64_t>(head.wall.us));
    keys::add_number(out, format);
    for (const auto& p : parts) {
      keys::add_number(out, p.written);
      keys::add_number(out, p.crc);
    }
    return out;
  }

  /// Nothing for bytes that an older version wrote, or that are broken: a snapshot is only a shortcut.
  static std::optional<snapshot_meta> decode(events::seq seq, std::string_view value) {
    if (value.size() < fixed_bytes || (value.size() - fixed_bytes) % place_bytes != 0 ||
        (value.size() - fixed_bytes) / place_bytes > most_parts)
      return std::nullopt;
    snapshot_meta m;
    m.head.seq = seq;
    std::copy_n(value.begin(), m.head.link.size(), m.head.link.begin());
    m.head.wall.us = static_cast<std::int64_t>(keys::number_at<std::uint64_t>(value.substr(32)));
    m.format = keys::number_at<std::uint32_t>(value.substr(40));
    for (value.remove_prefix(fixed_bytes); !value.empty(); value.remove_prefix(place_bytes))
      m.parts.push_back({keys::number_at<events::seq>(value), keys::number_at<std::uint32_t>(value.substr(8))});
    return m;
  }
};

namespace {

std::string key_of_part(const sandbox_id& sandbox, events::seq written, std::size_t part) {
  return keys::of_event(keys::snapshot_part, sandbox, written) + static_cast<char>(part);
}

} // namespace

outcome<std::vector<snapshot_meta>> rocks_store::snapshot_metas(const sandbox_id& sandbox, events::seq at_most) const {
  std::vector<snapshot_meta> newest_first;
  const auto to = keys::of_event(keys::snapshot_meta, sandbox, at_most) + '\0';
  const auto walked = walk(in_state, keys::of_stream(keys::snapshot_meta, sandbox), to, true, [&](auto key, auto value) {
    if (auto m = snapshot_meta::decode(keys::number_at<events::seq>(key.substr(keys::stream_prefix_bytes)), value))
      newest_first.push_back(std::move(*m));
    return true;
  });
  if (!walked)
    return tl::unexpected{walked.error()};
  return newest_first;
}

outcome<void> rocks_store::put_snapshot(const sandbox_id& sandbox, const snapshot& s) {
  if (auto room = refuse_for_want_of_room(); !room) // it only saves time, so it is the first to wait
    return room;
  const std::lock_guard lock{snapshot_mutex_};
  auto kept = snapshot_metas(sandbox, ~events::seq{0});
  if (!kept)
    return tl::unexpected{kept.error()};
  std::erase_if(*kept, [&](const auto& m) { return m.head.seq == s.head.seq; });
  if (stream::borrows(s)) {
    const auto lent = kept->empty() ? outcome<bool>{false} : stream::lends_parts(*this, sandbox, kept->front().head, kept->front().format, kept->front().parts.size(), s);
    if (!lent)
      return tl::unexpected{lent.error()};
    if (!*lent)
      return stream::nothing_to_lend();
  }
  snapshot_meta made{s.head, s.format, {}};
  constexpr std::size_t small_entries = 4'096;
  rocksdb::WriteBatch batch{std::accumulate(s.parts.begin(), s.parts.end(), small_entries, [](std::size_t sum, const auto& part) {
    return sum + (part ? part->size() : 0);
  })};
  for (std::size_t i = 0; i < s.parts.size(); ++i) {
    if (s.parts[i]) {
      batch.Put(in(in_state), key_of_part(sandbox, s.head.seq, i), *s.parts[i]);
      made.parts.push_back({s.head.seq, events::crc32c(*s.parts[i])});
    } else {
      made.parts.push_back(kept->front().parts[i]);
    }
  }
  batch.Put(in(in_state), keys::of_event(keys::snapshot_meta, sandbox, s.head.seq), made.encode());
  kept->insert(std::find_if(kept->begin(), kept->end(), [&](const auto& m) { return m.head.seq < s.head.seq; }), std::move(made));
  if (kept->size() > stream::snapshots_kept)
    drop_one_snapshot(sandbox, *kept, batch);
  if (const auto written = db().Write(write_options(durability::buffered), &batch); !written.ok())
    return failed(written, "write a snapshot");
  return {};
}

/// A part goes when the last snapshot that names it goes.
void rocks_store::drop_one_snapshot(const sandbox_id& sandbox, const std::vector<snapshot_meta>& newest_first, rocksdb::WriteBatch& batch) const {
  std::vector<events::seq> seqs;
  for (const auto& m : newest_first)
    seqs.push_back(m.head.seq);
  const auto seq = stream::snapshot_to_drop(seqs);
  const auto drop = std::find_if(newest_first.begin(), newest_first.end(), [&](const auto& m) { return m.head.seq == seq; });
  batch.Delete(in(in_state), keys::of_event(keys::snapshot_meta, sandbox, seq));
  for (std::size_t i = 0; i < drop->parts.size(); ++i) {
    const auto written = drop->parts[i].written;
    const bool shared = std::any_of(newest_first.begin(), newest_first.end(), [&](const auto& m) {
      return m.head.seq != seq && i < m.parts.size() && m.parts[i].written == written;
    });
    if (!shared)
      batch.Delete(in(in_state), key_of_part(sandbox, written, i));
  }
}

/// False when one of them is gone or broken.
outcome<bool> rocks_store::fetch_parts(const sandbox_id& sandbox, const snapshot_meta& from, snapshot& to) const {
  for (std::size_t i = 0; i < from.parts.size(); ++i) {
    auto part = fetch(in_state, key_of_part(sandbox, from.parts[i].written, i));
    if (!part)
      return tl::unexpected{part.error()};
    if (!*part || events::crc32c(**part) != from.parts[i].crc)
      return false;
    to.parts.push_back(std::move(*part));
  }
  return true;
}

outcome<std::optional<snapshot>> rocks_store::latest_snapshot(const sandbox_id& sandbox, events::seq at_most) const {
  const auto newest_first = snapshot_metas(sandbox, at_most);
  if (!newest_first)
    return tl::unexpected{newest_first.error()};
  for (const auto& m : *newest_first) { // a snapshot is only a shortcut: if one does not verify, the next older one
    snapshot s{m.head, m.format, {}, 0};
    const auto whole = fetch_parts(sandbox, m, s);
    if (!whole)
      return tl::unexpected{whole.error()};
    if (!*whole)
      continue;
    const auto fits = stream::snapshot_fits(*this, sandbox, s.head);
    if (!fits)
      return tl::unexpected{fits.error()};
    if (*fits)
      return s;
  }
  return std::optional<snapshot>{};
}

} // namespace hourglass::storage::rocks
