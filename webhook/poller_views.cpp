#include "webhook/view_parts.hpp"

// Polling endpoints and their consumers, for people and the API.

namespace hourglass::webhook::views {

using events::json_text;

std::string poller_out(const poller& p) {
  std::string out;
  json_text j{out};
  j.open_object().key("id").value(p.id);
  write_text_or_null(j, "uid", p.uid);
  j.key("description").value(p.description);
  write_texts_or_null(j, "filterTypes", p.filter_types);
  write_texts_or_null(j, "eventTypes", p.filter_types);
  write_texts_or_null(j, "channels", p.channels);
  j.key("filter");
  p.filter.empty() ? j.null() : j.raw(p.filter.text());
  j.key("metadata").open_object();
  for (const auto& [name, value] : p.metadata)
    j.key(name).value(std::string_view{value});
  j.close_object();
  write_time(j, "createdAt", p.created);
  write_time(j, "updatedAt", p.updated);
  j.close_object();
  return out;
}

std::string poller_consumer_out(std::string_view name, const poller_consumer& c) {
  std::string out;
  json_text j{out};
  j.open_object().key("id").value(name).key("position").value(c.cursor);
  write_time(j, "movedAt", c.moved);
  j.close_object();
  return out;
}

} // namespace hourglass::webhook::views
