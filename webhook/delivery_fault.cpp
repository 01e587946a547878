#include "webhook/delivery_fault.hpp"

namespace hourglass::webhook {

std::string_view to_string(delivery_fault f) noexcept {
  switch (f) {
    case delivery_fault::none:
      return "none";
    case delivery_fault::bad_signature:
      return "bad_signature";
    case delivery_fault::missing_signature:
      return "missing_signature";
    case delivery_fault::stale_timestamp:
      return "stale_timestamp";
    case delivery_fault::future_timestamp:
      return "future_timestamp";
    case delivery_fault::changed_body:
      return "changed_body";
    case delivery_fault::duplicate:
      return "duplicate";
    case delivery_fault::reordered:
      return "reordered";
  }
  return "unknown";
}

std::optional<delivery_fault> delivery_fault_from(std::string_view name) noexcept {
  using enum delivery_fault;
  for (auto f : {none, bad_signature, missing_signature, stale_timestamp, future_timestamp, changed_body, duplicate, reordered})
    if (to_string(f) == name)
      return f;
  return std::nullopt;
}

} // namespace hourglass::webhook
