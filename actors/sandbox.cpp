#include "actors/sandbox.hpp"

#include "actors/declared.hpp"
#include "actors/deciding.hpp"
#include "actors/once.hpp"
#include "events/limits.hpp"
#include "webhook/secrets.hpp"

#include <algorithm>
#include <chrono>
#include <type_traits>

namespace hourglass::actors {

namespace {

/// A sandbox that takes longer to wake gets a snapshot at once.
constexpr std::chrono::milliseconds slow_wake{20};

/// Which child decides a change.
template <class T>
constexpr child decider() {
  if constexpr (std::is_same_v<T, mock::endpoint_command> || std::is_same_v<T, look<mock::endpoint_state>>)
    return child::endpoint;
  else if constexpr (std::is_same_v<T, mock::data_command> || std::is_same_v<T, look<mock::data_state>>)
    return child::data;
  else if constexpr (std::is_same_v<T, mock::clock_command> || std::is_same_v<T, look<mock::clock_state>>)
    return child::clock;
  else if constexpr (std::is_same_v<T, webhook::command> || std::is_same_v<T, look<webhook::outbox_state>>)
    return child::outbox;
  else
    return child::sandbox;
}

child decider_of(const std::variant<command, reading>& what) {
  return std::visit([](const auto& either) { return std::visit([](const auto& c) { return decider<std::decay_t<decltype(c)>>(); }, either); },
                    what);
}

template <class What>
bool asks_for(const change_job& job) {
  auto* c = std::get_if<command>(&job.what);
  auto* s = c ? std::get_if<mock::settings_command>(c) : nullptr;
  return s && std::holds_alternative<What>(*s);
}

bool is_clock_kind(events::kind k) {
  return k == events::kind::clock_set || k == events::kind::clock_advance_started || k == events::kind::clock_moved
         || k == events::kind::clock_advance_finished;
}

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

sandbox_actor::sandbox_actor(caf::actor_config& cfg, environment& env, registry::uid_claims& uids, resident_ptr door)
  : caf::event_based_actor(cfg), env_(env), uids_(uids), door_(std::move(door)), id_(door_->id()) {
}

caf::behavior sandbox_actor::make_behavior() {
  set_down_handler([this](caf::down_msg& m) { on_down(m.source); });
  fetch();
  return {
    [this](const serve_request& m) { on_request(m.job); },
    [this](const propose& m) { on_propose(m.what); },
    [this](const do_change& m) { on_change(m.job); },
    [this](const due_is& m) {
      if (!outbox_ || outbox_ != current_sender())
        return; // of one that was replaced
      outbox_due_ = m.at;
      outbox_spoke_ = true;
      if (timekeeper_)
        send(timekeeper_, m);
      renew_who_waited();
    },
    [this](const fire_due& m) {
      if (outbox_ && !over())
        send(outbox_, m);
    },
    [this](const settle& m) {
      settling_ = m; // an outbox that is being rebuilt is asked when it is there
      if (outbox_)
        send(outbox_, m);
    },
    [this](const settled& m) {
      if (timekeeper_)
        send(timekeeper_, m);
    },
    [this](const log_is_corrupt& m) {
      if (outbox_ && outbox_ == current_sender())
        degrade(m.why);
    },
    [this](const loaded& m) { on_loaded(m); },
    [this](const append_failed& m) { on_append_failed(m); },
    [this](const restart_children&) { restart(); },
    [this](const renew_due& m) { on_renew_due(m); },
    [this](const give_snapshot& m) { on_snapshot(m.job); },
    [this](const retire&) { on_retire(); },
    [this](const crash_child& m) {
      auto& who = m.which == child::endpoint ? endpoint_ : m.which == child::data ? data_ : m.which == child::clock ? timekeeper_ : outbox_;
      if (who)
        send(who, m);
    },
  };
}

// -- letting work in ------------------------------------------------------------------

std::optional<events::error> sandbox_actor::refusal(bool creating, bool deleting) {
  if (phase_ == phase::degraded)
    return events::error{events::errc::unavailable, "this sandbox is degraded: " + why_degraded_.detail, {}};
  const bool there = settings_.phase == mock::settings_state::life::live && (deleting || !over());
  if (!creating && !there)
    return events::error{events::errc::not_found, "no such sandbox", {}};
  return std::nullopt;
}

/// Deleted, or its time to live has passed: then it deletes itself, since the directory finds out only when it comes by.
bool sandbox_actor::over() {
  using life = mock::settings_state::life;
  auto expires = settings_.phase == life::live ? settings_.expires() : std::nullopt;
  const bool expired = expires && *expires <= wall_now();
  if (expired && !std::exchange(deleting_, true))
    send(this, do_change{deletion(hold::follow(door_))});
  return expired || settings_.phase == life::deleted;
}

void sandbox_actor::stamp(events::context& ctx) {
  ctx.wall = wall_now();
  ctx.now = mock::now(clock_, ctx.wall);
  ctx.chance = events::draw_entropy();
  door_->touch(ctx.wall.us);
}

void sandbox_actor::on_request(const request_ptr& job) {
  if (phase_ == phase::loading) {
    waiting_.emplace_back(job);
    return;
  }
  if (auto why = refusal(false, false))
    return job->answer(tl::unexpected<events::error>{std::move(*why)});
  stamp(job->ctx);
  send(endpoint_, serve_request{job});
}

void sandbox_actor::on_change(const change_ptr& job) {
  if (phase_ == phase::loading) {
    waiting_.emplace_back(job);
    return;
  }
  if (auto why = refusal(asks_for<mock::create_sandbox>(*job), asks_for<mock::delete_sandbox>(*job)))
    return job->answer(tl::unexpected<events::error>{std::move(*why)});
  stamp(job->ctx);
  if (job->once && answered_before(*job))
    return;
  switch (decider_of(job->what)) {
    case child::endpoint: return send(endpoint_, do_change{job});
    case child::data: return send(data_, do_change{job});
    case child::clock: return send(timekeeper_, do_change{job});
    case child::outbox: return send(outbox_, do_change{job});
    case child::sandbox: return decide_settings(job);
  }
}

/// Asked here, behind everything that may have made it: a change whose outcome its caller never learned is in the store by now, or never
/// will be. Two at the same moment are kept apart by whoever gives the names.
bool sandbox_actor::answered_before(change_job& job) {
  auto before = find_once(env_.store, job.once->name, job.ctx.wall);
  if (before && !*before)
    return false;
  if (!before)
    job.answer(tl::unexpected<events::error>{std::move(before).error()});
  else if ((*before)->fingerprint != job.once->fingerprint)
    job.answer(events::failure(events::errc::conflict, "another request was made under this name"));
  else
    job.answer(std::move((*before)->done));
  return true;
}

/// The sandbox itself is ours to decide: its rows in the registry change with it.
void sandbox_actor::decide_settings(const change_ptr& job) {
  auto before = settings_;
  events::header at;
  at.wall = std::max(job->ctx.wall, head_.wall);
  at.virtual_ = job->ctx.now;
  auto after = settings_;
  auto p = decide_change<mock::settings_command>(
    settings_, job, child::sandbox, generation(child::sandbox),
    [&](events::kind kind, std::string_view payload) { return mock::apply(after, kind, payload, at); });
  if (!p)
    return;
  auto& part = p->parts.front();
  if (!part.drafts.empty()) {
    if (!after.uid.empty() && after.uid != before.uid) {
      if (auto free = uids_.claim(env_.store, after.uid, id_); !free)
        return job->answer(tl::unexpected<events::error>{std::move(free).error()});
      // Given back when the caller has his answer: by then the row stands, or never will.
      job->done = [&uids = uids_, uid = after.uid, done = std::move(job->done)](events::outcome<receipt> r) {
        uids.release(uid);
        done(std::move(r));
      };
    }
    settings_ = after;
    if (settings_.phase == mock::settings_state::life::live)
      part.reply = mock::to_json(settings_, id_.to_string());
    else
      fall_silent();
  }
  if (job->reply_override)
    part.reply.insert(part.reply.rfind('}'), *job->reply_override);
  append(p, part.drafts.empty() ? std::vector<storage::row>{} : registry::rows_for(before, settings_, id_));
}

// -- the stream -----------------------------------------------------------------------

void sandbox_actor::on_propose(const proposal_ptr& p) {
  if (p->generation != generation(p->from))
    return p->fail({events::errc::abandoned, "the sandbox was rebuilt from its log meanwhile; nothing was changed", {}});
  if (!fits_in_the_log(*p))
    return refuse_whole(p);
  std::vector<storage::row> rows;
  for (auto& part : p->parts) {
    if (p->from == child::outbox) // decided before a reset of the clock, and in its place behind it
      part.ctx.now = std::min(part.ctx.now, mock::now(clock_, wall_now()));
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

/// The journal would reject it, and with it whatever the others append meanwhile. So nothing of it gets a place, and nobody else notices.
void sandbox_actor::refuse_whole(const proposal_ptr& p) {
  p->fail({events::errc::too_large, "this would be an event larger than record_bytes; nothing was changed", {}});
  if (std::all_of(p->parts.begin(), p->parts.end(), [](const auto& part) { return part.request != nullptr; }))
    return; // to have served a request changes no state
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
    if (!is_clock_kind(d.kind))
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
      batch.records.push_back(std::move(bytes));
    }
    if (part.change && part.change->once && !part.drafts.empty()) {
      const auto& name = *part.change->once;
      const once_row made{part.ctx.wall, name.fingerprint, {head_.seq + 1 - part.drafts.size(), head_.seq, part.reply}, 0, {}, {}};
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

// -- the children ---------------------------------------------------------------------

/// Has the log folded on a reader thread. Called with no append of a part that is to be rebuilt under way.
void sandbox_actor::fetch() {
  phase_ = phase::loading;
  auto self = caf::actor_cast<caf::weak_actor_ptr>(caf::strong_actor_ptr{ctrl()});
  env_.post_for(id_, [&store = env_.store, id = id_, self, number = ++fetched_] {
    loaded m{number, std::make_shared<events::outcome<replay::sandbox_state>>()};
    const auto begin = std::chrono::steady_clock::now();
    try {
      *m.state = replay::load(store, id);
    } catch (const std::exception& e) { // no memory: nobody else would tell the sandbox
      *m.state = events::failure(events::errc::unavailable, e.what());
    }
    const bool slow = std::chrono::steady_clock::now() - begin > slow_wake;
    if (auto strong = self.lock())
      caf::anon_send(caf::actor_cast<caf::actor>(strong), std::move(m));
    // A long tail, left by a crash: folded once, or a process that dies again and again would fold more and more and serve less and less.
    if (slow)
      (void)replay::take_snapshot(store, id, limits::events_per_sleep_snapshot);
  });
}

void sandbox_actor::on_loaded(const loaded& m) {
  if (phase_ != phase::loading || m.number != fetched_)
    return;
  // What the parts that live have appended meanwhile: a new outbox takes all that is there for durable.
  if (appending_->load(std::memory_order_acquire) != 0)
    return delayed_send(this, std::chrono::milliseconds{1}, m);
  if (!*m.state && !(rebuild_all_ && m.state->error().code == events::errc::not_found))
    return degrade(m.state->error());
  auto state = *m.state ? std::move(**m.state) : replay::sandbox_state{};
  if (auto open = webhook::unlock(state.outbox, env_.vault); !open)
    return degrade(open.error());
  if (std::exchange(rebuild_all_, false))
    take_all(std::move(state));
  else
    take_missing(state);
  phase_ = phase::serving;
  let_in_who_waited();
}

void sandbox_actor::take_all(replay::sandbox_state s) {
  head_ = s.head;
  changed_ = s.changed;
  last_snapshot_ = s.snapshot;
  settings_ = std::move(s.settings);
  clock_ = s.clock;
  outbox_due_ = webhook::next_due(s.outbox);
  on_disk_due_.reset();
  deleting_ = false;
  if (over())
    return fall_silent();
  spawn_pipeline(std::move(s.endpoints), std::move(s.data));
  spawn_clock();
  spawn_outbox(std::move(s.outbox), head_.seq);
}

void sandbox_actor::take_missing(replay::sandbox_state& state) {
  if (!endpoint_)
    spawn_pipeline(std::move(state.endpoints), std::move(state.data));
  if (over())
    return fall_silent();
  if (!outbox_)
    outbox_due_ = webhook::next_due(state.outbox);
  if (!timekeeper_)
    spawn_clock();
  if (!outbox_)
    spawn_outbox(std::move(state.outbox), head_.seq);
}

void sandbox_actor::renew_who_waited() {
  for (const auto& r : std::exchange(renewals_, {}))
    on_renew_due(r);
}

void sandbox_actor::let_in_who_waited() {
  renew_who_waited();
  for (auto& w : std::exchange(waiting_, {})) {
    if (auto* r = std::get_if<request_ptr>(&w))
      on_request(*r);
    else
      on_change(std::get<change_ptr>(w));
  }
}

void sandbox_actor::spawn_pipeline(mock::endpoint_state endpoints, mock::data_state data) {
  auto self = caf::actor_cast<caf::actor>(caf::strong_actor_ptr{ctrl()});
  auto g = generation(child::data);
  generation(child::endpoint) = g;
  data_ = spawn<data_actor, caf::monitored>(env_.redactor, std::move(data), self, g);
  endpoint_ = spawn<endpoint_actor, caf::monitored>(std::move(endpoints), data_, g);
}

void sandbox_actor::spawn_clock() {
  auto self = caf::actor_cast<caf::actor>(caf::strong_actor_ptr{ctrl()});
  timekeeper_ = spawn<clock_actor, caf::monitored>(clock_, door_, self, generation(child::clock));
  if (outbox_due_)
    send(timekeeper_, due_is{outbox_due_});
}

void sandbox_actor::spawn_outbox(webhook::outbox_state outbox, events::seq durable) {
  auto self = caf::actor_cast<caf::actor>(caf::strong_actor_ptr{ctrl()});
  outbox_spoke_ = false;
  outbox_ = spawn<outbox_actor, caf::monitored>(std::ref(env_), std::move(outbox), clock_, durable, door_, self, generation(child::outbox));
  if (settling_)
    send(outbox_, *settling_);
}

/// A sandbox that is gone sends no webhooks, whatever was pending.
void sandbox_actor::fall_silent() {
  drop(child::clock);
  drop(child::outbox);
  outbox_due_.reset();
}

void sandbox_actor::drop(child which) {
  auto& who = which == child::endpoint ? endpoint_ : which == child::data ? data_ : which == child::clock ? timekeeper_ : outbox_;
  ++generation(which);
  if (auto old = std::exchange(who, caf::actor{})) {
    demonitor(old);
    send_exit(old, caf::exit_reason::kill);
  }
}

void sandbox_actor::on_down(const caf::actor_addr& who) {
  auto is = [&who](const caf::actor& a) { return a && a.address() == who; };
  if (is(endpoint_) || is(data_)) {
    drop(child::endpoint);
    drop(child::data);
  } else if (is(timekeeper_)) {
    drop(child::clock);
  } else if (is(outbox_)) {
    drop(child::outbox);
  } else {
    return;
  }
  env_.counters.child_restarts.fetch_add(1, std::memory_order_relaxed);
  auto delay = policy_.after_crash(wall_now());
  if (!delay)
    return degrade({events::errc::unavailable, "a part of it crashed again and again", {}});
  restart_in(*delay);
}

void sandbox_actor::on_append_failed(const append_failed& m) {
  if (m.generation != appends_epoch_)
    return;
  ++appends_epoch_;
  rebuild_all_ = true;
  for (auto c : {child::endpoint, child::data, child::clock, child::outbox})
    drop(c);
  ++generation(child::sandbox);
  if (phase_ != phase::degraded)
    restart_in(std::chrono::milliseconds{1});
}

/// What is being read of the log may be older than what the part that has gone wrote last: it does not count.
void sandbox_actor::restart_in(std::chrono::milliseconds delay) {
  phase_ = phase::loading;
  ++fetched_;
  delayed_send(this, delay, restart_children{});
}

void sandbox_actor::restart() {
  using namespace std::chrono_literals;
  if (phase_ != phase::loading)
    return;
  if (appending_->load(std::memory_order_acquire) != 0)
    return delayed_send(this, 1ms, restart_children{});
  if (env_.journal.failed()) { // the directory asks it to recover; nobody waits for that
    for (auto& w : std::exchange(waiting_, {}))
      std::visit([](auto& job) { job->answer(events::failure(events::errc::unavailable, "the journal cannot write just now")); }, w);
    return delayed_send(this, 100ms, restart_children{});
  }
  fetch();
}

void sandbox_actor::degrade(const events::error& why) {
  phase_ = phase::degraded;
  why_degraded_ = why;
  env_.counters.degraded.fetch_add(1, std::memory_order_relaxed);
  for (auto c : {child::endpoint, child::data, child::clock, child::outbox})
    drop(c);
  renew_who_waited();
  for (auto& w : std::exchange(waiting_, {}))
    std::visit([&why](auto& job) { job->answer(tl::unexpected<events::error>{why}); }, w);
}

/// Leaves memory if nothing is in hand; what is pending stays on the disk, with the moment to come back.
void sandbox_actor::on_retire() {
  auto due = must_be_awake();
  if (phase_ == phase::loading || (due && *due <= wall_now()) || !door_->close())
    return;
  if (phase_ == phase::serving && due) {
    storage::record_batch batch;
    batch.sandbox = id_;
    batch.first = head_.seq + 1;
    batch.due = due;
    env_.journal.append(std::move(batch), [](const storage::append_result&) {});
  }
  if (events_since_snapshot_ > limits::events_per_sleep_snapshot)
    env_.post_for(id_, [&store = env_.store, id = id_, live = replay::live_state{head_, changed_, {}}] { (void)replay::put_snapshot(store, id, live); });
  env_.counters.passivated.fetch_add(1, std::memory_order_relaxed);
  env_.forget(door_);
  quit();
}

void sandbox_actor::on_exit() {
  for (auto c : {child::endpoint, child::data, child::clock, child::outbox})
    drop(c);
  waiting_.clear();
  renewals_.clear();
}

} // namespace hourglass::actors
