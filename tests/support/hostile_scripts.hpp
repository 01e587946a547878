#pragma once

#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace hourglass::test {

struct hostile_script {
  std::string name, source;
};

/// The hostile ones of `reference/spidermonkey/probes.h`: lines `{"name", "source"},` after the first table, which is of things that work.
inline std::vector<hostile_script> hostile_scripts(const std::string& text) {
  std::vector<hostile_script> out;
  const auto first = text.find("kCpu[]");
  if (first == std::string::npos)
    return out;
  std::istringstream lines{text.substr(first)};
  static const std::regex line_of_one{R"re(^\s*\{("(?:[^"\\]|\\.)*"),\s*("(?:[^"\\]|\\.)*")\},\s*$)re"};
  std::smatch found;
  for (std::string line; std::getline(lines, line);)
    if (std::regex_match(line, found, line_of_one)) // escaped as JSON is
      out.push_back({nlohmann::json::parse(found[1].str()), nlohmann::json::parse(found[2].str())});
  return out;
}

} // namespace hourglass::test
