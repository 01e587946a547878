#include "events/outcome.hpp"

namespace hourglass::events {

std::string_view to_string(errc code) noexcept {
  switch (code) {
  case errc::invalid:
    return "invalid";
  case errc::unauthorized:
    return "unauthorized";
  case errc::forbidden:
    return "forbidden";
  case errc::not_found:
    return "not_found";
  case errc::conflict:
    return "conflict";
  case errc::too_large:
    return "too_large";
  case errc::overloaded:
    return "overloaded";
  case errc::unavailable:
    return "unavailable";
  case errc::timeout:
    return "timeout";
  case errc::abandoned:
    return "abandoned";
  case errc::held:
    return "held";
  case errc::newer_format:
    return "newer_format";
  case errc::corrupt:
    return "corrupt";
  case errc::io:
    return "io";
  case errc::internal:
    return "internal";
  }
  return "internal";
}

} // namespace hourglass::events
