#pragma once

#include "http/message.hpp"
#include "webhook/signing.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace hourglass::webhook {

/// Whose way of signing a destination's receiver expects. All but the first imitate a sender that a sandbox stands in for; their secret is
/// the HMAC key as it is written, `whsec_` and all.
enum class signature_profile : std::uint8_t {
  standard, ///< Standard Webhooks: `webhook-id|timestamp|signature`, and the same three as `svix-…`
  stripe,   ///< `Stripe-Signature: t=T,v1=HEX[,v1=HEX]` over `T.body`
  github,   ///< `X-Hub-Signature-256: sha256=HEX` over the body; `X-GitHub-Event`, `X-GitHub-Delivery`
  shopify,  ///< `X-Shopify-Hmac-Sha256: BASE64` over the body; `X-Shopify-Topic` (`orders/create` for `orders.create`), `X-Shopify-Webhook-Id`
  slack,    ///< `X-Slack-Signature: v0=HEX` over `v0:T:body`, `X-Slack-Request-Timestamp: T`
  custom,   ///< as the destination's `signature_template` says
};
std::string_view to_string(signature_profile p) noexcept;
std::optional<signature_profile> profile_from(std::string_view name) noexcept;

/// Header that carries the signature; of `custom` only the template knows it.
std::string_view signature_header(signature_profile p) noexcept;

/// What makes an attempt's signature a signature: the headers, in order. `webhook-id` is among them whatever the profile, since it is what
/// makes repeats recognisable. Where the format has room for one signature only (all but standard and Stripe), the newest key signs.
http::fields signature_headers(signature_profile p, std::span<const signing_key> keys, std::string_view id, std::string_view event_type,
                               std::int64_t timestamp, std::string_view body);

/// What the profile's own signature is made of, for one key: `v1,…`, hex or base64, without the header's other parts.
/// `timestamp` as it stands in the header. Not for `standard` and `custom`.
std::string imitated_signature(signature_profile p, std::string_view key, std::string_view timestamp, std::string_view body);

/// True for a header that the profile sets, so that nobody else may; for `custom` the template says so.
bool sets_header(signature_profile p, std::string_view name) noexcept;

/// Whether a key of this kind can sign in this profile.
bool takes(signature_profile p, key_kind k) noexcept;

} // namespace hourglass::webhook
