#include "api/core.hpp"
#include "api/input.hpp"
#include "api/portal_token.hpp"
#include "api/routes.hpp"
#include "api/svix/applications.hpp"
#include "events/time.hpp"
#include "events/wall_clock.hpp"

#include <algorithm>

namespace hourglass::api {

using events::errc;
using nlohmann::json;

namespace svix {

namespace {

bool is_name(std::string_view text, std::string_view besides) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || besides.find(c) != std::string_view::npos;
  });
}

constexpr std::size_t session_most = 64, flag_most = 256;

events::outcome<mock::open_portal> read_access(const json& body) {
  input in{body};
  mock::open_portal out;
  if (auto session = in.optional_text("sessionId", 1, session_most)) {
    if (!is_name(*session, "@_-"))
      in.reject("sessionId", "must match ^[a-zA-Z0-9@_-]+$");
    out.session = *session;
  }
  out.life_s = in.optional_integer("expiry", mock::portal_life_least_s, mock::portal_life_most_s).value_or(mock::portal_life_most_s);
  if (auto flags = in.optional_texts("featureFlags", mock::portal_flags_most, flag_most)) {
    for (std::size_t i = 0; i < flags->size(); ++i)
      if (!is_name((*flags)[i], "-_."))
        in.reject("featureFlags/" + std::to_string(i), "must match ^[a-zA-Z0-9\\-_.]+$");
    std::sort(flags->begin(), flags->end());
    flags->erase(std::unique(flags->begin(), flags->end()), flags->end());
    out.flags = std::move(*flags);
  }
  auto given = in.optional_texts("capabilities", 16, 64);
  const bool chosen = given.has_value();
  if (chosen) {
    out.capabilities = 0;
    for (std::size_t i = 0; i < given->size(); ++i) {
      auto c = mock::capability_named((*given)[i]);
      if (!c)
        in.reject("capabilities/" + std::to_string(i),
                  "must be ViewBase, ViewEndpointSecret, ManageEndpointSecret, ManageTransformations, CreateAttempts or ManageEndpoint");
      else
        out.capabilities |= static_cast<std::uint8_t>(*c);
    }
    if (!mock::allows(out.capabilities, mock::capability::view))
      in.reject("capabilities", "must have ViewBase, without which nothing can be seen");
  }
  if (in.optional_truth("readOnly").value_or(false)) {
    constexpr auto view = static_cast<std::uint8_t>(mock::capability::view), secret = static_cast<std::uint8_t>(mock::capability::view_secret);
    out.capabilities &= chosen ? view | secret : view;
  }
  (void)in.any("application");
  if (auto fine = in.done(unknown::ignore); !fine)
    return tl::unexpected<events::error>{fine.error()};
  return out;
}

/// The token is made of what the log has of it, and of the node's key: an answer that comes again is the same, and none is written down.
void open(core& in, const call_ptr& c, mock::open_portal what) {
  c->answer_is_secret = true;
  in.change(c, c->sandbox, mock::settings_command{std::move(what)}, [&in](const call_ptr& done, const actors::receipt& r) {
    auto claims = mock::read_claims(r.reply);
    if (!claims)
      return done->fail(claims.error());
    auto url = in.options.base_url + "/portal/#key=" + portal_link_text(in.node, done->sandbox, *claims);
    done->answer(200, json{{"url", std::move(url)}, {"token", portal_token_text(in.node, done->sandbox, *claims)}});
  });
}

void access(core& in, const call_ptr& c) {
  auto what = read_access(c->body);
  if (!what)
    return c->fail(what.error());
  if (c->sandbox != events::sandbox_id{})
    return open(in, c, std::move(*what));
  auto brought = c->body.find("application");
  if (brought == c->body.end() || brought->is_null())
    return c->fail({errc::not_found, "there is no such application", {}});
  // Svix wants the uid said twice, so that a slip in the path makes no application.
  if (!brought->is_object() || !brought->contains("uid"))
    return c->fail({errc::invalid, "must have the uid of the path", "/application/uid"});
  auto text = application_of_path(*brought, c->param("app_id"), "/application");
  if (!text)
    return c->fail(text.error());
  in.node.create(std::move(*text), {c->who.name(), c->correlation}, [&in, c, what = std::move(*what)](events::outcome<actors::receipt> r) {
    guarded(c, [&] {
      auto there = in.node.resolve(c->param("app_id")); // a conflict: somebody else was first
      if (!there)
        return c->fail(r ? there.error() : r.error());
      c->sandbox = *there;
      open(in, c, what);
    });
  });
}

void exchange(core& in, const call_ptr& c) {
  input body{c->body};
  auto text = body.text("oneTimeToken", 1, 16 * limits::kibi);
  if (auto fine = body.done(unknown::ignore); !fine)
    return c->fail(fine.error());
  auto link = open_portal_link(in.node, text, events::wall_now());
  if (!link)
    return c->fail(link.error());
  c->answer_is_secret = true;
  c->who = {principal::role::portal, link->sandbox, std::make_shared<const mock::portal_claims>(link->claims)};
  mock::enter_portal what{link->claims.id, link->claims.issued_us + mock::portal_link_life_s * 1'000'000};
  in.change(c, link->sandbox, mock::settings_command{std::move(what)}, [&in](const call_ptr& done, const actors::receipt&) {
    const auto& claims = *done->who.portal;
    done->answer(200, json{{"token", portal_token_text(in.node, done->who.own, claims)}, {"capabilities", mock::names_of(claims.capabilities)}});
  });
}

void logout(core& in, const call_ptr& c) {
  if (c->who.is != principal::role::portal)
    return c->fail({errc::forbidden, "only a portal token is logged out; other keys are the sandbox's, or the operator's", {}});
  in.change(c, c->who.own, mock::settings_command{mock::leave_portal{c->who.portal->id, c->who.portal->expires_us}},
            [](const call_ptr& done, const actors::receipt&) { done->no_content(); });
}

void expire_all(core& in, const call_ptr& c) {
  input body{c->body};
  mock::expire_portals what;
  what.after_s = body.optional_integer("expiry", 0, mock::portal_end_after_most_s).value_or(0);
  what.sessions = body.optional_texts("sessionIds", mock::portal_sessions_most, session_most).value_or(std::vector<std::string>{});
  for (std::size_t i = 0; i < what.sessions.size(); ++i)
    if (!is_name(what.sessions[i], "@_-"))
      body.reject("sessionIds/" + std::to_string(i), "must match ^[a-zA-Z0-9@_-]+$");
  if (auto fine = body.done(unknown::ignore); !fine)
    return c->fail(fine.error());
  in.change(c, c->sandbox, mock::settings_command{std::move(what)}, [](const call_ptr& done, const actors::receipt&) { done->no_content(); });
}

/// What the page asks first. The sandbox's own key opens it too.
void session(core& in, const call_ptr& c) {
  if (c->who.is == principal::role::admin)
    return c->fail({errc::forbidden, "the admin key is of no one sandbox; POST /api/v1/auth/app-portal-access/{app_id} makes a portal token", {}});
  in.look<mock::settings_state>(
      c, c->who.own,
      [who = c->who](const mock::settings_state& s, events::virtual_time) -> events::outcome<std::string> {
        json out{{"app_id", who.own.to_string()}, {"name", s.name}, {"uid", s.uid.empty() ? json{} : json(s.uid)}};
        out["capabilities"] = mock::names_of(who.portal ? who.portal->capabilities : mock::all_capabilities);
        out["feature_flags"] = who.portal ? json(who.portal->flags) : json{};
        out["session_id"] = who.portal && !who.portal->session.empty() ? json(who.portal->session) : json{};
        out["expires_at"] = who.portal ? json(events::to_rfc3339(events::wall_time{who.portal->expires_us})) : json{};
        return out.dump();
      },
      [](const call_ptr& done, actors::receipt r) { done->answer(200, std::move(r.reply)); });
}

} // namespace

} // namespace svix

void add_portal_access(router& to) {
  constexpr auto sandbox = access::sandbox, any_key = access::any_key, anyone = access::anyone;
  auto add = [&](route r) {
    r.tag = "authentication";
    r.speaks = dialect::svix;
    to.add(std::move(r));
  };
  add({.method = "POST", .path = "/api/v1/auth/app-portal-access/{app_id}", .id = "v1.authentication.app-portal-access",
       .says = "A token for the users of an application, and a link that opens the portal with it once, within an hour. The admin may bring "
               "along an application that is not there yet",
       .who = sandbox, .takes = body::optional_json, .body_schema = "AppPortalAccessIn", .answers = {{200, "AppPortalAccessOut"}},
       .may_create = true, .run = svix::access});
  add({.method = "POST", .path = "/api/v1/auth/dashboard-access/{app_id}", .id = "v1.authentication.dashboard-access",
       .says = "The old name of it", .who = sandbox, .takes = body::optional_json, .body_schema = "AppPortalAccessIn",
       .answers = {{200, "AppPortalAccessOut"}}, .run = svix::access});
  add({.method = "POST", .path = "/api/v1/auth/app/{app_id}/expire-all", .id = "v1.authentication.expire-all",
       .says = "Ends the portal tokens of an application that were given out until now, or those of some sessions, at once or some time from now",
       .who = sandbox, .takes = body::optional_json, .body_schema = "ApplicationTokenExpireIn", .answers = {{204}}, .run = svix::expire_all});
  add({.method = "POST", .path = "/api/v1/auth/logout", .id = "v1.authentication.logout", .says = "Ends the portal token that it comes with",
       .who = any_key, .answers = {{204}}, .portal = capability::view, .run = svix::logout});
  add({.method = "POST", .path = "/api/v1/auth/one-time-token", .id = "v1.authentication.exchange-one-time-token",
       .says = "The portal token of a link, once", .who = anyone, .takes = body::json, .body_schema = "OneTimeTokenIn",
       .answers = {{200, "OneTimeTokenOut"}}, .run = svix::exchange});
  to.add({.method = "GET", .path = "/portal/session", .id = "portalSession", .tag = "authentication",
          .says = "Which application a portal token is for, and what it may do", .who = any_key, .answers = {{200, "PortalSession"}},
          .portal = capability::view, .run = svix::session});
}

} // namespace hourglass::api
