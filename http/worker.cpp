#include "http/worker.hpp"

#include "http/connection.hpp"

#include <unistd.h>

namespace hourglass::http {

namespace {

thread_local const worker* this_thread = nullptr;

/// How exact deadlines are: a tenth of the shortest, between 5 and 250 ms.
std::int64_t grain_of(const server_options& o) {
  auto shortest = std::min({o.header_time, o.body_time, o.idle_time, o.write_time});
  return std::clamp<std::int64_t>(shortest.count() / 10, 5, 250);
}

} // namespace

worker::worker(std::shared_ptr<server_shared> shared) : shared_(std::move(shared)), deadlines_(io_, grain_of(shared_->options)) {}

worker::~worker() = default;

void worker::start() {
  thread_ = std::thread{[this] {
    this_thread = this;
    io_.run();
  }};
}

bool worker::on_own_thread() const noexcept { return this_thread == this; }

void worker::post(letter&& l) {
  switch (inbox_.push(std::move(l))) {
  case inbox<letter>::pushed::first:
    net::post(io_, [this] { deliver(); });
    return;
  case inbox<letter>::pushed::later:
    return;
  case inbox<letter>::pushed::closed:
    lose(l); // a closed inbox has not taken it
    return;
  }
}

/// Nobody is there to take `l`.
void worker::lose(letter& l) {
  if (l.socket >= 0) {
    ::close(std::exchange(l.socket, -1));
    one_less();
  }
  if (l.stream) {
    std::lock_guard lock{l.stream->mutex};
    l.stream->open = false;
    l.stream->waiting.clear();
  }
}

void worker::deliver() {
  inbox_.drain(delivering_);
  for (auto& l : delivering_)
    deliver_one(l);
  delivering_.clear();
}

void worker::deliver_one(letter& l) {
  if (l.what == letter::about::adopt)
    return adopt(l);
  if (l.to.slot >= slots_.size() || !slots_[l.to.slot])
    return lose(l);
  auto who = slots_[l.to.slot];
  switch (l.what) {
  case letter::about::answer:
    if (!who->waits_for(l.to))
      return;
    who->answer(std::move(l.answer), std::move(l.held));
    break;
  case letter::about::open_stream:
    if (!who->waits_for(l.to))
      return lose(l);
    who->open_stream(std::move(l.stream), std::move(l.answer), std::move(l.held));
    break;
  case letter::about::flush_stream:
    if (who->streams_for(l.to))
      who->hear_stream();
    return;
  case letter::about::adopt:
    return;
  }
  who->pump();
}

void worker::adopt(letter& l) {
  if (stopping())
    return lose(l);
  auto socket = std::exchange(l.socket, -1);
  std::uint32_t slot;
  if (free_.empty()) {
    slot = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  boost::intrusive_ptr<connection> who{new connection{*this, slot, socket, l.v6, std::move(l.peer)}};
  slots_[slot] = who;
  worker_counters::add(counters_.accepted);
  who->start();
}

void worker::remove(std::uint32_t slot) {
  slots_[slot].reset();
  free_.push_back(slot);
  one_less();
}

void worker::one_less() {
  if (counters_.open.fetch_sub(1, std::memory_order_acq_rel) != 1)
    return;
  std::lock_guard lock{shared_->mutex}; // `stop` may be waiting for this
  shared_->drained.notify_all();
}

void worker::want(std::int64_t due_ms) {
  deadlines_.want(due_ms, [this] { look_at_deadlines(); });
}

void worker::look_at_deadlines() {
  auto now = coarse_now();
  auto next = never;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    auto who = slots_[i];
    if (!who)
      continue;
    if (who->due() <= now)
      who->on_due(now);
    if (slots_[i])
      next = std::min(next, slots_[i]->due());
  }
  if (next != never)
    want(next);
}

void worker::begin_stop() {
  net::post(io_, [this] {
    for (std::size_t i = 0; i < slots_.size(); ++i)
      if (auto who = slots_[i])
        who->stop_when_idle();
    std::lock_guard lock{shared_->mutex};
    shared_->drained.notify_all();
  });
}

void worker::close_all() {
  for (std::size_t i = 0; i < slots_.size(); ++i)
    if (auto who = slots_[i])
      who->close();
}

void worker::end() {
  inbox_.close();
  net::post(io_, [this] {
    deliver(); // sockets that were handed over and never adopted
    close_all();
    deadlines_.cancel();
    alive_.reset(); // the cancelled operations run out, and with them the thread
  });
  if (thread_.joinable())
    thread_.join();
}

server_counters worker::snapshot() const {
  server_counters c;
  c.accepted = counters_.accepted.load(std::memory_order_relaxed);
  c.open = counters_.open.load(std::memory_order_relaxed);
  c.requests = counters_.requests.load(std::memory_order_relaxed);
  c.refused_credit = counters_.refused_credit.load(std::memory_order_relaxed);
  c.malformed = counters_.malformed.load(std::memory_order_relaxed);
  c.timeouts = counters_.timeouts.load(std::memory_order_relaxed);
  return c;
}

} // namespace hourglass::http
