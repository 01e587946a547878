#pragma once

#include <charconv>
#include <cstddef>
#include <optional>
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

/// The name that a step without its `/` stands for; nothing where a `~` is not followed by 0 or 1.
inline std::optional<std::string> unescaped_step(std::string_view step) {
  std::string out;
  for (std::size_t i = 0; i < step.size(); ++i) {
    if (step[i] != '~') {
      out += step[i];
      continue;
    }
    if (i + 1 == step.size() || (step[i + 1] != '0' && step[i + 1] != '1'))
      return std::nullopt;
    out += step[++i] == '0' ? '~' : '/';
  }
  return out;
}

/// What a name means at an array: digits without a leading zero.
inline std::optional<std::size_t> array_index(std::string_view name) {
  std::size_t out = 0;
  const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), out);
  if (name.empty() || problem != std::errc{} || end != name.data() + name.size() || (name.size() > 1 && name.front() == '0'))
    return std::nullopt;
  return out;
}

} // namespace hourglass::events
