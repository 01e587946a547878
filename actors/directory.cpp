#include "actors/directory.hpp"

#include "actors/messages.hpp"
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
  auto i = mine.seats.find(id);
  if (i == mine.seats.end())
    i = mine.seats.emplace(id, spawn(id)).first;
  return i->second.sandbox;
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

// -- caretaker ------------------------------------------------------------------------

namespace {

constexpr auto period = std::chrono::milliseconds{500};
constexpr std::size_t most_due_at_once = 10'000;
constexpr std::int64_t minute_us = 60'000'000;
constexpr std::int64_t sweep_after_us = 2 * minute_us;

struct round_of_care {};

} // namespace

} // namespace hourglass::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::round_of_care)

namespace hourglass::actors {

caretaker_actor::caretaker_actor(caf::actor_config& cfg, environment& env, directory& where)
  : caf::event_based_actor(cfg), env_(env), where_(where) {
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
      ++round_;
      delayed_send(this, period, round_of_care{});
    },
  };
}

void caretaker_actor::passivate() {
  auto seats = where_.all();
  auto now = wall_now().us;
  auto idle_since = now - std::chrono::microseconds{env_.options.passivate_after}.count();
  if (seats.size() > env_.options.live_sandboxes) { // over the cap: the longest idle ones go, however short that is
    auto nth = seats.begin() + static_cast<std::ptrdiff_t>(seats.size() - env_.options.live_sandboxes);
    std::nth_element(seats.begin(), nth, seats.end(),
                     [](const auto& a, const auto& b) { return a.door->last_used_us() < b.door->last_used_us(); });
    idle_since = std::max(idle_since, nth->door->last_used_us());
  }
  for (const auto& s : seats)
    if (s.door->last_used_us() <= idle_since && s.door->inside() == 0)
      send(s.sandbox, retire{});
}

void caretaker_actor::wake_due() {
  auto due = env_.store.due_until(wall_now(), most_due_at_once);
  if (!due)
    return; // the store is in trouble, which `/readyz` shows; next round again
  for (const auto& entry : *due)
    if (woken_for_.emplace(entry.at.us, entry.sandbox).second)
      where_.wake(entry.sandbox);
}

/// Entries are dropped by whole minutes, once every sandbox in them has written a new one if it still waits for something.
void caretaker_actor::sweep_due() {
  if (sweeping_) {
    if (!renewals_left_.expired())
      return;
    if (env_.store.drop_due_before(*sweeping_)) {
      std::erase_if(woken_for_, [t = sweeping_->us](const auto& e) { return e.first < t; });
    }
    sweeping_.reset();
    return;
  }
  if (woken_for_.empty())
    return;
  auto until = (wall_now().us / minute_us) * minute_us;
  if (woken_for_.begin()->first > until - sweep_after_us)
    return;
  sweeping_ = events::wall_time{until};
  auto token = std::make_shared<int>(0);
  renewals_left_ = token;
  std::set<events::sandbox_id> asked;
  for (const auto& [at, id] : woken_for_)
    if (at < until && asked.insert(id).second)
      send(where_.wake(id), renew_due{token});
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
    auto job = std::make_shared<change_job>();
    job->what = command{mock::settings_command{mock::delete_sandbox{}}};
    job->ctx.principal = "system";
    job->done = [](const events::outcome<receipt>&) {};
    job->inside = std::move(door->inside);
    send(door->sandbox, do_change{job});
  }
}

} // namespace hourglass::actors
