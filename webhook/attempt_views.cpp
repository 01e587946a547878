#include "webhook/views.hpp"

#include "webhook/view_parts.hpp"

#include "events/json_text.hpp"

namespace hourglass::webhook::views {

using events::json_text;

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
  std::string_view shown = a.status == 0 ? std::string_view{a.detail} : f.answer_erased ? std::string_view{"EXPUNGED"} : std::string_view{a.body};
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
  j.key("number").value(f.number).key("trigger").value(to_string(f.why)).key("outcome").value(f.result.cancelled() ? "cancelled" : to_string(f.follows));
  // After a 410 the endpoint is disabled: the next attempt waits until somebody enables it.
  const bool parked = a.status == 410 && f.follows == outcome_kind::retry && !f.gone_kept;
  if (f.next && !parked)
    write_time(j, "nextAttempt", std::max(*f.next, f.hold.value_or(*f.next)));
  else
    j.key("nextAttempt").null();
  write_text_or_null(j, "batchId", f.batch.id);
  j.key("endpointDisabled").value(parked).key("probe").value(f.probe);
  write_error(j, a);
  write_fields(j, "requestHeaders", f.result.request_headers);
  write_fields(j, "responseHeaders", a.headers);
  j.key("responseBody");
  with_content && !f.answer_erased ? j.bytes(a.body) : j.null();
  if (f.answer_erased)
    j.key("responseErased").value(true);
  if (const auto& t = f.result.transformed; t && !t->cancelled) {
    j.key("transformed").open_object().key("method").value(t->method).key("url").value(t->url).close_object();
  }
  j.key("responseTruncated").value(a.truncated);
  write_timing(j, a.spent);
  j.key("peer").value(a.peer);
  write_text_or_null(j, "proxy", a.via);
  write_text_or_null(j, "tlsVersion", a.tls_version);
  write_text_or_null(j, "certificateExpires", a.certificate_expires == 0 ? std::string{} : events::to_rfc3339(events::wall_time{a.certificate_expires * 1'000'000}));
  if (f.result.fault != delivery_fault::none)
    j.key("fault").value(to_string(f.result.fault));
  j.key("connectionReused").value(a.reused).key("signedTimestamp").value(f.result.timestamp);
  j.key("bodySha256").value(events::to_hex({reinterpret_cast<const char*>(f.result.body_sha256.data()), f.result.body_sha256.size()}));
  j.key("bodyBytes").value(f.result.body_bytes).key("messageSeq").value(f.message.seq).key("eventType").value(f.message.event_type);
  j.key("seq").value(h.seq).key("wallTime").value(events::to_rfc3339(h.wall)).close_object();
  return out;
}

events::outcome<std::string> expired_out(const events::header& h, std::string_view payload, std::string_view msg) {
  auto decoded = decode(events::kind::delivery_expired, payload);
  if (!decoded)
    return tl::unexpected{decoded.error()};
  const auto& f = std::get<delivery_expired>(*decoded);
  std::string out;
  json_text j{out};
  j.open_object().key("id").value(f.id).key("msgId").value(f.message.id).key("endpointId").value(f.destination).key("url").value("");
  j.key("response").value(f.reason + " since " + events::to_rfc3339(f.since)).key("responseStatusCode").value(0).key("responseDurationMs").value(0);
  write_status(j, status::fail);
  j.key("triggerType").value(0);
  write_time(j, "timestamp", h.virtual_);
  if (!msg.empty())
    j.key("msg").raw(msg);
  j.key("number").value(f.attempts).key("outcome").value(to_string(outcome_kind::dead)).key("reason").value(f.reason).key("nextAttempt").null();
  j.key("messageSeq").value(f.message.seq).key("eventType").value(f.message.event_type).key("seq").value(h.seq);
  j.key("wallTime").value(events::to_rfc3339(h.wall)).close_object();
  return out;
}

events::outcome<attempt_summary> summarize(const events::header& h, std::string_view payload) {
  auto decoded = decode(h.kind, payload);
  if (!decoded)
    return tl::unexpected{decoded.error()};
  if (auto* e = std::get_if<delivery_expired>(&*decoded))
    return attempt_summary{std::move(e->id), std::move(e->message.id), std::move(e->destination), std::move(e->message.event_type), e->message.seq,
                           e->attempts,      status::fail,             0,                         outcome_kind::dead,               h.virtual_};
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

} // namespace hourglass::webhook::views
