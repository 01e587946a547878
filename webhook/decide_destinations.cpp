#include "webhook/operational.hpp"
#include "webhook/outbox_decider.hpp"
#include "webhook/secrets.hpp"
#include "webhook/transformation.hpp"
#include "webhook/views.hpp"

#include "events/json_text.hpp"
#include "events/limits.hpp"
#include "webhook/limits.hpp"
#include "http/message.hpp"

#include <algorithm>
#include <cctype>
#include <set>

namespace hourglass::webhook {

using events::errc, events::failure;
using result = events::outcome<decision>;

namespace {

constexpr auto longest_overlap = std::chrono::hours{24 * 7}; // as Svix
constexpr std::string_view by_hand = "by hand";

void change_header(std::vector<custom_header>& headers, const std::string& name, const std::optional<std::string>& value) {
  std::erase_if(headers, [&name](const custom_header& h) { return http::contains({{h.name, {}}}, name); });
  if (value)
    headers.push_back({name, *value, false});
}

std::string origin_of(const std::string& url) {
  const auto host = url.find("://");
  auto out = url.substr(0, host == std::string::npos ? 0 : url.find_first_of("/?#", host + 3));
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

/// Credentials were given for an address: another one, or a proxy that could read them, gets them only from who knows them.
events::outcome<void> may_take_along(const destination& before, const destination& now, const transport_change& said) {
  const auto &had = before.transport.settings().authentication, &has = now.transport.settings().authentication;
  if (!had || !has)
    return {};
  const auto* given = said.authentication && *said.authentication ? &**said.authentication : nullptr;
  const auto &old_proxy = before.transport.settings().proxy, &new_proxy = now.transport.settings().proxy;
  const bool another_proxy = new_proxy && !new_proxy->direct() && (!old_proxy || old_proxy->url != new_proxy->url);
  const auto read_by_it = [&](const std::string& url) { return another_proxy && origin_of(url).starts_with("http://"); };
  const bool elsewhere = origin_of(before.url) != origin_of(now.url) || read_by_it(now.url);
  constexpr auto why = "is required again, since what it is sent to is another now";
  if (had->basic && has->basic && elsewhere && !(given && given->basic && given->basic->password.given()))
    return failure(errc::invalid, why, "/authentication/basic/password");
  if (had->oauth2 && has->oauth2 && (elsewhere || read_by_it(has->oauth2->token_url)) && !has->oauth2->by_assertion && !(given && given->oauth2 && given->oauth2->client_secret.given()))
    return failure(errc::invalid, why, "/authentication/oauth2/clientSecret");
  return {};
}

/// What was the text of a secret for an imitated sender is the secret itself from now on. Bare base64 stays a text: it may be a Slack secret.
void read_as_standard(std::vector<secret>& secrets) {
  for (auto& one : secrets)
    if (one.key.kind() == key_kind::text && one.key.bytes().starts_with("whsec_"))
      if (auto key = signing_key::parse(one.key.bytes())) {
        one.key = std::move(*key);
        one.sealed.clear();
      }
}

key_kind fitting(signature_profile p, key_kind wanted) noexcept { return takes(p, wanted) ? wanted : key_kind::hmac; }

} // namespace

events::outcome<void> decider::check(destination& d, const lane* self) const {
  if (auto ok = validate(d); !ok)
    return ok;
  if (auto ok = check_room(d, self); !ok)
    return ok;
  if (d.uid.empty())
    return {};
  auto taken = s.by_uid.find(d.uid);
  if (taken != s.by_uid.end() && (self == nullptr || taken->second != self->ordinal))
    return failure(errc::conflict, "another endpoint has this uid", "/uid");
  return {};
}

/// What transports hold is memory of the sandbox, as long as it is awake.
events::outcome<void> decider::check_room(const destination& d, const lane* self) const {
  auto all = d.transport.bytes();
  if (all == 0)
    return {};
  for (const auto& [ordinal, l] : s.lanes)
    if (&l != self)
      all += l.config.transport.bytes();
  if (all > limits::transport_bytes_per_sandbox)
    return failure(errc::too_large, "what the endpoints of a sandbox say of their transport has at most " +
                                        std::to_string(limits::transport_bytes_per_sandbox) + " bytes together (transport_bytes_per_sandbox)");
  return {};
}

/// What is stored of one that is new.
events::outcome<destination> decider::made(const create_destination& c, std::string id) const {
  auto d = c.value;
  d.id = std::move(id);
  d.created = d.updated = ctx.now;
  d.disabled_reason = d.disabled ? by_hand : std::string_view{};
  if (d.secrets.size() > 1)
    return failure(errc::invalid, "only one secret may be given", "/secret");
  auto made = c.make.value_or(fitting(d.profile, key_kind::hmac));
  auto key = d.secrets.empty() ? signing_key::generate(ctx.chance, made) : d.secrets.front().key;
  d.secrets = {secret{key, ctx.now, std::nullopt}};
  if (auto ok = check(d, nullptr); !ok)
    return tl::unexpected{ok.error()};
  seal(s.vault.get(), d, ctx.chance);
  return d;
}

events::outcome<void> decider::room_for_destinations(std::size_t more) const {
  if (s.lanes.size() + more > limits::destinations_per_sandbox)
    return failure(errc::conflict, "a sandbox has at most " + std::to_string(limits::destinations_per_sandbox) + " endpoints (destinations_per_sandbox)");
  return {};
}

result decider::operator()(const create_destination& c) const {
  if (auto room = room_for_destinations(1); !room)
    return tl::unexpected{room.error()};
  auto d = made(c, new_id("ep_"));
  if (!d)
    return tl::unexpected{std::move(d).error()};
  decision out;
  out.reply = views::endpoint_out(*d, ctx.wall);
  add(out, destination_created{*d});
  tell_operators(*this, *d, nullptr, out);
  return out;
}

/// Each has chance of its own: ids, secrets and what seals them come of it.
result decider::operator()(const create_destinations& c) const {
  if (c.all.empty() || c.all.size() > destinations_at_once)
    return failure(errc::invalid, "must have 1 to " + std::to_string(destinations_at_once) + " endpoints", "/data");
  if (auto room = room_for_destinations(c.all.size()); !room)
    return tl::unexpected{room.error()};
  decision out;
  events::json_text j{out.reply};
  j.open_object().key("data").open_array();
  std::string wrong;
  events::json_text e{wrong};
  e.open_object().key("errors").open_array();
  bool fine = true;
  std::set<std::string> uids;
  std::size_t transports = 0;
  for (std::size_t i = 0; i < c.all.size(); ++i) {
    auto own = ctx;
    own.chance = nth_chance(ctx.chance, i);
    const decider by{s, own, pending_most};
    auto d = c.all[i] ? by.made(*c.all[i], by.new_id("ep_")) : tl::unexpected<events::error>{c.all[i].error()};
    if (d && !d->uid.empty() && !uids.insert(d->uid).second)
      d = failure(errc::conflict, "another endpoint of this request has this uid", "/uid");
    if (d && (transports += d->transport.bytes()) > limits::transport_bytes_per_sandbox)
      d = failure(errc::too_large, "what the endpoints of a sandbox say of their transport has at most " + std::to_string(limits::transport_bytes_per_sandbox) +
                                       " bytes together (transport_bytes_per_sandbox)", "/tls");
    if (!d) {
      fine = false;
      e.open_object().key("index").value(i).key("pointer").value(d.error().where).key("detail").value(d.error().detail).close_object();
    } else if (fine) {
      j.raw(views::endpoint_out(*d, ctx.wall));
      add(out, destination_created{*d});
      tell_operators(by, *d, nullptr, out);
    }
  }
  if (fine) {
    j.close_array().close_object();
    return out;
  }
  e.close_array().close_object();
  decision none;
  none.reply = std::move(wrong);
  return none;
}

/// `disabled_said`: a person says whether it is disabled, and does not merely leave it as it is.
result decider::update(const lane& l, destination d, bool disabled_said) const {
  d.id = l.config.id;
  d.created = l.config.created;
  d.operational = l.config.operational; // said once, when it is made
  d.updated = ctx.now;
  // Enabling or disabling by hand replaces the reason that a rule gave, and ends its probes.
  if (disabled_said || d.disabled != l.config.disabled)
    d.disabled_reason = d.disabled ? by_hand : std::string_view{};
  else
    d.disabled_reason = l.config.disabled_reason;
  if (d.profile == signature_profile::standard && l.config.profile != d.profile)
    read_as_standard(d.secrets);
  if (auto ok = check(d, &l); !ok)
    return tl::unexpected{ok.error()};
  seal(s.vault.get(), d, ctx.chance);
  decision out;
  out.reply = views::endpoint_out(d, ctx.wall);
  add(out, destination_updated{d});
  if (l.guard.probing && !d.disabled)
    add(out, missing_of(l));
  tell_operators(*this, d, &l, out);
  return out;
}

result decider::operator()(const update_destination& c) const {
  auto d = c.value;
  const auto* l = s.find_lane(c.id);
  if (l != nullptr) {
    d.secrets = l->config.secrets;
    d.headers = l->config.headers;
    d.profile = c.keep_profile ? l->config.profile : d.profile;
    if (c.keep_profile || (d.profile == signature_profile::custom && d.signing.empty()))
      d.signing = l->config.signing;
    d.form = c.keep_form ? l->config.form : d.form;
    if (c.keep_retries)
      d.retries = l->config.retries;
    if (c.keep_protection)
      d.protection = l->config.protection;
    if (c.keep_ordering)
      d.ordering = l->config.ordering;
    if (c.keep_batching)
      d.batching = l->config.batching;
    if (c.keep_obeys)
      d.obeys = l->config.obeys;
    d.transform = l->config.transform;
    d.transport = l->config.transport.with(c.transport);
    if (auto ok = may_take_along(l->config, d, c.transport); !ok)
      return tl::unexpected{ok.error()};
    return update(*l, std::move(d), false); // what it was already, a PUT of the whole says again
  }
  if (!c.create_if_missing || c.id.starts_with("ep_"))
    return no_destination(c.id);
  if (d.uid.empty())
    d.uid = c.id;
  d.transport = transport_policy{}.with(c.transport);
  return (*this)(create_destination{std::move(d), c.make});
}

result decider::operator()(const patch_destination& c) const {
  const auto* l = s.find_lane(c.id);
  if (l == nullptr)
    return no_destination(c.id);
  auto d = l->config;
  auto put = [](auto& into, const auto& given) {
    if (given)
      into = *given;
  };
  put(d.uid, c.uid), put(d.url, c.url), put(d.description, c.description);
  put(d.filter_types, c.filter_types), put(d.channels, c.channels), put(d.filter, c.filter), put(d.metadata, c.metadata);
  put(d.retries, c.retries), put(d.protection, c.protection), put(d.ordering, c.ordering), put(d.batching, c.batching);
  put(d.schedule, c.schedule), put(d.in_flight, c.in_flight), put(d.rate_limit, c.rate_limit), put(d.timeout, c.timeout);
  d.transport = d.transport.with(c.transport);
  if (auto ok = may_take_along(l->config, d, c.transport); !ok)
    return tl::unexpected{ok.error()};
  put(d.version, c.version), put(d.disabled, c.disabled), put(d.obeys, c.obeys), put(d.profile, c.profile), put(d.form, c.form);
  if (c.signing || (c.profile && *c.profile != signature_profile::custom))
    d.signing = c.signing.value_or(signature_template{});
  if (c.headers) {
    d.headers.clear();
    for (const auto& [name, value] : *c.headers)
      d.headers.push_back({name, value, false});
  }
  for (const auto& [name, value] : c.header_changes)
    change_header(d.headers, name, value);
  return update(*l, std::move(d), c.disabled.has_value());
}

result decider::operator()(const change_transformation& c) const {
  const auto* l = s.find_lane(c.id);
  if (l == nullptr)
    return no_destination(c.id);
  auto t = l->config.transform.get();
  t.code = c.code.value_or(std::move(t.code));
  t.variables = c.variables.value_or(std::move(t.variables));
  t.enabled = c.enabled.value_or(t.enabled && !t.code.empty());
  t.updated = ctx.now;
  if (auto ok = validate(t); !ok)
    return tl::unexpected{ok.error()};
  auto d = l->config;
  d.transform = shared_transformation{std::move(t)};
  auto all = d.transform.bytes();
  for (const auto& [ordinal, other] : s.lanes)
    if (&other != l)
      all += other.config.transform.bytes();
  if (all > limits::transformation_bytes_per_sandbox)
    return failure(errc::too_large, "the transformations of a sandbox have at most " + std::to_string(limits::transformation_bytes_per_sandbox) +
                                        " bytes together (transformation_bytes_per_sandbox)", "/code");
  auto out = update(*l, std::move(d), false);
  if (out)
    out->reply.clear(); // as in Svix
  return out;
}

result decider::operator()(const remove_destination& c) const {
  const auto* l = s.find_lane(c.id);
  if (l == nullptr)
    return no_destination(c.id);
  decision out;
  add(out, destination_removed{l->config.id});
  tell_operators(*this, l->config, l, out);
  return out;
}

result decider::operator()(const rotate_secret& c) const {
  const auto* l = s.find_lane(c.id);
  if (l == nullptr)
    return no_destination(c.id);
  if (c.overlap < std::chrono::seconds{0} || c.overlap > longest_overlap)
    return failure(errc::invalid, "must be 0 to 604800 seconds (7 days)", "/gracePeriodSeconds");
  auto key = new_key(c, l->config);
  if (!key)
    return tl::unexpected{key.error()};
  destination_secret_rotated f{l->config.id, {secret{*key, ctx.now, std::nullopt}}};
  for (auto old : l->config.secrets) {
    if (c.replace_all)
      break;
    if (old.key == *key)
      return failure(errc::invalid, "is a secret of this endpoint already", "/key");
    auto ends = ctx.now + std::chrono::duration_cast<duration>(c.overlap);
    old.expires = old.expires ? std::min(*old.expires, ends) : ends;
    if (ctx.now < *old.expires)
      f.secrets.push_back(old);
  }
  if (f.secrets.size() > limits::secrets_per_destination)
    return failure(errc::too_large, "an endpoint has at most " + std::to_string(limits::secrets_per_destination) +
                                        " live secrets (secrets_per_destination); wait until one expires or shorten the overlap");
  seal(s.vault.get(), f.id, f.secrets, ctx.chance);
  decision out;
  add(out, std::move(f));
  return out;
}

/// How a secret is read depends on whom the destination imitates: for Slack, 32 hex digits are a text, not base64.
events::outcome<signing_key> decider::new_key(const rotate_secret& c, const destination& of) const {
  auto kind = c.make.value_or(fitting(of.profile, of.secrets.empty() ? key_kind::hmac : of.secrets.front().key.kind()));
  auto key = events::outcome<signing_key>{signing_key::generate(ctx.chance, kind)};
  if (!c.text.empty())
    key = of.profile == signature_profile::standard ? signing_key::parse(c.text) : signing_key::parse_text(c.text);
  else if (c.key)
    key = *c.key;
  if (!key)
    return failure(errc::invalid, key.error().detail, "/key");
  if (!takes(of.profile, key->kind()))
    return failure(errc::invalid, "the profile " + std::string{to_string(of.profile)} + " cannot sign with a secret of type " + std::string{to_string(key->kind())},
                   c.make ? "/signatureType" : "/key");
  return key;
}

} // namespace hourglass::webhook
