#include "actors/children.hpp"
#include "actors/deciding.hpp"

#include <algorithm>
#include <stdexcept>

namespace hourglass::actors {

clock_actor::clock_actor(caf::actor_config& cfg, mock::clock_state state, resident_ptr door, caf::actor sandbox,
                         std::uint32_t generation)
  : caf::event_based_actor(cfg),
    state_(state),
    door_(std::move(door)),
    sandbox_(std::move(sandbox)),
    generation_(generation),
    question_(std::uint64_t{generation} << 32U) {
}

caf::behavior clock_actor::make_behavior() {
  after_change(); // an advance that a crash cut short goes on
  return {
    [this](const do_change& m) { change(m.job); },
    [this](const due_is& m) {
      due_ = m.at;
      arm();
    },
    [this](const settled& m) {
      if (m.question == question_)
        step(m);
    },
    [this](const tick& m) {
      if (m.generation != timer_ || !due_)
        return;
      if (*due_ <= mock::now(state_, wall_now()))
        send(sandbox_, fire_due{});
      else
        arm();
    },
    [](const crash_child&) { throw std::runtime_error{"crashed on purpose"}; },
  };
}

void clock_actor::change(const change_ptr& job) {
  events::header at;
  at.wall = job->ctx.wall;
  at.virtual_ = job->ctx.now;
  auto p = decide_change<mock::clock_command>(
    state_, job, child::clock, generation_,
    [this, &at](events::kind kind, std::string_view payload) { return mock::apply(state_, kind, payload, at); });
  if (!p)
    return;
  send(sandbox_, propose{p});
  if (!p->parts.front().drafts.empty())
    after_change();
}

/// A command of our own: a step of an advance.
bool clock_actor::carry_out(const mock::clock_command& what) {
  auto p = std::make_shared<proposal>();
  p->from = child::clock;
  p->generation = generation_;
  auto& part = p->parts.emplace_back();
  part.ctx.wall = wall_now();
  part.ctx.now = mock::now(state_, part.ctx.wall);
  part.ctx.chance = events::draw_entropy();
  part.ctx.principal = "system";
  auto decided = mock::decide(state_, what, part.ctx);
  if (!decided)
    return false;
  events::header at;
  at.wall = part.ctx.wall;
  for (auto& d : decided->events) {
    if (!mock::apply(state_, d.kind, d.payload, at))
      throw std::logic_error{"the clock cannot fold its own event"};
  }
  // The event stands at the time to which it has moved the clock.
  part.ctx.now = mock::now(state_, part.ctx.wall);
  part.drafts = std::move(decided->events);
  if (!part.drafts.empty())
    send(sandbox_, propose{std::move(p)});
  return true;
}

void clock_actor::after_change() {
  arm();
  if (state_.mode != mock::clock_mode::advancing) {
    advancing_.release();
    return;
  }
  if (!advancing_)
    advancing_ = hold::follow(door_);
  send(sandbox_, settle{++question_});
}

/// Everything due so far has been fired and answered: on to the next due moment, a backlog's whole second, or the end.
void clock_actor::step(const settled& s) {
  if (state_.mode != mock::clock_mode::advancing || !state_.target)
    return;
  auto target = *state_.target;
  if (s.next && *s.next <= target) {
    if (!carry_out(mock::move_clock{std::min(target, std::max(*s.next, state_.at) + s.together)}))
      throw std::logic_error{"the clock refused a step of its own advance"};
    send(sandbox_, settle{++question_});
    return;
  }
  if (state_.at < target && !carry_out(mock::move_clock{target}))
    throw std::logic_error{"the clock refused the last step of its own advance"};
  if (!carry_out(mock::finish_advance{}))
    throw std::logic_error{"the clock refused to end its own advance"};
  after_change();
}

/// Arms the one timer; CAF's cannot be cancelled, so an older one is told by its number.
void clock_actor::arm() {
  ++timer_;
  if (!due_)
    return;
  auto now = wall_now();
  auto when = mock::wall_for(state_, *due_, now);
  if (!when)
    return;
  // In short steps: CAF keeps the target of a pending timer in memory, and a system clock that jumps is noticed.
  constexpr std::int64_t longest = 30'000'000;
  auto delay = std::min(when->us - now.us, longest);
  delayed_send(this, std::chrono::microseconds{delay}, tick{timer_});
}

void clock_actor::on_exit() {
  advancing_.release();
  sandbox_ = nullptr;
}

} // namespace hourglass::actors
