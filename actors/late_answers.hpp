#pragma once

#include "actors/node.hpp"

namespace hourglass::actors {

/// Answers of `of` that are ready and held back (`sbx.chaos`) are given at once, those of before and those to come: whoever stops the server asks for it
/// while their callers are still there. `of` is a node that `node::open` has made. Any thread, before `stop` or after.
void give_late_answers(node& of);

} // namespace hourglass::actors
