#include "actors/script_chain.hpp"

#include "mock/scenario.hpp"

#include <chrono>
#include <exception>
#include <thread>
#include <utility>

namespace hourglass::actors {

namespace {

constexpr std::size_t longest_why = 256;

} // namespace

script_chain::script_chain(std::shared_ptr<mock::script_engine> engine, const events::redactor& redact, std::string sandbox,
                           std::shared_ptr<mock::data_state> state, listener tell)
  : engine_(std::move(engine)), redact_(redact), sandbox_(std::move(sandbox)), state_(std::move(state)), tell_(std::move(tell)),
    last_words_(std::make_shared<script_news>()) {
  last_words_->ended = true;
  last_words_->broken.reserve(longest_why);
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
    ended_ = all_is_said_ = true;
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
    while (start_next() && one_was_here_.exchange(true) && settle(finish_run())) {
    }
  } catch (const std::exception& e) { // no memory, as a rule: how far the state was folded nobody knows
    break_off(e.what());
  } catch (...) {
    break_off("an unknown exception");
  }
}

/// On the engine's thread, which is everybody's.
void script_chain::on_outcome(mock::script_outcome o) noexcept {
  outcome_ = std::move(o);
  if (!one_was_here_.exchange(true))
    return; // whoever started it is not back yet
  try {
    if (!settle(finish_run()))
      return;
  } catch (const std::exception& e) {
    return break_off(e.what());
  } catch (...) {
    return break_off("an unknown exception");
  }
  go_on();
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
    if (!std::exchange(first_, false))
      mock::meet_fate(job->plan, *state_, job->request, job->ctx.chance);
    if (!job->plan.runs_script()) { // a scenario or chaos answers instead of its script
      if (!settle(mock::render(job->plan, *state_, job->request, job->ctx, redact_)))
        return false;
      continue;
    }
    run_ = std::make_shared<mock::handler_run>(std::shared_ptr<const mock::plan>{job, &job->plan}, state_,
                                               std::shared_ptr<const mock::request>{job, &job->request}, job->ctx, sandbox_, redact_);
    one_was_here_ = false;
    auto task = mock::handler_run::task(run_);
    if (!task) {
      outcome_ = mock::not_run(task.error());
      if (!settle(finish_run()))
        return false;
      continue;
    }
    engine_->run(std::move(*task), [self = shared_from_this()](mock::script_outcome o) { self->on_outcome(std::move(o)); });
    return true;
  }
  return false;
}

events::outcome<mock::served> script_chain::finish_run() {
  auto served = run_->finish(outcome_);
  run_.reset(); // it may not see what its own changes make of the state
  return served;
}

/// Folds what has come of the current request and tells it. False: the chain has ended.
bool script_chain::settle(events::outcome<mock::served> served) {
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
    tell_(std::make_shared<script_news>(std::move(news)));
  if (ended) {
    std::lock_guard guard{mutex_};
    all_is_said_ = true;
  }
  return !ended;
}

/// Those that wait are the data actor's then, and go with it when it is rebuilt; nothing here needs memory but the telling, which is tried again.
void script_chain::break_off(const char* why) noexcept {
  request_ptr current; // answered, that its outcome is unknown, outside the lock
  {
    std::lock_guard guard{mutex_};
    current.swap(current_);
    ended_ = true;
    if (all_is_said_)
      return;
    last_words_->left.swap(waiting_);
    last_words_->broken.assign(std::string_view{why}.substr(0, longest_why));
  }
  current.reset();
  while (!tells_last_words())
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
}

/// False: they could not be told, and somebody waits for them.
bool script_chain::tells_last_words() noexcept {
  {
    std::lock_guard guard{mutex_};
    if (all_is_said_)
      return true;
  }
  try {
    tell_(last_words_);
  } catch (...) {
    return false;
  }
  std::lock_guard guard{mutex_};
  return all_is_said_ = true;
}

} // namespace hourglass::actors
