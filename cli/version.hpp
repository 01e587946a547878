#pragma once

#include <string_view>

namespace hourglass::cli {

inline constexpr std::string_view version = "0.1.0";

} // namespace hourglass::cli
