#pragma once

#include "events/outcome.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::events {

/// A member of a JSON object, its value as it was sent.
struct json_member {
  std::string name;       ///< unescaped
  std::string_view value; ///< a view of the text that was checked
};

/// Checks JSON from outside without building anything of it: one value (RFC 8259), valid UTF-8, no lone surrogate, at most `max_depth` containers
/// deep, no name twice in an object, numbers within the range of a double. Returns the members if the value is an object, else nothing.
/// Fails with `errc::invalid` and says at which byte. Time grows with the text alone, memory with its depth and the names in it.
outcome<std::vector<json_member>> check_json(std::string_view text, std::size_t max_depth);

} // namespace hourglass::events
