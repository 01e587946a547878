#pragma once

#include "events/digest.hpp"
#include "events/ids.hpp"
#include "events/outcome.hpp"
#include "events/time.hpp"
#include "webhook/ed25519.hpp"

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// Standard Webhooks 1.0.0 over `{id}.{timestamp}.{body}`: scheme `v1` is HMAC-SHA256, scheme `v1a` is Ed25519.
namespace hourglass::webhook {

/// What kind of secret a key is, and so how it signs.
enum class key_kind : std::uint8_t {
  hmac,    ///< `whsec_…`: `v1`
  ed25519, ///< `whsk_…`, with `whpk_…` for receivers: `v1a`
  text,    ///< of senders that are imitated: the text itself is the HMAC key
};
/// `hmac256`, `ed25519` (Svix's names of them), `text`.
std::string_view to_string(key_kind k) noexcept;

/// A signing key, decoded once. Copies are cheap (no allocation). One made by default is none: it signs nothing.
class signing_key {
public:
  static constexpr std::size_t text_min = 8, text_max = 128;

  /// Reads `whsec_<base64>` or bare base64 of 24 to 75 raw bytes, or `whsk_<base64>` of 64 bytes: seed, then public key.
  /// Fails with `errc::invalid` and says why.
  static events::outcome<signing_key> parse(std::string_view text);

  /// Any 8 to 128 printable ASCII characters, used as they stand.
  static events::outcome<signing_key> parse_text(std::string_view text);

  /// Derived from `chance` (SHA-256 under a label of its own, so that ids made of the same chance say nothing about it).
  static signing_key generate(const events::entropy& chance, key_kind kind = key_kind::hmac);

  /// What the sender keeps: what `parse`, or for a text `parse_text`, reads.
  std::string to_string() const;
  /// What a receiver needs to verify: `whpk_…` of an Ed25519 key, else `to_string`.
  std::string for_receiver() const;

  /// `to_string`, with `text:` before a text, so that it reads back without being told the kind.
  std::string to_storage() const;
  static events::outcome<signing_key> from_storage(std::string_view text);

  key_kind kind() const noexcept { return kind_; }
  bool empty() const noexcept { return size_ == 0; }
  std::string_view bytes() const noexcept { return {raw_.data(), size_}; }
  /// Of an Ed25519 key only.
  const ed25519_key& asymmetric() const { return *asymmetric_; }

  bool operator==(const signing_key& other) const noexcept { return kind_ == other.kind_ && bytes() == other.bytes(); }

private:
  static signing_key of(key_kind kind, std::string_view raw);

  std::array<char, text_max> raw_{};
  std::uint8_t size_ = 0;
  key_kind kind_ = key_kind::hmac;
  std::optional<ed25519_key> asymmetric_;
};

/// What a receiver verifies with: a symmetric secret, or the public half of an asymmetric one.
class verifying_key {
public:
  /// `whsec_…`, bare base64, `whpk_…` (32 bytes), or `whsk_…`, of which only the public half is kept.
  static events::outcome<verifying_key> parse(std::string_view text);
  verifying_key(const signing_key& key); // NOLINT: whoever can sign can verify

  key_kind kind() const noexcept { return public_ ? key_kind::ed25519 : symmetric_.kind(); }
  const signing_key& symmetric() const noexcept { return symmetric_; }
  const std::optional<ed25519_public>& asymmetric() const noexcept { return public_; }

private:
  explicit verifying_key(const ed25519_public& key) : public_(key) {}
  signing_key symmetric_;
  std::optional<ed25519_public> public_;
};

/// HMAC-SHA256 of the parts, one after the other, under a key of any length. Allocates nothing.
events::hash mac(std::string_view key, std::initializer_list<std::string_view> parts);

/// The value of `webhook-signature`: one `v1,<base64>` or `v1a,<base64>` a key, separated by spaces, in the order of `keys`; those that are
/// none or a text are left out. `timestamp` is Unix seconds of the attempt.
std::string sign(std::span<const signing_key> keys, std::string_view id, std::int64_t timestamp, std::string_view body);

/// Entries of a signature header that are looked at; what follows them is not.
inline constexpr std::size_t most_signatures = 64;

/// Whether one entry of the list (`v1,…`) is this key's over these bytes.
bool holds(const verifying_key& key, std::string_view entry, std::string_view id, std::string_view timestamp, std::string_view body);

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

/// `ok`, `bad_timestamp`, `too_old` or `too_new`.
verdict check_timestamp(std::string_view timestamp, std::int64_t now, std::int64_t tolerance_seconds) noexcept;

/// What a receiver does: `now` and `tolerance` are arguments; comparison in constant time. Why in detail: `webhook/diagnosis.hpp`.
verdict verify(const verifying_key& key, std::string_view id, std::string_view timestamp, std::string_view signatures,
               std::string_view body, std::int64_t now, std::int64_t tolerance_seconds = 300);

} // namespace hourglass::webhook
