#include "http/tls.hpp"

#include "http/pem.hpp"

#include <algorithm>
#include <ctime>
#include <memory>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace hourglass::http {

namespace {

tls_context modern(net::ssl::context::method method) {
  auto context = std::make_shared<net::ssl::context>(method);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context->native_handle(), SSL_MODE_RELEASE_BUFFERS); // an idle session keeps 2 KB instead of 34
  return context;
}

bool is_address(const std::string& host) {
  unsigned char ignored[16];
  return inet_pton(AF_INET, host.c_str(), ignored) == 1 || inet_pton(AF_INET6, host.c_str(), ignored) == 1;
}

} // namespace

tl::expected<tls_context, std::string> server_tls(const tls_files& files) {
  auto context = modern(net::ssl::context::tls_server);
  error_code ec;
  context->use_certificate_chain_file(files.certificate_chain, ec);
  if (ec)
    return tl::unexpected<std::string>{"the certificate chain " + files.certificate_chain + " cannot be read: " + ec.message()};
  context->use_private_key_file(files.private_key, net::ssl::context::pem, ec);
  if (ec)
    return tl::unexpected<std::string>{"the private key " + files.private_key + " cannot be read or does not fit: " + ec.message()};
  return context;
}

namespace {

net::const_buffer buffer_of(const std::string& text) { return {text.data(), text.size()}; }

/// Empty when the context trusts whom it should.
std::string trust(net::ssl::context& context, const client_options& options, const tls_identity& who, const tls_context& common) {
  error_code ec;
  if (!who.authorities.empty()) {
    context.add_certificate_authority(buffer_of(who.authorities), ec);
    // Whoever is named is trusted, be it a root, one below it, or the receiver itself.
    X509_STORE_set_flags(SSL_CTX_get_cert_store(context.native_handle()), X509_V_FLAG_PARTIAL_CHAIN);
    return ec ? "the authorities cannot be used: " + ec.message() : std::string{};
  }
  if (common) {
    SSL_CTX_set1_cert_store(context.native_handle(), SSL_CTX_get_cert_store(common->native_handle()));
    return {};
  }
  context.set_default_verify_paths(ec); // an image without authorities still speaks plain HTTP
  if (!options.ca_file.empty()) {
    context.load_verify_file(options.ca_file, ec);
    if (ec)
      return "the authorities in " + options.ca_file + " cannot be read: " + ec.message();
  }
  return {};
}

/// Empty when we can say who we are.
std::string identify(net::ssl::context& context, const tls_identity& who) {
  if (who.certificate.empty())
    return {};
  error_code ec;
  context.use_certificate_chain(buffer_of(who.certificate), ec);
  if (!ec)
    context.use_private_key(buffer_of(who.key), net::ssl::context::pem, ec);
  return ec ? "the client certificate cannot be used: " + ec.message() : std::string{};
}

} // namespace

tl::expected<tls_context, std::string> client_tls(const client_options& options, const tls_identity& who, const tls_context& common) {
  auto context = modern(net::ssl::context::tls_client);
  auto problem = trust(*context, options, who, common);
  if (problem.empty())
    problem = identify(*context, who);
  ERR_clear_error();
  if (!problem.empty())
    return tl::unexpected<std::string>{std::move(problem)};
  error_code ec;
  context->set_verify_mode(options.verify_tls ? net::ssl::verify_peer : net::ssl::verify_none, ec);
  return context;
}

bool expect_host(SSL* session, const std::string& host, bool verify) {
  auto name = host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
  bool address = is_address(name);
  if (!address && SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) != 1) // the macro is an old-style cast
    return false;
  if (!verify)
    return true;
  auto* parameters = SSL_get0_param(session);
  X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return address ? X509_VERIFY_PARAM_set1_ip_asc(parameters, name.c_str()) == 1
                 : X509_VERIFY_PARAM_set1_host(parameters, name.c_str(), name.size()) == 1;
}

bool is_pinned(SSL* session, const std::vector<key_hash>& pins) {
  auto fits = [&pins](X509* certificate) {
    const auto pin = certificate != nullptr ? pin_of(certificate) : std::nullopt;
    return pin && std::find(pins.begin(), pins.end(), *pin) != pins.end();
  };
  if (fits(SSL_get0_peer_certificate(session)))
    return true;
  const auto* chain = SSL_get0_verified_chain(session); // not what it sent: that may be anything
  if (chain == nullptr || SSL_get_verify_result(session) != X509_V_OK)
    return false;
  for (int i = 0; i < sk_X509_num(chain); ++i)
    if (fits(sk_X509_value(chain, i)))
      return true;
  return false;
}

std::int64_t expiry_of_peer(SSL* session) {
  const std::unique_ptr<X509, decltype(&X509_free)> shown{SSL_get1_peer_certificate(session), &X509_free};
  std::tm at{};
  if (!shown || ASN1_TIME_to_tm(X509_get0_notAfter(shown.get()), &at) != 1)
    return 0;
  return static_cast<std::int64_t>(timegm(&at));
}

std::string handshake_failure(SSL* session, const error_code& ec) {
  auto verified = SSL_get_verify_result(session);
  if (verified != X509_V_OK)
    return std::string{"the certificate was not accepted: "} + X509_verify_cert_error_string(verified);
  return "the TLS handshake failed: " + ec.message();
}

} // namespace hourglass::http
