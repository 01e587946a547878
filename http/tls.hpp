#pragma once

// Internal to http/.

#include "http/client.hpp"
#include "http/io.hpp"
#include "http/server.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace hourglass::http {

using tls_context = std::shared_ptr<net::ssl::context>;

/// TLS 1.2 and later, with this certificate.
tl::expected<tls_context, std::string> server_tls(const tls_files& files);

/// TLS 1.2 and later, as `who`, trusting the authorities that it names; if it names none, the system's and those of `ca_file`.
/// Who names no authorities trusts whom `common` trusts, if there is one: to read the system's again takes long.
tl::expected<tls_context, std::string> client_tls(const client_options& options, const tls_identity& who, const tls_context& common = nullptr);

/// Sets SNI and whose certificate is expected. `host` may be an address. False when OpenSSL refuses.
bool expect_host(SSL* session, const std::string& host, bool verify);

/// SHA-256 of its SubjectPublicKeyInfo.
std::optional<key_hash> pin_of(X509* certificate);

/// After a handshake: one of the certificates that vouch for the other side, or its own, has one of these keys.
bool is_pinned(SSL* session, const std::vector<key_hash>& pins);

/// When the other side's certificate ends, in Unix seconds; 0 when it showed none, or one that does not say.
std::int64_t expiry_of_peer(SSL* session);

/// Why a handshake failed, from the verification's point of view if that was it.
std::string handshake_failure(SSL* session, const error_code& ec);

} // namespace hourglass::http
