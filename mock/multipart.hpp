#pragma once

#include "events/outcome.hpp"
#include "mock/match_limits.hpp"
#include "mock/message.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

/// One part of a multipart body. `body` looks into the body that was read.
struct multipart_part {
  std::string name;     ///< of its Content-Disposition; empty if it has none
  std::string filename; ///< likewise
  bool has_filename = false;
  fields headers;
  std::string_view body;
};

/// The parts of a body whose Content-Type is `multipart/…` with a boundary (RFC 2046, 7578): lines end with CRLF, or LF alone; what comes before the
/// first boundary and after the last is left out. Fails with `errc::invalid` if it is no such body, or broken (no closing boundary, a header that is
/// none), with `errc::too_large` if it has more than `most` parts, or one with headers longer than `limits::multipart_header_bytes`; `detail` says
/// what is wrong in a sentence. In time linear in the body.
events::outcome<std::vector<multipart_part>> read_multipart(std::string_view content_type, std::string_view body,
                                                            std::size_t most = limits::multipart_parts);

/// The value of a parameter of a header, such as `boundary` of a Content-Type; quoted strings are unescaped.
std::optional<std::string> header_parameter(std::string_view header, std::string_view name);

} // namespace hourglass::mock
