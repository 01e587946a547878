#include "mock/translation.hpp"

#include "events/digest.hpp"
#include "events/json_text.hpp"
#include "events/redact.hpp"
#include "events/redact_json.hpp"
#include "mock/endpoint_tables.hpp"
#include "mock/match_limits.hpp"
#include "mock/target.hpp"

#include <algorithm>
#include <array>

namespace hourglass::mock {

namespace {

/// Equal for endpoints that match the same.
std::string request_of(const json_value& endpoint) {
  std::string out;
  for (const auto* name : {"method", "path", "path_regex", "priority", "consumes", "match"}) {
    out += '\n';
    if (const auto* member = endpoint.member(name))
      write_json(*member, out);
  }
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
  auto request = request_of(endpoint);
  const auto odd = id.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
  if (id.empty() || id.size() > 64 || odd != std::string::npos)
    id = "im_" + events::to_hex(events::as_text(events::sha256({request}))).substr(0, 24);
  put_endpoint put{to_text(endpoint), std::move(id)};
  if (auto fine = read_put(put, {}); !fine)
    return warn("left out, since it makes no endpoint: " + fine.error().detail +
                    (fine.error().where.empty() ? "" : " (at " + fine.error().where + " of it)"),
                from);
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
  if (count_ > limits::endpoints_at_once)
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

bool has_secret(const json_value& v) {
  return std::any_of(v.names.begin(), v.names.end(), [](const auto& n) { return is_secret_name(n); }) ||
         std::any_of(v.items.begin(), v.items.end(), has_secret);
}

bool holds_secret(std::string_view text, std::string_view content_type) {
  static const events::redactor any_key{{}};
  return any_key.body(content_type, text) != text;
}

void set_headers(json_value& response, const fields& headers, const std::string& at, translation& out) {
  static constexpr std::array<std::string_view, 4> of_sending{"content-encoding", "alt-svc", "strict-transport-security", "server"};
  auto kept = json_value::object();
  for (const auto& [name, value] : headers) {
    const auto is_name = [&](std::string_view other) { return same_name(name, other); };
    if (is_framing_header(name) || name.starts_with(':') || std::any_of(of_sending.begin(), of_sending.end(), is_name))
      continue;
    if (events::redactor::is_sensitive_header(name))
      out.warn("the header " + std::string{name.substr(0, 64)} + " is left out: it holds a credential", at);
    else if (!is_token(name) || !is_field_value(value) || !events::is_utf8(value) || value.size() > 8 * limits::kibi)
      out.warn("a header is left out: it is none, or too long", at);
    else if (kept.member(name) == nullptr)
      kept.add(name, json_value::of(value));
    else
      out.warn("of the header " + std::string{name.substr(0, 64)} + " only the first is sent", at);
  }
  if (!kept.items.empty())
    response.set("headers", std::move(kept));
}

void set_recorded_body(json_value& response, const std::string& body, const std::string& at, translation& out) {
  auto without = events::redact_json(body, [](std::string_view, bool) { return std::string{"redacted"}; });
  if (without)
    out.warn("what has the name of a secret is replaced", at);
  set_body(response, without ? std::move(*without) : body);
}

} // namespace hourglass::mock
