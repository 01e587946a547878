#include "actors/once.hpp"
#include "api/core.hpp"
#include "api/input.hpp"
#include "api/routes.hpp"
#include "api/svix/dry_run.hpp"
#include "api/svix/log_lists.hpp"
#include "api/svix/standing.hpp"
#include "events/wall_clock.hpp"
#include "webhook/inputs.hpp"

// Dead letters, which Svix's API does not know: listed, thrown away, or sent with another payload.

namespace hourglass::api {

using events::errc;
using events::failure;

namespace svix {

namespace {

// -- the list ---------------------------------------------------------------------------

/// What killed a delivery, unless something that counts came after it.
events::outcome<std::optional<std::string>> dead_item(const storage::store& in, const events::record& r, const std::string& endpoint,
                                                      const log_filters& f) {
  auto payload = events::upcast(r);
  auto a = payload ? views::summarize(r.header, *payload) : tl::unexpected<events::error>{payload.error()};
  if (!a)
    return tl::unexpected<events::error>{a.error()};
  if (a->follows != webhook::outcome_kind::dead || a->destination != endpoint ||
      (!f.event_types.empty() && !f.event_types.contains(a->event_type)))
    return std::nullopt;
  auto last = last_attempts(in, r.header.sandbox, a->message);
  if (!last)
    return tl::unexpected<events::error>{last.error()};
  if (const auto& now = (*last)[endpoint]; !now.dead() || now.stands_since != r.header.seq)
    return std::nullopt;
  auto message = message_at(in, r.header.sandbox, a->message_seq, f.with_content);
  if (!message)
    return tl::unexpected<events::error>{message.error()};
  auto out = r.header.kind == events::kind::delivery_expired ? views::expired_out(r.header, *payload, *message)
                                                             : views::attempt_out(r.header, *payload, f.with_content, *message);
  if (!out)
    return tl::unexpected<events::error>{out.error()};
  return std::move(*out);
}

void dead_letters(core& in, const call_ptr& c) {
  auto filters = read_log_filters(*c);
  if (!filters)
    return c->fail(filters.error());
  with_endpoint(in, c, c->param("endpoint_id"), [&in, f = std::move(*filters)](const call_ptr& done, const std::string& id) {
    storage::history_query what;
    what.sandbox = done->sandbox;
    what.kinds = ends;
    what.entity = id;
    auto& store = in.node.store();
    auto text = list_log(store, what, f, [&](const events::record& r) { return dead_item(store, r, id, f); });
    text ? done->answer(200, std::move(*text)) : done->fail(text.error());
  });
}

// -- one ----------------------------------------------------------------------------------

/// A dead letter as the log has it, and up to where that was read.
struct letter {
  webhook::remove_letter what;
  webhook::message_created message;
};

events::outcome<letter> read_letter(core& in, const events::sandbox_id& sandbox, const std::string& endpoint, const std::string& name) {
  const auto& store = in.node.store();
  auto head = store.head(sandbox);
  if (!head)
    return tl::unexpected<events::error>{head.error()};
  const auto end = store.end(); // behind it: up to there all is read
  in.catch_up();
  if (store.index_end() < end)
    return failure(errc::unavailable, "the index is behind the log; try again");
  auto found = message_named(in, sandbox, name);
  auto fact = found ? webhook::decode(found->header.kind, found->payload) : tl::unexpected<events::error>{found.error()};
  if (!fact)
    return tl::unexpected<events::error>{fact.error()};
  letter out;
  out.message = std::get<webhook::message_created>(*std::move(fact));
  auto last = last_attempts(store, sandbox, out.message.id);
  if (!last)
    return tl::unexpected<events::error>{last.error()};
  auto there = last->find(endpoint);
  if (there == last->end() || !there->second.dead())
    return failure(errc::not_found, "this message is no dead letter of the endpoint");
  out.what.message = {out.message.id, found->header.seq, out.message.event_type, out.message.body_bytes};
  out.what.destination = endpoint;
  out.what.as_of = *head ? (*head)->seq : 0;
  return out;
}

/// It was done before under the call's Idempotency-Key, and how it was answered nobody has written down: the letter is none any more, and the receipt
/// stands.
bool has_receipt(core& in, const call& c) {
  if (!c.once)
    return false;
  auto before = actors::find_once(in.node.store(), c.once->name, events::wall_now());
  return before && *before && (*before)->fingerprint == c.once->fingerprint;
}

void with_letter(core& in, const call_ptr& c, std::function<void(const call_ptr&, letter)> next) {
  with_endpoint(in, c, c->param("endpoint_id"), [&in, next = std::move(next)](const call_ptr& found, const std::string& id) {
    auto l = has_receipt(in, *found) ? letter{} : read_letter(in, found->sandbox, id, found->param("msg_id"));
    l ? next(found, *std::move(l)) : found->fail(l.error());
  });
}

void purge_one(core& in, const call_ptr& c) {
  with_letter(in, c, [&in](const call_ptr& found, letter l) {
    in.change(found, found->sandbox, webhook::command{std::move(l.what)}, [](const call_ptr& done, actors::receipt) { done->no_content(); });
  });
}

void edit(core& in, const call_ptr& c) {
  if (!c->body.is_object()) // whatever the letter is
    return c->fail({errc::invalid, "must be an object", {}});
  with_letter(in, c, [&in](const call_ptr& found, letter l) {
    auto instead = webhook::read_edit_in(found->request->body, l.message, l.what.keep_headers);
    if (!instead)
      return found->fail(instead.error());
    instead->only_to = l.what.destination;
    l.what.instead = *std::move(instead);
    in.change(found, found->sandbox, webhook::command{std::move(l.what)}, [](const call_ptr& done, actors::receipt r) { done->answer(202, std::move(r.reply)); });
  });
}

// -- many -----------------------------------------------------------------------------------

void purge(core& in, const call_ptr& c, std::string endpoint) {
  auto what = webhook::read_purge_in(c->request->body);
  auto dry = what ? webhook::read_dry_run(c->request->body) : tl::unexpected<events::error>{what.error()};
  if (!dry)
    return c->fail(dry.error());
  what->destination = std::move(endpoint);
  if (*dry)
    return count_recovery(in, c, *std::move(what));
  in.change(c, webhook::command{*std::move(what)}, 202);
}

void purge_of_endpoint(core& in, const call_ptr& c) { purge(in, c, c->param("endpoint_id")); }
void purge_of_all(core& in, const call_ptr& c) { purge(in, c, {}); }

} // namespace

} // namespace svix

void add_dead_letters(router& to) {
  auto add = [&](route r) {
    r.tag = "redelivery";
    r.who = access::sandbox;
    r.speaks = dialect::svix;
    to.add(std::move(r));
  };
  constexpr std::string_view one = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/dead/{msg_id}";
  add({.method = "GET", .path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/dead", .id = "hourglass.dead.list",
       .says = "Dead letters, newest first: the attempt that ended each, or why there was no other, with its message",
       .query = {{"limit", "integer", "1 to 250; 50 if absent"}, {"iterator", "string", "Of the page before; with - backwards"},
                 {"before", "date-time", "Before, on the sandbox's clock"}, {"after", "date-time", "After, on the sandbox's clock"},
                 {"with_content", "boolean", "Show bodies; true if absent"}, {"event_types", "string", "Comma-separated, or repeated, also as event_types[]"}},
       .answers = {{200, "ListResponseMessageAttemptOut"}}, .portal = capability::view, .run = svix::dead_letters});
  add({.method = "DELETE", .path = one, .id = "hourglass.dead.purge-one",
       .says = "Throws a dead letter away: it is listed no more, and no recovery sends it. The message stays", .answers = {{204}},
       .portal = capability::manage_endpoint, .run = svix::purge_one});
  add({.method = "POST", .path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/dead/{msg_id}/edit", .id = "hourglass.dead.edit",
       .says = "Sends another payload in place of a dead letter, as a message of its own that names it; the letter is superseded. What is left out is as in the old message",
       .takes = body::json, .body_schema = "DeadEditIn", .answers = {{202, "MessageOut"}}, .run = svix::edit});
  add({.method = "POST", .path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/dead/purge", .id = "hourglass.dead.purge",
       .says = "Throws away all dead letters of an endpoint that fit; durable, goes on after a crash, told and cancelled as a recovery", .takes = body::optional_json,
       .body_schema = "PurgeIn", .answers = {{202, "RecoverOut"}, {200, "RecoverDryRun", "With dryRun: how many it would remove"}},
       .portal = capability::manage_endpoint, .run = svix::purge_of_endpoint});
  add({.method = "POST", .path = "/api/v1/app/{app_id}/dead/purge", .id = "hourglass.dead.purge-all",
       .says = "The same at every endpoint that has dead letters and no recovery under way: one recovery for each, as many as may run", .takes = body::optional_json, .body_schema = "PurgeIn",
       .answers = {{202, "PurgeOut"}, {200, "RecoverDryRun", "With dryRun: how many they would remove"}}, .run = svix::purge_of_all});
}

} // namespace hourglass::api
