#pragma once

#include "tests/bench/fixture.hpp"

#include <string>

namespace hourglass::bench {

/// A webhook destination that gets messages of one event type, signed with `delivery_key`. Returns its id.
/// @param authority PEM: who is trusted instead of those that the server trusts
std::string add_destination(server& ours, const std::string& sandbox, const std::string& url, const std::string& event_type, const std::string& authority = {});

} // namespace hourglass::bench
