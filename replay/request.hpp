#pragma once

#include "events/redact.hpp"
#include "mock/message.hpp"
#include "mock/script.hpp"
#include "mock/serve.hpp"
#include "storage/store.hpp"

#include <functional>
#include <memory>
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
  std::vector<std::string> fed; ///< calls that nobody made again: what they came to is as recorded
  std::vector<std::string> differences; ///< `status`, `header content-type`, `body at byte 17`; or why it could not be the same
};

/// A recorded request on a fork of its sandbox in memory, just before `seq`, with the recorded clock and chance. Changes nothing.
///
/// Threads: one at a time; `run` ends on the engine's.
class replay_job {
public:
  /// Blocking: on a reader thread. `redactor` must outlive it. Fails with `errc::not_found` when `seq` is no request.
  static events::outcome<std::shared_ptr<replay_job>> load(const storage::store& store, const events::redactor& redactor, const events::sandbox_id& sandbox,
                                                           events::seq seq);
  ~replay_job();

  /// A handler answers it: it must `run` before it can `finish`.
  bool runs_script() const noexcept;
  /// `done` is called once, on the engine's thread or at once; it must not block. `self` lives until then.
  static void run(const std::shared_ptr<replay_job>& self, mock::script_engine& engine, std::function<void()> done);

  /// Serves it, unless a script has, and compares what would be recorded with what was. Once.
  events::outcome<replayed> finish();

private:
  replay_job();
  struct inside;
  std::unique_ptr<inside> self_;
};

/// All of it at once, of a request that runs no script; one that does fails with `errc::unavailable`.
events::outcome<replayed> replay_request(const storage::store& store, const events::redactor& redactor, const events::sandbox_id& sandbox, events::seq seq);

std::string to_json(const replayed& r);

} // namespace hourglass::replay
