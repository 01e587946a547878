#pragma once

#include "mock/endpoints.hpp"
#include "mock/handler.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace hourglass::mock {

/// A script to be run once, without a trace.
struct script_trial {
  std::string script;
  std::string path; ///< a template, for `$req.params`; empty: none
  mock::request request;
};

/// Reads {"script", "path"?, "request"?: {"method"?, "target"?, "headers"?: {name: text}, "body"?: any JSON or a string}, "calls"?: as they are recorded}.
/// A body that is not a string is sent as JSON. A trial calls nobody: `calls` says what the calls of the script come to. Fails with `errc::invalid` (`where` = JSON Pointer).
events::outcome<script_trial> read_trial(std::string_view text);

/// The script as the handler of an endpoint of its own, ready to run on a copy of the sandbox's data. Fails with `errc::invalid`.
events::outcome<std::shared_ptr<detached_run>> prepare_trial(script_trial what, const endpoint_state& endpoints, data_state data, events::context ctx,
                                                             std::string sandbox, const events::redactor& redact);

/// What a trial that has run came to, as JSON:
///   {"response": {"status", "headers": [[name, value]…], "body"}, "error"?: {"kind", "message", "line", "column", "stack"}, "console": [[level, text]…],
///    "changes": [{"namespace", "key", "value"?}…] (without a value: removed), "emitted": [{"type", "payload"}…]}
/// or, where the script wants calls of which nobody has said what they come to, {"wanted": [call…]}: each is one of `calls` when `answer` or `error` is added.
/// Fails with `errc::overloaded`, `errc::unavailable`; an error of the script is a result.
events::outcome<std::string> result_of_trial(const detached_run& trial);

/// The endpoint in the payload of an endpoint_put, as the API shows it and takes it.
events::outcome<std::string> endpoint_of_event(std::string_view payload);

} // namespace hourglass::mock
