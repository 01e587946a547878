#include "webhook/inputs.hpp"
#include "webhook/secrets.hpp"
#include "webhook/token.hpp"

#include "events/json_text.hpp"
#include "tests/support/pem.hpp"
#include "world.hpp"

#include <nlohmann/json.hpp>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;
using nlohmann::json;

using pkey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

std::string pem_of(EVP_PKEY* key) {
  std::unique_ptr<BIO, decltype(&BIO_free)> out{BIO_new(BIO_s_mem()), &BIO_free};
  PEM_write_bio_PKCS8PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string from_url(std::string text) {
  for (char& c : text)
    c = c == '-' ? '+' : c == '_' ? '/' : c;
  text.append((4 - text.size() % 4) % 4, '=');
  std::string out;
  EXPECT_TRUE(events::from_base64(text, out));
  return out;
}

/// As a token endpoint does.
bool holds(EVP_PKEY* key, const std::string& jwt, const EVP_MD* digest) {
  const auto dot = jwt.rfind('.');
  auto signature = from_url(jwt.substr(dot + 1));
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
    const auto half = static_cast<int>(signature.size() / 2);
    auto* raw = reinterpret_cast<const unsigned char*>(signature.data());
    std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> both{ECDSA_SIG_new(), &ECDSA_SIG_free};
    ECDSA_SIG_set0(both.get(), BN_bin2bn(raw, half, nullptr), BN_bin2bn(raw + half, half, nullptr));
    unsigned char* der = nullptr;
    const auto size = i2d_ECDSA_SIG(both.get(), &der);
    signature.assign(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
  }
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
  return EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                          reinterpret_cast<const unsigned char*>(jwt.data()), dot) == 1;
}

TEST(a_client_assertion, is_signed_as_its_key_asks_and_says_who_and_for_whom_and_how_long) {
  const std::tuple<pkey, const char*, const EVP_MD*> all[] = {{pkey{EVP_RSA_gen(2048), &EVP_PKEY_free}, "RS256", EVP_sha256()},
                                                              {pkey{EVP_EC_gen("P-256"), &EVP_PKEY_free}, "ES256", EVP_sha256()},
                                                              {pkey{EVP_EC_gen("P-384"), &EVP_PKEY_free}, "ES384", EVP_sha384()},
                                                              {pkey{EVP_EC_gen("P-521"), &EVP_PKEY_free}, "ES512", EVP_sha512()},
                                                              {pkey{EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), &EVP_PKEY_free}, "EdDSA", nullptr}};
  for (const auto& [key, alg, digest] : all) {
    auto jwt = make_assertion({"me", "https://as.test/token", "k1", pem_of(key.get())}, 1'700'000'000, "once");
    ASSERT_TRUE(jwt) << alg << jwt.error();
    EXPECT_TRUE(holds(key.get(), *jwt, digest)) << alg;
    const auto first = jwt->find('.'), second = jwt->rfind('.');
    EXPECT_EQ(json::parse(from_url(jwt->substr(0, first))), (json{{"alg", alg}, {"typ", "JWT"}, {"kid", "k1"}}));
    EXPECT_EQ(json::parse(from_url(jwt->substr(first + 1, second - first - 1))),
              (json{{"iss", "me"}, {"sub", "me"}, {"aud", "https://as.test/token"}, {"iat", 1'700'000'000}, {"exp", 1'700'000'060}, {"jti", "once"}}));
  }
  EXPECT_FALSE(make_assertion({"me", "a", "", "no key"}, 1, "x"));
}

TEST(a_client_assertion, goes_in_the_form_in_place_of_a_secret) {
  const auto r = make_token_request({"https://as.test/token", "me", "", "s", "", false, "PEM", "k1", ""}, nullptr);
  EXPECT_TRUE(r.authorization.empty());
  ASSERT_TRUE(r.assertion);
  EXPECT_EQ(r.assertion->audience, "https://as.test/token");
  const auto e = token_exchange(r, "sbx", 5s, "a.b.c");
  EXPECT_EQ(e.body, "grant_type=client_credentials&scope=s&client_id=me&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&"
                    "client_assertion=a.b.c");
  EXPECT_FALSE(http::contains(e.headers, "authorization"));
  const auto other = make_token_request({"https://as.test/token", "me", "", "s", "", false, "OTHER", "k1", ""}, nullptr);
  EXPECT_NE(r.key, other.key) << "with another key it is another token";
}

TEST(a_client_assertion, is_read_strictly_kept_sealed_and_shown_without_its_key) {
  const pkey key{EVP_EC_gen("P-256"), &EVP_PKEY_free};
  const auto pem = pem_of(key.get());
  auto body = [&](json oauth2) {
    oauth2.update({{"tokenUrl", "https://as.test/token"}, {"clientId", "me"}});
    return json{{"url", "https://a.test/"}, {"authentication", {{"oauth2", std::move(oauth2)}}}}.dump();
  };
  world w;
  w.live = outbox_state{};
  auto c = read_endpoint_in(body({{"clientAssertion", {{"key", pem}, {"keyId", "k1"}}}}));
  ASSERT_TRUE(c) << c.error().where << c.error().detail;
  auto out = w.run(*c);
  ASSERT_TRUE(out) << out.error().where << out.error().detail;
  EXPECT_EQ(out->reply.find("PRIVATE KEY"), std::string::npos);
  EXPECT_EQ(json::parse(out->reply)["authentication"]["oauth2"]["clientAssertion"]["keyId"], "k1");
  const auto id = json::parse(out->reply)["id"].get<std::string>();
  ASSERT_TRUE(w.live.find(id)->transport.way()->tokens->assertion);
  auto again = restore(snapshot(w.live));
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_EQ(again->find(id)->transport, w.live.find(id)->transport);
  // What is shown may be given again, and the key stays.
  auto patch = read_endpoint_patch(json{{"authentication", json::parse(out->reply)["authentication"]}}.dump());
  ASSERT_TRUE(patch) << patch.error().where << patch.error().detail;
  patch->id = id;
  ASSERT_TRUE(w.run(*patch));
  EXPECT_EQ(w.live.find(id)->transport.settings().authentication->oauth2->assertion_key.value, c->value.transport.settings().authentication->oauth2->assertion_key.value);
  auto refused = [&](json oauth2) {
    auto read = read_endpoint_in(body(std::move(oauth2)));
    if (!read)
      return read.error().where;
    auto d = w.run(*read);
    return d ? std::string{"taken"} : d.error().where;
  };
  EXPECT_EQ(refused({{"clientAssertion", {{"key", "no key"}}}}), "/authentication/oauth2/clientAssertion/key");
  EXPECT_EQ(refused({{"clientAssertion", {{"keyId", "k"}}}}), "/authentication/oauth2/clientAssertion/key");
  EXPECT_EQ(refused({{"clientAssertion", {{"key", pem}, {"alg", "none"}}}}), "/authentication/oauth2/clientAssertion/alg");
  EXPECT_EQ(refused({{"clientAssertion", {{"key", pem}}}, {"clientSecret", "both"}}), "/authentication/oauth2/clientAssertion");
  EXPECT_EQ(refused(json::object()), "/authentication/oauth2/clientSecret");
}

} // namespace
