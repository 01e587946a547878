#include "api/catalogue.hpp"
#include "api/core.hpp"
#include "api/reserved.hpp"
#include "api/routes.hpp"
#include "api/svix/paging.hpp"
#include "webhook/inputs.hpp"
#include "webhook/views.hpp"

#include <algorithm>

namespace hourglass::api {

using events::errc;
using events::failure;
using nlohmann::json;

namespace svix {

namespace {

using state = webhook::outbox_state;
namespace views = webhook::views;

auto no_type() {
  return failure(errc::not_found, "there is no such event type");
}

void put(core& in, const call_ptr& c, webhook::put_event_type what, unsigned status) {
  catalogue(in, c, [&in, what = std::move(what), status](const call_ptr& ready, const events::sandbox_id& where) {
    in.change(ready, where, webhook::command{what}, [status](const call_ptr& done, actors::receipt r) {
      done->answer(status, std::move(r.reply));
    });
  });
}

void create(core& in, const call_ptr& c) {
  auto read = webhook::read_event_type_in(c->request->body);
  if (!read)
    return c->fail(read.error());
  read->must_be_new = true;
  put(in, c, std::move(*read), 201);
}

void list(core& in, const call_ptr& c) {
  query_reader q{c->query};
  auto page = read_page(q);
  auto descending = q.choice("order", {"ascending", "descending"}) == "descending";
  auto archived = q.truth("include_archived", false);
  auto after = from_cursor_of("event-type", page.after, "iterator");
  if (!after)
    q.reject("iterator", after.error().detail);
  if (auto fine = q.done(); !fine)
    return c->fail(fine.error());
  auto there = in.node.resolve(catalogue_uid);
  if (!there)
    return c->answer(200, list_response(page, {}, {}, false));
  in.look<state>(
      c, *there,
      [page, after = *after, descending, archived, who = c->who](const state& s, events::virtual_time) -> events::outcome<std::string> {
        auto down = page.backwards != descending;
        std::vector<const webhook::event_type*> found;
        for (auto& [name, type] : s.event_types())
          if ((archived || !type.archived) && who.sees(type.feature_flags) && (after.empty() || (down ? name < after : name > after)))
            found.push_back(&type);
        if (down)
          std::reverse(found.begin(), found.end());
        auto more = found.size() > page.limit;
        found.resize(std::min(found.size(), page.limit));
        if (page.backwards)
          std::reverse(found.begin(), found.end());
        std::vector<std::string> items, keys;
        for (auto* type : found) {
          items.push_back(views::event_type_out(*type));
          keys.push_back(to_cursor_of("event-type", type->name));
        }
        return list_response(page, items, keys, more);
      },
      [](const call_ptr& done, actors::receipt r) { done->answer(200, std::move(r.reply)); });
}

void get(core& in, const call_ptr& c) {
  auto there = in.node.resolve(catalogue_uid);
  if (!there)
    return c->fail(no_type().value());
  in.look<state>(
      c, *there,
      [name = c->param("event_type_name"), who = c->who](const state& s, events::virtual_time) -> events::outcome<std::string> {
        auto it = s.event_types().find(name);
        if (it == s.event_types().end() || !who.sees(it->second.feature_flags))
          return no_type();
        return views::event_type_out(it->second);
      },
      [](const call_ptr& done, actors::receipt r) { done->answer(200, std::move(r.reply)); });
}

/// PUT creates what is not there; PATCH keeps what is not given. The type as it is now is read first; two changes at the same moment may
/// overwrite each other, as with any two PUTs.
void change(core& in, const call_ptr& c, bool keep) {
  if (auto good = webhook::read_event_type_update(c->request->body, c->param("event_type_name"), nullptr); !good)
    return c->fail(good.error());
  auto now = [&in, keep](const call_ptr& ready, const std::optional<webhook::event_type>& before) {
    if (keep && !before)
      return ready->fail(no_type().value());
    auto read = webhook::read_event_type_update(ready->request->body, ready->param("event_type_name"), keep ? &*before : nullptr);
    if (!read)
      return ready->fail(read.error());
    put(in, ready, std::move(*read), before ? 200 : 201);
  };
  auto there = in.node.resolve(catalogue_uid);
  if (!there)
    return now(c, std::nullopt);
  auto before = std::make_shared<std::optional<webhook::event_type>>();
  in.look<state>(
      c, *there,
      [name = c->param("event_type_name"), before](const state& s, events::virtual_time) -> events::outcome<std::string> {
        if (auto it = s.event_types().find(name); it != s.event_types().end())
          *before = it->second;
        return "{}";
      },
      [before, now](const call_ptr& done, actors::receipt) { now(done, *before); });
}

void remove(core& in, const call_ptr& c) {
  query_reader q{c->query};
  auto for_good = q.truth("expunge", false);
  if (auto fine = q.done(); !fine)
    return c->fail(fine.error());
  auto there = in.node.resolve(catalogue_uid);
  if (!there)
    return c->fail(no_type().value());
  in.change(c, *there, webhook::command{webhook::remove_event_type{c->param("event_type_name"), for_good}},
            [](const call_ptr& done, actors::receipt) { done->no_content(); });
}

} // namespace

} // namespace svix

void add_event_types(router& to) {
  constexpr std::string_view base = "/api/v1/event-type";
  constexpr std::string_view one = "/api/v1/event-type/{event_type_name}";
  auto add = [&](route r) {
    r.tag = "event-type";
    r.speaks = dialect::svix;
    to.add(std::move(r));
  };
  add({.method = "POST", .path = base, .id = "v1.event-type.create", .says = "Adds an event type to the node's catalogue",
       .who = access::admin, .takes = body::unread_json, .body_schema = "EventTypeIn", .answers = {{201, "EventTypeOut"}}, .run = svix::create});
  add({.method = "GET", .path = base, .id = "v1.event-type.list", .says = "Event types, by name", .who = access::any_key,
       .query = {{"limit", "integer", "1 to 250; 50 if absent"}, {"iterator", "string", "Of the page before; with - backwards"},
                 {"order", "string", "ascending or descending"}, {"include_archived", "boolean", "Archived ones too"},
                 {"with_content", "boolean", "Taken; schemas always come"}},
       .answers = {{200, "ListResponseEventTypeOut"}}, .portal = capability::view, .run = svix::list});
  add({.method = "GET", .path = one, .id = "v1.event-type.get", .says = "One event type", .who = access::any_key,
       .answers = {{200, "EventTypeOut"}}, .portal = capability::view, .run = svix::get});
  add({.method = "PUT", .path = one, .id = "v1.event-type.update", .says = "Replaces an event type, or creates it", .who = access::admin,
       .takes = body::unread_json, .body_schema = "EventTypeUpdate", .answers = {{200, "EventTypeOut"}, {201, "EventTypeOut", "Created"}},
       .run = [](core& in, const call_ptr& c) { svix::change(in, c, false); }});
  add({.method = "PATCH", .path = one, .id = "v1.event-type.patch", .says = "Changes an event type", .who = access::admin,
       .takes = body::unread_json, .body_schema = "EventTypePatch", .answers = {{200, "EventTypeOut"}},
       .run = [](core& in, const call_ptr& c) { svix::change(in, c, true); }});
  add({.method = "DELETE", .path = one, .id = "v1.event-type.delete", .says = "Archives an event type, or removes it for good",
       .who = access::admin, .query = {{"expunge", "boolean", "For good"}}, .answers = {{204}}, .run = svix::remove});
}

} // namespace hourglass::api
