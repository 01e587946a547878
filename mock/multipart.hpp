#pragma once

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
/// first boundary and after the last is left out. Nothing if it is no such body, or broken: no closing boundary, a header that is none, more parts
/// than `limits::multipart_parts`, or headers of one part longer than `limits::multipart_header_bytes`. In time linear in the body.
std::optional<std::vector<multipart_part>> read_multipart(std::string_view content_type, std::string_view body);

/// The value of a parameter of a header, such as `boundary` of a Content-Type; quoted strings are unescaped.
std::optional<std::string> header_parameter(std::string_view header, std::string_view name);

} // namespace hourglass::mock
