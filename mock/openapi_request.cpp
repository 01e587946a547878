// What an operation demands of its requests: parameters, bodies, and the schemas of both without their prose.
#include "mock/openapi_request.hpp"

#include "mock/negotiation.hpp"
#include "mock/schema_documents.hpp"
#include "mock/security.hpp"
#include "mock/target.hpp"

#include <algorithm>
#include <array>

namespace hourglass::mock {

namespace {

constexpr std::size_t most_bytes = limits::record_bytes / 4;
constexpr std::size_t most_looks = 2'000'000;
constexpr std::size_t deepest_look = 16;

bool is_prose(std::string_view keyword) {
  static constexpr std::array<std::string_view, 10> all{"description", "title",      "example",  "examples", "default", "externalDocs",
                                                        "deprecated",  "summary",    "$comment", "contentSchema"};
  return keyword.starts_with("x-") || std::find(all.begin(), all.end(), keyword) != all.end();
}

bool truth_of(const json_value& v, std::string_view name, bool otherwise = false) {
  const auto* m = v.member(name);
  return m != nullptr && m->is_bool() ? m->truth : otherwise;
}

/// `key` as a reference among the kept schemas.
std::string reference_to(std::string_view key) { return reference_to_place(pointer_to("", key)); }

} // namespace

request_spec openapi_requests::read(const json_value& path_item, const json_value& operation, const std::string& path_at, const std::string& at) {
  request_spec out;
  read_parameters(operation.member("parameters"), at, out.parameters);
  read_parameters(path_item.member("parameters"), path_at, out.parameters); // those of the operation win
  read_bodies(operation, at, out);
  if (const auto* responses = operation.member("responses"))
    out.refusal = responses->member("422") == nullptr && responses->member("400") != nullptr ? 400 : 422;
  out.security = read_security(root_, operation, at, warn_);
  demanded_ = demanded_ || !out.empty();
  return out;
}

void openapi_requests::read_parameters(const json_value* list, const std::string& at, std::vector<parameter_spec>& out) {
  for (std::size_t i = 0; list != nullptr && list->is_array() && i < list->items.size() && out.size() < 200; ++i) {
    auto where = at + "/parameters/" + std::to_string(i);
    const auto* v = follow_reference(root_, list->items[i]);
    if (v == nullptr || !v->is_object()) {
      warn_("this parameter is not checked: it is no object, or a reference that is not followed", where);
      continue;
    }
    parameter_spec p;
    p.in = v->string_member("in");
    p.name = v->string_member("name");
    bool known = std::any_of(out.begin(), out.end(), [&](const parameter_spec& o) { return o.in == p.in && (o.name == p.name || (p.in == "header" && same_name(o.name, p.name))); });
    bool ours = p.in == "header" && (same_name(p.name, "accept") || same_name(p.name, "content-type") || same_name(p.name, "authorization"));
    if (p.name.empty() || known || ours || (p.in != "path" && p.in != "query" && p.in != "header" && p.in != "cookie"))
      continue;
    p.style = v->string_member("style");
    if (p.style.empty())
      p.style = p.in == "query" || p.in == "cookie" ? "form" : "simple";
    p.explode = truth_of(*v, "explode", p.style == "form");
    p.required = p.in == "path" || truth_of(*v, "required");
    const auto* schema = v->member("schema");
    if (const auto* content = v->member("content"); schema == nullptr && content != nullptr && content->is_object() && !content->items.empty()) {
      p.json = is_json_media(media_essence(content->names.front()));
      schema = p.json ? content->items.front().member("schema") : nullptr;
    }
    if (schema != nullptr && !(truth_of(*v, "allowEmptyValue") && p.in == "query"))
      p.schema = keep(*schema, where + "/schema");
    if (p.required || !p.schema.empty())
      out.push_back(std::move(p));
  }
}

void openapi_requests::read_bodies(const json_value& operation, const std::string& at, request_spec& out) {
  const auto [body, content] = request_body_of(root_, operation);
  if (content == nullptr)
    return;
  out.body_required = truth_of(*body, "required");
  for (std::size_t i = 0; i < content->items.size() && out.bodies.size() < 32; ++i) {
    auto essence = media_essence(content->names[i]);
    if (essence.empty())
      continue;
    body_spec b;
    b.media_type = essence;
    const auto place = pointer_to(at + "/requestBody/content", content->names[i]);
    const bool parts = essence.starts_with("multipart/") || essence == "*/*";
    bool read = parts || is_json_media(essence) || essence == "application/x-www-form-urlencoded" || is_xml_media(essence) || essence.starts_with("text/") || essence == "application/*";
    if (const auto* schema = content->items[i].member("schema"); schema != nullptr && read)
      b.schema = keep(*schema, place + "/schema");
    if (parts && of_ == side::requests)
      b.parts.emplace();
    if (const auto* encoding = content->items[i].member("encoding"); encoding != nullptr && encoding->is_object() && b.parts)
      b.parts = read_parts(*encoding, place + "/encoding");
    out.bodies.push_back(std::move(b));
  }
}

/// The Encoding Objects that ask something of a part: its media types, its headers.
std::vector<part_spec> openapi_requests::read_parts(const json_value& encoding, const std::string& at) {
  constexpr std::size_t most_parts = 200;
  constexpr std::size_t most_types = 32;
  constexpr std::size_t most_headers = 50;
  std::vector<part_spec> out;
  for (std::size_t i = 0; i < encoding.items.size() && out.size() < most_parts && !full_; ++i) {
    const auto& v = encoding.items[i];
    if (!v.is_object() || encoding.member(encoding.names[i]) != &v)
      continue;
    part_spec part{encoding.names[i], {}, {}, pointer_to(at, encoding.names[i])};
    auto list = v.string_member("contentType");
    while (!list.empty() && part.types.size() < most_types) {
      const auto comma = std::min(list.find(','), list.size());
      if (auto essence = media_essence(trimmed(list.substr(0, comma))); !essence.empty())
        part.types.push_back(std::move(essence));
      list.remove_prefix(std::min(comma + 1, list.size()));
    }
    const auto* headers = v.member("headers");
    for (std::size_t k = 0; headers != nullptr && headers->is_object() && k < headers->items.size() && part.headers.size() < most_headers && !full_; ++k) {
      const auto* h = follow_reference(root_, headers->items[k]);
      if (h == nullptr || !h->is_object() || same_name(headers->names[k], "content-type"))
        continue; // that one is what `contentType` is for
      parameter_spec p;
      p.in = "header";
      p.name = headers->names[k];
      p.style = "simple";
      p.explode = truth_of(*h, "explode");
      p.required = truth_of(*h, "required");
      spend(p.name.size() + part.place.size());
      if (const auto* schema = h->member("schema"); schema != nullptr && !full_)
        p.schema = keep(*schema, pointer_to(part.place + "/headers", p.name) + "/schema");
      if (p.required || !p.schema.empty())
        part.headers.push_back(std::move(p));
    }
    spend(part.name.size() + part.place.size());
    if (!part.types.empty() || !part.headers.empty())
      out.push_back(std::move(part));
  }
  return out;
}

/// An answer is made of examples and defaults, too.
bool openapi_requests::is_left_out(std::string_view keyword) const {
  return is_prose(keyword) && (of_ == side::requests || (keyword != "example" && keyword != "examples" && keyword != "default"));
}

std::string openapi_requests::keep(const json_value& schema, const std::string& at) {
  if (auto reference = schema.string_member("$ref"); reference.starts_with("#/") && (!later_ || schema.items.size() == 1))
{
    auto key = key_of(reference);
    if (key.empty() && of_ == side::requests)
      warn_("this schema is not checked: it is a reference that is not followed", at);
    return key;
  }
  if (!schema.is_object() && !schema.is_bool())
    return {};
  if (!schemas_.contains(at)) {
    schemas_.emplace(at, json_value{});
    wanted_.emplace_back(at, &schema);
    gather();
  }
  return at;
}

std::string openapi_requests::keep_at(const schema_place& s) {
  if (!schemas_.contains(s.at)) {
    schemas_.emplace(s.at, json_value{});
    wanted_.emplace_back(s.at, s.schema);
    gather();
  }
  return s.at;
}

/// Where a reference within the document leads, which is kept, too; empty if it leads nowhere.
std::string openapi_requests::key_of(std::string_view reference) {
  std::string pointer;
  if (!percent_decode(reference.substr(1), false, pointer))
    return {};
  if (schemas_.contains(pointer))
    return pointer;
  const auto* target = at_pointer(root_, pointer);
  if (target == nullptr || (!target->is_object() && !target->is_bool()))
    return {};
  schemas_.emplace(pointer, json_value{});
  wanted_.emplace_back(pointer, target);
  return pointer;
}

void openapi_requests::gather() {
  while (!wanted_.empty()) {
    auto [at, schema] = wanted_.back();
    wanted_.pop_back();
    bytes_ += at.size();
    schemas_[at] = full_ ? json_value::of_bool(true) : copied(*schema);
  }
}

/// Notes that this much more is kept.
void openapi_requests::spend(std::size_t bytes) {
  bytes_ += bytes;
  if (bytes_ > most_bytes && !full_) {
    full_ = true;
    warn_(of_ == side::answers ? "the schemas of its answers are larger than a quarter of the limit record_bytes; what is beyond is not made anew by Prefer: dynamic" :
          "the schemas of its requests are larger than a quarter of the limit record_bytes; what is beyond is not checked", "");
  }
}

/// `whole`: what `schema` is only a part of, by `allOf`.
json_value openapi_requests::copied(const json_value& schema, const json_value* whole) {
  if (!schema.is_object()) {
    bytes_ += schema.text.size() + 8;
    return schema;
  }
  if (full_)
    return json_value::of_bool(true);
  auto out = json_value::object();
  schema_rules rules;
  rules.dialect = later_ ? schema_dialect::draft2020_12 : schema_dialect::openapi_3_0;
  for (std::size_t i = 0; i < schema.items.size(); ++i) {
    const auto& name = schema.names[i];
    const auto& v = schema.items[i];
    if (is_left_out(name) || name == "definitions" || name == "$defs" || schema.member(name) != &v)
      continue;
    bytes_ += name.size() + 4;
    auto how = children_of(name, rules);
    if (name == "$ref" && v.is_string() && v.text.starts_with("#/")) {
      auto key = key_of(v.text);
      out.add(name, json_value::of(key.empty() ? v.text : reference_to(key)));
      bytes_ += key.size();
    } else if (how != schema_children::none && v.is_object() && (how == schema_children::one || how == schema_children::one_or_list)) {
      out.add(name, copied(v));
    } else if (how != schema_children::none && (v.is_object() || v.is_array())) {
      auto all = v.is_object() ? json_value::object() : json_value::array();
      for (std::size_t k = 0; k < v.items.size(); ++k) {
        if (v.is_object()) {
          bytes_ += v.names[k].size();
          all.add(v.names[k], copied(v.items[k]));
        } else {
          all.items.push_back(copied(v.items[k], name == "allOf" ? (whole != nullptr ? whole : &schema) : nullptr));
        }
      }
      all.seal();
      out.add(name, std::move(all));
    } else if (name == "discriminator") {
      out.add(name, discriminator_of(v));
    } else if (name == "required" && v.is_array()) {
      out.add(name, required_of(v, whole != nullptr ? *whole : schema));
    } else {
      bytes_ += v.items.empty() ? v.text.size() : to_text(v).size();
      out.add(name, v);
    }
    spend(0);
  }
  out.seal();
  return out;
}

/// What a server sends only is not demanded of a request.
json_value openapi_requests::required_of(const json_value& names, const json_value& whole) {
  auto out = json_value::array();
  for (const auto& n : names.items) {
    if (of_ == side::requests && n.is_string() && sends_only(whole, n.text, 0))
      continue;
    bytes_ += n.text.size() + 3;
    out.items.push_back(n);
  }
  return out;
}

/// Whether any part of an object's schema says that this property is `readOnly`.
bool openapi_requests::sends_only(const json_value& whole, const std::string& name, std::size_t depth) {
  if (++looks_ > most_looks || depth > deepest_look)
    return false;
  if (const auto* properties = whole.member("properties"))
    if (const auto* property = properties->member(name); property != nullptr && read_only(*property, depth + 1))
      return true;
  if (const auto* all = whole.member("allOf"); all != nullptr && all->is_array())
    if (std::any_of(all->items.begin(), all->items.end(), [&](const json_value& part) { return sends_only(part, name, depth + 1); }))
      return true;
  const auto* target = whole.member("$ref") != nullptr ? follow_reference(root_, whole) : nullptr;
  return target != nullptr && target != &whole && sends_only(*target, name, depth + 1);
}

/// Also beside or behind a reference, and in a part of `allOf`.
bool openapi_requests::read_only(const json_value& schema, std::size_t depth) {
  if (++looks_ > most_looks || depth > deepest_look)
    return false;
  if (truth_of(schema, "readOnly"))
    return true;
  if (const auto* all = schema.member("allOf"); all != nullptr && all->is_array())
    if (std::any_of(all->items.begin(), all->items.end(), [&](const json_value& part) { return read_only(part, depth + 1); }))
      return true;
  const auto* target = schema.member("$ref") != nullptr ? follow_reference(root_, schema) : nullptr;
  return target != nullptr && target != &schema && read_only(*target, depth + 1);
}

json_value openapi_requests::discriminator_of(const json_value& v) {
  if (!v.is_object())
    return v;
  auto out = v;
  for (std::size_t i = 0; i < out.items.size(); ++i) {
    if (out.names[i] != "mapping")
      continue;
    for (auto& target : out.items[i].items) {
      if (!target.is_string())
        continue;
      auto key = key_of(target.text.starts_with("#/") ? target.text : "#/components/schemas/" + target.text);
      if (!key.empty())
        target.text = reference_to(key);
      bytes_ += target.text.size();
    }
  }
  return out;
}

json_value openapi_requests::take() {
  gather();
  if (schemas_.empty() && !demanded_)
    return {};
  auto out = json_value::object();
  out.add("dialect", json_value::of(later_ ? "draft2020_12" : "openapi_3_0"));
  out.add("formats", json_value::of_bool(true)); // what was imported before this was written goes on without
  auto all = json_value::object();
  for (auto& [at, schema] : schemas_)
    all.add(at, std::move(schema));
  all.seal();
  out.add("schemas", std::move(all));
  return out;
}

} // namespace hourglass::mock
