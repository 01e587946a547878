#pragma once

#include "http/host_pattern.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace hourglass::http {

/// What stands between us and receivers: HTTP CONNECT (RFC 9110 §9.3.6) or SOCKS5 (RFC 1928, with RFC 1929). It is always asked for an address, which
/// we have resolved and the guard has judged, never for a name; plain http goes through a tunnel too.
struct proxy {
  enum class kind : std::uint8_t { connect, socks5 };
  kind speaks = kind::connect;
  bool secure = false; ///< in TLS, as one whose name is `host`; that with the receiver goes within
  std::string host; ///< name or address, without brackets
  std::uint16_t port = 0;
  std::string username, password; ///< at most 255 bytes each; no username: none are sent
  bool guarded = true; ///< the guard is asked about its address too. Not so for one that the operator has named: it mostly stands inside
  bool operator==(const proxy&) const = default;
};

/// `http://host:port` (port 80 if none is given), `https://host:port` (443) or `socks5://host:port` (1080); where `credentials` allows it with `user:password@`, percent-encoded.
/// Fails with a sentence that has nothing of the text.
tl::expected<proxy, std::string> parse_proxy(std::string_view url, bool credentials);

/// Which receivers are reached without the operator's proxy. Immutable; any thread.
class proxy_exceptions {
public:
  proxy_exceptions() = default;

  /// Each is a `host_pattern`. Fails with a sentence.
  static tl::expected<proxy_exceptions, std::string> parse(const std::vector<std::string>& list);

  /// Names are compared with `host` as the URL has it, networks with the address that it leads to.
  bool covers(std::string_view host, const std::array<std::uint8_t, 16>& address, std::uint16_t port) const noexcept;

private:
  std::vector<host_pattern> entries_;
};

} // namespace hourglass::http
