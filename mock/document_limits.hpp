#pragma once

#include "events/limits.hpp"

/// The limits of documents that are made into others before they are read, beside events/limits.hpp, which everything includes.
namespace hourglass::limits {

inline constexpr std::size_t document_name_bytes = 256;       ///< of one of several documents of an import
inline constexpr std::size_t document_text_bytes = 64 * mebi; ///< of names and texts that a document becomes as another one

} // namespace hourglass::limits
