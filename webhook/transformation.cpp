#include "webhook/transformation.hpp"

#include "events/json_check.hpp"
#include "events/json_text.hpp"
#include "http/message.hpp"
#include "webhook/attempt.hpp"
#include "webhook/limits.hpp"
#include "webhook/raw_member.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace hourglass::webhook {

namespace {

using events::errc, events::failure;
using nlohmann::json;

// One line, behind the code: what the engine says of a place in the code is so.
constexpr std::string_view call = "\n;if (typeof handler !== 'function') throw new TypeError('the code must declare a function named handler');"
                                  "$resp.body = await handler($req);";

events::outcome<void> check_variables(string_map& variables) {
  if (variables.size() > limits::transformation_variables)
    return failure(errc::too_large, "has more than " + std::to_string(limits::transformation_variables) + " entries (transformation_variables)", "/variables");
  std::size_t bytes = 0;
  for (const auto& [name, value] : variables) {
    bytes += name.size() + value.size();
    if (name.empty() || !events::is_utf8(name) || !events::is_utf8(value))
      return failure(errc::invalid, "must be UTF-8, and a name not empty", "/variables");
  }
  if (bytes > limits::transformation_variables_bytes)
    return failure(errc::too_large, "is longer than " + std::to_string(limits::transformation_variables_bytes) + " bytes (transformation_variables_bytes)", "/variables");
  std::sort(variables.begin(), variables.end());
  return {};
}

events::outcome<void> read_headers(const json& given, signature_profile profile, std::vector<custom_header>& into) {
  if (given.is_null())
    return {};
  if (!given.is_object())
    return failure(errc::invalid, "`headers` must be an object");
  if (given.size() > limits::transformation_headers)
    return failure(errc::too_large, "`headers` has more than " + std::to_string(limits::transformation_headers) + " entries (transformation_headers)");
  for (const auto& [name, value] : given.items()) {
    if (!value.is_string())
      return failure(errc::invalid, "the header `" + name.substr(0, 64) + "` must be a string");
    const auto& text = value.get_ref<const std::string&>();
    if (auto fine = validate_header(name, text); !fine)
      return failure(fine.error().code, "the header `" + name.substr(0, 64) + "`: " + fine.error().detail);
    if (sets_header(profile, name))
      return failure(errc::invalid, "the header `" + name.substr(0, 64) + "` is set by the signature profile");
    if (std::any_of(into.begin(), into.end(), [&name = name](const custom_header& h) { return http::contains({{h.name, {}}}, name); }))
      return failure(errc::invalid, "the header `" + name.substr(0, 64) + "` is given twice (names are compared without case)");
    into.push_back({name, text, is_sensitive_header(name)});
  }
  return {};
}

bool same_origin(std::string_view a, std::string_view b) {
  const auto x = http::parse_url(a), y = http::parse_url(b);
  return x && y && x->secure == y->secure && x->host == y->host && x->port == y->port;
}

} // namespace

events::outcome<void> validate(transformation& t) {
  if (t.code.size() > limits::transformation_bytes)
    return failure(errc::too_large, "is longer than " + std::to_string(limits::transformation_bytes) + " bytes (transformation_bytes)", "/code");
  if (!events::is_utf8(t.code))
    return failure(errc::invalid, "is not UTF-8", "/code");
  if (t.enabled && t.code.empty())
    return failure(errc::invalid, "there is no code to run", "/enabled");
  return check_variables(t.variables);
}

std::string script_of(std::string_view code) { return std::string{code}.append(call); }

std::string script_input(const transformation& t, std::string_view url, std::string_view event_type, std::string_view payload, std::string_view params) {
  std::string out;
  out.reserve(payload.size() + params.size() + 256);
  events::json_text j{out};
  j.open_object().key("method").value("POST").key("url").value(url).key("payload").raw(payload).key("eventType").value(event_type);
  j.key("env").open_object();
  for (const auto& [name, value] : t.variables)
    j.key(name).value(std::string_view{value});
  j.close_object().key("transformationsParams").raw(params.empty() ? std::string_view{"{}"} : params).close_object();
  return out;
}

events::outcome<transformed> read_transformed(std::string_view text, signature_profile profile) {
  if (auto fine = events::check_json(text, limits::json_depth); !fine)
    return failure(errc::invalid, "what `handler` returned is no JSON that can be sent: " + fine.error().detail);
  // Its payload may be large, and is sent as it stands.
  const auto payload = raw_member(text, "payload");
  const auto object = json::parse(text, [](int depth, json::parse_event_t event, json& key) {
    return !(depth == 1 && event == json::parse_event_t::key && key == "payload");
  }, false);
  if (!object.is_object())
    return failure(errc::invalid, "`handler` must return the webhook, an object");
  transformed out;
  auto text_of = [&object](const char* name, std::string& into) {
    auto given = object.find(name);
    if (given != object.end() && given->is_string())
      into = given->get<std::string>();
    return given != object.end() && given->is_string();
  };
  if (auto cancel = object.find("cancel"); cancel != object.end() && !cancel->is_null()) {
    if (!cancel->is_boolean())
      return failure(errc::invalid, "`cancel` must be true or false");
    if (out.cancel = cancel->get<bool>(); out.cancel)
      return out;
  }
  if (!text_of("method", out.method) || (out.method != "POST" && out.method != "PUT"))
    return failure(errc::invalid, "`method` must be POST or PUT");
  if (!text_of("url", out.url))
    return failure(errc::invalid, "`url` must be a string");
  if (auto url = http::parse_url(out.url); !url)
    return failure(errc::invalid, "`url` " + url.error());
  if (payload.empty())
    return failure(errc::invalid, "`payload` must be there");
  if (payload.size() > limits::message_bytes)
    return failure(errc::too_large, "`payload` is longer than " + std::to_string(limits::message_bytes) + " bytes (message_bytes)");
  out.body = payload;
  if (auto headers = object.find("headers"); headers != object.end())
    if (auto fine = read_headers(*headers, profile, out.headers); !fine)
      return tl::unexpected{fine.error()};
  return out;
}

events::outcome<void> may_go(const start& s, const transformed& t) {
  const auto secure = [](const std::string& url) { return url.starts_with("https://"); };
  if (secure(s.url) && !secure(t.url))
    return failure(errc::invalid, "`url` must be https, as the endpoint's");
  for (const auto& h : t.headers)
    if (s.signing.sets(h.name))
      return failure(errc::invalid, "the header `" + h.name.substr(0, 64) + "` is set by the signature template");
  return {};
}

void take_over(start& s, const transformed& t) {
  if (!same_origin(s.url, t.url)) {
    std::erase_if(s.headers, [](const custom_header& h) { return h.sensitive; });
    if (s.way) { // whose certificate we show, and whom we trust, is between us and the endpoint; the proxy is everybody's way out
      const auto& r = s.way->receiver;
      auto out = r && (r->through() || r->direct()) ? std::make_shared<const http::transport>(http::tls_identity{}, r->through(), r->direct()) : nullptr;
      s.way = out ? std::make_shared<const delivery_way>(delivery_way{std::move(out), {}, nullptr}) : nullptr;
    }
  }
  s.method = t.method;
  s.url = t.url;
  const bool has_credentials = s.way && (!s.way->authorization.empty() || s.way->tokens);
  for (auto given : t.headers) {
    const auto same = [&given](const custom_header& h) { return http::contains({{h.name, {}}}, given.name); };
    if (has_credentials && same({"Authorization", {}}))
      continue; // the endpoint's stand
    given.sensitive = given.sensitive || std::any_of(s.headers.begin(), s.headers.end(), [&](const custom_header& h) { return h.sensitive && same(h); });
    std::erase_if(s.headers, same);
    s.headers.push_back(std::move(given));
  }
}

} // namespace hourglass::webhook
