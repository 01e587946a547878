#include "actors/fresh_contents.hpp"

#include <utility>

namespace hourglass::actors {

void fresh_contents::keep(events::seq message, content_ptr content, std::size_t readers) {
  const auto weight = webhook::weight(*content);
  if (weight > most_)
    return;
  if (!kept_.try_emplace(message, entry{std::move(content), readers, weight}).second)
    return;
  bytes_ += weight;
  while (bytes_ > most_)
    forget(kept_.begin());
}

fresh_contents::content_ptr fresh_contents::take(events::seq message) {
  const auto i = kept_.find(message);
  if (i == kept_.end())
    return nullptr;
  auto content = i->second.what;
  if (--i->second.readers == 0)
    forget(i);
  return content;
}

void fresh_contents::drop(events::seq message) {
  if (const auto i = kept_.find(message); i != kept_.end())
    forget(i);
}

void fresh_contents::clear() noexcept {
  kept_.clear();
  bytes_ = 0;
}

void fresh_contents::forget(std::map<events::seq, entry>::iterator which) {
  bytes_ -= which->second.weight;
  kept_.erase(which);
}

} // namespace hourglass::actors
