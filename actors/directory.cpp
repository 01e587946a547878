#include "actors/directory.hpp"

#include "actors/pruner.hpp"
#include "actors/retention.hpp"
#include "actors/sandbox.hpp"

#include <algorithm>

namespace hourglass::actors {

// -- directory ------------------------------------------------------------------------

directory::directory(caf::actor_system& system, environment& env, registry::uid_claims& uids) : system_(system), env_(env), uids_(uids) {
}

directory::seat directory::spawn(const events::sandbox_id& id) {
  seat s;
  s.door = std::make_shared<resident>(id);
  s.door->touch(wall_now().us);
  s.sandbox = system_.spawn<sandbox_actor>(std::ref(env_), std::ref(uids_), s.door);
  let_go_of_logger();
  env_.counters.woken.fetch_add(1, std::memory_order_relaxed);
  return s;
}

events::outcome<directory::visitor> directory::enter(const events::sandbox_id& id, bool create) {
  auto& mine = stripe_of(id);
  const auto most = static_cast<std::uint32_t>(env_.options.queued_per_sandbox);
  bool known = create;
  for (;;) {
    {
      std::lock_guard guard{mine.mutex};
      if (mine.closed)
        return events::failure(events::errc::unavailable, "the server is shutting down");
      if (mine.kept_out.contains(id))
        return events::failure(events::errc::not_found, "no such sandbox");
      auto i = mine.seats.find(id);
      if (i == mine.seats.end() && known)
        i = mine.seats.emplace(id, spawn(id)).first;
      if (i != mine.seats.end()) {
        switch (i->second.door->enter(most)) {
          case resident::entry::in: return visitor{i->second.sandbox, hold::adopt(i->second.door)};
          case resident::entry::full:
            env_.counters.rejected.fetch_add(1, std::memory_order_relaxed);
            return events::failure(events::errc::overloaded, "this sandbox has too many requests in hand");
          case resident::entry::closed: // it is leaving; a new one may take its seat
            mine.seats.erase(i);
            known = true;
            continue;
        }
      }
    }
    auto row = env_.store.get(registry::sandbox_key(id));
    if (!row)
      return tl::unexpected<events::error>{std::move(row).error()};
    if (!*row)
      return events::failure(events::errc::not_found, "no such sandbox");
    known = true;
  }
}

std::optional<caf::actor> directory::peek(const events::sandbox_id& id) const {
  const auto& mine = stripe_of(id);
  std::lock_guard guard{mine.mutex};
  auto i = mine.seats.find(id);
  return i == mine.seats.end() ? std::nullopt : std::optional{i->second.sandbox};
}

caf::actor directory::wake(const events::sandbox_id& id) {
  auto& mine = stripe_of(id);
  std::lock_guard guard{mine.mutex};
  if (mine.closed || mine.kept_out.contains(id))
    return {};
  auto i = mine.seats.find(id);
  if (i == mine.seats.end())
    i = mine.seats.emplace(id, spawn(id)).first;
  else if (i->second.door->closed()) // it is leaving, and reads no more messages
    i->second = spawn(id);
  return i->second.sandbox;
}

bool directory::keep_out(const events::sandbox_id& id) {
  auto& mine = stripe_of(id);
  std::lock_guard guard{mine.mutex};
  mine.kept_out.insert(id);
  auto i = mine.seats.find(id);
  if (i == mine.seats.end())
    return true;
  caf::anon_send(i->second.sandbox, retire{});
  return false;
}

void directory::no_longer_keep_out(const events::sandbox_id& id) {
  auto& mine = stripe_of(id);
  std::lock_guard guard{mine.mutex};
  mine.kept_out.erase(id);
}

bool directory::is_kept_out(const events::sandbox_id& id) const {
  const auto& mine = stripe_of(id);
  std::lock_guard guard{mine.mutex};
  return mine.kept_out.contains(id);
}

void directory::forget(const resident_ptr& door) {
  auto& mine = stripe_of(door->id());
  std::lock_guard guard{mine.mutex};
  if (auto i = mine.seats.find(door->id()); i != mine.seats.end() && i->second.door == door)
    mine.seats.erase(i);
}

std::size_t directory::live() const {
  std::size_t n = 0;
  for (const auto& mine : stripes_) {
    std::lock_guard guard{mine.mutex};
    n += mine.seats.size();
  }
  return n;
}

std::vector<directory::seat> directory::all() const {
  std::vector<seat> out;
  for (const auto& mine : stripes_) {
    std::lock_guard guard{mine.mutex};
    for (const auto& [id, s] : mine.seats)
      out.push_back(s);
  }
  return out;
}

std::vector<directory::seat> directory::close() {
  std::vector<seat> out;
  for (auto& mine : stripes_) {
    std::lock_guard guard{mine.mutex};
    mine.closed = true;
    for (auto& [id, s] : std::exchange(mine.seats, {}))
      out.push_back(std::move(s));
  }
  return out;
}

std::optional<std::int64_t> idle_over_the_cap(std::vector<std::int64_t> last_used, std::size_t most) {
  if (last_used.size() <= most)
    return std::nullopt;
  auto last = last_used.begin() + static_cast<std::ptrdiff_t>(last_used.size() - most - 1);
  std::nth_element(last_used.begin(), last, last_used.end());
  return *last;
}

// -- caretaker ------------------------------------------------------------------------

namespace {

constexpr auto period = std::chrono::milliseconds{500};
constexpr std::int64_t minute_us = 60'000'000;
constexpr std::int64_t sweep_after_us = 2 * minute_us;

struct round_of_care {};

} // namespace

} // namespace hourglass::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::round_of_care)

namespace hourglass::actors {

caretaker_actor::caretaker_actor(caf::actor_config& cfg, environment& env, directory& where, std::shared_ptr<pruner> prunes)
  : caf::event_based_actor(cfg),
    env_(env),
    where_(where),
    keeper_(std::make_shared<retention::keeper>(env, [&where](const events::sandbox_id& id, webhook::command what, on_receipt tell) {
      auto visitor = where.enter(id);
      if (!visitor)
        return false;
      auto job = std::make_shared<change_job>();
      job->what = command{std::move(what)};
      job->ctx.principal = "retention";
      job->done = std::move(tell);
      job->inside = std::move(visitor->inside);
      caf::anon_send(visitor->sandbox, do_change{std::move(job)});
      return true;
    })),
    pruner_(std::move(prunes)) {
}

caf::behavior caretaker_actor::make_behavior() {
  send(this, round_of_care{});
  return {
    [this](const round_of_care&) {
      if (env_.stopping)
        return;
      if (env_.journal.failed())
        (void)env_.journal.recover();
      wake_due();
      sweep_due();
      if (round_ % 2 == 0)
        passivate();
      if (round_ % 20 == 0)
        expire();
      keeper_->round(wall_now());
      pruner_->round();
      ++round_;
      delayed_send(this, period, round_of_care{});
    },
  };
}

void caretaker_actor::passivate() {
  auto seats = where_.all();
  auto now = wall_now().us;
  auto idle_since = now - std::chrono::microseconds{env_.options.passivate_after}.count();
  std::vector<std::int64_t> last_used;
  for (const auto& s : seats)
    last_used.push_back(s.door->last_used_us());
  if (auto over = idle_over_the_cap(std::move(last_used), env_.options.live_sandboxes))
    idle_since = std::max(idle_since, *over);
  for (const auto& s : seats)
    if (s.door->last_used_us() <= idle_since && s.door->inside() == 0)
      send(s.sandbox, retire{});
}

void caretaker_actor::wake_due() {
  auto due = env_.store.due_until(wall_now(), env_.options.due_at_once, wake_cursor_);
  if (!due)
    return; // the store is in trouble, which `/readyz` shows; next round again
  for (const auto& entry : *due)
    if (woken_for_.emplace(entry.at.us, entry.sandbox).second)
      where_.wake(entry.sandbox);
  // From the start again at the end: an entry may be written behind us.
  wake_cursor_ = due->size() < env_.options.due_at_once ? std::nullopt : std::optional{due->back()};
}

/// Entries are dropped by whole minutes, once every sandbox in them has written a new one if it still waits for something. The minutes are
/// closed first: so nobody is in them whom we do not find.
void caretaker_actor::sweep_due() {
  if (!sweep_) {
    auto until = events::wall_time{(wall_now().us / minute_us) * minute_us};
    auto old = env_.store.due_until({until.us - sweep_after_us}, 1);
    if (!old || old->empty())
      return;
    env_.store.close_due_before(until);
    sweep_.emplace(sweep{until});
    return ask_next_page();
  }
  if (sweep_->asked.use_count() > 1)
    return; // a question is on its way, or a new entry
  if (sweep_->asked->missing.load(std::memory_order_acquire) != 0)
    return sweep_.reset(); // from the start again, next round
  if (!sweep_->last_page)
    return ask_next_page();
  if (env_.store.drop_due_before(sweep_->until))
    std::erase_if(woken_for_, [t = sweep_->until.us](const auto& e) { return e.first < t; });
  sweep_.reset();
}

void caretaker_actor::ask_next_page() {
  auto page = env_.store.due_until({sweep_->until.us - 1}, env_.options.due_at_once, sweep_->last);
  if (!page)
    return sweep_.reset();
  sweep_->last_page = page->size() < env_.options.due_at_once;
  if (!page->empty())
    sweep_->last = page->back();
  std::set<events::sandbox_id> ids;
  for (const auto& entry : *page)
    ids.insert(entry.sandbox);
  sweep_->asked = std::make_shared<renewals>();
  sweep_->asked->missing = ids.size();
  for (const auto& id : ids)
    if (auto who = where_.wake(id))
      send(who, renew_due{sweep_->asked});
    else if (where_.is_kept_out(id)) // it waits for nothing any more
      sweep_->asked->one_has();
}

/// Deletes sandboxes whose time to live is over, a page of the registry a round.
void caretaker_actor::expire() {
  constexpr std::size_t page = 1'000;
  auto rows = env_.store.scan(registry::sandbox_prefix, expiry_cursor_, page);
  if (!rows)
    return;
  expiry_cursor_ = rows->size() < page ? std::string{} : rows->back().key;
  auto now = wall_now();
  for (const auto& r : *rows) {
    auto expires = registry::expiry_of(r.value);
    if (!expires || *expires > now)
      continue;
    auto id = registry::id_of(std::string_view{r.key}.substr(registry::sandbox_prefix.size()));
    if (!id)
      continue;
    auto door = where_.enter(*id);
    if (!door)
      continue;
    send(door->sandbox, do_change{deletion(std::move(door->inside))});
  }
}

} // namespace hourglass::actors
