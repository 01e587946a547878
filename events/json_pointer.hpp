#pragma once

#include <string>
#include <string_view>

namespace hourglass::events {

/// One step of a JSON Pointer (RFC 6901): `/` and the name, escaped.
inline std::string pointer_step(std::string_view name) {
  std::string out{"/"};
  for (char c : name)
    c == '~' ? out += "~0" : c == '/' ? out += "~1" : out += c;
  return out;
}

} // namespace hourglass::events
