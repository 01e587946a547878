// `$req`: a request as a script sees it.
#include "mock/handler.hpp"

#include "events/json_check.hpp"
#include "events/json_text.hpp"
#include "mock/compiled.hpp"
#include "mock/negotiation.hpp"
#include "mock/script_limits.hpp"
#include "mock/target.hpp"

#include <algorithm>
#include <map>
#include <vector>

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;

void write_grouped(events::json_text& j, const fields& pairs) {
  std::map<std::string, std::vector<const std::string*>, std::less<>> by_name;
  for (const auto& [name, value] : pairs)
    by_name[name].push_back(&value);
  j.open_object();
  for (const auto& [name, values] : by_name) {
    j.key(name);
    if (values.size() == 1) {
      j.value(*values.front());
      continue;
    }
    j.open_array();
    for (const auto* v : values)
      j.value(*v);
    j.close_array();
  }
  j.close_object();
}

std::string shown(std::string_view bytes) {
  if (events::is_utf8(bytes))
    return std::string{bytes};
  std::string out; // as Latin-1: each byte a character
  for (unsigned char c : bytes) {
    if (c < 0x80) {
      out.push_back(static_cast<char>(c));
    } else {
      out.push_back(static_cast<char>(0xc0U | (c >> 6U)));
      out.push_back(static_cast<char>(0x80U | (c & 0x3fU)));
    }
  }
  return out;
}

void write_cookies(events::json_text& j, const fields& headers) {
  std::map<std::string, std::string, std::less<>> cookies;
  for (const auto& [name, value] : headers) {
    if (!same_name(name, "cookie"))
      continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const auto end = std::min(rest.find(';'), rest.size());
      const auto one = trimmed(rest.substr(0, end));
      if (const auto equals = one.find('='); equals != std::string_view::npos && equals != 0)
        cookies.emplace(shown(one.substr(0, equals)), shown(one.substr(equals + 1)));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  j.open_object();
  for (const auto& [name, value] : cookies)
    j.key(name).value(value);
  j.close_object();
}

void write_body(events::json_text& j, const request& req) {
  const auto* type = find(req.headers, "content-type");
  const bool says_json = type != nullptr && is_json_media(media_essence(*type));
  if (req.body.empty() || !events::is_utf8(req.body))
    j.null();
  else if (says_json && events::check_json(req.body, limits::json_depth))
    j.raw(req.body);
  else
    j.value(req.body);
}

} // namespace

void write_joined(events::json_text& j, const fields& headers) {
  std::map<std::string, std::string, std::less<>> joined;
  for (const auto& [name, value] : headers) {
    auto& into = joined[lower(name)];
    into += (into.empty() ? "" : ", ") + shown(value);
  }
  j.open_object();
  for (const auto& [name, value] : joined)
    j.key(name).value(value);
  j.close_object();
}

outcome<std::string> request_json(const plan& p, const request& req) {
  std::string out;
  out.reserve(512 + req.body.size() * 5 / 4);
  events::json_text j{out};
  const auto parts = split_target(req.target);
  j.open_object().key("method").value(shown(req.method)).key("path").value(shown(parts.path));
  j.key("params").open_object();
  const auto& names = p.endpoint->route.parameters;
  for (std::size_t i = 0; i < std::min(names.size(), p.captures.size()); ++i)
    j.key(names[i]).value(p.captures[i]);
  j.close_object();
  write_grouped(j.key("query"), parse_query(parts.query));
  write_joined(j.key("headers"), req.headers);
  write_cookies(j.key("cookies"), req.headers);
  write_body(j.key("body"), req);
  j.close_object();
  if (out.size() > limits::script_request_bytes)
    return failure(errc::too_large, "the request is larger than the limit script_request_bytes (" + std::to_string(limits::script_request_bytes) + ")");
  return out;
}

} // namespace hourglass::mock
