#pragma once

#include <string>
#include <string_view>

namespace hourglass::mock {

/// What `\p{name}` of ECMA-262 (`\P` if `negated`) stands for, as members of a class in RE2's syntax; empty if RE2 does not know it.
std::string unicode_property(std::string_view name, bool negated);

} // namespace hourglass::mock
