#pragma once

#include "mock/json_value.hpp"

#include <string_view>

namespace hourglass::mock {

/// A format that can be asserted: those of draft 2020-12, and OpenAPI's `int32`, `int64`, `float`, `double`, `byte`.
struct schema_format {
  std::string_view name;
  std::string_view noun; ///< for messages: "must be …"
  bool numbers;          ///< it says something about numbers, else about strings
  bool (*fits)(const std::string& text);
};

/// Null for a format that is not known, which is none to complain about.
const schema_format* find_format(std::string_view name) noexcept;

} // namespace hourglass::mock
