#include "webhook/profile.hpp"

#include "events/json_text.hpp"

#include <algorithm>
#include <array>

namespace hourglass::webhook {

namespace {

constexpr std::array profiles{signature_profile::standard, signature_profile::stripe, signature_profile::github, signature_profile::shopify,
                              signature_profile::slack, signature_profile::custom};

// Standard Webhooks' names, and Svix's for verifiers that know only those.
constexpr std::array<std::string_view, 2> standard_prefixes{"webhook-", "svix-"};

bool same(std::string_view a, std::string_view b) noexcept {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [lower](char x, char y) { return lower(x) == lower(y); });
}

std::string stripe_value(std::span<const signing_key> keys, std::string_view stamp, std::string_view body) {
  std::string out{"t="};
  out += stamp;
  for (const auto& key : keys)
    out += ",v1=" + imitated_signature(signature_profile::stripe, key.to_string(), stamp, body);
  return out;
}

// Shopify's topics have a slash where event types have their first dot.
std::string topic_of(std::string_view event_type) {
  std::string out{event_type};
  if (auto dot = out.find('.'); dot != std::string::npos)
    out[dot] = '/';
  return out;
}

http::fields standard_headers(std::span<const signing_key> keys, std::string_view id, std::int64_t timestamp, std::string_view body) {
  http::fields out;
  auto signature = sign(keys, id, timestamp, body);
  auto stamp = std::to_string(timestamp);
  out.reserve(3 * standard_prefixes.size());
  for (auto prefix : standard_prefixes) {
    std::string name{prefix};
    out.push_back({name + "id", std::string{id}});
    out.push_back({name + "timestamp", stamp});
    out.push_back({name + "signature", signature});
  }
  return out;
}

} // namespace

std::string_view to_string(signature_profile p) noexcept {
  switch (p) {
    case signature_profile::standard:
      return "standard";
    case signature_profile::stripe:
      return "stripe";
    case signature_profile::github:
      return "github";
    case signature_profile::shopify:
      return "shopify";
    case signature_profile::slack:
      return "slack";
    case signature_profile::custom:
      return "custom";
  }
  return "unknown";
}

std::optional<signature_profile> profile_from(std::string_view name) noexcept {
  for (auto p : profiles)
    if (to_string(p) == name)
      return p;
  return std::nullopt;
}

std::string_view signature_header(signature_profile p) noexcept {
  switch (p) {
    case signature_profile::standard:
      return "webhook-signature";
    case signature_profile::stripe:
      return "Stripe-Signature";
    case signature_profile::github:
      return "X-Hub-Signature-256";
    case signature_profile::shopify:
      return "X-Shopify-Hmac-Sha256";
    case signature_profile::slack:
      return "X-Slack-Signature";
    case signature_profile::custom:
      break;
  }
  return {};
}

std::string imitated_signature(signature_profile p, std::string_view key, std::string_view timestamp, std::string_view body) {
  auto hex = [](const events::hash& h) { return events::to_hex(events::as_text(h)); };
  switch (p) {
    case signature_profile::stripe:
      return hex(mac(key, {timestamp, ".", body}));
    case signature_profile::slack:
      return hex(mac(key, {"v0:", timestamp, ":", body}));
    case signature_profile::shopify:
      return events::to_base64(events::as_text(mac(key, {body})));
    case signature_profile::github:
    case signature_profile::standard:
    case signature_profile::custom:
      break;
  }
  return hex(mac(key, {body}));
}

http::fields signature_headers(signature_profile p, std::span<const signing_key> keys, std::string_view id, std::string_view event_type,
                               std::int64_t timestamp, std::string_view body) {
  if (p == signature_profile::standard)
    return standard_headers(keys, id, timestamp, body);
  http::fields out{{"webhook-id", std::string{id}}};
  if (keys.empty())
    return out;
  auto stamp = std::to_string(timestamp);
  auto one = [&] { return imitated_signature(p, keys.front().to_string(), stamp, body); };
  std::string name{signature_header(p)};
  switch (p) {
    case signature_profile::standard:
    case signature_profile::custom:
      break;
    case signature_profile::stripe:
      out.push_back({name, stripe_value(keys, stamp, body)});
      break;
    case signature_profile::github:
      out.push_back({"X-GitHub-Event", std::string{event_type}});
      out.push_back({"X-GitHub-Delivery", std::string{id}});
      out.push_back({name, "sha256=" + one()});
      break;
    case signature_profile::shopify:
      out.push_back({"X-Shopify-Topic", topic_of(event_type)});
      out.push_back({"X-Shopify-Webhook-Id", std::string{id}});
      out.push_back({name, one()});
      break;
    case signature_profile::slack:
      out.push_back({"X-Slack-Request-Timestamp", stamp});
      out.push_back({name, "v0=" + one()});
      break;
  }
  return out;
}

bool sets_header(signature_profile p, std::string_view name) noexcept {
  auto is = [name](std::initializer_list<std::string_view> list) {
    return std::any_of(list.begin(), list.end(), [name](std::string_view one) { return same(one, name); });
  };
  switch (p) {
    case signature_profile::standard:
      return false; // `webhook-` and `svix-` are everybody's, and refused for all
    case signature_profile::stripe:
      return is({"Stripe-Signature"});
    case signature_profile::github:
      return is({"X-Hub-Signature-256", "X-GitHub-Event", "X-GitHub-Delivery"});
    case signature_profile::shopify:
      return is({"X-Shopify-Hmac-Sha256", "X-Shopify-Topic", "X-Shopify-Webhook-Id"});
    case signature_profile::slack:
      return is({"X-Slack-Signature", "X-Slack-Request-Timestamp"});
    case signature_profile::custom:
      return false;
  }
  return false;
}

bool takes(signature_profile p, key_kind k) noexcept {
  return k == key_kind::hmac || k == (p == signature_profile::standard ? key_kind::ed25519 : key_kind::text);
}

} // namespace hourglass::webhook
