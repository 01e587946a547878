#pragma once

#include "events/envelope.hpp"
#include "events/outcome.hpp"
#include "mock/decision.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Access for a sandbox's own users: what a portal's token may do, and when it is over (`docs/decisions/058-portal.md`).
namespace hourglass::mock {

/// Svix's capabilities. The bits stand in tokens that are out: never give one another meaning.
enum class capability : std::uint8_t {
  view = 1,             ///< `ViewBase`
  view_secret = 2,      ///< `ViewEndpointSecret`
  manage_secret = 4,    ///< `ManageEndpointSecret`
  transformations = 8,  ///< `ManageTransformations`
  attempts = 16,        ///< `CreateAttempts`
  manage_endpoint = 32, ///< `ManageEndpoint`
};

inline constexpr std::uint8_t all_capabilities = 63;

/// Whether who has the capabilities `has` may do what asks for `wanted`: who manages a secret sees it, who manages an endpoint manages all of it.
constexpr bool allows(std::uint8_t has, capability wanted) noexcept {
  auto is = [has](capability c) { return (has & static_cast<std::uint8_t>(c)) != 0; };
  switch (wanted) {
  case capability::view: return is(wanted);
  case capability::view_secret: return is(wanted) || is(capability::manage_secret) || is(capability::manage_endpoint);
  case capability::manage_secret:
  case capability::transformations: return is(wanted) || is(capability::manage_endpoint);
  case capability::attempts:
  case capability::manage_endpoint: return is(wanted);
  }
  return false;
}

std::string_view name_of(capability c) noexcept;
std::optional<capability> capability_named(std::string_view name) noexcept;
/// Names of all in `has`, in the order above.
std::vector<std::string_view> names_of(std::uint8_t has);

/// What a token says. Times are the node's.
struct portal_claims {
  std::string id;
  std::string session;            ///< who it was made for, in the words of who made it; may be empty
  std::uint8_t capabilities = 0;
  std::vector<std::string> flags; ///< of event types that it may see beside those without
  std::int64_t issued_us = 0;
  std::int64_t expires_us = 0;
  bool operator==(const portal_claims&) const = default;
};

/// JSON text: payload of `portal.opened`, and body of the token.
std::string to_text(const portal_claims& claims);
/// Fails with `errc::corrupt`. Unknown members are skipped.
events::outcome<portal_claims> read_claims(std::string_view text);

inline constexpr std::int64_t portal_life_least_s = 3'600, portal_life_most_s = 7 * 86'400; ///< as Svix
inline constexpr std::int64_t portal_link_life_s = 3'600; ///< in which a link is exchanged for its token, once
inline constexpr std::int64_t portal_end_after_most_s = 259'200;
inline constexpr std::size_t portal_flags_most = 25, portal_sessions_most = 1'000;

/// From `from_us` on, tokens issued up to `issued_us` are no good.
struct portal_end {
  std::int64_t issued_us = 0;
  std::int64_t from_us = 0;
  bool operator==(const portal_end&) const = default;
};

bool is_over(const std::vector<portal_end>& ends, std::int64_t issued_us, std::int64_t now_us) noexcept;

/// What ended before its time. Tokens themselves are not kept: they are signed. What could match none that is still good is forgotten.
struct portal_state {
  std::map<std::string, std::vector<portal_end>, std::less<>> ends; ///< by session; of all under the empty name
  std::map<std::string, std::int64_t, std::less<>> closed;          ///< links that were used, tokens logged out -> when they had ended anyway
  bool operator==(const portal_state&) const = default;
};

std::string closed_link(std::string_view id);  ///< name in `closed`
std::string closed_token(std::string_view id); ///< name in `closed`

/// Value of a row of the registry.
std::string to_text(const std::vector<portal_end>& ends);
events::outcome<std::vector<portal_end>> read_ends(std::string_view text);

/// Somebody gets access. The reply is what `to_text` makes of the claims.
struct open_portal {
  std::string session;
  std::uint8_t capabilities = all_capabilities;
  std::vector<std::string> flags;
  std::int64_t life_s = portal_life_most_s;
};
/// A link is exchanged for its token; fails with `errc::unauthorized` when it was before.
struct enter_portal {
  std::string id;
  std::int64_t until_us = 0;
};
/// A token is logged out.
struct leave_portal {
  std::string id;
  std::int64_t until_us = 0;
};
/// Tokens of these sessions, or all, end so much later.
struct expire_portals {
  std::vector<std::string> sessions;
  std::int64_t after_s = 0;
};

events::outcome<decision> decide(const portal_state& state, const open_portal& command, const events::context& ctx);
events::outcome<decision> decide(const portal_state& state, const enter_portal& command, const events::context& ctx);
events::outcome<decision> decide(const portal_state& state, const leave_portal& command, const events::context& ctx);
events::outcome<decision> decide(const portal_state& state, const expire_portals& command, const events::context& ctx);

/// Is it one of ours: portal_opened, portal_entered, portal_left, portal_expired?
bool is_of_portal(events::kind kind) noexcept;
events::outcome<void> apply(portal_state& state, events::kind kind, std::string_view payload, const events::header& header);

/// JSON for the snapshot of the settings.
std::string snapshot_text(const portal_state& state);
events::outcome<portal_state> restore_portal(std::string_view text);

} // namespace hourglass::mock
