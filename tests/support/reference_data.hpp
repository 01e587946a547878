#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace hourglass::test {

/// Documents, schema cases and scripts that stand in the folder `shared` beside a checkout. tests/CMakeLists.txt says where; without it the tests
/// that need them skip, and say so.
inline std::filesystem::path reference_data(const std::filesystem::path& below) {
  const std::filesystem::path folder{HOURGLASS_REFERENCE_DATA};
  return folder.empty() || !std::filesystem::exists(folder / below) ? std::filesystem::path{} : folder / below;
}

/// The whole file; empty where there is none.
inline std::string reference_text(const std::filesystem::path& below) {
  std::ifstream in{reference_data(below), std::ios::binary};
  std::ostringstream out;
  if (in)
    out << in.rdbuf();
  return std::move(out).str();
}

} // namespace hourglass::test
