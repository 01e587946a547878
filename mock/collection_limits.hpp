#pragma once

#include "events/limits.hpp"

/// The limits of collections that keep state, beside events/limits.hpp, which everything includes.
namespace hourglass::limits {

inline constexpr std::size_t collection_items = 100'000; ///< of one collection (of one parent): a list looks at all of them
inline constexpr std::size_t collection_page = 1'000;    ///< items in one answer, whatever the request asks for
inline constexpr std::size_t collection_wishes = 50;     ///< values of all filters of one list: each is looked for in every item
inline constexpr std::size_t collection_seeds = 20;      ///< items that a collection begins with
inline constexpr std::size_t collection_seed_bytes = 32 * kibi; ///< of these; the first may be larger
inline constexpr std::size_t document_seed_bytes = 2 * mebi; ///< of all collections of a document
inline constexpr std::size_t item_members = 200;         ///< of an item's schema that are looked at
inline constexpr std::size_t document_item_steps = 5'000'000; ///< subschemas and members looked at for all collections of a document

} // namespace hourglass::limits
