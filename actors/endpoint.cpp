#include "actors/children.hpp"
#include "actors/deciding.hpp"
#include "actors/snapshot_job.hpp"

#include <stdexcept>

namespace hourglass::actors {

namespace {

constexpr std::size_t most_written_here = 1'000; ///< endpoints; it takes about a millisecond, and requests wait

} // namespace

endpoint_actor::endpoint_actor(caf::actor_config& cfg, mock::endpoint_state state, caf::actor data, std::uint32_t generation)
  : caf::event_based_actor(cfg), state_(std::move(state)), data_(std::move(data)), generation_(generation) {
}

caf::behavior endpoint_actor::make_behavior() {
  return {
    [this](const serve_request& m) {
      m.job->plan = mock::route(state_, m.job->request);
      send(data_, m);
    },
    [this](const do_change& m) {
      auto p = decide_change<mock::endpoint_command>(
        state_, m.job, child::endpoint, generation_,
        [this](events::kind kind, std::string_view payload) { return mock::apply(state_, kind, payload); });
      if (p)
        send(data_, propose{p});
    },
    [this](const give_snapshot& m) {
      if (m.job->wants(replay::part::endpoints)) {
        if (state_.size() > most_written_here)
          m.job->fold = true;
        else
          m.job->what[replay::part::endpoints] = mock::snapshot(state_);
      }
      send(data_, m);
    },
    [](const crash_child&) { throw std::runtime_error{"crashed on purpose"}; },
  };
}

void endpoint_actor::on_exit() {
  data_ = nullptr;
}

} // namespace hourglass::actors
