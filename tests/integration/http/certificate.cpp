#include "tests/integration/http/certificate.hpp"

#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>

namespace hourglass::http::testing {

certificate::certificate(const std::string& name, bool expired) {
  static int count = 0;
  auto base = std::filesystem::temp_directory_path() / ("hourglass-http-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
  chain_file = base.string() + ".pem";
  key_file = base.string() + ".key";

  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{EVP_EC_gen("P-256"), &EVP_PKEY_free};
  std::unique_ptr<X509, decltype(&X509_free)> cert{X509_new(), &X509_free};
  X509_set_version(cert.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), 1 + count);
  X509_gmtime_adj(X509_getm_notBefore(cert.get()), expired ? -7'200 : -60);
  X509_gmtime_adj(X509_getm_notAfter(cert.get()), expired ? -3'600 : 3'600);
  X509_set_pubkey(cert.get(), key.get());
  auto* subject = X509_get_subject_name(cert.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
  X509_set_issuer_name(cert.get(), subject);
  unsigned char ignored[4];
  auto text = (inet_pton(AF_INET, name.c_str(), ignored) == 1 ? "IP:" : "DNS:") + name;
  auto* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, text.c_str());
  X509_add_ext(cert.get(), names, -1);
  X509_EXTENSION_free(names);
  X509_sign(cert.get(), key.get(), EVP_sha256());

  std::unique_ptr<FILE, int (*)(FILE*)> chain{std::fopen(chain_file.c_str(), "w"), &std::fclose};
  PEM_write_X509(chain.get(), cert.get());
  std::unique_ptr<FILE, int (*)(FILE*)> secret{std::fopen(key_file.c_str(), "w"), &std::fclose};
  PEM_write_PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
}

certificate::~certificate() {
  std::error_code ignored;
  std::filesystem::remove(chain_file, ignored);
  std::filesystem::remove(key_file, ignored);
}

} // namespace hourglass::http::testing
