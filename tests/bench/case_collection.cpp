#include "tests/bench/cases.hpp"
#include "tests/bench/socket.hpp"

namespace hourglass::bench {

namespace {

/// `/coffees` and `/coffees/{id}`, which keep state; the list has pages of twenty.
constexpr std::string_view document = R"({"openapi":"3.0.3","info":{"title":"cafe","version":"1"},"paths":{
  "/coffees":{"get":{"parameters":[{"name":"limit","in":"query","schema":{"type":"integer","default":20}},{"name":"name","in":"query","schema":{"type":"string"}}],
      "responses":{"200":{"description":"all","content":{"application/json":{"schema":{"type":"array","items":{"$ref":"#/components/schemas/Coffee"}}}}}}},
    "post":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Coffee"}}}},
      "responses":{"201":{"description":"made","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Coffee"}}}}}}},
  "/coffees/{id}":{"get":{"responses":{"200":{"description":"one","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Coffee"}}}}}}}},
  "components":{"schemas":{"Coffee":{"type":"object","required":["id","name"],"properties":{"id":{"type":"integer","readOnly":true},"name":{"type":"string"},"price":{"type":"number"}}}}}})";

} // namespace

void run_collection(const settings& with, report& to) {
  const std::string scenario = "collection";
  const std::uint64_t count = with.quick ? 200 : 1'000;
  auto ours = server::start(with, to, scenario);
  if (!ours)
    return;
  auto sandbox = ours->new_sandbox();
  ours->call("PUT", "/sandboxes/" + sandbox + "/openapi?state=empty", document);
  if (!to.errors.empty())
    return;
  const auto at = "/s/" + sandbox + "/coffees";
  const auto post = request_text("POST", at, "Content-Type: application/json\r\n", R"({"name":"Cortado","price":3.2})");
  load_plan plan;
  plan.port = ours->port();
  plan.warm_up = seconds{0};
  plan.measured = seconds{300};
  plan.at_most = count;
  plan.request = [&post](std::uint64_t, steady::time_point) { return std::string_view{post}; };
  auto made = run_load(plan);
  if (made.failed != 0 || made.answered != count)
    return to.fail(scenario, "items could not be created: " + made.first_failure);

  const std::string items = std::to_string(count) + " items in the collection, 64 connections, closed loop";
  auto measured = [&](const std::string& name, const std::string& target, const std::string& says) {
    const auto request = request_text("GET", target);
    load_plan get;
    get.port = ours->port();
    get.measured = with.measured;
    get.request = [&request](std::uint64_t, steady::time_point) { return std::string_view{request}; };
    rounds all;
    for (unsigned round = 0; round < with.rounds; ++round) {
      const auto before = ours->process().cpu_seconds();
      auto r = run_load(get);
      all.add(r, ours->process().cpu_seconds() - before, to, scenario, name);
    }
    to.add({scenario, name + ".requests", median(all.rate), "/s", items + ", " + says + "; rounds " + spread(all.rate), true, {}, {}, {}});
    to.add({scenario, name + ".p99", median(all.p99), "us", items + ", " + says, true, {}, {}, {}});
    to.add({scenario, name + ".cpu_per_request", median(all.cpu_us), "us", items + ", " + says, true, {}, {}, {}});
  };
  to.add({scenario, "create.requests", made.per_second(), "/s", "64 connections, closed loop, POST of an item", true, {}, {}, {}});
  measured("one", at + "/17", "GET of one");
  measured("page", at, "GET of a page of 20");
  measured("filtered", at + "?name=Cortado&limit=5", "GET with a filter that looks at all");
  ours->stop();
}

} // namespace hourglass::bench
