#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

/// Certificates and keys as people give them: PEM (RFC 7468). Pure; any thread. What fails, fails with a sentence that has nothing of the text in it.
namespace hourglass::http {

using key_hash = std::array<std::uint8_t, 32>;

struct certificate_facts {
  std::string pem;              ///< written anew: nothing that stood beside the certificate is in it
  std::string subject;          ///< RFC 2253, at most 256 bytes
  std::int64_t not_before = 0;  ///< Unix seconds
  std::int64_t not_after = 0;
  key_hash pin{};               ///< SHA-256 of its SubjectPublicKeyInfo (RFC 7469 §2.4)
};

/// All certificates of `text`, in their order; words around them are skipped. Fails when there is none or more than `most`, one does not parse, or
/// something else stands between: a private key above all, since certificates are shown.
tl::expected<std::vector<certificate_facts>, std::string> read_certificates(std::string_view text, std::size_t most);

/// The one private key of `text` as PKCS#8 PEM. RSA of 2,048 to 4,096 bits, EC on P-256, P-384 or P-521, and Ed25519 are taken: every handshake signs
/// with it, on a thread that others share. An encrypted one is refused; nobody is asked for a passphrase.
tl::expected<std::string, std::string> read_private_key(std::string_view text);

/// Whether `key` (as `read_private_key` gives it) is the key of the first certificate in `certificates`.
bool is_key_of(std::string_view key, std::string_view certificates);

/// `sha256/` and base64 of 32 bytes, as curl and RFC 7469 write it. Fails with a sentence.
tl::expected<key_hash, std::string> parse_pin(std::string_view text);
std::string to_pin_text(const key_hash& pin);

} // namespace hourglass::http
