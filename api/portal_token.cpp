#include "api/portal_token.hpp"

#include "actors/registry.hpp"
#include "events/json_text.hpp"

#include <algorithm>

namespace hourglass::api {

using events::errc;
using events::failure;
using events::outcome;

namespace {

constexpr std::string_view token_prefix = "appsk_", link_prefix = "applk_", purpose = "portal";
constexpr std::size_t text_most = 16 * limits::kibi; ///< 25 flags of 256 characters, and the rest

std::string to_base64url(std::string_view bytes) {
  auto out = events::to_base64(bytes);
  std::replace(out.begin(), out.end(), '+', '-');
  std::replace(out.begin(), out.end(), '/', '_');
  out.erase(std::find(out.begin(), out.end(), '='), out.end());
  return out;
}

bool from_base64url(std::string_view text, std::string& bytes) {
  if (text.find_first_of("+/=") != std::string_view::npos)
    return false;
  std::string plain{text};
  std::replace(plain.begin(), plain.end(), '-', '+');
  std::replace(plain.begin(), plain.end(), '_', '/');
  plain.append((4 - plain.size() % 4) % 4, '=');
  return events::from_base64(plain, bytes);
}

std::string text_of(const actors::node& node, std::string_view prefix, const events::sandbox_id& sandbox, const mock::portal_claims& claims) {
  std::string out{prefix};
  out.append(sandbox.to_string()).append(1, '.').append(to_base64url(mock::to_text(claims)));
  auto tag = to_base64url(node.vault().tag(out, purpose));
  return out.append(1, '.').append(tag);
}

auto no_good() { return failure(errc::unauthorized, "the portal token is not valid, or is no longer", "Authorization"); }

outcome<portal_token> read(const actors::node& node, std::string_view prefix, std::string_view text) {
  const auto last = text.rfind('.');
  std::string tag, claims;
  if (!text.starts_with(prefix) || text.size() > text_most || last == std::string_view::npos || !from_base64url(text.substr(last + 1), tag))
    return no_good();
  const auto body = text.substr(0, last);
  if (!node.vault().is_tag(tag, body, purpose))
    return no_good();
  const auto inside = body.substr(prefix.size());
  const auto dot = std::min(inside.find('.'), inside.size());
  auto sandbox = events::sandbox_id::parse(inside.substr(0, dot));
  if (!sandbox || dot == inside.size() || !from_base64url(inside.substr(dot + 1), claims))
    return no_good();
  auto said = mock::read_claims(claims);
  if (!said)
    return no_good();
  return portal_token{*sandbox, std::move(*said)};
}

/// Whether tokens of this session that were issued at that time are over.
outcome<bool> is_over(actors::node& node, const portal_token& t, std::string_view session, events::wall_time now) {
  auto row = node.store().get(actors::registry::portal_ends_key(t.sandbox, session));
  if (!row)
    return tl::unexpected<events::error>{row.error()};
  if (!*row)
    return false;
  auto ends = mock::read_ends(**row);
  if (!ends)
    return tl::unexpected<events::error>{ends.error()};
  return mock::is_over(*ends, t.claims.issued_us, now.us);
}

outcome<portal_token> still_good(actors::node& node, portal_token t, events::wall_time now) {
  auto there = node.store().get(actors::registry::sandbox_key(t.sandbox)); // `resolve` knows one that was deleted for as long as it is in memory
  if (!there)
    return tl::unexpected<events::error>{there.error()};
  auto closed = node.store().get(actors::registry::portal_closed_key(t.sandbox, mock::closed_token(t.claims.id)));
  if (!closed)
    return tl::unexpected<events::error>{closed.error()};
  auto over = is_over(node, t, {}, now);
  if (over && !*over && !t.claims.session.empty())
    over = is_over(node, t, t.claims.session, now);
  if (!over)
    return tl::unexpected<events::error>{over.error()};
  if (!*there || *closed || *over)
    return no_good();
  return t;
}

} // namespace

bool is_portal_token(std::string_view key) noexcept { return key.starts_with(token_prefix); }

std::string portal_token_text(const actors::node& node, const events::sandbox_id& sandbox, const mock::portal_claims& claims) {
  return text_of(node, token_prefix, sandbox, claims);
}

std::string portal_link_text(const actors::node& node, const events::sandbox_id& sandbox, const mock::portal_claims& claims) {
  return text_of(node, link_prefix, sandbox, claims);
}

outcome<portal_token> open_portal_token(actors::node& node, std::string_view text, events::wall_time now) {
  auto t = read(node, token_prefix, text);
  if (!t)
    return t;
  if (t->claims.expires_us <= now.us)
    return no_good();
  return still_good(node, std::move(*t), now);
}

outcome<portal_token> open_portal_link(actors::node& node, std::string_view text, events::wall_time now) {
  auto t = read(node, link_prefix, text);
  if (t && t->claims.issued_us + mock::portal_link_life_s * 1'000'000 <= now.us)
    t = no_good();
  if (t)
    t = still_good(node, std::move(*t), now);
  if (!t && t.error().code == errc::unauthorized)
    return failure(errc::unauthorized, "the link is not valid, or is no longer: it opens the portal once, within an hour of being made",
                   "oneTimeToken");
  return t;
}

} // namespace hourglass::api
