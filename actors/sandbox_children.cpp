#include "actors/sandbox.hpp"
#include "events/limits.hpp"
#include "webhook/secrets.hpp"

#include <algorithm>
#include <chrono>

// The sandbox as the supervisor of its children.
namespace hourglass::actors {

namespace {

/// A sandbox that takes longer to wake gets a snapshot at once.
constexpr std::chrono::milliseconds slow_wake{20};

} // namespace

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
  webhook::name_sandbox(state.outbox, id_.to_string());
  webhook::judge_by(state.outbox, env_.schemas, schema_check_of(state.settings.schema_check));
  if (state.settings.uid == catalogue_uid) {
    env_.schemas->catalogue_is(id_);
    env_.schemas->replace_all(state.outbox);
  }
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
  stamped_ = 0;
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
    else if (auto* c = std::get_if<change_ptr>(&w))
      on_change(*c);
    else
      on_propose(std::get<proposal_ptr>(w));
  }
}

void sandbox_actor::refuse_who_waited(const events::error& why) {
  for (auto& w : std::exchange(waiting_, {})) {
    if (auto* p = std::get_if<proposal_ptr>(&w))
      (*p)->fail(why);
    else if (auto* r = std::get_if<request_ptr>(&w))
      (*r)->answer(tl::unexpected<events::error>{why});
    else
      std::get<change_ptr>(w)->answer(tl::unexpected<events::error>{why});
  }
}

void sandbox_actor::spawn_pipeline(mock::endpoint_state endpoints, mock::data_state data) {
  auto self = caf::actor_cast<caf::actor>(caf::strong_actor_ptr{ctrl()});
  auto g = generation(child::data);
  generation(child::endpoint) = g;
  data_ = spawn<data_actor, caf::monitored>(std::ref(env_), id_, std::move(data), self, g);
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
  door_->silence();
  drop(child::clock);
  drop(child::outbox);
  outbox_due_.reset();
  env_.webhooks.forget(id_);
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
    refuse_who_waited({events::errc::unavailable, "the journal cannot write just now", {}});
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
  refuse_who_waited(why);
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
  abandon_rounds();
  late_.clear();
}

} // namespace hourglass::actors
