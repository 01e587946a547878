#include "mock/refusal.hpp"

#include "events/json_text.hpp"

namespace hourglass::mock {

response refusal(unsigned status, std::string_view name, std::string_view title, std::string_view detail,
                 std::string_view where) {
  response out;
  out.status = status;
  out.headers.push_back({"Content-Type", "application/problem+json"});
  events::json_text j{out.body};
  j.open_object();
  j.key("type").value("/problems/" + std::string{name});
  j.key("title").value(title);
  j.key("status").value(status);
  j.key("detail").value(detail);
  if (!where.empty())
    j.key("pointer").value(where);
  j.close_object();
  return out;
}

} // namespace hourglass::mock
