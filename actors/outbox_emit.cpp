#include "actors/children.hpp"
#include "events/digest.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

// Webhooks that a request's script emits: decided here, and proposed in one with their request, so that the log has both or neither.
namespace hourglass::actors {

namespace {

/// Of the request's `number`th message: ids follow from the request's own chance, as all else of it does.
events::entropy chance_of(const events::entropy& request, std::size_t number) {
  const auto hash = events::sha256({{reinterpret_cast<const char*>(request.data()), request.size()}, "emitted", std::to_string(number)});
  events::entropy out{};
  std::memcpy(out.data(), hash.data(), out.size());
  return out;
}

} // namespace

/// Deliveries that may wait, less those that what is decided and not yet applied will add.
std::size_t outbox_actor::pending_most() const {
  std::size_t queued = 0;
  for (const auto& f : facts_)
    if (auto* m = std::get_if<webhook::message_created>(&f))
      queued += m->destinations.size();
  return env_.options.pending_per_sandbox - std::min(env_.options.pending_per_sandbox, queued);
}

/// The request is refused as a whole if one of its messages is: nobody must send it again to learn which of them came. One that breaks a rule is a
/// failure of the script, which the data actor writes down; where there is no room, nothing has happened.
void outbox_actor::decide_emission(const proposal_ptr& p) {
  facts_.clear();
  if (auto ok = add_messages(*p); !ok) {
    facts_.clear();
    if (ok.error().code == events::errc::invalid && p->place)
      return p->place->tell(false, ok.error().detail);
    return p->fail({ok.error().code, ok.error().detail, {}});
  }
  submit(p);
}

events::outcome<void> outbox_actor::add_messages(proposal& p) {
  auto emitted = std::exchange(p.parts.front().emitted, {});
  const auto at = system_context(); // the request may have waited for its script while the clock was moved
  for (std::size_t i = 0; i < emitted.size(); ++i) {
    proposal::part part;
    part.ctx = p.parts.front().ctx;
    part.ctx.wall = at.wall;
    part.ctx.now = at.now;
    part.ctx.chance = chance_of(part.ctx.chance, i);
    const auto told = "a webhook of the script, " + emitted[i].type + ": ";
    webhook::create_message what;
    what.event_type = std::move(emitted[i].type);
    what.payload = std::move(emitted[i].payload);
    auto decided = webhook::decide(state_, webhook::command{std::move(what)}, part.ctx, pending_most());
    if (!decided) {
      auto why = std::move(decided).error();
      why.detail = told + why.detail + (why.where.empty() ? "" : " (at " + why.where + ")");
      return tl::unexpected<events::error>{std::move(why)};
    }
    std::move(decided->facts.begin(), decided->facts.end(), std::back_inserter(facts_));
    part.drafts = std::move(decided->drafts);
    p.parts.push_back(std::move(part));
  }
  return {};
}

void outbox_actor::on_withdrawn(const withdrawn& w) {
  if (w.what != in_sequence_)
    return;
  in_sequence_ = nullptr;
  auto until_told = std::move(sequencing_);
  for (const auto& f : facts_)
    forget_page(f);
  facts_.clear();
  told_due_.reset(); // nobody was told meanwhile
  process();
  pump();
}

} // namespace hourglass::actors
