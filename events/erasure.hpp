#pragma once

#include "events/envelope.hpp"
#include "events/outcome.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

/// How content leaves the log while its chain stays valid. The link of an event covers its header,
/// and the header only the hash of the payload; so the payload of a stored record may be replaced
/// by what is left of it. What vouches for that, since the header's hash no longer can, is a later
/// event of the same stream, `content_erased`, which names the event and the hash of what is left.
/// Decision: docs/decisions/014-erasure-and-retention.md.
namespace hourglass::events {

class json_text;

/// One event that a `content_erased` names.
struct erased_item {
  events::seq seq = 0;
  std::string id; ///< what the event is about; may be empty
  hash left{};    ///< SHA-256 of what is left of its payload

  bool operator==(const erased_item&) const = default;
};

/// Member `items` of the payload of a `content_erased`: `[{"seq": N, "id": "…", "left": "hex"},
/// …]`.
void write_erased_items(json_text& to, const std::vector<erased_item>& items);
/// Fails with `errc::corrupt`.
outcome<std::vector<erased_item>> read_erased_items(std::string_view payload);

/// Sees the events of one stream in order and tells whether all that is erased was erased by an
/// event of the stream.
class erasure_check {
public:
  /// Fails with `errc::corrupt` when a `content_erased` does not read, or names another rest than
  /// the one that is there.
  outcome<void> see(const record& next);

  /// At the end of the stream. Fails with `errc::corrupt` naming the first event that lost content
  /// without an event that says so.
  outcome<void> finish() const;

private:
  std::map<events::seq, hash> unexplained_; ///< of what is left
};

} // namespace hourglass::events
