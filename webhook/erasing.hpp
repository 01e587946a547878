#pragma once

#include "events/envelope.hpp"

#include <optional>
#include <string>

namespace hourglass::webhook {

/// What is left of the payload of a message without its body, or of an attempt without the body of
/// its answer: at the version that it was written in, so that it reads as the rest of its kind.
/// Nothing when there is nothing to erase, or not any more. Ids, types, channels, tags, times and
/// sizes stay.
std::optional<std::string> without_content(const events::record& r);

} // namespace hourglass::webhook
