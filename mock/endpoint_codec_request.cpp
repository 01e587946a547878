// What an endpoint demands of a request, as JSON: in events and snapshots, and as the API shows it.
#include "mock/endpoint_tables.hpp"
#include "mock/security.hpp"

namespace hourglass::mock {

namespace {

std::string text_of(const json_value& v, std::string_view name) { return std::string{v.string_member(name)}; }

void write_parameters(const std::vector<parameter_spec>& all, events::json_text& j) {
  j.open_array();
  for (const auto& p : all) {
    j.open_object().key("in").value(p.in).key("name").value(p.name).key("style").value(p.style);
    j.key("explode").value(p.explode).key("required").value(p.required).key("json").value(p.json).key("schema").value(p.schema).close_object();
  }
  j.close_array();
}

std::vector<parameter_spec> decode_parameters(const json_value& list) {
  std::vector<parameter_spec> out;
  for (const auto& p : list.items)
    out.push_back({text_of(p, "in"), text_of(p, "name"), text_of(p, "style"), p.truth_member("explode"), p.truth_member("required"),
                   p.truth_member("json"), text_of(p, "schema")});
  return out;
}

void write_parts(const std::vector<part_spec>& parts, events::json_text& j) {
  j.open_array();
  for (const auto& p : parts) {
    j.open_object().key("name").value(p.name).key("types").open_array();
    for (const auto& t : p.types)
      j.value(t);
    write_parameters(p.headers, j.close_array().key("headers"));
    j.key("place").value(p.place).close_object();
  }
  j.close_array();
}

std::optional<std::vector<part_spec>> decode_parts(const json_value* v) {
  if (v == nullptr || !v->is_array())
    return std::nullopt;
  std::vector<part_spec> out;
  for (const auto& p : v->items) {
    part_spec one{text_of(p, "name"), {}, {}, text_of(p, "place")};
    if (const auto* types = p.member("types"))
      for (const auto& t : types->items)
        one.types.push_back(t.text);
    if (const auto* headers = p.member("headers"))
      one.headers = decode_parameters(*headers);
    out.push_back(std::move(one));
  }
  return out;
}

} // namespace

void write_demands(const request_spec& demands, events::json_text& j) {
  write_parameters(demands.parameters, j.open_object().key("parameters"));
  j.key("bodies").open_array();
  for (const auto& b : demands.bodies) {
    j.open_object().key("media_type").value(b.media_type).key("schema").value(b.schema);
    if (b.parts)
      write_parts(*b.parts, j.key("parts"));
    j.close_object();
  }
  j.close_array().key("body_required").value(demands.body_required).key("refusal").value(demands.refusal);
  if (!demands.security.empty())
    write_security(demands.security, j.key("security"));
  j.close_object();
}

events::outcome<request_spec> decode_demands(const json_value& v) {
  request_spec out;
  const auto* parameters = v.member("parameters");
  const auto* bodies = v.member("bodies");
  const auto* refusal = v.member("refusal");
  std::int64_t status = 0;
  if (parameters == nullptr || !parameters->is_array() || bodies == nullptr || !bodies->is_array() || refusal == nullptr ||
      !refusal->as_integer(status) || status < 400 || status > 499)
    return events::failure(events::errc::corrupt, "an endpoint's demands do not read");
  out.parameters = decode_parameters(*parameters);
  for (const auto& b : bodies->items)
    out.bodies.push_back({text_of(b, "media_type"), text_of(b, "schema"), decode_parts(b.member("parts"))});
  out.body_required = v.truth_member("body_required");
  out.refusal = static_cast<unsigned>(status);
  out.security = decode_security(v.member("security")); // not before there was any
  return out;
}

} // namespace hourglass::mock
