#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace hourglass::http {

/// One network, `10.0.0.0/8` or `fd00::/8`.
struct cidr {
  std::array<std::uint8_t, 16> network{}; ///< IPv4 as ::ffff:a.b.c.d
  unsigned bits = 128;                    ///< of the 128
  static tl::expected<cidr, std::string> parse(std::string_view text);
  bool contains(const std::array<std::uint8_t, 16>& address) const noexcept;
};

/// Decides which addresses outgoing requests may reach. Asked about the address that is really dialled, after name resolution.
///
/// Refused: unspecified, loopback, private, link-local, CGNAT, benchmarking, documentation, multicast, broadcast, reserved, 6to4, Teredo,
/// NAT64, IPv4-compatible and mapped forms whose inner address is refused, site-local, unique-local (the union in
/// shared reference webhooks.md §1.1). `allow` opens ranges for development. Cloud metadata addresses (169.254.169.254, fd00:ec2::254,
/// 100.100.100.200, 168.63.129.16, 192.0.0.192) and our own listeners stay refused whatever `allow` says.
///
/// Threads: immutable after construction.
class egress_guard {
public:
  struct endpoint {
    std::array<std::uint8_t, 16> address{};
    std::uint16_t port = 0;
  };
  egress_guard(std::vector<cidr> allow, std::vector<endpoint> own_listeners);

  /// Empty when allowed; else why not, for the attempt's record: "10.1.2.3 is a private address (10.0.0.0/8)".
  std::string refusal(const std::array<std::uint8_t, 16>& address, std::uint16_t port) const;

private:
  std::vector<cidr> allow_;
  std::vector<endpoint> own_;
};

} // namespace hourglass::http
