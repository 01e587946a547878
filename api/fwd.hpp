#pragma once

#include <memory>

namespace hourglass::api {

class call;
class core;
class router;
class service;
class tail_hub;
struct route;
struct service_options;

/// One request under way; whoever holds it last and did not answer answers 503 `abandoned`.
using call_ptr = std::shared_ptr<call>;

} // namespace hourglass::api
