#include "tests/bench/process.hpp"

#include <csignal>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hourglass::bench {

process::process(const std::vector<std::string>& command, const std::filesystem::path& said, const std::vector<std::string>& environment) {
  // Everything that allocates happens before the fork: this program may have threads.
  std::vector<char*> arguments, variables;
  for (auto& c : command)
    arguments.push_back(const_cast<char*>(c.c_str()));
  arguments.push_back(nullptr);
  for (char** v = environ; *v != nullptr; ++v)
    variables.push_back(*v);
  for (auto& v : environment)
    variables.push_back(const_cast<char*>(v.c_str()));
  variables.push_back(nullptr);
  auto parent = getpid();
  pid_ = fork();
  if (pid_ != 0)
    return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent)
    _exit(127);
  if (int out = open(said.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600); out >= 0) {
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
  }
  execve(arguments[0], arguments.data(), variables.data());
  _exit(127);
}

process::process(process&& other) noexcept : pid_(std::exchange(other.pid_, -1)), status_(other.status_) {}

process& process::operator=(process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(status_, other.status_);
  return *this;
}

/// True once it has ended.
bool process::collect() {
  if (pid_ > 0 && waitpid(pid_, &status_, WNOHANG) == pid_)
    pid_ = -1;
  return pid_ <= 0;
}

bool process::running() {
  return !collect();
}

int process::wait(seconds patience) {
  auto until = steady::now() + std::chrono::duration_cast<steady::duration>(patience);
  while (!collect() && steady::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, &status_, 0);
    pid_ = -1;
    return -1;
  }
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
}

int process::stop(seconds grace) {
  if (pid_ <= 0)
    return 0;
  kill(pid_, SIGTERM);
  return wait(grace);
}

double process::cpu_seconds() const {
  auto text = read_text("/proc/" + std::to_string(pid_) + "/stat");
  auto at = text.rfind(')'); // the name before it may hold anything
  if (at == std::string::npos)
    return 0;
  std::istringstream in{text.substr(at + 2)};
  std::string skipped;
  for (int i = 0; i < 11; ++i)
    in >> skipped;
  double user = 0, system = 0;
  in >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

std::uint64_t process::resident_bytes() const {
  std::istringstream in{read_text("/proc/" + std::to_string(pid_) + "/statm")};
  std::uint64_t size = 0, resident = 0;
  in >> size >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::string read_text(const std::filesystem::path& file) {
  std::ifstream in{file};
  return {std::istreambuf_iterator<char>{in}, {}};
}

} // namespace hourglass::bench
