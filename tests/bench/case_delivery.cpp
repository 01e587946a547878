#include "tests/bench/bare.hpp"
#include "tests/bench/cases.hpp"
#include "tests/bench/destinations.hpp"
#include "tests/bench/receiver.hpp"

#include <cstdio>
#include <thread>

#include <nlohmann/json.hpp>

namespace hourglass::bench {

namespace {

using namespace std::chrono_literals;

constexpr unsigned connections = 64;
const std::string scenario = "delivery";

struct delivered {
  std::vector<double> rate, p50, p99, emit_rate, backlog, cpu_us;
};

void bare_round(const settings& with, report& to, delivered& out) {
  receiver receiving{{}};
  auto said = with.work / ("bare-client-" + std::to_string(out.rate.size()) + ".out");
  process client{{with.self.string(), "bare-client", receiving.address(0), std::to_string(receiving.port()), "1", std::to_string(connections),
                  std::to_string(with.measured.count())},
                 said};
  auto code = client.wait(with.measured + seconds{30});
  unsigned long long n = 0, failed = 0;
  double elapsed = 0, p50 = 0, p99 = 0;
  if (code != 0 || std::sscanf(read_text(said).c_str(), "%llu %lf %lf %lf %llu", &n, &elapsed, &p50, &p99, &failed) != 5 || n == 0 || failed != 0)
    return to.fail(scenario, "the bare client failed: " + read_text(said));
  if (receiving.received() < n || receiving.wrong() != 0)
    return to.fail(scenario, "the receiver counts otherwise than the bare client");
  out.rate.push_back(static_cast<double>(n) / elapsed);
  out.p50.push_back(p50);
  out.p99.push_back(p99);
}

/// The destination's own count of delivered messages; the answer comes after the events behind it are durable.
std::uint64_t durable_deliveries(server& ours, const std::string& stats) {
  auto text = ours.call("GET", stats);
  return std::strtoull(member(text, "success").c_str(), nullptr, 10);
}

/// Emits for the measured time, then waits until every message is delivered and its attempt's event is durable. The rate is of it all.
void our_round(const settings& with, report& to, server& ours, delivered& out) {
  receiver receiving{{}};
  auto sandbox = ours.new_sandbox();
  auto destination = add_destination(ours, sandbox, receiving.url(0), "bench.sent");
  auto stats = "/api/v1/app/" + sandbox + "/endpoint/" + destination + "/stats";
  if (!to.errors.empty())
    return;
  std::string payload = R"({"type":"bench.sent","filling":")";
  payload.append(delivery_bytes - payload.size() - 2, 'x').append("\"}");
  const auto request =
    request_text("POST", "/sandboxes/" + sandbox + "/events/bench.sent", ours.authorization() + "Content-Type: application/json\r\n", payload);
  load_plan plan;
  plan.port = ours.port();
  plan.connections = connections;
  plan.warm_up = seconds{0};
  plan.measured = with.measured;
  plan.request = [&request](std::uint64_t, steady::time_point) { return std::string_view{request}; };

  auto profile = out.rate.empty() ? start_profile(with, ours.process(), scenario) : process{};
  auto cpu = ours.process().cpu_seconds();
  auto start = steady::now();
  auto emitted = run_load(plan);
  if (emitted.failed != 0)
    return to.fail(scenario, "emit failed: " + emitted.first_failure);
  auto backlog = emitted.sent - std::min(emitted.sent, receiving.received());
  std::uint64_t done = 0;
  for (auto until = steady::now() + 120s; done < emitted.sent; std::this_thread::sleep_for(5ms)) {
    if (receiving.received() < emitted.sent && steady::now() < until)
      continue;
    done = durable_deliveries(ours, stats);
    if (!to.errors.empty() || steady::now() > until)
      return to.fail(scenario, std::to_string(done) + " of " + std::to_string(emitted.sent) + " messages delivered after two minutes, " +
                                 std::to_string(receiving.received()) + " received");
  }
  auto elapsed = seconds{steady::now() - start}.count();
  if (receiving.wrong() != 0)
    return to.fail(scenario, std::to_string(receiving.wrong()) + " deliveries were not signed as they should be");
  profile.wait(seconds{60});
  auto n = static_cast<double>(emitted.sent);
  out.rate.push_back(n / elapsed);
  out.emit_rate.push_back(n / emitted.elapsed.count());
  out.p50.push_back(emitted.took.percentile(0.5));
  out.p99.push_back(emitted.took.percentile(0.99));
  out.backlog.push_back(static_cast<double>(backlog));
  out.cpu_us.push_back((ours.process().cpu_seconds() - cpu) * 1e6 / n);
}

} // namespace

void run_delivery(const settings& with, report& to) {
  auto ours = server::start(with, to, scenario);
  if (!ours)
    return;
  delivered bare, mine;
  for (unsigned round = 0; round <= with.rounds && to.errors.empty(); ++round) {
    bare_round(with, to, bare);
    if (round < with.rounds)
      our_round(with, to, *ours, mine);
  }
  if (!to.errors.empty())
    return;
  const std::string bare_load = "64 connections, closed loop, POST of 512 bytes, HMAC-SHA256; rounds " + spread(bare.rate);
  const std::string load = "emitted over 64 connections, closed loop, one destination, 512 bytes; until all are delivered and logged; rounds " + spread(mine.rate);
  to.add({scenario, "bare.deliveries", median(bare.rate), "/s", bare_load, false, {}, {}, {}});
  to.add({scenario, "bare.p50", median(bare.p50), "us", bare_load, false, {}, {}, {}});
  to.add({scenario, "bare.p99", median(bare.p99), "us", bare_load, false, {}, {}, {}});
  to.add({scenario, "ours.deliveries", median(mine.rate), "/s", load, true, "bare.deliveries", median(mine.rate) / median(bare.rate), "≥ 0.30"});
  to.add({scenario, "ours.emits", median(mine.emit_rate), "/s", load, true, {}, {}, {}});
  to.add({scenario, "ours.emit_p50", median(mine.p50), "us", load, true, {}, {}, {}});
  to.add({scenario, "ours.emit_p99", median(mine.p99), "us", load, true, {}, {}, {}});
  to.add({scenario, "ours.backlog", median(mine.backlog), "messages", "emitted and not yet received when the last was emitted", true, {}, {}, {}});
  to.add({scenario, "ours.cpu_per_delivery", median(mine.cpu_us), "us", "user and system, emit to logged attempt", true, {}, {}, {}});
  ours->stop();
}

} // namespace hourglass::bench
