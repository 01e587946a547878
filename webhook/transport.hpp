#pragma once

#include "events/outcome.hpp"
#include "http/transport.hpp"
#include "webhook/token.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

/// How a destination is reached: in TLS as whom and trusting whom, with what credentials, through which proxy. Given as JSON, read strictly; secrets are
/// never shown again.
namespace hourglass::webhook {

/// A text that is kept secret.
struct hidden_text {
  std::string value;       ///< empty in a state that was folded without the node's vault (`unlock`)
  std::string sealed = {}; ///< as it stands in the log and in snapshots; empty: written in plain, without a vault
  bool given() const noexcept { return !value.empty() || !sealed.empty(); }
  bool operator==(const hidden_text&) const = default;
};

// Each `compile` fails with `errc::invalid` or `errc::too_large`, `where` a JSON Pointer that begins with `at`. That what is given fits together is for
// `validate`: what is left out may be there already.

/// tls := {"ca": PEM, "certificate": PEM, "key": PEM, "pins": ["sha256/" base64…]}
///
/// All optional. ca: at most 50 certificates, and then these are trusted and no others. certificate: ours, and what leads from it to its authority,
/// at most 10; key: its private key, as `http::read_private_key` takes it. pins: at most 10; one of the receiver's accepted certificates has one of
/// these keys. Certificates are kept as they are written anew, without what stood beside them. An expired one is taken: the receiver judges it.
struct tls_settings {
  std::string authorities, certificate;
  hidden_text key;
  std::vector<http::key_hash> pins;

  static events::outcome<tls_settings> compile(const nlohmann::json& from, const std::string& at = "/tls");
  bool empty() const noexcept { return authorities.empty() && certificate.empty() && !key.given() && pins.empty(); }
  bool operator==(const tls_settings&) const = default;
};

struct basic_credentials {
  std::string username; ///< without a colon
  hidden_text password;
  bool operator==(const basic_credentials&) const = default;
};

/// OAuth 2.0 client credentials (RFC 6749 §4.4).
struct oauth2_client {
  std::string token_url, client_id;
  hidden_text client_secret; ///< or, in its place:
  bool by_assertion = false;
  hidden_text assertion_key; ///< PKCS#8 PEM: the client proves itself with a JWT that this signs (`private_key_jwt`, RFC 7523)
  std::string assertion_key_id, assertion_audience; ///< its `kid`, and its `aud`; empty: none, and the token URL
  std::string scope, audience;
  bool in_body = false;    ///< id and secret go in the form, not in the Authorization header
  std::string authorities; ///< PEM, trusted for `token_url` and no others; empty: those of all others
  bool operator==(const oauth2_client&) const = default;
};

/// authentication := {"basic": {"username", "password"}} | {"oauth2": {"tokenUrl", "clientId", "clientSecret", "scope"?, "audience"?,
///                    "credentialsIn": "header" | "body", "ca"?: PEM, "clientAssertion"?: {"key": PEM, "keyId"?, "audience"?}}}
///
/// With clientAssertion there is no clientSecret. Its key is one that `http::read_private_key` takes; the algorithm is the key's: RS256, ES256, ES384, ES512 or EdDSA.
struct authentication {
  std::optional<basic_credentials> basic;
  std::optional<oauth2_client> oauth2;

  static events::outcome<authentication> compile(const nlohmann::json& from, const std::string& at = "/authentication");
  bool operator==(const authentication&) const = default;
};

/// proxy := "direct" | {"url": "http://host:port" | "socks5://host:port", "username"?, "password"?}
struct proxy_settings {
  std::string url; ///< empty: through none
  std::string username;
  hidden_text password;

  static events::outcome<proxy_settings> compile(const nlohmann::json& from, const std::string& at = "/proxy");
  bool direct() const noexcept { return url.empty(); }
  bool operator==(const proxy_settings&) const = default;
};

struct transport_settings {
  std::optional<tls_settings> tls;
  std::optional<webhook::authentication> authentication;
  std::optional<proxy_settings> proxy;

  bool empty() const noexcept { return !tls && !authentication && !proxy; }
  bool operator==(const transport_settings&) const = default;

  /// Calls `see(name, secret)` for each secret there may be, in an order that does not change.
  template <class Self, class See>
  static void each_secret(Self& self, See see) {
    if (self.tls)
      see("TLS key", self.tls->key);
    if (self.authentication && self.authentication->basic)
      see("password", self.authentication->basic->password);
    if (self.authentication && self.authentication->oauth2)
      see("client secret", self.authentication->oauth2->client_secret);
    if (self.authentication && self.authentication->oauth2)
      see("assertion key", self.authentication->oauth2->assertion_key);
    if (self.proxy)
      see("proxy password", self.proxy->password);
  }
};

/// What of it a request names. What it does not name stays; a secret that it leaves out stays too, where all that it belongs to is the same.
struct transport_change {
  std::optional<std::optional<tls_settings>> tls; ///< named without value: taken away
  std::optional<std::optional<webhook::authentication>> authentication;
  std::optional<std::optional<proxy_settings>> proxy;

  bool empty() const noexcept { return !tls && !authentication && !proxy; }
};

/// What an attempt needs of it. Immutable.
struct delivery_way {
  std::shared_ptr<const http::transport> receiver; ///< null: like all others
  std::string authorization;                       ///< the header's value; empty: none, or a token's
  std::shared_ptr<const token_request> tokens;     ///< null: none
};

/// The settings of a destination, with what they come to. Copies share; plain destinations have one pointer.
class transport_policy {
public:
  transport_policy() = default;
  explicit transport_policy(transport_settings s);

  bool empty() const noexcept { return content_ == nullptr; }
  const transport_settings& settings() const noexcept;
  /// Null: like all others.
  std::shared_ptr<const delivery_way> way() const noexcept;
  transport_policy with(transport_change c) const;
  /// Memory, roughly.
  std::size_t bytes() const noexcept;
  bool operator==(const transport_policy& other) const noexcept { return content_ == other.content_ || settings() == other.settings(); }

private:
  struct content {
    transport_settings settings;
    delivery_way way;
  };
  std::shared_ptr<const content> content_;
};

/// That all of it belongs together, and fits a destination at a URL of https or not, with or without an Authorization header of its own. Fails with
/// `errc::invalid`.
events::outcome<void> validate(const transport_policy& p, bool secure_url, bool own_authorization);

/// What of it will not do though it is taken, one sentence each. @param unix_seconds now
std::vector<std::string> warnings(const transport_policy& p, std::int64_t unix_seconds);

} // namespace hourglass::webhook
