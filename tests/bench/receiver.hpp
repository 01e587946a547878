#pragma once

#include "tests/bench/load.hpp"
#include "tests/support/pem.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace hourglass::bench {

/// A trivial webhook receiver: one thread on raw epoll, one loopback address a destination (127.0.1.1, 127.0.1.2 … on one port), answers 200 at once.
/// After the `healthy` ones come `slow` ones, which answer a second later, and `failing` ones, which answer 500; the rest take the request and never answer.
class receiver {
public:
  struct options {
    unsigned destinations = 1;
    unsigned healthy = 1;
    unsigned slow = 0;
    unsigned failing = 0;
    bool time_bodies = false; ///< bodies hold `"at":<nanoseconds of steady_clock>` (-1: not timed): keep how long each took to come here
    std::uint64_t numbers = 0; ///< bodies hold `"n":<less than this>`: notice what comes twice
    std::uint16_t port = 0;    ///< 0: any that is free
    const testing::identity* tls = nullptr; ///< speaks TLS as this; outlives it
  };

  explicit receiver(options how);
  ~receiver();

  bool listening() const noexcept { return port_ != 0; }
  std::uint16_t port() const noexcept { return port_; }
  std::string address(unsigned destination) const;
  std::string url(unsigned destination) const;

  std::uint64_t received() const noexcept { return received_.load(std::memory_order_relaxed); } ///< of healthy and slow ones
  std::uint64_t refused() const noexcept { return refused_.load(std::memory_order_relaxed); }   ///< of failing ones
  std::uint64_t hanging() const noexcept { return hanging_.load(std::memory_order_relaxed); }
  std::uint64_t wrong() const noexcept { return wrong_.load(std::memory_order_relaxed); } ///< not signed, or malformed
  std::uint64_t doubled() const noexcept { return doubled_.load(std::memory_order_relaxed); }
  latencies took() const;

private:
  struct connection;
  void run();
  void accept(std::size_t listener);
  long read(connection& from);
  void write(connection& to, std::string_view text);
  void receive(connection& from);
  void answer_late();
  void take(std::string_view body);
  void tick_off(std::string_view body);

  options how_;
  std::uint16_t port_ = 0;
  struct sockets;
  std::unique_ptr<sockets> sockets_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> received_{0}, refused_{0}, hanging_{0}, wrong_{0}, doubled_{0};
  mutable std::mutex mutex_;
  latencies took_; ///< under `mutex_`
  std::vector<bool> seen_; ///< by number; the thread's own
  std::thread thread_;
};

} // namespace hourglass::bench
