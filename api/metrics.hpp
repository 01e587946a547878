#pragma once

#include "api/fwd.hpp"

#include <string>

namespace hourglass::api {

/// The text that Prometheus reads: figures of the node, its journal, store and index, the server, the routes, and `service_options::figures`.
/// Labels are route ids, status classes and the like: their number does not grow with sandboxes. Sandbox and destination are labels of the 20
/// destinations with most waiting, and of no other.
std::string metrics_text(core& in);

} // namespace hourglass::api
