#pragma once

#include "events/json_text.hpp"
#include "mock/json_value.hpp"
#include "mock/message.hpp"

#include <string>
#include <string_view>

namespace hourglass::mock {

// Bytes from outside as records have them: a text, {"text"}, or {"base64"} where they are no UTF-8.

/// The value of the first Content-Type, or an empty view.
std::string_view content_type(const fields& headers);

/// May hold any byte a lenient server let through.
void write_text(events::json_text& j, std::string_view text);

/// How long `bytes` are as JSON; a byte escaped in an odd way may be counted for more than it takes.
std::size_t length_as_json(std::string_view bytes, bool text);

/// False if it does not read.
bool read_bytes(const json_value* v, std::string& into);
bool read_headers(const json_value* v, fields& into);

} // namespace hourglass::mock
