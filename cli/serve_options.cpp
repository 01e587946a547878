#include "cli/serve_options.hpp"

#include "http/client.hpp"
#include "http/egress.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include <CLI/CLI.hpp>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <yaml-cpp/yaml.h>

namespace hourglass::cli {

using events::errc;
using events::failure;

events::outcome<host_port> parse_host_port(std::string_view text) {
  auto wrong = [&] { return failure(errc::invalid, "must be HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080", std::string{text}); };
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return wrong();
  auto host = text.substr(0, colon);
  auto digits = text.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos)
    return wrong();
  std::uint16_t port = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size())
    return wrong();
  return host_port{host.empty() ? "0.0.0.0" : std::string{host}, port};
}

events::outcome<std::optional<std::chrono::seconds>> parse_retention(std::string_view text) {
  constexpr std::int64_t most_hours = 3'660 * 24;
  if (text == "never")
    return std::optional<std::chrono::seconds>{};
  std::int64_t number = 0;
  const auto* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  const auto unit = error == std::errc{} ? std::string_view{end, static_cast<std::size_t>(last - end)} : std::string_view{"?"};
  const auto hours = unit == "d" ? 24 : 1;
  const bool known = unit == "d" || unit == "h" || (unit.empty() && number == 0);
  if (!known || number < 0 || number > most_hours / hours)
    return failure(errc::invalid, "must be days or hours up to ten years, such as 30d or 12h, or 0 or never", std::string{text});
  return std::optional<std::chrono::seconds>{std::chrono::hours{number * hours}};
}

namespace {

bool holds_certificate(const std::string& pem) {
  std::unique_ptr<BIO, decltype(&BIO_free)> bytes{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free};
  std::unique_ptr<X509, decltype(&X509_free)> one{bytes ? PEM_read_bio_X509(bytes.get(), nullptr, nullptr, nullptr) : nullptr, &X509_free};
  ERR_clear_error();
  return one != nullptr;
}

std::string check_host_port(const std::string& text) {
  auto parsed = parse_host_port(text);
  return parsed ? std::string{} : parsed.error().detail;
}

std::string check_retention(const std::string& text) {
  auto parsed = parse_retention(text);
  return parsed ? std::string{} : parsed.error().detail;
}

std::string check_rule(const std::string& text) {
  auto parsed = http::host_pattern::parse(text);
  return parsed ? std::string{} : parsed.error();
}

std::string check_proxy(const std::string& text) {
  auto parsed = http::parse_proxy(text, true);
  return parsed ? std::string{} : parsed.error(); // never the text: it may have a password
}

std::string check_no_proxy(const std::string& text) {
  auto parsed = http::proxy_exceptions::parse({text});
  return parsed ? std::string{} : parsed.error();
}

std::string check_kafka(const std::string& text) {
  for (std::size_t from = 0; from <= text.size();) {
    auto comma = std::min(text.find(',', from), text.size());
    auto one = parse_host_port(std::string_view{text}.substr(from, comma - from));
    if (!one || one->port == 0 || text[from] == ':' || text.find_first_of(" \t", from) < comma)
      return "must be HOST:PORT[,HOST:PORT...], such as 127.0.0.1:9092";
    from = comma + 1;
  }
  return {};
}

std::string check_ca_file(const std::string& path) {
  std::ifstream in{path};
  std::stringstream text;
  text << in.rdbuf();
  if (!in || std::filesystem::is_directory(path))
    return "cannot read the file " + path;
  return holds_certificate(text.str()) ? std::string{} : "there is no certificate in PEM form in " + path;
}

std::string check_base_url(const std::string& text) {
  auto parsed = http::parse_url(text);
  if (!parsed)
    return "must be a URL such as https://sandbox.example.com: " + parsed.error();
  return text.ends_with('/') || text.find('?') != std::string::npos ? "must be without a slash at the end and without a query" : std::string{};
}

/// Labels of letters, digits and dashes, as they stand in a Host header.
std::string check_domain(const std::string& text) {
  auto label = [](std::string_view l) {
    return !l.empty() && l.size() <= 63 && l.front() != '-' && l.back() != '-'
           && std::all_of(l.begin(), l.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '-'; });
  };
  for (std::size_t from = 0; from <= text.size();) {
    auto dot = std::min(text.find('.', from), text.size());
    if (text.size() > 253 || !label(std::string_view{text}.substr(from, dot - from)))
      return "must be a domain name such as sandbox.example.com, without a port";
    from = dot + 1;
  }
  return {};
}

std::string check_admin_key(const std::string& text) {
  return is_admin_key(text) ? std::string{} : "must have 16 to 256 printable characters of ASCII and no blanks"; // never the key itself
}

} // namespace

bool is_admin_key(std::string_view key) noexcept {
  return key.size() >= 16 && key.size() <= 256 && std::all_of(key.begin(), key.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

void add_serve_options(CLI::App& app, serve_options& to, std::string& config) {
  auto option = [&](const char* name, auto& value, const char* variable, const char* says) {
    return app.add_option(name, value, says)->envname(variable)->capture_default_str();
  };
  app.add_option("--config", config, "YAML file with any of these options by name. What a flag or a variable says goes before it")
      ->envname("HOURGLASS_CONFIG");
  option("--data", to.data, "HOURGLASS_DATA", "Folder of everything this node knows. Made if missing; one process at a time");
  option("--listen", to.listen, "HOURGLASS_LISTEN",
         "HOST:PORT to answer on; port 0 takes a free one, :PORT answers on every address. Mock traffic needs no key: think before you open it")
      ->check(check_host_port, "HOST:PORT");
  option("--admin-key", to.admin_key, "HOURGLASS_ADMIN_KEY",
         "Key that may do everything, at least 16 characters. Without it one is made in DATA/admin.key. As a flag it shows in the process list: "
         "prefer the variable")
      ->check(check_admin_key, "KEY");
  option("--secret-keys", to.secret_keys, "HOURGLASS_SECRET_KEYS",
         "Keys that encrypt webhook secrets at rest: base64 of 32 bytes each, comma-separated; the first encrypts, all decrypt. Without it one is made in "
         "DATA/secret.key: lose it and the secrets are lost. As a flag it shows in the process list: prefer the variable");
  option("--base-url", to.base_url, "HOURGLASS_BASE_URL", "How the world reaches this node, shown in answers. Default: made of --listen")
      ->check(check_base_url, "URL");
  option("--domain", to.domain, "HOURGLASS_DOMAIN", "{sandbox}.DOMAIN reaches a sandbox by its Host header. Default: off")
      ->check(check_domain, "DOMAIN");
  option("--kafka", to.kafka, "HOURGLASS_KAFKA",
         "HOST:PORT[,HOST:PORT] of a Kafka to copy every event to. Away or slow, it delays nobody. Default: off")
      ->check(check_kafka, "HOST:PORT,...");
  option("--kafka-topic", to.kafka_topic, "HOURGLASS_KAFKA_TOPIC", "Topic for that. Another topic starts again from the first event");
  option("--egress-allow", to.egress_allow, "HOURGLASS_EGRESS_ALLOW",
         "CIDR or address, with :PORT if it is for that alone, that webhooks may reach although it is private or loopback; or a host (with all below it) or *, as an "
         "exception to --egress-deny. Comma-separated or repeated. Cloud metadata stays refused. Default: none")
      ->delimiter(',')
      ->check(check_rule, "RULE")
      ->expected(1, 1'024);
  option("--egress-deny", to.egress_deny, "HOURGLASS_EGRESS_DENY",
         "CIDR, address, host (with all below it) or *, with :PORT if it is for that alone, that webhooks may not reach; comma-separated or repeated. The closest rule "
         "holds; of two that are as close, the one that denies. Default: none")
      ->delimiter(',')
      ->check(check_rule, "RULE")
      ->expected(1, 1'024);
  option("--egress-proxy", to.egress_proxy, "HOURGLASS_EGRESS_PROXY",
         "http://[USER:PASSWORD@]HOST:PORT (CONNECT) or socks5://...: webhooks go through it, to addresses that are resolved and judged here; its own may be "
         "private. As a flag a password shows in the process list: prefer the variable. Default: none")
      ->check(check_proxy, "URL");
  option("--egress-no-proxy", to.egress_no_proxy, "HOURGLASS_EGRESS_NO_PROXY",
         "Host (with all below it), address, CIDR or *, each with :PORT if it is for that alone, that webhooks reach without --egress-proxy; "
         "comma-separated or repeated. Default: none")
      ->delimiter(',')
      ->check(check_no_proxy, "HOST")
      ->expected(1, 256); // as many as are read
  option("--tls-cert", to.tls_cert, "HOURGLASS_TLS_CERT", "PEM file of the certificate chain: answers HTTPS instead of HTTP. Default: off");
  option("--tls-key", to.tls_key, "HOURGLASS_TLS_KEY", "PEM file of its private key");
  option("--egress-ca,--ca-file", to.ca_file, "HOURGLASS_CA_FILE", "PEM file of authorities to trust for webhooks, besides the system's")
      ->check(check_ca_file, "FILE");
  option("--workers", to.workers, "HOURGLASS_WORKERS", "Threads that run sandboxes; one keeps up with two I/O threads, more help when scripts and large imports run side by side")->check(CLI::Range(1U, 256U));
  option("--io-threads", to.io_threads, "HOURGLASS_IO_THREADS", "Threads that talk to clients")->check(CLI::Range(1U, 256U));
  option("--readers", to.readers, "HOURGLASS_READERS", "Threads for history, time travel and replay: so many run at once")
      ->check(CLI::Range(1U, 256U));
  option("--webhook-threads", to.webhook_threads, "HOURGLASS_WEBHOOK_THREADS", "Threads that send webhooks")->check(CLI::Range(1U, 64U));
  option("--script-workers", to.script_workers, "HOURGLASS_SCRIPT_WORKERS",
         "Processes that run handler scripts: so many run at once, and half as many more for sandboxes whose scripts were slow; each takes some 20 MB, none starts before it is needed. 0: endpoints with handlers are refused")
      ->check(CLI::Range(0U, 64U));
  option("--passivate-after", to.passivate_after, "HOURGLASS_PASSIVATE_AFTER",
         "Seconds without a request after which a sandbox leaves memory; it wakes in milliseconds")
      ->check(CLI::Range(1U, 86'400U));
  option("--live-sandboxes", to.live_sandboxes, "HOURGLASS_LIVE_SANDBOXES", "Sandboxes in memory at once; beyond it the longest idle ones leave")
      ->check(CLI::Range(std::size_t{1}, std::size_t{10'000'000}));
  option("--deleted-sandbox-retention", to.deleted_sandbox_retention, "HOURGLASS_DELETED_SANDBOX_RETENTION",
         "How long the events of a deleted sandbox stay in the log before they are pruned for good, such as 30d or 12h; 0: not at all, never: until somebody asks. "
         "With --kafka they go only once the topic has them")
      ->check(check_retention, "TIME");
  app.add_flag("--unsafe-skip-tls-verify", to.unsafe_skip_tls_verify,
               "Send webhooks to receivers whose certificate does not verify: anybody on the way can read and change them. Default: off")
      ->envname("HOURGLASS_UNSAFE_SKIP_TLS_VERIFY");
  app.add_flag("--https-only", to.https_only, "Refuse webhook endpoints whose URL is not https; those that are there already stay. Default: off")
      ->envname("HOURGLASS_HTTPS_ONLY");
  option("--signature-default", to.signature_default, "HOURGLASS_SIGNATURE_DEFAULT",
         "hmac256 or ed25519: what a new webhook endpoint signs with when it brings no secret and asks for no signatureType")
      ->check(CLI::IsMember({"hmac256", "ed25519"}));
  option("--log-level", to.log_level, "HOURGLASS_LOG_LEVEL", "error, info or debug; debug has a line for every request to our API")
      ->check(CLI::IsMember({"error", "info", "debug"}));
  option("--log-format", to.log_format, "HOURGLASS_LOG_FORMAT", "text for people, json for machines: one object a line, on standard error")
      ->check(CLI::IsMember({"text", "json"}));
}

events::outcome<std::vector<std::string>> arguments_of_file(const std::string& path, const CLI::App& parsed) {
  std::ifstream in{path};
  std::stringstream text;
  text << in.rdbuf();
  if (!in)
    return failure(errc::io, "cannot read the configuration file", path);
  YAML::Node root;
  try {
    root = YAML::Load(text.str());
  } catch (const YAML::Exception& e) {
    return failure(errc::invalid, "the configuration file is not YAML: " + std::string{e.what()}, path);
  }
  std::vector<std::string> out;
  if (root.IsNull())
    return out;
  if (!root.IsMap())
    return failure(errc::invalid, "the configuration file must be a map of options", path);
  for (auto entry : root) {
    auto name = entry.first.IsScalar() ? entry.first.Scalar() : std::string{};
    auto* option = parsed.get_option_no_throw("--" + name);
    if (!option || name == "config" || name == "help")
      return failure(errc::invalid, "there is no option \"" + name + "\"", path);
    if (option->count() > 0)
      continue; // a flag or a variable has said it
    if (entry.second.IsNull())
      continue;
    if (entry.second.IsScalar()) {
      out.push_back("--" + name + "=" + entry.second.Scalar());
    } else if (entry.second.IsSequence() && option->get_items_expected_max() > 1) {
      for (auto item : entry.second) {
        if (!item.IsScalar())
          return failure(errc::invalid, "\"" + name + "\" must be a list of words", path);
        out.push_back("--" + name + "=" + item.Scalar());
      }
    } else {
      return failure(errc::invalid, "\"" + name + "\" must be one value", path);
    }
  }
  return out;
}

} // namespace hourglass::cli
