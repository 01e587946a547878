#include "actors/children.hpp"

#include "actors/registry.hpp"
#include "actors/snapshot_job.hpp"

#include <algorithm>
#include <stdexcept>

namespace hourglass::actors {

namespace {

constexpr std::size_t most_in_a_proposal = 256;
/// The journal takes a proposal as a whole or not at all: many large messages go in several.
constexpr std::size_t most_bytes_in_a_proposal = 8 * limits::mebi;
/// With more to write down a snapshot is folded on a reader thread instead: the outbox has deliveries to look after.
constexpr std::size_t most_pending_written_here = 10'000;

/// When the sandbox must be awake because of `f`: a crash must not leave a delivery waiting for a visitor.
std::optional<events::virtual_time> due_of(const webhook::fact& f, events::virtual_time now) {
  if (auto* m = std::get_if<webhook::message_created>(&f))
    return m->destinations.empty() ? std::nullopt : std::optional{m->deliver_at.value_or(now)};
  if (auto* a = std::get_if<webhook::attempt_finished>(&f))
    return a->next ? a->next : a->hold;
  if (std::holds_alternative<webhook::resend_requested>(f) || std::holds_alternative<webhook::recovery_started>(f)
      || std::holds_alternative<webhook::recovery_progressed>(f) || std::holds_alternative<webhook::recovery_finished>(f)
      || std::holds_alternative<webhook::destination_updated>(f) || std::holds_alternative<webhook::destination_secret_rotated>(f) || std::holds_alternative<webhook::destination_recovered>(f)
      || std::holds_alternative<webhook::dead_letters_removed>(f) || std::holds_alternative<webhook::batch_formed>(f))
    return now;
  if (auto* off = std::get_if<webhook::destination_disabled>(&f))
    return off->probe;
  return std::nullopt;
}

} // namespace

outbox_actor::outbox_actor(caf::actor_config& cfg, environment& env, webhook::outbox_state state, mock::clock_state clock,
                           events::seq durable, resident_ptr door, caf::actor sandbox, std::uint32_t generation)
  : caf::event_based_actor(cfg),
    env_(env),
    state_(std::move(state)),
    clock_(clock),
    id_(door->id()),
    door_(std::move(door)),
    sandbox_(std::move(sandbox)),
    generation_(generation),
    durable_(durable),
    applied_(durable),
    steered_(durable),
    ends_known_from_(durable) {
}

caf::behavior outbox_actor::make_behavior() {
  pump();
  return {
    [this](const do_change& m) { take({.change = m.job}); },
    [this](const emit& m) { take({.emission = m.what}); },
    [this](const withdrawn& m) { on_withdrawn(m); },
    [this](const attempt_done& m) {
      note_sent(m.token);
      take({.result = m.result, .token = m.token, .inside = m.inside});
    },
    [this](const webhook_made& m) { on_made(m); },
    [this](const recovery_page& m) { on_page(m); },
    [this](const sequenced& m) { on_sequenced(m); },
    [this](const durable& m) { on_durable(m.last); },
    [this](const give_snapshot& m) {
      if (state_.pending_count() > most_pending_written_here)
        m.job->fold = true;
      else
        m.job->what[replay::part::outbox] = webhook::snapshot(state_);
      arrived(env_, m.job);
    },
    [this](const clock_is& m) {
      clock_ = m.state;
      if (m.moved_by_us != 0) {
        webhook::apply(state_, {}, webhook::deliveries_moved{m.moved_by_us});
        resets_.emplace_back(m.seq, m.moved_by_us);
      }
      applied_ = steered_ = std::max(applied_, m.seq);
      told_due_.reset(); // the same virtual moment is another wall time now
      pump();
    },
    [this](const check_is& m) { webhook::judge_by(state_, env_.schemas, m.what); },
    [this](const fire_due&) {
      told_due_.reset();
      pump();
    },
    [this](const take_more&) {
      taking_more_ = false;
      pump();
    },
    [this](const settle& m) {
      settle_wanted_ = m.question;
      answer_settle();
    },
    [this](const tick&) {
      trying_again_ = false;
      for (auto token : std::exchange(bodiless_, {}))
        webhook::give_back(state_, token);
      for (const auto& id : std::exchange(unread_, {}))
        scanning_.erase(id);
      pump();
      keep_awake();
    },
    [this](const pace_tick&) {
      pacing_ = false;
      pump();
    },
    [this](const backlog_tick&) {
      telling_ = false;
      tell_backlog();
    },
    [](const crash_child&) { throw std::runtime_error{"crashed on purpose"}; },
  };
}

// -- deciding -------------------------------------------------------------------------

/// All mock traffic of the sandbox waits for an emission, of which there is one at a time.
void outbox_actor::take(work w) {
  if (w.emission)
    waiting_.push_front(std::move(w));
  else
    waiting_.push_back(std::move(w));
  process();
}

/// Whether `w` may go into the same proposal as what is in it; the first always does.
bool outbox_actor::joins(webhook::batch& in, const work& w) const {
  if (w.emission)
    return false; // a proposal of its own
  if (w.result)
    return in.add_result(state_, w.token);
  auto* c = w.change ? std::get_if<command>(&w.change->what) : nullptr;
  auto* asked = c ? std::get_if<webhook::command>(c) : nullptr;
  if (asked && std::holds_alternative<webhook::create_message>(*asked))
    return in.add_message();
  return in.add_other();
}

void outbox_actor::process() {
  while (!in_sequence_ && !waiting_.empty()) {
    if (waiting_.front().emission) {
      auto p = std::move(waiting_.front().emission);
      waiting_.pop_front();
      decide_emission(p);
      continue;
    }
    auto p = std::make_shared<proposal>();
    p->from = child::outbox;
    p->generation = generation_;
    facts_.clear();
    webhook::batch together;
    std::vector<std::shared_ptr<hold>> insiders; // leave only when the sandbox holds the append itself
    std::size_t bytes = 0;
    while (!waiting_.empty() && p->parts.size() < most_in_a_proposal && bytes < most_bytes_in_a_proposal && joins(together, waiting_.front())) {
      auto w = std::move(waiting_.front());
      waiting_.pop_front();
      if (w.inside)
        insiders.push_back(w.inside);
      auto parts = p->parts.size();
      decide_into(*p, w, together);
      for (; parts < p->parts.size(); ++parts)
        for (const auto& d : p->parts[parts].drafts)
          bytes += d.payload.size();
    }
    if (!p->parts.empty())
      submit(std::move(p));
  }
  answer_settle();
}

void outbox_actor::submit(proposal_ptr p) {
  for (const auto& f : facts_)
    if (auto due = due_of(f, now()); due && (!p->due || *due < *p->due))
      p->due = due;
  if (!facts_.empty()) {
    p->want_durable = true;
    in_sequence_ = p;
    sequencing_ = hold::follow(door_);
  }
  send(sandbox_, propose{std::move(p)});
}

void outbox_actor::decide_into(proposal& p, work& w, webhook::batch& together) {
  events::context ctx = w.change ? w.change->ctx : system_context();
  std::optional<webhook::command> c;
  if (w.result) {
    if (w.result->answer.error == http::transport_error::cancelled) { // the node is stopping: as if never tried
      webhook::give_back(state_, w.token);
      return;
    }
    c = webhook::finish_attempt{w.token, std::move(*w.result)};
  } else if (w.page) {
    take_out_what_ended(*w.page);
    bring_along(*w.page);
    c = std::move(w.page->what);
  } else if (w.expire) {
    expiring_ = false;
    c = webhook::expire_deliveries{};
  } else if (w.form) {
    forming_ = false;
    (void)webhook::has_batches(state_, ctx.now); // all that goes together is awake
    c = webhook::form_batches{};
  } else if (w.erased != 0) {
    c = webhook::expire_erased{w.erased};
  } else if (auto* asked = std::get_if<command>(&w.change->what)) {
    c = std::move(std::get<webhook::command>(*asked));
  } else {
    look_into(p, w.change);
    return;
  }
  auto fail = [&w](events::error why) {
    if (w.change)
      w.change->answer(tl::unexpected<events::error>{std::move(why)});
  };
  if (auto* again = std::get_if<webhook::resend>(&*c))
    set_right(*again);
  if (auto* letter = std::get_if<webhook::remove_letter>(&*c))
    if (auto ready = look_at_letter(*letter); !ready)
      return fail(std::move(ready).error());
  if (const auto* start = std::get_if<webhook::start_recovery>(&*c); start != nullptr && start->rate != 0 && clock_.mode == mock::clock_mode::frozen)
    return fail({events::errc::conflict, "the sandbox's clock stands, and with a rate each message has its own moment: let it run first, or leave the rate out",
                 "/rate"});
  auto decided = webhook::decide(state_, *c, ctx, pending_most());
  if (!decided) {
    if (const auto* page = std::get_if<webhook::progress_recovery>(&*c))
      scanning_.erase(page->id);
    return fail(std::move(decided).error());
  }
  if (auto free = claims_are_free(decided->drafts); !free)
    return fail(std::move(free).error());
  for (const auto& d : decided->drafts)
    claimed_.insert(d.claims.begin(), d.claims.end());
  if (decided->drafts.empty() && !w.change)
    return; // a late answer, or nothing is too old any more
  together.decided(*decided);
  std::move(decided->facts.begin(), decided->facts.end(), std::back_inserter(facts_));
  auto& part = p.parts.emplace_back();
  part.ctx = std::move(ctx);
  part.drafts = std::move(decided->drafts);
  part.change = std::move(w.change);
  part.reply = std::move(decided->reply);
}

void outbox_actor::look_into(proposal& p, const change_ptr& job) {
  auto text = std::get<look<webhook::outbox_state>>(std::get<reading>(job->what))(state_, job->ctx.now);
  if (!text) {
    job->answer(tl::unexpected<events::error>{std::move(text).error()});
    return;
  }
  auto& part = p.parts.emplace_back();
  part.ctx = job->ctx;
  part.change = job;
  part.reply = std::move(*text);
}

events::outcome<void> outbox_actor::claims_are_free(const std::vector<events::draft>& drafts) {
  for (const auto& d : drafts) {
    for (const auto& claim : d.claims) {
      auto row = env_.store.get(registry::claim_key(id_, claim));
      if (!row)
        return tl::unexpected<events::error>{std::move(row).error()};
      if (*row || claimed_.find(claim) != claimed_.end())
        return events::failure(events::errc::conflict, "this event id has been used before", "/eventId");
    }
  }
  return {};
}

void outbox_actor::on_sequenced(const sequenced& s) {
  if (s.what != in_sequence_)
    return;
  events::seq seq = s.first;
  std::size_t f = 0;
  for (const auto& part : s.what->parts) {
    if (part.request) { // whose script emitted the rest
      seq += part.drafts.size();
      continue;
    }
    for (const auto& d : part.drafts) {
      auto& fact = facts_.at(f++);
      if (part.moved_by_us != 0)
        webhook::shift(fact, part.moved_by_us);
      applied_ = seq;
      if (!std::holds_alternative<webhook::message_created>(fact) && !std::holds_alternative<webhook::attempt_finished>(fact)
          && !std::holds_alternative<webhook::batch_formed>(fact) && !std::holds_alternative<webhook::consumer_moved>(fact)) // no other attempt depends on who has read what
        steered_ = seq;
      count(fact, part.ctx.now);
      tell_schemas(fact);
      note_end(seq, fact);
      forget_page(fact);
      webhook::apply(state_, {seq, s.wall, part.ctx.now}, fact);
      if (auto* m = std::get_if<webhook::message_created>(&fact); m && !m->destinations.empty())
        fresh_.keep(seq, std::make_shared<const webhook::message_content>(webhook::message_content{std::move(m->body), std::move(m->content_type), std::move(m->headers), std::move(m->params), part.ctx.now, m->fault}),
                   m->destinations.size());
      if (auto* e = std::get_if<webhook::delivery_expired>(&fact); e && e->attempts == 0)
        (void)fresh_.take(e->message.seq); // who would have read it
      for (const auto& e : d.erases)
        forget_content(e.seq);
      for (const auto& claim : d.claims)
        claims_to_forget_.emplace_back(seq, claim);
      ++seq;
    }
  }
  in_sequence_ = nullptr;
  auto until_told = std::move(sequencing_);
  if (s.what->due)
    told_due_.reset(); // the sandbox has assumed it meanwhile
  facts_.clear();
  if (state_.pending_count() == 0)
    fresh_.clear(); // what was for destinations that were removed
  process();
  pump();
}

/// The node's event types: what others hold payloads against, from now on.
void outbox_actor::tell_schemas(const webhook::fact& f) {
  const auto* put = std::get_if<webhook::event_type_put>(&f);
  const auto* gone = std::get_if<webhook::event_type_removed>(&f);
  if ((put == nullptr && gone == nullptr) || !env_.schemas->is_catalogue(id_))
    return;
  put != nullptr ? env_.schemas->put(put->type) : env_.schemas->remove(gone->name);
}

// -- moments --------------------------------------------------------------------------

events::virtual_time outbox_actor::now() const { return mock::now(clock_, wall_now()); }

events::context outbox_actor::system_context() const {
  events::context ctx;
  ctx.wall = wall_now();
  ctx.now = mock::now(clock_, ctx.wall);
  ctx.chance = events::draw_entropy();
  ctx.principal = "system";
  return ctx;
}

void outbox_actor::on_exit() {
  if (door_->silent() || door_->closed())
    say_backlog();
  waiting_.clear();
  in_sequence_ = nullptr;
  gated_.clear();
  bodiless_.clear();
  to_make_.clear();
  to_gather_.clear();
  at_engine_.clear();
  unsent_.release();
  recovering_.release();
  sequencing_.release();
  paced_.release();
  sandbox_ = nullptr;
}

} // namespace hourglass::actors
