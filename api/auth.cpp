#include "api/auth.hpp"

#include "api/portal_token.hpp"
#include "events/wall_clock.hpp"
#include "http/problem.hpp"

#include <algorithm>
#include <array>

#include <openssl/crypto.h>
#include <openssl/sha.h>

namespace hourglass::api {

using events::errc;
using events::failure;

bool same_secret(std::string_view a, std::string_view b) noexcept {
  // Hashes have one length, so that the comparison says nothing about how long the right key is.
  std::array<unsigned char, SHA256_DIGEST_LENGTH> left{}, right{};
  SHA256(reinterpret_cast<const unsigned char*>(a.data()), a.size(), left.data());
  SHA256(reinterpret_cast<const unsigned char*>(b.data()), b.size(), right.data());
  return CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

namespace {

bool is_bearer(std::string_view scheme) {
  constexpr std::string_view name = "bearer";
  return scheme.size() == name.size() && std::equal(scheme.begin(), scheme.end(), name.begin(), [](char a, char b) {
           return static_cast<char>(a | 0x20) == b;
         });
}

} // namespace

events::outcome<principal> identify(const http::request& request, std::string_view admin_key, actors::node& node) {
  auto value = http::find(request.headers, "Authorization");
  if (value.empty())
    return principal{};
  auto space = value.find(' ');
  if (space == std::string_view::npos || !is_bearer(value.substr(0, space)))
    return failure(errc::unauthorized, "the Authorization header must be: Bearer <key>", "Authorization");
  auto key = value.substr(std::min(value.find_first_not_of(' ', space), value.size()));
  if (is_portal_token(key)) {
    auto token = open_portal_token(node, key, events::wall_now());
    if (!token)
      return tl::unexpected<events::error>{token.error()};
    return principal{principal::role::portal, token->sandbox, std::make_shared<const mock::portal_claims>(std::move(token->claims))};
  }
  if (key.empty() || key.size() > 512)
    return failure(errc::unauthorized, "the key is not valid", "Authorization");
  if (!admin_key.empty() && same_secret(key, admin_key))
    return principal{principal::role::admin, {}, {}};
  auto own = node.authenticate(key);
  if (!own) {
    if (own.error().code == errc::unauthorized || own.error().code == errc::not_found)
      return failure(errc::unauthorized, "the key is not valid", "Authorization");
    return tl::unexpected<events::error>{own.error()};
  }
  return principal{principal::role::sandbox, *own, {}};
}

events::outcome<void> permit(const principal& who, const route& to, const events::outcome<events::sandbox_id>* asked) {
  if (to.who == access::anyone)
    return {};
  if (who.is == principal::role::nobody)
    return failure(errc::unauthorized, "a key is needed: Authorization: Bearer <key>", "Authorization");
  if (who.is == principal::role::portal) {
    if (!to.portal)
      return failure(errc::forbidden, "a portal token is not for this");
    if (asked && (!*asked || **asked != who.own))
      return failure(errc::not_found, "there is no such application"); // as Svix
    if (!mock::allows(who.portal->capabilities, *to.portal))
      return failure(errc::forbidden, "this portal token lacks the capability " + std::string{mock::name_of(*to.portal)});
  }
  if (who.is == principal::role::sandbox) {
    if (to.who == access::admin)
      return failure(errc::forbidden, "this needs the admin key");
    if (asked && (!*asked || **asked != who.own))
      return failure(errc::forbidden, "this key belongs to another sandbox");
  }
  if (asked && !*asked)
    return tl::unexpected<events::error>{asked->error()};
  return {};
}

std::string correlation_of(const http::request& request) {
  return http::correlation_or_fresh(http::find(request.headers, "X-Correlation-Id"));
}

} // namespace hourglass::api
