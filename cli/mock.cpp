#include "cli/mock.hpp"

#include "actors/node.hpp"
#include "api/service.hpp"
#include "cli/line_printer.hpp"
#include "cli/log.hpp"
#include "cli/serve.hpp"
#include "cli/serve_options.hpp"
#include "cli/version.hpp"
#include "events/json_text.hpp"
#include "events/limits.hpp"
#include "http/egress.hpp"
#include "http/server.hpp"
#include "mock/openapi_bundle.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <map>
#include <thread>

#include <unistd.h>

namespace hourglass::cli {

using events::errc;
using events::failure;
using events::outcome;
using namespace std::chrono_literals;

namespace {

constexpr auto grace = 5s;

/// Where the sandbox keeps its log. Gone when this is.
class temporary_folder {
public:
  static outcome<std::unique_ptr<temporary_folder>> make() {
    std::error_code why;
    auto pattern = (std::filesystem::temp_directory_path(why) / "hourglass-mock-XXXXXX").string();
    if (why || ::mkdtemp(pattern.data()) == nullptr)
      return failure(errc::io, std::string{"cannot make a temporary folder: "} + (why ? why.message() : std::strerror(errno)), pattern);
    return std::unique_ptr<temporary_folder>{new temporary_folder{pattern}};
  }
  ~temporary_folder() { remove(); }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }
  void remove() const noexcept {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

private:
  explicit temporary_folder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

/// Passes an answer on and prints it.
struct printing_sink final : http::reply::sink {
  printing_sink(std::shared_ptr<line_printer> on, std::shared_ptr<const http::request> of, http::reply answer)
    : out(std::move(on)), request(std::move(of)), to(std::move(answer)) {}

  void send(http::response answer) override {
    auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began);
    auto line = request_line(*request, answer, took, out->json());
    to.send(std::move(answer));
    out->offer(std::move(line));
  }
  std::shared_ptr<http::event_stream> stream(http::fields headers) override { return to.stream(std::move(headers)); }

  std::shared_ptr<line_printer> out;
  std::shared_ptr<const http::request> request;
  http::reply to;
  std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
};

/// Where a file lies that a document in `folder` refers to. Fails if that is not below `folder`; empty if there is no such file, or one of another kind.
outcome<std::string> place_of_file(const std::filesystem::path& folder, const std::string& name, const std::string& document) {
  std::error_code none;
  const auto base = std::filesystem::weakly_canonical(folder.empty() ? std::filesystem::path{"."} : folder, none);
  const auto file = std::filesystem::weakly_canonical(base / name, none);
  if (none)
    return std::string{};
  if (std::mismatch(base.begin(), base.end(), file.begin(), file.end()).first != base.end())
    return failure(errc::invalid, "refers to " + name + ", which is not in the folder of the document: only files there and below are read", document);
  return std::filesystem::is_regular_file(file, none) ? file.string() : std::string{};
}

outcome<std::string> read_text(const std::string& document) {
  std::error_code ignored;
  std::ifstream file;
  if (document != "-") {
    file.open(document, std::ios::binary);
    if (!file || std::filesystem::is_directory(document, ignored))
      return failure(errc::io, "cannot read the document", document);
  }
  auto& in = document == "-" ? std::cin : static_cast<std::istream&>(file);
  std::string text(limits::request_body_bytes + 1, '\0'); // of a longer one that much is enough to refuse it
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

/// The document with the files that it refers to, which lie where it says, relative to it. As it is if there are none, or if it does not read.
outcome<std::string> with_its_files(std::string text, const std::string& document) {
  struct waiting {
    std::string name;
    mock::json_value document;
  };
  auto main = mock::parse_document(text);
  if (!main || mock::openapi_bundle::is_one(*main) || mock::openapi_bundle::names_in("", *main).empty() || document == "-")
    return text;
  const auto folder = std::filesystem::path{document}.parent_path();
  std::vector<waiting> look;
  look.push_back({"", std::move(*main)});
  std::map<std::string, std::string> files;
  std::size_t bytes = text.size();
  while (!look.empty()) {
    const auto one = std::move(look.back());
    look.pop_back();
    for (const auto& name : mock::openapi_bundle::names_in(one.name, one.document)) {
      if (files.contains(name) || name.find("://") != std::string::npos)
        continue;
      const auto place = place_of_file(folder, name, document);
      if (!place)
        return tl::unexpected<events::error>{place.error()};
      auto file = place->empty() ? outcome<std::string>{failure(errc::io, "")} : read_text(*place);
      if (!file)
        continue; // the reference to it is told with its place
      bytes += file->size();
      if (bytes > limits::request_body_bytes)
        return failure(errc::too_large,
                       "with the files that it refers to, the document is larger than the limit request_body_bytes (" + std::to_string(limits::request_body_bytes) + ")",
                       document);
      if (auto parsed = mock::parse_document(*file))
        look.push_back({name, std::move(*parsed)});
      files.emplace(name, std::move(*file));
    }
  }
  std::string out;
  events::json_text j{out};
  j.open_object().key("document").value(text).key("documents").open_object();
  for (const auto& [name, file] : files)
    j.key(name).value(file);
  j.close_object().close_object();
  return out;
}

outcome<mock::import_openapi> read_import(const mock_options& options) {
  auto text = read_text(options.document);
  if (!text)
    return tl::unexpected<events::error>{std::move(text).error()};
  const auto name = options.document == "-" ? std::string{"(standard input)"} : options.document;
  text = with_its_files(std::move(*text), options.document);
  if (!text)
    return tl::unexpected<events::error>{std::move(text).error()};
  mock::import_openapi import{std::move(*text), {}};
  import.generated = options.dynamic;
  import.state = mock::state_mode_from(options.state);
  import.validation = mock::validation_mode_from(options.validation).value_or(mock::validation_mode::report);
  import.security = mock::security_mode_from(options.security);
  const auto chance = options.seed ? mock::chance_of_import(std::to_string(*options.seed)).value() : events::draw_entropy();
  if (auto read = mock::read_ahead(import, chance); !read) {
    auto e = std::move(read).error();
    e.where = name + (e.where.empty() ? "" : (e.where.front() == '/' ? ": " : ":") + e.where);
    return tl::unexpected<events::error>{std::move(e)};
  }
  return import;
}

exit_code report(const events::error& e) {
  std::fprintf(stderr, "%s%s%s\n", printable(e.where).c_str(), e.where.empty() ? "" : ": ", printable(e.detail).c_str());
  return exit_code_of(e);
}

/// A call of the node, waited for.
template <class Call>
outcome<actors::receipt> wait_for(Call&& call) {
  auto promise = std::make_shared<std::promise<outcome<actors::receipt>>>();
  auto done = promise->get_future();
  call([promise](outcome<actors::receipt> r) { promise->set_value(std::move(r)); });
  return done.get();
}

/// A sandbox with what the document describes; its id.
outcome<std::string> make_sandbox(actors::node& node, mock::import_openapi import, const std::optional<std::uint64_t>& seed) {
  const actors::caller us{"admin", "mock", nullptr};
  const auto settings = R"({"uid":"mock","name":"mock")" + (seed ? R"(,"seed":")" + std::to_string(*seed) + '"' : std::string{}) + '}';
  auto made = wait_for([&](actors::on_receipt done) { node.create(settings, us, std::move(done)); });
  if (!made)
    return tl::unexpected<events::error>{std::move(made).error()};
  auto id = node.resolve("mock");
  if (!id)
    return tl::unexpected<events::error>{std::move(id).error()};
  auto taken = wait_for([&](actors::on_receipt done) { node.submit(*id, mock::endpoint_command{std::move(import)}, us, std::move(done)); });
  if (!taken)
    return tl::unexpected<events::error>{std::move(taken).error()};
  return id->to_string();
}

void print_document(line_printer& out, const mock::openapi_document& document, mock::state_mode state, const std::string& url) {
  for (const auto& w : document.warnings) {
    if (out.json()) {
      std::string line;
      events::json_text{line}.open_object().key("what").value("warning").key("pointer").value(w.where).key("detail").value(w.detail).close_object();
      out.line(line);
    } else {
      std::fprintf(stderr, "warning: %s: %s\n", printable(w.where).c_str(), printable(w.detail).c_str());
    }
  }
  std::size_t longest = 0;
  for (const auto& e : document.endpoints)
    longest = std::min<std::size_t>(60, std::max(longest, e.path.size()));
  for (const auto& e : document.endpoints) {
    const bool keeps = state != mock::state_mode::off && !e.state.empty() && e.state.on;
    std::string line;
    if (out.json()) {
      events::json_text j{line};
      j.open_object().key("what").value("operation").key("method").value(e.method).key("path").value(e.path).key("name").value(e.name);
      if (keeps)
        j.key("collection").value(e.state.collection).key("role").value(mock::to_string(e.state.role));
      j.close_object();
    } else {
      line = e.method + std::string(8 - std::min<std::size_t>(e.method.size(), 7), ' ') + printable(e.path);
      if (keeps || !e.name.empty())
        line += std::string(longest - std::min(longest, e.path.size()) + 2, ' ') + printable(e.name);
      if (keeps)
        line += (e.name.empty() ? "" : "  ") + ("(" + std::string{mock::to_string(e.state.role)}) + " " + e.state.collection + ")";
    }
    out.line(line);
  }
  std::string last;
  if (out.json())
    events::json_text{last}.open_object().key("what").value("listening").key("url").value(url).key("title").value(document.title)
      .key("operations").value(document.endpoints.size()).close_object();
  else
    last = "listening on " + url;
  out.line(last);
}

std::string url_of(const host_port& where, std::uint16_t port) {
  auto host = where.host.find(':') != std::string::npos ? "[" + where.host + "]" : where.host;
  return "http://" + host + ":" + std::to_string(port);
}

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (auto signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT})
    sigaddset(&set, signal);
  return set;
}

/// The first signal ends it in order, a second one at once; the folder is gone either way.
void wait_for_end(const temporary_folder& folder) {
  const auto set = ending_signals();
  int signal = 0;
  sigwait(&set, &signal);
  std::thread{[path = folder.path(), set] {
    int second = 0;
    sigwait(&set, &second);
    std::error_code why;
    auto away = path;
    away += ".gone"; // under another name, so that nothing can be made in it meanwhile
    std::filesystem::rename(path, away, why);
    std::filesystem::remove_all(why ? path : away, why);
    ::_exit(failed);
  }}.detach();
}

/// Everything at `/` is the sandbox's.
http::handler at_root(std::shared_ptr<line_printer> out, http::handler service, const std::string& sandbox) {
  return [out = std::move(out), service = std::move(service), before = "/s/" + sandbox](std::shared_ptr<const http::request> request, http::reply reply) {
    auto inside = std::make_shared<http::request>(*request);
    inside->target.insert(0, before);
    service(std::move(inside), http::reply{std::make_unique<printing_sink>(out, std::move(request), std::move(reply))});
  };
}

} // namespace

exit_code serve_document(const mock_options& options) {
  open_log("error", "text");
  auto where = parse_host_port(options.listen);
  if (!where)
    return usage;
  auto import = read_import(options);
  if (!import)
    return report(import.error());
  block_signals();
  const auto set = ending_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  const auto document = import->already;
  const auto state = import->state.value_or(document->state.value_or(mock::state_mode::on));
  auto folder = temporary_folder::make();
  if (!folder)
    return report(folder.error());
  actors::node_options below;
  below.data = (*folder)->path();
  below.client.threads = 1;
  below.client.user_agent = "Hourglass/" + std::string{version};
  below.guard = std::make_shared<http::egress_guard>(std::vector<http::cidr>{}, std::vector<http::egress_guard::endpoint>{});
  auto node = actors::node::open(std::move(below));
  if (!node)
    return report(node.error());
  auto sandbox = make_sandbox(**node, std::move(*import), options.seed);
  if (!sandbox)
    return report(sandbox.error());
  api::service service{**node, {}};
  auto out = std::make_shared<line_printer>(options.json);
  http::server_options listening;
  listening.address = where->host;
  listening.port = where->port;
  auto server = http::server::open(listening, at_root(out, service.handler(), *sandbox));
  if (!server) {
    std::fprintf(stderr, "%s: %s\n", options.listen.c_str(), server.error().c_str());
    return failed;
  }
  print_document(*out, *document, state, url_of(*where, (*server)->port()));
  wait_for_end(**folder);
  service.drain();
  (*server)->stop(grace);
  (*node)->stop(grace);
  return done;
}

} // namespace hourglass::cli
