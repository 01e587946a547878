#include "http/client_worker.hpp"

#include "http/channel.hpp"

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

client_worker::client_worker(std::shared_ptr<client_shared> shared) : shared_(std::move(shared)), deadlines_(io_, grain_ms) {}
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
  auto& place = origins_[j->origin];
  if (!place) {
    place = std::make_unique<origin>();
    place->key = j->origin;
  }
  auto& to = *place;
  if (!to.idle.empty()) {
    auto kept = std::move(to.idle.back());
    to.idle.pop_back();
    rouse(*kept);
    kept->carry(std::move(j));
  } else if (to.open < std::max<std::size_t>(1, shared_->options.connections_per_origin)) {
    dial(to, std::move(j));
  } else {
    want(j->deadline_ms);
    to.waiting.push_back(std::move(j));
  }
}

void client_worker::dial(origin& to, job_ptr j) {
  boost::intrusive_ptr<channel> fresh{new channel{*this, to}};
  ++to.open;
  fresh->place = channels_.size();
  channels_.push_back(fresh);
  fresh->dial(std::move(j));
}

void client_worker::dial_again(job_ptr j) {
  auto& place = origins_[j->origin];
  if (!place) {
    place = std::make_unique<origin>();
    place->key = j->origin;
  }
  dial(*place, std::move(j)); // one connection has just closed, so there is room, or nearly
}

void client_worker::release(const boost::intrusive_ptr<channel>& who) {
  auto& of = who->of();
  if (!of.waiting.empty()) {
    auto next = std::move(of.waiting.front());
    of.waiting.pop_front();
    return who->carry(std::move(next));
  }
  if (ended_ || of.idle.size() >= shared_->options.idle_per_origin)
    return who->close();
  who->rest(coarse_now() + shared_->options.idle_time.count());
  of.idle.push_back(who);
  idle_.splice(idle_.end(), who->idle_link);
  if (idle_.size() > shared_->options.idle_in_all)
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
  if (of.waiting.empty())
    erase_if_unused(of);
  else if (!ended_) // not from here: a thousand waiting for an address that is refused would be a thousand calls deep
    net::post(io_, [this, key = of.key] { serve_waiting(key); });
}

void client_worker::serve_waiting(const std::string& key) {
  auto at = origins_.find(key);
  if (at == origins_.end())
    return;
  auto& to = *at->second;
  if (to.waiting.empty() || to.open >= std::max<std::size_t>(1, shared_->options.connections_per_origin))
    return;
  auto next = std::move(to.waiting.front());
  to.waiting.pop_front();
  dial(to, std::move(next));
}

void client_worker::erase_if_unused(origin& o) {
  if (o.open == 0 && o.waiting.empty())
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
  std::vector<job_ptr> late;
  for (auto at = origins_.begin(); at != origins_.end();) {
    auto& o = *(at++)->second;
    for (auto j = o.waiting.begin(); j != o.waiting.end();) {
      if ((*j)->deadline_ms <= now) {
        late.push_back(std::move(*j));
        j = o.waiting.erase(j);
      } else {
        next = std::min(next, (*j++)->deadline_ms);
      }
    }
    erase_if_unused(o);
  }
  for (auto& j : late) {
    j->result.spent.queue_us = steady_us() - j->asked_us;
    auto ms = std::to_string(j->what.deadline.count());
    finish(*shared_, *j, transport_error::timeout, "no connection was free within " + ms + " ms; the time ran out while waiting for one");
  }
  if (next != never)
    want(next);
}

void client_worker::cancel_all() {
  ended_ = true;
  std::vector<job_ptr> waiting;
  for (auto& [key, o] : origins_) {
    for (auto& j : o->waiting)
      waiting.push_back(std::move(j));
    o->waiting.clear();
  }
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
