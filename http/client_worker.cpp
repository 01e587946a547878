#include "http/client_worker.hpp"

#include "http/channel.hpp"

#include <algorithm>

namespace hourglass::http {

namespace {

constexpr std::int64_t grain_ms = 5;

} // namespace

void finish(client_shared& shared, job& j, transport_error error, std::string detail) {
  j.result.error = error;
  j.result.detail = std::move(detail);
  j.result.spent.total_us = steady_us() - j.asked_us;
  try {
    if (auto done = std::exchange(j.done, nullptr))
      done(std::move(j.result));
  } catch (...) { // its own affair; the other exchanges of this thread go on
  }
  if (shared.unfinished.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    std::lock_guard lock{shared.mutex};
    shared.finished.notify_all();
  }
}

client_worker::client_worker(std::shared_ptr<client_shared> shared)
    : shared_(std::move(shared)), deadlines_(io_, grain_ms),
      most_(std::max<std::size_t>(1, shared_->options.connections / std::max(1u, shared_->options.threads))) {}
client_worker::~client_worker() = default;

void client_worker::start() {
  thread_ = std::thread{[this] { io_.run(); }};
}

bool client_worker::push(letter&& l) {
  switch (inbox_.push(std::move(l))) {
  case inbox<letter>::pushed::first:
    net::post(io_, [this] { deliver(); });
    return true;
  case inbox<letter>::pushed::later:
    return true;
  case inbox<letter>::pushed::closed:
    return false;
  }
  return false;
}

job_ptr client_worker::post(job_ptr j) {
  letter l;
  l.work = std::move(j);
  if (push(std::move(l)))
    return nullptr;
  return std::move(l.work); // a closed inbox has not taken it
}

void client_worker::deliver() {
  inbox_.drain(delivering_);
  for (auto& l : delivering_) {
    if (l.work)
      begin(std::move(l.work));
    else if (l.addresses)
      on_resolved(l.host, *l.addresses);
  }
  delivering_.clear();
}

void client_worker::want(std::int64_t due_ms) {
  deadlines_.want(due_ms, [this] { look_at_deadlines(); });
}

// -- who gets which connection ------------------------------------------------------

void client_worker::begin(job_ptr j) {
  if (!j->ready) {
    auto detail = std::move(j->result.detail);
    return finish(*shared_, *j, j->result.error, std::move(detail));
  }
  auto& l = lane_of(*j);
  if (turn_.empty() && may_begin(l))
    return start(l, std::move(j));
  wait_in(l, std::move(j));
  serve_waiting(); // those before it may wait for something else
}

lane& client_worker::lane_of(const job& j) {
  auto& place = origins_[j.origin];
  if (!place) {
    place = std::make_unique<origin>();
    place->key = j.origin;
  }
  auto at = owners_.find(j.what.owner);
  if (at == owners_.end()) {
    auto fresh = std::make_unique<owner>();
    fresh->name = j.what.owner;
    const std::string_view name = fresh->name;
    at = owners_.emplace(name, std::move(fresh)).first;
  }
  auto& who = *at->second;
  auto [l, made] = place->lanes.try_emplace(who.name, lane{who, *place, {}, 0});
  if (made)
    ++who.lanes;
  return l->second;
}

/// A connection for one more exchange can be had, if need be in the place of an idle one.
bool client_worker::has_room() const { return channels_.size() < most_ || !idle_.empty(); }

/// Whoever has fewer connections than are left may take one more: the shares adjust to how many want some, and something is always left.
bool client_worker::may_begin(const owner& o) const { return has_room() && (o.busy == 0 || o.busy < most_ - std::min(most_, busy_)); }

/// The same among the origins of one owner, of what is left to him; and an eighth of what he could have is kept for origins that have none: however
/// many hang, those that answer find one.
bool client_worker::may_begin(const lane& l) const {
  if (!may_begin(l.of) || l.busy >= std::max<std::size_t>(1, shared_->options.connections_per_origin))
    return false;
  const auto left = most_ - std::min(most_, busy_);
  const auto kept = (left + l.of.busy) / 8;
  return l.busy == 0 || l.busy + l.of.busy + kept < left;
}

/// May end the job at once, and with it the lane.
void client_worker::start(lane& l, job_ptr j) {
  // The longest deadline is a day: further away the sum could overflow, and nobody waits that long.
  j->deadline_ms = coarse_now() + std::clamp<std::int64_t>(j->what.deadline.count(), 0, 86'400'000);
  if (l.to.idle.empty())
    return dial(l, std::move(j));
  auto kept = std::move(l.to.idle.back());
  l.to.idle.pop_back();
  rouse(*kept);
  kept->serves = &l;
  ++l.busy, ++l.of.busy, ++busy_;
  kept->carry(std::move(j));
}

void client_worker::dial(lane& l, job_ptr j) {
  ++l.busy, ++l.of.busy, ++busy_; // before an idle one is closed: nobody else may be given its place
  if (channels_.size() >= most_ && !idle_.empty())
    idle_.front()->close();
  boost::intrusive_ptr<channel> fresh{new channel{*this, l.to}};
  fresh->serves = &l;
  ++l.to.open;
  fresh->place = channels_.size();
  channels_.push_back(fresh);
  fresh->dial(std::move(j));
}

void client_worker::dial_again(job_ptr j) {
  auto& l = lane_of(*j);
  dial(l, std::move(j)); // one connection has just closed, so there is room, or nearly
}

// -- turns --------------------------------------------------------------------------

void client_worker::wait_in(lane& l, job_ptr j) {
  if (l.waiting.empty()) {
    if (l.of.turn.empty())
      turn_.push_back(&l.of);
    l.of.turn.push_back(&l);
  }
  l.waiting.push_back(std::move(j));
}

/// Starts the next of the owner's exchanges that can go on; false if none can. A lane that was served goes to the end of the owner's list, or off it.
bool client_worker::serve_one_of(owner& o) {
  if (!may_begin(o))
    return false;
  const auto at = std::find_if(o.turn.begin(), o.turn.end(), [this](const lane* l) { return may_begin(*l); });
  if (at == o.turn.end())
    return false;
  o.turn.splice(o.turn.end(), o.turn, o.turn.begin(), at); // who may not go yet need not be asked first the next time
  auto& l = **at;
  auto next = std::move(l.waiting.front());
  l.waiting.pop_front();
  if (l.waiting.empty())
    o.turn.erase(at);
  else
    o.turn.splice(o.turn.end(), o.turn, at);
  if (o.turn.empty()) // it stands at the end of the list: see `serve_waiting`
    turn_.pop_back();
  start(l, std::move(next));
  return true;
}

/// Until a whole round finds nobody who can go on.
void client_worker::serve_waiting() {
  auto left = turn_.size();
  while (left != 0 && has_room()) {
    auto& o = *turn_.front();
    turn_.splice(turn_.end(), turn_, turn_.begin());
    left = serve_one_of(o) ? turn_.size() : left - 1;
  }
}

/// Not at once: a thousand waiting for an address that is refused would be a thousand calls deep.
void client_worker::serve_waiting_later() {
  if (serving_later_ || ended_ || turn_.empty())
    return;
  serving_later_ = true;
  net::post(io_, [this] {
    serving_later_ = false;
    serve_waiting();
  });
}

/// `who` has no exchange any more.
void client_worker::settle(channel& who) {
  auto* l = std::exchange(who.serves, nullptr);
  if (l == nullptr)
    return;
  --l->busy, --l->of.busy, --busy_;
  if (l->busy != 0 || !l->waiting.empty())
    return;
  auto& o = l->of;
  l->to.lanes.erase(l->to.lanes.find(o.name));
  if (--o.lanes == 0)
    owners_.erase(owners_.find(o.name));
}

void client_worker::release(const boost::intrusive_ptr<channel>& who) {
  settle(*who);
  auto& of = who->of();
  if (ended_ || (turn_.empty() && of.idle.size() >= shared_->options.idle_per_origin))
    return who->close();
  who->rest(coarse_now() + shared_->options.idle_time.count());
  of.idle.push_back(who);
  idle_.splice(idle_.end(), who->idle_link);
  if (!turn_.empty())
    serve_waiting();
  const bool still_idle = who->idle_link.empty();
  if (still_idle && of.idle.size() > shared_->options.idle_per_origin)
    who->close();
  else if (idle_.size() > shared_->options.idle_in_all)
    idle_.front()->close();
}

/// Takes `who` off the idle list, if it is on it.
void client_worker::rouse(channel& who) {
  if (who.idle_link.empty())
    who.idle_link.splice(who.idle_link.end(), idle_, who.idle_at);
}

void client_worker::closed(channel& who) {
  auto& of = who.of();
  --of.open;
  rouse(who);
  std::erase_if(of.idle, [&](const auto& c) { return c.get() == &who; });
  auto place = who.place;
  if (place + 1 != channels_.size()) {
    channels_[place] = channels_.back();
    channels_[place]->place = place;
  }
  channels_.pop_back();
  settle(who);
  erase_if_unused(of);
  serve_waiting_later();
}

void client_worker::erase_if_unused(origin& o) {
  if (o.open == 0 && o.lanes.empty())
    origins_.erase(std::string{o.key});
}

// -- names --------------------------------------------------------------------------

void client_worker::resolve(const std::string& host, boost::intrusive_ptr<channel> who) {
  auto& askers = resolving_[host];
  askers.push_back(std::move(who));
  if (askers.size() > 1) // the question has been asked
    return;
  shared_->names->resolve(host, [self = shared_from_this(), host](resolved addresses) {
    letter l;
    l.host = host;
    l.addresses = std::move(addresses);
    self->push(std::move(l));
  });
}

void client_worker::on_resolved(const std::string& host, const resolved& addresses) {
  auto askers = std::move(resolving_[host]);
  resolving_.erase(host);
  for (auto& who : askers)
    who->on_resolved(addresses);
}

// -- TLS ----------------------------------------------------------------------------

tl::expected<tls_context, std::string> tls_contexts::of(const client_options& options, const std::string& owner, const transport& way, const tls_context& common) {
  auto key = way.tls_key() + owner;
  if (auto known = by_key_.find(key); known != by_key_.end()) {
    used_.splice(used_.begin(), used_, known->second);
    return known->second->context;
  }
  auto made = client_tls(options, way.tls(), common);
  if (!made)
    return made;
  used_.push_front({std::move(key), *made});
  by_key_.emplace(used_.front().key, used_.begin());
  if (used_.size() > most) {
    by_key_.erase(used_.back().key);
    used_.pop_back();
  }
  return made;
}

tl::expected<tls_context, std::string> client_worker::tls_for(const exchange& what) {
  if (what.way && !what.way->tls().empty())
    return tls_.of(shared_->options, what.owner, *what.way, shared_->tls);
  if (!shared_->tls)
    return tl::unexpected<std::string>{shared_->tls_problem};
  return shared_->tls;
}

// -- deadlines and the end ------------------------------------------------------------

void client_worker::look_at_deadlines() {
  auto now = coarse_now();
  auto next = never;
  auto all = channels_; // a deadline may close any of them
  for (auto& c : all) {
    if (c->due() <= now)
      c->on_due(now);
    next = std::min(next, c->due());
  }
  if (next != never)
    want(next);
}

void client_worker::cancel_all() {
  ended_ = true;
  std::vector<job_ptr> waiting;
  for (auto& [key, o] : origins_) {
    for (auto& [name, l] : o->lanes) {
      for (auto& j : l.waiting)
        waiting.push_back(std::move(j));
      l.waiting.clear();
    }
  }
  for (auto& [name, o] : owners_)
    o->turn.clear();
  turn_.clear();
  auto all = channels_;
  for (auto& c : all)
    c->fail(transport_error::cancelled, "the client was stopped");
  for (auto& j : waiting)
    finish(*shared_, *j, transport_error::cancelled, "the client was stopped");
  resolving_.clear();
}

void client_worker::end() {
  inbox_.close();
  net::post(io_, [this] {
    deliver(); // what was pushed before the inbox closed begins, and is cancelled with the rest
    cancel_all();
    deadlines_.cancel();
    alive_.reset();
  });
  if (thread_.joinable())
    thread_.join();
}

} // namespace hourglass::http
