#include "tests/bench/cases.hpp"

#include <algorithm>
#include <cstdio>
#include <tuple>

namespace hourglass::bench {

namespace {

constexpr std::string_view asked = "/v1/balance"; ///< without parameters, in Stripe's document

/// A YAML document with one of its paths, and all the rest of it as it was. Empty: it has no such path at the usual indentation.
std::string with_one_path(const std::string& text, std::string_view path) {
  const auto paths = text.find("\npaths:\n");
  const auto one = text.find("\n  " + std::string{path} + ":\n", paths);
  if (paths == std::string::npos || one == std::string::npos)
    return {};
  const auto first = paths + std::string_view{"\npaths:\n"}.size();
  auto end_of = [&text](std::size_t from, std::size_t indented) { // of what is indented by more than so much
    while (from < text.size()) {
      const auto line = std::string_view{text}.substr(from, text.find('\n', from) - from);
      if (!line.empty() && line.find_first_not_of(' ') <= indented)
        break;
      from += line.size() + 1;
    }
    return std::min(from, text.size());
  };
  const auto begin = one + 1;
  const auto end = end_of(text.find('\n', begin) + 1, 2);
  return text.substr(0, first) + text.substr(begin, end - begin) + text.substr(end_of(first, 0));
}

/// The request for `asked` in a sandbox of its own that has the document.
std::string import_document(server& ours, report& to, const std::string& text) {
  const auto id = ours.new_sandbox();
  const auto said = ask(ours.port(), request_text("PUT", "/sandboxes/" + id + "/openapi?state=off&validation=off&security=ignore&examples=generated",
                                                  ours.authorization() + "Content-Type: application/yaml\r\n", text));
  if (said.status != 200 && said.status != 201)
    to.fail("document", "the document is not imported: " + std::to_string(said.status) + ' ' + said.body.substr(0, 300));
  return request_text("GET", "/s/" + id + std::string{asked});
}

} // namespace

void run_document(const settings& with, report& to) {
  const std::string scenario = "document";
  const auto whole = with.document.empty() ? std::string{} : read_text(with.document);
  const auto part = with_one_path(whole, asked);
  if (part.empty()) {
    std::fprintf(stderr, "document: not run, %s has no %s\n", with.document.c_str(), std::string{asked}.c_str());
    return;
  }
  auto ours = server::start(with, to, scenario);
  if (!ours)
    return;
  const auto of_part = import_document(*ours, to, part), of_whole = import_document(*ours, to, whole);
  if (!to.errors.empty())
    return;

  auto plan_of = [&](const std::string& request) {
    load_plan out;
    out.port = ours->port();
    out.measured = with.measured;
    out.request = [&request](std::uint64_t, steady::time_point) { return std::string_view{request}; };
    return out;
  };
  rounds one, all;
  double cpu = 0;
  for (unsigned round = 0; round < with.rounds; ++round)
    for (auto& [into, request, what] : {std::tuple{&one, &of_part, "one path"}, std::tuple{&all, &of_whole, "whole"}}) {
      const auto before = ours->process().cpu_seconds();
      const auto r = run_load(plan_of(*request));
      cpu = ours->process().cpu_seconds() - before;
      into->add(r, cpu, to, scenario, what);
    }
  const std::string load = "64 connections, closed loop, GET " + std::string{asked} + ", generated from its schema";
  auto add = [&](const char* what, const char* unit, const std::vector<double>& of_one, const std::vector<double>& of_all, const char* wanted) {
    to.add({scenario, std::string{"one."} + what, median(of_one), unit, load + ", the document has no other path; rounds " + spread(of_one), true, {}, {}, {}});
    to.add({scenario, std::string{"whole."} + what, median(of_all), unit, load + ", of the whole document; rounds " + spread(of_all), true, std::string{"one."} + what,
            median(of_one) > 0 ? std::optional{median(of_all) / median(of_one)} : std::nullopt, wanted});
  };
  add("requests", "/s", one.rate, all.rate, "0.9 to 1.1");
  add("p99", "us", one.p99, all.p99, "");
  ours->stop();
}

} // namespace hourglass::bench
