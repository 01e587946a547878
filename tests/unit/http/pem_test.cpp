#include "http/pem.hpp"

#include "tests/support/pem.hpp"

#include <gtest/gtest.h>

#include <ctime>

namespace {

using namespace hourglass::http;
using hourglass::testing::identity;
using hourglass::testing::make_identity;
namespace made = hourglass::testing::detail;

std::string why(const std::string& text, std::size_t most = 10) {
  auto read = read_certificates(text, most);
  EXPECT_FALSE(read);
  return read ? "" : read.error();
}
std::string why_no_key(const std::string& text) {
  auto read = read_private_key(text);
  EXPECT_FALSE(read);
  return read ? "" : read.error();
}
bool says(const std::string& sentence, std::string_view part) { return sentence.find(part) != std::string::npos; }

std::string key_pem(EVP_PKEY* key) {
  made::key_ptr owner{key, &EVP_PKEY_free};
  return made::pem_of([&](BIO* out) { PEM_write_bio_PKCS8PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr); });
}

TEST(certificates, are_read_in_order_with_what_a_person_wants_to_know) {
  auto a = make_identity("a.test"), b = make_identity("b.test", {.expired = true});
  auto read = read_certificates("a note\n" + a.certificate + "another\n" + b.certificate, 2);
  ASSERT_TRUE(read) << read.error();
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ((*read)[0].subject, "CN=a.test");
  EXPECT_EQ((*read)[0].pem, a.certificate) << "without the notes";
  EXPECT_GT((*read)[0].not_after, std::time(nullptr));
  EXPECT_LT((*read)[1].not_after, std::time(nullptr)) << "an expired one is read as well";
  EXPECT_NE((*read)[0].pin, (*read)[1].pin);
}

TEST(certificates, that_are_none_are_refused_with_a_sentence_that_has_nothing_of_the_text) {
  auto a = make_identity("a.test");
  EXPECT_TRUE(says(why(""), "no certificate"));
  EXPECT_TRUE(says(why("s3cret words"), "no certificate"));
  EXPECT_TRUE(says(why(a.certificate + a.certificate, 1), "more than 1"));
  EXPECT_TRUE(says(why(a.certificate + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "number 2"));
  EXPECT_TRUE(says(why("-----BEGIN CERTIFICATE-----\nnot base64 s3cret!\n-----END CERTIFICATE-----\n"), "PEM"));
  EXPECT_TRUE(says(why(a.certificate.substr(0, a.certificate.size() - 30)), "PEM"));
  EXPECT_TRUE(says(why("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"), "no certificate"));
  EXPECT_EQ(why("-----BEGIN CERTIFICATE-----\ns3cret\n-----END CERTIFICATE-----\n").find("s3cret"), std::string::npos);
}

TEST(certificates, with_a_private_key_among_them_are_refused) {
  auto a = make_identity("a.test");
  EXPECT_TRUE(says(why(a.certificate + a.key), "private key"));
  EXPECT_TRUE(says(why("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"), "private key"));
}

TEST(private_keys, of_the_kinds_that_are_taken_are_written_anew_as_pkcs8) {
  for (auto* key : {EVP_EC_gen("P-256"), EVP_EC_gen("P-384"), EVP_EC_gen("P-521"), EVP_RSA_gen(2048), EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")}) {
    auto pem = key_pem(key);
    auto read = read_private_key("words before\n" + pem + "and after");
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(*read, pem);
  }
  made::key_ptr key{EVP_EC_gen("P-256"), &EVP_PKEY_free};
  auto old_form = made::pem_of([&](BIO* out) { PEM_write_bio_PrivateKey_traditional(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  EXPECT_TRUE(says(old_form, "EC PRIVATE KEY"));
  auto read = read_private_key(old_form);
  ASSERT_TRUE(read) << read.error();
  EXPECT_TRUE(read->starts_with("-----BEGIN PRIVATE KEY-----"));
}

TEST(private_keys, that_will_not_do_are_refused_for_what_they_are) {
  made::key_ptr key{EVP_EC_gen("P-256"), &EVP_PKEY_free};
  auto pem = key_pem(EVP_EC_gen("P-256"));
  char pass[] = "pass";
  auto locked = made::pem_of([&](BIO* out) { PEM_write_bio_PKCS8PrivateKey(out, key.get(), EVP_aes_128_cbc(), pass, 4, nullptr, nullptr); });
  auto locked_of_old = made::pem_of(
      [&](BIO* out) { PEM_write_bio_PrivateKey_traditional(out, key.get(), EVP_aes_128_cbc(), reinterpret_cast<unsigned char*>(pass), 4, nullptr, nullptr); });
  EXPECT_TRUE(says(why_no_key(locked), "encrypted"));
  EXPECT_TRUE(says(why_no_key(locked_of_old), "encrypted"));
  EXPECT_TRUE(says(why_no_key(pem + pem), "more than one"));
  EXPECT_TRUE(says(why_no_key(""), "no private key"));
  EXPECT_TRUE(says(why_no_key(make_identity("a.test").certificate), "no private key"));
  EXPECT_TRUE(says(why_no_key("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "does not parse"));
  EXPECT_TRUE(says(why_no_key(key_pem(EVP_RSA_gen(1024))), "1024 bits"));
  EXPECT_TRUE(says(why_no_key(key_pem(EVP_EC_gen("secp256k1"))), "curve"));
  EXPECT_TRUE(says(why_no_key(key_pem(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"))), "no RSA, EC or Ed25519"));
}

TEST(private_keys, belong_to_their_certificate_and_to_no_other) {
  auto a = make_identity("a.test"), b = make_identity("a.test");
  EXPECT_TRUE(is_key_of(a.key, a.certificate));
  EXPECT_FALSE(is_key_of(b.key, a.certificate));
  EXPECT_FALSE(is_key_of("", a.certificate));
  EXPECT_FALSE(is_key_of(a.key, "x"));
  EXPECT_FALSE(is_key_of(a.key, b.certificate + a.certificate)) << "the first is ours";
}

TEST(pins, are_written_as_they_are_read_and_in_one_way_only) {
  auto pin = read_certificates(make_identity("a.test").certificate, 1).value()[0].pin;
  auto text = to_pin_text(pin);
  EXPECT_EQ(text.size(), 51U);
  EXPECT_EQ(parse_pin(text).value(), pin);
  const std::string zeros = "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  EXPECT_EQ(parse_pin(zeros).value(), key_hash{});
  for (std::string bad : {"", "sha256/", "sha1/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=",
                          "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==", "sha256/ AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                          "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "sha256/AAAAAAAAAAAAAAAAAAAA!AAAAAAAAAAAAAAAAAAAAAA="})
    EXPECT_FALSE(parse_pin(bad)) << bad;
}

} // namespace
