#pragma once

#include "webhook/event_type.hpp"

#include <string_view>
#include <vector>

namespace hourglass::actors {

/// The event types of the webhooks that an imported document declares, from the import's reply (`mock::import_openapi`). Names that no event type
/// may have are left out.
std::vector<webhook::event_type> declared_event_types(std::string_view import_reply);

} // namespace hourglass::actors
