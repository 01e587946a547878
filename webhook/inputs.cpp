#include "webhook/inputs.hpp"

#include "webhook/body_reader.hpp"
#include "webhook/message_content.hpp"

#include "events/json_text.hpp"
#include "webhook/limits.hpp"

#include <charconv>

namespace hourglass::webhook {

namespace {

void read_event_type_fields(body_reader& r, event_type& t) {
  t.description = r.text("description").value_or(t.description);
  t.group_name = r.text("groupName").value_or(t.group_name);
  if (auto flags = r.texts("featureFlags"))
    t.feature_flags = *std::move(flags);
  else if (auto flag = r.text("featureFlag"))
    t.feature_flags = {*std::move(flag)};
  t.archived = r.truth("archived").value_or(t.archived);
  t.deprecated = r.truth("deprecated").value_or(t.deprecated);
  if (auto check = r.text("schemaCheck")) {
    if (t.check = schema_check_from(*check); !t.check)
      r.fail("must be `off`, `warn` or `enforce`", "/schemaCheck");
  } else if (r.is_null("schemaCheck")) {
    t.check.reset();
  }
  if (const auto* schemas = r.given("schemas"))
    t.schemas = schemas->dump();
  else if (r.is_null("schemas"))
    t.schemas.clear();
}

/// As Svix: in days, 5 to 90, or in hours.
std::uint32_t read_retention(body_reader& r) {
  constexpr std::uint32_t days_least = 5, days_most = 90, hours_a_day = 24;
  const auto days = r.small("payloadRetentionPeriod"), hours = r.small("payloadRetentionHours");
  if (days && hours)
    r.fail("give either payloadRetentionPeriod or payloadRetentionHours", "/payloadRetentionHours");
  else if (days && (*days < days_least || *days > days_most))
    r.fail("must be 5 to 90 days", "/payloadRetentionPeriod");
  else if (hours && (*hours == 0 || *hours > days_most * hours_a_day))
    r.fail("must be 1 to 2160 hours", "/payloadRetentionHours");
  return days ? *days * hours_a_day : hours.value_or(0);
}

} // namespace

events::outcome<put_event_type> read_event_type_in(std::string_view text) {
  body_reader r{text};
  put_event_type c;
  c.must_be_new = true;
  c.value.name = r.needed_text("name");
  read_event_type_fields(r, c.value);
  return r.done(std::move(c));
}

events::outcome<put_event_type> read_event_type_update(std::string_view text, std::string_view name, const event_type* before) {
  body_reader r{text};
  put_event_type c;
  if (before != nullptr)
    c.value = *before;
  c.value.name = name;
  read_event_type_fields(r, c.value);
  return r.done(std::move(c));
}

namespace {

/// Headers that a message brings, with their content type if that may stand among them.
void read_message_headers(body_reader& r, create_message& c, const char* prefix, string_map given, bool with_type) {
  const std::string at{prefix};
  for (auto& [name, value] : given) {
    if (!with_type || !same_header(name, "content-type"))
      c.headers.push_back({std::move(name), std::move(value)});
    else if (!c.content_type.empty())
      r.fail("is given twice", at + "/headers/" + name);
    else
      c.content_type = std::move(value);
  }
  if (auto ok = validate_message_headers(c.headers); !ok)
    r.fail({ok.error().code, ok.error().detail, at + ok.error().where});
}

/// A payload that is given as text or bytes. False: there is none at this place.
bool take_raw(body_reader& r, create_message& c, std::optional<std::string> text, std::string_view at) {
  if (!text)
    return false;
  if (c.raw)
    r.fail("stands beside another payload", std::string{at});
  c.raw = true;
  c.payload_at = at;
  c.payload = *std::move(text);
  return true;
}

/// What Svix's cloud takes so, ours takes as members of its own.
void read_content(body_reader& r, create_message& c) {
  c.content_type = r.text("contentType").value_or("");
  take_raw(r, c, r.text("payloadText"), "/payloadText");
  if (auto coded = r.text("payloadBase64")) {
    std::string bytes;
    if (!events::from_base64(*coded, bytes))
      r.fail("must be base64", "/payloadBase64");
    take_raw(r, c, std::move(bytes), "/payloadBase64");
  }
  auto headers = r.map("headers");
  if (headers)
    read_message_headers(r, c, "", *std::move(headers), false);
  const auto* svix = r.given("transformationsParams");
  if (svix == nullptr || !svix->is_object())
    return;
  body_reader p{svix->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
  take_raw(r, c, p.text("rawPayload"), "/transformationsParams/rawPayload");
  if (auto more = p.map("headers")) {
    if (headers && !more->empty())
      r.fail("is given twice", "/transformationsParams/headers");
    read_message_headers(r, c, "/transformationsParams", *std::move(more), true);
  }
  if (auto fine = p.done(0); !fine)
    r.fail(events::error{fine.error().code, fine.error().detail, "/transformationsParams" + fine.error().where});
  auto left = *svix; // the rest is for the endpoints' scripts
  left.erase("rawPayload"), left.erase("headers");
  if (!left.empty())
    c.params = left.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void read_payload(body_reader& r, create_message& c) {
  const auto given = r.unread().value_or("");
  if (c.raw) {
    const auto beside = nlohmann::json::parse(given.empty() ? "{}" : given, nullptr, false);
    if (!beside.is_null() && beside != nlohmann::json::object())
      r.fail("must be {} beside a payload of another kind", "/payload");
  } else if (given.empty())
    r.fail("is required", "/payload");
  else if (given.front() != '{')
    r.fail("must be a JSON object", "/payload");
  else
    c.payload = given;
  if (!c.content_type.empty())
    if (auto ok = validate_content_type(c.content_type); !ok)
      r.fail(std::move(ok).error());
  if (c.raw)
    if (auto ok = is_opaque(c); !ok)
      r.fail(std::move(ok).error());
}

} // namespace

events::outcome<create_message> read_message_in(std::string_view text) {
  body_reader r{text, "payload"};
  create_message c;
  c.event_type = r.needed_text("eventType");
  c.event_id = r.text("eventId").value_or("");
  c.channels = r.texts("channels").value_or(std::vector<std::string>{});
  c.tags = r.texts("tags").value_or(std::vector<std::string>{});
  c.deliver_at = r.time("deliverAt");
  c.ordering_key = r.text("orderingKey").value_or("");
  c.retention_hours = read_retention(r);
  read_content(r, c);
  read_payload(r, c);
  return r.done(std::move(c));
}

events::outcome<filter_trial> read_filter_trial(std::string_view text) {
  constexpr std::size_t trial_messages = 1'000;
  body_reader r{text};
  filter_trial t;
  auto list = [&r](const char* name) { return r.is_null(name) ? std::optional{std::vector<std::string>{}} : r.texts(name); };
  t.destination = r.text("endpointId").value_or("");
  t.filter = r.is_null("filter") ? std::optional{content_filter{}} : r.compiled<content_filter>("filter");
  t.filter_types = list(r.has("eventTypes") ? "eventTypes" : "filterTypes");
  t.channels = list("channels");
  t.since = r.time("since");
  t.until = r.time("until");
  if (t.since && t.until && *t.until < *t.since)
    r.fail("must not be before `since`", "/until");
  if (auto limit = r.natural("limit", trial_messages)) {
    if (*limit == 0)
      r.fail("must be an integer of 1 to 1000", "/limit");
    t.limit = static_cast<std::size_t>(*limit);
  }
  if (auto iterator = r.text("iterator")) {
    std::uint64_t seq = 0;
    auto [end, problem] = std::from_chars(iterator->data(), iterator->data() + iterator->size(), seq);
    if (iterator->empty() || problem != std::errc{} || end != iterator->data() + iterator->size() || seq == 0)
      r.fail("is not one that a trial gave", "/iterator");
    t.before = seq;
  }
  return r.done(std::move(t));
}

events::outcome<create_message> read_edit_in(std::string_view text, const message_created& old, bool& keep_headers) {
  body_reader r{text, "payload"};
  create_message c;
  c.event_type = r.text("eventType").value_or(old.event_type);
  c.channels = r.texts("channels").value_or(old.channels);
  c.tags = r.texts("tags").value_or(old.tags);
  c.ordering_key = r.text("orderingKey").value_or(old.ordering_key);
  c.replaces = old.id;
  c.retention_hours = old.retention_hours;
  read_content(r, c);
  keep_headers = r.given("headers") == nullptr && c.headers.empty();
  if (!r.has("transformationsParams"))
    c.params = old.params;
  if (c.content_type.empty() && (c.raw || !old.opaque))
    c.content_type = old.content_type;
  read_payload(r, c);
  return r.done(std::move(c));
}

namespace {

events::outcome<start_recovery> read_recovery(body_reader& r) {
  start_recovery c;
  c.since = r.time("since").value_or(events::virtual_time{});
  c.until = r.time("until");
  c.event_types = r.texts("eventTypes").value_or(std::vector<std::string>{});
  c.filter = r.compiled<content_filter>("filter").value_or(content_filter{});
  if (auto code = r.natural("statusCodeClass"))
    c.code_class = static_cast<std::uint32_t>(*code);
  if (auto rate = r.natural("rate", limits::recovery_rate)) {
    if (*rate == 0)
      r.fail("must be at least 1 message a second", "/rate");
    c.rate = static_cast<std::uint32_t>(*rate);
  }
  auto scope = r.text("scope").value_or("failed");
  if (scope == "missing")
    c.scope = recovery_scope::missing;
  else if (scope == "all")
    c.scope = recovery_scope::all;
  else if (scope != "failed")
    r.fail("must be `failed`, `missing` or `all`", "/scope");
  return r.done(std::move(c));
}

} // namespace

events::outcome<start_recovery> read_recover_in(std::string_view text) {
  body_reader r{text};
  if (r.given("since") == nullptr) // null is not "since ever"
    r.fail("is required", "/since");
  return read_recovery(r);
}

events::outcome<start_recovery> read_purge_in(std::string_view text) {
  body_reader r{text.empty() ? "{}" : text};
  for (const char* name : {"scope", "rate"})
    if (r.given(name) != nullptr)
      r.fail("is not known here: dead letters are removed, all at once", std::string{"/"} + name);
  auto c = read_recovery(r);
  if (c) {
    c->purge = true;
    if (r.given("since") == nullptr)
      c->since = {INT64_MIN}; // whatever the clock said once
    c->task = "endpoint.purge";
  }
  return c;
}

events::outcome<bool> read_dry_run(std::string_view text) {
  body_reader r{text.empty() ? "{}" : text};
  auto dry = r.truth("dryRun");
  return r.done(dry.value_or(false));
}

} // namespace hourglass::webhook
