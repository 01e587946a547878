#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::bench {

using steady = std::chrono::steady_clock;
using seconds = std::chrono::duration<double>;

/// Durations in microseconds, all of them kept: percentiles are exact.
class latencies {
public:
  void add(steady::duration d) { samples_.push_back(std::chrono::duration<float, std::micro>(d).count()); }
  void add(const latencies& other) { samples_.insert(samples_.end(), other.samples_.begin(), other.samples_.end()); }
  void reserve(std::size_t n) { samples_.reserve(n); }
  std::size_t size() const noexcept { return samples_.size(); }

  /// `share` in [0, 1]; 0 when there are no samples.
  double percentile(double share) const;

private:
  std::vector<float> samples_;
};

/// HTTP/1.1 load over keep-alive connections from one thread on raw epoll: it shares the processor with what it measures, so it does next to nothing.
struct load_plan {
  std::uint16_t port = 0;
  unsigned connections = 64;
  seconds warm_up{0.5};  ///< answered but not counted
  seconds measured{5};
  std::uint64_t at_most = 0; ///< stop after so many requests, counted from the first; 0: by time only
  /// 0: closed loop, every connection asks again when it is answered. Else open loop: request n is due at start + n / per_second, goes out on the
  /// first free connection, and its latency counts from when it was due.
  double per_second = 0;
  /// Bytes of request `n`; valid until the next call.
  std::function<std::string_view(std::uint64_t n, steady::time_point due)> request;
  std::string expect_body; ///< if not empty every answer must have this body
};

struct load_result {
  std::uint64_t sent = 0;     ///< warm-up and unanswered ones too
  std::uint64_t answered = 0; ///< 2xx within the measured time
  std::uint64_t failed = 0;   ///< anything else, at any time
  std::string first_failure;
  seconds elapsed{0};
  latencies took;

  double per_second() const { return elapsed.count() > 0 ? static_cast<double>(answered) / elapsed.count() : 0; }
};

/// Blocks until done. A connection that ends, or makes no progress for 30 s, is a failure.
load_result run_load(const load_plan& plan);

/// `METHOD target HTTP/1.1` with the headers given (each ending in CRLF), and a body.
std::string request_text(std::string_view method, std::string_view target, std::string_view headers = {}, std::string_view body = {});

/// One request on a connection of its own; for setting things up.
struct answer {
  unsigned status = 0; ///< 0: no answer
  std::string body;
};
answer ask(std::uint16_t port, std::string_view text, seconds patience = seconds{60});

} // namespace hourglass::bench
