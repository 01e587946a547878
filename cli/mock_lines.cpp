// What `hourglass mock` prints of a request, and how texts of others are shown in a terminal.
#include "cli/mock.hpp"

#include "events/json_text.hpp"
#include "events/time.hpp"

#include <cstdio>

namespace hourglass::cli {

namespace {

/// Bytes of the character at the front of `text` if it steers a terminal, or the direction in which it writes: C0, DEL, C1, and Unicode's marks for that.
std::size_t steers(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  if (at(0) < 0x20 || at(0) == 0x7f)
    return 1;
  if ((at(0) == 0xc2 && at(1) >= 0x80 && at(1) <= 0x9f) || (at(0) == 0xd8 && at(1) == 0x9c))
    return 2;
  const bool mark = at(0) == 0xe2 && at(1) == 0x80 && (at(2) == 0x8e || at(2) == 0x8f || (at(2) >= 0xa8 && at(2) <= 0xae));
  return mark || (at(0) == 0xe2 && at(1) == 0x81 && at(2) >= 0xa6 && at(2) <= 0xa9) ? 3 : 0;
}

} // namespace

std::string printable(std::string_view text) {
  if (!events::is_utf8(text))
    return "(bytes that are not UTF-8)";
  std::string out;
  const auto shown = text.substr(0, 1'000);
  for (std::size_t i = 0; i < shown.size();) {
    const auto size = steers(shown.substr(i));
    out += size > 0 ? '?' : shown[i];
    i += size > 0 ? size : 1;
  }
  if (shown.size() == text.size())
    return out;
  while (!out.empty() && !events::is_utf8(out)) // cut within a character
    out.pop_back();
  return out + "…";
}

std::string request_line(const http::request& request, const http::response& answer, std::chrono::microseconds took, bool json) {
  const auto faults = http::find(answer.headers, "X-Request-Validation");
  std::string out;
  if (json) {
    events::json_text j{out};
    j.open_object().key("what").value("request").key("time").value(events::to_rfc3339(request.received_us)).key("method").value(printable(request.method));
    j.key("target").value(printable(request.target)).key("status").value(answer.status).key("bytes").value(answer.body.size()).key("us").value(took.count());
    if (!faults.empty())
      j.key("validation").value(faults);
    j.close_object();
    return out;
  }
  char time[32];
  std::snprintf(time, sizeof time, "%.1f ms", static_cast<double>(took.count()) / 1'000);
  out = printable(request.method) + ' ' + printable(request.target) + "  " + std::to_string(answer.status) + "  " + time;
  if (!faults.empty())
    out += "  " + printable(faults);
  return out;
}

} // namespace hourglass::cli
