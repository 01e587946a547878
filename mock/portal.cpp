#include "mock/portal.hpp"

#include "events/json_text.hpp"
#include "mock/json_value.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;

constexpr std::size_t closed_most = 20'000, ends_most = 5'000, ends_per_session = 16, text_most = 256;

constexpr std::array<std::pair<capability, std::string_view>, 6> names{{{capability::view, "ViewBase"},
                                                                        {capability::view_secret, "ViewEndpointSecret"},
                                                                        {capability::manage_secret, "ManageEndpointSecret"},
                                                                        {capability::transformations, "ManageTransformations"},
                                                                        {capability::attempts, "CreateAttempts"},
                                                                        {capability::manage_endpoint, "ManageEndpoint"}}};

auto corrupt() { return failure(errc::corrupt, "what stands about the portal does not read"); }

/// Further than any clock is, and near enough to be added to.
constexpr std::int64_t time_most_us = std::numeric_limits<std::int64_t>::max() / 2;

bool read_time(const json_value& v, std::int64_t& into) { return v.as_integer(into) && into >= 0 && into <= time_most_us; }

bool read_time(const json_value& v, std::string_view name, std::int64_t& into) {
  const auto* m = v.member(name);
  return m != nullptr && read_time(*m, into);
}

outcome<json_value> read_object(std::string_view text) {
  auto v = parse_json(text);
  if (!v || !v->is_object())
    return corrupt();
  return v;
}

void write_ends(events::json_text& j, const std::vector<portal_end>& ends) {
  j.open_array();
  for (const auto& e : ends)
    j.open_array().value(e.issued_us).value(e.from_us).close_array();
  j.close_array();
}

outcome<std::vector<portal_end>> ends_in(const json_value& v) {
  std::vector<portal_end> out;
  if (!v.is_array() || v.items.size() > ends_per_session)
    return corrupt();
  for (const auto& item : v.items) {
    portal_end e;
    if (!item.is_array() || item.items.size() != 2 || !read_time(item.items[0], e.issued_us) || !read_time(item.items[1], e.from_us))
      return corrupt();
    out.push_back(e);
  }
  return out;
}

/// Of ends that hold already only the widest counts, and one that begins later than a wider one counts never.
void add_end(std::vector<portal_end>& to, const portal_end& end, std::int64_t now_us) {
  std::erase_if(to, [&](const portal_end& e) { return e.issued_us <= end.issued_us && e.from_us >= end.from_us; });
  std::int64_t widest = -1;
  for (const auto& e : to)
    if (e.from_us <= now_us)
      widest = std::max(widest, e.issued_us);
  std::erase_if(to, [&](const portal_end& e) { return e.from_us <= now_us && e.issued_us < widest; });
  to.push_back(end);
}

void forget_old(portal_state& s, std::int64_t now_us) {
  std::erase_if(s.closed, [&](const auto& one) { return one.second <= now_us; });
  for (auto it = s.ends.begin(); it != s.ends.end();) {
    std::erase_if(it->second, [&](const portal_end& e) { return e.issued_us + portal_life_most_s * 1'000'000 <= now_us; });
    it = it->second.empty() ? s.ends.erase(it) : std::next(it);
  }
}

events::draft draft_of(events::kind kind, std::string payload, std::string entity = {}) {
  events::draft out{kind, std::move(payload), {}, 0, {}};
  if (!entity.empty())
    out.entities.push_back(std::move(entity));
  return out;
}

std::string closing(std::string_view id, std::int64_t until_us) {
  std::string out;
  events::json_text j{out};
  j.open_object().key("id").value(id).key("until_us").value(until_us).close_object();
  return out;
}

auto full() {
  return failure(errc::overloaded, "too many portal tokens were ended one by one within their time (20,000); end them all by "
                                   "expire-all without sessionIds");
}

} // namespace

std::string_view name_of(capability c) noexcept {
  for (const auto& [one, name] : names)
    if (one == c)
      return name;
  return "none";
}

std::optional<capability> capability_named(std::string_view name) noexcept {
  for (const auto& [one, called] : names)
    if (called == name)
      return one;
  return std::nullopt;
}

std::vector<std::string_view> names_of(std::uint8_t has) {
  std::vector<std::string_view> out;
  for (const auto& [one, name] : names)
    if ((has & static_cast<std::uint8_t>(one)) != 0)
      out.push_back(name);
  return out;
}

std::string to_text(const portal_claims& c) {
  std::string out;
  events::json_text j{out};
  j.open_object().key("id").value(c.id);
  if (!c.session.empty())
    j.key("session").value(c.session);
  j.key("capabilities").open_array();
  for (auto name : names_of(c.capabilities))
    j.value(name);
  j.close_array();
  if (!c.flags.empty()) {
    j.key("flags").open_array();
    for (const auto& flag : c.flags)
      j.value(flag);
    j.close_array();
  }
  j.key("issued_us").value(c.issued_us).key("expires_us").value(c.expires_us).close_object();
  return out;
}

outcome<portal_claims> read_claims(std::string_view text) {
  auto v = read_object(text);
  if (!v)
    return tl::unexpected<events::error>{v.error()};
  portal_claims out;
  out.id = v->string_member("id");
  out.session = v->string_member("session");
  const auto* capabilities = v->member("capabilities");
  if (out.id.empty() || out.id.size() > text_most || out.session.size() > text_most || capabilities == nullptr || !capabilities->is_array() ||
      !read_time(*v, "issued_us", out.issued_us) || !read_time(*v, "expires_us", out.expires_us))
    return corrupt();
  for (const auto& name : capabilities->items) // one that a newer program gave says nothing here
    if (auto c = name.is_string() ? capability_named(name.text) : std::nullopt)
      out.capabilities |= static_cast<std::uint8_t>(*c);
  if (const auto* flags = v->member("flags"); flags != nullptr) {
    if (!flags->is_array() || flags->items.size() > portal_flags_most)
      return corrupt();
    for (const auto& flag : flags->items) {
      if (!flag.is_string() || flag.text.size() > text_most)
        return corrupt();
      out.flags.push_back(flag.text);
    }
  }
  return out;
}

bool is_over(const std::vector<portal_end>& ends, std::int64_t issued_us, std::int64_t now_us) noexcept {
  return std::any_of(ends.begin(), ends.end(), [&](const portal_end& e) { return issued_us <= e.issued_us && e.from_us <= now_us; });
}

std::string closed_link(std::string_view id) { return "link " + std::string{id}; }
std::string closed_token(std::string_view id) { return "token " + std::string{id}; }

std::string to_text(const std::vector<portal_end>& ends) {
  std::string out;
  events::json_text j{out};
  write_ends(j, ends);
  return out;
}

outcome<std::vector<portal_end>> read_ends(std::string_view text) {
  auto v = parse_json(text);
  if (!v)
    return corrupt();
  return ends_in(*v);
}

outcome<decision> decide(const portal_state&, const open_portal& c, const events::context& ctx) {
  if (c.life_s < portal_life_least_s || c.life_s > portal_life_most_s)
    return failure(errc::invalid, "must be 3600 to 604800 seconds", "/expiry");
  if (!allows(c.capabilities, capability::view))
    return failure(errc::invalid, "must have `ViewBase`, without which nothing can be seen", "/capabilities");
  if (c.flags.size() > portal_flags_most)
    return failure(errc::invalid, "has more than 25 flags", "/featureFlags");
  portal_claims out;
  out.id = events::to_hex({reinterpret_cast<const char*>(ctx.chance.data()), 12});
  out.session = c.session;
  out.capabilities = c.capabilities;
  out.flags = c.flags;
  out.issued_us = ctx.wall.us;
  out.expires_us = ctx.wall.us + c.life_s * 1'000'000;
  decision made;
  made.reply = to_text(out);
  made.events.push_back(draft_of(events::kind::portal_opened, made.reply, out.id));
  return made;
}

outcome<decision> decide(const portal_state& s, const enter_portal& c, const events::context&) {
  if (s.closed.contains(closed_link(c.id)))
    return failure(errc::unauthorized, "the link was used already: it opens the portal once");
  if (s.closed.size() >= closed_most)
    return full();
  decision out;
  out.events.push_back(draft_of(events::kind::portal_entered, closing(c.id, c.until_us), c.id));
  return out;
}

outcome<decision> decide(const portal_state& s, const leave_portal& c, const events::context&) {
  decision out;
  if (s.closed.contains(closed_token(c.id)))
    return out;
  if (s.closed.size() >= closed_most)
    return full();
  out.events.push_back(draft_of(events::kind::portal_left, closing(c.id, c.until_us), c.id));
  return out;
}

outcome<decision> decide(const portal_state& s, const expire_portals& c, const events::context& ctx) {
  if (c.after_s < 0 || c.after_s > portal_end_after_most_s)
    return failure(errc::invalid, "must be 0 to 259200 seconds", "/expiry");
  if (c.sessions.size() > portal_sessions_most)
    return failure(errc::invalid, "has more than 1000 sessions", "/sessionIds");
  std::size_t fresh = 0;
  for (const auto& session : c.sessions) {
    auto there = s.ends.find(session);
    fresh += there == s.ends.end() ? 1 : 0;
    if (there != s.ends.end() && there->second.size() + 1 >= ends_per_session)
      return failure(errc::conflict, "this session is being ended in too many steps already", "/sessionIds");
  }
  if (auto all = s.ends.find(""); c.sessions.empty() && all != s.ends.end() && all->second.size() + 1 >= ends_per_session && c.after_s != 0)
    return failure(errc::conflict, "the tokens are being ended in too many steps already; end them at once", "/expiry");
  if (s.ends.size() + fresh > ends_most)
    return failure(errc::overloaded, "too many sessions were ended within seven days (5,000); end all tokens by leaving sessionIds out");
  std::string payload;
  events::json_text j{payload};
  j.open_object().key("sessions").open_array();
  for (const auto& session : c.sessions)
    j.value(session);
  j.close_array().key("issued_us").value(ctx.wall.us).key("from_us").value(ctx.wall.us + c.after_s * 1'000'000).close_object();
  decision out;
  out.events.push_back(draft_of(events::kind::portal_expired, std::move(payload)));
  return out;
}

bool is_of_portal(events::kind kind) noexcept {
  return kind >= events::kind::portal_opened && kind <= events::kind::portal_expired;
}

outcome<void> apply(portal_state& s, events::kind kind, std::string_view payload, const events::header& header) {
  if (kind == events::kind::portal_opened)
    return {};
  auto v = read_object(payload);
  if (!v)
    return tl::unexpected<events::error>{v.error()};
  if (kind == events::kind::portal_expired) {
    portal_end end;
    const auto* sessions = v->member("sessions");
    if (sessions == nullptr || !sessions->is_array() || !read_time(*v, "issued_us", end.issued_us) || !read_time(*v, "from_us", end.from_us))
      return corrupt();
    if (sessions->items.empty() && end.from_us <= header.wall.us)
      s.ends.clear(); // all of them are no good from now on, whatever was to come
    if (sessions->items.empty())
      add_end(s.ends[""], end, header.wall.us);
    for (const auto& session : sessions->items)
      add_end(s.ends[session.text], end, header.wall.us);
  } else {
    auto id = v->string_member("id");
    std::int64_t until = 0;
    if (id.empty() || !read_time(*v, "until_us", until))
      return corrupt();
    s.closed[kind == events::kind::portal_entered ? closed_link(id) : closed_token(id)] = until;
  }
  forget_old(s, header.wall.us);
  return {};
}

std::string snapshot_text(const portal_state& s) {
  std::string out;
  events::json_text j{out};
  j.open_object().key("ends").open_object();
  for (const auto& [session, ends] : s.ends) {
    j.key(session);
    write_ends(j, ends);
  }
  j.close_object().key("closed").open_object();
  for (const auto& [name, until] : s.closed)
    j.key(name).value(until);
  j.close_object().close_object();
  return out;
}

outcome<portal_state> restore_portal(std::string_view text) {
  auto v = read_object(text);
  if (!v)
    return tl::unexpected<events::error>{v.error()};
  const auto* ends = v->member("ends");
  const auto* closed = v->member("closed");
  if (ends == nullptr || !ends->is_object() || closed == nullptr || !closed->is_object())
    return corrupt();
  portal_state out;
  for (std::size_t i = 0; i < ends->items.size(); ++i) {
    auto read = ends_in(ends->items[i]);
    if (!read)
      return tl::unexpected<events::error>{read.error()};
    out.ends[ends->names[i]] = std::move(*read);
  }
  for (std::size_t i = 0; i < closed->items.size(); ++i)
    if (!read_time(closed->items[i], out.closed[closed->names[i]]))
      return corrupt();
  return out;
}

} // namespace hourglass::mock
