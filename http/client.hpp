#pragma once

#include "http/egress.hpp"
#include "http/message.hpp"
#include "http/shared_bytes.hpp"
#include "http/transport.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace hourglass::http {

/// One request to a stranger.
struct exchange {
  std::string method = "POST";
  std::string url; ///< http or https, checked by `parse_url`
  fields headers;  ///< Host, Content-Length, Connection are set by the client
  shared_bytes body; ///< held until the exchange has ended: it may have to be written twice
  std::string owner; ///< on whose behalf; connections are shared out among owners
  std::shared_ptr<const transport> way; ///< null: like all others
  /// For everything from the moment there is a connection for it, new or kept: DNS, connect, TLS, write, header and body. The wait for one has no
  /// end of its own: where nothing was sent, nothing has failed.
  std::chrono::milliseconds deadline{20'000};
  std::size_t body_kept = 16 * 1024;          ///< of the answer's body; the rest is read and dropped up to `body_read`
  std::size_t body_read = 64 * 1024;          ///< then the connection is closed and `truncated` set
};

enum class transport_error : std::uint8_t {
  none,
  bad_url, ///< the URL, the method or a header cannot be sent as it is
  refused_by_guard,
  dns,
  connect,
  tls,
  reset,     ///< closed or reset before a whole answer
  malformed, ///< not HTTP
  timeout,   ///< `deadline` passed; `detail` says in which phase
  cancelled, ///< the client was stopped
  proxy,       ///< the proxy cannot be reached, refused, or does not speak as one
  oauth_token, ///< there was no access token to go with it: said by who sends, the client never does
  transformation, ///< what was to be sent could not be made: as well
};
std::string_view to_string(transport_error e) noexcept;

/// Microseconds spent, in order; a phase that was not reached, or not needed on a kept connection, is 0.
struct timing {
  std::int64_t queue_us = 0, dns_us = 0, connect_us = 0, tls_us = 0, first_byte_us = 0, total_us = 0;
};

struct exchange_result {
  transport_error error = transport_error::none;
  std::string detail;   ///< a sentence, empty without an error
  unsigned status = 0;  ///< 0 when no status line came. May be set together with an error (answer cut off)
  fields headers;       ///< of the answer, at most 32 KiB
  std::string body;     ///< at most `body_kept`
  bool truncated = false; ///< `body` is not all that was sent
  bool reused = false; ///< a kept connection
  std::string peer;    ///< address:port really dialled, by us or by the proxy for us
  std::string via;     ///< address:port of the proxy, or `operator` for the one of `client_options`; empty: there was none
  std::string tls_version;   ///< e.g. `TLSv1.3`
  std::int64_t certificate_expires = 0; ///< Unix seconds, of the receiver's certificate; 0: it showed none
  timing spent;
};

struct url_parts {
  bool secure = false;
  std::string host; ///< lower case, without brackets
  std::uint16_t port = 0;
  std::string target; ///< path and query, at least "/"
};
/// http and https only; no user info, no fragment, no control characters, at most 2,048 bytes. Fails with a sentence.
tl::expected<url_parts, std::string> parse_url(std::string_view url);

struct client_options {
  unsigned threads = 1;
  std::size_t connections = 1'024;          ///< in all: what it may take of the process's descriptors
  std::size_t connections_per_origin = 256; ///< in use by one owner
  std::size_t idle_per_origin = 64;
  std::size_t idle_in_all = 1'024; ///< per thread; beyond it the longest idle is closed, so that many origins do not use up the descriptors
  std::chrono::milliseconds idle_time{30'000};
  std::chrono::milliseconds dns_time{5'000};
  std::string user_agent = "Hourglass/0.1";
  bool verify_tls = true;
  std::string ca_file; ///< PEM, besides the system's
  std::optional<proxy> through; ///< for all that have no way of their own that says otherwise
  proxy_exceptions past;        ///< those that go past `through`
};

/// Outgoing HTTP/1.1 with keep-alive pools per origin, TLS with host name check, one total deadline, no redirects, names resolved once
/// and the guard asked about the very address that is dialled. A kept connection that turns out dead before a byte of the answer is
/// replaced once by a fresh one. Where no address takes a connection, and all have said so within a second, they are tried once more after 50 ms.
///
/// TLS: an exchange with a `way` of its own uses a context of its own, one an owner and identity, of which the most recently used are kept; its
/// connections serve exchanges of that owner with that way, and no others. A receiver that ends the session before it answered, as one does that does
/// not take our certificate, is a `tls` error.
///
/// Proxies: with one, the address that the proxy is asked for is resolved here and judged by the guard, as if it were dialled from here. Time for names
/// goes for the proxy's name too. A proxy that cannot reach one address of a receiver is asked for the next.
///
/// Fairness: who finds no connection waits; owners are served in turn, each its origins in turn, each of these first come, first served. An
/// owner takes another connection only while it has fewer than are left: one alone gets half of them, two a third each, and there is room for
/// a newcomer. The same among the origins of one owner, for which an eighth is kept besides: one that has none finds one, as long as fewer others hang than an owner may have connections.
///
/// Threads: `send` from any thread; `done` runs on a client thread, exactly once, and must not block.
class client {
public:
  using handler = std::function<void(exchange_result)>;
  /// Resolves a name, blocking, on a thread of the client's own; IPv4 as ::ffff:a.b.c.d. Replaced in tests by one that lies.
  using resolver = std::function<tl::expected<std::vector<std::array<std::uint8_t, 16>>, std::string>(const std::string& host)>;

  static std::unique_ptr<client> open(client_options options, std::shared_ptr<const egress_guard> guard, resolver names = {});

  virtual ~client() = default;
  virtual void send(exchange what, handler done) = 0;
  /// Ends what is under way with `cancelled` after `grace`, then the threads. Idempotent; blocks; not to be called from `done`.
  /// A later `send` is `cancelled` at once, on the caller's thread.
  virtual void stop(std::chrono::milliseconds grace) = 0;
};

} // namespace hourglass::http
