// An endpoint as JSON: as the API takes it, as events and snapshots hold it, as the API shows it.
#include "mock/endpoint_tables.hpp"

#include "events/json_text.hpp"
#include "events/limits.hpp"
#include "mock/forward_limits.hpp"
#include "mock/match_limits.hpp"
#include "mock/negotiation.hpp"
#include "mock/object_reader.hpp"
#include "mock/script_limits.hpp"
#include "mock/target.hpp"

#include <algorithm>
#include <array>

namespace hourglass::mock {

bool is_framing_header(std::string_view name) {
  static constexpr std::array<std::string_view, 10> names{"content-length",    "transfer-encoding", "connection",
                                                         "keep-alive",        "upgrade",           "te",
                                                         "trailer",           "proxy-connection",  "date", "x-request-id"};
  return std::any_of(names.begin(), names.end(), [&](auto n) { return same_name(n, name); });
}

namespace {

std::optional<events::error> read_headers(const json_value* headers, response_spec& out, std::string& media_type) {
  if (headers == nullptr)
    return std::nullopt;
  object_reader members{*headers, "/response/headers"};
  for (std::size_t i = 0; i < headers->names.size(); ++i) {
    const auto& name = headers->names[i];
    const auto& value = headers->items[i];
    if (!is_token(name))
      members.fail("is no header name", name);
    else if (is_framing_header(name))
      members.fail("is set by the server", name);
    else if (!value.is_string() && !value.is_number())
      members.fail("must be a string", name);
    else if (value.text.size() > limits::kibi * 8 || !is_field_value(value.text))
      members.fail("is longer than 8 KiB or has control characters", name);
    else if (same_name(name, "content-type"))
      media_type = value.text;
    else
      out.headers.push_back({name, value.text});
    if (out.headers.size() > 100)
      members.fail("are more than 100 headers", name, events::errc::too_large);
  }
  if (!media_type.empty() && media_essence(media_type).empty())
    members.fail("is no media type", "Content-Type");
  return members.problem();
}

void read_response(const json_value& v, endpoint& e, std::optional<events::error>& problem) {
  object_reader in{v, "/response"};
  in.only({"status", "headers", "body", "template"});
  response_spec out;
  auto status = in.integer("status", 200, 599, 200);
  out.status = std::to_string(status);
  e.templated = in.truth("template", false);
  std::string media_type;
  problem = read_headers(in.object("headers"), out, media_type);
  if (const auto* body = v.member("body")) {
    bool empty = body->is_null() || (body->is_string() && body->text.empty());
    if (!empty && (status == 204 || status == 304))
      in.fail("an answer of status 204 or 304 has no body", "body");
    e.json_body = !body->is_string() && !body->is_null();
    auto text = body->is_string() ? body->text : body->is_null() ? std::string{} : to_text(*body);
    if (text.size() > limits::endpoint_body_bytes)
      in.fail("is larger than the limit endpoint_body_bytes", "body", events::errc::too_large);
    if (media_type.empty()) {
      auto first = text.find_first_not_of(" \t\r\n");
      bool looks_json = first != std::string::npos && (text[first] == '{' || text[first] == '[');
      media_type = e.json_body || looks_json ? "application/json" : "text/plain; charset=utf-8";
    }
    if (!text.empty())
      out.contents.push_back({media_type, {{{}, std::move(text)}}});
  } else if (!media_type.empty()) {
    out.headers.push_back({"Content-Type", media_type});
  }
  e.responses.push_back(std::move(out));
  if (in.problem())
    problem = in.problem();
}

void read_consumes(object_reader& in, endpoint& e) {
  const auto* list = in.array("consumes", 32);
  if (list == nullptr)
    return;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const auto& item = list->items[i];
    auto essence = item.is_string() ? media_essence(item.text) : std::string{};
    if (essence.empty())
      in.fail("must be a list of media types; element " + std::to_string(i) + " is none", "consumes");
    e.consumes.push_back(std::move(essence));
  }
}

void read_match(object_reader& in, endpoint& e) {
  const auto* match = in.object("match");
  if (match == nullptr || match->items.empty())
    return;
  e.match = to_text(*match);
  if (e.match.size() > limits::match_bytes)
    in.fail("is larger than the limit match_bytes (" + std::to_string(limits::match_bytes) + ")", "match", events::errc::too_large);
}

/// What makes an endpoint differ from others of its route, where it does.
void write_choice(events::json_text& j, const endpoint& e) {
  if (e.priority != usual_priority)
    j.key("priority").value(e.priority);
  if (!e.match.empty())
    j.key("match").raw(e.match);
}

std::string read_root(object_reader& in, std::string_view name) {
  auto root = in.text(name, limits::endpoint_path_bytes);
  while (root.ends_with('/'))
    root.pop_back();
  if (!root.empty() && root.front() != '/')
    in.fail("must be empty or start with a slash", name);
  return root;
}

void write_headers(events::json_text& j, const fields& headers) {
  j.open_array();
  for (const auto& h : headers)
    j.open_array().value(h.name).value(h.value).close_array();
  j.close_array();
}

/// A body as the API shows it: as JSON if it is some.
void show_body(events::json_text& j, const content& c, const example& x) {
  if (is_json_media(media_essence(c.media_type)))
    if (auto v = parse_json(x.body)) {
      j.raw(to_text(*v));
      return;
    }
  j.value(x.body);
}

void show_headers(events::json_text& j, const fields& headers, const std::string* media_type) {
  j.key("headers").open_object();
  if (media_type != nullptr)
    j.key("Content-Type").value(*media_type);
  for (const auto& h : headers)
    j.key(h.name).value(h.value);
  j.close_object();
}

void show_hand_made(events::json_text& j, const endpoint& e) {
  const auto& r = e.responses.front();
  const auto* c = r.contents.empty() ? nullptr : &r.contents.front();
  j.key("response").open_object();
  j.key("status").raw(r.status);
  show_headers(j, r.headers, c != nullptr ? &c->media_type : nullptr);
  if (c != nullptr) {
    j.key("body");
    if (e.json_body)
      j.raw(c->examples.front().body);
    else
      j.value(c->examples.front().body);
  }
  j.key("template").value(e.templated);
  j.close_object();
}

void show_imported(events::json_text& j, const endpoint& e) {
  j.key("responses").open_array();
  for (const auto& r : e.responses) {
    j.open_object().key("status").value(r.status);
    show_headers(j, r.headers, nullptr);
    j.key("contents").open_array();
    for (const auto& c : r.contents) {
      j.open_object().key("media_type").value(c.media_type).key("examples").open_array();
      for (const auto& x : c.examples) {
        j.open_object().key("name").value(x.name).key("body");
        show_body(j, c, x);
        j.close_object();
      }
      j.close_array().close_object();
    }
    j.close_array().close_object();
  }
  j.close_array();
}

events::outcome<response_spec> decode_response(const json_value& v) {
  auto corrupt = [] { return events::failure(events::errc::corrupt, "an endpoint's response does not read"); };
  response_spec out;
  out.status = v.string_member("status");
  const auto* headers = v.member("headers");
  const auto* contents = v.member("contents");
  bool digits = out.status.size() == 3 && out.status[0] >= '1' && out.status[0] <= '5';
  if ((!digits && out.status != "default") || headers == nullptr || contents == nullptr)
    return corrupt();
  for (const auto& h : headers->items) {
    if (h.items.size() != 2)
      return corrupt();
    out.headers.push_back({h.items[0].text, h.items[1].text});
  }
  for (const auto& c : contents->items) {
    const auto* examples = c.member("examples");
    if (examples == nullptr || examples->items.empty())
      return corrupt();
    auto& into = out.contents.emplace_back();
    into.media_type = c.string_member("media_type");
    for (const auto& x : examples->items)
      into.examples.push_back({std::string{x.string_member("name")}, std::string{x.string_member("body")}});
  }
  return out;
}

} // namespace

events::outcome<endpoint> read_endpoint(std::string_view text) {
  auto v = parse_json(text);
  if (!v)
    return tl::unexpected<events::error>{v.error()};
  object_reader in{*v, ""};
  in.only({"id", "method", "path", "path_regex", "project_root", "group_root", "consumes", "name", "source", "priority", "match", "response", "handler", "forward"});
  endpoint e;
  e.method = in.text("method", 32, true);
  if (!is_token(e.method))
    in.fail("must be an HTTP method", "method");
  std::transform(e.method.begin(), e.method.end(), e.method.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  e.project_root = read_root(in, "project_root");
  e.group_root = read_root(in, "group_root");
  e.path_regex = in.has("path_regex");
  e.path = e.path_regex ? in.text("path_regex", limits::match_regex_bytes, true) : in.text("path", limits::endpoint_path_bytes, true);
  if (e.path_regex && in.has("path"))
    in.fail("does not go with path_regex", "path");
  if (!e.path_regex && !e.path.empty() && e.path.front() != '/')
    in.fail("must start with a slash", "path");
  e.priority = static_cast<unsigned>(in.integer("priority", 1, limits::endpoint_priority_most, usual_priority));
  e.name = in.text("name", 256);
  read_consumes(in, e);
  read_match(in, e);
  const auto* handler = in.object("handler");
  const auto* forward = in.object("forward");
  const auto* response = in.object("response", handler == nullptr && forward == nullptr);
  if (in.problem())
    return tl::unexpected<events::error>{*in.problem()};
  if (handler != nullptr) {
    object_reader members{*handler, "/handler"};
    members.only({"script"});
    e.script = members.text("script", limits::script_bytes, true);
    if (members.problem())
      return tl::unexpected<events::error>{*members.problem()};
  }
  if (forward != nullptr) {
    e.forward = to_text(*forward);
    e.forward_only = handler == nullptr && response == nullptr;
    if (e.forward.size() > limits::forward_rules_bytes)
      return events::failure(events::errc::too_large, "is larger than the limit forward_rules_bytes (" + std::to_string(limits::forward_rules_bytes) + ")", "/forward");
  }
  static const json_value nothing = json_value::object();
  std::optional<events::error> problem;
  read_response(response != nullptr ? *response : nothing, e, problem);
  if (problem)
    return tl::unexpected<events::error>{*problem};
  return e;
}

void write_endpoint(const endpoint& e, std::string& out) {
  events::json_text j{out};
  j.open_object();
  j.key("id").value(e.id).key("method").value(e.method);
  j.key("project_root").value(e.project_root).key("group_root").value(e.group_root).key("path").value(e.path);
  j.key("consumes").open_array();
  for (const auto& c : e.consumes)
    j.value(c);
  j.close_array();
  j.key("name").value(e.name).key("source").value(e.source == endpoint_source::hand ? "hand" : "openapi");
  j.key("templated").value(e.templated).key("json_body").value(e.json_body);
  j.key("responses").open_array();
  for (const auto& r : e.responses) {
    j.open_object().key("status").value(r.status).key("headers");
    write_headers(j, r.headers);
    j.key("contents").open_array();
    for (const auto& c : r.contents) {
      j.open_object().key("media_type").value(c.media_type).key("examples").open_array();
      for (const auto& x : c.examples)
        j.open_object().key("name").value(x.name).key("body").value(x.body).close_object();
      j.close_array().close_object();
    }
    j.close_array().close_object();
  }
  j.close_array();
  if (e.path_regex)
    j.key("path_regex").value(true);
  write_choice(j, e);
  if (!e.script.empty())
    j.key("script").value(e.script);
  if (!e.forward.empty()) {
    j.key("forward").raw(e.forward);
    if (e.forward_only)
      j.key("forward_only").value(true);
  }
  if (!e.demands.empty()) {
    j.key("demands");
    write_demands(e.demands, j);
  }
  if (!e.state.empty()) {
    j.key("state");
    write_state(e.state, j);
  }
  j.close_object();
}

events::outcome<endpoint> decode_endpoint(const json_value& v) {
  endpoint e;
  e.id = v.string_member("id");
  e.method = v.string_member("method");
  e.project_root = v.string_member("project_root");
  e.group_root = v.string_member("group_root");
  e.path = v.string_member("path");
  e.name = v.string_member("name");
  e.script = v.string_member("script");
  auto source = v.string_member("source");
  const auto* consumes = v.member("consumes");
  const auto* responses = v.member("responses");
  if (e.id.empty() || e.method.empty() || (source != "hand" && source != "openapi") || consumes == nullptr || responses == nullptr)
    return events::failure(events::errc::corrupt, "an endpoint does not read");
  e.source = source == "hand" ? endpoint_source::hand : endpoint_source::openapi;
  const auto* templated = v.member("templated");
  const auto* json_body = v.member("json_body");
  e.templated = templated != nullptr && templated->is_true();
  e.json_body = json_body != nullptr && json_body->is_true();
  e.path_regex = v.truth_member("path_regex");
  const auto priority = v.integer_member("priority", usual_priority);
  const auto* match = v.member("match");
  if (priority < 1 || priority > limits::endpoint_priority_most || (match != nullptr && !match->is_object()))
    return events::failure(events::errc::corrupt, "an endpoint does not read");
  e.priority = static_cast<unsigned>(priority);
  if (match != nullptr)
    e.match = to_text(*match);
  if (const auto* forward = v.member("forward"))
    e.forward = to_text(*forward);
  e.forward_only = v.truth_member("forward_only");
  for (const auto& c : consumes->items)
    e.consumes.push_back(c.text);
  for (const auto& r : responses->items) {
    auto spec = decode_response(r);
    if (!spec)
      return tl::unexpected<events::error>{spec.error()};
    e.responses.push_back(std::move(*spec));
  }
  if (const auto* demands = v.member("demands")) {
    auto read = decode_demands(*demands);
    if (!read)
      return tl::unexpected<events::error>{read.error()};
    e.demands = std::move(*read);
  }
  if (const auto* state = v.member("state")) {
    auto read = decode_state(*state);
    if (!read)
      return tl::unexpected<events::error>{read.error()};
    e.state = std::move(*read);
  }
  return e;
}

std::string to_json(const endpoint& e) {
  std::string out;
  events::json_text j{out};
  j.open_object();
  j.key("id").value(e.id).key("method").value(e.method).key(e.path_regex ? "path_regex" : "path").value(e.path);
  j.key("project_root").value(e.project_root).key("group_root").value(e.group_root);
  j.key("consumes").open_array();
  for (const auto& c : e.consumes)
    j.value(c);
  j.close_array();
  j.key("name").value(e.name).key("source").value(e.source == endpoint_source::hand ? "hand" : "openapi");
  write_choice(j, e);
  if (e.source == endpoint_source::hand && !e.forward_only)
    show_hand_made(j, e);
  else if (e.source != endpoint_source::hand)
    show_imported(j, e);
  if (!e.script.empty())
    j.key("handler").open_object().key("script").value(e.script).close_object();
  if (!e.forward.empty())
    j.key("forward").raw(e.forward);
  if (!e.demands.empty()) {
    j.key("request");
    write_demands(e.demands, j);
  }
  if (!e.state.empty()) {
    j.key("state");
    write_state(e.state, j);
  }
  j.close_object();
  return out;
}

} // namespace hourglass::mock
