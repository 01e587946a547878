#include "actors/children.hpp"

#include "actors/transformation_task.hpp"
#include "events/codec.hpp"
#include "http/media_type.hpp"
#include "webhook/limits.hpp"

#include <limits>

// What a destination's script makes of a message before it is sent (docs/decisions/039-transformations.md). It runs at the engine, which tells us
// by a message; until then the attempt is under way. A few of a sandbox at once: its requests use the same engine.

namespace hourglass::actors {

namespace {

webhook::attempt_result failed(std::string why, events::wall_time at) {
  constexpr std::int64_t us_per_second = 1'000'000;
  webhook::attempt_result out;
  out.answer.error = http::transport_error::transformation;
  out.answer.detail = std::move(why);
  out.timestamp = at.us / us_per_second;
  out.started_us = at.us;
  return out;
}

} // namespace

void outbox_actor::make_first(webhook::start s, content_ptr content) {
  (s.transform ? to_make_ : to_gather_).push_back({std::move(s), std::move(content), nullptr});
  go_on_making();
}

/// What was made is held until its attempt has ended, and is no other's; so it is bounded as bodies are. A batch waits for no other destination's script.
void outbox_actor::go_on_making() {
  const auto go_on = [this](std::deque<making>& with, std::size_t at_engine_most) {
    while (!with.empty() && at_engine_.size() < at_engine_most && bytes_made_ < env_.options.bytes_under_way_per_sandbox) {
      auto one = std::move(with.front());
      with.pop_front();
      make(std::move(one));
    }
  };
  go_on(to_gather_, std::numeric_limits<std::size_t>::max());
  go_on(to_make_, limits::transformations_at_once);
  keep_awake();
}

/// What it was for is gone or may not go now: as if never taken.
void outbox_actor::let_go(webhook::fencing_token token) {
  webhook::give_back(state_, token);
  if (!std::exchange(taking_more_, true)) // another may have its turn now
    send(this, take_more{});
}

void outbox_actor::make(making one) {
  if (!webhook::still_wanted(state_, one.what.token)) // it had to wait, and its endpoint was removed or disabled, or its delivery taken back, and its message erased
    return let_go(one.what.token);
  if (one.what.members && !one.what.transform)
    return send_batch(std::move(one.what));
  auto* engine = env_.options.scripts.get();
  if (engine == nullptr)
    return end_attempt(one.what.token, failed("this node has no engine for scripts", wall_now()));
  const auto& s = one.what;
  if (s.members)
    return end_attempt(s.token, failed("a transformation takes one message, and this is a batch that was formed before there was one; as it is it may hold what the "
                                       "transformation is there to keep back", wall_now()));
  if (!s.content_type.empty() && !http::is_json_type(s.content_type))
    return end_attempt(s.token, failed("a transformation takes JSON, and this message is " + s.content_type, wall_now()));
  auto at = moment_of(s.message->seq);
  if (!at) {
    bodiless_.push_back(s.token);
    if (at.error().code == events::errc::corrupt)
      send(sandbox_, log_is_corrupt{at.error()});
    return try_again_soon();
  }
  auto input = webhook::script_input(*s.transform, s.url, s.message->event_type, one.content->body, one.content->params);
  auto task = transformation_task(id_.to_string(), s.transform->code, std::move(input), *at,
                                  chance_of_delivery(s.message->id, s.destination));
  one.inside = std::make_shared<hold>(hold::follow(door_));
  const auto token = s.token;
  auto inside = one.inside;
  at_engine_.emplace(token, std::move(one));
  auto self = caf::actor_cast<caf::weak_actor_ptr>(caf::strong_actor_ptr{ctrl()});
  engine->run(std::move(task), [self, token, inside](mock::script_outcome outcome) {
    auto made = std::make_shared<const mock::script_outcome>(std::move(outcome));
    if (auto strong = self.lock())
      caf::anon_send(caf::actor_cast<caf::actor>(strong), webhook_made{token, std::move(made), inside});
  });
}

void outbox_actor::on_made(const webhook_made& m) {
  auto known = at_engine_.find(m.token);
  if (known == at_engine_.end())
    return;
  auto one = std::move(known->second);
  at_engine_.erase(known);
  if (!webhook::still_wanted(state_, m.token)) {
    let_go(m.token);
    return go_on_making();
  }
  auto made = result_of(*m.outcome, one.what.transform->code, one.what.profile);
  if (made && !made->cancel)
    if (auto fits = webhook::may_go(one.what, *made); !fits)
      made = tl::unexpected<events::error>{std::move(fits).error()};
  if (!made && made.error().code == events::errc::unavailable) { // nobody had time for it: as if never taken
    bodiless_.push_back(m.token);
    try_again_soon();
  } else if (!made) {
    end_attempt(m.token, failed(made.error().detail, wall_now()));
  } else if (made->cancel) {
    webhook::attempt_result nothing_sent;
    nothing_sent.started_us = wall_now().us;
    nothing_sent.transformed.emplace().cancelled = true;
    end_attempt(m.token, std::move(nothing_sent));
  } else {
    webhook::take_over(one.what, *made);
    auto body = std::make_shared<const std::string>(std::move(made->body));
    note_made(m.token, body->size());
    send_out(std::move(one.what), body, webhook::sent_instead{false, std::move(made->method), std::move(made->url)});
  }
  go_on_making();
}

/// By a message, as if it had been sent: whoever takes attempts may be in the middle of it.
void outbox_actor::end_attempt(webhook::fencing_token token, webhook::attempt_result result) {
  send(this, attempt_done{token, std::make_shared<webhook::attempt_result>(std::move(result)), std::make_shared<hold>(hold::follow(door_))});
}

void outbox_actor::note_made(webhook::fencing_token token, std::size_t bytes) {
  made_.emplace(token, bytes);
  bytes_made_ += bytes;
}

void outbox_actor::note_sent(webhook::fencing_token token) {
  if (auto known = made_.find(token); known != made_.end()) {
    bytes_made_ -= known->second;
    made_.erase(known);
    go_on_making();
  }
}

/// A script's clock stands where its message was created, so that a retry gives the same.
events::outcome<events::virtual_time> outbox_actor::moment_of(events::seq message) const {
  auto raw = env_.store.read_raw(id_, message);
  if (!raw)
    return tl::unexpected<events::error>{std::move(raw).error()};
  if (!*raw)
    return events::failure(events::errc::corrupt, "a pending message is not in the log");
  return events::decode_header(**raw).map([](const events::header& h) { return h.virtual_; });
}

} // namespace hourglass::actors
