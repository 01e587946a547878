#include "api/script_gate.hpp"

#include "mock/script_limits.hpp"

#include <string>

namespace hourglass::api {

script_gate::script_gate() : places_(std::make_shared<places>()) {}

events::outcome<script_gate::ticket> script_gate::enter(const events::sandbox_id& sandbox) {
  auto full = [](std::string_view of, std::string_view limit, std::size_t most) {
    return events::failure(events::errc::overloaded, "too many trials and replays of scripts are under way " + std::string{of} + " (" + std::string{limit} + ", " +
                                                       std::to_string(most) + ")");
  };
  {
    std::lock_guard guard{places_->mutex};
    if (places_->all >= limits::scripts_apart)
      return full("on this server", "scripts_apart", limits::scripts_apart);
    auto& mine = places_->of[sandbox];
    if (mine >= limits::scripts_apart_per_sandbox)
      return full("in this sandbox", "scripts_apart_per_sandbox", limits::scripts_apart_per_sandbox);
    ++mine;
    ++places_->all;
  }
  return ticket{this, [places = places_, sandbox](void*) {
                  std::lock_guard leaving{places->mutex};
                  --places->all;
                  if (auto at = places->of.find(sandbox); --at->second == 0)
                    places->of.erase(at);
                }};
}

} // namespace hourglass::api
