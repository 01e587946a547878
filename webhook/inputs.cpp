#include "webhook/inputs.hpp"

#include "webhook/body_reader.hpp"

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
  if (const auto* schemas = r.given("schemas"))
    t.schemas = schemas->dump();
  else if (r.is_null("schemas"))
    t.schemas.clear();
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

events::outcome<create_message> read_message_in(std::string_view text) {
  body_reader r{text, "payload"};
  create_message c;
  c.event_type = r.needed_text("eventType");
  c.event_id = r.text("eventId").value_or("");
  c.channels = r.texts("channels").value_or(std::vector<std::string>{});
  c.tags = r.texts("tags").value_or(std::vector<std::string>{});
  c.deliver_at = r.time("deliverAt");
  c.ordering_key = r.text("orderingKey").value_or("");
  // Left out silently, another payload than the caller's would be signed and sent.
  if (const auto* extra = r.given("transformationsParams"); extra != nullptr && extra->is_object())
    for (const char* name : {"rawPayload", "headers"})
      if (auto at = extra->find(name); at != extra->end() && !at->is_null())
        r.fail("is not known here: the payload is sent as it stands, with the endpoint's headers", std::string{"/transformationsParams/"} + name);
  if (!r.unread())
    r.fail("is required", "/payload");
  else if (r.unread()->front() != '{')
    r.fail("must be a JSON object", "/payload");
  else
    c.payload = *r.unread();
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

events::outcome<start_recovery> read_recover_in(std::string_view text) {
  body_reader r{text};
  start_recovery c;
  if (r.given("since") == nullptr) // null is not "since ever"
    r.fail("is required", "/since");
  c.since = r.time("since").value_or(events::virtual_time{});
  c.until = r.time("until");
  c.event_types = r.texts("eventTypes").value_or(std::vector<std::string>{});
  auto scope = r.text("scope").value_or("failed");
  if (scope == "missing")
    c.scope = recovery_scope::missing;
  else if (scope == "all")
    c.scope = recovery_scope::all;
  else if (scope != "failed")
    r.fail("must be `failed`, `missing` or `all`", "/scope");
  return r.done(std::move(c));
}

} // namespace hourglass::webhook
