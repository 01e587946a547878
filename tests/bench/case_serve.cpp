#include "tests/bench/cases.hpp"
#include "tests/bench/socket.hpp"

#include <nlohmann/json.hpp>

#include <thread>

namespace hourglass::bench {

namespace {

load_plan closed_loop(const settings& with, std::uint16_t port, const std::string& request, const std::string& body) {
  load_plan plan;
  plan.port = port;
  plan.measured = with.measured;
  plan.request = [&request](std::uint64_t, steady::time_point) { return std::string_view{request}; };
  plan.expect_body = body;
  return plan;
}

std::string endpoint_text(const std::string& path, const std::string& body) {
  nlohmann::json j{{"method", "GET"}, {"path", path}, {"response", {{"status", 200}, {"body", body}}}};
  j["response"]["headers"] = {{"Content-Type", "application/json"}};
  return j.dump();
}

load_result measure(const load_plan& plan, process& who, double& cpu) {
  auto before = who.cpu_seconds();
  auto out = run_load(plan);
  cpu = who.cpu_seconds() - before;
  return out;
}

/// Waits until it has been idle for a second, half a minute at most.
void settle(process& who) {
  for (int n = 0; n < 30; ++n) {
    const auto before = who.cpu_seconds();
    std::this_thread::sleep_for(seconds{1});
    if (who.cpu_seconds() - before < 0.02)
      return;
  }
}

void add_served(report& to, const std::string& name, const std::string& load, const rounds& ours, const rounds& bare) {
  auto f = [&](const char* what, const char* unit, double value, double base, const char* wanted) {
    to.add({"serve", name + "." + what, value, unit, load, true, std::string{"bare."} + what, base > 0 ? std::optional{value / base} : std::nullopt, wanted});
  };
  f("requests", "/s", median(ours.rate), median(bare.rate), "≥ 0.35");
  f("p50", "us", median(ours.p50), median(bare.p50), "");
  f("p99", "us", median(ours.p99), median(bare.p99), "≤ 3");
  f("cpu_per_request", "us", median(ours.cpu_us), median(bare.cpu_us), "");
}

} // namespace

void run_serve(const settings& with, report& to) {
  const std::string scenario = "serve";
  const auto body = sample_body();
  auto bare_port = free_port();
  auto bare = start_bare_server(with, bare_port, body);
  auto ours = server::start(with, to, scenario);
  if (!ours || !wait_for_port(bare_port, seconds{10}))
    return to.fail(scenario, "not started");

  auto sandbox = ours->new_sandbox();
  ours->call("POST", "/sandboxes/" + sandbox + "/endpoints", endpoint_text("/coffees/17", body));
  std::vector<std::string> many;
  for (int i = 0; i < 64; ++i) {
    auto id = ours->new_sandbox();
    ours->call("POST", "/sandboxes/" + id + "/endpoints", endpoint_text("/coffees/17", body));
    many.push_back(request_text("GET", "/s/" + id + "/coffees/17"));
  }
  if (!to.errors.empty())
    return;
  const auto request = request_text("GET", "/s/" + sandbox + "/coffees/17");
  auto bare_plan = closed_loop(with, bare_port, request, body);
  auto our_plan = closed_loop(with, ours->port(), request, body);
  auto many_plan = our_plan;
  many_plan.request = [&many](std::uint64_t n, steady::time_point) { return std::string_view{many[n % many.size()]}; };

  rounds base, one, spread_out;
  double cpu = 0, lag = 0;
  auto syncs = ours->metric("hourglass_journal_syncs_total");
  auto events = ours->metric("hourglass_journal_events_total");
  for (unsigned round = 0; round <= with.rounds; ++round) {
    auto r = measure(bare_plan, bare, cpu);
    base.add(r, cpu, to, scenario, "bare");
    if (round == with.rounds)
      break;
    auto profile = round == 0 ? start_profile(with, ours->process(), scenario) : process{};
    r = measure(our_plan, ours->process(), cpu);
    profile.wait(seconds{60});
    one.add(r, cpu, to, scenario, "ours");
    lag = std::max(lag, ours->metric("hourglass_index_lag_events"));
    r = measure(many_plan, ours->process(), cpu);
    spread_out.add(r, cpu, to, scenario, "ours, many sandboxes");
  }
  syncs = ours->metric("hourglass_journal_syncs_total") - syncs;
  events = ours->metric("hourglass_journal_events_total") - events;

  const std::string load = "64 connections, closed loop, GET, answer of 1 KB";
  to.add({scenario, "bare.requests", median(base.rate), "/s", load + "; rounds " + spread(base.rate), false, {}, {}, {}});
  to.add({scenario, "bare.p50", median(base.p50), "us", load, false, {}, {}, {}});
  to.add({scenario, "bare.p99", median(base.p99), "us", load, false, {}, {}, {}});
  to.add({scenario, "bare.cpu_per_request", median(base.cpu_us), "us", load, false, {}, {}, {}});
  add_served(to, "ours", load + ", one sandbox; rounds " + spread(one.rate), one, base);
  add_served(to, "ours_64_sandboxes", load + ", 64 sandboxes; rounds " + spread(spread_out.rate), spread_out, base);
  to.add({scenario, "ours.events_per_sync", syncs > 0 ? events / syncs : 0, "events", load, true, {}, {}, {}});
  to.add({scenario, "ours.index_lag", lag, "events", load + "; not folded when the load stopped", true, {}, {}, {}});
  to.add({scenario, "ours.resident", static_cast<double>(ours->process().resident_bytes()) / 1e6, "MB", "after it all", false, {}, {}, {}});
  ours->stop();
}

void run_scripted(const settings& with, report& to) {
  const std::string scenario = "scripted";
  const std::string body = R"({"id":"17","name":"espresso"})";
  struct handler {
    const char* name;
    const char* script;
  };
  constexpr handler handlers[] = {
    {"answers", "$resp.body = {id: $req.params.id, name: 'espresso'};"},
    {"counts", "const n = ($func.mock.find('counters', 'all') ?? 0) + 1; $func.mock.put('counters', 'all', n);"
               "$resp.body = {id: $req.params.id, name: 'espresso'};"},
    {"emits", "$func.sbx.webhook.emit('coffee.served', {id: $req.params.id}); $resp.body = {id: $req.params.id, name: 'espresso'};"},
  };
  auto bare_port = free_port();
  auto bare = start_bare_server(with, bare_port, body);
  auto ours = server::start(with, to, scenario);
  if (!ours || !wait_for_port(bare_port, seconds{10}))
    return to.fail(scenario, "not started");
  auto new_sandbox = [&] {
    auto id = ours->new_sandbox();
    for (const auto& h : handlers)
      ours->call("POST", "/sandboxes/" + id + "/endpoints",
                 nlohmann::json{{"method", "GET"}, {"path", std::string{"/"} + h.name + "/{id}"}, {"handler", {{"script", h.script}}}}.dump());
    return id;
  };
  const auto sandbox = new_sandbox();
  std::vector<std::string> many;
  for (int i = 0; i < 16; ++i)
    many.push_back(request_text("GET", "/s/" + new_sandbox() + "/answers/17"));
  if (!to.errors.empty())
    return;

  auto bare_plan = closed_loop(with, bare_port, many.front(), body);
  auto many_plan = closed_loop(with, ours->port(), many.front(), body);
  many_plan.request = [&many](std::uint64_t n, steady::time_point) { return std::string_view{many[n % many.size()]}; };
  rounds base, spread_out, one[std::size(handlers)];
  double cpu = 0;
  for (unsigned round = 0; round < with.rounds; ++round) {
    auto r = measure(bare_plan, bare, cpu);
    base.add(r, cpu, to, scenario, "bare");
    for (std::size_t h = 0; h < std::size(handlers); ++h) {
      const auto request = request_text("GET", "/s/" + sandbox + '/' + handlers[h].name + "/17");
      r = measure(closed_loop(with, ours->port(), request, body), ours->process(), cpu);
      one[h].add(r, cpu, to, scenario, handlers[h].name);
    }
    r = measure(many_plan, ours->process(), cpu);
    spread_out.add(r, cpu, to, scenario, "answers, many sandboxes");
  }
  const std::string load = "64 connections, closed loop, GET, a handler's answer of 30 bytes";
  to.add({scenario, "bare.requests", median(base.rate), "/s", load + "; rounds " + spread(base.rate), false, {}, {}, {}});
  to.add({scenario, "bare.p99", median(base.p99), "us", load, false, {}, {}, {}});
  auto add = [&](const std::string& name, const std::string& where, const rounds& of) {
    to.add({scenario, name + ".requests", median(of.rate), "/s", load + ", " + where + "; rounds " + spread(of.rate), true, "bare.requests",
            median(base.rate) > 0 ? std::optional{median(of.rate) / median(base.rate)} : std::nullopt, "≥ 0.15"});
    to.add({scenario, name + ".p50", median(of.p50), "us", load + ", " + where, true, {}, {}, {}});
    to.add({scenario, name + ".p99", median(of.p99), "us", load + ", " + where, true, {}, {}, {}});
  };
  for (std::size_t h = 0; h < std::size(handlers); ++h)
    add(handlers[h].name, "one sandbox", one[h]);
  add("answers_16_sandboxes", "16 sandboxes", spread_out);
  ours->stop();
}

void run_endpoints(const settings& with, report& to) {
  const std::string scenario = "endpoints";
  const std::uint64_t count = with.quick ? 5'000 : 100'000;
  auto ours = server::start(with, to, scenario);
  if (!ours)
    return;
  const auto body = sample_body();
  auto single = ours->new_sandbox();
  auto full = ours->new_sandbox();
  ours->call("POST", "/sandboxes/" + single + "/endpoints", endpoint_text("/shops/0/coffees/{id}", body));
  if (!to.errors.empty())
    return;

  load_plan create;
  create.port = ours->port();
  create.warm_up = seconds{0};
  create.measured = seconds{300};
  create.at_most = count;
  std::string text;
  create.request = [&](std::uint64_t n, steady::time_point) {
    text = request_text("POST", "/sandboxes/" + full + "/endpoints", ours->authorization() + "Content-Type: application/json\r\n",
                        endpoint_text("/shops/" + std::to_string(n) + "/coffees/{id}", body));
    return std::string_view{text};
  };
  auto made = run_load(create);
  if (made.failed != 0 || made.answered != count)
    return to.fail(scenario, "endpoints could not be created: " + made.first_failure);

  // Requests go over all endpoints in an order that no cache likes; those to the one differ as much, since they cost the generator as much.
  std::vector<std::string> to_all, to_one;
  for (std::uint64_t n = 0; n < count; ++n) {
    const auto other = std::to_string(n * 48'271 % count);
    to_all.push_back(request_text("GET", "/s/" + full + "/shops/" + other + "/coffees/17"));
    to_one.push_back(request_text("GET", "/s/" + single + "/shops/0/coffees/" + other));
  }
  auto single_plan = closed_loop(with, ours->port(), to_one.front(), body);
  auto full_plan = single_plan;
  single_plan.request = [&to_one](std::uint64_t n, steady::time_point) { return std::string_view{to_one[n % to_one.size()]}; };
  full_plan.request = [&to_all](std::uint64_t n, steady::time_point) { return std::string_view{to_all[n % to_all.size()]}; };

  settle(ours->process()); // what the creation has left to be written
  rounds few, all;
  double cpu = 0;
  const auto one_of = [&](const load_plan& plan, rounds& into, const char* what) {
    const auto r = measure(plan, ours->process(), cpu);
    into.add(r, cpu, to, scenario, what);
  };
  for (unsigned round = 0; round < with.rounds; ++round) { // each is the first as often as the other
    if (round % 2 == 0)
      one_of(single_plan, few, "one endpoint");
    one_of(full_plan, all, "many endpoints");
    if (round % 2 == 1)
      one_of(single_plan, few, "one endpoint");
  }
  const std::string load = "64 connections, closed loop, GET, answer of 1 KB";
  auto n = std::to_string(count);
  to.add({scenario, "create_endpoint", made.per_second(), "/s", "64 connections, closed loop, POST of 1 KB, " + n + " endpoints", true, {}, {}, {}});
  to.add({scenario, "one.requests", median(few.rate), "/s", load + "; rounds " + spread(few.rate), true, {}, {}, {}});
  to.add({scenario, "all.requests", median(all.rate), "/s", load + " over " + n + " endpoints; rounds " + spread(all.rate), true, "one.requests",
          ratio_in_turn(all.rate, few.rate), "0.9 to 1.1"});
  to.add({scenario, "one.p99", median(few.p99), "us", load, true, {}, {}, {}});
  to.add({scenario, "all.p99", median(all.p99), "us", load, true, "one.p99", ratio_in_turn(all.p99, few.p99), ""});
  to.add({scenario, "one.cpu_per_request", median(few.cpu_us), "us", load + "; the server's processor time", true, {}, {}, {}});
  to.add({scenario, "all.cpu_per_request", median(all.cpu_us), "us", load + "; the server's processor time", true, "one.cpu_per_request", ratio_in_turn(all.cpu_us, few.cpu_us), ""});
  to.add({scenario, "resident", static_cast<double>(ours->process().resident_bytes()) / 1e6, "MB", n + " endpoints of 1 KB in memory", false, {}, {}, {}});
  ours->stop();
}

} // namespace hourglass::bench
