#pragma once

#include "events/ids.hpp"
#include "events/outcome.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::events {

/// Encrypts what the log must keep but nobody who reads the log may see: AES-256-GCM under a key of the node.
///
/// Format
///   sealed := `sealed.1.` key_id `.` base64(nonce: 12 bytes, ciphertext, tag: 16 bytes)
///   key_id := first 8 hex digits of SHA-256(label, key), so that keys can rotate and a wrong one is told by name
///   `context` is authenticated with it: what was sealed for one thing does not open for another.
/// Determinism
///   The nonce is HMAC(key, chance, ordinal, context, plain): the same arguments give the same text, and no two plain texts share a nonce.
/// Threads
///   Immutable; any thread.
class vault {
public:
  using key = std::array<std::uint8_t, 32>;

  /// The first key seals, every one opens. At least one.
  explicit vault(std::vector<key> keys);

  /// Keys as text: base64 of 32 bytes each, separated by commas or white space. Fails with `errc::invalid`; never says a key.
  static outcome<vault> parse(std::string_view keys);

  std::string seal(std::string_view plain, std::string_view context, const entropy& chance, std::uint32_t ordinal = 0) const;

  /// Fails with `errc::corrupt`: no sealed text, its key is not here (the detail names the id), or it does not authenticate.
  outcome<std::string> open(std::string_view sealed, std::string_view context) const;

  /// What only who has the first key can make of a text: 32 bytes. `purpose` keeps those of one use from another.
  std::string tag(std::string_view text, std::string_view purpose) const;
  /// Whether `tag` was made of `text` with one of the keys, in a time that says nothing about it.
  bool is_tag(std::string_view tag, std::string_view text, std::string_view purpose) const;

  /// Id of the key that seals.
  const std::string& active() const noexcept { return entries_.front().id; }
  /// Ids of all, the active one first, separated by commas.
  std::string ids() const;

  static std::string id_of(const key& k);
  /// Id of the key of a sealed text; nothing when it is none.
  static std::optional<std::string_view> key_id_of(std::string_view sealed) noexcept;

private:
  struct entry {
    std::string id;
    vault::key key;
  };
  std::vector<entry> entries_;
};

} // namespace hourglass::events
