#include "mock/trial.hpp"

#include "events/json_text.hpp"
#include "mock/compiled.hpp"
#include "mock/endpoint_tables.hpp"
#include "mock/object_reader.hpp"
#include "mock/outbound_limits.hpp"
#include "mock/script_limits.hpp"
#include "mock/target.hpp"

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;

void read_request(const json_value& v, request& out, std::optional<events::error>& problem) {
  object_reader in{v, "/request"};
  in.only({"method", "target", "headers", "body"});
  if (auto method = in.text("method", 32); !method.empty())
    out.method = std::move(method);
  if (auto target = in.text("target", limits::endpoint_path_bytes); !target.empty())
    out.target = std::move(target);
  if (!is_token(out.method))
    in.fail("must be an HTTP method", "method");
  if (out.target.front() != '/')
    in.fail("must start with a slash", "target");
  if (const auto* headers = in.object("headers"))
    for (std::size_t i = 0; i < headers->items.size(); ++i) {
      if (!headers->items[i].is_string() || !is_token(headers->names[i]) || !is_field_value(headers->items[i].text))
        in.fail("must be an object of header names and texts", "headers");
      out.headers.push_back({headers->names[i], headers->items[i].text});
    }
  if (const auto* body = v.member("body"); body != nullptr && !body->is_null()) {
    out.body = body->is_string() ? body->text : to_text(*body);
    if (!body->is_string() && find(out.headers, "content-type") == nullptr)
      out.headers.push_back({"Content-Type", "application/json"});
  }
  if (!problem && in.problem())
    problem = in.problem();
}

/// The endpoint that the script would be the handler of.
outcome<plan> plan_of(const script_trial& what, const endpoint_state& endpoints) {
  endpoint e;
  e.id = "ep_trial";
  e.method = what.request.method;
  e.path = what.path.empty() ? std::string{split_target(what.request.target).path} : what.path;
  e.script = what.script;
  e.responses.push_back({"200", {}, {}});
  auto compiled = compiled_endpoint::compile(std::move(e));
  if (!compiled)
    return tl::unexpected<events::error>{std::move(compiled).error()};
  endpoint_state alone;
  alone.self->put(std::move(*compiled));
  alone.self->library = endpoints.self->library;
  auto p = route(alone, what.request);
  if (!p.runs_script())
    return failure(errc::invalid, "does not match the path", "/request/target");
  return p;
}

void write_error(events::json_text& j, const script_error& e) {
  j.key("error").open_object().key("kind").value(to_string(e.fault)).key("message").value(e.message);
  j.key("line").value(e.line).key("column").value(e.column).key("stack").value(e.stack).close_object();
}

} // namespace

outcome<script_trial> read_trial(std::string_view text) {
  auto v = parse_json(text);
  if (!v)
    return tl::unexpected<events::error>{std::move(v).error()};
  object_reader in{*v, ""};
  in.only({"script", "path", "request", "calls"});
  script_trial out;
  out.script = in.text("script", limits::script_bytes, true);
  out.path = in.text("path", limits::endpoint_path_bytes);
  out.request.method = "GET";
  out.request.target = "/";
  auto problem = in.problem();
  if (const auto* request = in.object("request"))
    read_request(*request, out.request, problem);
  if (const auto* calls = in.array("calls", limits::outbound_calls); calls != nullptr && !(out.request.calls = read_calls(*calls)))
    in.fail("must be calls as `wanted` has them, each with its `answer` or `error`", "calls");
  if (!problem)
    problem = in.problem();
  if (problem)
    return tl::unexpected<events::error>{std::move(*problem)};
  return out;
}

outcome<std::shared_ptr<detached_run>> prepare_trial(script_trial what, const endpoint_state& endpoints, data_state data, events::context ctx,
                                                     std::string sandbox, const events::redactor& redact) {
  auto p = plan_of(what, endpoints);
  if (!p)
    return tl::unexpected<events::error>{std::move(p).error()};
  return std::make_shared<detached_run>(std::move(*p), std::move(data), std::move(what.request), std::move(ctx), std::move(sandbox), redact);
}

outcome<std::string> result_of_trial(const detached_run& trial) {
  auto served = trial.finish();
  if (!served)
    return tl::unexpected<events::error>{std::move(served).error()};
  if (!served->wanted.empty())
    return R"({"wanted":)" + to_json(served->wanted) + '}';
  auto record = decode_served(served->events.front().payload);
  if (!record)
    return tl::unexpected<events::error>{std::move(record).error()};
  std::string out;
  events::json_text j{out};
  j.open_object().key("response").open_object().key("status").value(served->response.status).key("headers").open_array();
  for (const auto& [name, value] : served->response.headers)
    j.open_array().value(name).value(value).close_array();
  j.close_array().key("body").value(served->response.body).close_object();
  if (record->script->error)
    write_error(j, *record->script->error);
  j.key("console").open_array();
  for (const auto& line : record->script->console)
    j.open_array().value(line.level).value(line.text).close_array();
  j.close_array().key("changes").open_array();
  for (std::size_t i = 1; i < served->events.size(); ++i)
    j.raw(served->events[i].payload);
  j.close_array().key("emitted").open_array();
  for (const auto& e : served->emitted)
    j.open_object().key("type").value(e.type).key("payload").raw(e.payload).close_object();
  j.close_array().close_object();
  return out;
}

outcome<std::string> endpoint_of_event(std::string_view payload) {
  auto v = parse_own(payload);
  if (!v)
    return tl::unexpected<events::error>{std::move(v).error()};
  auto e = decode_endpoint(*v);
  if (!e)
    return tl::unexpected<events::error>{std::move(e).error()};
  return to_json(*e);
}

} // namespace hourglass::mock
