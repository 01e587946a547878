#pragma once

#include "webhook/outbox_decider.hpp"

/// Messages about the webhooks themselves, in Svix's shape where Svix has one: endpoint.disabled, message.attempt.failing, .exhausted and .recovered; ours: endpoint.recovered and
/// endpoint.backlog. They are messages of the same log, made in the same decision as what they tell of, so they are delivered at least once like every other; they go to
/// destinations that are `operational`, which get nothing else. What happens to one of these is told to nobody. Internal to webhook/.
namespace hourglass::webhook {

/// Adds to `out`, which says what one attempt led to, the messages that tell of it. Costs one look when no destination is operational. Sets `backlog_told` of the attempt.
void tell_operators(const outbox_state::impl& s, const events::context& ctx, const lane& l, decision& out);

/// How much of a backlog `l` is told of next, or 0.
std::uint64_t backlog_step(const lane& l) noexcept;

} // namespace hourglass::webhook
