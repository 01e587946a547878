#pragma once

#include "events/outcome.hpp"

#include <string>
#include <string_view>

namespace hourglass::mock {

/// What an import's event says of its document, as members of a JSON object that is open:
///   "title", "document_version", "sha256": of its text, or null where the log does not say, "endpoints", "pinned", "restored": the version that it
///   has serve again, or null
events::outcome<std::string> import_of_event(std::string_view payload);

} // namespace hourglass::mock
