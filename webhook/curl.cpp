#include "webhook/curl.hpp"

#include "webhook/facts_json.hpp"
#include "webhook/form.hpp"

#include "events/digest.hpp"
#include "events/json_text.hpp"
#include "events/redact.hpp"

#include <algorithm>
#include <optional>

namespace hourglass::webhook {

namespace {

constexpr std::string_view left_out = "[left out]";

std::string quoted(std::string_view text) {
  std::string out{"'"};
  for (char c : text)
    c == '\'' ? void(out += R"('\'')") : void(out += c);
  return out + "'";
}

bool is_hidden(const http::field& h) {
  return events::redactor::is_sensitive_header(h.name) || is_sensitive_header(h.name) || h.value.find("[redacted") != std::string::npos;
}

/// The bytes that were sent, as far as they can be made of the message again.
std::optional<std::string> body_of(const attempt_finished& a, const message_created& m) {
  if (m.erased_bytes != 0)
    return std::nullopt;
  auto is_it = [&a](std::string_view body) { return body.size() == a.result.body_bytes && events::sha256({body}) == a.result.body_sha256; };
  if (is_it(m.body))
    return m.body;
  if (auto spoilt = m.body + ' '; is_it(spoilt))
    return spoilt;
  if (auto form = form_of(m.body)) {
    if (is_it(*form))
      return *form;
    if (auto spoilt = *form + ' '; is_it(spoilt))
      return spoilt;
  }
  return std::nullopt;
}

bool fits_a_shell(std::string_view body) { return events::is_utf8(body) && body.find('\0') == std::string_view::npos; }

} // namespace

std::string curl_command(const attempt_finished& a, const message_created& m) {
  const auto body = body_of(a, m);
  std::string out;
  if (!body)
    out += m.erased_bytes != 0 ? "# the payload was erased: what follows sends none\n" : "# the body was made by a transformation and is not kept: what follows sends none\n";
  const bool coded = body && !fits_a_shell(*body);
  if (coded)
    out += "printf %s " + quoted(events::to_base64(*body)) + " | base64 -d | ";
  const auto* t = a.result.transformed && !a.result.transformed->cancelled ? &*a.result.transformed : nullptr;
  out += "curl --http1.1 -X " + quoted(t != nullptr && !t->method.empty() ? t->method : "POST");
  for (const auto& h : a.result.request_headers)
    out += " \\\n  -H " + quoted(h.name + ": " + (is_hidden(h) ? std::string{left_out} : h.value));
  if (coded)
    out += " \\\n  --data-binary @-";
  else if (body)
    out += " \\\n  --data-raw " + quoted(*body);
  return out + " \\\n  -- " + quoted(detail::public_url(t != nullptr && !t->url.empty() ? t->url : a.url)) + "\n";
}

} // namespace hourglass::webhook
