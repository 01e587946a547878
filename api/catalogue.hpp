#pragma once

#include "api/core.hpp"

#include <functional>

namespace hourglass::api {

using with_catalogue = std::function<void(const call_ptr&, const events::sandbox_id&)>;

/// What is the node's, event types and plugins, lives in one reserved sandbox, made when the first of it is put (docs/decisions/020).
void catalogue(core& in, const call_ptr& c, with_catalogue next, int tries = 500);

} // namespace hourglass::api
