#include "webhook/limits.hpp"
#include "webhook/message_content.hpp"
#include "webhook/ordering.hpp"
#include "webhook/outbox_decider.hpp"
#include "webhook/secrets.hpp"
#include "webhook/views.hpp"

#include "events/json_text.hpp"
#include "events/limits.hpp"

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

namespace hourglass::webhook {

using events::errc, events::failure;
using result = events::outcome<decision>;

namespace {

constexpr std::size_t event_types_most = 10'000;
constexpr std::size_t message_channels_most = 5; // as Svix
constexpr std::size_t message_tags_most = 8;
constexpr std::uint32_t manual_attempts_most = 10;

std::size_t characters_in(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

events::outcome<void> check_fields(const create_message& c) {
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
  if (!events::is_utf8(c.ordering_key) || characters_in(c.ordering_key) > ordering_key_characters)
    return failure(errc::invalid, "must be UTF-8 of at most " + std::to_string(ordering_key_characters) + " characters", "/orderingKey");
  if (c.payload.size() > limits::message_bytes)
    return failure(errc::too_large, "is longer than " + std::to_string(limits::message_bytes) + " bytes (message_bytes)", std::string{c.payload_at});
  if (c.params.size() > limits::message_params_bytes)
    return failure(errc::too_large, "is longer than " + std::to_string(limits::message_params_bytes) + " bytes (message_params_bytes)", "/transformationsParams");
  return c.content_type.empty() ? events::outcome<void>{} : validate_content_type(c.content_type);
}

/// Destinations with a pattern that may match: by what stands before its first wildcard. `who` stays in order, each once.
void add_by_pattern(const outbox_state::impl& s, std::string_view type, std::vector<events::seq>& who) {
  auto add = [&](std::string_view before) {
    if (auto at = s.wanting_below.find(before); at != s.wanting_below.end())
      who.insert(who.end(), at->second.begin(), at->second.end());
  };
  add({});
  for (auto dot = type.find('.'); dot != std::string_view::npos; dot = type.find('.', dot + 1))
    add(type.substr(0, dot));
  std::sort(who.begin(), who.end());
  who.erase(std::unique(who.begin(), who.end()), who.end());
}

} // namespace

// -- event types ------------------------------------------------------------------------

result decider::operator()(const put_event_type& c) const {
  auto t = c.value;
  if (auto ok = validate(t); !ok)
    return tl::unexpected{ok.error()};
  auto known = s.types.find(t.name);
  if (known == s.types.end() && s.types.size() >= event_types_most)
    return failure(errc::conflict, "a sandbox has at most 10000 event types");
  if (c.must_be_new && known != s.types.end() && !known->second.archived)
    return failure(errc::conflict, "this event type exists", "/name");
  if (!t.schemas.empty() && s.judge)
    if (auto ok = s.judge->compiles(t.schemas); !ok)
      return tl::unexpected{std::move(ok).error()};
  if (!t.schemas.empty())
    t.schemas = nlohmann::json::parse(t.schemas, nullptr, false).dump(); // as it is read back from the log
  t.created = known == s.types.end() ? ctx.now : known->second.created;
  t.updated = ctx.now;
  decision out;
  out.reply = views::event_type_out(t);
  add(out, event_type_put{std::move(t)});
  return out;
}

result decider::operator()(const remove_event_type& c) const {
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

// -- messages ---------------------------------------------------------------------------

events::outcome<void> decider::check_time(const create_message& c) const {
  if (!c.deliver_at)
    return {};
  if (*c.deliver_at <= ctx.now)
    return failure(errc::invalid, "is not in the future of the sandbox's clock", "/deliverAt");
  if (ctx.now + std::chrono::duration_cast<duration>(limits::delivery_delay) < *c.deliver_at)
    return failure(errc::invalid, "is more than 30 days ahead of the sandbox's clock (delivery_delay)", "/deliverAt");
  return {};
}

/// What is refused says where, by which rule and why; what is taken all the same, nothing or the same.
events::outcome<std::vector<schema_fault>> decider::hold_against_schema(const create_message& c, bool opaque) const {
  const auto at = s.types.find(c.event_type);
  const auto* own = at == s.types.end() ? nullptr : &at->second;
  if (!s.judge) {
    if (opaque && own != nullptr && !own->schemas.empty())
      return failure(errc::invalid, "must be a JSON object: the event type has a schema", std::string{c.payload_at});
    return std::vector<schema_fault>{};
  }
  auto found = s.judge->judge(own, c.event_type, s.check, opaque ? std::nullopt : std::optional<std::string_view>{c.payload});
  if (found.check != schema_check::enforce || found.faults.empty())
    return std::move(found.faults);
  const auto& first = found.faults.front();
  auto why = first.message + " (rule " + first.rule + " of version " + found.version + " of the schema of " + c.event_type.substr(0, 64);
  if (found.faults.size() > 1)
    why += "; " + std::to_string(found.faults.size() - 1) + " more of its places do not fit, such as " + found.faults[1].pointer;
  auto where = std::string{c.payload_at} + first.pointer;
  return failure(errc::invalid, why + ')', where.empty() ? "/" : std::move(where));
}

// Fan-out: decided once, here, and written down, so that a fold never decides it again.
events::outcome<std::vector<std::string>> decider::recipients(const create_message& c, bool opaque, std::vector<std::string>& lines) const {
  const filtered_message m{c.event_type, c.event_id, c.channels, c.tags, opaque ? std::string_view{} : std::string_view{c.payload}};
  std::vector<std::string> out;
  auto stand = [&](const lane& l) {
    auto line = l.config.ordering.line_of(c.ordering_key, m);
    if (!l.queues_in(line))
      return;
    out.push_back(l.config.id);
    if (line.empty())
      return;
    lines.resize(out.size());
    lines.back() = std::move(line);
  };
  if (!c.only_to.empty()) {
    const auto* l = s.find_lane(c.only_to);
    if (l == nullptr)
      return tl::unexpected{no_destination(c.only_to).error()};
    if (l->config.disabled)
      return failure(errc::conflict, "the endpoint is disabled; enable it first");
    stand(*l);
    return out;
  }
  static const std::set<events::seq> nobody;
  auto by_type = s.wanting.find(c.event_type);
  const auto& some = by_type == s.wanting.end() ? nobody : by_type->second;
  std::vector<events::seq> who;
  who.reserve(some.size() + s.wanting_all.size());
  std::merge(some.begin(), some.end(), s.wanting_all.begin(), s.wanting_all.end(), std::back_inserter(who));
  if (!s.wanting_below.empty())
    add_by_pattern(s, c.event_type, who);
  for (auto ordinal : who)
    if (const auto& l = s.lanes.at(ordinal); l.queues(ctx.now) && matches(l.config, m))
      stand(l);
  if (!lines.empty())
    lines.resize(out.size());
  return out;
}

/// Refused before anything is written: what waits is memory, and a receiver that is down for long must not take the node with it.
events::outcome<void> decider::room_for(std::size_t more) const {
  if (s.deliveries <= pending_most && more <= pending_most - s.deliveries)
    return {};
  return failure(errc::overloaded, "as many deliveries wait as may in a sandbox (pending_per_sandbox); enable, repair or remove the endpoints that do not take theirs");
}

result decider::operator()(const create_message& c) const { return emit(c, std::nullopt); }

result decider::operator()(const create_dynamic_message& c) const {
  auto d = c.where;
  d.value.uid = "dynamic-" + events::to_hex(events::as_text(events::sha256({d.value.url}))).substr(0, 32);
  d.value.channels = {std::string{dynamic_channel}};
  d.value.operational = false;
  auto m = c.message;
  if (const auto* known = s.find_lane(d.value.uid)) {
    const auto& has = known->config.secrets;
    if (!d.value.secrets.empty() && std::none_of(has.begin(), has.end(), [&d](const secret& one) { return one.key == d.value.secrets.front().key; }))
      return failure(errc::conflict, "the endpoint that was made for this URL has another secret: change it there, or leave it out", "/endpoint/secret");
    m.only_to = known->config.id;
    return emit(m, std::nullopt);
  }
  auto out = (*this)(create_destination{d});
  if (!out)
    return failure(out.error().code, out.error().detail, out.error().where.empty() ? std::string{} : "/endpoint" + out.error().where);
  const auto& made = std::get<destination_created>(out->facts.front()).value;
  if (made.disabled)
    return failure(errc::invalid, "must not be true: the message is to go there", "/endpoint/disabled");
  const filtered_message content{m.event_type, m.event_id, m.channels, m.tags, m.raw ? std::string_view{} : std::string_view{m.payload}};
  addressees to{{made.id}, {}};
  if (auto line = made.ordering.line_of(m.ordering_key, content); !line.empty())
    to.lines.push_back(std::move(line));
  auto own = ctx;
  own.chance = nth_chance(ctx.chance, 0);
  auto sent = decider{s, own, pending_most}.emit(m, std::move(to));
  if (!sent)
    return sent;
  std::move(sent->drafts.begin(), sent->drafts.end(), std::back_inserter(out->drafts));
  std::move(sent->facts.begin(), sent->facts.end(), std::back_inserter(out->facts));
  out->reply = std::move(sent->reply);
  return out;
}

result decider::emit(const create_message& c, std::optional<addressees> to) const {
  if (auto ok = check_fields(c); !ok)
    return tl::unexpected{ok.error()};
  if (auto ok = check_time(c); !ok)
    return tl::unexpected{ok.error()};
  auto opaque = is_opaque(c);
  if (!opaque)
    return tl::unexpected{opaque.error()};
  auto faults = hold_against_schema(c, *opaque);
  if (!faults)
    return tl::unexpected{std::move(faults).error()};
  auto headers = c.headers;
  if (auto ok = validate_message_headers(headers); !ok)
    return tl::unexpected{ok.error()};
  std::vector<std::string> lines = to ? to->lines : std::vector<std::string>{};
  auto who = to ? std::move(to->ids) : recipients(c, *opaque, lines);
  if (!who)
    return tl::unexpected{who.error()};
  if (auto room = room_for(who->size()); !room)
    return tl::unexpected{room.error()};
  message_created f{new_id("msg_"), c.event_type, c.event_id, c.channels, c.tags, *std::move(who), c.payload, c.payload.size(), c.deliver_at, to || !c.only_to.empty()};
  f.ordering_key = c.ordering_key;
  f.lines = std::move(lines);
  if (c.content_type != "application/json") // which is what none says
    f.content_type = c.content_type;
  f.opaque = *opaque;
  f.replaces = c.replaces;
  f.params = c.params;
  f.fault = c.fault;
  f.schema_faults = *std::move(faults);
  f.headers = std::move(headers);
  seal(s.vault.get(), f.id, f.headers, ctx.chance);
  f.retention_hours = c.retention_hours;
  decision out;
  out.reply = views::message_out(f, ctx.now);
  add(out, std::move(f));
  return out;
}

result decider::operator()(const resend& c) const {
  const auto* l = s.find_lane(c.destination);
  if (l == nullptr)
    return no_destination(c.destination);
  if (!l->takes())
    return failure(errc::conflict, "the endpoint is disabled; enable it first");
  if (c.message.id.empty() || c.message.seq == 0)
    return failure(errc::not_found, "there is no such message");
  const auto known = l->copy_of(c.message.seq);
  if (!known)
    if (auto room = room_for(1); !room)
      return tl::unexpected{room.error()};
  auto made = !known ? c.attempts : known->attempts;
  if (made >= limits::attempts_per_message)
    return failure(errc::conflict, "a message has at most " + std::to_string(limits::attempts_per_message) + " attempts per endpoint (attempts_per_message)");
  if (known && known->manual >= manual_attempts_most)
    return failure(errc::conflict, "ten resends of this message are waiting already");
  const std::vector<std::string> none;
  const filtered_message m{c.message.event_type, {}, none, none, c.payload};
  auto line = known ? known->line : l->config.ordering.line_of(c.ordering_key, m);
  if (auto held = l->held.find(line); held != l->held.end() && held->second != c.message.seq)
    return failure(errc::conflict, "a dead letter holds the line of this message; send that again first, or change the endpoint's ordering");
  decision out;
  out.reply = "{}";
  resend_requested f{c.message, l->config.id, c.attempts, c.was_dead, c.was_delivered, std::move(line)};
  f.batch = l->batch_to_send_now(c.message.seq);
  add(out, std::move(f));
  return out;
}

} // namespace hourglass::webhook
