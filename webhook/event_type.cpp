#include "webhook/event_type.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

namespace hourglass::webhook {

namespace {

constexpr std::size_t name_bytes = 256;
constexpr std::size_t schemas_bytes = 256 * 1024;
constexpr std::size_t description_bytes = 4096;

bool is_name_char(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/// Takes the first part off.
std::string_view next_part(std::string_view& rest) noexcept {
  auto part = rest.substr(0, rest.find('.'));
  rest.remove_prefix(std::min(part.size() + 1, rest.size()));
  return part;
}

bool has_star(std::string_view part) noexcept { return part.find('*') != std::string_view::npos; }

} // namespace

bool is_name(std::string_view text) noexcept {
  return !text.empty() && text.size() <= name_bytes && std::all_of(text.begin(), text.end(), is_name_char);
}

bool is_type_pattern(std::string_view text) noexcept {
  if (text.empty() || text.size() > name_bytes || !has_star(text) || text.ends_with('.'))
    return false;
  for (auto rest = text; !rest.empty();) {
    auto part = next_part(rest);
    bool wild = part == "*" || part == "**";
    if (part.empty() || (!wild && !std::all_of(part.begin(), part.end(), is_name_char)))
      return false;
  }
  return true;
}

// As with file names: where something does not fit, the last `**` takes one part more and what follows it is tried anew.
bool type_matches(std::string_view pattern, std::string_view type) noexcept {
  if (pattern == "*")
    return true;
  std::size_t p = 0, t = 0;
  std::optional<std::pair<std::size_t, std::size_t>> last; // after the `**`, and where its last part ends
  const auto past = [](std::string_view text, std::size_t at) { return std::min(text.find('.', at), text.size()) + 1; };
  while (t <= type.size()) {
    auto part = p <= pattern.size() ? pattern.substr(p, past(pattern, p) - 1 - p) : std::string_view{};
    if (p <= pattern.size() && part == "**") {
      p = past(pattern, p);
      t = past(type, t);
      last = {p, t};
    } else if (p <= pattern.size() && (part == "*" || part == type.substr(t, past(type, t) - 1 - t))) {
      p = past(pattern, p);
      t = past(type, t);
    } else if (last) {
      if (last->second > type.size())
        return false;
      last->second = past(type, last->second);
      p = last->first, t = last->second;
    } else {
      return false;
    }
  }
  return p > pattern.size();
}

std::string_view literal_parts(std::string_view pattern) noexcept {
  auto star = pattern.find('*');
  return pattern.substr(0, star == 0 || star == std::string_view::npos ? 0 : star - 1);
}

events::outcome<void> validate(const event_type& t) {
  using events::errc, events::failure;
  if (!is_name(t.name))
    return failure(errc::invalid, "must match ^[a-zA-Z0-9\\-_.]+$ and have at most 256 characters", "/name");
  if (t.description.size() > description_bytes)
    return failure(errc::too_large, "is longer than 4096 bytes", "/description");
  if (!t.group_name.empty() && !is_name(t.group_name))
    return failure(errc::invalid, "must match ^[a-zA-Z0-9\\-_.]+$ and have at most 256 characters", "/groupName");
  for (std::size_t i = 0; i < t.feature_flags.size(); ++i)
    if (!is_name(t.feature_flags[i]))
      return failure(errc::invalid, "must match ^[a-zA-Z0-9\\-_.]+$ and have at most 256 characters", "/featureFlags/" + std::to_string(i));
  if (t.schemas.empty())
    return {};
  if (t.schemas.size() > schemas_bytes)
    return failure(errc::too_large, "is longer than 256 KiB", "/schemas");
  auto parsed = nlohmann::json::parse(t.schemas, nullptr, false);
  if (!parsed.is_object())
    return failure(errc::invalid, "must be an object of version to JSON Schema", "/schemas");
  for (const auto& [version, schema] : parsed.items())
    if (!schema.is_object() && !schema.is_boolean())
      return failure(errc::invalid, "must be a JSON Schema (an object or a boolean)", "/schemas/" + version);
  return {};
}

} // namespace hourglass::webhook
