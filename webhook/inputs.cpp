#include "webhook/inputs.hpp"

#include "events/json_check.hpp"
#include "events/time.hpp"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

namespace hourglass::webhook {

namespace {

using events::errc, events::failure;
using nlohmann::json;

constexpr std::size_t body_depth = 64; // as of every body that the API takes

// Reads the members of one request body. The first problem is kept; what follows it reads as missing.
class body_reader {
public:
  explicit body_reader(std::string_view text, bool may_be_empty = false) {
    object_ = text.empty() && may_be_empty ? json::object() : json::parse(text, nullptr, false);
    if (object_.is_discarded())
      fail("is not JSON", "");
    else if (!object_.is_object())
      fail("must be a JSON object", "");
  }

  /// Of a body that nobody has checked yet; the member `unread` is kept as text and not built.
  body_reader(std::string_view text, std::string_view unread) {
    auto members = events::check_json(text, body_depth);
    if (!members) {
      fail(members.error().detail, "body");
      return;
    }
    if (text[text.find_first_not_of(" \t\r\n")] != '{') {
      fail("must be a JSON object", "");
      return;
    }
    object_ = json::object();
    for (auto& m : *members) {
      if (m.name == unread)
        unread_ = m.value;
      else
        object_[std::move(m.name)] = json::parse(m.value, nullptr, false);
    }
  }

  /// The text of the member that was left unread; nothing if it is not there.
  std::optional<std::string_view> unread() const { return unread_; }

  bool has(const char* name) const { return find(name) != nullptr; }
  /// Given as null: for PATCH, where that means "back to the default".
  bool is_null(const char* name) const {
    const auto* v = find(name);
    return v != nullptr && v->is_null();
  }

  std::optional<std::string> text(const char* name) {
    const auto* v = given(name);
    if (v == nullptr)
      return std::nullopt;
    if (!v->is_string())
      return fail("must be a string", pointer(name)), std::nullopt;
    return v->get<std::string>();
  }

  std::string needed_text(const char* name) {
    if (given(name) == nullptr)
      fail("is required", pointer(name));
    return text(name).value_or("");
  }

  std::optional<bool> truth(const char* name) {
    const auto* v = given(name);
    if (v == nullptr)
      return std::nullopt;
    if (!v->is_boolean())
      return fail("must be true or false", pointer(name)), std::nullopt;
    return v->get<bool>();
  }

  std::optional<std::uint64_t> natural(const char* name, std::uint64_t most = UINT32_MAX) {
    const auto* v = given(name);
    if (v == nullptr)
      return std::nullopt;
    if (!v->is_number_unsigned() || v->get<std::uint64_t>() > most)
      return fail("must be an integer of 0 to " + std::to_string(most), pointer(name)), std::nullopt;
    return v->get<std::uint64_t>();
  }

  std::optional<std::uint32_t> small(const char* name) {
    auto v = natural(name);
    return v ? std::optional{static_cast<std::uint32_t>(*v)} : std::nullopt;
  }

  std::optional<std::vector<std::string>> texts(const char* name) {
    const auto* v = given(name);
    if (v == nullptr)
      return std::nullopt;
    std::vector<std::string> out;
    if (!v->is_array())
      return fail("must be an array of strings", pointer(name)), std::nullopt;
    for (const auto& one : *v) {
      if (!one.is_string())
        return fail("must be a string", pointer(name) + "/" + std::to_string(out.size())), std::nullopt;
      out.push_back(one.get<std::string>());
    }
    return out;
  }

  std::optional<string_map> map(const char* name) {
    const auto* v = given(name);
    if (v == nullptr)
      return std::nullopt;
    string_map out;
    if (!v->is_object())
      return fail("must be an object of strings", pointer(name)), std::nullopt;
    for (const auto& [key, value] : v->items()) {
      if (!value.is_string())
        return fail("must be a string", pointer(name) + "/" + key), std::nullopt;
      out.emplace_back(key, value.get<std::string>());
    }
    return out;
  }

  std::optional<events::virtual_time> time(const char* name) {
    auto said = text(name);
    if (!said)
      return std::nullopt;
    auto us = events::parse_rfc3339(*said);
    if (!us)
      return fail("must be an RFC 3339 date and time", pointer(name)), std::nullopt;
    return events::virtual_time{*us};
  }

  /// Seconds, fractions allowed.
  std::optional<std::vector<duration>> delays(const char* name) {
    const auto* v = given(name);
    if (v == nullptr)
      return std::nullopt;
    std::vector<duration> out;
    if (!v->is_array())
      return fail("must be an array of seconds", pointer(name)), std::nullopt;
    for (const auto& one : *v) {
      auto seconds = one.is_number() ? one.get<double>() : -1.0;
      if (!(seconds >= 0 && seconds <= 1e9))
        return fail("must be a number of seconds, at least 0", pointer(name) + "/" + std::to_string(out.size())), std::nullopt;
      out.emplace_back(std::llround(seconds * 1e6));
    }
    return out;
  }

  std::optional<signature_profile> profile(const char* name) {
    auto said = text(name);
    if (!said)
      return std::nullopt;
    auto read = profile_from(*said);
    if (!read)
      fail("must be standard, stripe, github, shopify or slack", pointer(name));
    return read;
  }

  std::optional<key_kind> type_of_key(const char* name) {
    auto said = text(name);
    if (!said)
      return std::nullopt;
    for (auto kind : {key_kind::hmac, key_kind::ed25519})
      if (to_string(kind) == *said)
        return kind;
    return fail("must be hmac256 or ed25519", pointer(name)), std::nullopt;
  }

  std::optional<signing_key> key(const char* name, signature_profile how) {
    auto said = text(name);
    if (!said)
      return std::nullopt;
    auto read = how == signature_profile::standard ? signing_key::parse(*said) : signing_key::parse_text(*said);
    if (!read)
      return fail(read.error().detail, pointer(name)), std::nullopt;
    return *read;
  }

  const json* given(const char* name) const {
    const auto* v = find(name);
    return v == nullptr || v->is_null() ? nullptr : v;
  }

  void fail(std::string detail, std::string where) {
    if (!problem_)
      problem_ = events::error{errc::invalid, std::move(detail), std::move(where)};
  }

  template <class T>
  events::outcome<T> done(T value) {
    if (problem_)
      return tl::unexpected{*problem_};
    return value;
  }

private:
  const json* find(const char* name) const {
    if (problem_ || !object_.is_object())
      return nullptr;
    auto at = object_.find(name);
    return at == object_.end() ? nullptr : &*at;
  }

  static std::string pointer(const char* name) { return std::string{"/"} + name; }

  json object_;
  std::optional<std::string_view> unread_;
  std::optional<events::error> problem_;
};

/// Svix's clients 2.x call it `eventTypes`, those before `filterTypes`.
const char* name_of_filter(const body_reader& r) { return r.has("eventTypes") ? "eventTypes" : "filterTypes"; }

destination read_destination_fields(body_reader& r) {
  destination d;
  d.uid = r.text("uid").value_or("");
  d.url = r.needed_text("url");
  d.description = r.text("description").value_or("");
  d.filter_types = r.texts(name_of_filter(r)).value_or(std::vector<std::string>{});
  d.channels = r.texts("channels").value_or(std::vector<std::string>{});
  d.metadata = r.map("metadata").value_or(string_map{});
  d.schedule = r.delays("retrySchedule");
  d.in_flight = r.small("inFlight");
  d.rate_limit = r.has("throttleRate") && !r.is_null("throttleRate") ? r.small("throttleRate") : r.small("rateLimit");
  d.version = r.small("version").value_or(1);
  d.disabled = r.truth("disabled").value_or(false);
  d.profile = r.profile("signatureProfile").value_or(signature_profile::standard);
  return d;
}

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

// -- cutting a member out -------------------------------------------------------------------

std::size_t skip_space(std::string_view text, std::size_t at) noexcept {
  while (at < text.size() && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n'))
    ++at;
  return at;
}

/// Past the closing quote of the string that begins at `at`.
std::size_t skip_string(std::string_view text, std::size_t at) noexcept {
  for (++at; at < text.size() && text[at] != '"'; ++at)
    if (text[at] == '\\')
      ++at;
  return std::min(at + 1, text.size());
}

/// Past the value that begins at `at`, of text that is known to parse.
std::size_t skip_value(std::string_view text, std::size_t at) noexcept {
  std::size_t depth = 0;
  while (at < text.size()) {
    char c = text[at];
    if (c == '"') {
      at = skip_string(text, at);
      if (depth == 0)
        return at;
      continue;
    }
    if (c == '{' || c == '[')
      ++depth;
    else if (c == '}' || c == ']') {
      if (depth == 0)
        return at; // the end of a number or word, at the end of the object around it
      if (--depth == 0)
        return at + 1;
    } else if (depth == 0 && (c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n'))
      return at;
    ++at;
  }
  return at;
}

/// The name that stands in quotes, unescaped.
bool is_name_of(std::string_view quoted, std::string_view name) {
  if (quoted.size() >= 2 && quoted.find('\\') == std::string_view::npos)
    return quoted.substr(1, quoted.size() - 2) == name;
  auto parsed = json::parse(quoted, nullptr, false);
  return parsed.is_string() && parsed.get_ref<const std::string&>() == name;
}

} // namespace

// A name that stands twice counts with its last value, as every JSON reader of ours has it.
std::string_view raw_member(std::string_view text, std::string_view name) noexcept {
  std::string_view found;
  auto at = skip_space(text, 0);
  if (at >= text.size() || text[at] != '{')
    return found;
  at = skip_space(text, at + 1);
  while (at < text.size() && text[at] == '"') {
    auto key_end = skip_string(text, at);
    bool wanted = is_name_of(text.substr(at, key_end - at), name);
    at = skip_space(text, key_end);
    if (at >= text.size() || text[at] != ':')
      return {};
    at = skip_space(text, at + 1);
    auto end = skip_value(text, at);
    if (wanted)
      found = text.substr(at, end - at);
    at = skip_space(text, end);
    if (at >= text.size() || text[at] != ',')
      break;
    at = skip_space(text, at + 1);
  }
  return found;
}

events::outcome<create_destination> read_endpoint_in(std::string_view text) {
  body_reader r{text};
  auto d = read_destination_fields(r);
  for (auto& [name, value] : r.map("headers").value_or(string_map{}))
    d.headers.push_back({std::move(name), std::move(value), false});
  if (auto key = r.key("secret", d.profile))
    d.secrets.push_back({*key, {}, std::nullopt});
  auto make = r.type_of_key("signatureType");
  if (make && !d.secrets.empty() && d.secrets.front().key.kind() != *make)
    r.fail("is not the type of the secret that is given", "/signatureType");
  if (make && !takes(d.profile, *make))
    r.fail("the signature profile cannot sign with it", "/signatureType");
  return r.done(create_destination{std::move(d), make});
}

events::outcome<update_destination> read_endpoint_update(std::string_view text) {
  body_reader r{text};
  auto d = read_destination_fields(r);
  auto keep_profile = r.given("signatureProfile") == nullptr;
  return r.done(update_destination{{}, std::move(d), true, keep_profile});
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
  p.metadata = r.map("metadata");
  p.version = r.small("version");
  p.disabled = r.truth("disabled");
  p.profile = or_default("signatureProfile", r.profile("signatureProfile"), signature_profile::standard);
  if (r.has("retrySchedule"))
    p.schedule.emplace(r.delays("retrySchedule"));
  if (r.has("inFlight"))
    p.in_flight.emplace(r.small("inFlight"));
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
  body_reader r{text, true};
  rotate_secret c;
  read_new_key(r, c);
  c.make = r.type_of_key("signatureType");
  if (c.make && !c.text.empty())
    r.fail("says what is generated when no key is given", "/signatureType");
  if (auto seconds = r.natural("gracePeriodSeconds"))
    c.overlap = std::chrono::seconds{*seconds};
  return r.done(std::move(c));
}

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
  body_reader r{text, std::string_view{"payload"}};
  create_message c;
  c.event_type = r.needed_text("eventType");
  c.event_id = r.text("eventId").value_or("");
  c.channels = r.texts("channels").value_or(std::vector<std::string>{});
  c.tags = r.texts("tags").value_or(std::vector<std::string>{});
  c.deliver_at = r.time("deliverAt");
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

events::outcome<start_recovery> read_recover_in(std::string_view text) {
  body_reader r{text};
  start_recovery c;
  if (!r.has("since"))
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
