#pragma once

#include "mock/message.hpp"

#include <string_view>

namespace hourglass::mock {

/// A problem document (RFC 9457) with which a sandbox answers mock traffic by itself. `type` is `/problems/<name>`.
response refusal(unsigned status, std::string_view name, std::string_view title, std::string_view detail,
                 std::string_view where = {});

/// What a problem document may quote: valid UTF-8 of a bearable length.
std::string quoted(std::string_view text);

} // namespace hourglass::mock
