#pragma once

#include "events/redact.hpp"
#include "mock/answer_diff.hpp"
#include "mock/script.hpp"
#include "storage/store.hpp"

#include <functional>
#include <memory>
#include <string>

namespace hourglass::replay {

/// A forwarded request of the log, given to the mock on a fork of its sandbox in memory, beside what its upstream answered then. Nobody is asked, and
/// nothing changes.
///
/// Threads: one at a time; `run` ends on the engine's.
class comparison_job {
public:
  /// With `now` the mock is the one of today, else that of the moment of the request. Blocking: on a reader thread. `redactor` must outlive it.
  /// Fails with `errc::not_found` when `seq` is no request, with `errc::invalid` when no upstream answered it, or the log does not have all of it.
  static events::outcome<std::shared_ptr<comparison_job>> load(const storage::store& store, const events::redactor& redactor, const events::sandbox_id& sandbox,
                                                               events::seq seq, bool now);
  ~comparison_job();

  /// A handler is the mock: it must `run` before it can `finish`.
  bool runs_script() const noexcept;
  /// `done` is called once, on the engine's thread or at once; it must not block. `self` lives until then.
  static void run(const std::shared_ptr<comparison_job>& self, mock::script_engine& engine, std::function<void()> done);

  /// {"request_id", "upstream": {"status", "headers", "body"}, "mock": {…}, "compared"}, all as the log would have it. Once.
  events::outcome<std::string> finish();

private:
  comparison_job();
  struct inside;
  std::unique_ptr<inside> self_;
};

} // namespace hourglass::replay
