#include "mock/settings.hpp"

#include "events/json_text.hpp"
#include "events/limits.hpp"
#include "mock/chaos.hpp"
#include "mock/object_reader.hpp"

#include <algorithm>

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;
using life = settings_state::life;

constexpr std::size_t keys_per_sandbox = 100;
constexpr std::int64_t longest_retention_days = 3'660;
constexpr std::int64_t longest_ttl_s = 10LL * 366 * 86'400;

bool is_uid(std::string_view uid) {
  return uid.size() <= 256 && std::all_of(uid.begin(), uid.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  });
}

bool is_schema_check(std::string_view name) { return name.empty() || name == "off" || name == "warn" || name == "enforce"; }

std::string read_metadata(object_reader& in) {
  const auto* object = in.object("metadata");
  if (object == nullptr)
    return "{}";
  if (object->items.size() > 100)
    in.fail("has more than 100 members", "metadata", errc::too_large);
  for (const auto& item : object->items)
    if (!item.is_string())
      in.fail("must have string members only", "metadata");
  auto text = to_text(*object);
  if (text.size() > 16 * limits::kibi)
    in.fail("is larger than 16 KiB", "metadata", errc::too_large);
  return text;
}

/// Lays the members of `v` over `r`, as all the others.
outcome<void> read_retention(const json_value& v, retention_settings& r) {
  object_reader in{v, "/retention"};
  in.only({"payload_days", "response_days"});
  auto days = [&](std::string_view name, std::optional<std::int64_t>& into) {
    if (in.is_null(name))
      into.reset();
    else if (in.has(name))
      into = in.integer(name, 1, longest_retention_days, 0);
  };
  days("payload_days", r.payload_days);
  days("response_days", r.response_days);
  if (in.problem())
    return tl::unexpected<events::error>{*in.problem()};
  return {};
}

/// Lays the members of `v` over `s`; null is the default.
outcome<void> read_members(const json_value& v, settings_state& s) {
  object_reader in{v, ""};
  in.only({"name", "uid", "owner", "metadata", "ttl_seconds", "retention", "schema_check", "seed"});
  auto text = [&](std::string_view name, std::size_t most, std::string& into) {
    if (in.is_null(name))
      into.clear();
    else if (in.has(name))
      into = in.text(name, most);
  };
  text("name", 256, s.name);
  text("uid", 256, s.uid);
  text("owner", 256, s.owner);
  text("seed", 256, s.seed);
  if (!is_uid(s.uid))
    in.fail("may have letters, digits, `_`, `-` and `.` only", "uid");
  else if (s.uid == "." || s.uid == "..")
    in.fail("must not be `.` or `..`: no path could name it", "uid");
  else if (events::sandbox_id::parse(s.uid))
    in.fail("must not look like the id of a sandbox", "uid");
  if (in.is_null("metadata"))
    s.metadata = "{}";
  else if (in.has("metadata"))
    s.metadata = read_metadata(in);
  if (in.is_null("ttl_seconds"))
    s.ttl_s.reset();
  else if (in.has("ttl_seconds"))
    s.ttl_s = in.integer("ttl_seconds", 1, longest_ttl_s, 0);
  if (in.is_null("retention"))
    s.retention = {};
  else if (const auto* retention = in.has("retention") ? in.object("retention") : nullptr)
    if (auto ok = read_retention(*retention, s.retention); !ok)
      return ok;
  text("schema_check", 16, s.schema_check);
  if (!is_schema_check(s.schema_check))
    in.fail("must be `off`, `warn` or `enforce`", "schema_check");
  if (in.problem())
    return tl::unexpected<events::error>{*in.problem()};
  return {};
}

outcome<void> check_keys(const std::vector<api_key>& keys) {
  if (keys.size() > keys_per_sandbox)
    return failure(errc::too_large, "more than 100 API keys", "/keys");
  for (const auto& k : keys) {
    bool hex = k.hash.size() == 64 &&
               std::all_of(k.hash.begin(), k.hash.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
    if (k.id.empty() || k.id.size() > 64 || !hex || !events::is_utf8(k.id))
      return failure(errc::invalid, "a key needs an id and a SHA-256 in hex", "/keys");
  }
  return {};
}

void write_members(events::json_text& j, const settings_state& s) {
  j.key("uid").value(s.uid).key("name").value(s.name).key("owner").value(s.owner).key("metadata").raw(s.metadata);
  auto number_or_null = [&j](std::string_view name, const std::optional<std::int64_t>& n) {
    j.key(name);
    n ? j.value(*n) : j.null();
  };
  number_or_null("ttl_seconds", s.ttl_s);
  if (!s.seed.empty())
    j.key("seed").value(s.seed);
  j.key("retention").open_object();
  number_or_null("payload_days", s.retention.payload_days);
  number_or_null("response_days", s.retention.response_days);
  j.close_object();
  j.key("schema_check");
  s.schema_check.empty() ? j.null() : j.value(s.schema_check);
}

/// The whole of it, whatever changed: small, and folding is copying.
std::string payload_of(const settings_state& s) {
  std::string out;
  events::json_text j{out};
  j.open_object();
  write_members(j, s);
  j.key("keys").open_array();
  for (const auto& k : s.keys)
    j.open_object().key("id").value(k.id).key("hash").value(k.hash).close_object();
  j.close_array().close_object();
  return out;
}

outcome<settings_state> read_payload(const json_value& v) {
  settings_state s;
  const auto* metadata = v.member("metadata");
  const auto* keys = v.member("keys");
  if (metadata == nullptr || !metadata->is_object() || keys == nullptr || !keys->is_array())
    return failure(errc::corrupt, "a sandbox's settings do not read");
  s.uid = v.string_member("uid");
  s.name = v.string_member("name");
  s.owner = v.string_member("owner");
  s.seed = v.string_member("seed");
  s.metadata = to_text(*metadata);
  if (const auto* ttl = v.member("ttl_seconds"); ttl != nullptr && ttl->is_number()) {
    std::int64_t n = 0;
    if (!ttl->as_integer(n))
      return failure(errc::corrupt, "a sandbox's settings do not read");
    s.ttl_s = n;
  }
  if (const auto* retention = v.member("retention"); retention != nullptr)
    if (auto ok = read_retention(*retention, s.retention); !ok)
      return failure(errc::corrupt, "a sandbox's settings do not read");
  if (const auto* check = v.member("schema_check"); check != nullptr && check->is_string()) {
    s.schema_check = v.string_member("schema_check");
    if (!is_schema_check(s.schema_check))
      return failure(errc::corrupt, "a sandbox's settings do not read");
  }
  for (const auto& k : keys->items)
    s.keys.push_back({std::string{k.string_member("id")}, std::string{k.string_member("hash")}});
  return s;
}

outcome<json_value> parse_object(std::string_view text) {
  auto v = parse_json(text.empty() ? "{}" : text);
  if (v && !v->is_object())
    return failure(errc::invalid, "must be an object");
  return v;
}

outcome<decision> decide_one(const settings_state& state, const create_sandbox& c, const events::context&) {
  if (state.phase != life::none)
    return failure(errc::conflict, "this sandbox exists already");
  auto v = parse_object(c.text);
  if (!v)
    return tl::unexpected<events::error>{v.error()};
  settings_state s;
  if (auto ok = read_members(*v, s); !ok)
    return tl::unexpected<events::error>{ok.error()};
  if (auto ok = check_keys(c.keys); !ok)
    return tl::unexpected<events::error>{ok.error()};
  s.keys = c.keys;
  decision out;
  out.events.push_back({events::kind::sandbox_created, payload_of(s), {}, 0, {}});
  return out;
}

outcome<decision> decide_one(const settings_state& state, const update_sandbox& c, const events::context&) {
  if (state.phase != life::live)
    return failure(errc::not_found, "there is no such sandbox");
  auto v = parse_object(c.text);
  if (!v)
    return tl::unexpected<events::error>{v.error()};
  auto next = state;
  if (auto ok = read_members(*v, next); !ok)
    return tl::unexpected<events::error>{ok.error()};
  if (c.keys) {
    if (auto ok = check_keys(*c.keys); !ok)
      return tl::unexpected<events::error>{ok.error()};
    next.keys = *c.keys;
  }
  decision out;
  if (next != state)
    out.events.push_back({events::kind::sandbox_updated, payload_of(next), {}, 0, {}});
  return out;
}

outcome<decision> decide_one(const settings_state& state, const delete_sandbox&, const events::context&) {
  if (state.phase != life::live)
    return failure(errc::not_found, "there is no such sandbox");
  decision out;
  out.events.push_back({events::kind::sandbox_deleted, "{}", {}, 0, {}});
  return out;
}

/// All that is of the portal.
template <class Command>
outcome<decision> decide_one(const settings_state& state, const Command& c, const events::context& ctx) {
  if (state.phase != life::live)
    return failure(errc::not_found, "there is no such sandbox");
  return decide(state.portal, c, ctx);
}

} // namespace

std::optional<events::wall_time> settings_state::expires() const noexcept {
  if (!ttl_s)
    return std::nullopt;
  return events::wall_time{created.us + *ttl_s * 1'000'000};
}

events::entropy settings_state::chance_of_request(std::uint64_t ordinal) const { return chance_of("request " + seed, ordinal); }

std::optional<events::entropy> chance_of_import(std::string_view seed) {
  if (seed.empty())
    return std::nullopt;
  return chance_of("import " + std::string{seed}, 0);
}

outcome<decision> decide(const settings_state& state, const settings_command& command, const events::context& ctx) {
  return std::visit([&](const auto& c) { return decide_one(state, c, ctx); }, command);
}

outcome<void> apply(settings_state& state, events::kind kind, std::string_view payload, const events::header& header) {
  if (kind == events::kind::request_served) {
    if (!state.seed.empty())
      ++state.drawn;
    return {};
  }
  if (is_of_portal(kind))
    return apply(state.portal, kind, payload, header);
  if (kind == events::kind::sandbox_deleted) {
    state.phase = life::deleted;
    state.updated = header.wall;
    return {};
  }
  if (kind != events::kind::sandbox_created && kind != events::kind::sandbox_updated)
    return {};
  auto v = parse_json(payload);
  if (!v)
    return failure(errc::corrupt, v.error().detail, v.error().where);
  auto next = read_payload(*v);
  if (!next)
    return tl::unexpected<events::error>{next.error()};
  next->phase = life::live;
  next->created = kind == events::kind::sandbox_created ? header.wall : state.created;
  next->updated = header.wall;
  next->drawn = next->seed == state.seed ? state.drawn : 0;
  next->portal = std::move(state.portal);
  state = std::move(*next);
  return {};
}

std::string snapshot(const settings_state& state) {
  std::string out;
  events::json_text j{out};
  j.open_object().key("format").value(1).key("phase").value(static_cast<int>(state.phase));
  j.key("created_us").value(state.created.us).key("updated_us").value(state.updated.us);
  if (state.drawn != 0)
    j.key("drawn").value(state.drawn);
  if (state.portal != portal_state{})
    j.key("portal").raw(snapshot_text(state.portal));
  j.key("settings").raw(payload_of(state)).close_object();
  return out;
}

template <>
outcome<settings_state> restore<settings_state>(std::string_view text) {
  auto v = parse_json(text);
  if (!v)
    return failure(errc::corrupt, v.error().detail, v.error().where);
  auto number = [&](std::string_view name, std::int64_t& into) {
    const auto* m = v->member(name);
    return m != nullptr && m->as_integer(into);
  };
  std::int64_t format = 0;
  std::int64_t phase = 0;
  const auto* settings = v->member("settings");
  if (!number("format", format))
    return failure(errc::corrupt, "a snapshot of settings does not read");
  if (format > 1)
    return failure(errc::newer_format, "a snapshot of settings is of a newer format");
  if (!number("phase", phase) || phase < 0 || phase > 2 || settings == nullptr)
    return failure(errc::corrupt, "a snapshot of settings does not read");
  auto out = read_payload(*settings);
  if (!out)
    return out;
  if (!number("created_us", out->created.us) || !number("updated_us", out->updated.us))
    return failure(errc::corrupt, "a snapshot of settings does not read");
  std::int64_t drawn = 0;
  if (v->member("drawn") != nullptr && (!number("drawn", drawn) || drawn < 0))
    return failure(errc::corrupt, "a snapshot of settings does not read");
  out->drawn = static_cast<std::uint64_t>(drawn);
  if (const auto* portal = v->member("portal"); portal != nullptr) {
    auto read = restore_portal(to_text(*portal));
    if (!read)
      return tl::unexpected<events::error>{read.error()};
    out->portal = std::move(*read);
  }
  out->phase = static_cast<life>(phase);
  return out;
}

std::string to_json(const settings_state& s, std::string_view id) {
  std::string out;
  events::json_text j{out};
  j.open_object().key("id").value(id);
  write_members(j, s);
  j.key("expires_at");
  if (auto at = s.expires())
    j.value(events::to_rfc3339(*at));
  else
    j.null();
  j.key("keys").open_array();
  for (const auto& k : s.keys)
    j.value(k.id);
  j.close_array();
  j.key("created_at").value(events::to_rfc3339(s.created)).key("updated_at").value(events::to_rfc3339(s.updated));
  j.close_object();
  return out;
}

} // namespace hourglass::mock
