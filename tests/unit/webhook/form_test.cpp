#include "webhook/form.hpp"

#include <gtest/gtest.h>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;

std::string form(std::string_view json) {
  auto out = form_of(json);
  EXPECT_TRUE(out) << json << ": " << out.error().detail;
  return out.value_or("?");
}

TEST(form, has_a_pair_for_each_value_in_the_order_of_the_members) {
  EXPECT_EQ(form(R"({"b":"x","a":"y"})"), "b=x&a=y");
  EXPECT_EQ(form(R"({"n":1.10,"big":12345678901234567890123,"e":1E5,"neg":-7,"t":true,"f":false,"nothing":null})"),
            "n=1.10&big=12345678901234567890123&e=1E5&neg=-7&t=true&f=false&nothing=");
  EXPECT_EQ(form("{}"), "");
}

TEST(form, names_what_is_within_in_brackets) {
  EXPECT_EQ(form(R"({"a":{"b":{"c":1},"d":2},"l":[1,{"x":2},[3,4]]})"),
            "a%5Bb%5D%5Bc%5D=1&a%5Bd%5D=2&l%5B0%5D=1&l%5B1%5D%5Bx%5D=2&l%5B2%5D%5B0%5D=3&l%5B2%5D%5B1%5D=4");
  EXPECT_EQ(form(R"({"a":{},"b":[],"c":1})"), "c=1") << "nothing is left of what is empty";
}

TEST(form, is_encoded_as_browsers_do) {
  EXPECT_EQ(form(R"({"a b":"c d+e&f=g","ü":"日","x":"~*-._"})"), "a+b=c+d%2Be%26f%3Dg&%C3%BC=%E6%97%A5&x=%7E*-._");
  EXPECT_EQ(form("{\"a\":\"line\\nnext\\u0000\"}"), "a=line%0Anext%00");
}

TEST(form, of_anything_but_an_object_there_is_none) {
  for (const auto* bad : {"[1]", "\"a\"", "1", "null", "", "{", "{\"a\":}", "{\"a\":1} x"})
    EXPECT_FALSE(form_of(bad)) << bad;
}

TEST(form, that_would_grow_without_end_is_refused) {
  // A long name above many values is written with each.
  std::string deep = "{\"" + std::string(100'000, 'n') + "\":[";
  for (int i = 0; i < 1'000; ++i)
    deep += i == 0 ? "1" : ",1";
  deep += "]}";
  auto out = form_of(deep);
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, events::errc::too_large);
}

} // namespace
