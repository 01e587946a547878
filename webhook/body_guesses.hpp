#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hourglass::webhook {

/// What a body may have been before something on the way changed it.
struct body_guess {
  std::string body;
  std::string_view change; ///< what happened to it: a clause for a person
};

/// The usual suspects: line ends, white space around it, a byte order mark, JSON that was parsed and written anew. Each differs from `body`,
/// none twice. JSON only up to `limits::json_depth`, since writers recurse.
std::vector<body_guess> guess_bodies(std::string_view body);

} // namespace hourglass::webhook
