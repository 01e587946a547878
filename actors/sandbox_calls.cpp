#include "actors/outbound_calls.hpp"
#include "actors/plugins.hpp"
#include "actors/sandbox.hpp"
#include "mock/forward_limits.hpp"
#include "mock/outbound_limits.hpp"

#include <chrono>
#include <utility>

// Calls to the outside that serving a request wants (docs/decisions/051-outbound-calls.md). The request has left the pipeline, so others go on; it is inside,
// so the sandbox stays awake. When its calls have come back it enters the pipeline again, at the end, with what they came to and the moment and chance it had.
namespace hourglass::actors {

using namespace std::chrono_literals;

namespace {

template <class Message> // a call or its outcome
std::size_t bytes_of(const Message& m) {
  auto out = m.body.size();
  for (const auto& [name, value] : m.headers)
    out += name.size() + value.size();
  return out;
}

std::size_t bytes_of(const std::vector<mock::outbound_call>& calls) {
  std::size_t out = 0;
  for (const auto& c : calls)
    out += c.url.size() + bytes_of(c);
  return out;
}

std::size_t bytes_come(const call_round& round) {
  std::size_t out = 0;
  for (const auto& o : round.came)
    out += o ? bytes_of(*o) : 0;
  return out;
}

/// Instead of an answer that there is no room for. The call was made all the same.
mock::outbound_outcome too_large(const mock::outbound_outcome& what, std::string message) {
  auto out = mock::outbound_outcome::failed("too_large", std::move(message));
  out.took_us = what.took_us;
  return out;
}

events::error stopping() { return {events::errc::unavailable, "the sandbox left memory while calls were under way; nothing was changed", {}}; }

/// Not what the outside said, but that nobody was asked: nothing that is to be written down.
std::optional<events::error> reason_to_give_up(const call_round& round) {
  for (const auto& o : round.came)
    if (o && o->error == "cancelled")
      return stopping();
  return std::nullopt;
}

/// Why calls cannot be made now. If they can, what they are counts as in hand until the request is answered.
std::optional<std::string> fault_of_room(const std::vector<mock::outbound_call>& calls, std::size_t under_way, request_job& job, std::size_t most) {
  if (under_way + calls.size() > limits::outbound_in_flight_per_sandbox)
    return "this sandbox has too many calls under way (outbound_in_flight_per_sandbox, " + std::to_string(limits::outbound_in_flight_per_sandbox) + ")";
  if (!job.inside.carry(bytes_of(calls), most))
    return "the calls of this request are more than this sandbox may have in hand (in_flight_bytes_per_sandbox, " + std::to_string(most) + ")";
  return std::nullopt;
}

} // namespace

void sandbox_actor::on_want_calls(const want_calls& m) {
  const auto& job = m.job;
  if (auto why = refusal(false, false))
    return job->answer(tl::unexpected<events::error>{std::move(*why)});
  const auto no_room = fault_of_room(*m.calls, calls_under_way_, *job, env_.options.bytes_per_sandbox);
  if (no_room && !job->request.calls)
    return job->answer(events::failure(events::errc::overloaded, *no_room));
  const auto number = ++last_round_;
  const auto now = std::chrono::steady_clock::now();
  if (!job->calls_end)
    job->calls_end = now + limits::outbound_time;
  auto& round = rounds_[number];
  round.job = job;
  round.calls = std::move(*m.calls);
  round.came.resize(round.calls.size());
  round.missing = round.calls.size();
  if (no_room) { // calls before these were made, which must be in the log: these fail instead of the request
    for (std::size_t i = 0; i < round.came.size(); ++i)
      round.take(i, mock::outbound_outcome::failed("overloaded", *no_room));
    return end_round(rounds_.find(number));
  }
  delayed_send(this, std::max(std::chrono::ceil<std::chrono::milliseconds>(*job->calls_end - now), std::chrono::milliseconds{0}), round_over{number});
  auto self = caf::actor_cast<caf::weak_actor_ptr>(caf::strong_actor_ptr{ctrl()});
  for (std::size_t i = 0; i < round.calls.size(); ++i) {
    const auto& call = round.calls[i];
    if (call.kind == mock::outbound_kind::delay) {
      delayed_send(this, env_.holds_nothing_back ? std::chrono::milliseconds{0} : call.timeout, call_made{number, i, std::make_shared<mock::outbound_outcome>()});
      continue;
    }
    ++calls_under_way_;
    if (call.kind == mock::outbound_kind::plugin) {
      call_plugin(job, call, number, i);
      continue;
    }
    give_up_after(call.timeout, number, i);
    if (is_inner(call)) {
      ask_inside(number, i, call);
      continue;
    }
    const bool forward = call.kind == mock::outbound_kind::forward;
    env_.client.send(exchange_of(call, id_.to_string()), [self, number, i, forward](http::exchange_result r) {
      auto what = std::make_shared<mock::outbound_outcome>(outcome_of(std::move(r), forward ? limits::forward_body_bytes : limits::outbound_answer_bytes));
      if (auto strong = self.lock())
        caf::anon_send(caf::actor_cast<caf::actor>(strong), call_made{number, i, std::move(what), true});
    });
  }
}

/// The client counts from when there is a connection; who waits for one waits no longer than for an answer.
void sandbox_actor::give_up_after(std::chrono::milliseconds time, std::uint64_t number, std::size_t which) {
  using namespace std::chrono_literals;
  auto late = mock::outbound_outcome::failed("timeout", "no answer came within " + std::to_string(time.count()) + " ms");
  late.took_us = std::chrono::microseconds{time}.count();
  delayed_send(this, time + 1s, call_made{number, which, std::make_shared<mock::outbound_outcome>(std::move(late))});
}

void sandbox_actor::call_plugin(const request_ptr& job, const mock::outbound_call& call, std::uint64_t number, std::size_t which) {
  auto self = caf::actor_cast<caf::weak_actor_ptr>(caf::strong_actor_ptr{ctrl()});
  auto tell = [self, number, which](mock::outbound_outcome o) {
    auto what = std::make_shared<mock::outbound_outcome>(std::move(o));
    if (auto strong = self.lock())
      caf::anon_send(caf::actor_cast<caf::actor>(strong), call_made{number, which, std::move(what), true});
  };
  const auto id = id_.to_string();
  const auto plugin = env_.plugins.find(call.url);
  if (!plugin || !plugin->what.is_for(id))
    return tell(mock::outbound_outcome::failed("unknown", "this sandbox has no such plugin"));
  if (!plugin->what.unusable.empty()) // why is the operator's to see
    return tell(mock::outbound_outcome::failed("unusable", "what is stored of this plugin cannot be used any more; the operator has to put it again"));
  if (!plugin->what.is_script()) {
    const auto now = wall_now();
    give_up_after(plugin->what.timeout, number, which);
    const auto message = events::make_id("plg_", now.us / 1000, events::draw_entropy());
    return env_.client.send(exchange_of(plugin->what, call, id, message, now.us / 1'000'000),
                            [tell](http::exchange_result r) { tell(outcome_of_service(outcome_of(std::move(r)))); });
  }
  if (!env_.options.scripts)
    return tell(mock::outbound_outcome::failed("unavailable", "this node has no engine for scripts"));
  const auto known = job->request.calls ? job->request.calls->size() : 0;
  const auto place = std::to_string(known) + "/" + std::to_string(which);
  turns_->take([engine = env_.options.scripts, task = task_of(*plugin, call, id, job->ctx, place), tell, turns = turns_] {
    engine->run(task, [tell, turns, begin = std::chrono::steady_clock::now()](mock::script_outcome o) {
      auto made = outcome_of_script(std::move(o));
      made.took_us = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin).count();
      tell(std::move(made));
      turns->give_back();
    });
  });
}

/// Another sandbox of this node, or this one: through its door, as if from outside.
void sandbox_actor::ask_inside(std::uint64_t number, std::size_t which, const mock::outbound_call& call) {
  const auto began = std::chrono::steady_clock::now();
  auto asked = inner_request_of(call, id_.to_string());
  const auto* correlation = mock::find(call.headers, "x-correlation-id");
  auto self = caf::actor_cast<caf::weak_actor_ptr>(caf::strong_actor_ptr{ctrl()});
  env_.ask_inside(asked.sandbox, std::move(asked.what), {"sandbox:" + id_.to_string(), correlation != nullptr ? *correlation : std::string{}},
                  [self, number, which, call, began](events::outcome<mock::response> answer) {
                    const auto took = std::chrono::steady_clock::now() - began;
                    auto later = answer ? answer->dribble : std::chrono::milliseconds{0};
                    if (answer && answer->fault == mock::wire_fault::drop)
                      later = std::max(call.timeout - std::chrono::duration_cast<std::chrono::milliseconds>(took), std::chrono::milliseconds{0});
                    auto what = std::make_shared<mock::outbound_outcome>(
                      outcome_of(std::move(answer), call, std::chrono::duration_cast<std::chrono::microseconds>(took + later).count()));
                    if (auto strong = self.lock())
                      caf::delayed_anon_send(caf::actor_cast<caf::actor>(strong), later, call_made{number, which, std::move(what), true});
                  });
}

void sandbox_actor::on_call_made(const call_made& m) {
  if (m.came_back)
    --calls_under_way_;
  auto found = rounds_.find(m.number);
  if (found == rounds_.end()) // it was late, and its request has gone on without
    return;
  auto& round = found->second;
  if (round.came[m.which])
    return;
  auto what = std::move(*m.what);
  // What has come stays in memory until the last has come, which may take long: it counts at once.
  const auto kind = round.calls[m.which].kind;
  if ((kind == mock::outbound_kind::http || kind == mock::outbound_kind::plugin) && bytes_come(round) + bytes_of(what) > limits::outbound_bytes)
    what = too_large(what, "the answer is, with the other calls of this request, more than the limit outbound_bytes (" + std::to_string(limits::outbound_bytes) + ")");
  if (!round.job->inside.carry(bytes_of(what), env_.options.bytes_per_sandbox))
    what = too_large(what, "the answer is more than this sandbox may have in hand (in_flight_bytes_per_sandbox)");
  if (round.take(m.which, std::move(what)) && round.missing == 0)
    end_round(found);
}

/// The time of all its calls is over: those that have not come back have failed.
void sandbox_actor::on_round_over(const round_over& m) {
  auto found = rounds_.find(m.number);
  if (found == rounds_.end())
    return;
  auto& round = found->second;
  for (std::size_t i = 0; i < round.came.size(); ++i)
    if (!round.came[i])
      round.take(i, mock::outbound_outcome::failed("timeout", "the calls of this request took longer than the limit outbound_time (" +
                                                                std::to_string(limits::outbound_time.count()) + " s)"));
  end_round(found);
}

void sandbox_actor::end_round(std::map<std::uint64_t, call_round>::iterator which) {
  auto round = std::move(which->second);
  rounds_.erase(which);
  const auto& job = round.job;
  if (auto why = reason_to_give_up(round))
    return job->answer(tl::unexpected<events::error>{std::move(*why)});
  std::vector<mock::outbound_outcome> outcomes;
  for (auto& o : round.came)
    outcomes.push_back(std::move(*o));
  job->request.calls = mock::with_round(job->request.calls, std::move(round.calls), std::move(outcomes));
  on_request(job);
}

/// The server stops: nobody waits for time to pass any more.
void sandbox_actor::end_delays() {
  for (const auto& [number, round] : rounds_)
    for (std::size_t i = 0; i < round.calls.size(); ++i)
      if (round.calls[i].kind == mock::outbound_kind::delay && !round.came[i])
        send(this, call_made{number, i, std::make_shared<mock::outbound_outcome>()});
}

void sandbox_actor::abandon_rounds() {
  for (auto& [number, round] : std::exchange(rounds_, {}))
    round.job->answer(tl::unexpected<events::error>{stopping()});
}

} // namespace hourglass::actors
