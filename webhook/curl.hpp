#pragma once

#include "webhook/facts.hpp"

#include <string>

namespace hourglass::webhook {

/// A command for a shell that sends what an attempt sent, byte for byte: method, URL, headers and body. Credentials are left out, and say so; so does a body that is not kept (a
/// script made it, or it was erased), by a comment in front. Safe to paste: everything is quoted.
std::string curl_command(const attempt_finished& attempt, const message_created& message);

} // namespace hourglass::webhook
