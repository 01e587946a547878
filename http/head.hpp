#pragma once

// Internal to http/. The first lines of a message, as bytes.

#include "http/message.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace hourglass::http {

struct url_parts;
struct exchange;

bool is_token(std::string_view text) noexcept;
/// No CR, LF, NUL or other control character but TAB: nothing that could end the line early.
bool is_field_value(std::string_view text) noexcept;

struct head_options {
  bool http_11 = true;
  bool keep_alive = true;
  bool to_head = false;     ///< the answer to a HEAD request
  bool until_close = false; ///< a stream: no Content-Length, the body ends with the connection
  std::string_view date;    ///< the whole line with CRLF
};

/// Appends status line and headers. Framing headers of the handler are left out, as is a header whose name is no token; control
/// characters in a value become spaces, so that a template cannot split an answer in two.
void append_head(std::string& out, const response& answer, const head_options& how);

/// Whether an answer of this status can have a body at all (RFC 9110 §6.4.1).
constexpr bool may_have_body(unsigned status) noexcept { return status >= 200 && status != 204 && status != 304; }

/// Appends request line and headers; empty when done, else why the request cannot be sent.
std::string append_request_head(std::string& out, const exchange& what, const url_parts& to, std::string_view user_agent);

/// The Date line, made once a second. One per thread.
class date_line {
public:
  std::string_view at(std::int64_t unix_seconds);

private:
  std::int64_t second_ = -1;
  std::string line_;
};

} // namespace hourglass::http
