#include "actors/scrubber.hpp"

#include "events/wall_clock.hpp"

namespace hourglass::actors {

using namespace std::chrono_literals;

namespace {

constexpr auto look_every = 1s;
constexpr auto rest_after_failure =
    10min; // there is no room on the disk, or the store is in trouble, which `/readyz` shows

} // namespace

scrubber::scrubber(storage::store& of, std::chrono::seconds after)
    : store_(of), after_(after), thread_([this] { run(); }) {}

scrubber::~scrubber() {
  stop_ = true;
  wake_.notify_all();
  thread_.join();
}

void scrubber::run() {
  std::chrono::steady_clock::duration rest = look_every;
  std::unique_lock lock{mutex_};
  while (!wake_.wait_for(lock, rest, [this] { return stop_.load(); })) {
    rest = look_every;
    const auto owed = store_.scrub_owed();
    if (!owed || events::wall_now().us - owed->us < std::chrono::microseconds{after_}.count())
      continue;
    lock.unlock();
    if (const auto done = store_.scrub(stop_); !done)
      rest = rest_after_failure;
    lock.lock();
  }
}

} // namespace hourglass::actors
