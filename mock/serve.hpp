#pragma once

#include "events/envelope.hpp"
#include "events/redact.hpp"
#include "mock/data.hpp"
#include "mock/endpoints.hpp"
#include "mock/message.hpp"
#include "mock/outbound.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

/// A webhook message that a script wants sent.
struct emission {
  std::string type;
  std::string payload; ///< a JSON object
};

/// An answer and the events that must be durable before it leaves: request_served first. Or the calls without which there is none.
struct served {
  mock::response response; ///< carries `X-Request-Id`
  std::vector<events::draft> events;
  std::string request_id; ///< `req_…`
  std::chrono::milliseconds delay{0}; ///< before the answer leaves, once it may
  std::vector<emission> emitted; ///< must be durable too before the answer leaves
  std::vector<outbound_call> wanted; ///< not empty: there are no events; make these, and serve the request again with what comes of them
};

/// The second half of serving, in the data actor: fills the planned answer from data, env, time and chance.
/// The same arguments give the same bytes. Never fails: what goes wrong is a 500 problem document, recorded like any answer. Of a plan with a script
/// it can only say that there is no engine (`mock/handler.hpp`).
served render(const plan& p, const data_state& data, const request& req, const events::context& ctx,
              const events::redactor& redact);

/// Both halves at once, for replay and for tests.
served serve(const endpoint_state& endpoints, const data_state& data, const request& req, const events::context& ctx,
             const events::redactor& redact);

/// What a body was of which the log has only the front, because the whole, as JSON, is longer than `limits::recorded_body_bytes`.
struct cut_body {
  std::uint64_t bytes = 0;
  std::string sha256; ///< of the whole, sensitive values replaced; 64 hex digits
};

/// What a request_served event says about its script.
struct script_note {
  std::string digest; ///< of the source
  bool interrupted = false;
  std::optional<script_error> error;
  std::vector<console_line> console; ///< redacted
  std::size_t changes = 0;           ///< items of data
  std::vector<std::string> emitted;  ///< types of messages
};

/// What a request_served event says. Request and response are as stored: sensitive values are tokens.
struct served_record {
  std::string request_id;
  std::string endpoint_id; ///< empty: nothing matched
  mock::request request;
  mock::response response;
  std::optional<cut_body> request_cut;  ///< set: `request.body` is only the front
  std::optional<cut_body> response_cut; ///< set: `response.body` is only the front
  events::entropy chance{}; ///< what `context::chance` was
  std::optional<script_note> script; ///< of a handler that ran
  std::shared_ptr<const forward_note> forward; ///< of one that was to be forwarded; else null
};

/// The end of serving, whoever has made the answer: gives it an id and writes it down. `note`, of a script that ran, is redacted here.
served conclude(const plan& p, response answer, const request& req, const events::context& ctx, const events::redactor& redact, const script_note* note);

/// Reads the payload of request_served (current version). Fails with `errc::corrupt`.
events::outcome<served_record> decode_served(std::string_view payload);

/// `answer` as the log would keep it, so that a replay can be compared with the record byte for byte.
response as_recorded(const response& answer, const events::redactor& redact);

} // namespace hourglass::mock
