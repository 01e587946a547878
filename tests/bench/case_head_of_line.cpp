#include "tests/bench/bare.hpp"
#include "tests/bench/cases.hpp"
#include "tests/bench/destinations.hpp"
#include "tests/bench/receiver.hpp"

#include <algorithm>
#include <thread>

namespace hourglass::bench {

namespace {

using namespace std::chrono_literals;

/// Destinations get messages in turn, at a fixed rate; those that misbehave in every second round are not timed in the others either.
struct crowd {
  std::string scenario;
  unsigned destinations;
  receiver::options misbehaving; ///< who behaves how then
  std::string name;              ///< of the rounds with them
  double per_second;

  receiver::options all_healthy() const { return {destinations, destinations, 0, 0, true}; }
};

struct outcome_of_round {
  double p50 = 0, p99 = 0, emit_p99 = 0;
};

/// Emits at a fixed rate to all destinations in turn and times each body from when its emit was due until the receiver has read it. Both kinds of
/// round send to the same destinations at the same rate; the times are of those that are healthy in both.
std::optional<outcome_of_round> round_with(const settings& with, report& to, const crowd& all, const receiver::options& how) {
  const auto& scenario = all.scenario;
  const auto destinations = all.destinations;
  const auto answering = how.healthy + how.slow;
  auto ours = server::start(with, to, scenario);
  if (!ours)
    return {};
  receiver receiving{how};
  if (!receiving.listening()) {
    to.fail(scenario, "cannot listen on 127.0.1.x and further");
    return {};
  }
  auto sandbox = ours->new_sandbox();
  for (unsigned i = 0; i < destinations && to.errors.empty(); ++i)
    add_destination(*ours, sandbox, receiving.url(i), "bench.to" + std::to_string(i));
  if (!to.errors.empty())
    return {};

  // The bodies of those that are not timed carry no time that counts.
  const auto headers = ours->authorization() + "Content-Type: application/json\r\n";
  std::string text;
  std::uint64_t expected = 0;
  auto measure_from = steady::now() + std::chrono::duration_cast<steady::duration>(seconds{1});
  load_plan plan;
  plan.port = ours->port();
  plan.warm_up = seconds{1};
  plan.measured = with.quick ? with.measured : seconds{25}; // longer than an attempt's deadline: those that hang time out and are tried again
  plan.per_second = all.per_second;
  plan.request = [&](std::uint64_t n, steady::time_point due) {
    auto to_whom = static_cast<unsigned>(n % destinations);
    bool timed = to_whom < all.misbehaving.healthy && due >= measure_from;
    auto at = timed ? std::chrono::nanoseconds{due.time_since_epoch()}.count() : -1;
    if (to_whom < answering)
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
  if ((answering + how.failing < destinations && receiving.hanging() == 0) || (how.failing != 0 && receiving.refused() == 0)) {
    to.fail(scenario, "nothing reached the destinations that misbehave");
    return {};
  }
  auto took = receiving.took();
  outcome_of_round out{took.percentile(0.5), took.percentile(0.99), emitted.took.percentile(0.99)};
  ours->stop();
  return out;
}

void run(const settings& with, report& to, const crowd& all, const std::string& load, const std::string& of_whom) {
  std::vector<double> p50, p99, emit, bad_p50, bad_p99, bad_emit;
  for (unsigned round = 0; round < std::min(with.rounds, 2U) && to.errors.empty(); ++round) {
    if (auto r = round_with(with, to, all, all.all_healthy())) {
      p50.push_back(r->p50);
      p99.push_back(r->p99);
      emit.push_back(r->emit_p99);
    }
    if (auto r = round_with(with, to, all, all.misbehaving)) {
      bad_p50.push_back(r->p50);
      bad_p99.push_back(r->p99);
      bad_emit.push_back(r->emit_p99);
    }
  }
  if (!to.errors.empty())
    return;
  auto add = [&](const char* name, const std::vector<double>& without, const std::vector<double>& bad, const char* wanted) {
    to.add({all.scenario, std::string{"all_healthy."} + name, median(without), "us", load + "; rounds " + spread(without), true, {}, {}, {}});
    to.add({all.scenario, all.name + "." + name, median(bad), "us", load + of_whom + "; rounds " + spread(bad), true, std::string{"all_healthy."} + name,
            median(without) > 0 ? std::optional{median(bad) / median(without)} : std::nullopt, wanted});
  };
  add("receipt_p50", p50, bad_p50, "");
  add("receipt_p99", p99, bad_p99, "≤ 1.5");
  add("emit_p99", emit, bad_emit, "");
}

} // namespace

void run_head_of_line(const settings& with, report& to) {
  run(with, to, {"head_of_line", 100, {100, 90, 0, 0, true}, "ten_hang", 2'000},
      "2,000 emits/s, open loop, to 100 destinations in turn, 512 bytes; time from when an emit was due until the receiver has read it", ", of the 90 that do not hang");
}

void run_crowd(const settings& with, report& to) {
  run(with, to, {"crowd", 1'000, {1'000, 700, 100, 100, true}, "three_hundred_misbehave", 2'000},
      "2,000 emits/s, open loop, to 1,000 destinations in turn, 512 bytes; time from when an emit was due until the receiver has read it",
      ", of the 700 that are healthy while 100 hang, 100 answer after a second and 100 fail");
}

} // namespace hourglass::bench
