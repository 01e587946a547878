#pragma once

#include <string>
#include <string_view>

namespace hourglass::http {

/// ASCII letters without case; all else stays.
constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

inline std::string lower(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    c = lower(c);
  return out;
}

} // namespace hourglass::http
