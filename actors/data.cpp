#include "actors/children.hpp"
#include "actors/deciding.hpp"
#include "actors/snapshot_job.hpp"
#include "mock/forward.hpp"

#include <stdexcept>

namespace hourglass::actors {

namespace {

constexpr std::size_t most_written_here = 1 * limits::mebi; ///< of data; it takes about a millisecond, and requests wait

} // namespace

data_actor::data_actor(caf::actor_config& cfg, environment& env, events::sandbox_id id, mock::data_state state, caf::actor sandbox,
                       std::uint32_t generation)
  : caf::event_based_actor(cfg),
    env_(env),
    id_(id),
    state_(std::make_shared<mock::data_state>(std::move(state))),
    sandbox_(std::move(sandbox)),
    generation_(generation) {
}

caf::behavior data_actor::make_behavior() {
  return {
    [this](const serve_request& m) { take(m); },
    [this](const propose& m) { take(m); }, // the endpoint actor's, in its place among ours
    [this](const do_change& m) { take(m); },
    [this](const give_snapshot& m) { take(m); },
    [this](const script_done& m) { on_script_done(m); },
    [this](const placed& m) { on_placed(m); },
    [this](const tick&) {
      going_on_ = false;
      go_on();
    },
    [](const crash_child&) { throw std::runtime_error{"crashed on purpose"}; },
  };
}

void data_actor::do_now(const serve_request& m) {
  const auto& job = m.job;
  mock::meet_fate(job->plan, *state_, job->request, job->ctx.chance);
  if (auto first = mock::forward(job->plan, *state_, job->request, job->ctx, env_.redactor); !first.empty())
    return send(sandbox_, want_calls{job, std::make_shared<std::vector<mock::outbound_call>>(std::move(first))});
  if (job->plan.runs_script() && env_.options.scripts)
    return start_script(job);
  auto served = mock::render(job->plan, *state_, job->request, job->ctx, env_.redactor);
  apply_all(served.events);
  conclude(job, std::move(served));
}

void data_actor::do_now(const propose& m) {
  send(sandbox_, m);
}

void data_actor::do_now(const do_change& m) {
  auto p = decide_change<mock::data_command>(
    *state_, m.job, child::data, generation_,
    [this](events::kind kind, std::string_view payload) { return mock::apply(*state_, kind, payload); });
  if (p)
    send(sandbox_, propose{p});
}

void data_actor::do_now(const give_snapshot& m) {
  if (m.job->wants(replay::part::data)) {
    if (state_->bytes > most_written_here)
      m.job->fold = true;
    else
      m.job->what[replay::part::data] = mock::snapshot(*state_);
  }
  send(sandbox_, m);
}

void data_actor::apply_all(const std::vector<events::draft>& drafts) {
  for (const auto& d : drafts) {
    if (auto applied = mock::apply(*state_, d.kind, d.payload); !applied)
      throw std::logic_error{"a core cannot fold its own event: " + applied.error().detail};
  }
}

/// Its events are applied, unless it emits.
void data_actor::conclude(const request_ptr& job, mock::served served) {
  if (!served.wanted.empty()) // nothing has happened: others go on, and it is served again
    return send(sandbox_, want_calls{job, std::make_shared<std::vector<mock::outbound_call>>(std::move(served.wanted))});
  auto p = std::make_shared<proposal>();
  if (!served.emitted.empty())
    wait_for_place(*p, job, served);
  p->from = child::data;
  p->generation = generation_;
  auto& part = p->parts.emplace_back();
  part.ctx = job->ctx;
  part.drafts = std::move(served.events);
  part.request = job;
  part.response = std::move(served.response);
  part.emitted = std::move(served.emitted);
  part.delay = served.delay;
  send(sandbox_, propose{std::move(p)});
}

} // namespace hourglass::actors
