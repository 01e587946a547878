#pragma once

#include "events/redact_echo.hpp"

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
  /// With `seen`, everything that is replaced is noted there; so below.
  std::string header(std::string_view name, std::string_view value, redact_echo* seen = nullptr) const;

  /// The body to store: in JSON and form bodies the values of sensitive members (password, secret, token, api_key, card number,
  /// cvc, ssn, iban, …) become tokens, at any depth, and so does what is the number of a card below a name with `card` in it; the rest keeps its bytes. A body without any sensitive name is returned as it is,
  /// after one cheap scan; so is one that does not parse.
  std::string body(std::string_view content_type, std::string_view bytes, redact_echo* seen = nullptr) const;

  /// A request target with sensitive query values replaced.
  std::string target(std::string_view target, redact_echo* seen = nullptr) const;

  /// `again` with the tokens of `recorded` put where `again` has, at the same place, a text that the token stands for. A replay's request
  /// holds tokens only, so what an answer had from elsewhere (data, a definition) and was a secret of the request as well is known by this alone.
  std::string as_in(std::string_view recorded, std::string_view again) const;

private:
  std::string form(std::string_view text, redact_echo* seen) const;
  std::string noted(std::string_view value, redact_echo* seen, bool number = false) const;
  void note_password(std::string_view scheme, std::string_view credentials, redact_echo& seen) const;

  std::array<std::uint8_t, 32> key_;
};

} // namespace hourglass::events
