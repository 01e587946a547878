#include "webhook/secrets.hpp"

#include "webhook/outbox_impl.hpp"

#include "events/digest.hpp"
#include "events/json_text.hpp"
#include "events/limits.hpp"

#include <algorithm>

namespace hourglass::webhook {

namespace {

using events::errc, events::failure;

/// A secret opens only for the destination it was made for; a header's value too, or for its message.
std::string context_of(const std::string& destination_id) { return "webhook secret of " + destination_id; }
std::string context_of(const std::string& owner_id, const custom_header& h) { return "header " + h.name + " of " + owner_id; }

std::string context_of(const std::string& destination_id, std::string_view transport_secret) {
  return std::string{transport_secret} + " of " + destination_id;
}

// Ordinals: those of headers behind those of secrets, and so on.
constexpr std::uint32_t first_header = 1000;
constexpr std::uint32_t first_of_transport = 2000;

events::outcome<void> open_transport(destination& d, const events::vault& vault) {
  if (d.transport.empty())
    return {};
  auto settings = d.transport.settings();
  std::optional<events::error> problem;
  transport_settings::each_secret(settings, [&](std::string_view name, hidden_text& one) {
    if (one.sealed.empty() || !one.value.empty() || problem)
      return;
    auto plain = vault.open(one.sealed, context_of(d.id, name));
    if (plain)
      one.value = std::move(*plain);
    else
      problem = events::error{errc::corrupt, "the " + std::string{name} + " of the endpoint " + d.id + " " + plain.error().detail, d.id};
  });
  if (problem)
    return tl::unexpected{*std::move(problem)};
  d.transport = transport_policy{std::move(settings)};
  return {};
}

events::outcome<void> open_all(destination& d, const events::vault& vault) {
  for (auto& s : d.secrets) {
    if (s.sealed.empty() || !s.key.empty())
      continue;
    auto plain = vault.open(s.sealed, context_of(d.id));
    if (!plain)
      return failure(errc::corrupt, "a secret of the endpoint " + d.id + " " + plain.error().detail, d.id);
    auto key = signing_key::from_storage(*plain);
    if (!key)
      return failure(errc::corrupt, "a secret of the endpoint " + d.id + " is none", d.id);
    s.key = std::move(*key);
  }
  if (auto ok = open(vault, d.id, d.headers); !ok)
    return ok;
  return open_transport(d, vault);
}

std::string base64url(std::string_view bytes) {
  auto out = events::to_base64(bytes);
  std::replace(out.begin(), out.end(), '+', '-');
  std::replace(out.begin(), out.end(), '/', '_');
  out.erase(std::find(out.begin(), out.end(), '='), out.end());
  return out;
}

/// Newest first, since a receiver that takes the first one should take the one that stays.
std::vector<const secret*> public_secrets(const std::vector<const destination*>& of, events::virtual_time now) {
  std::vector<const secret*> out;
  for (const auto* d : of)
    for (const auto& s : d->secrets)
      if (s.key.kind() == key_kind::ed25519 && (!s.expires || now < *s.expires))
        out.push_back(&s);
  std::stable_sort(out.begin(), out.end(), [](const secret* a, const secret* b) { return b->created < a->created; });
  return out;
}

void write_key(events::json_text& j, const ed25519_public& key) {
  auto x = base64url({reinterpret_cast<const char*>(key.data()), key.size()});
  // RFC 7638 and 8037: the required members, in the order of their names, without white space.
  auto thumbprint = events::sha256({R"({"crv":"Ed25519","kty":"OKP","x":")", x, R"("})"});
  j.open_object().key("kty").value("OKP").key("crv").value("Ed25519").key("x").value(x).key("kid").value(base64url(events::as_text(thumbprint)));
  j.key("use").value("sig").key("alg").value("EdDSA").close_object();
}

void seal_transport(const events::vault& vault, destination& d, const events::entropy& chance) {
  bool sealed = false;
  auto settings = d.transport.settings();
  auto ordinal = first_of_transport;
  transport_settings::each_secret(settings, [&](std::string_view name, hidden_text& one) {
    if (!one.value.empty() && events::vault::key_id_of(one.sealed) != vault.active()) {
      one.sealed = vault.seal(one.value, context_of(d.id, name), chance, ordinal);
      sealed = true;
    }
    ++ordinal;
  });
  if (sealed)
    d.transport = transport_policy{std::move(settings)};
}

} // namespace

events::outcome<void> unlock(outbox_state& state, std::shared_ptr<const events::vault> vault) {
  auto& s = state.self();
  for (auto& [ordinal, l] : s.lanes)
    if (auto ok = open_all(l.config, *vault); !ok)
      return ok;
  s.vault = std::move(vault);
  return {};
}

void seal(const events::vault* vault, destination& d, const events::entropy& chance) {
  seal(vault, d.id, d.secrets, chance);
  seal(vault, d.id, d.headers, chance);
  if (vault != nullptr)
    seal_transport(*vault, d, chance);
}

void seal(const events::vault* vault, const std::string& owner_id, std::vector<custom_header>& headers, const events::entropy& chance) {
  if (vault == nullptr)
    return;
  auto ordinal = first_header;
  for (auto& h : headers) {
    if (h.sensitive && events::vault::key_id_of(h.sealed) != vault->active())
      h.sealed = vault->seal(h.value, context_of(owner_id, h), chance, ordinal);
    ++ordinal;
  }
}

events::outcome<void> open(const events::vault& vault, const std::string& owner_id, std::vector<custom_header>& headers) {
  for (auto& h : headers) {
    if (h.sealed.empty())
      continue;
    auto plain = vault.open(h.sealed, context_of(owner_id, h));
    if (!plain)
      return failure(errc::corrupt, "a header of " + owner_id + " " + plain.error().detail, owner_id);
    h.value = std::move(*plain);
  }
  return {};
}

void seal(const events::vault* vault, const std::string& destination_id, std::vector<secret>& secrets, const events::entropy& chance) {
  if (vault == nullptr)
    return;
  std::uint32_t ordinal = 0;
  for (auto& s : secrets) {
    if (!s.key.empty() && events::vault::key_id_of(s.sealed) != vault->active())
      s.sealed = vault->seal(s.key.to_storage(), context_of(destination_id), chance, ordinal);
    ++ordinal;
  }
}

events::outcome<std::string> public_keys(const outbox_state& state, events::virtual_time now, const std::string& destination_id) {
  std::vector<const destination*> of;
  if (destination_id.empty()) {
    of = state.list({}, state.destination_count());
  } else {
    const auto* d = state.find(destination_id);
    if (d == nullptr)
      return failure(errc::not_found, "there is no such endpoint", "endpoint");
    of.push_back(d);
  }
  auto secrets = public_secrets(of, now);
  if (secrets.size() > limits::public_keys)
    return failure(errc::too_large, "there are more than " + std::to_string(limits::public_keys) + " public keys (public_keys): ask for those of one endpoint",
                   "endpoint");
  std::string out;
  events::json_text j{out};
  j.open_object().key("keys").open_array();
  for (const auto* s : secrets)
    write_key(j, s->key.asymmetric().public_key());
  j.close_array().close_object();
  return out;
}

} // namespace hourglass::webhook
