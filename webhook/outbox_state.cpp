#include "webhook/outbox_impl.hpp"
#include "webhook/views.hpp"

#include "events/limits.hpp"

#include <algorithm>
#include <tuple>

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

const poller* outbox_state::impl::find_poller(std::string_view id_or_uid) const {
  auto named = poller_of_uid.find(id_or_uid);
  auto at = named == poller_of_uid.end() ? pollers.find(id_or_uid) : pollers.find(named->second);
  return at == pollers.end() ? nullptr : &at->second;
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
  if (!l.config.ordering.holds() || !(before.ordering == l.config.ordering))
    l.held.clear(); // a person lets them go on; in another order they may stand elsewhere
  if (!(before.retries == l.config.retries) || !(before.protection == l.config.protection) || !(before.ordering == l.config.ordering) ||
      !(before.batching == l.config.batching))
    sort_anew(l);
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
  same.ordering = l.config.ordering;
  same.batching = l.config.batching;
  if (!(same == l.config)) {
    const bool still_by_rule = l.config.disabled && l.config.disabled_reason == before.disabled_reason;
    l.guard.changed(now, still_by_rule && l.guard.probing && l.config.protection.rules().probes());
  }
  reindex(l);
}

void outbox_state::impl::remove_lane(lane& l) {
  deliveries -= l.pending();
  resting -= l.resting.size();
  unindex(l);
  l.aging.clear(), l.kept_back.clear();
  l.resting = {};
  reindex_forming(l, false);
  reindex_age(l);
  index_filters(l, false);
  by_id.erase(l.config.id);
  if (!l.config.uid.empty())
    by_uid.erase(l.config.uid);
  short_of_bytes.erase(l.ordinal);
  lanes.erase(l.ordinal);
}

/// By rules that have changed.
void outbox_state::impl::sort_anew(lane& l) {
  l.waiting.clear(), l.by_hand.clear(), l.aging.clear(), l.kept_back.clear();
  l.alone.clear(), l.gathered.clear(), l.lines_gathered.clear();
  l.gathered_us = INT64_MAX;
  l.gathered_anew = true;
  for (auto& [name, q] : l.lines)
    q.shown = 0;
  for (auto& [seq, d] : l.deliveries)
    wait(l, d);
  if (!l.resting.empty())
    l.resting.rule(ageing_in(l));
}

// -- deliveries -------------------------------------------------------------------------

void outbox_state::impl::add_delivery(lane& l, delivery d) {
  auto seq = d.message->seq;
  for (const auto& m : d.members)
    l.in_batch[m.message->seq] = seq;
  auto [at, fresh] = l.deliveries.insert_or_assign(seq, std::move(d));
  deliveries += fresh ? at->second.messages() : 0;
  l.batched += fresh ? at->second.messages() - 1 : 0;
  l.recovered += at->second.recovered();
  enter_line(l, at->second);
  wait(l, at->second);
  reindex(l);
  let_rest(l);
}

void outbox_state::impl::erase_delivery(lane& l, events::seq message) {
  auto* d = find_delivery(l, message);
  if (d == nullptr)
    return;
  unwait(l, *d);
  if (std::exchange(d->token, 0) != 0)
    uncount_flight(l, *d);
  forget(l, *d);
  reindex(l);
}

/// Nothing more is to be done with it: the next of its line steps up.
void outbox_state::impl::forget(lane& l, delivery& d) {
  const auto line = d.line;
  l.recovered -= d.recovered();
  leave_line(l, d);
  for (const auto& m : d.members)
    l.in_batch.erase(m.message->seq);
  deliveries -= d.messages();
  l.batched -= d.messages() - 1;
  l.deliveries.erase(d.message->seq);
  if (l.rest_at > 4 * l.deliveries.size())
    l.rest_at /= 2;
  arrange(l, line);
}

void outbox_state::impl::land(lane& l, delivery& d) {
  if (d.token == 0)
    return;
  d.token = 0;
  uncount_flight(l, d);
  if (auto q = l.lines.find(d.line); !d.line.empty() && q != l.lines.end())
    q->second.flying = 0;
}

void outbox_state::impl::uncount_flight(lane& l, const delivery& d) {
  --l.in_flight;
  l.bytes_in_flight -= d.message->body_bytes;
  if (std::exchange(l.short_of_bytes, false))
    short_of_bytes.erase(l.ordinal);
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
  destination_counts out{l->pending(), l->in_flight, l->delivered, l->dead, l->failed_in_a_row, 0, 0, l->held.size()};
  out.in_flight = 0; // messages, not requests
  for (const auto& [seq, d] : l->deliveries) {
    out.in_flight += d.token != 0 ? d.messages() : 0;
    const bool with_others = l->in_batch.contains(seq); // it is counted there
    out.delivered_again += d.was_delivered && !with_others ? 1 : 0;
    out.dead_again += d.was_dead && !with_others ? 1 : 0;
    for (const auto& m : d.members) {
      out.delivered_again += m.was_delivered ? 1 : 0;
      out.dead_again += m.was_dead ? 1 : 0;
    }
  }
  return out;
}

const lane_guard* outbox_state::guard(std::string_view id) const {
  const auto* l = std::as_const(*self_).find_lane(id);
  return l == nullptr ? nullptr : &l->guard;
}

const poller* outbox_state::find_poller(std::string_view id_or_uid) const { return self_->find_poller(id_or_uid); }

const std::map<std::string, poller, std::less<>>& outbox_state::pollers() const noexcept { return self_->pollers; }

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
  // A hold keeps back what the schedule sends, and nothing that a person wants.
  const auto due = d.manual > 0 ? d.next_us() : std::max(d.next_us(), l.guard.gate_us());
  const auto q = l.lines.find(d.line);
  const auto seq = d.message->seq;
  const auto with = l.deliveries.contains(seq) ? l.in_batch.end() : l.in_batch.find(seq);
  const bool behind = q != l.lines.end() && d.token == 0 && q->second.shown != (with == l.in_batch.end() ? seq : with->second);
  return {d.token != 0, l.config.disabled, d.attempts, {due}, d.since, behind};
}

} // namespace

std::optional<outbox_state::delivery_view> outbox_state::pending(std::string_view destination_id, events::seq message) const {
  const auto* l = std::as_const(*self_).find_lane(destination_id);
  if (l == nullptr)
    return std::nullopt;
  const auto d = l->copy_of(message);
  return d ? std::optional{view_of(*l, *d)} : std::nullopt;
}

std::vector<std::pair<message_ref, outbox_state::delivery_view>> outbox_state::pending_of(std::string_view destination_id,
                                                                                          std::size_t max) const {
  std::vector<std::pair<message_ref, delivery_view>> out;
  const auto* l = std::as_const(*self_).find_lane(destination_id);
  if (l == nullptr)
    return out;
  for (const auto& d : l->first_that_wait(max))
    out.emplace_back(*d.message, view_of(*l, d));
  return out;
}

backlog backlog_of(const outbox_state& state, events::virtual_time now, std::size_t max) {
  backlog out;
  for (const auto& [ordinal, l] : state.self().lanes) {
    const auto health = views::health_of(l.config, l.guard, now);
    const bool well = health == "healthy";
    if (!well)
      ++out.by_state[health];
    out.pending += l.pending();
    if (well && l.pending() == 0)
      continue;
    std::optional<duration> oldest;
    if (l.pending() != 0) { // the oldest is not the first of the log: a recovery brings back old messages, some are for later
      auto since = l.resting.first_since_us();
      for (const auto& [seq, d] : l.deliveries)
        since = std::min(since, d.since.us);
      oldest = duration{std::max<std::int64_t>(0, now.us - since)};
      out.oldest = std::max(out.oldest.value_or(*oldest), *oldest);
    }
    out.worst.push_back({l.config.id, health, l.pending(), oldest});
  }
  std::sort(out.worst.begin(), out.worst.end(), [](const auto& a, const auto& b) { return std::tie(b.pending, a.destination) < std::tie(a.pending, b.destination); });
  out.worst.resize(std::min(max, out.worst.size()));
  return out;
}

std::size_t outbox_state::pending_count() const noexcept { return self_->deliveries; }

bool outbox_state::room_for_recovery(std::string_view destination_id) const {
  const auto* l = std::as_const(*self_).find_lane(destination_id);
  if (l == nullptr)
    return false;
  if (l->catching_up != 0 && !l->lines.empty()) // what waits for it must not keep it back
    return l->recovered <= recovery_room;
  return l->pending() <= recovery_room && self_->deliveries < limits::pending_per_sandbox;
}

std::size_t outbox_state::in_flight_count() const noexcept { return self_->flights.size(); }
std::uint64_t outbox_state::bytes_under_way() const noexcept { return self_->bodies.bytes(); }

} // namespace hourglass::webhook
