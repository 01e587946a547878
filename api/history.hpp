#pragma once

#include "events/envelope.hpp"

#include <string>

namespace hourglass::api {

/// One event as history, live tails and the audit show it: header, links in hex, and the payload with secrets masked.
std::string history_json(const events::record& r);

} // namespace hourglass::api
