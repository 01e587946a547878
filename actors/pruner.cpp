#include "actors/pruner.hpp"

#include "actors/directory.hpp"
#include "actors/registry.hpp"
#include "storage/index.hpp"

#include <algorithm>

// Which streams go, and the write that says so. How they go stands in pruner_sweep.cpp.
namespace hourglass::actors {

using events::errc;
using events::failure;
using events::outcome;
using pruning::fate;
using storage::node_stream;

namespace {

constexpr std::size_t rows_a_look = 1'000;
constexpr std::size_t old_streams_a_turn = 250;
constexpr std::size_t most_candidates = 1'000;
constexpr std::size_t most_at_once = 128; ///< that one write says to be gone

std::string_view held_by(fate f) {
  return f == fate::waits_for_export  ? "kafka_export"
         : f == fate::waits_for_index ? "index"
                                      : "use";
}

} // namespace

// -- from outside ---------------------------------------------------------------------

outcome<void> pruner::start() {
  const auto old = env_.store.get(pruning::looked_through_key);
  if (!old)
    return tl::unexpected<events::error>{old.error()};
  if (!*old)
    old_after_.emplace();
  else if (!(*old)->empty())
    old_after_ = **old;
  fold_first_ = env_.journal.end();
  for (std::string after;;) {
    const auto rows = env_.store.scan(pruning::under_way_prefix, after, rows_a_look);
    if (!rows)
      return tl::unexpected<events::error>{rows.error()};
    for (const auto& row : *rows) {
      const auto one = pruning::under_way_of(row);
      if (!one)
        return failure(errc::corrupt, "a row of what is being pruned does not read");
      where_.keep_out(one->sandbox);
      going_[one->sandbox] = {one->said_by, 0};
    }
    if (rows->size() < rows_a_look)
      return {};
    after = rows->back().key;
  }
}

void pruner::round() {
  look_ = true;
  {
    const std::lock_guard lock{mutex_};
    if (busy_)
      return;
    busy_ = true;
  }
  post_turn({this, [self = shared_from_this()](void*) { // whoever drops the work says so, too
               const std::lock_guard lock{self->mutex_};
               self->busy_ = false;
             }});
}

void pruner::post_turn(const std::shared_ptr<void>& busy) {
  env_.post_for(node_stream, [self = shared_from_this(), busy] {
    if (!self->env_.stopping && self->turn())
      self->post_turn(busy);
  });
}

/// True when there is more to do at once.
bool pruner::turn() {
  if (look_.exchange(false)) {
    find_candidates();
    judge();
    say_so();
  }
  if (!sweep_ && !begin_sweep())
    return look_through_old();
  const auto more = sweep_on();
  return more && *more; // a failure is met again in the next round
}

void pruner::want(const events::sandbox_id& sandbox, pruning::wish by,
                  std::function<void(outcome<void>)> done) {
  const auto now = report(sandbox);
  if (!now)
    return done(tl::unexpected<events::error>{now.error()});
  if (now->is == prune_report::state::live)
    return done(failure(errc::conflict,
                        "only the stream of a deleted sandbox can be pruned; delete it first"));
  if (now->is == prune_report::state::going || now->is == prune_report::state::gone)
    return done({});
  pruning::deleted what{sandbox, now->deleted_at, std::move(by)};
  storage::record_batch batch; // of rows only: it belongs to no stream
  batch.sandbox = node_stream;
  batch.rows.push_back(pruning::row_of(what));
  env_.journal.append(std::move(batch), [self = shared_from_this(), what,
                                         done = std::move(done)](const storage::append_result& r) {
    if (r.outcome != storage::append_outcome::committed)
      return done(
          failure(r.outcome == storage::append_outcome::unknown ? errc::abandoned : r.why.code,
                  r.why.detail));
    self->consider(what);
    done({});
  });
}

outcome<prune_report> pruner::report(const events::sandbox_id& sandbox) const {
  using state = prune_report::state;
  const auto live = env_.store.get(registry::sandbox_key(sandbox));
  if (!live)
    return tl::unexpected<events::error>{live.error()};
  prune_report out;
  if (*live)
    return out;
  const auto row = env_.store.get(pruning::deleted_key(sandbox));
  if (!row)
    return tl::unexpected<events::error>{row.error()};
  const auto known =
      *row ? pruning::deleted_of({pruning::deleted_key(sandbox), **row}) : std::nullopt;
  auto said = said_of(sandbox); // before the stream is looked at: it is said before that goes
  if (!said)
    return tl::unexpected<events::error>{said.error()};
  std::optional<pruning::tombstone> last;
  if (*said) {
    auto read = pruning::tombstone_of(**said);
    if (!read)
      return tl::unexpected<events::error>{read.error()};
    last = *read;
    out.pruned_at = (*said)->header.wall;
    out.pruned_by = (*said)->header.principal;
    const auto left = env_.store.get(pruning::under_way_key(sandbox));
    if (!left)
      return tl::unexpected<events::error>{left.error()};
    out.is = *left ? state::going : state::gone;
  } else {
    auto there = sandbox == node_stream
                     ? std::optional<pruning::tombstone>{}
                     : last_of(known.value_or(pruning::deleted{sandbox, {}, {}}));
    if (!there)
      return tl::unexpected<events::error>{there.error()};
    last = *there;
    out.is = known && known->wanted ? state::waiting : state::deleted;
  }
  if (!last)
    return failure(errc::not_found, "no such sandbox");
  out.events = last->events;
  out.last_link = last->last_link;
  out.last_at = last->last_wall;
  out.deleted_at = last->deleted_at;
  if (out.pruned_at)
    return out;
  if (const auto& kept = env_.options.deleted_sandbox_retention)
    out.goes_at = out.deleted_at + std::chrono::duration_cast<events::duration>(*kept);
  const std::lock_guard lock{mutex_};
  if (const auto c = candidates_.find(sandbox); c != candidates_.end()) {
    out.is = state::waiting;
    out.held_by = held_by(c->second.fate);
  }
  return out;
}

prune_figures pruner::figures() const {
  const std::lock_guard lock{mutex_};
  auto out = figures_;
  out.going = going_.size();
  out.held = static_cast<std::uint64_t>(
      std::count_if(candidates_.begin(), candidates_.end(),
                    [](const auto& c) { return c.second.fate == fate::waits_for_export; }));
  return out;
}

// -- which go -------------------------------------------------------------------------

/// Those that were deleted before there were rows that say so. True when there is more.
bool pruner::look_through_old() {
  if (!old_after_)
    return false;
  const auto after = registry::id_of(*old_after_);
  const auto some =
      env_.store.streams(after ? std::optional{*after} : std::nullopt, old_streams_a_turn);
  if (!some)
    return false;
  std::vector<storage::row> rows;
  for (const auto& id : *some) {
    const auto live = env_.store.get(registry::sandbox_key(id));
    const auto known = env_.store.get(pruning::deleted_key(id));
    const auto going = env_.store.get(pruning::under_way_key(id));
    if (!live || !known || !going)
      return false;
    if (id == node_stream || *live || *known || *going)
      continue;
    if (const auto last = last_of({id, {}, {}}); last && *last)
      rows.push_back(pruning::row_of(pruning::deleted{id, (*last)->deleted_at, {}}));
  }
  const bool more = some->size() == old_streams_a_turn;
  std::string upto = more ? std::string{reinterpret_cast<const char*>(some->back().bytes.data()),
                                        some->back().bytes.size()}
                          : std::string{};
  rows.push_back({std::string{pruning::looked_through_key}, upto});
  if (!env_.store.put(rows))
    return false;
  old_after_ = more ? std::optional{std::move(upto)} : std::nullopt;
  return more;
}

/// A page of the rows a turn.
void pruner::find_candidates() {
  const auto rows = env_.store.scan(pruning::deleted_prefix, scan_after_, rows_a_look);
  if (!rows)
    return;
  for (const auto& row : *rows)
    if (auto one = pruning::deleted_of(row))
      consider(std::move(*one));
  seen_ += rows->size();
  scan_after_ = rows->size() < rows_a_look ? std::string{} : rows->back().key;
  if (!scan_after_.empty())
    return;
  const std::lock_guard lock{mutex_};
  figures_.deleted = std::exchange(seen_, 0);
}

/// Of one that waits longer the position stays, or with a busy log it would wait for ever.
void pruner::consider(pruning::deleted what) {
  auto m = this_moment();
  m.exported.reset();
  if (pruning::decide(what, 0, m) == fate::stays)
    return;
  const auto until = env_.journal.end();
  const std::lock_guard lock{mutex_};
  if (going_.contains(what.sandbox))
    return;
  if (const auto known = candidates_.find(what.sandbox); known != candidates_.end())
    known->second.what = std::move(what);
  else if (what.wanted || candidates_.size() < most_candidates)
    candidates_.emplace(what.sandbox, candidate{what, until});
}

pruning::moment pruner::this_moment() const {
  pruning::moment out;
  out.now = wall_now();
  out.retention = env_.options.deleted_sandbox_retention;
  out.folded = env_.index.folded();
  if (env_.options.exported)
    out.exported = env_.options.exported();
  return out;
}

void pruner::judge() {
  const auto m = this_moment();
  const std::lock_guard lock{mutex_};
  for (auto& [id, c] : candidates_) {
    c.fate = pruning::decide(c.what, c.until, m);
    if (c.fate != fate::goes || c.out || !where_.keep_out(id))
      continue;
    c.out = true;
    c.until = env_.journal.end(); // nobody writes to it any more
    c.fate = pruning::decide(c.what, c.until, m);
    // Behind whatever was begun for it, a snapshot say.
    env_.post_for(id, [self = shared_from_this(), id = id] {
      const std::lock_guard held{self->mutex_};
      if (const auto still = self->candidates_.find(id); still != self->candidates_.end())
        still->second.quiet = true;
    });
  }
}

std::vector<pruner::candidate> pruner::who_can_go() {
  std::vector<candidate> out;
  const std::lock_guard lock{mutex_};
  if (saying_)
    return out;
  for (const auto& [id, c] : candidates_)
    if (c.quiet && c.fate == fate::goes && out.size() < most_at_once)
      out.push_back(c);
  return out;
}

void pruner::say_so() {
  const auto who = who_can_go();
  if (who.empty())
    return;
  const auto head = env_.store.head(node_stream);
  if (!head)
    return;
  auto at = head->value_or(events::chain_head{});
  storage::record_batch batch;
  batch.sandbox = node_stream;
  batch.first = at.seq + 1;
  std::map<events::sandbox_id, stream_that_goes> which;
  for (const auto& c : who) {
    const auto last = last_of(c.what);
    const auto live = env_.store.get(registry::sandbox_key(c.what.sandbox));
    if (!last || !live)
      continue; // it does not read: whoever wants it gone has to restore it first
    if (!*last || *live) {
      not_one_after_all(c.what);
      continue;
    }
    events::context ctx;
    ctx.wall = wall_now();
    ctx.now = {ctx.wall.us};
    ctx.principal = c.what.wanted ? c.what.wanted->principal : "retention";
    ctx.correlation = c.what.wanted ? c.what.wanted->correlation : std::string{};
    std::string bytes;
    events::seal(at, node_stream, pruning::draft_of(**last), ctx, bytes);
    batch.records.push_back(std::move(bytes));
    batch.rows.push_back({pruning::deleted_key(c.what.sandbox), {}, true});
    batch.rows.push_back(pruning::row_of(storage::pruned_stream{c.what.sandbox, at.seq}));
    which[c.what.sandbox] = {at.seq, (*last)->events};
  }
  if (which.empty())
    return;
  {
    const std::lock_guard lock{mutex_};
    saying_ = true;
  }
  env_.journal.append(std::move(batch),
                      [self = shared_from_this(), which](const storage::append_result& r) {
                        self->said(which, r);
                      });
}

/// On the journal's thread. What was not written is tried again in the next round.
void pruner::said(const std::map<events::sandbox_id, stream_that_goes>& which,
                  const storage::append_result& r) {
  const std::lock_guard lock{mutex_};
  saying_ = false;
  if (r.outcome != storage::append_outcome::committed)
    return;
  for (const auto& [id, one] : which) {
    candidates_.erase(id);
    going_[id] = one;
  }
}

/// A row that is wrong, or that a wish wrote beside the prune.
void pruner::not_one_after_all(const pruning::deleted& what) {
  const storage::row gone{pruning::deleted_key(what.sandbox), {}, true};
  if (!env_.store.put({&gone, 1}))
    return;
  where_.no_longer_keep_out(what.sandbox);
  const std::lock_guard lock{mutex_};
  candidates_.erase(what.sandbox);
}

/// What its last event says; nothing if there is none, or it is not that it was deleted: behind
/// that comes none.
outcome<std::optional<pruning::tombstone>> pruner::last_of(const pruning::deleted& what) const {
  const auto head = env_.store.head(what.sandbox);
  if (!head)
    return tl::unexpected<events::error>{head.error()};
  if (!*head)
    return std::nullopt;
  const auto raw = env_.store.read_raw(what.sandbox, (*head)->seq);
  if (!raw)
    return tl::unexpected<events::error>{raw.error()};
  if (!*raw || events::kind_of(**raw) != events::kind::sandbox_deleted)
    return std::nullopt;
  return pruning::tombstone{what.sandbox, (*head)->seq, (*head)->link, (*head)->wall,
                            (*head)->wall};
}

outcome<std::optional<events::record>> pruner::said_of(const events::sandbox_id& sandbox) const {
  storage::history_query q;
  q.sandbox = node_stream;
  q.kinds = {events::kind::sandbox_pruned};
  q.entity = sandbox.to_string();
  q.limit = 1;
  for (;;) {
    auto page = storage::find(env_.store, q);
    if (!page)
      return tl::unexpected<events::error>{page.error()};
    if (!page->events.empty())
      return std::move(page->events.front());
    if (!page->next)
      return std::nullopt;
    q.before = page->next;
  }
}

} // namespace hourglass::actors
