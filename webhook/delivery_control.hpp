#pragma once

#include "http/message.hpp"

#include <cstdint>

namespace hourglass::webhook {

/// What an answer may ask for by its header `webhook-delivery`, as Svix's hosted service has it, where the endpoint says `deliveryControl`
/// (docs/decisions/032-retries-and-protection.md).
enum class delivery_control : std::uint8_t {
  none,
  disable, ///< `disable`: the endpoint is sent nothing more until a person enables it
  abort,   ///< `abort-message`: this message is not tried again; it is a dead letter
};

/// Of the first such header. What it says otherwise means nothing.
delivery_control control_in(const http::fields& headers) noexcept;

} // namespace hourglass::webhook
