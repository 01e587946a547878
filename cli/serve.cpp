#include "cli/serve.hpp"

#include "actors/late_answers.hpp"
#include "actors/node.hpp"
#include "actors/plugins.hpp"
#include "api/service.hpp"
#include "api/tail.hpp"
#include "cli/admin_key.hpp"
#include "cli/descriptors.hpp"
#include "cli/log.hpp"
#include "cli/version.hpp"
#include "http/problem.hpp"
#include "script/pool.hpp"
#include "storage/kafka_export.hpp"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <thread>

#include <unistd.h>

namespace hourglass::cli {

using events::errc;
using events::failure;
using namespace std::chrono_literals;

namespace {

constexpr auto stop_grace = 10s; // requests in flight, then webhooks in flight

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

/// The server is bound first, so that its port is known to the guard, and answers 503 until the node is there.
struct late_handler {
  std::atomic<const http::handler*> to{nullptr};

  http::handler handler() {
    return [this](std::shared_ptr<const http::request> request, http::reply reply) {
      if (auto* ready = to.load(std::memory_order_acquire))
        return (*ready)(std::move(request), std::move(reply));
      http::problem p;
      p.status = 503;
      p.type = "/problems/unavailable";
      p.detail = "starting";
      reply.send(to_response(p));
    };
  }
};

events::outcome<std::unique_ptr<http::server>> open_server(const serve_options& options, const host_port& where, std::size_t connections,
                                                           late_handler& late) {
  http::server_options server;
  server.address = where.host;
  server.port = where.port;
  server.threads = options.io_threads;
  server.connections = connections;
  if (!options.tls_cert.empty())
    server.tls = http::tls_files{options.tls_cert, options.tls_key};
  auto opened = http::server::open(server, late.handler());
  if (!opened)
    return failure(errc::io, opened.error(), options.listen);
  return std::move(*opened);
}

std::shared_ptr<const http::egress_guard> make_guard(const serve_options& options, const http::server& own) {
  std::vector<http::egress_guard::rule> rules;
  for (const bool allow : {true, false})
    for (auto& text : allow ? options.egress_allow : options.egress_deny)
      if (auto parsed = http::host_pattern::parse(text))
        rules.push_back({*std::move(parsed), allow});
  return http::egress_guard::by_rules(std::move(rules), std::vector<http::egress_guard::endpoint>{{own.address(), own.port()}});
}

/// Without its program the node serves everything but handlers, and says so at once.
std::shared_ptr<mock::script_engine> open_scripts(const serve_options& options) {
  if (options.script_workers == 0)
    return nullptr;
  auto opened = script::open_pool({{}, options.script_workers});
  if (opened)
    return std::move(*opened);
  log(level::error, "scripts do not run", {{"detail", opened.error().detail}});
  return nullptr;
}

/// The node is there before the export of its store, and asks how far it has come.
struct export_place {
  std::atomic<const storage::kafka_export*> of{nullptr};
};

actors::node_options node_options_of(const serve_options& options, std::shared_ptr<const http::egress_guard> guard,
                                     std::size_t connections, std::shared_ptr<api::tail_hub> tails,
                                     const std::shared_ptr<export_place>& exported) {
  actors::node_options out;
  out.data = options.data;
  out.secret_keys = options.secret_keys;
  out.workers = options.workers;
  out.readers = options.readers;
  out.passivate_after = std::chrono::seconds{options.passivate_after};
  out.live_sandboxes = options.live_sandboxes;
  if (auto kept = parse_retention(options.deleted_sandbox_retention))
    out.deleted_sandbox_retention = *kept;
  if (!options.kafka.empty())
    out.exported = [exported] {
      const auto* kafka = exported->of.load(std::memory_order_acquire);
      return kafka ? kafka->figures().exported : storage::position{0};
    };
  out.client.threads = options.webhook_threads;
  out.client.connections = connections;
  out.client.verify_tls = !options.unsafe_skip_tls_verify;
  out.client.ca_file = options.ca_file;
  if (auto proxy = http::parse_proxy(options.egress_proxy, true)) {
    out.client.through = std::move(*proxy);
    out.client.through->guarded = false; // it is the operator's
  }
  if (auto past = http::proxy_exceptions::parse(options.egress_no_proxy))
    out.client.past = std::move(*past);
  out.client.user_agent = "Hourglass/" + std::string{version};
  out.scripts = open_scripts(options);
  out.guard = std::move(guard);
  out.on_committed = [tails = std::move(tails)](const events::sandbox_id& id, events::seq last) { tails->committed(id, last); };
  return out;
}

std::vector<api::figure> kafka_figures_of(const storage::kafka_export& kafka) {
  auto f = kafka.figures();
  auto number = [](std::uint64_t n) { return static_cast<double>(n); };
  return {{"hourglass_kafka_lag_events", "Events that the topic is not known to hold", number(f.lag), false, {}},
          {"hourglass_kafka_in_flight", "Events handed to the producer", number(f.in_flight), false, {}},
          {"hourglass_kafka_delivered_total", "Delivery reports of success", number(f.delivered), true, {}},
          {"hourglass_kafka_errors_total", "Errors of the export", number(f.errors), true, {}},
          {"hourglass_kafka_restarts_total", "Producers given up after a fatal error", number(f.restarts), true, {}},
          {"hourglass_kafka_state", "1 for the state the export is in", 1, false, {{"state", std::string{to_string(f.state)}}}}};
}

std::vector<std::pair<std::string, std::string>> kafka_notes_of(const storage::kafka_export& kafka) {
  auto f = kafka.figures();
  std::vector<std::pair<std::string, std::string>> out{{"kafka", std::string{to_string(f.state)}}};
  if (f.trouble)
    out.emplace_back("kafka_trouble", f.trouble->detail);
  return out;
}

void log_answer(const api::log_line& line) {
  auto status = std::to_string(line.status);
  log(line.error ? level::error : level::debug, line.what,
      {{"detail", line.error ? line.detail : std::string_view{}},
       {"method", line.method},
       {"route", line.route},
       {"status", status},
       {"principal", line.principal},
       {"correlation", line.correlation},
       {"sandbox", line.sandbox}});
}

std::string url_of(const serve_options& options, const host_port& where, std::uint16_t port) {
  auto host = where.host.find(':') != std::string::npos ? "[" + where.host + "]" : where.host;
  return (options.tls_cert.empty() ? "http://" : "https://") + host + ":" + std::to_string(port);
}

exit_code report(const events::error& e) {
  log(level::error, events::to_string(e.code), {{"detail", e.detail}, {"where", e.where}});
  return exit_code_of(e);
}

/// Waits for the first signal; the second ends the process, however far the orderly stop has come.
void wait_for_end() {
  auto set = ending_signals();
  int signal = 0;
  sigwait(&set, &signal);
  log(level::info, "stopping", {{"signal", signal == SIGINT ? "SIGINT" : "SIGTERM"}});
  std::thread{[] {
    auto again = ending_signals();
    int second = 0;
    sigwait(&again, &second);
    ::_exit(failed);
  }}.detach();
}

} // namespace

void block_signals() {
  auto set = ending_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

exit_code serve(const serve_options& options) {
  open_log(options.log_level, options.log_format);
  auto where = parse_host_port(options.listen);
  if (!where)
    return usage;
  const auto descriptors = share_out(raise_descriptor_limit());
  late_handler late;
  auto server = open_server(options, *where, descriptors.incoming, late);
  if (!server)
    return report(server.error());
  auto port = (*server)->port();
  auto tails = std::make_shared<api::tail_hub>();
  auto exported = std::make_shared<export_place>();
  auto node = actors::node::open(node_options_of(options, make_guard(options, **server), descriptors.outgoing, tails, exported));
  if (!node)
    return report(node.error());

  api::service_options service_options;
  service_options.admin_key = options.admin_key;
  if (options.admin_key.empty()) {
    auto stored = stored_admin_key(options.data);
    if (!stored)
      return report(stored.error());
    log(level::info, stored->made ? "admin key made" : "admin key read", {{"file", stored->file.string()}});
    service_options.admin_key = stored->key;
  }
  std::unique_ptr<storage::kafka_export> kafka;
  if (!options.kafka.empty()) {
    storage::kafka_options to;
    to.bootstrap = options.kafka;
    to.topic = options.kafka_topic;
    to.on_reach = [](bool reached, const std::string& why) {
      if (reached)
        log(level::info, "kafka reached");
      else
        log(level::error, "kafka cannot be reached", {{"detail", why}});
    };
    auto opened = storage::kafka_export::open((*node)->store(), std::move(to));
    if (!opened)
      return report(opened.error());
    kafka = std::move(*opened);
    exported->of.store(kafka.get(), std::memory_order_release); // `node::stop` below ends whoever asks
    // The listener stays until the journal ends, which is after the export; but `node::stop` below leaves nothing to tell.
    (*node)->journal().listen([to_tell = kafka.get()](storage::position end) { to_tell->notify(end); });
    kafka->notify((*node)->journal().end());
    service_options.figures = [&kafka] { return kafka_figures_of(*kafka); };
    service_options.also = [&kafka] { return kafka_notes_of(*kafka); };
  }
  service_options.base_url = options.base_url.empty() ? url_of(options, *where, port) : options.base_url;
  service_options.domain = options.domain;
  service_options.ed25519_by_default = options.signature_default == "ed25519";
  service_options.https_only = options.https_only;
  service_options.version = std::string{version};
  service_options.tails = tails;
  service_options.server = [&server] { return (*server)->counters(); };
  service_options.log = log_answer;
  api::service service{**node, std::move(service_options)};
  auto handler = service.handler();
  late.to.store(&handler, std::memory_order_release);

  for (const auto& p : (*node)->plugins().all())
    if (!p->what.unusable.empty())
      log(level::error, "a plugin cannot be used: put it again, or delete it", {{"plugin", p->what.name}, {"detail", p->what.unusable}});

  std::printf("listening on %s\n", url_of(options, *where, port).c_str());
  std::fflush(stdout);
  log(level::info, "ready", {{"listen", options.listen}, {"data", options.data}, {"version", version}, {"kafka", options.kafka},
                              {"connections", std::to_string(descriptors.incoming)}, {"webhook_connections", std::to_string(descriptors.outgoing)}});

  wait_for_end();
  service.drain();
  actors::give_late_answers(**node);
  (*server)->stop(stop_grace);
  (*node)->stop(stop_grace);
  log(level::info, "stopped");
  return done;
}

} // namespace hourglass::cli
