#pragma once

#include "actors/messages.hpp"
#include "mock/handler.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace hourglass::actors {

/// What a chain tells the data actor.
struct script_news {
  request_ptr job; ///< has been served so; null: only that the chain has ended
  mock::served served;
  bool ended = false;           ///< the state is the data actor's again
  std::deque<request_ptr> left; ///< then: what the chain has not begun, in order
  std::string broken;           ///< then, if not empty: the state is not what its events make
};

/// Requests of one sandbox whose scripts run one after the other, while its data actor holds everything else.
///
/// Order
///   Each sees what those before it have changed: its fate, too (`mock::meet_fate`), which may be another answer than its script's. The outcome of one is folded where it arrives, on the engine's thread, and the next is given to the
///   engine there: nobody need be woken in between. What comes of each is told in that order.
/// State
///   Belongs to the chain until it has said that it has ended: when nothing waits in it, or behind a request that emits, whose changes it has not folded.
/// Failure
///   Whatever is thrown on the way, no memory above all, breaks the chain off: whoever waits is answered and the data actor is told. What tells it was made
///   beforehand, and is told again until it arrives or nobody waits for it.
/// Threads
///   `add` and `abandon`: the data actor. The rest happens on the engine's threads, one at a time, or in `add`.
class script_chain : public std::enable_shared_from_this<script_chain> {
public:
  using listener = std::function<void(std::shared_ptr<script_news>)>;
  script_chain(std::shared_ptr<mock::script_engine> engine, const events::redactor& redact, std::string sandbox, std::shared_ptr<mock::data_state> state,
               listener tell);

  /// `job->plan.runs_script()`; the first has met its fate, and no other. False: it has ended, and the news is under way.
  bool add(const request_ptr& job);

  /// Whoever waits is told `why`; nothing is told to the data actor any more.
  void abandon(const events::error& why);

private:
  void go_on();
  bool start_next();
  events::outcome<mock::served> finish_run();
  bool settle(events::outcome<mock::served> served);
  void on_outcome(mock::script_outcome o) noexcept;
  void break_off(const char* why) noexcept;
  bool tells_last_words() noexcept;

  std::shared_ptr<mock::script_engine> engine_;
  const events::redactor& redact_;
  std::string sandbox_;
  std::shared_ptr<mock::data_state> state_;
  listener tell_;

  std::mutex mutex_; ///< of what the data actor looks at too
  std::deque<request_ptr> waiting_;
  request_ptr current_;
  bool ended_ = false, runs_ = false;
  bool all_is_said_ = false; ///< the data actor knows that it has ended, or has abandoned it
  std::shared_ptr<script_news> last_words_; ///< made while there was memory

  bool first_ = true; ///< nothing has been begun
  std::shared_ptr<mock::handler_run> run_;
  mock::script_outcome outcome_;
  std::atomic<bool> one_was_here_{false}; ///< who started a run, or who brings its outcome: the second of them goes on
};

} // namespace hourglass::actors
