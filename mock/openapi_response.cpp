#include "mock/openapi_response.hpp"

#include "events/limits.hpp"
#include "mock/endpoint_tables.hpp"
#include "mock/generated.hpp"
#include "mock/negotiation.hpp"
#include "mock/target.hpp"

#include <algorithm>

namespace hourglass::mock {

namespace {

/// `200`, `2XX`, `default`; empty for what can be no final status.
std::string status_key(std::string text) {
  if (text == "default")
    return text;
  if (text.size() != 3 || text[0] < '2' || text[0] > '5')
    return {};
  if ((text[1] == 'X' || text[1] == 'x') && (text[2] == 'X' || text[2] == 'x'))
    return std::string{text[0]} + "XX";
  bool digits = text[1] >= '0' && text[1] <= '9' && text[2] >= '0' && text[2] <= '9';
  return digits ? text : std::string{};
}

/// What a wildcard of a document stands for.
std::string concrete_media(const std::string& media_type, const json_value& media) {
  if (media_type.find('*') == std::string::npos)
    return media_type;
  const auto* example = media.member("example");
  bool text = example != nullptr && example->is_string();
  return media_type.starts_with("text/") || text ? "text/plain" : "application/json";
}

} // namespace

openapi_responses::openapi_responses(const json_value& root, const events::entropy& seed, sampler::extent most, bool generated,
                                     std::vector<document_warning>& warnings, openapi_requests& schemas)
  : root_(root), generated_only_(generated), kept_(schemas), doubts_(root),
    sampler_(root, seed, most,
             [this](const json_value& schema, const json_value& value, schema_purse& purse) { return doubts_.compiled(schema, at_).accepts(value, purse); }),
    warnings_(warnings) {
  sampler_.use_own_values(!generated);
}

/// What cannot be compiled is no reason to make another example.
json_value openapi_responses::sampled(const json_value& schema, std::string_view place, std::string at) {
  at_ = std::move(at);
  auto out = sampler_.sample(schema, place);
  switch (sampler_.last()) {
  case sampler::judgement::fits: break;
  case sampler::judgement::fits_without_own: doubts_.tell_unused(schema, at_, sampler_.first_try()); break;
  case sampler::judgement::does_not_fit: doubts_.tell_misfit(schema, at_, &sampler_.first_try()); break;
  case sampler::judgement::no_value: doubts_.tell_misfit(schema, at_, nullptr); break;
  }
  return out;
}

/// A text in place of an object or array is read as one when it is sent (`body_of_value`).
void openapi_responses::judge(const std::string& essence, const json_value& media, const std::string& where, const json_value& example, const std::string& at) {
  const auto* schema = media.member("schema");
  if (schema == nullptr || generated_only_ || !is_json_media(essence))
    return;
  const auto* resolved = schema_of(media, {});
  const auto type = resolved != nullptr ? resolved->string_member("type") : std::string_view{};
  if (resolved != nullptr && !(example.is_string() && (type == "object" || type == "array")))
    doubts_.judge_example(*schema, where + "/schema", example, at);
}

void openapi_responses::warn(std::string detail, std::string where) {
  if (warnings_.size() < limits::document_warnings)
    warnings_.push_back({std::move(detail), std::move(where)});
}

events::outcome<void> openapi_responses::charge(std::size_t bytes, const std::string& where) {
  bytes_ += bytes;
  if (bytes_ > limits::record_bytes - reserve)
    return events::failure(events::errc::too_large, "all answers together are larger than the limit record_bytes (" + std::to_string(limits::record_bytes) + ")", where);
  return {};
}

events::outcome<void> openapi_responses::read(const json_value& operation, const std::string& where, std::vector<response_spec>& out,
                                              answer_sources& from) {
  const auto* responses = operation.member("responses");
  for (std::size_t i = 0; responses != nullptr && responses->is_object() && i < responses->items.size(); ++i) {
    const auto& key = responses->names[i];
    if (key.starts_with("x-"))
      continue;
    auto at = pointer_to(where + "/responses", key);
    response_spec spec;
    spec.status = status_key(key);
    const auto* response = follow_reference(root_, responses->items[i]);
    bool twice = std::any_of(out.begin(), out.end(), [&](const response_spec& r) { return r.status == spec.status; });
    if (spec.status.empty() || response == nullptr || !response->is_object() || twice) {
      warn(spec.status.empty() ? "this response was left out: its key is no final status"
           : twice             ? "this response was left out: its status stands twice"
                               : "this response was left out: it is no object, or a reference that is not followed",
           at);
      continue;
    }
    read_headers(*response, at, spec);
    auto& sources = from.emplace_back();
    const auto* content = response->member("content");
    bool bodyless = spec.status == "204" || spec.status == "304";
    if (content != nullptr && content->is_object() && !bodyless)
      for (std::size_t m = 0; m < content->items.size(); ++m)
        read_content(content->names[m], content->items[m], pointer_to(at + "/content", content->names[m]), spec, sources);
    std::size_t bytes = 0;
    for (const auto& c : spec.contents)
      for (const auto& x : c.examples)
        bytes += x.body.size() * 9 / 8 + x.name.size(); // quotes are escaped
    if (auto ok = charge(bytes + 128, at); !ok)
      return ok;
    out.push_back(std::move(spec));
  }
  if (out.empty()) {
    warn("this operation has no response; it answers 200 without a body", where);
    out.push_back({"200", {}, {}});
    from.emplace_back();
  }
  return {};
}

void openapi_responses::read_headers(const json_value& response, const std::string& where, response_spec& out) {
  const auto* headers = response.member("headers");
  if (headers == nullptr || !headers->is_object())
    return;
  for (std::size_t i = 0; i < headers->items.size() && out.headers.size() < 100; ++i) {
    const auto& name = headers->names[i];
    auto at = pointer_to(where + "/headers", name);
    const auto* header = follow_reference(root_, headers->items[i]);
    if (header == nullptr || !is_token(name) || is_framing_header(name) || same_name(name, "content-type"))
      continue; // the document's Content-Type is ignored by the specification
    json_value value;
    if (const auto* given = header->member("example"); given != nullptr && !generated_only_)
      value = *given;
    else if (const auto* schema = header->member("schema"))
      value = sampled(*schema, at, at + "/schema");
    auto text = value.is_string() || value.is_number() ? value.text : value.is_bool() ? to_text(value) : std::string{};
    if (!text.empty() && text.size() <= 8 * limits::kibi && is_field_value(text))
      out.headers.push_back({name, std::move(text)});
  }
}

void openapi_responses::read_content(const std::string& media_type, const json_value& media, const std::string& where,
                                     response_spec& out, std::vector<answer_source>& from) {
  if (media_essence(media_type).empty() || !is_field_value(media_type) || !media.is_object()) {
    warn("this content was left out: its key is no media type, or it is no object", where);
    return;
  }
  content c;
  c.media_type = concrete_media(media_type, media);
  answer_source source;
  const auto essence = media_essence(c.media_type);
  c.examples = examples_of(essence, media, where, source);
  if (c.examples.empty())
    return;
  if (const auto* schema = media.member("schema"); schema != nullptr && !is_xml_media(essence))
    if (auto key = kept_.keep(*schema, where + "/schema"); !kept_.full())
      source.schema = std::move(key);
  out.contents.push_back(std::move(c));
  from.push_back(std::move(source));
}

/// Those that the document has, whether they are used or not.
std::vector<example> openapi_responses::given_examples(const std::string& essence, const json_value& media, const std::string& where) {
  std::vector<example> out;
  named_examples(essence, media, where, out);
  if (const auto* one = media.member("example"); one != nullptr && out.empty())
    if (auto body = body_of_value(essence, *one, schema_of(media, {}))) {
      judge(essence, media, where, *one, where + "/example");
      out.push_back({{}, std::move(*body)});
    }
  return out;
}

std::vector<example> openapi_responses::examples_of(const std::string& essence, const json_value& media, const std::string& where, answer_source& from) {
  (void)schema_of(media, where); // which warns
  auto out = given_examples(essence, media, where);
  if (generated_only_ && !out.empty()) {
    if (out.front().body.size() <= limits::endpoint_body_bytes)
      from.given = std::move(out.front().body);
    out.clear();
  }
  if (out.empty())
    if (auto body = generated(essence, media, where)) {
      out.push_back({{}, std::move(*body)});
      from.generated = true;
    }
  std::erase_if(out, [](const example& x) { return x.body.size() > limits::endpoint_body_bytes; });
  if (out.empty())
    warn("this content was left out: it has no example and none can be made", where);
  return out;
}

void openapi_responses::named_examples(const std::string& essence, const json_value& media, const std::string& where,
                                       std::vector<example>& out) {
  const auto* examples = media.member("examples");
  if (examples == nullptr || !examples->is_object())
    return;
  const auto* schema = schema_of(media, {});
  for (std::size_t i = 0; i < examples->items.size(); ++i) {
    auto at = pointer_to(where + "/examples", examples->names[i]);
    const auto* one = follow_reference(root_, examples->items[i]);
    // An Example Object's body is its `value`, whatever else (vendor extensions) stands beside it.
    const auto* value = one != nullptr ? one->member("value") : nullptr;
    if (one != nullptr && value == nullptr && one->member("externalValue") == nullptr && one->member("summary") == nullptr)
      value = one;
    auto body = value != nullptr ? body_of_value(essence, *value, schema) : std::nullopt;
    if (body) {
      judge(essence, media, where, *value, at);
      out.push_back({examples->names[i], std::move(*body)});
    } else {
      warn("this example was left out: it has no value within the document", at);
    }
  }
}

const json_value* openapi_responses::schema_of(const json_value& media, const std::string& where) {
  const auto* schema = media.member("schema");
  if (schema == nullptr)
    return nullptr;
  const auto* resolved = follow_reference(root_, *schema);
  if (resolved == nullptr && !where.empty())
    warn("this reference is not followed: it leaves the document, dangles or runs in a circle", where + "/schema");
  return resolved;
}

std::optional<std::string> openapi_responses::generated(const std::string& essence, const json_value& media, const std::string& where) {
  const auto* schema = media.member("schema");
  if (schema == nullptr || schema_of(media, {}) == nullptr) {
    if (is_json_media(essence))
      return "null";
    return std::nullopt;
  }
  auto value = sampled(*schema, where, where + "/schema");
  if (sampler_.exhausted() && !told_exhausted_) {
    told_exhausted_ = true;
    warn("from here on nothing is generated: the limit document_sample_steps is used up", where);
  }
  if (is_xml_media(essence))
    return std::nullopt;
  if (value.is_null() && !is_json_media(essence))
    return std::string{};
  auto body = body_of_value(essence, value, nullptr);
  generated_ += body ? body->size() : 0;
  return body;
}

events::outcome<void> openapi_responses::read_payload(const json_value& body, const std::string& where, std::string& media_type,
                                                      std::string& example) {
  const auto* resolved = follow_reference(root_, body);
  const auto* content = resolved != nullptr ? resolved->member("content") : nullptr;
  if (content == nullptr || !content->is_object() || content->items.empty())
    return {};
  std::size_t best = 0;
  for (std::size_t i = content->items.size(); i-- > 0;)
    if (is_json_media(media_essence(content->names[i])))
      best = i;
  auto at = pointer_to(where + "/requestBody/content", content->names[best]);
  auto essence = media_essence(content->names[best]);
  answer_source nobody_asks; // what a webhook sends is not made anew
  auto examples = content->items[best].is_object() ? examples_of(essence, content->items[best], at, nobody_asks) : std::vector<mock::example>{};
  if (examples.empty())
    return {};
  media_type = content->names[best];
  example = is_json_media(essence) ? std::move(examples.front().body) : to_text(json_value::of(std::move(examples.front().body)));
  return charge(example.size(), at);
}

} // namespace hourglass::mock
