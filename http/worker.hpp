#pragma once

// Internal to http/. One I/O thread of the server and what others may ask of it.

#include "http/credit.hpp"
#include "http/head.hpp"
#include "http/io.hpp"
#include "http/request_reader.hpp"
#include "http/server.hpp"
#include "http/tls.hpp"

#include <atomic>
#include <condition_variable>
#include <thread>

namespace hourglass::http {

class connection;
struct stream_core;

/// What all workers of a server share. Outlives them.
struct server_shared {
  server_shared(server_options o, handler h) : options(std::move(o)), on_request(std::move(h)), pool(options.in_flight_bytes) {}

  server_options options;
  handler on_request;
  request_limits limits{options.header_bytes, options.body_bytes};
  tls_context tls;
  credit_pool pool;
  std::atomic<bool> stopping{false}; ///< from here on every answer ends its connection

  std::mutex mutex;
  std::condition_variable drained; ///< a worker that stops has closed its last connection
};

/// Counts of one worker, written by its thread alone; but `open` is raised by the acceptor, so that the limit holds.
struct worker_counters {
  std::atomic<std::uint64_t> open{0}, accepted{0}, requests{0}, refused_credit{0}, malformed{0}, timeouts{0};
  static void add(std::atomic<std::uint64_t>& to) noexcept {
    to.store(to.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
};

/// Which request of which connection: a late answer to an older one finds nobody.
struct request_ticket {
  std::uint32_t slot = 0;
  std::uint64_t serial = 0;
};

/// Something for a worker from another thread.
struct letter {
  enum class about : std::uint8_t { answer, open_stream, flush_stream, adopt };
  about what = about::answer;
  request_ticket to;
  response answer;
  credit held;
  std::shared_ptr<stream_core> stream;
  int socket = -1; ///< adopt
  std::string peer;
  bool v6 = false;
};

/// An io_context with one thread and the connections that live on it.
///
/// Threads: `post` from any; `start` and `end` from the server; everything else on the worker's own thread.
class worker : public std::enable_shared_from_this<worker> {
public:
  explicit worker(std::shared_ptr<server_shared> shared);
  ~worker();

  void start();
  /// Hands `l` over; what cannot be delivered any more is dropped, a socket closed.
  void post(letter&& l);
  /// Closes idle connections and streams; the others close after their answer.
  void begin_stop();
  /// Closes everything and joins the thread.
  void end();

  // -- for its connections ------------------------------------------------------

  net::io_context& io() noexcept { return io_; }
  server_shared& shared() noexcept { return *shared_; }
  worker_counters& counters() noexcept { return counters_; }
  bool stopping() const noexcept { return shared_->stopping.load(std::memory_order_relaxed); }
  bool on_own_thread() const noexcept;
  std::string_view date(std::int64_t unix_us) { return date_.at(unix_us / 1'000'000); }
  std::uint64_t next_serial() noexcept { return ++serial_; }
  void want(std::int64_t due_ms);
  void remove(std::uint32_t slot);

  connection* in_handler = nullptr; ///< whose handler is running now
  server_counters snapshot() const;

private:
  void deliver();
  void deliver_one(letter& l);
  void adopt(letter& l);
  void one_less();
  void lose(letter& l);
  void look_at_deadlines();
  void close_all();

  std::shared_ptr<server_shared> shared_;
  net::io_context io_{one_thread_hint};
  net::executor_work_guard<executor> alive_{io_.get_executor()};
  deadline_timer deadlines_;
  inbox<letter> inbox_;
  std::vector<letter> delivering_;
  std::vector<boost::intrusive_ptr<connection>> slots_;
  std::vector<std::uint32_t> free_;
  date_line date_;
  worker_counters counters_;
  std::uint64_t serial_ = 0;
  std::thread thread_;
};

} // namespace hourglass::http
