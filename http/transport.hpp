#pragma once

#include "http/pem.hpp"
#include "http/proxy.hpp"

#include <optional>
#include <string>
#include <vector>

namespace hourglass::http {

/// Who we are in TLS, and whom we trust. All empty: nobody in particular, and the authorities of the client's options.
struct tls_identity {
  std::string authorities;    ///< PEM; if there are any, these are trusted and no others
  std::string certificate;    ///< PEM: ours, and those that lead from it to an authority
  std::string key;            ///< PEM, of that certificate
  std::vector<key_hash> pins; ///< if there are any, the receiver's certificate or one above it has one of these, besides all that is checked anyway

  bool empty() const noexcept { return authorities.empty() && certificate.empty() && pins.empty(); }
};

/// How exchanges travel that are not like all others. Connections are kept apart by it, and by owner: what was opened under one identity never
/// carries what belongs to another.
///
/// Threads: immutable after construction; any thread.
class transport {
public:
  /// @param through instead of the client's own proxy
  /// @param direct  through none, whatever the client has
  explicit transport(tls_identity tls, std::optional<proxy> through = std::nullopt, bool direct = false);

  const tls_identity& tls() const noexcept { return tls_; }
  const std::optional<proxy>& through() const noexcept { return through_; }
  bool direct() const noexcept { return direct_; }

  /// 32 bytes that tell it from every other.
  const std::string& key() const noexcept { return key_; }
  /// Those of its `tls` alone; empty when that is.
  const std::string& tls_key() const noexcept { return tls_key_; }

private:
  tls_identity tls_;
  std::optional<proxy> through_;
  bool direct_;
  std::string key_, tls_key_;
};

} // namespace hourglass::http
