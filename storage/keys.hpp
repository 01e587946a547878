#pragma once

#include "events/envelope.hpp"
#include "storage/records.hpp"

#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Every key of the store. Keys start with a kind of two letters, never reused; numbers are big endian, so keys sort by number.
///
///   family  key                                              value
///   events  ev | sandbox(16) | seq(8)                        record as `events::seal` made it, or its difference from another (packing.hpp), or what
///                                                            `events::erase` left of it
///           go | position(8) of the first                    runs, each sandbox(16) | first seq(8) | count(4); of events that were pruned
///                                                            zeros(16) | seq of the event of `node_stream` that says so(8) | count(4)
///   index   ty | sandbox(16) | event kind(2) | last seq(8)   more seqs (postings.hpp), as of the three below
///           pr | sandbox(16) | principal | 0 | last seq(8)   not of mock traffic
///           en | sandbox(16) | entity | 0 | last seq(8)
///           gc | correlation | 0 | sandbox(16) | last seq(8)
///           ic                                               position(8) after the last folded record
///   state   ro | the caller's key                            the caller's value
///           sm | sandbox(16) | seq(8)                        snapshot: head, format, where its parts stand (rocks_snapshots.cpp)
///           sn | sandbox(16) | seq(8) | part(1)              snapshot: a part; seq is of the snapshot that wrote it
///   due     du | minute(8) | us(8) | sandbox(16)             -
///   meta    mf                                               format of this table(4)
///           md                                               first minute(8) that was not dropped from `due`
///           me                                               since when(8, us) the files may hold content that was erased
///           mk                                               - (says nothing; see `leave_something_to_flush`)
///
/// Which texts stand in `pr`, `en` and `gc` is said in storage/terms.hpp; they may stand for more than one.
///
/// Format 1 had an entry of its own for each event: `go` with the value sandbox(16) | seq(8), and index entries without more seqs. Formats 1 and 2
/// had whole ids in `en` and `gc`. Formats 1 to 3 had every record whole, 1 to 4 none that was erased, 1 to 5
/// none that was pruned.
/// All that still reads.
///
/// In texts that end with 0, the bytes 00 and 01 are written as 01 01 and 01 02, so that no text is the beginning of another.
namespace hourglass::storage::keys {

/// Raise it when the table above changes in a way that an older program would misread.
inline constexpr std::uint32_t format = 6;

inline constexpr std::string_view event = "ev";
inline constexpr std::string_view log = "go";
inline constexpr std::string_view by_kind = "ty";
inline constexpr std::string_view by_principal = "pr";
inline constexpr std::string_view by_entity = "en";
inline constexpr std::string_view everywhere_by_correlation = "gc";
inline constexpr std::string_view index_cursor = "ic";
inline constexpr std::string_view row = "ro";
inline constexpr std::string_view snapshot_meta = "sm";
inline constexpr std::string_view snapshot_part = "sn";
inline constexpr std::string_view due = "du";
inline constexpr std::string_view meta_format = "mf";
inline constexpr std::string_view meta_due = "md";
inline constexpr std::string_view meta_scrub = "me";
inline constexpr std::string_view meta_mark = "mk";

inline constexpr std::size_t stream_prefix_bytes = 18; ///< kind and sandbox

// -- pieces -------------------------------------------------------------------

template <class T>
void add_number(std::string& key, T value) {
  for (std::size_t i = sizeof(T); i > 0; --i)
    key.push_back(static_cast<char>(static_cast<std::uint8_t>(value >> (8 * (i - 1)))));
}

/// The big-endian number in front of `bytes`, which must be long enough.
template <class T>
T number_at(std::string_view bytes) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>((value << 8) | static_cast<std::uint8_t>(bytes[i]));
  return value;
}

inline void add_sandbox(std::string& key, const events::sandbox_id& sandbox) {
  key.append(reinterpret_cast<const char*>(sandbox.bytes.data()), sandbox.bytes.size());
}

inline events::sandbox_id sandbox_at(std::string_view bytes) {
  events::sandbox_id id;
  std::memcpy(id.bytes.data(), bytes.data(), id.bytes.size());
  return id;
}

inline void add_text(std::string& key, std::string_view text) {
  for (char c : text) {
    if (c == '\x00' || c == '\x01') {
      key.push_back('\x01');
      c = c == '\x00' ? '\x01' : '\x02';
    }
    key.push_back(c);
  }
  key.push_back('\x00');
}

// -- keys ---------------------------------------------------------------------

/// `ev`, `sm` or `sn` of one stream, and of one event of it.
inline std::string of_stream(std::string_view kind, const events::sandbox_id& sandbox) {
  std::string key;
  key.reserve(stream_prefix_bytes + 8);
  key += kind;
  add_sandbox(key, sandbox);
  return key;
}

inline std::string of_event(std::string_view kind, const events::sandbox_id& sandbox, events::seq seq) {
  auto key = of_stream(kind, sandbox);
  add_number(key, seq);
  return key;
}

inline std::string of_log(position at) {
  std::string key{log};
  add_number(key, at);
  return key;
}

/// Events that follow one another in a stream and in the log.
struct log_run {
  events::sandbox_id sandbox;
  events::seq first = 0;
  std::uint32_t count = 0;

  /// The events are gone; then `first` is the event of `node_stream` that says so, of all of them.
  bool pruned() const noexcept { return sandbox == events::sandbox_id{}; }
  bool operator==(const log_run&) const = default;
};

inline constexpr std::size_t log_run_bytes = 28;
inline constexpr std::size_t log_runs_per_entry = 128;

inline void add_run(std::string& value, const log_run& run) {
  add_sandbox(value, run.sandbox);
  add_number(value, run.first);
  add_number(value, run.count);
}

/// The runs of a `go` entry; nothing if `value` is none.
inline std::optional<std::vector<log_run>> runs_of(std::string_view value) {
  if (value.size() == 24) // of format 1
    return std::vector<log_run>{{sandbox_at(value), number_at<events::seq>(value.substr(16)), 1}};
  if (value.empty() || value.size() % log_run_bytes != 0)
    return std::nullopt;
  std::vector<log_run> out;
  for (; !value.empty(); value.remove_prefix(log_run_bytes))
    out.push_back({sandbox_at(value), number_at<events::seq>(value.substr(16)), number_at<std::uint32_t>(value.substr(24))});
  return out;
}

// The terms of the index, what its keys begin with; followed by a seq.

inline std::string of_kind(const events::sandbox_id& sandbox, events::kind kind) {
  auto key = of_stream(by_kind, sandbox);
  add_number(key, static_cast<std::uint16_t>(kind));
  return key;
}

/// `pr` or `en` of one text.
inline std::string of_text(std::string_view kind, const events::sandbox_id& sandbox, std::string_view text) {
  auto key = of_stream(kind, sandbox);
  key.reserve(key.size() + text.size() + 9);
  add_text(key, text);
  return key;
}

/// The beginning of all `gc` keys of one correlation id; followed by sandbox and seq.
inline std::string of_correlation(std::string_view correlation) {
  std::string key{everywhere_by_correlation};
  add_text(key, correlation);
  return key;
}

/// The same within one sandbox, which is a term.
inline std::string of_correlation(std::string_view correlation, const events::sandbox_id& sandbox) {
  auto key = of_correlation(correlation);
  key.reserve(key.size() + 24);
  add_sandbox(key, sandbox);
  return key;
}

/// The sandbox in a `gc` key.
inline std::optional<events::sandbox_id> sandbox_of_correlation(std::string_view key) {
  constexpr std::size_t tail = 24; // sandbox and seq
  if (!key.starts_with(everywhere_by_correlation) || key.size() < everywhere_by_correlation.size() + 1 + tail)
    return std::nullopt;
  return sandbox_at(key.substr(key.size() - tail));
}

inline std::string of_row(std::string_view key) { return std::string{row}.append(key); }

/// Minutes since 1970; times before count as 0.
inline std::uint64_t minute_of(events::wall_time t) {
  return t.us < 0 ? 0 : static_cast<std::uint64_t>(t.us) / 60'000'000;
}

inline std::string of_due_minute(std::uint64_t minute) {
  std::string key{due};
  add_number(key, minute);
  return key;
}

inline std::string of_due(const due_entry& entry) {
  auto key = of_due_minute(minute_of(entry.at));
  add_number(key, entry.at.us < 0 ? std::uint64_t{0} : static_cast<std::uint64_t>(entry.at.us));
  add_sandbox(key, entry.sandbox);
  return key;
}

/// What `of_due` made; nothing if `key` is no such key.
inline std::optional<due_entry> due_of(std::string_view key) {
  if (key.size() != 34 || !key.starts_with(due))
    return std::nullopt;
  return due_entry{{static_cast<std::int64_t>(number_at<std::uint64_t>(key.substr(10)))},
                   sandbox_at(key.substr(18))};
}

/// The first key behind all keys that start with `prefix`; empty when there is none.
inline std::string behind(std::string_view prefix) {
  std::string key{prefix};
  while (!key.empty() && key.back() == '\xff')
    key.pop_back();
  if (!key.empty())
    key.back() = static_cast<char>(static_cast<std::uint8_t>(key.back()) + 1);
  return key;
}

} // namespace hourglass::storage::keys
