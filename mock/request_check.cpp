#include "mock/request_check.hpp"

#include "events/json_text.hpp"
#include "mock/negotiation.hpp"
#include "mock/refusal.hpp"
#include "mock/request_faults.hpp"
#include "mock/target.hpp"
#include "mock/xml.hpp"

#include <algorithm>

namespace hourglass::mock {

using namespace request_faults;

namespace {

/// `/a/b~1c` as `a`, `b/c`.
void add_tokens(std::string_view pointer, std::vector<std::string>& out) {
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    auto end = std::min(pointer.find('/'), pointer.size());
    std::string token;
    for (std::size_t i = 0; i < end; ++i) {
      if (pointer[i] == '~' && i + 1 < end)
        token += pointer[++i] == '1' ? '/' : '~';
      else
        token += pointer[i];
    }
    out.push_back(std::move(token));
    pointer.remove_prefix(end);
  }
}

} // namespace

namespace request_faults {

void take(std::vector<schema_fault> faults, std::vector<std::string> at, std::vector<request_fault>& out) {
  for (auto& step : at)
    step = told_pointer(step); // as long as the document likes
  for (auto& f : faults) {
    if (out.size() >= limits::schema_faults)
      return;
    auto location = at;
    add_tokens(f.instance, location);
    f.schema = told_pointer(place_in_document(f.schema));
    out.push_back({std::move(location), std::move(f)});
  }
}

schema_fault too_much_work() { return {"", "", "", "takes more work to read than the limit schema_work allows for one request"}; }

void note_cut(reading& how, std::vector<std::string> at, std::vector<request_fault>& out) {
  if (std::exchange(how.cut, false))
    take({{"", "", "", "has more parts than the limit parameter_parts (" + std::to_string(limits::parameter_parts) + ")"}}, std::move(at), out);
}

schema_fault missing(std::string_view what) { return {"", "", "required", "is required, and missing" + std::string{what}}; }

} // namespace request_faults

std::string_view to_string(validation_mode mode) noexcept {
  return mode == validation_mode::off ? "off" : mode == validation_mode::report ? "report" : "enforce";
}

std::optional<validation_mode> validation_mode_from(std::string_view name) noexcept {
  for (auto m : {validation_mode::off, validation_mode::report, validation_mode::enforce})
    if (to_string(m) == name)
      return m;
  return std::nullopt;
}

std::string place_in_document(std::string_view uri) {
  if (!uri.starts_with("#/"))
    return std::string{uri};
  auto end = std::min(uri.find('/', 2), uri.size());
  std::vector<std::string> key;
  add_tokens(uri.substr(1, end - 1), key);
  return '#' + key.front() + std::string{uri.substr(end)};
}

// -- checking ----------------------------------------------------------------------

std::vector<request_fault> request_check::faults(const request& req, const std::vector<std::string>& names,
                                                 const std::vector<std::string>& captures) const {
  std::vector<request_fault> out;
  schema_purse purse; // one for all of the request
  reading how{purse};
  std::optional<std::vector<field>> query;
  std::optional<std::vector<field>> cookies;
  for (const auto& p : parameters_) {
    std::optional<json_value> value;
    if (p.spec.in == "path") {
      auto at = std::find(names.begin(), names.end(), p.spec.name);
      auto i = static_cast<std::size_t>(at - names.begin());
      if (i >= captures.size())
        continue;
      value = read_parameter(p.spec, captures[i], false, p.as, how);
    } else if (p.spec.in == "query") {
      if (!query)
        query = encoded_pairs(split_target(req.target).query, how);
      note_cut(how, {"query"}, out);
      value = read_query_parameter(p.spec, *query, p.as, how);
    } else if (p.spec.in == "header") {
      if (const auto* text = find(req.headers, p.spec.name))
        value = read_parameter(p.spec, trimmed(*text), false, p.as, how);
    } else {
      if (!cookies)
        cookies = cookie_pairs(req.headers, how);
      note_cut(how, {"cookie"}, out);
      auto at = std::find_if(cookies->begin(), cookies->end(), [&](const field& c) { return c.name == p.spec.name; });
      if (at != cookies->end())
        value = read_parameter(p.spec, at->value, true, p.as, how);
    }
    if (purse.empty()) {
      take({too_much_work()}, {p.spec.in, p.spec.name}, out);
      return out;
    }
    note_cut(how, {p.spec.in, p.spec.name}, out);
    if (value)
      take(p.schema.check(*value, purse), {p.spec.in, p.spec.name}, out);
    else if (p.spec.required && out.size() < limits::schema_faults)
      out.push_back({{p.spec.in, p.spec.name}, missing("")});
    if (purse.empty() || out.size() >= limits::schema_faults)
      return out; // an empty purse was a fault of the last check
  }
  check_body(req, how, out);
  return out;
}

events::outcome<json_value> request_check::body_of(const request& req, const json_schema& otherwise) const {
  const auto* type = find(req.headers, "content-type");
  auto media = type != nullptr ? media_essence(*type) : bodies_.empty() ? "application/json" : assumed_media();
  if (is_json_media(media))
    return parse_json(req.body);
  const bool xml = is_xml_media(media);
  if (media != "application/x-www-form-urlencoded" && !xml)
    return events::failure(events::errc::not_found, "is of the type " + quoted(media) + ", which is not read");
  const auto costly = [] { return events::failure(events::errc::too_large, too_much_work().message); };
  schema_purse purse;
  reading how{purse};
  const schema_walk any{otherwise};
  auto by = std::find_if(bodies_.begin(), bodies_.end(), [&](const body& b) { return b.media_type == media; });
  if (xml) {
    auto read = read_xml(req.body, by != bodies_.end() ? by->as : any, how);
    if (!read)
      return events::failure(events::errc::invalid, "as XML, it " + read.error().detail, read.error().where);
    return purse.empty() || how.cut ? events::outcome<json_value>{costly()} : std::move(read->value);
  }
  auto value = read_form(req.body, by != bodies_.end() ? by->as : any, how);
  return purse.empty() || how.cut ? events::outcome<json_value>{costly()} : std::move(value);
}

/// What a body without a Content-Type is taken for: JSON if the operation takes that, else the first type that it names.
std::string request_check::assumed_media() const {
  auto json = std::find_if(bodies_.begin(), bodies_.end(), [](const body& b) { return is_json_media(b.media_type); });
  if (json != bodies_.end())
    return json->media_type;
  auto media = bodies_.front().media_type;
  return media == "*/*" || media == "application/*" ? "application/json" : media == "text/*" ? "text/plain" : media;
}

void request_check::check_body(const request& req, reading& how, std::vector<request_fault>& out) const {
  if (bodies_.empty())
    return;
  if (req.body.empty()) {
    if (body_required_)
      out.push_back({{"body"}, missing("")});
    return;
  }
  const auto* type = find(req.headers, "content-type");
  auto media = type != nullptr ? media_essence(*type) : assumed_media();
  auto range = media.substr(0, media.find('/')) + "/*";
  const body* found = nullptr;
  for (const auto& wanted : {media, range, std::string{"*/*"}})
    for (const auto& b : bodies_)
      if (found == nullptr && b.media_type == wanted)
        found = &b;
  if (found != nullptr && found->parts && media.starts_with("multipart/")) {
    check_parts(req, *found, how, out);
    return;
  }
  if (found == nullptr || !found->schema)
    return; // which types are taken is the router's to say
  auto take_read = [&](const json_value& value) {
    note_cut(how, {"body"}, out);
    take(how.purse.empty() ? std::vector{too_much_work()} : found->schema.check(value, how.purse), {"body"}, out);
  };
  if (is_json_media(media)) {
    auto value = parse_json(req.body);
    if (!value)
      out.push_back({{"body"}, {"", "", "json", "is no JSON: " + value.error().detail + " (" + value.error().where + ")"}});
    else
      take(found->schema.check(*value, how.purse), {"body"}, out);
  } else if (is_xml_media(media)) {
    auto read = read_xml(req.body, found->as, how);
    const auto name = found->as.xml().name;
    if (!read)
      out.push_back({{"body"}, {"", "", "xml", "is no XML that is read: it " + read.error().detail + (read.error().where.empty() ? "" : " (" + read.error().where + ")")}});
    else if (!how.cut && !name.empty() && read->root != name)
      take({{"", "", "xml.name", "must have the root element " + std::string{name.substr(0, 200)}}}, {"body"}, out);
    else
      take_read(read->value);
  } else if (media == "application/x-www-form-urlencoded") {
    take_read(read_form(req.body, found->as, how));
  } else if (media.starts_with("text/") && events::is_utf8(req.body)) {
    take_read(typed_text(req.body, found->as, how));
  }
}

// -- telling -----------------------------------------------------------------------

unsigned request_check::refusal_status(const std::vector<request_fault>& faults) const noexcept {
  const bool unread = std::any_of(faults.begin(), faults.end(), [](const request_fault& f) {
    return f.why.keyword == "json" || f.why.keyword == "xml" || f.why.keyword == "multipart";
  });
  return unread ? 400 : refusal_;
}

response request_check::refusal_of(const std::vector<request_fault>& faults) const {
  const auto status = refusal_status(faults);
  auto count = faults.size();
  auto out = refusal(status, "invalid-request", "Invalid request",
                     count == 1 ? "the request breaks a rule of its operation" : "the request breaks " + std::to_string(count) + " rules of its operation");
  out.body.pop_back(); // the list goes in before the brace
  out.body += ",\"validation\":";
  events::json_text j{out.body};
  j.open_array();
  for (const auto& f : faults) {
    j.open_object().key("location").open_array();
    for (const auto& step : f.location)
      j.value(step);
    j.close_array().key("pointer").value(f.why.instance).key("rule").value(f.why.keyword).key("schema").value(f.why.schema);
    j.key("message").value(f.why.message).close_object();
  }
  j.close_array();
  out.body += '}';
  return out;
}

std::string request_check::report_of(const std::vector<request_fault>& faults) {
  const auto& first = faults.front();
  std::string where;
  for (const auto& step : first.location)
    where += (where.empty() ? "" : ".") + step;
  auto text = std::to_string(faults.size()) + (faults.size() == 1 ? " fault: " : " faults, the first: ") + where + ' ' + first.why.message;
  std::string out;
  for (char c : text) // a header has no room for more than plain text
    out += static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f ? '?' : c;
  out.resize(std::min<std::size_t>(out.size(), 500));
  return out;
}

// -- compiling ---------------------------------------------------------------------

request_schemas::request_schemas(const json_value& schemas, schema_options options) : compiler_(options) { compiler_.add("", schemas); }

events::outcome<std::unique_ptr<request_schemas>> request_schemas::read(const json_value& v) {
  const auto* schemas = v.member("schemas");
  auto mode = validation_mode_from(v.string_member("validation"));
  auto dialect = v.string_member("dialect");
  if (schemas == nullptr || !schemas->is_object() || !mode || (dialect != "openapi_3_0" && dialect != "draft2020_12"))
    return events::failure(events::errc::corrupt, "the schemas of an imported document do not read");
  schema_options options;
  options.dialect = dialect == "openapi_3_0" ? schema_dialect::openapi_3_0 : schema_dialect::draft2020_12;
  options.lenient = true;
  options.assert_formats = v.truth_member("formats");
  std::unique_ptr<request_schemas> out{new request_schemas{*schemas, options}};
  out->enforced_ = *mode == validation_mode::enforce;
  out->security_enforced_ = security_mode_from(v.string_member("security")) == security_mode::check;
  return out;
}

json_schema request_schemas::schema_of(const std::string& key) {
  if (key.empty())
    return {};
  auto [at, fresh] = known_.try_emplace(key);
  if (!fresh)
    return at->second;
  auto compiled = compiler_.compile("", pointer_to("", key));
  if (compiled)
    at->second = std::move(*compiled);
  else
    failed_.push_back(compiled.error());
  return at->second;
}

request_check::parameter request_schemas::parameter_of(const parameter_spec& p) {
  auto schema = schema_of(p.schema);
  schema_walk as{schema};
  return {p, std::move(schema), std::move(as)};
}

std::shared_ptr<const request_check> request_schemas::compile(const endpoint& e) {
  if (e.demands.empty())
    return nullptr;
  auto out = std::make_shared<request_check>();
  for (const auto& p : e.demands.parameters)
    out->parameters_.push_back(parameter_of(p));
  for (const auto& b : e.demands.bodies) {
    auto schema = schema_of(b.schema);
    schema_walk as{schema};
    out->bodies_.push_back({b.media_type, std::move(schema), std::move(as), std::nullopt});
    if (!b.parts)
      continue;
    auto& parts = out->bodies_.back().parts.emplace();
    for (const auto& p : *b.parts) {
      parts.push_back({p, {}});
      for (const auto& h : p.headers)
        parts.back().headers.push_back(parameter_of(h));
    }
  }
  out->body_required_ = e.demands.body_required;
  out->refusal_ = e.demands.refusal;
  out->enforced_ = enforced_;
  out->security_ = e.demands.security;
  out->security_enforced_ = security_enforced_;
  return out;
}

std::vector<events::error> request_schemas::problems() const {
  auto out = compiler_.problems();
  out.insert(out.end(), failed_.begin(), failed_.end());
  for (auto& p : out) {
    p.where = place_in_document(p.where);
    if (p.where.starts_with('#'))
      p.where.erase(0, 1);
  }
  return out;
}

} // namespace hourglass::mock
