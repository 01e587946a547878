#pragma once

#include "http/message.hpp"

namespace hourglass::api {

/// The page on which a person pastes a webhook and learns why its signature does not hold. Self-contained: it loads nothing, and its
/// Content-Security-Policy allows nothing but its own script, its own style and calls of this server.
http::response verifier_page();

} // namespace hourglass::api
