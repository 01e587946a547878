#pragma once

#include "http/cidr.hpp"
#include "http/host_pattern.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::http {

/// Decides which addresses outgoing requests may reach. Asked about the address that is really dialled, after name resolution.
///
/// Refused: unspecified, loopback, private, link-local, CGNAT, benchmarking, documentation, multicast, broadcast, reserved, 6to4, Teredo,
/// NAT64, IPv4-compatible and mapped forms whose inner address is refused, site-local, unique-local (the union in
/// shared reference webhooks.md §1.1). `allow` opens ranges for development. Cloud metadata addresses (169.254.169.254, fd00:ec2::254,
/// 100.100.100.200, 168.63.129.16, 192.0.0.192) and our own listeners stay refused whatever `allow` says.
///
/// Rules of the operator's name networks, hosts and ports that are allowed or denied. Of those that cover an address, or a host, the closest holds (the longer
/// network or name, with a port before the same without); of two that are as close, the one that denies. A name that is allowed opens no address: each is judged
/// by itself. Where `*` is denied, an address that stands in a URL in place of a name wants a rule that allows it.
///
/// Threads: immutable after construction.
class egress_guard {
public:
  struct endpoint {
    std::array<std::uint8_t, 16> address{};
    std::uint16_t port = 0;
  };
  struct rule {
    host_pattern whom;
    bool allow = false;
  };
  egress_guard(std::vector<cidr> allow, std::vector<endpoint> own_listeners);
  static std::shared_ptr<const egress_guard> by_rules(std::vector<rule> rules, std::vector<endpoint> own_listeners);

  /// Empty when allowed; else why not, for the attempt's record: "10.1.2.3 is a private address (10.0.0.0/8)".
  std::string refusal(const std::array<std::uint8_t, 16>& address, std::uint16_t port) const;

  /// The same of what a URL names, before it is resolved.
  std::string refusal(std::string_view host, std::uint16_t port) const;

private:
  const rule* closest(const std::array<std::uint8_t, 16>& address, std::uint16_t port) const noexcept;

  std::vector<rule> rules_;
  std::vector<endpoint> own_;
};

} // namespace hourglass::http
