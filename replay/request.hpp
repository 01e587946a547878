#pragma once

#include "events/redact.hpp"
#include "mock/message.hpp"
#include "storage/store.hpp"

#include <string>
#include <vector>

namespace hourglass::replay {

/// One recorded request run again on a fork of its sandbox at that moment, compared byte for byte.
struct replayed {
  events::seq seq = 0; ///< of the recorded request
  std::string request_id;
  mock::request request;
  mock::response recorded;
  mock::response again;
  bool identical = false;
  std::vector<std::string> differences; ///< `status`, `header content-type`, `body at byte 17`
};

/// Forks the sandbox in memory just before `seq`, serves the recorded request with the recorded clock and chance, and compares what
/// would be recorded with what was. Changes nothing. Blocking; run it on a reader thread.
/// Fails with `errc::not_found` when `seq` is no request.
events::outcome<replayed> replay_request(const storage::store& store, const events::redactor& redactor,
                                         const events::sandbox_id& sandbox, events::seq seq);

std::string to_json(const replayed& r);

} // namespace hourglass::replay
