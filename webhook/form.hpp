#pragma once

#include "events/outcome.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace hourglass::webhook {

inline constexpr std::size_t form_bytes = 4 * 1024 * 1024;

/// A JSON object as application/x-www-form-urlencoded, for receivers that take nothing else. In the order of its members: `a=1`; of an object within `a[b]=1`, of an
/// array `a[0]=1`; null leaves `a=`; an empty object or array leaves nothing. Numbers stand as they were written, but for whole ones like -0, true and false as words. A blank is `+`.
/// Fails with `errc::invalid` when it is no JSON object, `errc::too_large` beyond `form_bytes`.
events::outcome<std::string> form_of(std::string_view json);

} // namespace hourglass::webhook
