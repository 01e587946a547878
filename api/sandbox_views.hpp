#pragma once

#include "api/call.hpp"
#include "api/fwd.hpp"

#include <string>

namespace hourglass::api {

/// A sandbox as the node tells it, with its `base_url`.
nlohmann::json sandbox_json(const std::string& text, const std::string& base_url);

/// Answers with the present settings of `c->sandbox`.
void show_sandbox(core& in, const call_ptr& c, unsigned status);

} // namespace hourglass::api
