#include "api/core.hpp"
#include "api/input.hpp"
#include "api/query.hpp"
#include "api/routes.hpp"
#include "api/verifier_page.hpp"
#include "events/json_text.hpp"
#include "events/wall_clock.hpp"
#include "webhook/diagnosis.hpp"
#include "webhook/secrets.hpp"

namespace hourglass::api {

using events::errc;
using events::failure;

namespace {

using state = webhook::outbox_state;

constexpr std::size_t headers_most = 200;
constexpr std::size_t header_bytes = 16 * 1024; // eleven Ed25519 and eleven HMAC signatures are 1.5 KB
constexpr std::size_t secret_bytes = 256;
constexpr std::int64_t longest_tolerance = 315'360'000; // ten years: an old request may be looked at too
constexpr std::size_t suspects_most = 5'000;

std::int64_t seconds_now() {
  return events::wall_now().us / 1'000'000;
}

// -- public keys --------------------------------------------------------------------------

/// Without a key, so the sandbox in the path is looked up here.
void public_keys(core& in, const call_ptr& c) {
  query_reader q{c->query};
  auto endpoint = q.text("endpoint", 256).value_or("");
  if (auto fine = q.done(); !fine)
    return c->fail(fine.error());
  const auto& name = c->param("sandbox");
  auto sandbox = name.empty() || name.size() > 256 ? events::outcome<events::sandbox_id>{failure(errc::not_found, "there is no such sandbox")}
                                                   : in.node.resolve(name);
  if (!sandbox)
    return c->fail(sandbox.error());
  in.look<state>(
      c, *sandbox, [endpoint](const state& s, events::virtual_time now) { return webhook::public_keys(s, now, endpoint); },
      [](const call_ptr& done, actors::receipt r) {
        // Short, since a key that has just been rotated in must be found; a receiver that meets an unknown key asks again.
        done->answer(200, std::move(r.reply), {{"Cache-Control", "public, max-age=60"}});
      });
}

// -- verification --------------------------------------------------------------------------

void read_body(input& body, webhook::question& q) {
  auto text = body.optional_text("body", 0, limits::message_bytes);
  auto coded = body.optional_text("body_base64", 0, limits::message_bytes * 4 / 3 + 4);
  if (text && coded)
    body.reject("body_base64", "give either body or body_base64");
  if (text)
    q.body = std::move(*text);
  else if (coded && !events::from_base64(*coded, q.body))
    body.reject("body_base64", "is not base64 with padding");
}

/// What both operations take; `secret` becomes the one suspect.
void read_question(input& body, webhook::question& q) {
  auto headers = body.optional_map("headers", headers_most, header_bytes);
  if (!headers)
    body.reject("headers", "is required");
  else
    for (auto& [name, value] : *headers)
      q.headers.push_back({std::move(name), std::move(value)});
  read_body(body, q);
  if (auto name = body.optional_text("profile", 1, 32)) {
    q.profile = webhook::profile_from(*name);
    if (!q.profile)
      body.reject("profile", "must be standard, stripe, github, shopify, slack or custom");
  }
  if (const auto* given = body.any("signature_template"); given != nullptr && !given->is_null()) {
    auto compiled = webhook::signature_template::compile(*given, "/signature_template");
    if (compiled)
      q.signing = *std::move(compiled);
    else
      body.reject("signature_template", compiled.error().detail + " (" + compiled.error().where + ")");
  }
  q.tolerance_seconds = body.optional_integer("tolerance_seconds", 0, longest_tolerance).value_or(300);
  q.now = body.optional_integer("now", 0, 253'402'300'799).value_or(seconds_now());
  if (auto secret = body.optional_text("secret", 1, secret_bytes))
    q.suspects.push_back({std::move(*secret), {}, true, false});
}

void answer(core& in, const call_ptr& c, webhook::question q) {
  in.on_reader(c, [q = std::move(q)](const call_ptr& done) { done->answer(200, webhook::to_json(webhook::diagnose(q))); });
}

void verify(core& in, const call_ptr& c) {
  webhook::question q;
  input body{c->body};
  read_question(body, q);
  if (q.suspects.empty())
    body.reject("secret", "is required");
  if (auto fine = body.done(); !fine)
    return c->fail(fine.error());
  answer(in, c, std::move(q));
}

void add_suspects(const webhook::destination& d, bool own, events::virtual_time now, std::vector<webhook::suspect>& out) {
  for (const auto& s : d.secrets)
    if (!s.key.empty() && out.size() < suspects_most)
      out.push_back({s.key.for_receiver(), d.id, own, s.expires && *s.expires <= now});
}

/// The secrets of the endpoint that is meant first, then those of the others. Runs within the outbox: copies, judges nothing.
events::outcome<void> collect(const state& s, events::virtual_time now, const std::string& endpoint, webhook::question& q) {
  const webhook::destination* meant = endpoint.empty() ? nullptr : s.find(endpoint);
  if (!endpoint.empty() && meant == nullptr)
    return failure(errc::not_found, "there is no such endpoint", "/endpoint");
  bool any = meant == nullptr && q.suspects.empty(); // nobody is meant: every endpoint's is right
  if (meant != nullptr) {
    add_suspects(*meant, true, now, q.suspects);
    if (!q.profile)
      q.profile = meant->profile;
    if (q.signing.empty() && q.profile == webhook::signature_profile::custom)
      q.signing = meant->signing;
  }
  for (const auto* d : s.list({}, suspects_most))
    if (d != meant)
      add_suspects(*d, any, now, q.suspects);
  return {};
}

void verify_with_sandbox(core& in, const call_ptr& c) {
  auto q = std::make_shared<webhook::question>();
  input body{c->body};
  read_question(body, *q);
  auto endpoint = body.optional_text("endpoint", 1, 256).value_or("");
  if (auto fine = body.done(); !fine)
    return c->fail(fine.error());
  in.look<state>(
      c, c->sandbox,
      [q, endpoint](const state& s, events::virtual_time now) -> events::outcome<std::string> {
        if (auto ok = collect(s, now, endpoint, *q); !ok)
          return tl::unexpected{ok.error()};
        return std::string{"{}"};
      },
      [&in, q](const call_ptr& done, const actors::receipt&) { answer(in, done, std::move(*q)); });
}

} // namespace

void add_signatures(router& to) {
  constexpr std::string_view tag = "signatures";
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/.well-known/jwks.json", .id = "publicKeys", .tag = tag,
          .says = "Public keys (Ed25519) that sign the sandbox's webhooks now, as a JSON Web Key Set, newest first. No key needed", .who = access::anyone,
          .query = {{"endpoint", "string", "Only those of this endpoint, by id or uid"}}, .answers = {{200, "JsonWebKeySet"}}, .run = public_keys});
  to.add({.method = "POST", .path = "/webhooks/verify", .id = "verifyWebhook", .tag = tag,
          .says = "Whether a webhook's signature holds under a secret, and exactly why not. Nothing is kept", .who = access::anyone, .takes = body::json,
          .body_schema = "VerifyIn", .answers = {{200, "Diagnosis"}}, .run = verify});
  to.add({.method = "POST", .path = "/sandboxes/{sandbox}/webhooks/verify", .id = "verifySandboxWebhook", .tag = tag,
          .says = "The same with the secrets of the sandbox's endpoints: tells an expired one, and one of another endpoint", .who = access::sandbox,
          .takes = body::json, .body_schema = "SandboxVerifyIn", .answers = {{200, "Diagnosis"}},
          .portal = capability::view, .run = verify_with_sandbox});
  to.add({.method = "GET", .path = "/webhooks/verifier", .id = "verifierPage", .tag = tag, .says = "A page for people that asks these two",
          .who = access::anyone, .answers = {{200, "Text", "A page", "text/html"}},
          .run = [](core&, const call_ptr& c) { c->send(verifier_page()); }});
}

} // namespace hourglass::api
