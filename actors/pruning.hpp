#pragma once

#include "events/envelope.hpp"
#include "events/outcome.hpp"
#include "storage/records.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// When the stream of a deleted sandbox goes, and what is left of it. Pure: no thread, no clock, no
/// store.
///
/// Rows, beside those of actors/registry.hpp:
///   "dl" sandbox(16) -> at(8, us), and if somebody wants it gone at once: principal 0 correlation
///   "pw" sandbox(16) -> seq(8) of the event that says so: it is going
///   "db"             -> the sandbox(16) up to which the streams of before were looked through;
///   empty: all were
///
/// Decision: docs/decisions/014-erasure-and-retention.md.
namespace hourglass::actors::pruning {

inline constexpr std::string_view deleted_prefix = "dl";
inline constexpr std::string_view under_way_prefix = "pw";
inline constexpr std::string_view looked_through_key = "db";

/// Who wants it gone without waiting for the retention.
struct wish {
  std::string principal;
  std::string correlation;

  bool operator==(const wish&) const = default;
};

/// A sandbox that was deleted and whose stream still stands in the log.
struct deleted {
  events::sandbox_id sandbox;
  events::wall_time at;
  std::optional<wish> wanted;

  bool operator==(const deleted&) const = default;
};

storage::row row_of(const deleted& what);
std::optional<deleted> deleted_of(const storage::row& row);
std::string deleted_key(const events::sandbox_id& sandbox);

storage::row row_of(const storage::pruned_stream& what);
std::optional<storage::pruned_stream> under_way_of(const storage::row& row);
std::string under_way_key(const events::sandbox_id& sandbox);

enum class fate : std::uint8_t {
  stays,            ///< its time is not over
  waits_for_export, ///< Kafka does not have all of it yet
  waits_for_index,  ///< what is folded later would find it gone, and leave entries behind
  goes,
};

/// What the fate of a stream hangs on.
struct moment {
  events::wall_time now;
  std::optional<std::chrono::seconds> retention; ///< nothing: never, unless somebody wants it
  storage::position folded = 0;                  ///< by the index
  std::optional<storage::position> exported;     ///< nothing: there is no export
};

/// `until` is a position behind all of its events.
fate decide(const deleted& what, storage::position until, const moment& m);

/// What stands in the node's own stream of one that is gone: enough to recognise it in a backup or
/// in the Kafka topic.
struct tombstone {
  events::sandbox_id sandbox;
  events::seq events = 0; ///< the last seq, and how many there were
  events::hash last_link{};
  events::wall_time last_wall;
  events::wall_time deleted_at;

  bool operator==(const tombstone&) const = default;
};

events::draft draft_of(const tombstone& what);
/// Fails with `errc::corrupt`, `errc::newer_format`.
events::outcome<tombstone> tombstone_of(const events::record& r);

} // namespace hourglass::actors::pruning
