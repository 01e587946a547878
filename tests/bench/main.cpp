// bench_driver: see tests/bench/run, which builds and starts it.
#include "tests/bench/bare.hpp"
#include "tests/bench/cases.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

namespace {

using namespace hourglass::bench;

struct options {
  settings with;
  std::vector<std::string> only;
  bool json = false;
};

[[noreturn]] void refuse(const std::string& why) {
  std::fprintf(stderr, "bench_driver: %s\n", why.c_str());
  std::exit(2);
}

options read(int argc, char** argv) {
  options out;
  auto& w = out.with;
  w.self = std::filesystem::read_symlink("/proc/self/exe");
  bool measured_given = false;
  for (int i = 1; i < argc; ++i) {
    std::string_view name = argv[i];
    auto value = [&]() -> std::string {
      if (++i >= argc)
        refuse(std::string{name} + " needs a value");
      return argv[i];
    };
    if (name == "--json")
      out.json = true;
    else if (name == "--quick" || name == "--smoke")
      w.quick = true;
    else if (name == "--only")
      out.only.push_back(value());
    else if (name == "--seconds")
      w.measured = seconds{std::atof(value().c_str())}, measured_given = true;
    else if (name == "--rounds")
      w.rounds = static_cast<unsigned>(std::max(1, std::atoi(value().c_str())));
    else if (name == "--threads")
      w.threads = static_cast<unsigned>(std::max(1, std::atoi(value().c_str())));
    else if (name == "--server")
      w.server = value();
    else if (name == "--fill")
      w.fill = value();
    else if (name == "--work")
      w.work = value();
    else if (name == "--profile")
      w.profile = value();
    else if (name == "--probes")
      w.probes = value();
    else if (name == "--document")
      w.document = value();
    else if (name == "--server-flag")
      w.server_flags.push_back(value());
    else
      refuse("unknown option " + std::string{name});
  }
  if (w.quick) {
    w.rounds = 1;
    if (!measured_given)
      w.measured = seconds{1};
  }
  if (w.server.empty() || w.fill.empty() || w.work.empty())
    refuse("--server, --fill and --work are needed");
  for (const auto& n : out.only)
    if (auto all = all_cases(); std::none_of(all.begin(), all.end(), [&](const auto& s) { return s.name == n; }))
      refuse("there is no scenario " + n);
  return out;
}

int measure(int argc, char** argv) {
  auto o = read(argc, argv);
  report to;
  to.quick = o.with.quick;
  to.threads = o.with.threads;
  to.folder = o.with.work.string();
  for (const auto& s : all_cases()) {
    if (!o.only.empty() && std::find(o.only.begin(), o.only.end(), s.name) == o.only.end())
      continue;
    std::fprintf(stderr, "%s: %s\n", std::string{s.name}.c_str(), std::string{s.says}.c_str());
    auto errors = std::exchange(to.errors, {}); // a case looks at its own errors only
    s.run(o.with, to);
    to.errors.insert(to.errors.begin(), errors.begin(), errors.end());
  }
  std::fputs((o.json ? to_json(to) : to_text(to)).c_str(), stdout);
  return to.errors.empty() ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  std::string_view mode = argc > 1 ? argv[1] : "";
  if (mode == "bare-server")
    return bare_server(argc - 1, argv + 1);
  if (mode == "bare-client")
    return bare_client(argc - 1, argv + 1);
  return measure(argc, argv);
}
