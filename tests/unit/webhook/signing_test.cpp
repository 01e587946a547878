#include "webhook/signing.hpp"

#include "events/json_text.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;

signing_key key(std::string_view text) {
  auto k = signing_key::parse(text);
  EXPECT_TRUE(k) << (k ? "" : k.error().detail);
  return k.value_or(signing_key{});
}

constexpr std::string_view secret_1 = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr std::string_view id_1 = "msg_p5jXN8AQM9LWM0D4loKWxJek";
constexpr std::string_view body_1 = R"({"test": 2432232314})";
constexpr std::string_view signature_1 = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
constexpr std::int64_t time_1 = 1614265330;

std::string sign_one(std::string_view secret, std::string_view id, std::int64_t at, std::string_view body) {
  std::array keys{key(secret)};
  return sign(keys, id, at, body);
}

verdict verify_1(std::string_view signatures, std::int64_t now = time_1, std::string_view timestamp = "1614265330", std::string_view id = id_1) {
  return verify(key(secret_1), id, timestamp, signatures, body_1, now);
}

TEST(signing, matches_the_published_vector_of_go_and_python) { EXPECT_EQ(sign_one(secret_1, id_1, time_1, body_1), signature_1); }

TEST(signing, matches_the_published_vector_of_rust) {
  EXPECT_EQ(sign_one("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1649367553,
                     R"({"email":"test@example.com","username":"test_user"})"),
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
}

TEST(signing, a_secret_without_its_prefix_is_the_same_secret) { EXPECT_EQ(key(secret_1), key(secret_1.substr(6))); }

TEST(signing, agrees_with_openssl_for_every_length_of_key) {
  for (std::size_t size = 24; size <= 75; ++size) {
    std::string raw;
    for (std::size_t i = 0; i < size; ++i)
      raw += static_cast<char>(i * 37 + size);
    auto text = events::to_base64(raw);
    unsigned char mac[32];
    unsigned length = 0;
    std::string content = "id.5.body";
    HMAC(EVP_sha256(), raw.data(), static_cast<int>(raw.size()), reinterpret_cast<const unsigned char*>(content.data()), content.size(), mac, &length);
    EXPECT_EQ(sign_one("whsec_" + text, "id", 5, "body"), "v1," + events::to_base64({reinterpret_cast<const char*>(mac), length})) << size;
  }
}

TEST(signing, overlapping_secrets_sign_side_by_side_in_their_order) {
  std::array keys{key(secret_1), key("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")};
  auto both = sign(keys, id_1, time_1, body_1);
  EXPECT_TRUE(both.starts_with(std::string{signature_1} + " v1,"));
  EXPECT_EQ(verify(keys[0], id_1, "1614265330", both, body_1, time_1), verdict::ok);
  EXPECT_EQ(verify(keys[1], id_1, "1614265330", both, body_1, time_1), verdict::ok);
}

// Svix's vector of v1a; the same was computed with OpenSSL through Python.
constexpr std::string_view private_1 = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
constexpr std::string_view public_1 = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
constexpr std::string_view signature_1a = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";

TEST(signing, v1a_matches_the_vector_of_svix) {
  EXPECT_EQ(sign_one(private_1, id_1, time_1, body_1), signature_1a);
  EXPECT_EQ(key(private_1).for_receiver(), public_1);
  EXPECT_EQ(key(private_1).to_string(), private_1);
}

TEST(signing, ed25519_matches_rfc_8032) {
  auto bytes = [](std::string_view hex) {
    std::string out;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
      out += static_cast<char>(std::stoi(std::string{hex.substr(i, 2)}, nullptr, 16));
    return out;
  };
  ed25519_seed seed{};
  auto raw = bytes("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"); // section 7.1, test 2
  std::copy(raw.begin(), raw.end(), seed.begin());
  auto pair = ed25519_key::of(seed);
  auto got = pair.sign("\x72");
  EXPECT_EQ(events::to_hex({reinterpret_cast<const char*>(got.data()), got.size()}),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  EXPECT_TRUE(ed25519_verify(pair.public_key(), "\x72", got));
  EXPECT_FALSE(ed25519_verify(pair.public_key(), "\x73", got));
  got[0] ^= 1;
  EXPECT_FALSE(ed25519_verify(pair.public_key(), "\x72", got));
}

TEST(signing, v1_and_v1a_stand_side_by_side_in_the_order_of_the_keys) {
  std::array keys{key(private_1), key(secret_1)};
  EXPECT_EQ(sign(keys, id_1, time_1, body_1), std::string{signature_1a} + " " + std::string{signature_1});
}

TEST(signing, a_pair_that_is_none_and_a_public_key_do_not_sign) {
  auto other = signing_key::generate({7}, key_kind::ed25519).to_string();
  std::string mixed = std::string{private_1.substr(0, 48)} + other.substr(48);
  for (auto wrong : {mixed, std::string{public_1}, std::string{"whsk_"}, std::string{private_1.substr(0, 40)}, std::string{private_1} + "AAAA"})
    EXPECT_FALSE(signing_key::parse(wrong)) << wrong;
}

TEST(signing, each_kind_is_generated_reads_back_from_storage_and_differs) {
  for (auto kind : {key_kind::hmac, key_kind::ed25519, key_kind::text}) {
    auto a = signing_key::generate({1}, kind);
    EXPECT_EQ(a.kind(), kind);
    EXPECT_EQ(a, signing_key::generate({1}, kind));
    EXPECT_NE(a, signing_key::generate({2}, kind));
    EXPECT_EQ(signing_key::from_storage(a.to_storage()).value(), a);
  }
}

TEST(signing, a_text_that_looks_like_a_secret_stays_a_text_in_storage) {
  auto text = signing_key::parse_text(secret_1).value();
  EXPECT_NE(text, key(secret_1));
  EXPECT_EQ(signing_key::from_storage(text.to_storage()).value(), text);
  for (auto wrong : {std::string(7, 'a'), std::string(129, 'a'), std::string{"with\nnewline"}, std::string{"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"}})
    EXPECT_FALSE(signing_key::parse_text(wrong));
}

TEST(signing, secrets_of_wrong_shape_are_refused) {
  for (std::string_view wrong : {"", "whsec_", "whsec_%", "whsec_wronglength", "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
                                 "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa w", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
                                 "====MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})
    EXPECT_FALSE(signing_key::parse(wrong)) << wrong;
}

TEST(signing, secrets_of_24_to_75_bytes_are_accepted_and_no_others) {
  auto of_size = [](std::size_t n) { return signing_key::parse(events::to_base64(std::string(n, 'k'))).has_value(); };
  EXPECT_FALSE(of_size(23));
  EXPECT_TRUE(of_size(24));
  EXPECT_TRUE(of_size(64));
  EXPECT_TRUE(of_size(75));
  EXPECT_FALSE(of_size(76));
}

TEST(signing, a_generated_secret_reads_back_and_depends_on_chance_alone) {
  auto a = signing_key::generate({1}), b = signing_key::generate({2});
  EXPECT_EQ(a, signing_key::generate({1}));
  EXPECT_NE(a, b);
  EXPECT_EQ(key(a.to_string()), a);
  EXPECT_EQ(a.bytes().size(), 24U);
}

TEST(verifying, a_good_signature_holds) { EXPECT_EQ(verify_1(signature_1), verdict::ok); }

TEST(verifying, a_public_key_verifies_v1a_and_nothing_else) {
  for (auto text : {public_1, private_1}) {
    auto k = verifying_key::parse(text).value();
    auto of = [&k](std::string_view signatures) { return verify(k, id_1, "1614265330", signatures, body_1, time_1); };
    EXPECT_EQ(of(signature_1a), verdict::ok);
    EXPECT_EQ(of(std::string{signature_1} + " " + std::string{signature_1a}), verdict::ok);
    EXPECT_EQ(of(signature_1), verdict::no_match);
    EXPECT_EQ(of("v1," + std::string{signature_1a.substr(4)}), verdict::no_match);
    EXPECT_EQ(of("v1a,AAAA"), verdict::no_match);
    EXPECT_EQ(verify(k, id_1, "1614265330", signature_1a, "{}", time_1), verdict::no_match);
  }
  EXPECT_FALSE(verifying_key::parse("whpk_AAAA"));
}

TEST(verifying, only_the_first_64_signatures_are_looked_at) {
  std::string many;
  for (int i = 0; i < 64; ++i)
    many += "v1,x ";
  EXPECT_EQ(verify_1(many + std::string{signature_1}), verdict::no_match);
  EXPECT_EQ(verify_1(many.substr(5) + std::string{signature_1}), verdict::ok);
}

TEST(verifying, each_missing_header_is_refused) {
  EXPECT_EQ(verify_1(""), verdict::missing_header);
  EXPECT_EQ(verify_1(signature_1, time_1, ""), verdict::missing_header);
  EXPECT_EQ(verify_1(signature_1, time_1, "1614265330", ""), verdict::missing_header);
}

TEST(verifying, a_wrong_or_partial_signature_is_refused) {
  EXPECT_EQ(verify_1("v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="), verdict::no_match);
  EXPECT_EQ(verify_1("v1,"), verdict::no_match);
  EXPECT_EQ(verify_1("v1"), verdict::no_match);
  EXPECT_EQ(verify_1(signature_1.substr(3)), verdict::no_match);
  EXPECT_EQ(verify_1("v1a," + std::string{signature_1.substr(3)}), verdict::no_match);
}

TEST(verifying, five_minutes_either_way_are_tolerated_and_no_second_more) {
  EXPECT_EQ(verify_1(signature_1, time_1 + 300), verdict::ok);
  EXPECT_EQ(verify_1(signature_1, time_1 + 301), verdict::too_old);
  EXPECT_EQ(verify_1(signature_1, time_1 - 300), verdict::ok);
  EXPECT_EQ(verify_1(signature_1, time_1 - 301), verdict::too_new);
}

TEST(verifying, a_timestamp_that_is_no_number_is_refused) {
  for (std::string_view wrong : {"x", "16142653a0", "1614265330 ", "-1", "99999999999999999999", "1.5"})
    EXPECT_EQ(verify_1(signature_1, time_1, wrong), verdict::bad_timestamp) << wrong;
}

TEST(verifying, the_good_one_may_stand_anywhere_among_others) {
  std::string many = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,MzJsNDg5MzI0K2VvdSNjaHEgd2V3Z2Vld2dlZGdld2dl  " + std::string{signature_1} +
                     " v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";
  EXPECT_EQ(verify_1(many), verdict::ok);
}

TEST(verifying, another_body_id_or_time_does_not_match) {
  auto k = key(secret_1);
  EXPECT_EQ(verify(k, id_1, "1614265330", signature_1, "{}", time_1), verdict::no_match);
  EXPECT_EQ(verify(k, "msg_other", "1614265330", signature_1, body_1, time_1), verdict::no_match);
  EXPECT_EQ(verify(k, id_1, "1614265331", signature_1, body_1, time_1), verdict::no_match);
}

} // namespace
