#pragma once

#include "actors/node.hpp"
#include "mock/portal.hpp"

#include <string>
#include <string_view>

/// Portal tokens as text (`docs/decisions/058-portal.md`).
///
///   token := `appsk_` body        link := `applk_` body
///   body  := sandbox id `.` claims as base64url `.` tag as base64url
///
/// The tag is the node's (`events::vault::tag`) over all before it, prefix included, so that a link is no token. Nothing of a text is read
/// before its tag is found good.
namespace hourglass::api {

struct portal_token {
  events::sandbox_id sandbox;
  mock::portal_claims claims;
};

bool is_portal_token(std::string_view key) noexcept;

std::string portal_token_text(const actors::node& node, const events::sandbox_id& sandbox, const mock::portal_claims& claims);
std::string portal_link_text(const actors::node& node, const events::sandbox_id& sandbox, const mock::portal_claims& claims);

/// Point reads; any thread. Fails with `errc::unauthorized`: not ours, expired, logged out, or its sandbox is gone.
events::outcome<portal_token> open_portal_token(actors::node& node, std::string_view text, events::wall_time now);
/// The same of a link, whether it was used or not: that is decided by the sandbox.
events::outcome<portal_token> open_portal_link(actors::node& node, std::string_view text, events::wall_time now);

} // namespace hourglass::api
