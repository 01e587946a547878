#pragma once

#include "mock/schema.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace hourglass::mock {

/// A text that `pattern` (as `ecma_regex` reads it) matches, of at least `least` and at most `most` code points: `wish` if that is one, and not empty.
/// `draw` is the only chance. Nothing if the pattern cannot be compiled, if no such text was found in a few tries, or once `purse` is empty.
std::optional<std::string> text_for_pattern(std::string_view pattern, std::string_view wish, std::size_t least, std::size_t most,
                                            const std::function<std::uint64_t()>& draw, schema_purse& purse);

} // namespace hourglass::mock
