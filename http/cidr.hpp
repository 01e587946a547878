#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace hourglass::http {

/// One network, `10.0.0.0/8` or `fd00::/8`.
struct cidr {
  std::array<std::uint8_t, 16> network{}; ///< IPv4 as ::ffff:a.b.c.d
  unsigned bits = 128;                    ///< of the 128
  static tl::expected<cidr, std::string> parse(std::string_view text);
  bool contains(const std::array<std::uint8_t, 16>& address) const noexcept;
};

} // namespace hourglass::http
