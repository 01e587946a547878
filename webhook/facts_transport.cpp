#include "webhook/facts_json.hpp"

#include <nlohmann/json.hpp>

// How a destination's transport stands in its events.
namespace hourglass::webhook::detail {

using events::json_text;
using nlohmann::json;

// -- writing ----------------------------------------------------------------------------

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
    if (o->by_assertion) {
      j.key("assertion").open_object();
      if (with_secrets)
        write_secret(j, "key", o->assertion_key);
      write_text(j, "key_id", o->assertion_key_id);
      write_text(j, "audience", o->assertion_audience);
      j.close_object();
    }
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

} // namespace

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

// -- reading ----------------------------------------------------------------------------

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
  if (const auto* assertion = o.find("assertion")) {
    object_reader a{*assertion};
    out.by_assertion = true;
    out.assertion_key = read_secret(a, "key");
    out.assertion_key_id = a.text_or_empty("key_id");
    out.assertion_audience = a.text_or_empty("audience");
    if (!a.problem().empty())
      o.fail("assertion");
  }
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

} // namespace

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

} // namespace hourglass::webhook::detail
