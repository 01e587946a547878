#pragma once

#include "events/limits.hpp"

/// The limits of schemas and of what they check; beside events/limits.hpp, which everything includes.
namespace hourglass::limits {

inline constexpr std::size_t regex_text_bytes = 16 * kibi;
inline constexpr std::size_t regex_bytes = 1 * mebi;     ///< a compiled expression with its tables
inline constexpr std::size_t schema_regex_steps = 1'000'000; ///< instructions of all expressions of one compiler; some 16 bytes each
inline constexpr std::size_t schema_nodes = 200'000;     ///< subschemas compiled of one document and what it refers to
inline constexpr std::size_t schema_documents = 10'000;  ///< ... and the resources among them
inline constexpr std::size_t schema_pointer_bytes = 32 * mebi; ///< of the places of all these subschemas together
inline constexpr std::size_t fault_pointer_bytes = 2 * kibi;   ///< of each pointer that a fault tells; a longer one is cut
inline constexpr std::size_t schema_faults = 20;         ///< told of one value
inline constexpr std::size_t schema_depth = 1'000;       ///< subschemas inside each other while a value is checked
inline constexpr std::uint64_t schema_work = 10'000'000; ///< subschemas and bytes looked at for one value, or for all of one request; under half a second
inline constexpr std::size_t parameter_parts = 1'000;    ///< pairs of a query, a form or a cookie, elements of a list in a parameter

} // namespace hourglass::limits
