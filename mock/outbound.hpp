#pragma once

#include "events/json_text.hpp"
#include "events/outcome.hpp"
#include "events/redact.hpp"
#include "mock/json_value.hpp"
#include "mock/message.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// Calls to the outside that serving a request wants. What they come to is an input of the request, as its time and its chance are: serving never calls anybody.
// It says which calls it wants (`served::wanted`) and is asked again, from the beginning, when their outcomes are known (docs/decisions/051-outbound-calls.md).
//
// calls := [call…]
// call  := {"delay_ms", "round"}
//        | {"plugin", "args", "round", "took_us", "answer" | "error"}
//        | {"method", "url", "headers": [[name, value]…], "body", "round", "took_us", "answer": {"status", "headers", "body"}
//                                                                                  | "error": {"kind", "message"}}
// With "forward": true there is no "body" of the call, which is the request's, and none of an answer that was given as it came.
namespace hourglass::mock {

enum class outbound_kind : std::uint8_t {
  http,
  delay, ///< nobody is called: `timeout` passes
  plugin, ///< `url` is its name, `body` the arguments as JSON (`mock/plugin.hpp`)
  forward, ///< of the request itself (`mock/forward.hpp`): body and answer may be larger, and the log has neither twice
};

struct outbound_call {
  outbound_kind kind = outbound_kind::http;
  std::string method = "GET";
  std::string url; ///< http or https; of a forward also `sandbox:` and `stub:` (`mock/forward_target.hpp`)
  fields headers;
  std::string body;
  std::chrono::milliseconds timeout{0}; ///< for all of it
  std::string authorities; ///< PEM: trusted instead of the system's; empty: those
};

struct outbound_outcome {
  std::string error; ///< why there is no answer: `timeout`, `dns`, `refused_by_guard`, …, `too_large`; empty: there is one
  std::string message; ///< then, a sentence
  unsigned status = 0;
  fields headers;
  std::string body;
  std::int64_t took_us = 0;
  bool cut = false; ///< in the log, of a forward: `body` is only the front
  bool is_answer = false; ///< in the log, of a forward: `body` is that of the request's answer

  static outbound_outcome failed(std::string error, std::string message);
};

struct made_call {
  outbound_call call;
  outbound_outcome outcome;
  unsigned round = 1; ///< in which it was made, with others at the same time
};
using made_calls = std::vector<made_call>;

outbound_call call_of_plugin(std::string name, std::string args);

/// What is wrong with a call as somebody from outside wants it, if anything is. Whether an address may be called is not asked here.
std::optional<std::string> fault_of(const outbound_call& call);

/// Those of before, and the calls of one more round with what came of them. An answer that would be too much to write down with the others becomes a failure.
std::shared_ptr<const made_calls> with_round(const std::shared_ptr<const made_calls>& before, std::vector<outbound_call> calls,
                                             std::vector<outbound_outcome> outcomes);

/// The calls of one go at serving a request: which of them are known, and which are wanted.
///
/// Each outcome is given once, to the first call that asks for just that: what calls are made may change when the state does between two goes. Of a replay
/// the calls are as the log has them, and one that is recorded without its secrets is known all the same.
class outbound_book {
public:
  /// `redact` must outlive it.
  outbound_book(std::shared_ptr<const made_calls> known, const events::redactor& redact);

  /// The outcome, good as long as the book; null: it is wanted now.
  /// Fails with `errc::invalid` on a call that is none, with `errc::too_large` on one too many.
  events::outcome<const outbound_outcome*> ask(outbound_call call);

  const std::vector<outbound_call>& wanted() const noexcept { return wanted_; }

private:
  std::shared_ptr<const made_calls> known_;
  const events::redactor& redact_;
  std::vector<bool> given_;
  std::vector<outbound_call> wanted_;
  std::size_t bytes_ = 0; ///< as JSON, of those known and wanted
};

/// Without their secrets. `seen` has those of the request, and gets those of the calls.
/// `given` is the body of the request's answer.
void write_calls(events::json_text& j, const made_calls& calls, const events::redactor& redact, events::redact_echo& seen, std::string_view given = {});
/// A forward's answer that was given as it came gets the body of the request's.
std::shared_ptr<const made_calls> with_answer(made_calls calls, const std::string& body, bool cut);
/// Null if it does not read.
std::shared_ptr<const made_calls> read_calls(const json_value& v);

/// As they are recorded, but in plain and without what they came to.
std::string to_json(const std::vector<outbound_call>& calls);

/// The calls as words for people: `GET https://example.com/a, a delay of 20 ms`.
std::string to_text(const std::vector<outbound_call>& calls, const events::redactor& redact);

} // namespace hourglass::mock
