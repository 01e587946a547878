#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

/// Ed25519 (RFC 8032), as far as webhooks need it. OpenSSL does the arithmetic.
namespace hourglass::webhook {

using ed25519_seed = std::array<std::uint8_t, 32>;
using ed25519_public = std::array<std::uint8_t, 32>;
using ed25519_signature = std::array<std::uint8_t, 64>;

/// A private key, expanded once: making it costs about as much as a signature, so keep it. Any thread; copies share it.
class ed25519_key {
public:
  static ed25519_key of(const ed25519_seed& seed);

  ed25519_public public_key() const;
  ed25519_signature sign(std::string_view message) const;

private:
  explicit ed25519_key(std::shared_ptr<void> key) : key_(std::move(key)) {}
  std::shared_ptr<void> key_; // EVP_PKEY
};

/// False also for a `key` or `signature` that is not one. In constant time as far as OpenSSL's is.
bool ed25519_verify(const ed25519_public& key, std::string_view message, const ed25519_signature& signature);

} // namespace hourglass::webhook
