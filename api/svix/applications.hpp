#pragma once

#include "events/outcome.hpp"

#include <string>

#include <nlohmann/json.hpp>

namespace hourglass::api::svix {

/// ApplicationOut of a sandbox as the node tells it.
nlohmann::json application_out(const std::string& sandbox);

/// ApplicationIn (`whole`) or ApplicationPatch -> what `node::create` and `mock::update_sandbox` read. Members we do not know are ignored,
/// as Svix does. `where` is put before each pointer.
events::outcome<std::string> application_in(const nlohmann::json& body, bool whole, std::string where = {});

/// ApplicationIn of one that is to be created under the uid that stands in the path. Fails with `errc::not_found` when that is no uid.
events::outcome<std::string> application_of_path(const nlohmann::json& body, const std::string& name, std::string where = {});

} // namespace hourglass::api::svix
