#include "webhook/operational.hpp"

#include "events/json_text.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <string>
#include <vector>

namespace hourglass::webhook {

namespace {

using events::json_text;

constexpr std::uint32_t failing_attempts = 4; // as Svix
constexpr std::size_t types_told_most = 1'000;
constexpr std::size_t types_looked_at_most = 20'000; // of all endpoints together: it is a change of one that asks for it
constexpr std::array<std::uint64_t, 4> backlog_steps{1'000, 10'000, 100'000, 1'000'000};

/// Whether another than this lane wants it, by the index that fan-out has. False, too, when `looks` are used up: better told once too often.
bool wanted_elsewhere(const outbox_state::impl& s, events::seq lane, const std::string& type, std::size_t& looks) {
  const bool pattern = type.find('*') != std::string::npos;
  const auto& by = pattern ? s.wanting_below : s.wanting;
  const auto at = pattern ? by.find(literal_parts(type)) : by.find(type);
  return at != by.end() && std::any_of(at->second.begin(), at->second.end(), [&](events::seq other) {
           if (looks == 0)
             return false;
           --looks;
           const auto& types = s.lanes.at(other).config.filter_types;
           return other != lane && (!pattern || std::binary_search(types.begin(), types.end(), type));
         });
}

/// As they are written: that a pattern covers a type is not looked at. Who wants all covers everything.
bool changes_what_is_wanted(const outbox_state::impl& s, events::seq lane, const destination* before, const destination* after) {
  if (s.wanting_all.size() > s.wanting_all.count(lane))
    return false;
  const bool all_before = before != nullptr && before->filter_types.empty(), all_after = after != nullptr && after->filter_types.empty();
  if (all_before || all_after)
    return all_before != all_after;
  static const std::vector<std::string> none;
  const auto& old_types = before == nullptr ? none : before->filter_types;
  const auto& new_types = after == nullptr ? none : after->filter_types;
  std::vector<std::string> changed;
  std::set_symmetric_difference(old_types.begin(), old_types.end(), new_types.begin(), new_types.end(), std::back_inserter(changed));
  auto looks = types_looked_at_most;
  return std::any_of(changed.begin(), changed.end(), [&](const auto& type) { return !wanted_elsewhere(s, lane, type, looks); });
}

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
    if (f.failing_told != 0)
      tell_failing(f.failing_told);
    if (f.backlog_told != 0)
      tell("endpoint.backlog", [&](json_text& j) { j.key("pending").value(l_->pending()).key("threshold").value(f.backlog_told); });
  }
  void operator()(const delivery_expired& f) { tell_exhausted(f); }
  void operator()(const destination_disabled& f) { tell_disabled("automatic", f.reason); }
  void operator()(const destination_recovered&) {
    tell("endpoint.recovered", [this](json_text& j) { write_fail_since(j); });
  }
  void operator()(const destination_created& f) {
    tell("endpoint.created", nothing_more);
    tell_subscription(&f.value);
  }
  void operator()(const destination_updated& f) {
    tell("endpoint.updated", nothing_more);
    if (f.value.disabled && !l_->config.disabled)
      tell_disabled("manual", f.value.disabled_reason);
    if (f.value.filter_types != l_->config.filter_types)
      tell_subscription(&f.value);
  }
  void operator()(const destination_removed&) {
    tell("endpoint.deleted", nothing_more);
    tell_subscription(nullptr);
  }
  template <class Other>
  void operator()(const Other&) {}

private:
  static void nothing_more(json_text&) {}

  void write_fail_since(json_text& j) const {
    if (l_ != nullptr && l_->guard.failing_since)
      j.key("failSince").value(events::to_rfc3339(*l_->guard.failing_since));
  }

  void tell_failing(std::uint32_t percent) {
    tell("endpoint.failing", [&](json_text& j) {
      const auto& rules = l_->config.protection.rules();
      const auto row = l_->guard.with_one_more(rules, ctx_.now);
      j.key("failSince").value(events::to_rfc3339(row.since)).key("failedInARow").value(row.failures).key("threshold").value(percent);
      j.key("disabledAfter").open_object().key("failures").value(rules.disable->failures);
      j.key("seconds").value(std::chrono::duration_cast<std::chrono::seconds>(rules.disable->after).count()).close_object();
    });
  }

  /// With what all of them want now, if that is not what they wanted before. `after` is what becomes of this one; null: it goes.
  void tell_subscription(const destination* after) {
    if (!operators_want(s_, "subscription.updated"))
      return;
    const auto* before = l_ == nullptr ? nullptr : &l_->config;
    if (!changes_what_is_wanted(s_, l_ == nullptr ? 0 : l_->ordinal, before, after))
      return;
    tell("subscription.updated", [&](json_text& j) {
      const auto count = s_.lanes.size() - s_.operational.size();
      write_wanted(j, "eventTypes", "endpoints", after, count - (before != nullptr ? 1 : 0) + (after != nullptr ? 1 : 0));
      write_wanted(j, "previousEventTypes", "previousEndpoints", before, count);
    });
  }

  /// What all others want, and `with` it.
  void write_wanted(json_text& j, std::string_view name, std::string_view count_name, const destination* with, std::size_t count) const {
    std::set<std::string_view> types;
    bool all = false;
    std::size_t looks = types_looked_at_most;
    bool too_many = false;
    auto take = [&](const destination& d) {
      all = all || d.filter_types.empty();
      too_many = too_many || d.filter_types.size() > looks;
      if (!too_many) {
        looks -= d.filter_types.size();
        types.insert(d.filter_types.begin(), d.filter_types.end());
      }
    };
    for (const auto& [ordinal, other] : s_.lanes)
      if (&other != l_ && !other.config.operational)
        take(other.config);
    if (with != nullptr)
      take(*with);
    if (all)
      types = {"*"};
    j.key(name).open_array();
    std::size_t left = types_told_most;
    for (auto type = types.begin(); type != types.end() && left != 0; ++type, --left)
      j.value(*type);
    j.close_array();
    j.key(count_name).value(count);
    if (types.size() > types_told_most || (too_many && !all))
      j.key("truncated").value(true);
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
    if (!operators_want(s_, type))
      return;
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

bool operators_want(const outbox_state::impl& s, std::string_view type) noexcept {
  return std::any_of(s.operational.begin(), s.operational.end(), [&](auto ordinal) { return matches(s.lanes.at(ordinal).config, type, {}); });
}

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
  out.facts.reserve(4 * led_to); // telling adds at most three for each, and none may move meanwhile
  for (std::size_t i = 0; i < led_to; ++i)
    std::visit(t, out.facts[i]);
}

} // namespace hourglass::webhook
