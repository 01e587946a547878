#pragma once

#include "events/envelope.hpp"

#include <string>
#include <string_view>

namespace hourglass::events {

/// Where a stream stands: what the next event must continue.
struct chain_head {
  events::seq seq = 0;
  hash link{};
  wall_time wall;

  bool operator==(const chain_head&) const = default;
};

/// Gives `d` its place after `head` (seq, wall not earlier than the head's, payload hash, previous link), encodes it and
/// moves `head` on. This is the only way a record comes into being. Appends the stored bytes to `out`.
/// Cost: two SHA-256 and one pass over the payload; this is the hot path of every request.
void seal(chain_head& head, const sandbox_id& sandbox, const draft& d, const context& ctx, std::string& out);

/// Reads one record, checking size, CRC-32C, format and the payload's hash, and computes its link. Does not look at `previous`.
/// What is left of an erased payload has another hash, which only the stream can vouch for: `erasure_check` (events/erasure.hpp).
/// Fails with `errc::corrupt` (`where` = byte offset) or `errc::newer_format`.
outcome<record> decode(std::string_view bytes);

/// As `decode` without copying or hashing the payload: for indexes that need the header only.
outcome<header> decode_header(std::string_view bytes);

/// The record `bytes` with `left` in the place of its payload: header and link stay. May be done again, with the same result.
outcome<std::string> erase(std::string_view bytes, std::string_view left);

/// The kind of a record as `seal` made it, which it believes: nothing is checked. `kind{}` if it is too short for one.
kind kind_of(std::string_view bytes) noexcept;

/// Checks that `next` continues `head` (seq + 1, previous = link, same or later wall time) and moves `head` on.
/// Fails with `errc::corrupt` naming the seq.
outcome<void> follow(chain_head& head, const record& next);

/// The payload of `r` at the version this program writes; older versions are converted here and nowhere else.
/// Fails with `errc::newer_format` when the record was written by a newer program.
outcome<std::string> upcast(const record& r);

} // namespace hourglass::events
