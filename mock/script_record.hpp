#pragma once

#include "events/json_text.hpp"
#include "events/redact.hpp"
#include "mock/json_value.hpp"
#include "mock/serve.hpp"

#include <optional>

namespace hourglass::mock {

// note := {"digest", "interrupted"?: true, "error"?: {"kind", "message", "line"?, "column"?, "stack"?}, "console"?: [[level, text]…],
//          "changes"?: number, "emitted"?: [type…]}

/// Of what a script says: each JSON value in it is kept without its secrets, and nothing is kept of what is in `seen`.
std::string without_secrets(const std::string& text, const events::redactor& redact, const events::redact_echo& seen);

/// `seen` has what was secret in the request: in the console and in errors it is none the less.
void write_note(events::json_text& j, const script_note& note, const events::redactor& redact, const events::redact_echo& seen);
std::optional<script_note> read_note(const json_value& v);

} // namespace hourglass::mock
