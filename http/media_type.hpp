#pragma once

#include <string_view>

namespace hourglass::http {

/// Whether a `Content-Type` says JSON: `application/json`, or `application/…+json`, whatever its parameters.
bool is_json_type(std::string_view content_type) noexcept;

/// `type/subtype`, each a token (RFC 9110), and parameters behind `;` without control characters.
bool is_content_type(std::string_view text) noexcept;

} // namespace hourglass::http
