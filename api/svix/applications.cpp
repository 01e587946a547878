#include "api/core.hpp"
#include "api/input.hpp"
#include "api/reserved.hpp"
#include "api/routes.hpp"
#include "api/svix/applications.hpp"
#include "api/svix/paging.hpp"

#include <algorithm>

namespace hourglass::api {

using events::errc;
using events::failure;
using nlohmann::json;

namespace svix {

json application_out(const std::string& sandbox) {
  auto from = json::parse(sandbox, nullptr, false);
  json out;
  out["id"] = from.value("id", "");
  auto uid = from.find("uid");
  out["uid"] = uid != from.end() && uid->is_string() && !uid->get_ref<const std::string&>().empty() ? *uid : json{};
  out["name"] = from.value("name", json(""));
  out["metadata"] = from.value("metadata", json::object());
  out["rateLimit"] = nullptr;
  out["throttleRate"] = nullptr;
  out["createdAt"] = from.value("created_at", json{});
  out["updatedAt"] = from.value("updated_at", json{});
  return out;
}

namespace {

void show(core& in, const call_ptr& c, const events::sandbox_id& id, unsigned status) {
  in.look<mock::settings_state>(
      c, id,
      [id](const mock::settings_state& state, events::virtual_time) -> events::outcome<std::string> {
        return application_out(mock::to_json(state, id.to_string())).dump();
      },
      [status](const call_ptr& done, actors::receipt r) { done->answer(status, std::move(r.reply)); });
}

} // namespace

events::outcome<std::string> application_in(const json& body, bool whole, std::string where) {
  input in{body, std::move(where)};
  json out = json::object();
  if (whole) {
    out["name"] = in.text("name", 1, 256);
    in.has("uid"); // absent in a PUT by id takes it away
  } else if (auto name = in.optional_text("name", 1, 256)) {
    out["name"] = *name;
  }
  if (auto uid = in.optional_text("uid", 1, 256)) {
    if (*uid == catalogue_uid)
      in.reject("uid", "is reserved");
    out["uid"] = *uid;
  }
  if (in.is_null("uid") && !whole)
    out["uid"] = nullptr;
  if (auto metadata = in.optional_map("metadata", 50, 4096)) {
    out["metadata"] = json::object();
    for (auto& [key, value] : *metadata)
      out["metadata"][key] = value;
  }
  if (auto fine = in.done(unknown::ignore); !fine)
    return tl::unexpected<events::error>{fine.error()};
  return out.dump();
}

events::outcome<std::string> application_of_path(const json& body, const std::string& name, std::string where) {
  // An id is made by the server: one that nobody has is nobody's.
  if (name.empty() || name.size() > 256 || events::sandbox_id::parse(name))
    return failure(errc::not_found, "there is no such application");
  if (name == catalogue_uid)
    return failure(errc::invalid, "is reserved", where + "/uid");
  auto text = application_in(body, true, where);
  if (!text)
    return text;
  auto out = json::parse(*text);
  if (out.contains("uid") && out["uid"] != name)
    return failure(errc::invalid, "must be the uid of the path", where + "/uid");
  out["uid"] = name;
  return out.dump();
}

namespace {

/// With `get_if_exists` and many at once, one makes it and the others see it as soon as it stands: until then its uid is taken and leads nowhere.
void create_or_show(core& in, const call_ptr& c, const actors::caller& who, const std::string& text, const std::string& uid, int tries) {
  if (!uid.empty())
    if (auto there = in.node.resolve(uid))
      return show(in, c, *there, 200);
  in.node.create(text, who, [&in, c, who, text, uid, tries](events::outcome<actors::receipt> r) {
    guarded(c, [&] {
      if (r)
        return c->answer(201, application_out(r->reply));
      if (uid.empty() || r.error().code != errc::conflict || tries == 0 || in.draining)
        return c->fail(r.error());
      in.later.after(std::chrono::milliseconds{10}, [&in, c, who, text, uid, tries] {
        guarded(c, [&] { create_or_show(in, c, who, text, uid, tries - 1); });
      });
    });
  });
}

void create(core& in, const call_ptr& c) {
  constexpr int tries = 500; // five seconds
  query_reader q{c->query};
  auto get_if_exists = q.truth("get_if_exists", false);
  if (auto fine = q.done(); !fine)
    return c->fail(fine.error());
  auto text = application_in(c->body, true);
  if (!text)
    return c->fail(text.error());
  auto uid = c->body.value("uid", json{});
  create_or_show(in, c, c->caller(), *text, get_if_exists && uid.is_string() ? uid.get<std::string>() : std::string{}, tries);
}

struct app_page {
  std::vector<std::string> items, keys;
  bool more = false;
};

/// Reads on until the page is full: what is hidden may fill whole pages of the node's.
events::outcome<app_page> read_apps(core& in, std::string after, std::size_t limit, bool down) {
  app_page out;
  while (true) {
    auto found = in.node.list(after, limit + 1 - out.items.size(), down);
    if (!found) {
      auto why = std::move(found).error();
      if (why.where == "cursor")
        why.where = "iterator"; // as the caller knows it
      return tl::unexpected<events::error>{std::move(why)};
    }
    for (auto& text : found->sandboxes) {
      auto one = application_out(text);
      if (one["uid"] == catalogue_uid)
        continue;
      if (out.more = out.items.size() == limit; out.more)
        return out;
      out.keys.push_back(one.value("id", ""));
      out.items.push_back(one.dump());
    }
    if (found->next.empty())
      return out;
    after = std::move(found->next);
  }
}

void list(core& in, const call_ptr& c) {
  query_reader q{c->query};
  auto page = read_page(q);
  auto descending = q.choice("order", {"ascending", "descending"}) == "descending";
  if (!page.after.empty() && !events::sandbox_id::parse(page.after))
    q.reject("iterator", "is not an iterator that this server gave");
  if (auto fine = q.done(); !fine)
    return c->fail(fine.error());
  in.on_reader(c, [&in, page, descending](const call_ptr& done) {
    auto found = read_apps(in, page.after, page.limit, page.backwards != descending);
    if (!found)
      return done->fail(found.error());
    if (page.backwards) {
      std::reverse(found->items.begin(), found->items.end());
      std::reverse(found->keys.begin(), found->keys.end());
    }
    done->answer(200, list_response(page, found->items, found->keys, found->more));
  });
}

void get(core& in, const call_ptr& c) {
  show(in, c, c->sandbox, 200);
}

/// PUT: what is not given goes back to its default; what is not there is created under this uid.
void update(core& in, const call_ptr& c) {
  if (c->sandbox == events::sandbox_id{}) {
    auto text = application_of_path(c->body, c->param("app_id"));
    return text ? create_or_show(in, c, c->caller(), *text, {}, 0) : c->fail(text.error());
  }
  auto text = application_in(c->body, true);
  if (!text)
    return c->fail(text.error());
  auto patch = json::parse(*text);
  // Whoever names it by its uid says the uid: taken away, the same request would make a second one.
  if (const auto name = c->param("app_id"); !c->body.contains("uid") && !events::sandbox_id::parse(name))
    patch["uid"] = name;
  for (auto name : {"uid", "metadata"})
    if (!patch.contains(name))
      patch[name] = nullptr;
  in.change(c, c->sandbox, mock::settings_command{mock::update_sandbox{patch.dump(), std::nullopt}},
            [&in](const call_ptr& done, actors::receipt) { show(in, done, done->sandbox, 200); });
}

void patch(core& in, const call_ptr& c) {
  auto text = application_in(c->body, false);
  if (!text)
    return c->fail(text.error());
  in.change(c, c->sandbox, mock::settings_command{mock::update_sandbox{*text, std::nullopt}},
            [&in](const call_ptr& done, actors::receipt) { show(in, done, done->sandbox, 200); });
}

void remove(core& in, const call_ptr& c) {
  in.change(c, c->sandbox, mock::settings_command{mock::delete_sandbox{}},
            [](const call_ptr& done, actors::receipt) { done->no_content(); });
}

} // namespace

} // namespace svix

void add_applications(router& to) {
  constexpr std::string_view tag = "application";
  to.add({.method = "POST", .path = "/api/v1/app", .id = "v1.application.create", .tag = tag,
          .says = "Creates a sandbox as an application", .who = access::admin, .speaks = dialect::svix,
          .query = {{"get_if_exists", "boolean", "Answer with the application of that uid if there is one"}}, .takes = body::json,
          .body_schema = "ApplicationIn", .answers = {{200, "ApplicationOut", "It was there"}, {201, "ApplicationOut", "Created"}},
          .run = svix::create});
  to.add({.method = "GET", .path = "/api/v1/app", .id = "v1.application.list", .tag = tag, .says = "All sandboxes as applications",
          .who = access::admin, .speaks = dialect::svix,
          .query = {{"limit", "integer", "1 to 250; 50 if absent"}, {"iterator", "string", "Of the page before; with - backwards"},
                    {"order", "string", "ascending or descending"}},
          .answers = {{200, "ListResponseApplicationOut"}}, .run = svix::list});
  to.add({.method = "GET", .path = "/api/v1/app/{app_id}", .id = "v1.application.get", .tag = tag, .says = "One application, by id or uid",
          .who = access::sandbox, .speaks = dialect::svix, .answers = {{200, "ApplicationOut"}}, .portal = capability::view, .run = svix::get});
  to.add({.method = "PUT", .path = "/api/v1/app/{app_id}", .id = "v1.application.update", .tag = tag,
          .says = "Replaces an application; the admin creates one under this uid if there is none", .who = access::sandbox,
          .speaks = dialect::svix, .takes = body::json, .body_schema = "ApplicationIn",
          .answers = {{200, "ApplicationOut"}, {201, "ApplicationOut", "Created"}}, .may_create = true, .run = svix::update});
  to.add({.method = "PATCH", .path = "/api/v1/app/{app_id}", .id = "v1.application.patch", .tag = tag, .says = "Changes an application",
          .who = access::sandbox, .speaks = dialect::svix, .takes = body::json, .body_schema = "ApplicationPatch",
          .answers = {{200, "ApplicationOut"}}, .run = svix::patch});
  to.add({.method = "DELETE", .path = "/api/v1/app/{app_id}", .id = "v1.application.delete", .tag = tag, .says = "Deletes an application",
          .who = access::sandbox, .speaks = dialect::svix, .answers = {{204}}, .run = svix::remove});
}

} // namespace hourglass::api
