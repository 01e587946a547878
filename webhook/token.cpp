#include "webhook/token.hpp"

#include "events/digest.hpp"
#include "events/json_check.hpp"
#include "events/json_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include <nlohmann/json.hpp>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

namespace hourglass::webhook {

namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr std::size_t answer_depth = 32;
constexpr std::size_t code_bytes = 64;

/// As in a form (RFC 6749 appendix B), where a blank is `+`.
std::string form_encode(std::string_view text) {
  auto out = http::percent_encode(text);
  for (auto at = out.find("%20"); at != std::string::npos; at = out.find("%20", at))
    out.replace(at, 3, "+");
  return out;
}

void add(std::string& form, std::string_view name, const std::string& value) {
  if (!value.empty())
    form.append(form.empty() ? "" : "&").append(name).append("=").append(form_encode(value));
}

// -- assertions (RFC 7523, RFC 7515, RFC 7518) -------------------------------------------

using pkey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

pkey read_key(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bytes{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free};
  pkey out{bytes ? PEM_read_bio_PrivateKey(bytes.get(), nullptr, nullptr, nullptr) : nullptr, &EVP_PKEY_free};
  ERR_clear_error();
  return out;
}

struct algorithm {
  const char* name = nullptr; ///< as `alg` has it; null: there is none for this key
  const EVP_MD* digest = nullptr;
  int half = 0; ///< of an ECDSA signature: bytes of each of its two numbers
};

algorithm algorithm_of(const EVP_PKEY* key) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
      return {"RS256", EVP_sha256(), 0};
    case EVP_PKEY_ED25519:
      return {"EdDSA", nullptr, 0};
    case EVP_PKEY_EC:
      switch (EVP_PKEY_get_bits(key)) {
        case 256:
          return {"ES256", EVP_sha256(), 32};
        case 384:
          return {"ES384", EVP_sha384(), 48};
        case 521:
          return {"ES512", EVP_sha512(), 66};
        default:
          return {};
      }
    default:
      return {};
  }
}

/// DER to the two numbers one after the other.
std::string plain_ecdsa(const std::string& der, int half) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> both{d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())), &ECDSA_SIG_free};
  std::string out(2 * static_cast<std::size_t>(half), '\0');
  auto* to = reinterpret_cast<unsigned char*>(out.data());
  if (!both || BN_bn2binpad(ECDSA_SIG_get0_r(both.get()), to, half) != half || BN_bn2binpad(ECDSA_SIG_get0_s(both.get()), to + half, half) != half)
    return {};
  return out;
}

std::string signed_by(EVP_PKEY* key, const algorithm& how, std::string_view text) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
  const auto* data = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t size = 0;
  if (!context || EVP_DigestSignInit(context.get(), nullptr, how.digest, nullptr, key) != 1 || EVP_DigestSign(context.get(), nullptr, &size, data, text.size()) != 1)
    return {};
  std::string out(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, data, text.size()) != 1)
    return {};
  out.resize(size);
  return how.half != 0 ? plain_ecdsa(out, how.half) : out;
}

std::string base64url(std::string_view bytes) {
  auto out = events::to_base64(bytes);
  std::replace(out.begin(), out.end(), '+', '-');
  std::replace(out.begin(), out.end(), '/', '_');
  out.resize(std::min(out.size(), out.find('=')));
  return out;
}

constexpr std::string_view assertion_type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

tl::unexpected<std::string> no_token(std::string why) { return tl::unexpected<std::string>{"no access token: " + std::move(why)}; }

bool is_visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

/// `invalid_client` and the like. What does not look like one is not repeated.
std::string code_of(const json& body) {
  const auto error = body.is_object() ? body.find("error") : body.end();
  if (!body.is_object() || error == body.end() || !error->is_string())
    return {};
  const auto& code = error->get_ref<const std::string&>();
  const bool is_one = !code.empty() && code.size() <= code_bytes && std::all_of(code.begin(), code.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '.';
  });
  return is_one ? " (" + code + ")" : std::string{};
}

json parsed(const std::string& body) {
  return events::check_json(body, answer_depth) ? json::parse(body, nullptr, false) : json(json::value_t::discarded);
}

bool is_bearer(std::string_view type) {
  constexpr std::string_view bearer = "bearer";
  return std::equal(type.begin(), type.end(), bearer.begin(), bearer.end(), [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

/// Seconds, or nothing when it is no number. Some write it as text.
std::optional<double> seconds_of(const json& value) {
  double out = 0;
  if (value.is_number()) {
    out = value.get<double>();
  } else if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (code != std::errc{} || end != text.data() + text.size())
      return std::nullopt;
  } else {
    return std::nullopt;
  }
  return std::isfinite(out) ? std::optional{out} : std::nullopt;
}

/// A tenth less, at least 5 s and at most a minute: it must still be good when it arrives.
std::chrono::seconds usable(double told) {
  const auto all = std::chrono::seconds{static_cast<std::int64_t>(std::clamp(told, 0.0, static_cast<double>(token_time_most.count())))};
  return std::max(0s, all - std::clamp(all / 10, 5s, 60s));
}

} // namespace

tl::expected<std::string, std::string> make_assertion(const client_assertion& a, std::int64_t unix_seconds, std::string_view id) {
  const auto key = read_key(a.key);
  const auto how = key ? algorithm_of(key.get()) : algorithm{};
  if (how.name == nullptr)
    return no_token("the key of the client assertion cannot sign one");
  json head{{"alg", how.name}, {"typ", "JWT"}};
  if (!a.key_id.empty())
    head["kid"] = a.key_id;
  const json claims{{"iss", a.client_id}, {"sub", a.client_id}, {"aud", a.audience}, {"iat", unix_seconds}, {"exp", unix_seconds + assertion_seconds}, {"jti", id}};
  const auto written = [](const json& j) { return base64url(j.dump(-1, ' ', false, json::error_handler_t::replace)); };
  auto out = written(head) + "." + written(claims);
  const auto signature = signed_by(key.get(), how, out);
  ERR_clear_error();
  if (signature.empty())
    return no_token("the client assertion could not be signed");
  return out.append(".").append(base64url(signature));
}

std::string basic_authorization(std::string_view username, std::string_view password) {
  std::string both{username};
  return "Basic " + events::to_base64(both.append(":").append(password));
}

token_request make_token_request(const token_request_fields& of, std::shared_ptr<const http::transport> way) {
  token_request out;
  out.url = of.url;
  out.way = std::move(way);
  out.form = "grant_type=client_credentials";
  add(out.form, "scope", of.scope);
  add(out.form, "audience", of.audience);
  if (!of.assertion_key.empty()) {
    add(out.form, "client_id", of.client_id);
    add(out.form, "client_assertion_type", std::string{assertion_type});
    out.assertion = std::make_shared<const client_assertion>(
        client_assertion{of.client_id, of.assertion_audience.empty() ? of.url : of.assertion_audience, of.assertion_key_id, of.assertion_key});
  } else if (of.in_body) {
    add(out.form, "client_id", of.client_id);
    add(out.form, "client_secret", of.client_secret);
  } else {
    out.authorization = basic_authorization(form_encode(of.client_id), form_encode(of.client_secret));
  }
  const auto line = [](const std::string& text) { return std::to_string(text.size()) + ":" + text; };
  const auto digest = events::sha256({line(out.url), line(out.authorization), line(out.form), line(of.assertion_key), line(of.assertion_key_id), line(of.assertion_audience),
                                      out.way ? out.way->key() : std::string{}});
  out.key = std::string{events::as_text(digest)};
  return out;
}

http::exchange token_exchange(const token_request& r, std::string owner, std::chrono::milliseconds deadline, const std::string& assertion) {
  http::exchange out;
  out.url = r.url;
  out.headers = {{"content-type", "application/x-www-form-urlencoded"}, {"accept", "application/json"}};
  if (!r.authorization.empty())
    out.headers.push_back({"authorization", r.authorization});
  auto form = r.form;
  add(form, "client_assertion", assertion);
  out.body = std::move(form);
  out.owner = std::move(owner);
  out.way = r.way;
  out.deadline = deadline;
  out.body_kept = out.body_read = token_answer_bytes;
  return out;
}

tl::expected<access_token, std::string> read_token_answer(const http::exchange_result& answer) {
  if (answer.error != http::transport_error::none)
    return no_token(std::string{http::to_string(answer.error)} + " at the token endpoint: " + answer.detail);
  if (answer.truncated)
    return no_token("the answer of the token endpoint is longer than " + std::to_string(token_answer_bytes) + " bytes");
  const auto body = parsed(answer.body);
  if (answer.status != 200)
    return no_token("the token endpoint answered " + std::to_string(answer.status) + code_of(body));
  const auto value = body.is_object() ? body.find("access_token") : body.end();
  if (!body.is_object() || value == body.end() || !value->is_string())
    return no_token("the answer of the token endpoint is no JSON object with an access_token" + code_of(body));
  access_token out;
  out.value = value->get<std::string>();
  if (out.value.empty() || out.value.size() > token_bytes || !is_visible(out.value))
    return no_token("what the token endpoint gave has no, or more than " + std::to_string(token_bytes) + ", or other than printable characters");
  if (const auto type = body.find("token_type"); type != body.end() && !(type->is_string() && is_bearer(type->get_ref<const std::string&>())))
    return no_token("the token that the token endpoint gave is no bearer token");
  out.good_for = token_time_untold;
  if (const auto told = body.find("expires_in"); told != body.end() && !told->is_null()) {
    const auto seconds = seconds_of(*told);
    if (!seconds)
      return no_token("the token endpoint's expires_in is no number");
    out.good_for = usable(*seconds);
  }
  return out;
}

} // namespace hourglass::webhook
