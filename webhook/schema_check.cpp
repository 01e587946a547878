#include "webhook/schema_check.hpp"

#include <utility>

namespace hourglass::webhook {

std::string_view to_string(schema_check c) noexcept {
  switch (c) {
    case schema_check::off:
      return "off";
    case schema_check::warn:
      return "warn";
    case schema_check::enforce:
      return "enforce";
  }
  return "unknown";
}

std::optional<schema_check> schema_check_from(std::string_view name) noexcept {
  for (auto c : {schema_check::off, schema_check::warn, schema_check::enforce})
    if (to_string(c) == name)
      return c;
  return std::nullopt;
}

schema_check check_of(std::optional<schema_check> sandbox, std::optional<schema_check> type) noexcept {
  return sandbox.value_or(type.value_or(schema_check::warn));
}

bool is_newer_version(std::string_view a, std::string_view b) noexcept {
  return std::pair{a.size(), a} > std::pair{b.size(), b};
}

} // namespace hourglass::webhook
