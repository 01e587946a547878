#include "tests/bench/bare.hpp"
#include "tests/bench/cases.hpp"
#include "tests/bench/destinations.hpp"
#include "tests/bench/receiver.hpp"

#include <array>
#include <thread>

namespace hourglass::bench {

namespace {

using namespace std::chrono_literals;

const std::string scenario = "outage";

/// Bodies hold `"n":<number>`, which the receiver ticks off.
bool emit(report& to, server& ours, const std::string& sandbox, std::uint64_t first, std::uint64_t count, std::vector<double>& rate) {
  const auto headers = ours.authorization() + "Content-Type: application/json\r\n";
  const auto target = "/sandboxes/" + sandbox + "/events/bench.sent";
  std::string text;
  load_plan plan;
  plan.port = ours.port();
  plan.warm_up = seconds{0};
  plan.measured = seconds{1'800};
  plan.at_most = count;
  plan.request = [&](std::uint64_t n, steady::time_point) {
    std::string payload = R"({"type":"bench.sent","n":)" + std::to_string(first + n) + R"(,"filling":")";
    payload.append(delivery_bytes - payload.size() - 2, 'x').append("\"}");
    text = request_text("POST", target, headers, payload);
    return std::string_view{text};
  };
  auto emitted = run_load(plan);
  if (emitted.failed != 0 || emitted.sent != count) {
    to.fail(scenario, "emit failed: " + emitted.first_failure);
    return false;
  }
  rate.push_back(emitted.per_second());
  return true;
}

double resident(server& ours) { return static_cast<double>(ours.process().resident_bytes()) / 1e6; }

/// Moves the sandbox's clock on until everything has been received; false after `patience`.
bool let_all_arrive(report& to, server& ours, const std::string& sandbox, const receiver& receiving, std::uint64_t expected, seconds patience) {
  const auto until = steady::now() + patience;
  while (receiving.received() < expected && steady::now() < until && to.errors.empty()) {
    ours.call("POST", "/sandboxes/" + sandbox + "/clock/advance", R"({"by":"10m"})");
    while (steady::now() < until && to.errors.empty() && member(ours.call("GET", "/sandboxes/" + sandbox + "/clock"), "mode") == "advancing")
      std::this_thread::sleep_for(20ms);
  }
  return receiving.received() >= expected;
}

} // namespace

/// A receiver that is down while messages pile up, a server that is killed and started again, and then a receiver that is back.
void run_outage(const settings& with, report& to) {
  const std::uint64_t messages = with.quick ? 20'000 : 1'000'000;
  const auto data = with.work / scenario;
  auto ours = server::start(with, to, scenario, data);
  if (!ours)
    return;
  std::uint16_t port = 0;
  std::string url;
  {
    receiver nobody{{}}; // its port is free again, and nobody listens there
    port = nobody.port();
    url = nobody.url(0);
  }
  auto sandbox = ours->new_sandbox();
  auto destination = add_destination(*ours, sandbox, url, "bench.sent");
  if (!to.errors.empty())
    return;

  const std::string load = std::to_string(messages) + " messages of 512 bytes to one destination where nobody listens";
  std::vector<double> rate;
  std::uint64_t sent = 0;
  for (unsigned tenths : {1U, 5U, 10U}) {
    const auto upto = messages / 10 * tenths;
    if (!emit(to, *ours, sandbox, sent, upto - sent, rate))
      return;
    sent = upto;
    to.add({scenario, "resident_after_" + std::to_string(tenths * 10) + "_percent", resident(*ours), "MB", load, true, {}, {}, {}});
  }
  to.add({scenario, "emits", median(rate), "/s", load + "; attempts fail beside it; rounds " + spread(rate), true, {}, {}, {}});
  std::this_thread::sleep_for(with.quick ? 1s : 15s); // second attempts fail too
  to.add({scenario, "resident_before_kill", resident(*ours), "MB", load, true, {}, {}, {}});

  ours->process().wait(seconds{0}); // kill -9
  ours = server::start(with, to, scenario, data);
  if (!ours)
    return;
  to.add({scenario, "ready_after_kill", ours->ready_after().count(), "s", load + "; from exec to the first 200 of /readyz", true, {}, {}, "≤ 5"});
  auto since = steady::now();
  auto stats = ours->call("GET", "/api/v1/app/" + sandbox + "/endpoint/" + destination + "/stats");
  to.add({scenario, "first_answer_after_kill", seconds{steady::now() - since}.count(), "s", "of that sandbox: its destination's figures", true, {}, {}, "≤ 5"});
  to.add({scenario, "resident_after_kill", resident(*ours), "MB", load, true, {}, {}, {}});

  receiver receiving{{.numbers = messages, .port = port}};
  if (!receiving.listening())
    return to.fail(scenario, "the receiver's port is taken");
  since = steady::now();
  auto cpu = ours->process().cpu_seconds();
  if (!let_all_arrive(to, *ours, sandbox, receiving, messages, seconds{900}))
    return to.fail(scenario, std::to_string(receiving.received()) + " of " + std::to_string(messages) + " received");
  const auto took = seconds{steady::now() - since}.count();
  if (receiving.wrong() != 0 || receiving.doubled() != 0)
    return to.fail(scenario, std::to_string(receiving.doubled()) + " received twice, " + std::to_string(receiving.wrong()) + " wrong");
  if (auto s = member(ours->call("GET", "/api/v1/app/" + sandbox + "/endpoint/" + destination + "/stats"), "success"); s != std::to_string(messages))
    return to.fail(scenario, s + " counted as delivered of " + std::to_string(messages));
  to.add({scenario, "deliveries", static_cast<double>(messages) / took, "/s", "each once, its clock moved on by ten minutes at a time", true, {}, {}, {}});
  to.add({scenario, "cpu_per_delivery", (ours->process().cpu_seconds() - cpu) * 1e6 / static_cast<double>(messages), "us", "user and system", true, {}, {}, {}});
  to.add({scenario, "resident_at_end", resident(*ours), "MB", "all delivered", true, {}, {}, {}});
  ours->stop();
}

} // namespace hourglass::bench
