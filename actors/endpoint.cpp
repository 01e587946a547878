#include "actors/children.hpp"
#include "actors/deciding.hpp"

#include <stdexcept>

namespace hourglass::actors {

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
    [](const crash_child&) { throw std::runtime_error{"crashed on purpose"}; },
  };
}

void endpoint_actor::on_exit() {
  data_ = nullptr;
}

} // namespace hourglass::actors
