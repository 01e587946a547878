#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace hourglass::events {

/// Replaces secrets before they reach the log, by `[redacted:<12 hex digits>]`: a token that is the HMAC of the value under
/// the node's key, so that equal values stay equal and nobody can turn one back.
///
/// Threads: immutable after construction; any thread.
class redactor {
public:
  explicit redactor(std::array<std::uint8_t, 32> key);

  std::string token(std::string_view value) const;

  /// True for headers whose value is a credential: authorization, cookie, set-cookie, proxy-authorization, and names that
  /// contain api-key, token, secret or password. Case does not matter.
  static bool is_sensitive_header(std::string_view name) noexcept;

  /// The value to store for a header. `Authorization: Bearer x` keeps its scheme: `Bearer [redacted:…]`.
  std::string header(std::string_view name, std::string_view value) const;

  /// The body to store: in JSON and form bodies the values of sensitive members (password, secret, token, api_key, card number,
  /// cvc, ssn, iban, …) become tokens, at any depth; the rest keeps its bytes. A body without any sensitive name is returned as it is,
  /// after one cheap scan; so is one that does not parse.
  std::string body(std::string_view content_type, std::string_view bytes) const;

  /// A request target with sensitive query values replaced.
  std::string target(std::string_view target) const;

private:
  std::array<std::uint8_t, 32> key_;
};

} // namespace hourglass::events
