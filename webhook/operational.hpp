#pragma once

#include "webhook/outbox_decider.hpp"

/// Messages about the webhooks themselves, in Svix's shape where Svix has one: endpoint.created, .updated, .deleted and .disabled,
/// message.attempt.failing, .exhausted and .recovered; ours: endpoint.recovered, endpoint.backlog, endpoint.failing and subscription.updated. They are messages of the same log, made in
/// the same decision as what they tell of, so they are delivered at least once like every other; they go to destinations that are `operational`,
/// which get nothing else. What happens to these destinations, and to such a message, is told to nobody. Internal to webhook/.
namespace hourglass::webhook {

/// Adds to `out` the messages that tell of what it says about `about`; `l` is its lane as it was before, null when it is new. Costs one look when
/// nobody listens.
void tell_operators(const decider& by, const destination& about, const lane* l, decision& out);

/// Whether any of those would take a message of this type, its filter of content apart. What nobody would take is not told, and so does not count as told.
bool operators_want(const outbox_state::impl& s, std::string_view type) noexcept;

/// How much of a backlog is told of next, or 0: 1,000, 10,000, 100,000, 1,000,000.
std::uint64_t backlog_step(const lane& l) noexcept;

} // namespace hourglass::webhook
