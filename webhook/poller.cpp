#include "webhook/poller.hpp"

#include "events/json_text.hpp"
#include "webhook/event_type.hpp"

namespace hourglass::webhook {

using events::errc, events::failure;

destination selection_of(const poller& p) {
  destination out;
  out.filter_types = p.filter_types;
  out.channels = p.channels;
  out.filter = p.filter;
  return out;
}

events::seq cursor_of(const poller& p, std::string_view consumer) {
  auto known = p.consumers.find(consumer);
  return known == p.consumers.end() ? p.start : known->second.cursor;
}

events::outcome<void> validate(poller& p) {
  if (!p.uid.empty() && (!is_name(p.uid) || p.uid.starts_with("poll_")))
    return failure(errc::invalid, "must match ^[a-zA-Z0-9\\-_.]+$, have at most 256 characters and not start with `poll_`", "/uid");
  auto as = selection_of(p);
  as.description = p.description;
  as.metadata = p.metadata;
  if (auto ok = validate_description(as); !ok)
    return ok;
  if (auto ok = validate_selection(as); !ok)
    return ok;
  p.filter_types = std::move(as.filter_types);
  p.channels = std::move(as.channels);
  return {};
}

} // namespace hourglass::webhook
