// What an import tells of values that do not fit their schemas.
#include "support.hpp"

#include "mock/openapi.hpp"
#include "mock/openapi_doubt.hpp"

#include <nlohmann/json.hpp>

namespace {
using namespace hourglass::mock;
namespace limits = hourglass::limits;
using json = nlohmann::json;

std::string document(const std::string& media, const std::string& schemas = "{}") {
  return R"({"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{"/x":{"get":{"responses":{"200":{"description":"","content":{"application/json":)" +
         media + R"(}}}}}},"components":{"schemas":)" + schemas + "}}";
}

const std::string at = "/paths/~1x/get/responses/200/content/application~1json";

std::vector<document_warning> told(const std::string& media, const std::string& schemas = "{}") {
  auto doc = read_openapi(document(media, schemas), {});
  EXPECT_TRUE(doc) << doc.error().detail;
  return doc ? doc->warnings : std::vector<document_warning>{};
}

TEST(doubts, are_told_with_the_place_of_the_rule) {
  struct unfit {
    const char *schema, *where, *says;
  };
  const unfit cases[] = {
      {R"({"type":"strng"})", "/schema/type", "not held against"},
      {R"({"type":"integer","minimum":10,"maximum":1})", "/schema/m", "no value was found"},
      {R"({"type":"object","required":["n"],"properties":{"n":{"type":"integer","minimum":10,"maximum":1}}})", "/schema/properties/n/m", "no value was found"},
      {R"({"type":"string","minLength":9,"maxLength":2})", "/schema/m", "no value was found"},
      {R"({"type":"string","pattern":"(["})", "/schema/pattern", "not held against"},
      {R"({"type":"array","minItems":1,"items":{"not":{}}})", "/schema", "no value"},
  };
  for (const auto& c : cases) {
    const auto all = told(R"({"schema":)" + std::string{c.schema} + "}");
    ASSERT_EQ(all.size(), 1U) << c.schema;
    EXPECT_TRUE(all[0].where.starts_with(at + c.where)) << c.schema << " at " << all[0].where << ": " << all[0].detail;
    EXPECT_NE(all[0].detail.find(c.says), std::string::npos) << c.schema << ": " << all[0].detail;
  }
}

TEST(doubts, tell_of_a_schema_that_demands_itself_without_end) {
  const auto all = told(R"({"schema":{"$ref":"#/components/schemas/Node"}})",
                        R"({"Node":{"type":"object","required":["next"],"properties":{"next":{"$ref":"#/components/schemas/Node"}}}})");
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].where, at + "/schema");
  EXPECT_NE(all[0].detail.find("demands itself"), std::string::npos) << all[0].detail;
}

TEST(doubts, tell_of_a_shared_schema_once_and_where_it_stands) {
  const std::string one = R"({"get":{"responses":{"200":{"description":"","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Bad"}}}}}}})";
  auto doc = read_openapi(R"({"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{"/a":)" + one + R"(,"/b":)" + one +
                              R"(},"components":{"schemas":{"Bad":{"type":"integer","minimum":10,"maximum":1}}}})",
                          {});
  ASSERT_TRUE(doc);
  ASSERT_EQ(doc->warnings.size(), 1U);
  EXPECT_TRUE(doc->warnings[0].where.starts_with("/components/schemas/Bad/m")) << doc->warnings[0].where;
}

TEST(doubts, tell_of_examples_that_contradict_their_schema) {
  const auto one = told(R"({"example":{"n":"seven"},"schema":{"type":"object","properties":{"n":{"type":"integer"}}}})");
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0].where, at + "/example");
  EXPECT_NE(one[0].detail.find("`/n`"), std::string::npos) << one[0].detail;
  const auto named = told(R"({"examples":{"good":{"value":1},"bad":{"value":"x"}},"schema":{"type":"integer"}})");
  ASSERT_EQ(named.size(), 1U);
  EXPECT_EQ(named[0].where, at + "/examples/bad");
  const auto within = told(R"({"schema":{"type":"object","properties":{"n":{"type":"integer","example":"seven"}}}})");
  ASSERT_EQ(within.size(), 1U);
  EXPECT_NE(within[0].detail.find("not used"), std::string::npos) << within[0].detail;
  EXPECT_TRUE(within[0].where.starts_with(at + "/schema/properties/n")) << within[0].where;
}

TEST(doubts, are_not_told_of_a_place_that_requests_are_told_of) {
  auto doc = read_openapi(R"({"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{"/x":{"post":{
    "requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Bad"}}}},
    "responses":{"200":{"description":"","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Bad"}}}}}}}},
    "components":{"schemas":{"Bad":{"type":"strng"}}}})",
                          {});
  ASSERT_TRUE(doc);
  ASSERT_EQ(doc->warnings.size(), 1U);
  EXPECT_EQ(doc->warnings[0].where, "/components/schemas/Bad/type");
}

TEST(doubts, are_none_where_all_fits) {
  for (const char* media : {R"({"example":{"n":7},"schema":{"type":"object","properties":{"n":{"type":"integer"}}}})",
                            R"({"schema":{"type":"object","required":["n","secret"],"properties":{"n":{"type":"integer","example":3},"secret":{"type":"string","writeOnly":true}}}})",
                            R"({"example":"{\"n\":1}","schema":{"type":"object"}})", R"({"schema":{}})", R"({"example":1})",
                            R"({"example":null,"schema":{"type":"string","nullable":true}})"}) {
    for (const auto& w : told(media))
      ADD_FAILURE() << media << " at " << w.where << ": " << w.detail;
  }
}

TEST(doubts, leave_room_for_what_was_left_out) {
  std::string examples;
  for (int i = 0; i < 300; ++i)
    examples += (i > 0 ? ",\"e" : "\"e") + std::to_string(i) + R"(":{"value":"x"})";
  const auto all = told(R"({"examples":{)" + examples + R"(,"outside":{"externalValue":"http://x/y"}},"schema":{"type":"integer"}})");
  ASSERT_EQ(all.size(), 1 + limits::document_doubts + 1);
  EXPECT_TRUE(all.front().where.ends_with("/outside"));
  EXPECT_NE(all.back().detail.find("250 more"), std::string::npos) << all.back().detail;
}

} // namespace
