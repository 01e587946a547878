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
  teller(const outbox_state::impl& s, const events::context& ctx, const lane& about, decision& out) : s_(s), ctx_(ctx), about_(about), out_(out) {}

  /// `rest` writes further members of `data`.
  template <class Rest>
  void tell(std::string_view type, Rest rest) {
    message_created m;
    m.event_type = type;
    m.operational = true;
    json_text j{m.body};
    j.open_object().key("type").value(type).key("timestamp").value(events::to_rfc3339(ctx_.now)).key("data").open_object();
    j.key("appId").value(s_.sandbox).key("endpointId").value(about_.config.id);
    if (!about_.config.uid.empty())
      j.key("endpointUid").value(about_.config.uid);
    rest(j);
    j.close_object().close_object();
    m.body_bytes = m.body.size();
    const filtered_message seen{m.event_type, m.event_id, m.channels, m.tags, m.body};
    for (auto ordinal : s_.operational)
      if (const auto& d = s_.lanes.at(ordinal).config; !d.disabled && matches(d, seen))
        m.destinations.push_back(d.id);
    if (m.destinations.empty())
      return;
    m.id = events::make_id("msg_", ctx_.wall.us / 1000, ctx_.chance, ++told_);
    add(out_, std::move(m));
  }

  void tell_attempt(std::string_view type, const attempt_finished& f) {
    tell(type, [&](json_text& j) {
      j.key("msgId").value(f.message.id).key("eventType").value(f.message.event_type).key("lastAttempt").open_object();
      j.key("id").value(f.id).key("timestamp").value(events::to_rfc3339(ctx_.now)).key("responseStatusCode").value(f.result.answer.status).close_object();
    });
  }

private:
  const outbox_state::impl& s_;
  const events::context& ctx_;
  const lane& about_;
  decision& out_;
  std::uint32_t told_ = 0;
};

} // namespace

std::uint64_t backlog_step(const lane& l) noexcept {
  std::uint64_t out = 0;
  for (auto step : backlog_steps)
    if (l.deliveries.size() >= step && step > l.backlog_told)
      out = step;
  return out;
}

void tell_operators(const outbox_state::impl& s, const events::context& ctx, const lane& l, decision& out) {
  if (s.operational.empty() || l.config.operational)
    return;
  teller t{s, ctx, l, out};
  const auto led_to = out.facts; // what is told of; telling adds to it
  for (const auto& f : led_to) {
    if (const auto* a = std::get_if<attempt_finished>(&f)) {
      if (a->follows == outcome_kind::dead)
        t.tell_attempt("message.attempt.exhausted", *a);
      else if (a->follows == outcome_kind::retry && a->number == failing_attempts)
        t.tell_attempt("message.attempt.failing", *a);
      else if (a->follows == outcome_kind::delivered && (a->number > failing_attempts || a->was_dead) && !a->was_delivered)
        t.tell_attempt("message.attempt.recovered", *a);
      if (a->backlog_told != 0)
        t.tell("endpoint.backlog", [&](json_text& j) { j.key("pending").value(l.deliveries.size()).key("threshold").value(a->backlog_told); });
    } else if (const auto* off = std::get_if<destination_disabled>(&f)) {
      t.tell("endpoint.disabled", [&](json_text& j) {
        j.key("failSince").value(events::to_rfc3339(l.failing_since.value_or(ctx.now))).key("trigger").value("automatic").key("reason").value(off->reason);
      });
    } else if (std::holds_alternative<destination_recovered>(f)) {
      t.tell("endpoint.recovered", [&](json_text& j) {
        if (l.failing_since)
          j.key("failSince").value(events::to_rfc3339(*l.failing_since));
      });
    }
  }
}

} // namespace hourglass::webhook
