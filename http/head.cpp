#include "http/head.hpp"

#include "http/client.hpp"
#include "http/problem.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

namespace hourglass::http {

namespace {

constexpr std::array<bool, 256> make_tokens() {
  std::array<bool, 256> is{};
  for (unsigned char c : std::string_view{"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"})
    is[c] = true;
  return is;
}
constexpr auto tokens = make_tokens();

constexpr bool is_control(char c) noexcept { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }

bool same(std::string_view a, std::string_view lower) noexcept {
  return a.size() == lower.size() &&
         std::equal(a.begin(), a.end(), lower.begin(), [](char x, char y) { return (x >= 'A' && x <= 'Z' ? x + 32 : x) == y; });
}

bool is_framing(std::string_view name) noexcept {
  switch (name.size()) {
  case 10: return same(name, "connection") || same(name, "keep-alive");
  case 14: return same(name, "content-length");
  case 16: return same(name, "proxy-connection");
  case 17: return same(name, "transfer-encoding");
  default: return false;
  }
}

void append_number(std::string& out, std::uint64_t number) {
  char digits[20];
  auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
  out.append(digits, end);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  auto at = out.size();
  out.append(value);
  if (!is_field_value(value))
    std::replace_if(out.begin() + static_cast<std::ptrdiff_t>(at), out.end(), is_control, ' ');
  out.append("\r\n");
}

void append_status_line(std::string& out, unsigned status) {
  if (status == 200) {
    out.append("HTTP/1.1 200 OK\r\n");
    return;
  }
  out.append("HTTP/1.1 ");
  append_number(out, status);
  out.append(" ").append(status_phrase(status)).append("\r\n");
}

void append_length(std::string& out, const response& answer, const head_options& how) {
  if (how.until_close || answer.status == 304 || !may_have_body(answer.status))
    return;
  if (how.to_head && answer.body.empty()) {
    // A handler that knows the length without making the body says so itself; otherwise nothing is claimed.
    auto claimed = find(answer.headers, "Content-Length");
    if (!claimed.empty() && std::all_of(claimed.begin(), claimed.end(), [](char c) { return c >= '0' && c <= '9'; }))
      append_field(out, "Content-Length", claimed);
    return;
  }
  out.append("Content-Length: ");
  append_number(out, answer.body.size());
  out.append("\r\n");
}

} // namespace

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return tokens[static_cast<unsigned char>(c)]; });
}

bool is_field_value(std::string_view text) noexcept { return std::none_of(text.begin(), text.end(), is_control); }

void append_head(std::string& out, const response& answer, const head_options& how) {
  append_status_line(out, answer.status);
  out.append(how.date);
  for (const auto& f : answer.headers)
    if (is_token(f.name) && !is_framing(f.name) && !same(f.name, "date"))
      append_field(out, f.name, f.value);
  append_length(out, answer, how);
  if (!how.keep_alive)
    out.append("Connection: close\r\n");
  else if (!how.http_11)
    out.append("Connection: keep-alive\r\n");
  out.append("\r\n");
}

std::string append_request_head(std::string& out, const exchange& what, const url_parts& to, std::string_view user_agent) {
  if (!is_token(what.method) || what.method == "CONNECT")
    return "the method cannot be sent";
  out.append(what.method).append(" ").append(to.target).append(" HTTP/1.1\r\nHost: ");
  bool v6 = to.host.find(':') != std::string::npos;
  out.append(v6 ? "[" : "").append(to.host).append(v6 ? "]" : "");
  if (to.port != (to.secure ? 443 : 80)) {
    out.append(":");
    append_number(out, to.port);
  }
  out.append("\r\n");
  bool agent = false;
  for (const auto& f : what.headers) {
    if (is_framing(f.name) || same(f.name, "host"))
      continue;
    if (!is_token(f.name) || !is_field_value(f.value))
      return "the header '" + f.name.substr(0, 64) + "' has a character in it that would break the request";
    agent = agent || same(f.name, "user-agent");
    append_field(out, f.name, f.value);
  }
  if (!agent && !user_agent.empty())
    append_field(out, "User-Agent", user_agent);
  if (!what.body.empty() || what.method == "POST" || what.method == "PUT" || what.method == "PATCH") {
    out.append("Content-Length: ");
    append_number(out, what.body.size());
    out.append("\r\n");
  }
  out.append("\r\n");
  return {};
}

std::string_view date_line::at(std::int64_t unix_seconds) {
  if (unix_seconds != second_) {
    second_ = unix_seconds;
    static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    auto t = static_cast<std::time_t>(unix_seconds);
    std::tm utc{};
    gmtime_r(&t, &utc);
    char text[64];
    std::snprintf(text, sizeof text, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n", days[utc.tm_wday % 7], utc.tm_mday,
                  months[utc.tm_mon % 12], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
    line_ = text; // not strftime: its names of days follow the locale
  }
  return line_;
}

} // namespace hourglass::http
