#include "world.hpp"

#include "api/router.hpp"

#include <algorithm>
#include <set>

namespace {

using namespace hourglass;
using namespace hourglass::testing;

/// As much of JSON Schema as our own document uses.
class schema_checker {
public:
  explicit schema_checker(const json& document) : document_(document) {}

  /// What is wrong with `value`, with the place; empty when it fits.
  std::string check(const json& schema, const json& value, const std::string& at) const {
    if (auto ref = schema.find("$ref"); ref != schema.end())
      return check(document_.at(json::json_pointer{ref->get<std::string>().substr(1)}), value, at);
    for (const auto& part : schema.value("allOf", json::array()))
      if (auto why = check(part, value, at); !why.empty())
        return why;
    if (auto any = schema.find("anyOf"); any != schema.end()
        && std::none_of(any->begin(), any->end(), [&](const json& one) { return check(one, value, at).empty(); }))
      return at + ": fits none of anyOf";
    if (auto type = schema.find("type"); type != schema.end()) {
      auto list = type->is_array() ? *type : json::array({*type});
      if (std::none_of(list.begin(), list.end(), [&](const json& t) { return is(t.get<std::string>(), value); }))
        return at + ": is not " + type->dump() + " but " + value.dump().substr(0, 80);
    }
    if (auto words = schema.find("enum"); words != schema.end() && std::find(words->begin(), words->end(), value) == words->end())
      return at + ": is none of " + words->dump();
    return value.is_object() ? members(schema, value, at) : value.is_array() ? elements(schema, value, at) : std::string{};
  }

private:
  static bool is(const std::string& type, const json& v) {
    return (type == "object" && v.is_object()) || (type == "array" && v.is_array()) || (type == "string" && v.is_string())
           || (type == "integer" && v.is_number_integer()) || (type == "number" && v.is_number()) || (type == "boolean" && v.is_boolean())
           || (type == "null" && v.is_null());
  }

  std::string members(const json& schema, const json& value, const std::string& at) const {
    for (const auto& name : schema.value("required", json::array()))
      if (!value.contains(name))
        return at + ": lacks " + name.get<std::string>();
    auto known = schema.value("properties", json::object());
    auto more = schema.find("additionalProperties");
    for (const auto& [name, member] : value.items()) {
      const json* with = known.contains(name) ? &known[name] : more != schema.end() && more->is_object() ? &*more : nullptr;
      if (with == nullptr && more != schema.end() && *more == false)
        return at + ": has " + name;
      if (with != nullptr)
        if (auto why = check(*with, member, at + "/" + name); !why.empty())
          return why;
    }
    return {};
  }

  std::string elements(const json& schema, const json& value, const std::string& at) const {
    auto items = schema.find("items");
    for (std::size_t i = 0; items != schema.end() && i < value.size(); ++i)
      if (auto why = check(*items, value[i], at + "/" + std::to_string(i)); !why.empty())
        return why;
    return {};
  }

  const json& document_;
};

class answers : public world {
protected:
  void SetUp() override {
    world::SetUp();
    document_ = json::parse(ask("GET", "/openapi.json").response.body);
  }

  /// Asks, and compares the answer with what the document says of this operation and status.
  json fits(unsigned status, const std::string& method, const std::string& target, const json& body = nullptr) {
    auto a = ask(method, target, body.is_null() ? std::string{} : body.dump());
    EXPECT_EQ(a.status(), status) << method << " " << target << ": " << a.response.body;
    auto found = service_->routes().find(method, http::split_target(target).path);
    EXPECT_NE(found.to, nullptr) << target;
    if (found.to == nullptr)
      return {};
    std::string lower{method};
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return static_cast<char>(c | 0x20); });
    const auto& responses = document_["paths"][std::string{found.to->path}][lower]["responses"];
    auto name = std::to_string(a.status());
    const auto& said = responses.contains(name) ? responses[name] : responses["default"];
    if (!said.contains("content")) {
      EXPECT_TRUE(a.response.body.empty()) << method << " " << target << ": " << a.response.body;
      return {};
    }
    auto value = a.body();
    seen_.insert(std::string{found.to->id});
    EXPECT_EQ(schema_checker{document_}.check(said["content"].begin().value()["schema"], value, ""), "") << method << " " << target << ": " << value.dump();
    return value;
  }

  json document_;
  std::set<std::string> seen_;
};

TEST_F(answers, of_the_main_calls_are_as_openapi_json_says) {
  auto box = fits(201, "POST", "/sandboxes", {{"name", "n"}, {"uid", "u"}, {"metadata", {{"a", "b"}}}, {"ttl_seconds", 1000}});
  auto s = "/sandboxes/" + box["id"].get<std::string>();
  fits(200, "GET", "/sandboxes");
  fits(200, "GET", s);
  fits(200, "PATCH", s, {{"name", "m"}});
  auto e = fits(201, "POST", s + "/endpoints", {{"method", "GET"}, {"path", "/p/{id}"}, {"response", {{"body", {{"a", 1}}}}}});
  fits(200, "GET", s + "/endpoints");
  fits(200, "GET", s + "/endpoints/" + e["id"].get<std::string>());
  auto import = fits(200, "PUT", s + "/openapi", {{"openapi", "3.0.0"}, {"paths", {{"/broken", 5}, {"/ok", {{"get", {{"responses", {{"200", {{"description", ""}}}}}}}}}}}});
  EXPECT_GE(import["warnings"].size(), 2U) << "no info, and a path that is none";
  fits(204, "PUT", s + "/data/pets/1", {{"n", 1}});
  fits(200, "GET", s + "/data");
  fits(200, "GET", s + "/data/pets");
  fits(200, "GET", s + "/data/pets/1");
  fits(204, "PUT", s + "/env/A", {{"value", "b"}});
  fits(200, "GET", s + "/env");
  EXPECT_EQ(send(make("GET", "/s/u/p/1")).status(), 200U);
  auto request = fits(200, "GET", s + "/requests")["data"][0]["id"].get<std::string>();
  fits(200, "GET", s + "/requests/" + request);
  fits(200, "POST", s + "/requests/" + request + "/replay");
  fits(200, "GET", s + "/history");
  fits(200, "GET", s + "/history/1");
  fits(200, "GET", s + "/state");
  fits(200, "GET", s + "/clock");
  fits(200, "POST", s + "/clock/freeze");
  fits(200, "POST", s + "/clock/reset");
  fits(200, "GET", "/healthz");
  fits(200, "GET", "/readyz");
  auto app = "/api/v1/app/" + box["id"].get<std::string>();
  fits(201, "POST", "/api/v1/app", {{"name", "a"}, {"uid", "other"}});
  fits(200, "GET", "/api/v1/app");
  fits(200, "GET", app);
  auto d = fits(201, "POST", app + "/endpoint", {{"url", "http://127.0.0.1:9/hook"}, {"disabled", true}});
  auto ep = app + "/endpoint/" + d["id"].get<std::string>();
  fits(200, "GET", app + "/endpoint");
  fits(200, "GET", ep);
  fits(200, "GET", ep + "/secret");
  fits(200, "GET", ep + "/headers");
  fits(200, "GET", ep + "/stats");
  fits(201, "POST", "/api/v1/event-type", {{"name", "a.b"}, {"description", "d"}});
  fits(200, "GET", "/api/v1/event-type");
  auto m = fits(202, "POST", app + "/msg", {{"eventType", "a.b"}, {"payload", {{"x", 1}}}});
  fits(200, "GET", app + "/msg");
  fits(200, "GET", app + "/msg/" + m["id"].get<std::string>());
  fits(200, "GET", app + "/attempt/endpoint/" + d["id"].get<std::string>());
  fits(200, "GET", app + "/msg/" + m["id"].get<std::string>() + "/endpoint");
  fits(409, "POST", ep + "/recover", {{"since", "2020-01-01T00:00:00Z"}});
  fits(422, "POST", app + "/endpoint", {{"url", 5}});
  fits(422, "POST", s + "/endpoints", {{"method", 5}});
  fits(404, "GET", s + "/endpoints/ep_none");
  fits(400, "GET", s + "/history?limit=0");
  EXPECT_GT(seen_.size(), 35U);
}

} // namespace
