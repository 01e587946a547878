#pragma once

#include "events/limits.hpp"

/// The limits of collections that keep state, beside events/limits.hpp, which everything includes.
namespace hourglass::limits {

inline constexpr std::size_t collection_items = 100'000; ///< of one collection (of one parent): a list looks at all of them
inline constexpr std::size_t collection_page = 1'000;    ///< items in one answer, whatever the request asks for
inline constexpr std::size_t collection_wishes = 50;     ///< values of all filters of one list: each is looked for in every item
inline constexpr std::size_t collection_values = 20;     ///< values of one filter of them
inline constexpr std::size_t collection_filter_bytes = 64 * mebi; ///< of items, times the values that each is looked at for
inline constexpr std::size_t collection_item_members = 2'000; ///< of an item that a request gives
inline constexpr std::size_t collection_answers = 32;    ///< of an operation, that show items
inline constexpr std::size_t collection_seeds = 20;      ///< items that a collection begins with
inline constexpr std::size_t collection_seed_bytes = 32 * kibi; ///< of these; the first may be larger
inline constexpr std::size_t document_seed_bytes = 2 * mebi; ///< of all collections of a document
inline constexpr std::size_t item_members = 200;         ///< of an item's schema that are looked at
inline constexpr std::size_t document_item_steps = 5'000'000; ///< subschemas and members looked at for all collections of a document

inline constexpr std::size_t seed_items = 10'000;        ///< of one seed document
inline constexpr std::size_t seed_bytes = 8 * mebi;      ///< of their keys and values: they stand in one event

} // namespace hourglass::limits
