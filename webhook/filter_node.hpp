#pragma once

#include "webhook/limits.hpp"
#include "webhook/content_filter.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

/// The inside of `content_filter`, shared by its .cpp files and by nobody else.
namespace hourglass::webhook {

struct filter_step {
  std::string name;
  std::optional<std::size_t> index; ///< of an array, when the name is a number
};

struct content_filter::node {
  enum class op : std::uint8_t { all, any, none, at_path, eq, ne, in, nin, gt, gte, lt, lte, exists, starts_with, ends_with, contains };

  op is = op::all;
  std::vector<filter_step> path; ///< with `at_path`: where its parts look
  std::vector<node> parts;       ///< with `none`: the one that must not hold
  nlohmann::json argument;
  std::string where; ///< JSON Pointer to it
};

struct content_filter::compiled {
  std::string text;
  node root;
};

} // namespace hourglass::webhook
