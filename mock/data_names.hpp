#pragma once

#include <string_view>

namespace hourglass::mock {

/// Names of namespaces, keys, env parameters, templates, packs.
bool is_data_name(std::string_view text) noexcept;
inline constexpr std::string_view data_name_rule = "must be 1 to 128 characters of A-Z a-z 0-9 _ - . : @";

/// The namespace that says which collections were changed (`mock/collection_view.hpp`).
inline constexpr std::string_view collection_marks = "sbx.collections";
/// The namespace of mappers (`mock/mapper.hpp`), each an item.
inline constexpr std::string_view mapper_space = "sbx.mappers";

} // namespace hourglass::mock
