#include "webhook/view_parts.hpp"

namespace hourglass::webhook::views {

using events::json_text;

namespace {

std::string_view status_text(status s) noexcept {
  switch (s) {
    case status::success:
      return "success";
    case status::pending:
      return "pending";
    case status::fail:
      return "fail";
    case status::sending:
      return "sending";
    case status::canceled:
      return "canceled";
  }
  return "unknown";
}

} // namespace

void write_texts_or_null(json_text& j, std::string_view name, const std::vector<std::string>& list) {
  j.key(name);
  if (list.empty()) {
    j.null();
    return;
  }
  j.open_array();
  for (const auto& one : list)
    j.value(std::string_view{one});
  j.close_array();
}

void write_text_or_null(json_text& j, std::string_view name, std::string_view text) {
  j.key(name);
  if (text.empty())
    j.null();
  else
    j.value(text);
}

void write_time(json_text& j, std::string_view name, events::virtual_time t) { j.key(name).value(events::to_rfc3339(t)); }

void write_status(json_text& j, status s) { j.key("status").value(static_cast<int>(s)).key("statusText").value(status_text(s)); }

} // namespace hourglass::webhook::views
