#include "webhook/event_type.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace hourglass::webhook {

namespace {

constexpr std::size_t name_bytes = 256;
constexpr std::size_t schemas_bytes = 256 * 1024;
constexpr std::size_t description_bytes = 4096;

bool is_name_char(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

} // namespace

bool is_name(std::string_view text) noexcept {
  return !text.empty() && text.size() <= name_bytes && std::all_of(text.begin(), text.end(), is_name_char);
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
