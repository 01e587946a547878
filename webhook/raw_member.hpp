#pragma once

#include <string_view>

namespace hourglass::webhook {

/// The exact text of one top-level member of a JSON object that is known to parse; an empty view when it is not there.
std::string_view raw_member(std::string_view json_object, std::string_view name) noexcept;

} // namespace hourglass::webhook
