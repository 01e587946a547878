#pragma once

#include "mock/endpoints.hpp"
#include "mock/handler.hpp"

#include <string>
#include <string_view>

namespace hourglass::mock {

/// A script to be run once, without a trace.
struct script_trial {
  std::string script;
  std::string path; ///< a template, for `$req.params`; empty: none
  mock::request request;
};

/// Reads {"script", "path"?, "request"?: {"method"?, "target"?, "headers"?: {name: text}, "body"?: any JSON or a string}}.
/// A body that is not a string is sent as JSON. Fails with `errc::invalid` (`where` = JSON Pointer).
events::outcome<script_trial> read_trial(std::string_view text);

/// Runs it on the engine and waits. The result, as JSON:
///   {"response": {"status", "headers": [[name, value]…], "body"}, "error"?: {"kind", "message", "line", "column", "stack"}, "console": [[level, text]…],
///    "changes": [{"namespace", "key", "value"?}…] (without a value: removed), "emitted": [{"type", "payload"}…]}
/// Fails with `errc::invalid`, `errc::overloaded`, `errc::unavailable`; an error of the script is a result.
events::outcome<std::string> try_script(script_engine& engine, const script_trial& what, const endpoint_state& endpoints, const data_state& data,
                                        const events::context& ctx, const events::redactor& redact, const std::string& sandbox);

/// The endpoint in the payload of an endpoint_put, as the API shows it and takes it.
events::outcome<std::string> endpoint_of_event(std::string_view payload);

} // namespace hourglass::mock
