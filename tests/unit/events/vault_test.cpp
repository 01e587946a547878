#include "events/vault.hpp"

#include <gtest/gtest.h>

namespace {

using namespace hourglass::events;

vault::key key_of(std::uint8_t first) {
  vault::key k{};
  for (std::size_t i = 0; i < k.size(); ++i)
    k[i] = static_cast<std::uint8_t>(first + i);
  return k;
}

const vault one{{key_of(0)}};
const entropy chance{1};

TEST(vault, what_was_sealed_opens_and_does_not_show) {
  for (std::string_view plain : {std::string_view{}, std::string_view{"a secret"}, std::string_view{"with \0 in it", 12}}) {
    auto sealed = one.seal(plain, "for x", chance);
    EXPECT_EQ(one.open(sealed, "for x").value(), plain);
    EXPECT_TRUE(plain.empty() || sealed.find(plain) == std::string::npos);
  }
}

TEST(vault, golden_bytes_that_another_program_computed) {
  EXPECT_EQ(vault::id_of(key_of(0)), "d8234a0d");
  EXPECT_EQ(one.seal("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "webhook secret of ep_1", chance),
            "sealed.1.d8234a0d.nuBJ716XIgsV65W7ff1fnEcwHCQQYNEy38+SzUYdMEP+/KxskRm6kDfEJvY3LSNhkSu6zHH+4rQ2GQt38LY/Wblc");
  EXPECT_EQ(one.seal("text:sixteen letters!", "webhook secret of ep_1", chance, 1), "sealed.1.d8234a0d.Ou3Qlzm4/eTBMDAzq1ZhVGiPOwJCAMNygd/c/JknrIy0eHWhkavpKCvGVVqt3448RQ==");
}

TEST(vault, the_same_is_sealed_the_same_and_anything_else_has_another_nonce) {
  auto nonce = [](const std::string& sealed) { return sealed.substr(18, 16); };
  auto a = one.seal("plain", "x", chance);
  EXPECT_EQ(a, one.seal("plain", "x", chance));
  EXPECT_NE(nonce(a), nonce(one.seal("plaiN", "x", chance)));
  EXPECT_NE(nonce(a), nonce(one.seal("plain", "y", chance)));
  EXPECT_NE(nonce(a), nonce(one.seal("plain", "x", entropy{2})));
  EXPECT_NE(nonce(a), nonce(one.seal("plain", "x", chance, 1)));
}

TEST(vault, it_does_not_open_for_something_else) { EXPECT_EQ(one.open(one.seal("plain", "x", chance), "y").error().code, errc::corrupt); }

TEST(vault, every_changed_character_is_noticed) {
  auto sealed = one.seal("plain text", "x", chance);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    auto changed = sealed;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(one.open(changed, "x")) << i;
    EXPECT_FALSE(one.open(sealed.substr(0, i), "x")) << i;
  }
}

TEST(vault, keys_rotate_and_a_missing_one_is_told_by_its_id) {
  vault both{{key_of(9), key_of(0)}};
  auto old = one.seal("plain", "x", chance);
  EXPECT_EQ(both.open(old, "x").value(), "plain");
  EXPECT_EQ(both.active(), vault::id_of(key_of(9)));
  auto fresh = both.seal("plain", "x", chance);
  EXPECT_EQ(vault::key_id_of(fresh), both.active());
  auto why = one.open(fresh, "x").error().detail;
  EXPECT_NE(why.find(both.active()), std::string::npos) << why;
  EXPECT_NE(why.find(one.active()), std::string::npos) << why;
}

TEST(vault, keys_are_read_from_text_and_wrong_ones_refused_without_saying_them) {
  std::string a = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", b = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
  EXPECT_EQ(vault::parse(a)->ids(), vault::id_of(key_of(0)));
  EXPECT_EQ(vault::parse(" " + b + ",\n" + a + "\n")->ids(), vault::id_of(key_of(1)) + ", " + vault::id_of(key_of(0)));
  for (const auto& wrong : {std::string{}, std::string{"\n"}, std::string{"c2hvcnQ="}, a + "x", a + ",nonsense"}) {
    auto read = vault::parse(wrong);
    ASSERT_FALSE(read) << wrong;
    EXPECT_EQ(read.error().code, errc::invalid);
    EXPECT_EQ(read.error().detail.find("AAEC"), std::string::npos);
  }
}

} // namespace
