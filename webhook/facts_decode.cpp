#include "webhook/facts.hpp"
#include "webhook/facts_json.hpp"
#include "webhook/limits.hpp"

#include "events/codec.hpp"
#include "events/json_text.hpp"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

namespace hourglass::webhook {

namespace {

using detail::object_reader;
using events::kind;
using nlohmann::json;

/// The enumerator whose `to_string` is `text`, from `list`.
template <class T, std::size_t N>
T one_of(const std::array<T, N>& list, object_reader& r, const char* name) {
  auto text = r.text(name);
  auto found = std::find_if(list.begin(), list.end(), [&text](T v) { return to_string(v) == text; });
  if (found == list.end()) {
    r.fail(name);
    return list[0];
  }
  return *found;
}

constexpr std::array triggers{trigger::schedule, trigger::manual, trigger::recovery};
constexpr std::array outcomes{outcome_kind::delivered, outcome_kind::retry, outcome_kind::dead, outcome_kind::failed, outcome_kind::dropped};
constexpr std::array erasure_reasons{erasure_reason::asked, erasure_reason::retention};
constexpr std::array scopes{recovery_scope::failed, recovery_scope::missing, recovery_scope::all};
constexpr std::array transport_errors{
    http::transport_error::none, http::transport_error::bad_url, http::transport_error::refused_by_guard, http::transport_error::dns,
    http::transport_error::connect, http::transport_error::tls, http::transport_error::reset, http::transport_error::malformed,
    http::transport_error::timeout, http::transport_error::cancelled, http::transport_error::proxy, http::transport_error::oauth_token,
    http::transport_error::transformation};

/// What `json_text::bytes` or a plain string says.
std::string bytes_of(const json& v, object_reader& r, const char* name) {
  std::string out;
  if (v.is_string())
    return v.get<std::string>();
  if (v.is_object()) {
    if (auto text = v.find("text"); text != v.end() && text->is_string())
      return text->get<std::string>();
    if (auto coded = v.find("base64"); coded != v.end() && coded->is_string() && events::from_base64(coded->get_ref<const std::string&>(), out))
      return out;
  }
  r.fail(name);
  return {};
}

http::fields fields_of(object_reader& r, const char* name) {
  http::fields out;
  const auto* list = r.find(name);
  if (list == nullptr)
    return out;
  for (const auto& one : *list) {
    if (!one.is_array() || one.size() != 2) {
      r.fail(name);
      return out;
    }
    out.push_back({bytes_of(one[0], r, name), bytes_of(one[1], r, name)});
  }
  return out;
}

message_ref message_of(object_reader& r) {
  return {r.text("message"), r.natural("message_seq"), r.text("event_type"), r.natural("message_bytes"), r.truth("alone", false)};
}

void read_request(const json* at, object_reader& r, attempt_result& into) {
  if (at == nullptr)
    return r.fail("request");
  object_reader q{*at};
  into.request_headers = fields_of(q, "headers");
  into.timestamp = q.integer("timestamp");
  into.body_bytes = q.natural("body_bytes");
  auto hex = q.text("body_sha256");
  auto nibble = [&q](char c) {
    if (c >= '0' && c <= '9')
      return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f')
      return static_cast<unsigned>(c - 'a' + 10);
    q.fail("body_sha256");
    return 0U;
  };
  if (hex.size() != into.body_sha256.size() * 2)
    q.fail("body_sha256");
  else
    for (std::size_t i = 0; i < into.body_sha256.size(); ++i)
      into.body_sha256[i] = static_cast<std::uint8_t>(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
  if (!q.problem().empty())
    r.fail("request/" + q.problem());
}

void read_answer(object_reader& r, http::exchange_result& into) {
  if (const auto* response = r.find("response")) {
    object_reader a{*response};
    into.status = static_cast<unsigned>(a.natural("status"));
    into.headers = fields_of(a, "headers");
    if (const auto* body = a.find("body"))
      into.body = bytes_of(*body, a, "body");
    into.truncated = a.truth("truncated", false);
    if (!a.problem().empty())
      r.fail("response/" + a.problem());
  }
  if (const auto* error = r.find("error")) {
    object_reader e{*error};
    into.error = one_of(transport_errors, e, "kind");
    if (const auto* said = e.find("detail"))
      into.detail = bytes_of(*said, e, "detail");
    if (!e.problem().empty())
      r.fail("error/" + e.problem());
  }
  if (const auto* connection = r.find("connection")) {
    object_reader c{*connection};
    into.peer = c.text("peer");
    into.via = c.text_or_empty("via");
    into.tls_version = c.text("tls");
    into.certificate_expires = c.integer("certificate_expires", 0);
    into.reused = c.truth("reused", false);
    if (!c.problem().empty())
      r.fail("connection/" + c.problem());
  }
  if (const auto* timing = r.find("timing_us")) {
    object_reader t{*timing};
    into.spent = {t.integer("queue"), t.integer("dns"), t.integer("connect"), t.integer("tls"), t.integer("first_byte"), t.integer("total")};
    if (!t.problem().empty())
      r.fail("timing_us/" + t.problem());
  }
}

/// `none` where nothing is said.
delivery_fault read_fault(object_reader& r) {
  const auto name = r.text_or_empty("fault");
  const auto read = name.empty() ? std::optional{delivery_fault::none} : delivery_fault_from(name);
  if (!read)
    r.fail("fault");
  return read.value_or(delivery_fault::none);
}

void read_transformed(const json* at, object_reader& r, attempt_result& into) {
  if (at == nullptr)
    return;
  object_reader t{*at};
  auto& made = into.transformed.emplace();
  if (made.cancelled = t.truth("cancelled", false); !made.cancelled) {
    made.method = t.text("method");
    made.url = t.text("url");
  }
  if (!t.problem().empty())
    r.fail("transformed/" + t.problem());
}

part_of_batch read_batch(object_reader& r) {
  part_of_batch out;
  const auto* at = r.find("batch");
  if (at == nullptr)
    return out;
  object_reader b{*at};
  out = {b.text("id"), b.natural("seq"), static_cast<std::uint32_t>(b.natural("left")), b.truth("beside", false)};
  if (!b.problem().empty() || out.seq == 0 || out.left >= limits::batch_messages)
    r.fail("batch");
  return out;
}

fact read_formed(object_reader& r) {
  batch_formed f{r.text("id"), r.text("destination"), {}};
  const auto* messages = r.find("messages");
  if (messages == nullptr || !messages->is_array() || messages->empty() || messages->size() > limits::batch_messages)
    return r.fail("messages"), f;
  for (const auto& one : *messages) {
    if (!one.is_array() || one.size() != 2 || !one[0].is_string() || !one[1].is_number_unsigned())
      return r.fail("messages"), f;
    f.messages.push_back({one[0].get<std::string>(), one[1].get<events::seq>(), {}});
  }
  return f;
}

fact read_attempt(object_reader& r) {
  attempt_finished f;
  f.id = r.text("id");
  f.message = message_of(r);
  f.destination = r.text("destination");
  f.number = static_cast<std::uint32_t>(r.natural("number"));
  f.why = one_of(triggers, r, "trigger");
  f.url = r.text("url");
  f.follows = one_of(outcomes, r, "follows");
  if (r.find("next_us") != nullptr)
    f.next = events::virtual_time{r.integer("next_us")};
  if (f.follows == outcome_kind::retry && !f.next)
    r.fail("next_us");
  if (r.find("hold_us") != nullptr)
    f.hold = events::virtual_time{r.integer("hold_us")};
  f.opened = r.truth("opened", false);
  f.gone_kept = r.truth("gone_kept", false);
  f.probe = r.truth("probe", false);
  f.backlog_told = r.natural("backlog_told", 0);
  f.failing_told = static_cast<std::uint32_t>(r.natural("failing_told", 0));
  f.was_dead = r.truth("was_dead", false);
  f.was_delivered = r.truth("was_delivered", false);
  f.line_held = r.truth("line_held", false);
  f.elsewhere = r.truth("elsewhere", false);
  f.detached = r.truth("detached", false);
  f.result.started_us = r.integer("started_us");
  read_request(r.find("request"), r, f.result);
  read_answer(r, f.result.answer);
  if (const auto* response = r.find("response"))
    f.answer_erased = object_reader{*response}.truth("erased", false);
  read_transformed(r.find("transformed"), r, f.result);
  f.batch = read_batch(r);
  f.result.fault = read_fault(r);
  return f;
}

fact read_recovery(object_reader& r) {
  recovery_started f{r.text("id"), r.text("destination"), {r.integer("since_us")}, {r.integer("until_us")}, one_of(scopes, r, "scope"),
                     r.texts("event_types"), r.text_or_empty("task"), r.natural("after", 0)};
  if (const auto* given = r.find("filter")) {
    auto filter = content_filter::compile(*given);
    filter ? void(f.filter = *std::move(filter)) : r.fail("filter");
  }
  if (r.find("code_class") != nullptr)
    f.code_class = static_cast<std::uint32_t>(r.natural("code_class"));
  f.rate = static_cast<std::uint32_t>(r.natural("rate", 0));
  f.purge = r.truth("purge", false);
  f.by = r.text_or_empty("by");
  return f;
}

fact read_removed(object_reader& r) {
  dead_letters_removed f{r.text("destination"), {}, r.text("by"), r.text_or_empty("recovery"), r.text_or_empty("superseded_by")};
  const auto* letters = r.find("letters");
  if (letters == nullptr || !letters->is_array() || letters->size() > letters_removed_at_once)
    return r.fail("letters"), f;
  for (const auto& one : *letters) {
    if (!one.is_array() || one.size() != 2 || !one[0].is_string() || !one[1].is_number_unsigned())
      return r.fail("letters"), f;
    f.letters.push_back({one[0].get<std::string>(), one[1].get<events::seq>()});
  }
  return f;
}

fact read_progress(object_reader& r) {
  recovery_progressed f{r.text("id"), {}, r.natural("cursor"), r.natural("seen"), r.natural("queued")};
  if (r.find("next_us") != nullptr)
    f.next = events::virtual_time{r.integer("next_us")};
  const auto* items = r.find("items");
  if (items == nullptr || !items->is_array()) {
    r.fail("items");
    return f;
  }
  f.items.reserve(items->size());
  for (const auto& one : *items) {
    object_reader i{one};
    f.items.push_back({message_of(i), static_cast<std::uint32_t>(i.natural("attempts")), i.truth("was_dead", false),
                       i.truth("was_delivered", false)});
    if (i.find("deliver_at_us") != nullptr)
      f.items.back().deliver_at = events::virtual_time{i.integer("deliver_at_us")};
    f.items.back().line = i.text_or_empty("line");
    if (i.find("place_us") != nullptr)
      f.items.back().place = events::virtual_time{i.integer("place_us")};
    if (!i.problem().empty())
      r.fail("items/" + i.problem());
  }
  return f;
}

/// A body that is no JSON, from the string that it stands in.
std::string opaque_body(object_reader& r, std::string_view coding) {
  std::string out = r.text("body"), bytes;
  if (coding == "text")
    return out;
  if (coding != "base64" || !events::from_base64(out, bytes))
    r.fail("body");
  return bytes;
}

/// True: the body is opaque.
bool read_content(const json& from, object_reader& r, message_created& f) {
  object_reader c{from};
  f.content_type = c.text_or_empty("type");
  f.fault = read_fault(c);
  f.headers = detail::read_headers(c);
  if (const auto* params = c.find("params"))
    params->is_object() ? void(f.params = params->dump(-1, ' ', false, json::error_handler_t::replace)) : c.fail("params");
  f.opaque = c.find("coding") != nullptr;
  if (f.opaque)
    f.body = opaque_body(r, c.text("coding"));
  if (!c.problem().empty())
    r.fail("content/" + c.problem());
  return f.opaque;
}

fact read_erased(object_reader& r, std::string_view payload) {
  content_erased f{one_of(erasure_reasons, r, "reason"), {}};
  if (auto items = events::read_erased_items(payload))
    f.items = *std::move(items);
  else
    r.fail("items");
  return f;
}

fact read_message(object_reader& r, std::string_view payload) {
  message_created f;
  f.id = r.text("id");
  f.event_type = r.text("event_type");
  f.event_id = r.text_or_empty("event_id");
  f.channels = r.texts("channels");
  f.tags = r.texts("tags");
  f.destinations = r.texts("destinations");
  f.body_bytes = r.natural("body_bytes");
  if (r.find("deliver_at_us") != nullptr)
    f.deliver_at = events::virtual_time{r.integer("deliver_at_us")};
  f.addressed = r.truth("addressed", false);
  f.operational = r.truth("operational", false);
  f.ordering_key = r.text_or_empty("ordering_key");
  f.replaces = r.text_or_empty("replaces");
  f.lines = r.texts("lines");
  f.schema_faults = detail::read_schema_faults(r);
  f.retention_hours = static_cast<std::uint32_t>(r.natural("retention_hours", 0));
  f.erased_bytes = r.natural("erased_bytes", 0);
  if (!f.lines.empty() && f.lines.size() != f.destinations.size())
    r.fail("lines");
  if (const auto* content = r.find("content"); content != nullptr && read_content(*content, r, f)) {
    if (f.body.size() != f.body_bytes)
      r.fail("body");
    return f;
  }
  f.body = message_body(payload);
  // A length that is wrong cuts the body elsewhere: what is cut must be a value by itself, and the member's.
  const auto before = payload.substr(0, payload.size() - std::min(payload.size(), f.body.size() + 1));
  if (f.body.size() != f.body_bytes || !before.ends_with(R"("body":)") || !json::accept(f.body))
    r.fail("body");
  return f;
}

template <class Read>
fact read_whole(Read read, const json& object, object_reader& r) {
  std::string problem;
  auto value = read(object, problem);
  if (!problem.empty())
    r.fail(problem);
  return value;
}

// The caller has checked that `k` is the outbox's.
fact read_fact(kind k, const json& object, object_reader& r, std::string_view payload) {
  using detail::read_destination;
  if (k == kind::message_created)
    return read_message(r, payload);
  if (k == kind::attempt_finished)
    return read_attempt(r);
  if (k == kind::event_type_put)
    return read_whole([](const json& o, std::string& p) { return event_type_put{detail::read_event_type(o, p)}; }, object, r);
  if (k == kind::event_type_removed)
    return event_type_removed{r.text("name")};
  if (k == kind::destination_created)
    return read_whole([](const json& o, std::string& p) { return destination_created{read_destination(o, p)}; }, object, r);
  if (k == kind::destination_updated)
    return read_whole([](const json& o, std::string& p) { return destination_updated{read_destination(o, p)}; }, object, r);
  if (k == kind::destination_removed)
    return destination_removed{r.text("id")};
  if (k == kind::destination_secret_rotated)
    return read_whole(
        [&r](const json& o, std::string& p) {
          return destination_secret_rotated{r.text("id"), detail::read_secrets(o, p)};
        },
        object, r);
  if (k == kind::destination_disabled) {
    destination_disabled f{r.text("id"), r.text("reason")};
    if (r.find("probe_us") != nullptr)
      f.probe = events::virtual_time{r.integer("probe_us")};
    return f;
  }
  if (k == kind::destination_recovered)
    return destination_recovered{r.text("id")};
  if (k == kind::delivery_expired) {
    auto id = r.text("id");
    auto m = message_of(r);
    return delivery_expired{std::move(id), std::move(m), r.text("destination"), static_cast<std::uint32_t>(r.natural("attempts")), r.text("reason"),
                            {r.integer("since_us")}, r.truth("was_dead", false), r.truth("was_delivered", false), r.truth("line_held", false), r.truth("erased", false), read_batch(r)};
  }
  if (k == kind::resend_requested) {
    auto m = message_of(r);
    return resend_requested{std::move(m), r.text("destination"), static_cast<std::uint32_t>(r.natural("attempts")), r.truth("was_dead", false),
                            r.truth("was_delivered", false), r.text_or_empty("line"), r.natural("batch", 0)};
  }
  if (k == kind::recovery_started)
    return read_recovery(r);
  if (k == kind::recovery_progressed)
    return read_progress(r);
  if (k == kind::dead_letters_removed)
    return read_removed(r);
  if (k == kind::batch_formed)
    return read_formed(r);
  if (k == kind::content_erased)
    return read_erased(r, payload);
  if (k == kind::deliveries_moved)
    return deliveries_moved{r.integer("by_us")};
  if (k == kind::poller_created)
    return read_whole([](const json& o, std::string& p) { return poller_created{detail::read_poller(o, p)}; }, object, r);
  if (k == kind::poller_updated)
    return read_whole([](const json& o, std::string& p) { return poller_updated{detail::read_poller(o, p)}; }, object, r);
  if (k == kind::poller_removed)
    return poller_removed{r.text("id")};
  if (k == kind::consumer_moved)
    return consumer_moved{r.text("poller"), r.text("consumer"), r.natural("cursor")};
  if (k == kind::consumer_removed)
    return consumer_removed{r.text("poller"), r.text("consumer")};
  return recovery_finished{r.text("id"), r.truth("cancelled", false)};
}

} // namespace

events::outcome<fact> decode(kind k, std::string_view payload) {
  using events::errc, events::failure;
  if (!is_outbox_kind(k))
    return failure(errc::invalid, std::string{events::to_string(k)} + " is not an event of the outbox");
  auto object = json::parse(payload, nullptr, false);
  object_reader r{object};
  auto f = read_fact(k, object, r, payload);
  if (!r.problem().empty())
    return failure(errc::corrupt, std::string{events::to_string(k)} + ": member `" + r.problem() + "` is missing or wrong", r.problem());
  return f;
}

events::outcome<fact> decode(const events::record& r) {
  auto payload = events::upcast(r);
  if (!payload)
    return tl::unexpected<events::error>{std::move(payload).error()};
  return decode(r.header.kind, *payload);
}

} // namespace hourglass::webhook
