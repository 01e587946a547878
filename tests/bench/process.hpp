#pragma once

#include "tests/bench/load.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

namespace hourglass::bench {

/// One program that we started. It ends when this ends, and the kernel kills it if we are killed.
class process {
public:
  process() = default;
  /// `said` gets what it prints; `environment` is added to ours.
  process(const std::vector<std::string>& command, const std::filesystem::path& said, const std::vector<std::string>& environment = {});
  process(process&& other) noexcept;
  process& operator=(process&& other) noexcept;
  ~process() { stop(); }

  bool running();

  /// SIGTERM, and SIGKILL after `grace`. Returns the exit code, -1 if it had to be killed or died by a signal.
  int stop(seconds grace = seconds{20});

  /// Waits for it to end by itself; its exit code, or -1 after `patience` (it is then killed).
  int wait(seconds patience);

  pid_t id() const noexcept { return pid_; }
  double cpu_seconds() const;      ///< user and system, all threads, so far
  std::uint64_t resident_bytes() const;

private:
  bool collect();

  pid_t pid_ = -1;
  int status_ = 0;
};

std::string read_text(const std::filesystem::path& file);

} // namespace hourglass::bench
