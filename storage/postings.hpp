#pragma once

#include "events/outcome.hpp"
#include "storage/records.hpp"

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// How the index keeps the seqs of one term (a kind, a principal, an entity, a correlation id of one sandbox): in runs, one entry each.
///
///   key    term | seq(8) of the last one of the run
///   value  the ones before it, newest first, each as its distance from the next (LEB128); empty for a run of one
///
/// So the first entry at or behind `term | n` is the first that can hold a seq from n on, and runs of one term never overlap.
namespace hourglass::storage::postings {

inline constexpr std::size_t seqs_per_run = 128;

/// What one fold adds: of each term the seqs, ascending.
using terms = std::map<std::string, std::vector<events::seq>, std::less<>>;

/// In the order of their keys.
std::vector<index_entry> entries_of(const terms& folded);

/// The seqs of an entry, newest first. Fails with `errc::corrupt` for bytes that no `entries_of` makes.
events::outcome<std::vector<events::seq>> seqs_of(const index_entry& entry);

} // namespace hourglass::storage::postings
