#include "webhook/view_parts.hpp"

namespace hourglass::webhook::views {

std::string transformation_out(const destination& d) {
  const auto& t = d.transform.get();
  std::string out;
  events::json_text j{out};
  j.open_object();
  write_text_or_null(j, "code", t.code);
  j.key("enabled").value(t.enabled).key("variables").open_object();
  for (const auto& [name, value] : t.variables)
    j.key(name).value(std::string_view{value});
  j.close_object();
  if (d.transform.empty())
    j.key("updatedAt").null();
  else
    write_time(j, "updatedAt", t.updated);
  j.close_object();
  return out;
}

} // namespace hourglass::webhook::views
