#include "webhook/outbox_impl.hpp"

#include "events/limits.hpp"

#include <algorithm>

namespace hourglass::webhook {

// -- lanes ------------------------------------------------------------------------------

std::uint32_t lane::cap() const noexcept { return config.in_flight.value_or(static_cast<std::uint32_t>(limits::in_flight_per_destination)); }

lane* outbox_state::impl::find_lane(std::string_view id_or_uid) {
  return const_cast<lane*>(std::as_const(*this).find_lane(id_or_uid)); // NOLINT: the same look-up, on our own object
}

const lane* outbox_state::impl::find_lane(std::string_view id_or_uid) const {
  auto at = by_id.find(id_or_uid);
  if (at == by_id.end()) {
    at = by_uid.find(id_or_uid);
    if (at == by_uid.end())
      return nullptr;
  }
  return &lanes.at(at->second);
}

recovery* outbox_state::impl::find_recovery(std::string_view id) {
  for (auto& [seq, r] : recoveries)
    if (r.what.id == id)
      return &r;
  return nullptr;
}

void outbox_state::impl::index_filters(const lane& l, bool put) {
  auto change = [&l, put](std::set<events::seq>& in) {
    if (put)
      in.insert(l.ordinal);
    else
      in.erase(l.ordinal);
  };
  if (l.config.operational)
    return change(operational);
  if (l.config.filter_types.empty())
    return change(wanting_all);
  for (const auto& type : l.config.filter_types) {
    const bool pattern = type.find('*') != std::string::npos;
    auto& by = pattern ? wanting_below : wanting;
    auto at = by.try_emplace(pattern ? std::string{literal_parts(type)} : type).first;
    change(at->second);
    if (at->second.empty())
      by.erase(at);
  }
}

void outbox_state::impl::add_lane(destination d, events::seq ordinal) {
  auto& l = lanes[ordinal];
  l.ordinal = ordinal;
  l.config = std::move(d);
  by_id[l.config.id] = ordinal;
  if (!l.config.uid.empty())
    by_uid[l.config.uid] = ordinal;
  index_filters(l, true);
}

void outbox_state::impl::set_config(lane& l, destination d, events::virtual_time now) {
  index_filters(l, false);
  if (!l.config.uid.empty())
    by_uid.erase(l.config.uid);
  const auto before = std::exchange(l.config, std::move(d));
  if (!l.config.uid.empty())
    by_uid[l.config.uid] = l.ordinal;
  index_filters(l, true);
  if (before.rate_limit != l.config.rate_limit)
    l.pace = {};
  auto same = before; // but for what says nothing about how it is reached
  same.updated = l.config.updated;
  same.uid = l.config.uid;
  same.description = l.config.description;
  same.metadata = l.config.metadata;
  same.version = l.config.version;
  same.filter_types = l.config.filter_types;
  same.channels = l.config.channels;
  same.filter = l.config.filter;
  if (!(same == l.config)) {
    const bool still_by_rule = l.config.disabled && l.config.disabled_reason == before.disabled_reason;
    l.guard.changed(now, still_by_rule && l.guard.probing && l.config.protection.rules().probes());
  }
  reindex(l);
}

void outbox_state::impl::remove_lane(lane& l) {
  unindex(l);
  index_filters(l, false);
  deliveries -= l.deliveries.size();
  by_id.erase(l.config.id);
  if (!l.config.uid.empty())
    by_uid.erase(l.config.uid);
  lanes.erase(l.ordinal);
}

// -- deliveries -------------------------------------------------------------------------

delivery& outbox_state::impl::add_delivery(lane& l, delivery d) {
  auto seq = d.message->seq;
  auto [at, fresh] = l.deliveries.insert_or_assign(seq, std::move(d));
  deliveries += fresh ? 1 : 0;
  wait(l, at->second);
  reindex(l);
  return at->second;
}

void outbox_state::impl::erase_delivery(lane& l, events::seq message) {
  auto at = l.deliveries.find(message);
  if (at == l.deliveries.end())
    return;
  land(l, at->second);
  unwait(l, at->second);
  l.deliveries.erase(at);
  --deliveries;
  reindex(l);
}

void outbox_state::impl::land(lane& l, delivery& d) {
  if (d.token == 0)
    return;
  d.token = 0;
  --l.in_flight;
}

void outbox_state::impl::wait(lane& l, const delivery& d) {
  if (d.token != 0 || d.idle())
    return;
  l.waiting.emplace(d.next_us(), d.message->seq);
  if (d.manual > 0)
    l.by_hand.emplace(d.manual_due.us, d.message->seq);
}

void outbox_state::impl::unwait(lane& l, const delivery& d) {
  if (d.token != 0)
    return;
  l.waiting.erase({d.next_us(), d.message->seq});
  if (d.manual > 0)
    l.by_hand.erase({d.manual_due.us, d.message->seq});
}

// -- the order among lanes ----------------------------------------------------------------

void outbox_state::impl::unindex(lane& l) {
  if (!l.indexed_head)
    return;
  if (l.runnable) {
    runnable_by_due.erase({*l.indexed_head, l.ordinal});
    runnable.erase({l.indexed_turn, l.ordinal});
  } else {
    later.erase({*l.indexed_head, l.ordinal});
  }
  l.indexed_head.reset();
}

void outbox_state::impl::reindex(lane& l) {
  std::optional<std::int64_t> head;
  if (l.takes() && l.in_flight < l.cap() && !l.waiting.empty()) {
    if (l.in_flight < l.guard.allowance())
      head = std::max(l.front_us(), l.guard.gate_us());
    if (!l.by_hand.empty())
      head = std::min(head.value_or(INT64_MAX), l.by_hand.begin()->first);
    if (head && l.config.rate_limit)
      head = std::max(*head, l.pace.next_us);
  }
  bool due = head && *head <= seen_now;
  if (head == l.indexed_head && (!head || (due == l.runnable && (!due || l.turn == l.indexed_turn))))
    return;
  unindex(l);
  if (!head)
    return;
  l.indexed_head = head;
  l.indexed_turn = l.turn;
  l.runnable = due;
  if (due) {
    runnable_by_due.emplace(*head, l.ordinal);
    runnable.emplace(l.turn, l.ordinal);
  } else {
    later.emplace(*head, l.ordinal);
  }
}

namespace {

// The lane that is to be served next at `now`: of all that have something due, the one whose turn is longest ago.
lane* next_lane(outbox_state::impl& s, std::int64_t now) {
  bool back = now < s.seen_now; // the sandbox's clock may be set back
  s.seen_now = now;
  if (back)
    while (!s.runnable_by_due.empty() && s.runnable_by_due.rbegin()->first > now)
      s.reindex(s.lanes.at(s.runnable_by_due.rbegin()->second));
  while (!s.later.empty() && s.later.begin()->first <= now)
    s.reindex(s.lanes.at(s.later.begin()->second));
  return s.runnable.empty() ? nullptr : &s.lanes.at(s.runnable.begin()->second);
}

// A resend first; then by their moments.
events::seq next_message(const lane& l, events::virtual_time now) {
  const bool resend = !l.by_hand.empty() && l.by_hand.begin()->first <= now.us;
  return (resend ? l.by_hand : l.waiting).begin()->second;
}

start take_one(outbox_state::impl& s, lane& l, events::virtual_time now) {
  const auto seq = next_message(l, now);
  auto& d = l.deliveries.at(seq);
  if (l.config.rate_limit)
    l.pace.took_one(now, *l.config.rate_limit);
  s.unwait(l, d);
  d.token = ++s.last_token;
  ++l.in_flight;
  l.turn = ++s.turns;
  s.reindex(l);

  start what;
  what.token = d.token;
  what.message = d.message;
  what.destination = l.config.id;
  what.number = d.attempts + 1;
  what.why = d.manual > 0 ? trigger::manual : d.recovery != 0 ? trigger::recovery : trigger::schedule;
  what.url = l.config.url;
  what.deadline = std::chrono::duration_cast<std::chrono::milliseconds>(limits::attempt_deadline);
  s.flights.emplace(d.token, flight{what, l.ordinal, d.was_dead, d.was_delivered});
  what.headers = l.config.headers;
  what.keys = signing_keys_at(l.config, now);
  what.profile = l.config.profile;
  return what;
}

} // namespace

std::vector<start> take_due(outbox_state& state, events::virtual_time now, std::size_t max) {
  std::vector<start> out;
  auto& s = state.self();
  while (out.size() < max) {
    auto* l = next_lane(s, now.us);
    if (l == nullptr)
      break;
    out.push_back(take_one(s, *l, now));
  }
  return out;
}

void name_sandbox(outbox_state& state, std::string id) {
  state.self().sandbox = std::move(id);
}

void give_back(outbox_state& state, fencing_token token) {
  auto& s = state.self();
  auto at = s.flights.find(token);
  if (at == s.flights.end())
    return;
  auto where = s.lanes.find(at->second.lane);
  auto message = at->second.what.message->seq;
  s.flights.erase(at);
  if (where == s.lanes.end())
    return;
  auto& l = where->second;
  auto d = l.deliveries.find(message);
  if (d == l.deliveries.end() || d->second.token != token)
    return;
  s.change_delivery(l, d->second, [&](delivery& changed) { s.land(l, changed); });
}

std::optional<events::virtual_time> next_due(const outbox_state& state) {
  const auto& s = state.self();
  std::optional<events::virtual_time> out;
  for (const auto* heads : {&s.runnable_by_due, &s.later})
    if (!heads->empty() && (!out || heads->begin()->first < out->us))
      out = events::virtual_time{heads->begin()->first};
  return out;
}

// -- outbox_state -------------------------------------------------------------------------

outbox_state::outbox_state() : self_(std::make_unique<impl>()) {}
outbox_state::~outbox_state() = default;
outbox_state::outbox_state(outbox_state&&) noexcept = default;
outbox_state& outbox_state::operator=(outbox_state&&) noexcept = default;

outbox_state::outbox_state(const outbox_state& other) : self_(std::make_unique<impl>(*other.self_)) {
  std::vector<fencing_token> tokens;
  for (const auto& [token, f] : self_->flights)
    tokens.push_back(token);
  for (auto token : tokens)
    give_back(*this, token);
}

outbox_state& outbox_state::operator=(const outbox_state& other) {
  if (this != &other)
    *this = outbox_state{other};
  return *this;
}

const destination* outbox_state::find(std::string_view id_or_uid) const {
  const auto* l = std::as_const(*self_).find_lane(id_or_uid);
  return l == nullptr ? nullptr : &l->config;
}

std::vector<const destination*> outbox_state::list(std::string_view after, std::size_t max) const {
  std::vector<const destination*> out;
  for (auto at = after.empty() ? self_->by_id.begin() : self_->by_id.upper_bound(after); at != self_->by_id.end() && out.size() < max; ++at)
    out.push_back(&self_->lanes.at(at->second).config);
  return out;
}

std::vector<const destination*> outbox_state::list_backwards(std::string_view before, std::size_t max) const {
  std::vector<const destination*> out;
  for (auto at = before.empty() ? self_->by_id.end() : self_->by_id.lower_bound(before); at != self_->by_id.begin() && out.size() < max;)
    out.push_back(&self_->lanes.at((--at)->second).config);
  return out;
}

std::size_t outbox_state::destination_count() const noexcept { return self_->lanes.size(); }

destination_counts outbox_state::counts(std::string_view id) const {
  const auto* l = std::as_const(*self_).find_lane(id);
  if (l == nullptr)
    return {};
  destination_counts out{l->deliveries.size(), l->in_flight, l->delivered, l->dead, l->failed_in_a_row, 0, 0};
  for (const auto& [seq, d] : l->deliveries) {
    out.delivered_again += d.was_delivered ? 1 : 0;
    out.dead_again += d.was_dead ? 1 : 0;
  }
  return out;
}

const lane_guard* outbox_state::guard(std::string_view id) const {
  const auto* l = std::as_const(*self_).find_lane(id);
  return l == nullptr ? nullptr : &l->guard;
}

const std::map<std::string, event_type, std::less<>>& outbox_state::event_types() const noexcept { return self_->types; }

std::vector<const recovery*> outbox_state::recoveries() const {
  std::vector<const recovery*> out;
  for (const auto& [seq, r] : self_->recoveries)
    out.push_back(&r);
  return out;
}

const recovery* outbox_state::find_recovery(std::string_view id) const { return self_->find_recovery(id); }

namespace {

outbox_state::delivery_view view_of(const lane& l, const delivery& d) {
  return {d.token != 0, l.config.disabled, d.attempts, {d.next_us()}};
}

} // namespace

std::optional<outbox_state::delivery_view> outbox_state::pending(std::string_view destination_id, events::seq message) const {
  const auto* l = std::as_const(*self_).find_lane(destination_id);
  if (l == nullptr)
    return std::nullopt;
  auto at = l->deliveries.find(message);
  return at == l->deliveries.end() ? std::nullopt : std::optional{view_of(*l, at->second)};
}

std::vector<std::pair<message_ref, outbox_state::delivery_view>> outbox_state::pending_of(std::string_view destination_id,
                                                                                          std::size_t max) const {
  std::vector<std::pair<message_ref, delivery_view>> out;
  const auto* l = std::as_const(*self_).find_lane(destination_id);
  if (l == nullptr)
    return out;
  for (const auto& [due, seq] : l->waiting) {
    if (out.size() == max)
      break;
    const auto& d = l->deliveries.at(seq);
    out.emplace_back(*d.message, view_of(*l, d));
  }
  return out;
}

std::size_t outbox_state::pending_count() const noexcept { return self_->deliveries; }

bool outbox_state::room_for_recovery(std::string_view destination_id) const {
  constexpr std::size_t waiting_most = 5'000;
  const auto* l = std::as_const(*self_).find_lane(destination_id);
  return l != nullptr && l->deliveries.size() <= waiting_most && self_->deliveries < limits::pending_per_sandbox;
}

std::size_t outbox_state::in_flight_count() const noexcept { return self_->flights.size(); }

} // namespace hourglass::webhook
