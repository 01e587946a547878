#include "tests/bench/cases.hpp"
#include "tests/support/hostile_scripts.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <map>
#include <thread>

namespace hourglass::bench {

namespace {

using nlohmann::json;
using namespace std::chrono_literals;

std::string handler_text(const std::string& path, const std::string& script) {
  return json{{"method", "GET"}, {"path", path}, {"handler", {{"script", script}}}}.dump();
}

/// Open loops of static and of scripted answers, side by side.
struct both {
  latencies plain, scripted;
};

void add_load(const settings& with, report& to, server& ours, const std::string& sandbox, both& into) {
  auto plan = [&](const char* path, double per_second) {
    load_plan out;
    out.port = ours.port();
    out.connections = 16;
    out.warm_up = seconds{0.2};
    out.measured = with.measured;
    out.per_second = per_second;
    out.request = [text = request_text("GET", "/s/" + sandbox + path)](std::uint64_t, steady::time_point) { return std::string_view{text}; };
    return out;
  };
  load_result plain, scripted;
  std::thread other{[&] { scripted = run_load(plan("/scripted", 200)); }};
  plain = run_load(plan("/static", 1'000));
  other.join();
  for (const auto* r : {&plain, &scripted})
    if (r->failed != 0)
      to.fail("hostile", std::to_string(r->failed) + " requests to the other sandbox failed, the first: " + r->first_failure);
  into.plain.add(plain.took);
  into.scripted.add(scripted.took);
}

/// Sandboxes that run the hostile scripts, each in turn its share of them.
class attack {
public:
  attack(server& ours, const std::vector<test::hostile_script>& all) : ours_(&ours) {
    for (std::size_t i = 0; i < attackers; ++i)
      sandboxes_.push_back(ours.new_sandbox());
    for (std::size_t i = 0; i < all.size(); ++i) {
      targets_.push_back("/s/" + sandboxes_[i % attackers] + "/run/" + std::to_string(i));
      names_.push_back(all[i].name);
      ours.call("POST", "/sandboxes/" + sandboxes_[i % attackers] + "/endpoints", handler_text("/run/" + std::to_string(i), all[i].source));
    }
    ends_.resize(all.size());
  }

  void run() {
    std::vector<std::thread> all;
    for (std::size_t who = 0; who < attackers; ++who)
      all.emplace_back([this, who] {
        for (auto i = who; i < targets_.size(); i += attackers)
          ends_[i] = ask(ours_->port(), request_text("GET", targets_[i]));
      });
    for (auto& one : all)
      one.join();
    over = true;
  }

  /// How they ended: in words. One that ended neither in an answer nor in a clear error is an error of the report.
  std::string told(report& to) const {
    std::map<std::string, int> ends;
    for (std::size_t i = 0; i < ends_.size(); ++i) {
      const auto problem = json::parse(ends_[i].body, nullptr, false);
      const bool clear = problem.is_object() && problem.contains("kind") && !problem.value("detail", "").empty();
      if (ends_[i].status == 200)
        ++ends["answered"];
      else if (ends_[i].status == 500 && clear)
        ++ends[problem["kind"].get<std::string>()];
      else
        to.fail("hostile", names_[i] + " ended with " + std::to_string(ends_[i].status) + ' ' + ends_[i].body.substr(0, 200));
    }
    std::string out;
    for (const auto& [how, count] : ends)
      out += (out.empty() ? "" : ", ") + how + ' ' + std::to_string(count);
    return out;
  }

  std::atomic<bool> over{false};

private:
  static constexpr std::size_t attackers = 2;
  server* ours_;
  std::vector<std::string> sandboxes_, targets_, names_;
  std::vector<answer> ends_;
};

} // namespace

void run_counter(const settings& with, report& to) {
  const std::string scenario = "counter";
  constexpr unsigned clients = 64;
  const std::uint64_t count = clients * (with.quick ? 20U : 10'000U);
  auto ours = server::start(with, to, scenario);
  if (!ours)
    return;
  const auto sandbox = ours->new_sandbox();
  ours->call("POST", "/sandboxes/" + sandbox + "/endpoints",
             handler_text("/count", "const n = ($func.mock.find('counters', 'all') ?? 0) + 1; $func.mock.put('counters', 'all', n); $resp.body = {n};"));
  if (!to.errors.empty())
    return;
  const auto request = request_text("GET", "/s/" + sandbox + "/count");
  load_plan plan;
  plan.port = ours->port();
  plan.connections = clients;
  plan.warm_up = seconds{0};
  plan.measured = seconds{1'200};
  plan.at_most = count;
  plan.request = [&request](std::uint64_t, steady::time_point) { return std::string_view{request}; };
  const auto counted = run_load(plan);
  const auto sum = ours->call("GET", "/sandboxes/" + sandbox + "/data/counters/all");
  if (counted.failed != 0 || counted.answered != count)
    to.fail(scenario, std::to_string(counted.answered) + " of " + std::to_string(count) + " answered: " + counted.first_failure);
  if (sum != std::to_string(count))
    to.fail(scenario, "the sum is " + sum + " after " + std::to_string(count));
  const std::string load = "64 connections, closed loop, " + std::to_string(count) + " increments in all; the sum is " + sum;
  to.add({scenario, "increments", counted.per_second(), "/s", load, true, {}, {}, {}});
  to.add({scenario, "p99", counted.took.percentile(0.99), "us", load, true, {}, {}, {}});
  ours->stop();
}

void run_hostile(const settings& with, report& to) {
  const std::string scenario = "hostile";
  auto all = test::hostile_scripts(with.probes.empty() ? std::string{} : read_text(with.probes));
  if (all.empty()) {
    std::fprintf(stderr, "hostile: not run, there are no scripts at %s\n", with.probes.c_str());
    return;
  }
  if (with.quick)
    all.resize(std::min<std::size_t>(all.size(), 8));
  auto ours = server::start(with, to, scenario);
  if (!ours)
    return;
  const auto healthy = ours->new_sandbox();
  ours->call("POST", "/sandboxes/" + healthy + "/endpoints", json{{"method", "GET"}, {"path", "/static"}, {"response", {{"body", sample_body()}}}}.dump());
  ours->call("POST", "/sandboxes/" + healthy + "/endpoints", handler_text("/scripted", "$resp.body = {id: 17, name: 'espresso'};"));
  if (!to.errors.empty())
    return;

  both without, during;
  std::string ends;
  std::vector<double> plain_without, plain_during, scripted_without, scripted_during;
  const auto rounds = std::min(with.rounds, 2U);
  for (unsigned round = 0; round < rounds && to.errors.empty(); ++round) {
    both quiet, attacked;
    add_load(with, to, *ours, healthy, quiet);
    attack hostile{*ours, all};
    std::thread attacking{[&hostile] { hostile.run(); }};
    do
      add_load(with, to, *ours, healthy, attacked);
    while (!hostile.over);
    attacking.join();
    ends = hostile.told(to);
    plain_without.push_back(quiet.plain.percentile(0.99));
    plain_during.push_back(attacked.plain.percentile(0.99));
    scripted_without.push_back(quiet.scripted.percentile(0.99));
    scripted_during.push_back(attacked.scripted.percentile(0.99));
    without.plain.add(quiet.plain), without.scripted.add(quiet.scripted);
    during.plain.add(attacked.plain), during.scripted.add(attacked.scripted);
  }
  const std::string load = "1,000 static and 200 scripted answers a second of one sandbox, open loop";
  const std::string attacked = load + ", while two others run " + std::to_string(all.size()) + " hostile scripts (" + ends + ")";
  auto add = [&](const std::string& name, const std::vector<double>& quiet, const std::vector<double>& bad) {
    to.add({scenario, "without." + name, median(quiet), "us", load + "; rounds " + spread(quiet), true, {}, {}, {}});
    to.add({scenario, "during." + name, median(bad), "us", attacked + "; rounds " + spread(bad), true, "without." + name,
            median(quiet) > 0 ? std::optional{median(bad) / median(quiet)} : std::nullopt, "≤ 2"});
  };
  add("static_p99", plain_without, plain_during);
  add("scripted_p99", scripted_without, scripted_during);
  to.add({scenario, "during.static_p50", during.plain.percentile(0.5), "us", attacked, true, "without.static_p50",
          without.plain.percentile(0.5) > 0 ? std::optional{during.plain.percentile(0.5) / without.plain.percentile(0.5)} : std::nullopt, {}});
  ours->stop();
}

} // namespace hourglass::bench
