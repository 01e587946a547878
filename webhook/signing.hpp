#pragma once

#include "events/ids.hpp"
#include "events/outcome.hpp"
#include "events/time.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

/// Standard Webhooks 1.0.0, scheme `v1`: HMAC-SHA256 over `{id}.{timestamp}.{body}`.
namespace hourglass::webhook {

/// A symmetric signing key, decoded once. Copies are cheap (at most 75 bytes, no allocation).
class signing_key {
public:
  /// Reads `whsec_<base64>` or bare base64, of 24 to 75 raw bytes. Fails with `errc::invalid` and says why.
  static events::outcome<signing_key> parse(std::string_view text);

  /// 24 bytes derived from `chance` (SHA-256 under a label of its own, so that ids made of the same chance say nothing about it).
  static signing_key generate(const events::entropy& chance);

  /// `whsec_` and base64; what `parse` reads.
  std::string to_string() const;

  std::string_view bytes() const noexcept;

  bool operator==(const signing_key& other) const noexcept { return bytes() == other.bytes(); }

private:
  std::array<char, 75> raw_{};
  std::uint8_t size_ = 0;
};

/// The value of `webhook-signature`: one `v1,<base64>` a key, separated by spaces, in the order of `keys`.
/// `timestamp` is Unix seconds of the attempt. Allocates only the result.
std::string sign(std::span<const signing_key> keys, std::string_view id, std::int64_t timestamp, std::string_view body);

/// Why a signature does not hold; `ok` when one of the list does.
enum class verdict : std::uint8_t {
  ok,
  missing_header, ///< id, timestamp or signature is empty
  bad_timestamp,  ///< not an integer
  too_old,
  too_new,
  no_match,
};
std::string_view to_string(verdict v) noexcept;

/// What a receiver does, for tests and `POST …/verify`: `now` and `tolerance` are arguments; comparison in constant time.
verdict verify(const signing_key& key, std::string_view id, std::string_view timestamp, std::string_view signatures,
               std::string_view body, std::int64_t now, std::int64_t tolerance_seconds = 300);

} // namespace hourglass::webhook
