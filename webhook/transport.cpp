#include "webhook/transport.hpp"

#include "events/time.hpp"
#include "http/client.hpp"
#include "webhook/limits.hpp"
#include "webhook/object_of_policy.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace hourglass::webhook {

using events::errc, events::failure;
using nlohmann::json;

namespace {

std::string read_pem(object_of_policy& o, std::string_view name, std::size_t bytes, std::size_t certificates) {
  const auto text = o.text(name, bytes);
  if (!text || text->empty())
    return {};
  auto read = http::read_certificates(*text, certificates);
  if (!read) {
    o.fail(read.error(), name);
    return {};
  }
  std::string out;
  for (const auto& one : *read)
    out += one.pem;
  return out;
}

void read_pins(object_of_policy& o, std::vector<http::key_hash>& into) {
  const auto* list = o.given("pins");
  if (list == nullptr)
    return;
  if (!list->is_array() || list->size() > limits::tls_pins)
    return o.fail("must be an array of at most " + std::to_string(limits::tls_pins) + " pins", "pins");
  for (std::size_t i = 0; i < list->size(); ++i) {
    const auto& one = (*list)[i];
    auto pin = http::parse_pin(one.is_string() ? one.get<std::string>() : std::string{});
    if (!pin)
      return o.fail(errc::invalid, pin.error(), o.at("pins") + "/" + std::to_string(i));
    if (std::find(into.begin(), into.end(), *pin) == into.end())
      into.push_back(*pin);
  }
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

/// A text without control characters; empty when it is not given.
std::string plain_text(object_of_policy& o, std::string_view name, std::size_t most) {
  auto text = o.text(name, most).value_or("");
  if (has_control(text))
    o.fail("must have no control characters", name);
  return text;
}

std::string needed_text(object_of_policy& o, std::string_view name, std::size_t most) {
  auto text = plain_text(o, name, most);
  if (text.empty())
    o.fail("is required", name);
  return text;
}

basic_credentials read_basic(const json& from, const std::string& at, object_of_policy& outer) {
  object_of_policy o{from, at, {"username", "password"}};
  basic_credentials out;
  out.username = needed_text(o, "username", limits::credential_bytes);
  if (out.username.find(':') != std::string::npos)
    o.fail("must have no colon: a receiver could not tell where it ends", "username");
  out.password.value = plain_text(o, "password", limits::credential_bytes);
  outer.fail(o.problem());
  return out;
}

void read_assertion(const json& from, const std::string& at, oauth2_client& into, object_of_policy& outer) {
  object_of_policy a{from, at, {"key", "keyId", "audience"}};
  into.by_assertion = true;
  if (const auto key = a.text("key", limits::tls_key_bytes); key && !key->empty()) {
    auto read = http::read_private_key(*key);
    if (read)
      into.assertion_key.value = std::move(*read);
    else
      a.fail(read.error(), "key");
  }
  into.assertion_key_id = plain_text(a, "keyId", limits::credential_bytes);
  into.assertion_audience = plain_text(a, "audience", limits::scope_bytes);
  outer.fail(a.problem());
}

oauth2_client read_oauth2(const json& from, const std::string& at, object_of_policy& outer) {
  object_of_policy o{from, at, {"tokenUrl", "clientId", "clientSecret", "scope", "audience", "credentialsIn", "ca", "clientAssertion"}};
  oauth2_client out;
  out.token_url = needed_text(o, "tokenUrl", limits::token_url_bytes);
  const auto url = http::parse_url(out.token_url);
  if (!url)
    o.fail(url.error(), "tokenUrl");
  out.client_id = needed_text(o, "clientId", limits::credential_bytes);
  out.client_secret.value = plain_text(o, "clientSecret", limits::credential_bytes);
  out.scope = plain_text(o, "scope", limits::scope_bytes);
  out.audience = plain_text(o, "audience", limits::scope_bytes);
  if (const auto* where = o.given("credentialsIn"); where != nullptr) {
    if (*where != "header" && *where != "body")
      o.fail("must be `header` or `body`", "credentialsIn");
    out.in_body = *where == "body";
  }
  out.authorities = read_pem(o, "ca", limits::tls_authorities_bytes, limits::tls_authorities);
  if (!out.authorities.empty() && url && !url->secure)
    o.fail("is of no use with an http URL", "ca");
  if (const auto* assertion = o.given("clientAssertion"); assertion != nullptr)
    read_assertion(*assertion, o.at("clientAssertion"), out, o);
  if (out.by_assertion && (out.client_secret.given() || o.given("credentialsIn") != nullptr))
    o.fail("stands in place of clientSecret and credentialsIn: take them away", "clientAssertion");
  outer.fail(o.problem());
  return out;
}

// -- a secret that was left out stays, where all that it belongs to is the same -----------------

void keep_secrets(tls_settings& now, const tls_settings& before) {
  if (!now.key.given() && !now.certificate.empty() && now.certificate == before.certificate)
    now.key = before.key;
}

/// Never goes to another address than it was given for.
void keep_secrets(authentication& now, const authentication& before) {
  if (now.basic && before.basic && !now.basic->password.given() && now.basic->username == before.basic->username)
    now.basic->password = before.basic->password;
  if (!now.oauth2 || !before.oauth2 || now.oauth2->client_secret.given() || now.oauth2->assertion_key.given() ||
      now.oauth2->by_assertion != before.oauth2->by_assertion)
    return;
  if (now.oauth2->token_url == before.oauth2->token_url && now.oauth2->client_id == before.oauth2->client_id &&
      now.oauth2->authorities == before.oauth2->authorities)
    now.oauth2->client_secret = before.oauth2->client_secret, now.oauth2->assertion_key = before.oauth2->assertion_key;
}

void keep_secrets(proxy_settings& now, const proxy_settings& before) {
  if (!now.password.given() && now.url == before.url && now.username == before.username)
    now.password = before.password;
}

template <class Part>
void change(std::optional<Part>& now, std::optional<std::optional<Part>>& to) {
  if (!to)
    return;
  auto before = std::move(now);
  now = std::move(*to);
  if (now && before)
    keep_secrets(*now, *before);
}

// -- what it comes to --------------------------------------------------------------------------

std::optional<http::proxy> through(const transport_settings& s) {
  if (!s.proxy || s.proxy->direct())
    return std::nullopt;
  auto out = http::parse_proxy(s.proxy->url, false);
  if (!out)
    return std::nullopt; // was refused when it was given
  out->username = s.proxy->username;
  out->password = s.proxy->password.value;
  return *std::move(out);
}

std::shared_ptr<const http::transport> travelling(const transport_settings& s, http::tls_identity tls) {
  if (tls.empty() && !s.proxy)
    return nullptr;
  return std::make_shared<const http::transport>(std::move(tls), through(s), s.proxy && s.proxy->direct());
}

delivery_way way_of(const transport_settings& s) {
  delivery_way out;
  http::tls_identity ours;
  if (s.tls)
    ours = {s.tls->authorities, s.tls->certificate, s.tls->key.value, s.tls->pins};
  out.receiver = travelling(s, std::move(ours));
  if (!s.authentication)
    return out;
  if (const auto& basic = s.authentication->basic)
    out.authorization = basic_authorization(basic->username, basic->password.value);
  if (const auto& o = s.authentication->oauth2)
    out.tokens = std::make_shared<const token_request>(
        make_token_request({o->token_url, o->client_id, o->client_secret.value, o->scope, o->audience, o->in_body, o->assertion_key.value, o->assertion_key_id, o->assertion_audience}, travelling(s, {o->authorities, {}, {}, {}})));
  return out;
}

const transport_settings& no_settings() {
  static const transport_settings none;
  return none;
}

events::outcome<void> validate(const tls_settings& tls, bool secure_url) {
  if (!secure_url)
    return failure(errc::invalid, "is of no use with an http URL: nothing would check it", "/tls");
  if (tls.certificate.empty() && tls.key.given())
    return failure(errc::invalid, "is required with a key", "/tls/certificate");
  if (!tls.certificate.empty() && !tls.key.given())
    return failure(errc::invalid, "is required with a certificate", "/tls/key");
  if (!tls.key.value.empty() && !http::is_key_of(tls.key.value, tls.certificate))
    return failure(errc::invalid, "is not the key of the certificate", "/tls/key");
  return {};
}

events::outcome<void> validate(const authentication& who, bool own_authorization) {
  if (own_authorization)
    return failure(errc::invalid, "there is an Authorization header among `headers` as well: take one of them away", "/authentication");
  if (who.oauth2 && who.oauth2->by_assertion && !who.oauth2->assertion_key.given())
    return failure(errc::invalid, "is required", "/authentication/oauth2/clientAssertion/key");
  if (who.oauth2 && !who.oauth2->by_assertion && !who.oauth2->client_secret.given())
    return failure(errc::invalid, "is required", "/authentication/oauth2/clientSecret");
  if (who.basic && !who.basic->password.given())
    return failure(errc::invalid, "is required", "/authentication/basic/password");
  return {};
}

events::outcome<void> validate(const proxy_settings& p) {
  if (p.password.given() && p.username.empty())
    return failure(errc::invalid, "is required with a password", "/proxy/username");
  return {};
}

void warn_of(std::string_view what, const std::string& pem, std::int64_t now, std::vector<std::string>& out) {
  const auto all = http::read_certificates(pem, std::max(limits::tls_authorities, limits::tls_chain));
  if (!all)
    return;
  for (const auto& one : *all) {
    const auto day = [](std::int64_t seconds) { return events::to_rfc3339(events::wall_time{seconds * 1'000'000}); };
    if (one.not_after < now)
      out.push_back(std::string{what} + " " + one.subject + " expired at " + day(one.not_after));
    else if (one.not_before > now)
      out.push_back(std::string{what} + " " + one.subject + " is not valid before " + day(one.not_before));
  }
}

} // namespace

events::outcome<tls_settings> tls_settings::compile(const json& from, const std::string& at) {
  tls_settings out;
  object_of_policy o{from, at, {"ca", "certificate", "key", "pins"}};
  out.authorities = read_pem(o, "ca", limits::tls_authorities_bytes, limits::tls_authorities);
  out.certificate = read_pem(o, "certificate", limits::tls_chain_bytes, limits::tls_chain);
  if (const auto key = o.text("key", limits::tls_key_bytes); key && !key->empty()) {
    auto read = http::read_private_key(*key);
    if (read)
      out.key.value = std::move(*read);
    else
      o.fail(read.error(), "key");
  }
  read_pins(o, out.pins);
  if (o.problem())
    return tl::unexpected{*o.problem()};
  return out;
}

events::outcome<authentication> authentication::compile(const json& from, const std::string& at) {
  authentication out;
  object_of_policy o{from, at, {"basic", "oauth2"}};
  const auto* basic = o.given("basic");
  const auto* oauth2 = o.given("oauth2");
  if (!o.problem() && (basic == nullptr) == (oauth2 == nullptr))
    o.fail("must have one of `basic` and `oauth2`", {});
  if (basic != nullptr)
    out.basic = read_basic(*basic, o.at("basic"), o);
  if (oauth2 != nullptr)
    out.oauth2 = read_oauth2(*oauth2, o.at("oauth2"), o);
  if (o.problem())
    return tl::unexpected{*o.problem()};
  return out;
}

events::outcome<proxy_settings> proxy_settings::compile(const json& from, const std::string& at) {
  proxy_settings out;
  if (from == "direct")
    return out;
  if (!from.is_object())
    return failure(errc::invalid, R"(must be "direct", or an object with `url`)", at);
  object_of_policy o{from, at, {"url", "username", "password"}};
  out.url = needed_text(o, "url", limits::proxy_url_bytes);
  if (auto parsed = http::parse_proxy(out.url, false); !parsed)
    o.fail(parsed.error(), "url");
  out.username = plain_text(o, "username", limits::proxy_credential_bytes);
  if (out.username.find(':') != std::string::npos)
    o.fail("must have no colon", "username");
  out.password.value = plain_text(o, "password", limits::proxy_credential_bytes);
  if (o.problem())
    return tl::unexpected{*o.problem()};
  return out;
}

transport_policy::transport_policy(transport_settings s) {
  if (s.tls && s.tls->empty())
    s.tls.reset();
  if (s.empty())
    return;
  auto way = way_of(s);
  content_ = std::make_shared<const content>(content{std::move(s), std::move(way)});
}

const transport_settings& transport_policy::settings() const noexcept { return content_ ? content_->settings : no_settings(); }

std::shared_ptr<const delivery_way> transport_policy::way() const noexcept {
  return content_ ? std::shared_ptr<const delivery_way>{content_, &content_->way} : nullptr;
}

transport_policy transport_policy::with(transport_change c) const {
  if (c.empty())
    return *this;
  auto now = settings();
  change(now.tls, c.tls);
  change(now.authentication, c.authentication);
  change(now.proxy, c.proxy);
  return transport_policy{std::move(now)};
}

std::size_t transport_policy::bytes() const noexcept {
  if (empty())
    return 0;
  std::size_t out = sizeof(content);
  const auto& s = settings();
  if (s.tls)
    out += s.tls->authorities.size() + s.tls->certificate.size();
  if (s.authentication && s.authentication->oauth2)
    out += s.authentication->oauth2->authorities.size() + s.authentication->oauth2->token_url.size() + s.authentication->oauth2->scope.size();
  transport_settings::each_secret(s, [&out](std::string_view, const hidden_text& one) { out += one.value.size() + one.sealed.size(); });
  return out;
}

events::outcome<void> validate(const transport_policy& p, bool secure_url, bool own_authorization) {
  const auto& s = p.settings();
  if (s.tls)
    if (auto ok = validate(*s.tls, secure_url); !ok)
      return ok;
  if (s.authentication)
    if (auto ok = validate(*s.authentication, own_authorization); !ok)
      return ok;
  return s.proxy ? validate(*s.proxy) : events::outcome<void>{};
}

std::vector<std::string> warnings(const transport_policy& p, std::int64_t unix_seconds) {
  std::vector<std::string> out;
  const auto& s = p.settings();
  if (s.tls && !s.tls->certificate.empty())
    warn_of("the client certificate", s.tls->certificate, unix_seconds, out);
  if (s.tls && !s.tls->authorities.empty())
    warn_of("the authority", s.tls->authorities, unix_seconds, out);
  if (!s.authentication || !s.authentication->oauth2)
    return out;
  const auto& o = *s.authentication->oauth2;
  if (!o.authorities.empty())
    warn_of("the token endpoint's authority", o.authorities, unix_seconds, out);
  if (const auto url = http::parse_url(o.token_url); url && !url->secure)
    out.emplace_back("tokenUrl is not https: whoever is on the way reads the client secret and the tokens");
  return out;
}

} // namespace hourglass::webhook
