#pragma once

#include "mock/json_value.hpp"

#include <cstdint>

namespace hourglass::mock {

/// Equality as JSON Schema means it: numbers by value (1 is 1.0), objects whatever the order of their members.
/// Of a member that is given twice, the last one counts.
bool same_value(const json_value& a, const json_value& b);
/// The same; `work` goes down by what was compared. False, too, once it is used up, which is then 0.
bool same_value(const json_value& a, const json_value& b, std::uint64_t& work);

/// Equal for what `same_value` calls equal.
std::uint64_t value_hash(const json_value& v);

/// Two elements of `items` that are equal; the first pair by the place of its later element. `work` goes down by what was compared,
/// and the search ends, finding nothing, when it is used up.
struct equal_pair {
  std::size_t first = 0;
  std::size_t second = 0;
  bool found = false;
};
equal_pair find_equal(const std::vector<json_value>& items, std::uint64_t& work);

} // namespace hourglass::mock
