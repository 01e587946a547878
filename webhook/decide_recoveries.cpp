#include "webhook/outbox_decider.hpp"
#include "webhook/views.hpp"

#include "events/limits.hpp"
#include "webhook/limits.hpp"

#include <algorithm>

namespace hourglass::webhook {

using events::errc, events::failure;
using result = events::outcome<decision>;

namespace {

constexpr std::size_t recoveries_most = 100;

/// With a rate each item is due in its own moment, the first not before what was queued last has had its own.
void pace(recovery_progressed& f, const recovery& r, events::virtual_time now) {
  const auto from = std::max(now, r.next.value_or(now)).us;
  auto slot = [&](std::size_t number) { return events::virtual_time{from + static_cast<std::int64_t>(number * 1'000'000 / r.what.rate)}; };
  for (std::size_t i = 0; i < f.items.size(); ++i)
    f.items[i].deliver_at = std::max(slot(i), f.items[i].deliver_at.value_or(slot(i)));
  f.next = slot(f.items.size());
}

/// What a purge takes is not queued, but removed: in events of so many that each has all of them among its entities.
void remove(decision& out, recovery_progressed& f, const recovery& r) {
  for (std::size_t i = 0; i < f.items.size(); i += letters_removed_at_once) {
    dead_letters_removed some{r.what.destination, {}, r.what.by, r.what.id};
    for (auto j = i; j < std::min(f.items.size(), i + letters_removed_at_once); ++j)
      some.letters.push_back({f.items[j].message.id, f.items[j].message.seq});
    add(out, std::move(some));
  }
  f.items.clear();
}

} // namespace

events::outcome<recovery> decider::begun(const start_recovery& c, const lane& l, std::uint32_t number) const {
  if (l.config.disabled && !c.purge)
    return failure(errc::conflict, "the endpoint is disabled; enable it first");
  // The clock may have gone back: what is dead now may bear a later time.
  const auto until = c.until.value_or(c.purge ? events::virtual_time{INT64_MAX} : ctx.now);
  if (c.since > ctx.now)
    return failure(errc::invalid, "is in the future of the sandbox's clock", "/since");
  if (until < c.since)
    return failure(errc::invalid, "must not be before `since`", "/until");
  for (std::size_t i = 0; i < c.event_types.size(); ++i)
    if (!is_name(c.event_types[i]))
      return failure(errc::invalid, "must match ^[a-zA-Z0-9\\-_.]+$", "/eventTypes/" + std::to_string(i));
  if (c.code_class && (*c.code_class > 500 || *c.code_class % 100 != 0))
    return failure(errc::invalid, "must be 0, 100, 200, 300, 400 or 500", "/statusCodeClass");
  if (c.rate > limits::recovery_rate)
    return failure(errc::invalid, "must be at most " + std::to_string(limits::recovery_rate) + " messages a second (recovery_rate)", "/rate");
  std::size_t running = number;
  for (const auto& [seq, r] : s.recoveries) {
    if (r.state != recovery::phase::scanning)
      continue;
    if (r.what.destination == l.config.id && !r.what.automatic())
      return failure(errc::conflict, "recovery `" + r.what.id + "` of the endpoint `" + l.config.id + "` is running");
    ++running;
  }
  if (running >= recoveries_most)
    return failure(errc::overloaded, "a hundred recoveries are running in this sandbox");
  recovery r;
  r.what = {events::make_id("rcv_", ctx.wall.us / 1000, ctx.chance, number), l.config.id, c.since, until, c.scope, c.event_types, c.task};
  r.what.filter = c.filter;
  r.what.code_class = c.code_class;
  r.what.rate = c.rate;
  r.what.purge = c.purge;
  if (c.purge)
    r.what.by = ctx.principal;
  r.started = r.updated = ctx.now;
  return r;
}

result decider::operator()(const start_recovery& c) const {
  if (c.purge && c.destination.empty())
    return purge_all(c);
  const auto* l = s.find_lane(c.destination);
  if (l == nullptr)
    return no_destination(c.destination);
  auto r = begun(c, *l, 0);
  if (!r)
    return tl::unexpected{r.error()};
  decision out;
  out.reply = views::recover_out(*r);
  add(out, std::move(r->what));
  return out;
}

/// One for each destination that has dead letters, but where another runs, and as many as may: the reply names what is left.
result decider::purge_all(const start_recovery& c) const {
  decision out;
  std::uint32_t number = 0;
  std::string left;
  std::optional<events::error> why_left;
  for (const auto& [id, ordinal] : s.by_id) {
    const auto& l = s.lanes.at(ordinal);
    if (l.dead == 0)
      continue;
    auto r = begun(c, l, number);
    if (!r && r.error().code != errc::conflict && r.error().code != errc::overloaded)
      return tl::unexpected{r.error()};
    if (!r) {
      left += (left.empty() ? "\"" : ",\"") + id + '"';
      why_left = std::move(r).error();
      continue;
    }
    ++number;
    out.reply += (out.reply.empty() ? "" : ",") + views::recover_out(*r);
    add(out, std::move(r->what));
  }
  if (number == 0 && why_left)
    return tl::unexpected{*std::move(why_left)};
  out.reply = R"({"data":[)" + out.reply + R"(],"left":[)" + left + "]}";
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
    if (l != nullptr && !l->has(item.message.seq) && !(r->what.purge && flies(*l, item.message.seq))) // else it is on its way already
      f.items.push_back(item);
  f.queued += f.items.size();
  decision out;
  if (r->what.purge)
    remove(out, f, *r);
  if (r->what.rate != 0 && !f.items.empty())
    pace(f, *r, ctx.now);
  add(out, std::move(f));
  if (c.done)
    add(out, recovery_finished{c.id, false});
  return out;
}

result decider::operator()(const cancel_recovery& c) const {
  const auto* r = s.find_recovery(c.id);
  if (r == nullptr)
    return failure(errc::not_found, "there is no recovery `" + c.id.substr(0, 64) + "`");
  bool over = r->state == recovery::phase::finished && (r->what.purge || r->delivered + r->dead >= r->queued);
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

/// An attempt is under way, though its delivery may have been taken back: what it was for may have arrived.
bool decider::flies(const lane& l, events::seq message) const {
  auto is_it = [message](const auto& m) { return m->seq == message; };
  return std::any_of(s.flights.begin(), s.flights.end(), [&](const auto& one) {
    const auto& [token, f] = one;
    return f.lane == l.ordinal && (is_it(f.what.message) || (f.what.members && std::any_of(f.what.members->begin(), f.what.members->end(), is_it)));
  });
}

result decider::operator()(const remove_letter& c) const {
  const auto* l = s.find_lane(c.destination);
  if (l == nullptr)
    return no_destination(c.destination);
  if (l->has(c.message.seq) || flies(*l, c.message.seq))
    return failure(errc::conflict, "this message is being sent again; wait until it has ended");
  decision out;
  dead_letters_removed gone{l->config.id, {{c.message.id, c.message.seq}}, ctx.principal};
  if (c.instead) {
    auto made = (*this)(*c.instead);
    if (!made)
      return made;
    out = *std::move(made);
    gone.superseded_by = std::get<message_created>(out.facts.front()).id;
  }
  add(out, std::move(gone));
  return out;
}

} // namespace hourglass::webhook
