#pragma once

#include "actors/messages.hpp"

#include <utility>
#include <variant>

namespace hourglass::actors {

/// The shape of every handler of a change: look or decide, apply, and make a proposal of it. Null when the answer is already given.
/// `apply(kind, payload)` folds one event into `state`.
template <class Command, class State, class Apply>
proposal_ptr decide_change(const State& state, const change_ptr& job, child from, std::uint32_t generation, Apply apply) {
  auto p = std::make_shared<proposal>();
  p->from = from;
  p->generation = generation;
  auto& part = p->parts.emplace_back();
  part.ctx = job->ctx;
  part.change = job;
  if (auto* asked = std::get_if<reading>(&job->what)) {
    auto text = std::get<look<State>>(*asked)(state, job->ctx.now);
    if (!text) {
      job->answer(tl::unexpected<events::error>{std::move(text).error()});
      return nullptr;
    }
    part.reply = std::move(*text);
    return p;
  }
  auto decided = decide(state, std::get<Command>(std::get<command>(job->what)), job->ctx);
  if (!decided) {
    job->answer(tl::unexpected<events::error>{std::move(decided).error()});
    return nullptr;
  }
  for (auto& d : decided->events) {
    // What a core has decided it can fold; if not, the child must not go on from a state it does not understand.
    if (auto applied = apply(d.kind, d.payload); !applied)
      throw std::logic_error{"a core cannot fold its own event: " + applied.error().detail};
  }
  part.drafts = std::move(decided->events);
  part.reply = std::move(decided->reply);
  return p;
}

} // namespace hourglass::actors
