#include "api/openapi_document.hpp"

#include "api/router.hpp"
#include "events/limits.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace hourglass::api {

using json = nlohmann::ordered_json;

namespace {

json schema_of(std::string_view type) {
  if (type == "date-time")
    return {{"type", "string"}, {"format", "date-time"}};
  return {{"type", type}};
}

json reference(std::string_view name) {
  return {{"$ref", "#/components/schemas/" + std::string{name}}};
}

json parameters(const route& r) {
  auto out = json::array();
  for (auto name : parameters_of(r.path))
    out.push_back({{"name", name}, {"in", "path"}, {"required", true}, {"schema", schema_of("string")}});
  for (auto& q : r.query)
    out.push_back({{"name", q.name}, {"in", "query"}, {"description", q.says}, {"schema", schema_of(q.type)}});
  out.push_back({{"$ref", "#/components/parameters/CorrelationId"}});
  if (r.method != "GET")
    out.push_back({{"$ref", "#/components/parameters/IdempotencyKey"}});
  return out;
}

json request_body(const route& r) {
  if (r.takes == body::document)
    return {{"required", true},
            {"content", {{"application/json", {{"schema", json::object()}}}, {"application/yaml", {{"schema", schema_of("string")}}}}}};
  if (r.takes == body::payload)
    return {{"required", true}, {"content", {{"application/json", {{"schema", reference(r.body_schema)}}}, {"*/*", {{"schema", schema_of("string")}}}}}};
  return {{"required", r.takes != body::optional_json}, {"content", {{"application/json", {{"schema", reference(r.body_schema)}}}}}};
}

json error_answer(const route& r, std::string_view says, bool validation) {
  auto svix = r.speaks == dialect::svix;
  auto schema = !svix ? "Problem" : validation ? "SvixValidationError" : "SvixError";
  return {{"description", says},
          {"content", {{svix ? "application/json" : "application/problem+json", {{"schema", reference(schema)}}}}}};
}

json answers(const route& r) {
  json out = json::object();
  for (auto& a : r.answers) {
    json one = {{"description", a.says.empty() ? std::string_view{"Done"} : a.says}};
    if (!a.schema.empty())
      one["content"] = {{a.media_type, {{"schema", reference(a.schema)}}}};
    out[std::to_string(a.status)] = std::move(one);
  }
  if (r.who != access::anyone) {
    out["401"] = error_answer(r, "No valid key", false);
    out["403"] = error_answer(r, "This key may not do that", false);
  }
  if (!parameters_of(r.path).empty())
    out["404"] = error_answer(r, "There is no such thing", false);
  if (r.takes != body::none) {
    out["413"] = error_answer(r, "A limit is exceeded; the detail names it", false);
    out["415"] = error_answer(r, "The body's media type or encoding is not taken", false);
    out["422"] = error_answer(r, "The body breaks a rule; the error points at the place", true);
  } else if (r.speaks == dialect::svix) {
    out["422"] = error_answer(r, "A parameter breaks a rule", true);
  }
  out["default"] = error_answer(r, "Any other error", false);
  return out;
}

json operation(const route& r) {
  json out = {{"operationId", r.id}, {"tags", {r.tag}}, {"summary", r.says}, {"parameters", parameters(r)}};
  if (r.takes != body::none)
    out["requestBody"] = request_body(r);
  out["responses"] = answers(r);
  if (r.portal)
    out["x-portal-capability"] = mock::name_of(*r.portal);
  if (r.who == access::anyone)
    out["security"] = json::array();
  return out;
}

constexpr std::string_view about =
    "Control plane of a Hourglass node, and its webhooks in Svix's shape under /api/v1. The sandboxes' own traffic is at /s/{sandbox}/… "
    "(any method, no key), at {sandbox}.{domain}, or at any path with the header X-Sandbox-Id; what is answered there is up to each sandbox.";

} // namespace

std::string openapi_document(const router& routes, std::string_view version, std::string_view base_url) {
  json out;
  out["openapi"] = "3.1.0";
  out["info"] = {{"title", "Hourglass"}, {"version", version}, {"description", about}};
  if (!base_url.empty())
    out["servers"] = json::array({{{"url", base_url}}});
  out["security"] = json::array({{{"key", json::array()}}});
  auto& paths = out["paths"] = json::object();
  for (auto& r : routes.all()) {
    std::string method{r->method};
    std::transform(method.begin(), method.end(), method.begin(), [](char c) { return static_cast<char>(c | 0x20); });
    paths[std::string{r->path}][method] = operation(*r);
  }
  auto& components = out["components"];
  components["securitySchemes"] = {
      {"key",
       {{"type", "http"},
        {"scheme", "bearer"},
        {"description", "The admin key, the client secret of one sandbox, or, where there is x-portal-capability, a portal token with it"}}}};
  components["parameters"] = {
      {"CorrelationId",
       {{"name", "X-Correlation-Id"},
        {"in", "header"},
        {"description", "Up to 64 printable characters; echoed, and kept with every event. One is made when there is none"},
        {"schema", {{"type", "string"}, {"maxLength", 64}}}}},
      {"IdempotencyKey",
       {{"name", "Idempotency-Key"},
        {"in", "header"},
        {"description", "The same request with the same key is carried out once in twelve hours and answered alike, after a crash too; the second answer "
                        "has the header Idempotent-Replayed. Another request with the same key and path is refused (422), one that comes while the "
                        "first is under way too (409)"},
        {"schema", {{"type", "string"}, {"minLength", 1}, {"maxLength", limits::idempotency_key_bytes}}}}}};
  components["schemas"] = json::parse(component_schemas());
  return out.dump();
}

} // namespace hourglass::api
