#include "webhook/delivery_control.hpp"

namespace hourglass::webhook {

delivery_control control_in(const http::fields& headers) noexcept {
  const auto said = http::find(headers, "webhook-delivery");
  if (said == "disable")
    return delivery_control::disable;
  return said == "abort-message" ? delivery_control::abort : delivery_control::none;
}

} // namespace hourglass::webhook
