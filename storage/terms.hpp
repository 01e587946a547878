#pragma once

#include "events/envelope.hpp"

#include <string>
#include <string_view>
#include <vector>

/// What events are found by in the index: the writing side and the asking side, which must agree.
///
/// A term may stand for more than what was asked for, so whoever finds an event compares it. That
/// is what makes the index small: a mock request has an id of its own, most have a correlation id
/// of their own, and an entry for each would be most of what a node writes.
///   - The ids that are made for a request (`events::make_id`) or a call
///   (`http::correlation_or_fresh`) begin with the moment in which they were
///     made: all of some 16 or 32 ms share a term.
///   - What else a served request is about, its endpoint, is one of 128 terms of its sandbox.
/// Every other event is found by its whole texts, and so was every event in data of formats 1 and 2
/// (storage/keys.hpp).
namespace hourglass::storage::terms {

/// The terms of one event, in no order; a term may come twice.
void of_event(const events::header& h, std::vector<std::string>& out);

/// All terms under which the index may have an entity, a correlation id or a principal of one
/// sandbox. `served`: served requests are looked for too.
std::vector<std::string> of_entity(const events::sandbox_id& sandbox, std::string_view text,
                                   bool served);
std::vector<std::string> of_correlation(const events::sandbox_id& sandbox,
                                        std::string_view correlation);
std::vector<std::string> of_principal(const events::sandbox_id& sandbox,
                                      std::string_view principal);

/// The beginnings of those of a correlation id in every sandbox: followed by sandbox(16).
std::vector<std::string> of_correlation(std::string_view correlation);

} // namespace hourglass::storage::terms
