#include "actors/sandbox.hpp"

#include <mutex>
#include <optional>

// What a request's script wants beside its answer: that it be late, and webhooks.
//
// Webhooks that a request's script emits: the outbox decides about them when the request has its place in the stream, and the request is answered
// when both are durable. If one of them is not, the caller learns why, although the log has his request as served.
namespace hourglass::actors {

namespace {

/// Several must arrive before one is told. Any thread.
class together {
public:
  together(std::size_t expected, on_answer then) : missing_(expected), then_(std::move(then)) {}

  void answer(events::outcome<mock::response> r) {
    if (r)
      arrive([&] { response_ = std::move(*r); });
    else
      fail(std::move(r).error());
  }
  void message(const events::outcome<receipt>& r) {
    if (r)
      arrive([] {});
    else
      fail({r.error().code == events::errc::invalid ? events::errc::internal : r.error().code, "a webhook of the script: " + r.error().detail, {}});
  }

private:
  template <class Note>
  void arrive(Note note) {
    on_answer tell;
    {
      std::lock_guard guard{mutex_};
      note();
      if (--missing_ != 0)
        return;
      tell = std::exchange(then_, nullptr);
    }
    if (!tell)
      return;
    if (why_)
      tell(tl::unexpected<events::error>{std::move(*why_)});
    else
      tell(std::move(response_));
  }
  void fail(events::error why) {
    arrive([&] {
      if (!why_)
        why_ = std::move(why);
    });
  }

  std::mutex mutex_;
  std::size_t missing_;
  on_answer then_;
  mock::response response_;
  std::optional<events::error> why_;
};

} // namespace

/// Chaos: what is ready and durable is held back, and keeps the sandbox awake.
void sandbox_actor::answer_later(proposal::part& part) {
  auto self = caf::actor_cast<caf::weak_actor_ptr>(caf::strong_actor_ptr{ctrl()});
  auto inside = std::make_shared<hold>(hold::follow(door_));
  part.request->done = [self, delay = part.delay, inside, done = std::move(part.request->done)](events::outcome<mock::response> r) {
    auto give = std::make_shared<std::function<void()>>([inside, done, r = std::move(r)]() mutable {
      done(std::move(r));
      inside->release();
    });
    if (auto strong = self.lock())
      caf::delayed_anon_send(caf::actor_cast<caf::actor>(strong), delay, late_answer{std::move(give)});
    else
      (*give)();
  };
}

void sandbox_actor::emit_with(proposal::part& part) {
  auto all = std::make_shared<together>(part.emitted.size() + 1, std::move(part.request->done));
  part.request->done = [all](events::outcome<mock::response> r) { all->answer(std::move(r)); };
  for (auto& e : part.emitted) {
    auto job = std::make_shared<change_job>();
    webhook::create_message what;
    what.event_type = std::move(e.type);
    what.payload = std::move(e.payload);
    job->what = command{webhook::command{std::move(what)}};
    job->ctx.principal = part.ctx.principal;
    job->ctx.correlation = part.ctx.correlation;
    job->done = [all](const events::outcome<receipt>& r) { all->message(r); };
    job->inside = hold::follow(door_);
    part.messages.push_back(std::move(job));
  }
  part.emitted.clear();
}

} // namespace hourglass::actors
