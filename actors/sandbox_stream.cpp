#include "actors/declared.hpp"
#include "actors/once.hpp"
#include "actors/retention.hpp"
#include "actors/sandbox.hpp"
#include "events/limits.hpp"

#include <algorithm>

// The sandbox as the only writer of its stream.
namespace hourglass::actors {

namespace {

/// False when the journal would find an event of it too large.
bool fits_in_the_log(const proposal& p) {
  constexpr std::size_t header = 1 * limits::kibi; // principal, correlation, hashes and numbers
  for (const auto& part : p.parts) {
    for (const auto& d : part.drafts) {
      auto bytes = header + d.payload.size();
      for (const auto& e : d.entities)
        bytes += e.size() + 8;
      if (bytes > limits::record_bytes)
        return false;
    }
  }
  return true;
}

/// Why an append was rejected, as its caller is told. That the one before it was rejected is not his conflict: nothing is wrong with what he asked.
events::error told(const events::error& why) {
  if (why.code == events::errc::conflict)
    return {events::errc::unavailable, "what this would have followed was not written; nothing was changed", {}};
  return why;
}

} // namespace

// -- the stream -----------------------------------------------------------------------

void sandbox_actor::on_propose(const proposal_ptr& p) {
  if (p->generation != generation(p->from))
    return p->fail(rebuilt_meanwhile());
  if (settings_.phase == mock::settings_state::life::deleted) // decided before, and nothing comes behind its end
    return p->fail({events::errc::not_found, "the sandbox was deleted meanwhile; nothing was changed", {}});
  if (p->place && p->from == child::data)
    return ask_outbox(p);
  if (p->place && p->pipeline != generation(child::data)) {
    send(outbox_, withdrawn{p});
    return p->fail(rebuilt_meanwhile());
  }
  if (!fits_in_the_log(*p))
    return refuse_whole(p);
  std::vector<storage::row> rows;
  for (auto& part : p->parts) {
    if (part.delay.count() != 0)
      answer_later(part);
    if (p->from == child::outbox && !part.request)
      bring_back(*p, part);
    for (const auto& d : part.drafts)
      for (const auto& claim : d.claims)
        rows.push_back({registry::claim_key(id_, claim), {}});
    if (p->from == child::clock)
      note_clock(part);
    if (p->from == child::endpoint)
      after_import(part);
  }
  append(p, std::move(rows));
}

/// Decided before a reset of the clock, and in its place behind it: its moments come along, as those of all that waited did.
void sandbox_actor::bring_back(proposal& p, proposal::part& part) {
  const auto by = mock::now(clock_, wall_now()).us - part.ctx.now.us;
  if (by >= 0)
    return;
  part.ctx.now.us += by;
  part.moved_by_us = by;
  for (auto& d : part.drafts)
    webhook::shift(d, by);
  if (p.due)
    p.due->us += by;
}

/// The journal would reject it, and with it whatever the others append meanwhile. So nothing of it gets a place, and nobody else notices.
void sandbox_actor::refuse_whole(const proposal_ptr& p) {
  p->fail({events::errc::too_large, "this would be an event larger than record_bytes; nothing was changed", {}});
  if (p->place) // nobody has applied it
    return send(outbox_, withdrawn{p});
  auto changes_nothing = [](const proposal::part& part) { // to have served a request; what its script wrote is another thing
    return std::all_of(part.drafts.begin(), part.drafts.end(), [](const auto& d) { return d.kind == events::kind::request_served; });
  };
  if (std::all_of(p->parts.begin(), p->parts.end(), changes_nothing))
    return;
  if (p->from == child::endpoint || p->from == child::data) {
    drop(child::endpoint);
    drop(child::data);
  } else {
    drop(p->from);
  }
  restart_in(std::chrono::milliseconds{1});
}

/// Our copy of the clock stamps requests; the outbox's decides what is due.
void sandbox_actor::note_clock(proposal::part& part) {
  const auto before = mock::now(clock_, part.ctx.wall);
  bool changed = false;
  for (const auto& d : part.drafts) {
    if (replay::part_of(d.kind) != replay::part::clock)
      continue;
    events::header at;
    at.wall = part.ctx.wall;
    at.virtual_ = part.ctx.now;
    changed = mock::apply(clock_, d.kind, d.payload, at).has_value() || changed;
  }
  if (!changed)
    return;
  // Only a reset takes time back. In the same append, or a crash between the two would leave deliveries waiting for years.
  const auto by = std::min<std::int64_t>(mock::now(clock_, part.ctx.wall).us - before.us, 0);
  if (by < 0) {
    part.drafts.push_back(webhook::encode(webhook::deliveries_moved{by}));
    if (outbox_due_)
      outbox_due_->us += by;
  }
  if (outbox_) // stands behind all that was appended
    send(outbox_, clock_is{clock_, head_.seq + part.drafts.size(), by});
}

void sandbox_actor::append(const proposal_ptr& p, std::vector<storage::row> rows) {
  storage::record_batch batch;
  batch.sandbox = id_;
  batch.first = head_.seq + 1;
  batch.rows = std::move(rows);
  for (auto& part : p->parts) {
    for (const auto& d : part.drafts) {
      std::string bytes;
      events::seal(head_, id_, d, part.ctx, bytes);
      changed_.note(d.kind, head_.seq);
      count_served(d.kind);
      batch.erases.insert(batch.erases.end(), d.erases.begin(), d.erases.end());
      if (d.content_hours != 0)
        batch.rows.push_back(retention::row_of({{part.ctx.wall.us + std::int64_t{d.content_hours} * 3'600'000'000}, id_, head_.seq}));
      batch.records.push_back(std::move(bytes));
    }
    if (part.change && part.change->once && !part.drafts.empty()) {
      const auto& name = *part.change->once;
      const once_row made{part.ctx.wall, name.fingerprint, {head_.seq + 1 - part.drafts.size(), head_.seq, part.reply}, 0, {}, {}, id_.to_string()};
      for (auto& row : write_once(name.name, made))
        batch.rows.push_back(std::move(row));
    }
  }
  if (batch.records.empty() && appending_->load(std::memory_order_acquire) == 0) {
    for (auto& part : p->parts)
      if (part.change)
        part.change->answer(receipt{0, 0, std::move(part.reply)});
    return;
  }
  if (p->place)
    p->place->tell(true);
  note_due(batch, p);
  if (p->want_durable && !batch.records.empty())
    send(outbox_, sequenced{p, batch.first, head_.wall});
  events_since_snapshot_ += batch.records.size();
  if (events_since_snapshot_ >= env_.options.events_per_snapshot)
    begin_snapshot();

  // What the outbox sends depends on its own events and on the clock's.
  auto watcher = p->want_durable || p->from == child::clock ? outbox_ : caf::actor{};
  appending_->fetch_add(1, std::memory_order_acq_rel);
  auto inside = std::make_shared<hold>(hold::follow(door_));
  auto on_done = [this_actor = caf::actor_cast<caf::weak_actor_ptr>(caf::strong_actor_ptr{ctrl()}), outbox = std::move(watcher),
                  p, first = batch.first, last = head_.seq, id = id_, epoch = appends_epoch_, appending = appending_, inside,
                  &env = env_](const storage::append_result& r) {
    if (r.outcome == storage::append_outcome::committed) {
      if (outbox)
        caf::anon_send(outbox, durable{last});
      auto at = first;
      for (auto& part : p->parts) {
        auto n = part.drafts.size();
        if (part.request)
          part.request->answer(std::move(part.response));
        if (part.change)
          part.change->answer(receipt{n == 0 ? 0 : at, n == 0 ? 0 : at + n - 1, std::move(part.reply)});
        at += n;
      }
      if (env.options.on_committed)
        env.options.on_committed(id, last);
    } else {
      p->fail(r.outcome == storage::append_outcome::unknown ? events::error{events::errc::abandoned, r.why.detail, {}} : told(r.why));
      if (auto strong = this_actor.lock())
        caf::anon_send(caf::actor_cast<caf::actor>(strong), append_failed{epoch, r.why});
    }
    appending->fetch_sub(1, std::memory_order_acq_rel);
    inside->release();
  };
  env_.journal.append(std::move(batch), std::move(on_done));
}

void sandbox_actor::count_served(events::kind of) {
  if (settings_.seed.empty() || of != events::kind::request_served)
    return;
  ++settings_.drawn;
  changed_[replay::part::settings] = head_.seq;
}

/// Sends a snapshot on its way round the children.
void sandbox_actor::begin_snapshot() {
  if (!endpoint_)
    return; // it is gone, or they are being rebuilt
  events_since_snapshot_ = 0;
  auto job = std::make_shared<snapshot_job>();
  job->sandbox = id_;
  job->generation = generation(child::data);
  for (std::size_t i = 0; i < replay::part_count; ++i)
    job->wanted[i] = last_snapshot_ == 0 || changed_.at[i] > last_snapshot_;
  send(endpoint_, give_snapshot{std::move(job)});
}

/// It comes back from the pipeline. What changed since it went round goes by `changed`: then the store refuses to lend and the stream is folded.
void sandbox_actor::on_snapshot(const snapshot_ptr& job) {
  if (phase_ != phase::serving || !outbox_ || job->generation != generation(child::data))
    return; // another one after the next events
  auto& live = job->what;
  live.head = head_;
  live.changed = changed_;
  live[replay::part::settings] = mock::snapshot(settings_);
  live[replay::part::clock] = mock::snapshot(clock_);
  last_snapshot_ = head_.seq;
  if (job->wants(replay::part::outbox)) {
    ++job->awaited;
    send(outbox_, give_snapshot{job});
  }
  storage::record_batch nothing; // answered when all before it is durable
  nothing.sandbox = id_;
  nothing.first = head_.seq + 1;
  env_.journal.append(std::move(nothing), [job, &env = env_](const storage::append_result& r) {
    if (r.outcome == storage::append_outcome::committed)
      arrived(env, job);
  });
}

/// Keeps the promise of the due index: while anything is pending, an entry stands on the disk that is not later.
void sandbox_actor::note_due(storage::record_batch& batch, const proposal_ptr& p) {
  if (p->due && (!outbox_due_ || *p->due < *outbox_due_))
    outbox_due_ = p->due; // until the outbox has applied it and says what is next
  if (!p->due && p->from != child::clock)
    return;
  auto now = wall_now();
  std::optional<events::wall_time> due;
  if (clock_.mode == mock::clock_mode::advancing)
    due = now;
  else if (auto at = p->from == child::clock ? outbox_due_ : p->due)
    due = mock::wall_for(clock_, *at, now);
  if (due && (!on_disk_due_ || *due < *on_disk_due_)) {
    batch.due = due;
    on_disk_due_ = due;
  }
}

/// When something of it is to happen; in the past or present: it must not leave.
std::optional<events::wall_time> sandbox_actor::must_be_awake() const {
  auto now = wall_now();
  switch (phase_) {
    case phase::degraded: return events::wall_time{now.us + 60'000'000}; // may be well when it has been away
    case phase::loading: return now;
    case phase::serving: break;
  }
  if (settings_.phase == mock::settings_state::life::deleted)
    return std::nullopt;
  if (clock_.mode == mock::clock_mode::advancing || (outbox_ && !outbox_spoke_) || door_->inside() != 0)
    return now;
  return outbox_due_ ? mock::wall_for(clock_, *outbox_due_, now) : std::nullopt;
}

/// Should the write fail, or we be gone before it, the old entries stay, and the directory asks again.
void sandbox_actor::on_renew_due(const renew_due& m) {
  if (phase_ == phase::loading || (outbox_ && !outbox_spoke_))
    return renewals_.push_back(m); // what is pending is not known
  on_disk_due_ = must_be_awake();
  if (!on_disk_due_)
    return m.asked->one_has();
  storage::record_batch batch;
  batch.sandbox = id_;
  batch.first = head_.seq + 1;
  batch.due = on_disk_due_;
  env_.journal.append(std::move(batch), [asked = m.asked](const storage::append_result& r) {
    if (r.outcome == storage::append_outcome::committed)
      asked->one_has();
  });
}

/// Event types that an imported document declares become the outbox's.
void sandbox_actor::after_import(const proposal::part& part) {
  if (!outbox_ || part.drafts.empty() || part.drafts.front().kind != events::kind::openapi_imported)
    return;
  for (auto& t : declared_event_types(part.reply)) {
    auto job = std::make_shared<change_job>();
    job->what = command{webhook::command{webhook::put_event_type{std::move(t), false}}};
    job->ctx = part.ctx;
    job->ctx.chance = events::draw_entropy();
    job->done = [](const events::outcome<receipt>&) {};
    job->inside = hold::follow(door_);
    send(outbox_, do_change{job});
  }
}

} // namespace hourglass::actors
