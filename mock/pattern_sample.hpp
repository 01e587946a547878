#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace hourglass::mock {

/// A text that `pattern` (as `ecma_regex` reads it) matches, of at least `least` and at most `most` code points. `draw` is the only chance.
/// Nothing if the pattern cannot be compiled, or no such text was found in a few tries.
std::optional<std::string> text_for_pattern(std::string_view pattern, std::size_t least, std::size_t most, const std::function<std::uint64_t()>& draw);

} // namespace hourglass::mock
