#include "actors/retention.hpp"

#include "actors/once.hpp"
#include "actors/registry.hpp"
#include "events/limits.hpp"
#include "mock/json_value.hpp"
#include "storage/index.hpp"
#include "storage/keys.hpp"
#include "webhook/erasing.hpp"
#include "webhook/facts.hpp"

#include <algorithm>
#include <map>

#include <nlohmann/json.hpp>

namespace hourglass::actors::retention {

using events::errc;

namespace {

namespace keys = storage::keys;

constexpr std::size_t events_a_turn = 256;
constexpr std::size_t bytes_a_turn = std::size_t{8} << 20;
constexpr std::size_t events_a_page = 32; // of a megabyte each, if they like
constexpr unsigned turns_in_a_row = 16;   // or whoever makes more events than a turn has a round is never done
constexpr std::size_t sandboxes_a_round = 1'000;
constexpr std::size_t turns_a_round = 8;
constexpr std::int64_t hour_us = 3'600'000'000;
constexpr std::int64_t day_us = 24 * hour_us;

std::string cursor_key(const events::sandbox_id& sandbox, events::kind kind) {
  std::string key{cursor_prefix};
  keys::add_sandbox(key, sandbox);
  keys::add_number(key, static_cast<std::uint16_t>(kind));
  return key;
}

std::string id_in(const events::record& r) {
  const auto f = webhook::decode(r);
  if (!f)
    return {};
  if (const auto* m = std::get_if<webhook::message_created>(&*f))
    return m->id;
  const auto* a = std::get_if<webhook::attempt_finished>(&*f);
  return a != nullptr ? a->id : std::string{};
}

bool has_its_own_time(const events::record& r) {
  if (r.header.kind != events::kind::message_created)
    return false;
  const auto f = webhook::decode(r);
  const auto* m = f ? std::get_if<webhook::message_created>(&*f) : nullptr;
  return m != nullptr && m->retention_hours != 0;
}

events::outcome<void> add(turn& to, storage::store& in, const events::record& r) {
  auto left = webhook::without_content(r);
  if (!left)
    return {};
  auto id = id_in(r);
  if (r.header.kind == events::kind::message_created)
    if (auto gone = erase_payload_in_answers(in, r.header.wall, r.header.seq, id); !gone)
      return gone;
  to.what.items.push_back({r.header.seq, std::move(id), std::move(*left)});
  to.bytes += r.payload.size();
  return {};
}

events::outcome<events::seq> looked_upto(const storage::store& in, const std::string& cursor) {
  const auto row = in.get(cursor);
  if (!row)
    return tl::unexpected<events::error>{row.error()};
  return *row && (*row)->size() == sizeof(events::seq) ? keys::number_at<events::seq>(**row) : 0;
}

storage::row looked_upto_row(const std::string& cursor, events::seq upto) {
  std::string value;
  keys::add_number(value, upto);
  return {cursor, std::move(value)};
}

/// When the setting wants the content of `r` gone; nothing: it does not.
std::optional<events::wall_time> time_by_setting(const events::record& r, const mock::retention_settings& by) {
  const auto& days = r.header.kind == events::kind::message_created ? by.payload_days : by.response_days;
  if (!days)
    return std::nullopt;
  return events::wall_time{r.header.wall.us + *days * day_us};
}

/// What waited when it was looked at, and is no longer to go now. Should a later setting want it, it is looked at again.
events::outcome<void> leave(turn& to, const storage::store& in, const events::sandbox_id& sandbox, const events::record& r,
                            std::optional<events::wall_time> then) {
  if (then) {
    to.done.push_back(row_of({*then, sandbox, r.header.seq}));
    return {};
  }
  const auto key = cursor_key(sandbox, r.header.kind);
  const auto upto = looked_upto(in, key);
  if (!upto)
    return tl::unexpected<events::error>{upto.error()};
  auto least = std::min(*upto, r.header.seq - 1);
  for (const auto& row : to.done) // of one turn, the least wins
    if (row.key == key)
      least = std::min(least, keys::number_at<events::seq>(row.value));
  to.done.push_back(looked_upto_row(key, least));
  return {};
}

turn empty_turn() {
  turn out;
  out.what.why = webhook::erasure_reason::retention;
  out.what.leave_what_waits = true;
  return out;
}

/// Events of one kind that came before `until`, from where the last look ended; at most until there are `most` in all.
events::outcome<void> add_old(turn& to, storage::store& in, const events::sandbox_id& sandbox,
                              events::kind kind, events::wall_time until, std::size_t most) {
  const auto key = cursor_key(sandbox, kind);
  const auto upto = looked_upto(in, key);
  if (!upto)
    return tl::unexpected<events::error>{upto.error()};
  storage::history_query q;
  q.sandbox = sandbox;
  q.kinds = {kind};
  q.until = until;
  q.after = *upto;
  q.newest_first = false;
  q.limit = events_a_page;
  const auto began = q.after;
  for (std::size_t looked = 0;; looked += events_a_page) {
    if (looked >= events_a_turn || to.what.items.size() >= most || to.bytes >= bytes_a_turn) {
      to.more = true;
      break;
    }
    auto page = storage::find(in, q);
    if (!page)
      return tl::unexpected<events::error>{std::move(page).error()};
    for (const auto& r : page->events) {
      q.after = r.header.seq;
      if (!has_its_own_time(r))
        if (auto added = add(to, in, r); !added)
          return added;
    }
    if (!page->next)
      break;
    q.after = std::max(q.after, *page->next);
  }
  if (q.after != began)
    to.done.push_back(looked_upto_row(key, q.after));
  return {};
}

} // namespace

storage::row row_of(const due& what) {
  std::string key{due_prefix};
  keys::add_number(key, static_cast<std::uint64_t>(std::max<std::int64_t>(what.at.us, 0)));
  keys::add_sandbox(key, what.sandbox);
  keys::add_number(key, what.seq);
  return {std::move(key), {}};
}

std::optional<due> due_of(std::string_view key) {
  if (key.size() != due_prefix.size() + 32 || !key.starts_with(due_prefix))
    return std::nullopt;
  key.remove_prefix(due_prefix.size());
  return due{{static_cast<std::int64_t>(keys::number_at<std::uint64_t>(key))},
             keys::sandbox_at(key.substr(8)),
             keys::number_at<events::seq>(key.substr(24))};
}

mock::retention_settings settings_of(std::string_view row) {
  mock::retention_settings out;
  const auto sandbox = mock::parse_json(row);
  const auto* retention = sandbox ? sandbox->member("retention") : nullptr;
  if (retention == nullptr || !retention->is_object())
    return out;
  const auto days = [&](std::string_view name, std::optional<std::int64_t>& into) {
    std::int64_t n = 0;
    if (const auto* m = retention->member(name); m != nullptr && m->as_integer(n) && n > 0)
      into = n;
  };
  days("payload_days", out.payload_days);
  days("response_days", out.response_days);
  return out;
}

events::outcome<turn> turn_of(storage::store& in, const events::sandbox_id& sandbox,
                              const std::vector<due>& of, const mock::retention_settings& by,
                              events::wall_time now) {
  auto out = empty_turn();
  for (const auto& one : of) {
    if (out.bytes >= bytes_a_turn)
      break; // the rows of the others stay, and are found again
    auto gone = row_of(one);
    gone.remove = true;
    out.done.push_back(std::move(gone));
    const auto found = in.read(sandbox, one.seq, {1, 1});
    if (!found)
      return tl::unexpected<events::error>{found.error()};
    if (found->empty())
      continue;
    const auto& r = found->front();
    const auto then = has_its_own_time(r) ? now : time_by_setting(r, by);
    if (auto done = then && *then <= now ? add(out, in, r) : leave(out, in, sandbox, r, then); !done)
      return tl::unexpected<events::error>{done.error()};
  }
  return out;
}

events::outcome<turn> turn_of(storage::store& in, const events::sandbox_id& sandbox,
                              const mock::retention_settings& by, events::wall_time now) {
  auto out = empty_turn();
  auto all = events::outcome<void>{};
  if (by.payload_days)
    all = add_old(out, in, sandbox, events::kind::message_created,
                  {now.us - *by.payload_days * day_us},
                  by.response_days ? events_a_turn / 2 : events_a_turn); // or the answers never had their turn
  if (all && by.response_days)
    all = add_old(out, in, sandbox, events::kind::attempt_finished,
                  {now.us - *by.response_days * day_us}, events_a_turn);
  return all.map([&] { return std::move(out); });
}

std::vector<storage::row> rows_after(const turn& t, std::string_view reply,
                                     const events::sandbox_id& sandbox, events::wall_time now) {
  auto out = t.done;
  const auto said = nlohmann::json::parse(reply, nullptr, false);
  const auto waiting = said.is_object() ? said.find("waiting") : said.end();
  if (said.is_object() && waiting != said.end() && waiting->is_array())
    for (const auto& seq : *waiting)
      if (seq.is_number_unsigned())
        out.push_back(row_of({{now.us + hour_us}, sandbox, seq.get<events::seq>()}));
  return out;
}

// -- rounds ---------------------------------------------------------------------------

void keeper::round(events::wall_time now) {
  std::deque<task> again;
  {
    const std::lock_guard lock{mutex_};
    if (busy_.size() >= turns_a_round)
      return;
    again.swap(again_);
  }
  for (auto& t : again)
    take(std::move(t));
  find_due(now);
  find_by_setting(now);
}

/// A row is dropped when its event has been dealt with; until then it is found again. Not from the
/// start each time: what was dropped leaves traces there.
void keeper::find_due(events::wall_time now) {
  constexpr std::int64_t minute_us = 60'000'000;
  std::string after{due_prefix};
  keys::add_number(after, static_cast<std::uint64_t>(due_from_us_));
  auto rows = env_.store.scan(due_prefix, after, events_a_turn);
  if (!rows)
    return;
  std::map<events::sandbox_id, std::vector<due>> by_sandbox;
  auto first = now.us;
  for (const auto& r : *rows)
    if (const auto one = due_of(r.key)) {
      first = std::min(first, one->at.us);
      if (one->at <= now)
        by_sandbox[one->sandbox].push_back(*one);
    }
  due_from_us_ = std::max<std::int64_t>(first - minute_us, 0);
  for (auto& [sandbox, of] : by_sandbox)
    take({sandbox, std::move(of)});
}

/// A page of the registry a round.
void keeper::find_by_setting(events::wall_time now) {
  if (!looking_) {
    if (began_ &&
        now.us - began_->us < std::chrono::microseconds{env_.options.retention_every}.count() &&
        now >= *began_)
      return;
    began_ = now;
    looking_ = true;
    cursor_.clear();
  }
  auto rows = env_.store.scan(registry::sandbox_prefix, cursor_, sandboxes_a_round);
  if (!rows)
    return;
  looking_ = rows->size() == sandboxes_a_round;
  if (looking_)
    cursor_ = rows->back().key;
  for (const auto& r : *rows)
    if (settings_of(r.value) != mock::retention_settings{})
      if (const auto id =
              registry::id_of(std::string_view{r.key}.substr(registry::sandbox_prefix.size())))
        take({*id, {}});
}

/// By a row, what is busy is found again by itself.
void keeper::take(task t) {
  {
    const std::lock_guard lock{mutex_};
    if (busy_.contains(t.sandbox) || busy_.size() >= turns_a_round) {
      if (t.of.empty())
        again_.push_back(std::move(t));
      return;
    }
    busy_.insert(t.sandbox);
  }
  const auto sandbox = t.sandbox;
  std::shared_ptr<void> busy{this, [self = shared_from_this(), sandbox](void*) {
                               self->ended(sandbox);
                             }}; // whoever drops the work says so, too
  env_.post_for(sandbox, [self = shared_from_this(), t = std::move(t), busy = std::move(busy)] {
    self->work_on(t, busy);
  });
}

/// On a reader thread.
void keeper::work_on(const task& t, const std::shared_ptr<void>& busy) {
  const auto row = env_.store.get(registry::sandbox_key(t.sandbox));
  if (!row)
    return;
  if (!*row) { // it was deleted: nothing can be added to its stream
    std::vector<storage::row> done;
    for (const auto& one : t.of) {
      done.push_back(row_of(one));
      done.back().remove = true;
    }
    (void)env_.store.put(done);
    return;
  }
  const auto by = settings_of(**row);
  auto made = t.of.empty() ? turn_of(env_.store, t.sandbox, by, wall_now())
                           : turn_of(env_.store, t.sandbox, t.of, by, wall_now());
  if (!made)
    return put_off(t);                   // that it does not verify is told to whoever asks for it
  if (made->what.items.empty())
    return write_down(t, *made, {}, busy);
  auto what = made->what;
  auto then = [self = shared_from_this(), t, busy,
               made = std::make_shared<const turn>(std::move(*made))](
                  const events::outcome<receipt>& r) {
    // On the journal's thread, which may not wait for the disk.
    self->env_.post_for(t.sandbox,
                        [self, t, busy, made, reply = r ? std::optional{r->reply} : std::nullopt] {
                          reply ? self->write_down(t, *made, *reply, busy) : self->put_off(t);
                        });
  };
  if (!submit_(t.sandbox, webhook::command{std::move(what)}, std::move(then)))
    put_off(t);
}

void keeper::write_down(const task& t, const turn& made, std::string_view reply, const std::shared_ptr<void>& busy) {
  if (!env_.store.put(rows_after(made, reply, t.sandbox, wall_now())))
    return; // found again where it was
  if (!made.more)
    return;
  auto next = t;
  if (++next.in_a_row <= turns_in_a_row)
    return work_on(next, busy);
  next.in_a_row = 1;
  const std::lock_guard lock{mutex_};
  again_.push_back(std::move(next));
}

/// A sandbox that cannot take it now must not keep others from their turn.
void keeper::put_off(const task& t) {
  std::vector<storage::row> rows;
  for (auto one : t.of) {
    rows.push_back(row_of(one));
    rows.back().remove = true;
    one.at.us = wall_now().us + hour_us;
    rows.push_back(row_of(one));
  }
  (void)env_.store.put(rows);
}

void keeper::ended(const events::sandbox_id& sandbox) {
  const std::lock_guard lock{mutex_};
  busy_.erase(sandbox);
}

} // namespace hourglass::actors::retention
