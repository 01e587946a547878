#include "actors/directory.hpp"
#include "actors/once.hpp"
#include "actors/pruner.hpp"
#include "actors/registry.hpp"
#include "actors/retention.hpp"
#include "events/limits.hpp"
#include "storage/keys.hpp"

// How streams go that are said to be gone. Every step may be done again, and is after a restart.
namespace hourglass::actors {

using events::outcome;
using events::sandbox_id;

namespace {

constexpr std::size_t rows_a_turn = 2'000;
constexpr std::size_t answers_a_turn = 64; // of a megabyte each, if they like
constexpr std::size_t most_together = 1'000;

/// How far the steps of the rows go: see `sweep_on`.
enum row_step : std::size_t { claims, content_cursors, content_times, answers, row_steps };

storage::row without(std::string key) {
  return {std::move(key), {}, true};
}

} // namespace

bool pruner::begin_sweep() {
  if (env_.index.folded() < fold_first_)
    return false;
  const std::lock_guard lock{mutex_};
  if (going_.empty())
    return false;
  sweep_.emplace();
  for (const auto& [id, one] : going_) {
    if (sweep_->of.size() == most_together)
      break;
    sweep_->of.push_back({id, one.said_by});
    sweep_->ids.insert(id);
  }
  return true;
}

/// A bounded piece. False when there is nothing more to do.
outcome<bool> pruner::sweep_on() {
  switch (sweep_->step) {
  case claims:
    return drop_named(registry::claim_prefix);
  case content_cursors:
    return drop_named(retention::cursor_prefix);
  case content_times:
    return drop_content_times();
  case answers:
    return drop_answers();
  default:
    break;
  }
  auto more = env_.store.prune(sweep_->of, sweep_->place);
  if (!more || *more)
    return more;
  return finish().map([] { return false; });
}

/// Rows that begin with `prefix` and the sandbox.
outcome<bool> pruner::drop_named(std::string_view prefix) {
  auto& s = *sweep_;
  if (s.stream >= s.of.size()) {
    s.stream = 0;
    ++s.step;
    return true;
  }
  std::string name{prefix};
  storage::keys::add_sandbox(name, s.of[s.stream].sandbox);
  const auto rows = env_.store.scan(name, {}, rows_a_turn);
  if (!rows)
    return tl::unexpected<events::error>{rows.error()};
  std::vector<storage::row> gone;
  for (const auto& row : *rows)
    gone.push_back(without(row.key));
  if (auto put = env_.store.put(gone); !put)
    return tl::unexpected<events::error>{put.error()};
  if (rows->size() < rows_a_turn)
    ++s.stream;
  return true;
}

outcome<bool> pruner::drop_content_times() {
  auto& s = *sweep_;
  const auto rows = env_.store.scan(retention::due_prefix, s.after, rows_a_turn);
  if (!rows)
    return tl::unexpected<events::error>{rows.error()};
  std::vector<storage::row> gone;
  for (const auto& row : *rows)
    if (const auto one = retention::due_of(row.key); one && s.ids.contains(one->sandbox))
      gone.push_back(without(row.key));
  if (auto put = env_.store.put(gone); !put)
    return tl::unexpected<events::error>{put.error()};
  s.after = rows->size() < rows_a_turn ? std::string{} : rows->back().key;
  s.step += s.after.empty() ? 1 : 0;
  return true;
}

/// Answers that are kept for an Idempotency-Key: of these sandboxes. What is too old of others goes elsewhere,
/// by whoever may know that it is not in use.
outcome<bool> pruner::drop_answers() {
  auto& s = *sweep_;
  const auto rows = env_.store.scan(once_prefix, s.after, answers_a_turn);
  if (!rows)
    return tl::unexpected<events::error>{rows.error()};
  std::vector<storage::row> gone;
  for (const auto& row : *rows) {
    const auto made = origin_of_once(row.value);
    if (!made)
      continue;
    const auto of = sandbox_id::parse(made->sandbox);
    if (!of || !s.ids.contains(*of))
      continue;
    gone.push_back(without(row.key));
    gone.push_back(
        without(once_age_key(made->at, std::string_view{row.key}.substr(once_prefix.size()))));
  }
  if (auto put = env_.store.put(gone); !put)
    return tl::unexpected<events::error>{put.error()};
  s.after = rows->size() < answers_a_turn ? std::string{} : rows->back().key;
  s.step += s.after.empty() ? 1 : 0;
  return true;
}

outcome<void> pruner::finish() {
  std::vector<storage::row> done;
  for (const auto& id : sweep_->ids)
    done.push_back(without(pruning::under_way_key(id)));
  if (auto put = env_.store.put(done); !put)
    return put;
  for (const auto& id : sweep_->ids)
    where_.no_longer_keep_out(id);
  const std::lock_guard lock{mutex_};
  for (const auto& id : sweep_->ids)
    if (const auto one = going_.find(id); one != going_.end()) {
      ++figures_.sandboxes;
      figures_.events += one->second.events;
      going_.erase(one);
    }
  sweep_.reset();
  return {};
}

} // namespace hourglass::actors
