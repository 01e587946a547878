#include "webhook/facts_json.hpp"

#include "events/redact_json.hpp"
#include "http/message.hpp"

#include <limits>

#include <nlohmann/json.hpp>

namespace hourglass::webhook::detail {

using events::json_text;
using nlohmann::json;

// -- writing ----------------------------------------------------------------------------

namespace {

void write_texts(json_text& j, std::string_view name, const std::vector<std::string>& list) {
  j.key(name).open_array();
  for (const auto& one : list)
    j.value(std::string_view{one});
  j.close_array();
}

void write_metadata(json_text& j, const string_map& metadata) {
  j.key("metadata").open_array();
  for (const auto& [name, value] : metadata)
    j.open_array().value(std::string_view{name}).value(std::string_view{value}).close_array();
  j.close_array();
}

} // namespace

void write(json_text& j, const std::vector<custom_header>& headers, bool with_secrets) {
  j.key("headers").open_array();
  for (const auto& h : headers) {
    j.open_object().key("name").value(h.name);
    if (with_secrets && !h.sealed.empty())
      j.key("sealed").value(h.sealed);
    else
      j.key("value").value(h.sensitive && !with_secrets ? std::string_view{"[hidden]"} : h.value);
    j.key("sensitive").value(h.sensitive).close_object();
  }
  j.close_array();
}

void write(json_text& j, const std::vector<secret>& secrets) {
  j.key("secrets").open_array();
  for (const auto& s : secrets) {
    j.open_object();
    s.sealed.empty() ? j.key("key").value(s.key.to_storage()) : j.key("sealed").value(s.sealed);
    j.key("created_us").value(s.created.us);
    if (s.expires)
      j.key("expires_us").value(s.expires->us);
    j.close_object();
  }
  j.close_array();
}

void write(json_text& j, const destination& d, bool with_secrets) {
  j.open_object().key("id").value(d.id).key("uid").value(d.uid).key("url").value(d.url).key("description").value(d.description);
  write_texts(j, "filter_types", d.filter_types);
  write_texts(j, "channels", d.channels);
  if (!d.filter.empty())
    j.key("filter").raw(d.filter.text());
  if (!d.retries.empty())
    j.key("retry_policy").raw(d.retries.text());
  if (!d.protection.empty())
    j.key("protection").raw(d.protection.text());
  if (!d.ordering.empty())
    j.key("ordering").raw(d.ordering.text());
  if (!d.batching.empty())
    j.key("batching").raw(d.batching.text());
  if (!d.transport.empty())
    write_transport(j, d.transport.settings(), with_secrets);
  if (const auto& t = d.transform.get(); !t.empty()) {
    j.key("transformation").open_object().key("code").value(t.code).key("enabled").value(t.enabled).key("variables").open_array();
    for (const auto& [name, value] : t.variables)
      j.open_array().value(name).value(value).close_array();
    j.close_array().key("updated_us").value(t.updated.us).close_object();
  }
  write(j, d.headers, with_secrets);
  write_metadata(j, d.metadata);
  if (with_secrets)
    write(j, d.secrets);
  if (d.profile != signature_profile::standard)
    j.key("profile").value(to_string(d.profile));
  if (!d.signing.empty())
    j.key("signing").raw(d.signing.text());
  if (d.form)
    j.key("form").value(true);
  if (d.schedule) {
    j.key("schedule_us").open_array();
    for (auto delay : *d.schedule)
      j.value(delay.count());
    j.close_array();
  }
  if (d.in_flight)
    j.key("in_flight").value(*d.in_flight);
  if (d.rate_limit)
    j.key("rate_limit").value(*d.rate_limit);
  if (d.timeout)
    j.key("timeout_s").value(*d.timeout);
  if (d.obeys)
    j.key("obeys").value(true);
  if (d.operational)
    j.key("operational").value(true);
  j.key("version").value(d.version).key("disabled").value(d.disabled).key("disabled_reason").value(d.disabled_reason);
  j.key("created_us").value(d.created.us).key("updated_us").value(d.updated.us).close_object();
}

void write(json_text& j, const event_type& t) {
  j.open_object().key("name").value(t.name).key("description").value(t.description);
  if (!t.schemas.empty())
    j.key("schemas").raw(t.schemas);
  j.key("group_name").value(t.group_name);
  write_texts(j, "feature_flags", t.feature_flags);
  j.key("archived").value(t.archived).key("deprecated").value(t.deprecated);
  if (t.check)
    j.key("schema_check").value(to_string(*t.check));
  j.key("created_us").value(t.created.us).key("updated_us").value(t.updated.us).close_object();
}

void write(json_text& j, const std::vector<schema_fault>& faults) {
  j.key("schema_faults").open_array();
  for (const auto& one : faults)
    j.open_array().value(one.pointer).value(one.rule).value(one.message).close_array();
  j.close_array();
}

void write(json_text& j, const poller& p) {
  j.open_object().key("id").value(p.id).key("uid").value(p.uid).key("description").value(p.description);
  write_texts(j, "filter_types", p.filter_types);
  write_texts(j, "channels", p.channels);
  if (!p.filter.empty())
    j.key("filter").raw(p.filter.text());
  write_metadata(j, p.metadata);
  j.key("created_us").value(p.created.us).key("updated_us").value(p.updated.us).close_object();
}

// -- reading ----------------------------------------------------------------------------

object_reader::object_reader(const json& object) : object_(object) {
  if (!object.is_object())
    fail("(not an object)");
}

const json* object_reader::find(const char* name) const {
  if (!object_.is_object())
    return nullptr;
  auto at = object_.find(name);
  return at == object_.end() || at->is_null() ? nullptr : &*at;
}

std::string object_reader::text(const char* name) {
  const auto* v = find(name);
  if (v == nullptr || !v->is_string()) {
    fail(name);
    return {};
  }
  return v->get_ref<const std::string&>();
}

std::string object_reader::text_or_empty(const char* name) { return find(name) == nullptr ? std::string{} : text(name); }

std::int64_t object_reader::integer(const char* name, std::int64_t otherwise) {
  const auto* v = find(name);
  if (v == nullptr)
    return otherwise;
  if (!v->is_number_integer() || (v->is_number_unsigned() && v->get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max())) {
    fail(name);
    return otherwise;
  }
  return v->get<std::int64_t>();
}

std::int64_t object_reader::integer(const char* name) {
  if (find(name) == nullptr)
    fail(name);
  return integer(name, 0);
}

std::uint64_t object_reader::natural(const char* name, std::uint64_t otherwise) {
  const auto* v = find(name);
  if (v == nullptr)
    return otherwise;
  if (!v->is_number_unsigned()) {
    fail(name);
    return otherwise;
  }
  return v->get<std::uint64_t>();
}

std::uint64_t object_reader::natural(const char* name) {
  if (find(name) == nullptr)
    fail(name);
  return natural(name, 0);
}

bool object_reader::truth(const char* name, bool otherwise) {
  const auto* v = find(name);
  if (v == nullptr)
    return otherwise;
  if (!v->is_boolean()) {
    fail(name);
    return otherwise;
  }
  return v->get<bool>();
}

std::vector<std::string> object_reader::texts(const char* name) {
  std::vector<std::string> out;
  const auto* v = find(name);
  if (v == nullptr)
    return out;
  if (!v->is_array()) {
    fail(name);
    return out;
  }
  out.reserve(v->size());
  for (const auto& one : *v) {
    if (!one.is_string()) {
      fail(name);
      return {};
    }
    out.push_back(one.get_ref<const std::string&>());
  }
  return out;
}

std::vector<secret> read_secrets(const json& object, std::string& problem) {
  std::vector<secret> out;
  object_reader r{object};
  const auto* list = r.find("secrets");
  if (list == nullptr || !list->is_array()) {
    problem = "secrets";
    return out;
  }
  for (const auto& one : *list) {
    object_reader s{one};
    secret read;
    read.sealed = s.text_or_empty("sealed");
    auto key = read.sealed.empty() ? signing_key::from_storage(s.text("key")) : signing_key{};
    read.created = {s.integer("created_us")};
    if (s.find("expires_us") != nullptr)
      read.expires = events::virtual_time{s.integer("expires_us")};
    if (!key || !s.problem().empty()) {
      problem = "secrets";
      return {};
    }
    read.key = *key;
    out.push_back(read);
  }
  return out;
}

namespace {

template <class T>
void read_compiled(object_reader& r, const char* name, T& into) {
  const auto* given = r.find(name);
  auto compiled = given == nullptr ? events::outcome<T>{T{}} : T::compile(*given);
  if (!compiled)
    r.fail(name);
  else
    into = *std::move(compiled);
}

string_map read_pairs(object_reader& r, const char* name) {
  string_map out;
  if (const auto* list = r.find(name); list != nullptr && list->is_array())
    for (const auto& one : *list) {
      if (one.is_array() && one.size() == 2 && one[0].is_string() && one[1].is_string())
        out.emplace_back(one[0].get<std::string>(), one[1].get<std::string>());
      else
        r.fail(name);
    }
  return out;
}

shared_transformation read_transformation(object_reader& r) {
  const auto* given = r.find("transformation");
  if (given == nullptr)
    return {};
  object_reader t{*given};
  transformation out;
  out.code = t.text("code");
  out.enabled = t.truth("enabled", false);
  out.variables = read_pairs(t, "variables");
  out.updated = {t.integer("updated_us")};
  if (!t.problem().empty())
    r.fail("transformation/" + t.problem());
  return shared_transformation{std::move(out)};
}

} // namespace

std::vector<custom_header> read_headers(object_reader& r) {
  std::vector<custom_header> out;
  const auto* headers = r.find("headers");
  if (headers == nullptr || !headers->is_array())
    return out;
  for (const auto& one : *headers) {
    object_reader h{one};
    auto sealed = h.text_or_empty("sealed");
    auto value = sealed.empty() ? h.text("value") : std::string{};
    out.push_back({h.text("name"), std::move(value), h.truth("sensitive", false), std::move(sealed)});
    if (!h.problem().empty())
      r.fail("headers");
  }
  return out;
}

destination read_destination(const json& object, std::string& problem) {
  object_reader r{object};
  destination d;
  d.id = r.text("id");
  d.uid = r.text("uid");
  d.url = r.text("url");
  d.description = r.text("description");
  d.filter_types = r.texts("filter_types");
  d.channels = r.texts("channels");
  read_compiled(r, "filter", d.filter);
  read_compiled(r, "retry_policy", d.retries);
  read_compiled(r, "protection", d.protection);
  read_compiled(r, "ordering", d.ordering);
  read_compiled(r, "batching", d.batching);
  d.transport = read_transport(r);
  d.transform = read_transformation(r);
  d.headers = read_headers(r);
  d.metadata = read_pairs(r, "metadata");
  if (const auto* schedule = r.find("schedule_us"); schedule != nullptr && schedule->is_array()) {
    d.schedule.emplace();
    for (const auto& one : *schedule) {
      if (!one.is_number_integer())
        r.fail("schedule_us");
      else
        d.schedule->push_back(duration{one.get<std::int64_t>()});
    }
  }
  if (r.find("in_flight") != nullptr)
    d.in_flight = static_cast<std::uint32_t>(r.natural("in_flight"));
  if (r.find("rate_limit") != nullptr)
    d.rate_limit = static_cast<std::uint32_t>(r.natural("rate_limit"));
  if (r.find("timeout_s") != nullptr)
    d.timeout = static_cast<std::uint32_t>(r.natural("timeout_s"));
  if (r.find("profile") != nullptr) {
    auto profile = profile_from(r.text("profile"));
    if (!profile)
      r.fail("profile");
    d.profile = profile.value_or(signature_profile::standard);
  }
  read_compiled(r, "signing", d.signing);
  d.form = r.truth("form", false);
  d.version = static_cast<std::uint32_t>(r.natural("version"));
  d.obeys = r.truth("obeys", false);
  d.operational = r.truth("operational", false);
  d.disabled = r.truth("disabled", false);
  d.disabled_reason = r.text("disabled_reason");
  d.created = {r.integer("created_us")};
  d.updated = {r.integer("updated_us")};
  problem = r.problem();
  if (problem.empty())
    d.secrets = read_secrets(object, problem);
  return d;
}

event_type read_event_type(const json& object, std::string& problem) {
  object_reader r{object};
  event_type t;
  t.name = r.text("name");
  t.description = r.text("description");
  if (const auto* schemas = r.find("schemas"))
    t.schemas = schemas->dump();
  t.group_name = r.text("group_name");
  t.feature_flags = r.texts("feature_flags");
  t.archived = r.truth("archived", false);
  t.deprecated = r.truth("deprecated", false);
  if (r.find("schema_check") != nullptr)
    if (t.check = schema_check_from(r.text("schema_check")); !t.check)
      r.fail("schema_check");
  t.created = {r.integer("created_us")};
  t.updated = {r.integer("updated_us")};
  problem = r.problem();
  return t;
}

std::vector<schema_fault> read_schema_faults(object_reader& r) {
  std::vector<schema_fault> out;
  const auto* list = r.find("schema_faults");
  if (list == nullptr)
    return out;
  for (const auto& one : *list) {
    if (!one.is_array() || one.size() != 3 || !one[0].is_string() || !one[1].is_string() || !one[2].is_string() || out.size() == schema_faults_kept)
      return r.fail("schema_faults"), out;
    out.push_back({one[0].get<std::string>(), one[1].get<std::string>(), one[2].get<std::string>()});
  }
  return out;
}

poller read_poller(const json& object, std::string& problem) {
  object_reader r{object};
  poller p;
  p.id = r.text("id");
  p.uid = r.text("uid");
  p.description = r.text("description");
  p.filter_types = r.texts("filter_types");
  p.channels = r.texts("channels");
  read_compiled(r, "filter", p.filter);
  p.metadata = read_pairs(r, "metadata");
  p.created = {r.integer("created_us")};
  p.updated = {r.integer("updated_us")};
  problem = r.problem();
  return p;
}

std::string public_url(std::string_view url) {
  auto query = url.find('?');
  if (query == std::string_view::npos)
    return std::string{url};
  std::string out{url.substr(0, query + 1)};
  for (auto rest = url.substr(query + 1); !rest.empty();) {
    auto pair = rest.substr(0, rest.find('&'));
    auto equals = pair.find('=');
    std::string name;
    if (equals != std::string_view::npos && http::percent_decode(pair.substr(0, equals), true, name) && events::is_sensitive_name(name, {}))
      out.append(pair.substr(0, equals + 1)).append("[hidden]");
    else
      out += pair;
    rest.remove_prefix(pair.size());
    if (!rest.empty()) {
      out += '&';
      rest.remove_prefix(1);
    }
  }
  return out;
}

namespace {

void mask_transport(nlohmann::ordered_json& object) {
  auto transport = object.find("transport");
  if (transport == object.end() || !transport->is_object())
    return;
  for (auto& part : *transport)
    for (const auto* name : {"key", "password", "client_secret"})
      if (part.is_object() && part.contains(name))
        part[name] = "[hidden]";
  if (auto oauth2 = transport->find("oauth2"); oauth2 != transport->end() && oauth2->is_object() && oauth2->contains("assertion"))
    if (auto& assertion = (*oauth2)["assertion"]; assertion.is_object() && assertion.contains("key"))
      assertion["key"] = "[hidden]";
  if (auto oauth2 = transport->find("oauth2"); oauth2 != transport->end() && oauth2->is_object())
    if (auto url = oauth2->find("token_url"); url != oauth2->end() && url->is_string())
      *url = public_url(url->get_ref<const std::string&>());
}

} // namespace

std::string mask(std::string_view payload) {
  auto object = nlohmann::ordered_json::parse(payload, nullptr, false);
  if (!object.is_object())
    return "{}";
  if (auto url = object.find("url"); url != object.end() && url->is_string())
    *url = public_url(url->get_ref<const std::string&>());
  if (auto sent = object.find("transformed"); sent != object.end() && sent->is_object())
    if (auto url = sent->find("url"); url != sent->end() && url->is_string())
      *url = public_url(url->get_ref<const std::string&>());
  if (auto secrets = object.find("secrets"); secrets != object.end() && secrets->is_array())
    for (auto& one : *secrets)
      for (const auto* name : {"key", "sealed"})
        if (one.is_object() && one.contains(name))
          one[name] = "[hidden]";
  if (auto headers = object.find("headers"); headers != object.end() && headers->is_array())
    for (auto& one : *headers)
      for (const auto* name : {"value", "sealed"})
        if (one.is_object() && one.value("sensitive", true) && one.contains(name))
          one[name] = "[hidden]";
  mask_transport(object);
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

} // namespace hourglass::webhook::detail
