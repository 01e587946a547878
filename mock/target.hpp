#pragma once

#include "mock/message.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

/// Path and query of a request target, split at the first `?`.
struct target_parts {
  std::string_view path;
  std::string_view query;
};
target_parts split_target(std::string_view target) noexcept;

/// Percent-decodes one path segment or query component. False on a malformed escape, a NUL, or what is not UTF-8 then.
bool percent_decode(std::string_view text, bool plus_is_space, std::string& out);

/// The segments of a path that starts with `/`, decoded one by one: an encoded slash does not split.
/// Returns what is wrong with the path, or null.
const char* split_path(std::string_view path, std::vector<std::string>& segments);

/// Decoded name and value pairs in order; malformed ones and those past the thousandth are left out.
fields parse_query(std::string_view query);

bool same_name(std::string_view a, std::string_view b) noexcept; ///< ASCII, case does not matter
bool is_token(std::string_view text) noexcept;                   ///< RFC 9110
bool is_field_value(std::string_view text) noexcept;             ///< no control characters but tab
std::string lower(std::string_view text);
std::string_view trimmed(std::string_view text) noexcept;

} // namespace hourglass::mock
