#include "actors/children.hpp"
#include "actors/deciding.hpp"
#include "actors/snapshot_job.hpp"

#include <stdexcept>

namespace hourglass::actors {

namespace {

constexpr std::size_t most_written_here = 1 * limits::mebi; ///< of data; it takes about a millisecond, and requests wait

} // namespace

data_actor::data_actor(caf::actor_config& cfg, const events::redactor& redactor, mock::data_state state, caf::actor sandbox,
                       std::uint32_t generation)
  : caf::event_based_actor(cfg),
    redactor_(redactor),
    state_(std::move(state)),
    sandbox_(std::move(sandbox)),
    generation_(generation) {
}

caf::behavior data_actor::make_behavior() {
  return {
    [this](const serve_request& m) { serve(m.job); },
    [this](const propose& m) { send(sandbox_, m); }, // the endpoint actor's, in its place among ours
    [this](const do_change& m) {
      auto p = decide_change<mock::data_command>(
        state_, m.job, child::data, generation_,
        [this](events::kind kind, std::string_view payload) { return mock::apply(state_, kind, payload); });
      if (p)
        send(sandbox_, propose{p});
    },
    [this](const give_snapshot& m) {
      if (m.job->wants(replay::part::data)) {
        if (state_.bytes > most_written_here)
          m.job->fold = true;
        else
          m.job->what[replay::part::data] = mock::snapshot(state_);
      }
      send(sandbox_, m);
    },
    [](const crash_child&) { throw std::runtime_error{"crashed on purpose"}; },
  };
}

void data_actor::serve(const request_ptr& job) {
  auto served = mock::render(job->plan, state_, job->request, job->ctx, redactor_);
  for (const auto& d : served.events) {
    if (auto applied = mock::apply(state_, d.kind, d.payload); !applied)
      throw std::logic_error{"a core cannot fold its own event: " + applied.error().detail};
  }
  auto p = std::make_shared<proposal>();
  p->from = child::data;
  p->generation = generation_;
  auto& part = p->parts.emplace_back();
  part.ctx = job->ctx;
  part.drafts = std::move(served.events);
  part.request = job;
  part.response = std::move(served.response);
  send(sandbox_, propose{std::move(p)});
}

void data_actor::on_exit() {
  sandbox_ = nullptr;
}

} // namespace hourglass::actors
