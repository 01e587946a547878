#pragma once

#include <string_view>

namespace hourglass::api {

/// Uid of the one internal sandbox: its event types are the node's, as Svix has them (docs/decisions). Never listed, never the caller's.
inline constexpr std::string_view catalogue_uid = "hourglass.catalogue";

} // namespace hourglass::api
