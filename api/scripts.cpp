#include "api/core.hpp"
#include "api/input.hpp"
#include "api/log_reading.hpp"
#include "api/query.hpp"
#include "api/routes.hpp"
#include "events/json_text.hpp"
#include "events/wall_clock.hpp"
#include "mock/handler.hpp"
#include "mock/script_limits.hpp"
#include "mock/trial.hpp"
#include "replay/state.hpp"

// Handlers and what they use: earlier versions of an endpoint, functions, templates, and a script tried out.
namespace hourglass::api {

using events::errc;
using events::failure;
using nlohmann::json;

namespace {

// -- versions -------------------------------------------------------------------------

bool is_about(const events::record& r, std::string_view endpoint) {
  return std::find(r.header.entities.begin(), r.header.entities.end(), endpoint) != r.header.entities.end();
}

/// The endpoint as an `endpoint.put` has it, in the API's own form: what putting it again takes.
events::outcome<std::string> endpoint_in(const events::record& r) {
  auto payload = events::upcast(r);
  if (!payload)
    return tl::unexpected<events::error>{payload.error()};
  return mock::endpoint_of_event(*payload);
}

void write_version(events::json_text& j, const events::record& r) {
  j.key("version").value(r.header.seq).key("wall_time").value(events::to_rfc3339(r.header.wall));
  j.key("virtual_time").value(events::to_rfc3339(r.header.virtual_));
  j.key("principal").value(r.header.principal).key("correlation_id").value(r.header.correlation);
}

void versions(core& in, const call_ptr& c) {
  query_reader q{c->query};
  auto limit = q.limit();
  auto cursor = q.text("cursor", 1024);
  if (auto fine = q.done(); !fine)
    return c->fail(fine.error());
  storage::history_query what;
  what.sandbox = c->sandbox;
  what.kinds = {events::kind::endpoint_put};
  what.entity = c->param("endpoint");
  if (cursor) {
    auto text = from_cursor(*cursor);
    what.before = text ? to_number(*text) : std::nullopt;
    if (!what.before)
      return c->fail({errc::invalid, "is not a cursor that this server gave", "cursor"});
  }
  in.on_reader(c, [&in, what = std::move(what), limit](const call_ptr& done) {
    in.catch_up();
    std::string out = R"({"data":[)";
    std::size_t count = 0;
    auto next = scan_log(in.node.store(), what, [&](const events::record& r) -> events::outcome<bool> {
      auto e = endpoint_in(r);
      if (!e)
        return tl::unexpected<events::error>{e.error()};
      events::json_text j{out.append(count == 0 ? "" : ",")};
      j.open_object();
      write_version(j, r);
      const auto spec = json::parse(*e);
      const auto script = spec.contains("handler") ? mock::script_source::of(spec["handler"]["script"].get<std::string>()) : nullptr;
      j.key("script_sha256");
      script ? j.value(script->digest) : j.null();
      j.close_object();
      return ++count < limit;
    });
    if (!next)
      return done->fail(next.error());
    if (count == 0 && !what.before)
      return done->fail({errc::not_found, "there was never such an endpoint in this sandbox", {}});
    out += R"(],"next_cursor":)";
    out += *next ? json(to_cursor(std::to_string(**next))).dump() : "null";
    done->answer(200, out + '}');
  });
}

/// On a reader thread.
events::outcome<events::record> version_named(core& in, const call& c) {
  auto none = [] { return failure(errc::not_found, "this endpoint has no such version"); };
  auto seq = to_number(c.param("version"));
  if (!seq || *seq == 0)
    return none();
  auto found = in.node.store().read(c.sandbox, *seq, {1, 1});
  if (!found)
    return tl::unexpected<events::error>{found.error()};
  if (found->empty() || found->front().header.seq != *seq || found->front().header.kind != events::kind::endpoint_put ||
      !is_about(found->front(), c.param("endpoint")))
    return none();
  return std::move(found->front());
}

void version(core& in, const call_ptr& c) {
  in.on_reader(c, [&in](const call_ptr& done) {
    auto r = version_named(in, *done);
    if (!r)
      return done->fail(r.error());
    auto e = endpoint_in(*r);
    if (!e)
      return done->fail(e.error());
    std::string out;
    events::json_text j{out};
    j.open_object();
    write_version(j, *r);
    j.key("endpoint").raw(*e).close_object();
    done->answer(200, std::move(out));
  });
}

void restore(core& in, const call_ptr& c) {
  in.on_reader(c, [&in](const call_ptr& done) {
    auto r = version_named(in, *done);
    if (!r)
      return done->fail(r.error());
    auto e = endpoint_in(*r);
    if (!e)
      return done->fail(e.error());
    in.change(done, mock::endpoint_command{mock::put_endpoint{std::move(*e), done->param("endpoint")}});
  });
}

/// One of the named sources of a sandbox.
template <class Sources>
events::outcome<std::string> one_of(const Sources& all, const std::string& name, std::string_view what) {
  auto found = all.find(name);
  if (found == all.end())
    return failure(errc::not_found, "there is no such " + std::string{what} + " in this sandbox");
  return json{{"name", name}, {"source", found->second}}.dump();
}

/// The `source` of a body; nothing when it is answered already.
std::optional<std::string> source_in(const call_ptr& c, std::size_t least, std::size_t most) {
  input body{c->body};
  auto source = body.text("source", least, most);
  if (auto fine = body.done(); !fine) {
    c->fail(fine.error());
    return std::nullopt;
  }
  return source;
}

void remove(core& in, const call_ptr& c, actors::command what) {
  in.change(c, c->sandbox, std::move(what), [](const call_ptr& done, actors::receipt) { done->no_content(); });
}

// -- functions --------------------------------------------------------------------------

void functions(core& in, const call_ptr& c) {
  in.look<mock::endpoint_state>(c, [](const mock::endpoint_state& s, events::virtual_time) -> events::outcome<std::string> {
    auto out = json{{"data", json::array()}};
    for (const auto& [name, source] : s.functions())
      out["data"].push_back({{"name", name}, {"source", source}});
    return out.dump();
  });
}

void function(core& in, const call_ptr& c) {
  in.look<mock::endpoint_state>(c, [name = c->param("name")](const mock::endpoint_state& s, events::virtual_time) -> events::outcome<std::string> {
    return one_of(s.functions(), name, "function");
  });
}

void put_function(core& in, const call_ptr& c) {
  if (auto source = source_in(c, 1, limits::script_bytes))
    in.change(c, mock::endpoint_command{mock::put_function{c->param("name"), std::move(*source)}});
}

void remove_function(core& in, const call_ptr& c) {
  remove(in, c, mock::endpoint_command{mock::remove_function{c->param("name")}});
}

// -- templates --------------------------------------------------------------------------

void templates(core& in, const call_ptr& c) {
  in.look<mock::data_state>(c, [](const mock::data_state& s, events::virtual_time) -> events::outcome<std::string> {
    auto out = json{{"data", json::array()}};
    for (const auto& [name, source] : s.templates)
      out["data"].push_back({{"name", name}, {"bytes", source.size()}});
    return out.dump();
  });
}

void one_template(core& in, const call_ptr& c) {
  in.look<mock::data_state>(c, [name = c->param("name")](const mock::data_state& s, events::virtual_time) -> events::outcome<std::string> {
    return one_of(s.templates, name, "template");
  });
}

void put_template(core& in, const call_ptr& c) {
  if (auto source = source_in(c, 0, limits::data_value_bytes))
    in.change(c, mock::data_command{mock::put_template{c->param("name"), std::move(*source)}});
}

void remove_template(core& in, const call_ptr& c) {
  remove(in, c, mock::data_command{mock::remove_template{c->param("name")}});
}

// -- a trial ------------------------------------------------------------------------------

void try_script(core& in, const call_ptr& c) {
  auto what = mock::read_trial(c->request->body);
  if (!what)
    return c->fail(what.error());
  if (in.node.scripts() == nullptr)
    return c->fail({errc::unavailable, "this node has no engine for scripts", {}});
  auto place = in.place_apart(c); // before the state is folded, which costs more than a refusal may
  if (!place)
    return c->fail(place.error());
  in.on_reader(c, [&in, what = std::move(*what), place = std::move(*place)](const call_ptr& done) {
    auto state = replay::load(in.node.store(), done->sandbox);
    if (!state)
      return done->fail(state.error());
    events::context ctx;
    ctx.wall = events::wall_now();
    ctx.now = mock::now(state->clock, ctx.wall);
    ctx.chance = events::draw_entropy();
    ctx.correlation = done->correlation;
    auto trial = mock::prepare_trial(what, state->endpoints, std::move(state->data), std::move(ctx), done->sandbox.to_string(), in.node.redactor());
    if (!trial)
      return done->fail(trial.error());
    in.run_apart(
      done, place, [trial = *trial](mock::script_engine& engine, std::function<void()> ran) { mock::detached_run::run(trial, engine, nullptr, std::move(ran)); },
      [trial = *trial](const call_ptr& asked) {
        auto tried = mock::result_of_trial(*trial);
        tried ? asked->answer(200, std::move(*tried)) : asked->fail(tried.error());
      });
  });
}

} // namespace

void add_scripts(router& to) {
  constexpr std::string_view versions_tag = "endpoints", tag = "scripts";
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/endpoints/{endpoint}/versions", .id = "listEndpointVersions", .tag = versions_tag,
          .says = "What a hand-made endpoint was before, newest first, also of one that was removed", .who = access::sandbox,
          .query = {{"limit", "integer", "Page size, 1 to 250; 50 if absent"}, {"cursor", "string", "next_cursor of the page before"}},
          .answers = {{200, "EndpointVersionList"}}, .run = versions});
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/endpoints/{endpoint}/versions/{version}", .id = "getEndpointVersion", .tag = versions_tag,
          .says = "One version, whole", .who = access::sandbox, .answers = {{200, "EndpointVersion"}}, .run = version});
  to.add({.method = "POST", .path = "/sandboxes/{sandbox}/endpoints/{endpoint}/versions/{version}/restore", .id = "restoreEndpointVersion", .tag = versions_tag,
          .says = "Makes an earlier version the present one, as a new version", .who = access::sandbox, .answers = {{200, "MockEndpoint"}}, .run = restore});
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/functions", .id = "listFunctions", .tag = tag,
          .says = "The functions that all handlers may call as $func.NAME", .who = access::sandbox, .answers = {{200, "FunctionList"}}, .run = functions});
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/functions/{name}", .id = "getFunction", .tag = tag, .says = "One function", .who = access::sandbox,
          .answers = {{200, "Function"}}, .run = function});
  to.add({.method = "PUT", .path = "/sandboxes/{sandbox}/functions/{name}", .id = "putFunction", .tag = tag,
          .says = "Adds or replaces a function, for all handlers at once. It must compile: otherwise 422 with line and column, and the one of before stays",
          .who = access::sandbox, .takes = body::json, .body_schema = "SourcePut", .answers = {{200, "Function"}}, .run = put_function});
  to.add({.method = "DELETE", .path = "/sandboxes/{sandbox}/functions/{name}", .id = "deleteFunction", .tag = tag, .says = "Removes a function",
          .who = access::sandbox, .answers = {{204}}, .run = remove_function});
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/templates", .id = "listTemplates", .tag = tag, .says = "The templates that handlers use by name",
          .who = access::sandbox, .answers = {{200, "TemplateList"}}, .run = templates});
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/templates/{name}", .id = "getTemplate", .tag = tag, .says = "One template", .who = access::sandbox,
          .answers = {{200, "Template"}}, .run = one_template});
  to.add({.method = "PUT", .path = "/sandboxes/{sandbox}/templates/{name}", .id = "putTemplate", .tag = tag,
          .says = "Adds or replaces a template. Its text may hold {{ }} expressions; JSON if its name ends in json or it looks like it, XML if it ends in xml",
          .who = access::sandbox, .takes = body::json, .body_schema = "SourcePut", .answers = {{200, "Template"}}, .run = put_template});
  to.add({.method = "DELETE", .path = "/sandboxes/{sandbox}/templates/{name}", .id = "deleteTemplate", .tag = tag, .says = "Removes a template",
          .who = access::sandbox, .answers = {{204}}, .run = remove_template});
  to.add({.method = "POST", .path = "/sandboxes/{sandbox}/scripts/try", .id = "tryScript", .tag = tag,
          .says = "Runs a script against the sandbox's present state and changes nothing: what it would answer, write and emit. It calls nobody: what calls come to stands in calls", .who = access::sandbox,
          .takes = body::json, .body_schema = "ScriptTrial", .answers = {{200, "ScriptTrialResult"}}, .run = try_script});
}

} // namespace hourglass::api
