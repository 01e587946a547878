#include "api/core.hpp"
#include "api/metrics.hpp"
#include "api/routes.hpp"

namespace hourglass::api {

namespace {

void healthz(core&, const call_ptr& c) {
  c->answer(200, nlohmann::json{{"status", "ok"}});
}

/// Why this node should get no requests now; empty when it should.
std::string not_ready(core& in) {
  if (in.draining)
    return "shutting down";
  // The store first: it knows why (a full disk), the journal only that.
  if (auto fine = in.node.store().health(); !fine)
    return "the store refuses writes: " + fine.error().detail;
  if (in.node.journal().failed())
    return "the journal's last write had no known outcome";
  return in.options.ready ? in.options.ready() : std::string{};
}

void readyz(core& in, const call_ptr& c) {
  auto why = not_ready(in);
  if (!why.empty())
    return c->fail({events::errc::unavailable, std::move(why), {}});
  auto out = nlohmann::json{{"status", "ready"}};
  if (in.options.also)
    for (auto& [name, value] : in.options.also())
      out[name] = value;
  c->answer(200, out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

void metrics(core& in, const call_ptr& c) {
  http::response out;
  out.headers.push_back({"Content-Type", "text/plain; version=0.0.4; charset=utf-8"});
  out.body = metrics_text(in);
  c->send(std::move(out));
}

void document(core& in, const call_ptr& c) {
  c->answer(200, in.openapi);
}

} // namespace

void add_operations(router& to) {
  to.add({.method = "GET", .path = "/healthz", .id = "health", .tag = "operations", .says = "The process lives",
          .who = access::anyone, .answers = {{200, "Status"}}, .run = healthz});
  to.add({.method = "GET", .path = "/readyz", .id = "ready", .tag = "operations",
          .says = "The node takes requests; 503 with the reason when it does not. With the export on, how it stands with Kafka", .who = access::anyone,
          .answers = {{200, "Status"}}, .run = readyz});
  to.add({.method = "GET", .path = "/metrics", .id = "metrics", .tag = "operations", .says = "Figures for Prometheus",
          .who = access::anyone, .answers = {{200, "Text", "Prometheus text format", "text/plain"}}, .run = metrics});
  to.add({.method = "GET", .path = "/openapi.json", .id = "openapi", .tag = "operations", .says = "This document",
          .who = access::anyone, .answers = {{200, "AnyObject"}}, .run = document});
  to.add({.method = "GET", .path = "/api/v1/health", .id = "v1.health.get", .tag = "operations", .says = "The process lives",
          .who = access::anyone, .speaks = dialect::svix, .answers = {{204, "", "It does"}},
          .run = [](core&, const call_ptr& c) { c->no_content(); }});
}

} // namespace hourglass::api
