// JSON Patch (RFC 6902): all of it or nothing.
#include "mock/json_patch.hpp"

#include <gtest/gtest.h>

namespace {
using namespace hourglass::mock;
using hourglass::events::errc;
namespace limits = hourglass::limits;

json_value of(std::string_view text) { return parse_json(text).value(); }

TEST(json_patch, does_what_the_examples_of_the_rfc_do) {
  const struct {
    const char *document, *patch, *result;
  } cases[] = {
    {R"({"foo":"bar"})", R"([{"op":"add","path":"/baz","value":"qux"}])", R"({"foo":"bar","baz":"qux"})"},
    {R"({"foo":["bar","baz"]})", R"([{"op":"add","path":"/foo/1","value":"qux"}])", R"({"foo":["bar","qux","baz"]})"},
    {R"({"baz":"qux","foo":"bar"})", R"([{"op":"remove","path":"/baz"}])", R"({"foo":"bar"})"},
    {R"({"foo":["bar","qux","baz"]})", R"([{"op":"remove","path":"/foo/1"}])", R"({"foo":["bar","baz"]})"},
    {R"({"baz":"qux","foo":"bar"})", R"([{"op":"replace","path":"/baz","value":"boo"}])", R"({"baz":"boo","foo":"bar"})"},
    {R"({"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}})", R"([{"op":"move","from":"/foo/waldo","path":"/qux/thud"}])",
     R"({"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}})"},
    {R"({"foo":["all","grass","cows","eat"]})", R"([{"op":"move","from":"/foo/1","path":"/foo/3"}])", R"({"foo":["all","cows","eat","grass"]})"},
    {R"({"baz":"qux","foo":["a",2,"c"]})", R"([{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2.0}])", R"({"baz":"qux","foo":["a",2,"c"]})"},
    {R"({"foo":"bar"})", R"([{"op":"add","path":"/child","value":{"grandchild":{}},"xyz":123}])", R"({"foo":"bar","child":{"grandchild":{}}})"},
    {R"({"/":9,"~1":10})", R"([{"op":"test","path":"/~01","value":10}])", R"({"/":9,"~1":10})"},
    {R"({"foo":["bar"]})", R"([{"op":"add","path":"/foo/-","value":["abc","def"]}])", R"({"foo":["bar",["abc","def"]]})"},
    {R"({"a":{"b":1}})", R"([{"op":"copy","from":"/a","path":"/a/c"}])", R"({"a":{"b":1,"c":{"b":1}}})"},
    {R"({"a":1})", R"([{"op":"add","path":"/a","value":null}])", R"({"a":null})"},
    {R"({"a":1})", R"([{"op":"replace","path":"","value":[2]}])", "[2]"},
    {R"({"":1})", R"([{"op":"remove","path":"/"}])", "{}"},
    {R"({"a":1})", "[]", R"({"a":1})"},
  };
  for (const auto& c : cases) {
    auto r = patched(of(c.document), of(c.patch));
    ASSERT_TRUE(r) << c.patch << r.error().detail;
    EXPECT_EQ(to_text(*r), c.result) << c.patch;
  }
}

TEST(json_patch, says_what_is_wrong_and_in_which_operation) {
  const struct {
    const char* patch;
    errc code;
    const char* where;
  } cases[] = {
    {"{}", errc::invalid, ""},
    {"[7]", errc::invalid, "/0"},
    {R"([{"op":"test","path":"","value":{"a":[1,2]}},{"path":"/a"}])", errc::invalid, "/1/op"},
    {R"([{"op":"spam","path":"/a"}])", errc::invalid, "/0/op"},
    {R"([{"op":"add","value":1}])", errc::invalid, "/0/path"},
    {R"([{"op":"add","path":"a","value":1}])", errc::invalid, "/0/path"},
    {R"([{"op":"add","path":"/~2","value":1}])", errc::invalid, "/0/path"},
    {R"([{"op":"add","path":"/b"}])", errc::invalid, "/0/value"},
    {R"([{"op":"copy","path":"/b"}])", errc::invalid, "/0/from"},
    {R"([{"op":"move","from":"/a","path":"/a/0"}])", errc::invalid, "/0/path"},
    {R"([{"op":"add","path":"/x/y","value":1}])", errc::not_found, "/0/path"},
    {R"([{"op":"add","path":"/a/3","value":1}])", errc::not_found, "/0/path"},
    {R"([{"op":"add","path":"/a/01","value":1}])", errc::not_found, "/0/path"},
    {R"([{"op":"remove","path":"/a/-"}])", errc::not_found, "/0/path"},
    {R"([{"op":"replace","path":"/b","value":1}])", errc::not_found, "/0/path"},
    {R"([{"op":"copy","from":"/b","path":"/c"}])", errc::not_found, "/0/from"},
    {R"([{"op":"test","path":"/b","value":null}])", errc::not_found, "/0/path"},
    {R"([{"op":"remove","path":"/a/0"},{"op":"test","path":"/a","value":[1]}])", errc::conflict, "/1/value"},
  };
  for (const auto& c : cases) {
    auto r = patched(of(R"({"a":[1,2]})"), of(c.patch));
    ASSERT_FALSE(r) << c.patch;
    EXPECT_EQ(r.error().code, c.code) << c.patch << r.error().detail;
    EXPECT_EQ(r.error().where, c.where) << c.patch;
  }
}

TEST(json_patch, what_doubles_again_and_again_ends) {
  std::string wide = "[", deep = "[", many = "[";
  for (int i = 0; i < 900; ++i) {
    wide += (i == 0 ? "" : ",") + std::string{R"({"op":"copy","from":"","path":"/a)"} + std::to_string(i) + "\"}";
    deep += (i == 0 ? "" : ",") + std::string{R"({"op":"copy","from":"","path":"/a"})"};
  }
  for (int i = 0; i < 1001; ++i)
    many += (i == 0 ? "" : ",") + std::string{R"({"op":"test","path":"","value":{}})"};
  for (const auto& patch : {wide, deep, many}) {
    auto r = patched(of("{}"), of(patch + "]"));
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().code, errc::too_large);
  }
}

TEST(json_patch, members_are_found_after_many_came_and_went) {
  std::string document = "{";
  for (int i = 0; i < 40; ++i)
    document += (i == 0 ? "\"m" : ",\"m") + std::to_string(i) + "\":" + std::to_string(i);
  auto r = patched(of(document + "}"), of(R"([{"op":"remove","path":"/m3"},{"op":"add","path":"/new","value":1},{"op":"test","path":"/m39","value":39},{"op":"move","from":"/m0","path":"/z"}])"));
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(r->member("m3"), nullptr);
  EXPECT_EQ(r->member("m0"), nullptr);
  EXPECT_EQ(r->member("z")->text, "0");
  EXPECT_EQ(r->member("new")->text, "1");
  EXPECT_EQ(r->member("m39")->text, "39");
}

} // namespace
