#pragma once

#include "events/envelope.hpp"

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

namespace hourglass::events {

/// SHA-256 of the concatenated parts. Any thread; never fails (a library that cannot hash ends the process).
hash sha256(std::initializer_list<std::string_view> parts);

/// HMAC-SHA-256 (RFC 2104) with a key of at most 64 bytes.
hash hmac_sha256(std::span<const std::uint8_t> key, std::string_view data);

/// CRC-32C (Castagnoli), by the processor's instruction where it has one.
std::uint32_t crc32c(std::string_view data) noexcept;

/// The same by table; what `crc32c` must always agree with.
std::uint32_t crc32c_by_table(std::string_view data) noexcept;

inline std::string_view as_text(const hash& h) noexcept {
  return {reinterpret_cast<const char*>(h.data()), h.size()};
}

} // namespace hourglass::events
