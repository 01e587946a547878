#include "api/core.hpp"
#include "api/input.hpp"
#include "api/log_reading.hpp"
#include "api/routes.hpp"
#include "api/svix/dry_run.hpp"
#include "api/svix/log_lists.hpp"
#include "api/svix/standing.hpp"
#include "webhook/inputs.hpp"

namespace hourglass::api {

using events::errc;
using events::failure;

namespace svix {

namespace {

using state = webhook::outbox_state;

// -- one message ----------------------------------------------------------------------

void resend(core& in, const call_ptr& c) {
  with_endpoint(in, c, c->param("endpoint_id"), [&in](const call_ptr& found, const std::string& id) {
    auto message = message_named(in, found->sandbox, found->param("msg_id"));
    if (!message)
      return found->fail(message.error());
    if (message->erased) // as Svix
      return found->send(problem_response(400, "missing_payload", "the payload of this message was erased; it cannot be sent again", found->correlation, found->speaks));
    auto ref = views::message_ref_of(message->header, message->payload);
    auto last = ref ? last_attempts(in.node.store(), found->sandbox, ref->id) : tl::unexpected<events::error>{ref.error()};
    if (!last)
      return found->fail(last.error());
    webhook::resend what{std::move(*ref), id, 0, false, false};
    auto fact = webhook::decode(message->header.kind, message->payload);
    if (!fact)
      return found->fail(fact.error());
    what.ordering_key = std::get<webhook::message_created>(*fact).ordering_key;
    what.payload = std::get<webhook::message_created>(*fact).json();
    if (auto it = last->find(id); it != last->end()) {
      what.attempts = it->second.made;
      what.was_dead = it->second.dead();
      what.was_delivered = it->second.delivered();
    }
    in.change(found, found->sandbox, webhook::command{std::move(what)}, [](const call_ptr& done, actors::receipt) {
      done->answer(202, std::string{"{}"});
    });
  });
}

// -- many ------------------------------------------------------------------------------

void start(core& in, const call_ptr& c, webhook::start_recovery what, std::string task) {
  what.destination = c->param("endpoint_id");
  what.task = std::move(task);
  auto dry = webhook::read_dry_run(c->request->body);
  if (!dry)
    return c->fail(dry.error());
  if (*dry)
    return count_recovery(in, c, std::move(what));
  in.change(c, webhook::command{std::move(what)}, 202);
}

void recover(core& in, const call_ptr& c) {
  auto read = webhook::read_recover_in(c->request->body);
  if (!read)
    return c->fail(read.error());
  start(in, c, std::move(*read), {});
}

void replay_missing(core& in, const call_ptr& c) {
  auto read = webhook::read_recover_in(c->request->body);
  if (!read)
    return c->fail(read.error());
  read->scope = webhook::recovery_scope::missing;
  start(in, c, std::move(*read), "endpoint.replay");
}

/// Svix's bulk replay, as far as a recovery goes: by status only failed or all.
void bulk_replay(core& in, const call_ptr& c) {
  auto read = webhook::read_recover_in(c->request->body);
  if (!read)
    return c->fail(read.error());
  input body{c->body};
  for (auto name : {"since", "until", "eventTypes", "scope", "filter", "statusCodeClass", "rate", "dryRun"})
    body.any(name);
  auto status = body.optional_integer("status", 0, 4);
  if (status && *status != 2)
    body.reject("status", "only 2 (fail) is known here; leave it out for all");
  for (auto name : {"channel", "tag"})
    if (auto* value = body.any(name); value && !value->is_null())
      body.reject(name, "is not known here: say it with filter");
  if (auto fine = body.done(unknown::ignore); !fine)
    return c->fail(fine.error());
  read->scope = status ? webhook::recovery_scope::failed : webhook::recovery_scope::all;
  start(in, c, std::move(*read), "endpoint.bulk-replay");
}

// -- recoveries: ours -------------------------------------------------------------------

void list_recoveries(core& in, const call_ptr& c) {
  query_reader q{c->query};
  auto page = read_page(q);
  if (page.backwards)
    q.reject("iterator", "this list goes forwards only");
  if (auto fine = q.done(); !fine)
    return c->fail(fine.error());
  in.look<state>(c, [page, name = c->param("endpoint_id")](const state& s, events::virtual_time) -> events::outcome<std::string> {
    auto* d = s.find(name);
    if (!d)
      return failure(errc::not_found, "there is no such endpoint");
    std::vector<std::string> items, keys;
    bool more = false;
    auto all = s.recoveries();
    for (auto it = all.rbegin(); it != all.rend() && !more; ++it) {
      auto& r = **it;
      if (r.what.destination != d->id || (!page.after.empty() && r.what.id >= page.after))
        continue;
      if (items.size() == page.limit) {
        more = true;
        continue;
      }
      items.push_back(views::recover_out(r));
      keys.push_back(r.what.id);
    }
    return list_response(page, items, keys, more);
  });
}

events::outcome<const webhook::recovery*> recovery_of(const state& s, const std::string& endpoint, const std::string& id) {
  auto* d = s.find(endpoint);
  auto* r = s.find_recovery(id);
  if (!d || !r || r->what.destination != d->id)
    return failure(errc::not_found, "there is no such recovery");
  return r;
}

void show_recovery(core& in, const call_ptr& c) {
  in.look<state>(c, [endpoint = c->param("endpoint_id"), id = c->param("recovery_id")](const state& s, events::virtual_time)
                     -> events::outcome<std::string> {
    auto r = recovery_of(s, endpoint, id);
    if (!r)
      return tl::unexpected<events::error>{r.error()};
    return views::recover_out(**r);
  });
}

void cancel_recovery(core& in, const call_ptr& c) {
  in.look<state>(
      c, c->sandbox,
      [endpoint = c->param("endpoint_id"), id = c->param("recovery_id")](const state& s, events::virtual_time)
          -> events::outcome<std::string> {
        auto r = recovery_of(s, endpoint, id);
        if (!r)
          return tl::unexpected<events::error>{r.error()};
        return "{}";
      },
      [&in](const call_ptr& found, actors::receipt) {
        in.change(found, found->sandbox, webhook::command{webhook::cancel_recovery{found->param("recovery_id")}},
                  [&in](const call_ptr& done, actors::receipt) { show_recovery(in, done); });
      });
}

} // namespace

} // namespace svix

void add_redelivery(router& to) {
  auto add = [&](route r) {
    r.tag = "redelivery";
    r.who = access::sandbox;
    r.speaks = dialect::svix;
    to.add(std::move(r));
  };
  add({.method = "POST", .path = "/api/v1/app/{app_id}/msg/{msg_id}/endpoint/{endpoint_id}/resend", .id = "v1.message-attempt.resend",
       .says = "Sends one message to one endpoint again, now", .takes = body::optional_json, .body_schema = "AnyObject",
       .answers = {{202, "AnyObject"}}, .portal = capability::attempts, .run = svix::resend});
  add({.method = "POST", .path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/recover", .id = "v1.endpoint.recover",
       .says = "Sends again everything that failed in a time; durable, goes on after a crash, can be cancelled", .takes = body::unread_json,
       .body_schema = "RecoverIn", .answers = {{202, "RecoverOut"}, {200, "RecoverDryRun", "With dryRun: what it would send"}},
       .portal = capability::attempts, .run = svix::recover});
  add({.method = "POST", .path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/replay-missing", .id = "v1.endpoint.replay-missing",
       .says = "Sends everything of a time that the endpoint never got", .takes = body::unread_json, .body_schema = "ReplayIn",
       .answers = {{202, "RecoverOut"}, {200, "RecoverDryRun", "With dryRun: what it would send"}},
       .portal = capability::attempts, .run = svix::replay_missing});
  add({.method = "POST", .path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/bulk-replay", .id = "v1.endpoint.bulk-replay",
       .says = "Sends everything of a time again, or what failed", .takes = body::json, .body_schema = "BulkReplayIn",
       .answers = {{202, "RecoverOut"}, {200, "RecoverDryRun", "With dryRun: what it would send"}},
       .portal = capability::attempts, .run = svix::bulk_replay});
  add({.method = "GET", .path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/recovery", .id = "hourglass.recovery.list",
       .says = "Recoveries of an endpoint, newest first: all that run, and the last that ended",
       .query = {{"limit", "integer", "1 to 250; 50 if absent"}, {"iterator", "string", "Of the page before"}},
       .answers = {{200, "ListResponseRecoverOut"}}, .portal = capability::view, .run = svix::list_recoveries});
  constexpr std::string_view one = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/recovery/{recovery_id}";
  add({.method = "GET", .path = one, .id = "hourglass.recovery.get", .says = "One recovery, with its progress",
       .answers = {{200, "RecoverOut"}}, .portal = capability::view, .run = svix::show_recovery});
  add({.method = "POST", .path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/recovery/{recovery_id}/cancel",
       .id = "hourglass.recovery.cancel", .says = "Stops a recovery and takes back what it queued and has not sent; what was dead stays dead",
       .answers = {{200, "RecoverOut"}}, .portal = capability::attempts, .run = svix::cancel_recovery});
}

} // namespace hourglass::api
