#include "mock/translation.hpp"

#include "events/digest.hpp"
#include "events/json_text.hpp"
#include "events/redact.hpp"
#include "events/redact_json.hpp"
#include "mock/endpoint_tables.hpp"
#include "mock/match_limits.hpp"
#include "mock/negotiation.hpp"
#include "mock/secret_names.hpp"
#include "mock/target.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace hourglass::mock {

namespace {

constexpr std::string_view redacted = "redacted";

/// What our own log has in place of a secret.
bool has_token(std::string_view text) { return text.find("[redacted:") != std::string_view::npos; }

/// `a=1&token=x` without the values of secrets.
std::string without_form_secrets(std::string_view form) {
  std::string out;
  while (!form.empty()) {
    const auto pair = form.substr(0, form.find('&'));
    const auto equals = pair.find('=');
    const auto read = parse_query(pair);
    const bool secret =
        equals != std::string_view::npos && std::any_of(read.begin(), read.end(), [](const auto& p) { return is_secret_name(p.name); });
    out += secret ? pair.substr(0, equals + 1) : pair;
    out += secret ? redacted : std::string_view{};
    out += pair.size() < form.size() ? "&" : "";
    form.remove_prefix(std::min(pair.size() + 1, form.size()));
  }
  return out;
}

/// A URL without those of its query and its fragment.
std::string without_url_secrets(std::string_view url) {
  const auto query = std::min(url.find_first_of("?#"), url.size());
  std::string out{url.substr(0, query)};
  url.remove_prefix(query);
  while (!url.empty()) {
    const auto end = std::min(url.find_first_of("?#", 1), url.size());
    out += url.front();
    out += without_form_secrets(url.substr(1, end - 1));
    url.remove_prefix(end);
  }
  return out;
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::any_of(names.begin(), names.end(), [&](auto n) { return same_name(name, n); });
}

/// Whether a text may be a form, whatever it is said to be.
bool is_like_form(std::string_view text) {
  return text.find('=') != std::string_view::npos && text.find_first_of(" \t\r\n<>{}\"") == std::string_view::npos;
}

/// Equal for endpoints that match the same, whatever the parameters of their paths are called.
std::string request_of(const json_value& endpoint, const compiled_endpoint& compiled) {
  auto out = place_key(compiled);
  for (const auto* name : {"priority", "consumes"}) {
    out += '\n';
    if (const auto* member = endpoint.member(name))
      write_json(*member, out);
  }
  const auto* before = endpoint.member("match");
  if (before == nullptr)
    return out;
  auto match = *before;
  const auto& parameters = compiled.route.parameters;
  for (std::size_t i = 0; i < match.names.size(); ++i)
    if (match.names[i] == "params")
      for (auto& name : match.items[i].names)
        name = std::to_string(std::find(parameters.begin(), parameters.end(), name) - parameters.begin());
  out += '\n';
  write_json(match, out);
  return out;
}

} // namespace

void translation::warn(std::string detail, std::string at) {
  if (warnings_.size() < limits::document_warnings)
    warnings_.push_back({std::move(detail), std::move(at)});
  else
    ++untold_;
}

void translation::add(json_value endpoint, std::string id, const std::string& from) {
  over_ = over_ || count_ == limits::endpoints_at_once || ++tried_ > 4 * limits::endpoints_at_once; // compiling is dear
  if (over_)
    return;
  const auto odd = id.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
  const bool named = !id.empty() && id.size() <= 64 && odd == std::string::npos;
  put_endpoint put{to_text(endpoint), named ? std::move(id) : "im"};
  const auto fine = read_put(put, {});
  if (!fine)
    return warn("left out, since it makes no endpoint: " + fine.error().detail +
                    (fine.error().where.empty() ? "" : " (at " + fine.error().where + " of it)"),
                from);
  auto request = request_of(endpoint, **fine);
  if (!named)
    put.id = "im_" + events::to_hex(events::as_text(events::sha256({request}))).substr(0, 24);
  const auto forget = [&](std::size_t i, std::string why) {
    auto& gone = all_[i];
    warn("left out, since a later one " + std::move(why), gone->one.from);
    by_id_.erase(gone->one.put.id);
    by_request_.erase(gone->request);
    gone.reset();
    --count_;
  };
  if (auto at = by_request_.find(request); at != by_request_.end())
    forget(at->second, "matches the same");
  if (auto at = by_id_.find(put.id); at != by_id_.end())
    forget(at->second, "has the same id");
  by_id_[put.id] = all_.size();
  by_request_[request] = all_.size();
  all_.push_back(made{{std::move(put), from}, std::move(request)});
  ++count_;
}

events::outcome<put_endpoints> translation::finish(bool strict) && {
  if (over_)
    return events::failure(events::errc::too_large,
                           "more endpoints than the limit endpoints_at_once (" + std::to_string(limits::endpoints_at_once) + ")");
  if (strict && !warnings_.empty())
    return events::failure(events::errc::invalid, warnings_.front().detail, warnings_.front().where);
  put_endpoints out;
  for (auto& one : all_)
    if (one)
      out.all.push_back(std::move(one->one));
  out.warnings.clear();
  events::json_text j{out.warnings};
  j.open_array();
  for (const auto& w : warnings_)
    j.open_object().key("detail").value(w.detail).key("pointer").value(w.where).close_object();
  if (untold_ > 0)
    j.open_object().key("detail").value("and " + std::to_string(untold_) + " more").key("pointer").value("").close_object();
  j.close_array();
  return out;
}

std::string literal_path(std::string_view path) {
  std::string out;
  for (char c : path) {
    if (c == '{' || c == '}')
      out += c == '{' ? "%7B" : "%7D";
    else
      out += c;
  }
  return out;
}

void set_body(json_value& response, std::string body) {
  if (auto v = parse_json(body); v && (v->is_object() || v->is_array()) && to_text(*v) == body)
    response.set("body", std::move(*v));
  else
    response.set("body", json_value::of(std::move(body)));
}

bool is_secret_name(std::string_view name) {
  return events::is_sensitive_name(name, {});
}

bool holds_secret(std::string_view text, std::string_view content_type) {
  const auto media = media_essence(content_type);
  if (media.starts_with("multipart/")) // a part's name says little of what is in it
    return true;
  if (auto v = parse_json(text))
    return tells_secret(*v);
  if (media == "application/x-www-form-urlencoded")
    return without_form_secrets(text) != text;
  return names_secret(text);
}

json_value asked_of_query(std::string_view query) {
  auto out = json_value::object();
  std::map<std::string, std::vector<std::string>> by_name;
  for (auto& [name, value] : parse_query(query))
    by_name[name].push_back(value);
  for (auto& [name, values] : by_name) {
    auto condition = json_value::object();
    if (is_secret_name(name) || std::any_of(values.begin(), values.end(), has_token)) {
      condition.set("absent", json_value::of_bool(false));
    } else if (values.size() == 1) {
      condition = json_value::of(std::move(values.front()));
    } else {
      auto list = json_value::array();
      for (auto& v : values)
        list.items.push_back(json_value::of(std::move(v)));
      condition.set("has_exactly", std::move(list));
    }
    out.add(name, std::move(condition));
  }
  return out;
}

std::optional<json_value> asked_of_body(std::string_view body, std::string_view content_type, const std::string& at, translation& out) {
  constexpr std::size_t most = 16 * limits::kibi;
  if (body.empty() || body.size() > most || !events::is_utf8(body))
    return std::nullopt;
  if (has_token(body) || holds_secret(body, content_type)) {
    out.warn("its body is not asked for, since it may hold a credential", at);
    return std::nullopt;
  }
  auto condition = json_value::object();
  if (auto v = parse_json(body); v && is_json_media(media_essence(content_type))) {
    auto equals = json_value::object();
    equals.set("equals", std::move(*v));
    condition.set("json", std::move(equals));
  } else {
    condition.set("text", json_value::of(std::string{body}));
  }
  return condition;
}

void set_headers(json_value& response, const fields& headers, const std::string& at, translation& out) {
  static constexpr std::array<std::string_view, 4> of_sending{"content-encoding", "alt-svc", "strict-transport-security", "server"};
  auto kept = json_value::object();
  for (const auto& [name, value] : headers) {
    const auto is_name = [&](std::string_view other) { return same_name(name, other); };
    if (kept.items.size() == most_headers) {
      out.warn("of so many headers only the first " + std::to_string(most_headers) + " are sent", at);
      break;
    }
    if (is_framing_header(name) || name.starts_with(':') || std::any_of(of_sending.begin(), of_sending.end(), is_name))
      continue;
    if (events::redactor::is_sensitive_header(name))
      out.warn("the header " + std::string{name.substr(0, 64)} + " is left out: it holds a credential", at);
    else if (!is_token(name) || !is_field_value(value) || !events::is_utf8(value) || value.size() > 8 * limits::kibi)
      out.warn("a header is left out: it is none, or too long", at);
    else if (is_one_of(name, {"link", "refresh"}) && names_secret(value))
      out.warn("the header " + name + " is left out: it may hold a credential", at);
    else if (kept.member(name) == nullptr)
      kept.add(name, json_value::of(is_one_of(name, {"location", "content-location"}) ? without_url_secrets(value) : value));
    else
      out.warn("of the header " + std::string{name.substr(0, 64)} + " only the first is sent", at);
  }
  if (!kept.items.empty())
    response.set("headers", std::move(kept));
}

void set_recorded_body(json_value& response, const std::string& body, const std::string& at, translation& out) {
  auto without = events::redact_json(body, [](std::string_view, bool) { return std::string{redacted}; });
  if (!without && is_like_form(body))
    if (auto form = without_form_secrets(body); form != body)
      without = std::move(form);
  if (without)
    out.warn("what has the name of a secret is replaced", at);
  set_body(response, without ? std::move(*without) : body);
}

} // namespace hourglass::mock
