#pragma once

// Internal to http/.

#include "http/client.hpp"
#include "http/io.hpp"
#include "http/server.hpp"

#include <memory>
#include <string>

#include <tl/expected.hpp>

namespace hourglass::http {

using tls_context = std::shared_ptr<net::ssl::context>;

/// TLS 1.2 and later, with this certificate.
tl::expected<tls_context, std::string> server_tls(const tls_files& files);

/// TLS 1.2 and later, trusting the system's authorities and those of `ca_file`.
tl::expected<tls_context, std::string> client_tls(const client_options& options);

/// Sets SNI and whose certificate is expected. `host` may be an address. False when OpenSSL refuses.
bool expect_host(SSL* session, const std::string& host, bool verify);

/// Why a handshake failed, from the verification's point of view if that was it.
std::string handshake_failure(SSL* session, const error_code& ec);

} // namespace hourglass::http
