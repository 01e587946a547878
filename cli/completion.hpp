#pragma once

#include <string>

namespace CLI {
class App;
}

namespace hourglass::cli {

/// A bash script that completes commands and options, made of what the program really knows.
std::string bash_completion(const CLI::App& app);

} // namespace hourglass::cli
