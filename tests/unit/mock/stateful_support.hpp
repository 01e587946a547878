#pragma once

#include "support.hpp"

#include "mock/openapi.hpp"
#include "mock/schema.hpp"

#include <nlohmann/json.hpp>

namespace hourglass::mock {

/// A sandbox that is served by the pure functions: what a request changes is there for the next one.
struct stateful : testing::Test {
  using json = nlohmann::json;
  endpoint_state endpoints;
  data_state data;
  std::uint8_t chance = 1;
  served last;

  json import(std::string text, std::optional<state_mode> mode = {}, validation_mode validation = validation_mode::report) {
    import_openapi what{std::move(text)};
    what.state = mode;
    what.validation = validation;
    auto r = run(endpoints, endpoint_command{std::move(what)});
    EXPECT_TRUE(r) << r.error().detail << " at " << r.error().where;
    return r ? json::parse(*r) : json{};
  }
  response send(const request& r) {
    last = serve(endpoints, data, r, at_moment(chance++), test_redactor());
    for (const auto& e : last.events) {
      auto ok = apply(data, e.kind, e.payload);
      EXPECT_TRUE(ok) << ok.error().detail;
    }
    return last.response;
  }
  response send(std::string method, std::string target, std::string body = {}, fields headers = {}) {
    auto r = mock::get(std::move(target), std::move(headers));
    r.method = std::move(method);
    if (!body.empty() && find(r.headers, "content-type") == nullptr)
      r.headers.push_back({"Content-Type", "application/json"});
    r.body = std::move(body);
    return send(r);
  }
  json got(std::string target) {
    auto r = send("GET", std::move(target));
    EXPECT_EQ(r.status, 200U) << r.body;
    return json::parse(r.body, nullptr, false);
  }
  std::size_t changes() const { return last.events.size() - 1; }
};

/// Pets of owners, as a document describes them.
inline std::string pets_document(const std::string& more = "", const std::string& version = "3.0.3") {
  return R"({"openapi":")" + version + R"(","info":{"title":"t","version":"1"},"paths":{
  "/pets":{"get":{"parameters":[{"name":"limit","in":"query","schema":{"type":"integer","default":10}},{"name":"offset","in":"query","schema":{"type":"integer"}},
                                {"name":"status","in":"query","schema":{"type":"string"}},{"name":"tag","in":"query","schema":{"type":"string"}},{"name":"q","in":"query","schema":{"type":"string"}}],
      "responses":{"200":{"headers":{"X-Total-Count":{"schema":{"type":"integer","example":99}}},"content":{"application/json":{"schema":{"type":"array","items":{"$ref":"#/components/schemas/Pet"}},
        "example":[{"id":1,"name":"Rex","status":"sold","tag":["dog"]},{"id":2,"name":"Tom","status":"free","tag":["cat","grey"]}]}}}}},
    "post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}},"application/x-www-form-urlencoded":{"schema":{"$ref":"#/components/schemas/Pet"}}}},
      "responses":{"201":{"headers":{"Location":{"schema":{"type":"string"}}},"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}}}},
                   "422":{"content":{"application/json":{"example":{"error":"no pet"}}}}}}},
  "/pets/{petId}":{"parameters":[{"name":"petId","in":"path","required":true,"schema":{"type":"integer"}}],
    "get":{"responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}}}},"404":{"content":{"application/json":{"example":{"error":"no such pet"}}}}}},
    "put":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}}}},"responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}}}}}},
    "patch":{"requestBody":{"content":{"application/json":{"schema":{"type":"object"}},"application/merge-patch+json":{"schema":{"type":"object"}}}},"responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}}}}}},
    "delete":{"responses":{"204":{"description":"gone"}}}})" +
         more + R"(},"components":{"schemas":{"Pet":{"type":"object","required":["id","name","made"],"properties":{
    "id":{"type":"integer","readOnly":true},"name":{"type":"string"},"status":{"type":"string","enum":["free","sold"],"default":"free"},"tag":{"type":"array","items":{"type":"string"}},
    "made":{"type":"string","example":"pet factory"},"created_at":{"type":"string","format":"date-time","readOnly":true},"secret":{"type":"string","writeOnly":true}}}}}})";
}

} // namespace hourglass::mock
