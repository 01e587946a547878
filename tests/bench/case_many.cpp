#include "tests/bench/cases.hpp"

#include <algorithm>
#include <fstream>
#include <span>
#include <thread>

namespace hourglass::bench {

namespace {

const std::string scenario = "many";

std::vector<std::string> lines_of(const std::filesystem::path& file) {
  std::ifstream in{file};
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);)
    out.push_back(line);
  return out;
}

/// The first answer of each of these sleeping sandboxes, in milliseconds.
std::vector<double> wake(server& ours, report& to, std::span<const std::string> sandboxes) {
  std::vector<double> out;
  for (const auto& id : sandboxes) {
    auto text = request_text("GET", "/s/" + id + "/coffees/17");
    auto since = steady::now();
    auto a = ask(ours.port(), text);
    out.push_back(seconds{steady::now() - since}.count() * 1e3);
    if (a.status != 200) {
      to.fail(scenario, "a sleeping sandbox answered " + std::to_string(a.status) + ' ' + a.body.substr(0, 300));
      break;
    }
  }
  return out;
}

double share(std::vector<double> v, double at) {
  std::sort(v.begin(), v.end());
  return v.empty() ? 0 : v[std::min(v.size() - 1, static_cast<std::size_t>(at * static_cast<double>(v.size())))];
}

} // namespace

void run_many(const settings& with, report& to) {
  const std::string sandboxes = with.quick ? "1000" : "100000";
  const std::string events = with.quick ? "10000" : "1000000";
  auto data = with.work / "many";
  auto ids = with.work / "many.ids";
  auto since = steady::now();
  process fill{{with.fill.string(), data.string(), sandboxes, events, ids.string()}, with.work / "fill.log"};
  if (fill.wait(seconds{600}) != 0)
    return to.fail(scenario, "the data could not be generated: " + read_text(with.work / "fill.log").substr(0, 2'000));
  to.add({scenario, "generated_in", seconds{steady::now() - since}.count(), "s", "by the benchmark's own generator, index folded", false, {}, {}, {}});
  const auto load = sandboxes + " sandboxes, " + events + " events";
  auto listed = lines_of(ids); // the last one has a long stream and no snapshot
  if (listed.size() < 200)
    return to.fail(scenario, "the generator listed too few sandboxes");

  std::vector<double> ready, resident, first;
  std::optional<server> ours;
  for (unsigned round = 0; round < with.rounds; ++round) {
    if (ours)
      ours->stop();
    ours = server::start(with, to, scenario, data);
    if (!ours)
      return;
    ready.push_back(ours->ready_after().count());
    resident.push_back(static_cast<double>(ours->process().resident_bytes()) / 1e6);
    auto woken = wake(*ours, to, std::span{listed}.subspan(round * 50, 50));
    first.insert(first.end(), woken.begin(), woken.end());
  }
  auto long_stream = wake(*ours, to, std::span{listed}.last(1));
  to.add({scenario, "ready_after", median(ready), "s", load + "; from exec to the first 200 of /readyz", true, {}, {}, "≤ 3"});
  to.add({scenario, "resident_at_ready", median(resident), "MB", load, true, {}, {}, "< 500"});
  to.add({scenario, "wake_p50", share(first, 0.5), "ms", load + "; first answer of a sleeping sandbox, 10 events each, one at a time", true, {}, {}, {}});
  to.add({scenario, "wake_worst", share(first, 1), "ms", load + "; the slowest of " + std::to_string(first.size()), true, {}, {}, "≤ 50"});
  to.add({scenario, "wake_long_stream", share(long_stream, 1), "ms", "a sandbox with 40,000 events since its last snapshot (a busy one that crashed)", true, {}, {}, {}});
  std::this_thread::sleep_for(std::chrono::seconds{1});
  to.add({scenario, "resident_after", static_cast<double>(ours->process().resident_bytes()) / 1e6, "MB", load + "; a second after waking 50 and the long one", true, {}, {}, "< 500"});
  ours->stop();
}

} // namespace hourglass::bench
