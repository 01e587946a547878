// Multipart bodies held against what their operation demands: which value each part is, and whether it came as it should.
#include "mock/request_faults.hpp"

#include "events/json_text.hpp"
#include "mock/multipart.hpp"
#include "mock/negotiation.hpp"
#include "mock/refusal.hpp"
#include "mock/target.hpp"
#include "mock/xml.hpp"

#include <algorithm>

namespace hourglass::mock {

using namespace request_faults;

namespace {

/// One character for each byte: what is no text can be held against a length all the same, and quoted.
std::string as_characters(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xc0 | (byte >> 6));
      out += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  return out;
}

/// Where texts may stand: the part itself, or an element of the array that parts of one name make.
bool takes_text(const schema_walk& as, reading& how) {
  return as.allows_string() || (as.allows_array() && as.element(0, how.purse).allows_string());
}

bool takes_object_only(const schema_walk& as, reading& how) {
  auto only = [](const schema_walk& w) { return w.allows_object() && !w.allows_string() && !w.allows_number() && !w.allows_boolean(); };
  return only(as) || (as.allows_array() && !as.allows_string() && only(as.element(0, how.purse)));
}

std::string joined(const std::vector<std::string>& types) {
  std::string out;
  for (const auto& t : types)
    out += (out.empty() ? "" : ", ") + t;
  return out;
}

std::size_t values_in(const json_value& v) {
  std::size_t out = 1;
  for (const auto& item : v.items)
    out += values_in(item);
  return out;
}

/// A part, and what it should be.
struct arrival {
  const multipart_part& part;
  const std::vector<std::string>* types = nullptr; ///< that the document allows
  std::string media; ///< of its own Content-Type; empty: it has none
  std::string pointer;

  schema_fault fault(std::string rule, std::string message, std::string schema = {}) const {
    return {pointer, std::move(schema), std::move(rule), std::move(message)};
  }
};

/// The type that decides how it is read.
std::string read_as(const arrival& a) {
  if (!a.media.empty() || a.types == nullptr || a.part.has_filename)
    return a.media;
  const bool json = !a.types->empty() && std::all_of(a.types->begin(), a.types->end(), [](const std::string& t) { return is_json_media(t); });
  return json ? a.types->front() : a.types->size() == 1 && is_xml_media(a.types->front()) ? a.types->front() : std::string{};
}

/// The value that a part is; nothing if it is of a type that is not read where no text may stand.
/// `room`: how many values the parts may still become, together as many as a body of JSON.
std::optional<form_value> value_of(const arrival& a, const schema_walk& as, reading& how, std::size_t& room, std::vector<request_fault>& out) {
  const auto& part = a.part;
  const auto media = read_as(a);
  const bool text = takes_text(as, how);
  auto as_string = [&](std::string s) { return form_value{part.name, json_value::of(std::move(s)), false}; };
  // What is sent as a file is one where there may be texts. Browsers give every part that has a type a filename, so elsewhere that says nothing.
  const bool file = part.has_filename && text;
  if (is_json_media(media) && !file && !(a.media.empty() && text)) {
    if (!how.purse.spend(1 + part.body.size() / 4))
      return std::nullopt;
    auto v = parse_json(part.body, {room, limits::json_depth});
    if (v) {
      room -= std::min(values_in(*v), room);
      return form_value{part.name, std::move(*v), false};
    }
    take({a.fault("json", "is no JSON: " + v.error().detail + " (" + v.error().where + ")")}, {"body"}, out);
    return std::nullopt;
  }
  if (is_xml_media(media) && !text) {
    auto v = read_xml(part.body, as, how);
    if (v) {
      const auto values = values_in(v->value);
      if (values > room)
        how.purse.left = 0;
      room -= std::min(values, room);
      return form_value{part.name, std::move(v->value), false};
    }
    take({a.fault("xml", "is no XML that is read: it " + v.error().detail)}, {"body"}, out);
    return std::nullopt;
  }
  const bool said_text = media.empty() || media.starts_with("text/");
  if (!said_text && takes_object_only(as, how))
    return std::nullopt;
  const bool plain = (said_text || !text) && events::is_utf8(part.body);
  if (part.has_filename || !plain)
    return as_string(plain ? std::string{part.body} : as_characters(part.body));
  return form_value{part.name, json_value::of(std::string{part.body}), true};
}

} // namespace

void request_check::check_parts(const request& req, const body& demanded, reading& how, std::vector<request_fault>& out) {
  const auto* type = find(req.headers, "content-type");
  const auto content_type = type != nullptr ? std::string_view{*type} : std::string_view{demanded.media_type};
  const bool form = media_essence(content_type) == "multipart/form-data";
  if (!how.purse.spend(1 + req.body.size() / 16)) {
    take({too_much_work()}, {"body"}, out);
    return;
  }
  auto parts = read_multipart(content_type, req.body, limits::parameter_parts);
  if (!parts) {
    take({{"", "", "multipart", "is no multipart body that is read: " + parts.error().detail}}, {"body"}, out);
    return;
  }
  std::vector<form_value> values;
  std::size_t room = limits::document_nodes;
  bool whole = true; // all of it is read, so that it can be held against the schema
  for (std::size_t i = 0; i < parts->size(); ++i) {
    const auto& part = (*parts)[i];
    if (out.size() >= limits::schema_faults)
      return;
    if (part.name.empty()) {
      whole = false; // of other kinds than forms nobody asks for names
      if (form)
        take({{"", "", "multipart", "part " + std::to_string(i + 1) + " of the body has no name in its Content-Disposition"}}, {"body"}, out);
      continue;
    }
    const auto& rules = *demanded.parts;
    const auto rule = std::find_if(rules.begin(), rules.end(), [&](const request_check::part& p) { return p.spec.name == part.name; });
    const bool ruled = rule != rules.end();
    const auto* own = find(part.headers, "content-type");
    const arrival came{part, ruled ? &rule->spec.types : nullptr, own != nullptr ? media_essence(*own) : "", told_pointer(pointer_to("", part.name))};
    if (!how.purse.spend(1 + rules.size() / 4 + part.body.size() / 16))
      break;
    if (ruled)
      check_part(part, *rule, how, out);
    auto value = value_of(came, demanded.as.member(part.name, how.purse), how, room, out);
    whole = whole && value;
    if (value)
      values.push_back(std::move(*value));
  }
  if (how.purse.empty()) {
    take({too_much_work()}, {"body"}, out);
    return;
  }
  note_cut(how, {"body"}, out);
  if (!whole || !demanded.schema)
    return;
  const auto value = read_form(std::move(values), demanded.as, how);
  take(how.purse.empty() ? std::vector{too_much_work()} : demanded.schema.check(value, how.purse), {"body"}, out);
}

/// What the document's Encoding Object asks of a part. One without a Content-Type says nothing of its type, and most clients send none.
void request_check::check_part(const multipart_part& came, const part& rule, reading& how, std::vector<request_fault>& out) {
  const auto pointer = told_pointer(pointer_to("", came.name));
  const auto place = "#" + pointer_to("", rule.spec.place);
  const auto& types = rule.spec.types;
  if (const auto* own = find(came.headers, "content-type"); own != nullptr && !types.empty()) {
    const auto media = media_essence(*own);
    if (std::none_of(types.begin(), types.end(), [&](const std::string& t) { return media_match(t, media) > 0; }))
      take({{pointer, place + "/contentType", "contentType", "must be of type " + quoted(joined(types)) + ", is " + quoted(*own)}}, {"body"}, out);
  }
  for (const auto& h : rule.headers) {
    const auto* text = find(came.headers, h.spec.name);
    if (text == nullptr) {
      if (h.spec.required)
        take({{"", place + "/headers", "required", "is required, and missing"}}, {"body", came.name, h.spec.name}, out);
      continue;
    }
    const auto value = read_parameter(h.spec, trimmed(*text), false, h.as, how);
    note_cut(how, {"body", came.name, h.spec.name}, out);
    if (how.purse.empty())
      return;
    take(h.schema.check(value, how.purse), {"body", came.name, h.spec.name}, out);
  }
}

} // namespace hourglass::mock
