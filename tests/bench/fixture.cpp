#include "tests/bench/fixture.hpp"

#include "tests/bench/socket.hpp"

#include <algorithm>
#include <cstdio>
#include <thread>

#include <nlohmann/json.hpp>

namespace hourglass::bench {

namespace {

constexpr std::string_view admin_key = "bench-admin-key-of-this-run";

using namespace std::chrono_literals;

} // namespace

// -- our server ---------------------------------------------------------------------

std::optional<server> server::start(const settings& with, report& to, const std::string& scenario, std::filesystem::path data) {
  static int number = 0;
  ++number;
  if (data.empty())
    data = with.work / ("data-" + std::to_string(number));
  server out{to, scenario};
  out.port_ = free_port();
  out.said_ = with.work / ("server-" + std::to_string(number) + ".log");
  out.authorization_ = "Authorization: Bearer " + std::string{admin_key} + "\r\n";
  std::vector<std::string> command{with.server.string(), "serve",         "--data", data.string(), "--listen",
                                   "127.0.0.1:" + std::to_string(out.port_), "--egress-allow", "127.0.0.0/8", "--io-threads",
                                   std::to_string(with.threads)};
  command.insert(command.end(), with.server_flags.begin(), with.server_flags.end());
  auto started = steady::now();
  out.process_ = bench::process{command, out.said_, {"HOURGLASS_ADMIN_KEY=" + std::string{admin_key}}};
  auto ready = request_text("GET", "/readyz");
  for (auto until = started + 120s; steady::now() < until; std::this_thread::sleep_for(2ms)) {
    if (ask(out.port_, ready, seconds{5}).status == 200) {
      out.ready_after_ = steady::now() - started;
      return out;
    }
    if (!out.process_.running())
      break;
  }
  to.fail(scenario, "the server did not get ready: " + read_text(out.said_).substr(0, 2'000));
  return std::nullopt;
}

std::string server::call(std::string_view method, std::string_view path, std::string_view body) {
  auto headers = authorization_ + (body.empty() ? "" : "Content-Type: application/json\r\n");
  auto a = ask(port_, request_text(method, path, headers, body));
  if (a.status < 200 || a.status > 299)
    report_->fail(scenario_, std::string{method} + ' ' + std::string{path} + " answered " + std::to_string(a.status) + ' ' + a.body.substr(0, 500));
  return std::move(a.body);
}

std::string server::new_sandbox() {
  return member(call("POST", "/sandboxes", R"({"name":"bench"})"), "id");
}

double server::metric(std::string_view name) {
  auto text = ask(port_, request_text("GET", "/metrics", authorization_)).body;
  double sum = 0;
  for (std::size_t at = 0; at < text.size();) {
    auto end = std::min(text.find('\n', at), text.size());
    auto line = std::string_view{text}.substr(at, end - at);
    if (line.starts_with(name) && line.size() > name.size() && (line[name.size()] == ' ' || line[name.size()] == '{'))
      sum += std::strtod(std::string{line.substr(line.rfind(' ') + 1)}.c_str(), nullptr);
    at = end + 1;
  }
  return sum;
}

void server::stop() {
  if (!process_.running())
    return report_->fail(scenario_, "the server ended by itself: " + read_text(said_).substr(0, 2'000));
  if (auto code = process_.stop(seconds{30}); code != 0)
    report_->fail(scenario_, "the server ended with " + std::to_string(code) + ": " + read_text(said_).substr(0, 2'000));
}

// -- the rest -----------------------------------------------------------------------

process start_bare_server(const settings& with, std::uint16_t port, std::string_view body) {
  return process{{with.self.string(), "bare-server", std::to_string(port), std::to_string(with.threads), std::string{body}}, with.work / "bare.log"};
}

process start_profile(const settings& with, const process& who, const std::string& name) {
  if (with.profile.empty())
    return {};
  return process{{"/usr/bin/perf", "record", "--freq=499", "--call-graph", "dwarf,16384", "--pid", std::to_string(who.id()), "--output", (with.profile / (name + ".data")).string(),
                  "--", "sleep", std::to_string(with.measured.count())},
                 with.work / "perf.log"};
}

bool wait_for_port(std::uint16_t port, seconds patience) {
  auto until = steady::now() + std::chrono::duration_cast<steady::duration>(patience);
  for (; steady::now() < until; std::this_thread::sleep_for(2ms))
    if (connect_to(port))
      return true;
  return false;
}

std::string member(const std::string& json, std::string_view name) {
  auto v = nlohmann::json::parse(json, nullptr, false);
  if (!v.is_object() || !v.contains(name))
    return {};
  auto& m = v[std::string{name}];
  return m.is_string() ? m.get<std::string>() : m.dump();
}

std::string sample_body() {
  std::string out = R"({"id":17,"name":"Cortado","tags":["coffee","milk"],"description":")";
  while (out.size() < 996)
    out += "espresso cut with warm milk, "[out.size() % 29];
  return out + R"(!"})";
}

void rounds::add(const load_result& r, double cpu_seconds, report& to, const std::string& scenario, const std::string& what) {
  if (r.failed != 0)
    to.fail(scenario, what + ": " + std::to_string(r.failed) + " requests failed, the first: " + r.first_failure);
  else if (r.answered == 0)
    to.fail(scenario, what + ": nothing was answered in the measured time");
  rate.push_back(r.per_second());
  p50.push_back(r.took.percentile(0.50));
  p99.push_back(r.took.percentile(0.99));
  cpu_us.push_back(r.sent == 0 ? 0 : cpu_seconds * 1e6 / static_cast<double>(r.sent));
}

double median(std::vector<double> values) {
  if (values.empty())
    return 0;
  std::sort(values.begin(), values.end());
  auto mid = values.size() / 2;
  return values.size() % 2 == 1 ? values[mid] : (values[mid - 1] + values[mid]) / 2;
}

std::optional<double> ratio_in_turn(const std::vector<double>& ours, const std::vector<double>& base) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(ours.size(), base.size()); ++i)
    if (base[i] > 0)
      ratios.push_back(ours[i] / base[i]);
  return ratios.empty() ? std::nullopt : std::optional{median(std::move(ratios))};
}

std::string spread(const std::vector<double>& values) {
  if (values.empty())
    return "-";
  auto [low, high] = std::minmax_element(values.begin(), values.end());
  char text[64];
  std::snprintf(text, sizeof text, "%.0f … %.0f", *low, *high);
  return text;
}

} // namespace hourglass::bench
