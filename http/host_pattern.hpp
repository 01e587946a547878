#pragma once

#include "http/cidr.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hourglass::http {

/// Whom an operator means: `*`, a host (with all below it; a leading dot or `*.` changes nothing), an address or a network (`10.0.0.0/8`), each with `:port` if
/// it is for that alone. With a port an IPv6 address or network stands in brackets.
struct host_pattern {
  std::string name;            ///< lower case; `*`: every one; empty: `network`
  std::optional<cidr> network;
  std::uint16_t port = 0;      ///< 0: any
  std::string text;            ///< as it was given

  /// Fails with a sentence.
  static tl::expected<host_pattern, std::string> parse(std::string_view text);

  /// By the name that it has in a URL.
  bool covers(std::string_view host, std::uint16_t at) const noexcept;
  bool covers(const std::array<std::uint8_t, 16>& address, std::uint16_t at) const noexcept;
  /// Of two that cover something, the one that is closer; one with a port is closer than the same without.
  bool is_closer_than(const host_pattern& other) const noexcept;
};

/// Takes `:port` off the end, if one is there; else 0. Of an IPv6 address only brackets say where it ends.
std::uint16_t take_port(std::string_view& text);

} // namespace hourglass::http
