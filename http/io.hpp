#pragma once

// Internal to http/: the only door to Asio and Beast. Never included by a public header.

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/detail/concurrency_hint.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <limits>
#include <memory>
#include <mutex>
#include <vector>

namespace hourglass::http {

namespace net = boost::asio;
using boost::system::error_code;
using net::ip::tcp;

/// Everything of one connection lives on one thread, so Asio needs no locks around its I/O; posting from elsewhere stays safe.
inline constexpr int one_thread_hint = static_cast<int>(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO);

// Concrete executors: `any_io_executor` costs an allocation and two indirect calls an operation.
using executor = net::io_context::executor_type;
using socket_type = net::basic_stream_socket<tcp, executor>;
using timer_type = net::basic_waitable_timer<std::chrono::steady_clock, net::wait_traits<std::chrono::steady_clock>, executor>;
using tls_type = net::ssl::stream<socket_type&>;

/// Milliseconds of the monotonic clock, at most 4 ms behind it: for deadlines, a few nanoseconds a call.
inline std::int64_t coarse_now() noexcept {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
  return t.tv_sec * 1'000 + t.tv_nsec / 1'000'000;
}

inline std::int64_t clock_us(clockid_t clock) noexcept {
  timespec t{};
  clock_gettime(clock, &t);
  return t.tv_sec * 1'000'000 + t.tv_nsec / 1'000;
}
inline std::int64_t wall_us() noexcept { return clock_us(CLOCK_REALTIME); }
inline std::int64_t steady_us() noexcept { return clock_us(CLOCK_MONOTONIC); }

inline constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

/// What other threads want of an I/O thread. The first of a batch has to wake it; the rest ride along, so that 64 answers from the
/// journal's thread cost one system call.
template <class T>
class inbox {
public:
  enum class pushed : std::uint8_t { first, later, closed };

  pushed push(T&& item) {
    std::lock_guard lock{mutex_};
    if (closed_)
      return pushed::closed;
    items_.push_back(std::move(item));
    return items_.size() == 1 ? pushed::first : pushed::later;
  }

  /// Exchanges `into`, which must be empty, for everything that waits. Its capacity is used again.
  void drain(std::vector<T>& into) {
    std::lock_guard lock{mutex_};
    items_.swap(into);
  }

  void close() {
    std::lock_guard lock{mutex_};
    closed_ = true;
  }

private:
  std::mutex mutex_;
  std::vector<T> items_;
  bool closed_ = false;
};

/// One timer for all deadlines of a thread. It is armed for the earliest deadline it has heard of, which may have moved on by the time it
/// fires; the owner then looks at all of them and says which is the next. A request that finishes in time costs no timer operation.
class deadline_timer {
public:
  deadline_timer(net::io_context& io, std::int64_t grain_ms) : timer_(io), grain_(grain_ms) {}

  /// `on_due()` is called at `due_ms` or up to one grain later.
  template <class F>
  void want(std::int64_t due_ms, F on_due) {
    if (due_ms >= armed_)
      return;
    armed_ = due_ms;
    auto earliest = coarse_now() + grain_; // else ten thousand deadlines, a millisecond apart, cost ten thousand looks
    timer_.expires_at(std::chrono::steady_clock::time_point{std::chrono::milliseconds{std::max(due_ms, earliest) + 4}});
    timer_.async_wait([this, on_due](error_code ec) {
      if (ec)
        return;
      armed_ = never;
      on_due();
    });
  }
  void cancel() {
    armed_ = never;
    timer_.cancel();
  }

private:
  timer_type timer_;
  std::int64_t grain_;
  std::int64_t armed_ = never;
};

/// Bytes read and not parsed yet, in one piece.
class read_buffer {
public:
  static constexpr std::size_t usual = 4 * 1024; ///< of a connection at rest; ten thousand of them are 40 MB
  static constexpr std::size_t large = 64 * 1024;

  net::mutable_buffer room() {
    if (!data_)
      resize(usual);
    return {data_.get() + end_, capacity_ - end_};
  }
  void commit(std::size_t n) noexcept { end_ += n; }
  void consume(std::size_t n) noexcept {
    begin_ += n;
    if (begin_ == end_)
      begin_ = end_ = 0;
  }
  const char* data() const noexcept { return data_.get() + begin_; }
  std::size_t size() const noexcept { return end_ - begin_; }
  bool empty() const noexcept { return begin_ == end_; }
  std::size_t capacity() const noexcept { return capacity_; }

  /// Makes room for at least one byte, growing up to `most`. False when that many bytes wait and nobody could use them.
  bool make_room(std::size_t most) {
    if (begin_ != 0) {
      std::memmove(data_.get(), data_.get() + begin_, size());
      end_ -= begin_;
      begin_ = 0;
    }
    if (end_ < capacity_ || !data_)
      return true;
    if (capacity_ >= most)
      return false;
    resize(std::min(capacity_ * 4, most));
    return true;
  }
  /// For a body that is known to be long.
  void enlarge() {
    if (capacity_ < large)
      resize(large);
  }
  void shrink() {
    if (empty() && capacity_ > usual) {
      data_.reset();
      capacity_ = begin_ = end_ = 0;
    }
  }

private:
  void resize(std::size_t to) {
    std::unique_ptr<char[]> bigger{new char[to]};
    if (!empty())
      std::memcpy(bigger.get(), data(), size());
    end_ = size();
    begin_ = 0;
    data_ = std::move(bigger);
    capacity_ = to;
  }

  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
};

} // namespace hourglass::http
