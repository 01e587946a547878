#include "webhook/batching.hpp"
#include "webhook/outbox_impl.hpp"

#include <algorithm>

namespace hourglass::webhook {

namespace {

using events::errc, events::failure;

constexpr std::size_t ended_recoveries_kept = 100;
constexpr std::uint64_t element_bytes = 256; // about, of a message in a batch beside its payload

struct folder {
  outbox_state::impl& s;
  const moment& at;

  // -- event types -----------------------------------------------------------------------

  void operator()(const event_type_put& f) const { s.types[f.type.name] = f.type; }
  void operator()(const event_type_removed& f) const { s.types.erase(f.name); }

  // -- destinations ----------------------------------------------------------------------

  void operator()(const destination_created& f) const { s.add_lane(f.value, at.seq); }

  void operator()(const destination_updated& f) const {
    if (auto* l = s.find_lane(f.value.id))
      s.set_config(*l, f.value, at.now);
  }

  // What was pending goes with it; attempts under way are judged when they come back, and its recoveries end here.
  void operator()(const destination_removed& f) const {
    auto* l = s.find_lane(f.id);
    if (l == nullptr)
      return;
    for (auto& [seq, r] : s.recoveries)
      if (r.what.destination == f.id && r.state == recovery::phase::scanning)
        r.state = recovery::phase::cancelled, r.updated = at.now;
    s.remove_lane(*l);
    forget_old_recoveries();
  }

  void operator()(const destination_secret_rotated& f) const {
    auto* l = s.find_lane(f.id);
    if (l == nullptr)
      return;
    l->config.secrets = f.secrets;
    l->config.updated = at.now;
    l->guard.changed(at.now, l->guard.probing.has_value());
    s.reindex(*l);
  }

  void operator()(const destination_disabled& f) const {
    auto* l = s.find_lane(f.id);
    if (l == nullptr)
      return;
    l->config.disabled = true;
    l->config.disabled_reason = f.reason;
    l->config.updated = at.now;
    l->guard.disabled({at.seq, at.now}, f.probe);
    s.reindex(*l);
  }

  void operator()(const destination_recovered& f) const {
    auto* l = s.find_lane(f.id);
    if (l == nullptr)
      return;
    l->config.disabled = false;
    l->config.disabled_reason.clear();
    l->config.updated = at.now;
    l->guard.recovered();
    s.reindex(*l);
  }

  // -- messages --------------------------------------------------------------------------

  void operator()(const message_created& f) const {
    if (f.destinations.empty())
      return;
    auto message = std::make_shared<const message_ref>(message_ref{f.id, at.seq, f.event_type, f.body_bytes, f.fault != delivery_fault::none});
    for (std::size_t i = 0; i < f.destinations.size(); ++i)
      if (auto* l = s.find_lane(f.destinations[i])) {
        delivery d;
        d.message = message;
        d.scheduled = true;
        d.due = d.since = std::max(at.now, f.deliver_at.value_or(at.now));
        if (!f.lines.empty())
          d.line = f.lines[i];
        d.place = {d.due.us, at.seq};
        if (auto q = l->lines.find(d.line); !f.replaces.empty() && q != l->lines.end() && !q->second.order.empty())
          d.place.first = std::min(d.place.first, q->second.order.begin()->first.first - 1); // all of these came after what it replaces
        s.add_delivery(*l, std::move(d));
      }
  }

  void operator()(const resend_requested& f) const {
    auto* l = s.find_lane(f.destination);
    if (l == nullptr)
      return;
    if (f.batch != 0) {
      if (auto batch = l->deliveries.find(f.batch); batch != l->deliveries.end()) // once, whoever asks: it takes all of them along
        s.change_delivery(*l, batch->second, [this](delivery& d) {
          d.manual_due = d.manual == 0 ? at.now : d.manual_due;
          d.manual = 1;
        });
      return;
    }
    if (auto* known = s.find_delivery(*l, f.message.seq))
      return s.change_delivery(*l, *known, [this](delivery& d) {
        d.manual_due = d.manual++ == 0 ? at.now : d.manual_due;
      });
    delivery d;
    d.message = std::make_shared<const message_ref>(f.message);
    d.attempts = f.attempts;
    d.was_dead = f.was_dead;
    d.was_delivered = f.was_delivered;
    d.manual = 1;
    d.manual_due = d.due = d.since = at.now;
    d.line = f.line;
    d.place = {at.now.us, at.seq};
    s.add_delivery(*l, std::move(d));
  }

  void operator()(const batch_formed& f) const {
    auto* l = s.find_lane(f.destination);
    if (l == nullptr)
      return;
    message_ref whole{f.id, at.seq, std::string{batch_event_type}};
    delivery b;
    b.scheduled = true;
    b.due = b.since = at.now;
    for (const auto& m : f.messages) {
      auto* d = s.find_delivery(*l, m.seq);
      if (d == nullptr || !d->waits_by_itself() || d->token != 0)
        continue;
      if (b.members.empty())
        b.line = d->line, b.place = d->place;
      b.step = std::max(b.step, d->step);
      b.since = std::min(b.since, d->since);
      whole.body_bytes += d->message->body_bytes + element_bytes;
      b.members.push_back({d->message, d->attempts, d->was_dead, d->was_delivered, d->recovery, d->since});
      s.withdraw(*l, *d);
    }
    if (b.members.empty())
      return s.reindex(*l);
    b.message = std::make_shared<const message_ref>(std::move(whole));
    s.add_delivery(*l, std::move(b));
  }

  // -- attempts --------------------------------------------------------------------------

  /// One for each message: what becomes of the batch as a whole comes with the last.
  void part_of_batch_finished(const attempt_finished& f) const {
    const bool last = f.batch.left == 0;
    std::string line;
    if (auto flown = s.flights.find(f.token); flown != s.flights.end() && last) {
      line = std::move(flown->second.line);
      s.erase_flight(flown);
    }
    auto* l = s.find_lane(f.destination);
    if (l == nullptr)
      return;
    count(*l, f);
    if (last)
      note_health(*l, f), note_backlog(*l, f);
    if (auto beside = l->deliveries.find(f.message.seq); beside != l->deliveries.end()) { // a person wants it by itself, too
      note_end(beside->second, f);
      if (f.batch.beside && f.follows == outcome_kind::delivered)
        arrived_beside(*l, beside->second);
    }
    if (auto* m = l->member(f.message.seq)) {
      count_recovery(m->recovery, f.follows);
      note_end(*m, f);
    }
    if (!last)
      return;
    auto known = l->deliveries.find(f.batch.seq);
    if (f.detached || known == l->deliveries.end()) {
      s.free_line(*l, line, f.token);
      return s.reindex(*l);
    }
    s.change_delivery(*l, known->second, [&](delivery& d) {
      s.land(*l, d);
      settle(d, f, d.attempts + 1);
      d.manual = 0; // it went, and all that was asked for of it with it
    });
  }

  /// What a person asked for while its batch was under way has arrived with that. An attempt that has begun tells of itself, and counts no more.
  void arrived_beside(lane& l, const delivery& d) const {
    if (auto flown = s.flights.find(d.token); flown != s.flights.end())
      flown->second.was_dead = false, flown->second.was_delivered = true;
    s.erase_delivery(l, d.message->seq);
  }

  /// What of the same message waits elsewhere knows what became of it.
  template <class Waiting>
  static void note_end(Waiting& w, const attempt_finished& f) {
    w.attempts = std::max(w.attempts, f.number);
    if (f.follows != outcome_kind::delivered && f.follows != outcome_kind::dead)
      return;
    w.was_dead = f.follows == outcome_kind::dead;
    w.was_delivered = !w.was_dead;
  }

  void operator()(const attempt_finished& f) const {
    if (f.batch.seq != 0)
      return part_of_batch_finished(f);
    std::string line; // it flew in
    if (auto flown = s.flights.find(f.token); flown != s.flights.end()) {
      line = std::move(flown->second.line);
      s.erase_flight(flown);
    }
    auto* l = s.find_lane(f.destination);
    if (l == nullptr)
      return;
    count(*l, f);
    note_health(*l, f);
    note_backlog(*l, f);
    auto* known = s.find_delivery(*l, f.message.seq);
    if (auto* m = l->member(f.message.seq))
      note_end(*m, f);
    if (f.follows == outcome_kind::delivered && f.was_dead) // it holds its line until it has arrived, however
      s.release_held(*l, f.message.seq);
    if (f.detached || known == nullptr) {
      s.free_line(*l, line, f.token);
      return s.reindex(*l);
    }
    count_recovery(known->recovery, f.follows);
    if (f.line_held)
      l->held[known->line] = f.message.seq;
    s.change_delivery(*l, *known, [&](delivery& d) {
      s.land(*l, d);
      settle(d, f, f.number);
    });
  }

  // What a person tries can help, and proves nothing when it fails.
  void note_health(lane& l, const attempt_finished& f) const {
    if (f.result.cancelled())
      return; // nobody was asked
    const bool current = f.was_of(l.config.url); // else it is another receiver's health
    if (current && f.follows == outcome_kind::delivered)
      l.guard.succeeded(f.result.started_us, at.now, l.cap());
    else if (current && f.why != trigger::manual)
      l.guard.failed(l.config.protection.rules(), f.result.started_us + f.result.answer.spent.total_us, at.now, f.hold, f.opened);
    else if (!current && f.hold)
      l.guard.wait_until(*f.hold);
    if (f.failing_told != 0)
      l.guard.told = f.failing_told;
    if (auto budget = l.config.retries.retries_per_minute(); budget && f.follows == outcome_kind::retry && !f.probe)
      l.guard.book_retry(at.now, *budget);
  }

  // Told anew when it has gone down to half and grows again.
  static void note_backlog(lane& l, const attempt_finished& f) {
    if (f.backlog_told != 0 || l.pending() < l.backlog_told / 2)
      l.backlog_told = f.backlog_told;
  }

  static void count(lane& l, const attempt_finished& f) {
    const bool last = f.batch.left == 0; // a batch is one attempt
    if (f.follows != outcome_kind::delivered) {
      l.failed_in_a_row += last ? 1 : 0;
      l.dead += f.follows == outcome_kind::dead && !f.was_dead ? 1 : 0;
      l.delivered -= f.follows == outcome_kind::dead && f.was_delivered && l.delivered > 0 ? 1 : 0;
      return;
    }
    l.failed_in_a_row = f.result.cancelled() ? l.failed_in_a_row : 0;
    l.delivered += f.was_delivered ? 0 : 1;
    l.dead -= f.was_dead && l.dead > 0 ? 1 : 0;
  }

  void count_recovery(events::seq recovery, outcome_kind follows) const {
    auto r = s.recoveries.find(recovery);
    if (recovery == 0 || r == s.recoveries.end())
      return;
    r->second.delivered += follows == outcome_kind::delivered ? 1 : 0;
    r->second.dead += follows == outcome_kind::dead ? 1 : 0;
  }

  static void settle(delivery& d, const attempt_finished& f, std::uint32_t made) {
    d.attempts = std::max(d.attempts, made);
    if (f.why != trigger::manual)
      d.step += f.probe ? 0 : 1;
    else if (d.manual > 0)
      --d.manual;
    if (f.follows == outcome_kind::retry) {
      d.scheduled = true;
      d.due = f.next.value_or(d.due);
    } else if (f.follows != outcome_kind::failed) {
      d.scheduled = false;
      d.was_dead = f.follows == outcome_kind::dead;
      d.was_delivered = f.follows == outcome_kind::delivered || (d.was_delivered && !d.was_dead);
      d.recovery = 0;
    }
  }

  void operator()(const delivery_expired& f) const {
    auto* l = s.find_lane(f.destination);
    if (l == nullptr)
      return;
    l->dead += f.was_dead ? 0 : 1;
    l->delivered -= f.was_delivered && l->delivered > 0 ? 1 : 0;
    if (f.batch.seq != 0 && !part_of_batch_expired(*l, f))
      return;
    auto* known = s.find_delivery(*l, f.message.seq);
    if (known == nullptr)
      return s.reindex(*l);
    if (f.batch.seq == 0)
      count_recovery(known->recovery, outcome_kind::dead);
    if (f.line_held)
      l->held[known->line] = f.message.seq;
    s.change_delivery(*l, *known, [&f](delivery& d) {
      d.scheduled = false;
      d.manual = f.erased ? 0 : d.manual;
      d.was_dead = true;
      d.was_delivered = false;
      d.recovery = 0;
    });
    if (l->pending() < l->backlog_told / 2)
      l->backlog_told = 0;
  }

  /// True: what waits of the message by itself ends too.
  bool part_of_batch_expired(lane& l, const delivery_expired& f) const {
    if (auto* m = l.member(f.message.seq)) {
      count_recovery(m->recovery, outcome_kind::dead);
      m->was_dead = true, m->was_delivered = false;
    }
    auto batch = l.deliveries.find(f.batch.seq);
    if (f.erased && batch != l.deliveries.end())
      s.drop_member(l, batch->second, f.message.seq);
    else if (f.batch.left == 0 && batch != l.deliveries.end())
      s.change_delivery(l, batch->second, [](delivery& d) {
        d.scheduled = false;
        d.manual = 0;
      });
    if (f.erased)
      return true;
    if (auto beside = l.deliveries.find(f.message.seq); beside != l.deliveries.end())
      beside->second.was_dead = true, beside->second.was_delivered = false;
    if (l.pending() < l.backlog_told / 2)
      l.backlog_told = 0;
    return false;
  }

  void operator()(const dead_letters_removed& f) const {
    auto* l = s.find_lane(f.destination);
    if (l == nullptr)
      return;
    l->dead -= std::min<std::uint64_t>(l->dead, f.letters.size());
    for (const auto& one : f.letters)
      s.release_held(*l, one.seq); // its line goes on
    s.reindex(*l);
  }
  void operator()(const content_erased&) const {} // nothing that waits has lost any

  // -- recoveries ------------------------------------------------------------------------

  void operator()(const recovery_started& f) const {
    recovery r;
    r.what = f;
    r.started_seq = at.seq;
    r.cursor = f.after;
    r.started = r.updated = at.now;
    s.recoveries[at.seq] = std::move(r);
    auto* l = s.find_lane(f.destination);
    if (l == nullptr)
      return;
    if (f.automatic())
      return s.catch_up(*l);
    if (f.purge)
      return; // nothing has been repaired
    // Who asks for one has repaired something: it is as if he had changed the endpoint.
    l->guard.changed(at.now, l->guard.probing.has_value());
    s.reindex(*l);
  }

  void operator()(const recovery_progressed& f) const {
    auto* r = s.find_recovery(f.id);
    if (r == nullptr)
      return;
    r->cursor = f.cursor;
    r->seen = f.seen;
    r->queued = f.queued;
    if (f.next)
      r->next = f.next;
    r->updated = at.now;
    auto* l = s.find_lane(r->what.destination);
    if (l == nullptr)
      return;
    for (const auto& item : f.items) {
      if (l->has(item.message.seq))
        continue; // already on its way
      delivery d;
      d.message = std::make_shared<const message_ref>(item.message);
      d.attempts = item.attempts;
      d.was_dead = item.was_dead;
      d.was_delivered = item.was_delivered;
      d.scheduled = true;
      d.due = d.since = std::max(at.now, item.deliver_at.value_or(at.now));
      d.recovery = r->started_seq;
      d.line = item.line;
      d.place = {item.place.value_or(at.now).us, item.place ? item.message.seq : at.seq};
      s.add_delivery(*l, std::move(d));
    }
    if (r->what.automatic())
      s.catch_up(*l);
  }

  void operator()(const recovery_finished& f) const {
    auto* r = s.find_recovery(f.id);
    if (r == nullptr)
      return;
    r->state = f.cancelled ? recovery::phase::cancelled : recovery::phase::finished;
    r->updated = at.now;
    if (auto* l = s.find_lane(r->what.destination)) {
      if (f.cancelled)
        take_back(*l, r->started_seq);
      if (r->what.automatic())
        s.catch_up(*l);
    }
    forget_old_recoveries();
  }

  void operator()(const deliveries_moved& f) const {
    for (auto& [seq, r] : s.recoveries)
      if (r.next)
        r.next = moved_by(*r.next, f.by_us);
    for (auto& [ordinal, l] : s.lanes) {
      for (auto& [seq, d] : l.deliveries) {
        s.unwait(l, d);
        s.leave_line(l, d);
        d.due = moved_by(d.due, f.by_us);
        d.manual_due = moved_by(d.manual_due, f.by_us);
        d.since = moved_by(d.since, f.by_us);
        for (auto& m : d.members)
          m.since = moved_by(m.since, f.by_us);
        d.place.first = moved_by({d.place.first}, f.by_us).us;
        s.enter_line(l, d);
        s.wait(l, d);
      }
      s.arrange_all(l);
      l.resting.move(f.by_us);
      l.guard.moved(f.by_us);
      l.pace = {};
      s.reindex(l);
    }
  }

  // -- polling endpoints -----------------------------------------------------------------

  void operator()(const poller_created& f) const {
    auto& p = s.pollers[f.value.id] = f.value;
    p.start = at.seq;
    if (!p.uid.empty())
      s.poller_of_uid[p.uid] = p.id;
  }

  void operator()(const poller_updated& f) const {
    auto known = s.pollers.find(f.value.id);
    if (known == s.pollers.end())
      return;
    auto& p = known->second;
    s.poller_of_uid.erase(p.uid);
    auto next = f.value;
    next.start = p.start;
    next.consumers = std::move(p.consumers);
    p = std::move(next);
    if (!p.uid.empty())
      s.poller_of_uid[p.uid] = p.id;
  }

  void operator()(const poller_removed& f) const {
    auto known = s.pollers.find(f.id);
    if (known == s.pollers.end())
      return;
    s.poller_of_uid.erase(known->second.uid);
    s.pollers.erase(known);
  }

  void operator()(const consumer_moved& f) const {
    if (auto known = s.pollers.find(f.poller); known != s.pollers.end())
      known->second.consumers[f.consumer] = {f.cursor, at.now};
  }

  void operator()(const consumer_removed& f) const {
    if (auto known = s.pollers.find(f.poller); known != s.pollers.end())
      known->second.consumers.erase(f.consumer);
  }

  // What a cancelled recovery queued and was not delivered yet. A dead letter among it is one still: it was never taken off the count.
  void take_back(lane& l, events::seq recovery) const {
    std::vector<events::seq> queued;
    for (const auto& [seq, d] : l.deliveries) // what goes with others goes on
      if (d.recovery == recovery)
        queued.push_back(seq);
    for (auto seq : queued) {
      auto& d = l.deliveries.at(seq);
      if (d.manual == 0)
        s.erase_delivery(l, seq);
      else
        s.change_delivery(l, d, [](delivery& kept) {
          kept.scheduled = false;
          kept.recovery = 0;
        });
    }
  }

  void forget_old_recoveries() const {
    auto ended = static_cast<std::size_t>(std::count_if(s.recoveries.begin(), s.recoveries.end(), [](const auto& entry) {
      return entry.second.state != recovery::phase::scanning;
    }));
    for (auto r = s.recoveries.begin(); r != s.recoveries.end() && ended > ended_recoveries_kept;) {
      bool old = r->second.state != recovery::phase::scanning;
      r = old ? s.recoveries.erase(r) : std::next(r);
      ended -= old ? 1 : 0;
    }
  }
};

} // namespace

void apply(outbox_state& state, const moment& at, const fact& f) {
  state.self().told_now = at.now.us;
  std::visit(folder{state.self(), at}, f);
}

events::outcome<void> apply(outbox_state& state, const events::header& at, std::string_view payload) {
  if (!is_outbox_kind(at.kind))
    return {};
  auto f = decode(at.kind, payload);
  if (!f)
    return failure(errc::corrupt, f.error().detail, "seq " + std::to_string(at.seq));
  apply(state, moment_of(at), *f);
  return {};
}

} // namespace hourglass::webhook
