#pragma once

#include "actors/fwd.hpp"
#include "api/fwd.hpp"
#include "http/server.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hourglass::api {

/// One figure of somebody else's for `/metrics`.
struct figure {
  std::string name; ///< Prometheus spelling, `hourglass_…`
  std::string help;
  double value = 0;
  bool counter = false;
  std::vector<std::pair<std::string, std::string>> labels; ///< few and bounded
};

/// One thing worth a line in the log.
struct log_line {
  bool error = false;
  std::string_view what;
  std::string_view detail;
  std::string_view method;
  std::string_view route; ///< template, never the path itself: paths may carry names of people
  unsigned status = 0;
  std::string_view principal;
  std::string_view correlation;
  std::string sandbox; ///< empty outside a sandbox
};

struct service_options {
  std::string admin_key; ///< empty: nobody is admin
  std::string base_url;  ///< `http://127.0.0.1:8080`, without a slash at the end; shown in answers
  std::string domain;    ///< `{sandbox}.{domain}` reaches a sandbox; empty: off
  std::string version = "0.1.0";
  bool ed25519_by_default = false; ///< what an endpoint signs with whose maker says neither a secret nor a type, where its profile can
  bool https_only = false;         ///< endpoints with another URL are refused; those that are there stay
  /// Feeds live tails; give its `committed` to `node_options::on_committed`. None: no live tails.
  std::shared_ptr<tail_hub> tails;
  std::function<http::server_counters()> server;
  std::function<std::vector<figure>()> figures; ///< more for `/metrics`: the export
  /// More to be ready for: empty when all is well, else why not.
  std::function<std::string()> ready;
  /// Members for `/readyz` that tell and change nothing: the export's state.
  std::function<std::vector<std::pair<std::string, std::string>>()> also;
  std::function<void(const log_line&)> log;
};

/// Our HTTP API over a node.
///
/// Operation
///   `/s/{sandbox}/…`, `X-Sandbox-Id` and `{sandbox}.{domain}` are the sandbox's own traffic and are looked at first; then our routes.
/// Threads
///   The handler runs on any of the server's threads. The service must outlive the server, and the node what the server still has under way.
class service {
public:
  service(actors::node& node, service_options options);
  ~service();

  http::handler handler();

  /// Answers 503 to `/readyz` from now on, and ends live tails: first step of an orderly stop.
  void drain();

  /// Every route, for the OpenAPI document and its test.
  const router& routes() const noexcept;

private:
  std::shared_ptr<core> core_; ///< shared with the callbacks that are still under way
};

} // namespace hourglass::api
