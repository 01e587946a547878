#pragma once

#include "webhook/outbox_impl.hpp"

#include <optional>
#include <string>

/// How a destination that fails is spared: slow-down, breaker, automatic disable, probes, and the gradual release of what waited. Pure: `decide` asks for what an attempt leads
/// to, `apply` folds it. Internal to webhook/.
namespace hourglass::webhook {

/// Nothing may go to `l` before that, because of the attempt that failed; or nothing new. By rule: its answer was 429 or 503 (`Retry-After`, or 1 s, 2 s, … 64 s as it fails in a
/// row); it has failed so often in a row that the breaker opens, each time twice as long; or it was a probe of a disabled one.
std::optional<events::virtual_time> hold_after(const lane& l, const attempt_finished& f, std::optional<duration> retry_after, const events::context& ctx);

/// Why `l` is to be disabled after the failed attempt, or empty.
std::string disable_reason(const lane& l, const events::context& ctx);

/// Folds what `f` says of the destination's health.
void note_health(lane& l, const attempt_finished& f, events::virtual_time at);

} // namespace hourglass::webhook
