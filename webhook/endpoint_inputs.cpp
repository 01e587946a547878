#include "webhook/body_reader.hpp"
#include "webhook/inputs.hpp"

namespace hourglass::webhook {

namespace {

/// Svix's clients 2.x call it `eventTypes`, those before `filterTypes`.
const char* name_of_filter(const body_reader& r) { return r.has("eventTypes") ? "eventTypes" : "filterTypes"; }

/// Whether JSON goes as a form.
std::optional<bool> read_format(body_reader& r) {
  const auto given = r.text("bodyFormat");
  if (given && *given != "json" && *given != "form")
    r.fail("must be `json` or `form`", "/bodyFormat");
  return given ? std::optional{*given == "form"} : std::nullopt;
}

destination read_destination_fields(body_reader& r) {
  destination d;
  d.uid = r.text("uid").value_or("");
  d.url = r.needed_text("url");
  d.description = r.text("description").value_or("");
  d.filter_types = r.texts(name_of_filter(r)).value_or(std::vector<std::string>{});
  d.channels = r.texts("channels").value_or(std::vector<std::string>{});
  d.filter = r.compiled<content_filter>("filter").value_or(content_filter{});
  d.retries = r.compiled<retry_policy>("retryPolicy").value_or(retry_policy{});
  d.protection = r.compiled<protection_policy>("protection").value_or(protection_policy{});
  d.ordering = r.compiled<ordering_policy>("ordering").value_or(ordering_policy{});
  d.batching = r.compiled<batching_policy>("batching").value_or(batching_policy{});
  d.metadata = r.map("metadata").value_or(string_map{});
  d.schedule = r.delays("retrySchedule");
  d.in_flight = r.small("inFlight");
  d.timeout = r.small("timeout");
  d.rate_limit = r.has("throttleRate") && !r.is_null("throttleRate") ? r.small("throttleRate") : r.small("rateLimit");
  d.version = r.small("version").value_or(1);
  d.disabled = r.truth("disabled").value_or(false);
  d.obeys = r.truth("deliveryControl").value_or(false);
  d.signing = r.compiled<signature_template>("signatureTemplate").value_or(signature_template{});
  d.profile = r.profile("signatureProfile").value_or(d.signing.empty() ? signature_profile::standard : signature_profile::custom);
  d.form = read_format(r).value_or(false);
  return d;
}

template <class T>
std::optional<std::optional<T>> named(body_reader& r, const char* name) {
  if (!r.has(name))
    return std::nullopt;
  return r.compiled<T>(name);
}

transport_change read_transport(body_reader& r) {
  transport_change out;
  out.tls = named<tls_settings>(r, "tls");
  out.authentication = named<authentication>(r, "authentication");
  out.proxy = named<proxy_settings>(r, "proxy");
  return out;
}

} // namespace

namespace {

create_destination read_endpoint(body_reader& r) {
  auto d = read_destination_fields(r);
  d.operational = r.truth("operational").value_or(false);
  d.transport = transport_policy{}.with(read_transport(r));
  for (auto& [name, value] : r.map("headers").value_or(string_map{}))
    d.headers.push_back({std::move(name), std::move(value), false});
  if (auto key = r.key("secret", d.profile))
    d.secrets.push_back({*key, {}, std::nullopt});
  auto make = r.type_of_key("signatureType");
  if (make && !d.secrets.empty() && d.secrets.front().key.kind() != *make)
    r.fail("is not the type of the secret that is given", "/signatureType");
  if (make && !takes(d.profile, *make))
    r.fail("the signature profile cannot sign with it", "/signatureType");
  return {std::move(d), make};
}

} // namespace

events::outcome<create_destination> read_endpoint_in(std::string_view text) {
  body_reader r{text};
  auto c = read_endpoint(r);
  return r.done(std::move(c));
}

events::outcome<create_destinations> read_endpoints_in(std::string_view text) {
  body_reader r{text};
  create_destinations c;
  const auto* list = r.given("data");
  if (list == nullptr || !list->is_array() || list->empty() || list->size() > destinations_at_once)
    r.fail("must be a list of 1 to " + std::to_string(destinations_at_once) + " endpoints", "/data");
  else
    for (const auto& one : *list) {
      const auto own = one.dump(); // alive as long as its reader
      body_reader each{own};
      auto read = read_endpoint(each);
      c.all.push_back(each.done(std::move(read)));
    }
  return r.done(std::move(c));
}

events::outcome<create_dynamic_message> read_dynamic_message_in(std::string_view text) {
  create_dynamic_message c;
  auto message = read_message_in(text);
  if (!message)
    return tl::unexpected{std::move(message).error()};
  c.message = *std::move(message);
  body_reader r{text, "payload"};
  const auto* given = r.given("endpoint");
  if (given == nullptr || !given->is_object())
    r.fail("must be an object with `url`", "/endpoint");
  else {
    const auto own = given->dump();
    body_reader e{own};
    auto where = read_endpoint(e);
    if (auto fine = e.done(std::move(where)))
      c.where = *std::move(fine);
    else
      r.fail({fine.error().code, fine.error().detail, "/endpoint" + fine.error().where});
  }
  return r.done(std::move(c));
}

events::outcome<update_destination> read_endpoint_update(std::string_view text) {
  body_reader r{text};
  auto d = read_destination_fields(r);
  auto keep_profile = r.given("signatureProfile") == nullptr && r.given("signatureTemplate") == nullptr;
  auto transport = read_transport(r);
  return r.done(update_destination{{}, std::move(d), true, keep_profile, r.given("bodyFormat") == nullptr, !r.has("retryPolicy"), !r.has("protection"), !r.has("ordering"), !r.has("batching"), !r.has("deliveryControl"), std::move(transport)});
}

events::outcome<patch_destination> read_endpoint_patch(std::string_view text) {
  body_reader r{text};
  patch_destination p;
  auto or_default = [&r](const char* name, auto value, auto otherwise) { return r.is_null(name) ? std::optional{otherwise} : value; };
  p.uid = or_default("uid", r.text("uid"), std::string{});
  p.url = r.text("url");
  if (r.is_null("url"))
    r.fail("must be a string", "/url");
  p.description = r.text("description");
  p.filter_types = or_default(name_of_filter(r), r.texts(name_of_filter(r)), std::vector<std::string>{});
  p.channels = or_default("channels", r.texts("channels"), std::vector<std::string>{});
  p.filter = or_default("filter", r.compiled<content_filter>("filter"), content_filter{});
  p.retries = or_default("retryPolicy", r.compiled<retry_policy>("retryPolicy"), retry_policy{});
  p.protection = or_default("protection", r.compiled<protection_policy>("protection"), protection_policy{});
  p.ordering = or_default("ordering", r.compiled<ordering_policy>("ordering"), ordering_policy{});
  p.batching = or_default("batching", r.compiled<batching_policy>("batching"), batching_policy{});
  p.transport = read_transport(r);
  p.metadata = r.map("metadata");
  p.version = r.small("version");
  p.disabled = r.truth("disabled");
  p.obeys = or_default("deliveryControl", r.truth("deliveryControl"), false);
  p.signing = or_default("signatureTemplate", r.compiled<signature_template>("signatureTemplate"), signature_template{});
  p.profile = or_default("signatureProfile", r.profile("signatureProfile"), signature_profile::standard);
  if (p.signing && !p.profile)
    p.profile = p.signing->empty() ? signature_profile::standard : signature_profile::custom;
  p.form = or_default("bodyFormat", read_format(r), false);
  if (r.has("retrySchedule"))
    p.schedule.emplace(r.delays("retrySchedule"));
  if (r.has("inFlight"))
    p.in_flight.emplace(r.small("inFlight"));
  if (r.has("timeout"))
    p.timeout.emplace(r.small("timeout"));
  for (const char* name : {"rateLimit", "throttleRate"})
    if (r.has(name))
      p.rate_limit.emplace(r.small(name));
  return r.done(std::move(p));
}

events::outcome<patch_destination> read_endpoint_headers(std::string_view text, bool replace_all) {
  body_reader r{text};
  patch_destination p;
  auto headers = r.map("headers");
  if (!headers && (replace_all || !r.has("deleteHeaders")))
    r.fail("is required", "/headers");
  if (replace_all) {
    p.headers = std::move(headers);
    return r.done(std::move(p));
  }
  for (auto& name : r.texts("deleteHeaders").value_or(std::vector<std::string>{}))
    p.header_changes.emplace_back(std::move(name), std::nullopt);
  for (auto& [name, value] : headers.value_or(string_map{}))
    p.header_changes.emplace_back(std::move(name), std::move(value));
  return r.done(std::move(p));
}

namespace {

// How a key is read is known with the destination. Every one is printable and short, so what is not is refused here.
void read_new_key(body_reader& r, rotate_secret& c) {
  c.text = r.text("key").value_or("");
  if (r.given("key") != nullptr)
    if (auto readable = signing_key::parse_text(c.text); !readable)
      r.fail(readable.error().detail, "/key");
}

} // namespace

events::outcome<rotate_secret> read_secret_replace(std::string_view text) {
  body_reader r{text};
  rotate_secret c;
  c.replace_all = true;
  if (r.given("key") == nullptr)
    r.fail("is required", "/key");
  read_new_key(r, c);
  return r.done(std::move(c));
}

events::outcome<rotate_secret> read_secret_rotate(std::string_view text) {
  body_reader r{text.empty() ? "{}" : text};
  rotate_secret c;
  read_new_key(r, c);
  c.make = r.type_of_key("signatureType");
  if (c.make && !c.text.empty())
    r.fail("says what is generated when no key is given", "/signatureType");
  if (auto seconds = r.natural("gracePeriodSeconds"))
    c.overlap = std::chrono::seconds{*seconds};
  return r.done(std::move(c));
}

} // namespace hourglass::webhook
