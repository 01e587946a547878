#include "webhook/operational.hpp"

#include "events/json_text.hpp"

#include <array>

namespace hourglass::webhook {

namespace {

using events::json_text;

constexpr std::uint32_t failing_attempts = 4; // as Svix
constexpr std::array<std::uint64_t, 4> backlog_steps{1'000, 10'000, 100'000, 1'000'000};

class teller {
public:
  teller(const decider& by, const destination& about, const lane* l, decision& out) : s_(by.s), ctx_(by.ctx), most_(by.pending_most), about_(about), l_(l), out_(out) {}

  void operator()(const attempt_finished& f) {
    const bool tried_long = f.number > failing_attempts || f.was_dead;
    if (f.follows == outcome_kind::dead)
      tell_attempt("message.attempt.exhausted", f);
    else if (f.follows == outcome_kind::retry && f.number == failing_attempts)
      tell_attempt("message.attempt.failing", f);
    else if (f.follows == outcome_kind::delivered && tried_long && !f.was_delivered && !f.result.cancelled())
      tell_attempt("message.attempt.recovered", f);
    if (f.backlog_told != 0)
      tell("endpoint.backlog", [&](json_text& j) { j.key("pending").value(l_->pending()).key("threshold").value(f.backlog_told); });
  }
  void operator()(const delivery_expired& f) { tell_exhausted(f); }
  void operator()(const destination_disabled& f) { tell_disabled("automatic", f.reason); }
  void operator()(const destination_recovered&) {
    tell("endpoint.recovered", [this](json_text& j) { write_fail_since(j); });
  }
  void operator()(const destination_created&) { tell("endpoint.created", nothing_more); }
  void operator()(const destination_updated& f) {
    tell("endpoint.updated", nothing_more);
    if (f.value.disabled && !l_->config.disabled)
      tell_disabled("manual", f.value.disabled_reason);
  }
  void operator()(const destination_removed&) { tell("endpoint.deleted", nothing_more); }
  template <class Other>
  void operator()(const Other&) {}

private:
  static void nothing_more(json_text&) {}

  void write_fail_since(json_text& j) const {
    if (l_ != nullptr && l_->guard.failing_since)
      j.key("failSince").value(events::to_rfc3339(*l_->guard.failing_since));
  }

  void tell_disabled(std::string_view trigger, std::string_view reason) {
    tell("endpoint.disabled", [&](json_text& j) {
      write_fail_since(j);
      j.key("trigger").value(trigger).key("reason").value(reason);
    });
  }

  void tell_attempt(std::string_view type, const attempt_finished& f) {
    tell(type, [&](json_text& j) {
      j.key("msgId").value(f.message.id).key("eventType").value(f.message.event_type).key("lastAttempt").open_object();
      j.key("id").value(f.id).key("timestamp").value(events::to_rfc3339(ctx_.now)).key("responseStatusCode").value(f.result.answer.status).close_object();
    });
  }

  // There was no last attempt: its place says why.
  void tell_exhausted(const delivery_expired& f) {
    tell("message.attempt.exhausted", [&](json_text& j) {
      j.key("msgId").value(f.message.id).key("eventType").value(f.message.event_type).key("reason").value(f.reason).key("lastAttempt").open_object();
      j.key("id").value(f.id).key("timestamp").value(events::to_rfc3339(ctx_.now)).key("responseStatusCode").value(0).close_object();
    });
  }

  /// `rest` writes further members of `data`.
  template <class Rest>
  void tell(std::string_view type, Rest rest) {
    message_created m;
    m.event_type = type;
    m.operational = true;
    json_text j{m.body};
    j.open_object().key("type").value(type).key("timestamp").value(events::to_rfc3339(ctx_.now)).key("data").open_object();
    j.key("appId").value(s_.sandbox).key("endpointId").value(about_.id);
    if (!about_.uid.empty())
      j.key("endpointUid").value(about_.uid);
    rest(j);
    j.close_object().close_object();
    m.body_bytes = m.body.size();
    if (!address(m))
      return;
    m.id = events::make_id("msg_", ctx_.wall.us / 1000, ctx_.chance, ++told_);
    add(out_, std::move(m));
  }

  /// False when nobody wants it. For who is disabled, or when too much is waiting already, it is stored and not queued, as other messages are: a recovery finds it.
  bool address(message_created& m) {
    const filtered_message seen{m.event_type, m.event_id, m.channels, m.tags, m.body};
    bool wanted = false;
    for (auto ordinal : s_.operational) {
      const auto& to = s_.lanes.at(ordinal);
      if (!matches(to.config, seen))
        continue;
      wanted = true;
      if (to.queues(ctx_.now) && s_.deliveries + queued_ < most_) {
        m.destinations.push_back(to.config.id);
        ++queued_;
        if (auto line = to.config.ordering.line_of({}, seen); !line.empty()) {
          m.lines.resize(m.destinations.size());
          m.lines.back() = std::move(line);
        }
      }
    }
    if (!m.lines.empty())
      m.lines.resize(m.destinations.size());
    return wanted;
  }

  const outbox_state::impl& s_;
  const events::context& ctx_;
  std::size_t most_;
  const destination& about_;
  const lane* l_;
  decision& out_;
  std::uint32_t told_ = 0;
  std::size_t queued_ = 0;
};

} // namespace

std::uint64_t backlog_step(const lane& l) noexcept {
  std::uint64_t out = 0;
  for (auto step : backlog_steps)
    if (l.pending() >= step && step > l.backlog_told)
      out = step;
  return out;
}

void tell_operators(const decider& by, const destination& about, const lane* l, decision& out) {
  if (by.s.operational.empty() || about.operational)
    return;
  teller t{by, about, l, out};
  const auto led_to = out.facts.size();
  out.facts.reserve(3 * led_to); // telling adds at most two for each, and none may move meanwhile
  for (std::size_t i = 0; i < led_to; ++i)
    std::visit(t, out.facts[i]);
}

} // namespace hourglass::webhook
