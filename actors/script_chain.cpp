#include "actors/script_chain.hpp"

#include <exception>
#include <utility>

namespace hourglass::actors {

script_chain::script_chain(std::shared_ptr<mock::script_engine> engine, const events::redactor& redact, std::string sandbox,
                           std::shared_ptr<mock::data_state> state, listener tell)
  : engine_(std::move(engine)), redact_(redact), sandbox_(std::move(sandbox)), state_(std::move(state)), tell_(std::move(tell)) {
}

bool script_chain::add(const request_ptr& job) {
  {
    std::lock_guard guard{mutex_};
    if (ended_)
      return false;
    waiting_.push_back(job);
    if (std::exchange(runs_, true))
      return true;
  }
  go_on();
  return true;
}

void script_chain::abandon(const events::error& why) {
  std::deque<request_ptr> all;
  {
    std::lock_guard guard{mutex_};
    ended_ = true;
    all.swap(waiting_);
    if (current_)
      all.push_front(std::exchange(current_, nullptr));
  }
  for (auto& job : all)
    job->answer(tl::unexpected<events::error>{why});
}

/// Until a run's outcome is to be waited for: whoever brings it goes on then. A loop, since an engine that refuses says so at once.
void script_chain::go_on() {
  try {
    while (start_next() && one_was_here_.exchange(true) && settle(outcome_)) {
    }
  } catch (const std::exception& e) { // no memory, as a rule: how far the state was folded nobody knows
    break_off(e.what());
  }
}

/// False: the chain has ended.
bool script_chain::start_next() {
  for (;;) {
    request_ptr job;
    {
      std::lock_guard guard{mutex_};
      if (waiting_.empty() || ended_)
        break;
      job = current_ = std::move(waiting_.front());
      waiting_.pop_front();
    }
    run_ = std::make_shared<mock::handler_run>(std::shared_ptr<const mock::plan>{job, &job->plan}, state_,
                                               std::shared_ptr<const mock::request>{job, &job->request}, job->ctx, sandbox_, redact_);
    one_was_here_ = false;
    auto task = mock::handler_run::task(run_);
    if (!task) {
      if (!settle(mock::not_run(task.error())))
        return false;
      continue;
    }
    engine_->run(std::move(*task), [self = shared_from_this()](mock::script_outcome o) {
      self->outcome_ = std::move(o);
      if (!self->one_was_here_.exchange(true))
        return; // whoever started it is not back yet
      try {
        if (!self->settle(self->outcome_))
          return;
      } catch (const std::exception& e) {
        return self->break_off(e.what());
      }
      self->go_on();
    });
    return true;
  }
  return false;
}

/// Folds what has come of the current request and tells it. False: the chain has ended.
bool script_chain::settle(const mock::script_outcome& outcome) {
  auto served = run_->finish(outcome);
  run_.reset(); // it may not see what its own changes make of the state
  script_news news;
  const bool emits = served && !served->emitted.empty();
  if (served && !emits)
    for (const auto& d : served->events)
      if (auto applied = mock::apply(*state_, d.kind, d.payload); !applied)
        news.broken = "a core cannot fold its own event: " + applied.error().detail;
  {
    std::lock_guard guard{mutex_};
    news.job = std::exchange(current_, nullptr);
    if (!news.job) // abandoned
      return false;
    if (emits || waiting_.empty() || !news.broken.empty()) {
      news.ended = ended_ = true;
      news.left.swap(waiting_);
    }
  }
  const bool ended = news.ended;
  if (served)
    news.served = std::move(*served);
  else
    std::exchange(news.job, nullptr)->answer(tl::unexpected<events::error>{std::move(served).error()});
  if (news.job || ended)
    tell_(std::move(news));
  return !ended;
}

void script_chain::break_off(const char* why) {
  script_news news;
  {
    std::lock_guard guard{mutex_};
    current_ = nullptr;
    if (std::exchange(ended_, true))
      return;
    news.left.swap(waiting_);
  }
  news.ended = true;
  news.broken = why;
  tell_(std::move(news));
}

} // namespace hourglass::actors
