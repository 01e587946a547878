#pragma once

#include "actors/node.hpp"
#include "http/message.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What makes a change happen once however often it is asked for: its receipt stands in a row that is written with its events, in one
/// piece, so there is no moment at which one is there without the other (docs/decisions/022-idempotency-key.md).
///
///   "on" name      -> the row below
///   "ox" at name   -> nothing: the same rows in the order of their age, for whoever forgets them
///   row  := head '\n' reply body
///   head := {"at_us", "fingerprint", "first", "last", "reply_bytes", "status", "headers": [[name, value]…], "body_bytes", "sandbox"}
namespace hourglass::actors {

struct once_row {
  events::wall_time at;
  std::string fingerprint;
  receipt done;
  unsigned status = 0; ///< 0: the change is made, and how it was answered nobody has written down
  http::fields headers;
  std::string body;
  std::string sandbox = {}; ///< whose change it is, or empty: it goes with it (actors/pruner.hpp)
};

inline constexpr std::string_view once_prefix = "on";
inline constexpr std::string_view once_age_prefix = "ox";

std::string once_key(std::string_view name);
/// Where the row of `name`, written at `at`, stands among those by age.
std::string once_age_key(events::wall_time at, std::string_view name);
/// The name in an age key; empty when it is none.
std::string_view name_in_age_key(std::string_view key) noexcept;

/// Both rows.
std::vector<storage::row> write_once(std::string_view name, const once_row& row);
/// Fails with `errc::corrupt`.
events::outcome<once_row> read_once(std::string_view value);

/// When a row was made, and of which sandbox, without reading the rest.
struct once_origin {
  events::wall_time at;
  std::string sandbox;
};
std::optional<once_origin> origin_of_once(std::string_view value);

/// Takes the payload out of what is kept as the answer to the request that made the message at `seq`, `id`, at `wall`: such an answer shows it. Blocking.
events::outcome<void> erase_payload_in_answers(storage::store& in, events::wall_time wall, events::seq seq, std::string_view id);

/// What `name` was answered, if it was asked within `limits::idempotency_time` before `now`.
events::outcome<std::optional<once_row>> find_once(const storage::store& in, std::string_view name, events::wall_time now);

} // namespace hourglass::actors
