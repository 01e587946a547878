#include "webhook/facts.hpp"

#include "webhook/facts_json.hpp"

#include "events/json_text.hpp"

#include <algorithm>
#include <array>

namespace hourglass::webhook {

namespace {

using events::json_text;
using events::kind;

constexpr std::size_t entities_of_an_event = 60; // of `limits::entities_per_event`; more are in the payload, and `wide_fan_out` says so

void write_strings(json_text& j, std::string_view name, const std::vector<std::string>& list) {
  j.key(name).open_array();
  for (const auto& one : list)
    j.value(std::string_view{one});
  j.close_array();
}

// Bytes of strangers: a string when it is text, else {"base64": …}.
void write_text(json_text& j, std::string_view text) {
  if (events::is_utf8(text))
    j.value(text);
  else
    j.bytes(text);
}

void write_fields(json_text& j, const http::fields& list) {
  j.key("headers").open_array();
  for (const auto& [name, value] : list) {
    j.open_array();
    write_text(j, name);
    write_text(j, value);
    j.close_array();
  }
  j.close_array();
}

void write_message(json_text& j, const message_ref& m) {
  j.key("message").value(m.id).key("message_seq").value(m.seq).key("event_type").value(m.event_type);
  j.key("message_bytes").value(m.body_bytes);
  if (m.alone)
    j.key("alone").value(true);
}

void write_batch(json_text& j, const part_of_batch& b) {
  if (b.seq == 0)
    return;
  j.key("batch").open_object().key("id").value(b.id).key("seq").value(b.seq).key("left").value(b.left);
  if (b.beside)
    j.key("beside").value(true);
  j.close_object();
}

std::string hex_of(const events::hash& h) { return events::to_hex(events::as_text(h)); }

struct writer {
  json_text& j;

  void operator()(const event_type_put& f) const { detail::write(j, f.type); }
  void operator()(const event_type_removed& f) const { j.open_object().key("name").value(f.name).close_object(); }
  void operator()(const destination_created& f) const { detail::write(j, f.value); }
  void operator()(const destination_updated& f) const { detail::write(j, f.value); }
  void operator()(const destination_removed& f) const { j.open_object().key("id").value(f.id).close_object(); }

  void operator()(const destination_secret_rotated& f) const {
    j.open_object().key("id").value(f.id);
    detail::write(j, f.secrets);
    j.close_object();
  }

  void operator()(const destination_disabled& f) const {
    j.open_object().key("id").value(f.id).key("reason").value(f.reason);
    if (f.probe)
      j.key("probe_us").value(f.probe->us);
    j.close_object();
  }

  void operator()(const message_created& f) const {
    j.open_object().key("body_bytes").value(f.body.size());
    const bool text = f.opaque && events::is_utf8(f.body);
    const bool wrong = f.fault != delivery_fault::none;
    if (f.opaque || !f.content_type.empty() || !f.headers.empty() || !f.params.empty() || wrong) {
      j.key("content").open_object();
      if (!f.content_type.empty())
        j.key("type").value(f.content_type);
      if (f.opaque)
        j.key("coding").value(text ? "text" : "base64");
      if (!f.params.empty())
        j.key("params").raw(f.params);
      if (wrong)
        j.key("fault").value(to_string(f.fault));
      if (!f.headers.empty())
        detail::write(j, f.headers);
      j.close_object();
    }
    j.key("id").value(f.id).key("event_type").value(f.event_type);
    if (!f.event_id.empty())
      j.key("event_id").value(f.event_id);
    if (!f.channels.empty())
      write_strings(j, "channels", f.channels);
    if (!f.tags.empty())
      write_strings(j, "tags", f.tags);
    if (f.deliver_at)
      j.key("deliver_at_us").value(f.deliver_at->us);
    if (f.addressed)
      j.key("addressed").value(true);
    if (f.operational)
      j.key("operational").value(true);
    if (!f.ordering_key.empty())
      j.key("ordering_key").value(f.ordering_key);
    if (!f.replaces.empty())
      j.key("replaces").value(f.replaces);
    if (!f.schema_faults.empty())
      detail::write(j, f.schema_faults);
    write_strings(j, "destinations", f.destinations);
    if (!f.lines.empty())
      write_strings(j, "lines", f.lines);
    if (f.retention_hours != 0)
      j.key("retention_hours").value(f.retention_hours);
    if (f.erased_bytes != 0)
      j.key("erased_bytes").value(f.erased_bytes);
    j.key("body");
    if (!f.opaque)
      j.raw(f.body);
    else
      text ? j.value(f.body) : j.value(events::to_base64(f.body));
    j.close_object();
  }

  void operator()(const attempt_finished& f) const {
    const auto& r = f.result;
    const auto& a = r.answer;
    j.open_object().key("id").value(f.id);
    write_message(j, f.message);
    j.key("destination").value(f.destination).key("number").value(f.number).key("trigger").value(to_string(f.why));
    j.key("url").value(f.url).key("follows").value(to_string(f.follows));
    if (f.next)
      j.key("next_us").value(f.next->us);
    if (f.hold)
      j.key("hold_us").value(f.hold->us);
    if (f.opened)
      j.key("opened").value(true);
    if (f.gone_kept)
      j.key("gone_kept").value(true);
    if (f.backlog_told != 0)
      j.key("backlog_told").value(f.backlog_told);
    if (f.failing_told != 0)
      j.key("failing_told").value(f.failing_told);
    if (f.probe)
      j.key("probe").value(true);
    if (f.was_dead)
      j.key("was_dead").value(true);
    if (f.was_delivered)
      j.key("was_delivered").value(true);
    if (f.line_held)
      j.key("line_held").value(true);
    if (f.detached)
      j.key("detached").value(true);
    if (f.elsewhere)
      j.key("elsewhere").value(true);
    write_batch(j, f.batch);
    j.key("request").open_object();
    write_fields(j, r.request_headers);
    j.key("timestamp").value(r.timestamp).key("body_bytes").value(r.body_bytes).key("body_sha256").value(hex_of(r.body_sha256)).close_object();
    if (r.fault != delivery_fault::none)
      j.key("fault").value(to_string(r.fault));
    if (const auto& t = r.transformed) {
      j.key("transformed").open_object();
      if (t->cancelled)
        j.key("cancelled").value(true);
      else
        j.key("method").value(t->method).key("url").value(t->url);
      j.close_object();
    }
    if (a.status != 0) {
      j.key("response").open_object().key("status").value(a.status);
      write_fields(j, a.headers);
      j.key("body").bytes(a.body).key("truncated").value(a.truncated);
      if (f.answer_erased)
        j.key("erased").value(true);
      j.close_object();
    }
    if (a.error != http::transport_error::none) {
      j.key("error").open_object().key("kind").value(http::to_string(a.error)).key("detail");
      write_text(j, a.detail);
      j.close_object();
    }
    j.key("connection").open_object().key("peer").value(a.peer);
    if (!a.via.empty())
      j.key("via").value(a.via);
    if (a.certificate_expires != 0)
      j.key("certificate_expires").value(a.certificate_expires);
    j.key("tls").value(a.tls_version).key("reused").value(a.reused).close_object();
    j.key("started_us").value(r.started_us).key("timing_us").open_object();
    j.key("queue").value(a.spent.queue_us).key("dns").value(a.spent.dns_us).key("connect").value(a.spent.connect_us);
    j.key("tls").value(a.spent.tls_us).key("first_byte").value(a.spent.first_byte_us).key("total").value(a.spent.total_us);
    j.close_object().close_object();
  }

  void operator()(const resend_requested& f) const {
    j.open_object();
    write_message(j, f.message);
    j.key("destination").value(f.destination).key("attempts").value(f.attempts).key("was_dead").value(f.was_dead);
    if (f.was_delivered)
      j.key("was_delivered").value(true);
    if (!f.line.empty())
      j.key("line").value(f.line);
    if (f.batch != 0)
      j.key("batch").value(f.batch);
    j.close_object();
  }

  void operator()(const recovery_started& f) const {
    j.open_object().key("id").value(f.id).key("destination").value(f.destination).key("since_us").value(f.since.us);
    j.key("until_us").value(f.until.us).key("scope").value(to_string(f.scope));
    write_strings(j, "event_types", f.event_types);
    if (!f.task.empty())
      j.key("task").value(f.task);
    if (f.automatic())
      j.key("after").value(f.after);
    if (!f.filter.empty())
      j.key("filter").raw(f.filter.text());
    if (f.code_class)
      j.key("code_class").value(*f.code_class);
    if (f.rate != 0)
      j.key("rate").value(f.rate);
    if (f.purge)
      j.key("purge").value(true).key("by").value(f.by);
    j.close_object();
  }

  void operator()(const recovery_progressed& f) const {
    j.open_object().key("id").value(f.id).key("cursor").value(f.cursor).key("seen").value(f.seen).key("queued").value(f.queued);
    if (f.next)
      j.key("next_us").value(f.next->us);
    j.key("items").open_array();
    for (const auto& item : f.items) {
      j.open_object();
      write_message(j, item.message);
      j.key("attempts").value(item.attempts).key("was_dead").value(item.was_dead);
      if (item.was_delivered)
        j.key("was_delivered").value(true);
      if (item.deliver_at)
        j.key("deliver_at_us").value(item.deliver_at->us);
      if (!item.line.empty())
        j.key("line").value(item.line);
      if (item.place)
        j.key("place_us").value(item.place->us);
      j.close_object();
    }
    j.close_array().close_object();
  }

  void operator()(const recovery_finished& f) const {
    j.open_object().key("id").value(f.id).key("cancelled").value(f.cancelled).close_object();
  }

  void operator()(const destination_recovered& f) const { j.open_object().key("id").value(f.id).close_object(); }

  void operator()(const delivery_expired& f) const {
    j.open_object().key("id").value(f.id);
    write_message(j, f.message);
    j.key("destination").value(f.destination).key("attempts").value(f.attempts).key("reason").value(f.reason).key("since_us").value(f.since.us);
    if (f.was_dead)
      j.key("was_dead").value(true);
    if (f.was_delivered)
      j.key("was_delivered").value(true);
    if (f.line_held)
      j.key("line_held").value(true);
    if (f.erased)
      j.key("erased").value(true);
    write_batch(j, f.batch);
    j.close_object();
  }
  void operator()(const batch_formed& f) const {
    j.open_object().key("id").value(f.id).key("destination").value(f.destination).key("messages").open_array();
    for (const auto& m : f.messages)
      j.open_array().value(m.id).value(m.seq).close_array();
    j.close_array().close_object();
  }
  void operator()(const content_erased& f) const {
    j.open_object().key("reason").value(to_string(f.why));
    events::write_erased_items(j, f.items);
    j.close_object();
  }
  void operator()(const dead_letters_removed& f) const {
    j.open_object().key("destination").value(f.destination).key("by").value(f.by);
    if (!f.recovery.empty())
      j.key("recovery").value(f.recovery);
    if (!f.superseded_by.empty())
      j.key("superseded_by").value(f.superseded_by);
    j.key("letters").open_array();
    for (const auto& one : f.letters)
      j.open_array().value(one.message).value(one.seq).close_array();
    j.close_array().close_object();
  }
  void operator()(const deliveries_moved& f) const { j.open_object().key("by_us").value(f.by_us).close_object(); }

  void operator()(const poller_created& f) const { detail::write(j, f.value); }
  void operator()(const poller_updated& f) const { detail::write(j, f.value); }
  void operator()(const poller_removed& f) const { j.open_object().key("id").value(f.id).close_object(); }
  void operator()(const consumer_moved& f) const {
    j.open_object().key("poller").value(f.poller).key("consumer").value(f.consumer).key("cursor").value(f.cursor).close_object();
  }
  void operator()(const consumer_removed& f) const { j.open_object().key("poller").value(f.poller).key("consumer").value(f.consumer).close_object(); }
};

struct entity_lister {
  using list = std::vector<std::string>;

  list operator()(const event_type_put& f) const { return {f.type.name}; }
  list operator()(const event_type_removed& f) const { return {f.name}; }
  list operator()(const destination_created& f) const { return {f.value.id}; }
  list operator()(const destination_updated& f) const { return {f.value.id}; }
  list operator()(const destination_removed& f) const { return {f.id}; }
  list operator()(const destination_secret_rotated& f) const { return {f.id}; }
  list operator()(const destination_disabled& f) const { return {f.id}; }
  list operator()(const message_created& f) const {
    list out;
    out.reserve(4 + std::min(f.destinations.size(), entities_of_an_event));
    out.push_back(f.id);
    for (const auto& d : f.destinations)
      if (out.size() <= entities_of_an_event)
        out.push_back(d);
    if (f.destinations.size() > entities_of_an_event)
      out.emplace_back(wide_fan_out);
    if (!f.event_id.empty())
      out.push_back(f.event_id); // the API finds a message by either
    if (!f.replaces.empty())
      out.push_back(f.replaces); // its history has what came of it
    return out;
  }
  list operator()(const attempt_finished& f) const {
    list out{f.message.id, f.destination, f.id};
    if (f.batch.seq != 0)
      out.push_back(f.batch.id);
    return out;
  }
  list operator()(const batch_formed& f) const {
    list out{f.id, f.destination};
    for (const auto& m : f.messages)
      if (out.size() < entities_of_an_event)
        out.push_back(m.id);
    return out;
  }
  list operator()(const resend_requested& f) const { return {f.message.id, f.destination}; }
  list operator()(const recovery_started& f) const { return {f.id, f.destination}; }
  list operator()(const recovery_progressed& f) const { return {f.id}; }
  list operator()(const recovery_finished& f) const { return {f.id}; }
  list operator()(const deliveries_moved&) const { return {}; }
  list operator()(const destination_recovered& f) const { return {f.id}; }
  list operator()(const delivery_expired& f) const { return {f.message.id, f.destination, f.id}; }
  list operator()(const dead_letters_removed& f) const {
    list out{f.destination};
    for (const auto* other : {&f.recovery, &f.superseded_by})
      if (!other->empty())
        out.push_back(*other);
    for (const auto& one : f.letters)
      out.push_back(one.message);
    return out;
  }
  list operator()(const poller_created& f) const { return {f.value.id}; }
  list operator()(const poller_updated& f) const { return {f.value.id}; }
  list operator()(const poller_removed& f) const { return {f.id}; }
  list operator()(const consumer_moved& f) const { return {f.poller}; }
  list operator()(const consumer_removed& f) const { return {f.poller}; }
  list operator()(const content_erased& f) const {
    list out;
    for (const auto& item : f.items)
      if (out.size() < entities_of_an_event && !item.id.empty())
        out.push_back(item.id);
    return out;
  }
};

// In the order of the alternatives of `fact`.
constexpr std::array kinds{kind::event_type_put,       kind::event_type_removed, kind::destination_created, kind::destination_updated,
                           kind::destination_removed,  kind::destination_secret_rotated, kind::destination_disabled,
                           kind::message_created,      kind::attempt_finished,   kind::resend_requested,    kind::recovery_started,
                           kind::recovery_progressed,  kind::recovery_finished,    kind::deliveries_moved,
                           kind::destination_recovered, kind::delivery_expired, kind::dead_letters_removed,
                           kind::poller_created,       kind::poller_updated,       kind::poller_removed,      kind::consumer_moved,
                           kind::consumer_removed, kind::content_erased, kind::batch_formed};
static_assert(kinds.size() == std::variant_size_v<fact>);

std::size_t size_hint(const fact& f) noexcept {
  if (const auto* m = std::get_if<message_created>(&f))
    return m->body.size() + m->destinations.size() * 34 + 192;
  if (const auto* a = std::get_if<attempt_finished>(&f))
    return a->result.answer.body.size() + 2048;
  if (const auto* e = std::get_if<content_erased>(&f))
    return e->items.size() * 140 + 64;
  return 512;
}

} // namespace

std::string_view to_string(trigger t) noexcept {
  switch (t) {
    case trigger::schedule:
      return "schedule";
    case trigger::manual:
      return "manual";
    case trigger::recovery:
      return "recovery";
  }
  return "unknown";
}

std::string_view to_string(outcome_kind k) noexcept {
  switch (k) {
    case outcome_kind::delivered:
      return "delivered";
    case outcome_kind::retry:
      return "retry";
    case outcome_kind::dead:
      return "dead";
    case outcome_kind::failed:
      return "failed";
    case outcome_kind::dropped:
      return "dropped";
  }
  return "unknown";
}

std::string_view to_string(recovery_scope s) noexcept {
  switch (s) {
    case recovery_scope::failed:
      return "failed";
    case recovery_scope::missing:
      return "missing";
    case recovery_scope::all:
      return "all";
  }
  return "unknown";
}

std::string_view to_string(erasure_reason r) noexcept { return r == erasure_reason::asked ? "asked" : "retention"; }

events::kind kind_of(const fact& f) noexcept { return kinds[f.index()]; }

bool is_outbox_kind(events::kind k) noexcept { return std::find(kinds.begin(), kinds.end(), k) != kinds.end(); }

events::draft encode(const fact& f) {
  events::draft d{.kind = kind_of(f), .payload = {}, .entities = std::visit(entity_lister{}, f), .causation = 0, .claims = {}};
  d.payload.reserve(size_hint(f));
  json_text j{d.payload};
  std::visit(writer{j}, f);
  if (const auto* a = std::get_if<attempt_finished>(&f))
    d.causation = a->message.seq;
  if (const auto* e = std::get_if<delivery_expired>(&f))
    d.causation = e->message.seq;
  if (const auto* m = std::get_if<message_created>(&f); m != nullptr && !m->event_id.empty())
    d.claims.push_back("event-id:" + m->event_id);
  if (const auto* m = std::get_if<message_created>(&f))
    d.content_hours = m->retention_hours;
  return d;
}

void shift(fact& f, std::int64_t by_us) {
  auto move_us = [](std::int64_t us, std::int64_t by) {
    std::int64_t out = 0;
    return __builtin_add_overflow(us, by, &out) ? us : out; // what cannot be moved stays
  };
  auto move = [&](std::optional<events::virtual_time>& t) {
    if (t)
      t->us = move_us(t->us, by_us);
  };
  if (auto* a = std::get_if<attempt_finished>(&f))
    move(a->next), move(a->hold);
  else if (auto* off = std::get_if<destination_disabled>(&f))
    move(off->probe);
  else if (auto* m = std::get_if<message_created>(&f))
    move(m->deliver_at);
  else if (auto* e = std::get_if<delivery_expired>(&f))
    e->since.us = move_us(e->since.us, by_us);
  else if (auto* page = std::get_if<recovery_progressed>(&f)) {
    move(page->next);
    for (auto& item : page->items)
      move(item.deliver_at), move(item.place);
  }
}

void shift(events::draft& d, std::int64_t by_us) {
  auto f = decode(d.kind, d.payload);
  if (!f)
    return; // not ours
  shift(*f, by_us);
  d.payload = encode(*f).payload;
}

} // namespace hourglass::webhook
