#include "webhook/views.hpp"

#include "webhook/view_parts.hpp"

#include "events/json_text.hpp"
#include "events/limits.hpp"

#include <algorithm>

namespace hourglass::webhook::views {

namespace {

using events::json_text;

void write_tls(json_text& j, const tls_settings& tls) {
  j.open_object();
  write_text_or_null(j, "ca", tls.authorities);
  write_text_or_null(j, "certificate", tls.certificate);
  j.key("pins").open_array();
  for (const auto& pin : tls.pins)
    j.value(http::to_pin_text(pin));
  j.close_array().close_object();
}

void write_authentication(json_text& j, const authentication& who) {
  j.open_object();
  if (who.basic)
    j.key("basic").open_object().key("username").value(who.basic->username).close_object();
  if (const auto& o = who.oauth2) {
    j.key("oauth2").open_object().key("tokenUrl").value(o->token_url).key("clientId").value(o->client_id);
    write_text_or_null(j, "scope", o->scope);
    write_text_or_null(j, "audience", o->audience);
    if (o->by_assertion) {
      j.key("clientAssertion").open_object();
      write_text_or_null(j, "keyId", o->assertion_key_id);
      write_text_or_null(j, "audience", o->assertion_audience);
      j.close_object();
    } else {
      j.key("credentialsIn").value(o->in_body ? "body" : "header");
    }
    write_text_or_null(j, "ca", o->authorities);
    j.close_object();
  }
  j.close_object();
}

void write_proxy(json_text& j, const proxy_settings& p) {
  if (p.direct()) {
    j.value("direct");
    return;
  }
  j.open_object().key("url").value(p.url);
  write_text_or_null(j, "username", p.username);
  j.close_object();
}

// As it may be given again: a secret that is left out stays.
void write_transport(json_text& j, const transport_settings& s) {
  j.key("tls");
  s.tls ? write_tls(j, *s.tls) : void(j.null());
  j.key("authentication");
  s.authentication ? write_authentication(j, *s.authentication) : void(j.null());
  j.key("proxy");
  s.proxy ? write_proxy(j, *s.proxy) : void(j.null());
}

// The members of EndpointOut, without braces.
void write_endpoint(json_text& j, const destination& d) {
  j.key("id").value(d.id);
  write_text_or_null(j, "uid", d.uid);
  j.key("url").value(d.url).key("description").value(d.description).key("version").value(d.version).key("disabled").value(d.disabled);
  write_texts_or_null(j, "filterTypes", d.filter_types);
  write_texts_or_null(j, "eventTypes", d.filter_types); // its name since Svix's clients 2.0
  write_texts_or_null(j, "channels", d.channels);
  j.key("filter");
  d.filter.empty() ? j.null() : j.raw(d.filter.text());
  j.key("retryPolicy");
  d.retries.empty() ? j.null() : j.raw(d.retries.text());
  j.key("protection");
  d.protection.empty() ? j.null() : j.raw(d.protection.text());
  j.key("ordering");
  d.ordering.empty() ? j.null() : j.raw(d.ordering.text());
  j.key("batching");
  d.batching.empty() ? j.null() : j.raw(d.batching.text());
  write_transport(j, d.transport.settings());
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
  std::uint32_t made = 1;
  for (auto delay = next_delay(d, {}, made, std::nullopt, 0); delay; delay = next_delay(d, {}, ++made, std::nullopt, 0))
    j.value(std::chrono::duration_cast<std::chrono::seconds>(*delay).count());
  j.close_array();
  j.key("inFlight").value(d.in_flight.value_or(static_cast<std::uint32_t>(limits::in_flight_per_destination)));
  j.key("timeout").value(d.timeout.value_or(static_cast<std::uint32_t>(limits::attempt_deadline.count())));
  write_text_or_null(j, "disabledReason", d.disabled_reason);
  j.key("deliveryControl").value(d.obeys);
  j.key("operational").value(d.operational);
  j.key("signatureProfile").value(to_string(d.profile));
  if (!d.signing.empty())
    j.key("signatureTemplate").raw(d.signing.text());
  j.key("bodyFormat").value(d.form ? "form" : "json");
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

std::string_view health_of(const destination& d, const lane_guard& g, events::virtual_time now) noexcept {
  if (d.disabled)
    return g.probing ? "probing" : "disabled";
  switch (g.at(now)) {
    case lane_guard::stance::free:
      return g.in_a_row == 0 ? "healthy" : "failing";
    case lane_guard::stance::held:
      return "held";
    case lane_guard::stance::half_open:
      return "half_open";
    case lane_guard::stance::recovering:
      return "recovering";
  }
  return "unknown";
}

std::string endpoint_out(const destination& d, std::optional<events::wall_time> now) {
  std::string out;
  json_text j{out};
  j.open_object();
  write_endpoint(j, d);
  if (now) {
    j.key("warnings").open_array();
    for (const auto& one : warnings(d.transport, now->us / 1'000'000))
      j.value(std::string_view{one});
    j.close_array();
  }
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

std::string endpoint_health_out(const destination& d, const lane_guard& g, events::virtual_time now, std::uint64_t held_lines) {
  std::string out;
  json_text j{out};
  auto time = [&j](std::string_view name, const std::optional<events::virtual_time>& t) {
    j.key(name);
    t ? j.value(events::to_rfc3339(*t)) : j.null();
  };
  j.open_object().key("state").value(health_of(d, g, now)).key("failedInARow").value(g.in_a_row);
  time("failingSince", g.failing_since);
  time("heldUntil", g.held(now) ? g.held_until : std::nullopt);
  j.key("inFlightAllowed");
  g.allowance() == lane_guard::unbounded ? j.null() : j.value(g.allowance());
  write_text_or_null(j, "disabledReason", d.disabled_reason);
  j.key("heldLines").value(held_lines).close_object();
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
  if (t.check)
    j.key("schemaCheck").value(to_string(*t.check));
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
  j.key("since");
  r.what.since.us != INT64_MIN ? j.value(events::to_rfc3339(r.what.since)) : j.null();
  j.key("until");
  r.what.until.us != INT64_MAX ? j.value(events::to_rfc3339(r.what.until)) : j.null();
  j.key("scope").value(to_string(r.what.scope));
  write_texts_or_null(j, "eventTypes", r.what.event_types);
  j.key("filter");
  r.what.filter.empty() ? j.null() : j.raw(r.what.filter.text());
  j.key("statusCodeClass");
  r.what.code_class ? j.value(*r.what.code_class) : j.null();
  j.key("rate");
  r.what.rate != 0 ? j.value(r.what.rate) : j.null();
  if (r.what.purge)
    j.key("purged").value(r.queued);
  j.key("automatic").value(r.what.automatic());
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
  // What was erased looks as it does with Svix.
  const std::string_view shown = m.erased_bytes != 0 ? std::string_view{R"({"expired":true})"} : m.json().empty() ? std::string_view{"{}"} : m.json();
  j.key("payload").raw(with_content ? shown : std::string_view{"{}"});
  if (m.opaque && with_content)
    events::is_utf8(m.body) ? j.key("payloadText").value(m.body) : j.key("payloadBase64").value(events::to_base64(m.body));
  if (!m.content_type.empty())
    j.key("contentType").value(m.content_type);
  if (!m.headers.empty()) {
    j.key("headers").open_object();
    for (const auto& h : m.headers)
      j.key(h.name).value(h.sensitive ? std::string_view{"[hidden]"} : std::string_view{h.value});
    j.close_object();
  }
  if (!m.params.empty() && with_content)
    j.key("transformationsParams").raw(m.params);
  write_texts_or_null(j, "channels", m.channels);
  write_texts_or_null(j, "tags", m.tags);
  write_time(j, "timestamp", at);
  if (m.deliver_at)
    write_time(j, "deliverAt", *m.deliver_at);
  else
    j.key("deliverAt").null();
  if (!m.ordering_key.empty())
    j.key("orderingKey").value(m.ordering_key);
  if (!m.replaces.empty())
    j.key("replaces").value(m.replaces);
  if (m.operational)
    j.key("operational").value(true);
  if (m.fault != delivery_fault::none)
    j.key("fault").value(to_string(m.fault));
  if (!m.schema_faults.empty()) {
    j.key("schemaFaults").open_array();
    for (const auto& one : m.schema_faults)
      j.open_object().key("pointer").value(one.pointer).key("rule").value(one.rule).key("message").value(one.message).close_object();
    j.close_array();
  }
  if (m.erased_bytes != 0)
    j.key("payloadErased").value(true);
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

std::string trial_item(const message_created& m, events::virtual_time at, const match_report& found, std::string_view destination) {
  using reason = match_report::reason;
  std::string out;
  json_text j{out};
  j.open_object().key("msgId").value(m.id).key("eventType").value(m.event_type);
  write_time(j, "timestamp", at);
  j.key("matches").value(found.against == reason::none);
  write_text_or_null(j, "against", found.against == reason::none ? std::string_view{} : to_string(found.against));
  write_text_or_null(j, "pointer", found.content.because);
  j.key("undecided").value(found.content.undecided);
  j.key("sent").value(std::find(m.destinations.begin(), m.destinations.end(), destination) != m.destinations.end()).close_object();
  return out;
}

events::outcome<message_ref> message_ref_of(const events::header& h, std::string_view payload) {
  auto f = decode(events::kind::message_created, payload);
  if (!f)
    return tl::unexpected{f.error()};
  auto& m = std::get<message_created>(*f);
  return message_ref{std::move(m.id), h.seq, std::move(m.event_type), m.body_bytes, m.fault != delivery_fault::none};
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

} // namespace hourglass::webhook::views
