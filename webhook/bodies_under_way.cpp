#include "webhook/bodies_under_way.hpp"

#include <algorithm>

namespace hourglass::webhook {

body_room bodies_under_way::room_for(events::seq message, std::uint64_t bytes, std::uint64_t own, bool busy, std::uint64_t most) const {
  if (bytes_ == 0)
    return body_room::enough;
  const auto more = by_message_.contains(message) ? 0 : bytes;
  const auto left = most - std::min(most, bytes_);
  if (busy && own + bytes > left - std::min(left, more))
    return body_room::not_for_it;
  return more <= left ? body_room::enough : body_room::for_nobody;
}

void bodies_under_way::took(events::seq message, std::uint64_t bytes) {
  auto& b = by_message_[message];
  if (b.attempts++ == 0)
    bytes_ += b.bytes = bytes;
}

bool bodies_under_way::ended(events::seq message) {
  const auto at = by_message_.find(message);
  if (at == by_message_.end() || --at->second.attempts > 0)
    return false;
  bytes_ -= at->second.bytes;
  by_message_.erase(at);
  return true;
}

} // namespace hourglass::webhook
