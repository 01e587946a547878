// Which texts are OpenAPI documents, how large they may be, and what is read of them ahead of an import.
#include "support.hpp"

#include "mock/openapi.hpp"

#include <nlohmann/json.hpp>

namespace {
using namespace hourglass::mock;
using hourglass::events::errc;
namespace events = hourglass::events;
using json = nlohmann::json;

TEST(documents, what_is_none_is_refused_with_its_place) {
  struct bad {
    std::string text;
    errc code;
    std::string where;
  };
  const bad cases[] = {
    {"", errc::invalid, "1:1"},
    {"   \n", errc::invalid, "1:1"},
    {"{\"openapi\": ", errc::invalid, "1:13"},
    {"openapi: 3.0.0\npaths:\n  a: [1, 2\n", errc::invalid, "4:1"},
    {"openapi: 3.0.0\n\tpaths: {}\n", errc::invalid, "2:1"},
    {"a: *nothing\n", errc::invalid, "1:4"},
    {"? [1]\n: 2\n", errc::invalid, "1:3"},
    {"\"a\": \"\xff\"\n", errc::invalid, ""},
    {"[]", errc::invalid, ""},
    {"hello", errc::invalid, ""},
    {"{}", errc::invalid, "/openapi"},
    {R"({"swagger":"1.2","paths":{}})", errc::invalid, "/swagger"},
    {R"({"openapi":"4.0.0","paths":{}})", errc::invalid, "/openapi"},
    {R"({"openapi":"3.0.0"})", errc::invalid, "/paths"},
    {R"({"openapi":"3.0.0","paths":[]})", errc::invalid, "/paths"},
    {std::string(100'000, '['), errc::too_large, ""},
    {std::string(2'000, '{'), errc::invalid, "1:2"},
  };
  endpoint_state state;
  for (const auto& c : cases) {
    auto r = decide(state, endpoint_command{import_openapi{c.text}}, at_moment());
    ASSERT_FALSE(r) << c.text.substr(0, 60);
    EXPECT_EQ(r.error().code, c.code) << c.text.substr(0, 60) << ": " << r.error().detail;
    if (!c.where.empty()) {
      EXPECT_EQ(r.error().where, c.where) << c.text.substr(0, 60) << ": " << r.error().detail;
    }
  }
}

TEST(documents, a_billion_laughs_are_bounded) {
  std::string text = "openapi: 3.0.0\na: &a [x,x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    text += std::string{c} + ": &" + c + " [";
    for (int i = 0; i < 10; ++i)
      text += (i > 0 ? ",*" : "*") + std::string{static_cast<char>(c - 1)};
    text += "]\n";
  }
  auto r = read_openapi(text, {});
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, errc::too_large);
  EXPECT_FALSE(r.error().where.empty());
}

TEST(documents, nesting_in_yaml_is_bounded) {
  for (auto deep : {std::string("a: ") + std::string(50'000, '['), std::string(50'000, '-'), [] {
                      std::string s;
                      for (int i = 0; i < 400; ++i)
                        s += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
                      return s;
                    }()}) {
    auto r = parse_document(deep);
    EXPECT_TRUE(!r || r->is_string());
  }
}

TEST(documents, yaml_scalars_follow_the_core_schema) {
  auto v = parse_document("a: 1\nb: 1.50\nc: '1'\nd: true\ne: ~\nf: 007\ng: 2020-01-01\nh: +3\ni: .5\nj: yes\nk:\n200: x\nl: |\n  t\n  u\nm: !!str 5\n");
  ASSERT_TRUE(v) << v.error().detail;
  EXPECT_EQ(to_text(*v), R"({"a":1,"b":1.50,"c":"1","d":true,"e":null,"f":"007","g":"2020-01-01","h":3,"i":".5","j":"yes","k":null,"200":"x","l":"t\nu\n","m":"5"})");
}

TEST(documents, yaml_aliases_and_merge_keys_are_expanded) {
  auto v = parse_document("base: &b {x: 1, y: 2}\none:\n  <<: *b\n  y: 3\ntwo: *b\nk: &k name\nmap: {*k : 1}\n");
  ASSERT_TRUE(v) << v.error().detail;
  EXPECT_EQ(json::parse(to_text(*v)), json::parse(R"({"base":{"x":1,"y":2},"one":{"x":1,"y":3},"two":{"x":1,"y":2},"k":"name","map":{"name":1}})"));
}

TEST(import_ahead, gives_what_the_import_itself_would_have_given) {
  import_openapi import{R"({"openapi":"3.0.0","info":{"title":"t","version":"1"},"paths":{"/i":{"get":{"responses":{"200":{"description":"ok",
    "content":{"application/json":{"schema":{"type":"object","properties":{"n":{"type":"integer"},"s":{"type":"string","format":"uuid"}}}}}}}}}}})", {}};
  endpoint_state state;
  auto whole = decide(state, endpoint_command{import}, at_moment());
  ASSERT_TRUE(whole);
  ASSERT_TRUE(read_ahead(import, at_moment().chance));
  auto rest = decide(state, endpoint_command{import}, at_moment());
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->events.front().payload, whole->events.front().payload);
  EXPECT_EQ(rest->reply, whole->reply);
}

TEST(import_ahead, says_what_is_wrong_with_a_document) {
  import_openapi import{"[]", {}};
  auto read = read_ahead(import, at_moment().chance);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, events::errc::invalid);
}

TEST(openapi, says_which_members_of_json_it_overlooks) {
  auto doc = read_openapi(R"({"openapi":"3.0.0","paths":{},"paths":{"/a":{"get":{"responses":{"200":{"description":"x"},"200":{"description":"y"}}}}}})", {});
  ASSERT_TRUE(doc) << doc.error().detail;
  EXPECT_EQ(doc->endpoints.size(), 1U) << "the last one counts";
  std::vector<std::string> where;
  for (const auto& w : doc->warnings)
    where.push_back(w.where);
  EXPECT_EQ(where, (std::vector<std::string>{"/paths", "/paths/~1a/get/responses/200", "/info"}));
}

TEST(openapi, refuses_a_key_that_stands_twice_in_yaml) {
  auto doc = read_openapi("openapi: 3.0.0\npaths:\n  /a:\n    get: {responses: {'200': {description: x}}}\n  /b: {}\n  /a: {}\n", {});
  ASSERT_FALSE(doc);
  EXPECT_EQ(doc.error().code, errc::invalid);
  EXPECT_EQ(doc.error().where, "6:3");
  EXPECT_NE(doc.error().detail.find("`/a`"), std::string::npos) << doc.error().detail;
  for (const char* text : {"a: {x: 1, \"x\": 2}\n", "k: &k x\nm: {x: 1, *k : 2}\n"})
    EXPECT_FALSE(parse_document(text)) << text;
  EXPECT_TRUE(parse_document("a: &a {x: 1}\nb: {y: 1, <<: *a, x: 2}\nc: {x: 1}\n")) << "what is merged in is no key of the mapping";
}

TEST(openapi, of_two_documents_in_one_text_is_refused) {
  auto doc = read_openapi("openapi: 3.0.0\ninfo: {title: a, version: b}\npaths: {}\n---\nopenapi: 3.0.0\n", {});
  ASSERT_FALSE(doc);
  EXPECT_EQ(doc.error().where, "5:1");
  EXPECT_TRUE(read_openapi("---\nopenapi: 3.0.0\ninfo: {title: a, version: b}\npaths: {}\n---\n...\n", {}));
}

} // namespace
