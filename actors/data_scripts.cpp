#include "actors/children.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

// The data actor while a script runs: what must wait, and how it goes on.
namespace hourglass::actors {

namespace {

constexpr std::size_t most_at_once = 64; ///< of what has waited; others want the thread too

} // namespace

void data_actor::take(work w) {
  if (is_held() || !held_.empty()) {
    held_.push_back(std::move(w));
    return;
  }
  std::visit([this](const auto& m) { do_now(m); }, w);
}

void data_actor::go_on() {
  for (std::size_t n = 0; n < most_at_once && !is_held() && !held_.empty(); ++n) {
    auto w = std::move(held_.front());
    held_.pop_front();
    std::visit([this](const auto& m) { do_now(m); }, w);
  }
  if (!is_held() && !held_.empty() && !std::exchange(going_on_, true))
    send(this, tick{});
}

/// Never waits: the outcome comes as a message. The script and the engine hold what they read, also when this actor is gone.
void data_actor::start_script(const request_ptr& job) {
  scripted_ = job;
  run_ = std::make_shared<mock::handler_run>(std::shared_ptr<const mock::plan>{job, &job->plan}, state_,
                                             std::shared_ptr<const mock::request>{job, &job->request}, job->ctx, id_.to_string(), env_.redactor);
  ++runs_;
  auto task = mock::handler_run::task(run_);
  if (!task)
    return send(this, script_done{runs_, std::make_shared<mock::script_outcome>(mock::not_run(task.error()))});
  auto self = caf::actor_cast<caf::weak_actor_ptr>(caf::strong_actor_ptr{ctrl()});
  env_.options.scripts->run(std::move(*task), [self, number = runs_](mock::script_outcome o) {
    if (auto strong = self.lock())
      caf::anon_send(caf::actor_cast<caf::actor>(strong), script_done{number, std::make_shared<mock::script_outcome>(std::move(o))});
  });
}

void data_actor::on_script_done(const script_done& m) {
  if (!run_ || m.number != runs_)
    return;
  auto run = std::exchange(run_, nullptr);
  auto job = std::exchange(scripted_, nullptr);
  auto served = run->finish(*m.outcome);
  run.reset(); // it may not see what its own changes make of the state
  if (served)
    conclude(job, std::move(*served));
  else
    job->answer(tl::unexpected<events::error>{std::move(served).error()});
  go_on();
}

/// Whether the outbox takes what the script emits is not known yet: nothing is changed before it has said so.
void data_actor::wait_for_place(proposal& p, const mock::served& served) {
  placing_ = true;
  std::copy_if(served.events.begin(), served.events.end(), std::back_inserter(unplaced_),
               [](const events::draft& d) { return d.kind != events::kind::request_served; });
  auto self = caf::actor_cast<caf::weak_actor_ptr>(caf::strong_actor_ptr{ctrl()});
  p.place = std::make_unique<placement>([self, number = runs_](bool yes) {
    if (auto strong = self.lock())
      caf::anon_send(caf::actor_cast<caf::actor>(strong), placed{number, yes});
  });
}

void data_actor::on_placed(const placed& m) {
  if (!placing_ || m.number != runs_)
    return;
  placing_ = false;
  const auto changes = std::exchange(unplaced_, {});
  if (m.yes)
    apply_all(changes);
  go_on();
}

/// Whoever waits is told now, and not when the engine lets go of the script.
void data_actor::on_exit() {
  if (auto job = std::exchange(scripted_, nullptr))
    job->answer(events::failure(events::errc::abandoned, "the sandbox was rebuilt from its log meanwhile; nothing was changed"));
  run_ = nullptr;
  held_.clear();
  sandbox_ = nullptr;
}

} // namespace hourglass::actors
