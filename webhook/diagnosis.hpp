#pragma once

#include "http/message.hpp"
#include "webhook/profile.hpp"
#include "webhook/signature_template.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Why a webhook's signature does not hold, for the person who wonders. Receivers want `verify` (`webhook/signing.hpp`).
namespace hourglass::webhook {

enum class finding : std::uint8_t {
  valid,
  missing_header,
  bad_timestamp,        ///< not Unix seconds
  too_old,              ///< and else good
  too_new,              ///< and else good
  bad_signature_format, ///< wrong prefix, encoding or length: nothing in the header can be a signature
  bad_secret,           ///< the secret given is none
  secret_not_decoded,   ///< signed with the secret's text where its bytes are meant, or the other way round
  wrong_secret_type,    ///< `v1` only and an Ed25519 key, or `v1a` only and a symmetric secret
  expired_secret,       ///< of the right endpoint, but its overlap has ended
  other_endpoint,       ///< signed with the secret of another endpoint of this sandbox
  body_changed,         ///< holds for what the body was before something on the way changed it
  no_match,             ///< another secret, or another body than any that was tried
};
std::string_view to_string(finding f) noexcept;

/// A secret that may have signed.
struct suspect {
  std::string secret;      ///< `whsec_…`, `whpk_…`, `whsk_…` or a text
  std::string destination; ///< whose; empty: given by hand
  bool own = true;         ///< of the endpoint that is meant
  bool expired = false;
};

struct question {
  std::optional<signature_profile> profile; ///< none: seen from the headers
  signature_template signing;               ///< of profile `custom`
  http::fields headers;                     ///< names in any case
  std::string body;                         ///< as it came
  std::vector<suspect> suspects;            ///< the likely ones first
  std::int64_t now = 0;
  std::int64_t tolerance_seconds = 300;
};

struct diagnosis {
  finding found = finding::no_match;
  std::string detail; ///< one sentence for a person; never has a secret in it
  signature_profile profile = signature_profile::standard;
  std::string scheme;                    ///< `v1`, `v1a`, …: of the signature that holds
  std::string body_change;               ///< with `body_changed`: what happened to it
  std::string destination;               ///< whose secret signed, where that is known
  std::optional<std::int64_t> timestamp; ///< as signed
  std::vector<std::string> also;         ///< what is wrong besides, one sentence each
};

/// Pure. Hashes at most about 64 MiB, whatever it is asked: suspects behind that are not tried, and `also` says so.
diagnosis diagnose(const question& q);

std::string to_json(const diagnosis& d);

} // namespace hourglass::webhook
