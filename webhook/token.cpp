#include "webhook/token.hpp"

#include "events/digest.hpp"
#include "events/json_check.hpp"
#include "events/json_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include <nlohmann/json.hpp>

namespace hourglass::webhook {

namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr std::size_t answer_depth = 32;
constexpr std::size_t code_bytes = 64;

/// As in a form (RFC 6749 appendix B), where a blank is `+`.
std::string form_encode(std::string_view text) {
  auto out = http::percent_encode(text);
  for (auto at = out.find("%20"); at != std::string::npos; at = out.find("%20", at))
    out.replace(at, 3, "+");
  return out;
}

void add(std::string& form, std::string_view name, const std::string& value) {
  if (!value.empty())
    form.append(form.empty() ? "" : "&").append(name).append("=").append(form_encode(value));
}

tl::unexpected<std::string> no_token(std::string why) { return tl::unexpected<std::string>{"no access token: " + std::move(why)}; }

bool is_visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

/// `invalid_client` and the like. What does not look like one is not repeated.
std::string code_of(const json& body) {
  const auto error = body.is_object() ? body.find("error") : body.end();
  if (!body.is_object() || error == body.end() || !error->is_string())
    return {};
  const auto& code = error->get_ref<const std::string&>();
  const bool is_one = !code.empty() && code.size() <= code_bytes && std::all_of(code.begin(), code.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '.';
  });
  return is_one ? " (" + code + ")" : std::string{};
}

json parsed(const std::string& body) {
  return events::check_json(body, answer_depth) ? json::parse(body, nullptr, false) : json(json::value_t::discarded);
}

bool is_bearer(std::string_view type) {
  constexpr std::string_view bearer = "bearer";
  return std::equal(type.begin(), type.end(), bearer.begin(), bearer.end(), [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

/// Seconds, or nothing when it is no number. Some write it as text.
std::optional<double> seconds_of(const json& value) {
  double out = 0;
  if (value.is_number()) {
    out = value.get<double>();
  } else if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (code != std::errc{} || end != text.data() + text.size())
      return std::nullopt;
  } else {
    return std::nullopt;
  }
  return std::isfinite(out) ? std::optional{out} : std::nullopt;
}

/// A tenth less, at least 5 s and at most a minute: it must still be good when it arrives.
std::chrono::seconds usable(double told) {
  const auto all = std::chrono::seconds{static_cast<std::int64_t>(std::clamp(told, 0.0, static_cast<double>(token_time_most.count())))};
  return std::max(0s, all - std::clamp(all / 10, 5s, 60s));
}

} // namespace

std::string basic_authorization(std::string_view username, std::string_view password) {
  std::string both{username};
  return "Basic " + events::to_base64(both.append(":").append(password));
}

token_request make_token_request(const token_request_fields& of, std::shared_ptr<const http::transport> way) {
  token_request out;
  out.url = of.url;
  out.way = std::move(way);
  out.form = "grant_type=client_credentials";
  add(out.form, "scope", of.scope);
  add(out.form, "audience", of.audience);
  if (of.in_body) {
    add(out.form, "client_id", of.client_id);
    add(out.form, "client_secret", of.client_secret);
  } else {
    out.authorization = basic_authorization(form_encode(of.client_id), form_encode(of.client_secret));
  }
  const auto line = [](const std::string& text) { return std::to_string(text.size()) + ":" + text; };
  const auto digest = events::sha256({line(out.url), line(out.authorization), line(out.form), out.way ? out.way->key() : std::string{}});
  out.key = std::string{events::as_text(digest)};
  return out;
}

http::exchange token_exchange(const token_request& r, std::string owner, std::chrono::milliseconds deadline) {
  http::exchange out;
  out.url = r.url;
  out.headers = {{"content-type", "application/x-www-form-urlencoded"}, {"accept", "application/json"}};
  if (!r.authorization.empty())
    out.headers.push_back({"authorization", r.authorization});
  out.body = r.form;
  out.owner = std::move(owner);
  out.way = r.way;
  out.deadline = deadline;
  out.body_kept = out.body_read = token_answer_bytes;
  return out;
}

tl::expected<access_token, std::string> read_token_answer(const http::exchange_result& answer) {
  if (answer.error != http::transport_error::none)
    return no_token(std::string{http::to_string(answer.error)} + " at the token endpoint: " + answer.detail);
  if (answer.truncated)
    return no_token("the answer of the token endpoint is longer than " + std::to_string(token_answer_bytes) + " bytes");
  const auto body = parsed(answer.body);
  if (answer.status != 200)
    return no_token("the token endpoint answered " + std::to_string(answer.status) + code_of(body));
  const auto value = body.is_object() ? body.find("access_token") : body.end();
  if (!body.is_object() || value == body.end() || !value->is_string())
    return no_token("the answer of the token endpoint is no JSON object with an access_token" + code_of(body));
  access_token out;
  out.value = value->get<std::string>();
  if (out.value.empty() || out.value.size() > token_bytes || !is_visible(out.value))
    return no_token("what the token endpoint gave has no, or more than " + std::to_string(token_bytes) + ", or other than printable characters");
  if (const auto type = body.find("token_type"); type != body.end() && !(type->is_string() && is_bearer(type->get_ref<const std::string&>())))
    return no_token("the token that the token endpoint gave is no bearer token");
  out.good_for = token_time_untold;
  if (const auto told = body.find("expires_in"); told != body.end() && !told->is_null()) {
    const auto seconds = seconds_of(*told);
    if (!seconds)
      return no_token("the token endpoint's expires_in is no number");
    out.good_for = usable(*seconds);
  }
  return out;
}

} // namespace hourglass::webhook
