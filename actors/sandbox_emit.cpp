#include "actors/sandbox.hpp"

// What a request's script wants beside its answer: that it be late, and webhooks.
namespace hourglass::actors {

/// An answer that is durable and held back. It is given once, at the latest when nobody holds it any more: a server that stops drops none.
class late_answer {
public:
  late_answer(on_answer done, events::outcome<mock::response> what, std::shared_ptr<hold> inside)
    : done_(std::move(done)), what_(std::move(what)), inside_(std::move(inside)) {}
  ~late_answer() {
    try {
      give();
    } catch (...) { // whoever was told has seen to himself
    }
  }
  late_answer(const late_answer&) = delete;
  late_answer& operator=(const late_answer&) = delete;

  void give() {
    if (auto done = std::exchange(done_, nullptr)) {
      done(std::move(what_));
      inside_->release();
    }
  }

private:
  on_answer done_;
  events::outcome<mock::response> what_;
  std::shared_ptr<hold> inside_;
};

/// Chaos: what is ready and durable is held back, keeps the sandbox awake, and counts as what the sandbox holds in memory. If that would be too much it
/// is given at once.
void sandbox_actor::answer_later(proposal::part& part) {
  auto self = caf::actor_cast<caf::weak_actor_ptr>(caf::strong_actor_ptr{ctrl()});
  auto inside = std::make_shared<hold>(hold::follow(door_));
  part.request->done = [self, delay = part.delay, most = env_.options.bytes_per_sandbox, inside, done = std::move(part.request->done)](events::outcome<mock::response> r) {
    if (!r || !inside->carry(r->body.size(), most)) {
      done(std::move(r));
      return inside->release();
    }
    auto late = std::make_shared<late_answer>(done, std::move(r), inside);
    if (auto strong = self.lock())
      caf::anon_send(caf::actor_cast<caf::actor>(strong), hold_back{std::move(late), delay});
  };
}

void sandbox_actor::on_hold_back(const hold_back& m) {
  if (env_.holds_nothing_back)
    return m.what->give();
  late_.emplace(++last_late_, m.what);
  delayed_send(this, m.delay, give_late{last_late_});
}

void sandbox_actor::on_give_late(const give_late& m) {
  if (m.number == 0) {
    end_delays();
    return late_.clear(); // their end gives them
  }
  if (auto at = late_.find(m.number); at != late_.end()) {
    at->second->give();
    late_.erase(at);
  }
}

/// The outbox decides about them first, on its own state; then they stand in the append of their request. So there is no crash between the two.
void sandbox_actor::ask_outbox(const proposal_ptr& p) {
  if (phase_ == phase::loading && !outbox_)
    return waiting_.emplace_back(p), void();
  if (!outbox_)
    return p->fail({events::errc::not_found, "no such sandbox", {}});
  p->pipeline = p->generation;
  p->from = child::outbox;
  p->generation = generation(child::outbox);
  send(outbox_, emit{p});
}

} // namespace hourglass::actors
