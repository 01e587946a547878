#include "webhook/views.hpp"

#include "webhook/facts_json.hpp"
#include "webhook/outbox_impl.hpp"

#include "events/json_text.hpp"
#include "events/limits.hpp"
#include "http/message.hpp"

#include <algorithm>

namespace hourglass::webhook::views {

namespace {

using events::json_text;

void write_texts_or_null(json_text& j, std::string_view name, const std::vector<std::string>& list) {
  j.key(name);
  if (list.empty()) {
    j.null();
    return;
  }
  j.open_array();
  for (const auto& one : list)
    j.value(std::string_view{one});
  j.close_array();
}

void write_text_or_null(json_text& j, std::string_view name, std::string_view text) {
  j.key(name);
  if (text.empty())
    j.null();
  else
    j.value(text);
}

void write_time(json_text& j, std::string_view name, events::virtual_time t) { j.key(name).value(events::to_rfc3339(t)); }

std::string_view status_text(status s) noexcept {
  switch (s) {
    case status::success:
      return "success";
    case status::pending:
      return "pending";
    case status::fail:
      return "fail";
    case status::sending:
      return "sending";
    case status::canceled:
      return "canceled";
  }
  return "unknown";
}

void write_status(json_text& j, status s) { j.key("status").value(static_cast<int>(s)).key("statusText").value(status_text(s)); }

// The members of EndpointOut, without braces.
void write_endpoint(json_text& j, const destination& d) {
  j.key("id").value(d.id);
  write_text_or_null(j, "uid", d.uid);
  j.key("url").value(d.url).key("description").value(d.description).key("version").value(d.version).key("disabled").value(d.disabled);
  write_texts_or_null(j, "filterTypes", d.filter_types);
  write_texts_or_null(j, "eventTypes", d.filter_types); // its name since Svix's clients 2.0
  write_texts_or_null(j, "channels", d.channels);
  j.key("rateLimit");
  d.rate_limit ? j.value(*d.rate_limit) : j.null();
  j.key("throttleRate");
  d.rate_limit ? j.value(*d.rate_limit) : j.null();
  j.key("metadata").open_object();
  for (const auto& [name, value] : d.metadata)
    j.key(name).value(std::string_view{value});
  j.close_object();
  write_time(j, "createdAt", d.created);
  write_time(j, "updatedAt", d.updated);
  j.key("retrySchedule").open_array();
  for (auto delay : schedule_of(d))
    j.value(std::chrono::duration_cast<std::chrono::seconds>(delay).count());
  j.close_array();
  j.key("inFlight").value(d.in_flight.value_or(static_cast<std::uint32_t>(limits::in_flight_per_destination)));
  write_text_or_null(j, "disabledReason", d.disabled_reason);
  j.key("signatureProfile").value(to_string(d.profile));
}

std::string_view name_of(recovery::phase p) noexcept {
  switch (p) {
    case recovery::phase::scanning:
      return "running";
    case recovery::phase::finished:
    case recovery::phase::cancelled: // Svix knows no such status; `cancelled` stands beside
      return "finished";
  }
  return "failed";
}

} // namespace

// -- destinations -----------------------------------------------------------------------

std::string endpoint_out(const destination& d) {
  std::string out;
  json_text j{out};
  j.open_object();
  write_endpoint(j, d);
  j.close_object();
  return out;
}

std::string endpoint_headers_out(const destination& d) {
  std::string out;
  json_text j{out};
  j.open_object().key("headers").open_object();
  for (const auto& h : d.headers)
    if (!h.sensitive)
      j.key(h.name).value(h.value);
  j.close_object().key("sensitive").open_array();
  for (const auto& h : d.headers)
    if (h.sensitive)
      j.value(h.name);
  j.close_array().close_object();
  return out;
}

std::string endpoint_secret_out(const destination& d, events::virtual_time now) {
  std::string out;
  json_text j{out};
  // As Svix: of an Ed25519 key the public half, which is all that a receiver needs.
  j.open_object().key("key").value(d.secrets.empty() ? std::string{} : d.secrets.front().key.for_receiver()).key("keys").open_array();
  for (const auto& s : d.secrets) {
    if (s.expires && *s.expires <= now)
      continue;
    j.open_object().key("key").value(s.key.for_receiver()).key("type").value(to_string(s.key.kind()));
    write_time(j, "createdAt", s.created);
    j.key("expiresAt");
    s.expires ? j.value(events::to_rfc3339(*s.expires)) : j.null();
    j.close_object();
  }
  j.close_array().close_object();
  return out;
}

std::string endpoint_stats(const destination_counts& c) {
  std::string out;
  json_text j{out};
  // Each message once, as it stands now: what is sent again is pending, whatever it was before.
  j.open_object().key("success").value(c.delivered - c.delivered_again).key("pending").value(c.pending - c.in_flight).key("sending").value(c.in_flight);
  j.key("fail").value(c.dead - c.dead_again).key("canceled").value(0).key("dead").value(c.dead).key("failedInARow").value(c.failed_in_a_row).close_object();
  return out;
}

std::string event_type_out(const event_type& t) {
  std::string out;
  json_text j{out};
  j.open_object().key("name").value(t.name).key("description").value(t.description);
  j.key("archived").value(t.archived).key("deprecated").value(t.deprecated).key("schemas");
  t.schemas.empty() ? j.null() : j.raw(t.schemas);
  write_text_or_null(j, "groupName", t.group_name);
  write_text_or_null(j, "featureFlag", t.feature_flags.empty() ? std::string_view{} : t.feature_flags.front());
  write_texts_or_null(j, "featureFlags", t.feature_flags);
  write_time(j, "createdAt", t.created);
  write_time(j, "updatedAt", t.updated);
  j.close_object();
  return out;
}

std::string recover_out(const recovery& r) {
  std::string out;
  json_text j{out};
  j.open_object().key("id").value(r.what.id).key("status").value(name_of(r.state)).key("task").value(r.what.task.empty() ? std::string_view{"endpoint.recover"} : std::string_view{r.what.task});
  write_time(j, "updatedAt", r.updated);
  write_time(j, "createdAt", r.started);
  j.key("endpointId").value(r.what.destination);
  write_time(j, "since", r.what.since);
  write_time(j, "until", r.what.until);
  j.key("scope").value(to_string(r.what.scope));
  write_texts_or_null(j, "eventTypes", r.what.event_types);
  j.key("cancelled").value(r.state == recovery::phase::cancelled).key("cursor").value(r.cursor);
  j.key("seen").value(r.seen).key("queued").value(r.queued).key("delivered").value(r.delivered).key("dead").value(r.dead).close_object();
  return out;
}

// -- messages ---------------------------------------------------------------------------

std::string message_out(const message_created& m, events::virtual_time at, bool with_content) {
  std::string out;
  out.reserve(m.body.size() + 320);
  json_text j{out};
  j.open_object().key("id").value(m.id).key("eventType").value(m.event_type);
  write_text_or_null(j, "eventId", m.event_id);
  j.key("payload").raw(with_content && !m.body.empty() ? std::string_view{m.body} : std::string_view{"{}"});
  write_texts_or_null(j, "channels", m.channels);
  write_texts_or_null(j, "tags", m.tags);
  write_time(j, "timestamp", at);
  if (m.deliver_at)
    write_time(j, "deliverAt", *m.deliver_at);
  else
    j.key("deliverAt").null();
  j.key("destinations").open_array();
  for (const auto& d : m.destinations)
    j.value(std::string_view{d});
  j.close_array().close_object();
  return out;
}

events::outcome<std::string> message_out(const events::header& h, std::string_view payload, bool with_content) {
  auto f = decode(events::kind::message_created, payload);
  if (!f)
    return tl::unexpected{f.error()};
  return message_out(std::get<message_created>(*f), h.virtual_, with_content);
}

events::outcome<message_ref> message_ref_of(const events::header& h, std::string_view payload) {
  auto f = decode(events::kind::message_created, payload);
  if (!f)
    return tl::unexpected{f.error()};
  auto& m = std::get<message_created>(*f);
  return message_ref{std::move(m.id), h.seq, std::move(m.event_type), m.body_bytes};
}

std::string message_endpoint_out(const destination& d, status s, std::optional<events::virtual_time> next) {
  std::string out;
  json_text j{out};
  j.open_object();
  write_endpoint(j, d);
  write_status(j, s);
  if (next)
    write_time(j, "nextAttempt", *next);
  else
    j.key("nextAttempt").null();
  j.close_object();
  return out;
}

std::string endpoint_message_out(std::string_view message, status s, std::optional<events::virtual_time> next) {
  std::string out{message.substr(0, message.find_last_of('}'))};
  out += ',';
  json_text j{out};
  write_status(j, s);
  if (next)
    write_time(j, "nextAttempt", *next);
  else
    j.key("nextAttempt").null();
  out += '}';
  return out;
}

// -- attempts ---------------------------------------------------------------------------

namespace {

void write_fields(json_text& j, std::string_view name, const http::fields& list) {
  j.key(name).open_array();
  for (const auto& [header, value] : list)
    j.open_array().value(std::string_view{header}).value(std::string_view{value}).close_array();
  j.close_array();
}

void write_error(json_text& j, const http::exchange_result& a) {
  j.key("error");
  if (a.error == http::transport_error::none) {
    j.null();
    return;
  }
  j.open_object().key("kind").value(http::to_string(a.error)).key("detail").value(a.detail).close_object();
}

void write_timing(json_text& j, const http::timing& t) {
  j.key("timing").open_object().key("queueUs").value(t.queue_us).key("dnsUs").value(t.dns_us).key("connectUs").value(t.connect_us);
  j.key("tlsUs").value(t.tls_us).key("firstByteUs").value(t.first_byte_us).key("totalUs").value(t.total_us).close_object();
}

// What Svix's MessageAttemptOut has.
void write_svix_part(json_text& j, const attempt_finished& f, events::virtual_time at, bool with_content, std::string_view msg) {
  const auto& a = f.result.answer;
  j.key("id").value(f.id).key("msgId").value(f.message.id).key("endpointId").value(f.destination).key("url").value(f.url);
  // Where there was no answer, Svix shows the error in its place.
  std::string_view shown = a.status == 0 ? std::string_view{a.detail} : std::string_view{a.body};
  j.key("response").value(with_content ? shown : std::string_view{}).key("responseStatusCode").value(a.status);
  j.key("responseDurationMs").value(a.spent.total_us / 1000);
  write_status(j, f.follows == outcome_kind::delivered ? status::success : status::fail);
  j.key("triggerType").value(f.why == trigger::manual ? 1 : 0);
  write_time(j, "timestamp", at);
  if (!msg.empty())
    j.key("msg").raw(msg);
}

} // namespace

events::outcome<std::string> attempt_out(const events::header& h, std::string_view payload, bool with_content, std::string_view msg) {
  auto decoded = decode(events::kind::attempt_finished, payload);
  if (!decoded)
    return tl::unexpected{decoded.error()};
  const auto& f = std::get<attempt_finished>(*decoded);
  const auto& a = f.result.answer;
  std::string out;
  out.reserve(payload.size() + 512);
  json_text j{out};
  j.open_object();
  write_svix_part(j, f, h.virtual_, with_content, msg);
  j.key("number").value(f.number).key("trigger").value(to_string(f.why)).key("outcome").value(to_string(f.follows));
  // After a 410 the endpoint is disabled: the next attempt waits until somebody enables it.
  const bool parked = a.status == 410 && f.follows == outcome_kind::retry;
  if (f.next && !parked)
    write_time(j, "nextAttempt", *f.next);
  else
    j.key("nextAttempt").null();
  j.key("endpointDisabled").value(parked);
  write_error(j, a);
  write_fields(j, "requestHeaders", f.result.request_headers);
  write_fields(j, "responseHeaders", a.headers);
  j.key("responseBody");
  with_content ? j.bytes(a.body) : j.null();
  j.key("responseTruncated").value(a.truncated);
  write_timing(j, a.spent);
  j.key("peer").value(a.peer);
  write_text_or_null(j, "tlsVersion", a.tls_version);
  j.key("connectionReused").value(a.reused).key("signedTimestamp").value(f.result.timestamp);
  j.key("bodySha256").value(events::to_hex({reinterpret_cast<const char*>(f.result.body_sha256.data()), f.result.body_sha256.size()}));
  j.key("bodyBytes").value(f.result.body_bytes).key("messageSeq").value(f.message.seq).key("eventType").value(f.message.event_type);
  j.key("seq").value(h.seq).key("wallTime").value(events::to_rfc3339(h.wall)).close_object();
  return out;
}

events::outcome<attempt_summary> summarize(const events::header& h, std::string_view payload) {
  auto decoded = decode(events::kind::attempt_finished, payload);
  if (!decoded)
    return tl::unexpected{decoded.error()};
  auto& f = std::get<attempt_finished>(*decoded);
  return attempt_summary{std::move(f.id),
                         std::move(f.message.id),
                         std::move(f.destination),
                         std::move(f.message.event_type),
                         f.message.seq,
                         f.number,
                         f.follows == outcome_kind::delivered ? status::success : status::fail,
                         f.result.answer.status,
                         f.follows,
                         h.virtual_};
}

status status_of(const std::optional<outbox_state::delivery_view>& pending, std::optional<outcome_kind> last_attempt) noexcept {
  if (pending)
    return pending->in_flight || pending->attempts == 0 ? status::sending : status::pending;
  if (!last_attempt)
    return status::canceled;
  return *last_attempt == outcome_kind::delivered ? status::success : status::fail;
}

// -- history ----------------------------------------------------------------------------

std::string public_payload(events::kind k, std::string_view payload) {
  using events::kind;
  bool has_secrets = k == kind::destination_created || k == kind::destination_updated || k == kind::destination_secret_rotated
                     || (k == kind::attempt_finished && payload.find('?') != std::string_view::npos);
  return has_secrets ? detail::mask(payload) : std::string{payload};
}

} // namespace hourglass::webhook::views

// -- the state at a moment ----------------------------------------------------------------

namespace hourglass::webhook {

namespace {

void write_pending(events::json_text& j, const lane& l, std::size_t max) {
  j.key("pending").open_array();
  for (const auto& [due, seq] : l.waiting) {
    if (max-- == 0)
      break;
    const auto& d = l.deliveries.at(seq);
    j.open_object().key("msgId").value(d.message->id).key("messageSeq").value(seq).key("eventType").value(d.message->event_type);
    j.key("attempts").value(d.attempts).key("due").value(events::to_rfc3339(due)).key("redelivery").value(d.was_dead || d.recovery != 0 || d.manual > 0);
    j.close_object();
  }
  j.close_array();
}

} // namespace

std::string to_json(const outbox_state& state, std::size_t max) {
  const auto& s = state.self();
  std::string out;
  events::json_text j{out};
  j.open_object().key("endpoints").open_array();
  for (const auto& [id, ordinal] : s.by_id) {
    const auto& l = s.lanes.at(ordinal);
    auto shown = l.config;
    shown.url = detail::public_url(shown.url);
    j.open_object().key("endpoint").raw(views::endpoint_out(shown));
    j.key("stats").raw(views::endpoint_stats(state.counts(id)));
    write_pending(j, l, max);
    j.close_object();
  }
  j.close_array().key("eventTypes").open_array();
  for (const auto& [name, t] : s.types)
    j.raw(views::event_type_out(t));
  j.close_array().key("recoveries").open_array();
  for (const auto& [seq, r] : s.recoveries)
    j.raw(views::recover_out(r));
  j.close_array().key("pendingDeliveries").value(s.deliveries).key("inFlight").value(s.flights.size()).close_object();
  return out;
}

} // namespace hourglass::webhook
