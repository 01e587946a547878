#include "api/service.hpp"

#include "api/auth.hpp"
#include "api/core.hpp"
#include "api/input.hpp"
#include "api/openapi_document.hpp"
#include "api/query.hpp"
#include "api/reserved.hpp"
#include "api/routes.hpp"
#include "api/tail.hpp"
#include "http/media_type.hpp"

#include <algorithm>
#include <iterator>

namespace hourglass::api {

using events::errc;
using events::failure;

namespace {

// -- the sandboxes' own traffic ---------------------------------------------------

/// Whose traffic a request is, if it is a sandbox's, and the target within it.
struct mock_target {
  std::string_view sandbox;
  std::string target;
  bool is_host = false; ///< it was named by the Host header
};

/// `sbx_1.sandbox.test:8080` -> `sbx_1` when the domain is `sandbox.test`.
std::string_view subdomain_of(std::string_view host, std::string_view domain) {
  host = host.substr(0, host.find(':'));
  if (host.ends_with('.')) // the root of all names
    host.remove_suffix(1);
  if (domain.empty() || host.size() <= domain.size() + 1)
    return {};
  auto split = host.size() - domain.size();
  auto same = std::equal(domain.begin(), domain.end(), host.begin() + static_cast<std::ptrdiff_t>(split), [](char a, char b) {
    auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
    return lower(a) == lower(b);
  });
  return same && host[split - 1] == '.' ? host.substr(0, split - 1) : std::string_view{};
}

mock_target mock_target_of(const http::request& request, const service_options& options) {
  std::string_view target = request.target;
  if (target.starts_with("/s/")) {
    auto rest = target.substr(3);
    auto end = std::min(rest.find_first_of("/?"), rest.size());
    auto inside = rest.substr(end);
    std::string relative;
    relative.reserve(inside.size() + 1);
    if (!inside.starts_with('/'))
      relative = '/';
    relative += inside;
    return {rest.substr(0, end), std::move(relative)};
  }
  if (auto named = http::find(request.headers, "X-Sandbox-Id"); !named.empty())
    return {named, request.target};
  if (!options.domain.empty())
    if (auto name = subdomain_of(http::find(request.headers, "Host"), options.domain); !name.empty())
      return {name, request.target, true};
  return {};
}

events::outcome<events::sandbox_id> sandbox_named(const actors::node& node, std::string_view name) {
  if (name.empty() || name.size() > 256)
    return failure(errc::not_found, "there is no such sandbox");
  return node.resolve(name);
}

/// A host name has no case: a client may have written it in any.
events::outcome<events::sandbox_id> sandbox_named(const actors::node& node, const mock_target& by) {
  if (by.sandbox == catalogue_uid)
    return failure(errc::not_found, "there is no such sandbox"); // for whom it is not
  auto found = sandbox_named(node, by.sandbox);
  if (found || !by.is_host)
    return found;
  std::string lower{by.sandbox};
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return lower == by.sandbox ? found : sandbox_named(node, lower);
}

mock::request to_mock(const http::request& from, std::string target) {
  mock::request out;
  out.method = from.method;
  out.target = std::move(target);
  out.headers.reserve(from.headers.size());
  for (auto& [name, value] : from.headers)
    out.headers.push_back({name, value});
  out.body = from.body;
  out.peer = from.peer;
  out.received = events::wall_time{from.received_us};
  return out;
}

http::response to_http(mock::response from) {
  http::response out;
  out.status = from.status;
  out.headers.reserve(from.headers.size() + 1);
  for (auto& [name, value] : from.headers)
    out.headers.push_back({std::move(name), std::move(value)});
  out.body = std::move(from.body);
  out.dribble = from.dribble;
  switch (from.fault) {
  case mock::wire_fault::none: out.fault = http::wire_fault::none; break;
  case mock::wire_fault::drop: out.fault = http::wire_fault::drop; break;
  case mock::wire_fault::empty: out.fault = http::wire_fault::empty; break;
  case mock::wire_fault::reset: out.fault = http::wire_fault::reset; break;
  case mock::wire_fault::malformed: out.fault = http::wire_fault::malformed; break;
  case mock::wire_fault::garbage: out.fault = http::wire_fault::garbage; break;
  }
  return out;
}

/// The sandbox's own answers are on its timeline; what never became one belongs in our log.
void log_refusal(const core& in, const http::request& request, std::string_view sandbox, const std::string& correlation, unsigned status,
                 const events::error& why) {
  if (!in.options.log)
    return;
  log_line line;
  line.error = status >= 500;
  line.what = events::to_string(why.code);
  line.detail = why.detail;
  line.method = request.method;
  line.route = "mock";
  line.status = status;
  line.principal = "mock";
  line.correlation = correlation;
  line.sandbox = sandbox;
  in.options.log(line);
}

void count(core::counts& in, unsigned status) {
  in.by_class[std::min(status / 100, 5U)].fetch_add(1, std::memory_order_relaxed);
}

/// The hot path: one look-up, one copy of the request, one hand-over.
void serve_mock(const std::shared_ptr<core>& shared, const std::shared_ptr<const http::request>& request, mock_target where,
                http::reply reply) {
  struct under_way {
    std::shared_ptr<core> in;
    std::shared_ptr<const http::request> request;
    http::reply reply;
    std::string correlation;
    std::string_view sandbox; ///< into the request
    bool by_host;             ///< it has a name of its own

    void answer(http::response out) {
      // What a sandbox answers under our own name is of one origin with our pages, unless the browser is told to take it for another: else a page of
      // it could read what ours keep, stand before them as a worker, or put itself into the cache under their names. JSON is no page.
      if (!by_host && !http::is_json_type(http::find(out.headers, "Content-Type")))
        out.headers.push_back({"Content-Security-Policy", "sandbox allow-scripts allow-forms allow-popups allow-modals allow-downloads"});
      if (!by_host && !http::find(request->headers, "Service-Worker").empty())
        std::erase_if(out.headers, [](const http::field& h) { return http::contains({h}, "Service-Worker-Allowed"); });
      out.headers.push_back({"X-Correlation-Id", correlation});
      count(in->mock_answered, out.status);
      reply.send(std::move(out));
    }
    void refuse(const events::error& e) {
      auto out = problem_response(e, correlation);
      log_refusal(*in, *request, sandbox, correlation, out.status, e);
      answer(std::move(out));
    }
  };
  // std::function wants a copyable callable, and a reply is not one.
  auto slot = std::make_shared<under_way>(under_way{shared, request, std::move(reply), correlation_of(*request), where.sandbox, where.is_host});
  auto sandbox = sandbox_named(shared->node, where);
  if (!sandbox)
    return slot->refuse(sandbox.error());
  shared->node.serve(*sandbox, to_mock(*request, std::move(where.target)), {"mock", slot->correlation},
                     [slot](events::outcome<mock::response> answer) {
                       answer ? slot->answer(to_http(std::move(*answer))) : slot->refuse(answer.error());
                     });
}

// -- our own routes -----------------------------------------------------------------

/// False when it answered already.
bool read_body(call& c) {
  auto encoding = http::find(c.request->headers, "Content-Encoding");
  if (!encoding.empty() && encoding != "identity" && c.at->takes != body::none) {
    c.send(problem_response(415, "unsupported-media-type", "send the body without Content-Encoding", c.correlation, c.speaks));
    return false;
  }
  if (c.at->takes == body::none || c.at->takes == body::document || c.at->takes == body::payload)
    return true;
  if (c.request->body.empty() && c.at->takes == body::optional_json) {
    c.body = nlohmann::json::object();
    return true;
  }
  auto media = http::find(c.request->headers, "Content-Type");
  if (!media.empty() && !http::is_json_type(media)) {
    c.send(problem_response(415, "unsupported-media-type", "the Content-Type must be application/json", c.correlation, c.speaks));
    return false;
  }
  if (c.at->takes == body::unread_json)
    return true;
  auto parsed = parse_json(c.request->body);
  if (!parsed) {
    c.fail(parsed.error());
    return false;
  }
  c.body = std::move(*parsed);
  return true;
}

/// On our own routes a parameter that nobody knows is a mistake worth telling; Svix's clients may send more than we know.
events::outcome<void> read_query(call& c, std::string_view text) {
  if (!http::parse_query(text, c.query))
    return failure(errc::invalid, "the query is not well-formed", "query");
  if (c.speaks == dialect::svix)
    return {};
  for (auto& [name, value] : c.query)
    if (std::none_of(c.at->query.begin(), c.at->query.end(), [&](const query_doc& q) { return q.name == name; }))
      return failure(errc::invalid, "this parameter is not known here", name.substr(0, 128));
  return {};
}

/// The catalogue's event types and plugins are in the node's memory too, which learns of them from their own routes only.
events::outcome<void> leaves_catalogue_alone(const core& in, const call& c) {
  if (c.request->method == "GET" || c.request->method == "HEAD")
    return {};
  if (auto there = in.node.resolve(catalogue_uid); !there || *there != c.sandbox)
    return {};
  return failure(errc::forbidden, "this sandbox is the node's own: what stands in it is changed by /api/v1/event-type and /plugins only");
}

events::outcome<void> check_access(core& in, call& c) {
  if (c.at->who == access::anyone)
    return {};
  auto who = identify(*c.request, in.options.admin_key, in.node);
  if (!who)
    return tl::unexpected<events::error>{who.error()};
  c.who = *who;
  if (c.path.empty() || (c.path[0].first != "sandbox" && c.path[0].first != "app_id"))
    return permit(c.who, *c.at, nullptr);
  if (c.who.is == principal::role::nobody)
    return permit(c.who, *c.at, nullptr);
  auto asked = sandbox_named(in.node, c.path[0].second);
  if (asked)
    c.sandbox = *asked;
  else if (c.who.is == principal::role::admin && asked.error().code == errc::not_found) {
    if (c.at->may_create)
      return {};
    if (answer_book::is_asked_for(c)) { // a DELETE that comes again is answered as the first time
      c.missing = asked.error();
      return {};
    }
  }
  if (auto permitted = permit(c.who, *c.at, &asked); !permitted)
    return permitted;
  return leaves_catalogue_alone(in, c);
}

void not_routed(core& in, call& c, const router::found& found) {
  in.unrouted.fetch_add(1, std::memory_order_relaxed);
  if (found.malformed)
    return c.fail({errc::invalid, "the path has a segment that is malformed, '.' or '..', or no UTF-8", "path"});
  if (found.allow.empty())
    return c.fail({errc::not_found, "there is nothing at this path; see /openapi.json", {}});
  if (c.request->method == "OPTIONS") {
    http::response out;
    out.status = 204;
    out.headers.push_back({"Allow", found.allow + ", OPTIONS"});
    return c.send(std::move(out));
  }
  auto out = problem_response(405, "method-not-allowed", "this path knows " + found.allow, c.correlation, c.speaks);
  out.headers.push_back({"Allow", found.allow});
  c.send(std::move(out));
}

void dispatch(core& in, const call_ptr& c) {
  auto [path, query] = http::split_target(c->request->target);
  c->speaks = path.starts_with("/api/v1/") ? dialect::svix : dialect::ours;
  if (c->speaks == dialect::svix && path.ends_with('/'))
    path.remove_suffix(1); // Svix's own paths end with a slash, its clients' do not
  auto found = in.routes.find(c->request->method, path);
  if (!found.to && c->request->method == "HEAD")
    found = in.routes.find("GET", path); // the server leaves the body out
  if (!found.to)
    return not_routed(in, *c, found);
  c->at = found.to;
  c->speaks = found.to->speaks;
  c->path = std::move(found.path);
  if (auto allowed = check_access(in, *c); !allowed)
    return c->fail(allowed.error());
  if (auto fine = read_query(*c, query); !fine)
    return c->fail(fine.error());
  if (!read_body(*c) || !in.answers.admit(c))
    return;
  c->missing ? c->fail(*c->missing) : found.to->run(in, c);
}

router all_routes() {
  router out;
  add_operations(out);
  add_sandboxes(out);
  add_pruning(out);
  add_mock_endpoints(out);
  add_openapi_versions(out);
  add_imports(out);
  add_forwarding(out);
  add_recordings(out);
  add_data(out);
  add_env(out);
  add_mappers(out);
  add_plugins(out);
  add_scenarios(out);
  add_scripts(out);
  add_clock(out);
  add_requests(out);
  add_history(out);
  add_emit(out);
  add_signatures(out);
  add_applications(out);
  add_portal_access(out);
  add_portal_page(out);
  add_webhook_endpoints(out);
  add_transformations(out);
  add_broadcast(out);
  add_filters(out);
  add_examples(out);
  add_pollers(out);
  add_polling(out);
  add_event_types(out);
  add_messages(out);
  add_attempts(out);
  add_redelivery(out);
  add_dead_letters(out);
  add_attempt_search(out);
  add_expunge(out);
  return out;
}

} // namespace

service::service(actors::node& node, service_options options) : core_(std::make_shared<core>(node, std::move(options))) {
  core_->routes = all_routes();
  core_->openapi = openapi_document(core_->routes, core_->options.version, core_->options.base_url);
  for (auto& r : core_->routes.all())
    core_->answered[r.get()]; // all keys before any thread: afterwards only the counts change
  if (core_->options.tails)
    core_->options.tails->start(node, core_->later);
}

service::~service() {
  drain();
  core_->later.stop();
}

void service::drain() {
  core_->draining = true;
  if (core_->options.tails)
    core_->options.tails->stop();
}

const router& service::routes() const noexcept {
  return core_->routes;
}

http::handler service::handler() {
  return [in = core_](std::shared_ptr<const http::request> request, http::reply reply) {
    if (auto where = mock_target_of(*request, in->options); !where.sandbox.empty() || request->target.starts_with("/s/"))
      return serve_mock(in, request, std::move(where), std::move(reply));
    auto c = std::make_shared<call>(request, std::move(reply), correlation_of(*request));
    c->on_answered = [in](const call& done, unsigned status, const events::error* why) {
      if (done.at)
        count(in->answered.find(done.at)->second, status);
      in->log(done, status, why);
    };
    guarded(c, [&] { dispatch(*in, c); });
  };
}

} // namespace hourglass::api
