#include "webhook/destination.hpp"

#include "events/json_text.hpp"
#include "events/limits.hpp"
#include "events/redact.hpp"
#include "http/client.hpp"
#include "webhook/event_type.hpp"
#include "webhook/limits.hpp"

#include <algorithm>
#include <array>

namespace hourglass::webhook {

namespace {

using events::errc, events::failure;

constexpr std::size_t description_bytes = 4096;
constexpr std::size_t filter_types_most = 1000;
constexpr std::size_t channels_most = 10; // as Svix
constexpr std::size_t headers_most = 64;
constexpr std::size_t header_value_bytes = 4096;
constexpr std::size_t metadata_most = 64;
constexpr std::size_t metadata_bytes = 4096;
constexpr duration longest_delay = std::chrono::hours{24 * 30};

// Framing is the client's, and who signs is ours.
constexpr std::array<std::string_view, 16> reserved{"host",           "connection",   "content-length", "content-type",      "content-encoding",
                                                    "keep-alive",     "te",           "trailer",        "transfer-encoding", "upgrade",
                                                    "expect",         "accept-encoding", "date",        "http2-settings",    "proxy-connection",
                                                    "user-agent"};

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return lower(c); });
  return out;
}

bool is_token_char(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
}

events::outcome<void> validate_names(std::vector<std::string>& names, std::size_t most, const std::string& where) {
  if (names.size() > most)
    return failure(errc::too_large, "has more than " + std::to_string(most) + " entries", where);
  for (std::size_t i = 0; i < names.size(); ++i)
    if (!is_name(names[i]))
      return failure(errc::invalid, "must match ^[a-zA-Z0-9\\-_.]+$ and have at most 256 characters", where + "/" + std::to_string(i));
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return {};
}

events::outcome<void> validate_types(std::vector<std::string>& types) {
  if (types.size() > filter_types_most)
    return failure(errc::too_large, "has more than " + std::to_string(filter_types_most) + " entries", "/filterTypes");
  for (std::size_t i = 0; i < types.size(); ++i)
    if (!is_name(types[i]) && !is_type_pattern(types[i]))
      return failure(errc::invalid, "must be letters, digits and -_. as in ^[a-zA-Z0-9\\-_.]+$, at most 256; or with * or ** as a whole part between dots",
                     "/filterTypes/" + std::to_string(i));
  std::sort(types.begin(), types.end());
  types.erase(std::unique(types.begin(), types.end()), types.end());
  return {};
}

bool wants_type(const destination& d, std::string_view type) noexcept {
  return d.filter_types.empty() || std::binary_search(d.filter_types.begin(), d.filter_types.end(), type) ||
         std::any_of(d.filter_types.begin(), d.filter_types.end(),
                     [type](const std::string& one) { return one.find('*') != std::string::npos && type_matches(one, type); });
}

bool wants_channels(const destination& d, const std::vector<std::string>& channels) noexcept {
  return d.channels.empty() || std::any_of(channels.begin(), channels.end(), [&d](const std::string& c) {
           return std::binary_search(d.channels.begin(), d.channels.end(), c);
         });
}

bool has_authorization(const std::vector<custom_header>& headers) {
  return std::any_of(headers.begin(), headers.end(), [](const custom_header& h) { return lower(h.name) == "authorization"; });
}

/// What the signature's profile asks of the headers and the keys. A key that is still sealed was checked when it came.
events::outcome<void> validate_profile(const destination& d) {
  if (d.profile == signature_profile::custom && d.signing.empty())
    return failure(errc::invalid, "is required with the signature profile custom", "/signatureTemplate");
  if (d.profile != signature_profile::custom && !d.signing.empty())
    return failure(errc::invalid, "must be custom with a signatureTemplate", "/signatureProfile");
  for (const auto& h : d.headers)
    if (sets_header(d.profile, h.name) || d.signing.sets(h.name))
      return failure(errc::invalid, "is set by the signature profile " + std::string{to_string(d.profile)}, "/headers/" + h.name);
  for (const auto& s : d.secrets)
    if (!s.key.empty() && !takes(d.profile, s.key.kind()))
      return failure(errc::invalid, "the profile " + std::string{to_string(d.profile)} + " cannot sign with a secret of type " +
                                        std::string{to_string(s.key.kind())} + "; replace the secret first (PUT …/secret)",
                     "/signatureProfile");
  return {};
}

events::outcome<void> validate_metadata(const string_map& metadata) {
  if (metadata.size() > metadata_most)
    return failure(errc::too_large, "has more than 64 entries", "/metadata");
  std::size_t bytes = 0;
  for (const auto& [name, value] : metadata) {
    bytes += name.size() + value.size();
    if (!events::is_utf8(name) || !events::is_utf8(value))
      return failure(errc::invalid, "is not UTF-8", "/metadata");
  }
  if (bytes > metadata_bytes)
    return failure(errc::too_large, "is longer than 4096 bytes", "/metadata");
  return {};
}

events::outcome<void> validate_schedule(const std::vector<duration>& schedule) {
  if (schedule.size() >= limits::attempts_per_message)
    return failure(errc::too_large, "makes more than " + std::to_string(limits::attempts_per_message) + " attempts", "/retrySchedule");
  for (std::size_t i = 0; i < schedule.size(); ++i)
    if (schedule[i] < duration{0} || schedule[i] > longest_delay)
      return failure(errc::invalid, "must be 0 seconds to 30 days", "/retrySchedule/" + std::to_string(i));
  return {};
}

} // namespace

const transformation& shared_transformation::get() const noexcept {
  static const transformation none;
  return content_ ? *content_ : none;
}

std::size_t shared_transformation::bytes() const noexcept {
  auto out = get().code.size();
  for (const auto& [name, value] : get().variables)
    out += name.size() + value.size();
  return out;
}

std::span<const duration> schedule_of(const destination& d) noexcept {
  return d.schedule ? std::span<const duration>{*d.schedule} : default_schedule();
}

std::optional<duration> next_delay(const destination& d, std::string_view event_type, std::uint32_t made, std::optional<duration> at_least, double spread) noexcept {
  if (d.retries.empty())
    return next_delay(made, schedule_of(d), at_least, spread);
  const auto& rules = d.retries.rules_for(event_type);
  constexpr double default_jitter = 0.2;
  spread *= rules.jitter / default_jitter;
  if (rules.exponential)
    return next_delay(made, *rules.exponential, at_least, spread);
  return next_delay(made, rules.schedule ? std::span<const duration>{*rules.schedule} : schedule_of(d), at_least, spread);
}

std::vector<signing_key> signing_keys_at(const destination& d, events::virtual_time now) {
  std::vector<signing_key> keys;
  keys.reserve(d.secrets.size());
  for (const auto& s : d.secrets)
    if (!s.key.empty() && (!s.expires || now < *s.expires))
      keys.push_back(s.key);
  return keys;
}

bool matches(const destination& d, std::string_view event_type, const std::vector<std::string>& channels) noexcept {
  return wants_type(d, event_type) && wants_channels(d, channels);
}

bool matches(const destination& d, const filtered_message& m) {
  return matches(d, m.event_type(), m.channels()) && (d.filter.empty() || d.filter.takes(m));
}

match_report explain(const destination& d, const filtered_message& m) {
  using reason = match_report::reason;
  match_report out;
  if (!wants_type(d, m.event_type()))
    out.against = reason::event_type;
  else if (!wants_channels(d, m.channels()))
    out.against = reason::channels;
  else if (out.content = d.filter.judge(m); !out.content.takes)
    out.against = reason::filter;
  return out;
}

std::string_view to_string(match_report::reason r) noexcept {
  switch (r) {
    case match_report::reason::none:
      return "none";
    case match_report::reason::event_type:
      return "event_type";
    case match_report::reason::channels:
      return "channels";
    case match_report::reason::filter:
      return "filter";
  }
  return "unknown";
}

events::outcome<void> validate_description(const destination& d) {
  if (d.description.size() > description_bytes)
    return failure(errc::too_large, "is longer than 4096 bytes", "/description");
  if (!events::is_utf8(d.description))
    return failure(errc::invalid, "is not UTF-8", "/description");
  return validate_metadata(d.metadata);
}

events::outcome<void> validate_selection(destination& d) {
  if (auto ok = validate_types(d.filter_types); !ok)
    return ok;
  return validate_names(d.channels, channels_most, "/channels");
}

namespace {

/// What follows an attempt follows for the whole batch, and what was sent once is sent again as it was.
events::outcome<void> validate_batching(const destination& d) {
  if (d.batching.empty())
    return {};
  const char* why = d.retries.has_types() ? "messages of one batch are tried again as one: take `eventTypes` out of the retryPolicy, or the batching away"
                    : d.ordering.holds()  ? "a line is held by one dead letter, and a batch would leave many: take `onDead: hold` out of the ordering, or the batching away"
                    : d.transform.running() ? "a transformation may send each message elsewhere, or not at all: disable it, or take the batching away"
                                            : nullptr;
  return why == nullptr ? events::outcome<void>{} : failure(errc::invalid, why, "/batching");
}

} // namespace

events::outcome<void> validate(destination& d) {
  const auto url = http::parse_url(d.url);
  if (!url)
    return failure(errc::invalid, url.error(), "/url");
  if (!events::is_utf8(d.url))
    return failure(errc::invalid, "is not UTF-8", "/url");
  if (!d.uid.empty() && (!is_name(d.uid) || d.uid.starts_with("ep_")))
    return failure(errc::invalid, "must match ^[a-zA-Z0-9\\-_.]+$, have at most 256 characters and not start with `ep_`", "/uid");
  if (auto ok = validate_description(d); !ok)
    return ok;
  if (auto ok = validate_selection(d); !ok)
    return ok;
  if (d.headers.size() > headers_most)
    return failure(errc::too_large, "has more than 64 headers", "/headers");
  if (auto ok = validate_headers(d.headers); !ok)
    return ok;
  if (auto ok = validate_profile(d); !ok)
    return ok;
  if (auto ok = validate(d.transport, url->secure, has_authorization(d.headers)); !ok)
    return ok;
  if (d.secrets.size() > limits::secrets_per_destination)
    return failure(errc::too_large, "has more than " + std::to_string(limits::secrets_per_destination) + " live secrets", "/secret");
  if (d.in_flight && (*d.in_flight == 0 || *d.in_flight > limits::in_flight_per_destination))
    return failure(errc::invalid, "must be 1 to " + std::to_string(limits::in_flight_per_destination), "/inFlight");
  if (constexpr auto most = limits::attempt_deadline_most.count(); d.timeout && (*d.timeout == 0 || *d.timeout > most))
    return failure(errc::invalid, "must be 1 to " + std::to_string(most) + " seconds (attempt_deadline_most)", "/timeout");
  if (d.rate_limit && *d.rate_limit == 0)
    return failure(errc::invalid, "must be at least 1", "/rateLimit");
  if (d.schedule && d.retries.has_delays())
    return failure(errc::invalid, "has delays, and so has `retrySchedule`: take one of them away", "/retryPolicy");
  if (auto ok = validate_batching(d); !ok)
    return ok;
  if (d.schedule)
    return validate_schedule(*d.schedule);
  return {};
}

events::outcome<void> validate_header(std::string_view name, std::string_view value) {
  auto where = [name] { return "/headers/" + std::string{name.substr(0, 100)}; };
  if (name.empty() || name.size() > 256 || !std::all_of(name.begin(), name.end(), is_token_char))
    return failure(errc::invalid, "a header name is 1 to 256 letters, digits or any of !#$%&'*+-.^_`|~", "/headers");
  auto plain = lower(name);
  if (plain.starts_with("webhook-") || plain.starts_with("svix-") || std::find(reserved.begin(), reserved.end(), plain) != reserved.end())
    return failure(errc::invalid, "is set by the sender and cannot be overridden", where());
  if (value.size() > header_value_bytes)
    return failure(errc::too_large, "is longer than 4096 bytes", where());
  auto is_control = [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; };
  if (std::any_of(value.begin(), value.end(), is_control) || !events::is_utf8(value))
    return failure(errc::invalid, "contains a control character or is not UTF-8", where());
  if (!value.empty() && (value.front() == ' ' || value.front() == '\t' || value.back() == ' ' || value.back() == '\t'))
    return failure(errc::invalid, "must not begin or end with white space", where());
  return {};
}

events::outcome<void> validate_headers(std::vector<custom_header>& headers) {
  std::vector<std::string> seen;
  for (auto& h : headers) {
    if (auto ok = validate_header(h.name, h.value); !ok)
      return ok;
    h.sensitive = h.sensitive || is_sensitive_header(h.name);
    seen.push_back(lower(h.name));
  }
  std::sort(seen.begin(), seen.end());
  if (auto twice = std::adjacent_find(seen.begin(), seen.end()); twice != seen.end())
    return failure(errc::invalid, "is given twice (names are compared without case)", "/headers/" + *twice);
  return {};
}

bool same_header(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

bool is_sensitive_header(std::string_view name) noexcept {
  // Svix's list beside ours.
  constexpr std::array<std::string_view, 4> more{"x-auth-token", "x-api-key", "www-authenticate", "proxy-authenticate"};
  return events::redactor::is_sensitive_header(name) ||
         std::any_of(more.begin(), more.end(), [name](std::string_view other) { return same_header(name, other); });
}

} // namespace hourglass::webhook
