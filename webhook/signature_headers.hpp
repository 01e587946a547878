#pragma once

#include "webhook/diagnosis.hpp"

#include <string>
#include <vector>

#include <tl/expected.hpp>

/// What the headers of a webhook say of its signature, for `diagnose`. Internal to webhook/.
namespace hourglass::webhook {

/// One signature of the header that may be one.
struct signature_claim {
  std::string scheme; ///< `v1`, `v1a`, `sha256`, `v0`; empty for Shopify
  std::string value;  ///< as it stands, without the scheme
  bool asymmetric = false;
};

/// What the headers say.
struct signature_reading {
  signature_profile profile = signature_profile::standard;
  std::string id, timestamp;
  bool timed = false; ///< the profile has a timestamp
  signature_template::reading custom; ///< of profile `custom`
  std::vector<signature_claim> claims;
};

/// Why they say nothing.
struct unreadable_headers {
  finding found = finding::missing_header;
  std::string detail;
  signature_profile profile = signature_profile::standard; ///< as far as it was seen
};

tl::expected<signature_reading, unreadable_headers> read_signature_headers(const question& q);

} // namespace hourglass::webhook
