#include "webhook/outbox_impl.hpp"
#include "webhook/secrets.hpp"
#include "webhook/views.hpp"

#include "events/limits.hpp"
#include "http/message.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace hourglass::webhook {

namespace {

using events::errc, events::failure;
using result = events::outcome<decision>;

constexpr auto longest_overlap = std::chrono::hours{24 * 7}; // as Svix
constexpr std::size_t event_types_most = 10'000;
constexpr std::size_t message_channels_most = 5; // as Svix
constexpr std::size_t message_tags_most = 8;
constexpr std::size_t recoveries_most = 100;
constexpr std::uint32_t manual_attempts_most = 10;
constexpr std::string_view by_hand = "by hand";

void add(decision& to, fact f) {
  to.drafts.push_back(encode(f));
  to.facts.push_back(std::move(f));
}

result no_destination(std::string_view id) { return failure(errc::not_found, "there is no endpoint `" + std::string{id.substr(0, 64)} + "`"); }

struct decider {
  const outbox_state::impl& s;
  const events::context& ctx;
  std::size_t pending_most;

  std::string new_id(std::string_view prefix) const { return events::make_id(prefix, ctx.wall.us / 1000, ctx.chance); }

  // -- destinations ----------------------------------------------------------------------

  events::outcome<void> check(destination& d, const lane* self) const {
    if (auto ok = validate(d); !ok)
      return ok;
    if (d.uid.empty())
      return {};
    auto taken = s.by_uid.find(d.uid);
    if (taken != s.by_uid.end() && (self == nullptr || taken->second != self->ordinal))
      return failure(errc::conflict, "another endpoint has this uid", "/uid");
    return {};
  }

  result operator()(const create_destination& c) const {
    if (s.lanes.size() >= limits::destinations_per_sandbox)
      return failure(errc::conflict, "a sandbox has at most " + std::to_string(limits::destinations_per_sandbox) + " endpoints (destinations_per_sandbox)");
    auto d = c.value;
    d.id = new_id("ep_");
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
    decision out;
    out.reply = views::endpoint_out(d);
    add(out, destination_created{std::move(d)});
    return out;
  }

  result update(const lane& l, destination d) const {
    d.id = l.config.id;
    d.created = l.config.created;
    d.updated = ctx.now;
    // Enabling or disabling by hand replaces the reason that a rule gave.
    if (d.disabled != l.config.disabled)
      d.disabled_reason = d.disabled ? by_hand : std::string_view{};
    else
      d.disabled_reason = l.config.disabled_reason;
    if (d.profile == signature_profile::standard && l.config.profile != d.profile)
      read_as_standard(d.secrets);
    if (auto ok = check(d, &l); !ok)
      return tl::unexpected{ok.error()};
    seal(s.vault.get(), d, ctx.chance);
    decision out;
    out.reply = views::endpoint_out(d);
    add(out, destination_updated{std::move(d)});
    return out;
  }

  result operator()(const update_destination& c) const {
    auto d = c.value;
    const auto* l = s.find_lane(c.id);
    if (l != nullptr) {
      d.secrets = l->config.secrets;
      d.headers = l->config.headers;
      d.profile = c.keep_profile ? l->config.profile : d.profile;
      return update(*l, std::move(d));
    }
    if (!c.create_if_missing || c.id.starts_with("ep_"))
      return no_destination(c.id);
    if (d.uid.empty())
      d.uid = c.id;
    return (*this)(create_destination{std::move(d)});
  }

  result operator()(const patch_destination& c) const {
    const auto* l = s.find_lane(c.id);
    if (l == nullptr)
      return no_destination(c.id);
    auto d = l->config;
    auto put = [](auto& into, const auto& given) {
      if (given)
        into = *given;
    };
    put(d.uid, c.uid), put(d.url, c.url), put(d.description, c.description);
    put(d.filter_types, c.filter_types), put(d.channels, c.channels), put(d.metadata, c.metadata);
    put(d.schedule, c.schedule), put(d.in_flight, c.in_flight), put(d.rate_limit, c.rate_limit);
    put(d.version, c.version), put(d.disabled, c.disabled), put(d.profile, c.profile);
    if (c.headers) {
      d.headers.clear();
      for (const auto& [name, value] : *c.headers)
        d.headers.push_back({name, value, false});
    }
    for (const auto& [name, value] : c.header_changes)
      change_header(d.headers, name, value);
    return update(*l, std::move(d));
  }

  static void change_header(std::vector<custom_header>& headers, const std::string& name, const std::optional<std::string>& value) {
    std::erase_if(headers, [&name](const custom_header& h) { return http::contains({{h.name, {}}}, name); });
    if (value)
      headers.push_back({name, *value, false});
  }

  result operator()(const remove_destination& c) const {
    const auto* l = s.find_lane(c.id);
    if (l == nullptr)
      return no_destination(c.id);
    decision out;
    add(out, destination_removed{l->config.id});
    return out;
  }

  result operator()(const rotate_secret& c) const {
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

  /// What was the text of a secret for an imitated sender is the secret itself from now on. Bare base64 stays a text: it may be a Slack secret.
  static void read_as_standard(std::vector<secret>& secrets) {
    for (auto& one : secrets)
      if (one.key.kind() == key_kind::text && one.key.bytes().starts_with("whsec_"))
        if (auto key = signing_key::parse(one.key.bytes())) {
          one.key = std::move(*key);
          one.sealed.clear();
        }
  }

  static key_kind fitting(signature_profile p, key_kind wanted) noexcept { return takes(p, wanted) ? wanted : key_kind::hmac; }

  /// How a secret is read depends on whom the destination imitates: for Slack, 32 hex digits are a text, not base64.
  events::outcome<signing_key> new_key(const rotate_secret& c, const destination& of) const {
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

  // -- event types -----------------------------------------------------------------------

  result operator()(const put_event_type& c) const {
    auto t = c.value;
    if (auto ok = validate(t); !ok)
      return tl::unexpected{ok.error()};
    auto known = s.types.find(t.name);
    if (known == s.types.end() && s.types.size() >= event_types_most)
      return failure(errc::conflict, "a sandbox has at most 10000 event types");
    if (c.must_be_new && known != s.types.end() && !known->second.archived)
      return failure(errc::conflict, "this event type exists", "/name");
    if (!t.schemas.empty())
      t.schemas = nlohmann::json::parse(t.schemas, nullptr, false).dump(); // as it is read back from the log
    t.created = known == s.types.end() ? ctx.now : known->second.created;
    t.updated = ctx.now;
    decision out;
    out.reply = views::event_type_out(t);
    add(out, event_type_put{std::move(t)});
    return out;
  }

  result operator()(const remove_event_type& c) const {
    auto known = s.types.find(c.name);
    if (known == s.types.end())
      return failure(errc::not_found, "there is no event type `" + c.name.substr(0, 64) + "`");
    decision out;
    if (c.for_good) {
      add(out, event_type_removed{c.name});
      return out;
    }
    auto t = known->second;
    t.archived = true;
    t.updated = ctx.now;
    add(out, event_type_put{std::move(t)});
    return out;
  }

  // -- messages --------------------------------------------------------------------------

  static events::outcome<void> check(const create_message& c) {
    constexpr const char* name_rule = "must match ^[a-zA-Z0-9\\-_.]+$ and have at most 256 characters";
    if (!is_name(c.event_type))
      return failure(errc::invalid, name_rule, "/eventType");
    if (!c.event_id.empty() && !is_name(c.event_id))
      return failure(errc::invalid, name_rule, "/eventId");
    if (c.channels.size() > message_channels_most)
      return failure(errc::too_large, "has more than 5 channels", "/channels");
    if (c.tags.size() > message_tags_most)
      return failure(errc::too_large, "has more than 8 tags", "/tags");
    for (std::size_t i = 0; i < c.channels.size(); ++i)
      if (!is_name(c.channels[i]))
        return failure(errc::invalid, name_rule, "/channels/" + std::to_string(i));
    for (std::size_t i = 0; i < c.tags.size(); ++i)
      if (!is_name(c.tags[i]))
        return failure(errc::invalid, name_rule, "/tags/" + std::to_string(i));
    if (c.payload.size() > limits::message_bytes)
      return failure(errc::too_large, "is longer than " + std::to_string(limits::message_bytes) + " bytes (message_bytes)", "/payload");
    auto first = c.payload.find_first_not_of(" \t\r\n");
    if (first == std::string::npos || c.payload[first] != '{' || !nlohmann::json::accept(c.payload))
      return failure(errc::invalid, "must be a JSON object", "/payload");
    return {};
  }

  events::outcome<void> check_time(const create_message& c) const {
    if (!c.deliver_at)
      return {};
    if (*c.deliver_at <= ctx.now)
      return failure(errc::invalid, "is not in the future of the sandbox's clock", "/deliverAt");
    if (ctx.now + std::chrono::duration_cast<duration>(limits::delivery_delay) < *c.deliver_at)
      return failure(errc::invalid, "is more than 30 days ahead of the sandbox's clock (delivery_delay)", "/deliverAt");
    return {};
  }

  // Fan-out: decided once, here, and written down, so that a fold never decides it again.
  events::outcome<std::vector<std::string>> recipients(const create_message& c) const {
    if (!c.only_to.empty()) {
      const auto* l = s.find_lane(c.only_to);
      if (l == nullptr)
        return tl::unexpected{no_destination(c.only_to).error()};
      if (l->config.disabled)
        return failure(errc::conflict, "the endpoint is disabled; enable it first");
      return std::vector{l->config.id};
    }
    static const std::set<events::seq> nobody;
    auto by_type = s.wanting.find(c.event_type);
    const auto& some = by_type == s.wanting.end() ? nobody : by_type->second;
    std::vector<events::seq> who;
    who.reserve(some.size() + s.wanting_all.size());
    std::merge(some.begin(), some.end(), s.wanting_all.begin(), s.wanting_all.end(), std::back_inserter(who));
    std::vector<std::string> out;
    for (auto ordinal : who) {
      const auto& d = s.lanes.at(ordinal).config;
      if (!d.disabled && matches(d, c.event_type, c.channels))
        out.push_back(d.id);
    }
    return out;
  }

  /// Refused before anything is written: what waits is memory, and a receiver that is down for long must not take the node with it.
  events::outcome<void> room_for(std::size_t more) const {
    if (s.deliveries <= pending_most && more <= pending_most - s.deliveries)
      return {};
    return failure(errc::overloaded, "a sandbox has at most " + std::to_string(limits::pending_per_sandbox) +
                                         " deliveries waiting (pending_per_sandbox); enable, repair or remove the endpoints that do not take theirs");
  }

  result operator()(const create_message& c) const {
    if (auto ok = check(c); !ok)
      return tl::unexpected{ok.error()};
    if (auto ok = check_time(c); !ok)
      return tl::unexpected{ok.error()};
    auto who = recipients(c);
    if (!who)
      return tl::unexpected{who.error()};
    if (auto room = room_for(who->size()); !room)
      return tl::unexpected{room.error()};
    message_created f{new_id("msg_"), c.event_type, c.event_id, c.channels, c.tags, *std::move(who), c.payload, c.payload.size(), c.deliver_at};
    decision out;
    out.reply = views::message_out(f, ctx.now);
    add(out, std::move(f));
    return out;
  }

  result operator()(const resend& c) const {
    const auto* l = s.find_lane(c.destination);
    if (l == nullptr)
      return no_destination(c.destination);
    if (l->config.disabled)
      return failure(errc::conflict, "the endpoint is disabled; enable it first");
    if (c.message.id.empty() || c.message.seq == 0)
      return failure(errc::not_found, "there is no such message");
    auto known = l->deliveries.find(c.message.seq);
    if (known == l->deliveries.end())
      if (auto room = room_for(1); !room)
        return tl::unexpected{room.error()};
    auto made = known == l->deliveries.end() ? c.attempts : known->second.attempts;
    if (made >= limits::attempts_per_message)
      return failure(errc::conflict, "a message has at most " + std::to_string(limits::attempts_per_message) + " attempts per endpoint (attempts_per_message)");
    if (known != l->deliveries.end() && known->second.manual >= manual_attempts_most)
      return failure(errc::conflict, "ten resends of this message are waiting already");
    decision out;
    out.reply = "{}";
    add(out, resend_requested{c.message, l->config.id, c.attempts, c.was_dead, c.was_delivered});
    return out;
  }

  // -- recoveries ------------------------------------------------------------------------

  result operator()(const start_recovery& c) const {
    const auto* l = s.find_lane(c.destination);
    if (l == nullptr)
      return no_destination(c.destination);
    if (l->config.disabled)
      return failure(errc::conflict, "the endpoint is disabled; enable it first");
    auto until = c.until.value_or(ctx.now);
    if (c.since > ctx.now)
      return failure(errc::invalid, "is in the future of the sandbox's clock", "/since");
    if (until < c.since)
      return failure(errc::invalid, "must not be before `since`", "/until");
    for (std::size_t i = 0; i < c.event_types.size(); ++i)
      if (!is_name(c.event_types[i]))
        return failure(errc::invalid, "must match ^[a-zA-Z0-9\\-_.]+$", "/eventTypes/" + std::to_string(i));
    std::size_t running = 0;
    for (const auto& [seq, r] : s.recoveries) {
      if (r.state != recovery::phase::scanning)
        continue;
      if (r.what.destination == l->config.id)
        return failure(errc::conflict, "recovery `" + r.what.id + "` of this endpoint is running");
      ++running;
    }
    if (running >= recoveries_most)
      return failure(errc::overloaded, "a hundred recoveries are running in this sandbox");
    recovery r;
    r.what = {new_id("rcv_"), l->config.id, c.since, until, c.scope, c.event_types, c.task};
    r.started = r.updated = ctx.now;
    decision out;
    out.reply = views::recover_out(r);
    add(out, std::move(r.what));
    return out;
  }

  const recovery* find_recovery(std::string_view id) const {
    auto found = std::find_if(s.recoveries.begin(), s.recoveries.end(), [id](const auto& entry) { return entry.second.what.id == id; });
    return found == s.recoveries.end() ? nullptr : &found->second;
  }

  result operator()(const progress_recovery& c) const {
    const auto* r = find_recovery(c.id);
    if (r == nullptr)
      return failure(errc::not_found, "there is no recovery `" + c.id.substr(0, 64) + "`");
    if (r->state != recovery::phase::scanning)
      return failure(errc::conflict, "the recovery has ended");
    const auto* l = s.find_lane(r->what.destination);
    recovery_progressed f{c.id, {}, std::max(c.cursor, r->cursor), r->seen + c.seen, r->queued};
    for (const auto& item : c.items)
      if (l != nullptr && !l->deliveries.contains(item.message.seq)) // else it is on its way already
        f.items.push_back(item);
    f.queued += f.items.size();
    decision out;
    add(out, std::move(f));
    if (c.done)
      add(out, recovery_finished{c.id, false});
    return out;
  }

  result operator()(const cancel_recovery& c) const {
    const auto* r = find_recovery(c.id);
    if (r == nullptr)
      return failure(errc::not_found, "there is no recovery `" + c.id.substr(0, 64) + "`");
    bool over = r->state == recovery::phase::finished && r->delivered + r->dead >= r->queued;
    if (over || r->state == recovery::phase::cancelled)
      return failure(errc::conflict, "the recovery has ended");
    auto after = *r;
    after.state = recovery::phase::cancelled;
    after.updated = ctx.now;
    decision out;
    out.reply = views::recover_out(after);
    add(out, recovery_finished{c.id, true});
    return out;
  }

  // -- attempts --------------------------------------------------------------------------

  result operator()(const finish_attempt& c) const {
    auto at = s.flights.find(c.token);
    if (at == s.flights.end())
      return decision{}; // a late answer
    const auto& flown = at->second;
    auto l = s.lanes.find(flown.lane);
    const delivery* d = nullptr;
    if (l != s.lanes.end())
      if (auto known = l->second.deliveries.find(flown.what.message->seq); known != l->second.deliveries.end() && known->second.token == c.token)
        d = &known->second;

    attempt_finished f;
    f.id = new_id("atmpt_");
    f.message = *flown.what.message;
    f.destination = flown.what.destination;
    f.number = flown.what.number;
    f.why = flown.what.why;
    f.url = flown.what.url;
    f.result = c.result;
    f.token = c.token;
    f.was_dead = d != nullptr ? d->was_dead : flown.was_dead;
    f.was_delivered = d != nullptr ? d->was_delivered : flown.was_delivered;
    f.detached = d == nullptr;
    auto meaning = classify(c.result.answer.status, c.result.answer.error, retry_after(c.result));
    judge(f, meaning, l == s.lanes.end() ? nullptr : &l->second, d);

    decision out;
    add(out, std::move(f));
    if (std::holds_alternative<gone>(meaning) && l != s.lanes.end() && !l->second.config.disabled)
      add(out, destination_disabled{l->second.config.id, "410 Gone"});
    return out;
  }

  std::optional<duration> retry_after(const attempt_result& r) const {
    return parse_retry_after(http::find(r.answer.headers, "retry-after"), r.started_us / 1'000'000);
  }

  void judge(attempt_finished& f, const classification& meaning, const lane* l, const delivery* d) const {
    if (std::holds_alternative<delivered>(meaning)) {
      f.follows = outcome_kind::delivered;
      return;
    }
    if (d == nullptr || l == nullptr) {
      f.follows = outcome_kind::dropped;
      return;
    }
    if (f.why == trigger::manual) {
      f.follows = outcome_kind::failed;
      return;
    }
    const auto* again = std::get_if<try_again>(&meaning);
    auto delay = next_delay(d->step + 1, schedule_of(l->config), again != nullptr ? again->at_least : std::nullopt, spread_of(ctx.chance));
    // A redelivery starts its schedule anew, but no message is tried without end.
    if (!delay || f.number >= limits::attempts_per_message) {
      f.follows = outcome_kind::dead;
      return;
    }
    f.follows = outcome_kind::retry;
    f.next = ctx.now + *delay;
  }
};

} // namespace

result decide(const outbox_state& state, const command& c, const events::context& ctx, std::size_t pending_most) { return std::visit(decider{state.self(), ctx, pending_most}, c); }

} // namespace hourglass::webhook
