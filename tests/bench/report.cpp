#include "tests/bench/report.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <thread>

#include <nlohmann/json.hpp>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace hourglass::bench {

namespace {

struct machine {
  unsigned cores = std::thread::hardware_concurrency();
  std::string model = "unknown";
  double memory_gb = 0;
  std::string kernel;
  std::string file_system;
};

std::string file_system_of(const std::string& folder) {
  struct statfs s {};
  if (statfs(folder.c_str(), &s) != 0)
    return "unknown";
  switch (static_cast<unsigned long>(s.f_type)) {
    case 0xEF53: return "ext4";
    case 0x58465342: return "xfs";
    case 0x9123683E: return "btrfs";
    case 0x01021994: return "tmpfs (a sync costs nothing here: durable figures are too good)";
    case 0x794c7630: return "overlayfs";
    default: break;
  }
  char text[32];
  std::snprintf(text, sizeof text, "0x%lx", static_cast<unsigned long>(s.f_type));
  return text;
}

machine this_machine(const std::string& folder) {
  machine out;
  std::ifstream in{"/proc/cpuinfo"};
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("model name")) {
      out.model = line.substr(line.find(':') + 2);
      break;
    }
  out.memory_gb = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e9;
  utsname u{};
  if (uname(&u) == 0)
    out.kernel = u.release;
  out.file_system = file_system_of(folder);
  return out;
}

std::string number(double v) {
  char text[64];
  std::snprintf(text, sizeof text, v >= 100 ? "%.0f" : v >= 1 ? "%.2f" : "%.4f", v);
  return text;
}

std::string now_text() {
  char text[32];
  auto t = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&t, &utc);
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

} // namespace

void report::add(figure f) {
  if (f.ratio)
    std::fprintf(stderr, "  %-52s %12s %-6s ratio %.3f\n", (f.scenario + '.' + f.name).c_str(), number(f.value).c_str(), f.unit.c_str(), *f.ratio);
  else
    std::fprintf(stderr, "  %-52s %12s %s\n", (f.scenario + '.' + f.name).c_str(), number(f.value).c_str(), f.unit.c_str());
  figures.push_back(std::move(f));
}

void report::fail(std::string scenario, std::string what) {
  std::fprintf(stderr, "  %s: ERROR: %s\n", scenario.c_str(), what.c_str());
  errors.push_back(std::move(scenario) + ": " + std::move(what));
}

std::string to_json(const report& r) {
  auto m = this_machine(r.folder);
  nlohmann::ordered_json out;
  out["at"] = now_text();
  out["quick"] = r.quick;
  out["io_threads"] = r.threads;
  out["machine"] = {{"cores", m.cores}, {"model", m.model}, {"memory_gb", m.memory_gb}, {"kernel", m.kernel}, {"file_system", m.file_system},
                    {"load_generator", "on the same cores"}};
  out["figures"] = nlohmann::ordered_json::array();
  for (const auto& f : r.figures) {
    nlohmann::ordered_json one{{"scenario", f.scenario}, {"name", f.name}, {"value", f.value},
                               {"unit", f.unit},         {"load", f.load}, {"durable", f.durable}};
    if (f.ratio) {
      one["ratio"] = *f.ratio;
      one["ratio_to"] = f.ratio_to;
    }
    if (!f.wanted.empty())
      one["wanted"] = f.wanted;
    out["figures"].push_back(std::move(one));
  }
  out["errors"] = r.errors;
  return out.dump(2) + '\n';
}

std::string to_text(const report& r) {
  auto m = this_machine(r.folder);
  char line[512];
  std::snprintf(line, sizeof line, "%u cores (%s), %.0f GB, Linux %s, data on %s; load generator on the same cores; %u I/O threads%s\n", m.cores,
                m.model.c_str(), m.memory_gb, m.kernel.c_str(), m.file_system.c_str(), r.threads, r.quick ? "; QUICK: the figures mean little" : "");
  std::string out = line;
  std::string scenario;
  for (const auto& f : r.figures) {
    if (f.scenario != scenario)
      out += '\n' + (scenario = f.scenario) + '\n';
    std::snprintf(line, sizeof line, "  %-34s %12s %-8s %s", f.name.c_str(), number(f.value).c_str(), f.unit.c_str(), f.durable ? "durable  " : "         ");
    out += line;
    if (f.ratio) {
      std::snprintf(line, sizeof line, "%.3f of %s%s%s  ", *f.ratio, f.ratio_to.c_str(), f.wanted.empty() ? "" : ", wanted ", f.wanted.c_str());
      out += line;
    } else if (!f.wanted.empty()) {
      out += "wanted " + f.wanted + "  ";
    }
    out += '[' + f.load + "]\n";
  }
  for (const auto& e : r.errors)
    out += "ERROR " + e + '\n';
  return out;
}

} // namespace hourglass::bench
