#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace hourglass::events {

/// True for member, field and parameter names whose value is a credential or a personal number. Case, `_`, `-`, `.` and brackets do not matter.
/// `parent` is the name of the object around it (`card` makes `number` sensitive), or empty.
bool is_sensitive_name(std::string_view name, std::string_view parent) noexcept;

/// Replaces every string and number below a sensitive name in a JSON text by `token(value, is a number)` as a JSON string; strings are
/// handed over unescaped. Below a name with `card` in it, what has the digits of a card is replaced too. All other bytes stay as they are. Nothing if there is nothing to replace or `json` does not parse.
std::optional<std::string> redact_json(std::string_view json,
                                       const std::function<std::string(std::string_view, bool)>& token);

/// As `redact_json`, of a JSON Patch (RFC 6902): where any of its paths leads to a sensitive name, the `value` of every operation is one.
std::optional<std::string> redact_json_patch(std::string_view json, const std::function<std::string(std::string_view, bool)>& token);

/// 13 to 19 digits, perhaps with blanks or dashes between, whose check digit (Luhn) is right.
bool is_card_number(std::string_view text) noexcept;

} // namespace hourglass::events
