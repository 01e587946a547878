#include "storage/keys.hpp"
#include "storage/rocks_store.hpp"
#include "storage/rocks_walk.hpp"
#include "storage/terms.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <rocksdb/snapshot.h>

// How whole streams leave the database. A reader who is at it sees the end of the stream: their
// events go in one write, after their places in the log.
namespace hourglass::storage::rocks {

using events::errc;
using events::failure;
using events::outcome;
using events::sandbox_id;

namespace {

constexpr std::size_t events_a_piece = 2'000;
constexpr std::size_t bytes_a_piece = std::size_t{8} << 20;
constexpr std::size_t keys_a_piece = 8'192;
constexpr std::size_t streams_a_piece = 64;

void go_to(prune_place& place, prune_place::part next) {
  place = {next, 0, 0, {}};
}

/// `runs` with the pruned ones taken out; false if there are none.
bool take_out(std::vector<keys::log_run>& runs,
              const std::unordered_map<sandbox_id, events::seq>& said_by) {
  bool any = false;
  std::vector<keys::log_run> out;
  for (auto run : runs) {
    if (const auto gone = said_by.find(run.sandbox); gone != said_by.end()) {
      run = {{}, gone->second, run.count};
      any = true;
    }
    const bool joins =
        !out.empty() && run.pruned() && out.back().pruned() && out.back().first == run.first;
    if (joins && run.count <= ~out.back().count)
      out.back().count += run.count;
    else
      out.push_back(run);
  }
  runs = std::move(out);
  return any;
}

} // namespace

/// A piece that failed is done again: the caller's place moves with what was written.
outcome<bool> rocks_store::prune(prune_order which, prune_place& from) {
  auto next = from;
  auto more = prune_piece(which, next);
  if (more)
    from = std::move(next);
  return more;
}

outcome<bool> rocks_store::prune_piece(prune_order which, prune_place& from) {
  using part = prune_place::part;
  switch (from.at) {
  case part::correlations:
    return prune_correlations(which, from);
  case part::log:
    return prune_log(which, from);
  case part::due:
    return prune_due(which, from);
  case part::streams:
    return prune_streams(which, from);
  case part::done:
    break;
  }
  return false;
}

/// The entries that stand under no sandbox but under a correlation id are found by the events: so
/// before these go.
outcome<bool> rocks_store::prune_correlations(prune_order which, prune_place& from) {
  if (from.stream >= which.size()) {
    go_to(from, prune_place::part::log);
    return true;
  }
  const auto sandbox = which[from.stream].sandbox;
  std::unordered_set<std::string> terms;
  std::vector<std::string> of_event;
  outcome<void> good;
  std::size_t looked = 0, bytes = 0;
  {
    rocksdb::ManagedSnapshot now{&db()};
    auto unpack = unpacker(now.snapshot());
    const auto begin = keys::of_event(keys::event, sandbox, from.seq + 1);
    const auto end = keys::of_event(keys::event, sandbox, ~events::seq{0});
    const auto walked = walk(
        in_events, begin, end, false,
        [&](auto key, auto value) {
          from.seq = keys::number_at<events::seq>(key.substr(keys::stream_prefix_bytes));
          ++looked;
          bytes += value.size();
          const auto header = unpack.unpack(sandbox, from.seq, value).and_then([](auto record) {
            return events::decode_header(record);
          });
          if (!header && header.error().code != errc::corrupt) {
            good = tl::unexpected{header.error()};
            return false;
          }
          of_event.clear();
          if (header) // what cannot be read was not folded either
            terms::of_event(*header, of_event);
          for (auto& term : of_event)
            if (term.starts_with(keys::everywhere_by_correlation))
              terms.insert(std::move(term));
          return looked < events_a_piece && bytes < bytes_a_piece;
        },
        now.snapshot());
    if (!walked || !good)
      return tl::unexpected{!walked ? walked.error() : good.error()};
  }
  rocksdb::WriteBatch batch;
  for (const auto& term : terms) {
    const auto walked = walk(in_index, term, keys::behind(term), false, [&](auto key, auto) {
      batch.Delete(in(in_index), slice(key));
      return true;
    });
    if (!walked)
      return tl::unexpected{walked.error()};
  }
  if (const auto written = db().Write(write_options(durability::buffered), &batch); !written.ok())
    return failed(written, "take a stream out of the index");
  if (looked < events_a_piece && bytes < bytes_a_piece) {
    ++from.stream;
    from.seq = 0;
  }
  return true;
}

/// Before the events, so that whoever reads the log as of a moment never finds one named that is
/// not there.
outcome<bool> rocks_store::prune_log(prune_order which, prune_place& from) {
  std::unordered_map<sandbox_id, events::seq> said_by;
  for (const auto& one : which)
    said_by.emplace(one.sandbox, one.said_by);
  const auto begin = from.after.empty() ? keys::of_log(0) : from.after + '\0';
  std::size_t looked = 0;
  bool sound = true;
  rocksdb::WriteBatch batch;
  const auto walked =
      walk(in_events, begin, keys::behind(keys::log), false, [&](auto key, auto value) {
        auto runs = keys::runs_of(value);
        sound = runs.has_value();
        if (!sound)
          return false;
        if (take_out(*runs, said_by)) {
          std::string left;
          for (const auto& run : *runs)
            keys::add_run(left, run);
          batch.Put(in(in_events), slice(key), left);
        }
        from.after = key;
        return ++looked < keys_a_piece;
      });
  if (!walked)
    return tl::unexpected{walked.error()};
  if (!sound)
    return failure(errc::corrupt, "an entry of the log cannot be read");
  if (const auto written = db().Write(write_options(durability::buffered), &batch); !written.ok())
    return failed(written, "take a stream out of the log");
  if (looked < keys_a_piece)
    go_to(from, prune_place::part::due);
  return true;
}

outcome<bool> rocks_store::prune_due(prune_order which, prune_place& from) {
  std::unordered_set<sandbox_id> gone;
  for (const auto& one : which)
    gone.insert(one.sandbox);
  const auto begin = from.after.empty() ? keys::of_due_minute(due_from_.load()) : from.after + '\0';
  std::size_t looked = 0;
  rocksdb::WriteBatch batch;
  const auto walked = walk(in_due, begin, keys::behind(keys::due), false, [&](auto key, auto) {
    if (const auto entry = keys::due_of(key); entry && gone.contains(entry->sandbox))
      batch.Delete(in(in_due), slice(key));
    from.after = key;
    return ++looked < keys_a_piece;
  });
  if (!walked)
    return tl::unexpected{walked.error()};
  if (const auto written = db().Write(write_options(durability::buffered), &batch); !written.ok())
    return failed(written, "take a sandbox out of what is due");
  if (looked < keys_a_piece)
    go_to(from, prune_place::part::streams);
  return true;
}

outcome<bool> rocks_store::prune_streams(prune_order which, prune_place& from) {
  const auto to = std::min(which.size(), from.stream + streams_a_piece);
  rocksdb::WriteBatch batch;
  // The range begins with what is no whole key: see `in_order` in rocks_open.cpp.
  const auto drop = [&](family where, std::string_view kind, const sandbox_id& sandbox) {
    const auto prefix = keys::of_stream(kind, sandbox);
    batch.DeleteRange(in(where), prefix, keys::behind(prefix));
  };
  const std::lock_guard lock{snapshot_mutex_};
  for (; from.stream < to; ++from.stream) {
    const auto& sandbox = which[from.stream].sandbox;
    drop(in_events, keys::event, sandbox);
    for (const auto kind : {keys::by_kind, keys::by_principal, keys::by_entity})
      drop(in_index, kind, sandbox);
    for (const auto kind : {keys::snapshot_meta, keys::snapshot_part})
      drop(in_state, kind, sandbox);
  }
  owe_a_scrub(batch);
  if (const auto written = db().Write(write_options(durability::buffered), &batch); !written.ok())
    return failed(written, "take a stream away");
  if (from.stream < which.size())
    return true;
  go_to(from, prune_place::part::done);
  return false;
}

outcome<std::map<events::seq, std::uint64_t>> rocks_store::pruned_places() const {
  std::map<events::seq, std::uint64_t> out;
  bool sound = true;
  const auto walked =
      walk(in_events, keys::of_log(0), keys::behind(keys::log), false, [&](auto, auto value) {
        const auto runs = keys::runs_of(value);
        sound = runs.has_value();
        if (sound)
          for (const auto& run : *runs)
            if (run.pruned())
              out[run.first] += run.count;
        return sound;
      });
  if (!walked)
    return tl::unexpected{walked.error()};
  if (!sound)
    return failure(errc::corrupt, "an entry of the log cannot be read");
  return out;
}

/// Seeks from one stream behind it to the next: their events are not walked over.
outcome<std::vector<sandbox_id>> rocks_store::streams(const std::optional<sandbox_id>& after,
                                                      std::size_t limit) const {
  std::vector<sandbox_id> out;
  const auto end = keys::behind(keys::event);
  auto from = after ? keys::behind(keys::of_stream(keys::event, *after)) : std::string{keys::event};
  while (out.size() < limit) {
    std::optional<sandbox_id> found;
    const auto walked = walk(in_events, from, end, false, [&](auto key, auto) {
      if (key.size() >= keys::stream_prefix_bytes)
        found = keys::sandbox_at(key.substr(keys::event.size()));
      return false;
    });
    if (!walked)
      return tl::unexpected{walked.error()};
    if (!found)
      break;
    out.push_back(*found);
    from = keys::behind(keys::of_stream(keys::event, *found));
  }
  return out;
}

} // namespace hourglass::storage::rocks
