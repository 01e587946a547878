#pragma once

#include "actors/plugins.hpp"

namespace hourglass::api {

/// Never listed, never the caller's.
using actors::catalogue_uid;

} // namespace hourglass::api
