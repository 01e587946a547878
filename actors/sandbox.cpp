#include "actors/sandbox.hpp"

#include "actors/deciding.hpp"
#include "actors/once.hpp"
#include "actors/pruning.hpp"

#include <type_traits>

// The door: who comes in, and which child decides. What becomes of it stands in sandbox_stream.cpp, the children's lives in sandbox_children.cpp.
namespace hourglass::actors {

namespace {

/// Which child decides a change.
template <class T>
constexpr child decider() {
  if constexpr (std::is_same_v<T, mock::endpoint_command> || std::is_same_v<T, look<mock::endpoint_state>>)
    return child::endpoint;
  else if constexpr (std::is_same_v<T, mock::data_command> || std::is_same_v<T, look<mock::data_state>>)
    return child::data;
  else if constexpr (std::is_same_v<T, mock::clock_command> || std::is_same_v<T, look<mock::clock_state>>)
    return child::clock;
  else if constexpr (std::is_same_v<T, webhook::command> || std::is_same_v<T, look<webhook::outbox_state>>)
    return child::outbox;
  else
    return child::sandbox;
}

child decider_of(const std::variant<command, reading>& what) {
  return std::visit([](const auto& either) { return std::visit([](const auto& c) { return decider<std::decay_t<decltype(c)>>(); }, either); },
                    what);
}

template <class What>
bool asks_for(const change_job& job) {
  auto* c = std::get_if<command>(&job.what);
  auto* s = c ? std::get_if<mock::settings_command>(c) : nullptr;
  return s && std::holds_alternative<What>(*s);
}

} // namespace

sandbox_actor::sandbox_actor(caf::actor_config& cfg, environment& env, registry::uid_claims& uids, resident_ptr door)
  : caf::event_based_actor(cfg), env_(env), uids_(uids), door_(std::move(door)), id_(door_->id()) {
}

caf::behavior sandbox_actor::make_behavior() {
  set_down_handler([this](caf::down_msg& m) { on_down(m.source); });
  fetch();
  return {
    [this](const serve_request& m) { on_request(m.job); },
    [this](const propose& m) { on_propose(m.what); },
    [this](const do_change& m) { on_change(m.job); },
    [this](const due_is& m) {
      if (!outbox_ || outbox_ != current_sender())
        return; // of one that was replaced
      outbox_due_ = m.at;
      outbox_spoke_ = true;
      if (timekeeper_)
        send(timekeeper_, m);
      renew_who_waited();
    },
    [this](const fire_due& m) {
      if (outbox_ && !over())
        send(outbox_, m);
    },
    [this](const settle& m) {
      settling_ = m; // an outbox that is being rebuilt is asked when it is there
      if (outbox_)
        send(outbox_, m);
    },
    [this](const settled& m) {
      if (timekeeper_)
        send(timekeeper_, m);
    },
    [this](const log_is_corrupt& m) {
      if (outbox_ && outbox_ == current_sender())
        degrade(m.why);
    },
    [this](const loaded& m) { on_loaded(m); },
    [this](const append_failed& m) { on_append_failed(m); },
    [this](const restart_children&) { restart(); },
    [this](const renew_due& m) { on_renew_due(m); },
    [this](const hold_back& m) { on_hold_back(m); },
    [this](const give_late& m) { on_give_late(m); },
    [this](const want_calls& m) { on_want_calls(m); },
    [this](const call_made& m) { on_call_made(m); },
    [this](const round_over& m) { on_round_over(m); },
    [this](const give_snapshot& m) { on_snapshot(m.job); },
    [this](const retire&) { on_retire(); },
    [this](const crash_child& m) {
      auto& who = m.which == child::endpoint ? endpoint_ : m.which == child::data ? data_ : m.which == child::clock ? timekeeper_ : outbox_;
      if (who)
        send(who, m);
    },
  };
}

// -- letting work in ------------------------------------------------------------------

std::optional<events::error> sandbox_actor::refusal(bool creating, bool deleting) {
  if (phase_ == phase::degraded)
    return events::error{events::errc::unavailable, "this sandbox is degraded: " + why_degraded_.detail, {}};
  const bool there = settings_.phase == mock::settings_state::life::live && (deleting || !over());
  if (!creating && !there)
    return events::error{events::errc::not_found, "no such sandbox", {}};
  return std::nullopt;
}

/// Deleted, or its time to live has passed: then it deletes itself, since the directory finds out only when it comes by.
bool sandbox_actor::over() {
  using life = mock::settings_state::life;
  auto expires = settings_.phase == life::live ? settings_.expires() : std::nullopt;
  const bool expired = expires && *expires <= wall_now();
  if (expired && !std::exchange(deleting_, true))
    send(this, do_change{deletion(hold::follow(door_))});
  return expired || settings_.phase == life::deleted;
}

void sandbox_actor::stamp(events::context& ctx) {
  ctx.wall = wall_now();
  ctx.now = mock::now(clock_, ctx.wall);
  ctx.chance = events::draw_entropy();
  door_->touch(ctx.wall.us);
}

void sandbox_actor::on_request(const request_ptr& job) {
  if (phase_ == phase::loading) {
    waiting_.emplace_back(job);
    return;
  }
  if (auto why = refusal(false, false))
    return job->answer(tl::unexpected<events::error>{std::move(*why)});
  if (!job->request.calls) { // it comes again with its calls, and is the same request
    stamp(job->ctx);
    if (!settings_.seed.empty()) {
      stamped_ = std::max(stamped_, settings_.drawn) + 1;
      job->ctx.chance = settings_.chance_of_request(stamped_);
    }
  }
  send(endpoint_, serve_request{job});
}

void sandbox_actor::on_change(const change_ptr& job) {
  if (phase_ == phase::loading) {
    waiting_.emplace_back(job);
    return;
  }
  if (auto why = refusal(asks_for<mock::create_sandbox>(*job), asks_for<mock::delete_sandbox>(*job)))
    return job->answer(tl::unexpected<events::error>{std::move(*why)});
  stamp(job->ctx);
  if (job->once && answered_before(*job))
    return;
  switch (decider_of(job->what)) {
    case child::endpoint: return send(endpoint_, do_change{job});
    case child::data: return send(data_, do_change{job});
    case child::clock: return send(timekeeper_, do_change{job});
    case child::outbox: return send(outbox_, do_change{job});
    case child::sandbox: return decide_settings(job);
  }
}

/// Asked here, behind everything that may have made it: a change whose outcome its caller never learned is in the store by now, or never
/// will be. Two at the same moment are kept apart by whoever gives the names.
bool sandbox_actor::answered_before(change_job& job) {
  auto before = find_once(env_.store, job.once->name, job.ctx.wall);
  if (before && !*before)
    return false;
  if (!before)
    job.answer(tl::unexpected<events::error>{std::move(before).error()});
  else if ((*before)->fingerprint != job.once->fingerprint)
    job.answer(events::failure(events::errc::conflict, "another request was made under this name"));
  else
    job.answer(std::move((*before)->done));
  return true;
}

/// The sandbox itself is ours to decide: its rows in the registry change with it.
void sandbox_actor::decide_settings(const change_ptr& job) {
  auto before = settings_;
  events::header at;
  at.wall = std::max(job->ctx.wall, head_.wall);
  at.virtual_ = job->ctx.now;
  auto after = settings_;
  auto p = decide_change<mock::settings_command>(
    settings_, job, child::sandbox, generation(child::sandbox),
    [&](events::kind kind, std::string_view payload) { return mock::apply(after, kind, payload, at); });
  if (!p)
    return;
  auto& part = p->parts.front();
  if (!part.drafts.empty()) {
    if (!after.uid.empty() && after.uid != before.uid) {
      if (auto free = uids_.claim(env_.store, after.uid, id_); !free)
        return job->answer(tl::unexpected<events::error>{std::move(free).error()});
      // Given back when the caller has his answer: by then the row stands, or never will.
      job->done = [&uids = uids_, uid = after.uid, done = std::move(job->done)](events::outcome<receipt> r) {
        uids.release(uid);
        done(std::move(r));
      };
    }
    if (after.seed != before.seed)
      stamped_ = 0;
    settings_ = after;
    if (settings_.uid == catalogue_uid)
      env_.schemas->catalogue_is(id_);
    if (outbox_ && settings_.schema_check != before.schema_check)
      send(outbox_, check_is{schema_check_of(settings_.schema_check)});
    if (settings_.phase != mock::settings_state::life::live)
      fall_silent();
    else if (part.reply.empty()) // a portal's says what it is itself
      part.reply = mock::to_json(settings_, id_.to_string());
  }
  if (job->reply_override)
    part.reply.insert(part.reply.rfind('}'), *job->reply_override);
  auto rows = part.drafts.empty() ? std::vector<storage::row>{} : registry::rows_for(before, settings_, id_);
  if (settings_.phase != before.phase && settings_.phase == mock::settings_state::life::deleted)
    rows.push_back(pruning::row_of(pruning::deleted{id_, at.wall, {}}));
  append(p, std::move(rows));
}

} // namespace hourglass::actors
