#include "webhook/outbox_decider.hpp"
#include "webhook/views.hpp"

#include "events/limits.hpp"

#include <algorithm>

namespace hourglass::webhook {

using events::errc, events::failure;
using result = events::outcome<decision>;

namespace {

constexpr std::size_t recoveries_most = 100;

} // namespace

result decider::operator()(const start_recovery& c) const {
  const auto* l = s.find_lane(c.destination);
  if (l == nullptr)
    return no_destination(c.destination);
  if (l->config.disabled)
    return failure(errc::conflict, "the endpoint is disabled; enable it first");
  auto until = c.until.value_or(ctx.now);
  if (c.since > ctx.now)
    return failure(errc::invalid, "is in the future of the sandbox's clock", "/since");
  if (until < c.since)
    return failure(errc::invalid, "must not be before `since`", "/until");
  for (std::size_t i = 0; i < c.event_types.size(); ++i)
    if (!is_name(c.event_types[i]))
      return failure(errc::invalid, "must match ^[a-zA-Z0-9\\-_.]+$", "/eventTypes/" + std::to_string(i));
  std::size_t running = 0;
  for (const auto& [seq, r] : s.recoveries) {
    if (r.state != recovery::phase::scanning)
      continue;
    if (r.what.destination == l->config.id && !r.what.automatic())
      return failure(errc::conflict, "recovery `" + r.what.id + "` of this endpoint is running");
    ++running;
  }
  if (running >= recoveries_most)
    return failure(errc::overloaded, "a hundred recoveries are running in this sandbox");
  recovery r;
  r.what = {new_id("rcv_"), l->config.id, c.since, until, c.scope, c.event_types, c.task};
  r.started = r.updated = ctx.now;
  decision out;
  out.reply = views::recover_out(r);
  add(out, std::move(r.what));
  return out;
}

result decider::operator()(const progress_recovery& c) const {
  const auto* r = s.find_recovery(c.id);
  if (r == nullptr)
    return failure(errc::not_found, "there is no recovery `" + c.id.substr(0, 64) + "`");
  if (r->state != recovery::phase::scanning)
    return failure(errc::conflict, "the recovery has ended");
  const auto* l = s.find_lane(r->what.destination);
  recovery_progressed f{c.id, {}, std::max(c.cursor, r->cursor), r->seen + c.seen, r->queued};
  for (const auto& item : c.items)
    if (l != nullptr && !l->has(item.message.seq)) // else it is on its way already
      f.items.push_back(item);
  f.queued += f.items.size();
  decision out;
  add(out, std::move(f));
  if (c.done)
    add(out, recovery_finished{c.id, false});
  return out;
}

result decider::operator()(const cancel_recovery& c) const {
  const auto* r = s.find_recovery(c.id);
  if (r == nullptr)
    return failure(errc::not_found, "there is no recovery `" + c.id.substr(0, 64) + "`");
  bool over = r->state == recovery::phase::finished && r->delivered + r->dead >= r->queued;
  if (over || r->state == recovery::phase::cancelled)
    return failure(errc::conflict, "the recovery has ended");
  auto after = *r;
  after.state = recovery::phase::cancelled;
  after.updated = ctx.now;
  decision out;
  out.reply = views::recover_out(after);
  add(out, recovery_finished{c.id, true});
  return out;
}

} // namespace hourglass::webhook
