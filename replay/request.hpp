#pragma once

#include "events/redact.hpp"
#include "mock/message.hpp"
#include "mock/script.hpp"
#include "mock/serve.hpp"
#include "storage/store.hpp"

#include <optional>
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
  std::optional<mock::cut_body> request_cut;  ///< set: only the front of the request's body is known, so nothing can be identical
  std::optional<mock::cut_body> response_cut; ///< set: `recorded` has only the front of its body; the whole is compared by digest
  bool identical = false;
  std::vector<std::string> differences; ///< `status`, `header content-type`, `body at byte 17`; or why it could not be the same
};

/// Forks the sandbox in memory just before `seq`, serves the recorded request with the recorded clock and chance, and compares what
/// would be recorded with what was. Changes nothing. Blocking; run it on a reader thread.
/// What a handler answers comes from `scripts`; without it a scripted request fails with `errc::unavailable`.
/// Fails with `errc::not_found` when `seq` is no request.
events::outcome<replayed> replay_request(const storage::store& store, const events::redactor& redactor,
                                         const events::sandbox_id& sandbox, events::seq seq,
                                         mock::script_engine* scripts = nullptr);

std::string to_json(const replayed& r);

} // namespace hourglass::replay
