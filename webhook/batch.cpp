#include "webhook/batch.hpp"

#include "webhook/outbox_impl.hpp"

#include <algorithm>
#include <utility>

namespace hourglass::webhook {

bool batch::add_message() noexcept {
  empty_ = empty_ && !open_;
  return open_;
}

bool batch::add_other() noexcept {
  open_ = false;
  return std::exchange(empty_, false);
}

bool batch::add_result(const outbox_state& state, fencing_token token) {
  if (!open_)
    return false;
  empty_ = false;
  const auto& s = state.self();
  const auto flown = s.flights.find(token);
  const auto lane = flown == s.flights.end() ? s.lanes.end() : s.lanes.find(flown->second.lane);
  if (lane == s.lanes.end() || (!lane->second.guarded() && lane->second.in_batch.empty()))
    return true;
  if (std::find(guarded_.begin(), guarded_.end(), lane->first) != guarded_.end())
    return false;
  guarded_.push_back(lane->first);
  return true;
}

void batch::decided(const decision& d) {
  open_ = open_ && std::all_of(d.facts.begin(), d.facts.end(), [](const fact& f) {
            const auto* m = std::get_if<message_created>(&f);
            return m != nullptr ? !m->operational : std::holds_alternative<attempt_finished>(f);
          });
}

} // namespace hourglass::webhook
