#pragma once

#include "api/fwd.hpp"

#include <string>
#include <string_view>

namespace hourglass::api {

/// Our own OpenAPI 3.1 document, made of the routes and of `schemas.cpp`: what is not routed is not in it, and the other way round.
std::string openapi_document(const router& routes, std::string_view version, std::string_view base_url);

/// JSON text of `components/schemas` (`schemas.cpp`).
std::string component_schemas();

} // namespace hourglass::api
