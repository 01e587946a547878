// XML bodies of imported operations, read by the OpenAPI XML object.
#include "stateful_support.hpp"

#include "mock/xml.hpp"

#include <deque>

namespace hourglass::mock {

namespace {

json_schema compiled(std::string_view schema) {
  static std::deque<json_value> kept;
  auto v = parse_json(schema);
  EXPECT_TRUE(v);
  schema_options options;
  options.dialect = schema_dialect::openapi_3_0;
  auto out = compile_schema(kept.emplace_back(std::move(*v)), options);
  EXPECT_TRUE(out);
  return out ? *out : json_schema{};
}

std::string read(std::string_view text, std::string_view schema) {
  schema_purse purse;
  reading how{purse};
  auto v = read_xml(text, schema_walk{compiled(schema)}, how);
  return v ? to_text(v->value) : "failed: " + v.error().detail;
}

constexpr std::string_view pet = R"({"type":"object","required":["name","photoUrls"],"xml":{"name":"pet"},"properties":{
  "id":{"type":"integer","xml":{"attribute":true}},"name":{"type":"string","xml":{"name":"petName"}},"good":{"type":"boolean"},
  "photoUrls":{"type":"array","xml":{"wrapped":true},"items":{"type":"string","xml":{"name":"photoUrl"}}},
  "tag":{"type":"array","items":{"type":"object","properties":{"id":{"type":"integer"}}}},
  "note":{"type":"string","nullable":true}}})";

TEST(xml, names_attributes_and_wrapped_lists_mean_what_the_schema_says) {
  EXPECT_EQ(read(R"(<?xml version="1.0"?><pet id="7"><petName>Rex &amp; co</petName><good> true </good><photoUrls><photoUrl>a</photoUrl><photoUrl/></photoUrls></pet>)", pet),
            R"({"id":7,"name":"Rex & co","good":true,"photoUrls":["a",""]})");
  EXPECT_EQ(read("<pet><name>by its property</name></pet>", pet), R"({"name":"by its property"})");
  EXPECT_EQ(read("<pet><tag><id>1</id></tag><petName>x</petName><tag><id>2</id></tag></pet>", pet), R"({"tag":[{"id":1},{"id":2}],"name":"x"})");
  EXPECT_EQ(read("<pet><photoUrls></photoUrls><tag/></pet>", pet), R"({"photoUrls":[],"tag":[{}]})");
  EXPECT_EQ(read(R"(<p:pet xmlns:p="urn:x"><p:petName>n</p:petName></p:pet>)", pet), R"({"name":"n"})");
  EXPECT_EQ(read(R"(<pet xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><note xsi:nil="true"/></pet>)", pet), R"({"note":null})");
  EXPECT_EQ(read("<pet><petName><![CDATA[<b>]]></petName></pet>", pet), R"({"name":"<b>"})");
}

TEST(xml, what_is_of_the_wrong_shape_is_read_as_what_it_is) {
  EXPECT_EQ(read("<pet><photoUrls>text</photoUrls></pet>", pet), R"({"photoUrls":"text"})");
  EXPECT_EQ(read("<pet><photoUrls><other>1</other></photoUrls></pet>", pet), R"({"photoUrls":{"other":"1"}})");
  EXPECT_EQ(read("<pet><petName>a</petName><petName>b</petName></pet>", pet), R"({"name":["a","b"]})");
  EXPECT_EQ(read("<pet><petName><first>a</first></petName></pet>", pet), R"({"name":{"first":"a"}})");
  EXPECT_EQ(read("<pet><extra>1</extra></pet>", pet), R"({"extra":"1"})");
  EXPECT_EQ(read("<pet>words</pet>", pet), R"("words")");
}

TEST(xml, a_list_or_a_scalar_may_be_the_root) {
  EXPECT_EQ(read("<all><n>1</n><n>2</n></all>", R"({"type":"array","items":{"type":"integer"}})"), "[1,2]");
  EXPECT_EQ(read("<n> 5 </n>", R"({"type":"integer"})"), "5");
  EXPECT_EQ(read("<n> 5 </n>", R"({"type":"string"})"), R"(" 5 ")");
  EXPECT_EQ(read("<n/>", "{}"), R"("")");
}

TEST(xml, what_is_no_xml_is_said_to_be_none) {
  for (const char* bad : {"", "   ", "text", "<a>", "<a></b>", "<a/><b/>", "<a", "<a b></a>", "<a>\x01</a>", "<a>\xff</a>", "<a>text<b/></a>", "<!DOCTYPE a [<!ENTITY x \"y\">]>"})
    EXPECT_TRUE(read(bad, pet).starts_with("failed")) << bad;
  EXPECT_EQ(read("<!DOCTYPE n [<!ENTITY x \"boom\">]><n>&x;</n>", R"({"type":"string"})"), R"("&x;")") << "entities are nobody's";
  std::string deep;
  for (int i = 0; i < 70; ++i)
    deep += "<a>";
  for (int i = 0; i < 70; ++i)
    deep += "</a>";
  EXPECT_TRUE(read(deep, "{}").starts_with("failed: has elements more than"));
}

TEST(xml, many_elements_are_not_read_to_their_end) {
  std::string text = "<a>";
  for (int i = 0; i < 20'000; ++i)
    text += "<b/>";
  text += "</a>";
  schema_purse purse;
  reading how{purse};
  auto v = read_xml(text, schema_walk{json_schema{}}, how);
  EXPECT_TRUE(v && how.cut);
}

// -- requests --------------------------------------------------------------------------------

std::string document() {
  return R"({"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{"/pets":{
    "post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}},"application/xml":{"schema":{"$ref":"#/components/schemas/Pet"}}}},
      "responses":{"201":{"description":"ok","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}}}}}}},
    "/pets/{petId}":{"get":{"parameters":[{"name":"petId","in":"path","required":true,"schema":{"type":"integer"}}],
      "responses":{"200":{"description":"ok","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}}}}}}}},
    "components":{"schemas":{"Pet":{"type":"object","required":["name"],"xml":{"name":"pet"},"properties":{"id":{"type":"integer","format":"int64"},"name":{"type":"string"},
      "status":{"type":"string","enum":["free","sold"]},"urls":{"type":"array","xml":{"wrapped":true},"items":{"type":"string","xml":{"name":"url"}}}}}}}})";
}

struct in_xml : stateful {
  void SetUp() override { import(document(), state_mode::empty, validation_mode::enforce); }
  response sent(const std::string& body) { return send("POST", "/pets", body, {{"Content-Type", "application/xml"}}); }
};

TEST_F(in_xml, a_body_makes_an_item_as_the_same_one_in_json_does) {
  auto made = sent("<pet><id>12</id><name>Rex</name><status>sold</status><urls><url>a</url></urls></pet>");
  EXPECT_EQ(made.status, 201U) << made.body;
  EXPECT_EQ(got("/pets/12").dump(), R"({"id":12,"name":"Rex","status":"sold","urls":["a"]})");
}

TEST_F(in_xml, a_body_that_breaks_the_schema_is_refused) {
  EXPECT_EQ(sent("<pet><name>Rex</name><status>lost</status></pet>").status, 422U);
  EXPECT_EQ(sent("<pet><id>1</id></pet>").status, 422U);
  EXPECT_EQ(sent("<pet><name>x</name><urls>1</urls></pet>").status, 422U);
  auto other = sent("<cat><name>Rex</name></cat>");
  EXPECT_EQ(other.status, 422U);
  EXPECT_NE(other.body.find("root element pet"), std::string::npos) << other.body;
  auto none = sent("<pet><name>Rex</pet>");
  EXPECT_EQ(none.status, 400U);
  EXPECT_NE(none.body.find("is no XML"), std::string::npos) << none.body;
}

} // namespace

} // namespace hourglass::mock
