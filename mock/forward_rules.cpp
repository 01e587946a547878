#include "mock/forward_rules.hpp"

#include "events/json_text.hpp"
#include "mock/endpoint_tables.hpp"
#include "mock/forward_limits.hpp"
#include "mock/negotiation.hpp"
#include "mock/object_reader.hpp"
#include "mock/target.hpp"

#include <algorithm>

namespace hourglass::mock {

using events::errc;
using events::failure;
using events::outcome;

namespace {

bool covers(std::string_view pattern, std::string_view name) noexcept {
  if (!pattern.ends_with('*'))
    return same_name(pattern, name);
  pattern.remove_suffix(1);
  return same_name(pattern, name.substr(0, pattern.size()));
}

bool is_one_of(const std::vector<std::string>& patterns, std::string_view name) noexcept {
  return std::any_of(patterns.begin(), patterns.end(), [&](const auto& p) { return covers(p, name); });
}

std::vector<std::string> read_names(object_reader& in, std::string_view member) {
  std::vector<std::string> out;
  const auto* list = in.array(member, limits::forward_headers);
  if (list == nullptr)
    return out;
  for (const auto& item : list->items) {
    const auto name = std::string_view{item.text}.substr(0, item.text.size() - (item.text.ends_with('*') ? 1 : 0));
    if (!item.is_string() || item.text.size() > 256 || (!name.empty() && !is_token(name)) || item.text.empty())
      in.fail("must be a list of header names, which may end with *", member);
    out.push_back(item.text);
  }
  return out;
}

std::vector<status_pattern> read_statuses(object_reader& in, std::string_view member) {
  std::vector<status_pattern> out;
  const auto* list = in.array(member, 100);
  if (list == nullptr)
    return out;
  for (const auto& item : list->items) {
    const auto one = item.is_string() || item.is_number() ? status_pattern::read(item.text) : std::nullopt;
    if (!one)
      in.fail("must be a list of statuses (501) and classes of them (\"5XX\")", member);
    else
      out.push_back(*one);
  }
  return out;
}

std::optional<std::chrono::milliseconds> read_time(object_reader& in) {
  if (!in.has("timeout_ms"))
    return std::nullopt;
  constexpr auto most = std::chrono::duration_cast<std::chrono::milliseconds>(limits::forward_time_most).count();
  return std::chrono::milliseconds{in.integer("timeout_ms", 1, most, 1)};
}

std::optional<events::error> read_status_map(const json_value* map, std::vector<std::pair<status_pattern, unsigned>>& into) {
  if (map == nullptr)
    return std::nullopt;
  object_reader in{*map, "/forward/answer/status"};
  for (const auto& name : map->names) {
    const auto from = status_pattern::read(name);
    if (!from)
      in.fail("is neither a status nor a class of them (5XX)", name);
    else
      into.emplace_back(*from, static_cast<unsigned>(in.integer(name, 200, 599, 200)));
    if (into.size() > 100)
      in.fail("is one of more than 100", name, errc::too_large);
  }
  std::stable_sort(into.begin(), into.end(), [](const auto& a, const auto& b) { return a.first.high - a.first.low < b.first.high - b.first.low; });
  return in.problem();
}

events::error at_place(events::error e, const std::string& place) {
  e.where = place + (e.where.empty() ? "" : ":" + e.where);
  return e;
}

outcome<void> read_body(const json_value& body, forward_rules& out) {
  const auto text = body.is_string() ? body.text : to_text(body);
  if (text.size() > limits::forward_rules_bytes)
    return failure(errc::too_large, "is larger than the limit forward_rules_bytes", "/forward/answer/body");
  const auto first = text.find_first_not_of(" \t\r\n");
  const bool json = !body.is_string() || (first != std::string::npos && (text[first] == '{' || text[first] == '[') && text.compare(first, 2, "{{") != 0);
  auto compiled = compiled_template::compile(text, json ? template_flavour::json : template_flavour::text, template_about::answer);
  if (!compiled)
    return tl::unexpected<events::error>{at_place(compiled.error(), "/forward/answer/body")};
  out.body = std::move(*compiled);
  out.media_type = json ? "application/json" : "text/plain; charset=utf-8";
  return {};
}

outcome<void> read_answer(const json_value& v, forward_rules& out) {
  object_reader in{v, "/forward/answer"};
  in.only({"status", "headers", "body", "body_status"});
  const auto* statuses = in.object("status");
  const auto* headers = in.object("headers");
  out.body_statuses = read_statuses(in, "body_status");
  if (in.has("body_status") && !in.has("body"))
    in.fail("says when a body takes the place of the upstream's, and there is none", "body_status");
  if (in.problem())
    return tl::unexpected<events::error>{*in.problem()};
  if (auto problem = read_status_map(statuses, out.statuses))
    return tl::unexpected<events::error>{*problem};
  auto rules = header_rules::read(headers, "/forward/answer/headers", true);
  if (!rules)
    return tl::unexpected<events::error>{rules.error()};
  out.answered = std::move(*rules);
  if (const auto* body = v.member("body"))
    return read_body(*body, out);
  return {};
}

} // namespace

std::optional<status_pattern> status_pattern::read(std::string_view text) {
  if (text.size() != 3 || text[0] < '1' || text[0] > '5')
    return std::nullopt;
  const auto hundreds = static_cast<unsigned>(text[0] - '0') * 100;
  if (same_name(text.substr(1), "xx"))
    return status_pattern{hundreds, hundreds + 99};
  if (text[1] < '0' || text[1] > '9' || text[2] < '0' || text[2] > '9')
    return std::nullopt;
  const auto status = hundreds + static_cast<unsigned>(text[1] - '0') * 10 + static_cast<unsigned>(text[2] - '0');
  return status_pattern{status, status};
}

// -- headers ----------------------------------------------------------------------

outcome<header_rules> header_rules::read(const json_value* v, std::string at, bool about_answer) {
  header_rules out;
  if (v == nullptr)
    return out;
  object_reader in{*v, at};
  about_answer ? in.only({"allow", "remove", "set"}) : in.only({"remove", "set"});
  if (in.has("allow"))
    out.allow = read_names(in, "allow");
  out.remove = read_names(in, "remove");
  const auto* set = in.object("set");
  if (in.problem())
    return tl::unexpected<events::error>{*in.problem()};
  if (set == nullptr)
    return out;
  at += "/set";
  object_reader members{*set, at};
  if (set->names.size() > limits::forward_headers)
    return failure(errc::too_large, "are more than the limit forward_headers (" + std::to_string(limits::forward_headers) + ")", at);
  for (const auto& name : set->names) {
    const auto value = members.text(name, limits::kibi * 8);
    if (!is_token(name))
      members.fail("is no header name", name);
    else if (is_framing_header(name) || same_name(name, "host") || same_name(name, "expect") || same_name(name, "via"))
      members.fail(about_answer ? "is set by the server" : "is set by the client", name);
    else if (!is_field_value(value))
      members.fail("has control characters", name);
    if (members.problem())
      return tl::unexpected<events::error>{*members.problem()};
    auto compiled = compiled_template::compile(value, template_flavour::text, about_answer ? template_about::answer : template_about::request);
    if (!compiled)
      return tl::unexpected<events::error>{at_place(compiled.error(), pointer_to(at, name))};
    out.set.emplace_back(name, std::move(*compiled));
  }
  return out;
}

outcome<void> header_rules::apply(fields& headers, template_scope& scope) const {
  std::erase_if(headers, [&](const field& h) {
    return (allow && !is_one_of(*allow, h.name) && !same_name(h.name, "content-type")) || is_one_of(remove, h.name);
  });
  for (const auto& [name, value] : set) {
    std::string text;
    if (auto ok = value.render(scope, text); !ok)
      return failure(ok.error().code, "the header " + name + ": " + ok.error().detail);
    std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' '); // data may have had a hand in it
    std::erase_if(headers, [&, of = std::string_view{name}](const field& h) { return same_name(h.name, of); });
    headers.push_back({name, std::move(text)});
  }
  return {};
}

// -- an endpoint's ------------------------------------------------------------------

outcome<std::shared_ptr<const forward_rules>> forward_rules::compile(const json_value& v, std::span<const std::string> parameters) {
  object_reader in{v, "/forward"};
  in.only({"target", "query", "timeout_ms", "headers", "answer", "fallback", "mock_on", "compare"});
  const auto text = in.text("target", limits::forward_url_bytes, true);
  const auto query = in.text("query", 16);
  const auto fallback = in.text("fallback", 16);
  const auto* headers = in.object("headers");
  const auto* answer = in.object("answer");
  auto out = std::make_shared<forward_rules>();
  out->time = read_time(in);
  out->mock_on = read_statuses(in, "mock_on");
  out->compare = in.truth("compare", false);
  if (!query.empty() && query != "target" && query != "request" && query != "none")
    in.fail("must be target (its own parameters win), request (those of the request win) or none (only its own)", "query");
  if (!fallback.empty() && fallback != "error" && fallback != "mock")
    in.fail("must be error or mock", "fallback");
  if (in.problem())
    return tl::unexpected<events::error>{*in.problem()};
  out->query = query == "request" ? query_rule::request_wins : query == "none" ? query_rule::target_only : query_rule::target_wins;
  out->mock_on_failure = fallback == "mock";
  auto target = forward_target::compile(text, parameters);
  if (!target)
    return failure(target.error().code, target.error().detail, "/forward/target");
  out->target = std::move(*target);
  auto asked = header_rules::read(headers, "/forward/headers", false);
  if (!asked)
    return tl::unexpected<events::error>{asked.error()};
  out->asked = std::move(*asked);
  if (answer != nullptr)
    if (auto ok = read_answer(*answer, *out); !ok)
      return tl::unexpected<events::error>{ok.error()};
  return std::shared_ptr<const forward_rules>{std::move(out)};
}

// -- a project's --------------------------------------------------------------------

outcome<forward_clients> read_forward_clients(const json_value& v, const std::string& at) {
  forward_clients out;
  object_reader all{v, at};
  if (all.problem())
    return tl::unexpected<events::error>{*all.problem()};
  if (v.names.size() > limits::forward_projects)
    return failure(errc::too_large, "are more than the limit forward_projects (" + std::to_string(limits::forward_projects) + ")", at);
  for (std::size_t i = 0; i < v.names.size(); ++i) {
    const auto& root = v.names[i];
    const auto place = pointer_to(at, root);
    if (root.size() > limits::endpoint_path_bytes || (!root.empty() && (root.front() != '/' || root.back() == '/')))
      return failure(errc::invalid, "is no project root: it is empty, or begins with a slash and does not end with one", place);
    object_reader in{v.items[i], place};
    in.only({"timeout_ms", "headers", "authorities"});
    auto client = std::make_shared<forward_client>();
    client->time = read_time(in);
    client->authorities = in.text("authorities", 256 * limits::kibi);
    const auto* headers = in.object("headers");
    if (in.problem())
      return tl::unexpected<events::error>{*in.problem()};
    auto asked = header_rules::read(headers, place + "/headers", false);
    if (!asked)
      return tl::unexpected<events::error>{asked.error()};
    client->asked = std::move(*asked);
    client->text = to_text(v.items[i]);
    if (!out.emplace(root, std::move(client)).second)
      return failure(errc::invalid, "stands twice", place);
  }
  return out;
}

void write_forward_clients(const forward_clients& clients, events::json_text& j) {
  j.open_object();
  for (const auto& [root, client] : clients)
    j.key(root).raw(client->text);
  j.close_object();
}

} // namespace hourglass::mock
