#pragma once

#include "events/outcome.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace hourglass::cli {

struct serve_options {
  std::string data = "hourglass-data";
  std::string listen = "127.0.0.1:8080";
  std::string admin_key;
  std::string secret_keys;
  std::string base_url;
  std::string domain;
  std::string kafka;
  std::string kafka_topic = "hourglass.events";
  std::vector<std::string> egress_allow, egress_deny;
  std::string egress_proxy;
  std::vector<std::string> egress_no_proxy;
  std::string tls_cert, tls_key;
  std::string ca_file;
  unsigned workers = 1, io_threads = 2, readers = 2, webhook_threads = 1, script_workers = 2;
  unsigned passivate_after = 60;
  std::size_t live_sandboxes = 10'000;
  std::string deleted_sandbox_retention = "30d";
  bool unsafe_skip_tls_verify = false;
  bool https_only = false;
  std::string signature_default = "hmac256";
  std::string log_level = "info";
  std::string log_format = "text";
};

/// Adds every option of `serve` to `app`, bound to `to`: name, variable, default, unit and consequence.
void add_serve_options(CLI::App& app, serve_options& to, std::string& config);

/// Arguments for what the YAML file at `path` says and neither flags nor environment do, to be parsed after the given ones.
/// Keys are the options' names without dashes in front (`egress-allow`), values scalars or lists.
/// Fails with `errc::invalid` naming file and key, `errc::io` when it cannot be read.
events::outcome<std::vector<std::string>> arguments_of_file(const std::string& path, const CLI::App& parsed);

/// 16 to 256 printable ASCII characters without blanks: what fits in `Authorization: Bearer …` as it is.
bool is_admin_key(std::string_view key) noexcept;

/// `30d`, `12h`, `0` (at once), or `never`, which is nothing. At most ten years. Fails with `errc::invalid`.
events::outcome<std::optional<std::chrono::seconds>> parse_retention(std::string_view text);

struct host_port {
  std::string host; ///< without brackets
  std::uint16_t port = 0;
};
/// `127.0.0.1:8080`, `[::1]:8080`, `:8080` (every address). Fails with `errc::invalid`.
events::outcome<host_port> parse_host_port(std::string_view text);

} // namespace hourglass::cli
