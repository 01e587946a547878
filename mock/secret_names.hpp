#pragma once

#include "mock/json_value.hpp"

#include <string_view>

namespace hourglass::mock {

/// Whether a text (a path, a pattern, a body, a target) has a word that is the name of a secret: what stands beside it may be one.
bool names_secret(std::string_view text);
/// Whether a member of it has such a name.
bool has_secret_member(const json_value& v);
/// Whether a name or a text in it does: then it is better not told.
bool tells_secret(const json_value& v);

} // namespace hourglass::mock
