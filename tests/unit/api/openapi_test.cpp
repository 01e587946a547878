#include "world.hpp"

#include "api/router.hpp"

#include <functional>
#include <set>

namespace {

using namespace hourglass;
using namespace hourglass::testing;

class openapi : public world {};

std::string lower(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

TEST_F(openapi, describes_every_route_and_nothing_else) {
  auto doc = asked(200, "GET", "/openapi.json");
  std::set<std::string> described, routed;
  for (auto& [path, methods] : doc["paths"].items())
    for (auto& [method, operation] : methods.items())
      described.insert(method + " " + path);
  for (auto& r : service_->routes().all())
    routed.insert(lower(r->method) + " " + std::string{r->path});
  EXPECT_EQ(described, routed);
  EXPECT_GT(routed.size(), 70U);
}

TEST_F(openapi, has_every_schema_it_refers_to_and_uses_every_one) {
  auto doc = asked(200, "GET", "/openapi.json");
  std::set<std::string> used;
  std::function<void(const json&)> walk = [&](const json& at) {
    if (at.is_object() && at.contains("$ref")) {
      auto ref = at["$ref"].get<std::string>();
      ASSERT_TRUE(ref.starts_with("#/"));
      EXPECT_TRUE(doc.contains(json::json_pointer{ref.substr(1)})) << ref;
      used.insert(ref);
    }
    if (at.is_structured())
      for (auto& child : at)
        walk(child);
  };
  walk(doc);
  for (auto& [name, schema] : doc["components"]["schemas"].items())
    EXPECT_TRUE(used.contains("#/components/schemas/" + name)) << name;
}

TEST_F(openapi, describes_each_operation_whole) {
  auto doc = asked(200, "GET", "/openapi.json");
  EXPECT_EQ(doc["openapi"], "3.1.0");
  std::set<std::string> ids;
  for (auto& r : service_->routes().all()) {
    auto& operation = doc["paths"][std::string{r->path}][lower(r->method)];
    EXPECT_TRUE(ids.insert(operation["operationId"]).second) << r->id;
    EXPECT_FALSE(operation["summary"].get<std::string>().empty()) << r->id;
    EXPECT_FALSE(r->answers.empty()) << r->id;
    EXPECT_TRUE(operation["responses"].contains("default")) << r->id;
    std::set<std::string> in_path;
    for (auto& p : operation["parameters"])
      if (p.value("in", "") == "path") {
        EXPECT_EQ(p["required"], true);
        in_path.insert(p["name"]);
      }
    for (auto name : api::parameters_of(r->path))
      EXPECT_TRUE(in_path.contains(std::string{name})) << r->id;
    EXPECT_EQ(operation.contains("requestBody"), r->takes != api::body::none) << r->id;
    if (r->takes != api::body::none && r->takes != api::body::document) {
      EXPECT_FALSE(r->body_schema.empty()) << r->id;
    }
  }
}

TEST_F(openapi, needs_no_key) {
  EXPECT_EQ(send(make("GET", "/openapi.json")).status(), 200U);
}

} // namespace
