#pragma once

#include "actors/messages.hpp"
#include "http/client.hpp"
#include "mock/outbound.hpp"
#include "mock/outbound_limits.hpp"

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace hourglass::actors {

/// A call as the client takes it. `owner` is the sandbox, among whom connections are shared out.
http::exchange exchange_of(const mock::outbound_call& call, std::string owner);

mock::outbound_outcome outcome_of(http::exchange_result result, std::size_t most = limits::outbound_answer_bytes);

/// A forward that stays in this process.
bool is_inner(const mock::outbound_call& call);
/// For whom it is, and what that sandbox is asked. `self` is the sandbox that forwards: a stub is its own.
struct inner_request {
  std::string sandbox;
  mock::request what;
};
inner_request inner_request_of(const mock::outbound_call& call, const std::string& self);
/// What that sandbox said. An answer that it drops on purpose comes to a timeout.
mock::outbound_outcome outcome_of(events::outcome<mock::response> answer, const mock::outbound_call& call, std::int64_t took_us);

/// The calls of one request that are under way together. When the last has come back the request is served again.
struct call_round {
  request_ptr job;
  std::vector<mock::outbound_call> calls;
  std::vector<std::optional<mock::outbound_outcome>> came;
  std::size_t missing = 0;

  /// False: it has come already.
  bool take(std::size_t which, mock::outbound_outcome what);
};

/// So that plugins which are scripts go to the engine a few at a time: of one sandbox it takes only so many, and refuses the rest.
///
/// Threads: any. What waits is begun by who gives back, on its thread.
class plugin_turns {
public:
  void take(std::function<void()> begin);
  void give_back();

private:
  std::mutex mutex_;
  std::deque<std::function<void()>> waiting_; ///< bounded by the calls that a sandbox may have under way
  std::size_t out_ = 0;
};

} // namespace hourglass::actors
