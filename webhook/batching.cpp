#include "webhook/batching.hpp"

#include "events/json_text.hpp"
#include "http/media_type.hpp"

#include <algorithm>

namespace hourglass::webhook {

namespace {

void write_headers(events::json_text& j, const std::vector<custom_header>& headers) {
  if (std::all_of(headers.begin(), headers.end(), [](const auto& h) { return h.sensitive; }))
    return;
  j.key("headers").open_object();
  for (const auto& h : headers)
    if (!h.sensitive)
      j.key(h.name).value(std::string_view{h.value});
  j.close_object();
}

} // namespace

std::string batch_body(std::span<const batch_element> elements) {
  std::size_t bytes = 2;
  for (const auto& e : elements)
    bytes += e.content->body.size() + e.content->body.size() / 3 + e.message->id.size() + e.message->event_type.size() + 128;
  std::string out;
  out.reserve(bytes);
  events::json_text j{out};
  j.open_array();
  for (const auto& e : elements) {
    const auto& [body, content_type, headers, params, emitted, fault] = *e.content;
    j.open_object().key("id").value(e.message->id).key("type").value(e.message->event_type).key("timestamp").value(events::to_rfc3339(emitted));
    if (!content_type.empty())
      j.key("contentType").value(content_type);
    write_headers(j, headers);
    if (content_type.empty() || http::is_json_type(content_type))
      j.key("payload").raw(body);
    else
      j.key("payloadBase64").value(events::to_base64(body));
    j.close_object();
  }
  j.close_array();
  return out;
}

} // namespace hourglass::webhook
