#include "api/core.hpp"
#include "api/input.hpp"
#include "api/query.hpp"
#include "api/reserved.hpp"
#include "api/routes.hpp"
#include "api/sandbox_views.hpp"
#include "webhook/raw_member.hpp"

namespace hourglass::api {

using events::errc;
using nlohmann::json;

namespace {

/// `{"name", "uid", "owner", "metadata", "ttl_seconds", "seed", "retention", "schema_check"}`: the rules of each are the core's (mock/settings.hpp); here only that nothing else is there.
events::outcome<void> known_members(const json& body, bool with_document) {
  input in{body};
  for (auto name : {"name", "uid", "owner", "metadata", "ttl_seconds", "seed", "retention", "schema_check"})
    in.any(name);
  if (with_document)
    in.any("openapi");
  if (auto uid = body.is_object() ? body.find("uid") : body.end(); body.is_object() && uid != body.end() && *uid == catalogue_uid)
    in.reject("uid", "is reserved");
  return in.done();
}

void answer_created(core& in, const call_ptr& c, const std::string& reply) {
  auto sandbox = sandbox_json(reply, in.options.base_url);
  auto id = sandbox.value("id", "");
  c->answer(201, sandbox.dump(), {{"Location", "/sandboxes/" + id}});
}

/// A sandbox whose document is refused is taken back, so that a failed create leaves nothing.
void import_into(core& in, const call_ptr& c, std::string document, std::string reply) {
  const auto made = json::parse(reply);
  auto id = events::sandbox_id::parse(made.value("id", ""));
  if (!id)
    return c->fail({errc::internal, "the new sandbox has no id", {}});
  mock::import_openapi import{std::move(document), {}};
  import.chance = mock::chance_of_import(made.value("seed", ""));
  in.node.submit(*id, mock::endpoint_command{std::move(import)}, c->caller(),
                 [&in, c, id = *id, reply = std::move(reply)](events::outcome<actors::receipt> r) {
                   guarded(c, [&] {
                     if (r)
                       return answer_created(in, c, reply);
                     auto why = r.error();
                     why.where = "/openapi" + (why.where.starts_with('/') ? why.where : std::string{});
                     in.node.submit(id, mock::settings_command{mock::delete_sandbox{}}, c->caller(),
                                    [c, why](const events::outcome<actors::receipt>& gone) {
                                      c->taken_back = gone.has_value();
                                      c->fail(why);
                                    });
                   });
                 });
}

void create(core& in, const call_ptr& c) {
  if (auto fine = known_members(c->body, true); !fine)
    return c->fail(fine.error());
  std::string document;
  if (auto it = c->body.find("openapi"); it != c->body.end()) {
    if (it->is_string())
      document = it->get<std::string>();
    else if (it->is_object())
      document = std::string{webhook::raw_member(c->request->body, "openapi")};
    else
      return c->fail({errc::invalid, "must be an OpenAPI document: an object, or a string with JSON or YAML", "/openapi"});
    c->body.erase("openapi");
  }
  in.node.create(c->body.dump(), c->caller(),
                 [&in, c, document = std::move(document)](events::outcome<actors::receipt> r) mutable {
                   if (!r)
                     return c->fail(r.error());
                   guarded(c, [&] {
                     if (document.empty())
                       answer_created(in, c, r->reply);
                     else
                       import_into(in, c, std::move(document), std::move(r->reply));
                   });
                 });
}

void list(core& in, const call_ptr& c) {
  query_reader q{c->query};
  auto limit = q.limit();
  auto cursor = q.text("cursor", 1024).value_or("");
  if (auto fine = q.done(); !fine)
    return c->fail(fine.error());
  auto after = from_cursor(cursor);
  if (!after)
    return c->fail(after.error());
  in.on_reader(c, [&in, after = std::move(*after), limit](const call_ptr& done) {
    auto page = in.node.list(after, limit);
    if (!page)
      return done->fail(page.error());
    auto out = json{{"data", json::array()}, {"next_cursor", nullptr}};
    for (auto& text : page->sandboxes)
      if (auto one = sandbox_json(text, in.options.base_url); one.value("uid", json{}) != catalogue_uid)
        out["data"].push_back(std::move(one));
    if (!page->next.empty())
      out["next_cursor"] = to_cursor(page->next);
    done->answer(200, out);
  });
}

void get(core& in, const call_ptr& c) {
  show_sandbox(in, c, 200);
}

void patch(core& in, const call_ptr& c) {
  if (auto fine = known_members(c->body, false); !fine)
    return c->fail(fine.error());
  in.change(c, c->sandbox, mock::settings_command{mock::update_sandbox{c->body.dump(), std::nullopt}},
            [&in](const call_ptr& done, actors::receipt) { show_sandbox(in, done, 200); });
}

void remove(core& in, const call_ptr& c) {
  in.change(c, c->sandbox, mock::settings_command{mock::delete_sandbox{}},
            [](const call_ptr& done, actors::receipt) { done->no_content(); });
}

} // namespace

json sandbox_json(const std::string& text, const std::string& base_url) {
  auto out = json::parse(text, nullptr, false);
  if (!out.is_object())
    return json::object();
  out["base_url"] = base_url + "/s/" + out.value("id", "");
  return out;
}

void show_sandbox(core& in, const call_ptr& c, unsigned status) {
  in.look<mock::settings_state>(
      c, c->sandbox,
      [id = c->sandbox](const mock::settings_state& state, events::virtual_time) -> events::outcome<std::string> {
        return mock::to_json(state, id.to_string());
      },
      [&in, status](const call_ptr& done, actors::receipt r) {
        done->answer(status, sandbox_json(r.reply, in.options.base_url));
      });
}

void add_sandboxes(router& to) {
  constexpr std::string_view tag = "sandboxes";
  to.add({.method = "POST", .path = "/sandboxes", .id = "createSandbox", .tag = tag,
          .says = "Creates a sandbox; its client secret is shown this once", .who = access::admin, .takes = body::json,
          .body_schema = "SandboxCreate", .answers = {{201, "SandboxCreated"}}, .run = create});
  to.add({.method = "GET", .path = "/sandboxes", .id = "listSandboxes", .tag = tag, .says = "All sandboxes, by id",
          .who = access::admin,
          .query = {{"limit", "integer", "Page size, 1 to 250; 50 if absent"}, {"cursor", "string", "next_cursor of the page before"}},
          .answers = {{200, "SandboxList"}}, .run = list});
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}", .id = "getSandbox", .tag = tag, .says = "One sandbox, by id or uid",
          .who = access::sandbox, .answers = {{200, "Sandbox"}}, .run = get});
  to.add({.method = "PATCH", .path = "/sandboxes/{sandbox}", .id = "updateSandbox", .tag = tag,
          .says = "Merge patch: changes what is given, null takes away", .who = access::sandbox, .takes = body::json,
          .body_schema = "SandboxPatch", .answers = {{200, "Sandbox"}}, .run = patch});
  to.add({.method = "DELETE", .path = "/sandboxes/{sandbox}", .id = "deleteSandbox", .tag = tag,
          .says = "Deletes a sandbox. Its events stay in the log until they are pruned (--deleted-sandbox-retention, pruneSandbox)", .who = access::sandbox, .answers = {{204}}, .run = remove});
}

} // namespace hourglass::api
