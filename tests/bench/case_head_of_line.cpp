#include "tests/bench/bare.hpp"
#include "tests/bench/cases.hpp"
#include "tests/bench/destinations.hpp"
#include "tests/bench/receiver.hpp"

#include <algorithm>
#include <thread>

namespace hourglass::bench {

namespace {

using namespace std::chrono_literals;

const std::string scenario = "head_of_line";
constexpr unsigned destinations = 100;
constexpr unsigned hanging = 10;

struct outcome_of_round {
  double p50 = 0, p99 = 0, emit_p99 = 0;
};

/// Emits at a fixed rate to all destinations in turn and times each body from when its emit was due until the receiver has read it. Both kinds of
/// round send to the same 100 destinations at the same rate; the times are of those 90 that never hang.
std::optional<outcome_of_round> round_with(const settings& with, report& to, unsigned healthy, double per_second) {
  auto ours = server::start(with, to, scenario);
  if (!ours)
    return {};
  receiver receiving{{destinations, healthy, true}};
  if (!receiving.listening()) {
    to.fail(scenario, "cannot listen on 127.0.1.x");
    return {};
  }
  auto sandbox = ours->new_sandbox();
  for (unsigned i = 0; i < destinations && to.errors.empty(); ++i)
    add_destination(*ours, sandbox, receiving.url(i), "bench.to" + std::to_string(i));
  if (!to.errors.empty())
    return {};

  // The last ten, which hang in every second round, are not timed in the others either: their bodies carry no time that counts.
  const auto headers = ours->authorization() + "Content-Type: application/json\r\n";
  std::string text;
  std::uint64_t expected = 0;
  auto measure_from = steady::now() + std::chrono::duration_cast<steady::duration>(seconds{1});
  load_plan plan;
  plan.port = ours->port();
  plan.warm_up = seconds{1};
  plan.measured = with.quick ? with.measured : seconds{25}; // longer than an attempt's deadline: those that hang time out and are tried again
  plan.per_second = per_second;
  plan.request = [&](std::uint64_t n, steady::time_point due) {
    auto to_whom = static_cast<unsigned>(n % destinations);
    bool timed = to_whom < destinations - hanging && due >= measure_from;
    auto at = timed ? std::chrono::nanoseconds{due.time_since_epoch()}.count() : -1;
    if (to_whom < healthy)
      ++expected;
    std::string payload = R"({"type":"bench.to","at":)" + std::to_string(at) + R"(,"filling":")";
    payload.append(delivery_bytes - payload.size() - 2, 'x').append("\"}");
    text = request_text("POST", "/sandboxes/" + sandbox + "/events/bench.to" + std::to_string(to_whom), headers, payload);
    return std::string_view{text};
  };
  auto emitted = run_load(plan);
  if (emitted.failed != 0) {
    to.fail(scenario, "emit failed: " + emitted.first_failure);
    return {};
  }
  for (auto until = steady::now() + 60s; receiving.received() < expected && steady::now() < until;)
    std::this_thread::sleep_for(5ms);
  if (receiving.received() < expected || receiving.wrong() != 0) {
    to.fail(scenario, std::to_string(receiving.received()) + " of " + std::to_string(expected) + " received, " + std::to_string(receiving.wrong()) + " wrong");
    return {};
  }
  if (healthy < destinations && receiving.hanging() == 0) {
    to.fail(scenario, "nothing reached the destinations that hang");
    return {};
  }
  auto took = receiving.took();
  outcome_of_round out{took.percentile(0.5), took.percentile(0.99), emitted.took.percentile(0.99)};
  ours->stop();
  return out;
}

} // namespace

void run_head_of_line(const settings& with, report& to) {
  const double per_second = 2'000;
  std::vector<double> p50, p99, emit, hanging_p50, hanging_p99, hanging_emit;
  for (unsigned round = 0; round < std::min(with.rounds, 2U) && to.errors.empty(); ++round) {
    if (auto r = round_with(with, to, destinations, per_second)) {
      p50.push_back(r->p50);
      p99.push_back(r->p99);
      emit.push_back(r->emit_p99);
    }
    if (auto r = round_with(with, to, destinations - hanging, per_second)) {
      hanging_p50.push_back(r->p50);
      hanging_p99.push_back(r->p99);
      hanging_emit.push_back(r->emit_p99);
    }
  }
  if (!to.errors.empty())
    return;
  const std::string load = "2,000 emits/s, open loop, to 100 destinations in turn, 512 bytes; time from when an emit was due until the receiver has read it";
  auto add = [&](const char* name, const std::vector<double>& without, const std::vector<double>& with_hanging, const char* wanted) {
    to.add({scenario, std::string{"all_healthy."} + name, median(without), "us", load + "; rounds " + spread(without), true, {}, {}, {}});
    to.add({scenario, std::string{"ten_hang."} + name, median(with_hanging), "us", load + ", of the 90 that do not hang; rounds " + spread(with_hanging), true,
            std::string{"all_healthy."} + name, median(without) > 0 ? std::optional{median(with_hanging) / median(without)} : std::nullopt, wanted});
  };
  add("receipt_p50", p50, hanging_p50, "");
  add("receipt_p99", p99, hanging_p99, "≤ 1.5");
  add("emit_p99", emit, hanging_emit, "");
}

} // namespace hourglass::bench
