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

std::string quoted(std::string_view text) {
  if (!events::is_utf8(text))
    return "(bytes that are not UTF-8)";
  if (text.size() <= 200)
    return std::string{text};
  auto end = std::size_t{200};
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;
  return std::string{text.substr(0, end)} + "…";
}

} // namespace hourglass::mock
