#pragma once

#include "mock/parameter.hpp"
#include "mock/request_check.hpp"

/// How the faults of a request come together. Private to request_check*.cpp.
namespace hourglass::mock::request_faults {

/// Adds `faults` of a value that stands at `at`, as long as there is room for them.
void take(std::vector<schema_fault> faults, std::vector<std::string> at, std::vector<request_fault>& out);
/// What is not read to its end cannot be said to fit.
void note_cut(reading& how, std::vector<std::string> at, std::vector<request_fault>& out);

schema_fault too_much_work();
schema_fault missing(std::string_view what);

} // namespace hourglass::mock::request_faults
