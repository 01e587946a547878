#include "http/pem.hpp"

#include "http/tls.hpp"

#include <algorithm>
#include <ctime>
#include <memory>
#include <optional>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

namespace hourglass::http {

namespace {

template <auto Free>
struct freed {
  template <class T>
  void operator()(T* it) const {
    Free(it);
  }
};
void free_bytes(void* it) { OPENSSL_free(it); }

using bio_ptr = std::unique_ptr<BIO, freed<BIO_free>>;
using certificate_ptr = std::unique_ptr<X509, freed<X509_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, freed<EVP_PKEY_free>>;
template <class T>
using bytes_ptr = std::unique_ptr<T, freed<free_bytes>>;

constexpr std::size_t subject_bytes = 256;
constexpr std::string_view pin_prefix = "sha256/";
constexpr std::size_t pin_text_bytes = pin_prefix.size() + 44;

tl::unexpected<std::string> wrong(std::string why) {
  ERR_clear_error();
  return tl::unexpected<std::string>{std::move(why)};
}

bio_ptr reading(std::string_view text) { return bio_ptr{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))}; }

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_ctrl(bio, BIO_CTRL_INFO, 0, &data); // what BIO_get_mem_data does, without its cast
  return size > 0 ? std::string{data, static_cast<std::size_t>(size)} : std::string{};
}

struct block {
  std::string name;
  bool encrypted = false;
  bytes_ptr<unsigned char> data;
  long size = 0;
};

/// One PEM block after the other. `more` is false at the end; `bad` when that is no end but something that does not parse.
class block_reader {
public:
  explicit block_reader(std::string_view text) : bio_(reading(text)) {}

  std::optional<block> next() {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    block out;
    ERR_clear_error();
    const bool found = bio_ && PEM_read_bio(bio_.get(), &name, &header, &data, &out.size) == 1;
    bytes_ptr<char> name_owner{name}, header_owner{header};
    out.data.reset(data);
    if (!found) {
      bad_ = !bio_ || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
      ERR_clear_error();
      return std::nullopt;
    }
    out.name = name;
    out.encrypted = out.name == "ENCRYPTED PRIVATE KEY" || std::string_view{header}.find("ENCRYPTED") != std::string_view::npos;
    return out;
  }
  bool bad() const noexcept { return bad_; }

private:
  bio_ptr bio_;
  bool bad_ = false;
};

std::optional<std::int64_t> seconds_of(const ASN1_TIME* time) {
  std::tm utc{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &utc) != 1)
    return std::nullopt;
  return static_cast<std::int64_t>(timegm(&utc));
}

std::optional<certificate_facts> facts_of(X509* certificate) {
  const auto from = seconds_of(X509_get0_notBefore(certificate)), to = seconds_of(X509_get0_notAfter(certificate));
  const auto pin = pin_of(certificate);
  bio_ptr pem{BIO_new(BIO_s_mem())}, subject{BIO_new(BIO_s_mem())};
  if (!from || !to || !pin || !pem || !subject || PEM_write_bio_X509(pem.get(), certificate) != 1 ||
      X509_NAME_print_ex(subject.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) < 0)
    return std::nullopt;
  return certificate_facts{text_of(pem.get()), text_of(subject.get()).substr(0, subject_bytes), *from, *to, *pin};
}

/// Empty when such a key may be used.
std::string refusal(EVP_PKEY* key) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA: {
      const auto bits = EVP_PKEY_get_bits(key);
      return bits >= 2'048 && bits <= 4'096 ? std::string{} : "is an RSA key of " + std::to_string(bits) + " bits: 2048 to 4096 are taken";
    }
    case EVP_PKEY_EC: {
      char name[32] = "";
      std::size_t size = 0;
      EVP_PKEY_get_group_name(key, name, sizeof name, &size);
      const std::string_view curve{name};
      return curve == "prime256v1" || curve == "secp384r1" || curve == "secp521r1" ? std::string{}
                                                                                  : "is an EC key on another curve than P-256, P-384 or P-521";
    }
    case EVP_PKEY_ED25519:
      return {};
    default:
      return "is no RSA, EC or Ed25519 key";
  }
}

key_ptr parse_key(const block& b) {
  const unsigned char* at = b.data.get();
  key_ptr key{d2i_AutoPrivateKey(nullptr, &at, b.size)};
  return at == b.data.get() + b.size ? std::move(key) : nullptr;
}

} // namespace

std::optional<key_hash> pin_of(X509* certificate) {
  unsigned char* data = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &data);
  bytes_ptr<unsigned char> owner{data};
  key_hash out{};
  if (size <= 0 || EVP_Digest(data, static_cast<std::size_t>(size), out.data(), nullptr, EVP_sha256(), nullptr) != 1)
    return std::nullopt;
  return out;
}

tl::expected<std::vector<certificate_facts>, std::string> read_certificates(std::string_view text, std::size_t most) {
  std::vector<certificate_facts> out;
  block_reader blocks{text};
  while (auto b = blocks.next()) {
    if (b->name.find("PRIVATE KEY") != std::string::npos)
      return wrong("has a private key in it: certificates are shown to whoever reads the endpoint");
    if (b->name != "CERTIFICATE" && b->name != "X509 CERTIFICATE")
      return wrong("has something in it that is no certificate");
    if (out.size() == most)
      return wrong("has more than " + std::to_string(most) + " certificates");
    const unsigned char* at = b->data.get();
    certificate_ptr certificate{d2i_X509(nullptr, &at, b->size)};
    auto facts = certificate && at == b->data.get() + b->size ? facts_of(certificate.get()) : std::nullopt;
    if (!facts)
      return wrong("has a certificate that does not parse: number " + std::to_string(out.size() + 1));
    out.push_back(std::move(*facts));
  }
  if (blocks.bad())
    return wrong("is not PEM after certificate " + std::to_string(out.size()));
  if (out.empty())
    return wrong("has no certificate in PEM form (-----BEGIN CERTIFICATE-----)");
  ERR_clear_error();
  return out;
}

tl::expected<std::string, std::string> read_private_key(std::string_view text) {
  key_ptr found;
  block_reader blocks{text};
  while (auto b = blocks.next()) {
    if (b->name == "EC PARAMETERS") // stands before such a key, and again inside it
      continue;
    if (b->encrypted)
      return wrong("is encrypted: give it without a passphrase");
    if (!b->name.ends_with("PRIVATE KEY"))
      return wrong("has something in it that is no private key");
    if (found)
      return wrong("has more than one key");
    found = parse_key(*b);
    if (!found)
      return wrong("has a key that does not parse");
  }
  if (blocks.bad())
    return wrong("is not PEM");
  if (!found)
    return wrong("has no private key in PEM form (-----BEGIN PRIVATE KEY-----)");
  if (auto why = refusal(found.get()); !why.empty())
    return wrong(std::move(why));
  bio_ptr pem{BIO_new(BIO_s_mem())};
  if (!pem || PEM_write_bio_PKCS8PrivateKey(pem.get(), found.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return wrong("has a key that cannot be written as PKCS#8");
  auto out = text_of(pem.get());
  ERR_clear_error();
  return out;
}

bool is_key_of(std::string_view key, std::string_view certificates) {
  block_reader key_blocks{key}, certificate_blocks{certificates};
  auto key_block = key_blocks.next(), certificate_block = certificate_blocks.next();
  if (!key_block || !certificate_block)
    return false;
  auto private_key = parse_key(*key_block);
  const unsigned char* at = certificate_block->data.get();
  certificate_ptr certificate{d2i_X509(nullptr, &at, certificate_block->size)};
  const bool fits = private_key && certificate && EVP_PKEY_eq(X509_get0_pubkey(certificate.get()), private_key.get()) == 1;
  ERR_clear_error();
  return fits;
}

tl::expected<key_hash, std::string> parse_pin(std::string_view text) {
  // 32 bytes are 43 characters and one `=`; the last two bits of the 43rd are none of them.
  unsigned char bytes[33];
  if (text.size() != pin_text_bytes || !text.starts_with(pin_prefix) || !text.ends_with('=') || text.ends_with("==") ||
      EVP_DecodeBlock(bytes, reinterpret_cast<const unsigned char*>(text.data() + pin_prefix.size()), 44) != 33)
    return wrong("must be sha256/ and the base64 of 32 bytes");
  key_hash out{};
  std::copy_n(bytes, out.size(), out.begin());
  if (to_pin_text(out) != text)
    return wrong("must be sha256/ and the base64 of 32 bytes");
  return out;
}

std::string to_pin_text(const key_hash& pin) {
  unsigned char text[45];
  EVP_EncodeBlock(text, pin.data(), static_cast<int>(pin.size()));
  return std::string{pin_prefix} + reinterpret_cast<const char*>(text);
}

} // namespace hourglass::http
