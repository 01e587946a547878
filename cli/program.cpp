#include "cli/program.hpp"

#include "cli/completion.hpp"
#include "cli/listen.hpp"
#include "cli/mock.hpp"
#include "cli/serve.hpp"
#include "cli/trigger.hpp"
#include "cli/version.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <CLI/CLI.hpp>

namespace hourglass::cli {

using events::errc;

exit_code exit_code_of(const events::error& e) noexcept {
  switch (e.code) {
  case errc::held:
    return data_held;
  case errc::newer_format:
    return data_newer;
  case errc::corrupt:
    return data_corrupt;
  case errc::invalid:
  case errc::unauthorized:
  case errc::forbidden:
  case errc::not_found:
  case errc::conflict:
  case errc::too_large:
  case errc::overloaded:
  case errc::unavailable:
  case errc::timeout:
  case errc::abandoned:
  case errc::io:
  case errc::internal:
    return failed;
  }
  return failed;
}

namespace {

struct program {
  CLI::App app{"Hourglass: a self-hosted developer sandbox server", "hourglass"};
  serve_options serving;
  std::string config;
  std::string config_in_use; ///< whose options are parsed, too
  listen_options listening;
  mock_options mocking;
  trigger_options triggering;
  CLI::App* serve_command = nullptr;
  CLI::App* listen_command = nullptr;
  CLI::App* mock_command = nullptr;
  CLI::App* trigger_command = nullptr;
  CLI::App* version_command = nullptr;
  CLI::App* completion_command = nullptr;

  program() {
    app.require_subcommand(1);
    app.footer("Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the data folder is held by another process, 4 it was written by a newer "
               "version, 5 it does not verify");
    serve_command = app.add_subcommand("serve", "Run a node. Flags go before HOURGLASS_… variables, those before the YAML file");
    add_serve_options(*serve_command, serving, config);
    add_mock();
    add_listen();
    add_trigger();
    version_command = app.add_subcommand("version", "Print the version");
    completion_command = app.add_subcommand("completion", "Print completion for bash: source <(hourglass completion)");
  }

  void add_mock() {
    mock_command = app.add_subcommand("mock", "Serve one OpenAPI document at / until Ctrl-C, and forget everything then");
    auto& c = *mock_command;
    c.footer("Prints the operations of the document, then a line for each request as it is answered: method, target, status, milliseconds and, where the\n"
             "request breaks the document's rules, the first fault. Prefer: code=404 or example=NAME chooses another answer of the document,\n"
             "dynamic=true or false has it made from the schema or not, and seed=7 says from what: the same seed gives the same bytes, on any server.\n"
             "What is wrong with a document is told as FILE:LINE:COLUMN or FILE: /json/pointer, with exit code 1");
    c.add_option("document", mocking.document, "OpenAPI 3.0 or 3.1 or Swagger 2.0 document, JSON or YAML, with the files that it refers to; - reads standard input, without files. Nothing is fetched")->required();
    c.add_option("--listen", mocking.listen, "HOST:PORT to answer on; port 0 takes a free one, :PORT answers on every address, without a key")->check(is_host_port, "HOST:PORT")->capture_default_str();
    c.add_option("--seed", mocking.seed, "Number that the values made from schemas and the chance of requests come from: the same one and the same requests give the same answers. Default: others at each start");
    c.add_flag("--dynamic", mocking.dynamic, "Make all values from the schemas, also where the document has examples. Default: examples first");
    c.add_option("--state", mocking.state,
                 "on: collections such as /pets beside /pets/{petId} keep what is created, changed and deleted, beginning with the document's examples; "
                 "empty: beginning with nothing; off: every operation answers from its examples. Default: what the document says with x-hourglass-state, else on")
        ->check(CLI::IsMember({"on", "empty", "off"}));
    c.add_option("--validation", mocking.validation,
                 "Requests that break the document's rules. report: answered, with X-Request-Validation; enforce: refused with 422 (or what the document has); off: not checked")
        ->check(CLI::IsMember({"report", "enforce", "off"}))->capture_default_str();
    c.add_option("--security", mocking.security,
                 "Requests without the credentials that the document demands. report: answered, with X-Request-Validation; check: refused with 401; ignore: nobody looks. "
                 "Any credential is good that could be one. Default: as strict as --validation")
        ->check(CLI::IsMember({"report", "check", "ignore"}));
    c.add_flag("--json", mocking.json, "JSON objects, one a line, instead of text: what is warning, operation, listening or request. Default: off");
  }

  static std::string is_host_port(const std::string& text) {
    auto parsed = parse_host_port(text);
    return parsed ? std::string{} : parsed.error().detail;
  }

  void add_listen() {
    listen_command = app.add_subcommand("listen", "A webhook receiver for development: verifies, prints one JSON line a webhook");
    auto& c = *listen_command;
    c.add_option("--listen", listening.listen, "HOST:PORT to answer on; port 0 takes a free one")->capture_default_str();
    c.add_option("--secret", listening.secret, "whsec_… or whpk_… of the endpoint. Default: nothing is verified")->envname("HOURGLASS_WEBHOOK_SECRET");
    c.add_option("--status", listening.status, "Status to answer")->check(CLI::Range(200U, 599U))->capture_default_str();
    c.add_option("--fail-first", listening.fail_first, "So many webhooks are refused first")->capture_default_str();
    c.add_option("--fail-status", listening.fail_status, "Status for those")->check(CLI::Range(200U, 599U))->capture_default_str();
    c.add_option("--delay-ms", listening.delay_ms, "Milliseconds before each answer")->check(CLI::Range(0U, 600'000U))->capture_default_str();
  }

  void add_trigger() {
    trigger_command = app.add_subcommand("trigger", "Emit one event of a sandbox");
    auto& c = *trigger_command;
    c.add_option("--server", triggering.server, "URL of the node")->envname("HOURGLASS_SERVER")->capture_default_str();
    c.add_option("--key", triggering.key, "Admin key or the sandbox's client secret; better by the variable. HOURGLASS_ADMIN_KEY is read where there is none")->envname("HOURGLASS_KEY");
    c.add_option("sandbox", triggering.sandbox, "Id or uid of the sandbox")->required();
    c.add_option("type", triggering.type, "Event type, such as invoice.paid")->required();
    c.add_option("--payload", triggering.payload, "JSON object, or @FILE")->capture_default_str();
  }

  int parse(const std::vector<std::string>& given, const std::vector<std::string>& of_file = {}) {
    auto arguments = given;
    arguments.insert(arguments.end(), of_file.begin(), of_file.end());
    std::reverse(arguments.begin(), arguments.end()); // CLI11 takes them backwards
    try {
      app.parse(std::move(arguments));
    } catch (const CLI::ParseError& e) {
      if (e.get_exit_code() != 0)
        if (auto why = said_elsewhere(e.what(), given, of_file); !why.empty())
          return std::fprintf(stderr, "%s\n", why.c_str()), usage;
      return app.exit(e) == 0 ? done : usage;
    }
    return -1;
  }

  /// CLI11 names the flag, whoever has said it. Empty when it was the flag.
  std::string said_elsewhere(const std::string& what, const std::vector<std::string>& given, const std::vector<std::string>& of_file) const {
    auto name = what.substr(0, what.find(':'));
    if (!name.starts_with("--") || name.size() == what.size())
      return {};
    auto has = [&name](const std::vector<std::string>& list) {
      return std::any_of(list.begin(), list.end(), [&name](const std::string& a) { return a == name || a.starts_with(name + "="); });
    };
    auto why = what.substr(name.size());
    if (has(given))
      return {};
    if (has(of_file))
      return config_in_use + ": " + name.substr(2) + why;
    for (const auto* command : app.get_subcommands({}))
      if (const auto* option = command->get_option_no_throw(name); option != nullptr && std::getenv(option->get_envname().c_str()) != nullptr)
        return option->get_envname() + " (environment)" + why;
    return {};
  }
};

int wrong(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  return usage;
}

/// Rules that need more than one option.
std::string contradiction(const serve_options& o) {
  if (o.tls_cert.empty() != o.tls_key.empty())
    return "--tls-cert and --tls-key go together";
  if (o.data.empty())
    return "--data must name a folder";
  return {};
}

int run_serve(program& given, const std::vector<std::string>& arguments) {
  auto options = given.serving;
  program whole;
  if (!given.config.empty()) {
    auto more = arguments_of_file(given.config, *given.serve_command);
    if (!more)
      return wrong(more.error().where + ": " + more.error().detail);
    whole.config_in_use = given.config;
    if (auto ended = whole.parse(arguments, *more); ended >= 0)
      return ended;
    options = whole.serving;
  }
  if (auto why = contradiction(options); !why.empty())
    return wrong(why);
  block_signals();
  return serve(options);
}

} // namespace

int run(int argc, char** argv) {
  std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  program given;
  auto named = [&arguments](const CLI::App* command) { return command->get_name() == arguments[0]; };
  if (!arguments.empty() && !arguments[0].starts_with('-') && given.app.get_subcommands(named).empty())
    return wrong("there is no command \"" + arguments[0] + "\": serve, mock, listen, trigger, version or completion; see hourglass --help");
  if (auto ended = given.parse(arguments); ended >= 0)
    return ended;
  if (given.version_command->parsed()) {
    std::printf("hourglass %s\n", std::string{version}.c_str());
    return done;
  }
  if (given.completion_command->parsed()) {
    std::fputs(bash_completion(given.app).c_str(), stdout);
    return done;
  }
  if (given.mock_command->parsed()) {
    return serve_document(given.mocking);
  }
  if (given.listen_command->parsed()) {
    block_signals();
    return listen(given.listening);
  }
  if (given.trigger_command->parsed()) {
    if (const auto* key = std::getenv("HOURGLASS_ADMIN_KEY"); key != nullptr && given.triggering.key.empty())
      given.triggering.key = key;
    if (given.triggering.key.empty())
      return wrong("trigger needs --key, or the variable HOURGLASS_KEY or HOURGLASS_ADMIN_KEY");
    return trigger(given.triggering);
  }
  return run_serve(given, arguments);
}

} // namespace hourglass::cli
