#include "events/json_text.hpp"

#include <limits>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace {

using namespace hourglass::events;
using nlohmann::json;

std::string written(std::string_view text) {
  std::string out;
  json_text{out}.value(text);
  return out;
}

TEST(json_text, puts_commas_where_they_belong) {
  std::string out;
  json_text j{out};
  j.open_object().key("a").value(1).key("b").open_array().value("x").null().value(true).open_object().close_object().open_array();
  j.close_array().close_array().key("c").open_object().key("d").raw("[1]").close_object().key("e").value(-2).close_object();
  EXPECT_EQ(out, R"({"a":1,"b":["x",null,true,{},[]],"c":{"d":[1]},"e":-2})");
}

TEST(json_text, writes_the_extremes_of_every_integer) {
  std::string out;
  json_text j{out};
  j.open_array().value(std::numeric_limits<std::int64_t>::min()).value(std::numeric_limits<std::uint64_t>::max());
  j.value(std::uint8_t{255}).value(std::int8_t{-128}).close_array();
  EXPECT_EQ(out, "[-9223372036854775808,18446744073709551615,255,-128]");
}

TEST(json_text, every_byte_at_every_place_of_a_word_is_escaped_as_needed) {
  for (int c = 0; c < 0x80; ++c)
    for (std::size_t place = 0; place < 20; ++place) {
      std::string text(20, 'a');
      text[place] = static_cast<char>(c);
      const auto out = written(text);
      ASSERT_EQ(json::parse(out, nullptr, false), json(text)) << c << " at " << place;
      ASSERT_EQ(out, json(text).dump()) << c << " at " << place;
    }
}

TEST(json_text, valid_utf8_stays_as_it_is) {
  for (std::string_view text : {"é", "日本語", "😀 and more text behind it", "\xF4\x8F\xBF\xBF", "\xED\x9F\xBF", "\x7f", "\u2028"})
    EXPECT_EQ(written(text), '"' + std::string{text} + '"');
}

const std::string_view broken[] = {"\x80", "\xC0\xAF", "\xC1\x81", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80",
                                   "\xF5\x80\x80\x80", "\xFF", "a\xC3", "\xE6\x97", "\xF0\x9F\x98", "plain text\xC3(", "\xFE\xFF"};

TEST(json_text, what_is_not_utf8_is_still_written_as_json) {
  for (auto text : broken) {
    EXPECT_FALSE(is_utf8(text)) << json(to_hex(text));
    EXPECT_FALSE(json::parse(written(text), nullptr, false).is_discarded()) << to_hex(text);
  }
}

TEST(json_text, bytes_are_text_or_base64) {
  std::string out;
  json_text{out}.open_array().bytes("päid").bytes(std::string_view{"\xff\x00", 2}).bytes("").close_array();
  EXPECT_EQ(out, R"([{"text":"päid"},{"base64":"/wA="},{"text":""}])");
}

TEST(utf8, is_recognised_across_word_borders) {
  for (std::size_t before = 0; before < 20; ++before) {
    EXPECT_TRUE(is_utf8(std::string(before, 'a') + "日本" + std::string(9, 'b')));
    EXPECT_FALSE(is_utf8(std::string(before, 'a') + "\xE6" + std::string(9, 'b')));
  }
}

TEST(base64, agrees_with_rfc_4648) {
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
  for (auto [plain, text] : vectors) {
    EXPECT_EQ(to_base64(plain), text);
    std::string back = "old";
    EXPECT_TRUE(from_base64(text, back));
    EXPECT_EQ(back, plain);
  }
  std::string all;
  for (int i = 0; i < 256; ++i)
    all += static_cast<char>(i);
  std::string back;
  EXPECT_TRUE(from_base64(to_base64(all), back));
  EXPECT_EQ(back, all);
}

TEST(base64, anything_else_is_refused) {
  std::string out;
  for (std::string_view bad : {"Z", "Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Zm9v\n", "Zm9-", "Zh==", "Zm9=", "=m9v", "Zm=v", "Zg=a"})
    EXPECT_FALSE(from_base64(bad, out)) << bad;
}

TEST(hex, is_lower_case) { EXPECT_EQ(to_hex(std::string_view{"\x00\xfe\x10", 3}), "00fe10"); }

} // namespace
