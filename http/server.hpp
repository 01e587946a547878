#pragma once

#include "http/fwd.hpp"
#include "http/message.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <tl/expected.hpp>

namespace hourglass::http {

/// Where a handler puts its one answer.
///
/// Movable, one-shot. `send` may be called from any thread; the answer is written on the connection's thread, in the order the
/// requests came (pipelining: one request of a connection is handled at a time). A reply that is destroyed without an answer answers 503 `abandoned`, so a lost request is never a hang.
/// The admission credit of the request is held until the answer is written.
class reply {
public:
  struct sink; ///< defined in server.cpp, or by a test
  explicit reply(std::unique_ptr<sink> to);
  reply(reply&&) noexcept;
  reply& operator=(reply&&) noexcept;
  ~reply();

  explicit operator bool() const noexcept;

  void send(response answer);

  /// Answers 200 `text/event-stream` and keeps the connection for events until either side ends it.
  std::shared_ptr<event_stream> stream(fields headers = {});

private:
  std::unique_ptr<sink> to_;
};

struct reply::sink {
  virtual ~sink() = default;
  virtual void send(response answer) = 0;
  virtual std::shared_ptr<event_stream> stream(fields headers) = 0;
};

/// The writing side of one server-sent-events answer. Any thread.
class event_stream {
public:
  virtual ~event_stream() = default;

  /// Queues one event. False when the client is gone or too slow (over 1 MiB waiting): the stream is then closed, and the client
  /// comes back with `Last-Event-ID`.
  virtual bool send(std::string_view id, std::string_view event, std::string_view data) = 0;

  virtual bool open() const noexcept = 0;

  /// Ends the stream after what was queued. Dropping the last pointer does the same.
  virtual void close() = 0;
};

/// Runs on one of the server's I/O threads and must not block: it answers at once, or hands `reply` to whoever will.
/// An exception that leaves it is answered with 500.
using handler = std::function<void(std::shared_ptr<const request>, reply)>;

struct tls_files {
  std::string certificate_chain; ///< PEM file
  std::string private_key;       ///< PEM file
};

struct server_options {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0; ///< 0: any free port, see `server::port`
  unsigned threads = 2;
  std::optional<tls_files> tls;
  std::size_t header_bytes = 32 * 1024;
  std::size_t body_bytes = 8 * 1024 * 1024;
  std::size_t in_flight_bytes = 256 * 1024 * 1024; ///< beyond it: 503 with Retry-After
  std::size_t connections = 10'000;
  std::chrono::milliseconds header_time{10'000};
  std::chrono::milliseconds body_time{60'000};
  std::chrono::milliseconds idle_time{75'000};
  std::chrono::milliseconds write_time{60'000}; ///< for a client to take its answer, and 1 s more for every 16 KiB of it
};

struct server_counters {
  std::uint64_t accepted = 0, open = 0, requests = 0, refused_credit = 0, malformed = 0, timeouts = 0;
  std::uint64_t in_flight_bytes = 0;
};

/// HTTP/1.1 on Boost.Beast: keep-alive, pipelining, optional TLS, every limit of `server_options` enforced before a handler sees anything.
/// What breaks a rule is answered with a problem document (400, 408, 413, 414, 417, 431, 501, 505) and, where framing is lost, a close.
/// Request smuggling: a request with both Content-Length and Transfer-Encoding, or with differing Content-Lengths, is refused.
class server {
public:
  /// Binds and starts to answer. Fails with a sentence when the address cannot be bound or the TLS files cannot be read.
  static tl::expected<std::unique_ptr<server>, std::string> open(server_options options, handler on_request);

  virtual ~server() = default;

  virtual std::uint16_t port() const noexcept = 0;
  /// What it is really bound to, whatever name it was given; IPv4 as ::ffff:a.b.c.d, all zero for every address. For the egress guard.
  virtual std::array<std::uint8_t, 16> address() const noexcept = 0;
  virtual server_counters counters() const noexcept = 0;

  /// Stops accepting, lets requests in flight finish (at most `grace`), closes idle connections and event streams, ends the threads.
  /// Idempotent; blocks; not to be called from a handler. A `reply` may outlive the server: its answer then goes nowhere.
  virtual void stop(std::chrono::milliseconds grace) = 0;
};

} // namespace hourglass::http
