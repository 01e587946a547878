#include "actors/children.hpp"

#include "events/codec.hpp"
#include "webhook/batching.hpp"

#include <algorithm>

// How the outbox sends: what is due is taken, held back until what led to it is durable, and handed to the dispatcher with its body.

namespace hourglass::actors {

namespace {

constexpr std::size_t most_taken_at_once = 256;

} // namespace

/// One round: their bodies may have to be read from the disk, and others wait for us meanwhile.
void outbox_actor::pump() {
  const auto moment = now();
  scan(moment); // what fell due between two looks at the clock nobody would be told of
  let_time_pass();
  if (webhook::has_expired(state_, moment) && !std::exchange(expiring_, true))
    take({.expire = true});
  if (webhook::has_batches(state_, moment) && !std::exchange(forming_, true))
    take({.form = true});
  auto starts = webhook::take_due(state_, moment, most_taken_at_once, env_.options.bytes_under_way_per_sandbox);
  const bool more = starts.size() == most_taken_at_once;
  for (auto& s : starts) {
    if (auto gate = gate_of(s); gate > durable_)
      gated_.push_back({gate, std::move(s)});
    else
      send_attempt(std::move(s));
  }
  keep_awake();
  keep_pace(moment);
  if (!more)
    tell_due();
  else if (!std::exchange(taking_more_, true))
    send(this, take_more{});
  tell_backlog();
  answer_settle();
}

// -- figures --------------------------------------------------------------------------

/// Before it is applied.
void outbox_actor::count(const webhook::fact& f, events::virtual_time at) {
  using webhook::outcome_kind;
  auto& to = env_.webhooks;
  if (std::holds_alternative<webhook::message_created>(f))
    return to.accepted();
  if (std::holds_alternative<webhook::delivery_expired>(f))
    return to.expired();
  const auto* a = std::get_if<webhook::attempt_finished>(&f);
  if (a == nullptr)
    return;
  if (a->follows != outcome_kind::delivered) {
    if (a->batch.left == 0) // a batch is one attempt
      to.failed();
    if (a->follows == outcome_kind::dead)
      to.died();
    return;
  }
  if (const auto pending = state_.pending(a->destination, a->message.seq); pending && !a->detached)
    to.delivered(events::duration{at.us - pending->since.us});
  else
    to.delivered(); // since when it was due nobody knows any more
}

/// At most once a second.
void outbox_actor::tell_backlog() {
  constexpr std::int64_t pause_us = 1'000'000;
  if (telling_)
    return;
  const auto wall = wall_now();
  if (const auto since = wall.us - told_backlog_.us; since >= 0 && since < pause_us) {
    telling_ = true;
    return delayed_send(this, std::chrono::microseconds{pause_us - since}, backlog_tick{});
  }
  told_backlog_ = wall;
  say_backlog();
}

/// When it leaves memory too: else it would say for ever what waited a moment before.
void outbox_actor::say_backlog() {
  constexpr std::size_t lines_most = 5; // a sandbox
  if (door_->silent())
    env_.webhooks.forget(id_);
  else
    env_.webhooks.put(id_, webhook::backlog_of(state_, now(), lines_most), wall_now());
}

/// While the sandbox's clock stands its rates go by the node's: what they keep back would wait for ever, or all go at once.
void outbox_actor::let_time_pass() {
  if (clock_.mode != mock::clock_mode::frozen)
    return stands_since_.reset();
  const auto wall = wall_now();
  if (stands_since_ && *stands_since_ < wall)
    webhook::pass_pace(state_, events::duration{wall.us - stands_since_->us});
  stands_since_ = wall;
}

void outbox_actor::keep_pace(events::virtual_time moment) {
  const auto wait = stands_since_ ? webhook::paced_for(state_, moment) : std::nullopt;
  if (!wait)
    return paced_.release();
  if (!paced_)
    paced_ = hold::follow(door_);
  if (!std::exchange(pacing_, true))
    delayed_send(this, *wait, pace_tick{});
}

/// What must be durable before it leaves, or a receiver would learn of what never happened: its message; all that says where, how and whether to
/// send; and for a retry, or in a line, what became of the attempt before. The answers to other messages need not be waited for.
events::seq outbox_actor::gate_of(const webhook::start& s) const {
  return s.number > 1 || s.in_line ? applied_ : std::max(s.message->seq, steered_);
}

/// The sandbox assumes what is due of a proposal until we have applied it; it must not hear of the time before.
void outbox_actor::tell_due() {
  if (in_sequence_)
    return;
  auto next = webhook::next_due(state_);
  if (told_due_ && *told_due_ == next)
    return;
  told_due_.emplace(next);
  send(sandbox_, due_is{next});
}

void outbox_actor::on_durable(events::seq last) {
  durable_ = std::max(durable_, last);
  while (!claims_to_forget_.empty() && claims_to_forget_.front().first <= durable_) {
    claimed_.erase(claims_to_forget_.front().second);
    claims_to_forget_.pop_front();
  }
  forget_ends();
  if (std::exchange(scan_when_durable_, false))
    scan(now());
  std::deque<gated> still;
  for (auto& g : std::exchange(gated_, {})) {
    if (g.gate <= durable_ && !webhook::still_wanted(state_, g.what.token))
      let_go(g.what.token);
    else if (g.gate <= durable_)
      send_attempt(std::move(g.what));
    else
      still.push_back(std::move(g));
  }
  gated_ = std::move(still);
  keep_awake();
}

void outbox_actor::keep_awake() {
  const bool unsent = !gated_.empty() || !bodiless_.empty() || !to_make_.empty() || !to_gather_.empty();
  if (!unsent)
    unsent_.release();
  else if (!unsent_)
    unsent_ = hold::follow(door_);
}

void outbox_actor::try_again_soon() {
  if (!std::exchange(trying_again_, true))
    delayed_send(this, std::chrono::seconds{1}, tick{});
}

void outbox_actor::send_attempt(webhook::start s) {
  if (s.members)
    return make_first(std::move(s), nullptr);
  auto content = content_of(s.message->seq);
  if (content && !*content) { // erased while somebody asked for it again
    webhook::give_back(state_, s.token);
    return take({.erased = s.message->seq});
  }
  if (!content) { // taken until the next try: it would be due again at once
    bodiless_.push_back(s.token);
    if (content.error().code == events::errc::corrupt)
      send(sandbox_, log_is_corrupt{content.error()});
    return try_again_soon();
  }
  webhook::put_into(s, **content);
  if (s.transform)
    return make_first(std::move(s), *std::move(content));
  send_out(std::move(s), {*content, &(*content)->body}, std::nullopt);
}

/// An array of its messages, each as the log has it: so it is the same every time.
void outbox_actor::send_batch(webhook::start s) {
  std::vector<content_ptr> contents;
  std::vector<webhook::batch_element> elements;
  for (const auto& m : *s.members) {
    auto content = content_of(m->seq);
    if (content && !*content) {
      webhook::give_back(state_, s.token);
      return take({.erased = m->seq});
    }
    if (!content) {
      bodiless_.push_back(s.token);
      if (content.error().code == events::errc::corrupt)
        send(sandbox_, log_is_corrupt{content.error()});
      return try_again_soon();
    }
    elements.push_back({m.get(), content->get()});
    contents.push_back(*std::move(content));
  }
  if (contents.size() == 1) // what does something wrong on purpose goes alone
    s.fault = contents.front()->fault;
  auto body = std::make_shared<const std::string>(webhook::batch_body(elements));
  note_made(s.token, body->size());
  send_out(std::move(s), std::move(body), std::nullopt);
}

void outbox_actor::send_out(webhook::start s, std::shared_ptr<const std::string> body, std::optional<webhook::sent_instead> instead) {
  env_.counters.attempts.fetch_add(1, std::memory_order_relaxed);
  env_.counters.attempts_in_flight.fetch_add(1, std::memory_order_relaxed);
  auto self = caf::actor_cast<caf::weak_actor_ptr>(caf::strong_actor_ptr{ctrl()});
  // Counted as long as anyone holds it: a result that finds its outbox gone counts down too.
  std::shared_ptr<hold> inside{new hold{hold::follow(door_)}, [&counters = env_.counters](hold* h) {
                                 counters.attempts_in_flight.fetch_sub(1, std::memory_order_relaxed);
                                 delete h;
                               }};
  auto report = [self, inside, instead = std::move(instead)](webhook::fencing_token token, webhook::attempt_result result) mutable {
    result.transformed = std::move(instead);
    if (auto strong = self.lock())
      caf::anon_send(caf::actor_cast<caf::actor>(strong),
                     attempt_done{token, std::make_shared<webhook::attempt_result>(std::move(result)), inside});
  };
  env_.dispatcher.send(std::move(s), std::move(body), wall_now().us, std::move(report), id_.to_string());
}

/// The one that others of its destinations hold, if any does.
events::outcome<outbox_actor::content_ptr> outbox_actor::content_of(events::seq message) {
  auto content = fresh_.take(message);
  auto& known = handed_out_[message];
  if (auto held = known.lock())
    return held;
  if (!content) {
    auto read = read_content(message);
    if (!read)
      return read;
    content = *std::move(read);
  }
  if (!content)
    return content;
  known = content;
  constexpr std::size_t few = 64;
  if (handed_out_.size() > std::max(few, forget_handed_out_at_)) {
    std::erase_if(handed_out_, [](const auto& entry) { return entry.second.expired(); });
    forget_handed_out_at_ = 2 * handed_out_.size();
  }
  return content;
}

/// Nobody waits for it.
void outbox_actor::forget_content(events::seq message) {
  handed_out_.erase(message);
  fresh_.drop(message);
}

/// Null: it was erased.
events::outcome<outbox_actor::content_ptr> outbox_actor::read_content(events::seq message) const {
  auto raw = env_.store.read_raw(id_, message);
  if (!raw)
    return tl::unexpected<events::error>{std::move(raw).error()};
  if (!*raw)
    return events::failure(events::errc::corrupt, "a pending message is not in the log");
  auto record = events::decode(**raw);
  if (!record)
    return tl::unexpected<events::error>{std::move(record).error()};
  if (record->erased)
    return content_ptr{};
  auto payload = events::upcast(*record);
  if (!payload)
    return tl::unexpected<events::error>{std::move(payload).error()};
  auto content = webhook::content_of(*payload, env_.vault.get());
  if (!content)
    return tl::unexpected<events::error>{std::move(content).error()};
  content->emitted = record->header.virtual_;
  return std::make_shared<const webhook::message_content>(*std::move(content));
}

/// The clock, in an advance, wants to know when all that is due has happened.
void outbox_actor::answer_settle() {
  if (!settle_wanted_ || in_sequence_ || !waiting_.empty() || !scanning_.empty() || state_.in_flight_count() != 0)
    return;
  auto next = webhook::next_due(state_);
  if (next && *next <= now())
    return; // about to be taken
  send(sandbox_, settled{*std::exchange(settle_wanted_, std::nullopt), next, webhook::step_of_backlog(state_)});
}

} // namespace hourglass::actors
