#pragma once

#include "mock/json_path.hpp"
#include "mock/mapper.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// Private to mapper*.cpp.
namespace hourglass::mock {

/// A JSONPath, and whether it begins at the whole input.
struct mapper_path {
  json_path path;
  bool from_whole = false;
};

struct mapper_condition {
  mapper_path path;
  std::optional<std::vector<json_value>> one_of; ///< nothing: that it is there
  bool negated = false;
};

struct compiled_mapper::rule {
  std::string at; ///< JSON Pointer, for errors
  std::vector<std::string> place; ///< empty: the whole
  bool removes = false;
  std::optional<mapper_condition> when;

  std::optional<mapper_path> from;
  bool all = false;
  bool has_each = false;
  std::vector<rule> each;
  std::optional<json_value> constant;
  struct piece {
    std::string text; ///< before the path
    std::optional<mapper_path> path;
  };
  std::vector<piece> pieces; ///< of a template

  std::optional<json_value> otherwise_missing; ///< `default`
  bool required = false;
  const json_value* found_in_map(const std::string& key) const { return map ? map->member(key) : nullptr; }
  std::optional<json_value> map, otherwise;
  enum class type : std::uint8_t { any, string, number, integer, boolean };
  type as = type::any;
};

} // namespace hourglass::mock
