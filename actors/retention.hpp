#pragma once

#include "actors/environment.hpp"
#include "mock/settings.hpp"
#include "webhook/commands.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// Content whose time is over, by the node's clock, and what is kept beside the log to find it:
///
///   "rt" time(8) sandbox(16) seq(8) -> nothing: the content of this event goes then
///   "rc" sandbox(16) kind(2)        -> seq(8): events of this kind up to there have been looked
///   at; a cache
///
/// Decision: docs/decisions/014-erasure-and-retention.md.
namespace hourglass::actors::retention {

struct due {
  events::wall_time at;
  events::sandbox_id sandbox;
  events::seq seq = 0;

  bool operator==(const due&) const = default;
};

/// Written with the event.
storage::row row_of(const due& what);
std::optional<due> due_of(std::string_view key);
inline constexpr std::string_view due_prefix = "rt";
inline constexpr std::string_view cursor_prefix = "rc"; ///< and a sandbox

/// The setting in a "sb" row of the registry.
mock::retention_settings settings_of(std::string_view row);

/// Some of what is to be erased of one sandbox, and what is written down when it is.
struct turn {
  webhook::erase_content what;
  std::vector<storage::row> done;
  bool more = false;     ///< there may be more
  std::size_t bytes = 0; ///< of what is erased: the journal's thread reads it all again
};

/// What is due by the rows `of`, which are of one sandbox. A row that stands there because its event
/// waited counts only if the setting still wants it gone: `by` is the one of now. Blocking.
events::outcome<turn> turn_of(storage::store& in, const events::sandbox_id& sandbox,
                              const std::vector<due>& of, const mock::retention_settings& by,
                              events::wall_time now);

/// What is too old by the sandbox's setting: the next few hundred events at most. Blocking. Reads
/// what is folded.
events::outcome<turn> turn_of(storage::store& in, const events::sandbox_id& sandbox,
                              const mock::retention_settings& by, events::wall_time now);

/// Erases what `decide` said, and puts off what waits. `reply` as `webhook::erase_content` is
/// answered.
std::vector<storage::row> rows_after(const turn& t, std::string_view reply,
                                     const events::sandbox_id& sandbox, events::wall_time now);

/// Goes through the sandboxes, those that sleep too, a bounded piece a round; each sandbox has one
/// turn at a time and a few a round. Threads: `round` from one.
class keeper : public std::enable_shared_from_this<keeper> {
public:
  /// Lets a command of the node's own into a sandbox; false: it is not there any more, or cannot
  /// take it now.
  using submit = std::function<bool(const events::sandbox_id&, webhook::command, on_receipt)>;

  keeper(environment& env, submit to) : env_(env), submit_(std::move(to)) {}

  void round(events::wall_time now);

private:
  struct task {
    events::sandbox_id sandbox;
    std::vector<due> of;     ///< empty: by the setting
    unsigned in_a_row = 1; ///< turns of this round
  };

  void find_due(events::wall_time now);
  void find_by_setting(events::wall_time now);
  void take(task t);
  void work_on(const task& t, const std::shared_ptr<void>& busy);
  void write_down(const task& t, const turn& made, std::string_view reply, const std::shared_ptr<void>& busy);
  void put_off(const task& t);
  void ended(const events::sandbox_id& sandbox);

  environment& env_;
  submit submit_;
  std::optional<events::wall_time> began_; ///< the last look through all
  std::string cursor_;                     ///< of a look that is under way
  std::int64_t due_from_us_ = 0;           ///< no row stands before
  bool looking_ = false;
  std::mutex mutex_;
  std::set<events::sandbox_id> busy_; ///< under `mutex_`
  std::deque<task> again_;            ///< under `mutex_`: there was more
};

} // namespace hourglass::actors::retention
