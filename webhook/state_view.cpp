#include "webhook/facts_json.hpp"
#include "webhook/outbox_impl.hpp"
#include "webhook/raw_member.hpp"
#include "webhook/views.hpp"

#include "events/json_text.hpp"

// What history and the state at a moment show: as the log and the fold have it, without secrets.

namespace hourglass::webhook::views {

std::string public_payload(events::kind k, std::string_view payload) {
  using events::kind;
  bool has_secrets = k == kind::destination_created || k == kind::destination_updated || k == kind::destination_secret_rotated
                     || (k == kind::attempt_finished && payload.find('?') != std::string_view::npos);
  if (has_secrets)
    return detail::mask(payload);
  std::string out{payload};
  if (k == kind::message_created && has_content(payload)) // its body keeps its bytes
    if (auto content = raw_member(payload, "content"); !content.empty())
      out.replace(static_cast<std::size_t>(content.data() - payload.data()), content.size(), detail::mask(content));
  return out;
}

} // namespace hourglass::webhook::views

namespace hourglass::webhook {

namespace {

void write_pending(events::json_text& j, const lane& l, std::size_t max) {
  j.key("pending").open_array();
  for (const auto& d : l.first_that_wait(max)) {
    j.open_object().key("msgId").value(d.message->id).key("messageSeq").value(d.message->seq).key("eventType").value(d.message->event_type);
    j.key("attempts").value(d.attempts).key("due").value(events::to_rfc3339(events::virtual_time{d.next_us()})).key("redelivery").value(d.was_dead || d.recovery != 0 || d.manual > 0);
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
    if (auto settings = shown.transport.settings(); settings.authentication && settings.authentication->oauth2) {
      auto& token_url = settings.authentication->oauth2->token_url;
      token_url = detail::public_url(token_url);
      shown.transport = transport_policy{std::move(settings)};
    }
    j.open_object().key("endpoint").raw(views::endpoint_out(shown));
    j.key("stats").raw(views::endpoint_stats(state.counts(id)));
    write_pending(j, l, max);
    j.close_object();
  }
  j.close_array().key("eventTypes").open_array();
  for (const auto& [name, t] : s.types)
    j.raw(views::event_type_out(t));
  j.close_array().key("pollingEndpoints").open_array();
  for (const auto& [id, p] : s.pollers) {
    j.open_object().key("pollingEndpoint").raw(views::poller_out(p)).key("consumers").open_array();
    for (const auto& [name, c] : p.consumers)
      j.raw(views::poller_consumer_out(name, c));
    j.close_array().close_object();
  }
  j.close_array().key("recoveries").open_array();
  for (const auto& [seq, r] : s.recoveries)
    j.raw(views::recover_out(r));
  j.close_array().key("pendingDeliveries").value(s.deliveries).key("inFlight").value(s.flights.size()).close_object();
  return out;
}

} // namespace hourglass::webhook
