#pragma once

#include "mock/json_value.hpp"

#include <optional>
#include <string>

namespace hourglass::mock {

/// Documents tell operations of one path and method apart by what no path can have: `/responses?beta=true`, `/files/{id}#add_shared_link`,
/// `/#Action=ListUsers`. What of it a request can show is asked of the request.
///
/// After `?`: each parameter must have its value, or be there where it has none, or only a `{name}`. After `#`, of which a server is never told: each
/// parameter of query or header that the operation requires and that has one value only.
struct path_variant {
  std::string path; ///< without query and fragment
  json_value match; ///< for `endpoint::match`, not compiled yet; null: nothing tells it apart
};

/// Nothing for a path as OpenAPI wants it. `item` is the path's, `operation` one of its methods.
std::optional<path_variant> variant_of(const json_value& root, const std::string& path, const json_value& item, const json_value& operation);

} // namespace hourglass::mock
