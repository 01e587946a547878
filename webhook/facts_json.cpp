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

void write_headers(json_text& j, const std::vector<custom_header>& headers, bool with_secrets) {
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

} // namespace

namespace {

void write_secret(json_text& j, std::string_view name, const hidden_text& secret) {
  if (!secret.given())
    return;
  j.key(name).open_object();
  secret.sealed.empty() ? j.key("value").value(secret.value) : j.key("sealed").value(secret.sealed);
  j.close_object();
}

void write_text(json_text& j, std::string_view name, const std::string& text) {
  if (!text.empty())
    j.key(name).value(text);
}

void write_tls(json_text& j, const tls_settings& tls, bool with_secrets) {
  j.key("tls").open_object();
  write_text(j, "ca", tls.authorities);
  write_text(j, "certificate", tls.certificate);
  if (with_secrets)
    write_secret(j, "key", tls.key);
  if (!tls.pins.empty()) {
    j.key("pins").open_array();
    for (const auto& pin : tls.pins)
      j.value(http::to_pin_text(pin));
    j.close_array();
  }
  j.close_object();
}

void write_authentication(json_text& j, const authentication& who, bool with_secrets) {
  if (const auto& basic = who.basic) {
    j.key("basic").open_object().key("username").value(basic->username);
    if (with_secrets)
      write_secret(j, "password", basic->password);
    j.close_object();
  }
  if (const auto& o = who.oauth2) {
    j.key("oauth2").open_object().key("token_url").value(o->token_url).key("client_id").value(o->client_id);
    if (with_secrets)
      write_secret(j, "client_secret", o->client_secret);
    write_text(j, "scope", o->scope);
    write_text(j, "audience", o->audience);
    if (o->in_body)
      j.key("in_body").value(true);
    write_text(j, "ca", o->authorities);
    j.close_object();
  }
}

void write_proxy(json_text& j, const proxy_settings& p, bool with_secrets) {
  j.key("proxy").open_object();
  write_text(j, "url", p.url);
  write_text(j, "username", p.username);
  if (with_secrets)
    write_secret(j, "password", p.password);
  j.close_object();
}

void write_transport(json_text& j, const transport_settings& s, bool with_secrets) {
  j.key("transport").open_object();
  if (s.tls)
    write_tls(j, *s.tls, with_secrets);
  if (s.authentication)
    write_authentication(j, *s.authentication, with_secrets);
  if (s.proxy)
    write_proxy(j, *s.proxy, with_secrets);
  j.close_object();
}

} // namespace

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
  if (!d.transport.empty())
    write_transport(j, d.transport.settings(), with_secrets);
  write_headers(j, d.headers, with_secrets);
  j.key("metadata").open_array();
  for (const auto& [name, value] : d.metadata)
    j.open_array().value(std::string_view{name}).value(std::string_view{value}).close_array();
  j.close_array();
  if (with_secrets)
    write(j, d.secrets);
  if (d.profile != signature_profile::standard)
    j.key("profile").value(to_string(d.profile));
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
  j.key("created_us").value(t.created.us).key("updated_us").value(t.updated.us).close_object();
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

} // namespace

namespace {

hidden_text read_secret(object_reader& r, const char* name) {
  const auto* given = r.find(name);
  if (given == nullptr)
    return {};
  object_reader s{*given};
  hidden_text out;
  out.sealed = s.text_or_empty("sealed");
  if (out.sealed.empty())
    out.value = s.text("value");
  if (!s.problem().empty())
    r.fail(name);
  return out;
}

std::optional<tls_settings> read_tls(object_reader& r) {
  const auto* given = r.find("tls");
  if (given == nullptr)
    return std::nullopt;
  object_reader t{*given};
  tls_settings out;
  out.authorities = t.text_or_empty("ca");
  out.certificate = t.text_or_empty("certificate");
  out.key = read_secret(t, "key");
  for (const auto& text : t.texts("pins")) {
    if (auto pin = http::parse_pin(text))
      out.pins.push_back(*pin);
    else
      t.fail("pins");
  }
  if (!t.problem().empty())
    r.fail("tls");
  return out;
}

void read_basic(object_reader& r, std::optional<authentication>& into) {
  const auto* given = r.find("basic");
  if (given == nullptr)
    return;
  object_reader b{*given};
  into.emplace().basic = basic_credentials{b.text("username"), read_secret(b, "password")};
  if (!b.problem().empty())
    r.fail("basic");
}

void read_oauth2(object_reader& r, std::optional<authentication>& into) {
  const auto* given = r.find("oauth2");
  if (given == nullptr)
    return;
  object_reader o{*given};
  oauth2_client out;
  out.token_url = o.text("token_url");
  out.client_id = o.text("client_id");
  out.client_secret = read_secret(o, "client_secret");
  out.scope = o.text_or_empty("scope");
  out.audience = o.text_or_empty("audience");
  out.in_body = o.truth("in_body", false);
  out.authorities = o.text_or_empty("ca");
  into.emplace().oauth2 = std::move(out);
  if (!o.problem().empty())
    r.fail("oauth2");
}

std::optional<proxy_settings> read_proxy(object_reader& r) {
  const auto* given = r.find("proxy");
  if (given == nullptr)
    return std::nullopt;
  object_reader p{*given};
  proxy_settings out;
  out.url = p.text_or_empty("url");
  out.username = p.text_or_empty("username");
  out.password = read_secret(p, "password");
  if (!p.problem().empty())
    r.fail("proxy");
  return out;
}

transport_policy read_transport(object_reader& r) {
  const auto* given = r.find("transport");
  if (given == nullptr)
    return {};
  object_reader t{*given};
  transport_settings out;
  out.tls = read_tls(t);
  read_basic(t, out.authentication);
  read_oauth2(t, out.authentication);
  out.proxy = read_proxy(t);
  if (!t.problem().empty())
    r.fail("transport");
  return transport_policy{std::move(out)};
}

} // namespace

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
  d.transport = read_transport(r);
  if (const auto* headers = r.find("headers"); headers != nullptr && headers->is_array())
    for (const auto& one : *headers) {
      object_reader h{one};
      auto sealed = h.text_or_empty("sealed");
      auto value = sealed.empty() ? h.text("value") : std::string{};
      d.headers.push_back({h.text("name"), std::move(value), h.truth("sensitive", false), std::move(sealed)});
      if (!h.problem().empty())
        r.fail("headers");
    }
  if (const auto* metadata = r.find("metadata"); metadata != nullptr && metadata->is_array())
    for (const auto& one : *metadata) {
      if (one.is_array() && one.size() == 2 && one[0].is_string() && one[1].is_string())
        d.metadata.emplace_back(one[0].get<std::string>(), one[1].get<std::string>());
      else
        r.fail("metadata");
    }
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
  if (r.find("profile") != nullptr) {
    auto profile = profile_from(r.text("profile"));
    if (!profile)
      r.fail("profile");
    d.profile = profile.value_or(signature_profile::standard);
  }
  d.version = static_cast<std::uint32_t>(r.natural("version"));
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
  t.created = {r.integer("created_us")};
  t.updated = {r.integer("updated_us")};
  problem = r.problem();
  return t;
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
