#include "http/transport.hpp"

#include <memory>
#include <string_view>

#include <openssl/evp.h>

namespace hourglass::http {

namespace {

/// SHA-256 of texts, each with its length before it.
class digest {
public:
  digest() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) { EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr); }

  digest& add(std::string_view text) {
    const std::uint64_t size = text.size();
    EVP_DigestUpdate(context_.get(), &size, sizeof size);
    EVP_DigestUpdate(context_.get(), text.data(), text.size());
    return *this;
  }
  std::string done() {
    std::string out(32, '\0');
    EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(out.data()), nullptr);
    return out;
  }

private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

std::string key_of(const tls_identity& tls) {
  if (tls.empty())
    return {};
  digest d;
  d.add(tls.authorities).add(tls.certificate).add(tls.key);
  for (const auto& pin : tls.pins)
    d.add({reinterpret_cast<const char*>(pin.data()), pin.size()});
  return d.done();
}

} // namespace

transport::transport(tls_identity tls, std::optional<proxy> through, bool direct)
    : tls_(std::move(tls)), through_(std::move(through)), direct_(direct), tls_key_(key_of(tls_)) {
  digest d;
  d.add(tls_key_).add(direct_ ? "direct" : "");
  if (through_)
    d.add(through_->speaks == proxy::kind::socks5 ? "socks5" : "connect")
        .add(through_->host)
        .add(std::to_string(through_->port))
        .add(through_->username)
        .add(through_->password)
        .add(through_->guarded ? "guarded" : "")
        .add(through_->secure ? "tls" : "");
  key_ = d.done();
}

} // namespace hourglass::http
