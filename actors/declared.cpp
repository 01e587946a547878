#include "actors/declared.hpp"

#include <nlohmann/json.hpp>

namespace hourglass::actors {

std::vector<webhook::event_type> declared_event_types(std::string_view import_reply) {
  std::vector<webhook::event_type> out;
  auto reply = nlohmann::json::parse(import_reply, nullptr, false);
  if (!reply.is_object() || !reply.contains("webhooks") || !reply["webhooks"].is_array())
    return out;
  for (const auto& w : reply["webhooks"]) {
    if (!w.is_object() || !w.contains("name") || !w["name"].is_string())
      continue;
    webhook::event_type t;
    t.name = w["name"].get<std::string>();
    if (auto d = w.find("description"); d != w.end() && d->is_string())
      t.description = d->get<std::string>();
    if (webhook::validate(t))
      out.push_back(std::move(t));
  }
  return out;
}

} // namespace hourglass::actors
