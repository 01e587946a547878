#pragma once

#include "mock/endpoint_tables.hpp"
#include "mock/message.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

/// Adds to the problem document of a request that no endpoint answers which ones come nearest, and in what the request differs:
///   "near_misses": [{"endpoint", "method", "path" or "path_regex", "name", "differences": [{"condition", "wanted", "came", "detail"?}]}]
///
/// `condition` is a JSON Pointer into the endpoint. What has the name of a secret (and every cookie) is not shown, neither what is wanted nor what
/// came. Nothing is added where nothing is near. A few candidates are looked at, whatever the number of endpoints: those on the request's path, and
/// of the others `limits::near_miss_sample`, the first in order of id. It has a purse of its own, so it says the same whatever the search before it
/// cost.
void tell_near_misses(const endpoint_state::tables& all, const std::vector<std::string>& segments, const request& req, std::string_view media,
                      response& problem);

/// Adds those that `recorded`, the answer of before, told.
void repeat_near_misses(const response& recorded, response& problem);

} // namespace hourglass::mock
