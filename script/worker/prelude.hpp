#pragma once

#include <string_view>

namespace hourglass::worker {

/// The JavaScript that makes a realm fit for a sandbox: an expression, a function of the natives (`engine_natives.cpp`) and of the project's
/// functions as [name, function] pairs, which returns [run, finish]. Afterwards nothing in the realm can be changed any more, so that one
/// request leaves no trace for the next.
extern const std::string_view prelude;

} // namespace hourglass::worker
