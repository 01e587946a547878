#pragma once

#include "events/outcome.hpp"
#include "script/frame.hpp"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include <sys/types.h>
#include <time.h>

namespace hourglass::script {

/// One worker as the server sees it. It lives at most as long as the thread that started it (the system kills it then), and never longer
/// than this object.
///
/// Threads: all members by the thread that started it, but `kill`, which any may call while the object lives.
class process {
public:
  using clock = std::chrono::steady_clock;

  /// Starts `program` and waits until it says that it is confined. One for `slow` scripts makes way for whoever wakes up beside it. Fails with
  /// `errc::unavailable`.
  static events::outcome<std::unique_ptr<process>> start(const std::filesystem::path& program, bool slow = false);
  ~process(); ///< kills and reaps it
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  /// From now on it may use `limits::script_cpu_time`, and `most` of our time. That is counted in small steps, none longer than it can honestly be: a
  /// machine that was suspended, or a server that was stopped, has made nobody late.
  void begin(std::chrono::milliseconds most);
  /// What it has us do counts as well.
  void charge(clock::duration time);
  /// For processor time: what was worked was not slept.
  void charge_in_full(std::chrono::nanoseconds time) {
    spent_ += std::chrono::duration_cast<clock::duration>(time);
    worked_for_it_ += time;
  }

  enum class got { frame, late, gone };
  got send(frame_kind kind, std::initializer_list<std::string_view> texts); ///< `frame`: it is sent
  /// `out` is good until the next call of a member.
  got receive(frame& out);
  /// Since `begin` it has used more than `limits::script_slow` of the processor, by itself or through us.
  bool is_slow() const;
  bool is_late() const noexcept { return spent_ >= most_; } ///< it made us wait too long; else, when it is late, it used too much of the processor

  /// It has died while nobody asked anything of it.
  bool has_gone() const;

  void kill() noexcept;
  /// Waits for its end; how it came, for people.
  std::string obituary();

private:
  process(pid_t id, int socket) : id_(id), socket_(socket) {}
  int reap();
  bool is_burning() const;
  std::chrono::nanoseconds cpu_time() const;

  std::mutex mutex_; ///< of `id_`: after it is reaped, another process may have its number
  pid_t id_;
  clockid_t clock_{}; ///< of its processor time
  int socket_;
  frame_reader reader_{default_frame_bytes};
  std::string out_;
  clock::duration most_{0}, spent_{0};
  std::chrono::nanoseconds worked_for_it_{0};
  std::chrono::nanoseconds cpu_before_{0};
  static const std::size_t default_frame_bytes;
};

/// `hourglass-script-worker` beside the program that runs.
std::filesystem::path worker_beside_us();

} // namespace hourglass::script
