#pragma once

#include "tests/bench/load.hpp"
#include "tests/bench/process.hpp"
#include "tests/bench/report.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::bench {

/// What every case is given.
struct settings {
  bool quick = false;
  seconds measured{5};        ///< of one measurement
  unsigned rounds = 3;        ///< baseline and ours in turn, so that noise shows
  unsigned threads = 2;       ///< I/O threads of bare servers; ours has as many
  std::filesystem::path self, server, fill;
  std::filesystem::path work; ///< an empty folder; the caller deletes it
  std::vector<std::string> server_flags;
  std::filesystem::path probes; ///< the hostile scripts; empty or not there: `hostile` is not run
  std::filesystem::path document; ///< an OpenAPI document; empty or not Stripe's: `document` is not run
  std::filesystem::path profile; ///< not empty: `perf record` our server in the first round of a case, one file a case in this folder
};

/// Our server as a process of its own, on a fresh or a given data folder.
class server {
public:
  /// Empty `data`: a new folder in `work`. Returns nothing, and says why in `to`, when it does not get ready.
  static std::optional<server> start(const settings& with, report& to, const std::string& scenario, std::filesystem::path data = {});

  /// JSON text of the answer; an error in the report unless the status is 2xx.
  std::string call(std::string_view method, std::string_view path, std::string_view body = {});

  /// A sandbox's id.
  std::string new_sandbox();

  /// Sum of one family of `/metrics`.
  double metric(std::string_view name);

  std::uint16_t port() const noexcept { return port_; }
  seconds ready_after() const noexcept { return ready_after_; }
  bench::process& process() noexcept { return process_; }
  const std::string& authorization() const noexcept { return authorization_; } ///< header line

  /// Stops it; an error in the report when it does not end well.
  void stop();

private:
  server(report& to, std::string scenario) : report_(&to), scenario_(std::move(scenario)) {}

  report* report_;
  std::string scenario_;
  bench::process process_;
  std::filesystem::path said_;
  std::uint16_t port_ = 0;
  seconds ready_after_{0};
  std::string authorization_;
};

/// A bare program (`bare.hpp`) as a process of its own.
process start_bare_server(const settings& with, std::uint16_t port, std::string_view body);

/// `perf record` of `who` for about the measured time, as a process that ends by itself; none without `settings::profile`.
process start_profile(const settings& with, const process& who, const std::string& name);

/// False when nobody listens on `port` within `patience`.
bool wait_for_port(std::uint16_t port, seconds patience);

/// A member of a flat JSON object, as text; empty when it is not there.
std::string member(const std::string& json, std::string_view name);

/// About 1 KB of JSON: what a mock endpoint answers.
std::string sample_body();

/// Results of one kind over the rounds of a case.
struct rounds {
  std::vector<double> rate, p50, p99, cpu_us;

  /// Adds `r`, and an error to the report if anything in it failed.
  void add(const load_result& r, double cpu_seconds, report& to, const std::string& scenario, const std::string& what);
};

double median(std::vector<double> values);

/// The middle of the ratios of what was measured in turn: a machine that changes its pace between two rounds changes both of a pair.
std::optional<double> ratio_in_turn(const std::vector<double>& ours, const std::vector<double>& base);

/// Smallest and largest, for a person: `98000 … 102000`.
std::string spread(const std::vector<double>& values);

} // namespace hourglass::bench
