#pragma once

#include "actors/messages.hpp"
#include "http/client.hpp"
#include "mock/outbound.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hourglass::actors {

/// A call as the client takes it. `owner` is the sandbox, among whom connections are shared out.
http::exchange exchange_of(const mock::outbound_call& call, std::string owner);

mock::outbound_outcome outcome_of(http::exchange_result result);

/// The calls of one request that are under way together. When the last has come back the request is served again.
struct call_round {
  request_ptr job;
  std::vector<mock::outbound_call> calls;
  std::vector<std::optional<mock::outbound_outcome>> came;
  std::size_t missing = 0;

  /// False: it has come already.
  bool take(std::size_t which, mock::outbound_outcome what);
};

} // namespace hourglass::actors
