#pragma once

#include "events/envelope.hpp"
#include "events/outcome.hpp"
#include "storage/records.hpp"

#include <filesystem>
#include <optional>

namespace hourglass::storage {

/// The last record that is known to have been committed.
struct log_tail {
  position at = 0;
  events::hash link{};

  bool operator==(const log_tail&) const = default;
};

/// A small file beside the database, `journal.head`, that the writer renews about once a second, and about a second after the last
/// write. A log that ends before what it names has
/// lost its tail, which the database alone could not tell from a shorter log.
///
/// Format: text, three lines: `hourglass journal.head 1`, `position <decimal>`, `link <64 hex digits>`.

/// Nothing if there is no such file. Fails with `errc::corrupt` if it is not one of ours.
events::outcome<std::optional<log_tail>> read_journal_head(const std::filesystem::path& folder);

/// Replaces the file atomically and durably.
events::outcome<void> write_journal_head(const std::filesystem::path& folder, const log_tail& tail);

} // namespace hourglass::storage
