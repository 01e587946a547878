#include "script/worker/watchdog.hpp"

#include "script/worker/limits.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

namespace hourglass::worker {

namespace {

constexpr std::chrono::milliseconds period{2};
constexpr std::size_t quiet_periods = 50; ///< then it sleeps, and the next `arm` pays for waking it

long long now_us(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<long long>(t.tv_sec) * 1'000'000 + t.tv_nsec / 1'000;
}

} // namespace

watchdog::watchdog(std::function<void()> fire) : fire_(std::move(fire)), page_(static_cast<std::size_t>(std::max(::sysconf(_SC_PAGESIZE), 0L))) {
  pthread_getcpuclockid(pthread_self(), &clock_);
  statm_ = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC); // before the confinement, which opens nothing
  std::thread{[this] { loop(); }}.detach();                  // for the life of the process
}

std::size_t watchdog::resident_bytes() const noexcept {
  char text[64];
  const auto n = ::pread(statm_, text, sizeof text - 1, 0);
  if (n <= 0)
    return 0;
  text[n] = '\0';
  char* rest = nullptr;
  std::strtoul(text, &rest, 10); // the size of all that is mapped
  return std::strtoul(rest, nullptr, 10) * page_;
}

bool watchdog::settle() {
  settled_ = resident_bytes();
  return settled_ != 0;
}

void watchdog::arm() {
  bool wake = false;
  {
    std::lock_guard guard{mutex_};
    deadline_us_ = now_us(clock_) + limits::cpu_ms * 1'000;
    fired_.store(reason::none, std::memory_order_release);
    armed_ = true;
    quiet_ = 0;
    wake = asleep_;
  }
  if (wake)
    wake_.notify_one();
}

watchdog::reason watchdog::disarm() {
  std::lock_guard guard{mutex_};
  armed_ = false;
  return fired_.exchange(reason::none, std::memory_order_acq_rel);
}

void watchdog::look() {
  auto why = fired_.load(std::memory_order_acquire);
  if (why == reason::none) {
    if (now_us(clock_) > deadline_us_)
      why = reason::time;
    else if (resident_bytes() > settled_ + limits::memory_bytes)
      why = reason::memory;
    if (why == reason::none)
      return;
    fired_.store(why, std::memory_order_release);
  }
  fire_();
}

void watchdog::loop() {
  std::unique_lock lock{mutex_};
  for (;;) {
    if (armed_)
      look();
    else if (++quiet_ >= quiet_periods)
      asleep_ = true;
    if (asleep_) {
      wake_.wait(lock, [this] { return armed_; });
      asleep_ = false;
    }
    wake_.wait_for(lock, period);
  }
}

} // namespace hourglass::worker
