#pragma once

#include "events/redact.hpp"
#include "mock/answer_diff.hpp"
#include "mock/data.hpp"
#include "mock/endpoints.hpp"
#include "mock/outbound.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

// Requests that an upstream answers. Who calls it is none of our business here (`mock/outbound.hpp`): `forward` says which call is wanted, and is asked
// again with what came of it.
//
// forward := {"endpoint", "by": "upstream" | "mock" | "error", "says", "compared"?: `write_comparison`}      in request.served
namespace hourglass::mock {

/// What became of a request that was to be forwarded.
struct forward_note {
  enum class answerer : std::uint8_t {
    upstream,
    mock,  ///< in its place
    error, ///< nobody: it failed, or was not asked
  };
  answerer by = answerer::upstream;
  std::string endpoint;    ///< that forwards; the record's own is the one that answered
  std::string says;        ///< the header X-Upstream: `answered`; `failed: timeout, mock`; `501, mock`
  std::optional<answer_comparison> compared;
};

/// The calls that are wanted first; or none, and then `p` is one that `render` or a script answers: with what the upstream said, with a problem document
/// (502, 503, 504, 508) that says why there is nothing, or as the mock. `meet_fate` has been before. Nothing when `p` does not forward.
///
/// Sent on: the method, the body, and the headers but those of one hop (RFC 9110, 7.6.1), Host, X-Sandbox-Id, X-Chaos and Accept-Encoding, which becomes
/// `identity` so that bodies can be read; with `Via`, by which chains that come back are told. The settings of the project, then those of the endpoint,
/// have their say about headers. Of the answer, what frames it is left out.
std::vector<outbound_call> forward(plan& p, const data_state& data, const request& req, const events::context& ctx, const events::redactor& redact);

/// What would answer if nobody forwarded: `route` but for those that have no answer of their own.
plan route_to_mock(const endpoint_state& state, const request& req, const recorded_choice* recorded = nullptr);

void write_forward(const forward_note& note, events::json_text& j);
/// Null if it does not read.
std::shared_ptr<const forward_note> read_forward(const json_value& v);

} // namespace hourglass::mock
