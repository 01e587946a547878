#include "actors/children.hpp"

#include <algorithm>
#include <exception>
#include <map>

/// The outbox and its recoveries: their pages are read beside it, and what has happened since a page was read is set right when it comes.
namespace hourglass::actors {

/// Reads the next page of every recovery that has room, on a reader thread. Of one destination they go one after the other: none may send again
/// what another has just sent.
void outbox_actor::scan() {
  bool any = false;
  std::map<std::string_view, const webhook::recovery*> next;
  for (const auto* r : state_.recoveries()) {
    if (r->state != webhook::recovery::phase::scanning)
      continue;
    auto& first = next[r->what.destination]; // what was missed goes first: lines wait for it
    if (first == nullptr || scanning_.contains(r->what.id) || (r->what.automatic() && !first->what.automatic() && !scanning_.contains(first->what.id)))
      first = r;
  }
  for (const auto& [destination, r] : next) {
    if (!state_.room_for_recovery(destination))
      continue; // without room it goes on with the next result, and keeps nobody awake until then
    any = true;
    // A page that is read before all up to there is in the store would take the end of the store for its own.
    if (durable_ < r->started_seq) {
      scan_when_durable_ = true;
      continue;
    }
    const auto* to = state_.find(destination);
    if (!scanning_.emplace(r->what.id, durable_).second)
      continue;
    auto self = caf::actor_cast<caf::weak_actor_ptr>(caf::strong_actor_ptr{ctrl()});
    env_.post_for(id_, [&env = env_, id = id_, r = *r, to = *to, self] {
      recovery_page m;
      m.what.what.id = r.what.id;
      try {
        if (auto page = read_recovery_page(env.store, env.index, id, r, to))
          m.what = std::move(*page);
        else
          m.failed = std::move(page).error();
      } catch (const std::exception& e) { // no memory: nobody else would tell the outbox
        m.failed = events::error{events::errc::internal, e.what(), {}};
      }
      if (auto strong = self.lock())
        caf::anon_send(caf::actor_cast<caf::actor>(strong), std::move(m));
    });
  }
  if (any && !recovering_)
    recovering_ = hold::follow(door_);
  if (!any)
    recovering_.release();
}

void outbox_actor::on_page(const recovery_page& m) {
  if (!m.failed)
    return take({.page = m.what});
  if (m.failed->code == events::errc::corrupt)
    send(sandbox_, log_is_corrupt{*m.failed});
  unread_.push_back(m.what.what.id);
  try_again_soon();
}

/// A page tells how messages stood when it was read. What has ended since must not be sent again for that.
void outbox_actor::note_end(events::seq at, const webhook::fact& f) {
  using webhook::outcome_kind;
  if (const auto* a = std::get_if<webhook::attempt_finished>(&f); a != nullptr && (a->follows == outcome_kind::delivered || a->follows == outcome_kind::dead))
    ended_.push_back({at, a->destination, a->message.seq});
  else if (const auto* e = std::get_if<webhook::delivery_expired>(&f))
    ended_.push_back({at, e->destination, e->message.seq});
}

/// What was durable before a page was read, that page has seen.
void outbox_actor::forget_ends() {
  auto seen = durable_;
  for (const auto& [id, durable] : scanning_)
    seen = std::min(seen, durable);
  while (!ended_.empty() && ended_.front().at <= seen)
    ended_.pop_front();
  while (!resets_.empty() && resets_.front().first <= seen)
    resets_.pop_front();
}

void outbox_actor::take_out_what_ended(recovery_reading& page) const {
  const auto* r = state_.find_recovery(page.what.id);
  const auto read = scanning_.find(page.what.id);
  if (r == nullptr || read == scanning_.end())
    return;
  std::map<events::seq, events::seq> over; // when each message ended last
  for (auto e = ended_.rbegin(); e != ended_.rend() && e->at > read->second; ++e)
    if (e->destination == r->what.destination)
      over.emplace(e->message, e->at);
  if (over.empty())
    return;
  auto seen = page.seen.begin();
  std::erase_if(page.what.items, [&](const webhook::recovery_item& item) {
    const auto known = *seen++;
    const auto end = over.find(item.message.seq);
    return end != over.end() && end->second > known;
  });
}

/// The clock went back after the page was read: what it brings comes along.
void outbox_actor::bring_along(recovery_reading& page) const {
  for (const auto& [at, by_us] : resets_)
    for (auto& item : page.what.items)
      for (auto* t : {&item.deliver_at, &item.place})
        if (*t && at > std::max(page.moved, item.message.seq))
          **t = webhook::moved_by(**t, by_us);
}

} // namespace hourglass::actors
