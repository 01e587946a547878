#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace hourglass::webhook {

/// What a delivery does wrong on purpose, so that a receiver can show what it makes of that. Of one test message, in each of its attempts.
enum class delivery_fault : std::uint8_t {
  none,
  bad_signature,     ///< well formed, by nobody's key
  missing_signature, ///< without the headers of the signature, but for `webhook-id`
  stale_timestamp,   ///< signed ten minutes ago, and so it says
  future_timestamp,  ///< signed in ten minutes
  changed_body,      ///< signed before a blank was added to the body
  duplicate,         ///< sent again though it has arrived
  reordered,         ///< one of several, of which the last goes first
};
std::string_view to_string(delivery_fault f) noexcept;
std::optional<delivery_fault> delivery_fault_from(std::string_view name) noexcept;

} // namespace hourglass::webhook
