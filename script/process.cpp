#include "script/process.hpp"

#include "mock/script_limits.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hourglass::script {

namespace {

using events::errc;
using events::failure;

constexpr int workers_socket = 3;

/// What the child starts with: its socket, nothing else of ours, no signal blocked, a group of its own (Ctrl-C is for us).
class spawn_plan {
public:
  explicit spawn_plan(int socket) {
    posix_spawn_file_actions_init(&files_);
    posix_spawnattr_init(&attributes_);
    for (int standard : {0, 1, 2})
      posix_spawn_file_actions_addopen(&files_, standard, "/dev/null", standard == 0 ? O_RDONLY : O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&files_, socket, workers_socket);
    posix_spawn_file_actions_addclosefrom_np(&files_, workers_socket + 1);
    sigset_t none, normal;
    sigemptyset(&none);
    sigemptyset(&normal);
    for (int s : {SIGPIPE, SIGINT, SIGTERM, SIGHUP})
      sigaddset(&normal, s);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &normal);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~spawn_plan() {
    posix_spawn_file_actions_destroy(&files_);
    posix_spawnattr_destroy(&attributes_);
  }
  spawn_plan(const spawn_plan&) = delete;
  spawn_plan& operator=(const spawn_plan&) = delete;

  int run(const std::filesystem::path& program, bool slow, pid_t& id) {
    auto name = program.string();
    std::string how{slow_argument};
    std::array<char*, 3> arguments{name.data(), slow ? how.data() : nullptr, nullptr};
    std::string zone = "TZ=UTC", language = "LANG=C.UTF-8"; // scripts see the same everywhere
    std::array<char*, 3> environment{zone.data(), language.data(), nullptr};
    return posix_spawn(&id, name.c_str(), &files_, &attributes_, arguments.data(), environment.data());
  }

private:
  posix_spawn_file_actions_t files_{};
  posix_spawnattr_t attributes_{};
};

struct descriptor {
  int number;
  void close() {
    if (number >= 0)
      ::close(std::exchange(number, -1));
  }
  ~descriptor() { close(); }
};

/// The longest that we wait in one go.
constexpr std::chrono::milliseconds step{100};

void wait_in_steps(int socket) {
  timeval t{};
  t.tv_usec = std::chrono::duration_cast<std::chrono::microseconds>(step).count();
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
}

} // namespace

const std::size_t process::default_frame_bytes = limits::script_frame_bytes;

events::outcome<std::unique_ptr<process>> process::start(const std::filesystem::path& program, bool slow) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return failure(errc::unavailable, std::string{"no socket for a script worker: "} + std::strerror(errno));
  descriptor ours{ends[0]}, its{ends[1]};
  std::unique_ptr<process> out{new process{-1, ours.number}}; // before it runs: nothing that is thrown may leave it to itself
  ours.number = -1;
  pid_t id = -1;
  if (const auto bad = spawn_plan{its.number}.run(program, slow, id); bad != 0)
    return failure(errc::unavailable, "the script worker " + program.string() + " does not start: " + std::strerror(bad));
  out->id_ = id;
  if (::clock_getcpuclockid(id, &out->clock_) != 0)
    return failure(errc::unavailable, "the script worker cannot be watched");
  its.close();
  wait_in_steps(out->socket_);
  out->begin(limits::script_start_time);
  frame first;
  if (out->receive(first) != got::frame || first.kind != frame_kind::ready) {
    out->kill();
    return failure(errc::unavailable, "the script worker " + out->obituary() + " before it was ready");
  }
  return out;
}

process::~process() {
  kill();
  reap();
  ::close(socket_);
}

void process::begin(std::chrono::milliseconds most) {
  most_ = most;
  spent_ = {};
  worked_for_it_ = {};
  cpu_before_ = cpu_time();
}

void process::charge(clock::duration time) { spent_ += std::min<clock::duration>(time, step); }

std::chrono::nanoseconds process::cpu_time() const {
  timespec t{};
  if (::clock_gettime(clock_, &t) != 0)
    return cpu_before_; // it has gone, which the socket says
  return std::chrono::seconds{t.tv_sec} + std::chrono::nanoseconds{t.tv_nsec};
}

bool process::is_slow() const { return cpu_time() - cpu_before_ + worked_for_it_ > limits::script_slow; }

bool process::is_burning() const { return cpu_time() - cpu_before_ > limits::script_cpu_time; }

process::got process::send(frame_kind kind, std::initializer_list<std::string_view> texts) {
  out_.clear();
  write_frame(out_, kind, texts);
  std::string_view rest = out_;
  while (!rest.empty()) {
    const auto before = clock::now();
    const auto n = ::send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
    const bool nothing = n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK);
    if (n <= 0 && !nothing)
      return got::gone;
    charge(clock::now() - before);
    if (n > 0)
      rest.remove_prefix(static_cast<std::size_t>(n));
    if (!rest.empty() && (is_late() || is_burning())) // it takes nothing, or little at a time
      return got::late;
  }
  if (out_.capacity() > limits::mebi)
    out_ = {};
  return got::frame;
}

process::got process::receive(frame& out) {
  for (bool first = true;; first = false) {
    if (auto f = reader_.next()) {
      out = *f;
      return got::frame;
    }
    if (reader_.broken())
      return got::gone;
    if (!first && (is_late() || is_burning())) // also when it comes a byte at a time
      return got::late;
    auto to = reader_.room();
    const auto before = clock::now();
    const auto n = ::recv(socket_, to.data(), to.size(), 0);
    const bool nothing = n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK);
    if (n <= 0 && !nothing)
      return got::gone;
    charge(clock::now() - before);
    if (n > 0)
      reader_.filled(static_cast<std::size_t>(n));
  }
}

bool process::has_gone() const {
  pollfd p{socket_, POLLIN, 0};
  return ::poll(&p, 1, 0) != 0; // it says nothing unasked
}

void process::kill() noexcept {
  std::lock_guard guard{mutex_};
  if (id_ > 0)
    ::kill(id_, SIGKILL);
}

int process::reap() {
  int status = 0;
  pid_t id = -1;
  {
    std::lock_guard guard{mutex_};
    id = id_;
  }
  if (id <= 0)
    return 0;
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(id), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  std::lock_guard guard{mutex_};
  while (::waitpid(id, &status, 0) < 0 && errno == EINTR) {
  }
  id_ = -1;
  return status;
}

std::string process::obituary() {
  kill();
  const auto status = reap();
  if (WIFSIGNALED(status))
    return "was ended by signal " + std::to_string(WTERMSIG(status));
  return "ended with exit code " + std::to_string(WEXITSTATUS(status));
}

std::filesystem::path worker_beside_us() {
  std::error_code none;
  return std::filesystem::read_symlink("/proc/self/exe", none).parent_path() / "hourglass-script-worker";
}

} // namespace hourglass::script
