#include "actors/children.hpp"

#include <algorithm>
#include <exception>
#include <map>

/// The outbox and its recoveries: their pages are read beside it, and what has happened since a page was read is set right when it comes.
namespace hourglass::actors {

/// Reads the next page of every recovery that has room, on a reader thread. Of one destination they go one after the other: none may send again
/// what another has just sent.
void outbox_actor::scan(events::virtual_time moment) {
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
    if (r->next && moment < *r->next)
      continue; // it is due then, and keeps nobody awake until then
    if (!r->what.purge && !state_.room_for_recovery(destination))
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

/// Its page has its place, or none: only now may the next be read, for where it begins is known.
void outbox_actor::forget_page(const webhook::fact& f) {
  if (const auto* page = std::get_if<webhook::recovery_progressed>(&f))
    scanning_.erase(page->id);
}

/// A page tells how messages stood when it was read. What has ended since must not be sent again for that.
void outbox_actor::note_end(events::seq at, const webhook::fact& f) {
  using webhook::outcome_kind;
  if (const auto* a = std::get_if<webhook::attempt_finished>(&f); a != nullptr && (a->follows == outcome_kind::delivered || a->follows == outcome_kind::dead))
    ended_.push_back({at, a->destination, a->message.seq, a->follows});
  else if (const auto* e = std::get_if<webhook::delivery_expired>(&f))
    ended_.push_back({at, e->destination, e->message.seq, outcome_kind::dead});
  else if (const auto* gone = std::get_if<webhook::dead_letters_removed>(&f))
    for (const auto& one : gone->letters)
      ended_.push_back({at, gone->destination, one.seq, std::nullopt});
}

/// What was durable before a page was read, that page has seen.
void outbox_actor::forget_ends() {
  auto seen = durable_;
  for (const auto& [id, durable] : scanning_)
    seen = std::min(seen, durable);
  constexpr std::size_t kept = 1'000; // for who has just read in the log that something is a dead letter
  while (ended_.size() > kept && ended_.front().at <= seen) {
    ends_known_from_ = ended_.front().at;
    ended_.pop_front();
  }
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

/// Who asks for it has read in the log what became of the message. It may be something else by now.
void outbox_actor::set_right(webhook::resend& again) const {
  const auto last = std::find_if(ended_.rbegin(), ended_.rend(),
                                 [&again](const ended& e) { return e.message == again.message.seq && e.destination == again.destination; });
  if (last == ended_.rend())
    return;
  again.was_dead = last->how == webhook::outcome_kind::dead;
  again.was_delivered = last->how == webhook::outcome_kind::delivered;
}

/// Whether it is a dead letter still, and with what it goes again.
events::outcome<void> outbox_actor::look_at_letter(webhook::remove_letter& letter) const {
  const bool known = letter.as_of >= ends_known_from_;
  if (!known || std::any_of(ended_.begin(), ended_.end(), [&letter](const ended& e) {
        return e.at > letter.as_of && e.message == letter.message.seq && e.destination == letter.destination;
      }))
    return events::failure(events::errc::conflict, "something has become of this dead letter meanwhile; look at it again");
  if (!letter.instead || !letter.keep_headers)
    return {};
  auto old = read_content(letter.message.seq);
  if (!old)
    return tl::unexpected<events::error>{std::move(old).error()};
  if (!*old) // erased, and with it what it brought
    return {};
  letter.instead->headers = (*old)->headers;
  for (auto& h : letter.instead->headers)
    h.sealed.clear(); // for the message that it was
  return {};
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
