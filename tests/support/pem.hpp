#pragma once

#include <memory>
#include <string>

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

namespace hourglass::testing {

/// A key and a certificate for it, as PEM.
struct identity {
  std::string certificate, key;
};

namespace detail {

using key_ptr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using certificate_ptr = std::unique_ptr<X509, decltype(&X509_free)>;

template <class Write>
std::string pem_of(Write write) {
  std::unique_ptr<BIO, decltype(&BIO_free)> bio{BIO_new(BIO_s_mem()), &BIO_free};
  write(bio.get());
  char* data = nullptr;
  const auto size = BIO_ctrl(bio.get(), BIO_CTRL_INFO, 0, &data);
  return {data, static_cast<std::size_t>(size)};
}

inline key_ptr key_from(const std::string& pem) {
  std::unique_ptr<BIO, decltype(&BIO_free)> bio{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free};
  return {PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free};
}

inline certificate_ptr certificate_from(const std::string& pem) {
  std::unique_ptr<BIO, decltype(&BIO_free)> bio{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free};
  return {PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), &X509_free};
}

inline void extend(X509* of, int what, const std::string& text) {
  auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, what, text.c_str());
  X509_add_ext(of, extension, -1);
  X509_EXTENSION_free(extension);
}

} // namespace detail

struct identity_options {
  bool expired = false;
  bool authority = false;            ///< may sign others
  const identity* issuer = nullptr;  ///< null: signed by itself
  EVP_PKEY* key = nullptr;           ///< taken over; null: a fresh one on P-256
};

/// A certificate for `name` (a DNS name or an IPv4 address), valid for an hour or already expired.
inline identity make_identity(const std::string& name, identity_options how = {}) {
  static long count = 0;
  detail::key_ptr key{how.key != nullptr ? how.key : EVP_EC_gen("P-256"), &EVP_PKEY_free};
  detail::certificate_ptr made{X509_new(), &X509_free};
  X509_set_version(made.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++count);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), how.expired ? -7'200 : -60);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), how.expired ? -3'600 : 3'600);
  X509_set_pubkey(made.get(), key.get());
  auto* subject = X509_get_subject_name(made.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  detail::key_ptr issuer_key{nullptr, &EVP_PKEY_free};
  if (how.issuer != nullptr) {
    issuer_key = detail::key_from(how.issuer->key);
    X509_set_issuer_name(made.get(), X509_get_subject_name(detail::certificate_from(how.issuer->certificate).get()));
  } else {
    X509_set_issuer_name(made.get(), subject);
  }
  unsigned char ignored[4];
  detail::extend(made.get(), NID_subject_alt_name, (inet_pton(AF_INET, name.c_str(), ignored) == 1 ? "IP:" : "DNS:") + name);
  if (how.authority)
    detail::extend(made.get(), NID_basic_constraints, "critical,CA:TRUE");
  auto* signer = issuer_key ? issuer_key.get() : key.get();
  X509_sign(made.get(), signer, EVP_PKEY_get_base_id(signer) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256());
  return {detail::pem_of([&](BIO* out) { PEM_write_bio_X509(out, made.get()); }),
          detail::pem_of([&](BIO* out) { PEM_write_bio_PKCS8PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr); })};
}

} // namespace hourglass::testing
