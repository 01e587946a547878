#include "api/tail.hpp"

#include "actors/node.hpp"
#include "api/alarm.hpp"
#include "api/history.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace hourglass::api {

namespace {

/// Between two reads of one subscriber's backlog, and how much one read brings: about 5 MB/s, less than `event_stream` holds.
constexpr std::chrono::milliseconds catch_up_pause{100};
constexpr storage::read_budget catch_up_step{1'000, 512 * 1024};
constexpr std::chrono::seconds heartbeat{15};

struct subscriber {
  events::seq next = 1;
  std::set<events::kind> kinds;
  std::shared_ptr<http::event_stream> to;
};

struct stream {
  std::vector<std::shared_ptr<subscriber>> heard_by;
  events::seq last = 0;   ///< committed, as far as we were told
  bool reading = false;   ///< a read is queued or under way
};

} // namespace

struct tail_hub::impl : std::enable_shared_from_this<impl> {
  commit_waiters waiters;
  mutable std::mutex lock;
  std::atomic<std::size_t> count{0};
  std::unordered_map<events::sandbox_id, stream> streams;
  actors::node* node = nullptr;
  alarm* pace = nullptr;
  bool stopped = false;

  /// With the lock held.
  void schedule(const events::sandbox_id& sandbox, stream& of) {
    if (of.reading || stopped || !node)
      return;
    of.reading = true;
    node->post([self = shared_from_this(), sandbox] { self->read(sandbox); });
  }

  /// On a reader thread: one step for every subscriber of the sandbox.
  void read(const events::sandbox_id& sandbox) {
    std::vector<std::shared_ptr<subscriber>> now;
    events::seq last = 0;
    {
      std::lock_guard held{lock};
      auto it = streams.find(sandbox);
      if (it == streams.end() || stopped)
        return;
      now = it->second.heard_by;
      last = it->second.last;
    }
    bool behind = false;
    for (auto& s : now)
      if (s->next <= last)
        behind |= feed(sandbox, *s, last);
    std::lock_guard held{lock};
    auto it = streams.find(sandbox);
    if (it == streams.end())
      return;
    it->second.reading = false;
    forget_closed(it->second);
    if (it->second.heard_by.empty()) {
      streams.erase(it);
      return;
    }
    // Somebody may have come, or something been committed, while we read.
    auto more = std::any_of(it->second.heard_by.begin(), it->second.heard_by.end(),
                            [&](const auto& s) { return s->next <= it->second.last; });
    if (behind) {
      it->second.reading = true;
      pace->after(catch_up_pause, [self = shared_from_this(), sandbox] { self->resume(sandbox); });
    } else if (more) {
      schedule(sandbox, it->second);
    }
  }

  void resume(const events::sandbox_id& sandbox) {
    std::lock_guard held{lock};
    auto it = streams.find(sandbox);
    if (it == streams.end())
      return;
    it->second.reading = false;
    schedule(sandbox, it->second);
  }

  /// True when more waits. Only one thread feeds a sandbox at a time (`reading`).
  bool feed(const events::sandbox_id& sandbox, subscriber& s, events::seq last) {
    auto records = node->store().read(sandbox, s.next, catch_up_step);
    if (!records) {
      s.to->close();
      return false;
    }
    if (records->empty() && s.next <= last) { // the sandbox was deleted, and its stream pruned meanwhile
      s.to->send({}, events::to_string(events::kind::sandbox_pruned), "{}");
      s.to->close();
      return false;
    }
    for (auto& r : *records) {
      s.next = r.header.seq + 1;
      const bool last_of_all = r.header.kind == events::kind::sandbox_deleted;
      if (!s.kinds.empty() && !s.kinds.contains(r.header.kind)) {
        if (last_of_all)
          s.to->close();
        continue;
      }
      const bool sent = s.to->send(std::to_string(r.header.seq), events::to_string(r.header.kind), history_json(r));
      if (last_of_all)
        s.to->close();
      if (!sent)
        return false;
    }
    return s.next <= last && s.to->open();
  }

  void forget_closed(stream& of) {
    auto gone = std::erase_if(of.heard_by, [](const auto& s) { return !s->to->open(); });
    count.fetch_sub(gone, std::memory_order_relaxed);
  }

  /// Tells proxies that the connection lives, and us when it does not.
  void beat() {
    std::lock_guard held{lock};
    if (stopped)
      return;
    for (auto it = streams.begin(); it != streams.end();) {
      for (auto& s : it->second.heard_by)
        s->to->send({}, "heartbeat", "{}");
      forget_closed(it->second);
      it = it->second.heard_by.empty() && !it->second.reading ? streams.erase(it) : std::next(it);
    }
    pace->after(heartbeat, [self = weak_from_this()] {
      if (auto alive = self.lock())
        alive->beat();
    });
  }
};

tail_hub::tail_hub() : self_(std::make_shared<impl>()) {}

tail_hub::~tail_hub() {
  stop();
}

void tail_hub::committed(const events::sandbox_id& sandbox, events::seq last) noexcept {
  self_->waiters.committed(sandbox);
  // Pairs with `subscribe`: either we see the subscriber, or it sees our commit in the store.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (self_->count.load(std::memory_order_seq_cst) == 0)
    return;
  std::lock_guard held{self_->lock};
  auto it = self_->streams.find(sandbox);
  if (it == self_->streams.end())
    return;
  it->second.last = std::max(it->second.last, last);
  self_->schedule(sandbox, it->second);
}

void tail_hub::start(actors::node& node, alarm& pace) {
  {
    std::lock_guard held{self_->lock};
    self_->node = &node;
    self_->pace = &pace;
  }
  self_->beat();
}

void tail_hub::stop() {
  self_->waiters.stop();
  std::lock_guard held{self_->lock};
  self_->stopped = true;
  for (auto& [id, of] : self_->streams)
    for (auto& s : of.heard_by)
      s->to->close();
  self_->streams.clear();
  self_->count = 0;
}

void tail_hub::subscribe(const events::sandbox_id& sandbox, events::seq after, std::set<events::kind> kinds,
                         std::shared_ptr<http::event_stream> to) {
  std::lock_guard held{self_->lock};
  if (self_->stopped || !self_->node) {
    to->close();
    return;
  }
  auto& of = self_->streams[sandbox];
  of.heard_by.push_back(std::make_shared<subscriber>(subscriber{after + 1, std::move(kinds), std::move(to)}));
  // From here on `committed` tells us; what came before it is found by asking the store once.
  self_->count.fetch_add(1, std::memory_order_seq_cst);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  auto head = self_->node->store().head(sandbox);
  if (head && *head)
    of.last = std::max(of.last, (*head)->seq);
  self_->schedule(sandbox, of);
}

commit_waiters& tail_hub::waiters() noexcept {
  return self_->waiters;
}

std::size_t tail_hub::subscribers() const {
  return self_->count.load(std::memory_order_relaxed);
}

} // namespace hourglass::api
