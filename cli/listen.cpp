#include "cli/listen.hpp"

#include "api/alarm.hpp"
#include "cli/serve_options.hpp"
#include "events/json_text.hpp"
#include "events/time.hpp"
#include "events/wall_clock.hpp"
#include "webhook/signing.hpp"

#include <csignal>
#include <cstdio>
#include <mutex>

namespace hourglass::cli {

namespace {

std::string_view header(const http::request& request, std::string_view name) {
  auto value = http::find(request.headers, "webhook-" + std::string{name});
  return value.empty() ? http::find(request.headers, "svix-" + std::string{name}) : value;
}

std::string_view verdict_of(const http::request& request, const std::string& secret, std::int64_t now_s) {
  if (secret.empty())
    return "not checked";
  auto key = webhook::verifying_key::parse(secret);
  if (!key)
    return "no valid secret";
  return webhook::to_string(webhook::verify(*key, header(request, "id"), header(request, "timestamp"), header(request, "signature"),
                                            request.body, now_s));
}

} // namespace

std::string webhook_line(const http::request& request, const std::string& secret, std::int64_t now_s, unsigned status) {
  std::string out;
  events::json_text j{out};
  j.open_object().key("time").value(events::to_rfc3339(now_s * 1'000'000)).key("method").value(request.method);
  j.key("target").bytes(request.target).key("id").bytes(header(request, "id"));
  j.key("signature").value(verdict_of(request, secret, now_s)).key("answered").value(status);
  j.key("body").bytes(request.body).close_object();
  return out;
}

exit_code listen(const listen_options& options) {
  auto where = parse_host_port(options.listen);
  if (!where)
    return usage;
  if (!options.secret.empty())
    if (auto key = webhook::verifying_key::parse(options.secret); !key) {
      std::fprintf(stderr, "--secret: %s\n", key.error().detail.c_str());
      return usage;
    }
  api::alarm later;
  std::mutex printing;
  std::atomic<unsigned> seen{0};
  http::server_options server;
  server.address = where->host;
  server.port = where->port;
  server.threads = 1;
  auto opened = http::server::open(server, [&](std::shared_ptr<const http::request> request, http::reply reply) {
    auto failing = seen.fetch_add(1) < options.fail_first;
    http::response answer;
    answer.status = failing ? options.fail_status : options.status;
    auto now = events::wall_now().us / 1'000'000;
    auto line = webhook_line(*request, options.secret, now, answer.status);
    {
      std::lock_guard held{printing};
      std::printf("%s\n", line.c_str());
      std::fflush(stdout);
    }
    if (options.delay_ms == 0)
      return reply.send(std::move(answer));
    auto waiting = std::make_shared<http::reply>(std::move(reply));
    later.after(std::chrono::milliseconds{options.delay_ms}, [waiting, answer] { waiting->send(answer); });
  });
  if (!opened) {
    std::fprintf(stderr, "%s: %s\n", options.listen.c_str(), opened.error().c_str());
    return failed;
  }
  std::fprintf(stderr, "listening on http://%s:%u\n", where->host.c_str(), static_cast<unsigned>((*opened)->port()));
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  int signal = 0;
  sigwait(&set, &signal);
  later.stop();
  (*opened)->stop(std::chrono::seconds{1});
  return done;
}

} // namespace hourglass::cli
