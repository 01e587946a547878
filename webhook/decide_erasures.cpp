#include "webhook/outbox_decider.hpp"

#include "events/digest.hpp"
#include "events/json_text.hpp"

#include <algorithm>

namespace hourglass::webhook {

using events::errc, events::failure;
using result = events::outcome<decision>;

namespace {

/// Whether a delivery of this message has not ended anywhere, or one may still be queued: for a destination that is disabled and probing it stands in the
/// log alone, and so does what a recovery has not come to. Whether that wants it is not looked at.
bool waits(const outbox_state::impl& s, events::seq message) {
  for (const auto& [ordinal, l] : s.lanes)
    if (l.config.disabled && l.guard.probing && l.guard.probing->since < message)
      return true;
  for (const auto& [started, r] : s.recoveries)
    if (r.state == recovery::phase::scanning && !r.what.purge && r.cursor < message && message < started)
      return true;
  return s.deliveries != 0 && std::any_of(s.lanes.begin(), s.lanes.end(), [&](const auto& entry) {
           return entry.second.has(message);
         });
}

} // namespace

/// What waits is not taken back for it: a delivery that was promised is not lost because somebody
/// tidies up.
result decider::operator()(const erase_content& c) const {
  content_erased f{c.why, {}};
  std::vector<events::erasure> erases;
  std::vector<events::seq> waiting;
  for (const auto& item : c.items) {
    if (waits(s, item.seq)) {
      if (!c.leave_what_waits)
        return failure(errc::conflict,
                       "a delivery of this message has not ended; its payload is needed until "
                       "then. Disable or remove the endpoint, or wait");
      waiting.push_back(item.seq);
      continue;
    }
    f.items.push_back({item.seq, item.id, events::sha256({item.left})});
    erases.push_back({item.seq, item.left});
  }
  decision out;
  events::json_text j{out.reply};
  j.open_object().key("erased").value(erases.size()).key("waiting").open_array();
  for (auto seq : waiting)
    j.value(seq);
  j.close_array().close_object();
  if (erases.empty())
    return out;
  add(out, std::move(f));
  out.drafts.back().erases = std::move(erases);
  return out;
}

result decider::operator()(const expire_erased& c) const {
  decision out;
  for (const auto& [ordinal, l] : s.lanes) {
    const auto d = l.copy_of(c.message);
    if (!d || d->token != 0)
      continue;
    const auto id = events::make_id("exp_", ctx.wall.us / 1000, ctx.chance,
                                    static_cast<std::uint32_t>(out.facts.size()));
    delivery_expired gone{id, *d->message, l.config.id, d->attempts, "payload erased", d->since, d->was_dead, d->was_delivered, holds_line(l, *d), true};
    if (auto with = l.in_batch.find(c.message); with != l.in_batch.end()) // it goes without it; and so does what was asked for beside it
      gone.batch = {l.deliveries.at(with->second).message->id, with->second, 0};
    add(out, std::move(gone));
  }
  return out;
}

} // namespace hourglass::webhook
