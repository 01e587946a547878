#pragma once

#include "tests/bench/fixture.hpp"

#include <span>
#include <string_view>

namespace hourglass::bench {

/// One part of the benchmark. It reports figures and errors; it never judges.
struct bench_case {
  std::string_view name;
  std::string_view says;
  void (*run)(const settings& with, report& to);
};

/// In the order they run.
std::span<const bench_case> all_cases();

void run_serve(const settings& with, report& to);        // case_serve.cpp
void run_scripted(const settings& with, report& to);     // case_serve.cpp
void run_counter(const settings& with, report& to);      // case_scripts.cpp
void run_hostile(const settings& with, report& to);      // case_scripts.cpp
void run_endpoints(const settings& with, report& to);    // case_serve.cpp
void run_document(const settings& with, report& to);     // case_document.cpp
void run_collection(const settings& with, report& to);   // case_collection.cpp
void run_delivery(const settings& with, report& to);     // case_delivery.cpp
void run_head_of_line(const settings& with, report& to); // case_head_of_line.cpp
void run_crowd(const settings& with, report& to);        // case_head_of_line.cpp
void run_outage(const settings& with, report& to);       // case_outage.cpp
void run_many(const settings& with, report& to);         // case_many.cpp

} // namespace hourglass::bench
