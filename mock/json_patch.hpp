#pragma once

#include "events/outcome.hpp"
#include "mock/json_value.hpp"

#include <cstdint>

namespace hourglass::mock {

/// What a JSON Patch may cost.
struct patch_budget {
  std::size_t operations = 1'000;
  std::uint64_t work = 5'000'000; ///< members, elements and bytes that are moved, copied or compared
};

/// `document` after all operations of `patch` (RFC 6902: add, remove, replace, move, copy, test), or nothing of it.
/// Fails, `where` = JSON Pointer into `patch`, with
///   `errc::invalid`    on what is no JSON Patch,
///   `errc::not_found`  where a path leads to nothing, or a value cannot go where it is sent,
///   `errc::conflict`   on a test that does not hold,
///   `errc::too_large`  beyond `budget`, or deeper than `limits::json_depth`.
/// Of a member that `document` has twice, the last one counts, and all of them go.
events::outcome<json_value> patched(json_value document, const json_value& patch, patch_budget budget = {});

} // namespace hourglass::mock
