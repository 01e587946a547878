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

/// Messages of one sandbox, each to so many destinations.
struct shape {
  unsigned destinations = 1;
  const testing::identity* tls = nullptr; ///< of the receiver
};

struct delivered {
  std::vector<double> rate, p50, p99, emit_rate, backlog, cpu_us;
};

void bare_round(const settings& with, report& to, const shape& of, delivered& out) {
  receiver receiving{{.tls = of.tls}};
  auto said = with.work / ((of.tls != nullptr ? "bare-client-tls-" : "bare-client-") + std::to_string(out.rate.size()) + ".out");
  std::vector<std::string> command{with.self.string(),
                                   "bare-client",
                                   receiving.address(0),
                                   std::to_string(receiving.port()),
                                   "1",
                                   std::to_string(connections),
                                   std::to_string(with.measured.count())};
  if (of.tls != nullptr)
    command.emplace_back("tls");
  process client{command, said};
  auto code = client.wait(with.measured + seconds{30});
  unsigned long long n = 0, failed = 0;
  double elapsed = 0, p50 = 0, p99 = 0;
  if (code != 0 || std::sscanf(read_text(said).c_str(), "%llu %lf %lf %lf %llu", &n, &elapsed, &p50, &p99, &failed) != 5 || n == 0 || failed != 0)
    return to.fail(scenario, "the bare client failed: " + read_text(said));
  if (receiving.received() < n || receiving.wrong() != 0)
    return to.fail(scenario, "the receiver has " + std::to_string(receiving.received()) + " and " + std::to_string(receiving.wrong()) + " wrong of " +
                                 std::to_string(n) + " that the bare client sent");
  out.rate.push_back(static_cast<double>(n) / elapsed);
  out.p50.push_back(p50);
  out.p99.push_back(p99);
}

/// The destinations' own count of delivered messages; the answers come after the events behind them
/// are durable.
std::uint64_t durable_deliveries(server& ours, const std::string& sandbox,
                                 const std::vector<std::string>& destinations) {
  std::uint64_t sum = 0;
  for (const auto& d : destinations)
    sum += std::strtoull(
        member(ours.call("GET", "/api/v1/app/" + sandbox + "/endpoint/" + d + "/stats"), "success")
            .c_str(),
        nullptr, 10);
  return sum;
}

/// Emits for the measured time, then waits until every message is delivered and its attempt's event
/// is durable. The rate is of it all.
void our_round(const settings& with, report& to, const shape& of, server& ours, delivered& out) {
  receiver receiving{{.destinations = of.destinations, .healthy = of.destinations, .tls = of.tls}};
  auto sandbox = ours.new_sandbox();
  std::vector<std::string> destinations;
  for (unsigned i = 0; i < of.destinations; ++i)
    destinations.push_back(
        add_destination(ours, sandbox, receiving.url(i), "bench.sent",
                        of.tls != nullptr ? of.tls->certificate : std::string{}));
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

  auto profile = out.rate.empty() && of.destinations == 1 && of.tls == nullptr
                     ? start_profile(with, ours.process(), scenario)
                     : process{};
  auto cpu = ours.process().cpu_seconds();
  auto start = steady::now();
  auto emitted = run_load(plan);
  if (emitted.failed != 0)
    return to.fail(scenario, "emit failed: " + emitted.first_failure);
  const auto expected = emitted.sent * of.destinations;
  auto backlog = expected - std::min(expected, receiving.received());
  std::uint64_t done = 0;
  for (auto until = steady::now() + 120s; done < expected; std::this_thread::sleep_for(5ms)) {
    if (receiving.received() < expected && steady::now() < until)
      continue;
    done = durable_deliveries(ours, sandbox, destinations);
    if (!to.errors.empty() || steady::now() > until)
      return to.fail(scenario, std::to_string(done) + " of " + std::to_string(expected) +
                                   " messages delivered after two minutes, " +
                                   std::to_string(receiving.received()) + " received");
  }
  auto elapsed = seconds{steady::now() - start}.count();
  if (receiving.wrong() != 0)
    return to.fail(scenario, std::to_string(receiving.wrong()) + " deliveries were not signed as they should be");
  profile.wait(seconds{60});
  auto n = static_cast<double>(expected);
  out.rate.push_back(n / elapsed);
  out.emit_rate.push_back(static_cast<double>(emitted.sent) / emitted.elapsed.count());
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
  const auto self = testing::make_identity("127.0.1.1");
  const shape alone, many{.destinations = 8}, secure{.tls = &self};
  delivered bare, mine, fan_out, bare_tls, mine_tls;
  for (unsigned round = 0; round <= with.rounds && to.errors.empty(); ++round) {
    bare_round(with, to, alone, bare);
    bare_round(with, to, secure, bare_tls);
    if (round == with.rounds)
      break;
    our_round(with, to, alone, *ours, mine);
    our_round(with, to, many, *ours, fan_out);
    our_round(with, to, secure, *ours, mine_tls);
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
  to.add({scenario,
          "ours.backlog",
          median(mine.backlog),
          "messages",
          "emitted and not yet received when the last was emitted",
          true,
          {},
          {},
          {}});
  to.add({scenario,
          "ours.cpu_per_delivery",
          median(mine.cpu_us),
          "us",
          "user and system, emit to logged attempt",
          true,
          {},
          {},
          {}});
  const auto others = [&](const std::string& name, const std::string& what, const delivered& d,
                          const std::string& base, double base_rate, const char* wanted) {
    to.add({scenario, name + ".deliveries", median(d.rate), "/s",
            what + "; rounds " + spread(d.rate), true, base, median(d.rate) / base_rate, wanted});
    to.add({scenario,
            name + ".cpu_per_delivery",
            median(d.cpu_us),
            "us",
            "user and system, emit to logged attempt",
            true,
            {},
            {},
            {}});
  };
  others("ours_fan_out", "the same, each message to 8 destinations", fan_out, "bare.deliveries",
         median(bare.rate), "≥ 0.35");
  to.add({scenario,
          "bare_tls.deliveries",
          median(bare_tls.rate),
          "/s",
          "as bare, over TLS; rounds " + spread(bare_tls.rate),
          false,
          {},
          {},
          {}});
  others("ours_tls", "as ours, one destination over TLS", mine_tls, "bare_tls.deliveries",
         median(bare_tls.rate), "");
  ours->stop();
}

} // namespace hourglass::bench
