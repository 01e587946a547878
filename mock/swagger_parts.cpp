// Schemas and answers of a Swagger 2.0 document, and the way back to its places.
#include "mock/swagger.hpp"

#include "mock/document_limits.hpp"
#include "mock/negotiation.hpp"
#include "mock/target.hpp"

#include <algorithm>
#include <array>
#include <unordered_set>

namespace hourglass::mock {

namespace {

std::size_t all_examples(const json_value* examples) { return examples != nullptr && examples->is_object() ? examples->items.size() : 0; }

/// Index of the example of that very media type, else of one that differs in parameters only (`; charset=utf-8`); as many as there are if there is none.
std::size_t example_of(const json_value* examples, std::string_view type) {
  const auto all = all_examples(examples);
  for (std::size_t i = all; i-- > 0;)
    if (examples->names[i] == type)
      return i;
  const auto essence = media_essence(type);
  for (std::size_t i = 0; i < all; ++i)
    if (media_essence(examples->names[i]) == essence)
      return i;
  return all;
}

} // namespace

json_value swagger_conversion::copied(const json_value& v) {
  if (!spend(v))
    return {};
  json_value out;
  out.kind = v.kind;
  out.truth = v.truth;
  out.text = v.text;
  out.names = v.names;
  out.items.reserve(v.items.size());
  for (const auto& item : v.items)
    out.items.push_back(spent() ? json_value{} : copied(item));
  out.seal();
  return out;
}

/// A schema of 2.0 as one of 3.0.
json_value swagger_conversion::schema_of(const json_value& v) {
  if (!v.is_object())
    return copied(v);
  if (!spend(v) || !spend(v.items.size(), 0))
    return {};
  auto out = json_value::object();
  bool nullable = false;
  for (std::size_t i = 0; i < v.items.size(); ++i) {
    const auto& name = v.names[i];
    const auto& value = v.items[i];
    if (spent())
      return {};
    if (v.member(name) != &value)
      continue;
    if (name == "x-nullable") {
      nullable = value.is_true();
    } else if (name == "type" && value.is_string() && value.text == "file") {
      out.add("type", json_value::of("string"));
      out.add("format", json_value::of("binary"));
    } else if (name == "discriminator" && value.is_string()) {
      auto discriminator = json_value::object();
      discriminator.add("propertyName", copied(value));
      out.add(name, std::move(discriminator));
    } else if (name == "properties" && value.is_object()) {
      auto all = json_value::object();
      for (std::size_t k = 0; k < value.items.size() && spend(0, value.names[k].size()); ++k)
        all.add(value.names[k], schema_of(value.items[k]));
      all.seal();
      out.add(name, std::move(all));
    } else if ((name == "items" || name == "additionalProperties") && value.is_object()) {
      out.add(name, schema_of(value));
    } else if ((name == "allOf" || name == "items") && value.is_array()) {
      auto all = json_value::array();
      for (const auto& one : value.items)
        all.items.push_back(schema_of(one));
      out.add(name, std::move(all));
    } else {
      out.add(name, copied(value));
    }
  }
  if (nullable && v.member("$ref") != nullptr) { // what stands beside a reference does not count
    auto null = json_value::object();
    null.add("enum", json_value::array());
    null.items.back().items.emplace_back();
    auto either = json_value::array();
    either.items.push_back(std::move(out));
    either.items.push_back(std::move(null));
    out = json_value::object();
    out.add("anyOf", std::move(either));
  } else if (nullable) {
    out.add("nullable", json_value::of_bool(true));
  }
  out.seal();
  return out;
}

/// What a parameter or a header says of its value beside itself.
json_value swagger_conversion::simple_schema(const json_value& v) {
  static constexpr std::array<std::string_view, 17> keywords{
    "type",      "format",  "items",    "default",  "maximum",     "exclusiveMaximum", "minimum",    "exclusiveMinimum", "maxLength",
    "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "enum",             "multipleOf", "x-nullable"};
  auto out = json_value::object();
  for (auto name : keywords)
    if (const auto* m = v.member(name))
      out.add(std::string{name}, copied(*m));
  return schema_of(out);
}

// -- answers -------------------------------------------------------------------------------

json_value swagger_conversion::responses(const json_value& v, const std::vector<std::string>& types, const std::string& at) {
  if (!v.is_object())
    return copied(v);
  auto out = json_value::object();
  for (std::size_t i = 0; i < v.items.size() && spend(1, at.size() + v.names[i].size()); ++i) {
    const auto place = pointer_to(at, v.names[i]);
    const auto* one = follow_reference(*root_, v.items[i]);
    if (v.names[i].starts_with("x-"))
      continue;
    if (one == nullptr || !one->is_object()) {
      out.add(v.names[i], one != nullptr ? copied(*one) : json_value{});
      continue;
    }
    const auto reference = v.items[i].string_member("$ref");
    out.add(v.names[i], response(*one, types, place, reference.starts_with("#/") ? std::string{reference.substr(1)} : place));
  }
  out.seal();
  return out;
}

json_value swagger_conversion::response(const json_value& v, const std::vector<std::string>& types, const std::string& at, const std::string& from) {
  auto out = json_value::object();
  if (from != at)
    came_from(at, from);
  if (const auto* headers = v.member("headers"); headers != nullptr && headers->is_object()) {
    auto all = json_value::object();
    for (std::size_t i = 0; i < headers->items.size() && spend(1, 2 * (at.size() + from.size() + headers->names[i].size())); ++i) {
      if (!headers->items[i].is_object())
        continue;
      auto header = json_value::object();
      header.add("schema", simple_schema(headers->items[i]));
      came_from(pointer_to(at + "/headers", headers->names[i]) + "/schema", pointer_to(from + "/headers", headers->names[i]));
      all.add(headers->names[i], std::move(header));
    }
    all.seal();
    out.add("headers", std::move(all));
  }
  const auto* schema = v.member("schema");
  const auto* examples = v.member("examples");
  std::vector<std::string> all;
  if (schema != nullptr)
    all = types;
  if (schema != nullptr && schema->string_member("type") == "file" && all == std::vector<std::string>{"application/json"})
    all = {"application/octet-stream"};
  for (std::size_t i = 0; examples != nullptr && examples->is_object() && i < examples->items.size(); ++i)
    if (const auto essence = media_essence(examples->names[i]);
        !essence.empty() && all.size() < 16 && std::none_of(all.begin(), all.end(), [&](const std::string& one) { return media_essence(one) == essence; }))
      all.push_back(examples->names[i]);
  if (all.empty())
    return out;
  auto content = json_value::object();
  for (const auto& type : all) {
    if (!spend(1, at.size() + from.size() + type.size()))
      break;
    auto media = json_value::object();
    const auto place = pointer_to(at + "/content", type);
    came_from(place, from);
    if (schema != nullptr)
      media.add("schema", schema_of(*schema));
    if (const auto found = example_of(examples, type); found < all_examples(examples)) {
      media.add("example", copied(examples->items[found]));
      came_from(place + "/example", pointer_to(from + "/examples", examples->names[found]));
    }
    content.add(type, std::move(media));
  }
  content.seal();
  out.add("content", std::move(content));
  out.seal();
  return out;
}

// -- the way back --------------------------------------------------------------------------

std::string swagger_conversion::original(std::string_view pointer) const {
  auto end = pointer.size();
  while (end > 0 && end != std::string_view::npos) {
    if (auto at = places_.find(std::string{pointer.substr(0, end)}); at != places_.end())
      return at->second + std::string{pointer.substr(end)};
    end = pointer.rfind('/', end - 1);
  }
  return std::string{pointer};
}

/// Among the imported schemas, references are `#/` and the key, escaped.
void swagger_conversion::redirect(json_value& v) const {
  for (std::size_t i = 0; i < v.items.size(); ++i) {
    auto& item = v.items[i];
    std::string pointer;
    const bool moved = v.is_object() && v.names[i] == "$ref" && item.is_string() && item.text.starts_with("#/~1paths");
    if (moved && percent_decode(std::string_view{item.text}.substr(1), false, pointer)) {
      std::string key;
      for (std::size_t k = 1; k < pointer.size(); ++k)
        key += pointer[k] != '~' || k + 1 == pointer.size() ? pointer[k] : pointer[++k] == '1' ? '/' : '~';
      item.text = reference_to_place(pointer_to("", original(key)));
    }
    redirect(item);
  }
}

void swagger_conversion::give_back(openapi_document& doc) const {
  for (auto& w : doc.warnings)
    w.where = original(w.where);
  for (const auto& w : warnings_)
    if (doc.warnings.size() < limits::document_warnings)
      doc.warnings.push_back(w);
  for (auto& e : doc.endpoints) {
    for (auto& p : e.demands.parameters)
      p.schema = original(p.schema);
    for (auto& b : e.demands.bodies)
      b.schema = original(b.schema);
  }
  for (auto& c : doc.collections)
    c.schema = original(c.schema);
  const auto* schemas = doc.requests.member("schemas");
  if (schemas == nullptr)
    return;
  auto all = json_value::object();
  std::unordered_set<std::string> names; // of several media types with one schema
  for (std::size_t i = 0; i < schemas->items.size(); ++i)
    if (auto name = original(schemas->names[i]); names.insert(name).second)
      all.add(std::move(name), schemas->items[i]);
  redirect(all);
  all.seal();
  doc.requests.set("schemas", std::move(all));
}

} // namespace hourglass::mock
