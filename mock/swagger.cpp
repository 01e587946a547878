// The walk over a Swagger 2.0 document: paths, operations, parameters. Schemas and answers are swagger_parts.cpp's.
#include "mock/swagger.hpp"

#include "mock/document_limits.hpp"
#include "mock/negotiation.hpp"

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

namespace hourglass::mock {

using events::errc;
using events::failure;

namespace {

constexpr std::size_t most_parameters = 200; ///< of an operation, or of a path
constexpr std::size_t most_types = 8; ///< of `consumes` or `produces`: each repeats the schemas

} // namespace

bool swagger_conversion::spent() const noexcept { return nodes_ > limits::document_nodes || bytes_ > limits::document_text_bytes; }

bool swagger_conversion::spend(std::size_t nodes, std::size_t bytes) noexcept {
  nodes_ += nodes;
  bytes_ += bytes;
  return !spent();
}

bool swagger_conversion::spend(const json_value& one) noexcept {
  auto bytes = one.text.size();
  for (std::size_t i = 0; i < one.names.size() && bytes <= limits::document_text_bytes; ++i)
    bytes += one.names[i].size();
  return spend(1, bytes);
}

void swagger_conversion::add_text(json_value& to, const json_value& from, const char* name) {
  if (const auto* m = from.member(name); m != nullptr && m->is_string() && spend(*m))
    to.add(name, *m);
}

void swagger_conversion::came_from(std::string place, std::string from) {
  if (spend(0, place.size() + from.size()))
    places_.emplace(std::move(place), std::move(from));
}

void swagger_conversion::warn(std::string detail, std::string where) {
  if (warnings_.size() < limits::document_warnings)
    warnings_.push_back({std::move(detail), std::move(where)});
}

events::outcome<json_value> swagger_conversion::convert(const json_value& root) {
  root_ = &root;
  const auto* version = root.member("swagger");
  if (version == nullptr || (!version->is_string() && !version->is_number()) || version->text != "2.0")
    return failure(errc::invalid, "of Swagger only 2.0 is read", "/swagger");
  const auto* paths = root.member("paths");
  if (paths == nullptr)
    return failure(errc::invalid, "is required", "/paths");
  if (!paths->is_object())
    return failure(errc::invalid, "must be an object", "/paths");
  auto out = json_value::object();
  out.add("openapi", json_value::of("3.0.3"));
  if (const auto* info = root.member("info"))
    out.add("info", copied(*info));
  for (std::size_t i = 0; i < root.items.size(); ++i)
    if (root.names[i].starts_with("x-") && root.member(root.names[i]) == &root.items[i])
      out.add(root.names[i], copied(root.items[i]));
  out.add("servers", servers());
  auto all = json_value::object();
  for (std::size_t i = 0; i < paths->items.size() && !spent(); ++i)
    if (!paths->names[i].starts_with("x-") && spend(0, 2 * paths->names[i].size()))
      all.add(paths->names[i], path_item(paths->items[i], pointer_to("/paths", paths->names[i])));
  all.seal();
  out.add("paths", std::move(all));
  if (const auto* definitions = root.member("definitions"); definitions != nullptr && definitions->is_object()) {
    auto schemas = json_value::object();
    for (std::size_t i = 0; i < definitions->items.size() && spend(0, definitions->names[i].size()); ++i)
      schemas.add(definitions->names[i], schema_of(definitions->items[i]));
    schemas.seal();
    out.add("definitions", std::move(schemas));
  }
  if (const auto* others = root.member("documents")) // `mock/openapi_bundle.hpp`
    out.add("documents", copied(*others));
  if (const auto* security = root.member("security"))
    out.add("security", copied(*security));
  auto components = json_value::object();
  components.add("securitySchemes", security_schemes());
  out.add("components", std::move(components));
  out.seal();
  came_from("/openapi", "/swagger");
  came_from("/servers", "/basePath");
  came_from("/components/securitySchemes", "/securityDefinitions");
  if (nodes_ > limits::document_nodes)
    return failure(errc::too_large, "as OpenAPI 3.0 this document has more values than the limit document_nodes (" + std::to_string(limits::document_nodes) + ")");
  if (spent())
    return failure(errc::too_large, "as OpenAPI 3.0 this document has more text than the limit document_text_bytes (" + std::to_string(limits::document_text_bytes) + ")");
  return out;
}

json_value swagger_conversion::servers() const {
  const auto* schemes = root_->member("schemes");
  const auto scheme = schemes != nullptr && schemes->is_array() && !schemes->items.empty() ? schemes->items.front().text : std::string{"http"};
  const std::string host{root_->string_member("host")};
  std::string base{root_->string_member("basePath")};
  if (!base.empty() && base.front() != '/')
    base.insert(base.begin(), '/');
  auto server = json_value::object();
  server.add("url", json_value::of(host.empty() ? base : scheme + "://" + host + base));
  auto out = json_value::array();
  out.items.push_back(std::move(server));
  return out;
}

json_value swagger_conversion::security_schemes() {
  auto out = json_value::object();
  const auto* all = root_->member("securityDefinitions");
  for (std::size_t i = 0; all != nullptr && all->is_object() && i < all->items.size(); ++i) {
    const auto& from = all->items[i];
    const auto type = from.string_member("type");
    auto one = json_value::object();
    if (type == "basic") {
      one.add("type", json_value::of("http"));
      one.add("scheme", json_value::of("basic"));
    } else if (type == "apiKey") {
      one.add("type", json_value::of("apiKey"));
      add_text(one, from, "name");
      add_text(one, from, "in");
    } else if (type == "oauth2") {
      const auto flow = from.string_member("flow");
      auto details = json_value::object();
      add_text(details, from, "authorizationUrl");
      add_text(details, from, "tokenUrl");
      auto scopes = from.member("scopes");
      details.add("scopes", scopes != nullptr ? copied(*scopes) : json_value::object());
      auto flows = json_value::object();
      flows.add(flow == "application" ? "clientCredentials" : flow == "accessCode" ? "authorizationCode" : std::string{flow}, std::move(details));
      one.add("type", json_value::of("oauth2"));
      one.add("flows", std::move(flows));
    }
    out.add(all->names[i], std::move(one));
  }
  out.seal();
  return out;
}

/// Of the operation, else of the document, else JSON.
std::vector<std::string> swagger_conversion::media_types(const json_value& operation, std::string_view name, const std::string& at) {
  std::vector<std::string> out;
  const auto* own = operation.member(name);
  const auto* list = own != nullptr ? own : root_->member(name);
  for (std::size_t i = 0; list != nullptr && list->is_array() && i < list->items.size(); ++i) {
    if (out.size() == most_types) {
      warn("of these media types only the first " + std::to_string(most_types) + " count", (own != nullptr ? at + '/' : "/") + std::string{name});
      break;
    }
    const auto& type = list->items[i];
    if (type.is_string() && !media_essence(type.text).empty() && std::find(out.begin(), out.end(), type.text) == out.end())
      out.push_back(type.text);
  }
  if (out.empty())
    out.push_back("application/json");
  return out;
}

json_value swagger_conversion::path_item(const json_value& v, const std::string& at) {
  static constexpr std::array<std::string_view, 7> methods{"get", "put", "post", "delete", "options", "head", "patch"};
  if (!v.is_object())
    return copied(v); // the importer tells of it
  const auto of_path = parameters_of(v, at);
  auto out = json_value::object();
  if (const auto* reference = v.member("$ref"))
    out.add("$ref", copied(*reference));
  out.add("parameters", plain_parameters(of_path, at));
  for (std::size_t i = 0; i < v.items.size() && spend(0, at.size() + v.names[i].size()); ++i) {
    const auto& name = v.names[i];
    if (name.starts_with("x-"))
      out.add(name, copied(v.items[i]));
    else if (std::find(methods.begin(), methods.end(), name) != methods.end() && v.member(name) == &v.items[i])
      out.add(name, operation(v.items[i], pointer_to(at, name), of_path));
  }
  out.seal();
  return out;
}

json_value swagger_conversion::operation(const json_value& v, const std::string& at, const parameters& of_path) {
  if (!v.is_object())
    return copied(v);
  auto out = json_value::object();
  for (const auto* name : {"operationId", "summary", "description"})
    add_text(out, v, name);
  for (std::size_t i = 0; i < v.items.size(); ++i)
    if (v.names[i].starts_with("x-"))
      out.add(v.names[i], copied(v.items[i]));
  auto own = parameters_of(v, at);
  out.add("parameters", plain_parameters(own, at));
  auto is_body = [](const parameter& p) { return p.value->string_member("in") == "body" || p.value->string_member("in") == "formData"; };
  auto is_form = [](const parameter& p) { return p.value->string_member("in") == "formData"; };
  if (std::none_of(own.begin(), own.end(), is_body))
    std::copy_if(of_path.begin(), of_path.end(), std::back_inserter(own), is_body);
  else if (std::any_of(own.begin(), own.end(), is_form)) // of the same name the operation's own comes first
    std::copy_if(of_path.begin(), of_path.end(), std::back_inserter(own), is_form);
  if (auto body = request_body(own, v, at); body.is_object())
    out.add("requestBody", std::move(body));
  if (forms_.is_array())
    out.add("x-forms", std::exchange(forms_, {}));
  if (const auto* security = v.member("security"))
    out.add("security", copied(*security));
  if (const auto* answers = v.member("responses"))
    out.add("responses", responses(*answers, media_types(v, "produces", at), at + "/responses"));
  out.seal();
  return out;
}

/// Those of an operation or a path, references followed.
swagger_conversion::parameters swagger_conversion::parameters_of(const json_value& v, const std::string& at) {
  parameters out;
  const auto* list = v.member("parameters");
  for (std::size_t i = 0; list != nullptr && list->is_array() && i < list->items.size() && spend(1, at.size()); ++i) {
    if (out.size() == most_parameters) {
      warn("of these parameters only the first " + std::to_string(most_parameters) + " count", at + "/parameters");
      break;
    }
    auto where = at + "/parameters/" + std::to_string(i);
    const auto* p = follow_reference(*root_, list->items[i]);
    if (p == nullptr || !p->is_object()) {
      warn("this parameter is not checked: it is no object, or a reference that is not followed", where);
      continue;
    }
    if (auto reference = list->items[i].string_member("$ref"); reference.starts_with("#/"))
      where = reference.substr(1);
    out.push_back({p, std::move(where)});
  }
  return out;
}

json_value swagger_conversion::plain_parameters(const parameters& all, const std::string& at) {
  auto out = json_value::array();
  for (const auto& p : all) {
    if (!spend(0, 2 * (at.size() + p.at.size())))
      break;
    const auto in = p.value->string_member("in");
    if (in == "body" || in == "formData")
      continue;
    const auto place = at + "/parameters/" + std::to_string(out.items.size());
    came_from(place, p.at);
    came_from(place + "/schema", p.at);
    out.items.push_back(plain_parameter(p));
  }
  return out;
}

json_value swagger_conversion::plain_parameter(const parameter& p) {
  const auto& v = *p.value;
  auto out = json_value::object();
  for (const auto* name : {"name", "in", "description"})
    add_text(out, v, name);
  if (v.truth_member("required"))
    out.add("required", json_value::of_bool(true));
  if (v.truth_member("allowEmptyValue"))
    out.add("allowEmptyValue", json_value::of_bool(true));
  const bool list = v.string_member("type") == "array";
  const auto format = v.string_member("collectionFormat");
  const bool query_only = format == "ssv" || format == "pipes";
  if (list && (format == "tsv" || (query_only && v.string_member("in") != "query"))) {
    warn(format == "tsv" ? "this parameter is not checked: its values are divided by tabs, which OpenAPI 3 does not know"
                         : "this parameter is not checked: its values are divided as OpenAPI 3 knows it in a query only", p.at);
    return out;
  }
  if (list) {
    const bool query = v.string_member("in") == "query";
    out.add("style", json_value::of(!query ? "simple" : format == "ssv" ? "spaceDelimited" : format == "pipes" ? "pipeDelimited" : "form"));
    out.add("explode", json_value::of_bool(format == "multi"));
  }
  out.add("schema", simple_schema(v));
  return out;
}

// -- bodies of requests ------------------------------------------------------------------

json_value swagger_conversion::request_body(const parameters& all, const json_value& operation, const std::string& at) {
  const parameter* body = nullptr;
  parameters form;
  for (const auto& p : all) {
    if (p.value->string_member("in") == "formData")
      form.push_back(p);
    else if (p.value->string_member("in") == "body" && body == nullptr)
      body = &p;
  }
  if (body == nullptr)
    return form.empty() ? json_value{} : form_body(form, media_types(operation, "consumes", at), at);
  if (!form.empty())
    warn("an operation has a body or a form; this form is left out", form.front().at);
  auto content = json_value::object();
  for (const auto& type : media_types(operation, "consumes", at)) {
    auto media = json_value::object();
    if (const auto* schema = body->value->member("schema"))
      media.add("schema", schema_of(*schema));
    came_from(pointer_to(at + "/requestBody/content", type), body->at);
    content.add(type, std::move(media));
  }
  came_from(at + "/requestBody", body->at);
  auto out = json_value::object();
  if (body->value->truth_member("required"))
    out.add("required", json_value::of_bool(true));
  out.add("content", std::move(content));
  return out;
}

json_value swagger_conversion::form_body(const parameters& form, std::vector<std::string> types, const std::string& at) {
  const bool files = std::any_of(form.begin(), form.end(), [](const parameter& p) { return p.value->string_member("type") == "file"; });
  std::erase_if(types, [](const std::string& t) { return media_essence(t) != "application/x-www-form-urlencoded" && media_essence(t) != "multipart/form-data"; });
  if (types.empty())
    types.push_back(files ? "multipart/form-data" : "application/x-www-form-urlencoded");
  auto properties = json_value::object();
  auto required = json_value::array();
  forms_ = json_value::array();
  std::unordered_set<std::string> names;
  for (const auto& p : form) {
    if (!spend(1, at.size()))
      break;
    std::string name{p.value->string_member("name")};
    if (name.empty() || !names.insert(name).second)
      continue;
    if (p.value->truth_member("required"))
      required.items.push_back(json_value::of(name));
    // As a schema of its own, so that a fault tells of the parameter.
    const auto place = at + "/x-forms/" + std::to_string(forms_.items.size());
    const auto format = p.value->string_member("collectionFormat");
    if (p.value->string_member("type") == "array" && format != "multi" && format != "csv" && !format.empty())
      warn("the values of this list are taken one by one: a form cannot divide them by spaces, tabs or pipes", p.at);
    forms_.items.push_back(simple_schema(*p.value));
    auto reference = json_value::object();
    reference.add("$ref", json_value::of(reference_to_place(place)));
    properties.add(name, std::move(reference));
    came_from(place, p.at);
  }
  properties.seal();
  auto schema = json_value::object();
  schema.add("type", json_value::of("object"));
  schema.add("properties", std::move(properties));
  auto out = json_value::object();
  if (!required.items.empty()) {
    out.add("required", json_value::of_bool(true));
    schema.add("required", std::move(required));
  }
  auto content = json_value::object();
  for (const auto& type : types) {
    came_from(pointer_to(at + "/requestBody/content", type) + "/schema", at + "/parameters");
    auto media = json_value::object();
    media.add("schema", copied(schema));
    content.add(type, std::move(media));
  }
  came_from(at + "/requestBody", at + "/parameters");
  out.add("content", std::move(content));
  return out;
}

} // namespace hourglass::mock
